//! What the process sees that a push wakes, and which pushes are wanted.

use anyhow::{Context, Result, bail, ensure};
use matrix_sdk::{
    notification_settings::{IsEncrypted, IsOneToOne, RoomNotificationMode},
    ruma::{
        api::client::push::{PusherIds, PusherInit, PusherKind},
        events::{Mentions, room::message::RoomMessageEventContent},
        push::HttpPusherData,
    },
};
use matrix_sdk_ui::notification_client::{
    NotificationClient, NotificationEvent, NotificationItem, NotificationProcessSetup, NotificationStatus,
};

use crate::{
    chapters::membership::{chat_of, room_of},
    device::Device,
    report::{Chapter, Outcome},
    talk::{event_id, message, say},
    wait::{until, until_true},
    world::World,
};

pub async fn tell(world: &World, chapter: &Chapter) -> Outcome {
    let (alice, bob, room_id) = chapter
        .step("two people share a room", async {
            let alice = Device::log_in(world, &world.account("sleeper").await?, "Alice's phone").await?;
            let bob = Device::log_in(world, &world.account("caller").await?, "Bob's phone").await?;
            let room_id = room_of(&alice, &[&bob]).await?;
            Ok((alice, bob, room_id))
        })
        .await?;
    let his = chapter.step("one opens it", bob.open(&room_id)).await?;

    chapter
        .step("a pusher is set and taken away", async {
            let ids = PusherIds::new("the push key".to_owned(), "com.example.app".to_owned());
            let init = PusherInit {
                ids: ids.clone(),
                kind: PusherKind::Http(HttpPusherData::new("https://push.example.com/_matrix/push/v1/notify".to_owned())),
                app_display_name: "The app".to_owned(),
                device_display_name: "The phone".to_owned(),
                profile_tag: None,
                lang: "en".to_owned(),
            };
            alice.client.pusher().set(init.into(), false).await?;
            let pushers = matrix_sdk::ruma::api::client::push::get_pushers::v3::Request::new();
            ensure!(alice.client.send(pushers).await?.pushers.len() == 1);
            alice.client.pusher().delete(ids).await?;
            Ok(())
        })
        .await?;
    chapter
        .step("another process fetches what a push was about, over a connection of its own", async {
            let client = NotificationClient::new(alice.client.clone(), NotificationProcessSetup::MultipleProcesses).await?;
            let sent = say(&his, "Wake up").await?;
            let item = fetch(&client, &room_id, &sent).await?;
            ensure!(item.event.sender() == bob.user_id() && item.room_computed_display_name == "caller", "{item:?}");
            ensure!(item.joined_members_count == 2);
            Ok(())
        })
        .await?;
    chapter
        .step("also that one is mentioned", async {
            let setup = NotificationProcessSetup::SingleProcess { sync_service: alice.sync.clone() };
            let client = NotificationClient::new(alice.client.clone(), setup).await?;
            let mention =
                RoomMessageEventContent::text_plain("You!").add_mentions(Mentions::with_user_ids([alice.user_id().to_owned()]));
            his.send(mention.into()).await?;
            let sent = event_id(&message(&his, "You!").await?)?;
            let item = fetch(&client, &room_id, &sent).await?;
            ensure!(item.is_noisy == Some(true) && item.has_mention == Some(true), "{item:?}");
            let room = alice.client.get_room(&room_id).unwrap();
            until_true("a highlight", async || room.unread_notification_counts().highlight_count > 0).await
        })
        .await?;
    chapter
        .step("an invite is shown", async {
            let setup = NotificationProcessSetup::SingleProcess { sync_service: alice.sync.clone() };
            let client = NotificationClient::new(alice.client.clone(), setup).await?;
            let room = bob.client.create_room(matrix_sdk::ruma::api::client::room::create_room::v3::Request::new()).await?;
            let content = matrix_sdk::ruma::events::room::member::RoomMemberEventContent::new("invite".into());
            let room = bob.room(room.room_id(), matrix_sdk::RoomState::Joined).await?;
            let invite = room.send_state_event_for_key(alice.user_id(), content).await?.event_id;
            let item = fetch(&client, room.room_id(), &invite).await?;
            ensure!(matches!(item.event, NotificationEvent::Invite(_)), "{item:?}");
            Ok(())
        })
        .await?;
    chapter
        .step("an encrypted message is decrypted for it, the application being closed", async {
            let account = world.account("dozer").await?;
            let phone = Device::log_in(world, &account, "Dora's phone").await?;
            let room_id = chat_of(&bob, &phone).await?;
            let his = bob.open(&room_id).await?;
            let client = NotificationClient::new(phone.client.clone(), NotificationProcessSetup::MultipleProcesses).await?;
            phone.sync.stop().await;
            let sent = say(&his, "A secret").await?;
            let item = fetch(&client, &room_id, &sent).await?;
            let NotificationEvent::Timeline(event) = &item.event else { bail!("not a message: {item:?}") };
            ensure!(format!("{event:?}").contains("A secret"), "{event:?}");
            phone.sync.start().await;
            message(&phone.open(&room_id).await?, "A secret").await?;
            Ok(())
        })
        .await?;
    chapter
        .step("a room is silenced, which is kept by the server", async {
            let settings = alice.client.notification_settings().await;
            settings.set_room_notification_mode(&room_id, RoomNotificationMode::Mute).await?;
            until("the mode", async || {
                let mode = alice.client.notification_settings().await.get_user_defined_room_notification_mode(&room_id).await;
                Ok((mode == Some(RoomNotificationMode::Mute)).then_some(()))
            })
            .await?;
            let client = NotificationClient::new(alice.client.clone(), NotificationProcessSetup::MultipleProcesses).await?;
            let sent = say(&his, "Not heard").await?;
            let status = client.get_notification(&room_id, &sent).await?;
            ensure!(matches!(status, NotificationStatus::EventFilteredOut), "{status:?}");
            settings.unmute_room(&room_id, IsEncrypted::No, IsOneToOne::Yes).await?;
            Ok(())
        })
        .await?;
    chapter
        .step("keywords and defaults are changed", async {
            let settings = alice.client.notification_settings().await;
            settings.add_keyword("breakfast".to_owned()).await?;
            until_true("the keyword", async || {
                alice.client.notification_settings().await.enabled_keywords().await.contains("breakfast")
            })
            .await?;
            settings
                .set_default_room_notification_mode(
                    IsEncrypted::No,
                    IsOneToOne::No,
                    RoomNotificationMode::MentionsAndKeywordsOnly,
                )
                .await?;
            settings.remove_keyword("breakfast").await?;
            Ok(())
        })
        .await
}

async fn fetch(
    client: &NotificationClient,
    room_id: &matrix_sdk::ruma::RoomId,
    event_id: &matrix_sdk::ruma::EventId,
) -> Result<NotificationItem> {
    match client.get_notification(room_id, event_id).await.context("no notification")? {
        NotificationStatus::Event(item) => Ok(*item),
        other => bail!("{other:?}"),
    }
}
