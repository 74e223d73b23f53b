//! A snapshot and the tail of the journal make the same replica as the whole journal; a damaged one is told.

use protocol::partition::Config;
use protocol::snapshot::{Reader, Unusable, decode, encode};
use protocol::{In, Replica};

use super::instance::{Instance, Log};

#[test]
fn a_snapshot_and_the_tail_make_what_the_whole_journal_makes() {
    let mut log = Log::default();
    let mut one = Instance::fresh(Config { snapshot_entries: 3, ..Config::default() }, 1);
    one.settle(&mut log);
    for key in ["a", "b", "c"] {
        log.ask_anything(key);
        one.settle(&mut log);
    }
    assert!(one.said("SnapshotDue"));
    let seq = one.replica().seq;
    let lines = lines(&one.replica());
    one.tell(In::Snapshot { seq });
    one.out.clear();
    log.ask_anything("d");
    one.settle(&mut log);
    assert!(!one.said("SnapshotDue"), "the next is due after as many entries again");

    let loaded = decode(lines.iter().map(Vec::as_slice)).unwrap();
    assert_eq!(loaded.seq, seq);
    let mut two = Instance::new(loaded, Config::default(), 2);
    two.read(&log);
    assert_eq!(two.replica().state, one.replica().state);
}

#[test]
fn a_snapshot_that_is_cut_flipped_or_foreign_is_not_used() {
    let mut log = Log::default();
    let mut one = Instance::fresh(Config::default(), 1);
    one.settle(&mut log);
    log.ask_anything("a");
    one.settle(&mut log);
    let good = lines(&one.replica());
    assert!(decode(good.iter().map(Vec::as_slice)).is_ok());
    for cut in 0..good.len() {
        assert!(decode(good[..cut].iter().map(Vec::as_slice)).is_err(), "without its last lines");
    }
    let mut refused = 0;
    for line in 0..good.len() {
        for byte in (0..good[line].len()).step_by(7) {
            let mut bad = good.clone();
            bad[line][byte] ^= 1;
            let same = decode(bad.iter().map(Vec::as_slice)).is_ok_and(|r| r != decoded(&good));
            assert!(!same, "a flipped bit in line {line} is not believed");
            refused += 1;
        }
    }
    assert!(refused > 50);
    let newer = String::from_utf8(good[0].clone()).unwrap().replace("\"format\":1", "\"format\":2");
    let mut reader = Reader::default();
    assert_eq!(reader.line(newer.as_bytes()), Err(Unusable::Format(2)));
    assert!(Unusable::Format(2).to_string().contains("this version reads"));
}

fn decoded(lines: &[Vec<u8>]) -> Replica {
    decode(lines.iter().map(Vec::as_slice)).unwrap()
}

fn lines(replica: &Replica) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    encode::<()>(replica, |line| {
        lines.push(line.to_vec());
        Ok(())
    })
    .unwrap();
    lines
}
