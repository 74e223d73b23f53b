//! The inbox: records of the inputs that were read and wait to be decided about, and how far each input was seen.
//!
//! What was read is consumed when it was decided about; a gap in a topic's positions when nothing before it waits.

use std::collections::VecDeque;

use model::record::Consumed;
use model::{Millis, Timestamp};

use crate::log::{Record, Topic};

/// An input that is not looked at for longer than this is a pause of ours, as is a gap between two steps.
pub const PAUSE: Millis = Millis(1_000);

/// What was read.
#[derive(Debug)]
pub struct Inbox {
    /// Reports and beats that wait, in the order in which they were read.
    queue: VecDeque<(Topic, Record)>,
    /// How many of them are reports.
    reports: usize,
    /// Requests that wait.
    requests: VecDeque<Record>,
    /// Up to where all was decided about.
    pub consumed: Consumed,
    /// Up to where requests and reports were read.
    read: [u64; 2],
    /// The ends of requests and reports when they were first read, and when they were read last.
    first_ends: [Option<u64>; 2],
    last_ends: [u64; 2],
    /// When each input was read last, and whether beats were read to their end then.
    looked: [Timestamp; 3],
    beats_read: bool,
}

impl Inbox {
    /// An empty one.
    pub fn new(consumed: Consumed, now: Timestamp) -> Self {
        Self {
            queue: VecDeque::new(),
            reports: 0,
            requests: VecDeque::new(),
            consumed,
            read: [consumed.requests, consumed.reports],
            first_ends: [None; 2],
            last_ends: [0; 2],
            looked: [now; 3],
            beats_read: false,
        }
    }

    /// Takes records of an input topic; `next`: where that topic is read on, `end`: where it ends. Returns for how long
    /// it was not looked at.
    pub fn take(&mut self, topic: Topic, records: Vec<Record>, next: u64, end: u64, now: Timestamp) -> Millis {
        let index = match topic {
            Topic::Requests => 0,
            Topic::Reports => 1,
            Topic::Heartbeats => 2,
            Topic::Journal | Topic::Commands | Topic::Rejects => return Millis(0),
        };
        if let (Some(first), Some(last)) = (self.first_ends.get_mut(index), self.last_ends.get_mut(index)) {
            first.get_or_insert(end);
            *last = end;
            self.read[index] = self.read[index].max(next);
        } else {
            self.beats_read = next >= end;
        }
        if topic == Topic::Requests {
            self.requests.extend(records);
        } else {
            self.reports += if topic == Topic::Reports { records.len() } else { 0 };
            self.queue.extend(records.into_iter().map(|record| (topic, record)));
        }
        now - std::mem::replace(&mut self.looked[index], now)
    }

    /// The next report or beat.
    pub fn next_report(&mut self) -> Option<(Topic, Record)> {
        let (topic, record) = self.queue.pop_front()?;
        self.reports -= usize::from(topic == Topic::Reports);
        Some((topic, record))
    }

    /// The next request.
    pub fn next_request(&mut self) -> Option<Record> {
        self.requests.pop_front()
    }

    /// A record was decided about.
    pub fn decided(&mut self, topic: Topic, position: u64) {
        match topic {
            Topic::Requests => self.consumed.requests = position + 1,
            Topic::Reports => self.consumed.reports = position + 1,
            Topic::Heartbeats | Topic::Journal | Topic::Commands | Topic::Rejects => {}
        }
    }

    /// What was read is consumed, beyond gaps too, once nothing of it waits.
    pub fn pass_gaps(&mut self) {
        if self.requests.is_empty() {
            self.consumed.requests = self.consumed.requests.max(self.read[0]);
        }
        if self.reports == 0 {
            self.consumed.reports = self.consumed.reports.max(self.read[1]);
        }
    }

    /// How many records wait to be decided about.
    pub fn len(&self) -> usize {
        self.queue.len() + self.requests.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether all that the log held when it was first read is consumed: no tick comes before that.
    pub fn has_passed_watermark(&self) -> bool {
        let below = |index: usize, at: u64| self.first_ends[index].is_some_and(|end| at >= end);
        below(0, self.consumed.requests) && below(1, self.consumed.reports)
    }

    /// Whether all that the log held when it was last read is consumed.
    pub fn is_read_up(&self) -> bool {
        self.is_empty() && self.consumed.requests >= self.last_ends[0] && self.consumed.reports >= self.last_ends[1]
    }

    /// Whether each input was looked at just now, and no beat waits unread: else nobody is silent, we are deaf.
    pub fn hears(&self, now: Timestamp) -> bool {
        self.beats_read && self.looked.iter().all(|at| now - *at <= PAUSE)
    }

    /// For tests: forgets that inputs waited in the log when it began.
    pub fn forget_watermark(&mut self) {
        self.first_ends = [Some(0); 2];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(position: u64) -> Record {
        Record { position, key: Vec::new(), header: Vec::new(), value: Vec::new(), appended: None }
    }

    #[test]
    fn a_gap_is_consumed_when_nothing_before_it_waits() {
        let now = Timestamp(5);
        let mut inbox = Inbox::new(Consumed { requests: 3, reports: 0 }, now);
        inbox.take(Topic::Requests, Vec::new(), 3, 3, now);
        inbox.take(Topic::Reports, vec![record(0), record(4)], 7, 7, now);
        inbox.pass_gaps();
        assert!(!inbox.has_passed_watermark() && !inbox.is_read_up());
        while let Some((topic, record)) = inbox.next_report() {
            inbox.decided(topic, record.position);
        }
        assert_eq!(inbox.consumed, Consumed { requests: 3, reports: 5 });
        inbox.pass_gaps();
        assert_eq!(inbox.consumed, Consumed { requests: 3, reports: 7 });
        assert!(inbox.has_passed_watermark() && inbox.is_read_up());
    }

    #[test]
    fn who_has_not_read_all_beats_or_did_not_look_is_deaf() {
        let mut inbox = Inbox::new(Consumed::default(), Timestamp(0));
        for topic in [Topic::Requests, Topic::Reports, Topic::Heartbeats] {
            inbox.take(topic, Vec::new(), 0, 0, Timestamp(10));
        }
        assert!(inbox.hears(Timestamp(900)) && !inbox.hears(Timestamp(2_000)));
        inbox.take(Topic::Heartbeats, vec![record(0)], 1, 2, Timestamp(900));
        assert!(!inbox.hears(Timestamp(900)), "a beat waits unread");
    }
}
