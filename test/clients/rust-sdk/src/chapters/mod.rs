//! The conversation, in chapters that need nothing of one another.

mod accounts;
mod calls;
mod encryption;
mod federation;
mod history;
mod knocking;
mod long_thread;
mod media;
mod membership;
mod notifications;
mod people;
mod recovery;
mod restart;
mod room_list;
mod sessions;
mod settings;
mod spaces;
mod threads;
mod timeline;
mod verification;

use crate::{report::Chapter, world::World};

/// Tells all chapters one after another, or those whose names are given.
pub async fn all(world: &World, names: &[String]) {
    macro_rules! tell {
        ($($name:ident),*) => {
            $(if names.is_empty() || names.iter().any(|name| name == stringify!($name)) {
                // A step that failed has been reported.
                let _ = Box::pin($name::tell(world, &Chapter::new(stringify!($name)))).await;
            })*
        };
    }
    tell!(
        room_list,
        timeline,
        history,
        threads,
        long_thread,
        membership,
        settings,
        knocking,
        people,
        accounts,
        encryption,
        verification,
        recovery,
        media,
        notifications,
        spaces,
        calls,
        sessions,
        restart,
        federation
    );
}
