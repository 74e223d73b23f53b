//! Snapshots on disk, those of each partition for themselves: written aside, synced, renamed; two generations are kept,
//! and inputs are trimmed behind the older one. One that cannot be used is passed over, as long as the journal reaches further back. What could not be
//! written whole is removed at once: on a full disk it would keep the very room that everyone waits for.

use std::fs::{self, DirBuilder, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use model::JournalId;
use protocol::Replica;
use protocol::log::{Log, ReadError, Stream, Topic};
use protocol::replica::begins;
use protocol::snapshot::{Reader, encode};

use crate::engine::StartError;

/// Generations that are kept.
const KEEP: usize = 2;
/// A replica as it was loaded, and when its snapshot was written, by the wall clock in milliseconds.
pub type Loaded = (Replica, Option<u64>);

/// Loads so many partitions at once, each as [`load`] does.
pub fn load_all(folder: &Path, log: &dyn Log, partitions: u32) -> Result<Vec<Loaded>, StartError> {
    if partitions == 1 {
        return Ok(vec![load(folder, log, 0)?]);
    }
    std::thread::scope(|scope| {
        let of = |partition, error| match error {
            StartError::Unread(why) => StartError::Unread(format!("partition {partition}: {why}")),
            StartError::Data(why) => StartError::Data(format!("partition {partition}: {why}")),
            error @ StartError::Thread(_) => error,
        };
        let load = |partition| move || load(folder, log, partition).map_err(|error| of(partition, error));
        let threads: Vec<_> = (0..partitions).map(|partition| scope.spawn(load(partition))).collect();
        let bug = || StartError::Data("our own bug: reading a snapshot panicked; please report it".to_owned());
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(bug()))).collect()
    })
}

/// The replica of the newest usable snapshot of a partition, or an empty one if the journal still begins at its
/// beginning.
pub fn load(folder: &Path, log: &dyn Log, partition: u32) -> Result<Loaded, StartError> {
    let journal = Stream { topic: Topic::Journal, partition };
    let unread = |error: ReadError| StartError::Unread(error.to_string());
    let held = log.range(journal).map_err(unread)?;
    let start = held.start;
    // Of one that the last engine did not finish.
    drop_draft(folder, partition);
    for path in files(folder, partition).into_iter().rev() {
        match read(&path) {
            Ok(replica) if replica.position >= start => {
                let begun = log.first(journal).map_err(unread)?.and_then(|first| begins(&first));
                let fits = is_of(&replica, begun).and_then(|()| is_held(&replica, held.end));
                fits.map_err(|why| StartError::Data(format!("{}: {why}", path.display())))?;
                return Ok((replica, written_ms(&path)));
            }
            Ok(_) => {
                tracing::warn!(snapshot = %path.display(), "passed over: the journal no longer reaches back to it")
            }
            Err(why) => tracing::warn!(snapshot = %path.display(), %why, "passed over"),
        }
    }
    if start > 0 {
        let folder = folder.display();
        return Err(StartError::Data(format!(
            "the journal begins at position {start}, and no snapshot in {folder} reaches it: restore the folder from a copy, or take the snapshots of another engine of this journal"
        )));
    }
    Ok((Replica::default(), None))
}

/// The replica of the newest usable snapshot of a partition that is not beyond an entry, or an empty one: to read the
/// journal again from. Whether the journal still reaches back to it is for who reads to see.
pub fn load_up_to(folder: &Path, partition: u32, seq: u64) -> Replica {
    let early = |path: &PathBuf| head(path).is_some_and(|head| head.seq <= seq);
    let paths = files(folder, partition).into_iter().rev().filter(early);
    let read =
        |path: PathBuf| read(&path).inspect_err(|why| tracing::warn!(snapshot = %path.display(), %why, "passed over"));
    paths.flat_map(read).next().unwrap_or_default()
}

/// Whether a snapshot is of the journal that was begun so, as far as that can be known: one that was deleted and made
/// anew may well have grown to the snapshot's position since.
fn is_of(replica: &Replica, begun: Option<JournalId>) -> Result<(), String> {
    let Some((known, begun)) = replica.journal.zip(begun).filter(|(known, begun)| known != begun) else {
        return Ok(());
    };
    Err(format!(
        "it is of journal {known}, but the log holds journal {begun} from its beginning on: the journal was deleted and \
         made anew. Bring the old one back from a copy, or begin anew with another data folder"
    ))
}

/// Whether the journal reaches as far as a snapshot does, which was made of what stood there.
fn is_held(replica: &Replica, end: u64) -> Result<(), String> {
    if replica.position <= end {
        return Ok(());
    }
    Err(format!(
        "it was made at position {} of the journal, which ends at {end}: it is of another journal, or records are gone. \
         Start with another data folder (`--data`), or bring the journal back from a copy",
        replica.position
    ))
}

/// Writes a snapshot of a partition, drops older generations and trims the inputs in `log` behind the oldest that is
/// kept.
pub fn save(folder: &Path, partition: u32, replica: &Replica, log: Option<&dyn Log>) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    write(folder, partition, replica).inspect_err(|_| drop_draft(folder, partition))?;
    failpoint::hit("engine.snapshot.renamed");
    let kept = files(folder, partition);
    for old in &kept[..kept.len().saturating_sub(KEEP)] {
        fs::remove_file(old)?;
    }
    failpoint::hit("engine.trim.before");
    if let Some(log) = log {
        trim(&kept[kept.len().saturating_sub(KEEP)..], partition, log);
    }
    Ok(())
}

fn write(folder: &Path, partition: u32, replica: &Replica) -> io::Result<()> {
    failpoint::hit("engine.snapshot.before");
    let mut open = File::options();
    let draft = open.write(true).create(true).truncate(true).mode(0o600).open(draft_of(folder, partition))?;
    let mut file = BufWriter::with_capacity(1 << 20, draft);
    encode(replica, |line| file.write_all(line))?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    failpoint::hit("engine.snapshot.written");
    let name = format!("{partition}-{:020}.jsonl", replica.seq);
    fs::rename(draft_of(folder, partition), folder.join(name))?;
    File::open(folder)?.sync_all()
}

/// The one that is being written.
fn draft_of(folder: &Path, partition: u32) -> PathBuf {
    folder.join(format!("{partition}.writing"))
}

fn drop_draft(folder: &Path, partition: u32) {
    let draft = draft_of(folder, partition);
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
fn trim(kept: &[PathBuf], partition: u32, log: &dyn Log) {
    if kept.len() < KEEP {
        return;
    }
    let Some(consumed) = kept.first().and_then(|path| head(path)).map(|r| r.consumed) else { return };
    for (topic, before) in [(Topic::Requests, consumed.requests), (Topic::Reports, consumed.reports)] {
        if let Err(error) = log.trim(Stream { topic, partition }, before) {
            tracing::warn!(%error, topic = topic.word(), "could not be trimmed");
        }
    }
}

/// All snapshots of a partition, oldest first.
fn files(folder: &Path, partition: u32) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let own = format!("{partition}-");
    let is_own = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(&own) && name.ends_with(".jsonl"))
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).filter(is_own).collect();
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
        save(&folder, 0, &replica, Some(&log)).unwrap();
        for path in files(&folder, 0).iter().chain([&folder]) {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o077, 0, "{} is private", path.display());
        }
        for n in 0..20_000 {
            let id = model::PoolId::new(&format!("p{n}")).unwrap();
            replica.state.pools.insert(id, Default::default());
        }
        let names = || fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>();
        replica.seq = 2;
        let error = save(&folder, 0, &replica, Some(&log)).unwrap_err();
        assert_eq!((error.kind(), names().len()), (io::ErrorKind::StorageFull, 1), "{:?}", names());
        // A killed engine leaves its draft; the next one does not.
        fs::write(draft_of(&folder, 0), "half of it").unwrap();
        let (loaded, written) = load(&folder, &log, 0).unwrap();
        assert_eq!((loaded.seq, written.is_some(), names().len()), (1, true, 1), "{:?}", names());
        assert!(run(Command::new("umount").arg("-l").arg(mount.path())));
    }
}
