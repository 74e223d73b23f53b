//! What cannot run must cost nothing, and hide nothing that can.

use model::Priority;
use model::request::Submit;
use model::task::Needs;

use crate::Failure;
use crate::core::decided::Decided;
use crate::core::fleet::{self, Fleet, NODES};
use crate::core::ladder::Subject;
use crate::machine::thread_time;
use crate::table::{Bound, Row};

/// Tasks that cannot run.
const STUCK: u32 = 5_000;
/// Reports over which visits are counted.
const COUNTED: u32 = 6_000;
/// Plain tasks behind them.
const PLAIN: u32 = 10;

/// What each task needs.
type Signature = fn(u32) -> Needs;

/// Runs it.
pub fn run() -> Result<Vec<Row>, Failure> {
    let cases: [(&str, Signature); 2] =
        [("of one signature", |_| fleet::unmet(0)), ("of a signature each", fleet::unmet)];
    let mut rows = Vec::new();
    let alone = first_dispatches(None);
    rows.push(Row::new("core", "ten plain tasks, alone: until dispatched", alone.us, "µs").note(alone.words()));
    for (what, needs) in cases {
        let behind = first_dispatches(Some(needs));
        if behind.dispatched != PLAIN as usize {
            return Err(format!("{} of {PLAIN} plain tasks were dispatched", behind.dispatched).into());
        }
        let what = format!("the same behind {STUCK} at top priority that no node meets, {what}");
        let bound = Bound::AtMost(alone.visits as f64 + 64.0);
        rows.push(Row::new("core", what.clone(), behind.us, "µs").note(format!("{:.1}x alone", behind.us / alone.us)));
        rows.push(Row::new("core", format!("visits, {what}"), behind.visits as f64, "").bound(bound));
    }
    let what = format!("visits, {STUCK} ready tasks that any node could run, of a signature each");
    let bound = Bound::AtMost(f64::from(STUCK).log2());
    rows.push(Row::new("core", what, visits_of_many_signatures(), "/report").bound(bound).note("bound: log2 of them"));
    Ok(rows)
}

/// Visits for each report while the fleet works through tasks of a signature each.
fn visits_of_many_signatures() -> f64 {
    let mut fleet = Fleet::new();
    let mut world = Decided::with_fleet(&fleet);
    world.add(flat("many", STUCK, fleet::own_size));
    for beat in 0..NODES as u64 {
        world.hear(&fleet.beat(beat));
    }
    world.go_on();
    let before = world.visits();
    let mut said = world.said();
    for _ in 0..COUNTED {
        for (node, lease) in said.dispatched {
            fleet.takes(&node, lease);
        }
        said = world.take(fleet.report().into_iter().collect(), None);
    }
    (world.visits() - before) as f64 / f64::from(COUNTED)
}

struct First {
    us: f64,
    visits: u64,
    dispatched: usize,
}

impl First {
    fn words(&self) -> String {
        format!("{} visits", self.visits)
    }
}

/// Submits what is stuck, lets the scheduler see it, then submits the plain ones.
fn first_dispatches(stuck: Option<Signature>) -> First {
    let mut fleet = Fleet::new();
    let mut world = Decided::with_fleet(&fleet);
    for beat in 0..NODES as u64 {
        world.hear(&fleet.beat(beat));
    }
    if let Some(needs) = stuck {
        world.add(at_top(flat("stuck", STUCK, needs)));
    }
    world.go_on();
    world.said();
    let before = world.visits();
    let began = thread_time();
    world.add(flat("plain", PLAIN, |_| Needs::default()));
    world.go_on();
    let us = (thread_time() - began).as_secs_f64() * 1e6;
    First { us, visits: world.visits() - before, dispatched: world.said().dispatched.len() }
}

/// A flow whose tasks wait for nothing.
fn flat(name: &str, tasks: u32, needs: impl Fn(u32) -> Needs) -> Vec<Submit> {
    let mut parts = fleet::flow(name, tasks, needs);
    parts.retain(|part| part.flow.edges.is_empty());
    parts
}

fn at_top(parts: Vec<Submit>) -> Vec<Submit> {
    parts.into_iter().map(|part| Submit { priority: Some(Priority::Highest), ..part }).collect()
}
