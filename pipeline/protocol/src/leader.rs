//! The leader: decides ahead of the journal, and acts behind it.
//!
//! It folds its own events at once, in a state of its own; what they cause waits with their entry until that entry is
//! read back as admitted. All of it is dropped on any doubt.

mod inbox;
mod rejects;

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

pub use inbox::{Inbox, PAUSE};
pub use rejects::Rejects;

/// Dispatches of one batch.
const MAX_DISPATCHES: usize = 500;
/// How long the journal may not say how far inputs are consumed. What was consumed without a word, as a report that came
/// twice, may be deleted sometime: whoever leads then must not miss it.
const UNSAID: Millis = Millis(60_000);

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
    /// What was read of the inputs.
    pub inbox: Inbox,
    /// How far inputs were consumed by the last entry, and when that was made.
    journaled: (Consumed, Timestamp),
    /// When the beats were sent that were not read back yet.
    pub beats: VecDeque<Timestamp>,
    seq: u64,
    base: Base,
    /// The input that is being decided about.
    handling: Option<(Topic, u64)>,
    /// What the installation brings along is in the journal.
    brought: bool,
    last_watch: Timestamp,
    /// Which rejects are out.
    pub rejects: Rejects,
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

/// Why a leader cannot go on: a bug of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The input that broke it, if one did.
    pub input: Option<(Topic, u64)>,
    /// What happened.
    pub why: String,
}

/// What panicked.
#[derive(Debug)]
enum Panicked {
    /// Deciding: it has changed nothing.
    Deciding,
    /// Applying a decision, of this kind: the state is not to be trusted any more.
    Applying(&'static str),
}

impl Panicked {
    fn why(&self) -> String {
        match self {
            Self::Deciding => "deciding panicked".to_owned(),
            Self::Applying(event) => format!("applying {event} panicked"),
        }
    }
}

impl From<Panicked> for Broken {
    fn from(panicked: Panicked) -> Self {
        Self { input: None, why: panicked.why() }
    }
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
            inbox: Inbox::new(replica.consumed, now),
            journaled: (replica.consumed, now),
            beats: VecDeque::new(),
            seq: replica.seq + 1,
            base,
            handling: None,
            brought: false,
            last_watch: Timestamp(0),
            rejects: Rejects::default(),
            more: false,
            batch: Batch::default(),
            effects: Vec::new(),
        }
    }

    /// The input that is being decided about, if one is.
    pub fn handling(&self) -> Option<(Topic, u64)> {
        self.handling
    }

    /// Whether more can be decided without anything new.
    pub fn has_more(&self) -> bool {
        self.more || !self.inbox.is_empty()
    }

    /// We did not look for a while: what we had observed is void.
    pub fn paused(&mut self, now: Timestamp) {
        self.soft.reset(&self.state, now);
    }

    /// For tests: what was decided since the last entry.
    pub fn decided(&self) -> &[Event] {
        self.batch.events()
    }

    /// For tests: lets out what nobody has admitted.
    pub fn all_effects(&mut self) -> Vec<Out> {
        std::mem::take(&mut self.effects)
    }

    /// Decides about reports, then about what is due, then dispatches, then decides about requests, each in its share of
    /// a batch. One part of a large flow fills what is left: if requests came first, nothing would be dispatched while a
    /// flow comes in.
    pub fn step(&mut self, config: &Config, poisoned: &BTreeSet<(Topic, u64)>, now: Timestamp) -> Result<(), Broken> {
        self.more = false;
        while !self.brought && !self.batch.holds_thirds(1) {
            // What the installation brings along comes first.
            let before = self.batch.len();
            self.decide(&Input::Led, 0, config, now)?;
            self.brought = self.batch.len() == before;
        }
        while !self.batch.holds_thirds(1) {
            let Some((topic, record)) = self.inbox.next_report() else { break };
            self.input(topic, &record, config, poisoned, now)?;
        }
        self.inbox.pass_gaps();
        let lags = config.planted(Planted::VerdictWhileLagging);
        let ticks = self.inbox.has_passed_watermark() || lags;
        self.soft.caught_up = ticks && (self.inbox.hears(now) || lags) && self.inbox.is_read_up();
        if ticks && !self.batch.is_full() {
            self.due(config, now)?;
            self.dispatch(config, now)?;
        }
        while !self.batch.is_full() {
            let Some(record) = self.inbox.next_request() else { break };
            self.input(Topic::Requests, &record, config, poisoned, now)?;
            // What follows from it is for the next step.
            self.more = true;
        }
        self.inbox.pass_gaps();
        self.more |= self.batch.is_full() || !self.brought;
        Ok(())
    }

    /// Closes the batch into an entry, if it has events, or the journal has not said for long how far inputs are consumed.
    pub fn close(&mut self, now: Timestamp, boot_ms: u64) -> Option<NewRecord> {
        let effects = std::mem::take(&mut self.effects);
        let unsaid = self.inbox.consumed != self.journaled.0 && now - self.journaled.1 >= UNSAID;
        if self.batch.is_empty() && !unsaid {
            // What causes no event hangs on the last entry that it may rest on.
            match self.outstanding.back_mut() {
                Some(last) => last.effects.extend(effects),
                None => self.effects = effects,
            }
            return None;
        }
        let batch = std::mem::take(&mut self.batch);
        self.journaled = (self.inbox.consumed, now);
        let (entry, record) = batch.close(now, self.inbox.consumed, self.epoch, &self.id, self.seq);
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
        self.handling = Some((topic, position));
        let poison = |why: &str| decode::unreadable(topic, record, why.to_owned());
        let input = if poisoned.contains(&(topic, position)) {
            poison("our own bug: it broke the engine when it was applied; please report it")
        } else {
            decode::input(topic, record, config.partition)
        };
        match &input {
            Input::Beat(heartbeat) => self.soft.observe_beat(&self.state, heartbeat, now),
            Input::Report(report) if !config.planted(Planted::BeatsOnlyAreSignsOfLife) => {
                self.soft.observe_report(&self.state, report, now);
            }
            Input::Report(_) | Input::Request(_) | Input::Led | Input::Unreadable { .. } => {}
        }
        match self.decide(&input, position, config, now) {
            Err(panicked @ Panicked::Deciding) => {
                // It has changed nothing: the rest goes on.
                self.decide(&poison("our own bug: deciding about it failed; please report it"), position, config, now)?;
                self.effects.push(Out::Alarm(format!("{}/{position}: {}", topic.word(), panicked.why())));
            }
            Err(panicked @ Panicked::Applying(_)) => {
                return Err(Broken { input: self.handling, why: panicked.why() });
            }
            Ok(()) => {}
        }
        self.inbox.decided(topic, position);
        if let Input::Beat(heartbeat) = &input {
            self.answer(heartbeat, config, now);
        }
        self.handling = None;
        Ok(())
    }

    /// The answer to a beat, and starts that it should have shown.
    fn answer(&mut self, heartbeat: &Heartbeat, config: &Config, now: Timestamp) {
        let ctx = self.context(config, 0, now);
        let pool = self.state.pools.get(&heartbeat.pool);
        let renew: Renew = fleet::answer(pool, &self.soft, heartbeat, &ctx);
        let mut orders = Vec::new();
        if let Some(pool) = pool
            && !config.planted(Planted::StartForgotten)
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

    fn decide(&mut self, input: &Input, position: u64, config: &Config, now: Timestamp) -> Result<(), Panicked> {
        let guarded =
            |what: &dyn Fn() -> Vec<Event>| catch_unwind(AssertUnwindSafe(what)).map_err(|_| Panicked::Deciding);
        let prepared = guarded(&|| operators::prepare(&self.state, input, &self.context(config, position, now)))?;
        self.fold_all(prepared, config, now)?;
        let events = guarded(&|| {
            config.trip(input);
            operators::decide(&self.state, &self.soft, input, &self.context(config, position, now))
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

    fn due(&mut self, config: &Config, now: Timestamp) -> Result<(), Panicked> {
        let watch = now.0 >= self.last_watch.0 + config.watch_ms;
        for step in 0.. {
            if step == config.operators.steps.batch || self.batch.holds_thirds(2) {
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
        let notified = operators::notified(&self.state, self.rejects.all_out(), &self.context(config, 0, now));
        self.fold_all(notified, config, now)?;
        self.soft.settle(&self.state);
        if watch {
            self.last_watch = now;
        }
        Ok(())
    }

    fn dispatch(&mut self, config: &Config, now: Timestamp) -> Result<(), Panicked> {
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
    fn fold_all(&mut self, events: Vec<Event>, config: &Config, now: Timestamp) -> Result<(), Panicked> {
        let when = When { now, seq: self.seq };
        for event in events {
            let folded = catch_unwind(AssertUnwindSafe(|| operators::fold(&mut self.state, &event, when)));
            if folded.is_err() {
                return Err(Panicked::Applying(event.event.word()));
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
