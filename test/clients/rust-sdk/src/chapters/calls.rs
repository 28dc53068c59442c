//! Calls, and other things that go on for a while: delayed events, places, polls.

use std::time::Duration;

use anyhow::{Context, ensure};
use matrix_sdk::ruma::{
    TransactionId,
    api::client::delayed_events::{DelayParameters, delayed_message_event, delayed_state_event, update_delayed_event},
    events::{
        AnyMessageLikeEventContent,
        call::member::{
            ActiveFocus, ActiveLivekitFocus, Application, CallApplicationContent, CallMemberEventContent, CallMemberStateKey,
            CallScope, Focus, LivekitFocus,
        },
        poll::unstable_start::{
            NewUnstablePollStartEventContent, UnstablePollAnswer, UnstablePollAnswers, UnstablePollStartContentBlock,
            UnstablePollStartEventContent,
        },
        room::message::RoomMessageEventContent,
    },
};

use crate::{
    chapters::membership::room_of,
    device::Device,
    report::{Chapter, Outcome},
    talk::message,
    wait::{until, until_true},
    world::World,
};

pub async fn tell(world: &World, chapter: &Chapter) -> Outcome {
    let (alice, bob, room_id) = chapter
        .step("two people share a room", async {
            let alice = Device::log_in(world, &world.account("ringer").await?, "Alice's phone").await?;
            let bob = Device::log_in(world, &world.account("rung").await?, "Bob's phone").await?;
            let room_id = room_of(&alice, &[&bob]).await?;
            Ok((alice, bob, room_id))
        })
        .await?;
    let (hers, his) =
        chapter.step("both open it", async { Ok((alice.open(&room_id).await?, bob.open(&room_id).await?)) }).await?;

    chapter
        .step("the server says where the media of calls go", async {
            let transports = alice.client.discover_rtc_transports().await?.context("no endpoint for it")?;
            ensure!(transports.len() == 1, "{transports:?}");
            Ok(())
        })
        .await?;
    chapter
        .step("somebody is in a call, as the other one sees", async {
            let focus = Focus::Livekit(LivekitFocus::new("room".to_owned(), "https://rtc.example.com".to_owned()));
            let content = CallMemberEventContent::new(
                Application::Call(CallApplicationContent::new("".to_owned(), CallScope::Room)),
                alice.client.device_id().unwrap().to_owned(),
                ActiveFocus::Livekit(ActiveLivekitFocus::new()),
                vec![focus],
                None,
                Some(Duration::from_secs(3600)),
            );
            let key = CallMemberStateKey::new(alice.user_id().to_owned(), Some("_DEVICE_m.call".to_owned()), true);
            hers.room().send_state_event_for_key(&key, content).await?;
            until_true("a call", async || his.room().has_active_room_call()).await
        })
        .await?;
    chapter
        .step("a message is delayed, and comes when it is due", async {
            let content = RoomMessageEventContent::text_plain("Ten minutes to go");
            let due = DelayParameters::Timeout { timeout: Duration::from_millis(300) };
            let request = delayed_message_event::unstable::Request::new(room_id.clone(), TransactionId::new(), due, &content)?;
            alice.client.send(request).await?;
            message(&his, "Ten minutes to go").await?;
            Ok(())
        })
        .await?;
    chapter
        .step("a delayed change of state is sent before it is due, and another is taken back", async {
            let topic = |text: &str| matrix_sdk::ruma::events::room::topic::RoomTopicEventContent::new(text.to_owned());
            let delayed = async |text: &str| {
                let due = DelayParameters::Timeout { timeout: Duration::from_secs(3600) };
                let request = delayed_state_event::unstable::Request::new(room_id.clone(), String::new(), due, &topic(text))?;
                anyhow::Ok(alice.client.send(request).await?.delay_id)
            };
            use update_delayed_event::{UpdateAction, unstable_v1, unstable_v2};
            let first = delayed("Taken back").await?;
            alice.client.send(unstable_v1::Request::new(first, UpdateAction::Cancel)).await?;
            let second = delayed("Restarted, then sent").await?;
            alice.client.send(unstable_v2::Request::new(second.clone(), UpdateAction::Restart)).await?;
            alice.client.send(unstable_v2::Request::new(second, UpdateAction::Send)).await?;
            until_true("the topic", async || his.room().topic().as_deref() == Some("Restarted, then sent")).await
        })
        .await?;
    chapter
        .step("a place is shared while one moves", async {
            hers.room().start_live_location_share(600_000, Some("On my way".to_owned())).await?;
            until("the beacon", async || {
                let shown = his.items().await;
                Ok(shown
                    .iter()
                    .filter_map(|item| item.as_event())
                    .any(|item| item.content().is_live_location_state())
                    .then_some(()))
            })
            .await?;
            // It needs to know that it shares.
            until("the beacon of hers", async || Ok(hers.room().send_location_beacon("geo:51.5,-0.1".to_owned()).await.ok()))
                .await?;
            hers.room().stop_live_location_share().await?;
            Ok(())
        })
        .await?;
    chapter
        .step("a poll is held", async {
            let answers = vec![UnstablePollAnswer::new("1", "Yes"), UnstablePollAnswer::new("2", "No")];
            let block = UnstablePollStartContentBlock::new("Tea?", UnstablePollAnswers::try_from(answers)?);
            let poll = NewUnstablePollStartEventContent::new(block);
            hers.send(AnyMessageLikeEventContent::UnstablePollStart(UnstablePollStartEventContent::New(poll))).await?;
            let of = async |timeline: &matrix_sdk_ui::Timeline, votes: usize| {
                until("the poll", async || {
                    let shown = timeline.items().await;
                    let found = shown.iter().filter_map(|item| item.as_event()).find(|item| {
                        let poll = item.content().as_poll().map(|poll| poll.results());
                        item.is_remote_event()
                            && poll.is_some_and(|poll| poll.votes.values().map(Vec::len).sum::<usize>() == votes)
                    });
                    Ok(found.cloned())
                })
                .await
            };
            let asked = of(&his, 0).await?;
            let answer = matrix_sdk::ruma::events::poll::unstable_response::UnstablePollResponseEventContent::new(
                vec!["1".to_owned()],
                asked.event_id().unwrap().to_owned(),
            );
            his.send(AnyMessageLikeEventContent::UnstablePollResponse(answer)).await?;
            of(&hers, 1).await?;
            Ok(())
        })
        .await
}
