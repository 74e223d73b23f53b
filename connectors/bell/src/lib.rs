//! The bell: who waits for records sleeps here, and whoever publishes records rings it. Both logs have bells.
//!
//! A waiter looks at its streams under the bell's lock before each sleep, and a ringer takes that lock after it has
//! published, so no record is slept through. Nor is a wake: one that came since a thread's last wait ends its next.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

thread_local! {
    /// The bell that this thread last waited at, and the wakes that it knew then.
    static KNOWN: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

static BELLS: AtomicU64 = AtomicU64::new(1);

/// One for all streams of a log, or for those of one partition, where who waits for several looks at the others by
/// itself.
#[derive(Debug)]
pub struct Bell {
    id: u64,
    wakes: Mutex<u64>,
    rung: Condvar,
}

impl Default for Bell {
    fn default() -> Self {
        Self { id: BELLS.fetch_add(1, Ordering::Relaxed), wakes: Mutex::new(0), rung: Condvar::new() }
    }
}

impl Bell {
    /// A bell that nobody waits at.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that something was published.
    pub fn ring(&self) {
        drop(self.wakes.lock().unwrap_or_else(PoisonError::into_inner));
        self.rung.notify_all();
    }

    /// Ends all waits under way, and the next one of each thread that is between two waits.
    pub fn wake(&self) {
        *self.wakes.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.rung.notify_all();
    }

    /// Waits until `ready` says so, a wake comes, or the time has passed.
    pub fn wait(&self, ready: impl Fn() -> bool, at_most: Duration) {
        let deadline = Instant::now().checked_add(at_most);
        let (bell, seen) = KNOWN.get();
        let seen = if bell == self.id { seen } else { 0 };
        let mut wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        while *wakes == seen && !ready() {
            let left = deadline.map_or(Duration::from_secs(3600), |at| at.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                break;
            }
            wakes = self.rung.wait_timeout(wakes, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        KNOWN.set((self.id, *wakes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_between_two_waits_of_a_thread_ends_the_second() {
        let bell = Bell::new();
        let forever = Duration::from_secs(3600);
        bell.wake();
        bell.wait(|| false, forever);
        bell.wake();
        bell.wait(|| false, forever);
        bell.wait(|| true, forever);
        bell.wait(|| false, Duration::from_millis(1));
    }
}
