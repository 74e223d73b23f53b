//! Snapshots on disk: written aside, synced, renamed; two generations are kept, and inputs are trimmed behind the
//! older one. One that cannot be used is passed over, as long as the journal reaches further back. What could not be
//! written whole is removed at once: on a full disk it would keep the very room that everyone waits for.

use std::fs::{self, DirBuilder, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use protocol::Replica;
use protocol::log::{Log, Stream, Topic};
use protocol::snapshot::{Reader, encode};

use crate::journal::JOURNAL;

/// Generations that are kept.
const KEEP: usize = 2;
/// The one that is being written.
const DRAFT: &str = "0.writing";

/// The replica of the newest usable snapshot, or an empty one if the journal still begins at its beginning. With it
/// comes when that snapshot was written, by the wall clock in milliseconds.
pub fn load(folder: &Path, log: &dyn Log) -> Result<(Replica, Option<u64>), String> {
    let start = log.range(JOURNAL).map_err(|e| e.to_string())?.start;
    // Of one that the last engine did not finish.
    drop_draft(folder);
    for path in files(folder).into_iter().rev() {
        match read(&path) {
            Ok(replica) if replica.position >= start => return Ok((replica, written_ms(&path))),
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
    Ok((Replica::default(), None))
}

/// Writes a snapshot, drops older generations and trims the inputs behind the oldest that is kept.
pub fn save(folder: &Path, replica: &Replica, log: &dyn Log) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    write(folder, replica).inspect_err(|_| drop_draft(folder))?;
    failpoint::hit("engine.snapshot.renamed");
    let kept = files(folder);
    for old in &kept[..kept.len().saturating_sub(KEEP)] {
        fs::remove_file(old)?;
    }
    failpoint::hit("engine.trim.before");
    trim(&kept[kept.len().saturating_sub(KEEP)..], log);
    Ok(())
}

fn write(folder: &Path, replica: &Replica) -> io::Result<()> {
    failpoint::hit("engine.snapshot.before");
    let mut open = File::options();
    let draft = open.write(true).create(true).truncate(true).mode(0o600).open(folder.join(DRAFT))?;
    let mut file = BufWriter::with_capacity(1 << 20, draft);
    encode(replica, |line| file.write_all(line))?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    failpoint::hit("engine.snapshot.written");
    fs::rename(folder.join(DRAFT), folder.join(format!("0-{:020}.jsonl", replica.seq)))?;
    File::open(folder)?.sync_all()
}

fn drop_draft(folder: &Path) {
    let draft = folder.join(DRAFT);
    if let Err(error) = fs::remove_file(&draft)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, draft = %draft.display(), "takes room for nothing, and cannot be removed");
    }
}

fn written_ms(path: &Path) -> Option<u64> {
    let written = fs::metadata(path).and_then(|about| about.modified()).ok()?;
    u64::try_from(written.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use embedded::EmbeddedLog;

    use super::*;

    #[test]
    fn a_snapshot_that_finds_no_room_leaves_the_room_to_others() {
        let mount = tempfile::tempdir().unwrap();
        let run = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
        if !run(Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).arg(mount.path())) {
            println!("skipped: this user may not mount a small file system");
            return;
        }
        let (elsewhere, folder) = (tempfile::tempdir().unwrap(), mount.path().join("snapshots"));
        let log = EmbeddedLog::open(elsewhere.path(), &embedded::Options::default()).unwrap();
        let mut replica = Replica { seq: 1, ..Replica::default() };
        save(&folder, &replica, &log).unwrap();
        for path in files(&folder).iter().chain([&folder]) {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o077, 0, "{} is private", path.display());
        }
        for n in 0..20_000 {
            let id = model::PoolId::new(&format!("p{n}")).unwrap();
            replica.state.pools.insert(id, Default::default());
        }
        let names = || fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>();
        replica.seq = 2;
        let error = save(&folder, &replica, &log).unwrap_err();
        assert_eq!((error.kind(), names().len()), (io::ErrorKind::StorageFull, 1), "{:?}", names());
        // A killed engine leaves its draft; the next one does not.
        fs::write(folder.join(DRAFT), "half of it").unwrap();
        let (loaded, written) = load(&folder, &log).unwrap();
        assert_eq!((loaded.seq, written.is_some(), names().len()), (1, true, 1), "{:?}", names());
        assert!(run(Command::new("umount").arg("-l").arg(mount.path())));
    }
}
