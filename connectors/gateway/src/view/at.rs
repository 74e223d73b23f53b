//! When an answer is true: the engine's clock, the journal position, and whether locks are granted yet.

use std::time::SystemTime;

use model::Timestamp;
use operators::state::Pool;
use protocol::Replica;

use crate::Moment;

/// The moment that an answer tells of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct At {
    /// The engine's clock.
    pub now: Timestamp,
    /// The journal position.
    pub position: u64,
    /// When locks are first granted, while that is to come: in the beginning of a journal work of an older one, of which
    /// it knows nothing, may still hold what they stand for.
    pub locks_from: Option<Moment>,
}

impl At {
    /// As far as a replica has read.
    pub fn of(replica: &Replica, pool: &Pool) -> Self {
        let (now, position) = (replica.now, replica.seq);
        // Where nothing happens nothing is journaled, and the engine's clock as the journal tells it stands still.
        let clock = now.max(Moment::from(SystemTime::now()).0);
        Self { now, position, locks_from: locks_from(replica.first_announced, pool, clock) }
    }
}

fn locks_from(begun: Timestamp, pool: &Pool, now: Timestamp) -> Option<Moment> {
    let from = begun + pool.lost_ms(now);
    (now < from).then_some(Moment(from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_are_granted_once_what_an_older_journal_granted_has_ended_for_certain() {
        let (begun, pool) = (Timestamp(1_000), Pool::default());
        let lost = pool.settings.lost_ms;
        assert_eq!(locks_from(begun, &pool, begun), Some(Moment(begun + lost)));
        assert_eq!(locks_from(begun, &pool, begun + lost), None);
    }
}
