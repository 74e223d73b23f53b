//! The judge sees: worlds of the simulator are recorded as runs are, nothing is wrong with them, and each change to one
//! of them is found.

use std::collections::BTreeMap;

use faults::judge::judge;
use faults::ledger::Written;
use faults::people::Told;
use faults::plant::unseen;
use faults::recording::{Account, Recording};
use sim::knobs::{Bug, Knobs};
use sim::random::Random;
use sim::trace::Trace;
use sim::world::World;

/// A world that has settled, as a recording.
fn recorded(seed: u64) -> Recording {
    sim::run::quietly();
    let mut random = Random::new(seed);
    let knobs = Knobs::draw(&mut random, Bug::None);
    let (first, settings) = (knobs.first_ms, knobs.settings);
    let mut world = World::new(knobs, random, Trace::new(false));
    world.run(first);
    while !world.is_settled() {
        let next = world.now + 500;
        world.run(next);
    }
    let account = |node: &sim::node::Node| {
        let lines = Written::default().news(&node.ledger);
        Account { name: node.name.clone(), pool: node.pool.clone(), slots: node.slots, lines }
    };
    let answers = world.people.answers.iter().cloned();
    let told = answers.map(|(at, key, answer)| Told { at, pool: world.pool.clone(), key, answer }).collect();
    Recording {
        accounts: world.nodes.iter().map(account).collect(),
        partitions: vec![world.tapes],
        snapshots: BTreeMap::new(),
        told,
        faults: Vec::new(),
        settings,
        // The engines of a simulated world are seconds off.
        one_clock: false,
    }
}

#[test]
fn nothing_is_wrong_with_a_recorded_world_and_each_change_to_it_is_seen() {
    let recording = recorded(3);
    // Machines of the simulator lose files and names, which those of a real run do not: not all is told to its end.
    assert_eq!(judge(&recording, false).violations, Vec::<String>::new());
    let unseen = unseen(&recording, |changed| !judge(changed, false).violations.is_empty());
    // Orders are not kept in a simulated world.
    assert_eq!(unseen, ["start forged"]);
}
