//! The verdict: the simulator's checker reads each partition's topics, and each pool of it against what its nodes wrote
//! down and its people were told; then what only real runs show is checked beside it.

pub mod accounts;
pub mod outcomes;

use std::collections::BTreeSet;

use model::command::Order;
use model::record::command_key_of;
use model::request::Answer;
use model::{Key, PoolId, partition_of};
use protocol::log::Topic;
use sim::check::admission::{Admitted, At};
use sim::check::evidence::{Evidence, Watched};
use sim::check::{self, facts::Facts, inputs, replay};
use sim::history::{Blind, Effect, History, What};
use sim::log::Tapes;
use sim::node::ledger::Ledger;

use crate::recording::{Account, Recording};
use crate::scene::PARTITIONS;
use crate::summary::Figures;

/// After a fault is healed, connections are made anew within so many milliseconds.
const RECOVERS: u64 = 6_000;

/// A clock that reads whole milliseconds, asked by two, may be so much ahead.
const AHEAD: u64 = 100;

/// What was found.
#[derive(Debug, Default)]
pub struct Verdict {
    /// What was violated, with words.
    pub violations: Vec<String>,
    /// What there was.
    pub figures: Figures,
}

/// Judges a run. `settled`: all had the time to come to its end.
pub fn judge(recording: &Recording, settled: bool) -> Verdict {
    let mut verdict = Verdict::default();
    for (tapes, partition) in recording.partitions.iter().zip(0..) {
        let mut found = Vec::new();
        judge_partition(recording, tapes, partition, settled, &mut found, &mut verdict.figures);
        verdict.violations.extend(found.into_iter().map(|violation| format!("partition {partition}: {violation}")));
    }
    verdict.figures.faults(&recording.faults);
    verdict
}

fn judge_partition(
    recording: &Recording,
    tapes: &Tapes,
    partition: u32,
    settled: bool,
    out: &mut Vec<String>,
    figures: &mut Figures,
) {
    let (admitted, facts) = check::streams(tapes, out);
    let pools: BTreeSet<&PoolId> = recording.accounts.iter().map(|account| &account.pool).collect();
    let count = u32::try_from(recording.partitions.len()).unwrap_or(PARTITIONS);
    for pool in pools.into_iter().filter(|pool| partition_of(pool, count) == partition) {
        let read = Read { recording, tapes, admitted: &admitted, facts: &facts };
        // The checker keeps only the first findings of what it is given.
        let mut found = Vec::new();
        read.judge(pool, settled, &mut found, figures);
        out.extend(found.into_iter().map(|violation| format!("{pool}: {violation}")));
    }
    accounts::sequences(&facts, out);
    if recording.one_clock {
        ahead(&admitted, out);
    }
    if settled {
        let history = history(recording, tapes, &admitted, None);
        let end = tapes.of(Topic::Journal).all().last().map_or(0, |stored| stored.visible);
        inputs::rejects_are_out(&admitted, &history, end, out);
    }
    let mut replicas = Vec::new();
    for (name, replica) in recording.snapshots.get(&partition).into_iter().flatten() {
        match replica {
            Ok(replica) => replicas.push((name.clone(), replica.clone())),
            Err(why) => out.push(format!("I5: {name} cannot be read: {why}")),
        }
    }
    figures.snapshots += replicas.len();
    replay::check(tapes.of(Topic::Journal), &admitted, replicas, out);
    figures.partition(tapes, &admitted, &facts);
}

/// No entry is of a time that had not come yet when the log took it: all machines of a run have one clock.
fn ahead(admitted: &Admitted, out: &mut Vec<String>) {
    let by = |at: &&At| at.visible + AHEAD < at.entry.now.0;
    if let Some(at) = admitted.entries.iter().find(by) {
        let (said, taken) = (at.entry.now.0, at.visible);
        out.push(format!("time: entry {} of epoch {} is of {said}, and was taken at {taken}", at.seq, at.epoch));
    }
}

/// One partition, read.
struct Read<'a> {
    recording: &'a Recording,
    tapes: &'a Tapes,
    admitted: &'a Admitted,
    facts: &'a Facts,
}

impl Read<'_> {
    fn judge(&self, pool: &PoolId, settled: bool, out: &mut Vec<String>, figures: &mut Figures) {
        let accounts: Vec<&Account> = self.recording.accounts.iter().filter(|a| a.pool == *pool).collect();
        let ledgers: Vec<Ledger> = accounts.iter().map(|account| crate::ledger::of(&account.lines)).collect();
        let nodes: Vec<Watched<'_>> = accounts
            .iter()
            .zip(&ledgers)
            .map(|(account, ledger)| Watched { name: &account.name, slots: account.slots, ledger })
            .collect();
        let told = self.recording.told.iter().filter(|told| told.pool == *pool);
        let answers: Vec<(u64, Key, Answer)> = told.map(|t| (t.at, t.key.clone(), t.answer.clone())).collect();
        let history = history(self.recording, self.tapes, self.admitted, Some(pool));
        let settings = &self.recording.settings;
        let evidence = Evidence { pool, settings, history: &history, nodes: &nodes, answers: &answers, settled };
        let model = check::pool(self.admitted, self.facts, &evidence, out);
        accounts::reports(self.facts, &nodes, settled, out);
        accounts::journal(&model, &nodes, out);
        outcomes::check(&model, &answers, settled, out);
        figures.pool(&model);
    }
}

/// What happened outside of the journal, as far as it is known: what stands in `commands` and `rejects`, and when an
/// engine may have been unable to see. Decisions are dated by the engine's own clock, if it is everybody's.
fn history(recording: &Recording, tapes: &Tapes, admitted: &Admitted, pool: Option<&PoolId>) -> History {
    let mut history = History::default();
    if recording.one_clock {
        history.decided =
            admitted.entries.iter().map(|at| ((at.leader.clone(), at.seq), (at.entry.now.0, 0))).collect();
    }
    let spans = recording.faults.iter().map(|fault| (fault.from, fault.to + RECOVERS));
    history.blind = spans.map(|(from, to)| Blind { engine: 0, from, to, pause: false }).collect();
    // A node's key hashes to another partition than its pool's may.
    for stored in recording.partitions.iter().flat_map(|tapes| tapes.of(Topic::Commands).all()) {
        let Some((of, node)) = command_key_of(&stored.record.key) else { continue };
        let Some(order) =
            pool.filter(|pool| **pool == of).and_then(|_| serde_json::from_slice(&stored.record.value).ok())
        else {
            continue;
        };
        let what = match order {
            Order::Start(start) => What::Start(start.lease),
            Order::Cancel { lease, .. } => What::Cancel(lease),
            Order::Renew(renew) => What::Renew { node, boot: renew.boot, stop: renew.stop, hello: renew.hello },
        };
        history.effects.push(Effect { at: stored.visible, engine: 0, what });
    }
    for stored in tapes.of(Topic::Rejects).all() {
        let value: serde_json::Value = serde_json::from_slice(&stored.record.value).unwrap_or_default();
        let topic = value["topic"].as_str().unwrap_or("").to_owned();
        history.rejects.push((topic, value["position"].as_u64().unwrap_or(u64::MAX)));
    }
    history
}
