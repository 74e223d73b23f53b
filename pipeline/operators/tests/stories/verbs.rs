//! What people ask of an execution.

use model::TaskId;
use model::request::{Ask, RetryScope};

use super::play::{Play, id};

#[test]
fn a_paused_execution_starts_nothing_and_a_resumed_one_goes_on() {
    let mut play = Play::new();
    play.table(
        r#"n1 joins 1            => n1 joined
         submit tasks: {a: {run: x}, b: {run: x, after: a}}   => a@1 to n1
         n1 takes a            =>
         ask {"ask":"pause","execution":"f-1"}   => paused
         ask {"ask":"pause","execution":"f-1"}   =>
         n1 passes a           => a passed
         ask {"ask":"resume","execution":"f-1"}  => resumed, b@1 to n1
         n1 takes b            =>
         n1 passes b           => b passed, completed
         ask {"ask":"pause","execution":"f-1"}   => refused: f-1: it has ended"#,
    );
    assert_eq!(play.execution(1).standing().word(), "completed");
}

#[test]
fn cancel_ends_what_waits_at_once_and_what_runs_when_its_node_confirms() {
    Play::new().table(
        r#"n1 joins 1            => n1 joined
         submit tasks: {a: {run: x}, b: {run: x, after: a}, c: {run: x}}   => a@1 to n1
         n1 takes a            =>
         ask {"ask":"cancel","execution":"f-1"}  => cancelling, cancel a, b cancelled, c cancelled
         n1 ends a cancel      => a cancelled, cancelled
         ask {"ask":"cancel","execution":"f-1"}  => refused: f-1: it has ended"#,
    );
}

#[test]
fn what_was_cancelled_is_never_retried_whatever_became_of_it() {
    Play::new().table(
        r#"n1 joins 2            => n1 joined
         submit tasks: {a: {run: x}, b: {run: x}}   => a@1 to n1, b@1 to n1
         n1 takes a            =>
         ask {"ask":"cancel","execution":"f-1","kill":true}  => cancelling, cancel a, cancel b
         n1 restarts           => n1 joined, a lost, a node_lost, a cancelled, b not begun, b cancelled, cancelled"#,
    );
}

#[test]
fn a_retry_opens_the_next_round_for_what_failed_and_what_was_skipped_because_of_it() {
    let mut play = Play::new();
    play.table(
        r#"n1 joins 1            => n1 joined
         submit tasks: {ok: {run: x}, bad: {run: x, after: ok, retry: none}, then: {run: x, after: bad}, end: {run: x, after: then.finished}}   => ok@1 to n1
         n1 takes ok           =>
         n1 passes ok          => ok passed, bad@1 to n1
         n1 takes bad          =>
         ask {"ask":"retry","execution":"f-1","scope":"failed"}  => refused: f-1: it still runs; wait for its end, or cancel it first
         n1 fails bad          => bad test_failure, verdict, bad failed, then skipped for bad, end@1 to n1
         n1 takes end          =>
         n1 passes end         => end passed, failed
         ask {"ask":"retry","execution":"f-1","scope":"failed"}  => round 2, bad@2 to n1
         n1 takes bad          =>
         n1 passes bad         => bad passed, then@1 to n1
         n1 takes then         =>
         n1 passes then        => then passed, completed"#,
    );
    assert_eq!(play.execution(1).tasks[3].attempts, 1, "what ran in spite of it keeps its result");
    play.ask(
        Ask::Retry { execution: id(1), scope: RetryScope::From(TaskId::new("then").unwrap()), drop_checkpoints: true },
        None,
    );
    play.table(
        "n1 takes then         =>
         n1 passes then        => then passed, end@2 to n1",
    );
    assert_eq!(play.execution(1).round, 3);
}

#[test]
fn a_parked_task_is_replayed_in_its_round_or_in_the_next_or_given_up() {
    Play::new().table(
        r#"n1 joins 2            => n1 joined
         submit tasks: {p: {run: x, retry: none}, q: {run: x, after: p}, r: {run: x, after: p.finished}, s: {run: x}, z: {run: x, after: [q.finished, r]}}   => p@1 to n1, s@1 to n1
         n1 takes p            =>
         n1 takes s            =>
         n1 ends p memory      => p out_of_memory, spent, p parked, r@1 to n1
         ask {"ask":"replay","execution":"f-1","task":"p","memory_mb":2000}  => round 1
         ask {"ask":"replay","execution":"f-1","task":"p"}  => refused: f-1: `p` is ready, not parked; reprise parked lists what is
         n1 takes r            =>
         n1 passes r           => r passed
         n2 joins 1            => n2 joined
         n1 passes s           => s passed"#,
    );
    let mut play = Play::new();
    play.table(
        r#"n1 joins 1            => n1 joined
         submit tasks: {p: {run: x, retry: none}, q: {run: x, after: p}, r: {run: x, after: p.failed}}   => p@1 to n1
         n1 takes p            =>
         n1 ends p memory      => p out_of_memory, spent, p parked, q skipped for p, r skipped for p, failed
         ask {"ask":"replay","execution":"f-1","task":"p"}  => round 2, p@2 to n1
         n1 takes p            =>
         n1 ends p memory      => p out_of_memory, spent, p parked, q skipped for p, r skipped for p, failed
         ask {"ask":"drop","execution":"f-1","task":"q"}  => refused: f-1: `q` is skipped, not parked; reprise parked lists what is
         ask {"ask":"drop","execution":"f-1","task":"p"}  => p failed
         ask {"ask":"drop","execution":"f-9","task":"p"}  => refused: no execution `f-9` in pool `p`; reprise status lists them
         ask {"ask":"retry","execution":"f-1","scope":"failed"}  => round 3, p@3 to n1"#,
    );
}

#[test]
fn a_task_that_was_dropped_is_not_taken_for_one_that_the_next_reopening_reset() {
    let mut play = Play::new();
    play.table(
        r#"n1 joins 2            => n1 joined
         submit tasks: {a: {run: x}, b: {run: x, after: a}, d: {run: x, retry: none}}   => a@1 to n1, d@1 to n1
         n1 takes a            =>
         n1 takes d            =>
         n1 fails d            => d test_failure, verdict, d failed"#,
    );
    play.parks("n1", "a");
    play.table(
        r#"ask {"ask":"drop","execution":"f-1","task":"a"}  => a failed
         ask {"ask":"retry","execution":"f-1","scope":{"from":"d"}}  => round 2, d@2 to n1
         n1 takes d            =>
         n1 passes d           => d passed, failed"#,
    );
}

#[test]
fn a_reopening_in_many_steps_begins_nothing_before_it_is_over() {
    let mut play = Play::new();
    play.config.steps.act = 1;
    play.table(
        r#"n1 joins 9            => n1 joined
         submit tasks: {a: {run: x, retry: none}, b: {run: x, after: a}, c: {run: x, after: [a, b]}, d: {run: x, after: c.finished}}   => a@1 to n1
         n1 takes a            =>
         n1 fails a            => a test_failure, verdict, a failed, b skipped for a, c skipped for b, d@1 to n1
         n1 takes d            =>
         n1 passes d           => d passed, failed
         ask {"ask":"retry","execution":"f-1","scope":"failed"}  => round 2, a@2 to n1
         n1 takes a            =>
         n1 passes a           => a passed, b@1 to n1
         n1 takes b            =>
         n1 passes b           => b passed, c@1 to n1
         n1 takes c            =>
         n1 passes c           => c passed, completed"#,
    );
}

#[test]
fn of_two_replays_at_once_each_has_its_effect() {
    let mut play = Play::new();
    play.config.steps.look = 1;
    play.table(
        r#"n1 joins 9            => n1 joined
         submit tasks: {a: {run: x}, b: {run: x}, c: {run: x}}   => a@1 to n1, b@1 to n1, c@1 to n1
         n1 takes a            =>
         n1 takes b            =>"#,
    );
    play.parks("n1", "a");
    play.parks("n1", "b");
    let replay =
        |task: &str| Ask::Replay { execution: id(1), task: TaskId::new(task).unwrap(), memory_mb: None, slots: None };
    let said = play.ask_together(vec![replay("b"), replay("a")]);
    assert!(said.contains("b@4 to n1") && said.contains("a@4 to n1"), "{said}");
}

#[test]
fn limits_of_attempts_count_those_of_one_round() {
    let mut play = Play::new();
    play.table(
        "n1 joins 1            => n1 joined
         submit tasks: {a: {run: x}}   => a@1 to n1",
    );
    for _ in 0..4 {
        play.tell("n1 takes a");
        play.parks("n1", "a");
        play.tell(r#"ask {"ask":"replay","execution":"f-1","task":"a","memory_mb":10}"#);
    }
    assert_eq!(play.execution(1).tasks[0].attempts, 13, "more than ten over all rounds");
    play.table(
        "n1 takes a            =>
         n1 fails a            => a test_failure, flaky, a@14 to n1",
    );
}
