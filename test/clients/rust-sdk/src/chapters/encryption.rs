//! An encrypted room between two people with two devices each.

use anyhow::Result;
use matrix_sdk::RoomState;
use matrix_sdk_ui::Timeline;

use crate::{
    chapters::membership::chat_of,
    device::Device,
    report::{Chapter, Outcome},
    talk::{message, say},
    wait::{until, until_true},
    world::World,
};

pub async fn tell(world: &World, chapter: &Chapter) -> Outcome {
    let (hers, his) = chapter
        .step("accounts are made", async { Ok((world.account("sender").await?, world.account("receiver").await?)) })
        .await?;
    let (alice, bob) = chapter
        .step("two people log in, and have cross-signing keys at once", async {
            let alice = Device::log_in(world, &hers, "Alice's phone").await?;
            let bob = Device::log_in(world, &his, "Bob's phone").await?;
            for device in [&alice, &bob] {
                until_true("private cross-signing keys", async || {
                    device.client.encryption().cross_signing_status().await.is_some_and(|status| status.is_complete())
                })
                .await?;
            }
            Ok((alice, bob))
        })
        .await?;
    let (tablet, laptop) = chapter
        .step("each logs in on another device", async {
            Ok((Device::log_in(world, &hers, "Alice's tablet").await?, Device::log_in(world, &his, "Bob's laptop").await?))
        })
        .await?;
    let room_id = chapter
        .step("an encrypted chat is made", async {
            let room_id = chat_of(&alice, &bob).await?;
            for device in [&tablet, &laptop] {
                device.room(&room_id, RoomState::Joined).await?;
            }
            Ok(room_id)
        })
        .await?;
    let timelines = chapter
        .step("all four devices read what each of them writes", async {
            let mut timelines = Vec::new();
            for device in [&alice, &tablet, &bob, &laptop] {
                timelines.push(device.open(&room_id).await?);
            }
            for (n, writer) in timelines.iter().enumerate() {
                // A device learns of others by and by; what was written before is not for them.
                until_true("two devices of each", async || knows_all(&[&alice, &tablet, &bob, &laptop]).await).await?;
                let text = format!("From device {n}");
                say(writer, &text).await?;
                for reader in &timelines {
                    message(reader, &text).await?;
                }
            }
            Ok(timelines)
        })
        .await?;
    chapter
        .step("a device that comes later is written to as well, and reads no more than that", async {
            let watch = Device::log_in(world, &his, "Bob's watch").await?;
            let watched = watch.open(&room_id).await?;
            let watch_id = watch.client.device_id().unwrap().to_owned();
            until("the watch", async || Ok(alice.client.encryption().get_device(bob.user_id(), &watch_id).await?)).await?;
            say(&timelines[0], "Also to the watch").await?;
            message(&watched, "Also to the watch").await?;
            Ok(())
        })
        .await?;
    chapter.step("an edit and a reaction are encrypted too", encrypted_extras(&timelines[0], &timelines[2])).await
}

async fn knows_all(devices: &[&Device]) -> bool {
    for device in devices {
        for other in devices {
            let known = device.client.encryption().get_device(other.user_id(), other.client.device_id().unwrap()).await;
            if !matches!(known, Ok(Some(_))) {
                return false;
            }
        }
    }
    true
}

async fn encrypted_extras(hers: &Timeline, his: &Timeline) -> Result<()> {
    use matrix_sdk::{room::edit::EditedContent, ruma::events::room::message::RoomMessageEventContentWithoutRelation};
    say(hers, "To be edited").await?;
    let sent = message(hers, "To be edited").await?;
    let new_content = EditedContent::RoomMessage(RoomMessageEventContentWithoutRelation::text_plain("Edited"));
    hers.edit(&sent.identifier(), new_content).await?;
    let edited = message(his, "Edited").await?;
    his.toggle_reaction(&edited.identifier(), "👍").await?;
    crate::talk::item(hers, sent.event_id().unwrap(), "the reaction", |item| {
        item.content().as_msglike().unwrap().reactions.contains_key("👍")
    })
    .await?;
    Ok(())
}
