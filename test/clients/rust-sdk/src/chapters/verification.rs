//! Verification by emoji, between devices of one user and between users.

use anyhow::{Context, Result, bail, ensure};
use matrix_sdk::{
    Client, RoomState,
    encryption::verification::{SasState, SasVerification, Verification, VerificationRequest, VerificationRequestState},
    event_handler::EventHandlerDropGuard,
    ruma::events::{
        key::verification::request::ToDeviceKeyVerificationRequestEvent,
        room::message::{MessageType, OriginalSyncRoomMessageEvent},
    },
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::{
    chapters::membership::chat_of,
    device::Device,
    report::{Chapter, Outcome},
    talk::{message, say},
    wait::{until, until_true},
    world::World,
};

pub async fn tell(world: &World, chapter: &Chapter) -> Outcome {
    let hers = chapter.step("an account is made", world.account("verifier")).await?;
    let (alice, tablet) = chapter
        .step("a second device is not verified", async {
            let alice = Device::log_in(world, &hers, "Alice's phone").await?;
            until_true("private cross-signing keys", async || has_all_keys(&alice).await).await?;
            let tablet = Device::log_in(world, &hers, "Alice's tablet").await?;
            ensure!(!is_verified(&tablet).await?);
            until("the tablet", async || {
                Ok(alice.client.encryption().get_device(tablet.user_id(), tablet.client.device_id().unwrap()).await?)
            })
            .await?;
            Ok((alice, tablet))
        })
        .await?;
    chapter
        .step("it is verified by emoji, and cross-signed", async {
            let mut asked = Requests::of_own_devices(&alice.client);
            let identity = tablet.client.encryption().get_user_identity(tablet.user_id()).await?.context("no identity")?;
            let request = identity.request_verification().await?;
            let heard = asked.next(&alice.client).await?;
            compare_emoji(&request, &heard).await?;
            until("a verified device", async || Ok(is_verified(&tablet).await?.then_some(()))).await
        })
        .await?;
    chapter
        .step("it gets the private keys from the first one", async {
            until_true("private cross-signing keys", async || has_all_keys(&tablet).await).await
        })
        .await?;
    chapter
        .step("and the key of the backup, by which it reads what is old", async {
            until_true("the backup", async || tablet.client.encryption().backups().are_enabled().await).await
        })
        .await?;
    chapter
        .step("two users verify each other in their chat", async {
            let bob = Device::log_in(world, &world.account("verified").await?, "Bob's phone").await?;
            let room_id = chat_of(&alice, &bob).await?;
            let (hers, his) = (alice.open(&room_id).await?, bob.open(&room_id).await?);
            say(&his, "Is it you?").await?;
            message(&hers, "Is it you?").await?;
            alice.room(&room_id, RoomState::Joined).await?;
            let mut asked = Requests::in_rooms(&bob.client);
            let identity = alice.client.encryption().request_user_identity(bob.user_id()).await?.context("no identity of his")?;
            let request = identity.request_verification().await?;
            let heard = asked.next(&bob.client).await?;
            compare_emoji(&request, &heard).await?;
            let verified = async |device: &Device, other: &Device| {
                until("a verified user", async || {
                    let identity = device.client.encryption().get_user_identity(other.user_id()).await?;
                    Ok(identity.filter(|identity| identity.is_verified()))
                })
                .await
            };
            verified(&alice, &bob).await?;
            verified(&bob, &alice).await?;
            // The signature has gone to the server, and from there to her other device.
            verified(&tablet, &bob).await?;
            Ok(())
        })
        .await?;
    chapter
        .step("a request is refused", async {
            let mut asked = Requests::of_own_devices(&alice.client);
            let device = tablet.client.encryption().get_device(alice.user_id(), alice.client.device_id().unwrap()).await?;
            let request = device.context("no phone")?.request_verification().await?;
            asked.next(&alice.client).await?.cancel().await?;
            until_true("the refusal", async || request.is_cancelled()).await
        })
        .await
}

async fn has_all_keys(device: &Device) -> bool {
    device.client.encryption().cross_signing_status().await.is_some_and(|status| status.is_complete())
}

async fn is_verified(device: &Device) -> Result<bool> {
    Ok(device.client.encryption().get_own_device().await?.context("no device")?.is_cross_signed_by_owner())
}

/// Requests that come in.
struct Requests {
    flows: UnboundedReceiver<(matrix_sdk::ruma::OwnedUserId, String)>,
    _guard: EventHandlerDropGuard,
}

impl Requests {
    fn of_own_devices(client: &Client) -> Self {
        let (sender, flows) = unbounded_channel();
        let handler = client.add_event_handler(move |event: ToDeviceKeyVerificationRequestEvent| {
            let _ = sender.send((event.sender, event.content.transaction_id.to_string()));
            std::future::ready(())
        });
        Self { flows, _guard: client.event_handler_drop_guard(handler) }
    }

    fn in_rooms(client: &Client) -> Self {
        let (sender, flows) = unbounded_channel();
        let handler = client.add_event_handler(move |event: OriginalSyncRoomMessageEvent| {
            if matches!(event.content.msgtype, MessageType::VerificationRequest(_)) {
                let _ = sender.send((event.sender, event.event_id.to_string()));
            }
            std::future::ready(())
        });
        Self { flows, _guard: client.event_handler_drop_guard(handler) }
    }

    async fn next(&mut self, client: &Client) -> Result<VerificationRequest> {
        let (user_id, flow_id) = self.flows.recv().await.context("no more requests")?;
        until("the request", async || Ok(client.encryption().get_verification_request(&user_id, &flow_id).await)).await
    }
}

/// The one who asked and the one who was asked see the same emoji, and say so.
async fn compare_emoji(asking: &VerificationRequest, asked: &VerificationRequest) -> Result<()> {
    asked.accept().await?;
    until_true("an accepted request", async || asking.is_ready()).await?;
    let first = asking.start_sas().await?.context("no emoji")?;
    let second = until("the start", async || {
        Ok(match asked.state() {
            VerificationRequestState::Transitioned { verification: Verification::SasV1(sas) } => Some(sas),
            _ => None,
        })
    })
    .await?;
    second.accept().await?;
    let both = [presented(&first).await?, presented(&second).await?];
    ensure!(both[0] == both[1], "different emoji: {both:?}");
    first.confirm().await?;
    second.confirm().await?;
    for sas in [&first, &second] {
        until("the end", async || match sas.state() {
            SasState::Done { .. } => Ok(Some(())),
            SasState::Cancelled(why) => bail!("cancelled: {why:?}"),
            _ => Ok(None),
        })
        .await?;
    }
    Ok(())
}

async fn presented(sas: &SasVerification) -> Result<Vec<String>> {
    until_true("emoji", async || sas.can_be_presented()).await?;
    Ok(sas.emoji().context("no emoji")?.iter().map(|emoji| emoji.description.to_owned()).collect())
}
