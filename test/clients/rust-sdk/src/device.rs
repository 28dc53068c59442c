//! A device as Element X is one: a client with files of its own, and the services that keep it up to date.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use matrix_sdk::{
    AuthSession, Client, Room, RoomState, ThreadingSupport,
    cross_process_lock::CrossProcessLockConfig,
    encryption::{BackupDownloadStrategy, EncryptionSettings},
    ruma::{RoomId, UserId, api::client::room::create_room::v3::Request as CreateRoom},
    sliding_sync::VersionBuilder,
};
use matrix_sdk_ui::{
    RoomListService, Timeline,
    sync_service::{State, SyncService},
    timeline::{RoomExt, TimelineFocus, TimelineReadReceiptTracking},
};

use crate::{
    wait::{until, until_true},
    world::{Account, World},
};

pub struct Device {
    pub client: Client,
    pub sync: Arc<SyncService>,
    pub rooms: Arc<RoomListService>,
    account: Account,
    folder: PathBuf,
}

impl Device {
    /// Logs in by password, and syncs.
    pub async fn log_in(world: &World, account: &Account, name: &str) -> Result<Self> {
        let folder = world.new_folder();
        let client = build_client(world, account, &folder).await?;
        let login = client.matrix_auth().login_username(&account.user_id, &account.password);
        login.initial_device_display_name(name).request_refresh_token().await.context("the login was refused")?;
        client.encryption().wait_for_e2ee_initialization_tasks().await;
        Self::start(client, account, folder).await
    }

    /// Logs in by a token that another device has got.
    pub async fn log_in_by_token(world: &World, account: &Account, token: &str) -> Result<Self> {
        let folder = world.new_folder();
        let client = build_client(world, account, &folder).await?;
        client.matrix_auth().login_token(token).await.context("the login was refused")?;
        Self::start(client, account, folder).await
    }

    /// Opens the application again, as it was when it was closed.
    pub async fn reopen(world: &World, closed: Closed) -> Result<Self> {
        let Closed { session, account, folder } = closed;
        let client = build_client(world, &account, &folder).await?;
        client.restore_session(session).await?;
        Self::start(client, &account, folder).await
    }

    /// Closes the application; what it kept stays.
    pub async fn close(self) -> Result<Closed> {
        self.sync.stop().await;
        let session = self.client.session().context("nobody is logged in")?;
        Ok(Closed { session, account: self.account.clone(), folder: self.folder.clone() })
    }

    async fn start(client: Client, account: &Account, folder: PathBuf) -> Result<Self> {
        let sync = Arc::new(SyncService::builder(client.clone()).with_offline_mode().build().await?);
        sync.start().await;
        let device = Self { client, rooms: sync.room_list_service(), sync, account: account.clone(), folder };
        device.is_running().await?;
        Ok(device)
    }

    /// Waits until both connections are served.
    pub async fn is_running(&self) -> Result<()> {
        let state = self.sync.state();
        until_true("a sync that runs", async || matches!(state.get(), State::Running)).await?;
        let list = self.rooms.state();
        let running = matrix_sdk_ui::room_list_service::State::Running;
        until_true("a room list that runs", async || list.get() == running).await
    }

    pub fn user_id(&self) -> &UserId {
        self.client.user_id().expect("a device is logged in")
    }

    /// Makes a room, and waits until the room list has it.
    pub async fn create_room(&self, request: CreateRoom) -> Result<Room> {
        let room_id = self.client.create_room(request).await?.room_id().to_owned();
        self.room(&room_id, RoomState::Joined).await
    }

    /// The room, as soon as the device knows of it that the user has that membership.
    pub async fn room(&self, room_id: &RoomId, state: RoomState) -> Result<Room> {
        let known =
            || self.client.get_room(room_id).filter(|room| room.state() == state && room.is_state_partially_or_fully_synced());
        until(&format!("{room_id} as {state:?}"), async || Ok(known())).await
    }

    /// Accepts an invite that is to come.
    pub async fn accept_invite(&self, room_id: &RoomId) -> Result<Room> {
        self.room(room_id, RoomState::Invited).await?.join().await?;
        self.room(room_id, RoomState::Joined).await
    }

    /// Opens a joined room on the screen.
    pub async fn open(&self, room_id: &RoomId) -> Result<Timeline> {
        let room = self.room(room_id, RoomState::Joined).await?;
        self.rooms.set_room_subscriptions(&[room_id]).await;
        open_with(&room, TimelineFocus::Live { hide_threaded_events: true }).await
    }
}

/// The SDK would sync on.
impl Drop for Device {
    fn drop(&mut self) {
        let sync = self.sync.clone();
        tokio::spawn(async move { sync.stop().await });
    }
}

/// What is left of a device whose application was closed.
pub struct Closed {
    session: AuthSession,
    account: Account,
    folder: PathBuf,
}

pub async fn open_with(room: &Room, focus: TimelineFocus) -> Result<Timeline> {
    let builder = room.timeline_builder().with_focus(focus);
    Ok(builder.track_read_marker_and_receipts(TimelineReadReceiptTracking::AllEvents).build().await?)
}

/// With the settings that Element X has.
async fn build_client(world: &World, account: &Account, folder: &PathBuf) -> Result<Client> {
    let encryption = EncryptionSettings {
        auto_enable_cross_signing: true,
        backup_download_strategy: BackupDownloadStrategy::AfterDecryptionFailure,
        auto_enable_backups: true,
    };
    let builder = Client::builder()
        .server_name_or_homeserver_url(&account.url)
        .add_root_certificates(vec![world.authority()])
        .sqlite_store(folder, None)
        .sliding_sync_version_builder(VersionBuilder::DiscoverNative)
        .cross_process_store_config(CrossProcessLockConfig::multi_process("main"))
        .with_encryption_settings(encryption)
        .with_enable_share_history_on_invite(true)
        .with_threading_support(ThreadingSupport::Enabled { with_subscriptions: true })
        .handle_refresh_tokens();
    Ok(builder.build().await?)
}
