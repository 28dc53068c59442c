//! A long history, as a device shows it that has got it with gaps and fills them by scrolling up. Others have written it: of what
//! its own user has written alone the SDK mixes up the order, see the chapter timeline.

use anyhow::{Result, ensure};
use matrix_sdk::{
    Room,
    room::MessagesOptions,
    ruma::{
        RoomId,
        api::Direction,
        events::{AnySyncMessageLikeEvent, AnySyncTimelineEvent, room::message::RoomMessageEventContent},
    },
};
use matrix_sdk_ui::Timeline;

use crate::{
    chapters::membership::room_of,
    device::Device,
    report::{Chapter, Outcome},
    talk::{message, scroll_to_start, texts},
    wait::until,
    world::{Server, World},
};

/// Many pages.
const MESSAGES: usize = 240;

pub async fn tell(world: &World, chapter: &Chapter) -> Outcome {
    let account = chapter.step("accounts are made", world.account("latecomer")).await?;
    let (bob, carol, room_id) = chapter
        .step("three people on two servers share a room", async {
            let alice = Device::log_in(world, &account, "Alice's phone").await?;
            let bob = Device::log_in(world, &world.account("chatterbox").await?, "Bob's phone").await?;
            let carol = Device::log_in(world, &world.account_on(Server::Two, "gossip").await?, "Carol's phone").await?;
            let room_id = room_of(&alice, &[&bob, &carol]).await?;
            Ok((bob, carol, room_id))
        })
        .await?;
    chapter.step("two of them write a lot", talk(&bob, &carol, &room_id, "First")).await?;

    let tablet = chapter
        .step("a new device scrolls up through two gaps, and has everything in the order of the server", async {
            let tablet = Device::log_in(world, &account, "Alice's tablet").await?;
            let timeline = open_late(&tablet, &room_id, "First").await?;
            is_in_order(&timeline).await?;
            Ok(tablet)
        })
        .await?;
    let closed = chapter.step("it is closed", tablet.close()).await?;
    chapter.step("much is written meanwhile", talk(&bob, &carol, &room_id, "Second")).await?;
    chapter
        .step("it is opened again, scrolls up through two more, and the order holds", async {
            let tablet = Device::reopen(world, closed).await?;
            let timeline = open_late(&tablet, &room_id, "Second").await?;
            is_in_order(&timeline).await
        })
        .await?;
    chapter
        .step("a device that opens and closes three times before it scrolls has it in order as well", async {
            let mut closed = Device::log_in(world, &account, "Alice's laptop").await?.close().await?;
            for part in ["Third", "Fourth"] {
                talk(&bob, &carol, &room_id, part).await?;
                let laptop = Device::reopen(world, closed).await?;
                open_late(&laptop, &room_id, part).await?;
                closed = laptop.close().await?;
            }
            talk(&bob, &carol, &room_id, "Fifth").await?;
            let laptop = Device::reopen(world, closed).await?;
            let timeline = open_late(&laptop, &room_id, "Fifth").await?;
            is_in_order(&timeline).await
        })
        .await
}

/// Two people write, each in turn, and both have all of it.
async fn talk(one: &Device, other: &Device, room_id: &RoomId, part: &str) -> Result<()> {
    let rooms = [one.client.get_room(room_id).unwrap(), other.client.get_room(room_id).unwrap()];
    for n in 0..MESSAGES {
        // Some say several things at once.
        let room = &rooms[n / 7 % 2];
        room.send(RoomMessageEventContent::text_plain(format!("{part} {n}"))).await?;
    }
    let last = format!("{part} {}", MESSAGES - 1);
    for room in &rooms {
        until(&format!("{last:?} on both servers"), async || Ok((told(room, 20).await?.contains(&last)).then_some(()))).await?;
    }
    Ok(())
}

/// Opens the room when its end has come with the list of rooms, and waits for the page that an open room comes with.
async fn open_late(device: &Device, room_id: &RoomId, part: &str) -> Result<Timeline> {
    let timeline = device.open(room_id).await?;
    message(&timeline, &format!("{part} {}", MESSAGES - 1)).await?;
    message(&timeline, &format!("{part} {}", MESSAGES - 15)).await?;
    Ok(timeline)
}

/// Scrolls up to the beginning, and compares with what the server says.
async fn is_in_order(timeline: &Timeline) -> Result<()> {
    scroll_to_start(timeline).await?;
    let expected = told(timeline.room(), usize::MAX).await?;
    let shown = texts(timeline).await;
    let differs = shown.iter().zip(&expected).position(|(one, other)| one != other).unwrap_or(shown.len().min(expected.len()));
    ensure!(
        shown == expected,
        "{} are shown and {} were told; they differ at {differs}: {:?} in place of {:?}",
        shown.len(),
        expected.len(),
        shown.iter().skip(differs).take(5).collect::<Vec<_>>(),
        expected.iter().skip(differs).take(5).collect::<Vec<_>>(),
    );
    Ok(())
}

/// The texts of the last `limit` events of a room, as its server gives them by `/messages`.
async fn told(room: &Room, limit: usize) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    let mut from = None;
    let mut seen = 0;
    loop {
        let mut options = MessagesOptions::new(Direction::Backward).from(from.as_deref());
        options.limit = 100u32.into();
        let page = room.messages(options).await?;
        seen += page.chunk.len();
        texts.extend(page.chunk.iter().filter_map(|event| match event.raw().deserialize().ok()? {
            AnySyncTimelineEvent::MessageLike(AnySyncMessageLikeEvent::RoomMessage(message)) => {
                Some(message.as_original()?.content.body().to_owned())
            }
            _ => None,
        }));
        from = page.end;
        if from.is_none() || seen >= limit {
            break;
        }
    }
    texts.reverse();
    Ok(texts)
}
