//! Snapshots: a replica as lines of JSON, an execution a line, closed by a checksum.
//!
//! A snapshot holds admitted state only. It is checked when it is loaded, and ignored when in doubt as long as the
//! journal reaches further back.

use std::collections::VecDeque;
use std::sync::Arc;

use model::PoolId;
use model::record::FORMAT;
use operators::state::{Execution, Pool, State, Unsent};
use serde::{Deserialize, Serialize};

use crate::partition::Fault;
use crate::replica::Replica;

/// One line. Tagged from outside: a tag inside would have to be looked for, and numbers as keys do not survive that.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Head { format: u32, replica: Box<Replica>, unsent: VecDeque<Unsent> },
    Pool { id: PoolId, pool: Box<Pool> },
    Execution { pool: PoolId, execution: Arc<Execution> },
    End { lines: u64, checksum: u64 },
}

/// Why a snapshot cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// Another version wrote it.
    Format(u32),
    /// It is cut or damaged.
    Damaged(String),
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Format(format) => write!(f, "it has format {format}, this version reads {FORMAT}"),
            Self::Damaged(why) => write!(f, "it is damaged: {why}"),
        }
    }
}

/// Writes a replica, line by line. The caller clones the replica first, which shares its executions and costs little.
pub fn encode<E>(replica: &Replica, mut write: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    let (mut lines, mut checksum) = (0, SEED);
    let mut put = |line: &Line, last: bool| {
        let mut text = serde_json::to_vec(line).expect("state is plain data");
        text.push(b'\n');
        if !last {
            (lines, checksum) = (lines + 1, hash(checksum, &text));
        }
        write(&text).map(|()| (lines, checksum))
    };
    let mut head = Replica { state: State::default(), fault: None, ..replica.clone() };
    if replica.fault == Some(Fault::SnapshotWithoutEpoch) {
        head.counted = None;
    }
    put(&Line::Head { format: FORMAT, replica: Box::new(head), unsent: replica.state.unsent.clone() }, false)?;
    let mut sum = (0, 0);
    for (id, pool) in &replica.state.pools {
        let mut bare = Pool { executions: Default::default(), ..pool.clone() };
        if replica.fault == Some(Fault::SnapshotWithoutKeys) {
            bare.keys.clear();
        }
        sum = put(&Line::Pool { id: id.clone(), pool: Box::new(bare) }, false)?;
        for execution in pool.executions.values() {
            sum = put(&Line::Execution { pool: id.clone(), execution: execution.clone() }, false)?;
        }
    }
    if replica.state.pools.is_empty() {
        sum = (lines, checksum);
    }
    let mut end = serde_json::to_vec(&Line::End { lines: sum.0, checksum: sum.1 }).expect("plain data");
    end.push(b'\n');
    write(&end)
}

/// Reads a snapshot from its lines (each with its line end).
pub fn decode<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Result<Replica, Unusable> {
    let mut reader = Reader::default();
    for line in lines {
        reader.line(line)?;
    }
    reader.finish()
}

/// Reads a snapshot line by line, so that it need not stand in memory whole.
#[derive(Debug, Default)]
pub struct Reader {
    replica: Option<Replica>,
    lines: u64,
    checksum: u64,
    ended: bool,
}

impl Reader {
    /// Takes the next line, with its line end.
    pub fn line(&mut self, text: &[u8]) -> Result<(), Unusable> {
        let damaged = |why: String| Unusable::Damaged(why);
        let line: Line = serde_json::from_slice(text).map_err(|e| damaged(format!("line {}: {e}", self.lines + 1)))?;
        if self.ended {
            return Err(damaged("it goes on after its end".to_owned()));
        }
        match line {
            Line::Head { format, .. } if format != FORMAT => return Err(Unusable::Format(format)),
            Line::Head { mut replica, unsent, .. } => {
                replica.state.unsent = unsent;
                self.replica = Some(*replica);
                self.checksum = SEED;
            }
            Line::Pool { id, pool } => {
                let replica = self.replica.as_mut().ok_or_else(|| damaged("it has no head".to_owned()))?;
                replica.state.pools.insert(id, *pool);
            }
            Line::Execution { pool, execution } => {
                let pools = self.replica.as_mut().map(|r| &mut r.state.pools);
                let pool =
                    pools.and_then(|p| p.get_mut(&pool)).ok_or_else(|| damaged("a pool is missing".to_owned()))?;
                pool.executions.insert(execution.id.number, execution);
            }
            Line::End { lines, checksum } => {
                if (lines, checksum) != (self.lines, self.checksum) {
                    return Err(damaged("its checksum is wrong".to_owned()));
                }
                self.ended = true;
                return Ok(());
            }
        }
        self.lines += 1;
        self.checksum = hash(self.checksum, text);
        Ok(())
    }

    /// The replica, with its indices made anew.
    pub fn finish(self) -> Result<Replica, Unusable> {
        let mut replica = self.replica.ok_or_else(|| Unusable::Damaged("it is empty".to_owned()))?;
        if !self.ended {
            return Err(Unusable::Damaged("its end is missing".to_owned()));
        }
        replica.state.rebuild();
        Ok(replica)
    }
}

/// What the first line of a snapshot says: positions, no state.
pub fn head(line: &[u8]) -> Option<Replica> {
    match serde_json::from_slice(line).ok()? {
        Line::Head { replica, .. } => Some(*replica),
        Line::Pool { .. } | Line::Execution { .. } | Line::End { .. } => None,
    }
}

const SEED: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a over eight bytes at a time: fast enough for hundreds of megabytes, and sees any single change.
fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let step = |h: u64, word: u64| (h ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
    let chunks = bytes.chunks_exact(8);
    let rest = chunks.remainder().iter().fold(0u64, |word, b| (word << 8) | u64::from(*b));
    let word = |chunk: &[u8]| chunk.iter().fold(0u64, |word, b| (word << 8) | u64::from(*b));
    step(chunks.fold(seed, |h, chunk| step(h, word(chunk))), rest ^ (bytes.len() as u64))
}
