//! The store over power losses, full disks and long lives.

use std::io::Write;

use model::report::{Cause, Refusal};
use model::{NodeId, PoolId};

use super::*;

#[test]
fn what_is_stored_comes_back_until_it_is_acknowledged() {
    let world = World::new();
    let (mut store, lines) = world.open();
    assert!(lines.is_empty());
    let stored = store.append(vec![accepted(1), accepted(2)]).unwrap();
    assert_eq!(stored.iter().map(|line| line.seq).collect::<Vec<_>>(), [1, 2]);
    store.append(vec![finished(1)]).unwrap();
    store.acked(1, &boot(), Vec::new).unwrap();
    drop(store);

    let (mut store, lines) = world.open();
    assert_eq!(lines.iter().map(|line| line.seq).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(lines[0], stored[1]);
    assert_eq!(store.open_leases().iter().map(|lease| lease.seq).collect::<Vec<_>>(), [2]);
    assert_eq!(store.append(vec![finished(2)]).unwrap()[0].seq, 4);
}

#[test]
fn a_power_loss_at_any_byte_loses_only_what_was_torn() {
    let world = World::new();
    let (mut store, _) = world.open();
    store.append(vec![accepted(1)]).unwrap();
    let before = fs::read(&world.path).unwrap();
    store.append(vec![accepted(2), accepted(3)]).unwrap();
    let after = fs::read(&world.path).unwrap();
    for length in before.len()..=after.len() {
        for garbage in [&b""[..], b"\0\0\0", b"\0\n{}\n"] {
            let mut torn = after[..length].to_vec();
            torn.extend_from_slice(garbage);
            fs::write(&world.path, &torn).unwrap();
            let (mut store, lines) = world.open();
            let whole = after[before.len()..length].iter().filter(|byte| **byte == b'\n').count() as u64;
            assert_eq!(lines.len() as u64, 1 + whole, "cut at {length}");
            assert_eq!(store.append_unsynced(vec![accepted(9)])[0].seq, 2 + whole);
            let (_, lines) = world.open();
            assert_eq!(lines.last().unwrap().seq, 2 + whole, "what is written over a torn end is whole");
        }
    }
}

#[test]
fn a_full_disk_stores_nothing_of_a_batch_and_harms_nothing_before_it() {
    let world = World::new();
    let (mut store, _) = world.open();
    store.append(vec![accepted(1)]).unwrap();
    let whole = store.file;
    store.file = OpenOptions::new().write(true).open("/dev/full").unwrap();
    store.append(vec![accepted(2)]).unwrap_err();
    assert!(store.torn, "what it began to write is cut off before the next write");
    store.file = whole;
    store.file.write_all_at(b"{\"half a line", store.end).unwrap();
    let lines = store.append(vec![accepted(3)]).unwrap();
    assert_eq!(lines[0].seq, 2);
    let (_, lines) = world.open();
    assert_eq!(lines.len(), 2);
    assert!(String::from_utf8_lossy(&lines[1].json).contains("j5.0.1.3.0"));
}

#[test]
fn a_long_life_takes_no_more_room_than_what_waits() {
    let world = World::new();
    let (mut store, _) = world.open();
    store.append(vec![accepted(1)]).unwrap();
    let mut last = Vec::new();
    for n in 0..20_000 {
        last = store.append_unsynced(vec![refused(n)]);
        let waiting = last.clone();
        store.acked(last[0].seq - 1, &boot(), move || waiting.clone()).unwrap();
    }
    assert!(store.end < 2 * COMPACT_BYTES, "{} bytes", store.end);
    assert!(fs::metadata(&world.path).unwrap().len() == store.end);
    drop(store);
    let (store, lines) = world.open();
    assert_eq!(lines, last);
    assert_eq!(store.seq(), 20_001);
    assert_eq!(store.open_leases().iter().map(|lease| lease.seq).collect::<Vec<_>>(), [1], "still open, long ago");
}

#[test]
fn leases_survive_a_rewrite_whichever_side_of_it_their_reports_are() {
    let world = World::new();
    let (mut store, _) = world.open();
    store.append(vec![accepted(1), accepted(2)]).unwrap();
    let waiting = store.append(vec![finished(1), accepted(3)]).unwrap();
    store.compact(&boot(), &waiting).unwrap();
    let open = |store: &Store| store.open_leases().iter().map(|lease| lease.seq).collect::<Vec<_>>();
    assert_eq!(open(&store), [2, 3]);
    let (store, lines) = world.open();
    assert_eq!((open(&store), lines, store.seq()), (vec![2, 3], waiting, 4));
}

#[test]
fn nothing_is_stored_in_a_rewritten_file_whose_place_is_not_durable() {
    let world = World::new();
    let (mut store, _) = world.open();
    let waiting = store.append(vec![accepted(1)]).unwrap();
    store.compact(&boot(), &waiting).unwrap();
    // As if the last step had failed, the sync of a folder that is not there.
    (store.renamed, store.path) = (true, world.path.join("no folder/reports-b1"));
    store.append(vec![accepted(2)]).unwrap_err();
    assert!(store.renamed);
    store.path = world.path.clone();
    assert_eq!(store.append(vec![accepted(3)]).unwrap()[0].seq, 2);
    assert!(!store.renamed);
    let (_, lines) = world.open();
    assert_eq!(lines.len(), 2, "it went to the new file");
}

#[test]
fn a_file_that_is_no_store_is_said_to_be_damaged() {
    let world = World::new();
    File::create(&world.path).unwrap().write_all(b"\0\0\0\0").unwrap();
    let error = Store::open(&world.path, &boot()).unwrap_err();
    assert!(error.to_string().contains("no readable first line"), "{error}");
}

struct World {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reports-b1");
        Self { _folder: folder, path }
    }

    fn open(&self) -> (Store, Vec<Line>) {
        Store::open(&self.path, &boot()).unwrap()
    }
}

impl Store {
    /// As `append`, but so fast that a test can do it very often.
    fn append_unsynced(&mut self, mut reports: Vec<Report>) -> Vec<Line> {
        self.seq += 1;
        reports[0].seq = self.seq;
        let mut json = serde_json::to_vec(&reports[0]).unwrap();
        json.push(b'\n');
        self.write(&json, false).unwrap();
        vec![Line { seq: self.seq, json: json.into() }]
    }
}

fn boot() -> BootId {
    BootId::new("b1").unwrap()
}

fn lease(seq: u64) -> LeaseId {
    LeaseId { journal: model::JournalId(5), partition: 0, epoch: 1, seq, index: 0 }
}

fn report(kind: ReportKind) -> Report {
    let (pool, node) = (PoolId::new("p").unwrap(), NodeId::new("n").unwrap());
    Report { pool, node, boot: boot(), seq: 0, at: 0, kind }
}

fn accepted(seq: u64) -> Report {
    report(ReportKind::Accepted { lease: lease(seq) })
}

fn refused(seq: u64) -> Report {
    report(ReportKind::Refused { lease: lease(seq), why: Refusal::Full })
}

fn finished(seq: u64) -> Report {
    let end = crate::charge::without_word(Cause::Exit, String::new()).end;
    report(ReportKind::Finished { lease: lease(seq), end })
}
