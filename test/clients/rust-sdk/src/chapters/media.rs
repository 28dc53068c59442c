//! Files, in plain and in encrypted rooms, and avatars.

use anyhow::{Context, Result, ensure};
use matrix_sdk::{
    Client, Error,
    media::{MediaFormat, MediaRequestParameters},
    ruma::{api::error::ErrorKind, events::room::message::MessageType},
};
use matrix_sdk_ui::{
    Timeline,
    timeline::{AttachmentConfig, AttachmentSource},
};

use crate::{
    chapters::membership::{chat_of, room_of},
    device::Device,
    report::{Chapter, Outcome},
    talk::{message, say, scroll_to_start},
    world::World,
};

pub async fn tell(world: &World, chapter: &Chapter) -> Outcome {
    let (alice, bob) = chapter
        .step("two people log in", async {
            let alice = Device::log_in(world, &world.account("painter").await?, "Alice's phone").await?;
            let bob = Device::log_in(world, &world.account("gallery").await?, "Bob's phone").await?;
            Ok((alice, bob))
        })
        .await?;
    if !chapter.step("the server is asked how much may go up", is_served(&alice.client)).await? {
        chapter.skip("the server has no media");
        return Ok(());
    }
    chapter
        .step("a file goes up, and comes down", async {
            let room_id = room_of(&alice, &[&bob]).await?;
            share(&alice.open(&room_id).await?, &bob.open(&room_id).await?).await
        })
        .await?;
    chapter
        .step("an encrypted file goes up, and comes down", async {
            let room_id = chat_of(&alice, &bob).await?;
            share(&alice.open(&room_id).await?, &bob.open(&room_id).await?).await
        })
        .await?;
    chapter
        .step("whoever is invited to an encrypted room reads what was written before", share_history(world, &alice, &bob))
        .await?;
    chapter
        .step("an avatar goes up, and comes down", async {
            let url = alice.client.account().upload_avatar(&mime::IMAGE_PNG, b"A portrait".to_vec()).await?;
            let request = MediaRequestParameters {
                source: matrix_sdk::ruma::events::room::MediaSource::Plain(url),
                format: MediaFormat::File,
            };
            ensure!(bob.client.media().get_media_content(&request, false).await? == b"A portrait");
            Ok(())
        })
        .await
}

async fn is_served(client: &Client) -> Result<bool> {
    match client.load_or_fetch_max_upload_size().await {
        Ok(size) => Ok(u64::from(size) > 0),
        Err(Error::Http(error)) if error.client_api_error_kind() == Some(&ErrorKind::Unrecognized) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn share(from: &Timeline, to: &Timeline) -> Result<()> {
    let data = b"The minutes of the meeting".to_vec();
    let source = AttachmentSource::Data { bytes: data.clone(), filename: "minutes.txt".to_owned() };
    from.send_attachment(source, mime::TEXT_PLAIN, AttachmentConfig::default()).use_send_queue().await?;
    let item = message(to, "minutes.txt").await?;
    let MessageType::File(file) = item.content().as_message().context("not a message")?.msgtype() else {
        anyhow::bail!("not a file")
    };
    let request = MediaRequestParameters { source: file.source.clone(), format: MediaFormat::File };
    ensure!(to.room().client().media().get_media_content(&request, false).await? == data);
    Ok(())
}

/// MSC4268: the keys of what was written go up as a file, for those who are invited.
async fn share_history(world: &World, alice: &Device, bob: &Device) -> Result<()> {
    let room_id = chat_of(alice, bob).await?;
    say(&alice.open(&room_id).await?, "Before Carol came").await?;
    let carol = Device::log_in(world, &world.account("latecomer").await?, "Carol's phone").await?;
    alice.client.get_room(&room_id).context("no room")?.invite_user_by_id(carol.user_id()).await?;
    carol.accept_invite(&room_id).await?;
    let hers = carol.open(&room_id).await?;
    scroll_to_start(&hers).await?;
    message(&hers, "Before Carol came").await?;
    Ok(())
}
