//! Failures and what follows from them, by the built-in policy.

use model::Millis;
use model::event::Phase;

use super::play::Play;

#[test]
fn a_test_that_fails_once_is_tried_on_another_node_and_is_flaky() {
    let mut play = Play::new();
    play.table(
        "n1 joins 1            => n1 joined
         n2 joins 1 b          => n2 joined
         submit tasks: {t: {run: x}}   => t@1 to n1
         n1 takes t            =>
         n1 fails t            => t test_failure, flaky, t@2 to n2
         n2 takes t            =>
         n2 passes t           => t passed, completed",
    );
    assert_eq!(play.execution(1).counts.flaky, 1);
}

#[test]
fn a_test_that_fails_on_two_nodes_has_failed_and_what_waits_for_it_follows() {
    Play::new().table(
        "n1 joins 1            => n1 joined
         submit tasks: {t: {run: x}, a: {run: x, after: t}, b: {run: x, after: t.failed}, c: {run: x, after: a.finished}} => t@1 to n1
         n1 takes t            =>
         n1 fails t            => t test_failure, flaky, t@2 to n1
         n1 takes t            =>
         n1 fails t            => t test_failure, verdict, t failed, a skipped for t, b@1 to n1
         n1 takes b            =>
         n1 passes b           => b passed, c@1 to n1
         n1 takes c            =>
         n1 passes c           => c passed, failed",
    );
}

#[test]
fn a_machine_is_never_charged_to_the_test() {
    let mut play = Play::new();
    play.table(
        "n1 joins 1            => n1 joined
         n2 joins 1            => n2 joined
         submit tasks: {t: {run: x}}   => t@1 to n1
         n1 takes t            =>
         n1 restarts           => n1 joined, t lost, t node_lost, lost_node, t@2 to n2
         n2 takes t            =>
         n1 beats              =>
         n2 fails t            => t test_failure, flaky, t@3 to n1
         n1 takes t            =>
         n1 passes t           => t passed, completed",
    );
    let story = play.execution(1).tasks[0].story.as_ref().unwrap();
    assert_eq!(story.counters, [1, 1, 0], "one failure of a machine, one of the test");
}

#[test]
fn memory_doubles_twice_and_then_a_person_is_asked() {
    Play::new().table(
        "n1 joins 1            => n1 joined
         submit tasks: {t: {run: x, needs: {memory: 200MiB}}, u: {run: x, after: t}, v: {run: x, after: t.finished}} => t@1 to n1
         n1 takes t            =>
         n1 ends t memory      => t out_of_memory, memory, t@2 to n1
         n1 takes t            =>
         n1 ends t memory      => t out_of_memory, memory, t@3 to n1
         n1 takes t            =>
         n1 ends t memory      => t out_of_memory, spent, t parked, v@1 to n1
         n1 takes v            =>
         n1 passes v           => v passed, u skipped for t, failed",
    );
}

#[test]
fn a_start_that_fails_waits_longer_each_time() {
    Play::new().table(
        "n1 joins 1            => n1 joined
         submit tasks: {t: {run: x}}   => t@1 to n1
         n1 takes t            =>
         n1 ends t start       => t start_failure, bad_start in 1.0s
         wait 900              =>
         wait 200              => t@2 to n1
         n1 takes t            =>
         n1 ends t start       => t start_failure, bad_start in 2.0s",
    );
}

#[test]
fn a_timeout_is_not_retried_and_a_stall_once() {
    Play::new().table(
        "n1 joins 2            => n1 joined
         submit tasks: {t: {run: x}, s: {run: x, stall: 5s, allow_failure: true}}   => t@1 to n1, s@1 to n1
         n1 takes t            =>
         n1 takes s            =>
         n1 ends t timeout     => t timeout, verdict, t failed
         n1 ends s stall       => s stall, hung, s@2 to n1
         n1 takes s            =>
         n1 ends s stall       => s stall, verdict, s failed, failed",
    );
}

#[test]
fn three_lost_nodes_are_blamed_on_the_task() {
    let mut play = Play::new();
    play.table(
        "n1 joins 1            => n1 joined
         n2 joins 1            => n2 joined
         submit tasks: {t: {run: x}}   => t@1 to n1
         n1 takes t            =>
         n1 restarts           => n1 joined, t lost, t node_lost, lost_node, t@2 to n2
         n2 takes t            =>
         n3 joins 1            => n3 joined
         n2 restarts           => n2 joined, t lost, t node_lost, lost_node in 846ms
         n1 leaves             => n1 left
         wait 1000             => t@3 to n3
         n3 takes t            =>
         n3 restarts           => n3 joined, t lost, t node_lost, poison, t parked, failed",
    );
    let (rule, why) = play.execution(1).tasks[0].story.as_ref().unwrap().parked.clone().unwrap();
    assert_eq!((rule.as_str(), why.as_str()), ("poison", "three different nodes were lost while it ran"));
}

#[test]
fn a_node_that_was_started_again_was_lost_at_its_last_sign_of_life_not_when_it_said_hello() {
    let mut play = Play::new();
    play.table(
        "n1 joins 1            => n1 joined
         submit tasks: {t: {run: x}}   => t@1 to n1
         n1 takes t            =>
         quiet 700             => n1 suspect
         n1 restarts           => n1 joined, t lost, t node_lost, lost_node",
    );
    let recovery = &play.state.pools[&super::play::pool()].recoveries[&1];
    assert_eq!((recovery.cause.as_str(), recovery.phase(Phase::Noticed)), ("restarted", Some(Millis(700))));
}

#[test]
fn a_loss_that_its_node_reports_has_a_recovery_too_one_for_all_that_went_down_together() {
    let mut play = Play::new();
    play.table(
        "n1 joins 2            => n1 joined
         n2 joins 2            => n2 joined
         submit tasks: {a: {run: x}, b: {run: x}}   => a@1 to n1, b@1 to n2
         n1 takes a            =>
         n1 ends a agent       => a lost, a node_lost, lost_node, a@2 to n2",
    );
    let pool = &play.state.pools[&super::play::pool()];
    let recovery = &pool.recoveries[&1];
    assert_eq!((recovery.cause.as_str(), recovery.attempts, recovery.open.len()), ("restarted", 1, 1));
    play.table(
        "n2 takes a            =>
         n2 passes a           => a passed",
    );
    assert!(play.state.pools[&super::play::pool()].open_recoveries.is_empty(), "its successor has ended");
}
