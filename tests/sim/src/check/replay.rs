//! Replay: the fold of the journal from its first byte is what every live replica holds, and what each usable
//! snapshot with the rest of the journal gives. Here alone the engine's own fold is asked, for it is what is judged.

use std::sync::PoisonError;

use protocol::Replica;
use protocol::log::Topic;

use crate::log::Stored;
use crate::store::{self, Store};
use crate::world::World;

/// Compares all of them, at the position of each.
pub fn check(world: &World, out: &mut Vec<String>) {
    let journal = world.tapes.of(Topic::Journal).all();
    let mut from_start = Replica::default();
    let mut replicas: Vec<(String, Replica)> = Vec::new();
    for (index, engine) in world.engines.iter().enumerate() {
        if let Some(partition) = &engine.partition {
            let replica = partition.replica.read().unwrap_or_else(PoisonError::into_inner).clone();
            replicas.push((format!("instance {index}"), replica));
        }
    }
    replicas.extend(snapshots(&world.store));
    replicas.sort_by_key(|(_, replica)| replica.position);
    let mut read = 0;
    for (name, replica) in replicas {
        let upto = journal.partition_point(|s| s.record.position < replica.position);
        read_on(&mut from_start, &journal[read..upto]);
        read = read.max(upto);
        if replica.seq != from_start.seq || json(&replica) != json(&from_start) {
            let (a, b) = (json(&replica), json(&from_start));
            let differs = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
            let near =
                |text: &str| text.get(differs.saturating_sub(80)..(differs + 80).min(text.len())).map(str::to_owned);
            out.push(format!("I5: {name} differs from the fold: {:?} and {:?}", near(&a), near(&b)));
        }
    }
    tails(world, journal, out);
}

fn snapshots(store: &Store) -> Vec<(String, Replica)> {
    let usable = store.kept.iter().filter(|kept| kept.good);
    usable.filter_map(|kept| Some((format!("the snapshot of {}", kept.seq), store::decode(&kept.text).ok()?))).collect()
}

/// Each usable snapshot and the rest of the journal give one state.
fn tails(world: &World, journal: &[Stored], out: &mut Vec<String>) {
    let ends: Vec<String> = snapshots(&world.store)
        .into_iter()
        .map(|(_, mut replica)| {
            let from = journal.partition_point(|s| s.record.position < replica.position);
            read_on(&mut replica, &journal[from..]);
            json(&replica)
        })
        .collect();
    if ends.windows(2).any(|pair| pair[0] != pair[1]) {
        out.push("I5: two snapshots with the rest of the journal give two states".to_owned());
    }
    let unread = world.store.kept.iter().filter(|kept| kept.good && store::decode(&kept.text).is_err());
    out.extend(unread.map(|kept| format!("I5: the snapshot of {} cannot be read, though nobody damaged it", kept.seq)));
}

fn read_on(replica: &mut Replica, records: &[Stored]) {
    for stored in records {
        drop(replica.read(&stored.record, None));
    }
}

fn json(replica: &Replica) -> String {
    let state = serde_json::to_string(&replica.state).unwrap_or_default();
    format!("{:?} {:?} {:?} {state}", replica.counted, replica.consumed, replica.now)
}
