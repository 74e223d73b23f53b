//! A model node: written from the wire's page alone, so that engine and agent are judged by a third hand.
//!
//! It is a machine with a disk (what survives), an agent (what does not) and work that supervisors run, which go on
//! without the agent. It is told the time and what came over the network, and says what it sends. What really ran,
//! from when to when, stands in its [`ledger`]: the checker's truth.

pub mod agent;
pub mod disk;
pub mod hearing;
pub mod ledger;
pub mod plan;
pub mod work;

use std::collections::BTreeMap;

use model::command::Order;
use model::{NodeId, PoolId};

use crate::random::Random;
use agent::Agent;
use disk::Disk;
use ledger::Ledger;

/// What does not move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frozen {
    /// Nothing: all moves.
    Nothing,
    /// The agent alone: supervisors go on.
    Agent,
    /// The whole machine; its clock runs on.
    Machine,
}

/// A node.
#[derive(Debug)]
pub struct Node {
    /// Its number in the world; two may share a name.
    pub index: usize,
    /// Its name.
    pub name: NodeId,
    /// The pool that it serves.
    pub pool: PoolId,
    /// Its slots.
    pub slots: u32,
    /// Its memory in MiB.
    pub memory_mb: u64,
    /// Its zone.
    pub zone: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What survives a crash.
    pub disk: Disk,
    /// What does not; none while the agent is down.
    pub agent: Option<Agent>,
    /// What does not move.
    pub frozen: Frozen,
    /// Since when.
    pub frozen_at: u64,
    /// The disk takes nothing.
    pub disk_full: bool,
    /// What really ran.
    pub ledger: Ledger,
    /// Its clock: how far it is off, and how many millionths it is fast.
    pub clock: (u64, i64),
    /// A request that is not answered for so long is sent again.
    pub patience: u64,
    /// Its own chance.
    pub random: Random,
    /// What came while it did not move.
    pub inbox: Vec<Order>,
    /// Counts its lives, so that an answer to an earlier one is not taken for this one's.
    pub life: u32,
    /// What it did that is rare.
    pub rare: Vec<&'static str>,
}

/// What a node sends.
#[derive(Debug, Clone, PartialEq)]
pub enum Say {
    /// Reports, each a line, under a number that its acknowledgement names.
    Reports {
        /// The number of this request.
        request: u64,
        /// The lines.
        lines: Vec<Vec<u8>>,
    },
    /// A beat.
    Beat(Vec<u8>),
}

impl Node {
    /// The node's own clock.
    pub fn up(&self, now: u64) -> u64 {
        let (offset, fast) = self.clock;
        let drift = i64::try_from(now).unwrap_or(i64::MAX) * fast / 1_000_000;
        (offset + now).saturating_add_signed(drift)
    }

    /// Goes on to `now`: what is due happens. Returns what it sends.
    pub fn wake(&mut self, now: u64) -> Vec<Say> {
        if self.frozen == Frozen::Machine {
            return Vec::new();
        }
        self.supervise(now);
        if self.frozen == Frozen::Agent {
            return Vec::new();
        }
        for order in std::mem::take(&mut self.inbox) {
            self.hear(order, now);
        }
        self.act(now)
    }

    /// Takes what came over the network.
    pub fn receive(&mut self, order: Order, now: u64) -> Vec<Say> {
        if self.frozen == Frozen::Nothing {
            self.supervise(now);
            self.hear(order, now);
            return self.act(now);
        }
        // A connection holds so much until its reader moves again.
        if self.inbox.len() < 20 {
            self.inbox.push(order);
        }
        Vec::new()
    }

    /// Stops moving.
    pub fn freeze(&mut self, what: Frozen, now: u64) {
        if self.frozen == Frozen::Nothing {
            self.supervise(now);
            (self.frozen, self.frozen_at) = (what, now);
            if what == Frozen::Machine {
                self.disk.held.keys().for_each(|lease| self.ledger.pause(*lease, now));
            }
        }
    }

    /// Moves again.
    pub fn thaw(&mut self, now: u64) -> Vec<Say> {
        if self.frozen == Frozen::Nothing {
            return Vec::new();
        }
        let asleep = now - self.frozen_at;
        if std::mem::replace(&mut self.frozen, Frozen::Nothing) == Frozen::Machine {
            for held in self.disk.held.values_mut() {
                held.shift(asleep);
                if held.is_running() {
                    self.ledger.resume(held.lease, now);
                }
            }
        }
        self.wake(now)
    }

    /// The agent dies; with `machine`, all work too.
    pub fn crash(&mut self, machine: bool, now: u64) {
        if self.frozen == Frozen::Machine {
            // A machine that sleeps is switched off: what it ran has long stood still.
            self.frozen = Frozen::Nothing;
        } else {
            self.frozen = Frozen::Nothing;
            self.supervise(now);
        }
        self.agent = None;
        self.inbox.clear();
        self.life += 1;
        if machine {
            for held in self.disk.held.values_mut() {
                held.die();
                self.ledger.end(held.lease, now);
            }
        }
    }

    /// Its disk loses all that it knew of one attempt.
    pub fn lose_one(&mut self, now: u64) {
        if let Some((lease, _)) = self.disk.held.pop_first() {
            self.ledger.end(lease, now);
        }
    }

    /// When something is due next, if anything is.
    pub fn next_at(&self, now: u64) -> Option<u64> {
        if self.frozen == Frozen::Machine {
            return None;
        }
        let work = self.disk.held.values().filter_map(|held| held.next_at(self, now)).min();
        let agent = match (self.frozen, &self.agent) {
            (Frozen::Nothing, Some(agent)) => self.agent_next(agent, now),
            (Frozen::Nothing | Frozen::Agent | Frozen::Machine, _) => None,
        };
        work.into_iter().chain(agent).min().map(|at| at.max(now + 1))
    }
}
