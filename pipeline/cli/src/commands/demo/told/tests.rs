//! What the journal tells, as pictures: a row of events, and what is read from them.

use gateway::Moment;
use model::event::{Classified, Decided, Dispatch, TaskRef};
use model::policy::Place;
use model::task::Needs;

use super::*;

const FIRST: TaskRef = TaskRef { execution: 1, task: 0 };

/// An event of task `t`, by a node, so many milliseconds after the beginning.
fn line(at: u64, event: Body) -> JournalLine {
    JournalLine {
        allow_failure: false,
        position: at,
        index: 0,
        at: Moment(Timestamp(at)),
        pool: "default".parse().unwrap(),
        kind: event.word().to_owned(),
        by: By::Node { node: node("n1"), boot: "b1".parse().unwrap(), seq: at },
        execution: None,
        task: Some("t".parse().unwrap()),
        attempt: Some(1),
        node: None,
        event,
    }
}

fn node(name: &str) -> NodeId {
    name.parse().unwrap()
}

fn lost(on: &str, recovery: Option<u32>) -> Body {
    Body::AttemptEnded(Box::new(Ended {
        at: FIRST,
        attempt: 1,
        lease: "j5.0.1.1.0".parse().unwrap(),
        node: node(on),
        outcome: AttemptOutcome::Lost,
        counts_node: true,
        end: None,
        recovery,
    }))
}

fn dispatched(to: &str, resumes: bool) -> Body {
    Body::AttemptDispatched(Box::new(Dispatch {
        at: FIRST,
        attempt: 2,
        lease: "j5.0.1.2.0".parse().unwrap(),
        node: node(to),
        boot: "b1".parse().unwrap(),
        after_beat: 1,
        after_up_ms: Millis(0),
        expires_ms: Millis(20_000),
        needs: Needs::default(),
        resumes,
        waited_ms: Millis(0),
        why: String::new(),
    }))
}

fn classified(attempt: u32, class: FailureClass) -> Body {
    Body::FailureClassified(Box::new(Classified {
        at: FIRST,
        attempt,
        class,
        certain: true,
        signature: String::new(),
        evidence: String::new(),
    }))
}

fn decided(attempt: u32, rule: &str, action: Action) -> Body {
    Body::RetryDecided(Box::new(Decided {
        at: FIRST,
        attempt,
        policy: "default@1".parse().unwrap(),
        rule: rule.to_owned(),
        path: Vec::new(),
        action,
        uses: (1, 1),
        delay_ms: Millis(0),
        place: Place::Any,
        needs: None,
        drop_checkpoint: false,
        why: String::new(),
    }))
}

#[test]
fn work_moves_from_a_lost_node_to_where_it_is_dispatched_next() {
    let story = [dispatched("n2", false), lost("n2", Some(1)), dispatched("n3", true), dispatched("n5", false)];
    let journal: Vec<JournalLine> = story.into_iter().zip(1..).map(|(event, at)| line(at, event)).collect();
    assert_eq!(moved(&journal, &node("n2")), Moved { to: [node("n3")].into(), resumed: 1, afresh: 0 });
    assert_eq!(moved(&journal, &node("n3")), Moved::default());
}

#[test]
fn an_attempt_that_its_node_ended_by_itself_has_not_moved_with_a_lost_node() {
    let journal = [line(1, lost("n2", None)), line(2, dispatched("n3", false))];
    assert_eq!(moved(&journal, &node("n2")), Moved::default());
}

#[test]
fn retries_are_counted_by_class_and_rule_and_final_failures_are_named() {
    let journal = [
        line(1, classified(1, FailureClass::Crash)),
        line(2, decided(1, "flaky", Action::Retry)),
        line(3, classified(2, FailureClass::Crash)),
        line(4, decided(2, "verdict", Action::Fail)),
        line(5, Body::TaskEnded { at: FIRST, result: TaskResult::Failed }),
    ];
    let by_rule = vec![((FailureClass::Crash, "flaky".to_owned()), 1)];
    assert_eq!(retries(&journal), Retries { by_rule, failed: vec!["t".to_owned()] });
}

#[test]
fn progress_after_a_moment_is_the_first_word_of_a_node_about_its_work() {
    let started = || Body::AttemptStarted { at: FIRST, attempt: 1, pid: 1 };
    let engine = JournalLine { by: By::Engine, ..line(150, started()) };
    let hello = JournalLine { attempt: None, ..line(160, started()) };
    let journal = [line(90, started()), engine, hello, line(170, started())];
    assert_eq!(progress_after(&journal, Timestamp(100)), Some(Millis(70)));
    assert_eq!(progress_after(&journal, Timestamp(170)), None);
    // The engine decides by itself too.
    assert_eq!(decided_after(&journal, Timestamp(100)), Some(Millis(50)));
}
