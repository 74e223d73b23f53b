//! How long somebody waits: to a deadline, or until Ctrl-C or SIGTERM.
//!
//! Signals are taken from the moment that it is made, so it is made before anything is begun that a signal should end.

use std::future::Future;

use model::Millis;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Duration, Instant, sleep_until};

use crate::exit::Exit;
use crate::failure::Failure;

/// A deadline, if there is one, and the signals that end waiting.
#[derive(Debug)]
pub struct Patience {
    deadline: Option<Instant>,
    interrupt: Signal,
    terminate: Signal,
}

/// Why waiting ended before what was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Impatience {
    /// The time ran out.
    TimeOut,
    /// Ctrl-C, or SIGTERM.
    Interrupted,
}

impl Patience {
    /// From now on, for so long at most.
    pub fn new(wait: Option<Millis>) -> Result<Self, Failure> {
        let taken = |kind| {
            signal(kind).map_err(|error| Failure::new(Exit::Machine, format!("this machine gives no signals: {error}")))
        };
        // A time beyond what the clock can count is none.
        let deadline = wait.and_then(|wait| Instant::now().checked_add(Duration::from_millis(wait.0)));
        let (interrupt, terminate) = (taken(SignalKind::interrupt())?, taken(SignalKind::terminate())?);
        Ok(Self { deadline, interrupt, terminate })
    }

    /// Waits for work to be done, for as long as there is patience. What has come already counts before the work.
    pub async fn with<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Impatience> {
        tokio::select! {
            biased;
            ended = self.end() => Err(ended),
            done = work => Ok(done),
        }
    }

    /// Waits until it ends.
    pub async fn end(&mut self) -> Impatience {
        let deadline = self.deadline;
        let late = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Impatience::Interrupted,
            _ = self.terminate.recv() => Impatience::Interrupted,
            () = late => Impatience::TimeOut,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[test]
    fn work_that_is_done_is_done_and_work_that_never_ends_ends_with_its_deadline() {
        let runtime = crate::commands::alone().unwrap();
        runtime.block_on(async {
            let mut endless = Patience::new(None).unwrap();
            assert_eq!(endless.with(ready(7)).await, Ok(7));
            let mut short = Patience::new(Some(Millis(1))).unwrap();
            assert_eq!(short.with(pending::<()>()).await, Err(Impatience::TimeOut));
            assert!(Patience::new(Some(Millis(u64::MAX))).unwrap().with(ready(())).await.is_ok());
        });
    }
}
