//! Which nodes live, and what a beat proves.

use super::play::Play;

#[test]
fn a_silent_node_is_suspect_then_lost_and_its_work_goes_on_elsewhere_from_the_checkpoint() {
    let mut play = Play::new();
    play.table(
        "n1 joins 1            => n1 joined
         submit tasks: {t: {run: x}}   => t@1 to n1
         n1 takes t            =>
         n1 saves t half       =>
         n2 joins 1 b          => n2 joined
         quiet 500             =>",
    );
    play.table("n2 beats => \n quiet 200 => n1 suspect \n n2 beats => \n quiet 400 => \n n2 beats =>");
    assert_eq!(play.tell("quiet 100"), "n1 lost, t lost, t node_lost, lost_node, t@2 to n2 resumes");
    let recovery = &play.state.pools[&super::play::pool()].recoveries[&1];
    assert_eq!((recovery.attempts, recovery.resumed, recovery.swept), (1, 1, true));
    play.table(
        "n2 takes t            =>
         n1 passes t           => stale
         n2 passes t           => t passed, completed",
    );
    let recovery = &play.state.pools[&super::play::pool()].recoveries[&1];
    assert_eq!((recovery.late_reports, recovery.open.len()), (1, 0));
    assert_eq!(play.execution(1).counts.resumed, 1);
}

#[test]
fn a_suspect_that_is_heard_again_keeps_its_work() {
    Play::new().table(
        "n1 joins 1            => n1 joined
         submit tasks: {t: {run: x}}   => t@1 to n1
         n1 takes t            =>
         quiet 700             => n1 suspect
         n1 beats              => n1 back
         n1 passes t           => t passed, completed",
    );
}

#[test]
fn a_zone_that_falls_silent_as_a_whole_is_not_given_up_node_by_node() {
    Play::new().table(
        "n1 joins 1            => n1 joined
         n2 joins 1            => n2 joined
         n3 joins 1            => n3 joined
         submit tasks: {t: {run: x}}   => t@1 to n1
         n1 takes t            =>
         quiet 700             => n1 suspect, n2 suspect, n3 suspect
         quiet 9000            => zone a silent
         n1 beats              => n1 back, n2 lost, n3 lost, zone a heard",
    );
    // in the end it is, so that work does not wait for ever
    Play::new().table(
        "n1 joins 1            => n1 joined
         n2 joins 1            => n2 joined
         n3 joins 1            => n3 joined
         quiet 24000           => n1 suspect, n2 suspect, n3 suspect, zone a silent
         quiet 1300            => n1 lost, n2 lost, n3 lost, zone a heard",
    );
}

#[test]
fn a_goodbye_and_a_new_boot_need_no_time_out() {
    Play::new().table(
        "n1 joins 1            => n1 joined
         submit tasks: {t: {run: x}}   => t@1 to n1
         n1 takes t            =>
         n2 joins 1            => n2 joined
         n1 leaves             => n1 left, t lost, t node_lost, lost_node, t@2 to n2
         n2 takes t            =>
         n2 restarts           => n2 joined, t lost, t node_lost, lost_node in 846ms",
    );
}

#[test]
fn two_agents_of_one_name_are_told_apart() {
    let mut play = Play::new();
    play.tell("n1 joins 1");
    let hello = r#"{"kind":"hello","pool":"p","node":"n1","boot":"other","seq":1,"slots":9}"#;
    let report = serde_json::from_str(hello).unwrap();
    let events = play.input(operators::Input::Report(report));
    assert!(matches!(&events[0].event, model::Body::InputRejected { reason, .. } if reason.contains("is taken")));
    assert_eq!(play.state.pools[&super::play::pool()].nodes[&super::play::node("n1")].slots, 1);
}

#[test]
fn what_a_settled_beat_does_not_hold_is_lost_or_taken_back() {
    Play::new().table(
        "n1 joins 2            => n1 joined
         submit tasks: {t: {run: x}, u: {run: x}}   => t@1 to n1, u@1 to n1
         n1 takes t            =>
         n1 drops t            =>
         n1 beats              => t lost, t node_lost, lost_node, t@2 to n1
         wait 800              =>
         wait 200              => u unseen, t unseen, t@2 to n1, u@1 to n1",
    );
}

#[test]
fn a_slot_is_free_with_the_report_of_the_end_even_if_the_last_beat_held_it() {
    Play::new().table(
        "n1 joins 1            => n1 joined
         submit tasks: {t: {run: x}, u: {run: x}}   => t@1 to n1
         n1 takes t            =>
         n1 beats              =>
         n1 passes t           => t passed, u@1 to n1",
    );
}

#[test]
fn a_refusal_costs_the_task_nothing_and_waits_for_the_next_beat() {
    Play::new().table(
        "n1 joins 1            => n1 joined
         submit tasks: {t: {run: x}}   => t@1 to n1
         n1 refuses t          => t refused
         n1 beats closed       =>
         n1 beats              => t@1 to n1",
    );
}

#[test]
fn an_attempt_beyond_every_limit_is_ended_by_the_engine() {
    let mut play = Play::new();
    play.table(
        "n1 joins 1            => n1 joined
         submit tasks: {t: {run: x, timeout: 2s, grace: 1s}}   => t@1 to n1
         n1 takes t            =>
         wait 4200             =>
         wait 200              => cancel t
         n1 ends t cancel      => t timeout, verdict, t failed, failed",
    );
}

#[test]
fn a_boot_that_is_older_than_the_journal_is_counted_from_its_hello() {
    let mut play = Play::new();
    for what in [
        r#"{"kind":"hello","pool":"p","node":"n1","boot":"b","seq":9000,"slots":1}"#,
        r#"{"kind":"goodbye","pool":"p","node":"n1","boot":"b","seq":9001}"#,
    ] {
        play.input(operators::Input::Report(serde_json::from_str(what).unwrap()));
    }
    let node = &play.state.pools[&super::play::pool()].nodes[&super::play::node("n1")];
    assert_eq!((node.seen.through(), node.presence.is_present()), (9_001, false));
}

#[test]
fn a_shorter_lost_counts_only_when_the_longer_one_has_passed() {
    let mut play = Play::new();
    play.table(
        "n1 joins 1            => n1 joined
         submit locks: {db: 1}; tasks: {t: {run: x, needs: {locks: [db]}}} => t@1 to n1
         n1 takes t            =>
         lost is 400           =>
         quiet 1100            => n1 suspect
         quiet 100             => n1 lost, t lost, t node_lost, lost_node",
    );
}

#[test]
fn silence_that_nobody_listened_to_is_no_return() {
    let mut play = Play::new();
    play.table(
        "n1 joins 1            => n1 joined
         quiet 700             => n1 suspect",
    );
    // Another leader takes over, and has heard nothing yet.
    play.soft.reset(&play.state, play.now);
    play.table(
        "quiet 300             =>
         n1 beats              => n1 back",
    );
}

#[test]
fn new_settings_leave_no_ready_task_behind() {
    let mut play = Play::new();
    play.table(
        "n1 joins 1            => n1 joined
         submit tasks: {a: {run: x}, b: {run: x, needs: {labels: {os: linux}}}, c: {run: x, needs: {labels: {os: linux}}}}   => a@1 to n1
         n1 takes a            =>
         lost is 2400          =>
         n1 beats              =>
         n1 passes a           => a passed, b@1 to n1",
    );
}
