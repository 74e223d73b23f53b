//! A disk that fails once, in a write, a sync or a read, also in the middle of a recovery.

use protocol::log::Log;

use crate::chance::Chance;
use crate::disk::Disk;
use crate::history::{History, JOURNAL};
use crate::play::{open, seeds};

#[test]
fn a_log_survives_a_failing_disk_and_what_it_acknowledged_then_survives_a_power_loss() {
    let mut failed = 0;
    for seed in seeds(300) {
        failed += play(seed);
    }
    assert!(failed > 0, "some calls met the failure");
}

fn play(seed: u64) -> usize {
    let mut chance = Chance::new(seed);
    let disk = Disk::new(seed);
    let mut history = History::default();
    let mut failed = 0;
    let log = open(&disk, &mut chance).expect("the log opens");
    for _failure in 0..3 {
        for _ in 0..chance.below(10) {
            history.append(&log, &mut chance);
        }
        failed += history.answers().iter().filter(|answer| answer.is_err()).count();
        let after = 1 + chance.below(60);
        match chance.below(3) {
            0 => disk.write_fails_after(after),
            1 => disk.sync_fails_after(1 + after / 10),
            _ => disk.read_fails_after(after),
        }
        for _ in 0..10 {
            history.append(&log, &mut chance);
            if chance.once_in(3) {
                failed += history.answers().iter().filter(|answer| answer.is_err()).count();
            }
            if chance.once_in(5) {
                history.trim(&log, &mut chance);
            }
        }
        failed += history.answers().iter().filter(|answer| answer.is_err()).count();
    }
    disk.heals();
    let healed = (0..3).any(|_| history.append_now(&log, &mut chance).is_ok());
    assert!(healed, "a log on a good disk takes appends");
    history.check(&log);
    disk.power_fails_after(1);
    drop(log);
    disk.power_returns();
    history.check(&open(&disk, &mut chance).expect("the log opens"));
    failed
}

#[test]
fn who_only_reads_gets_over_a_failed_read_too() {
    for seed in seeds(30) {
        let mut chance = Chance::new(seed);
        let disk = Disk::new(seed);
        let mut history = History::default();
        let log = open(&disk, &mut chance).expect("the log opens");
        for _ in 0..40 {
            history.append_now(&log, &mut chance).expect("there is room");
        }
        disk.read_fails_after(1 + chance.below(5));
        // It fails once, at most, and is then as it was.
        let range = log.range(JOURNAL).expect("the stream exists");
        let failed = range.filter(|position| log.read(JOURNAL, *position, 1).is_err()).count();
        assert!(failed <= 1, "{failed} reads failed");
        history.check(&log);
    }
}
