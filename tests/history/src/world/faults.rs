//! What goes wrong: cuts, deaths, nodes that leave, an engine that takes over.

use model::report::Cause;
use operators::Input;

use super::{Due, World, ZONES};
use crate::calendar::Fault;
use crate::node::{Link, Node};

/// When strict work that nobody renews ends: five sixths of `lost`.
const STRICT_MS: u64 = 25_000;
/// How long nobody leads before another one notices.
const LEADERLESS_MS: u64 = 2_500;

impl World {
    /// A fault strikes, if the night is not over already.
    pub(super) fn strikes(&mut self, fault: Fault, at: u64) {
        if self.closing && fault != Fault::Takeover {
            return;
        }
        match fault {
            Fault::FalseDeath => self.cut_one(at, 45_000, 240_000),
            Fault::Blip => self.cut_one(at, 17_000, 24_000),
            Fault::Death => {
                let down = self.random.between(60_000, 240_000);
                self.one_dies(at, down);
            }
            Fault::Restart => {
                let down = self.random.between(3_000, 12_000);
                self.one_dies(at, down);
            }
            Fault::Leave => self.one_leaves(at),
            Fault::ZoneSilence => self.zone_falls_silent(at),
            Fault::Takeover => {
                self.engine.go_on(self.now);
                self.now += LEADERLESS_MS;
                let draw = self.random.draw();
                self.engine.announce(draw, self.policies.clone(), self.now);
            }
            Fault::Junk => {
                let reason = "expected value at line 1 column 1".to_owned();
                let (pool, topic, hash) = (self.programmes[0].pool.clone(), "reports".to_owned(), self.random.draw());
                self.hear(&Input::Unreadable { pool, topic, hash, reason, asked: None });
            }
        }
    }

    /// A node of the large pool that has work.
    fn busy(&mut self) -> Option<usize> {
        let busy = self
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| node.link == Link::On && !node.held.is_empty() && node.pool.as_str() == "default");
        let busy: Vec<usize> = busy.map(|(index, _)| index).collect();
        self.random.pick(&busy).copied()
    }

    /// The zone of which most is there: two of a zone would be given up one by one.
    fn zone_falls_silent(&mut self, at: u64) {
        let of = |zone: &str| {
            let there = |n: &Node| n.link == Link::On && n.zone == zone && n.pool.as_str() == "default";
            (0..self.nodes.len()).filter(|index| there(&self.nodes[*index])).collect::<Vec<_>>()
        };
        let zone = ZONES.map(of).into_iter().max_by_key(Vec::len).unwrap_or_default();
        let long = self.random.between(100_000, 240_000);
        for index in zone {
            self.cut(index, at, long);
        }
    }

    fn cut_one(&mut self, at: u64, low: u64, high: u64) {
        if let Some(index) = self.busy() {
            let long = self.random.between(low, high);
            self.cut(index, at, long);
        }
    }

    fn cut(&mut self, index: usize, at: u64, long: u64) {
        let node = &mut self.nodes[index];
        if node.link != Link::On {
            return;
        }
        (node.link, node.cuts) = (Link::Cut, node.cuts + 1);
        let cut = node.cuts;
        self.at(at + long, Due::Back { node: index, cut });
        self.at(at + STRICT_MS, Due::Alone { node: index, cut });
    }

    /// Nobody renews its leases: what holds a lock must end before somebody else gets that.
    pub(super) fn alone(&mut self, index: usize, cut: u64, at: u64) {
        let node = &mut self.nodes[index];
        if node.link != Link::Cut || node.cuts != cut {
            return;
        }
        let (life, strict) = (node.life, node.held.iter().filter(|(_, work)| work.strict));
        for lease in strict.map(|(lease, _)| *lease).collect::<Vec<_>>() {
            if self.nodes[index].end(lease, Cause::Strict, at) {
                self.at(at, Due::Work { node: index, life, lease });
            }
        }
    }

    /// It is heard again: first what it had to say, then how it stands.
    pub(super) fn back(&mut self, index: usize, cut: u64, at: u64) {
        let node = &mut self.nodes[index];
        if node.link == Link::Cut && node.cuts == cut {
            node.link = Link::On;
            self.beat(index, at);
        }
    }

    fn one_dies(&mut self, at: u64, down: u64) {
        if let Some(index) = self.busy() {
            self.dies(index, at + down);
        }
    }

    /// A machine dies, and starts again later.
    pub(super) fn dies(&mut self, index: usize, again: u64) {
        self.nodes[index].link = Link::Off;
        self.at(again, Due::Boot(index));
    }

    fn one_leaves(&mut self, at: u64) {
        let Some(index) = self.busy() else { return };
        let orderly = self.random.chance(400);
        self.nodes[index].goodbye("the spot instance is taken back", orderly, at);
        self.send(index);
        let away = self.random.between(120_000, 300_000);
        self.dies(index, at + away);
    }
}
