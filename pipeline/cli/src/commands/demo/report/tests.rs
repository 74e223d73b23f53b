//! What is said at the end, as people see it.

use super::*;
use crate::examples;

fn recovery(node: &str, late_reports: u32) -> RecoveryView {
    RecoveryView {
        recovery: "r-1".to_owned(),
        node: node.parse().unwrap(),
        zone: "a".to_owned(),
        cause: "silent".to_owned(),
        last_sign: examples::at(10),
        done: true,
        phases: Phases {
            suspected_ms: Some(Millis(1_500)),
            noticed_ms: Some(Millis(3_100)),
            fenced_ms: Some(Millis(3_100)),
            requeued_ms: Some(Millis(3_140)),
            progress_ms: Some(Millis(3_720)),
            done_ms: Some(Millis(9_000)),
        },
        goals: Phases::default(),
        goals_met: true,
        attempts: 4,
        resumed: 3,
        work_lost_ms: Millis(2_000),
        late_reports,
        moved: Vec::new(),
        open: Vec::new(),
    }
}

#[test]
fn the_table_tells_each_fault_with_its_phases_and_what_became_of_it() {
    let moved = Moved { to: ["n1", "n5"].map(|node| node.parse().unwrap()).into(), resumed: 3, afresh: 1 };
    let rows = [
        row(&recovery("n2", 0), &moved),
        row(&recovery("n4", 4), &moved),
        row(&recovery("n4", 0), &moved),
        row(&recovery("n3", 0), &moved),
        Row {
            fault: "SIGKILL engine".to_owned(),
            phases: Phases { progress_ms: Some(Millis(1_400)), ..Phases::default() },
            became: back(Millis(640), 16),
        },
    ];
    insta::assert_snapshot!(table(&rows), @r"
    fault           noticed  fenced  requeued  progress   what became of it
    SIGKILL n2         3.1s    3.1s      3.1s      3.7s   4 attempts moved to n1, n5: 3 from a checkpoint, 1 afresh
    SIGSTOP n4 12s     3.1s    3.1s      3.1s      3.7s   4 attempts moved; awake again, n4 sent 4 late reports: stale, they changed nothing
    SIGSTOP n4 12s     3.1s    3.1s      3.1s      3.7s   4 attempts moved; awake again, n4 had nothing more to say
    n3 silent          3.1s    3.1s      3.1s      3.7s   4 attempts moved to n1, n5: 3 from a checkpoint, 1 afresh; none of ours: a busy machine?
    SIGKILL engine        -       -         -      1.4s   back from its journal in 640ms; 16 attempts ran on, their reports waited on the nodes
    ");
}

#[test]
fn the_row_of_a_leader_tells_who_took_over_and_when_it_first_decided() {
    let of = Takeover { killed: "engine-1", by: "engine-2" };
    let told = [Some(Millis(2_310)), None].map(|decided| taken_over(of, decided, 16) + "\n").concat();
    insta::assert_snapshot!(told, @r"
    it led; engine-2 took over, its first decision came after 2.3s; 16 attempts ran on, their reports waited on Kafka and the nodes
    it led; engine-2 took over, and has decided nothing since; 16 attempts ran on, their reports waited on Kafka and the nodes
    ");
}

#[test]
fn the_end_is_told_in_one_line_as_planned_or_not() {
    let view = examples::ended_execution();
    let took = Duration::from_secs(62);
    let lines = [ended(took, &view, true, Paint::PLAIN), ended(took, &view, false, Paint::PLAIN)].concat();
    insta::assert_snapshot!(lines, @r"
    [01:02] nightly-web-118 failed, as planned: 68 tasks: 63 passed (1 flaky, 1 resumed), 1 failed, 1 parked, 3 skipped
    [01:02] nightly-web-118 failed, not as planned: 68 tasks: 63 passed (1 flaky, 1 resumed), 1 failed, 1 parked, 3 skipped
    ");
}

#[test]
fn retries_are_told_by_what_happened_and_by_rule() {
    let by_rule = vec![
        ((FailureClass::TestFailure, "flaky".to_owned()), 9),
        ((FailureClass::NodeLost, "lost_node".to_owned()), 8),
        ((FailureClass::Stall, "hung".to_owned()), 1),
    ];
    let some = Retries { by_rule, failed: vec!["broken_1".to_owned(), "crash".to_owned()] };
    insta::assert_snapshot!([retried(&some), retried(&Retries::default())].concat(), @r"
    retried 18 times: 9 failed a test (rule flaky), 8 lost their node (rule lost_node), 1 hung (rule hung); 2 failed again: broken_1, crash
    retried 0 times
    ");
}

#[test]
fn the_verdict_says_what_is_lost_and_what_is_there_twice() {
    let good = Verdict { total: 240, effective: 240, void: 4, ..Verdict::default() };
    let bad = Verdict {
        total: 240,
        effective: 238,
        lost: vec!["unit_1_2 has no ending in the journal".to_owned()],
        doubled: vec!["unit_1_3 ended 2 times".to_owned()],
        void: 0,
    };
    insta::assert_snapshot!([verdict(&good, Paint::PLAIN), verdict(&bad, Paint::PLAIN)].concat(), @r"
    effective results 240 of 240, lost 0, doubled 0; 4 more results signed under a void lease, and not counted
    effective results 238 of 240, lost 1, doubled 1
       LOST unit_1_2 has no ending in the journal
    DOUBLED unit_1_3 ended 2 times
    ");
}
