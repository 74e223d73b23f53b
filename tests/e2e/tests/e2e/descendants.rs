//! What a test leaves running: a descendant in a session of its own that ignores SIGTERM is gone when its attempt is.

use std::fs;

use e2e::verdict::Verdict;
use e2e::{Running, World, flows, wait};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

crate::trials![
    a_descendant_that_hides_is_gone_when_its_attempt_has_passed,
    a_descendant_that_hides_is_gone_when_its_attempt_is_cancelled,
    a_descendant_that_hides_is_gone_when_its_agent_is_killed,
    a_descendant_that_hides_is_gone_when_the_end_of_its_killed_supervisor_is_reported,
    an_attempt_has_a_session_of_its_own,
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

fn a_descendant_that_hides_is_gone_when_the_end_of_its_killed_supervisor_is_reported() {
    let (world, _cast) = stage();
    let execution = world.submit(&hiding(&world, "echo $PPID > parent; while :; do sleep 0.1; done"));
    let pid = hidden(&world);
    let supervisor = || fs::read_to_string(world.path("parent")).ok()?.trim().parse().ok().map(Pid::from_raw);
    let supervisor = wait::until("its supervisor is known", supervisor);
    assert!(lives(pid), "it runs beside its attempt");
    kill(supervisor, Signal::SIGKILL).unwrap(); // as the kernel does when memory is short
    wait::for_it("the attempt has ended", || Verdict::of(&world).count("attempt_ended") == 1);
    assert!(!lives(pid), "nothing of it runs when its end is reported");
    world.run(&["cancel", &execution]).ended(0);
}

fn an_attempt_has_a_session_of_its_own() {
    let (world, _cast) = stage();
    // Field 6 is the session: the supervisor, which is the parent, leads it, so there is no terminal to ask.
    let work = r#"[ "$(cut -d' ' -f6 /proc/$$/stat)" = "$PPID" ]"#;
    let execution = world.submit(&flows::flow("session", json!({ "own": flows::task(&world, work, json!({})) })));
    assert_eq!(world.ended(&execution)["tasks"]["passed"], 1);
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
