//! How the attempt ended, left on disk: written aside, synced, renamed, so that it is there wholly or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use super::notes;
use crate::attempt::{GIVEN_UP, Outcome};
use crate::room::is_full;

/// The file that exists once the attempt has ended.
pub const FILE: &str = "outcome.json";
/// From one try to the next while the disk is full.
const AGAIN: Duration = Duration::from_secs(1);

/// Leaves the outcome, and tries until it can: a full disk has room again one day, and as long as we live the agent
/// counts the attempt as held. The attempt's own output is given up for it, since that may be what fills the disk. Only
/// a folder that is gone makes it fail, for then nobody asks any more.
pub fn leave(folder: &Path, mut outcome: Outcome) -> Result<(), String> {
    let (mut said, mut given_up) = (false, false);
    loop {
        let bytes = serde_json::to_vec(&outcome).expect("an outcome is plain data, which is always JSON");
        let error = match write(folder, &bytes) {
            Ok(()) => {
                if given_up {
                    let _ = fs::write(folder.join("output"), GIVEN_UP); // the note says it, too
                }
                return Ok(());
            }
            Err(error) => error,
        };
        if !folder.is_dir() {
            return Err(format!("the outcome cannot be left, the folder is gone: {error}"));
        }
        if !said {
            said = true;
            super::say(folder, &format!("outcome not written yet, trying on: {error}"));
        }
        if !given_up && is_full(&error) && give_up_output(folder) {
            given_up = true;
            let note = &mut outcome.end.note;
            let before = if note.is_empty() { String::new() } else { format!("; {note}") };
            *note = notes::cut(&format!("its output was given up, the disk was full{before}"));
        } else {
            std::thread::sleep(AGAIN);
        }
    }
}

/// Makes room; says whether there was anything to give up. The agent may have sent some of it by now.
fn give_up_output(folder: &Path) -> bool {
    let give_up = || {
        let output = File::options().write(true).open(folder.join("output"))?;
        let was_empty = output.metadata()?.len() == 0;
        output.set_len(0)?;
        Ok::<_, io::Error>(!was_empty)
    };
    give_up().unwrap_or(false)
}

fn write(folder: &Path, bytes: &[u8]) -> io::Result<()> {
    let aside = folder.join("outcome.json.new");
    let mut file = File::create(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    failpoint::hit("supervisor.outcome.written");
    fs::rename(&aside, folder.join(FILE))?;
    File::open(folder)?.sync_all()
}
