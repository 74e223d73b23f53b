//! What the judge must see: a recording is changed in one place, and what was fine is fine no longer. Who sees no such
//! change has proven nothing by finding nothing.

use model::request::Answer;
use protocol::log::{Record, Topic};
use serde_json::Value;
use sim::log::{Tape, Tapes};

use crate::ledger::Line;
use crate::recording::Recording;

/// A change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// A node did not write down that it took an attempt in.
    LedgerLineDropped,
    /// A node took an attempt in twice.
    LedgerLineDoubled,
    /// Another node took it in too.
    RunElsewhere,
    /// An attempt ran on for a minute.
    RunsOn,
    /// The journal says a result twice.
    ResultDoubled,
    /// The journal leaves a result out.
    ResultDropped,
    /// A result is another than the node's.
    ResultTurned,
    /// An entry is missing.
    EntryDropped,
    /// A report is missing.
    ReportDropped,
    /// A start went out for a lease that no entry granted.
    StartForged,
    /// Somebody was told of another execution under the same key.
    AnswerChanged,
}

impl Plant {
    /// Each with its name.
    pub const ALL: [(Self, &'static str); 11] = [
        (Self::LedgerLineDropped, "ledger line dropped"),
        (Self::LedgerLineDoubled, "ledger line doubled"),
        (Self::RunElsewhere, "run elsewhere too"),
        (Self::RunsOn, "runs on for a minute"),
        (Self::ResultDoubled, "result doubled"),
        (Self::ResultDropped, "result dropped"),
        (Self::ResultTurned, "result turned"),
        (Self::EntryDropped, "entry dropped"),
        (Self::ReportDropped, "report dropped"),
        (Self::StartForged, "start forged"),
        (Self::AnswerChanged, "answer changed"),
    ];

    /// Changes a recording; false: there is nothing in it that could be changed so.
    pub fn put(self, recording: &mut Recording) -> bool {
        match self {
            Self::LedgerLineDropped => ledger(recording, |lines, at| drop(lines.remove(at))),
            Self::LedgerLineDoubled => ledger(recording, |lines, at| lines.insert(at, lines[at].clone())),
            Self::RunElsewhere => run_elsewhere(recording),
            Self::RunsOn => runs_on(recording),
            Self::ResultDoubled => result(recording, |events, at| events.insert(at, events[at].clone())),
            Self::ResultDropped => result(recording, |events, at| drop(events.remove(at))),
            Self::ResultTurned => result(recording, |events, at| {
                let outcome = &mut events[at]["event"]["outcome"];
                *outcome = if outcome == "passed" { "failed".into() } else { "passed".into() };
            }),
            Self::EntryDropped => rewrite(recording, Topic::Journal, |record| {
                let entry = is_entry(record) && !events(record).is_empty();
                (entry, if entry { vec![] } else { vec![record.clone()] })
            }),
            Self::ReportDropped => rewrite(recording, Topic::Reports, |record| {
                let accepted = word(record, "kind") == "accepted";
                (accepted, if accepted { vec![] } else { vec![record.clone()] })
            }),
            Self::StartForged => rewrite(recording, Topic::Commands, forge),
            Self::AnswerChanged => answer(recording),
        }
    }
}

/// Changes the ledger where the middle one of the attempts of some node is taken in.
fn ledger(recording: &mut Recording, change: impl FnOnce(&mut Vec<Line>, usize)) -> bool {
    for account in &mut recording.accounts {
        let taken = |line: &Line| matches!(line, Line::Accepted { .. });
        let places: Vec<usize> = (0..account.lines.len()).filter(|at| taken(&account.lines[*at])).collect();
        if let Some(at) = places.get(places.len() / 2) {
            change(&mut account.lines, *at);
            return true;
        }
    }
    false
}

fn run_elsewhere(recording: &mut Recording) -> bool {
    let mut line = None;
    ledger(recording, |lines, at| line = Some(lines[at].clone()));
    let from = recording.accounts.iter().position(|a| line.as_ref().is_some_and(|line| a.lines.contains(line)));
    let Some((line, from)) = line.zip(from) else { return false };
    let pool = recording.accounts[from].pool.clone();
    let other = recording.accounts.iter_mut().enumerate().find(|(at, other)| *at != from && other.pool == pool);
    other.map(|(_, other)| other.lines.push(line)).is_some()
}

/// The busiest node's middle attempt goes on for a minute, in which others run there.
fn runs_on(recording: &mut Recording) -> bool {
    let ends = |lines: &[Line]| -> Vec<usize> {
        (0..lines.len()).filter(|at| matches!(lines[*at], Line::Rested { .. })).collect()
    };
    let Some(account) = recording.accounts.iter_mut().max_by_key(|account| ends(&account.lines).len()) else {
        return false;
    };
    let places = ends(&account.lines);
    let Some(Line::Rested { at, .. }) = places.get(places.len() / 3).map(|at| &mut account.lines[*at]) else {
        return false;
    };
    *at += 60_000;
    true
}

/// Changes the first entry of some length that says how an attempt ended.
fn result(recording: &mut Recording, change: impl Fn(&mut Vec<Value>, usize)) -> bool {
    rewrite(recording, Topic::Journal, |record| {
        let mut events = if is_entry(record) { events(record) } else { Vec::new() };
        let ends = |event: &Value| event["event"]["kind"] == "attempt_ended" && event["by"].is_object();
        let Some(at) = events.iter().position(ends) else { return (false, vec![record.clone()]) };
        change(&mut events, at);
        let mut entry: Value = serde_json::from_slice(&record.value).unwrap_or_default();
        entry["events"] = events.into();
        (true, vec![Record { value: entry.to_string().into_bytes(), ..record.clone() }])
    })
}

/// The same start once more, for a lease of an epoch that never was.
fn forge(record: &Record) -> (bool, Vec<Record>) {
    if word(record, "kind") != "start" {
        return (false, vec![record.clone()]);
    }
    let mut start: Value = serde_json::from_slice(&record.value).unwrap_or_default();
    let lease: Vec<&str> = start["lease"].as_str().unwrap_or_default().split('.').collect();
    let forged = lease.iter().enumerate().map(|(part, text)| if part == 2 { "999999" } else { *text });
    let forged = forged.collect::<Vec<_>>().join(".");
    start["lease"] = forged.into();
    (true, vec![Record { value: start.to_string().into_bytes(), ..record.clone() }])
}

fn answer(recording: &mut Recording) -> bool {
    let Some(told) = recording.told.first_mut() else { return false };
    let Answer::Done { execution: Some(id) } = &mut told.answer else { return false };
    id.number += 1_000_000;
    true
}

fn is_entry(record: &Record) -> bool {
    let header: Value = serde_json::from_slice(&record.header).unwrap_or_default();
    header["record"] == "entry"
}

fn events(record: &Record) -> Vec<Value> {
    let entry: Value = serde_json::from_slice(&record.value).unwrap_or_default();
    entry["events"].as_array().cloned().unwrap_or_default()
}

fn word(record: &Record, field: &str) -> String {
    let value: Value = serde_json::from_slice(&record.value).unwrap_or_default();
    value[field].as_str().unwrap_or_default().to_owned()
}

/// Changes the first record of a topic, of any partition, that can be: `change` says whether it did, and what stands
/// there instead.
fn rewrite(recording: &mut Recording, topic: Topic, change: impl Fn(&Record) -> (bool, Vec<Record>)) -> bool {
    recording.partitions.iter_mut().any(|tapes| rewrite_one(tapes, topic, &change))
}

fn rewrite_one(tapes: &mut Tapes, topic: Topic, change: &impl Fn(&Record) -> (bool, Vec<Record>)) -> bool {
    let (mut tape, mut done) = (Tape::default(), false);
    for stored in tapes.of(topic).all() {
        let (changed, records) = if done { (false, vec![stored.record.clone()]) } else { change(&stored.record) };
        done |= changed;
        records.into_iter().for_each(|record| tape.keep(record, stored.visible));
    }
    *tapes.of_mut(topic) = tape;
    done
}

/// Puts each change into a copy, and says which of them nobody sees.
pub fn unseen(recording: &Recording, sees: impl Fn(&Recording) -> bool) -> Vec<&'static str> {
    let blind = Plant::ALL.into_iter().filter(|(plant, _)| {
        let mut changed = recording.clone();
        !plant.put(&mut changed) || !sees(&changed)
    });
    blind.map(|(_, name)| name).collect()
}
