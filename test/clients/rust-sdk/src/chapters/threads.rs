//! Threads: their timelines, their list, and who follows them.

use anyhow::{Context, Result, ensure};
use futures_util::FutureExt;
use matrix_sdk::{
    RoomState,
    ruma::{
        EventId, RoomId,
        api::client::receipt::create_receipt::v3::ReceiptType,
        events::{Mentions, room::message::RoomMessageEventContent},
    },
    store::ThreadSubscriptionStatus,
};
use matrix_sdk_ui::timeline::{EventTimelineItem, ThreadListService, TimelineFocus};

use crate::{
    chapters::membership::room_of,
    device::{Device, open_with},
    report::{Chapter, Outcome},
    talk::{message, say, seen, shown},
    wait::until,
    world::World,
};

pub async fn tell(world: &World, chapter: &Chapter) -> Outcome {
    let account = chapter.step("accounts are made", world.account("threader")).await?;
    let (alice, bob, room_id) = chapter
        .step("two people share a room", async {
            let alice = Device::log_in(world, &account, "Alice's phone").await?;
            let bob = Device::log_in(world, &world.account("follower").await?, "Bob's phone").await?;
            let room_id = room_of(&alice, &[&bob]).await?;
            Ok((alice, bob, room_id))
        })
        .await?;
    let (hers, his) =
        chapter.step("both open it", async { Ok((alice.open(&room_id).await?, bob.open(&room_id).await?)) }).await?;
    let (her_room, his_room) = (hers.room().clone(), his.room().clone());

    let (root, thread) = chapter
        .step("a thread is begun, and seen on its root but not in the room", async {
            let root = say(&hers, "What about lunch?").await?;
            message(&his, "What about lunch?").await?;
            let thread = open_with(&his_room, TimelineFocus::Thread { root_event_id: root.clone() }).await?;
            say(&thread, "At one?").await?;
            // Where the sync is faster than the answer to what was sent, the SDK shows a message twice.
            until("the summary", async || {
                let shown = hers.items().await;
                let mut roots = shown.iter().filter_map(|item| item.as_event()).filter(|item| item.event_id() == Some(&*root));
                Ok(roots.any(|item| replies_of(item) == 1).then_some(()))
            })
            .await
            .with_context(|| format!("it shows {:?}", shown(&hers).now_or_never()))?;
            ensure!(seen(&hers, "At one?").await.is_none(), "the reply is in the room itself");
            Ok((root, thread))
        })
        .await?;
    let her_thread = chapter
        .step("the other one answers in it", async {
            let her_thread = open_with(&her_room, TimelineFocus::Thread { root_event_id: root.clone() }).await?;
            message(&her_thread, "At one?").await?;
            say(&her_thread, "Fine").await?;
            message(&thread, "Fine").await?;
            Ok(her_thread)
        })
        .await?;
    chapter
        .step("the thread is read by itself", async {
            ensure!(thread.mark_as_read(ReceiptType::Read).await?, "no receipt was sent");
            let fine = message(&her_thread, "Fine").await?.event_id().unwrap().to_owned();
            until("the threaded receipt", async || {
                Ok(her_thread.latest_user_read_receipt(bob.user_id()).await.filter(|(id, _)| *id == fine))
            })
            .await?;
            Ok(())
        })
        .await?;
    chapter
        .step("a new device finds it in the list of threads, and reads all of it", async {
            let tablet = Device::log_in(world, &account, "Alice's tablet").await?;
            let timeline = tablet.open(&room_id).await?;
            let list = ThreadListService::new(timeline.room().clone());
            list.paginate().await?;
            let threads = list.items();
            ensure!(threads.len() == 1 && threads[0].root_event.event_id == root && threads[0].num_replies == 2, "{threads:?}");
            let thread = open_with(timeline.room(), TimelineFocus::Thread { root_event_id: root.clone() }).await?;
            thread.paginate_backwards(20).await?;
            message(&thread, "What about lunch?").await?;
            message(&thread, "At one?").await?;
            message(&thread, "Fine").await?;
            Ok(())
        })
        .await?;
    chapter
        .step("a thread is followed, which other devices learn by sync, and no longer", async {
            let laptop = Device::log_in(world, &account, "Alice's laptop").await?;
            laptop.room(&room_id, RoomState::Joined).await?;
            her_room.subscribe_thread(root.clone(), None).await?;
            let followed = her_room.fetch_thread_subscription(root.clone()).await?;
            ensure!(followed.is_some_and(|subscription| !subscription.automatic));
            learns(&laptop, &room_id, &root, Some(false)).await?;
            her_room.unsubscribe_thread(root.clone()).await?;
            ensure!(her_room.fetch_thread_subscription(root.clone()).await?.is_none());
            learns(&laptop, &room_id, &root, None).await
        })
        .await?;
    chapter
        .step("whoever is mentioned in a thread follows it", async {
            let mention = Mentions::with_user_ids([alice.user_id().to_owned()]);
            thread.send(RoomMessageEventContent::text_plain("Are you coming?").add_mentions(mention).into()).await?;
            message(&her_thread, "Are you coming?").await?;
            learns(&alice, &room_id, &root, Some(true)).await
        })
        .await
}

/// Waits until the device knows of its user's subscription, and whether that is an automatic one; or that there is none.
async fn learns(device: &Device, room_id: &RoomId, root: &EventId, expected: Option<bool>) -> Result<()> {
    until("the subscription", async || {
        let stored = device.client.state_store().load_thread_subscription(room_id, root).await?;
        let known = stored.and_then(|stored| match stored.status {
            ThreadSubscriptionStatus::Subscribed { automatic } => Some(automatic),
            ThreadSubscriptionStatus::Unsubscribed => None,
        });
        Ok((known == expected).then_some(()))
    })
    .await
}

fn replies_of(item: &EventTimelineItem) -> u32 {
    item.content().as_msglike().and_then(|content| content.thread_summary.as_ref()).map_or(0, |summary| summary.num_replies)
}
