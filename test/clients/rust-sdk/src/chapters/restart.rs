//! The server goes away, and comes back.

use anyhow::{Context, Result, ensure};
use matrix_sdk::ruma::events::room::message::RoomMessageEventContent;
use matrix_sdk_ui::sync_service::State;

use crate::{
    chapters::membership::chat_of,
    device::Device,
    report::{Chapter, Outcome},
    talk::{message, say, scroll_to_start, texts},
    wait::until_true,
    world::World,
};

pub async fn tell(world: &World, chapter: &Chapter) -> Outcome {
    let (alice, bob, room_id) = chapter
        .step("two people have an encrypted chat", async {
            let alice = Device::log_in(world, &world.account("patient").await?, "Alice's phone").await?;
            let bob = Device::log_in(world, &world.account("steady").await?, "Bob's phone").await?;
            let room_id = chat_of(&alice, &bob).await?;
            Ok((alice, bob, room_id))
        })
        .await?;
    let (hers, his) =
        chapter.step("both open it", async { Ok((alice.open(&room_id).await?, bob.open(&room_id).await?)) }).await?;

    chapter
        .step("the server is restarted, and the syncs go on", async {
            say(&hers, "Before").await?;
            message(&his, "Before").await?;
            world.stop_server().await?;
            until_true("devices that are offline", async || is_offline(&alice) && is_offline(&bob)).await?;
            world.start_server().await?;
            goes_on(&alice).await?;
            goes_on(&bob).await?;
            say(&hers, "After").await?;
            message(&his, "After").await?;
            say(&his, "Indeed").await?;
            message(&hers, "Indeed").await?;
            Ok(())
        })
        .await?;
    chapter
        .step("what is written while it is away is sent once when it is back, in its order", async {
            world.kill_server().await?;
            let mut written = Vec::new();
            for n in 0..5 {
                let text = format!("Written offline {n}");
                hers.send(RoomMessageEventContent::text_plain(&text).into()).await?;
                written.push(text);
            }
            until_true("a device that is offline", async || is_offline(&alice)).await?;
            world.start_server().await?;
            goes_on(&alice).await?;
            goes_on(&bob).await?;
            // As the application does when it is online again.
            alice.client.send_queue().set_enabled(true).await;
            message(&his, "Written offline 4").await?;
            // His connection began anew, perhaps between two of them, with a page.
            scroll_to_start(&his).await?;
            let arrived: Vec<_> = texts(&his).await.into_iter().filter(|text| text.starts_with("Written offline")).collect();
            ensure!(arrived == written, "{arrived:?}");
            Ok(())
        })
        .await?;
    chapter
        .step("the server is killed while messages are sent, and none is lost or doubled", async {
            let texts_of = |n: usize| format!("Under fire {n}");
            let sending = async {
                for n in 0..30 {
                    hers.send(RoomMessageEventContent::text_plain(texts_of(n)).into()).await?;
                    if n == 10 {
                        message(&hers, &texts_of(2)).await?;
                    }
                }
                anyhow::Ok(())
            };
            let killing = async {
                message(&hers, &texts_of(2)).await?;
                world.kill_server().await?;
                world.start_server().await
            };
            let (sent, killed) = tokio::join!(sending, killing);
            sent?;
            killed?;
            goes_on(&alice).await?;
            goes_on(&bob).await?;
            alice.client.send_queue().set_enabled(true).await;
            message(&his, &texts_of(29)).await?;
            // His connection began anew, with a page.
            scroll_to_start(&his).await?;
            let arrived: Vec<_> = texts(&his).await.into_iter().filter(|text| text.starts_with("Under fire")).collect();
            ensure!(arrived == (0..30).map(texts_of).collect::<Vec<_>>(), "{arrived:?}");
            Ok(())
        })
        .await?;
    chapter
        .step("an application that was closed over a restart goes on where it was", async {
            let closed = bob.close().await?;
            world.stop_server().await?;
            world.start_server().await?;
            goes_on(&alice).await?;
            say(&hers, "While you were away").await?;
            let bob = Device::reopen(world, closed).await?;
            let his = bob.open(&room_id).await?;
            message(&his, "While you were away").await?;
            scroll_to_start(&his).await?;
            message(&his, "Under fire 29").await?;
            message(&his, "Before").await?;
            Ok(())
        })
        .await
}

fn is_offline(device: &Device) -> bool {
    matches!(device.sync.state().get(), State::Offline | State::Error(_))
}

/// As the application does when the network is back.
async fn goes_on(device: &Device) -> Result<()> {
    device.sync.start().await;
    device.is_running().await.context("it does not sync any more")
}
