//! What a test knows of a log: which calls it made and how each was answered; and whether the log agrees.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use embedded::EmbeddedLog;
use protocol::log::{AppendError, Log, NewRecord, Record, Stream, Topic};

use crate::chance::Chance;

/// The stream that the tests write.
pub const JOURNAL: Stream = Stream { topic: Topic::Journal, partition: 0 };

const PATIENCE: Duration = Duration::from_secs(60);

type Outcome = Result<Vec<u64>, AppendError>;

/// The calls of a test, over any number of lives of the log.
#[derive(Debug, Default)]
pub struct History {
    calls: Vec<Call>,
    under_way: Vec<(usize, Receiver<Outcome>)>,
    trimmed: u64,
}

#[derive(Debug)]
struct Call {
    records: Vec<NewRecord>,
    fate: Fate,
}

#[derive(Debug, Clone, PartialEq)]
enum Fate {
    /// It is there, at these positions.
    Durable(Vec<u64>),
    /// It may be there.
    Unknown,
    /// It is not there, and never will be.
    Void,
}

impl History {
    /// Makes a call without waiting for its answer.
    pub fn append(&mut self, log: &EmbeddedLog, chance: &mut Chance) {
        let call = self.calls.len();
        let size = match chance.below(20) {
            0 => 40_000,
            1..5 => 3_000,
            _ => 200,
        };
        let records: Vec<NewRecord> = (0..=chance.below(5))
            .map(|part| NewRecord {
                key: format!("{call} {part}").into_bytes(),
                header: vec![7; chance.below(3) as usize],
                value: vec![call as u8; chance.below(size) as usize],
            })
            .collect();
        let (tell, told) = sync_channel(1);
        log.append(JOURNAL, records.clone(), Box::new(move |outcome| drop(tell.try_send(outcome))));
        self.calls.push(Call { records, fate: Fate::Unknown });
        self.under_way.push((call, told));
    }

    /// Makes a call and returns its answer.
    pub fn append_now(&mut self, log: &EmbeddedLog, chance: &mut Chance) -> Result<(), AppendError> {
        self.append(log, chance);
        self.answers().pop().expect("there was a call")
    }

    /// Trims a part of what is held.
    pub fn trim(&mut self, log: &EmbeddedLog, chance: &mut Chance) {
        let held = log.range(JOURNAL).expect("the stream exists");
        let before = held.start + chance.below(held.end - held.start + 1);
        self.trimmed = self.trimmed.max(before);
        log.trim(JOURNAL, before).expect("a trim is taken");
    }

    /// Waits for all answers.
    pub fn answers(&mut self) -> Vec<Result<(), AppendError>> {
        let mut answers = Vec::new();
        for (call, told) in self.under_way.drain(..) {
            let outcome = told.recv_timeout(PATIENCE).expect("every call is answered");
            self.calls[call].fate = match &outcome {
                Ok(positions) => Fate::Durable(positions.clone()),
                Err(AppendError::Failed(_)) => Fate::Unknown,
                Err(AppendError::Full { .. } | AppendError::Refused(_)) => Fate::Void,
            };
            answers.push(outcome.map(drop));
        }
        answers
    }

    /// Reads the log from end to end and compares. What was in doubt is settled by it.
    pub fn check(&mut self, log: &EmbeddedLog) {
        let held = log.range(JOURNAL).expect("the stream exists");
        assert!(held.start <= self.trimmed, "trimmed to {}, but the log begins at {}", self.trimmed, held.start);
        let mut found: BTreeMap<u64, Record> = BTreeMap::new();
        let mut next = held.start;
        while next < held.end {
            let page = log.read(JOURNAL, next, 20_000).expect("what is held can be read");
            assert!(!page.records.is_empty(), "nothing at {next} of {held:?}");
            next = page.next;
            found.extend(page.records.into_iter().map(|record| (record.position, record)));
        }
        assert!(found.keys().copied().eq(held.clone()), "positions are dense");
        assert!(found.values().map(call_of).is_sorted(), "records keep the order of the calls");
        for n in 0..self.calls.len() {
            self.check_call(n, held.start, &mut found);
        }
        assert!(found.is_empty(), "records that nobody appended: {:?}", found.keys());
    }

    fn check_call(&mut self, n: usize, start: u64, found: &mut BTreeMap<u64, Record>) {
        let Call { records, fate } = &mut self.calls[n];
        let name = format!("{n} ");
        let there: Vec<u64> =
            found.values().filter(|r| r.key.starts_with(name.as_bytes())).map(|r| r.position).collect();
        if *fate == Fate::Unknown && !there.is_empty() {
            // All of it is there, or all that a trim left.
            let last = there[there.len() - 1];
            let first = last + 1 - records.len() as u64;
            assert!(there.len() == records.len() || there[0] == start, "call {n} is there in part: {there:?}");
            *fate = Fate::Durable((first..=last).collect());
        }
        let positions = match fate {
            Fate::Durable(positions) => positions.iter().copied().filter(|position| start <= *position).collect(),
            Fate::Unknown | Fate::Void => Vec::new(),
        };
        assert_eq!(there, positions, "call {n} of {} records, held from {start}", records.len());
        for (position, new) in positions.iter().rev().zip(records.iter().rev()) {
            let record = found.remove(position).expect("it is there");
            assert!(record.key == new.key && record.header == new.header && record.value == new.value, "call {n}");
        }
    }
}

/// The number of the call that appended a record.
fn call_of(record: &Record) -> usize {
    let text = String::from_utf8_lossy(&record.key);
    text.split(' ').next().and_then(|call| call.parse().ok()).expect("keys begin with the call")
}
