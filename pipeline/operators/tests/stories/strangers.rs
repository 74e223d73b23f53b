//! Requests of strangers: well-typed, and meant to break something. Each is answered, and leaves nothing behind.

use model::request::{Ask, Submit};
use model::task::{Edge, FlowHead, FlowPart, Needs, Task};
use model::{Event, Key, LockId, Millis, Request, Timestamp, Want};

use super::play::{Play, pool};

/// A flow of one task, in one part.
fn submit() -> Submit {
    let task: Task = serde_json::from_str(
        r#"{"id":"t0","run":["x"],"timeout_ms":1000,"grace_ms":1000,"estimate_ms":1000,"path_ms":1000,"retry":"none"}"#,
    )
    .unwrap();
    let head = FlowHead { flow: "f".parse().unwrap(), tasks: 1, edges: 0, locks: Default::default() };
    let flow = FlowPart { head: Some(head), tasks: vec![task.into()], edges: Vec::new() };
    Submit { content: "c".into(), part: 0, parts: 1, priority: None, flow }
}

fn lock(n: usize) -> LockId {
    LockId::new(&format!("l{n}")).unwrap()
}

fn head(change: impl Fn(&mut FlowHead) + 'static) -> Box<dyn Fn(&mut Submit)> {
    Box::new(move |s| change(s.flow.head.as_mut().unwrap()))
}

fn task(change: impl Fn(&mut Task) + 'static) -> Box<dyn Fn(&mut Submit)> {
    Box::new(move |s| {
        let mut task = s.flow.tasks[0].as_ref().clone();
        change(&mut task);
        s.flow.tasks = vec![task.into()];
    })
}

fn needs(change: impl Fn(&mut Needs) + 'static) -> Box<dyn Fn(&mut Submit)> {
    task(move |t| change(&mut t.needs))
}

#[test]
fn a_flow_that_nobody_has_checked_is_taken_or_refused_with_the_reason() {
    let edges = |edges: Vec<(u32, u32)>| -> Box<dyn Fn(&mut Submit)> {
        Box::new(move |s| {
            s.flow.head.as_mut().unwrap().edges = 1;
            s.flow.edges = edges.iter().map(|(task, on)| Edge { task: *task, on: *on, want: Want::Passed }).collect();
        })
    };
    let too_much = "needs more than 1000 slots, 16 TiB of memory or 16 locks";
    let table: Vec<(Box<dyn Fn(&mut Submit)>, &str)> = vec![
        (Box::new(|_| {}), ""),
        (Box::new(|s| s.part = u32::MAX), "part 4294967295 of 1 came where part 0 was due"),
        (Box::new(|s| s.parts = 0), "part 0 of 0 came where part 0 was due"),
        (Box::new(|s| s.parts = u32::MAX), "a flow has at most 2000 parts"),
        (Box::new(|s| s.content = "c".repeat(65)), "the hash of a flow has at most 64 bytes"),
        (Box::new(|s| s.flow.head = None), "the head of a flow stands in its first part"),
        (head(|h| h.tasks = 0), "a flow has 1 to 100000 tasks"),
        (head(|h| h.tasks = u32::MAX), "a flow has 1 to 100000 tasks"),
        (head(|h| h.edges = u32::MAX), "at most 1000000 dependencies"),
        (head(|h| h.tasks = 2), "the flow has 2 tasks and 0 dependencies, 1 and 0 came"),
        (head(|h| h.locks = [(lock(0), 0)].into()), "a lock has at least one permit"),
        (head(|h| h.locks = (0..10_001).map(|n| (lock(n), 1)).collect()), "a pool has at most 10000 locks"),
        (edges(vec![(0, 0)]), "task 0 waits for task 0, which does not stand before it"),
        (edges(vec![(u32::MAX, 0)]), "task 4294967295 waits for task 0"),
        (edges(vec![(0, u32::MAX)]), "task 0 waits for task 4294967295"),
        (edges(vec![(1, 0); 2]), "more than the 1 dependencies that the head names"),
        (Box::new(|s| s.flow.tasks = vec![s.flow.tasks[0].clone(); 2]), "more than the 1 tasks that the head names"),
        (task(|t| t.run.clear()), "has no command"),
        (task(|t| t.run = vec!["x".repeat(100_000)]), "the task `t0` has more than 98304 bytes as JSON"),
        (task(|t| t.run = vec!["\u{1}".repeat(20_000)]), "a part of a flow has at most 114688 bytes"),
        (task(|t| (t.timeout_ms, t.grace_ms, t.path_ms) = (Millis(u64::MAX), Millis(u64::MAX), Millis(u64::MAX))), ""),
        (task(|t| t.retry = "\u{0}".repeat(1_000)), ""),
        (needs(|n| n.slots = 0), "no slot"),
        (needs(|n| n.slots = u32::MAX), too_much),
        (needs(|n| n.memory_mb = u64::MAX), too_much),
        (needs(|n| n.locks = [(lock(0), 0)].into()), "no permit of a lock"),
        (needs(|n| n.locks = (0..17).map(|l| (lock(l), 1)).collect()), too_much),
        (needs(|n| n.locks = [(lock(0), u32::MAX)].into()), ""),
    ];
    for (index, (change, want)) in table.into_iter().enumerate() {
        let mut play = Play::new();
        play.tell("n1 joins 4");
        let mut submit = submit();
        change(&mut submit);
        let said = format!("{:?}", play.ask(Ask::Submit(submit), Some("k")));
        assert!(said.contains(want), "row {index}, {want}: {said:.2000}");
        assert_eq!(said.contains("ExecutionStarted"), want.is_empty(), "row {index}, {want}: {said:.2000}");
        play.tell("wait 1000");
        assert!(play.state.pools[&pool()].uploads.is_empty(), "row {index}: nothing of it is kept");
    }
}

#[test]
fn a_part_beyond_all_numbers_repeats_a_flow_and_gets_its_answer() {
    let mut play = Play::new();
    let mut submit = submit();
    play.ask(Ask::Submit(submit.clone()), Some("k"));
    submit.part = u32::MAX;
    let said = format!("{:?}", play.ask(Ask::Submit(submit.clone()), Some("k")));
    assert!(said.contains("RequestAnswered") && said.contains("Done"), "{said}");
    (submit.part, submit.parts) = (0, 0);
    let said = format!("{:?}", play.ask(Ask::Submit(submit), Some("k")));
    assert!(said.contains("KeyReused"), "{said}");
}

#[test]
fn memory_without_end_is_never_counted_together() {
    let mut play = Play::new();
    let most = model::task::MAX_MEMORY_MB;
    play.tell("n1 joins 4");
    // The node does not say what memory it has: nothing but a bound keeps the sum from flowing over.
    play.state.pools.values_mut().flat_map(|p| p.nodes.values_mut()).for_each(|node| node.memory_mb = 0);
    play.state.rebuild();
    play.soft.reset(&play.state, play.now);
    play.tell("wait 400");
    for n in 0..3 {
        let mut submit = submit();
        needs(move |n| n.memory_mb = most)(&mut submit);
        let said = format!("{:?}", play.ask(Ask::Submit(submit), Some(&format!("k{n}"))));
        assert!(said.contains("ExecutionStarted"), "{said}");
    }
    let used: u64 = play.state.pools[&pool()].nodes.values().map(|n| n.used_memory()).sum();
    assert_eq!(used, 3 * most);
}

fn request(key: &str, at: Timestamp, reason: String) -> Request {
    let ask = Ask::Pause { execution: super::play::id(1) };
    Request { pool: pool(), key: Key::new(key).unwrap(), who: "eve".to_owned(), at, reason, ask }
}

#[test]
fn a_request_from_the_end_of_time_does_not_keep_its_key_for_ever() {
    let mut play = Play::new();
    let end = Timestamp(u64::MAX);
    let said = play.input(operators::Input::Request(request("late", end, String::new())));
    assert!(format!("{said:?}").contains("further ahead of the engine's clock"), "{said:?}");
    for (n, reason) in ["x".repeat(2_000), "\u{1}".repeat(400)].into_iter().enumerate() {
        let said = play.input(operators::Input::Request(request(&format!("long{n}"), end, reason)));
        assert!(format!("{said:?}").contains("have at most 1024 bytes"), "{said:?}");
    }
    assert_eq!(play.state.pools[&pool()].keys.len(), 2, "it is told the same again");
    play.now = play.now + Millis(86_400_001);
    play.quiet(100);
    assert_eq!(play.state.pools[&pool()].keys.len(), 0, "for a day");
}

#[test]
fn nodes_that_come_and_go_under_new_names_leave_nothing_behind() {
    let mut play = Play::new();
    for n in 0..5_100 {
        for (seq, what) in [(1, r#""kind":"hello","slots":1"#), (2, r#""kind":"goodbye""#)] {
            let report = format!(r#"{{"pool":"p","node":"n{n}","boot":"b","seq":{seq},{what}}}"#);
            play.input(operators::Input::Report(serde_json::from_str(&report).unwrap()));
        }
    }
    let known = play.state.pools[&pool()].nodes.len();
    assert!(known <= 5_000 && play.soft.pool(&pool()).unwrap().nodes.len() <= known, "{known}");
}

#[test]
fn verbs_about_what_is_not_there_are_refused() {
    let mut play = Play::new();
    let task = || "nothing".parse().unwrap();
    let ids = ["f-4294967295", "f-1"].map(|id| id.parse().unwrap());
    for execution in ids {
        let e = || Clone::clone(&execution);
        for ask in [
            Ask::Pause { execution: e() },
            Ask::Resume { execution: e() },
            Ask::Cancel { execution: e(), kill: true },
            Ask::Retry { execution: e(), scope: model::request::RetryScope::From(task()), drop_checkpoints: true },
            Ask::Replay { execution: e(), task: task(), memory_mb: Some(u64::MAX), slots: Some(u32::MAX) },
            Ask::Drop { execution: e(), task: task() },
        ] {
            let said: Vec<Event> = play.ask(ask, None);
            assert!(format!("{said:?}").contains("NotFound"), "{said:?}");
        }
    }
}
