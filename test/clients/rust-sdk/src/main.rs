//! A conversation through Causeway as Element X holds it, on the crates that Element X is made of, as they are published.
//! Started by scripts/rust-sdk.ts: `causeway-rust-sdk AUTHORITY_PEM FOLDER [CHAPTER...]`.

#![recursion_limit = "256"]

mod chapters;
mod device;
mod report;
mod talk;
mod wait;
mod world;

use std::{env, fs::File, sync::Mutex};

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;

use crate::world::World;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let (authority, folder) = arguments.next().zip(arguments.next()).context("usage: AUTHORITY_PEM FOLDER [CHAPTER...]")?;
    log_to(&format!("{folder}/sdk.log"))?;
    let world = World::new(&authority, &folder)?;
    chapters::all(&world, &arguments.collect::<Vec<_>>()).await;
    println!("told");
    Ok(())
}

/// What the SDK says of itself; the driver looks there for requests that were refused.
fn log_to(path: &str) -> Result<()> {
    let filter = EnvFilter::try_from_env("SDK_LOG").unwrap_or_else(|_| EnvFilter::new("info,matrix_sdk::http_client=debug"));
    let file = Mutex::new(File::create(path)?);
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(file).init();
    Ok(())
}
