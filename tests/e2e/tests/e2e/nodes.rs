//! Nodes of other makes, and what is left of nodes that are gone.

use std::path::Path;
use std::process::Command;

use e2e::verdict::Verdict;
use e2e::{Running, World, flows, wait};
use serde_json::json;

crate::trials![
    a_node_in_python_takes_part,
    output_can_be_read_when_its_node_is_gone,
    an_agent_with_many_slots_is_not_held_up_by_the_usual_limit_of_open_files,
    the_longest_note_is_taken_and_a_longer_one_is_refused_where_it_is_said,
];

fn a_node_in_python_takes_part() {
    let world = World::new();
    let _engine = world.engine();
    let _agent = world.agent("n1", 1, &[]);
    let mut python = python_node(&world, "py");
    world.nodes_ready(2);
    let both = world.submit(&flows::many(&world, "both", 12));
    assert_eq!(world.ended(&both)["state"], "completed");
    let ran = |verdict: &Verdict, node: &str| {
        verdict.events("attempt_ended").filter(|end| end["node"] == node && end["outcome"] == "passed").count()
    };
    let verdict = Verdict::of(&world);
    verdict.holds(12);
    assert!(
        ran(&verdict, "py") > 0 && ran(&verdict, "n1") > 0,
        "py {}, n1 {}",
        ran(&verdict, "py"),
        ran(&verdict, "n1")
    );

    // Killed under its work, it is lost by its silence, and the other node does that work.
    let waiting = world.submit(&flows::alike(&world, "moved", 3, "while [ ! -e go ]; do sleep 0.05; done"));
    wait::for_it("all slots are taken", || world.execution(&waiting).is_some_and(|view| view["tasks"]["running"] == 3));
    python.kill();
    wait::for_it("py is lost", || world.node("py").as_deref() == Some("lost"));
    std::fs::write(world.path("go"), "").unwrap();
    assert_eq!(world.ended(&waiting)["state"], "completed");
    let verdict = Verdict::of(&world);
    verdict.holds(15);
    assert_eq!(verdict.count("node_lost"), 1);
}

fn output_can_be_read_when_its_node_is_gone() {
    let world = World::new();
    let _engine = world.engine();
    let mut agent = world.agent("n1", 1, &[]);
    let execution = world.submit(&flows::flow("loud", json!({ "loud": { "run": "echo first; echo last >&2" } })));
    assert_eq!(world.ended(&execution)["state"], "completed");
    agent.stop();
    wait::for_it("n1 is gone", || world.node("n1").as_deref() == Some("gone"));
    std::fs::remove_dir_all(world.state().join("agents")).unwrap();
    world.run(&["logs", "loud"]).ended(0).says(&["first", "last"]);
    world.run(&["logs", &format!("{execution}/loud@1")]).ended(0).says(&["first", "last"]);
}

fn an_agent_with_many_slots_is_not_held_up_by_the_usual_limit_of_open_files() {
    let world = World::new();
    let _engine = world.engine();
    let reprise = e2e::binary::reprise();
    let limited = "ulimit -Sn 64; exec \"$0\" agent --name n1 --slots 30";
    let mut command = world.command_of(Path::new("sh"), &["-c", limited, &reprise.display().to_string()]);
    let _agent = world.begin("n1", &mut command);
    let work = "[ $(ulimit -Sn) = 64 ]; while [ ! -e go ]; do sleep 0.2; done";
    let execution = world.submit(&flows::alike(&world, "wide", 30, work));
    wait::for_it("all run at once", || {
        world.execution(&execution).is_some_and(|view| view["tasks"]["running"] == 30)
            && Verdict::of(&world).ledger.len() == 30
    });
    std::fs::write(world.path("go"), "").unwrap();
    assert_eq!(world.ended(&execution)["state"], "completed");
    let verdict = Verdict::of(&world);
    verdict.holds(30);
    assert_eq!(verdict.count("failure_classified"), 0);
}

fn the_longest_note_is_taken_and_a_longer_one_is_refused_where_it_is_said() {
    let world = World::new();
    let _engine = world.engine();
    let mut agent = world.agent("n1", 1, &[]);
    let work = r#"
        longest=$(printf %01024d 7)
        $REPRISE progress 0.5 "$longest"
        ! $REPRISE progress 0.6 "0$longest" 2> refused
        while [ ! -e go ]; do sleep 0.05; done"#;
    let execution = world.submit(&flows::flow("noted", json!({ "noted": flows::task(&world, work, json!({})) })));
    wait::for_it("the note is known", || world.task(&execution, "noted").to_string().contains(&format!("{:01024}", 7)));
    std::fs::write(world.path("go"), "").unwrap();
    assert_eq!(world.ended(&execution)["state"], "completed");
    let refused = std::fs::read_to_string(world.path("refused")).unwrap();
    assert!(refused.contains("the note has 1025 bytes, at most 1024 fit"), "{refused}");
    assert!(!agent.said().contains("dropped"), "{}", agent.said());
    agent.stop();
}

/// `tests/fixtures/node.py`, which knows nothing but the wire.
fn python_node(world: &World, name: &str) -> Running {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/node.py");
    let mut command = Command::new("python3");
    command.arg(script).args([name, "2"]).current_dir(world.folder.path());
    command.env("REPRISE_URL", format!("http://127.0.0.1:{}", world.port));
    command.env("REPRISE_TOKEN_FILE", world.state().join(format!("{}.token", world.port)));
    world.begin(name, &mut command)
}
