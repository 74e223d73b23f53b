//! The knobs of one world, drawn from its seed: sizes, rates, limits and the mix of faults differ from seed to seed.

use std::sync::Arc;

use model::{Millis, PoolSettings};
use operators::{Planted, Steps};
use protocol::partition::{Config, Fault};

use crate::random::Random;

/// Who asks for what breaks the engine on purpose.
pub const TRIPPER: &str = "tripper";

/// What a world is made of.
#[derive(Debug, Clone)]
pub struct Knobs {
    /// Engine instances.
    pub engines: usize,
    /// Nodes.
    pub nodes: usize,
    /// Zones.
    pub zones: u64,
    /// Settings of the pool.
    pub settings: PoolSettings,
    /// Setup of each instance.
    pub config: Config,
    /// How long an append, its visibility and its acknowledgement take at most.
    pub log_ms: [u64; 3],
    /// How long a message takes at most.
    pub net_ms: u64,
    /// Messages lost and doubled, in a thousand.
    pub loss: u64,
    /// Messages doubled, in a thousand.
    pub twice: u64,
    /// Positions that hold nothing come so often, in a thousand.
    pub gaps: u64,
    /// How often an idle instance looks.
    pub poll_ms: u64,
    /// From one submission to the next, at most.
    pub submit_ms: u64,
    /// Most tasks of a usual flow.
    pub tasks: u64,
    /// One flow is large.
    pub large: bool,
    /// Tasks that hold locks, in a thousand.
    pub locks: u64,
    /// Faults of the first phase.
    pub faults: u64,
    /// How long the first phase is.
    pub first_ms: u64,
    /// How far the wall clocks of engines are off.
    pub walls: Vec<i64>,
}

/// A bug that is planted on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// None.
    None,
    /// In the operators.
    Operators(Planted),
    /// In the protocol.
    Protocol(Fault),
}

impl Knobs {
    /// Draws the knobs of a seed.
    pub fn draw(random: &mut Random, bug: Bug) -> Self {
        let engines = 1 + usize::try_from(random.below(3)).unwrap_or(0);
        let settings = settings(random);
        let config = config(random, settings, engines, bug);
        Self {
            engines,
            nodes: usize::try_from(random.between(4, 9)).unwrap_or(4),
            zones: random.between(1, 3),
            settings,
            config,
            log_ms: [random.skewed(1, 40), random.skewed(1, 40), random.skewed(1, 80)],
            net_ms: random.skewed(2, 60),
            loss: random.skewed(0, 60),
            twice: random.skewed(0, 60),
            gaps: if random.chance(300) { 50 } else { 0 },
            poll_ms: random.between(40, 100),
            submit_ms: random.between(150, 900),
            tasks: random.between(10, 60),
            large: random.chance(120),
            locks: random.between(50, 350),
            faults: random.between(6, 40),
            first_ms: random.between(45_000, 75_000),
            walls: (0..engines).map(|_| i64::try_from(random.below(3_000)).unwrap_or(0) - 1_500).collect(),
        }
    }
}

fn settings(random: &mut Random) -> PoolSettings {
    let lost = Millis(random.between(1_500, 6_000));
    let kept = |random: &mut Random| Millis(random.between(15_000, 60_000));
    PoolSettings {
        orphan_ms: Millis(lost.0 * random.between(2, 8)),
        upload_ms: Millis(random.between(2_000, 6_000)),
        keys_ms: kept(random),
        ended_ms: kept(random),
        parked_ms: kept(random),
        ..PoolSettings::for_lost(lost)
    }
}

fn config(random: &mut Random, settings: PoolSettings, engines: usize, bug: Bug) -> Config {
    let policies = ["default", "none"].iter().filter_map(|name| flow::policy::builtin(name)).map(Arc::new).collect();
    let size = |n: u64| usize::try_from(n).unwrap_or(1);
    let (planted, fault) = match bug {
        Bug::None => (None, None),
        Bug::Operators(planted) => (Some(planted), None),
        Bug::Protocol(fault) => (None, Some(fault)),
    };
    // Small steps: what a flow of thousands needs many for, a flow of fifty needs some for.
    let batch = if random.chance(400) { random.between(1, 6) } else { 1_000 };
    let steps = Steps { look: size(random.skewed(3, 400)), act: size(random.skewed(2, 40)), batch: size(batch) };
    Config {
        operators: operators::Config { settings, policies, steps, planted },
        partition: (0, 1),
        standby: engines > 1,
        outstanding: usize::try_from(random.between(1, 8)).unwrap_or(1),
        readback_ms: random.between(1_500, 5_000),
        watch_ms: random.between(50, 100),
        snapshot_entries: random.between(150, 600),
        accept_clock: false,
        trip_on: Some(TRIPPER.to_owned()),
        fault,
    }
}
