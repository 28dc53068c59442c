//! Knocking, and what can be seen of a room before one is in it.

use std::pin::pin;

use anyhow::{Context, Result, ensure};
use futures_util::StreamExt;
use matrix_sdk::{
    RoomState,
    room::knock_requests::KnockRequest,
    ruma::{
        OwnedRoomId,
        api::client::room::create_room::v3::Request as CreateRoom,
        events::{
            InitialStateEvent,
            room::join_rules::{JoinRule, RoomJoinRulesEventContent},
        },
        room::JoinRuleSummary,
    },
};

use crate::{
    device::Device,
    report::{Chapter, Outcome},
    wait::until_true,
    world::World,
};

pub async fn tell(world: &World, chapter: &Chapter) -> Outcome {
    let (alice, bob, room_id) = chapter
        .step("a room is made that people may knock at", async {
            let alice = Device::log_in(world, &world.account("porter").await?, "Alice's phone").await?;
            let bob = Device::log_in(world, &world.account("knocker").await?, "Bob's phone").await?;
            let mut request = CreateRoom::new();
            request.name = Some("The club".to_owned());
            request.topic = Some("Members only".to_owned());
            let rule = InitialStateEvent::with_empty_state_key(RoomJoinRulesEventContent::new(JoinRule::Knock));
            request.initial_state = vec![rule.to_raw_any()];
            let room_id = alice.create_room(request).await?.room_id().to_owned();
            Ok((alice, bob, room_id))
        })
        .await?;
    chapter
        .step("a stranger sees what it is", async {
            let preview = bob.client.get_room_preview((&*room_id).into(), vec![]).await?;
            ensure!(preview.name.as_deref() == Some("The club"), "{preview:?}");
            ensure!(preview.topic.as_deref() == Some("Members only"), "{preview:?}");
            ensure!(preview.join_rule == Some(JoinRuleSummary::Knock), "{preview:?}");
            ensure!(preview.num_joined_members == 1 && preview.state.is_none(), "{preview:?}");
            Ok(())
        })
        .await?;
    chapter
        .step("and not what is not for strangers", async {
            let private = alice.create_room(CreateRoom::new()).await?;
            let preview = bob.client.get_room_preview(private.room_id().into(), vec![]).await;
            ensure!(preview.is_err(), "he sees {preview:?}");
            Ok(())
        })
        .await?;
    chapter
        .step("a knock is heard, and refused", async {
            knock(&bob, &room_id).await?;
            let heard = request(&alice, &room_id).await?;
            ensure!(heard.member_info.user_id == bob.user_id() && heard.member_info.reason.as_deref() == Some("May I?"));
            heard.mark_as_seen().await?;
            heard.decline(Some("Not today")).await?;
            bob.room(&room_id, RoomState::Left).await?;
            Ok(())
        })
        .await?;
    chapter
        .step("a knock is taken back", async {
            knock(&bob, &room_id).await?;
            bob.client.get_room(&room_id).unwrap().leave().await?;
            bob.room(&room_id, RoomState::Left).await?;
            Ok(())
        })
        .await?;
    chapter
        .step("a knock is heard, and the one who knocked let in", async {
            knock(&bob, &room_id).await?;
            request(&alice, &room_id).await?.accept().await?;
            let room = bob.accept_invite(&room_id).await?;
            until_true("the name", async || room.name().as_deref() == Some("The club")).await
        })
        .await
}

async fn knock(device: &Device, room_id: &OwnedRoomId) -> Result<()> {
    let room = device.client.knock(room_id.clone().into(), Some("May I?".to_owned()), vec![]).await?;
    device.room(room.room_id(), RoomState::Knocked).await?;
    Ok(())
}

/// The first request that its members hear of.
async fn request(device: &Device, room_id: &OwnedRoomId) -> Result<KnockRequest> {
    let room = device.client.get_room(room_id).unwrap();
    let (requests, cleaning) = room.subscribe_to_knock_requests().await?;
    let mut requests = pin!(requests);
    loop {
        let mut heard = requests.next().await.context("no more requests")?;
        if let Some(request) = heard.pop() {
            cleaning.abort();
            return Ok(request);
        }
    }
}
