//! What people do, from one moment to the next.

use std::sync::PoisonError;

use model::Timestamp;
use operators::State;
use operators::state::{Phase, Pool, TaskState};

use super::{Event, World};
use crate::people::{flows, verbs};

impl World {
    /// People submit, ask, or send something old again.
    pub(super) fn crowd(&mut self) {
        if self.calm {
            return;
        }
        let at = self.asked_at();
        match self.random.below(100) {
            0..55 => self.submit(at),
            55..90 => {
                let mut random = self.random.clone();
                let ask = self.shown(|state| verbs::draw(&self.people, state, &mut random));
                self.random = random;
                if let Some(ask) = ask {
                    let lines = self.people.ask("ada", vec![ask], at, self.now);
                    self.send_requests(lines);
                }
            }
            _ => {
                if let Some(line) = self.people.stale(&mut self.random) {
                    self.send_requests(vec![line]);
                }
            }
        }
        let wait = self.random.between(20, self.knobs.submit_ms);
        self.after(wait, Event::Crowd);
    }

    fn submit(&mut self, at: Timestamp) {
        // Nobody piles up more than a pool can do.
        if self.people.open.len() > 12 || self.live() > 25 {
            return;
        }
        let large = self.knobs.large && self.random.chance(100);
        self.knobs.large &= !large;
        let asks = flows::draw(&self.knobs, large, &mut self.random);
        let lines = self.people.ask("bob", asks, at, self.now);
        self.send_requests(lines);
    }

    /// Whoever was not answered asks again.
    pub(super) fn impatience(&mut self) {
        let lines = self.people.again(self.now);
        self.send_requests(lines);
        self.after(400, Event::Impatience);
    }

    /// When faults are over, what is paused is resumed.
    pub(super) fn settle_down(&mut self) {
        let at = self.asked_at();
        for ask in self.shown(verbs::settle) {
            let lines = self.people.ask("eve", vec![ask], at, self.now);
            self.send_requests(lines);
        }
    }

    /// By the clock of a gateway, which is a little off.
    fn asked_at(&mut self) -> Timestamp {
        let at = self.engine_time();
        Timestamp((at.0 + self.random.below(2_000)).saturating_sub(1_000))
    }

    /// The newest state that some instance shows.
    pub fn shown<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        let replicas = self.engines.iter().filter_map(|e| e.partition.as_ref()).map(|p| &p.replica);
        let newest = replicas.max_by_key(|r| r.read().unwrap_or_else(PoisonError::into_inner).seq);
        match newest {
            Some(replica) => look(&replica.read().unwrap_or_else(PoisonError::into_inner).state),
            None => look(&State::default()),
        }
    }

    fn live(&self) -> usize {
        let open = |state: &State| {
            state.pools.values().flat_map(|p| p.executions.values()).filter(|e| e.ended.is_none()).count()
        };
        self.shown(open)
    }
}

impl World {
    /// Whether everybody was answered and nothing goes on that could end by itself.
    pub fn is_settled(&mut self) -> bool {
        if !self.calm || !self.people.open.is_empty() {
            return false;
        }
        let (paused, settled) = self.shown(|state| {
            let executions = state.pools.values().flat_map(|p| p.executions.values().map(move |e| (p, e)));
            let live: Vec<_> = executions.filter(|(_, e)| e.ended.is_none()).collect();
            let settled = live.iter().all(|(pool, e)| e.counts.live() > 0 && e.tasks.iter().all(|t| stuck(pool, t)));
            (live.iter().any(|(_, e)| e.paused), settled)
        });
        if paused {
            self.settle_down();
        }
        settled && !paused
    }
}

impl World {
    /// What is still open, for people who look into a failing seed.
    pub fn open_things(&self) -> Vec<String> {
        let state = self.shown(State::clone);
        let mut lines: Vec<String> = self.people.open.keys().map(|key| format!("no answer to {key}")).collect();
        for (id, pool) in &state.pools {
            for execution in pool.executions.values().filter(|e| e.ended.is_none()) {
                let stuck: Vec<String> = (execution.tasks.iter())
                    .filter(|t| !t.phase.is_over() && t.phase != Phase::Waiting)
                    .take(4)
                    .map(|t| format!("{} {:?} {:?}", t.spec.id, t.needs(), t.phase))
                    .collect();
                let work = execution.work;
                lines.push(format!("{id}/{} {:?} work {work}: {}", execution.id, execution.counts, stuck.join("; ")));
            }
            lines.push(format!("work {:?}", pool.work));
            lines.push(format!("locks {:?}", pool.locks));
            for (name, node) in &pool.nodes {
                let (slots, leases) = (node.slots, &node.leases);
                lines.push(format!("{name} {:?} {slots} slots, {leases:?} seen {:?}", node.presence, node.seen));
            }
        }
        lines
    }
}

/// Whether a task does not go on, since no node fits it or since it waits for others.
fn stuck(pool: &Pool, task: &TaskState) -> bool {
    match &task.phase {
        Phase::Ready { .. } => {
            let needs = task.needs();
            !pool.nodes.values().any(|node| {
                let labels = needs.labels.iter().all(|(key, value)| node.labels.get(key) == Some(value));
                labels && needs.slots <= node.slots && needs.memory_mb <= node.memory_mb
            })
        }
        Phase::BackingOff { .. } | Phase::Running(_) => false,
        Phase::Waiting
        | Phase::Passed
        | Phase::Failed
        | Phase::Cancelled
        | Phase::Skipped { .. }
        | Phase::Parked { .. } => true,
    }
}
