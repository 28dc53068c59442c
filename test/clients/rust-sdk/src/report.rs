//! What was tried, and what came of it: lines that the driver counts.

use std::{future::Future, panic::AssertUnwindSafe, time::Duration};

use anyhow::{Result, anyhow};
use futures_util::FutureExt;
use tokio::time::timeout;

/// More than any step takes on a busy machine: one that hangs must not hold up the others.
/// The SDK sends what belongs to a verification in a room only between two syncs for encryption, which take half a minute.
const LONGEST_STEP: Duration = Duration::from_secs(240);

/// Steps that build on one another: with the first that fails, the chapter is over.
pub struct Chapter {
    name: &'static str,
}

/// A step has failed, and been reported.
pub struct Failed;

pub type Outcome = Result<(), Failed>;

impl Chapter {
    pub fn new(name: &'static str) -> Self {
        println!("# {name}");
        Self { name }
    }

    /// Says what could not be tried.
    pub fn skip(&self, why: &str) {
        println!("skipped {}: {why}", self.name);
    }

    /// Does the work, and says whether it went well; gives what the work gives.
    pub async fn step<T>(&self, what: &str, work: impl Future<Output = Result<T>>) -> Result<T, Failed> {
        let work = AssertUnwindSafe(Box::pin(work)).catch_unwind();
        let done = match timeout(LONGEST_STEP, work).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(anyhow!("it panicked")),
            Err(_) => Err(anyhow!("it took too long")),
        };
        done.inspect(|_| println!("ok {}: {what}", self.name)).map_err(|error| {
            println!("not ok {}: {what}\n    {}", self.name, format!("{error:?}").replace('\n', "\n    "));
            Failed
        })
    }
}
