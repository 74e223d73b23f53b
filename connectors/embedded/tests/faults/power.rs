//! Power loss at any moment, also while the log recovers from the one before.

use crate::chance::Chance;
use crate::disk::Disk;
use crate::history::History;
use crate::play::{open, seeds};

#[test]
fn nothing_acknowledged_is_lost_when_the_power_fails_at_any_moment() {
    let mut recovered = 0;
    for seed in seeds(300) {
        recovered += play(seed);
    }
    assert!(recovered > 0, "some logs came back from a power loss with a failed call");
}

/// One disk, several lives. Returns how many ended with calls that failed.
fn play(seed: u64) -> u64 {
    let mut chance = Chance::new(seed);
    let disk = Disk::new(seed);
    let mut history = History::default();
    let mut failed = 0;
    for _life in 0..4 {
        let operations = 1 + chance.below(600);
        disk.power_fails_after(operations);
        if let Ok(log) = open(&disk, &mut chance) {
            for _ in 0..1 + chance.below(40) {
                history.append(&log, &mut chance);
                if chance.once_in(4) {
                    failed += u64::from(history.answers().iter().any(Result::is_err));
                }
                if chance.once_in(10) {
                    history.trim(&log, &mut chance);
                }
            }
            // Half of the time it ends cleanly, if there is power.
            if chance.once_in(2) {
                history.answers();
            }
            drop(log);
            history.answers();
        }
        disk.power_returns();
        let log = open(&disk, &mut chance).expect("the log opens after a power loss");
        history.check(&log);
        history.append_now(&log, &mut chance).expect("and goes on");
        history.check(&log);
    }
    failed
}
