//! One clock for all processes of a run: milliseconds since 1970, as the broker stamps records, that never jump.
//!
//! It is the machine's monotonic clock, moved once by whoever starts the run; the others are told by how much.

use std::time::{SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};

/// The clock of a run.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// What stands between the monotonic clock and the wall clock, in milliseconds.
    pub offset: u64,
}

impl Clock {
    /// The wall clock of this moment, from here on.
    pub fn begin() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        Self { offset: u64::try_from(wall).unwrap_or(u64::MAX) - up() }
    }

    /// The time.
    pub fn now(&self) -> u64 {
        self.offset + up()
    }
}

fn up() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("this machine has a monotonic clock");
    u64::try_from(now.tv_sec() * 1_000 + now.tv_nsec() / 1_000_000).expect("it counts from the machine's start")
}
