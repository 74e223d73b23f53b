//! Replay: the fold of the journal from its first byte is what every live replica holds, and what each usable
//! snapshot with the rest of the journal gives. Here alone the engine's own fold is asked, for it is what is judged.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use model::record::Entry;
use protocol::Replica;

use super::admission::Admitted;
use crate::log::{Stored, Tape};
use crate::store;
use crate::world::World;

/// A journal, with what its entries say.
struct Journal<'a> {
    records: &'a [Stored],
    entries: BTreeMap<u64, Arc<Entry>>,
}

/// What a replica is called here, and what it holds.
pub type Named = (String, Replica);

/// Compares all of them, at the position of each, with the fold of a journal.
pub fn check(tape: &Tape, admitted: &Admitted, mut replicas: Vec<Named>, out: &mut Vec<String>) {
    let entries = admitted.entries.iter().map(|at| (at.position, at.entry.clone())).collect();
    let journal = Journal { records: tape.all(), entries };
    replicas.sort_by_key(|(_, replica)| replica.position);
    let oldest = replicas.iter().find(|(name, _)| name.starts_with("the snapshot")).map(|(_, replica)| replica.clone());
    let mut fold = Replica::default();
    for (name, replica) in &replicas {
        journal.read_on(&mut fold, replica.position);
        compare(name, &json(replica), &json(&fold), out);
    }
    if let Some(mut replica) = oldest {
        journal.read_on(&mut fold, u64::MAX);
        journal.read_on(&mut replica, u64::MAX);
        compare("the oldest snapshot with the rest of the journal", &json(&replica), &json(&fold), out);
    }
}

impl Journal<'_> {
    /// Reads on up to a position.
    fn read_on(&self, replica: &mut Replica, upto: u64) {
        let from = self.records.partition_point(|s| s.record.position < replica.position);
        for stored in self.records[from..].iter().take_while(|s| s.record.position < upto) {
            drop(replica.read(&stored.record, self.entries.get(&stored.record.position).cloned()));
        }
    }
}

/// What the simulated instances hold, and what their snapshots do.
pub fn of_world(world: &World, out: &mut Vec<String>) -> Vec<Named> {
    let mut replicas = live(world);
    replicas.extend(snapshots(world, out));
    replicas
}

fn live(world: &World) -> Vec<Named> {
    let up = (0..).zip(&world.engines).filter_map(|(index, engine)| Some((index, engine.partition.as_ref()?)));
    let clone = |(index, partition): (usize, &protocol::Partition)| {
        let replica = partition.replica.read().unwrap_or_else(PoisonError::into_inner).clone();
        (format!("instance {index}"), replica)
    };
    up.map(clone).collect()
}

fn snapshots(world: &World, out: &mut Vec<String>) -> Vec<Named> {
    let mut read = Vec::new();
    for kept in world.store.kept.iter().filter(|kept| kept.good) {
        match store::decode(&kept.text) {
            Ok(replica) => read.push((format!("the snapshot of {}", kept.seq), replica)),
            Err(why) => out.push(format!("I5: the snapshot of {} cannot be read: {why}", kept.seq)),
        }
    }
    read
}

fn compare(name: &str, a: &str, b: &str, out: &mut Vec<String>) {
    if a != b {
        let differs = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
        let near = |text: &str| text.get(differs.saturating_sub(80)..(differs + 80).min(text.len())).map(str::to_owned);
        out.push(format!("I5: {name} differs from the fold: {:?} and {:?}", near(a), near(b)));
    }
}

fn json(replica: &Replica) -> String {
    let state = serde_json::to_string(&replica.state).unwrap_or_default();
    format!("{:?} {:?} {:?} {:?} {state}", replica.seq, replica.counted, replica.consumed, replica.now)
}
