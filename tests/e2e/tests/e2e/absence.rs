//! The engine is away for two minutes: an agent works on, keeps what it has to say, and loses nothing.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use e2e::verdict::Verdict;
use e2e::{World, flows, wait};
use serde_json::json;

crate::trials![reports_wait_for_an_engine_that_is_away_for_two_minutes];

const AWAY: Duration = Duration::from_secs(120);

fn reports_wait_for_an_engine_that_is_away_for_two_minutes() {
    let world = World::with("");
    let mut engine = world.engine();
    let _agent = world.agent("n1", 4, &[]);
    let (go, end) = (world.path("go"), world.path("end"));
    let short = format!("while [ ! -e '{}' ]; do sleep 0.1; done; $REPRISE progress 0.9", go.display());
    let long = format!("while [ ! -e '{}' ]; do sleep 0.1; done", end.display());
    let tasks = json!({
        "short_1": flows::task(&world, &short, json!({ "timeout": "10m" })),
        "short_2": flows::task(&world, &short, json!({ "timeout": "10m" })),
        "failing": flows::task(&world, &format!("{short}; exit 3"), json!({ "timeout": "10m", "retry": "none", "allow_failure": true })),
        "long": flows::task(&world, &long, json!({ "timeout": "10m" })),
        "after": flows::task(&world, "true", json!({ "after": ["short_1", "short_2", "failing.finished", "long"] })),
    });
    let execution = world.submit(&flows::flow("away", tasks));
    wait::for_it("all four run", || world.execution(&execution).is_some_and(|view| view["tasks"]["running"] == 4));
    wait::for_it("all four have signed", || signed(&world, "began") == 4);

    engine.kill();
    let away = Instant::now();
    fs::write(&go, "").unwrap();
    wait::for_it("two have ended while nobody listened", || signed(&world, "ended") == 2);
    sleep(AWAY.saturating_sub(away.elapsed())); // the outage itself
    let _engine = world.engine();
    fs::write(&end, "").unwrap();

    let view = world.ended(&execution);
    assert_eq!(view["state"], "completed", "{view:#}");
    let verdict = Verdict::of(&world);
    verdict.holds(4);
    assert_eq!(verdict.count("attempt_dispatched"), 5, "no attempt was tried again");
    assert_eq!(verdict.count("node_lost"), 0, "the outage was the engine's");
    let failed = world.task(&execution, "failing");
    assert_eq!(failed["tries"][0]["exit"], 3, "{failed:#}");
}

fn signed(world: &World, word: &str) -> usize {
    let ledger = fs::read_to_string(world.path(flows::LEDGER)).unwrap_or_default();
    ledger.lines().filter(|line| line.starts_with(word)).count()
}
