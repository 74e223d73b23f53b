//! One run: a seed, played to its end and judged.

use protocol::log::Topic;

use crate::counters::Counters;
use crate::knobs::{Bug, Knobs};
use crate::random::Random;
use crate::trace::Trace;
use crate::world::World;

/// Inputs that each run has at least.
pub const INPUTS: u64 = 5_000;
/// One of so many worlds is written into tables when it has ended: that costs as much as the world itself.
const LANDED: u64 = 8;
/// After the faults, everything has ended within so much virtual time.
const LIMIT: u64 = 240_000;

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// What was violated, with words; empty: nothing.
    pub violations: Vec<String>,
    /// Rare branches.
    pub counters: Counters,
    /// Records of inputs.
    pub inputs: u64,
    /// Faults.
    pub faults: u64,
    /// How long it was, in virtual milliseconds.
    pub length: u64,
    /// The trace.
    pub trace: Trace,
}

/// Plays a seed. `keep`: the whole trace is kept.
pub fn run(seed: u64, bug: Bug, keep: bool) -> Outcome {
    let mut random = Random::new(seed);
    let knobs = Knobs::draw(&mut random, bug);
    let mut world = World::new(knobs, random, Trace::new(keep));
    let first = world.knobs.first_ms;
    world.run(first);
    while world.now < first + LIMIT && !(world.is_settled() && world.inputs >= INPUTS) {
        let next = world.now + 500;
        world.run(next);
    }
    if !world.is_settled() {
        let open = world.open_things().join("\n    ");
        world.history.violations.push(format!("I1: not all has ended:\n    {open}"));
    }
    let settled = world.is_settled();
    let mut violations = crate::check::all(&mut world, settled);
    if seed.is_multiple_of(LANDED) {
        let records = world.tapes.of(Topic::Journal).all();
        crate::check::landing::check(records, &mut Random::new(seed), &mut violations);
    }
    Outcome {
        seed,
        violations,
        counters: std::mem::take(&mut world.counters),
        inputs: world.inputs,
        faults: world.faults,
        length: world.now,
        trace: std::mem::take(&mut world.trace),
    }
}

/// Panics that are planted, or that the engine catches, print nothing.
pub fn quietly() {
    std::panic::set_hook(Box::new(|_| {}));
}
