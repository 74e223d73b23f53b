//! Engines that share their log on a real broker, and nodes that speak Kafka: as above all from outside, each test with
//! topics of its own. Tests that harm a broker have one of their own.

mod mixed;
mod outage;
mod refusals;
mod secured;
mod strangers;
mod takeover;
mod topics;

use std::path::Path;

use e2e::{Running, World, wait};
use libtest_mimic::Trial;

/// The tests of these files, the longest one first.
pub fn trials() -> Vec<Trial> {
    let parts = [
        takeover::trials(),
        outage::trials(),
        topics::trials(),
        secured::trials(),
        mixed::trials(),
        strangers::trials(),
        refusals::trials(),
    ];
    parts.into_iter().flatten().collect()
}

/// Waits until an engine says something that it has not said so often before.
fn says(engine: &Running, word: &str, times: usize) {
    wait::for_it(&format!("{} says `{word}`:\n{}", engine.name, engine.said()), || {
        times <= engine.said().matches(word).count()
    });
}

/// `tests/fixtures/node_kafka.py`, which knows nothing but the wire: two slots.
fn python_node(world: &World, name: &str) -> Running {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/node_kafka.py");
    let mut command = world.command_of(&e2e::python::with("confluent_kafka"), &[]);
    world.begin(name, command.arg(script).args([world.brokers(), "default", name, world.prefix()]))
}
