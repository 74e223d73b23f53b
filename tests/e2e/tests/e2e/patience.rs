//! Commands that wait: for an engine that is frozen, killed or restarted, and until somebody has waited enough.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

use e2e::verdict::Verdict;
use e2e::{Running, World, flows, stand_in, wait};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

crate::trials![
    a_frozen_engine_keeps_nobody_from_leaving,
    a_flow_is_submitted_once_although_the_engine_dies_with_its_answer,
    what_is_followed_goes_on_when_the_engine_is_back,
    an_early_signal_cancels_what_shall_not_go_on,
    a_cancel_waits_for_an_engine_that_is_away,
    cancel_all_leaves_what_has_ended_and_goes_on,
    an_outcome_that_is_known_is_told_whatever_fails_then,
    an_answer_that_makes_no_sense_is_exit_1,
    data_that_another_engine_holds_are_exit_7,
];

fn a_frozen_engine_keeps_nobody_from_leaving() {
    let (world, cast) = stage();
    let mut run = begin_run(&world, &[]);
    wait::for_it("it is followed", || run.said().contains("from elsewhere"));
    cast[0].signal(Signal::SIGSTOP);
    world.run(&["status", "frozen-1", "--wait", "1s"]).ended(6).says(&["the engine did not answer within 1s"]);
    run.signal(Signal::SIGINT);
    assert_eq!(run.wait().code(), Some(130), "{}", run.said());
    assert!(run.said().contains("detached: frozen-1 goes on"), "{}", run.said());
    cast[0].signal(Signal::SIGCONT);
    fs::write(world.path("go"), "").unwrap();
    assert_eq!(world.ended("frozen-1")["state"], "completed");
}

fn a_flow_is_submitted_once_although_the_engine_dies_with_its_answer() {
    let world = World::new();
    let mut engine = world.begin_engine(&[("REPRISE_FAIL_AT", "gateway.request.answered")]);
    world.ready(&mut engine);
    let _agent = world.agent("n1", 2, &[]);
    world.nodes_ready(1);
    fs::write(world.path("go"), "").unwrap();
    let mut run = begin_run(&world, &[]);
    engine.wait();
    let _engine = world.engine();
    assert_eq!(run.wait().code(), Some(0), "{}", run.said());
    assert_eq!(world.get("/v1/executions")["items"].as_array().map(Vec::len), Some(1), "it is there once");
    Verdict::of(&world).holds(1);
}

fn what_is_followed_goes_on_when_the_engine_is_back() {
    let (world, mut cast) = stage();
    let go = world.path("go").display().to_string();
    let work = format!("echo before\nwhile [ ! -e '{go}' ]; do sleep 0.05; done\necho after");
    let execution = world.submit(&flows::flow("told", json!({ "told": flows::task(&world, &work, json!({})) })));
    world.task_is(&execution, "told", "running");
    let mut journal = world.begin("journal", &mut world.command(&["journal", "--follow", "--from", "1"]));
    let mut logs = world.begin("logs", &mut world.command(&["logs", "told", "--follow"]));
    wait::for_it("both follow", || journal.said().contains("execution_started") && logs.said().contains("before"));
    cast[0].kill();
    wait::for_it("both have noticed", || {
        [&journal, &logs].iter().all(|follows| follows.said().contains("the engine went away"))
    });
    cast[0] = world.engine();
    fs::write(&go, "").unwrap();
    assert_eq!(logs.wait().code(), Some(0), "{}", logs.said());
    assert_eq!((logs.said().matches("before").count(), logs.said().matches("after").count()), (1, 1));
    wait::for_it("the end is told", || journal.said().contains("execution_ended"));
    assert!(journal.said().contains("the engine is back"), "{}", journal.said());
    assert_eq!(journal.said().matches("execution_started").count(), 1, "nothing is told twice");
    journal.kill();
}

fn an_early_signal_cancels_what_shall_not_go_on() {
    let (world, cast) = stage();
    cast[0].signal(Signal::SIGSTOP);
    let mut run = begin_run(&world, &["--cancel-on-exit"]);
    run.takes(Signal::SIGTERM);
    run.signal(Signal::SIGTERM);
    cast[0].signal(Signal::SIGCONT);
    assert_eq!(run.wait().code(), Some(12), "{}", run.said());
    assert_eq!(world.get("/v1/executions/frozen-1")["state"], "cancelled");
}

fn a_cancel_waits_for_an_engine_that_is_away() {
    let (world, mut cast) = stage();
    let mut run = begin_run(&world, &["--cancel-on-exit"]);
    world.task_is("frozen-1", "wait", "running");
    cast[0].kill();
    run.signal(Signal::SIGINT);
    cast[0] = world.engine();
    assert_eq!(run.wait().code(), Some(12), "{}", run.said());
}

fn cancel_all_leaves_what_has_ended_and_goes_on() {
    let (world, mut cast) = stage();
    let execution = world.submit(&flows::waiting(&world, "shown"));
    let view = world.get(&format!("/v1/executions/{execution}"));
    cast[0].kill();
    let views = ["gone-1", "shown-1", "old-1"].map(|name| {
        let mut view = view.clone();
        view["execution"] = json!(name);
        view
    });
    let problem = |kind: &str, status: u16| {
        let body = json!({ "type": kind, "title": kind, "status": status, "detail": format!("it is {kind}") });
        (status, body.to_string())
    };
    let answers = move |request: &str| match request.split('?').next().unwrap_or_default() {
        "GET /v1/executions" => (200, json!({ "items": views, "position": 9 }).to_string()),
        "POST /v1/executions/gone-1/cancel" => problem("not-found", 404),
        "POST /v1/executions/old-1/cancel" => problem("not-now", 409),
        "POST /v1/executions/shown-1/cancel" => (200, json!({ "execution": views[1], "position": 9 }).to_string()),
        other => problem(other, 500),
    };
    stand_in::answer(world.port, answers).unwrap();
    let words = ["gone-1 is left as it is: it is not-found", "shown-1 is being cancelled", "old-1 is left as it is"];
    world.run(&["cancel", "--all"]).ended(0).says(&words);
}

fn an_outcome_that_is_known_is_told_whatever_fails_then() {
    let (world, mut cast) = stage();
    let tasks = json!({ "only": flows::task(&world, "exit 3", json!({ "retry": "none" })) });
    let execution = world.submit(&flows::flow("known", tasks));
    let ended = world.ended(&execution);
    cast[0].kill();
    let mut open = ended.clone();
    (open["ended"], open["state"]) = (Value::Null, json!("running"));
    let looks = AtomicU32::new(0);
    let answers = move |request: &str| match request.split('?').next().unwrap_or_default() {
        "GET /v1/executions/known-1" if looks.fetch_add(1, Ordering::Relaxed) < 2 => (200, open.to_string()),
        "GET /v1/executions/known-1" => (200, ended.to_string()),
        _ if request.contains("state=running") && !request.contains("failed") => {
            (200, json!({ "items": [], "position": 9 }).to_string())
        }
        _ => (500, "it broke".to_owned()),
    };
    stand_in::answer(world.port, answers).unwrap();
    // It ends while it is watched; and the second time it has ended before.
    for _ in 0..2 {
        world.run(&["status", "known-1", "--wait", "60s"]).ended(10).says(&["it broke"]);
    }
}

fn an_answer_that_makes_no_sense_is_exit_1() {
    let world = World::new();
    stand_in::answer(world.port, |_| (200, "{}".to_owned())).unwrap();
    world.run(&["status"]).ended(1).says(&["cannot be read", "of one version"]);
}

fn data_that_another_engine_holds_are_exit_7() {
    let (world, _cast) = stage();
    let (other, data) = (World::new(), world.data.display().to_string());
    let listen = format!("127.0.0.1:{}", other.port);
    other.run(&["up", "--data", &data, "--listen", &listen]).ended(7).says(&[&data, "another"]);
}

/// Runs a flow of one task that waits for the file `go`.
fn begin_run(world: &World, more: &[&str]) -> Running {
    fs::write(world.path("frozen.json"), flows::waiting(world, "frozen").to_string()).unwrap();
    world.begin("run", &mut world.command(&[&["run", "frozen.json"], more].concat()))
}

fn stage() -> (World, [Running; 2]) {
    let world = World::new();
    let cast = [world.engine(), world.agent("n1", 2, &[])];
    world.nodes_ready(1);
    (world, cast)
}
