//! Settings of a pool, journaled: how long silence may last, and how much may be kept.

use serde::{Deserialize, Serialize};

use crate::Millis;

/// What an administrator may tune for a pool. The defaults are for real fleets; the demo uses a tenth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolSettings {
    /// From one beat to the next, 100 ms to 60 s.
    pub beat_ms: Millis,
    /// Silence after which a node is suspect, at least two beats.
    pub suspect_ms: Millis,
    /// A start is void so long after the beat that it names.
    pub start_ms: Millis,
    /// Silence after which a node is lost, more than `suspect_ms` and more than `start_ms`.
    pub lost_ms: Millis,
    /// Silence of the engine after which a node ends its work, at least `lost_ms`.
    pub orphan_ms: Millis,
    /// Silence of an upload after which it is dropped.
    pub upload_ms: Millis,
    /// How long idempotency keys are kept.
    pub keys_ms: Millis,
    /// How long an ended execution stays in state.
    pub ended_ms: Millis,
    /// How long one with parked tasks stays.
    pub parked_ms: Millis,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            beat_ms: Millis(5_000),
            suspect_ms: Millis(15_000),
            start_ms: Millis(20_000),
            lost_ms: Millis(30_000),
            orphan_ms: Millis(600_000),
            upload_ms: Millis(600_000),
            keys_ms: Millis(86_400_000),
            ended_ms: Millis(86_400_000),
            parked_ms: Millis(30 * 86_400_000),
        }
    }
}

impl PoolSettings {
    /// The same with beat, suspect and lost given and all that hangs on them in proportion (a sixth, a half, two
    /// thirds and twenty times of `lost`).
    pub fn for_lost(lost: Millis) -> Self {
        let part = |n: u64, of: u64| Millis((lost.0 * n / of).max(1));
        Self {
            beat_ms: part(1, 6),
            suspect_ms: part(1, 2),
            start_ms: part(2, 3),
            lost_ms: lost,
            orphan_ms: part(20, 1),
            ..Self::default()
        }
    }

    /// How long strict work lives after the last answered beat was sent: five sixths of `lost`.
    pub fn strict_ms(&self) -> Millis {
        Millis(self.lost_ms.0 * 5 / 6)
    }

    /// Says what is out of bounds, if anything is.
    pub fn check(&self) -> Result<(), &'static str> {
        if !(100..=60_000).contains(&self.beat_ms.0) {
            Err("`beat` must be between 100ms and 1m")
        } else if self.suspect_ms.0 < self.beat_ms.0 * 2 {
            Err("`suspect` must be at least two beats")
        } else if self.lost_ms <= self.suspect_ms || self.lost_ms <= self.start_ms {
            Err("`lost` must be longer than `suspect` and `start`")
        } else if self.orphan_ms < self.lost_ms {
            Err("`orphan` must be at least `lost`")
        } else {
            Ok(())
        }
    }
}
