//! What a user sees of their devices, and how sessions end.

use anyhow::{Context, ensure};
use matrix_sdk::{RoomState, SessionChange, ruma::api::client::room::create_room::v3::Request as CreateRoom};

use crate::{
    chapters::recovery::password,
    device::Device,
    report::{Chapter, Outcome},
    wait::{until, until_true},
    world::World,
};

pub async fn tell(world: &World, chapter: &Chapter) -> Outcome {
    let account = chapter.step("an account is made", world.account("owner")).await?;
    let (phone, tablet) = chapter
        .step("two devices log in", async {
            Ok((Device::log_in(world, &account, "The phone").await?, Device::log_in(world, &account, "The tablet").await?))
        })
        .await?;
    let tablet_id = tablet.client.device_id().unwrap().to_owned();
    chapter
        .step("what the server can do is known", async {
            let can = phone.client.homeserver_capabilities();
            ensure!(can.can_change_displayname().await? && can.can_change_avatar().await? && can.can_change_password().await?);
            ensure!(can.room_versions().await?.available.len() > 5);
            phone.client.matrix_auth().get_login_types().await?;
            let oauth = phone.client.oauth().server_metadata().await;
            ensure!(oauth.is_err_and(|error| error.is_not_supported()), "an application would not offer passwords");
            Ok(())
        })
        .await?;
    chapter
        .step("a user sees their devices, and renames one", async {
            phone.client.rename_device(&tablet_id, "The old tablet").await?;
            // When a device was seen is written down now and then.
            until("when the tablet was seen", async || {
                let devices = phone.client.devices().await?.devices;
                let renamed = devices.iter().find(|device| device.device_id == tablet_id).context("no tablet")?;
                ensure!(devices.len() == 2 && renamed.display_name.as_deref() == Some("The old tablet"), "{devices:?}");
                Ok(renamed.last_seen_ts)
            })
            .await?;
            Ok(())
        })
        .await?;
    chapter
        .step("a token is refreshed while it syncs", async {
            let before = phone.client.access_token();
            phone.client.refresh_access_token().await?;
            ensure!(phone.client.access_token() != before);
            let room = phone.create_room(CreateRoom::new()).await?;
            tablet.room(room.room_id(), RoomState::Joined).await?;
            Ok(())
        })
        .await?;
    chapter
        .step("an application that was closed goes on where it was", async {
            let laptop = Device::log_in(world, &account, "The laptop").await?;
            let before = phone.create_room(CreateRoom::new()).await?;
            laptop.room(before.room_id(), RoomState::Joined).await?;
            let closed = laptop.close().await?;
            let meanwhile = phone.create_room(CreateRoom::new()).await?;
            let laptop = Device::reopen(world, closed).await?;
            laptop.room(meanwhile.room_id(), RoomState::Joined).await?;
            laptop.room(before.room_id(), RoomState::Joined).await?;
            laptop.client.logout().await?;
            laptop.sync.stop().await;
            Ok(())
        })
        .await?;
    chapter
        .step("a device is logged out by another one, and told so", async {
            let mut changes = tablet.client.subscribe_to_session_changes();
            let refused = phone.client.delete_devices(std::slice::from_ref(&tablet_id), None).await;
            ensure!(refused.is_err_and(|error| error.as_uiaa_response().is_some()), "no password was asked for");
            phone.client.delete_devices(std::slice::from_ref(&tablet_id), Some(password(&account))).await?;
            loop {
                match changes.recv().await? {
                    SessionChange::UnknownToken(data) => {
                        ensure!(!data.soft_logout, "a soft logout");
                        break;
                    }
                    SessionChange::TokensRefreshed => {}
                }
            }
            until_true("a sync that ended", async || {
                !matches!(tablet.sync.state().get(), matrix_sdk_ui::sync_service::State::Running)
            })
            .await?;
            ensure!(tablet.client.whoami().await.is_err());
            tablet.sync.stop().await;
            Ok(())
        })
        .await?;
    chapter
        .step("the password is changed, and the account goes on with it", async {
            phone.client.account().change_password("Another one, and longer", Some(password(&account))).await?;
            let mut changed = account.clone();
            changed.password = "Another one, and longer".to_owned();
            Device::log_in(world, &changed, "The new phone").await?;
            ensure!(Device::log_in(world, &account, "A thief").await.is_err(), "the old password is still good");
            Ok(())
        })
        .await?;
    chapter
        .step("the account is deactivated, and all is over", async {
            let mut changed = account.clone();
            changed.password = "Another one, and longer".to_owned();
            phone.client.account().deactivate(None, Some(password(&changed)), true).await?;
            ensure!(phone.client.whoami().await.is_err());
            phone.sync.stop().await;
            Ok(())
        })
        .await
}
