//! The words of a conversation.

use anyhow::{Context, Result, ensure};
use matrix_sdk::ruma::{EventId, OwnedEventId, events::room::message::RoomMessageEventContent};
use matrix_sdk_ui::{
    Timeline,
    timeline::{EventTimelineItem, TimelineItemContent},
};

use crate::wait::until;

/// Writes a message, and waits until the server has it.
pub async fn say(timeline: &Timeline, body: &str) -> Result<OwnedEventId> {
    timeline.send(RoomMessageEventContent::text_plain(body).into()).await?;
    event_id(&message(timeline, body).await?)
}

/// The message with this text, when it has come from the server.
pub async fn message(timeline: &Timeline, body: &str) -> Result<EventTimelineItem> {
    let found = until(&format!("the message {body:?}"), async || Ok(seen(timeline, body).await)).await;
    match found {
        Ok(item) => Ok(item),
        Err(error) => {
            Err(error).with_context(|| format!("it shows {:?}", futures_util::FutureExt::now_or_never(shown(timeline))))
        }
    }
}

/// The message with this text, if it is there.
pub async fn seen(timeline: &Timeline, body: &str) -> Option<EventTimelineItem> {
    remote(timeline).await.into_iter().rev().find(|item| text_of(item.content()) == Some(body))
}

/// The event of the timeline, when it is as it should be.
pub async fn item(
    timeline: &Timeline,
    event_id: &EventId,
    what: &str,
    is_right: impl Fn(&EventTimelineItem) -> bool,
) -> Result<EventTimelineItem> {
    until(what, async || Ok(timeline.item_by_event_id(event_id).await.filter(&is_right))).await
}

/// All that is on the screen, as texts.
pub async fn shown(timeline: &Timeline) -> Vec<String> {
    remote(timeline).await.iter().map(|item| describe(item.content())).collect()
}

/// The texts of messages on the screen.
pub async fn texts(timeline: &Timeline) -> Vec<String> {
    remote(timeline).await.iter().filter_map(|item| text_of(item.content()).map(str::to_owned)).collect()
}

/// Scrolls up until the room begins, and that is shown.
pub async fn scroll_to_start(timeline: &Timeline) -> Result<()> {
    let mut pages = 0;
    while !timeline.paginate_backwards(20).await? {
        pages += 1;
        ensure!(pages < 100, "the timeline has no beginning");
    }
    // A page is shown a moment after it has come.
    let start = "(m.room.create)".to_owned();
    until("the beginning of the room", async || Ok(shown(timeline).await.contains(&start).then_some(()))).await
}

pub fn event_id(item: &EventTimelineItem) -> Result<OwnedEventId> {
    Ok(item.event_id().context("it has not been sent")?.to_owned())
}

pub fn text_of(content: &TimelineItemContent) -> Option<&str> {
    content.as_message().map(|message| message.body())
}

async fn remote(timeline: &Timeline) -> Vec<EventTimelineItem> {
    let items = timeline.items().await;
    items.iter().filter_map(|item| item.as_event()).filter(|item| item.is_remote_event()).cloned().collect()
}

fn describe(content: &TimelineItemContent) -> String {
    match text_of(content) {
        Some(text) => text.to_owned(),
        None if content.is_unable_to_decrypt() => "(unreadable)".to_owned(),
        None if content.is_redacted() => "(redacted)".to_owned(),
        None => format!("({})", content.event_type_str().unwrap_or_default()),
    }
}
