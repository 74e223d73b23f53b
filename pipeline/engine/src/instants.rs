//! The machine's clocks and its random numbers: the only place of the engine that asks for them.

use nix::time::{ClockId, clock_gettime};
use protocol::clock::Instants;

/// What both clocks say now.
pub fn now() -> Instants {
    let ms = |clock| {
        let time = clock_gettime(clock).expect("Linux has both clocks");
        u64::try_from(time.tv_sec()).unwrap_or(0) * 1000 + u64::try_from(time.tv_nsec()).unwrap_or(0) / 1_000_000
    };
    Instants { wall_ms: ms(ClockId::CLOCK_REALTIME), boot_ms: ms(ClockId::CLOCK_BOOTTIME) }
}

/// A number that nobody can guess.
pub fn random() -> u64 {
    getrandom::u64().expect("the system has random numbers")
}
