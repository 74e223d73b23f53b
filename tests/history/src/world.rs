//! The world: what is due when, in virtual time. One step is one batch of the leader: all that is due until it looks.
//!
//! Nights are lived through second by second; between them nobody is there, and time leaps to the next timer or night.

mod deeds;
mod faults;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::policy::Policy;
use model::request::Ask;
use model::{LeaseId, PoolId};
use operators::Input;

use crate::Shape;
use crate::calendar::{self, DAY, FIRST_NIGHT, Fault, NEW_POLICY, Whim};
use crate::engine::Engine;
use crate::node::{Link, Node};
use crate::programme::{self, Programme};
use crate::random::Random;

/// No night is longer, or something waits for ever.
const LONGEST_NIGHT: u64 = DAY / 2;
/// From one submission of a programme to the next.
const BETWEEN_MS: u64 = 75_000;

/// The zones, what fails together.
const ZONES: [&str; 3] = ["a", "b", "c"];

/// Everything that there is.
#[derive(Debug)]
pub struct World {
    /// The leader, with what it wrote.
    pub engine: Engine,
    shape: Shape,
    random: Random,
    programmes: [Programme; 4],
    policies: Vec<Arc<Policy>>,
    nodes: Vec<Node>,
    queue: BTreeMap<(u64, u64), Due>,
    queued: u64,
    now: u64,
    nights: u32,
    /// Submissions and wishes that are still to come tonight.
    to_come: u32,
    /// Executions whose round is open.
    open: BTreeSet<(PoolId, u32)>,
    /// All has ended: nodes leave.
    closing: bool,
    keys: u64,
}

/// What is due. Nodes go by their place in the list; a life or a cut that is over voids what was due in it.
#[derive(Debug)]
enum Due {
    /// The leader looks at the clock, and we whether the night is over.
    Tick,
    /// A machine starts.
    Boot(usize),
    /// A node says hello again.
    Hello { node: usize, life: u64 },
    /// A node beats.
    Beat { node: usize, life: u64 },
    /// An attempt's next step.
    Work { node: usize, life: u64, lease: LeaseId },
    /// Strict work that nobody renews ends.
    Alone { node: usize, cut: u64 },
    /// A cut is over.
    Back { node: usize, cut: u64 },
    /// A node leaves for the day.
    Leave(usize),
    /// A fault.
    Fault(Fault),
    /// A programme is submitted.
    Submit { programme: usize, nth: u32 },
    /// Ada has an idea.
    Whim(Whim),
    /// Ada asks.
    Ask { pool: PoolId, ask: Box<Ask>, reason: &'static str },
}

impl World {
    /// A world in which nothing has happened yet.
    pub fn new(shape: &Shape) -> Self {
        let policies = ["default", "none"].map(|name| flow::policy::builtin(name).expect("it is built in"));
        let mut random = Random::new(shape.seed);
        let mut engine = Engine::new();
        let now = FIRST_NIGHT - 600_000;
        let policies = policies.map(Arc::new).to_vec();
        engine.announce(random.draw(), policies.clone(), now);
        Self {
            engine,
            shape: shape.clone(),
            random,
            programmes: programme::all(),
            policies,
            nodes: nodes(shape.nodes),
            queue: BTreeMap::new(),
            queued: 0,
            now,
            nights: 0,
            to_come: 0,
            open: BTreeSet::new(),
            closing: false,
            keys: 0,
        }
    }

    /// Lives through one batch of the leader. Returns false when the last night is over.
    pub fn step(&mut self) -> bool {
        if self.queue.is_empty() {
            if self.nights == self.shape.nights {
                return false;
            }
            self.begin_night();
        }
        let timer = self.engine.next_timer().filter(|at| *at > self.now);
        let due = self.queue.first_key_value().map(|((at, _), _)| *at);
        let next = due.into_iter().chain(timer).min().unwrap_or(self.now);
        self.now = self.now.max(next + self.delay());
        while let Some(entry) = self.queue.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let ((at, _), due) = entry.remove_entry();
            self.happens(due, at);
        }
        self.engine.go_on(self.now);
        self.deliver();
        self.note_rounds();
        // Only here is it known which rounds this batch began.
        self.closing |= self.to_come == 0 && self.open.is_empty();
        true
    }

    /// How late the leader looks: mostly at once, now and then it waits for its disk, and finds much at once.
    fn delay(&mut self) -> u64 {
        match self.random.below(100) {
            0..85 => self.random.below(5),
            85..96 => self.random.between(20, 250),
            _ => self.random.between(400, 2_500),
        }
    }

    fn begin_night(&mut self) {
        let (night, begin) = (self.nights, FIRST_NIGHT + DAY * u64::from(self.nights));
        (self.closing, self.nights) = (false, night + 1);
        if night == NEW_POLICY {
            self.bring_new_policy();
            self.at(begin - 120_000, Due::Fault(Fault::Takeover));
        }
        self.at(begin, Due::Tick);
        for node in 0..self.nodes.len() {
            let at = begin + self.random.below(4_000);
            self.at(at, Due::Boot(node));
        }
        for nth in 0..self.shape.executions {
            for programme in 0..self.programmes.len() {
                let at = begin + 6_000 + BETWEEN_MS * u64::from(nth) + self.random.below(3_000);
                self.at(at, Due::Submit { programme, nth });
                self.to_come += 1;
            }
        }
        for (after, fault) in calendar::faults(night, self.shape.executions, &mut self.random) {
            self.at(begin + after, Due::Fault(fault));
        }
        for (after, whim) in calendar::whims(night, &mut self.random) {
            self.at(begin + after, Due::Whim(whim));
        }
    }

    /// The night, from 0.
    fn night(&self) -> u32 {
        self.nights.saturating_sub(1)
    }

    /// The next version of the default policy: more patience with tests, less with attempts.
    fn bring_new_policy(&mut self) {
        let mut policy = flow::policy::builtin("default").expect("it is built in");
        policy.limits.attempts = 8;
        for rule in policy.rules.iter_mut().filter(|rule| rule.id == "flaky" || rule.id == "hung") {
            rule.limit = 2;
        }
        self.policies[0] = Arc::new(policy);
    }

    fn at(&mut self, at: u64, due: Due) {
        self.queued += 1;
        self.queue.insert((at, self.queued), due);
    }

    fn hear(&mut self, input: &Input) {
        self.engine.hear(input, self.now);
    }

    /// Whether the night is over: then nodes leave, and when the last has gone, and none is still to come back, nothing is
    /// due any more.
    fn tick(&mut self, at: u64) {
        let begin = FIRST_NIGHT + DAY * u64::from(self.night());
        assert!(at < begin + LONGEST_NIGHT, "every night ends: {:?}", self.open);
        if self.closing {
            let mut pools = self.engine.state.pools.values();
            let gone = pools.all(|pool| pool.nodes.values().all(|node| !node.presence.is_present()));
            if gone && !self.queue.values().any(|due| matches!(due, Due::Boot(_) | Due::Back { .. })) {
                return;
            }
            for index in 0..self.nodes.len() {
                let node = &mut self.nodes[index];
                if node.link == Link::On && !node.leaving {
                    node.leaving = true;
                    let at = at + self.random.between(500, 12_000);
                    self.at(at, Due::Leave(index));
                }
            }
        }
        self.at(at + 1_000, Due::Tick);
    }

    fn note_rounds(&mut self) {
        for (pool, number, begins) in std::mem::take(&mut self.engine.told.rounds) {
            if begins {
                self.open.insert((pool, number));
            } else {
                self.look_after(&pool, number);
                self.open.remove(&(pool, number));
            }
        }
    }
}

/// The fleet: most in the pool `default`, in three zones, and two in `perf`.
fn nodes(count: u32) -> Vec<Node> {
    let zone = |index: u32| ZONES[index as usize % ZONES.len()];
    let slow = |index: u32| 100 + u64::from(index * 5 % 4) * 6;
    let of_default = (0..count).map(|i| Node::new("default", &format!("n{}", i + 1), zone(i), slow(i)));
    of_default.chain((0..2).map(|i| Node::new("perf", &format!("p{}", i + 1), zone(i), 100))).collect()
}

#[cfg(test)]
mod tests {
    use protocol::Replica;
    use protocol::replica::Reading;

    use super::*;

    #[test]
    fn a_replica_admits_every_record_and_folds_to_the_state_that_was_decided_on() {
        let mut world = World::new(&Shape { nights: 6, ..Shape::default() });
        let (mut replica, mut counted, mut admitted) = (Replica::default(), 0, 0);
        while world.step() {
            for record in world.engine.told.records.drain(..) {
                match replica.read(&record, None).unwrap() {
                    Reading::Counted { .. } => counted += 1,
                    Reading::Admitted(_) => admitted += 1,
                    other @ (Reading::Beat | Reading::Resigned | Reading::Ignored(_)) => {
                        panic!("record {}: {other:?}", record.position)
                    }
                }
            }
        }
        assert_eq!(replica.state, world.engine.state);
        assert_eq!((counted, replica.seq), (3, admitted));
    }

    #[test]
    fn a_machine_that_starts_after_all_others_have_left_leaves_too() {
        let mut world = World::new(&Shape { nights: 1, ..Shape::default() });
        while world.step() && !world.closing {}
        let again = world.now + 600_000;
        world.dies(0, again);
        let ended = (0..100_000).any(|_| !world.step());
        assert!(ended && world.now > again, "the night ends at {}, the machine starts at {again}", world.now);
    }
}
