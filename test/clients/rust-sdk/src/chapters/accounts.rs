//! What an account is good for beside rooms.

use anyhow::{Result, ensure};
use matrix_sdk::ruma::{
    api::client::{presence::get_presence, session::get_login_token},
    events::media_preview_config::{InviteAvatars, MediaPreviews},
    presence::PresenceState,
};

use crate::{
    chapters::{membership::room_of, recovery::password},
    device::Device,
    report::{Chapter, Outcome},
    wait::until,
    world::World,
};

pub async fn tell(world: &World, chapter: &Chapter) -> Outcome {
    let account = chapter.step("an account is made", world.account("citizen")).await?;
    let alice = chapter.step("its owner logs in", Device::log_in(world, &account, "Alice's phone")).await?;
    chapter
        .step("another service is told who it is", async {
            let token = alice.client.account().request_openid_token().await?;
            ensure!(!token.access_token.is_empty() && token.matrix_server_name == alice.user_id().server_name());
            Ok(())
        })
        .await?;
    chapter
        .step("another device logs in by a token of this one", async {
            let mut request = get_login_token::v1::Request::new();
            request.auth = Some(password(&account));
            let token = alice.client.send(request).await?.login_token;
            Device::log_in_by_token(world, &account, &token).await?;
            Ok(())
        })
        .await?;
    chapter
        .step("addresses are listed", async {
            ensure!(alice.client.account().get_3pids().await?.threepids.is_empty());
            Ok(())
        })
        .await?;
    chapter
        .step("what is previewed is kept by the server", async {
            let account = alice.client.account();
            account.set_media_previews_display_policy(MediaPreviews::Private).await?;
            account.set_invite_avatars_display_policy(InviteAvatars::Off).await?;
            until("the setting", async || {
                let config = account.get_media_preview_config_event_content().await?;
                Ok(config.filter(|config| {
                    config.media_previews == Some(MediaPreviews::Private) && config.invite_avatars == Some(InviteAvatars::Off)
                }))
            })
            .await?;
            Ok(())
        })
        .await?;
    chapter.step("others see whether one is there", presence(world, &alice)).await
}

async fn presence(world: &World, alice: &Device) -> Result<()> {
    let bob = Device::log_in(world, &world.account("neighbour").await?, "Bob's phone").await?;
    room_of(alice, &[&bob]).await?;
    alice.client.set_presence(PresenceState::Unavailable, Some("Asleep".to_owned()), true).await?;
    until("her presence", async || {
        let seen = bob.client.send(get_presence::v3::Request::new(alice.user_id().to_owned())).await?;
        Ok((seen.presence == PresenceState::Unavailable && seen.status_msg.as_deref() == Some("Asleep")).then_some(()))
    })
    .await
}
