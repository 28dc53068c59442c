//! A thread of several pages, of which what was said first is liked last.

use anyhow::{Result, ensure};
use matrix_sdk::{
    Room,
    ruma::{
        EventId, OwnedEventId,
        events::{
            reaction::ReactionEventContent,
            relation::{Annotation, Thread},
            room::message::{Relation, RoomMessageEventContent},
        },
    },
};
use matrix_sdk_ui::{
    Timeline,
    timeline::{EventTimelineItem, TimelineEventFocusThreadMode, TimelineFocus},
};

use crate::{
    chapters::membership::room_of,
    device::{Device, open_with},
    report::{Chapter, Outcome},
    talk::{item, message, texts},
    world::World,
};

/// Several pages.
const ANSWERS: usize = 90;
/// More than an open room comes with.
const PAGE: usize = 25;
/// One of so many is liked, when all have been said.
const LIKED: usize = 6;
/// Where a link goes to.
const TARGET: usize = 30;

pub async fn tell(world: &World, chapter: &Chapter) -> Outcome {
    let account = chapter.step("accounts are made", world.account("archivist")).await?;
    let (root, answers, room_id) = chapter
        .step("two people have a long thread, and like what was said at its beginning", async {
            let alice = Device::log_in(world, &account, "Alice's phone").await?;
            let bob = Device::log_in(world, &world.account("debater").await?, "Bob's phone").await?;
            let carol = Device::log_in(world, &world.account("opponent").await?, "Carol's phone").await?;
            let room_id = room_of(&alice, &[&bob, &carol]).await?;
            let rooms = [bob.client.get_room(&room_id).unwrap(), carol.client.get_room(&room_id).unwrap()];
            let root = rooms[0].send(RoomMessageEventContent::text_plain("Tabs or spaces?")).await?.response.event_id;
            let mut answers = Vec::new();
            for n in 0..ANSWERS {
                answers.push(answer(&rooms[n / 4 % 2], &root, n).await?);
                rooms[0].send(RoomMessageEventContent::text_plain(format!("Beside it {n}"))).await?;
            }
            for liked in answers.iter().step_by(LIKED) {
                rooms[1].send(ReactionEventContent::new(Annotation::new(liked.clone(), "👍".to_owned()))).await?;
            }
            // Of what comes by sync, the SDK puts into a thread only what relates to events that it has already.
            for n in 0..PAGE {
                rooms[0].send(RoomMessageEventContent::text_plain(format!("After it {n}"))).await?;
            }
            Ok((root, answers, room_id))
        })
        .await?;
    let expected: Vec<_> = (0..ANSWERS).map(text).collect();
    let tablet = chapter.step("a new device comes", Device::log_in(world, &account, "Alice's tablet")).await?;
    let room = chapter
        .step("it scrolls up through all of the thread, in its order, with the likes", async {
            let room = tablet.open(&room_id).await?.room().clone();
            let thread = open_with(&room, TimelineFocus::Thread { root_event_id: root.clone() }).await?;
            while !thread.paginate_backwards(20).await? {}
            message(&thread, "Tabs or spaces?").await?;
            let shown = texts(&thread).await;
            ensure!(shown[0] == "Tabs or spaces?" && shown[1..] == expected, "{shown:?}");
            are_liked(&thread, &answers).await?;
            Ok(room)
        })
        .await?;
    chapter
        .step("a link into the middle leads on to the end, and what was said before the link is liked there", async {
            let thread_mode = TimelineEventFocusThreadMode::Automatic { hide_threaded_events: false };
            let target = answers[TARGET].clone();
            let focused = open_with(&room, TimelineFocus::Event { target, num_context_events: 20, thread_mode }).await?;
            message(&focused, &text(TARGET)).await?;
            while !focused.paginate_forwards(20).await? {}
            message(&focused, &text(ANSWERS - 1)).await?;
            let shown = texts(&focused).await;
            ensure!(expected.ends_with(&shown), "{shown:?}");
            are_liked(&focused, &answers[ANSWERS - shown.len()..]).await
        })
        .await
}

fn text(n: usize) -> String {
    format!("Answer {n}")
}

async fn answer(room: &Room, root: &EventId, n: usize) -> Result<OwnedEventId> {
    let mut content = RoomMessageEventContent::text_plain(text(n));
    content.relates_to = Some(Relation::Thread(Thread::without_fallback(root.to_owned())));
    Ok(room.send(content).await?.response.event_id)
}

/// Of these answers, which are some of the last, those that were liked are shown to be.
async fn are_liked(thread: &Timeline, answers: &[OwnedEventId]) -> Result<()> {
    let is_liked = |item: &EventTimelineItem| item.content().as_msglike().is_some_and(|it| !it.reactions.is_empty());
    let first = ANSWERS - answers.len();
    for (n, answer) in answers.iter().enumerate().filter(|(n, _)| (first + n).is_multiple_of(LIKED)) {
        item(thread, answer, &format!("the like of answer {}", first + n), is_liked).await?;
    }
    Ok(())
}
