//! The checker: reads the log's bytes and the nodes' own ledgers, never the engine's state.
//!
//! What it reads may be a simulated world or the topics of a real cluster, partition by partition and pool by pool.
//! It admits entries by rules of its own, follows the events in a reference model of its own, and holds what went
//! out, what really ran and what people were told against it.

pub mod evidence;

pub mod admission;
pub mod facts;

pub mod model;

pub mod apply;
pub mod attempts;
pub mod executions;
pub mod nodes;
pub mod policy;
pub mod tasks;

pub mod effects;
pub mod ends;
pub mod inputs;
pub mod landing;
pub mod replay;
pub mod truth;

pub mod rare;

use protocol::log::Topic;

use crate::log::Tapes;
use crate::world::World;
use admission::Admitted;
use apply::Ctx;
use evidence::{Evidence, Watched};
use facts::Facts;
use model::Model;

/// Every violation of a world that has ended; `settled`: all had the time to come to its end.
pub fn all(world: &mut World, settled: bool) -> Vec<String> {
    let mut out = std::mem::take(&mut world.history.violations);
    let (admitted, facts) = streams(&world.tapes, &mut out);
    same_sequence(world, &admitted, &mut out);
    let nodes: Vec<Watched<'_>> = world.nodes.iter().map(Watched::from).collect();
    pool(&admitted, &facts, &of_world(world, &nodes, settled), &mut out);
    if settled {
        inputs::rejects_are_out(&admitted, &world.history, world.now, &mut out);
    }
    let replicas = replay::of_world(world, &mut out);
    replay::check(world.tapes.of(Topic::Journal), &admitted, replicas, &mut out);
    rare::count(&admitted, &mut world.counters);
    if facts.by_key.len() < facts.reports.len() {
        world.counters.add("report doubled");
    }
    out
}

fn of_world<'a>(world: &'a World, nodes: &'a [Watched<'a>], settled: bool) -> Evidence<'a> {
    let (history, answers) = (&world.history, world.people.answers.as_slice());
    Evidence { pool: &world.pool, settings: &world.knobs.settings, history, nodes, answers, settled }
}

/// What the streams of one partition show by themselves: what counts, and that each input left its trace once.
pub fn streams(tapes: &Tapes, out: &mut Vec<String>) -> (Admitted, Facts) {
    let mut admitted = admission::admit(tapes.of(Topic::Journal));
    out.append(&mut admitted.violations);
    let facts = facts::read(tapes);
    inputs::check(&admitted, &facts, out);
    inputs::watermark(&admitted, &facts, out);
    (admitted, facts)
}

/// What the journal says of one pool against what else is known of it.
pub fn pool(admitted: &Admitted, facts: &Facts, evidence: &Evidence<'_>, out: &mut Vec<String>) -> Model {
    let model = follow(admitted, facts, evidence);
    out.extend(model.violations.iter().cloned());
    effects::check(&model, evidence.history, out);
    truth::check(&model, evidence.nodes, out);
    ends::check(&model, evidence.answers, evidence.settled, out);
    model
}

fn follow(admitted: &Admitted, facts: &Facts, evidence: &Evidence<'_>) -> Model {
    let mut model = Model::default();
    let Evidence { pool, settings, history, .. } = *evidence;
    let journal = admitted.journal;
    for at in &admitted.entries {
        if at.shift != 0 {
            model.shift(at.shift);
        }
        let decided = history.decided.get(&(at.leader.clone(), at.seq)).copied();
        let now = at.entry.now.0;
        for (event, index) in at.entry.events.iter().zip(0..) {
            let ctx = Ctx { at, index, by: &event.by, now, decided, journal, facts, history, pool, settings };
            model.apply(event, &ctx);
        }
    }
    model
}

/// Every instance admits the same entries, in the same order.
fn same_sequence(world: &World, admitted: &Admitted, out: &mut Vec<String>) {
    for seen in &world.history.admitted {
        let same = usize::try_from(seen.seq).ok().and_then(|seq| admitted.entries.get(seq.checked_sub(1)?));
        let same = same.is_some_and(|at| {
            at.entry.now.0 == seen.now && at.entry.events.len() == seen.events && at.visible <= seen.at
        });
        if !same {
            out.push(format!("I3: instance {} admits another entry {} at {}", seen.engine, seen.seq, seen.at));
            return;
        }
    }
}
