//! Landing: the journal of a world, written into tables by two writers that die, are overtaken and do not hear what became
//! of their commits, in a store that is put back to an earlier copy. In the end each table holds what one writer that never fails would have written, each row once.
//!
//! The store is a model of Delta: a commit stands with the number of the last entry that it holds, or not at all.

use std::collections::{BTreeMap, BTreeSet};

use protocol::Replica;
use protocol::log::Record;
use rows::making::Row;
use rows::{Landing, SteppedBack, Table};

use crate::log::Stored;
use crate::random::Random;

/// What each table holds: up to which entry, and the rows.
type Tables = BTreeMap<Table, (u64, Vec<Row>)>;

/// A store of tables.
#[derive(Debug, Default)]
struct Store {
    tables: Tables,
    /// What it held at some time before.
    copy: Tables,
    /// For a test: it takes whatever it is given.
    credulous: bool,
}

/// What a writer hears of its commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    Done,
    Overtaken,
    /// It stands or not: nobody said.
    Nothing,
}

impl Store {
    fn landed(&self) -> [u64; Table::ALL.len()] {
        Table::ALL.map(|table| self.tables.get(&table).map_or(0, |(landed, _)| *landed))
    }

    fn commit(&mut self, table: Table, (after, upto): (u64, u64), rows: Vec<Row>) -> Heard {
        let (landed, kept) = self.tables.entry(table).or_default();
        if *landed != after && !self.credulous {
            return Heard::Overtaken;
        }
        *landed = upto;
        kept.extend(rows);
        Heard::Done
    }
}

/// A writer: how far it has read, and commits that it has made and not sent.
struct Writer {
    landing: Landing,
    next: usize,
    /// A commit that is on its way, made of what it knew then.
    sent: Option<(Table, (u64, u64), Vec<Row>)>,
}

/// Plays a journal's landing. Few of all worlds are worth it: each costs several folds.
pub fn check(records: &[Stored], random: &mut Random, out: &mut Vec<String>) {
    let records: Vec<&Record> = records.iter().map(|stored| &stored.record).collect();
    out.extend(compare(&records, &played(&records, random, Store::default())));
}

fn played(records: &[&Record], random: &mut Random, mut store: Store) -> Store {
    let mut snapshots = vec![(0, Replica::default())];
    let mut writers = [begin(&store, &snapshots, random), begin(&store, &snapshots, random)];
    let step = (records.len() as u64 / 20).max(1);
    let done = |writer: &Writer, store: &Store| {
        let holds = |table: &Table| writer.landing.landed(*table) == store.landed()[*table as usize];
        let is_done = |table: &Table| writer.landing.due(*table).is_none() && holds(table);
        writer.next == records.len() && Table::ALL.iter().all(is_done)
    };
    let mut rounds = 0;
    while !writers.iter().any(|writer| done(writer, &store)) {
        rounds += 1;
        let index = usize::from(random.chance(500));
        let writer = &mut writers[index];
        let knows = match random.below(if rounds < 400 { 14 } else { 8 }) {
            0..4 => {
                read(writer, records, random.below(step) + 1, &mut snapshots, random);
                Ok(())
            }
            4..6 => {
                prepare(writer, random);
                Ok(())
            }
            6 => send(writer, &mut store, false),
            7 => look(writer, &store),
            // The answer is lost on its way.
            8 => send(writer, &mut store, true),
            9 => {
                store.copy = store.tables.clone();
                Ok(())
            }
            10 if random.chance(200) => {
                store.tables = store.copy.clone();
                Ok(())
            }
            _ => Err(SteppedBack),
        };
        // As does one that dies.
        if knows == Err(SteppedBack) {
            writers[index] = begin(&store, &snapshots, random);
        }
    }
    store
}

/// A writer that has just started: it asks the store how far it is, and reads on from a snapshot not beyond that.
fn begin(store: &Store, snapshots: &[(usize, Replica)], random: &mut Random) -> Writer {
    let landed = store.landed();
    let first = landed.iter().copied().min().unwrap_or(0);
    let usable: Vec<&(usize, Replica)> = snapshots.iter().filter(|(_, replica)| replica.seq <= first).collect();
    let (next, replica) =
        random.pick(&usable).map_or((0, Replica::default()), |(next, replica)| (*next, replica.clone()));
    Writer { landing: Landing::new((0, 1), replica, landed), next, sent: None }
}

fn read(
    writer: &mut Writer,
    records: &[&Record],
    many: u64,
    snapshots: &mut Vec<(usize, Replica)>,
    random: &mut Random,
) {
    for _ in 0..many {
        let Some(record) = records.get(writer.next) else { break };
        // What cannot be read stops a real writer; worlds have no such record.
        let _ = writer.landing.read(record);
        writer.next += 1;
    }
    if random.chance(100) {
        snapshots.push((writer.next, writer.landing.replica().clone()));
    }
}

/// Makes a commit of what it knows. What it knows may be old by the time that it is sent.
fn prepare(writer: &mut Writer, random: &mut Random) {
    if writer.sent.is_some() {
        return;
    }
    let due: Vec<Table> = Table::ALL.into_iter().filter(|table| writer.landing.due(*table).is_some()).collect();
    let Some(table) = random.pick(&due).copied() else { return };
    let Some(due) = writer.landing.due(table) else { return };
    writer.sent = Some((table, (due.after, due.upto), writer.landing.rows(table).cloned().collect()));
}

fn send(writer: &mut Writer, store: &mut Store, lost: bool) -> Result<(), SteppedBack> {
    let Some((table, (after, upto), rows)) = writer.sent.take() else { return Ok(()) };
    let heard = store.commit(table, (after, upto), rows);
    let heard = if lost { Heard::Nothing } else { heard };
    match heard {
        Heard::Done => writer.landing.has_landed(table, upto),
        Heard::Overtaken | Heard::Nothing => writer.landing.has_landed(table, store.landed()[table as usize]),
    }
}

/// Asks how far each table is.
fn look(writer: &mut Writer, store: &Store) -> Result<(), SteppedBack> {
    Table::ALL.into_iter().try_for_each(|table| writer.landing.has_landed(table, store.landed()[table as usize]))
}

/// What is in the store and should not be, or should and is not.
fn compare(records: &[&Record], store: &Store) -> Vec<String> {
    let mut wanted = Landing::new((0, 1), Replica::default(), [0; Table::ALL.len()]);
    for record in records {
        let _ = wanted.read(record);
    }
    let mut out = Vec::new();
    for table in Table::ALL {
        let kept = store.tables.get(&table).map_or(&[][..], |(_, rows)| rows);
        let place = |row: &Row| format!("{:?}", &row.values[row.values.len() - 4..]);
        let places: BTreeSet<String> = kept.iter().map(place).collect();
        if places.len() < kept.len() {
            out.push(format!("I13: {} rows of `{}` stand twice", kept.len() - places.len(), table.name()));
        } else if kept.len() != wanted.rows(table).len() {
            out.push(format!("I13: `{}` has {} rows of {}", table.name(), kept.len(), wanted.rows(table).len()));
        } else if !kept.iter().eq(wanted.rows(table)) {
            out.push(format!("I13: `{}` has other rows than its journal makes", table.name()));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knobs::{Bug, Knobs};
    use crate::trace::Trace;
    use crate::world::World;
    use protocol::log::Topic;

    #[test]
    fn a_store_that_believes_every_writer_has_rows_twice_and_one_that_compares_has_not() {
        let mut random = Random::new(3);
        let knobs = Knobs::draw(&mut random, Bug::None);
        let mut world = World::new(knobs, random, Trace::new(false));
        world.run(60_000);
        let records: Vec<&Record> = world.tapes.of(Topic::Journal).all().iter().map(|stored| &stored.record).collect();
        assert!(records.len() > 100, "{}", records.len());
        let mut seen = 0;
        for seed in 0..20 {
            assert_eq!(
                compare(&records, &played(&records, &mut Random::new(seed), Store::default())),
                [""; 0],
                "{seed}"
            );
            let credulous = Store { credulous: true, ..Store::default() };
            seen += usize::from(!compare(&records, &played(&records, &mut Random::new(seed), credulous)).is_empty());
        }
        assert!(seen > 10, "{seen} of 20");
    }
}
