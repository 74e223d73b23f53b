//! The network between nodes, log, engine and people: messages are late, lost, doubled and overtake each other.

use model::command::Order;
use model::request::Answer;
use model::{Key, NodeId};
use protocol::log::Topic;

use super::{Event, World};
use crate::knobs::Knobs;
use crate::node::agent::pool;
use crate::node::disk::Disk;
use crate::node::ledger::Ledger;
use crate::node::{Frozen, Node, Say};
use crate::random::Random;

/// Which ways are cut, and who is slow.
#[derive(Debug, Default)]
pub struct Net {
    /// By node: what it sends does not arrive.
    pub cut_up: Vec<bool>,
    /// By node: what is sent to it does not arrive.
    pub cut_down: Vec<bool>,
    /// By node: each message takes so many times as long.
    pub slow: Vec<u64>,
    /// Messages lost, in a thousand.
    pub loss: u64,
    /// Messages doubled, in a thousand.
    pub twice: u64,
}

impl Net {
    /// A network as the knobs say.
    pub fn new(knobs: &Knobs) -> Self {
        let nodes = knobs.nodes;
        let (cut_up, cut_down, slow) = (vec![false; nodes], vec![false; nodes], vec![1; nodes]);
        Self { cut_up, cut_down, slow, loss: knobs.loss, twice: knobs.twice }
    }

    /// Another node is connected.
    pub fn connect(&mut self) {
        self.cut_up.push(false);
        self.cut_down.push(false);
        self.slow.push(1);
    }
}

/// Draws a node.
pub fn node(index: usize, knobs: &Knobs, random: &mut Random) -> Node {
    let linux = random.chance(700);
    let labels = if linux { [("os".to_owned(), "linux".to_owned())].into() } else { Default::default() };
    Node {
        index,
        name: NodeId::new(&format!("n{index}")).expect("a plain name"),
        pool: pool(),
        slots: u32::try_from(random.between(1, 4)).unwrap_or(1),
        memory_mb: random.between(500, 2_000),
        zone: format!("z{}", random.below(knobs.zones)),
        labels,
        disk: Disk::new(model::BootId::new("b0").expect("a plain name")),
        agent: None,
        frozen: Frozen::Nothing,
        frozen_at: 0,
        disk_full: false,
        ledger: Ledger::default(),
        clock: (random.below(1_000_000_000), i64::try_from(random.below(6_001)).unwrap_or(0) - 3_000),
        patience: 1_500,
        random: Random::new(random.next()),
        inbox: Vec::new(),
        life: 0,
        rare: Vec::new(),
    }
}

impl World {
    /// Lets a node do something, sends what it says, and notes when it is due next.
    pub(super) fn drive(&mut self, index: usize, act: impl FnOnce(&mut Node, u64) -> Vec<Say>) {
        let now = self.now;
        let node = &mut self.nodes[index];
        let was_up = node.agent.is_some();
        let said = act(node, now);
        for rare in node.rare.drain(..) {
            self.counters.add(rare);
        }
        let gone = was_up && node.agent.is_none();
        let next = node.next_at(now);
        if gone {
            // It left or gave up: somebody starts it again.
            let wait = self.random.skewed(500, 8_000);
            self.after(wait, Event::Heal(super::faults::Heal::NodeUp(index)));
        }
        for say in said {
            self.from_node(index, say);
        }
        if let Some(next) = next
            && (self.wakes[index] == 0 || next < self.wakes[index])
        {
            self.wakes[index] = next;
            self.at(next, Event::Wake(index));
        }
    }

    #[expect(clippy::wrong_self_convention, reason = "it is what comes from a node")]
    fn from_node(&mut self, index: usize, say: Say) {
        match say {
            Say::Reports { request, lines } => {
                let life = self.nodes[index].life;
                self.trace.line(self.now, format_args!("n{index} reports {} lines", lines.len()));
                for wait in self.arrivals(index, self.net.cut_up[index]) {
                    self.after(wait, Event::Reports { node: index, life, request, lines: lines.clone() });
                }
            }
            Say::Beat(line) => {
                for wait in self.arrivals(index, self.net.cut_up[index]) {
                    self.after(wait, Event::Beat(line.clone()));
                }
            }
        }
    }

    /// How long each copy of a message takes; none arrives if the way is cut.
    fn arrivals(&mut self, node: usize, cut: bool) -> Vec<u64> {
        if cut || self.random.chance(self.net.loss) {
            return Vec::new();
        }
        let copies = 1 + u64::from(self.random.chance(self.net.twice));
        let slow = self.net.slow[node];
        let draw =
            |random: &mut Random, copy: u64| (1 + random.below(self.knobs.net_ms)) * slow + copy * random.below(900);
        (0..copies).map(|copy| draw(&mut self.random, copy)).collect()
    }

    pub(super) fn reports(&mut self, node: usize, life: u32, request: u64, lines: Vec<Vec<u8>>) {
        if self.now < self.log_full_until {
            self.answer_node(node, life, request, false, 0);
        } else {
            self.append_input(Topic::Reports, lines, Some((node, life, request)));
        }
    }

    pub(super) fn answer_node(&mut self, node: usize, life: u32, request: u64, taken: bool, wait: u64) {
        for arrival in self.arrivals(node, self.net.cut_down[node]) {
            self.after(wait + arrival, Event::Answered { node, life, request, taken });
        }
    }

    /// An order goes to every node of that name.
    #[expect(clippy::wrong_self_convention, reason = "it is what goes to a node")]
    pub(super) fn to_node(&mut self, name: &NodeId, order: Order) {
        match &order {
            Order::Start(start) => self.trace.line(self.now, format_args!("{name} <- start {}", start.lease)),
            Order::Cancel { lease, .. } => self.trace.line(self.now, format_args!("{name} <- cancel {lease}")),
            Order::Renew(renew) => {
                let stop = renew.stop.len();
                self.trace.line(self.now, format_args!("{name} <- renew {} stop {stop} {}", renew.beat, renew.hello));
            }
        }
        let named: Vec<usize> = self.nodes.iter().filter(|n| n.name == *name).map(|n| n.index).collect();
        for node in named {
            for wait in self.arrivals(node, self.net.cut_down[node]) {
                self.after(wait, Event::Order { node, order: Box::new(order.clone()) });
            }
        }
    }

    pub(super) fn tell_person(&mut self, key: Key, answer: Answer) {
        if !self.random.chance(self.net.loss) {
            let wait = self.random.below(self.knobs.net_ms + 1);
            self.after(wait, Event::Told(key, Box::new(answer)));
        }
    }

    pub(super) fn requests(&mut self, lines: Vec<Vec<u8>>) {
        if self.now >= self.log_full_until {
            self.append_input(Topic::Requests, lines, None);
        }
    }

    /// Requests go to the log, through a gateway that may lose or double them.
    pub(super) fn send_requests(&mut self, lines: Vec<Vec<u8>>) {
        if lines.is_empty() || self.random.chance(self.net.loss) {
            return;
        }
        let wait = self.random.below(self.knobs.net_ms + 1);
        if self.random.chance(self.net.twice) {
            let late = self.random.skewed(10, 3_000);
            self.after(wait + late, Event::Requests(lines.clone()));
        }
        self.after(wait, Event::Requests(lines));
    }
}
