//! Flows of two to six tasks, drawn from the seed: chains and fans, some with a lock, some that fail once or always,
//! and of each task what its attempts do, so that the checker knows what must come of it.

use serde_json::{Map, Value, json};
use sim::node::plan::VARIABLE;
use sim::random::Random;

/// The locks of each pool, with their permits.
pub const LOCKS: [(&str, u32); 2] = [("mutex", 1), ("pair", 2)];

/// What an attempt does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// It passes.
    Passes,
    /// The first attempt exits with 1.
    FailsOnce,
    /// Each attempt exits with 1.
    Fails,
    /// Each attempt dies of a signal.
    Crashes,
}

impl Plan {
    const ALL: [(Self, &'static str); 4] =
        [(Self::Passes, "passes"), (Self::FailsOnce, "fails_once"), (Self::Fails, "fails"), (Self::Crashes, "crashes")];

    /// What a task's variable says.
    pub fn of(variable: &str) -> Option<Self> {
        let word = variable.split_once(' ')?.1;
        Self::ALL.iter().find(|(_, known)| *known == word).map(|(plan, _)| *plan)
    }

    fn word(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    fn draw(random: &mut Random) -> Self {
        match random.below(100) {
            0..82 => Self::Passes,
            82..92 => Self::FailsOnce,
            92..96 => Self::Fails,
            _ => Self::Crashes,
        }
    }
}

/// Draws a flow.
pub fn draw(random: &mut Random) -> Value {
    let count = random.between(2, 6);
    let chain = random.chance(400);
    let mut tasks = Map::new();
    for number in 0..count {
        let mut after = Vec::new();
        if number > 0 {
            let on = if chain { number - 1 } else { random.below(number) };
            let want = if random.chance(150) { ".finished" } else { "" };
            after.push(format!("t{on}{want}"));
        }
        tasks.insert(format!("t{number}"), task(&after, random));
    }
    let locks: Map<String, Value> = LOCKS.iter().map(|(name, size)| ((*name).to_owned(), json!(size))).collect();
    json!({ "flow": format!("f{}", random.below(4)), "locks": locks, "tasks": tasks })
}

fn task(after: &[String], random: &mut Random) -> Value {
    let plan = Plan::draw(random);
    let locks = random.chance(120);
    // Some are so long that a fault finds them at work; who holds a lock is not.
    let length = match (locks, random.chance(60)) {
        (true, _) => random.between(20, 500),
        (false, true) => random.between(4_000, 9_000),
        (false, false) => random.skewed(20, 3_000),
    };
    let mut task = json!({
        "run": ["true"],
        "env": { VARIABLE: format!("{length} {}", plan.word()) },
        "timeout": "60s",
        "grace": "1s",
    });
    if !after.is_empty() {
        task["after"] = json!(after);
    }
    if locks {
        let lock = LOCKS[usize::from(random.chance(300))].0;
        task["needs"] = json!({ "locks": [lock] });
    }
    if plan == Plan::Passes && random.chance(100) {
        task["retry"] = json!("none");
    }
    task
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_flow_and_each_task_says_what_it_does() {
        let flows = |seed| (0..50_u64).map(move |n| draw(&mut Random::new(seed + n))).collect::<Vec<_>>();
        assert_eq!(flows(7), flows(7));
        for flow in flows(7) {
            let tasks = flow["tasks"].as_object().unwrap();
            assert!((2..=6).contains(&tasks.len()));
            for task in tasks.values() {
                assert!(Plan::of(task["env"][VARIABLE].as_str().unwrap()).is_some(), "{task}");
            }
        }
    }
}
