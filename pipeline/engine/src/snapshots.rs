//! Snapshots on disk: written aside, synced, renamed; two generations are kept, and inputs are trimmed behind the
//! older one. One that cannot be used is passed over, as long as the journal reaches further back.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use protocol::Replica;
use protocol::log::{Log, Stream, Topic};
use protocol::snapshot::{Reader, encode};

use crate::journal::JOURNAL;

/// Generations that are kept.
const KEEP: usize = 2;

/// The replica of the newest usable snapshot, or an empty one if the journal still begins at its beginning.
pub fn load(folder: &Path, log: &dyn Log) -> Result<Replica, String> {
    let start = log.range(JOURNAL).map_err(|e| e.to_string())?.start;
    for path in files(folder).into_iter().rev() {
        match read(&path) {
            Ok(replica) if replica.position >= start => return Ok(replica),
            Ok(_) => {
                tracing::warn!(snapshot = %path.display(), "passed over: the journal no longer reaches back to it")
            }
            Err(why) => tracing::warn!(snapshot = %path.display(), %why, "passed over"),
        }
    }
    if start > 0 {
        let folder = folder.display();
        return Err(format!(
            "the journal begins at position {start}, and no snapshot in {folder} reaches it: restore the folder from a copy"
        ));
    }
    Ok(Replica::default())
}

/// Writes a snapshot, drops older generations and trims the inputs behind the oldest that is kept.
pub fn save(folder: &Path, replica: &Replica, log: &dyn Log) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let path = folder.join(format!("0-{:020}.jsonl", replica.seq));
    let aside = folder.join("0.writing");
    failpoint::hit("engine.snapshot.before");
    let mut file = BufWriter::with_capacity(1 << 20, File::create(&aside)?);
    encode(replica, |line| file.write_all(line))?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    failpoint::hit("engine.snapshot.written");
    fs::rename(&aside, &path)?;
    File::open(folder)?.sync_all()?;
    failpoint::hit("engine.snapshot.renamed");
    let kept = files(folder);
    for old in &kept[..kept.len().saturating_sub(KEEP)] {
        fs::remove_file(old)?;
    }
    failpoint::hit("engine.trim.before");
    trim(&kept[kept.len().saturating_sub(KEEP)..], log);
    Ok(())
}

/// Inputs that the oldest kept snapshot has consumed are not needed any more.
fn trim(kept: &[PathBuf], log: &dyn Log) {
    if kept.len() < KEEP {
        return;
    }
    let Some(consumed) = kept.first().and_then(|path| head(path)).map(|r| r.consumed) else { return };
    for (topic, before) in [(Topic::Requests, consumed.requests), (Topic::Reports, consumed.reports)] {
        if let Err(error) = log.trim(Stream { topic, partition: 0 }, before) {
            tracing::warn!(%error, topic = topic.word(), "could not be trimmed");
        }
    }
}

/// All snapshots, oldest first.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|e| Some(e.ok()?.path()));
    let mut paths: Vec<PathBuf> = paths.filter(|p| p.extension().is_some_and(|e| e == "jsonl")).collect();
    paths.sort();
    paths
}

fn read(path: &Path) -> Result<Replica, String> {
    let file = File::open(path).map_err(|e| e.to_string())?;
    let mut lines = BufReader::with_capacity(1 << 20, file);
    let (mut reader, mut line) = (Reader::default(), Vec::new());
    while lines.read_until(b'\n', &mut line).map_err(|e| e.to_string())? > 0 {
        reader.line(&line).map_err(|e| e.to_string())?;
        line.clear();
    }
    reader.finish().map_err(|e| e.to_string())
}

/// What the first line of a snapshot says: positions, no state.
fn head(path: &Path) -> Option<Replica> {
    let mut line = Vec::new();
    BufReader::new(File::open(path).ok()?).read_until(b'\n', &mut line).ok()?;
    protocol::snapshot::head(&line)
}
