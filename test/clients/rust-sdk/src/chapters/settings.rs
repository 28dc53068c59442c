//! The settings of rooms: what they are called, who may come in, who reads what, and what is wrong with them.

use anyhow::{Result, ensure};
use matrix_sdk::{
    RoomState,
    room::Receipts,
    ruma::{
        OwnedRoomAliasId, RoomAliasId,
        api::client::room::{
            Visibility,
            create_room::v3::{CreationContent, Request as CreateRoom},
        },
        events::{
            receipt::{ReceiptThread, ReceiptType},
            room::{
                history_visibility::HistoryVisibility,
                join_rules::{AllowRule, JoinRule, Restricted},
                message::RoomMessageEventContent,
            },
            tag::TagName,
        },
        room::RoomType,
        serde::Raw,
        uint,
    },
};

use crate::{
    chapters::membership::room_of,
    device::Device,
    report::{Chapter, Outcome},
    talk::{message, say, scroll_to_start, texts},
    wait::{until, until_true},
    world::World,
};

pub async fn tell(world: &World, chapter: &Chapter) -> Outcome {
    let (alice, bob) = chapter
        .step("two people log in", async {
            let alice = Device::log_in(world, &world.account("landlord").await?, "Alice's phone").await?;
            let bob = Device::log_in(world, &world.account("tenant").await?, "Bob's phone").await?;
            Ok((alice, bob))
        })
        .await?;
    chapter.step("a private room becomes a public one with an address", publish(&alice, &bob)).await?;
    chapter.step("members of a space come in without an invite", come_in_through_space(&alice, &bob)).await?;
    chapter.step("what was said before is for those who were there", keep_history(&alice, &bob)).await?;
    chapter.step("receipts are kept private, and several sent at once", read_in_private(&alice, &bob)).await?;
    chapter.step("tags of any name, and drafts of account data, come by sync", tag(&alice)).await?;
    chapter.step("messages, rooms and people are reported", report(&alice, &bob)).await
}

async fn publish(alice: &Device, bob: &Device) -> Result<()> {
    let room = alice.create_room(CreateRoom::new()).await?;
    let alias: OwnedRoomAliasId = RoomAliasId::parse(format!("#house:{}", alice.user_id().server_name()))?;
    let settings = room.privacy_settings();
    ensure!(settings.get_room_visibility().await? == Visibility::Private);
    ensure!(settings.publish_room_alias_in_room_directory(&alias).await?, "the alias is taken");
    settings.update_canonical_alias(Some(alias.clone()), vec![]).await?;
    settings.update_join_rule(JoinRule::Public).await?;
    settings.update_room_visibility(Visibility::Public).await?;
    ensure!(settings.get_room_visibility().await? == Visibility::Public);
    room.set_name("The house".to_owned()).await?;
    room.set_room_topic("Four walls").await?;
    let joined = bob.client.join_room_by_id_or_alias((&*alias).into(), &[]).await?;
    let joined = bob.room(joined.room_id(), RoomState::Joined).await?;
    until_true("its address", async || joined.canonical_alias().as_ref() == Some(&alias)).await?;
    until_true("its topic", async || joined.topic().as_deref() == Some("Four walls")).await?;
    ensure!(settings.remove_room_alias_from_room_directory(&alias).await?, "the alias is not there");
    Ok(())
}

async fn come_in_through_space(alice: &Device, bob: &Device) -> Result<()> {
    let mut content = CreationContent::new();
    content.room_type = Some(RoomType::Space);
    let mut request = CreateRoom::new();
    request.creation_content = Some(Raw::new(&content)?);
    request.invite = vec![bob.user_id().to_owned()];
    let space = alice.create_room(request).await?.room_id().to_owned();
    let room = alice.create_room(CreateRoom::new()).await?;
    let rule = Restricted::new(vec![AllowRule::room_membership(space.clone())]);
    room.privacy_settings().update_join_rule(JoinRule::Restricted(rule)).await?;
    ensure!(bob.client.join_room_by_id(room.room_id()).await.is_err(), "he came in before he was in the space");
    bob.accept_invite(&space).await?;
    ensure!(bob.client.get_room_preview(room.room_id().into(), vec![]).await?.num_joined_members == 1);
    bob.client.join_room_by_id(room.room_id()).await?;
    bob.room(room.room_id(), RoomState::Joined).await?;
    Ok(())
}

async fn keep_history(alice: &Device, bob: &Device) -> Result<()> {
    let room = alice.create_room(CreateRoom::new()).await?;
    let hers = alice.open(room.room_id()).await?;
    say(&hers, "For those who are here").await?;
    room.privacy_settings().update_room_history_visibility(HistoryVisibility::Joined).await?;
    say(&hers, "Still for those who are here").await?;
    room.invite_user_by_id(bob.user_id()).await?;
    bob.accept_invite(room.room_id()).await?;
    let his = bob.open(room.room_id()).await?;
    say(&hers, "For both").await?;
    message(&his, "For both").await?;
    scroll_to_start(&his).await?;
    let read = texts(&his).await;
    ensure!(!read.iter().any(|text| text == "Still for those who are here"), "he reads {read:?}");
    Ok(())
}

async fn read_in_private(alice: &Device, bob: &Device) -> Result<()> {
    let room_id = room_of(alice, &[bob]).await?;
    let (hers, his) = (alice.open(&room_id).await?, bob.open(&room_id).await?);
    let first = say(&hers, "First").await?;
    let second = say(&hers, "Second").await?;
    message(&his, "Second").await?;
    let room = his.room();
    let receipts = Receipts::new().fully_read_marker(first.clone()).private_read_receipt(second.clone());
    room.send_multiple_receipts(receipts).await?;
    until_true("nothing unread", async || room.unread_notification_counts().notification_count == 0).await?;
    room.set_unread_flag(true).await?;
    until_true("the mark", async || room.is_marked_unread()).await?;
    // Whoever writes has seen what comes later than a private receipt would have shown.
    say(&his, "Third").await?;
    message(&hers, "Third").await?;
    let seen = hers.room().load_user_receipt(ReceiptType::ReadPrivate, &ReceiptThread::Unthreaded, bob.user_id());
    ensure!(seen.await?.is_none(), "she sees his private receipt");
    let around = room.event_with_context(&second, true, uint!(4), None).await?;
    ensure!(around.event.is_some() && !around.events_before.is_empty() && !around.events_after.is_empty());
    Ok(())
}

async fn tag(alice: &Device) -> Result<()> {
    let room = alice.create_room(CreateRoom::new()).await?;
    room.set_tag(TagName::User("u.work".parse()?), Default::default()).await?;
    until("the tag", async || Ok(room.tags().await?.filter(|tags| tags.contains_key(&TagName::from("u.work"))))).await?;
    room.remove_tag(TagName::from("u.work")).await?;
    until("no tag", async || Ok(room.tags().await?.filter(|tags| tags.is_empty()))).await?;
    Ok(())
}

async fn report(alice: &Device, bob: &Device) -> Result<()> {
    let room_id = room_of(alice, &[bob]).await?;
    let room = alice.client.get_room(&room_id).unwrap();
    let sent = room.send(RoomMessageEventContent::text_plain("Nonsense")).await?.response.event_id;
    let his = bob.client.get_room(&room_id).unwrap();
    his.report_content(sent, Some("It is nonsense".to_owned())).await?;
    his.report_room("All of it".to_owned()).await?;
    let user =
        matrix_sdk::ruma::api::client::reporting::report_user::v3::Request::new(alice.user_id().to_owned(), "Her".to_owned());
    bob.client.send(user).await?;
    Ok(())
}
