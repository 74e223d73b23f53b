//! What is done when it is due: by nodes, by people, and by nodes on the leader's word.

use std::collections::VecDeque;

use model::command::{Order, Start};
use model::report::{Cause, Refusal};
use model::{Command, PoolId};
use operators::Input;

use super::{Due, World};
use crate::calendar::{self, Whim};
use crate::node::{Link, Work};
use crate::people::{self, Wish};
use crate::plan::{self, Place, Step};

/// From one beat to the next.
const BEAT_MS: u64 = 5_000;

impl World {
    pub(super) fn happens(&mut self, due: Due, at: u64) {
        match due {
            Due::Tick => self.tick(at),
            Due::Boot(node) => self.boot(node, at),
            Due::Hello { node, life } => {
                if self.nodes[node].life == life && self.nodes[node].link == Link::On {
                    self.nodes[node].hello(at);
                    self.beat(node, at);
                }
            }
            Due::Beat { node, life } => {
                if self.nodes[node].life == life && self.nodes[node].link != Link::Off {
                    self.beat(node, at);
                    self.at(at + BEAT_MS, Due::Beat { node, life });
                }
            }
            Due::Work { node, life, lease } => {
                if self.nodes[node].life == life && self.nodes[node].link != Link::Off {
                    self.work(node, lease, at);
                }
            }
            Due::Alone { node, cut } => self.alone(node, cut, at),
            Due::Back { node, cut } => self.back(node, cut, at),
            Due::Leave(node) => self.leave(node, at),
            Due::Fault(fault) => self.strikes(fault, at),
            Due::Submit { programme, nth } => self.submit(programme, nth, at),
            Due::Whim(whim) => self.has_whim(whim, at),
            Due::Ask { pool, ask, reason } => {
                self.to_come -= 1;
                self.keys += 1;
                let key = format!("ada-{}", self.keys);
                self.hear(&Input::Request(people::request(&pool, "ada", &key, at, (*ask, reason))));
            }
        }
    }

    fn boot(&mut self, index: usize, at: u64) {
        if self.closing || self.nodes[index].link != Link::Off {
            return;
        }
        self.nodes[index].boot(at, &mut self.random);
        self.beat(index, at);
        let life = self.nodes[index].life;
        self.at(at + BEAT_MS, Due::Beat { node: index, life });
    }

    /// What gets through of a node's reports goes to the leader.
    pub(super) fn send(&mut self, index: usize) {
        for report in self.nodes[index].sends() {
            self.hear(&Input::Report(report));
        }
    }

    /// A node beats, after the reports that it speaks of.
    pub(super) fn beat(&mut self, index: usize, at: u64) {
        self.send(index);
        if self.nodes[index].link == Link::On {
            let beat = self.nodes[index].beats(at);
            self.hear(&Input::Beat(beat));
        }
    }

    fn work(&mut self, index: usize, lease: model::LeaseId, at: u64) {
        let life = self.nodes[index].life;
        while let Some(step) = self.nodes[index].step(lease, at) {
            match step {
                Step::Says(kind) => self.nodes[index].say(kind, at),
                Step::KillsNode => {
                    let down = self.random.between(12_000, 24_000);
                    return self.dies(index, at + down);
                }
            }
        }
        self.send(index);
        if let Some(next) = self.nodes[index].next_step(lease) {
            self.at(next, Due::Work { node: index, life, lease });
        }
    }

    fn leave(&mut self, index: usize, at: u64) {
        let node = &mut self.nodes[index];
        if node.link != Link::On {
            // Cut off meanwhile: it leaves when it is back.
            node.leaving = false;
            return;
        }
        node.goodbye("nothing to do until tomorrow night", true, at);
        self.send(index);
        self.nodes[index].link = Link::Off;
    }

    /// Nodes do what the leader told them.
    pub(super) fn deliver(&mut self) {
        for Command { node, order, .. } in std::mem::take(&mut self.engine.told.orders) {
            let Some(index) = self.nodes.iter().position(|n| n.name == node && n.link == Link::On) else { continue };
            let at = self.now + self.random.between(1, 25);
            match order {
                Order::Start(start) => self.start(index, &start, at),
                Order::Cancel { lease, grace_ms, .. } => self.end(index, lease, at, grace_ms.0),
                Order::Renew(renew) => {
                    if renew.hello {
                        let life = self.nodes[index].life;
                        self.at(at, Due::Hello { node: index, life });
                    }
                    for lease in renew.stop {
                        self.end(index, lease, at, 3_000);
                    }
                }
            }
        }
    }

    fn start(&mut self, index: usize, start: &Start, at: u64) {
        let (life, lease) = (self.nodes[index].life, start.lease);
        if !self.nodes[index].takes(&start.boot, lease) {
            return;
        }
        if self.random.chance(2) {
            // Its disk is full for a moment.
            self.nodes[index].refuse(lease, Refusal::Closed, at);
            return;
        }
        let night = self.night();
        let lame = calendar::lame(night, self.nodes.len()) == Some(index);
        let place = Place { night, lame, slow: self.nodes[index].slow };
        let steps: VecDeque<_> =
            plan::draw(start, place, &mut self.random).into_iter().map(|(after, step)| (at + after, step)).collect();
        self.nodes[index].held.insert(lease, Work { steps, strict: start.strict, ending: false });
        if let Some(first) = self.nodes[index].next_step(lease) {
            self.at(first, Due::Work { node: index, life, lease });
        }
    }

    fn end(&mut self, index: usize, lease: model::LeaseId, at: u64, grace: u64) {
        let (life, at) = (self.nodes[index].life, at + self.random.below(grace.min(4_000) + 1));
        if self.nodes[index].end(lease, Cause::Cancel, at) {
            self.at(at, Due::Work { node: index, life, lease });
        }
    }

    fn submit(&mut self, programme: usize, nth: u32, at: u64) {
        self.to_come -= 1;
        let programme = &self.programmes[programme];
        let submit = programme.submit.clone();
        let flow = submit.flow.head.as_ref().map_or("flow", |head| head.flow.as_str());
        let key = format!("{flow}.night-{}.{}", self.nights, nth + 1);
        let ask = model::Ask::Submit(submit);
        let request = people::request(&programme.pool, "scheduler", &key, at, (ask, "every night at two"));
        self.hear(&Input::Request(request));
    }

    fn has_whim(&mut self, whim: Whim, at: u64) {
        let flow = match whim {
            Whim::Pause => "nightly-web",
            Whim::Cancel => "api",
        };
        let pool = self.programmes[0].pool.clone();
        let Some(state) = self.engine.state.pools.get(&pool) else { return };
        let mut open = state.executions.values().filter(|e| e.ended.is_none() && e.id.flow.as_str() == flow);
        let Some(execution) = open.next_back() else { return };
        let wishes = match whim {
            Whim::Pause => people::pause(execution, &mut self.random).into(),
            Whim::Cancel => vec![people::cancel(execution, &mut self.random)],
        };
        self.wish(&pool, wishes, at);
    }

    /// What people do about an execution whose round has ended.
    pub(super) fn look_after(&mut self, pool: &PoolId, number: u32) {
        let Some(execution) = self.engine.state.pools.get(pool).and_then(|p| p.execution(number)) else { return };
        let wishes = people::look_after(execution, &mut self.random);
        self.wish(pool, wishes, self.now);
    }

    fn wish(&mut self, pool: &PoolId, wishes: Vec<Wish>, at: u64) {
        for Wish { after, ask, reason } in wishes {
            self.to_come += 1;
            self.at(at + after, Due::Ask { pool: pool.clone(), ask: Box::new(ask), reason });
        }
    }
}
