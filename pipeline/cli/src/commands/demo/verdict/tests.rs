//! Verdicts as pictures: a history of one task, the leases that it signed with, and what is said to that.

use gateway::Moment;
use model::event::{Dispatch, Ended, SkipReason, TaskRef};
use model::task::Needs;
use model::{By, Millis, Timestamp};

use super::*;

const AT: TaskRef = TaskRef { execution: 1, task: 0 };

/// `d1` lease 1 is given; `p1` `f1` `l1` its attempt passes, fails, is lost; `P` `F` `S` the task passes, fails, is
/// skipped.
fn event(word: &str) -> Body {
    let (kind, number) = word.split_at(1);
    let ended = |outcome| {
        Body::AttemptEnded(Box::new(Ended {
            at: AT,
            attempt: 1,
            lease: lease(number),
            node: "n1".parse().unwrap(),
            outcome,
            counts_node: false,
            end: None,
            recovery: None,
        }))
    };
    match kind {
        "d" => Body::AttemptDispatched(Box::new(Dispatch {
            at: AT,
            attempt: 1,
            lease: lease(number),
            node: "n1".parse().unwrap(),
            boot: "b1".parse().unwrap(),
            after_beat: 1,
            after_up_ms: Millis(0),
            expires_ms: Millis(20_000),
            needs: Needs::default(),
            resumes: false,
            waited_ms: Millis(0),
            why: String::new(),
        })),
        "p" => ended(AttemptOutcome::Passed),
        "f" => ended(AttemptOutcome::Failed),
        "l" => ended(AttemptOutcome::Lost),
        "P" => Body::TaskEnded { at: AT, result: TaskResult::Passed },
        "F" => Body::TaskEnded { at: AT, result: TaskResult::Failed },
        "S" => Body::TaskSkipped { at: AT, because: 0, how: SkipReason::After },
        other => panic!("no event {other}"),
    }
}

fn lease(number: &str) -> LeaseId {
    format!("j5.0.1.{number}.0").parse().unwrap()
}

fn line(event: Body) -> JournalLine {
    JournalLine {
        allow_failure: false,
        position: 1,
        index: 0,
        at: Moment(Timestamp(0)),
        pool: "default".parse().unwrap(),
        kind: event.word().to_owned(),
        by: By::Engine,
        execution: None,
        task: Some("t".parse().unwrap()),
        attempt: None,
        node: None,
        event,
    }
}

fn judged(history: &str, signed: &str) -> String {
    let journal: Vec<JournalLine> = history.split_whitespace().map(|word| line(event(word))).collect();
    let signed = signed.split_whitespace().map(|number| lease(number).to_string()).collect();
    let task: TaskId = "t".parse().unwrap();
    let ledger = Ledger::from([(task.clone(), signed)]);
    let verdict = judge(&[task], &journal, &ledger);
    assert_eq!((verdict.total, verdict.effective + verdict.lost.len() + verdict.doubled.len()), (1, 1));
    match (verdict.lost.first(), verdict.doubled.first()) {
        (Some(why), _) => format!("lost: {why}"),
        (_, Some(why)) => format!("doubled: {why}"),
        (None, None) if verdict.void > 0 => format!("good, {} void", verdict.void),
        (None, None) => "good".to_owned(),
    }
}

#[test]
fn one_ending_and_one_signature_are_good_and_all_else_is_lost_or_doubled() {
    let table = [
        ("d1 p1 P", "1", "good"),
        ("d1 f1 d2 p2 P", "2", "good"),
        ("d1 f1 d2 f2 F", "", "good"),
        ("S", "", "good"),
        ("d1 l1 d2 p2 P", "1 2", "good, 1 void"),
        ("d1 l1 d2 f2 F", "1", "good, 1 void"),
        ("d1", "", "lost: t has no ending in the journal"),
        ("", "", "lost: t has no ending in the journal"),
        ("d1 p1 P", "", "lost: t passed under j5.0.1.1.0, which never signed"),
        ("d1 l1 d2 p2 P", "1", "lost: t passed under j5.0.1.2.0, which never signed"),
        ("d1 l1 P", "1", "lost: t passed, and no attempt of it did"),
        ("d1 p1 P P", "1", "doubled: t ended 2 times"),
        ("d1 p1 P S", "1", "doubled: t ended 2 times"),
        ("d1 p1 d2 p2 P", "1 2", "doubled: t passed by two attempts"),
        ("d1 p1 P", "1 1", "doubled: t signed twice under one lease"),
        ("d1 p1 P", "1 7", "doubled: t signed under j5.0.1.7.0, which the journal never gave up"),
        ("d1 d2 p2 P", "1 2", "doubled: t signed under j5.0.1.1.0, which the journal never gave up"),
        ("S", "1", "doubled: t signed under j5.0.1.1.0, which the journal never gave up"),
    ];
    for (history, signed, want) in table {
        assert_eq!(judged(history, signed), want, "{history} | {signed}");
    }
}

#[test]
fn a_task_that_nobody_speaks_of_is_lost() {
    let tasks: Vec<TaskId> = ["t", "u"].map(|name| name.parse().unwrap()).to_vec();
    let journal: Vec<JournalLine> = ["d1", "p1", "P"].map(|word| line(event(word))).to_vec();
    let ledger = Ledger::from([(tasks[0].clone(), vec![lease("1").to_string()])]);
    let verdict = judge(&tasks, &journal, &ledger);
    assert_eq!((verdict.effective, verdict.lost.len(), verdict.doubled.len()), (1, 1, 0));
}
