//! What is said in a room, as both sides see it.

use anyhow::{Result, ensure};
use matrix_sdk::{
    room::edit::EditedContent,
    ruma::{
        api::client::receipt::create_receipt::v3::ReceiptType, events::room::message::RoomMessageEventContentWithoutRelation,
    },
};
use matrix_sdk_ui::{
    Timeline,
    timeline::{TimelineDetails, TimelineEventFocusThreadMode, TimelineFocus},
};

use crate::{
    chapters::membership::room_of,
    device::{Device, open_with},
    report::{Chapter, Outcome},
    talk::{event_id, item, message, say, scroll_to_start, seen, shown, text_of, texts},
    wait::{until, until_true},
    world::World,
};

/// More than a few pages of a timeline.
const MESSAGES: usize = 70;

pub async fn tell(world: &World, chapter: &Chapter) -> Outcome {
    let account = chapter.step("accounts are made", world.account("talker")).await?;
    let (alice, bob, room_id) = chapter
        .step("two people share a room", async {
            let alice = Device::log_in(world, &account, "Alice's phone").await?;
            let bob = Device::log_in(world, &world.account("listener").await?, "Bob's phone").await?;
            let room_id = room_of(&alice, &[&bob]).await?;
            Ok((alice, bob, room_id))
        })
        .await?;
    let (hers, his) =
        chapter.step("both open it", async { Ok((alice.open(&room_id).await?, bob.open(&room_id).await?)) }).await?;

    let greeting = chapter
        .step("a text arrives", async {
            let greeting = say(&hers, "Good morning").await?;
            message(&his, "Good morning").await?;
            Ok(greeting)
        })
        .await?;
    chapter
        .step("an edit replaces it, and its history can be read", async {
            let sent = hers.item_by_event_id(&greeting).await.unwrap();
            let better = RoomMessageEventContentWithoutRelation::text_plain("Good evening");
            hers.edit(&sent.identifier(), EditedContent::RoomMessage(better)).await?;
            let edited = message(&his, "Good evening").await?;
            ensure!(edited.content().as_message().is_some_and(|message| message.is_edited()));
            ensure!(his.edit_revisions(&greeting).await?.len() >= 1, "no revisions");
            Ok(())
        })
        .await?;
    chapter
        .step("a reaction is seen, and taken back", async {
            let reacted = message(&his, "Good evening").await?;
            ensure!(his.toggle_reaction(&reacted.identifier(), "👋").await?);
            let by_bob = |count: usize| {
                let user_id = bob.user_id().to_owned();
                move |item: &matrix_sdk_ui::timeline::EventTimelineItem| {
                    let reactions = &item.content().as_msglike().unwrap().reactions;
                    reactions.get("👋").map_or(0, |senders| usize::from(senders.contains_key(&user_id))) == count
                }
            };
            item(&hers, &greeting, "the reaction", by_bob(1)).await?;
            // It can be taken back as soon as it has an ID.
            let settled = |item: &matrix_sdk_ui::timeline::EventTimelineItem| {
                let reactions = &item.content().as_msglike().unwrap().reactions;
                reactions.get("👋").and_then(|senders| senders.get(bob.user_id())).is_some_and(|info| info.send_state.is_none())
            };
            item(&his, &greeting, "the reaction's echo", settled).await?;
            ensure!(!his.toggle_reaction(&reacted.identifier(), "👋").await?);
            item(&hers, &greeting, "no reaction", by_bob(0)).await?;
            Ok(())
        })
        .await?;
    chapter
        .step("a reply shows what it answers", async {
            his.send_reply(RoomMessageEventContentWithoutRelation::text_plain("And to you"), greeting.clone()).await?;
            let reply = message(&hers, "And to you").await?;
            let details = reply.content().as_msglike().and_then(|content| content.in_reply_to.clone()).unwrap();
            ensure!(details.event_id == greeting);
            let TimelineDetails::Ready(answered) = details.event else { anyhow::bail!("no details: {:?}", details.event) };
            ensure!(text_of(&answered.content) == Some("Good evening"));
            Ok(())
        })
        .await?;
    chapter
        .step("a redaction takes a message away", async {
            let regretted = say(&his, "I should not say this").await?;
            message(&hers, "I should not say this").await?;
            let sent = his.item_by_event_id(&regretted).await.unwrap();
            his.redact(&sent.identifier(), Some("Sorry")).await?;
            item(&hers, &regretted, "the redaction", |item| item.content().is_redacted()).await?;
            Ok(())
        })
        .await?;
    chapter.step("typing is seen", typing(&alice, &bob, &room_id)).await?;
    chapter.step("a read receipt is seen, and unread counts fall", receipts(&bob, &hers, &his)).await?;
    chapter.step("an event is pinned, shown as such, and unpinned", pins(&alice, &bob, &room_id, &his)).await?;
    chapter
        .step("a new device scrolls up to where the room begins, and has everything", async {
            for n in 0..MESSAGES {
                say(&hers, &format!("Message {n}")).await?;
            }
            let tablet = Device::log_in(world, &account, "Alice's tablet").await?;
            let timeline = tablet.open(&room_id).await?;
            // First the last message comes, with the list of rooms, then a page, as the room is open.
            message(&timeline, &format!("Message {}", MESSAGES - 15)).await?;
            scroll_to_start(&timeline).await?;
            // The list of rooms leaves a gap before its one event, and the open room another before its page, which holds that event
            // too. The SDK fills both. What it then has already it leaves where it is, but for pages of nothing but its user's own
            // events (`non_empty_all_duplicates` in its deduplicator.rs), which it moves to the older gap, before everything. So
            // only whether each message is there once is looked at; the order is looked at in the chapter history, as others write.
            let all = texts(&timeline).await;
            for text in (0..MESSAGES).map(|n| format!("Message {n}")) {
                ensure!(all.iter().filter(|shown| **shown == text).count() == 1, "not once: {text} in {all:?}");
            }
            ensure!(seen(&timeline, "Good evening").await.is_some(), "the edit is not there: {:?}", shown(&timeline).await);
            Ok(())
        })
        .await?;
    chapter
        .step("a link to an old message opens it with what is around it", async {
            let room = bob.client.get_room(&room_id).unwrap();
            let thread_mode = TimelineEventFocusThreadMode::Automatic { hide_threaded_events: false };
            let target = event_id(&message(&hers, "Message 20").await?)?;
            let focus = TimelineFocus::Event { target, num_context_events: 10, thread_mode };
            let focused = open_with(&room, focus).await?;
            message(&focused, "Message 20").await?;
            focused.paginate_forwards(20).await?;
            message(&focused, "Message 30").await?;
            focused.paginate_backwards(20).await?;
            message(&focused, "Message 10").await?;
            Ok(())
        })
        .await
}

async fn typing(alice: &Device, bob: &Device, room_id: &matrix_sdk::ruma::RoomId) -> Result<()> {
    let (_guard, mut typing) = alice.client.get_room(room_id).unwrap().subscribe_to_typing_notifications();
    let room = bob.client.get_room(room_id).unwrap();
    room.typing_notice(true).await?;
    ensure!(typing.recv().await? == [bob.user_id()]);
    room.typing_notice(false).await?;
    while !typing.recv().await?.is_empty() {}
    Ok(())
}

async fn receipts(bob: &Device, hers: &Timeline, his: &Timeline) -> Result<()> {
    let sent = say(hers, "Have you seen this?").await?;
    message(his, "Have you seen this?").await?;
    let room = his.room();
    until_true("an unread message", async || room.num_unread_messages() > 0).await?;
    ensure!(his.mark_as_read(ReceiptType::Read).await?, "no receipt was sent");
    until("the receipt", async || Ok(hers.latest_user_read_receipt(bob.user_id()).await.filter(|(id, _)| *id == sent))).await?;
    his.send_single_receipt(ReceiptType::FullyRead, sent).await?;
    until_true("no unread message", async || room.num_unread_messages() == 0).await?;
    until_true("no count of the server", async || room.unread_notification_counts().notification_count == 0).await
}

async fn pins(alice: &Device, bob: &Device, room_id: &matrix_sdk::ruma::RoomId, his: &Timeline) -> Result<()> {
    let room = alice.client.get_room(room_id).unwrap();
    let pinned = event_id(&message(his, "And to you").await?)?;
    ensure!(room.pin_event(&pinned).await?);
    let elsewhere = bob.client.get_room(room_id).unwrap();
    until_true("a pinned event", async || elsewhere.pinned_event_ids().is_some_and(|ids| ids == [&*pinned])).await?;
    let timeline = open_with(&elsewhere, TimelineFocus::PinnedEvents).await?;
    message(&timeline, "And to you").await?;
    ensure!(room.unpin_event(&pinned).await?);
    until_true("no pinned event", async || elsewhere.pinned_event_ids().is_none_or(|ids| ids.is_empty())).await
}
