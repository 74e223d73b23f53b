//! Disks that are full, under the engine's data and under an agent's state.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;

use e2e::disk::SmallDisk;
use e2e::verdict::Verdict;
use e2e::{World, flows, wait};
use serde_json::json;

crate::trials![
    an_engine_on_a_full_disk_says_so_and_heals_when_there_is_room,
    an_engine_that_cannot_begin_on_a_full_disk_says_so_and_begins_when_there_is_room,
    an_agent_on_a_full_disk_takes_nothing_and_fails_nothing,
    output_that_fills_an_agents_disk_closes_the_node_and_costs_no_outcome,
    an_agent_that_cannot_begin_on_a_full_disk_says_so_and_begins_when_there_is_room,
    logs_on_a_full_disk_cost_neither_engine_nor_agent_their_work,
];

fn an_engine_on_a_full_disk_says_so_and_heals_when_there_is_room() {
    let world = World::new();
    let Some(disk) = SmallDisk::mount(&world.data, 48 * 1024) else { return };
    let mut engine = world.engine();
    let _agent = world.agent("n1", 2, &[]);
    let waiting = world.submit(&flows::waiting(&world, "waiting"));
    world.task_is(&waiting, "wait", "running");
    let flow = world.path("small.json");
    fs::write(&flow, flows::many(&world, "small", 1).to_string()).unwrap();
    let flow = flow.display().to_string();

    let filler = disk.fill();
    // Those that were under way when it was noticed hear nothing in time, and may be done: that is said, too.
    let refused = wait::until("a submission is refused", || {
        let said = world.run(&["run", &flow, "--detach"]);
        (![Some(0), Some(6)].contains(&said.code)).then_some(said)
    });
    refused.ended(7).says(&["no room on the engine's disk", "free some space"]);
    // What runs ends meanwhile; its report waits on the node.
    fs::write(world.path("go"), "").unwrap();
    assert!(world.execution(&waiting).is_some_and(|view| view["ended"].is_null()), "reads go on");
    assert!(engine.ended().is_none(), "{}", engine.said());

    fs::remove_file(filler).unwrap();
    assert_eq!(world.ended(&waiting)["state"], "completed");
    let healed = wait::until("submissions are taken again", || {
        let said = world.run(&["run", &flow]);
        (said.code == Some(0)).then_some(said)
    });
    healed.says(&["small-"]);
    engine.kill();
    let _engine = world.engine();
    let open = |view: &serde_json::Value| view["ended"].is_null();
    let executions = || world.get("/v1/executions")["items"].as_array().cloned().unwrap_or_default();
    wait::for_it("all that was taken in has ended", || !executions().iter().any(open));
    let verdict = Verdict::of(&world);
    verdict.holds(verdict.count("execution_started"));
    drop(disk);
}

fn an_engine_that_cannot_begin_on_a_full_disk_says_so_and_begins_when_there_is_room() {
    let world = World::new();
    let Some(disk) = SmallDisk::mount(&world.data, 48 * 1024) else { return };
    let filler = disk.fill();
    let mut engine = world.begin_engine(&[]);
    wait::for_it("it says so, and what to do", || engine.said().contains("free some space"));
    assert!(engine.said().contains("No space left on device"), "{}", engine.said());
    world.run(&["status"]).ended(0).says(&["trouble: No space left on device", "free some space"]);
    fs::write(world.path("small.json"), flows::many(&world, "small", 1).to_string()).unwrap();
    world.run(&["run", "small.json", "--detach"]).ended(7).says(&["no room on the engine's disk", "free some space"]);
    wait::for_it("it says how much", || engine.said().contains("a reserve of 16 MiB"));
    fs::remove_file(filler).unwrap();
    world.ready(&mut engine);
}

fn an_agent_on_a_full_disk_takes_nothing_and_fails_nothing() {
    let world = World::new();
    let state = world.path("small");
    let Some(disk) = SmallDisk::mount(&state, 4 * 1024) else { return };
    let _engine = world.engine();
    let token = world.state().join(format!("{}.token", world.port)).display().to_string();
    let state = state.display().to_string();
    let mut agent = world.agent("n1", 2, &[("XDG_STATE_HOME", &state), ("REPRISE_TOKEN_FILE", &token)]);
    world.nodes_ready(1);
    let before = world.submit(&flows::many(&world, "before", 2));
    assert_eq!(world.ended(&before)["state"], "completed");

    let filler = disk.fill();
    let during = world.submit(&flows::many(&world, "during", 2));
    wait::for_it("the agent notices", || agent.said().contains("no starts are taken"));
    assert_eq!(world.execution(&during).map(|view| view["tasks"]["failed"].clone()), Some(json!(0)));
    assert!(agent.ended().is_none(), "{}", agent.said());

    fs::remove_file(filler).unwrap();
    let view = world.ended(&during);
    assert_eq!((&view["state"], &view["tasks"]["passed"]), (&json!("completed"), &json!(2)), "{view:#}");
    let verdict = Verdict::of(&world);
    verdict.holds(4);
    assert_eq!(verdict.count("failure_classified"), 0, "a full disk of a node is no failure of a test");
}

fn output_that_fills_an_agents_disk_closes_the_node_and_costs_no_outcome() {
    let world = World::new();
    let state = world.path("small");
    let Some(disk) = SmallDisk::mount(&state, 16 * 1024) else { return };
    let _engine = world.engine();
    let token = world.state().join(format!("{}.token", world.port)).display().to_string();
    let place = state.display().to_string();
    let agent = world.agent("n1", 2, &[("XDG_STATE_HOME", &place), ("REPRISE_TOKEN_FILE", &token)]);
    world.nodes_ready(1);
    let print = |mib: u32| format!("yes output | head -c {} || true", mib << 20);
    let wait_for = |file: &str| format!("while [ ! -e '{}' ]; do sleep 0.05; done", world.path(file).display());
    let tasks = json!({
        "greedy": flows::task(&world, &format!("{}\n{}", print(40), wait_for("greedy_may_end")), json!({})),
        "modest": flows::task(&world, &format!("{}\n{}", print(1), wait_for("modest_may_end")), json!({})),
    });
    let execution = world.submit(&flows::flow("printing", tasks));

    wait::for_it("the node is closed, for this reason", || agent.said().contains("its disk is full: under"));
    // Whatever else is on that disk takes the rest, and yet `modest` has room for its outcome: that of its output.
    let filler = disk.fill();
    fs::write(world.path("modest_may_end"), "").unwrap();
    world.task_is(&execution, "modest", "passed");
    let modest = world.run(&["logs", &format!("{execution}/modest")]).ended(0);
    modest.says(&["is given up: the disk was full"]);
    let next = world.submit(&flows::many(&world, "next", 2));
    fs::write(world.path("greedy_may_end"), "").unwrap();
    assert_eq!(world.ended(&execution)["state"], "completed");
    assert_eq!(
        world.execution(&next).map(|view| view["tasks"]["passed"].clone()),
        Some(json!(0)),
        "it takes no starts"
    );

    fs::remove_file(filler).unwrap();
    assert_eq!(world.ended(&next)["state"], "completed");
    let verdict = Verdict::of(&world);
    verdict.holds(4);
    assert_eq!(verdict.count("attempt_dispatched"), 4, "nothing was given to it and taken back");
    assert_eq!(verdict.count("failure_classified"), 0, "a full disk of a node is no failure of a test");
}

fn an_agent_that_cannot_begin_on_a_full_disk_says_so_and_begins_when_there_is_room() {
    let world = World::new();
    let state = world.path("small");
    let Some(disk) = SmallDisk::mount(&state, 1024) else { return };
    let _engine = world.engine();
    let token = world.state().join(format!("{}.token", world.port));
    let agent = || {
        let mut command = world.command(&["agent", "--name", "n1"]);
        command.env("XDG_STATE_HOME", &state).env("REPRISE_TOKEN_FILE", &token);
        command
    };
    let filler = disk.fill();
    let home = state.join("reprise/agents/n1").display().to_string();
    let said = world.finish(&mut agent()).ended(7);
    said.says(&[&home, "cannot be written: No space left on device", "free some space, or set XDG_STATE_HOME"]);
    fs::remove_file(filler).unwrap();
    let _agent = world.begin("n1", &mut agent());
    world.nodes_ready(1);
}

fn logs_on_a_full_disk_cost_neither_engine_nor_agent_their_work() {
    let world = World::new();
    let Some(disk) = SmallDisk::mount(&world.path("logs"), 256) else { return };
    for name in ["engine.log", "n1.log"] {
        symlink(world.path("logs").join(name), world.path(name)).unwrap();
    }
    let mut engine = world.engine();
    let mut agent = world.agent("n1", 2, &[]);
    world.nodes_ready(1);
    wait::for_it("the agent has said that it joined", || agent.said().contains("joined"));
    disk.fill();
    for name in ["engine.log", "n1.log"] {
        let mut log = fs::File::options().append(true).open(world.path(name)).unwrap();
        while log.write_all(b".").is_ok() {} // the rest of its last page
    }

    // Each of these is said in the log: ends, and an engine that goes and comes back.
    let before = world.submit(&flows::many(&world, "before", 4));
    assert_eq!(world.ended(&before)["state"], "completed");
    let waiting = world.submit(&flows::waiting(&world, "waiting"));
    world.task_is(&waiting, "wait", "running");
    engine.kill();
    let mut engine = world.engine();
    fs::write(world.path("go"), "").unwrap();
    assert_eq!(world.ended(&waiting)["state"], "completed");
    assert!(engine.ended().is_none() && agent.ended().is_none());
    let verdict = Verdict::of(&world);
    verdict.holds(5);
    assert_eq!(verdict.count("node_lost"), 0);
}
