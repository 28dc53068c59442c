//! Profiles, and people whom one does not want to hear.

use anyhow::{Context, Result, ensure};
use matrix_sdk::ruma::{
    RoomId,
    api::error::ErrorKind,
    owned_mxc_uri,
    profile::{DisplayName, ProfileFieldName, ProfileFieldValue},
};

use crate::{
    chapters::membership::room_of,
    device::Device,
    report::{Chapter, Outcome},
    talk::{message, say, seen},
    wait::{until, until_true},
    world::World,
};

pub async fn tell(world: &World, chapter: &Chapter) -> Outcome {
    let (alice, bob, room_id) = chapter
        .step("two people share a room", async {
            let alice = Device::log_in(world, &world.account("actor").await?, "Alice's phone").await?;
            let bob = Device::log_in(world, &world.account("critic").await?, "Bob's phone").await?;
            let room_id = room_of(&alice, &[&bob]).await?;
            Ok((alice, bob, room_id))
        })
        .await?;

    chapter
        .step("a new name is seen by the other one", async {
            alice.client.account().set_display_name(Some("Alice the Great")).await?;
            ensure!(alice.client.account().get_display_name().await?.as_deref() == Some("Alice the Great"));
            member_with(&bob, &alice, &room_id, |name, _| name == Some("Alice the Great")).await
        })
        .await?;
    chapter
        .step("a new avatar is seen by the other one", async {
            let url = owned_mxc_uri!("mxc://hs1.test/portrait");
            alice.client.account().set_avatar_url(Some(&url)).await?;
            ensure!(alice.client.account().get_avatar_url().await?.as_ref() == Some(&url));
            member_with(&bob, &alice, &room_id, |_, avatar| avatar == Some(url.as_str())).await
        })
        .await?;
    chapter
        .step("a profile is read, with fields of any name", async {
            let account = alice.client.account();
            let profile = bob.client.account().fetch_user_profile_of(alice.user_id()).await?;
            ensure!(profile.get("displayname").and_then(|name| name.as_str()) == Some("Alice the Great"), "{profile:?}");
            account.set_profile_field(ProfileFieldValue::new("com.example.mood", "sunny".into())?).await?;
            let field = || ProfileFieldName::from("com.example.mood");
            let mood = bob.client.account().fetch_profile_field_of(alice.user_id().to_owned(), field()).await?;
            ensure!(mood.context("no such field")?.value().as_str() == Some("sunny"));
            account.delete_profile_field(field()).await?;
            let gone = bob.client.account().fetch_profile_field_of(alice.user_id().to_owned(), field()).await;
            ensure!(gone.is_err_and(|error| error.client_api_error_kind() == Some(&ErrorKind::NotFound)), "it is still there");
            Ok(())
        })
        .await?;
    chapter
        .step("the server says that profiles come by sync", async {
            ensure!(alice.client.is_global_profile_sync_enabled().await?, "the SDK does not expect them");
            Ok(())
        })
        .await?;
    chapter
        .step("a changed profile comes by sync, one's own as that of others", async {
            alice.client.account().set_display_name(Some("Alice again")).await?;
            let stored = async |device: &Device| {
                until("the global profile", async || {
                    let profile = device.client.state_store().get_global_profile(alice.user_id()).await?;
                    Ok(profile
                        .filter(|profile| matches!(profile.get_static::<DisplayName>(), Ok(Some(name)) if name == "Alice again")))
                })
                .await
            };
            stored(&bob).await?;
            stored(&alice).await?;
            Ok(())
        })
        .await?;
    chapter
        .step("somebody is ignored, on all devices, and heard again", async {
            let (hers, his) = (alice.open(&room_id).await?, bob.open(&room_id).await?);
            say(&his, "Before").await?;
            message(&hers, "Before").await?;
            alice.client.account().ignore_user(bob.user_id()).await?;
            until_true("an ignored user", async || alice.client.is_user_ignored(bob.user_id()).await).await?;
            say(&his, "You do not hear this").await?;
            let own = say(&hers, "Silence").await?;
            until("her own words", async || Ok(hers.item_by_event_id(&own).await)).await?;
            ensure!(seen(&hers, "You do not hear this").await.is_none(), "an ignored user is heard");
            alice.client.account().unignore_user(bob.user_id()).await?;
            until_true("nobody ignored", async || !alice.client.is_user_ignored(bob.user_id()).await).await?;
            say(&his, "And now?").await?;
            let again = alice.open(&room_id).await?;
            message(&again, "And now?").await?;
            Ok(())
        })
        .await
}

/// Waits until the device knows the other as that.
async fn member_with(
    device: &Device,
    other: &Device,
    room_id: &RoomId,
    is_right: impl Fn(Option<&str>, Option<&str>) -> bool,
) -> Result<()> {
    let room = device.client.get_room(room_id).unwrap();
    until("the member", async || {
        let member = room.get_member(other.user_id()).await?;
        Ok(member.filter(|member| is_right(member.display_name(), member.avatar_url().map(|url| url.as_str()))).map(drop))
    })
    .await
}
