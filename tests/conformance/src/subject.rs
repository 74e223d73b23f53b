//! What the suite asks of whoever brings a log.

use std::sync::Arc;
use std::time::Duration;

use protocol::log::Log;

/// A maker of logs.
pub trait Subject {
    /// A log whose streams (of partitions 0 and 1) hold nothing, unrelated to any log before. The one before is no
    /// longer used.
    fn fresh(&mut self) -> Arc<dyn Log>;

    /// The same log again, as after a restart of its process. The caller has dropped every handle of it.
    fn reopen(&mut self) -> Arc<dyn Log>;

    /// How many records may wait to be written; none if none ever waits. Of a subject for the suite it should be few.
    fn may_wait(&self) -> Option<usize>;

    /// How long something that must happen may take.
    fn patience(&self) -> Duration {
        Duration::from_secs(20)
    }
}
