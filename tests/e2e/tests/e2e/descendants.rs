//! What a test leaves running: a descendant in a session of its own that ignores SIGTERM is gone when its attempt is.

use std::fs;

use e2e::{Running, World, flows, wait};
use serde_json::{Value, json};

crate::trials![
    a_descendant_that_hides_is_gone_when_its_attempt_has_passed,
    a_descendant_that_hides_is_gone_when_its_attempt_is_cancelled,
    a_descendant_that_hides_is_gone_when_its_agent_is_killed,
];

/// Leaves a descendant that has no parent, no group and no ear for SIGTERM; its number is in the file `hidden`.
const HIDE: &str = r#"
    setsid sh -c 'trap "" TERM HUP INT; (trap "" TERM HUP INT; sh -c "echo \$PPID" > hidden.new; mv hidden.new hidden; while :; do sleep 0.1; done) & ' &
    while [ ! -e hidden ]; do sleep 0.05; done"#;

fn a_descendant_that_hides_is_gone_when_its_attempt_has_passed() {
    let (world, _cast) = stage();
    let execution = world.submit(&hiding(&world, "true"));
    assert_eq!(world.ended(&execution)["state"], "completed");
    hidden_is_gone(&world);
}

fn a_descendant_that_hides_is_gone_when_its_attempt_is_cancelled() {
    let (world, _cast) = stage();
    let execution = world.submit(&hiding(&world, "trap '' TERM; while :; do sleep 0.1; done"));
    let pid = hidden(&world);
    assert!(lives(pid), "it runs beside its attempt");
    world.run(&["cancel", &execution, "--reason", "enough"]).ended(0);
    assert_eq!(world.ended(&execution)["state"], "cancelled");
    hidden_is_gone(&world);
}

fn a_descendant_that_hides_is_gone_when_its_agent_is_killed() {
    let (world, mut cast) = stage();
    let execution = world.submit(&hiding(&world, "while :; do sleep 0.1; done"));
    let pid = hidden(&world);
    assert!(lives(pid), "it runs beside its attempt");
    cast[1].kill();
    hidden_is_gone(&world);
    world.run(&["cancel", &execution]).ended(0);
}

fn stage() -> (World, [Running; 2]) {
    let world = World::new();
    let cast = [world.engine(), world.agent("n1", 2, &[])];
    (world, cast)
}

fn hiding(world: &World, then: &str) -> Value {
    flows::flow("hiding", json!({ "hide": flows::task(world, &format!("{HIDE}\n{then}"), json!({})) }))
}

fn hidden(world: &World) -> u32 {
    let read = || fs::read_to_string(world.path("hidden")).ok()?.trim().parse().ok();
    wait::until("the descendant runs", read)
}

fn hidden_is_gone(world: &World) {
    let pid = hidden(world);
    wait::for_it("the descendant is gone", || !lives(pid));
}

/// Whether a process runs; a zombie does not.
fn lives(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}
