//! When an attempt must end by itself: its time-out, its silence, and the engine's.
//!
//! Time-out and silence are measured by a clock that stands still in suspend, for a test that slept with its machine
//! did not hang. The life that the engine grants is measured by a clock that runs on: the engine's did, too.

use std::time::{Duration, Instant};

use model::Millis;
use model::report::Cause;

use crate::attempt::Spec;
use crate::machine;

/// Both clocks, read together.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// Stands still in suspend.
    pub awake: Instant,
    /// The node's clock, which does not.
    pub boot_ms: Millis,
}

impl Now {
    /// Reads them.
    pub fn read() -> Self {
        Self { awake: Instant::now(), boot_ms: machine::up_ms() }
    }
}

/// The limits of one attempt.
#[derive(Debug)]
pub struct Limits {
    ends_at: Option<Instant>,
    stall: Option<Duration>,
    heard: Instant,
    lives_until: Millis,
    strict: bool,
}

impl Limits {
    /// The limits of an attempt that starts now.
    pub fn new(spec: &Spec, now: Now) -> Self {
        let length = |ms: Millis| Duration::from_millis(ms.0);
        Self {
            ends_at: now.awake.checked_add(length(spec.start.timeout_ms)),
            stall: spec.start.stall_ms.map(length),
            heard: now.awake,
            lives_until: spec.lives_until_ms,
            strict: spec.start.strict,
        }
    }

    /// The attempt gave a sign of life.
    pub fn heard(&mut self, at: Instant) {
        self.heard = at;
    }

    /// The engine was heard. A life is never shortened: instructions may overtake each other in the agent.
    pub fn renew(&mut self, until: Millis) {
        self.lives_until = self.lives_until.max(until);
    }

    /// Which limit has passed, if one has; the strictest first.
    pub fn passed(&self, now: Now) -> Option<Cause> {
        let silent = self.stall.is_some_and(|stall| now.awake.duration_since(self.heard) >= stall);
        if now.boot_ms >= self.lives_until {
            Some(if self.strict { Cause::Strict } else { Cause::Orphan })
        } else if self.ends_at.is_some_and(|at| now.awake >= at) {
            Some(Cause::Timeout)
        } else if silent {
            Some(Cause::Stall)
        } else {
            None
        }
    }

    /// How long until the next one can pass, if nothing is heard.
    pub fn next(&self, now: Now) -> Duration {
        let left = |at: Instant| at.saturating_duration_since(now.awake);
        let life = Duration::from_millis(self.lives_until.0.saturating_sub(now.boot_ms.0));
        let silence = self.stall.and_then(|stall| self.heard.checked_add(stall)).map(left);
        life.min(self.ends_at.map_or(Duration::MAX, left)).min(silence.unwrap_or(Duration::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Limits with a time-out after 100, a stall after 30 and a life of 200 ms, and the moment when they began.
    fn limits(strict: bool) -> (Limits, Now) {
        let began = Now { awake: Instant::now(), boot_ms: Millis(5_000) };
        let ms = |n| Duration::from_millis(n);
        let ends_at = Some(began.awake + ms(100));
        let limits = Limits { ends_at, stall: Some(ms(30)), heard: began.awake, lives_until: Millis(5_200), strict };
        (limits, began)
    }

    fn after(began: Now, awake_ms: u64, boot_ms: u64) -> Now {
        Now { awake: began.awake + Duration::from_millis(awake_ms), boot_ms: Millis(began.boot_ms.0 + boot_ms) }
    }

    #[test]
    fn each_limit_passes_at_its_moment_and_the_next_one_is_foretold() {
        let (mut limits, began) = limits(false);
        for (heard_at, now, want) in [
            (0, 29, None),
            (0, 30, Some(Cause::Stall)),
            (80, 99, None),
            (80, 100, Some(Cause::Timeout)),
            (190, 200, Some(Cause::Orphan)),
        ] {
            limits.heard(began.awake + Duration::from_millis(heard_at));
            let now = after(began, now, now);
            assert_eq!(limits.passed(now), want);
            assert_eq!(limits.next(now).is_zero(), want.is_some());
        }
    }

    #[test]
    fn suspend_uses_up_the_life_but_neither_time_out_nor_silence() {
        for (strict, want) in [(true, Cause::Strict), (false, Cause::Orphan)] {
            let (mut limits, began) = limits(strict);
            assert_eq!(limits.passed(after(began, 10, 199)), None);
            assert_eq!(limits.passed(after(began, 10, 200)), Some(want));
            limits.renew(Millis(6_000));
            limits.renew(Millis(5_500));
            assert_eq!(limits.passed(after(began, 10, 999)), None, "renewed, and not shortened by a late word");
        }
    }
}
