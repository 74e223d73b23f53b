//! What is printed, and where it cannot be: closed pipes, full disks, programs that read JSON.

use std::fs;

use e2e::{Running, World, flows, wait};
use serde_json::{Value, json};

crate::trials![
    a_reader_that_has_seen_enough_changes_no_outcome,
    what_a_full_disk_did_not_take_is_exit_7_when_the_outcome_is_known,
    engine_and_agent_work_on_where_nothing_can_be_printed,
    programs_get_objects_and_no_prose,
    a_followed_execution_is_an_object_for_each_change,
];

fn a_reader_that_has_seen_enough_changes_no_outcome() {
    let (world, _cast) = stage();
    fails(&world);
    // The reader ends before most of the words.
    world.finish(&mut world.shell(r#"{ "$REPRISE" run fails.json; echo $? > code; } | true"#)).ended(0);
    assert_eq!(wait::until("run ends", || read(&world, "code")), "10");
    let said = world.finish(&mut world.shell(r#"{ "$REPRISE" journal; echo $? > listed; } | head -n 1"#)).ended(0);
    assert_eq!(wait::until("journal ends", || read(&world, "listed")), "0");
    assert_eq!(said.err, "", "{said}");
}

fn what_a_full_disk_did_not_take_is_exit_7_when_the_outcome_is_known() {
    let (world, _cast) = stage();
    fails(&world);
    let said = world.finish(&mut world.shell(r#"exec "$REPRISE" run fails.json > /dev/full"#));
    said.ended(7).says(&["standard output cannot be written", "the exit code were 10: a task failed"]);
    assert_eq!(world.get("/v1/executions/fails-1")["state"], "failed", "it was followed to its end");
    world.finish(&mut world.shell(r#"exec "$REPRISE" nodes > /dev/full"#)).ended(7);
    world.finish(&mut world.shell(r#"exec "$REPRISE" status fails-9 2> /dev/full"#)).ended(4);
    world.finish(&mut world.shell(r#"exec "$REPRISE" run fails.json > /dev/full 2> /dev/full"#)).ended(7);
}

fn engine_and_agent_work_on_where_nothing_can_be_printed() {
    let world = World::new();
    let up = world.up_arguments().join(" ");
    let nowhere = |line: &str| {
        let mut command = world.shell(&format!(r#"exec "$REPRISE" {line} > /dev/full 2> /dev/full"#));
        command.env("REPRISE_LOG", "debug");
        command
    };
    let mut engine = world.begin("engine", &mut nowhere(&up));
    world.ready(&mut engine);
    let mut agent = world.begin("n1", &mut nowhere("agent --name n1 --slots 2"));
    world.nodes_ready(1);
    let execution = world.submit(&flows::many(&world, "unseen", 3));
    assert_eq!(world.ended(&execution)["state"], "completed");
    agent.stop();
    engine.stop();
}

fn programs_get_objects_and_no_prose() {
    let (world, _cast) = stage();
    let execution = world.submit(&flows::waiting(&world, "open"));
    world.task_is(&execution, "wait", "running");
    fs::write(world.path("flow.json"), flows::many(&world, "dry", 1).to_string()).unwrap();
    let json = |line: &[&str]| world.run(&[line, &["--output", "json"]].concat());
    for (line, would) in [
        (&["run", "flow.json", "--dry-run"][..], "submit"),
        (&["cancel", "--all", "--dry-run"], "cancel"),
        (&["retry", &execution, "--failed", "--dry-run"], "retry"),
    ] {
        let said = json(line).ended(0).json();
        assert_eq!((&said["dry_run"], &said["would"]), (&json!(true), &json!(would)), "{said}");
    }
    fs::write(world.path("go"), "").unwrap();
    assert_eq!(world.ended(&execution)["state"], "completed");
    assert_eq!(json(&["pause", "--all"]).ended(0).out, "", "nothing is open, and nothing is printed");
    let execution = world.submit(&flows::flow("loud", json!({ "loud": flows::task(&world, "echo é", json!({})) })));
    world.ended(&execution);
    let printed =
        wait::until("its output is kept", || Some(json(&["logs", "loud"])).filter(|said| !said.out.is_empty()));
    let printed = printed.ended(0).json();
    assert_eq!(printed, json!({ "attempt": format!("{execution}/loud@1"), "offset": 0, "text": "é\n" }));
    let followed = json(&["logs", "loud", "--follow"]).ended(0).json();
    assert_eq!(followed, printed);
}

fn a_followed_execution_is_an_object_for_each_change() {
    let (world, _cast) = stage();
    let execution = world.submit(&flows::waiting(&world, "seen"));
    let mut follow = world.begin("follow", &mut world.command(&["status", &execution, "--follow", "--output", "json"]));
    let seen = |said: &str, word: &str| objects(said).iter().any(|view| view["state"] == word);
    wait::for_it("it is seen running", || seen(&follow.said(), "running"));
    fs::write(world.path("go"), "").unwrap();
    assert!(follow.wait().success());
    let views = objects(&follow.said());
    assert_eq!(views.last().unwrap()["state"], "completed");
    assert!(views.windows(2).all(|pair| pair[0] != pair[1]), "{views:?}");
}

fn objects(said: &str) -> Vec<Value> {
    said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// A flow whose one task fails, as a file.
fn fails(world: &World) {
    let tasks = json!({ "only": flows::task(world, "exit 3", json!({ "retry": "none" })) });
    fs::write(world.path("fails.json"), flows::flow("fails", tasks).to_string()).unwrap();
}

fn read(world: &World, file: &str) -> Option<String> {
    let text = fs::read_to_string(world.path(file)).ok()?;
    text.ends_with('\n').then(|| text.trim().to_owned())
}

fn stage() -> (World, [Running; 2]) {
    let world = World::new();
    let cast = [world.engine(), world.agent("n1", 2, &[])];
    world.nodes_ready(1);
    (world, cast)
}
