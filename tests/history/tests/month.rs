//! What a made-up journal promises: the same for the same seed, within all bounds, and in a month everything that
//! questions are asked about.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use history::{Shape, Summary, history};
use model::Body;
use model::event::Action;
use model::policy::FailureClass;
use model::record::{Entry, Header, MAX_ENTRY_BYTES};
use protocol::log::Record;

const DAY: u64 = 86_400_000;

static MONTH: LazyLock<Summary> = LazyLock::new(|| Summary::of(history(&Shape { nights: 30, ..Shape::default() })));

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_gives_others() {
    let lines = |seed| {
        let mut lines = Vec::new();
        history::write(history(&Shape { seed, ..Shape::default() }), &mut lines).unwrap();
        lines
    };
    assert!(lines(7) == lines(7));
    assert!(lines(7) != lines(8));
}

#[test]
fn lines_read_back_as_the_records_that_they_were_made_of() {
    let records: Vec<Record> = history(&Shape { nights: 1, ..Shape::default() }).collect();
    let mut lines = Vec::new();
    history::write(records.clone(), &mut lines).unwrap();
    let read: Vec<Record> = history::read(lines.as_slice()).map(Result::unwrap).collect();
    assert!(read == records);
}

#[test]
fn three_nights_are_small_and_each_begins_an_execution_of_each_flow() {
    for seed in 1..=5 {
        let summary = Summary::of(history(&Shape { seed, ..Shape::default() }));
        assert!((3_000..=15_000).contains(&summary.events()), "seed {seed}: {} events", summary.events());
        assert_eq!((summary.days.len(), summary.kinds["execution_started"]), (3, 12), "seed {seed}");
    }
}

#[test]
fn a_month_has_every_decision_class_cause_and_change_of_a_node() {
    for seed in [1, 2, 3] {
        let other = (seed != 1).then(|| Summary::of(history(&Shape { seed, nights: 30, ..Shape::default() })));
        let month = other.as_ref().unwrap_or(&MONTH);
        let classes = FailureClass::ALL.map(|(_, word)| word);
        let nodes = [
            "joined",
            "suspected",
            "returned",
            "lost",
            "left",
            "back from a false death",
            "back from death",
            "zone silent",
        ];
        for (what, table, words) in [
            ("decision", &month.decisions, &["retry", "park", "escalate", "fail"][..]),
            ("class", &month.failures, &classes[..]),
            ("cause", &month.recoveries, &["silent", "restarted", "goodbye"][..]),
            ("change", &month.nodes, &nodes[..]),
            ("outcome", &month.attempts, &["passed", "failed", "cancelled", "lost"][..]),
            ("end", &month.rounds, &["completed", "failed", "cancelled"][..]),
        ] {
            let missing: Vec<&&str> = words.iter().filter(|word| !table.contains_key(**word)).collect();
            assert!(missing.is_empty(), "seed {seed}: no {what} {missing:?}");
        }
        assert!(month.announcements > 2, "seed {seed}: others took over");
    }
}

#[test]
fn a_month_has_nearly_every_kind_of_event() {
    // Each flow comes in one part, no rule stops an execution, and nodes keep their limits.
    let all = include_str!("../../../pipeline/model/src/event.rs");
    let words = all.lines().filter_map(|line| line.trim().strip_prefix("Self::")?.split('"').nth(1));
    let missing: Vec<&str> = words.filter(|word| !MONTH.kinds.contains_key(*word)).collect();
    assert_eq!(missing, ["upload_expired", "execution_stopped"]);
}

#[test]
fn no_round_outlives_its_night_and_no_node_stays_for_the_day() {
    for (seed, executions) in [(1, 1), (4, 1), (5, 6)] {
        let (mut open, mut present) = (BTreeSet::new(), BTreeSet::new());
        let mut last = 0;
        for record in history(&Shape { seed, executions, nights: 20, ..Shape::default() }) {
            let Ok(Entry { now, events, .. }) = serde_json::from_slice(&record.value) else { continue };
            if now.0 / DAY > last / DAY {
                assert!(open.is_empty() && present.is_empty(), "seed {seed}: {open:?} and {present:?} at {last}");
            }
            last = now.0;
            for model::Event { pool, event, .. } in events {
                if let Body::ExecutionStarted { execution, .. } | Body::ExecutionReopened { execution, .. } = event {
                    open.insert((pool, execution));
                } else if let Body::ExecutionEnded { execution, .. } = event {
                    open.remove(&(pool, execution));
                } else if let Body::NodeJoined(joined) = event {
                    present.insert(joined.node);
                } else if let Body::NodeLost { node, .. } | Body::NodeLeft { node, .. } = event {
                    present.remove(&node);
                }
            }
        }
    }
}

#[test]
fn entries_keep_their_bounds_and_their_time_never_falls() {
    let mut last = 0;
    let mut policies = Vec::new();
    for (position, record) in (0..).zip(history(&Shape { executions: 4, ..Shape::default() })) {
        assert_eq!((record.position, record.appended), (position, None));
        let header: Header = serde_json::from_slice(&record.header).unwrap();
        let Header::Entry { .. } = header else { continue };
        assert!(record.value.len() <= MAX_ENTRY_BYTES, "entry {position}: {} bytes", record.value.len());
        let entry: Entry = serde_json::from_slice(&record.value).unwrap();
        assert!(!entry.events.is_empty() && last <= entry.now.0, "entry {position}");
        last = entry.now.0;
        for event in entry.events {
            if let Body::RetryDecided(decided) = event.event {
                assert_ne!(decided.action, Action::Stop);
                policies.push(decided.policy.to_string());
            }
        }
    }
    policies.dedup();
    assert_eq!(policies, ["default@1", "default@2"], "the third night has a policy of its own");
}
