//! The operators alone, driven as a leader drives them: what decisions cost, without JSON and without a second state.

use std::time::Duration;

use model::{Body, Event, Heartbeat, JournalId, Millis, PoolSettings, Report, Timestamp};
use operators::fold::When;
use operators::{Config, Context, Input, Soft, State};

use crate::core::fleet::{self, EXECUTIONS, Fleet, pool};
use crate::core::ladder::{Said, Subject, timed};

/// A state and what its leader has observed.
pub struct Decided {
    state: State,
    soft: Soft,
    config: Config,
    now: Timestamp,
    seq: u64,
    index: u32,
    flows: u32,
    said: Said,
}

/// Settings with which an ended execution leaves at once, so that the state keeps its size.
pub fn settings() -> PoolSettings {
    PoolSettings { ended_ms: Millis(1), ..PoolSettings::default() }
}

/// Begins long after the journal did: locks are granted.
pub const BEGIN: Timestamp = Timestamp(3_600_000);

impl Decided {
    /// A pool with its fleet, and no flow.
    pub fn with_fleet(fleet: &Fleet) -> Self {
        let mut soft = Soft::default();
        soft.reset(&State::default(), BEGIN);
        let config = Config { settings: settings(), ..Config::default() };
        let said = Said::default();
        let mut decided = Self { state: State::default(), soft, config, now: BEGIN, seq: 1, index: 0, flows: 0, said };
        let put = fleet::event(Body::PoolSettingsPut { settings: settings() });
        decided.fold([put].into_iter().chain(fleet.joins()).collect());
        decided
    }

    /// The state, to begin something else with.
    pub fn into_state(self) -> State {
        self.state
    }

    /// Takes a flow in, until all that it causes is done.
    pub fn add(&mut self, parts: Vec<model::request::Submit>) {
        self.flows += 1;
        let key = fleet::key(&format!("k{}", self.flows));
        let parts = parts.into_iter().map(|part| Body::FlowPart { key: key.clone(), submit: Box::new(part) });
        let begins = Body::ExecutionStarted { execution: self.flows, key: key.clone(), policies: Vec::new() };
        let events = parts.chain([begins]).map(fleet::event).collect();
        self.fold(events);
    }

    /// Hears a beat.
    pub fn hear(&mut self, beat: &Heartbeat) {
        self.soft.observe_beat(&self.state, beat, self.now);
    }

    /// Decides what is due, then dispatches, until nothing is left; then the entry is closed.
    pub fn go_on(&mut self) {
        self.soft.caught_up = true;
        loop {
            let events = operators::due(&self.state, &self.soft, &self.context());
            if events.is_empty() {
                break;
            }
            self.fold(events);
        }
        self.soft.settle(&self.state);
        loop {
            let config = std::mem::take(&mut self.config);
            let ctx = context(&config, (self.now, self.seq, self.index));
            let events = operators::schedule(&self.state, &mut self.soft, &ctx);
            self.config = config;
            if events.is_empty() {
                break;
            }
            self.fold(events);
        }
        self.seq += 1;
        self.index = 0;
        self.now = self.now + Millis(1);
    }

    /// What was dispatched and ended since this was asked last.
    pub fn said(&mut self) -> Said {
        std::mem::take(&mut self.said)
    }

    fn report(&mut self, report: Report) {
        self.soft.observe_report(&self.state, &report, self.now);
        let input = Input::Report(report);
        let prepared = operators::prepare(&self.state, &input, &self.context());
        self.fold(prepared);
        let events = operators::decide(&self.state, &self.soft, &input, &self.context());
        self.fold(events);
    }

    fn context(&self) -> Context<'_> {
        context(&self.config, (self.now, self.seq, self.index))
    }

    fn fold(&mut self, events: Vec<Event>) {
        let when = When { now: self.now, seq: self.seq };
        for event in events {
            operators::fold(&mut self.state, &event, when);
            operators::soft_events::observe(&self.state, &mut self.soft, &event, self.now);
            let command = operators::commands::of(&self.state, &event, &self.context());
            std::hint::black_box(&command);
            if let Body::AttemptDispatched(dispatch) = &event.event {
                self.said.dispatched.push((dispatch.node.clone(), dispatch.lease));
            }
            self.said.ended += u32::from(matches!(event.event, Body::ExecutionEnded { .. }));
            self.index += 1;
        }
    }
}

fn context(config: &Config, (now, seq, index): (Timestamp, u64, u32)) -> Context<'_> {
    Context {
        now,
        journal: JournalId(5),
        partition: 0,
        epoch: 1,
        seq,
        index,
        position: 0,
        first_announced: Timestamp(0),
        config,
    }
}

impl Subject for Decided {
    fn begin(fleet: &Fleet, tasks: u32) -> Self {
        let mut decided = Self::with_fleet(fleet);
        for _ in 0..EXECUTIONS {
            decided.add(fleet::flow("nightly", tasks, fleet::usual));
        }
        decided.go_on();
        decided
    }

    fn take(&mut self, reports: Vec<Report>, beat: Option<Heartbeat>) -> Said {
        let mut took = Duration::ZERO;
        timed(&mut took, || {
            for report in reports {
                self.report(report);
            }
            if let Some(beat) = &beat {
                self.hear(beat);
            }
            self.go_on();
        });
        Said { took, ..self.said() }
    }

    fn submit(&mut self, tasks: u32) -> Said {
        self.add(fleet::flow("nightly", tasks, fleet::usual));
        self.go_on();
        self.said()
    }

    fn visits(&self) -> u64 {
        self.soft.pool(&pool()).map_or(0, |seen| seen.agenda.visits)
    }
}
