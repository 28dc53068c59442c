//! Invites, direct chats, and the ways out of a room.

use anyhow::{Context, Result, ensure};
use matrix_sdk::{
    RoomState,
    room_directory_search::RoomDirectorySearch,
    ruma::{
        OwnedRoomId, RoomAliasId, RoomOrAliasId,
        api::client::room::{
            Visibility,
            create_room::v3::{Request as CreateRoom, RoomPreset},
        },
        events::room::power_levels::UserPowerLevel,
    },
};

use crate::{
    device::Device,
    report::{Chapter, Outcome},
    talk::{message, say},
    wait::{until, until_true},
    world::World,
};

/// A private room of `host` that the others have joined.
pub async fn room_of(host: &Device, guests: &[&Device]) -> Result<OwnedRoomId> {
    let mut request = CreateRoom::new();
    request.preset = Some(RoomPreset::PrivateChat);
    request.invite = guests.iter().map(|guest| guest.user_id().to_owned()).collect();
    let room_id = host.create_room(request).await?.room_id().to_owned();
    for guest in guests {
        guest.accept_invite(&room_id).await?;
    }
    Ok(room_id)
}

/// An encrypted chat of two people that both are in.
pub async fn chat_of(host: &Device, guest: &Device) -> Result<OwnedRoomId> {
    let room_id = host.client.create_dm(guest.user_id()).await?.room_id().to_owned();
    guest.accept_invite(&room_id).await?;
    Ok(room_id)
}

pub async fn tell(world: &World, chapter: &Chapter) -> Outcome {
    let (alice, bob) = chapter
        .step("two people log in", async {
            let alice = Device::log_in(world, &world.account("host").await?, "Alice's phone").await?;
            let bob = Device::log_in(world, &world.account("guest").await?, "Bob's phone").await?;
            Ok((alice, bob))
        })
        .await?;

    chapter
        .step("an invite tells who sent it and to what, and is accepted", async {
            let mut request = CreateRoom::new();
            request.name = Some("The garden".to_owned());
            request.topic = Some("Flowers".to_owned());
            request.invite = vec![bob.user_id().to_owned()];
            let room_id = alice.create_room(request).await?.room_id().to_owned();
            let invited = bob.room(&room_id, RoomState::Invited).await?;
            ensure!(invited.invite_details().await?.inviter.context("nobody invited")?.user_id() == alice.user_id());
            ensure!(invited.name().as_deref() == Some("The garden"), "named {:?}", invited.name());
            let joined = bob.accept_invite(&room_id).await?;
            until_true("the topic", async || joined.topic().as_deref() == Some("Flowers")).await?;
            let room = alice.client.get_room(&room_id).unwrap();
            until_true("two members", async || room.joined_members_count() == 2).await
        })
        .await?;
    chapter
        .step("an invite is refused", async {
            let mut request = CreateRoom::new();
            request.invite = vec![bob.user_id().to_owned()];
            let room = alice.create_room(request).await?;
            bob.room(room.room_id(), RoomState::Invited).await?.leave().await?;
            until_true("nothing left of it", async || bob.client.get_room(room.room_id()).is_none()).await?;
            until("the refusal", async || {
                let member = room.get_member(bob.user_id()).await?;
                Ok(member.filter(|member| member.membership().as_str() == "leave"))
            })
            .await?;
            Ok(())
        })
        .await?;
    let direct = chapter
        .step("a direct chat is made, and both know it as one", async {
            let room_id = chat_of(&alice, &bob).await?;
            let hers = alice.room(&room_id, RoomState::Joined).await?;
            let his = bob.room(&room_id, RoomState::Joined).await?;
            until("a direct chat of hers", async || Ok(hers.is_direct().await?.then_some(()))).await?;
            until("a direct chat of his", async || Ok(his.is_direct().await?.then_some(()))).await?;
            ensure!(alice.client.get_dm_room(bob.user_id()).context("no chat with Bob")?.room_id() == room_id);
            ensure!(hers.latest_encryption_state().await?.is_encrypted(), "it is not encrypted");
            Ok(room_id)
        })
        .await?;
    chapter
        .step("it is named after the other one", async {
            let room = alice.client.get_room(&direct).unwrap();
            until("the name", async || Ok((room.display_name().await?.to_string() == "guest").then_some(()))).await
        })
        .await?;
    chapter
        .step("a public room is found in the directory and by its alias, and joined", async {
            let mut request = CreateRoom::new();
            request.preset = Some(RoomPreset::PublicChat);
            request.visibility = Visibility::Public;
            request.room_alias_name = Some("square".to_owned());
            request.name = Some("The square".to_owned());
            let room_id = alice.create_room(request).await?.room_id().to_owned();
            let mut search = RoomDirectorySearch::new(bob.client.clone());
            search.search(Some("square".to_owned()), 20, None).await?;
            ensure!(search.results().0.iter().any(|found| found.room_id == room_id), "not in the directory");
            let alias = RoomAliasId::parse(format!("#square:{}", alice.user_id().server_name()))?;
            ensure!(bob.client.resolve_room_alias(&alias).await?.room_id == room_id);
            ensure!(!bob.client.is_room_alias_available(&alias).await?);
            bob.client.join_room_by_id_or_alias(<&RoomOrAliasId>::from(&*alias), &[]).await?;
            bob.room(&room_id, RoomState::Joined).await?;
            Ok(())
        })
        .await?;
    chapter
        .step("people are found by a part of their name", async {
            let found = alice.client.search_users("gues", 10).await?;
            ensure!(found.results.iter().any(|user| user.user_id == bob.user_id()), "{:?}", found.results);
            Ok(())
        })
        .await?;
    chapter
        .step("somebody is made a moderator, kicked, banned, and let in again", async {
            let room_id = room_of(&alice, &[&bob]).await?;
            let room = alice.client.get_room(&room_id).unwrap();
            room.update_power_levels(vec![(bob.user_id(), 50.into())]).await?;
            let his = bob.client.get_room(&room_id).unwrap();
            // Until its state has come, the room has no powers.
            until("his power", async || {
                Ok(his.get_user_power_level(bob.user_id()).await.ok().filter(|power| *power == UserPowerLevel::Int(50.into())))
            })
            .await?;
            room.kick_user(bob.user_id(), Some("Out")).await?;
            bob.room(&room_id, RoomState::Left).await?;
            room.ban_user(bob.user_id(), None).await?;
            bob.room(&room_id, RoomState::Banned).await?;
            room.unban_user(bob.user_id(), None).await?;
            bob.room(&room_id, RoomState::Left).await?;
            room.invite_user_by_id(bob.user_id()).await?;
            bob.accept_invite(&room_id).await?;
            let (hers, his) = (alice.open(&room_id).await?, bob.open(&room_id).await?);
            say(&his, "I am back").await?;
            message(&hers, "I am back").await?;
            Ok(())
        })
        .await?;
    chapter
        .step("a room is upgraded, and both rooms know of each other", async {
            let room_id = room_of(&alice, &[&bob]).await?;
            let request = matrix_sdk::ruma::api::client::room::upgrade_room::v3::Request::new(room_id.clone(), "12".try_into()?);
            let successor = alice.client.send(request).await?.replacement_room;
            let old = bob.client.get_room(&room_id).unwrap();
            until_true("the successor", async || old.successor_room().is_some_and(|room| room.room_id == successor)).await?;
            let new = alice.room(&successor, RoomState::Joined).await?;
            until_true("the predecessor", async || new.predecessor_room().is_some_and(|room| room.room_id == room_id)).await
        })
        .await
}
