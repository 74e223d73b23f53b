//! The snapshot store: two generations, of which one may be damaged, missing or old.

use protocol::Replica;
use protocol::snapshot;

/// A snapshot as it lies in the store.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The number of its last entry.
    pub seq: u64,
    /// The journal position at which reading goes on.
    pub position: u64,
    /// Its text.
    pub text: Vec<u8>,
    /// Whether nobody damaged it.
    pub good: bool,
}

/// The store.
#[derive(Debug, Default)]
pub struct Store {
    /// Newest last.
    pub kept: Vec<Kept>,
}

/// The text of a snapshot.
pub fn encode(replica: &Replica) -> Vec<u8> {
    let mut text = Vec::new();
    let written = snapshot::encode(replica, |line| {
        text.extend_from_slice(line);
        Ok::<(), std::convert::Infallible>(())
    });
    written.expect("memory takes everything");
    text
}

/// A replica from its text.
pub fn decode(text: &[u8]) -> Result<Replica, snapshot::Unusable> {
    snapshot::decode(text.split_inclusive(|b| *b == b'\n'))
}

impl Store {
    /// Puts a snapshot in; the two newest stay.
    pub fn put(&mut self, replica: &Replica) {
        let kept = Kept { seq: replica.seq, position: replica.position, text: encode(replica), good: true };
        let at = self.kept.partition_point(|other| other.position <= kept.position);
        self.kept.insert(at, kept);
        let more = self.kept.len().saturating_sub(2);
        self.kept.drain(..more);
    }

    /// The newest that can be used with a journal from `start` on, and how many could not. `skip`: the newest is
    /// passed over.
    pub fn load(&self, start: u64, skip: bool) -> (Option<Replica>, usize) {
        let mut bad = 0;
        let reaches = self.kept.iter().rev().filter(|kept| kept.position >= start);
        for kept in reaches.skip(usize::from(skip)) {
            match decode(&kept.text) {
                Ok(replica) => return (Some(replica), bad),
                Err(_) => bad += 1,
            }
        }
        (None, bad)
    }

    /// Whether both generations can be used: then one may be damaged, or the journal trimmed.
    pub fn both_good(&self) -> bool {
        self.kept.len() == 2 && self.kept.iter().all(|kept| kept.good)
    }
}
