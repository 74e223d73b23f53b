//! The leader: decides ahead of the journal, and acts behind it.
//!
//! It folds its own events at once, in a state of its own; what they cause waits with their entry until that entry is
//! read back as admitted. All of it is dropped on any doubt.

use std::collections::{BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use model::record::{Consumed, Entry};
use model::{Command, Event, Heartbeat, LeaderId, Millis, Renew, Timestamp};
use operators::fold::When;
use operators::{Context, Input, Planted, Soft, State, commands, fleet};

use crate::batch::Batch;
use crate::decode;
use crate::log::{NewRecord, Record, Topic};
use crate::partition::{Config, Out};
use crate::replica::Replica;

/// Decisions of one step that are not caused by an input.
const MAX_STEPS: usize = 1_000;
/// An input that is not looked at for longer than this is a pause of ours, as is a gap between two steps.
pub const PAUSE: Millis = Millis(1_000);
/// Dispatches of one batch.
const MAX_DISPATCHES: usize = 500;

/// A leader, from the moment it has read its own announcement back.
#[derive(Debug)]
pub struct Leader {
    /// Its epoch.
    pub epoch: u64,
    /// Its id.
    pub id: LeaderId,
    /// The state that it decides on: the admitted one and its own entries.
    pub state: State,
    /// What it has observed.
    pub soft: Soft,
    /// Entries that were appended and not read back yet.
    pub outstanding: VecDeque<Outstanding>,
    /// Up to where it has consumed the inputs.
    pub consumed: Consumed,
    seq: u64,
    base: Base,
    /// Reports and beats that wait, and requests.
    pending: VecDeque<(Topic, Record)>,
    requests: VecDeque<Record>,
    /// The ends of requests and reports when they were first read, and when they were read last.
    first_ends: [Option<u64>; 2],
    last_ends: [u64; 2],
    /// When each input was read last, and whether beats were read to their end then.
    looked: [Timestamp; 3],
    beats_read: bool,
    last_watch: Timestamp,
    /// Rejects up to this entry are out.
    pub rejects_out: u64,
    more: bool,
    batch: Batch,
    effects: Vec<Out>,
}

/// What of the journal a decision may know.
#[derive(Debug, Clone, Copy)]
struct Base {
    journal: model::JournalId,
    first_announced: Timestamp,
    partition: u32,
}

/// An entry that waits to be read back.
#[derive(Debug)]
pub struct Outstanding {
    /// Its number.
    pub seq: u64,
    /// The entry.
    pub entry: Arc<Entry>,
    /// What goes out when it is admitted.
    pub effects: Vec<Out>,
    /// When it was appended, by the machine's own clock.
    pub since_ms: u64,
}

/// Why a leader cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The input that broke it, if one did.
    pub input: Option<(Topic, u64)>,
    /// What happened.
    pub why: String,
}

impl Leader {
    /// Begins to lead from an admitted state. Nothing that was observed before counts.
    pub fn new(replica: &Replica, partition: u32, epoch: u64, id: LeaderId, now: Timestamp) -> Self {
        let base = Base {
            journal: replica.journal.unwrap_or(model::JournalId(0)),
            first_announced: replica.first_announced,
            partition,
        };
        let mut soft = Soft::default();
        soft.reset(&replica.state, now);
        Self {
            epoch,
            id,
            state: replica.state.clone(),
            soft,
            outstanding: VecDeque::new(),
            consumed: replica.consumed,
            seq: replica.seq + 1,
            base,
            pending: VecDeque::new(),
            requests: VecDeque::new(),
            first_ends: [None; 2],
            last_ends: [0; 2],
            looked: [now; 3],
            beats_read: false,
            last_watch: Timestamp(0),
            rejects_out: 0,
            more: false,
            batch: Batch::default(),
            effects: Vec::new(),
        }
    }

    /// Takes records of an input topic, to be decided about. Returns for how long that topic was not looked at.
    pub fn take(&mut self, topic: Topic, records: Vec<Record>, end: u64, now: Timestamp) -> Millis {
        let index = match topic {
            Topic::Requests => 0,
            Topic::Reports => 1,
            Topic::Heartbeats => 2,
            Topic::Journal | Topic::Commands | Topic::Rejects => return Millis(0),
        };
        if let (Some(first), Some(last)) = (self.first_ends.get_mut(index), self.last_ends.get_mut(index)) {
            first.get_or_insert(end);
            *last = end;
        } else {
            self.beats_read = records.last().is_none_or(|record| record.position + 1 >= end);
        }
        if topic == Topic::Requests {
            self.requests.extend(records);
        } else {
            self.pending.extend(records.into_iter().map(|record| (topic, record)));
        }
        now - std::mem::replace(&mut self.looked[index], now)
    }

    /// Whether each input was looked at just now, and no beat waits unread: else nobody is silent, we are deaf.
    fn hears(&self, now: Timestamp) -> bool {
        self.beats_read && self.looked.iter().all(|at| now - *at <= PAUSE)
    }

    /// Whether more can be decided without anything new.
    pub fn has_more(&self) -> bool {
        self.more || self.pending() > 0
    }

    /// How many records wait to be decided about.
    pub fn pending(&self) -> usize {
        self.pending.len() + self.requests.len()
    }

    /// We did not look for a while: what we had observed is void.
    pub fn paused(&mut self, now: Timestamp) {
        self.soft.reset(&self.state, now);
    }

    /// For tests: forgets that inputs waited in the log when it began.
    pub fn forget_watermark(&mut self) {
        self.first_ends = [Some(0); 2];
    }

    /// For tests: forgets what it has consumed.
    pub fn forget_positions(&mut self) {
        self.consumed = Consumed::default();
    }

    /// For tests: lets out what nobody has admitted.
    pub fn all_effects(&mut self) -> Vec<Out> {
        std::mem::take(&mut self.effects)
    }

    /// Begins: what the installation brings along goes into the journal.
    pub fn begin(&mut self, config: &Config, now: Timestamp) -> Result<(), Broken> {
        self.decide(&Input::Led, 0, config, now)
    }

    /// Decides about reports, then about what is due, then dispatches, then decides about requests, each in its share of
    /// a batch. One part of a large flow fills what is left: if requests came first, nothing would be dispatched while a
    /// flow comes in.
    pub fn step(&mut self, config: &Config, poisoned: &BTreeSet<(Topic, u64)>, now: Timestamp) -> Result<(), Broken> {
        self.more = false;
        while !self.batch.holds_thirds(1) {
            let Some((topic, record)) = self.pending.pop_front() else { break };
            self.input(topic, &record, config, poisoned, now)?;
        }
        let below = |index: usize, at: u64| self.first_ends[index].is_some_and(|end| at >= end);
        let read_all = below(0, self.consumed.requests) && below(1, self.consumed.reports);
        let ticks = read_all || config.planted(Planted::VerdictWhileLagging);
        self.soft.caught_up = ticks
            && (self.hears(now) || config.planted(Planted::VerdictWhileLagging))
            && self.pending() == 0
            && self.consumed.requests >= self.last_ends[0]
            && self.consumed.reports >= self.last_ends[1];
        if ticks && !self.batch.is_full() {
            self.due(config, now)?;
            self.dispatch(config, now)?;
        }
        while !self.batch.is_full() {
            let Some(record) = self.requests.pop_front() else { break };
            self.input(Topic::Requests, &record, config, poisoned, now)?;
            // What follows from it is for the next step.
            self.more = true;
        }
        self.more |= self.batch.is_full();
        Ok(())
    }

    /// Closes the batch into an entry, if it has events.
    pub fn close(&mut self, now: Timestamp, boot_ms: u64) -> Option<NewRecord> {
        let effects = std::mem::take(&mut self.effects);
        if self.batch.is_empty() {
            // What causes no event hangs on the last entry that it may rest on.
            match self.outstanding.back_mut() {
                Some(last) => last.effects.extend(effects),
                None => self.effects = effects,
            }
            return None;
        }
        let batch = std::mem::take(&mut self.batch);
        let (entry, record) = batch.close(now, self.consumed, self.epoch, &self.id, self.seq);
        self.outstanding.push_back(Outstanding { seq: self.seq, entry, effects, since_ms: boot_ms });
        self.seq += 1;
        Some(record)
    }

    /// What may go out at once, since nothing that it rests on is outstanding.
    pub fn free_effects(&mut self) -> Vec<Out> {
        if self.outstanding.is_empty() { std::mem::take(&mut self.effects) } else { Vec::new() }
    }

    fn input(
        &mut self,
        topic: Topic,
        record: &Record,
        config: &Config,
        poisoned: &BTreeSet<(Topic, u64)>,
        now: Timestamp,
    ) -> Result<(), Broken> {
        let position = record.position;
        let poison = |why: &str| decode::unreadable(topic, record, why.to_owned());
        let input = if poisoned.contains(&(topic, position)) {
            poison("our own bug: it broke the engine when it was applied; please report it")
        } else {
            decode::input(topic, record)
        };
        match &input {
            Input::Beat(heartbeat) => self.soft.observe_beat(&self.state, heartbeat, now),
            Input::Report(report) if !config.planted(Planted::BeatsOnlyAreSignsOfLife) => {
                self.soft.observe_report(&self.state, report, now);
            }
            Input::Report(_) | Input::Request(_) | Input::Led | Input::Unreadable { .. } => {}
        }
        let decided = self.decide(&input, position, config, now);
        match decided {
            Err(broken) if broken.input.is_none() => {
                // Deciding changes nothing: the rest goes on.
                self.decide(&poison("our own bug: deciding about it failed; please report it"), position, config, now)?;
                self.effects.push(Out::Alarm(format!("{}/{position}: {}", topic.word(), broken.why)));
            }
            Err(broken) => return Err(Broken { input: Some((topic, position)), ..broken }),
            Ok(()) => {}
        }
        match topic {
            Topic::Requests => self.consumed.requests = position + 1,
            Topic::Reports => self.consumed.reports = position + 1,
            Topic::Heartbeats | Topic::Journal | Topic::Commands | Topic::Rejects => {}
        }
        if let Input::Beat(heartbeat) = &input {
            self.answer(heartbeat, config, now);
        }
        Ok(())
    }

    /// The answer to a beat, and starts that it should have shown.
    fn answer(&mut self, heartbeat: &Heartbeat, config: &Config, now: Timestamp) {
        let ctx = self.context(config, 0, now);
        let pool = self.state.pools.get(&heartbeat.pool);
        let renew: Renew = fleet::answer(pool, &self.soft, heartbeat, &ctx);
        let mut orders = Vec::new();
        if let Some(pool) = pool
            && !config.planted(Planted::NoResend)
        {
            let seen = fleet::unseen(pool, heartbeat);
            orders.extend(seen.filter_map(|at| commands::start(pool, at, &ctx)));
        }
        let (pool, node) = (&heartbeat.pool, &heartbeat.node);
        for start in orders {
            let order = model::command::Order::Start(Box::new(start));
            self.effects.push(Out::Command(Command { pool: pool.clone(), node: node.clone(), order }));
        }
        self.effects.push(Out::Renew { pool: pool.clone(), node: node.clone(), renew });
    }

    fn decide(&mut self, input: &Input, position: u64, config: &Config, now: Timestamp) -> Result<(), Broken> {
        let guarded = |what: &dyn Fn() -> Vec<Event>| {
            catch_unwind(AssertUnwindSafe(what))
                .map_err(|_| Broken { input: None, why: "deciding panicked".to_owned() })
        };
        let prepared = guarded(&|| operators::prepare(&self.state, input, &self.context(config, position, now)))?;
        self.fold_all(prepared, config, now)?;
        let events = guarded(&|| {
            config.trip(input);
            operators::decide(&self.state, input, &self.context(config, position, now))
        })?;
        for event in &events {
            if let model::Body::InputRejected { reason, .. } = &event.event {
                self.note_taken(input, reason);
            }
        }
        self.fold_all(events, config, now)
    }

    /// A hello that was refused for its name is told so in the answers to its beats.
    fn note_taken(&mut self, input: &Input, reason: &str) {
        if let Input::Report(report) = input
            && matches!(report.kind, model::ReportKind::Hello(_))
            && reason.contains("is taken")
        {
            self.soft.name_taken(&report.pool, &report.node, &report.boot);
        }
    }

    fn due(&mut self, config: &Config, now: Timestamp) -> Result<(), Broken> {
        let watch = now.0 >= self.last_watch.0 + config.watch_ms;
        for step in 0.. {
            if step == MAX_STEPS || self.batch.holds_thirds(2) {
                self.more = true;
                return Ok(());
            }
            let ctx = self.context(config, 0, now);
            let mut events = operators::due(&self.state, &self.soft, &ctx);
            if events.is_empty() && watch {
                events = operators::watch(&self.state, &self.soft, &ctx);
            }
            if events.is_empty() {
                break;
            }
            self.fold_all(events, config, now)?;
        }
        let notified = operators::notified(&self.state, self.rejects_out, &self.context(config, 0, now));
        self.fold_all(notified, config, now)?;
        self.soft.settle(&self.state);
        if watch {
            self.last_watch = now;
        }
        Ok(())
    }

    fn dispatch(&mut self, config: &Config, now: Timestamp) -> Result<(), Broken> {
        for _ in 0..MAX_DISPATCHES {
            if self.batch.is_full() {
                break;
            }
            let ctx = Self::context_of(self.base, (self.epoch, self.seq), &self.batch, config, 0, now);
            let events = operators::schedule(&self.state, &mut self.soft, &ctx);
            if events.is_empty() {
                return Ok(());
            }
            self.fold_all(events, config, now)?;
        }
        self.more = true;
        Ok(())
    }

    /// Folds events at once, and keeps what they cause for when they are admitted.
    fn fold_all(&mut self, events: Vec<Event>, config: &Config, now: Timestamp) -> Result<(), Broken> {
        let when = When { now, seq: self.seq };
        for event in events {
            let folded = catch_unwind(AssertUnwindSafe(|| operators::fold(&mut self.state, &event, when)));
            if folded.is_err() {
                let why = format!("applying {} panicked", event.event.word());
                return Err(Broken { input: Some((Topic::Journal, self.seq)), why });
            }
            operators::soft_events::observe(&self.state, &mut self.soft, &event, now);
            let ctx = self.context(config, 0, now);
            if let Some(command) = commands::of(&self.state, &event, &ctx) {
                self.effects.push(Out::Command(command));
            }
            self.batch.push(event);
        }
        Ok(())
    }

    fn context<'a>(&self, config: &'a Config, position: u64, now: Timestamp) -> Context<'a> {
        Self::context_of(self.base, (self.epoch, self.seq), &self.batch, config, position, now)
    }

    fn context_of<'a>(
        base: Base,
        (epoch, seq): (u64, u64),
        batch: &Batch,
        config: &'a Config,
        position: u64,
        now: Timestamp,
    ) -> Context<'a> {
        let Base { journal, first_announced, partition } = base;
        let index = u32::try_from(batch.len()).unwrap_or(u32::MAX);
        Context { now, journal, partition, epoch, seq, index, position, first_announced, config: &config.operators }
    }
}
