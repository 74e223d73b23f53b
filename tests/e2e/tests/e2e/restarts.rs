//! Engine and agent are stopped as people stop them, and started again.

use std::fs;

use e2e::verdict::Verdict;
use e2e::{World, binary, flows, wait};
use serde_json::json;

crate::trials![
    work_goes_on_while_its_engine_is_restarted,
    an_agent_that_is_asked_to_stop_hands_its_work_back,
    work_of_a_restarted_agent_is_done_again_from_its_checkpoint,
    an_agent_whose_program_is_removed_works_on,
];

fn work_goes_on_while_its_engine_is_restarted() {
    let world = World::new();
    let mut engine = world.engine();
    let _agent = world.agent("n1", 2, &[]);
    let execution = world.submit(&flows::waiting(&world, "restart"));
    world.task_is(&execution, "wait", "running");
    for _ in 0..3 {
        engine.stop();
        assert!(engine.said().contains("running work goes on"), "{}", engine.said());
        engine = world.engine();
    }
    fs::write(world.path("go"), "").unwrap();
    assert_eq!(world.ended(&execution)["state"], "completed");
    let verdict = Verdict::of(&world);
    verdict.holds(1);
    assert_eq!(verdict.count("attempt_dispatched"), 1, "it was never started again");
}

fn an_agent_that_is_asked_to_stop_hands_its_work_back() {
    let world = World::new();
    let _engine = world.engine();
    let mut leaving = world.agent("n1", 1, &[]);
    world.nodes_ready(1);
    let execution = world.submit(&flows::waiting(&world, "handed"));
    world.task_is(&execution, "wait", "running");
    let _staying = world.agent("n2", 1, &[]);
    world.nodes_ready(2);
    leaving.stop();
    wait::for_it("n1 is gone", || world.node("n1").as_deref() == Some("gone"));
    fs::write(world.path("go"), "").unwrap();
    assert_eq!(world.ended(&execution)["state"], "completed");
    Verdict::of(&world).holds(1);
    assert_eq!(world.task(&execution, "wait")["item"]["node"], "n2");
}

fn work_of_a_restarted_agent_is_done_again_from_its_checkpoint() {
    let world = World::new();
    let _engine = world.engine();
    let mut agent = world.agent("n1", 1, &[]);
    let work = r#"
        if [ -s "$REPRISE_CHECKPOINT" ]; then cat "$REPRISE_CHECKPOINT" > resumed; exit 0; fi
        $REPRISE checkpoint 118/240
        while :; do sleep 0.1; done"#;
    // The last line of the ledger is not reached by `exit 0`, so this task signs by itself.
    let work = work.replace("exit 0", r#"echo "ended $REPRISE_TASK $REPRISE_LEASE" >> "$LEDGER"; exit 0"#);
    let tasks = json!({ "resumes": flows::task(&world, &work, json!({})) });
    let execution = world.submit(&flows::flow("resumes", tasks));
    wait::for_it("the checkpoint is known", || world.task(&execution, "resumes")["checkpoint"] == "118/240");
    agent.kill();
    let _agent = world.agent("n1", 1, &[]);
    assert_eq!(world.ended(&execution)["state"], "completed");
    assert_eq!(fs::read_to_string(world.path("resumed")).unwrap().trim(), "118/240");
    Verdict::of(&world).holds(1);
    world.run(&["why", "resumes"]).ended(0).says(&["@1", "@2", "node_lost", "checkpoint"]);
}

fn an_agent_whose_program_is_removed_works_on() {
    let world = World::new();
    let _engine = world.engine();
    let program = world.path("reprise-1");
    fs::copy(binary::reprise(), &program).unwrap();
    let _agent = world.begin("n1", &mut world.command_of(&program, &["agent", "--name", "n1"]));
    world.nodes_ready(1);
    fs::remove_file(&program).unwrap(); // as an upgrade does
    let execution = world.submit(&flows::many(&world, "removed", 2));
    assert_eq!(world.ended(&execution)["state"], "completed");
    let verdict = Verdict::of(&world);
    verdict.holds(2);
    assert_eq!(verdict.count("failure_classified"), 0);
}
