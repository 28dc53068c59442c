//! Waiting for what is to happen.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep};

const PATIENCE: Duration = Duration::from_secs(40);
const PAUSE: Duration = Duration::from_millis(40);

/// Looks again and again until there is something to see, and gives that.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look().await? {
            return Ok(seen);
        }
        if Instant::now() > deadline {
            bail!("waited in vain for {what}");
        }
        sleep(PAUSE).await;
    }
}

/// As `until`, for what is true or not.
pub async fn until_true(what: &str, mut look: impl AsyncFnMut() -> bool) -> Result<()> {
    until(what, async || Ok(look().await.then_some(()))).await
}
