//! What people do to executions from the command line, and that it is done.

use std::fs;

use e2e::verdict::Verdict;
use e2e::{Running, World, flows, wait};
use serde_json::json;

crate::trials![
    a_paused_execution_dispatches_nothing_until_it_is_resumed,
    cancel_ends_what_runs_and_what_waits,
    retry_opens_a_round_for_what_failed_and_keeps_what_passed,
    a_parked_task_is_replayed_when_its_folder_is_there,
    a_parked_task_that_is_dropped_has_failed,
];

fn a_paused_execution_dispatches_nothing_until_it_is_resumed() {
    let (world, _cast) = stage();
    let waiting = format!("while [ ! -e '{}' ]; do sleep 0.05; done", world.path("go").display());
    let tasks = json!({
        "first": flows::task(&world, &waiting, json!({})),
        "second": flows::task(&world, "true", json!({ "after": "first" })),
    });
    let execution = world.submit(&flows::flow("pause", tasks));
    world.task_is(&execution, "first", "running");
    world.run(&["pause", &execution, "--reason", "database is being moved"]).ended(0).says(&["paused"]);
    fs::write(world.path("go"), "").unwrap();
    world.task_is(&execution, "first", "passed"); // what runs goes on
    world.task_is(&execution, "second", "ready");
    assert_eq!(world.get(&format!("/v1/executions/{execution}"))["state"], "paused");
    world.run(&["pause", &execution]); // once more changes nothing
    world.run(&["resume", &execution]).ended(0).says(&["resumed"]);
    assert_eq!(world.ended(&execution)["state"], "completed");
    world.run(&["pause", &execution]).ended(5);
    Verdict::of(&world).holds(2);
    let said = world.run(&["journal", "--kind", "execution_paused"]).ended(0);
    said.says(&["database is being moved"]);
}

fn cancel_ends_what_runs_and_what_waits() {
    let (world, _cast) = stage();
    let tasks = json!({
        "runs": flows::task(&world, "sleep 60", json!({})),
        "waits": flows::task(&world, "true", json!({ "after": "runs" })),
    });
    let execution = world.submit(&flows::flow("cancel", tasks));
    world.task_is(&execution, "runs", "running");
    world.run(&["cancel", "--all", "--dry-run"]).ended(0).says(&["would cancel", &execution]);
    world.run(&["cancel", "--all"]).ended(0).says(&[&execution]);
    let view = world.ended(&execution);
    assert_eq!(view["state"], "cancelled", "{view:#}");
    assert_eq!(view["tasks"]["passed"], 0);
    world.run(&["status", &execution, "--wait", "60s"]).ended(12);
    Verdict::of(&world).holds(0);
}

fn retry_opens_a_round_for_what_failed_and_keeps_what_passed() {
    let (world, _cast) = stage();
    let tasks = json!({
        "sound": flows::task(&world, "true", json!({})),
        "fails": flows::task(&world, "[ -e mended ]", json!({ "after": "sound", "retry": "none" })),
        "after": flows::task(&world, "true", json!({ "after": "fails" })),
    });
    let execution = world.submit(&flows::flow("retry", tasks));
    let view = world.ended(&execution);
    assert_eq!((&view["state"], &view["tasks"]["skipped"]), (&json!("failed"), &json!(1)), "{view:#}");
    world.run(&["status", &execution, "--wait", "1s"]).ended(10);
    fs::write(world.path("mended"), "").unwrap();
    world.run(&["retry", &execution, "--failed"]).ended(0).says(&["round 2"]);
    world.run(&["status", &execution, "--wait", "60s"]).ended(0);
    let view = world.get(&format!("/v1/executions/{execution}"));
    assert_eq!((&view["state"], &view["round"]), (&json!("completed"), &json!(2)), "{view:#}");
    Verdict::of(&world).holds(3);
    assert_eq!(world.task(&execution, "sound")["item"]["attempts"], 1, "what passed keeps its result");
    assert_eq!(world.task(&execution, "fails")["item"]["attempts"], 2, "attempt numbers go on");
    world.run(&["why", "fails"]).ended(0).says(&["@1", "@2", "exit 1"]);
}

fn a_parked_task_is_replayed_when_its_folder_is_there() {
    let (world, _cast) = stage();
    let execution = park(&world);
    world.run(&["parked"]).ended(0).says(&["homeless", "start_failure"]);
    world.run(&["parked", "show", "homeless"]).ended(0).says(&["no such folder"]);
    fs::create_dir(world.path("home")).unwrap();
    world.run(&["parked", "replay", "homeless", "--reason", "the folder is there"]).ended(0);
    world.run(&["status", &execution, "--wait", "60s"]).ended(0);
    world.run(&["parked"]).ended(0);
    Verdict::of(&world).holds(2);
}

fn a_parked_task_that_is_dropped_has_failed() {
    let (world, _cast) = stage();
    let execution = park(&world);
    world.run(&["parked", "drop", &format!("{execution}/homeless"), "--reason", "nobody needs it"]).ended(0);
    wait::for_it("it has failed", || world.task(&execution, "homeless")["item"]["state"] == "failed");
    world.run(&["parked", "replay", &format!("{execution}/homeless")]).ended(5);
}

/// An execution whose one task cannot start anywhere, and one that it blocks.
fn park(world: &World) -> String {
    let tasks = json!({
        "homeless": flows::task(world, "true", json!({ "dir": world.path("home") })),
        "blocked": flows::task(world, "true", json!({ "after": "homeless" })),
    });
    let execution = world.submit(&flows::flow("park", tasks));
    let view = world.ended(&execution);
    assert_eq!((&view["state"], &view["tasks"]["parked"]), (&json!("failed"), &json!(1)), "{view:#}");
    world.run(&["status", &execution, "--wait", "1s"]).ended(11);
    execution
}

fn stage() -> (World, [Running; 2]) {
    let world = World::new();
    let cast = [world.engine(), world.agent("n1", 2, &[])];
    world.nodes_ready(1);
    (world, cast)
}
