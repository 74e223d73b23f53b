//! The engine's decisions: what each input means, told as one story.
//!
//! [`decide`] turns one input into events and changes nothing. [`fold()`] applies one event to the state and knows no
//! policy. [`due`] asks what time or an unfinished work list calls for, one bounded step at a call, and
//! [`schedule::next`] where the next ready task runs. A leader folds what each of them returned before it asks again.
//!
//! In the order of the data: [`intake`] checks requests; [`fleet`] knows which nodes live; [`progress`] follows
//! attempts; [`ending`] ends them, asking [`classify`] what kind of failure it was and [`retry`] what follows;
//! [`recovery`] keeps the report of a loss; [`execution`] carries the consequences through the flow; [`mod@schedule`]
//! dispatches. [`commands`] tells what nodes are told.

pub mod state;

pub mod soft;
pub mod soft_events;

pub mod classify;
pub mod ending;
pub mod execution;
pub mod fleet;
pub mod intake;
pub mod progress;
pub mod recovery;
pub mod retry;
pub mod schedule;

pub mod commands;
pub mod fold;

use std::sync::Arc;

use model::policy::Policy;
use model::{Body, By, Event, Heartbeat, JournalId, PoolId, PoolSettings, Report, Request, Timestamp};

pub use fold::fold;
pub use soft::Soft;
pub use state::State;

/// One thing that a leader decides about.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// It begins to lead.
    Led,
    /// A node's report.
    Report(Report),
    /// A node's beat: observed, and evidence once it is settled.
    Beat(Heartbeat),
    /// A person's request.
    Request(Request),
    /// A record that cannot be decided about: its topic, a hash of its bytes, and why.
    Unreadable {
        /// The pool that its key names.
        pool: PoolId,
        /// The topic.
        topic: String,
        /// A hash of the bytes.
        hash: u64,
        /// Why.
        reason: String,
        /// The request in it, if it could be read after all: who asked is told.
        asked: Option<Box<Request>>,
    },
}

/// What a decision may know beside state, observations and input.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The engine's clock.
    pub now: Timestamp,
    /// The journal.
    pub journal: JournalId,
    /// Its partition.
    pub partition: u32,
    /// The leader's epoch.
    pub epoch: u64,
    /// The number of the entry that the events will be part of.
    pub seq: u64,
    /// How many events that entry has already.
    pub index: u32,
    /// The position of the input that is decided about, in its topic.
    pub position: u64,
    /// When the journal's first announcement was made.
    pub first_announced: Timestamp,
    /// What the installation brings along.
    pub config: &'a Config,
}

/// What an installation brings along: put into the journal when a leader begins.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    /// Settings of each pool.
    pub settings: PoolSettings,
    /// Policies that every pool has.
    pub policies: Vec<Arc<Policy>>,
    /// How much of a work list is done at once.
    pub steps: Steps,
    /// A fault planted by a test, to prove that the simulator would see it.
    pub planted: Option<Planted>,
}

/// How much of a work list is done before other inputs have their turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    /// Tasks that it looks at.
    pub look: usize,
    /// Tasks that it decides about.
    pub act: usize,
    /// Steps that one batch takes at most, timers and verdicts included.
    pub batch: usize,
}

impl Default for Steps {
    fn default() -> Self {
        Self { look: 2_000, act: 100, batch: 1_000 }
    }
}

/// Faults that tests plant; none of them is ever set outside of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named after the rule that it breaks")]
pub enum Planted {
    StaleResultCounts,
    KeyForgottenAtEnd,
    InfraCountedOnTest,
    SlotsKeptAfterLoss,
    StartWithoutExpiry,
    StartWithoutBeat,
    RefusedIsRetriedAtOnce,
    SlotsWithoutWhatTheBeatHeld,
    TakenBackByTimer,
    LateBeatIsEvidence,
    MissingLeaseIgnored,
    AnyHelloAccepted,
    VerdictWhileLagging,
    BeatsOnlyAreSignsOfLife,
    LockGrantedAtOnce,
    LockKeptByLostNode,
    /// Neither sent again nor taken back: each of the two alone makes up for the other.
    StartForgotten,
}

impl Context<'_> {
    /// An event of the engine's own.
    pub fn event(&self, pool: &PoolId, event: Body) -> Event {
        Event { pool: pool.clone(), by: By::Engine, event }
    }

    /// Whether a fault is planted.
    pub fn planted(&self, fault: Planted) -> bool {
        self.config.planted == Some(fault)
    }
}

/// What an input needs before it is decided about: its pool, made if it does not exist. To be folded first.
pub fn prepare(state: &State, input: &Input, ctx: &Context<'_>) -> Vec<Event> {
    match input {
        Input::Report(report) => intake::make_pool(state, &report.pool, ctx),
        Input::Request(request) => intake::make_pool(state, &request.pool, ctx),
        Input::Led | Input::Beat(_) | Input::Unreadable { .. } => Vec::new(),
    }
}

/// Decides one input. Returns at most [`model::event::MAX_EVENTS`] events and changes nothing.
pub fn decide(state: &State, soft: &Soft, input: &Input, ctx: &Context<'_>) -> Vec<Event> {
    let too_many = |pool: &PoolId, topic: &str, asked: Option<&Request>| {
        let reason = format!("{} pools exist already, and `{pool}` is not one of them", intake::MAX_POOLS);
        intake::turned_down((pool, topic, 0), &reason, asked, ctx)
    };
    match input {
        Input::Led => intake::led(state, ctx),
        Input::Report(report) => match state.pools.get(&report.pool) {
            Some(pool) => progress::report(pool, soft, report, ctx),
            None => too_many(&report.pool, "reports", None),
        },
        Input::Request(request) => match state.pools.get(&request.pool) {
            Some(pool) => intake::request(pool, request, ctx),
            None => too_many(&request.pool, "requests", Some(request)),
        },
        Input::Beat(_) => Vec::new(),
        Input::Unreadable { pool, topic, hash, reason, asked } => {
            intake::turned_down((pool, topic, *hash), reason, asked.as_deref(), ctx)
        }
    }
}

/// Decides the next thing that a settled beat, an unfinished work list or a timer calls for; empty when there is none.
pub fn due(state: &State, soft: &Soft, ctx: &Context<'_>) -> Vec<Event> {
    first(state, soft, ctx, &[fleet::settled, execution::work, execution::timers])
}

/// Decides the next thing that silence or overrun limits call for; empty when there is none. Costs a look at each
/// node, so it is asked at ticks only.
pub fn watch(state: &State, soft: &Soft, ctx: &Context<'_>) -> Vec<Event> {
    first(state, soft, ctx, &[fleet::verdicts::decide, progress::overdue])
}

type Step = fn(&state::Pool, &PoolId, &Soft, &Context<'_>) -> Vec<Event>;

fn first(state: &State, soft: &Soft, ctx: &Context<'_>, steps: &[Step]) -> Vec<Event> {
    let pools = || state.pools.iter();
    let events = steps.iter().flat_map(|step| pools().map(move |(id, pool)| step(pool, id, soft, ctx)));
    events.into_iter().find(|events| !events.is_empty()).unwrap_or_default()
}

/// Rejects up to an entry are out: what the journal says about that.
pub fn notified(state: &State, position: u64, ctx: &Context<'_>) -> Vec<Event> {
    let first = state.unsent.front().filter(|unsent| unsent.seq <= position);
    first.map(|unsent| ctx.event(&unsent.pool, Body::NotifiedUpTo { position })).into_iter().collect()
}

/// Dispatches the next ready task of any pool; empty when nothing can run.
pub fn schedule(state: &State, soft: &mut Soft, ctx: &Context<'_>) -> Vec<Event> {
    for (id, pool) in &state.pools {
        let events = schedule::next(pool, id, soft, ctx);
        if !events.is_empty() {
            return events;
        }
    }
    Vec::new()
}
