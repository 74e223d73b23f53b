//! Faults: what goes wrong, for how long, and how all of it ends.

use std::sync::Arc;

use model::request::{Ask, RetryScope};
use model::{ExecutionId, FlowId};
use protocol::In;
use protocol::log::Topic;

use super::appends::Fate;
use super::{Event, World};
use crate::history::Blind;
use crate::knobs::TRIPPER;
use crate::node::Frozen;
use crate::node::disk::Disk;

/// The end of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heal {
    /// A node's agent is started.
    NodeUp(usize),
    /// A node moves again.
    NodeThaw(usize),
    /// A node is connected and quick again.
    NodeConnected(usize),
    /// A node's disk takes reports again.
    NodeDisk(usize),
    /// An instance is started.
    EngineUp(usize),
    /// An instance moves again.
    EngineThaw(usize, u64),
    /// The network loses no more than usual.
    Net,
    /// An instance's appends are quick again.
    EngineQuick(usize),
}

const DAY: i64 = 86_400_000;

impl World {
    /// A fault, of any kind.
    pub(super) fn fault(&mut self) {
        self.faults += 1;
        let node = usize::try_from(self.random.below(self.nodes.len() as u64)).unwrap_or(0);
        let engine = usize::try_from(self.random.below(self.engines.len() as u64)).unwrap_or(0);
        let lost = self.knobs.settings.lost_ms.0;
        let long = self.random.skewed(100, lost * 4);
        let kind = self.random.below(34);
        self.trace.line(self.now, format_args!("fault {kind} of n{node} or e{engine} for {long}"));
        match kind {
            0..12 => self.node_fault(kind, node, long),
            12..22 => self.engine_fault(kind, engine, long),
            22..29 => self.append_fault(kind),
            29 => {
                (self.net.loss, self.net.twice) = (self.random.below(300), self.random.below(300));
                self.after(long, Event::Heal(Heal::Net));
            }
            30 => self.damage_snapshot(),
            31 => self.log_full_until = self.now + long.min(4_000),
            _ => self.poison(),
        }
    }

    fn node_fault(&mut self, kind: u64, node: usize, long: u64) {
        let connected = Event::Heal(Heal::NodeConnected(node));
        match kind {
            0 | 1 => self.crash_node(node, kind == 0, long),
            2 => {
                self.crash_node(node, true, long);
                let boot = model::BootId::new(&format!("w{:x}", self.random.next() >> 32)).expect("a plain name");
                self.nodes[node].disk = Disk::new(boot);
            }
            3 | 4 => {
                let what = if kind == 3 { Frozen::Agent } else { Frozen::Machine };
                self.nodes[node].freeze(what, self.now);
                self.after(long, Event::Heal(Heal::NodeThaw(node)));
            }
            5 => {
                self.net.slow[node] = self.random.between(5, 60);
                self.after(long, connected);
            }
            6..9 => {
                (self.net.cut_up[node], self.net.cut_down[node]) = (kind != 7, kind != 6);
                let long = if self.random.chance(300) { long + self.knobs.settings.orphan_ms.0 } else { long };
                self.after(long, connected);
            }
            9 => self.cut_zone(node, long),
            10 => {
                self.nodes[node].disk_full = true;
                self.after(long, Event::Heal(Heal::NodeDisk(node)));
            }
            _ if self.random.chance(350) => self.drive(node, |node, now| node.leave(now)),
            _ if self.random.chance(500) => self.nodes[node].lose_one(self.now),
            _ => self.twin(node),
        }
    }

    fn crash_node(&mut self, node: usize, machine: bool, long: u64) {
        self.nodes[node].crash(machine, self.now);
        self.after(long, Event::Heal(Heal::NodeUp(node)));
        self.drive(node, |node, now| node.wake(now));
    }

    fn cut_zone(&mut self, node: usize, long: u64) {
        let zone = self.nodes[node].zone.clone();
        for index in 0..self.nodes.len() {
            if self.nodes[index].zone == zone {
                (self.net.cut_up[index], self.net.cut_down[index]) = (true, true);
                self.after(long, Event::Heal(Heal::NodeConnected(index)));
            }
        }
    }

    /// A second agent of the same name.
    fn twin(&mut self, of: usize) {
        if self.nodes.len() >= self.knobs.nodes + 2 {
            return;
        }
        let index = self.nodes.len();
        let mut twin = super::network::node(index, &self.knobs, &mut self.random);
        twin.name = self.nodes[of].name.clone();
        self.nodes.push(twin);
        self.wakes.push(0);
        self.net.connect();
        self.heal(Heal::NodeUp(index));
    }

    fn engine_fault(&mut self, kind: u64, engine: usize, long: u64) {
        match kind {
            12 | 13 => self.engines[engine].armed = self.engines[engine].is_up(),
            14 | 15 => self.pause(engine, long),
            16 | 17 => {
                self.counters.add("wall clock jumped");
                let by = [DAY * 1_000, DAY * -1_000, DAY / 8, -DAY / 8, DAY * 20, 10_000, -10_000];
                let by = self.random.pick(&by).copied().unwrap_or(0);
                self.engines[engine].wall += by;
            }
            18 => {
                self.counters.add("reads stalled");
                for stream in 0..4 {
                    if self.random.chance(400) {
                        self.engines[engine].stalled[stream] = self.now + long;
                        self.history.blind.push(Blind { engine, from: self.now, to: self.now + long, pause: false });
                    }
                }
            }
            19 => {
                self.counters.add("two announced at once");
                (0..self.engines.len()).for_each(|engine| self.lead(engine));
            }
            20 => {
                self.engines[engine].slow_ms = self.random.skewed(50, 4_000);
                self.after(long, Event::Heal(Heal::EngineQuick(engine)));
            }
            _ => self.resign(engine),
        }
    }

    fn lead(&mut self, engine: usize) {
        if !self.engines[engine].paused {
            self.tell(engine, In::Lead);
        }
    }

    fn pause(&mut self, engine: usize, long: u64) {
        if self.engines[engine].is_up() && !self.engines[engine].paused {
            self.engines[engine].paused = true;
            self.history.blind.push(Blind { engine, from: self.now, to: self.now + long, pause: true });
            self.after(long, Event::Heal(Heal::EngineThaw(engine, self.now)));
        }
    }

    /// A planned stop.
    fn resign(&mut self, engine: usize) {
        if self.engines[engine].is_up() && !self.engines[engine].paused {
            self.counters.add("resigned");
            self.tell(engine, In::Resign);
            self.engine_down(engine, "a planned stop");
        }
    }

    fn append_fault(&mut self, kind: u64) {
        let late = self.random.skewed(500, 8_000);
        let fate = match kind {
            22 => Fate::Lost,
            23 | 24 => Fate::Twice,
            25 => Fate::Failed,
            26 => Fate::FailedButPlaced,
            _ => Fate::Late(late),
        };
        if self.append_faults.len() < 4 {
            self.append_faults.push(fate);
        }
    }

    fn damage_snapshot(&mut self) {
        let start = self.tapes.of(Topic::Journal).start();
        if !self.store.both_good() || self.store.kept[0].position < start {
            return;
        }
        let (flip, cut) = (self.random.next(), self.random.chance(500));
        if self.random.chance(250) {
            self.store.kept.pop();
        } else if let Some(newest) = self.store.kept.last_mut() {
            newest.good = false;
            let at = usize::try_from(flip % newest.text.len().max(1) as u64).unwrap_or(0);
            if cut {
                newest.text.truncate(at);
            } else {
                newest.text[at] ^= 1 << (flip >> 60 & 7);
            }
        }
        // It is needed soon.
        if self.random.chance(500) {
            let engine = usize::try_from(self.random.below(self.engines.len() as u64)).unwrap_or(0);
            self.engines[engine].armed = self.engines[engine].is_up();
        }
    }

    fn poison(&mut self) {
        let trips = self.random.chance(400);
        let at = self.engine_time();
        let execution = ExecutionId { flow: FlowId::new("none").expect("a plain name"), number: 1 };
        let ask = if trips {
            Ask::Pause { execution }
        } else {
            Ask::Retry { execution, scope: RetryScope::Failed, drop_checkpoints: false }
        };
        if trips {
            let lines = self.people.ask(TRIPPER, vec![ask], at, self.now);
            // Nobody is ever told what became of it.
            self.people.forget_last();
            self.send_requests(lines);
            return;
        }
        let junk: Arc<[&str]> =
            Arc::new(["", "null", "{\"kind\":\"dance\"}", "[1,2", "\u{0}\u{1}", "{\"pool\":\"p\"}"]);
        let line = self.random.pick(&junk).map_or(Vec::new(), |text| text.as_bytes().to_vec());
        let topics = [Topic::Requests, Topic::Reports, Topic::Heartbeats];
        let topic = topics[usize::try_from(self.random.below(3)).unwrap_or(0)];
        self.append_input(topic, vec![line], None);
    }

    pub(super) fn heal(&mut self, heal: Heal) {
        match heal {
            Heal::NodeUp(node) => {
                let settings = self.knobs.settings;
                let spans = [settings.strict_ms(), settings.orphan_ms, settings.beat_ms];
                self.drive(node, |node, now| node.start(spans, now));
            }
            Heal::NodeThaw(node) => self.drive(node, |node, now| node.thaw(now)),
            Heal::NodeConnected(node) => {
                (self.net.cut_up[node], self.net.cut_down[node], self.net.slow[node]) = (false, false, 1);
            }
            Heal::NodeDisk(node) => {
                self.nodes[node].disk_full = false;
                self.drive(node, |node, now| node.wake(now));
            }
            Heal::EngineUp(engine) => self.engine_up(engine),
            Heal::EngineThaw(engine, since) => {
                if std::mem::take(&mut self.engines[engine].paused) {
                    self.counters.add("engine paused and woke");
                    self.trace.line(self.now, format_args!("e{engine} wakes, paused at {since}"));
                    self.poll_at(engine, self.now);
                }
            }
            Heal::Net => (self.net.loss, self.net.twice) = (self.knobs.loss, self.knobs.twice),
            Heal::EngineQuick(engine) => self.engines[engine].slow_ms = 0,
        }
    }

    /// The faults are over: whatever is broken is mended, and everything must come to an end.
    pub(super) fn calm_down(&mut self) {
        self.trace.line(self.now, format_args!("calm"));
        self.calm = true;
        self.history.calm_at = self.now;
        (self.net.loss, self.net.twice, self.log_full_until) = (0, 0, 0);
        self.append_faults.clear();
        let now = self.now;
        self.history.blind.iter_mut().for_each(|blind| blind.to = blind.to.min(now));
        for node in 0..self.nodes.len() {
            for heal in [Heal::NodeConnected(node), Heal::NodeThaw(node), Heal::NodeDisk(node), Heal::NodeUp(node)] {
                self.heal(heal);
            }
        }
        for engine in 0..self.engines.len() {
            self.engines[engine].stalled = [0; 4];
            self.engines[engine].armed = false;
            self.heal(Heal::EngineQuick(engine));
            self.heal(Heal::EngineThaw(engine, self.now));
            self.heal(Heal::EngineUp(engine));
        }
    }
}
