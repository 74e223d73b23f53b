//! The engine: what a leader does with one batch of inputs, by the real operators, without a log, doubt or effects that
//! wait. Whatever is appended here is admitted, so decisions may act at once.
//!
//! The order is the leader's: each input is observed, decided about and folded; then what is due, then dispatches. A
//! batch that is full is closed, and the rest goes into the next entry of the same moment.

use std::collections::VecDeque;
use std::sync::Arc;

use model::event::MAX_EVENTS;
use model::policy::Policy;
use model::record::{Announcement, Consumed, FORMAT, Header};
use model::{Body, Command, Event, JournalId, LeaderId, PoolId, Timestamp, command};
use operators::fold::When;
use operators::{Config, Context, Input, Soft, State, commands, fleet};
use protocol::batch::{self, Batch};
use protocol::log::Record;

/// The id of every journal that is made up: told apart from real ones at sight.
pub const JOURNAL: JournalId = JournalId(0x0415_7042);
/// From one look at all nodes to the next.
const WATCH_MS: u64 = 1_000;

/// A leader and the journal that it writes.
#[derive(Debug)]
pub struct Engine {
    /// The state that it decides on.
    pub state: State,
    /// What came of it, to be taken away.
    pub told: Told,
    soft: Soft,
    config: Config,
    leader: LeaderId,
    base: Base,
    consumed: Consumed,
    position: u64,
    batch: Batch,
    last_watch: u64,
}

/// What came of inputs.
#[derive(Debug, Default)]
pub struct Told {
    /// Records of the journal.
    pub records: VecDeque<Record>,
    /// What nodes are told.
    pub orders: Vec<Command>,
    /// Rounds that began (true) or ended.
    pub rounds: Vec<(PoolId, u32, bool)>,
}

/// What of the journal a decision may know.
#[derive(Debug, Clone, Copy, Default)]
struct Base {
    first_announced: Timestamp,
    epoch: u64,
    seq: u64,
}

impl Engine {
    /// One that has not announced itself yet.
    pub fn new() -> Self {
        Self {
            state: State::default(),
            told: Told::default(),
            soft: Soft::default(),
            config: Config::default(),
            leader: LeaderId::new("nobody").expect("a plain name"),
            base: Base { seq: 1, ..Base::default() },
            consumed: Consumed::default(),
            position: 0,
            batch: Batch::default(),
            last_watch: 0,
        }
    }

    /// Announces itself under a new epoch, and brings these policies along. All that was observed before is void.
    pub fn announce(&mut self, draw: u64, policies: Vec<Arc<Policy>>, now: u64) {
        assert!(self.batch.is_empty(), "who led before has closed its last entry");
        if self.position == 0 {
            self.base.first_announced = Timestamp(now);
        }
        self.base.epoch += 1;
        self.leader = LeaderId::new(&format!("l{draw:016x}")).expect("a plain name");
        let header = Header::Announced { epoch: self.base.epoch, leader: self.leader.clone() };
        let now = Timestamp(now);
        let body = Announcement { now, format: FORMAT, partitions: 1, journal: JOURNAL, clock_shift_ms: 0 };
        self.append(batch::header(&header), serde_json::to_vec(&body).expect("announcements are plain data"));
        self.config.policies = policies;
        self.soft.reset(&self.state, now);
        // One pool at a time, until none differs.
        loop {
            let before = self.batch.len();
            self.decide(&Input::Led, 0, now.0);
            if self.batch.len() == before {
                break;
            }
        }
        self.close(now.0);
    }

    /// Hears an input and decides about it.
    pub fn hear(&mut self, input: &Input, now: u64) {
        if self.batch.is_full() {
            self.go_on(now);
        }
        let at = Timestamp(now);
        let mut position = 0;
        match input {
            Input::Beat(heartbeat) => self.soft.observe_beat(&self.state, heartbeat, at),
            Input::Report(report) => {
                self.soft.observe_report(&self.state, report, at);
                position = self.consumed.reports;
                self.consumed.reports += 1;
            }
            Input::Request(_) => {
                position = self.consumed.requests;
                self.consumed.requests += 1;
            }
            Input::Unreadable { .. } => {
                position = self.consumed.reports;
                self.consumed.reports += 1;
            }
            Input::Led => {}
        }
        self.decide(input, position, now);
        if let Input::Beat(heartbeat) = input {
            let ctx = context(self.base, &self.config, &self.batch, 0, now);
            let renew = fleet::answer(self.state.pools.get(&heartbeat.pool), &self.soft, heartbeat, &ctx);
            let (pool, node) = (heartbeat.pool.clone(), heartbeat.node.clone());
            self.told.orders.push(Command { pool, node, order: command::Order::Renew(renew) });
        }
    }

    /// Does what is due and dispatches, until nothing is left to do at this moment.
    pub fn go_on(&mut self, now: u64) {
        self.soft.caught_up = true;
        loop {
            let more = self.due(now) | self.dispatch(now);
            self.close(now);
            if !more {
                return;
            }
        }
    }

    /// When the next timer of any pool is due.
    pub fn next_timer(&self) -> Option<u64> {
        self.state.pools.values().filter_map(|pool| Some(pool.timers.first()?.0.0)).min()
    }

    fn decide(&mut self, input: &Input, position: u64, now: u64) {
        let ctx = context(self.base, &self.config, &self.batch, position, now);
        let prepared = operators::prepare(&self.state, input, &ctx);
        self.fold(prepared, now);
        let ctx = context(self.base, &self.config, &self.batch, position, now);
        let events = operators::decide(&self.state, &self.soft, input, &ctx);
        self.fold(events, now);
    }

    /// Returns whether something was left, for the next entry.
    fn due(&mut self, now: u64) -> bool {
        let watch = now >= self.last_watch + WATCH_MS;
        loop {
            if self.batch.holds_thirds(2) {
                return true;
            }
            let ctx = context(self.base, &self.config, &self.batch, 0, now);
            let mut events = operators::due(&self.state, &self.soft, &ctx);
            if events.is_empty() && watch {
                events = operators::watch(&self.state, &self.soft, &ctx);
            }
            if events.is_empty() {
                break;
            }
            self.fold(events, now);
        }
        // All entries before this one have been read back.
        let ctx = context(self.base, &self.config, &self.batch, 0, now);
        let notified = operators::notified(&self.state, self.base.seq - 1, &ctx);
        self.fold(notified, now);
        self.soft.settle(&self.state);
        if watch {
            self.last_watch = now;
        }
        false
    }

    fn dispatch(&mut self, now: u64) -> bool {
        loop {
            if self.batch.is_full() {
                return true;
            }
            let ctx = context(self.base, &self.config, &self.batch, 0, now);
            let events = operators::schedule(&self.state, &mut self.soft, &ctx);
            if events.is_empty() {
                return false;
            }
            self.fold(events, now);
        }
    }

    fn fold(&mut self, events: Vec<Event>, now: u64) {
        assert!(events.len() <= MAX_EVENTS, "a decision is bounded");
        let when = When { now: Timestamp(now), seq: self.base.seq };
        for event in events {
            operators::fold(&mut self.state, &event, when);
            operators::soft_events::observe(&self.state, &mut self.soft, &event, when.now);
            let ctx = context(self.base, &self.config, &self.batch, 0, now);
            self.told.orders.extend(commands::of(&self.state, &event, &ctx));
            self.note_round(&event);
            self.batch.push(event);
        }
    }

    fn note_round(&mut self, event: &Event) {
        let mut note = |number: u32, begins: bool| self.told.rounds.push((event.pool.clone(), number, begins));
        if let Body::ExecutionStarted { execution, .. } | Body::ExecutionReopened { execution, .. } = &event.event {
            note(*execution, true);
        } else if let Body::ExecutionEnded { execution, .. } = &event.event {
            note(*execution, false);
        }
    }

    fn close(&mut self, now: u64) {
        if self.batch.is_empty() {
            return;
        }
        let batch = std::mem::take(&mut self.batch);
        let Base { epoch, seq, .. } = self.base;
        let (_, record) = batch.close(Timestamp(now), self.consumed, epoch, &self.leader, seq);
        self.base.seq += 1;
        self.append(record.header, record.value);
    }

    fn append(&mut self, header: Vec<u8>, value: Vec<u8>) {
        let record = Record { position: self.position, key: Vec::new(), header, value, appended: None };
        self.told.records.push_back(record);
        self.position += 1;
    }
}

fn context<'a>(base: Base, config: &'a Config, batch: &Batch, position: u64, now: u64) -> Context<'a> {
    let Base { first_announced, epoch, seq } = base;
    let index = u32::try_from(batch.len()).unwrap_or(u32::MAX);
    Context {
        now: Timestamp(now),
        journal: JOURNAL,
        partition: 0,
        epoch,
        seq,
        index,
        position,
        first_announced,
        config,
    }
}
