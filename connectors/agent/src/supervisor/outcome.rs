//! How the attempt ended, left on disk: written aside, synced, renamed, so that it is there wholly or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use crate::attempt::Outcome;

/// The file that exists once the attempt has ended.
pub const FILE: &str = "outcome.json";
/// From one try to the next while the disk is full.
const AGAIN: Duration = Duration::from_secs(1);

/// Leaves the outcome, and tries until it can: a full disk has room again one day, and as long as we live the agent
/// counts the attempt as held. Only a folder that is gone makes it fail, for then nobody asks any more.
pub fn leave(folder: &Path, outcome: &Outcome) -> Result<(), String> {
    let bytes = serde_json::to_vec(outcome).expect("an outcome is plain data, which is always JSON");
    let mut said = false;
    loop {
        match write(folder, &bytes) {
            Ok(()) => return Ok(()),
            Err(e) if !folder.is_dir() => return Err(format!("the outcome cannot be left, the folder is gone: {e}")),
            Err(e) if !said => {
                said = true;
                super::say(folder, &format!("outcome not written yet, trying on: {e}"));
            }
            Err(_) => {}
        }
        std::thread::sleep(AGAIN);
    }
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
