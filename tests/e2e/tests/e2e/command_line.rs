//! Every ending that scripts can see, with its exit code and the words that people see.

use std::fs;

use e2e::{Running, World, flows};
use serde_json::{Value, json};

crate::trials![
    an_engine_that_is_down_is_exit_6_for_every_command,
    a_command_line_that_makes_no_sense_is_exit_2,
    a_file_that_cannot_be_used_is_exit_3,
    what_is_not_there_is_exit_4,
    wait_that_runs_out_is_exit_8,
    run_ends_with_the_code_of_its_execution,
];

fn an_engine_that_is_down_is_exit_6_for_every_command() {
    let world = World::new();
    fs::write(world.path("flow.yaml"), "tasks: { a: { run: 'true' } }\n").unwrap();
    let commands: [&[&str]; 11] = [
        &["run", "flow.yaml"],
        &["status"],
        &["status", "x-1"],
        &["why", "a"],
        &["logs", "a"],
        &["pause", "x-1"],
        &["cancel", "--all"],
        &["retry", "x-1", "--failed"],
        &["parked"],
        &["nodes"],
        &["journal"],
    ];
    for command in commands {
        world.run(command).ended(6).says(&["no engine at", "reprise up", "REPRISE_URL"]);
    }
    world.run(&["validate", "flow.yaml"]).ended(0).says(&["no mistakes"]);
}

fn a_command_line_that_makes_no_sense_is_exit_2() {
    let world = World::new();
    let commands: [(&[&str], &str); 7] = [
        (&["rnu", "flow.yaml"], "unrecognized subcommand"),
        (&["run"], "FLOW"),
        (&["status", "nightly"], "is no execution"),
        (&["retry", "x-1"], "--failed"),
        (&["cancel"], "--all"),
        (&["agent", "--slots", "0"], "slots"),
        (&["up", "--listen", "here"], "listen"),
    ];
    for (command, word) in commands {
        world.run(command).ended(2).says(&[word]);
    }
    let mut command = world.command(&["status"]);
    command.env("REPRISE_URL", "https://x");
    world.finish(&mut command).ended(2).says(&["REPRISE_URL", "http://host:7717"]);
}

fn a_file_that_cannot_be_used_is_exit_3() {
    let (world, _cast) = stage();
    world.run(&["run", "missing.yaml"]).ended(3).says(&["missing.yaml", "cannot be read"]);
    world.run(&["validate", "missing.yaml"]).ended(3).says(&["missing.yaml", "cannot be read"]);
    let bad = "tasks:\n  build: { run: make }\n  test:\n    stal: 3m\n    run: make test\n    after: biuld\n";
    fs::write(world.path("bad.yaml"), bad).unwrap();
    let mistakes = [
        "bad.yaml:4:5: error: unknown field `stal`",
        "did you mean `stall`?",
        "did you mean `build`",
        "2 errors in bad.yaml",
    ];
    world.run(&["run", "bad.yaml"]).ended(3).says(&mistakes).says(&["nothing submitted"]);
    world.run(&["validate", "bad.yaml"]).ended(3).says(&mistakes);
    assert_eq!(world.get("/v1/executions")["items"], json!([]), "nothing was submitted");
    fs::write(world.path("bad.toml"), "lisen = \"127.0.0.1:1\"\n").unwrap();
    world.run(&["up", "--config", "bad.toml"]).ended(3).says(&["unknown key `lisen`", "did you mean `listen`?"]);
    world.run(&["up", "--config", "missing.toml"]).ended(3).says(&["missing.toml", "cannot be read"]);
}

fn what_is_not_there_is_exit_4() {
    let (world, _cast) = stage();
    let execution = world.submit(&flows::many(&world, "known", 1));
    assert_eq!(world.ended(&execution)["state"], "completed");
    let of_known = format!("{execution}/nothing");
    let commands: [(&[&str], &str); 10] = [
        (&["journal", "--follow", "--from", "1", "--pool", "nowhere"], "no pool `nowhere`"),
        (&["status", "unknown-1"], "unknown-1"),
        (&["why", "nothing"], "nothing"),
        (&["why", &of_known], "nothing"),
        (&["logs", "unknown-1/a"], "unknown-1"),
        (&["pause", "unknown-1"], "unknown-1"),
        (&["retry", "unknown-1", "--failed"], "unknown-1"),
        (&["parked", "replay", &of_known], "nothing"),
        (&["nodes", "n9"], "n9"),
        (&["recoveries", "r-99"], "r-99"),
    ];
    for (command, word) in commands {
        world.run(command).ended(4).says(&[word]);
    }
}

fn wait_that_runs_out_is_exit_8() {
    let (world, _cast) = stage();
    let execution = world.submit(&flows::waiting(&world, "long"));
    world.run(&["status", &execution, "--wait", "1s"]).ended(8).says(&[&execution]);
    fs::write(world.path("go"), "").unwrap();
    world.run(&["status", &execution, "--wait", "60s"]).ended(0);
}

fn run_ends_with_the_code_of_its_execution() {
    let (world, _cast) = stage();
    let one = |work: &str, more: Value| json!({ "only": flows::task(&world, work, more) });
    let flows = [
        ("good", one("true", json!({})), 0, "completed"),
        ("bad", one("echo broken; exit 3", json!({ "retry": "none" })), 10, "failed"),
        ("homeless", one("true", json!({ "dir": world.path("nowhere") })), 11, "parked"),
    ];
    for (name, tasks, code, word) in flows {
        let file = format!("{name}.json");
        fs::write(world.path(&file), flows::flow(name, tasks).to_string()).unwrap();
        world.run(&["run", &file]).ended(code).says(&[&format!("{name}-"), word]);
    }
    world.run(&["logs", "only", "--output", "text"]).ended(0);
    world.run(&["run", "bad.json"]).ended(10).says(&["broken"]);
}

fn stage() -> (World, [Running; 2]) {
    let world = World::new();
    let cast = [world.engine(), world.agent("n1", 2, &[])];
    world.nodes_ready(1);
    (world, cast)
}
