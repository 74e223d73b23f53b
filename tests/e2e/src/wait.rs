//! Waiting for a condition, with a limit that only something broken reaches.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Enough for anything that is under way, on a machine that is busy with much else.
pub const LONG: Duration = Duration::from_secs(90);
/// From one look to the next.
const LOOK: Duration = Duration::from_millis(40);

/// Looks until there is something to see.
pub fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(LONG, what, look)
}

/// Looks until a condition holds.
pub fn for_it(what: &str, mut holds: impl FnMut() -> bool) {
    until(what, || holds().then_some(()));
}

/// Looks until there is something to see, at most so long.
pub fn within<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(begun.elapsed() < limit, "waited {} s in vain: {what}", limit.as_secs());
        sleep(LOOK);
    }
}
