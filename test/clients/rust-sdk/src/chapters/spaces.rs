//! Spaces: what is in them, and how they are left.

use anyhow::{Context, ensure};
use matrix_sdk::{
    RoomState,
    ruma::{
        api::client::room::create_room::v3::{CreationContent, Request as CreateRoom, RoomPreset},
        room::RoomType,
        serde::Raw,
    },
};
use matrix_sdk_ui::spaces::SpaceService;

use crate::{
    device::Device,
    report::{Chapter, Outcome},
    wait::until,
    world::World,
};

pub async fn tell(world: &World, chapter: &Chapter) -> Outcome {
    let (alice, bob) = chapter
        .step("two people log in", async {
            let alice = Device::log_in(world, &world.account("founder").await?, "Alice's phone").await?;
            let bob = Device::log_in(world, &world.account("visitor").await?, "Bob's phone").await?;
            Ok((alice, bob))
        })
        .await?;
    let spaces = SpaceService::new(alice.client.clone()).await;
    let (space, rooms) = chapter
        .step("a space is made, with rooms in it and a space below", async {
            let space = alice.create_room(space("The house")?).await?.room_id().to_owned();
            let below = alice.create_room(self::space("The cellar")?).await?.room_id().to_owned();
            let mut rooms = vec![below];
            for n in 0..3 {
                let mut request = CreateRoom::new();
                request.preset = Some(RoomPreset::PublicChat);
                request.name = Some(format!("Room {n}"));
                rooms.push(alice.create_room(request).await?.room_id().to_owned());
            }
            for room in &rooms {
                spaces.add_child_to_space(room.clone(), space.clone()).await?;
            }
            Ok((space, rooms))
        })
        .await?;
    chapter
        .step("its members see it among their spaces, and as the parent of its rooms", async {
            until("the space", async || {
                let found = spaces.top_level_joined_spaces().await;
                Ok(found.into_iter().find(|found| found.room_id == space && found.children_count == 4))
            })
            .await?;
            until("the parents", async || {
                Ok(spaces.joined_parents_of_child(&rooms[1]).await.into_iter().find(|parent| parent.room_id == space))
            })
            .await?;
            Ok(())
        })
        .await?;
    chapter
        .step("a visitor sees what is in it, and goes in from there", async {
            bob.client.join_room_by_id(&space).await?;
            bob.room(&space, RoomState::Joined).await?;
            let service = SpaceService::new(bob.client.clone()).await;
            let list = service.space_room_list(space.clone()).await;
            list.paginate().await?;
            let found = list.rooms().await;
            ensure!(found.len() == 4, "{found:?}");
            let room = found.iter().find(|room| room.room_id == rooms[2]).context("no Room 1")?;
            ensure!(room.name.as_deref() == Some("Room 1") && room.num_joined_members == 1 && room.state.is_none(), "{room:?}");
            ensure!(found.iter().any(|room| room.room_type == Some(RoomType::Space)));
            bob.client.join_room_by_id_or_alias((&*rooms[2]).into(), &room.via).await?;
            bob.room(&rooms[2], RoomState::Joined).await?;
            until("the joined room", async || {
                Ok(list.rooms().await.into_iter().find(|room| room.room_id == rooms[2] && room.state == Some(RoomState::Joined)))
            })
            .await?;
            Ok(())
        })
        .await?;
    chapter
        .step("a room is taken out of it", async {
            spaces.remove_child_from_space(rooms[3].clone(), space.clone()).await?;
            until("the space", async || {
                let found = spaces.top_level_joined_spaces().await;
                Ok(found.into_iter().find(|found| found.room_id == space && found.children_count == 3))
            })
            .await?;
            Ok(())
        })
        .await?;
    chapter
        .step("the space is left with all that is in it", async {
            let leaving = spaces.leave_space(&space).await?;
            ensure!(leaving.rooms().iter().any(|room| room.is_last_owner), "{:?}", leaving.rooms());
            leaving.leave(|_| true).await?;
            alice.room(&space, RoomState::Left).await?;
            alice.room(&rooms[1], RoomState::Left).await?;
            Ok(())
        })
        .await
}

fn space(name: &str) -> anyhow::Result<CreateRoom> {
    let mut content = CreationContent::new();
    content.room_type = Some(RoomType::Space);
    let mut request = CreateRoom::new();
    request.preset = Some(RoomPreset::PublicChat);
    request.name = Some(name.to_owned());
    request.creation_content = Some(Raw::new(&content)?);
    Ok(request)
}
