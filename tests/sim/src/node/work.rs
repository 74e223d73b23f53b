//! Work: an attempt under its supervisor, which lives without the agent and ends it when nobody renews its lease.

use model::report::{Cause, End};
use model::{LeaseId, Millis};
use serde::{Deserialize, Serialize};

use super::plan::{self, Plan};
use super::{Frozen, Node};

/// An attempt that a node holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Held {
    /// Its lease.
    pub lease: LeaseId,
    /// It holds a lock.
    pub strict: bool,
    /// Slots that it takes.
    pub slots: u32,
    /// From SIGTERM to SIGKILL.
    pub grace: Millis,
    /// Until when it may live, by the node's clock.
    pub deadline: u64,
    /// What it will do.
    pub plan: Plan,
    /// How far it is.
    pub stage: Stage,
    /// What was reported: that it runs, and so many steps.
    pub told: (bool, u32),
}

/// How far an attempt is; times are the world's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Stage {
    /// Its process is being made.
    Launching {
        /// Until then.
        at: u64,
    },
    /// Its process runs.
    Running {
        /// Since when.
        from: u64,
        /// Until when, if it ends by itself.
        to: Option<u64>,
    },
    /// It was asked to go.
    Ending {
        /// It is gone then.
        at: u64,
        /// Why.
        cause: Cause,
        /// Whether it ran.
        ran: bool,
    },
    /// Nothing of it runs any more; its end is not stored yet.
    Over(End),
    /// It died with its machine: the next life says so.
    Dead,
}

impl Held {
    /// Whether its process runs.
    pub fn is_running(&self) -> bool {
        match self.stage {
            Stage::Running { .. } => true,
            Stage::Ending { ran, .. } => ran,
            Stage::Launching { .. } | Stage::Over(_) | Stage::Dead => false,
        }
    }

    /// The machine stood still for so long.
    pub fn shift(&mut self, by: u64) {
        match &mut self.stage {
            Stage::Launching { at } | Stage::Ending { at, .. } => *at += by,
            Stage::Running { from, to } => {
                *from += by;
                if let Some(to) = to {
                    *to += by;
                }
            }
            Stage::Over(_) | Stage::Dead => {}
        }
    }

    /// Its machine died.
    pub fn die(&mut self) {
        if !matches!(self.stage, Stage::Over(_)) {
            self.stage = Stage::Dead;
        }
    }

    /// When something is due, as seen by its supervisor.
    pub fn next_at(&self, node: &Node, now: u64) -> Option<u64> {
        let until_deadline = now + self.deadline.saturating_sub(node.up(now)) + 1;
        match self.stage {
            Stage::Launching { at } if node.moves() => Some(at.min(until_deadline)),
            Stage::Launching { .. } => Some(until_deadline),
            Stage::Ending { at, .. } => Some(at),
            Stage::Running { from, to } => {
                let step = self.next_step(from, to);
                to.into_iter().chain(step).chain([until_deadline]).min()
            }
            Stage::Over(_) | Stage::Dead => None,
        }
    }

    fn next_step(&self, from: u64, to: Option<u64>) -> Option<u64> {
        let length = to? - from;
        let done = self.told.1;
        (done < self.plan.steps).then(|| from + length * u64::from(done + 1) / u64::from(self.plan.steps + 1))
    }

    /// Whether the next step of progress is due.
    pub fn step_due(&self, now: u64) -> bool {
        match self.stage {
            Stage::Running { from, to } => self.next_step(from, to).is_some_and(|at| at <= now),
            Stage::Launching { .. } | Stage::Ending { .. } | Stage::Over(_) | Stage::Dead => false,
        }
    }

    /// Is asked to end: with `grace` none at once.
    pub fn stop(&mut self, cause: Cause, grace: Option<Millis>, now: u64) {
        let linger = grace.map_or(0, |grace| self.plan.linger.min(grace.0));
        match self.stage {
            Stage::Launching { .. } => self.stage = Stage::Ending { at: now, cause, ran: false },
            Stage::Running { .. } => self.stage = Stage::Ending { at: now + linger, cause, ran: true },
            Stage::Ending { ref mut at, .. } => *at = (*at).min(now + linger),
            Stage::Over(_) | Stage::Dead => {}
        }
    }
}

impl Node {
    /// The supervisors' part: processes begin and end, and leases that nobody renewed are ended.
    pub(super) fn supervise(&mut self, now: u64) {
        let up = self.up(now);
        let agent_moves = self.agent.is_some() && self.frozen == Frozen::Nothing;
        let Self { disk, ledger, rare, .. } = self;
        for held in disk.held.values_mut() {
            let ends = matches!(held.stage, Stage::Launching { .. } | Stage::Running { .. });
            if ends && up > held.deadline {
                let (cause, grace) =
                    if held.strict { (Cause::Strict, None) } else { (Cause::Orphan, Some(held.grace)) };
                rare.push(if held.strict { "strict kill" } else { "orphan kill" });
                if let Stage::Running { to: Some(to), .. } = held.stage
                    && to <= now
                {
                    // It had ended before.
                } else {
                    held.stop(cause, grace, now);
                }
            }
            if let Stage::Launching { at } = held.stage
                && at <= now
                && agent_moves
            {
                let to = held.plan.length.map(|length| at.max(now) + length);
                held.stage = Stage::Running { from: now, to };
                ledger.start(held.lease, now);
            }
            match held.stage {
                Stage::Running { to: Some(to), .. } if to <= now => {
                    ledger.end(held.lease, now);
                    held.stage = Stage::Over(held.plan.end.clone());
                }
                Stage::Ending { at, cause, .. } if at <= now => {
                    ledger.end(held.lease, now);
                    let signal = Some(if held.strict { 9 } else { 15 });
                    held.stage = Stage::Over(End { signal, ..plan::end(cause) });
                }
                Stage::Running { .. }
                | Stage::Ending { .. }
                | Stage::Launching { .. }
                | Stage::Over(_)
                | Stage::Dead => {}
            }
        }
    }
}
