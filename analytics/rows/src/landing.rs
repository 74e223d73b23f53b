//! Landing: which rows of a partition no store holds yet.
//!
//! A landing follows the journal with a fold of its own and keeps the rows of each table that lie beyond what the table
//! has landed. What a table has landed is the store's word alone: the number of the last entry whose rows it holds, which a
//! commit changes together with the rows. So a writer that dies, writes twice or is overtaken by another asks the store
//! again, and drops what it holds already.

use std::collections::VecDeque;

use model::JournalId;
use protocol::Replica;
use protocol::log::Record;
use protocol::replica::{Reading, Unreadable};

use crate::making::{Maker, Row};
use crate::tables::Table;

/// Rows that are kept until they have landed take at most about so many bytes, those of all partitions together; beyond it
/// nothing is read.
pub const MAX_BYTES: usize = 64 << 20;
/// A table without news is told how far it is after so many entries: who starts anew reads from there.
pub const QUIET_ENTRIES: u64 = 10_000;

/// The landing of one partition.
#[derive(Debug)]
pub struct Landing {
    replica: Replica,
    maker: Maker,
    tables: [Kept; Table::ALL.len()],
    bytes: usize,
    room: usize,
    made: Vec<(Table, Row)>,
}

#[derive(Debug, Default)]
struct Kept {
    landed: u64,
    rows: VecDeque<Row>,
}

/// A store holds less of a table than it said before: it was emptied, or restored from a copy. The rows between are to be
/// made again, by a landing that begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SteppedBack;

/// What a table should be told next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// It holds the rows of all entries up to this one: if it does not, nothing of this may be written.
    pub after: u64,
    /// Up to this one it will.
    pub upto: u64,
}

impl Landing {
    /// Goes on from a replica, which must not be beyond what any table has landed, or rows are missing. It is one of
    /// `partitions` that share [`MAX_BYTES`].
    pub fn new((partition, partitions): (u32, u32), replica: Replica, landed: [u64; Table::ALL.len()]) -> Self {
        let room = MAX_BYTES / partitions.max(1) as usize;
        let tables = landed.map(|landed| Kept { landed, rows: VecDeque::new() });
        Self { replica, maker: Maker::new(partition), tables, bytes: 0, room, made: Vec::new() }
    }

    /// The fold so far.
    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    /// The journal's id, once its first record was read.
    pub fn journal(&self) -> Option<JournalId> {
        self.replica.journal
    }

    /// Whether it keeps so much that it should read no further until something has landed.
    pub fn is_full(&self) -> bool {
        self.bytes >= self.room
    }

    /// About how many bytes it keeps.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Reads the next record of the journal; see [`Replica::read`].
    pub fn read(&mut self, record: &Record) -> Result<Reading, Unreadable> {
        let (journal, maker, made) = (self.replica.journal, &mut self.maker, &mut self.made);
        let reading = self.replica.read_watched(record, None, &mut |step| {
            // No entry is admitted before an announcement has named the journal.
            if let Some(journal) = journal {
                maker.make(journal, step, made);
            }
        });
        for (table, row) in self.made.drain(..) {
            let kept = &mut self.tables[table as usize];
            if kept.landed < row.position {
                self.bytes += row.bytes();
                kept.rows.push_back(row);
            }
        }
        reading
    }

    /// What a table has landed, by what the store said last.
    pub fn landed(&self, table: Table) -> u64 {
        self.tables[table as usize].landed
    }

    /// The store says that a table holds all up to an entry: by our doing or another's. Less than it said before is not
    /// taken in.
    pub fn has_landed(&mut self, table: Table, upto: u64) -> Result<(), SteppedBack> {
        let kept = &mut self.tables[table as usize];
        if upto < kept.landed {
            return Err(SteppedBack);
        }
        kept.landed = upto;
        while let Some(row) = kept.rows.pop_front_if(|row| row.position <= upto) {
            self.bytes -= row.bytes();
        }
        Ok(())
    }

    /// What a table should be told, if anything.
    pub fn due(&self, table: Table) -> Option<Due> {
        let (kept, upto) = (&self.tables[table as usize], self.replica.seq);
        let news = !kept.rows.is_empty() || kept.landed + QUIET_ENTRIES <= upto;
        (news && kept.landed < upto).then_some(Due { after: kept.landed, upto })
    }

    /// How each open execution stands by now, as rows of `executions` that are kept nowhere: its counts change with each
    /// task, and a row is made only once its state does.
    pub fn standing(&self) -> Vec<Row> {
        self.journal().map_or_else(Vec::new, |journal| Maker::stand(self.maker.partition(), journal, &self.replica))
    }

    /// The rows of a table that it has not landed, oldest first.
    pub fn rows(&self, table: Table) -> impl ExactSizeIterator<Item = &Row> {
        self.tables[table as usize].rows.iter()
    }
}
