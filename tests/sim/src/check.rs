//! The checker: reads the log's bytes and the nodes' own ledgers, never the engine's state.
//!
//! It admits entries by rules of its own, follows the events in a reference model of its own, and holds what went
//! out, what really ran and what people were told against it.

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
pub mod replay;
pub mod truth;

pub mod rare;

use protocol::log::Topic;

use crate::world::World;
use admission::Admitted;
use apply::Ctx;
use facts::Facts;
use model::Model;

/// Every violation of a world that has ended; `settled`: all had the time to come to its end.
pub fn all(world: &mut World, settled: bool) -> Vec<String> {
    let mut out = std::mem::take(&mut world.history.violations);
    let mut admitted = admission::admit(world.tapes.of(Topic::Journal));
    out.append(&mut admitted.violations);
    let facts = facts::read(&world.tapes);
    same_sequence(world, &admitted, &mut out);
    inputs::check(&admitted, &facts, &mut out);
    inputs::watermark(&admitted, &facts, &mut out);
    let model = follow(world, &admitted, &facts);
    out.extend(model.violations.iter().cloned());
    effects::check(&model, &world.history, &mut out);
    truth::check(&model, &world.nodes, &mut out);
    ends::check(&model, &world.people, settled, &mut out);
    if settled {
        inputs::rejects_are_out(&admitted, &world.history, world.now, &mut out);
    }
    replay::check(world, &admitted, &mut out);
    rare::count(&admitted, &mut world.counters);
    if facts.by_key.len() < facts.reports.len() {
        world.counters.add("report doubled");
    }
    out
}

fn follow(world: &World, admitted: &Admitted, facts: &Facts) -> Model {
    let mut model = Model::default();
    let (history, knobs) = (&world.history, &world.knobs);
    let journal = admitted.journal;
    for at in &admitted.entries {
        if at.shift != 0 {
            model.shift(at.shift);
        }
        let decided = history.decided.get(&(at.leader.clone(), at.seq)).copied();
        let now = at.entry.now.0;
        for (event, index) in at.entry.events.iter().zip(0..) {
            let ctx = Ctx { at, index, by: &event.by, now, decided, journal, facts, history, knobs };
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
