//! Engine and agents are killed, or stopped and let go on, at random moments, from a seed that is printed.

use std::fs;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use e2e::verdict::Verdict;
use e2e::{Running, World, flows};
use nix::sys::signal::Signal;
use serde_json::Value;

crate::trials![kills_at_random_moments_cost_no_result, stops_at_random_moments_cost_no_result];

/// How often somebody is struck.
const STROKES: u32 = 7;
const TASKS: usize = 40;

fn kills_at_random_moments_cost_no_result() {
    let mut stage = Stage::new();
    let execution = stage.begin();
    for _ in 0..STROKES {
        stage.play_on(&execution, 200..1_500);
        let who = stage.chance.below(3) as usize;
        stage.cast[who].kill();
        stage.cast[who] = start(&stage.world, who);
    }
    stage.end(&execution);
}

fn stops_at_random_moments_cost_no_result() {
    let mut stage = Stage::new();
    let execution = stage.begin();
    for _ in 0..STROKES {
        stage.play_on(&execution, 200..1_000);
        let who = stage.chance.below(3) as usize;
        stage.cast[who].signal(Signal::SIGSTOP);
        // Nobody may ask a stopped engine, so time alone passes; some stops are longer than `lost`, some are not.
        std::thread::sleep(Duration::from_millis(200 + stage.chance.below(4_500)));
        stage.cast[who].signal(Signal::SIGCONT);
    }
    stage.end(&execution);
}

struct Stage {
    cast: [Running; 3],
    world: World,
    chance: Chance,
}

impl Stage {
    fn new() -> Self {
        let chance = Chance::new();
        let world = World::new();
        let cast = [0, 1, 2].map(|who| start(&world, who));
        Self { cast, world, chance }
    }

    fn begin(&mut self) -> String {
        self.world.submit(&flows::alike(&self.world, "whim", TASKS, "sleep 0.5"))
    }

    /// Lets everybody be for a random while, unless the execution has ended before.
    fn play_on(&mut self, execution: &str, ms: std::ops::Range<u64>) {
        let until = Instant::now() + Duration::from_millis(ms.start + self.chance.below(ms.end - ms.start));
        let is_over = |view: Value| !view["ended"].is_null();
        while Instant::now() < until && !self.world.execution(execution).is_some_and(is_over) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn end(&mut self, execution: &str) {
        let view = self.world.ended(execution);
        assert_eq!(view["state"], "completed", "{view:#}");
        Verdict::of(&self.world).holds(TASKS);
        for process in &mut self.cast {
            assert!(process.ended().is_none(), "{} ended by itself:\n{}", process.name, process.said());
        }
        let words = fs::read_to_string(self.world.path("engine.log")).unwrap_or_default();
        assert!(!words.contains("panicked"), "{words}");
    }
}

fn start(world: &World, who: usize) -> Running {
    match who {
        0 => world.begin_engine(&[]),
        1 => world.agent("n1", 2, &[]),
        _ => world.agent("n2", 2, &[]),
    }
}

/// Random numbers from a seed.
struct Chance(u64);

impl Chance {
    /// `REPRISE_SEED`, or one that nobody has chosen; it is printed.
    fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let drawn = u64::from(since.subsec_nanos()) ^ u64::from(std::process::id()) << 32;
        let seed = std::env::var("REPRISE_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(drawn);
        println!("the same blows again: REPRISE_SEED={seed} ./dev test e2e");
        Self(seed)
    }

    /// SplitMix64.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }
}
