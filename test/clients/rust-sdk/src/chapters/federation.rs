//! Two people on two servers.

use anyhow::ensure;

use crate::{
    chapters::membership::chat_of,
    device::Device,
    report::{Chapter, Outcome},
    talk::{item, message, say},
    wait::{until, until_true},
    world::{Server, World},
};

pub async fn tell(world: &World, chapter: &Chapter) -> Outcome {
    let (alice, carol) = chapter
        .step("two people log in, each to their own server", async {
            let alice = Device::log_in(world, &world.account("near").await?, "Alice's phone").await?;
            let carol = Device::log_in(world, &world.account_on(Server::Two, "far").await?, "Carol's phone").await?;
            Ok((alice, carol))
        })
        .await?;
    let (hers, theirs) = chapter
        .step("an encrypted chat is made across them", async {
            let room_id = chat_of(&alice, &carol).await?;
            Ok((alice.open(&room_id).await?, carol.open(&room_id).await?))
        })
        .await?;
    chapter
        .step("both read each other", async {
            until("Carol's device", async || {
                Ok(alice.client.encryption().get_device(carol.user_id(), carol.client.device_id().unwrap()).await?)
            })
            .await?;
            say(&hers, "From one").await?;
            message(&theirs, "From one").await?;
            say(&theirs, "From two").await?;
            message(&hers, "From two").await?;
            Ok(())
        })
        .await?;
    chapter
        .step("a reaction, a receipt and typing come across", async {
            let sent = message(&theirs, "From one").await?;
            theirs.toggle_reaction(&sent.identifier(), "🌍").await?;
            item(&hers, sent.event_id().unwrap(), "the reaction", |item| {
                item.content().as_msglike().unwrap().reactions.contains_key("🌍")
            })
            .await?;
            say(&hers, "Read this").await?;
            let unread = message(&theirs, "Read this").await?;
            theirs.mark_as_read(matrix_sdk::ruma::api::client::receipt::create_receipt::v3::ReceiptType::Read).await?;
            until("the receipt", async || {
                Ok(hers.latest_user_read_receipt(carol.user_id()).await.filter(|(id, _)| Some(&**id) == unread.event_id()))
            })
            .await?;
            let (_guard, mut typing) = hers.room().subscribe_to_typing_notifications();
            theirs.room().typing_notice(true).await?;
            ensure!(typing.recv().await? == [carol.user_id()]);
            Ok(())
        })
        .await?;
    chapter
        .step("a profile is seen across", async {
            carol.client.account().set_display_name(Some("Carol of two")).await?;
            until("the name", async || {
                let member = hers.room().get_member(carol.user_id()).await?;
                Ok(member.filter(|member| member.display_name() == Some("Carol of two")))
            })
            .await?;
            let profile = alice.client.account().fetch_user_profile_of(carol.user_id()).await?;
            ensure!(profile.get("displayname").and_then(|name| name.as_str()) == Some("Carol of two"));
            Ok(())
        })
        .await?;
    chapter
        .step("one server restarts, and the other's messages come in", async {
            world.stop_server().await?;
            theirs
                .send(matrix_sdk::ruma::events::room::message::RoomMessageEventContent::text_plain("While you slept").into())
                .await?;
            message(&theirs, "While you slept").await?;
            world.start_server().await?;
            alice.sync.start().await;
            alice.is_running().await?;
            until_true("the message", async || crate::talk::seen(&hers, "While you slept").await.is_some()).await
        })
        .await
}
