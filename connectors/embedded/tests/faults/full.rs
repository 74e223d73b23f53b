//! A disk that fills up under a log without a reserve: calls are answered as full, nothing of them is ever there, and
//! with room again the log goes on.

use protocol::log::AppendError;

use crate::chance::Chance;
use crate::disk::Disk;
use crate::history::History;
use crate::play::{open, seeds};

#[test]
fn a_full_disk_loses_nothing_and_the_log_goes_on_when_there_is_room() {
    for seed in seeds(200) {
        play(seed);
    }
}

fn play(seed: u64) {
    let mut chance = Chance::new(seed);
    let disk = Disk::new(seed);
    let mut history = History::default();
    let log = open(&disk, &mut chance).expect("the log opens");
    history.append_now(&log, &mut chance).expect("there is room");
    disk.fills_up_after(chance.below(200_000));
    let mut in_doubt = false;
    let full = (0..1000).filter_map(|_| history.append_now(&log, &mut chance).err()).find(|error| match error {
        AppendError::Full { .. } => true,
        // There was not even room to open the file anew, which would have told.
        AppendError::Failed(why) if why.contains("no storage space") => {
            in_doubt = true;
            false
        }
        AppendError::Failed(_) | AppendError::Refused(_) => panic!("{error}"),
    });
    assert!(full.is_some(), "the disk fills up");
    for _ in 0..3 {
        history.append(&log, &mut chance);
    }
    history.answers();
    if !in_doubt {
        history.check(&log);
    }
    // Half of the time the engine is restarted on the full disk.
    let log = if chance.once_in(2) {
        drop(log);
        open(&disk, &mut chance).ok()
    } else {
        Some(log)
    };
    disk.heals();
    let log = log.unwrap_or_else(|| open(&disk, &mut chance).expect("the log opens"));
    history.append_now(&log, &mut chance).expect("there is room");
    history.check(&log);
    drop(log);
    history.check(&open(&disk, &mut chance).expect("the log opens"));
}
