//! The people: a scheduler that submits, and `ada`, who looks at what is left over and says why she does what she does.

use model::request::{Ask, RetryScope};
use model::{Key, PoolId, Request, Timestamp};
use operators::state::{Execution, Phase};

use crate::random::Random;

/// Why something is tried again.
const AGAIN: [&str; 4] = [
    "staging was down, trying again",
    "the fix is merged",
    "looks like the network of zone b",
    "release waits for this one",
];
/// Why a parked task gets more memory.
const MORE: [&str; 2] = ["VIS-118: twice the memory until it is fixed", "screenshots are larger since the redesign"];
/// Why an execution waits.
const WAIT: [&str; 3] =
    ["staging database is being restored", "payments has an incident", "disk of the artefact store is full"];
/// Why one is given up.
const OVER: [&str; 2] = ["wrong branch", "superseded by the hotfix build"];

/// What a person asks, later.
#[derive(Debug)]
pub struct Wish {
    /// After so long.
    pub after: u64,
    /// What.
    pub ask: Ask,
    /// Why.
    pub reason: &'static str,
}

/// A request of somebody.
pub fn request(pool: &PoolId, who: &str, key: &str, now: u64, (ask, reason): (Ask, &str)) -> Request {
    let key = Key::new(key).expect("keys are plain names");
    Request { pool: pool.clone(), key, who: who.to_owned(), at: Timestamp(now), reason: reason.to_owned(), ask }
}

/// What ada does about an execution that has ended: tries again what failed, and looks after what is parked. She lets
/// most of it be, and never touches one a third time.
pub fn look_after(execution: &Execution, random: &mut Random) -> Vec<Wish> {
    let mut wishes = Vec::new();
    if execution.round > 2 {
        return wishes;
    }
    let id = || execution.id.clone();
    if execution.counts.failed > 0 && random.chance(300) {
        let ask = Ask::Retry { execution: id(), scope: RetryScope::Failed, drop_checkpoints: random.chance(200) };
        wishes.push(wish(40_000, 200_000, ask, &AGAIN, random));
    }
    let parked = execution.tasks.iter().filter(|task| matches!(task.phase, Phase::Parked { .. }));
    let parked: Vec<_> = parked.map(|task| task.spec.id.clone()).collect();
    for task in parked {
        let execution = id();
        match random.below(10) {
            0..3 => {
                let ask = Ask::Replay { execution, task, memory_mb: Some(16_384), slots: None };
                wishes.push(wish(60_000, 240_000, ask, &MORE, random));
            }
            3 => wishes.push(wish(60_000, 240_000, Ask::Drop { execution, task }, &["known, see VIS-118"], random)),
            _ => {}
        }
    }
    wishes
}

/// Pauses an execution, and resumes it minutes later.
pub fn pause(execution: &Execution, random: &mut Random) -> [Wish; 2] {
    let id = || execution.id.clone();
    [
        wish(0, 0, Ask::Pause { execution: id() }, &WAIT, random),
        wish(60_000, 240_000, Ask::Resume { execution: id() }, &["all is well again"], random),
    ]
}

/// Cancels an execution.
pub fn cancel(execution: &Execution, random: &mut Random) -> Wish {
    let ask = Ask::Cancel { execution: execution.id.clone(), kill: random.chance(300) };
    wish(0, 0, ask, &OVER, random)
}

fn wish(low: u64, high: u64, ask: Ask, reasons: &[&'static str], random: &mut Random) -> Wish {
    let reason = random.pick(reasons).copied().unwrap_or_default();
    Wish { after: random.between(low, high), ask, reason }
}
