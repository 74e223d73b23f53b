//! The engine's clock: the wall clock as it was read at the announcement, carried on by a clock that also runs in
//! suspend and slewed towards the wall clock by at most 1 %. It never stands still, leaps or goes back, whatever
//! `date` does meanwhile.

use model::{Millis, Timestamp};

/// Apart by more than this, the two are said to differ.
const APART: u64 = 5_000;
/// A wall clock further behind the last entry than this does not lead.
const BEHIND: u64 = 3_600_000;
/// A wall clock further ahead of the last entry than this does not lead.
const AHEAD: u64 = 30 * 86_400_000;

/// What the two clocks of a machine say at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Instants {
    /// The wall clock, in milliseconds since 1970.
    pub wall_ms: u64,
    /// A clock that only grows, also in suspend, in milliseconds.
    pub boot_ms: u64,
}

/// The engine's clock.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    now: u64,
    boot: u64,
    /// Parts of a millisecond of slewing that were not used yet, in hundredths.
    rest: u64,
}

impl Clock {
    /// A clock that starts at the wall clock, but not before `floor`: time never falls.
    pub fn start(at: Instants, floor: Timestamp) -> Self {
        Self { now: at.wall_ms.max(floor.0), boot: at.boot_ms, rest: 0 }
    }

    /// The time.
    pub fn now(&mut self, at: Instants) -> Timestamp {
        let passed = at.boot_ms.saturating_sub(self.boot);
        self.boot = self.boot.max(at.boot_ms);
        let steady = self.now.saturating_add(passed);
        self.rest += passed;
        let slew = (self.rest / 100).min(steady.abs_diff(at.wall_ms));
        self.rest %= 100;
        self.now = if at.wall_ms > steady { steady + slew } else { (steady - slew).max(self.now) };
        Timestamp(self.now)
    }

    /// Time goes on from `floor` at the earliest: another leader's clock was ahead. What has passed since this clock was
    /// last asked is in its own time, not on top of the other's.
    pub fn raise(&mut self, at: Instants, floor: Timestamp) {
        self.now(at);
        self.now = self.now.max(floor.0);
    }

    /// How far the wall clock is from it, if that is worth saying.
    pub fn apart(&self, at: Instants) -> Option<Millis> {
        let apart = self.now.abs_diff(at.wall_ms);
        (apart > APART).then_some(Millis(apart))
    }
}

/// How much a wall clock is off the last entry, if that is too much to lead: positive when it is ahead.
pub fn off(at: Instants, last: Timestamp) -> Option<i64> {
    let (wall, last) = (at.wall_ms, last.0);
    let off = last != 0 && (wall.saturating_add(BEHIND) < last || wall > last.saturating_add(AHEAD));
    let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    off.then(|| if wall >= last { signed(wall - last) } else { -signed(last - wall) })
}

/// How much a clock is off the log's, if that is too much to lead: positive when it is ahead. The log took a record
/// between these two times of the clock, that of sending it and that of reading it back.
pub fn off_log(appended: Timestamp, sent: Timestamp, read: Timestamp) -> Option<i64> {
    let signed = |apart: Millis| i64::try_from(apart.0).unwrap_or(i64::MAX);
    if sent.0 > appended.0.saturating_add(APART) {
        Some(signed(sent - appended))
    } else if appended.0 > read.0.saturating_add(APART) {
        Some(-signed(appended - read))
    } else {
        None
    }
}

/// A time that somebody's clock said, held to what the log's said when it took that: no further off than a leader's may
/// be. So one wrong clock does not set that of all.
pub fn held(said: Timestamp, appended: Option<Timestamp>) -> Timestamp {
    let hold = |by: Timestamp| said.0.clamp(by.0.saturating_sub(APART), by.0.saturating_add(APART));
    appended.map_or(said, |by| Timestamp(hold(by)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_nobody_asked_while_another_led_is_not_ahead_of_that_ones_last_entry() {
        let at = |ms| Instants { wall_ms: 1_000_000 + ms, boot_ms: ms };
        let mut clock = Clock::start(at(0), Timestamp(0));
        clock.raise(at(20_000), Timestamp(1_019_990));
        assert_eq!(clock.now(at(20_000)), Timestamp(1_020_000));
        clock.raise(at(20_000), Timestamp(1_023_000));
        assert_eq!(clock.now(at(20_010)), Timestamp(1_023_010));
    }

    #[test]
    fn a_leap_of_the_wall_clock_is_followed_slowly_and_never_backwards() {
        let mut clock = Clock::start(Instants { wall_ms: 1_000_000, boot_ms: 0 }, Timestamp(0));
        let at = |wall_ms, boot_ms| Instants { wall_ms, boot_ms };
        assert_eq!(clock.now(at(1_001_000, 1_000)), Timestamp(1_001_000));
        // a year ahead: 1 % faster
        assert_eq!(clock.now(at(32_000_000_000, 11_000)), Timestamp(1_011_100));
        assert!(clock.apart(at(32_000_000_000, 11_000)).is_some());
        // a year back: 1 % slower
        assert_eq!(clock.now(at(1_000, 21_000)), Timestamp(1_021_000));
        let mut last = Timestamp(0);
        for ms in 0..500 {
            let now = clock.now(at(1_000, 21_000 + ms));
            assert!(now >= last);
            last = now;
        }
    }

    #[test]
    fn a_clock_goes_on_from_where_another_leader_was() {
        let at = |ms| Instants { wall_ms: ms, boot_ms: ms };
        let mut clock = Clock::start(at(1_000), Timestamp(0));
        clock.raise(at(1_000), Timestamp(4_000));
        assert_eq!(clock.now(at(1_050)), Timestamp(4_050));
        clock.raise(at(1_050), Timestamp(2_000));
        assert_eq!(clock.now(at(1_100)), Timestamp(4_099));
    }

    #[test]
    fn a_clock_that_was_not_asked_while_another_led_does_not_count_that_time_twice() {
        let at = |ms| Instants { wall_ms: ms, boot_ms: ms };
        let mut clock = Clock::start(at(1_000), Timestamp(0));
        clock.raise(at(9_000), Timestamp(8_990));
        assert_eq!(clock.now(at(9_010)), Timestamp(9_010));
    }

    #[test]
    fn a_clock_is_off_the_logs_only_if_no_delay_explains_it() {
        let off = |appended, sent, read| off_log(Timestamp(appended), Timestamp(sent), Timestamp(read));
        assert_eq!(off(100_000, 100_000, 100_010), None);
        assert_eq!(off(100_000, 80_000, 120_000), None, "it may have been taken at any time in between");
        assert_eq!((off(100_000, 105_000, 105_000), off(100_000, 105_001, 105_001)), (None, Some(5_001)));
        assert_eq!((off(100_000, 94_000, 95_000), off(100_000, 94_000, 94_999)), (None, Some(-5_001)));
    }

    #[test]
    fn a_time_is_held_to_the_logs() {
        let held = |said, appended: Option<u64>| held(Timestamp(said), appended.map(Timestamp)).0;
        assert_eq!((held(9_000_000, None), held(9_000_000, Some(1_000_000))), (9_000_000, 1_005_000));
        assert_eq!((held(7, Some(1_000_000)), held(1_000_001, Some(1_000_000))), (995_000, 1_000_001));
    }

    #[test]
    fn a_wall_clock_far_off_the_last_entry_is_told() {
        let day = 86_400_000;
        let last = Timestamp(100 * day);
        let off_by = |wall_ms| off(Instants { wall_ms, boot_ms: 0 }, last);
        assert_eq!(off_by(100 * day), None);
        assert_eq!(off_by(100 * day - 3_600_001), Some(-3_600_001));
        assert_eq!(off_by(130 * day), None);
        assert_eq!(off_by(130 * day + 1), Some(30 * 86_400_000 + 1));
        assert_eq!(off(Instants { wall_ms: 5, boot_ms: 0 }, Timestamp(0)), None);
    }
}
