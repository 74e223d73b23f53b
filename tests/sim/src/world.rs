//! The world: everything that happens, in virtual time, one event after another.
//!
//! Events stand in one queue by time and number; a step takes the first. There is one thread, one source of chance
//! and no clock but the queue's, so that a seed is a world.

mod appends;
mod crowd;
mod engines;
mod faults;
mod network;

use std::collections::BTreeMap;

use model::command::Order;
use model::request::Answer;
use model::{Key, PoolId, Timestamp};
use protocol::log::Topic;

use crate::counters::Counters;
use crate::engine::{Engine, WALL};
use crate::history::History;
use crate::knobs::Knobs;
use crate::log::Tapes;
use crate::node::Node;
use crate::node::agent::pool;
use crate::people::People;
use crate::random::Random;
use crate::store::Store;
use crate::trace::Trace;
use appends::Pending;
use faults::Heal;
use network::Net;

/// Everything.
#[derive(Debug)]
pub struct World {
    /// The time.
    pub now: u64,
    /// The log.
    pub tapes: Tapes,
    /// Engine instances.
    pub engines: Vec<Engine>,
    /// Nodes; a twin shares another's name.
    pub nodes: Vec<Node>,
    /// The pool of all of them.
    pub pool: PoolId,
    /// People.
    pub people: People,
    /// Snapshots.
    pub store: Store,
    /// What happened outside of the log.
    pub history: History,
    /// Rare branches.
    pub counters: Counters,
    /// What happened.
    pub trace: Trace,
    /// What it is made of.
    pub knobs: Knobs,
    /// Records of inputs that were placed.
    pub inputs: u64,
    /// Faults that were injected.
    pub faults: u64,
    calm: bool,
    random: Random,
    queue: BTreeMap<(u64, u64), Event>,
    count: u64,
    pending: BTreeMap<u64, Pending>,
    net: Net,
    wakes: Vec<u64>,
    log_full_until: u64,
    append_faults: Vec<appends::Fate>,
}

/// What happens at a time.
#[derive(Debug)]
enum Event {
    /// An append reaches the log.
    Place(u64),
    /// An instance looks.
    Poll(usize),
    /// An instance learns that an append failed.
    Failed { engine: usize, life: u32 },
    /// A snapshot is written.
    Written { engine: usize, life: u32, seq: u64 },
    /// Rejects are durable.
    RejectsOut { engine: usize, life: u32, seq: u64 },
    /// A node has something to do.
    Wake(usize),
    /// Reports reach the log.
    Reports { node: usize, life: u32, request: u64, lines: Vec<Vec<u8>> },
    /// A beat reaches the log.
    Beat(Vec<u8>),
    /// A node's request is answered.
    Answered { node: usize, life: u32, request: u64, taken: bool },
    /// An order reaches a node.
    Order { node: usize, order: Box<Order> },
    /// Requests reach the log.
    Requests(Vec<Vec<u8>>),
    /// A person is told.
    Told(Key, Box<Answer>),
    /// People do something.
    Crowd,
    /// People look whether they were answered.
    Impatience,
    /// A fault.
    Fault,
    /// The end of one.
    Heal(Heal),
    /// The end of all.
    Calm,
}

impl World {
    /// A world at its beginning.
    pub fn new(knobs: Knobs, mut random: Random, trace: Trace) -> Self {
        let engines = knobs.walls.iter().zip(0..).map(|(wall, index)| Engine::new(index, *wall)).collect();
        let net = Net::new(&knobs);
        let nodes: Vec<Node> = (0..knobs.nodes).map(|index| network::node(index, &knobs, &mut random)).collect();
        let mut world = Self {
            now: 0,
            tapes: Tapes::new(1),
            engines,
            wakes: vec![0; nodes.len()],
            nodes,
            pool: pool(),
            people: People::default(),
            store: Store::default(),
            history: History::default(),
            counters: Counters::default(),
            trace,
            inputs: 0,
            faults: 0,
            calm: false,
            random,
            queue: BTreeMap::new(),
            count: 0,
            pending: BTreeMap::new(),
            net,
            log_full_until: 0,
            append_faults: Vec::new(),
            knobs,
        };
        world.begin();
        world
    }

    fn begin(&mut self) {
        for engine in 0..self.engines.len() {
            let at = self.random.below(2_000);
            self.at(at, Event::Heal(Heal::EngineUp(engine)));
        }
        for node in 0..self.nodes.len() {
            let at = self.random.below(3_000);
            self.at(at, Event::Heal(Heal::NodeUp(node)));
        }
        for _ in 0..self.knobs.faults {
            let at = self.random.between(2_500, self.knobs.first_ms - 500);
            self.at(at, Event::Fault);
        }
        self.at(500, Event::Crowd);
        self.at(900, Event::Impatience);
        self.at(self.knobs.first_ms, Event::Calm);
    }

    /// Goes on until `until`.
    pub fn run(&mut self, until: u64) {
        while let Some(entry) = self.queue.first_entry().filter(|entry| entry.key().0 <= until) {
            let ((at, _), event) = entry.remove_entry();
            self.now = at;
            self.happen(event);
        }
        self.now = until;
    }

    /// Whether the faults are over.
    pub fn is_calm(&self) -> bool {
        self.calm
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Place(id) => self.place(id),
            Event::Poll(engine) => self.poll(engine),
            Event::Failed { engine, life } => self.append_failed(engine, life),
            Event::Written { engine, life, seq } => self.written(engine, life, seq),
            Event::RejectsOut { engine, life, seq } => self.rejects_out(engine, life, seq),
            Event::Wake(node) => {
                if self.wakes[node] == self.now {
                    self.wakes[node] = 0;
                    self.drive(node, |node, now| node.wake(now));
                }
            }
            Event::Reports { node, life, request, lines } => self.reports(node, life, request, lines),
            Event::Beat(line) => self.append_input(Topic::Heartbeats, vec![line], None),
            Event::Answered { node, life, request, taken } => {
                self.drive(node, |node, now| node.answered(life, request, taken, now));
            }
            Event::Order { node, order } => self.drive(node, |node, now| node.receive(*order, now)),
            Event::Requests(lines) => self.requests(lines),
            Event::Told(key, answer) => self.people.told(key, *answer, self.now),
            Event::Crowd => self.crowd(),
            Event::Impatience => self.impatience(),
            Event::Fault => self.fault(),
            Event::Heal(heal) => self.heal(heal),
            Event::Calm => self.calm_down(),
        }
    }

    fn at(&mut self, at: u64, event: Event) {
        self.count += 1;
        self.queue.insert((at.max(self.now), self.count), event);
    }

    fn after(&mut self, wait: u64, event: Event) {
        self.at(self.now + wait, event);
    }

    /// The engine's time as a gateway would know it.
    fn engine_time(&self) -> Timestamp {
        let replicas = self.engines.iter().filter_map(|engine| engine.partition.as_ref());
        let last = replicas.map(|p| p.replica.read().map_or(Timestamp(0), |r| r.now)).max();
        last.filter(|at| at.0 > 0).unwrap_or(Timestamp(WALL + self.now))
    }
}
