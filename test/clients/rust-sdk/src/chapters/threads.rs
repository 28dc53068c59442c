//! Threads: their timelines, their list, and who follows them.

use anyhow::{Context, ensure};
use futures_util::FutureExt;
use matrix_sdk::ruma::api::client::receipt::create_receipt::v3::ReceiptType;
use matrix_sdk_ui::timeline::{ThreadListService, TimelineFocus};

use crate::{
    chapters::membership::room_of,
    device::{Device, open_with},
    report::{Chapter, Outcome},
    talk::{message, say, seen},
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
            let replies = async || {
                let item = hers.item_by_event_id(&root).await?;
                item.content().as_msglike().and_then(|content| content.thread_summary.as_ref()).map(|summary| summary.num_replies)
            };
            until("the summary", async || Ok(replies().await.filter(|count| *count == 1)))
                .await
                .with_context(|| format!("of {:?} replies", replies().now_or_never()))?;
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
        .step("a thread is followed, which all devices can ask for, and no longer", async {
            let tablet = Device::log_in(world, &account, "Alice's laptop").await?;
            her_room.subscribe_thread(root.clone(), None).await?;
            let followed = her_room.fetch_thread_subscription(root.clone()).await?;
            ensure!(followed.is_some_and(|subscription| !subscription.automatic));
            let changes = tablet.client.fetch_thread_subscriptions(None, None, None).await?;
            ensure!(changes.subscribed.get(&room_id).is_some_and(|threads| threads.contains_key(&root)), "{changes:?}");
            her_room.unsubscribe_thread(root.clone()).await?;
            ensure!(her_room.fetch_thread_subscription(root.clone()).await?.is_none());
            let changes = tablet.client.fetch_thread_subscriptions(None, None, None).await?;
            ensure!(changes.unsubscribed.get(&room_id).is_some_and(|threads| threads.contains_key(&root)), "{changes:?}");
            Ok(())
        })
        .await
}
