//! Keys, uploads in parts, and what is forgotten.

use model::Millis;
use model::request::{Ask, Submit};

use super::play::{Play, id};

#[test]
fn the_same_key_gets_the_same_answer_and_another_content_is_refused() {
    let mut play = Play::new();
    play.tell("submit tasks: {a: {run: x}}");
    let pause = |play: &mut Play, key| play.ask(Ask::Pause { execution: id(1) }, Some(key));
    assert_eq!(words(&pause(&mut play, "k")), "execution_paused request_answered");
    assert_eq!(words(&pause(&mut play, "k")), "request_answered");
    let other = play.ask(Ask::Resume { execution: id(1) }, Some("k"));
    assert!(format!("{other:?}").contains("KeyReused"), "{other:?}");
    // and when it is forgotten, it is new again
    play.now = play.now + Millis(86_400_001);
    play.quiet(100);
    assert!(play.state.pools[&super::play::pool()].keys.is_empty());
}

#[test]
fn a_flow_in_parts_begins_with_the_last_and_a_silent_upload_expires() {
    let mut play = Play::new();
    let parts = parts(3);
    assert_eq!(words(&play.ask(parts[0].clone(), Some("up"))), "pool_settings_put policy_put policy_put flow_part");
    assert_eq!(words(&play.ask(parts[0].clone(), Some("up"))), "", "a part that is held is skipped");
    assert_eq!(words(&play.ask(parts[1].clone(), Some("up"))), "flow_part");
    let last = words(&play.ask(parts[2].clone(), Some("up")));
    assert!(last.starts_with("flow_part execution_started request_answered task_ready work_done"), "{last}");
    assert_eq!(play.execution(1).tasks.len(), 3);

    play.ask(parts[0].clone(), Some("other"));
    assert_eq!(play.tell("quiet 601000"), "upload expired");
}

#[test]
fn parts_that_do_not_fit_together_are_refused() {
    let mut play = Play::new();
    let good = parts(3);
    let bad = |change: &dyn Fn(&mut Submit)| {
        let mut ask = good[1].clone();
        if let Ask::Submit(submit) = &mut ask {
            change(submit);
        }
        ask
    };
    let Ask::Submit(first) = &good[0] else { panic!() };
    let (head, tasks) = (first.flow.head.clone(), first.flow.tasks.clone());
    let cases: Vec<(Ask, &str)> = vec![
        (bad(&|s| s.part = 2), "part 2 of 3 came where part 1 was due"),
        (bad(&|s| s.flow.head = head.clone()), "the head of a flow stands in its first part"),
        (bad(&|s| s.flow.tasks = tasks.clone()), "the task `t0` comes twice"),
        (bad(&|s| s.content = "x".into()), "the key was used for another flow"),
        (
            bad(&|s| s.flow.edges.push(model::task::Edge { task: 0, on: 0, want: model::Want::Passed })),
            "does not stand before",
        ),
    ];
    for (index, (ask, want)) in cases.into_iter().enumerate() {
        let key = format!("k{index}");
        play.ask(good[0].clone(), Some(&key));
        let refused = format!("{:?}", play.ask(ask, Some(&key)));
        assert!(refused.contains(want), "{want}: {refused}");
    }
}

#[test]
fn ended_executions_are_forgotten_in_time() {
    let mut play = Play::new();
    play.table(
        "n1 joins 1            => n1 joined
         submit tasks: {a: {run: x}}   => a@1 to n1
         n1 takes a            =>
         n1 passes a           => a passed, completed",
    );
    play.now = play.now + Millis(86_400_000);
    assert!(play.tell("quiet 100").contains("1 forgotten"));
}

fn words(events: &[model::Event]) -> String {
    events.iter().map(|e| e.event.word()).collect::<Vec<_>>().join(" ")
}

/// A flow of three tasks, a part for each.
fn parts(count: u32) -> Vec<Ask> {
    let text = "flow: f\ntasks: {t0: {run: x}, t1: {run: x, after: t0}, t2: {run: x, after: t1}}";
    let checked = flow::parse("f.yaml", text.as_bytes(), flow::Format::Yaml).unwrap();
    let whole = checked.parts().remove(0);
    let part = |index: u32| {
        let last = index + 1 == count;
        let flow = model::task::FlowPart {
            head: (index == 0).then(|| whole.head.clone()).flatten(),
            tasks: vec![whole.tasks[index as usize].clone()],
            edges: if last { whole.edges.clone() } else { Vec::new() },
        };
        Ask::Submit(Submit { content: checked.content(), part: index, parts: count, priority: None, flow })
    };
    (0..count).map(part).collect()
}

#[test]
fn later_is_no_answer_that_is_kept() {
    let mut play = Play::new();
    let parts = parts(3);
    for n in 0..8 {
        play.ask(parts[0].clone(), Some(&format!("up{n}")));
    }
    let refused = play.ask(parts[0].clone(), Some("mine"));
    assert!(format!("{refused:?}").contains("8 flows are being uploaded"), "{refused:?}");
    let whole = play.tell("submit tasks: {a: {run: x}}");
    assert_eq!(whole, "", "a flow of one part holds no place: it is taken");
    play.tell("quiet 601000");
    assert_eq!(words(&play.ask(parts[0].clone(), Some("mine"))), "flow_part");
    let reused = play.ask(Ask::Pause { execution: id(1) }, Some("mine"));
    assert!(format!("{reused:?}").contains("KeyReused"), "the key is in use: {reused:?}");
}

#[test]
fn a_dependency_that_comes_twice_is_refused() {
    let mut play = Play::new();
    let edge = model::task::Edge { task: 1, on: 0, want: model::Want::Passed };
    let mut parts = parts(3);
    let mut submits: Vec<&mut Submit> = Vec::new();
    for part in &mut parts {
        let Ask::Submit(submit) = part else { panic!("a part of a flow") };
        submits.push(submit);
    }
    submits[0].flow.head.as_mut().unwrap().edges = 2;
    submits[1].flow.edges.clear();
    submits[2].flow.edges = vec![edge, edge];
    play.ask(parts[0].clone(), Some("up"));
    play.ask(parts[1].clone(), Some("up"));
    let said = play.ask(parts[2].clone(), Some("up"));
    assert!(format!("{said:?}").contains("twice or out of order"), "{said:?}");
}

#[test]
fn words_that_would_swell_each_event_are_rejected() {
    let mut play = Play::new();
    play.tell("submit tasks: {a: {run: x}}");
    let request = model::Request {
        pool: super::play::pool(),
        key: model::Key::new("long").unwrap(),
        who: "ann".to_owned(),
        at: play.now,
        reason: "x".repeat(2_000),
        ask: Ask::Pause { execution: id(1) },
    };
    let said = play.input(operators::Input::Request(request));
    assert_eq!(words(&said), "input_rejected request_answered");
    assert!(format!("{said:?}").contains("at most 1024 bytes"), "{said:?}");
}

#[test]
fn an_upload_goes_on_after_a_snapshot_with_all_its_names() {
    let mut play = Play::new();
    let parts = parts(3);
    play.ask(parts[0].clone(), Some("up"));
    play.ask(parts[1].clone(), Some("up"));
    let text = serde_json::to_string(&play.state).unwrap();
    play.state = serde_json::from_str(&text).unwrap();
    play.state.rebuild();
    play.ask(parts[2].clone(), Some("up"));
    assert_eq!(play.execution(1).names.len(), 3, "each task is found by its name");
}

#[test]
fn ordinary_executions_do_not_push_out_what_waits_for_a_person() {
    let mut play = Play::new();
    play.table(
        "n1 joins 1            => n1 joined
         submit tasks: {a: {run: x}}   => a@1 to n1
         n1 takes a            =>",
    );
    play.parks("n1", "a");
    let mut forgotten = String::new();
    for n in 2..1_010 {
        play.tell("submit tasks: {a: {run: x}}");
        forgotten += &play.tell(&format!(r#"ask {{"ask":"cancel","execution":"f-{n}"}}"#));
        forgotten += &play.tell("n1 ends a cancel");
    }
    assert!(play.state.pools[&super::play::pool()].executions.contains_key(&1), "the parked one is there");
    assert!(!play.state.pools[&super::play::pool()].executions.contains_key(&2), "the first plain one is not");
}
