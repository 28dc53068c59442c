//! The room list: its growing range, its order and filters.

use std::pin::pin;

use anyhow::{Result, ensure};
use futures_util::{Stream, StreamExt};
use matrix_sdk::ruma::{OwnedRoomId, api::client::room::create_room::v3::Request as CreateRoom};
use matrix_sdk_ui::{
    eyeball_im::{Vector, VectorDiff},
    room_list_service::{
        RoomListItem, RoomListLoadingState,
        filters::{self, BoxedFilterFn, ReadReceiptsCategory, RoomCategory},
    },
};
use tokio::time::{Duration, timeout};

use crate::{
    device::Device,
    report::{Chapter, Outcome},
    talk::say,
    wait::until_true,
    world::World,
};

/// More than the first range, 0 to 19, and than a batch that the range grows by, 100.
const ROOMS: usize = 130;
const PAGE: usize = 50;

pub async fn tell(world: &World, chapter: &Chapter) -> Outcome {
    let (alice, bob, room_ids) = chapter
        .step("two devices log in, and one makes 130 rooms", async {
            let account = world.account("lister").await?;
            let other = Device::log_in(world, &account, "Maker").await?;
            let bob = Device::log_in(world, &world.account("writer").await?, "Bob's phone").await?;
            let mut room_ids = Vec::new();
            for n in 0..ROOMS {
                room_ids.push(other.client.create_room(named(&format!("Room {n}"))).await?.room_id().to_owned());
            }
            other.close().await?;
            Ok((Device::log_in(world, &account, "Alice's phone").await?, bob, room_ids))
        })
        .await?;

    let list = chapter.step("the room list loads", async { Ok(alice.rooms.all_rooms().await?) }).await?;
    chapter
        .step("its range grows until it holds all rooms", async {
            let state = list.loading_state();
            let all = RoomListLoadingState::Loaded { maximum_number_of_rooms: Some(ROOMS as u32) };
            until_true("a list that counts all rooms", async || state.get() == all).await?;
            until_true("all rooms", async || alice.client.joined_rooms().len() == ROOMS).await
        })
        .await?;

    let (entries, controller) = list.entries_with_dynamic_adapters(PAGE);
    let mut screen = Screen { entries: pin!(entries), rooms: Vector::new() };
    let mut show = async |filter: BoxedFilterFn, right: &dyn Fn(&Vector<RoomListItem>) -> bool| {
        ensure!(controller.set_filter(filter), "nobody listens to the filter");
        screen.waits_for(right).await
    };
    let non_left = || -> BoxedFilterFn { Box::new(filters::new_filter_all(vec![Box::new(filters::new_filter_non_left())])) };

    chapter
        .step("a page is shown, the newest room first", async {
            show(non_left(), &|rooms| rooms.len() == PAGE && rooms[0].room_id() == room_ids[ROOMS - 1]).await
        })
        .await?;
    chapter
        .step("pages are added until all rooms are shown", async {
            controller.add_one_page();
            controller.add_one_page();
            show(non_left(), &|rooms| rooms.len() == ROOMS).await
        })
        .await?;
    chapter
        .step("a room that somebody writes in moves to the top", async {
            let shared = invite(&alice, &bob, &room_ids[3]).await?;
            let timeline = bob.open(&shared).await?;
            say(&timeline, "Here we are").await?;
            show(non_left(), &|rooms| rooms[0].room_id() == shared).await
        })
        .await?;
    chapter
        .step("unread rooms are found", async {
            let unread = filters::new_filter_read_receipts(ReadReceiptsCategory::Notifications);
            show(Box::new(unread), &|rooms| only(rooms, &room_ids[3])).await
        })
        .await?;
    chapter
        .step("a room is found by its name", async {
            show(Box::new(filters::new_filter_fuzzy_match_room_name("Room 77")), &|rooms| only(rooms, &room_ids[77])).await
        })
        .await?;
    chapter
        .step("favourites and rooms of low priority are kept by the server", async {
            alice.room(&room_ids[5], matrix_sdk::RoomState::Joined).await?.set_is_favourite(true, Some(0.5)).await?;
            alice.room(&room_ids[6], matrix_sdk::RoomState::Joined).await?.set_is_low_priority(true, None).await?;
            show(Box::new(filters::new_filter_favourite()), &|rooms| only(rooms, &room_ids[5])).await?;
            show(Box::new(filters::new_filter_low_priority()), &|rooms| only(rooms, &room_ids[6])).await
        })
        .await?;
    chapter
        .step("a room is marked as unread by hand", async {
            let room = alice.room(&room_ids[8], matrix_sdk::RoomState::Joined).await?;
            room.set_unread_flag(true).await?;
            until_true("a room that is marked", async || room.is_marked_unread()).await
        })
        .await?;
    chapter
        .step("invites and people are told apart", async {
            let direct = bob.client.create_dm(alice.user_id()).await?;
            show(Box::new(filters::new_filter_invite()), &|rooms| only(rooms, direct.room_id())).await?;
            alice.accept_invite(direct.room_id()).await?;
            show(Box::new(filters::new_filter_category(RoomCategory::People)), &|rooms| only(rooms, direct.room_id())).await
        })
        .await?;
    chapter
        .step("a room that is left is gone from the list, and one that is forgotten from the server", async {
            let room = alice.room(&room_ids[9], matrix_sdk::RoomState::Joined).await?;
            room.leave().await?;
            show(non_left(), &|rooms| rooms.iter().all(|room| room.room_id() != room_ids[9])).await?;
            room.forget().await?;
            Ok(())
        })
        .await
}

fn named(name: &str) -> CreateRoom {
    let mut request = CreateRoom::new();
    request.name = Some(name.to_owned());
    request
}

async fn invite(from: &Device, to: &Device, room_id: &OwnedRoomId) -> Result<OwnedRoomId> {
    from.room(room_id, matrix_sdk::RoomState::Joined).await?.invite_user_by_id(to.user_id()).await?;
    to.accept_invite(room_id).await?;
    Ok(room_id.clone())
}

fn only(rooms: &Vector<RoomListItem>, room_id: &matrix_sdk::ruma::RoomId) -> bool {
    rooms.len() == 1 && rooms[0].room_id() == room_id
}

/// What is on the screen, from the changes that it is told.
struct Screen<S> {
    entries: S,
    rooms: Vector<RoomListItem>,
}

impl<S: Stream<Item = Vec<VectorDiff<RoomListItem>>> + Unpin> Screen<S> {
    async fn waits_for(&mut self, is_right: &dyn Fn(&Vector<RoomListItem>) -> bool) -> Result<()> {
        // The filter that was set resets the screen.
        let mut was_reset = false;
        while !was_reset || !is_right(&self.rooms) {
            let Ok(Some(changes)) = timeout(Duration::from_secs(30), self.entries.next()).await else {
                let names: Vec<_> = self.rooms.iter().take(10).map(|room| room.name().unwrap_or_default()).collect();
                anyhow::bail!("{} rooms are shown, {names:?} before others", self.rooms.len());
            };
            for change in changes {
                was_reset |= matches!(change, VectorDiff::Reset { .. });
                change.apply(&mut self.rooms);
            }
        }
        Ok(())
    }
}
