//! Appends: when each is placed and seen, and what may go wrong with it.

use model::record::Header;
use protocol::log::{NewRecord, Topic};

use super::{Event, World};

/// What becomes of one append of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It vanishes in silence.
    Lost,
    /// It is placed twice.
    Twice,
    /// It fails, and is not placed.
    Failed,
    /// It fails, and is placed all the same.
    FailedButPlaced,
    /// It is placed so much later.
    Late(u64),
}

/// An append on its way.
#[derive(Debug, Clone)]
pub struct Pending {
    /// Where it goes.
    pub topic: Topic,
    /// The records.
    pub records: Vec<NewRecord>,
    /// The instance and its life, if it is of one.
    pub engine: Option<(usize, u32)>,
    /// Which node waits for it: its number, life and request.
    pub node: Option<(usize, u32, u64)>,
    /// When it is placed.
    pub at: u64,
}

impl World {
    /// An instance appends to the journal.
    pub(super) fn append(&mut self, index: usize, record: NewRecord) {
        let (now, engine) = (self.now, &self.engines[index]);
        let life = engine.life;
        if let Ok(Header::Entry { leader, seq, .. }) = serde_json::from_slice(&record.header) {
            self.history.decided.insert((leader, seq), (now, index));
        }
        let wait = self.random.below(self.knobs.log_ms[0] + 1) + engine.slow_ms;
        let at = (now + 1 + wait).max(engine.last_place);
        if now < self.log_full_until {
            self.counters.add("disk full");
            self.after(1, Event::Failed { engine: index, life });
            return;
        }
        let fate = self.append_faults.pop();
        self.trace.line(now, format_args!("e{index} appends {} {fate:?}", String::from_utf8_lossy(&record.header)));
        let pending =
            Pending { topic: Topic::Journal, records: vec![record], engine: Some((index, life)), node: None, at };
        match fate {
            None => self.send(pending),
            Some(Fate::Lost) => return,
            Some(Fate::Twice) => {
                self.counters.add("append doubled");
                let later = at + 1 + self.random.below(3_000);
                self.send(Pending { at: later, ..pending.clone() });
                self.send(pending);
            }
            Some(Fate::Failed) => self.at(at, Event::Failed { engine: index, life }),
            Some(Fate::FailedButPlaced) => {
                self.send(pending);
                self.at(at + 1, Event::Failed { engine: index, life });
            }
            Some(Fate::Late(by)) => {
                self.send(Pending { at: at + by, ..pending });
                // What comes after it is not held up: a broker that lost its order.
                return;
            }
        }
        self.engines[index].last_place = at;
    }

    /// Something else than an instance appends inputs.
    pub(super) fn append_input(&mut self, topic: Topic, lines: Vec<Vec<u8>>, node: Option<(usize, u32, u64)>) {
        let record = |value: Vec<u8>| NewRecord { key: b"p".to_vec(), header: Vec::new(), value };
        let records: Vec<NewRecord> = lines.into_iter().map(record).collect();
        let at = self.now + self.random.below(self.knobs.log_ms[0] + 1);
        self.send(Pending { topic, records, engine: None, node, at });
    }

    fn send(&mut self, pending: Pending) {
        self.count += 1;
        let (id, at) = (self.count, pending.at);
        self.pending.insert(id, pending);
        self.at(at, Event::Place(id));
    }

    pub(super) fn place(&mut self, id: u64) {
        if self.pending.get(&id).is_none_or(|pending| pending.at > self.now) {
            return;
        }
        let Some(Pending { topic, records, node, .. }) = self.pending.remove(&id) else { return };
        let gap = if self.random.chance(self.knobs.gaps) { self.random.between(1, 3) } else { 0 };
        let wait = self.random.below(self.knobs.log_ms[1] + 1);
        if topic != Topic::Journal && topic != Topic::Rejects {
            self.inputs += records.len() as u64;
        }
        let (positions, visible) = self.tapes.of_mut(topic).place(records, gap, self.now + wait);
        self.trace.line(self.now, format_args!("{} {positions:?} seen at {visible}", topic.word()));
        for engine in 0..self.engines.len() {
            if topic == Topic::Journal || self.engines[engine].reading.is_some() {
                self.poll_at(engine, visible);
            }
        }
        if let Some((node, life, request)) = node {
            let wait = self.random.below(self.knobs.log_ms[2] + 1);
            self.answer_node(node, life, request, true, wait);
        }
    }

    /// An instance died: what it had sent may be lost, or come late, or come as if nothing had been.
    pub(super) fn orphan_appends(&mut self, index: usize) {
        let mine: Vec<u64> =
            self.pending.iter().filter(|(_, p)| p.engine.is_some_and(|(e, _)| e == index)).map(|(id, _)| *id).collect();
        for id in mine {
            match self.random.below(3) {
                0 => drop(self.pending.remove(&id)),
                1 => {
                    let at = self.now + self.random.skewed(100, 9_000);
                    if let Some(pending) = self.pending.get_mut(&id) {
                        pending.at = at;
                    }
                    self.at(at, Event::Place(id));
                }
                _ => {}
            }
        }
    }
}
