//! Progress and checkpoints of one attempt, thinned out: the newest of each goes out at most once a second, so that a
//! test that reports in a tight loop costs no more than one that does not. The supervisor has seen to their bounds.

use std::time::Duration;

use model::{LeaseId, ReportKind};
use tokio::time::{Instant, sleep_until};

use crate::ledger::Ledger;

/// The least time between two reports of the same kind.
const LEAST: Duration = Duration::from_secs(1);

/// What waits to be said of one attempt.
#[derive(Debug)]
pub struct Notices {
    lease: LeaseId,
    progress: Option<ReportKind>,
    checkpoint: Option<String>,
    stored_checkpoint: Option<String>,
    next: Instant,
}

impl Notices {
    /// Nothing yet; the first goes out at once.
    pub fn new(lease: LeaseId) -> Self {
        Self { lease, progress: None, checkpoint: None, stored_checkpoint: None, next: Instant::now() }
    }

    /// How far the attempt is.
    pub fn progress(&mut self, fraction: f64, note: Option<String>) {
        self.progress = Some(ReportKind::Progress { lease: self.lease, fraction, note });
    }

    /// What the next attempt gets.
    pub fn checkpoint(&mut self, text: String) {
        self.checkpoint = Some(text);
    }

    /// Waits until something may be said; for ever if there is nothing.
    pub async fn due(&self) {
        if self.progress.is_none() && self.checkpoint.is_none() {
            std::future::pending().await
        } else {
            sleep_until(self.next).await;
        }
    }

    /// Stores what waits. What cannot be stored now is dropped: the next one says more.
    pub async fn flush(&mut self, ledger: &Ledger) {
        self.next = Instant::now() + LEAST;
        let lease = self.lease;
        if let Some(kind) = self.progress.take() {
            let _ = ledger.try_store_minor(kind).await; // the next one says more
        }
        if let Some(text) = self.checkpoint.take()
            && ledger.try_store_minor(ReportKind::Checkpoint { lease, text: text.clone() }).await.is_ok()
        {
            self.stored_checkpoint = Some(text);
        }
    }

    /// The last checkpoint that is on disk as a report.
    pub fn stored_checkpoint(self) -> Option<String> {
        self.stored_checkpoint
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_newest_waits() {
        let mut notices = Notices::new("j5.0.1.1.0".parse().unwrap());
        notices.progress(0.1, None);
        notices.progress(0.2, None);
        notices.checkpoint("117".into());
        notices.checkpoint("118".into());
        notices.due().await;
        let lease = notices.lease;
        assert_eq!(notices.progress, Some(ReportKind::Progress { lease, fraction: 0.2, note: None }));
        assert_eq!(notices.checkpoint.as_deref(), Some("118"));
    }
}
