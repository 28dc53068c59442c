//! The backup of keys: kept by one device, restored by another after all others are gone.

use anyhow::{Context, Result, ensure};
use matrix_sdk::{
    RoomState,
    encryption::{backups::BackupState, recovery::RecoveryState},
    ruma::api::client::uiaa::{AuthData, Password, UserIdentifier},
};

use crate::{
    chapters::membership::chat_of,
    device::Device,
    report::{Chapter, Outcome},
    talk::{message, say, scroll_to_start},
    wait::{until, until_true},
    world::{Account, World},
};

pub async fn tell(world: &World, chapter: &Chapter) -> Outcome {
    let account = chapter.step("an account is made", world.account("keeper")).await?;
    let (alice, bob, room_id) = chapter
        .step("two people talk in secret", async {
            let alice = Device::log_in(world, &account, "Alice's phone").await?;
            let bob = Device::log_in(world, &world.account("confidant").await?, "Bob's phone").await?;
            let room_id = chat_of(&alice, &bob).await?;
            let (hers, his) = (alice.open(&room_id).await?, bob.open(&room_id).await?);
            for n in 0..5 {
                say(&hers, &format!("Secret {n}")).await?;
                say(&his, &format!("Answer {n}")).await?;
                message(&hers, &format!("Answer {n}")).await?;
            }
            Ok((alice, bob, room_id))
        })
        .await?;
    let key = chapter
        .step("recovery is set up, with all keys in the backup", async {
            let recovery = alice.client.encryption().recovery();
            let key = recovery.enable().wait_for_backups_to_upload().with_passphrase("a passphrase of hers").await?;
            until_true("recovery", async || recovery.state() == RecoveryState::Enabled).await?;
            ensure!(alice.client.encryption().backups().state() == BackupState::Enabled);
            ensure!(alice.client.encryption().backups().fetch_exists_on_server().await?);
            ensure!(recovery.is_last_device().await?);
            Ok(key)
        })
        .await?;
    chapter
        .step("the last device logs out", async {
            alice.client.logout().await?;
            alice.sync.stop().await;
            Ok(())
        })
        .await?;
    let phone = chapter
        .step("a new one recovers by the key, is verified, and reads all that is old", async {
            let phone = Device::log_in(world, &account, "Alice's new phone").await?;
            until_true("secrets to recover", async || phone.client.encryption().recovery().state() == RecoveryState::Incomplete)
                .await?;
            phone.client.encryption().recovery().recover(&key).await?;
            until_true("recovery", async || phone.client.encryption().recovery().state() == RecoveryState::Enabled).await?;
            let own = phone.client.encryption().get_own_device().await?.context("no device")?;
            ensure!(own.is_cross_signed_by_owner(), "the device is not verified");
            reads_all(&phone, &room_id).await?;
            Ok(phone)
        })
        .await?;
    chapter
        .step("another one recovers by the passphrase", async {
            let tablet = Device::log_in(world, &account, "Alice's tablet").await?;
            until_true("secrets to recover", async || tablet.client.encryption().recovery().state() == RecoveryState::Incomplete)
                .await?;
            tablet.client.encryption().recovery().recover("a passphrase of hers").await?;
            reads_all(&tablet, &room_id).await
        })
        .await?;
    chapter
        .step("a new key replaces the old one", async {
            let recovery = phone.client.encryption().recovery();
            let new = recovery.reset_key().await?;
            ensure!(new != key);
            let laptop = Device::log_in(world, &account, "Alice's laptop").await?;
            until_true("secrets to recover", async || laptop.client.encryption().recovery().state() == RecoveryState::Incomplete)
                .await?;
            ensure!(laptop.client.encryption().recovery().recover(&key).await.is_err(), "the old key is still good");
            laptop.client.encryption().recovery().recover(&new).await?;
            // What it asks for because of this signature must not cross the new identity that comes next: the SDK would drop that.
            let laptop_id = laptop.client.device_id().context("no device")?;
            until("the laptop's signature", async || {
                let seen = phone.client.encryption().get_device(phone.user_id(), laptop_id).await?;
                Ok(seen.filter(|device| device.is_cross_signed_by_owner()))
            })
            .await?;
            Ok(())
        })
        .await?;
    chapter
        .step("whoever has lost everything resets the identity, by password, and the other one notices", async {
            let handle = phone.client.encryption().recovery().reset_identity().await?.context("nothing to confirm")?;
            handle.reset(Some(password(&account))).await?;
            until("the new identity", async || {
                let identity = bob.client.encryption().get_user_identity(phone.user_id()).await?;
                Ok(identity.filter(|identity| {
                    // He had pinned the old one.
                    identity.has_verification_violation() || !identity.was_previously_verified()
                }))
            })
            .await?;
            let recovery = phone.client.encryption().recovery();
            recovery.enable().await?;
            until_true("recovery", async || recovery.state() == RecoveryState::Enabled).await
        })
        .await?;
    chapter
        .step("a dehydrated device takes keys while nobody is there", async {
            let secrets = phone.client.encryption().secret_storage();
            let key = phone.client.encryption().recovery().reset_key().await?;
            let store = secrets.open_secret_store(&key).await?;
            let dehydrated = phone.client.encryption().dehydrated_devices();
            ensure!(dehydrated.is_supported().await?);
            dehydrated.start(&store).await?;
            ensure!(dehydrated.is_key_stored(&store).await?);
            dehydrated.delete().await?;
            Ok(())
        })
        .await
}

pub fn password(account: &Account) -> AuthData {
    AuthData::Password(Password::new(UserIdentifier::Matrix(account.user_id.clone().into()), account.password.clone()))
}

async fn reads_all(device: &Device, room_id: &matrix_sdk::ruma::RoomId) -> Result<()> {
    device.room(room_id, RoomState::Joined).await?;
    let timeline = device.open(room_id).await?;
    scroll_to_start(&timeline).await?;
    for n in 0..5 {
        message(&timeline, &format!("Secret {n}")).await?;
        message(&timeline, &format!("Answer {n}")).await?;
    }
    Ok(())
}
