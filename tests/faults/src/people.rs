//! People: they submit flows, each under a key of its own, at any of the engines, and ask the next one when the first
//! does not answer. What they were told is written down: nothing of it may be lost.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use e2e::http::{self, Reply};
use model::request::Answer;
use model::{ExecutionId, Key, PoolId};
use serde::{Deserialize, Serialize};
use sim::random::Random;

use crate::clock::Clock;
use crate::flows;
use crate::scene;

/// How long an engine may take before the next one is asked.
const PATIENCE: Duration = Duration::from_millis(2_500);
/// From one try to the next.
const AGAIN: Duration = Duration::from_millis(150);
/// People at a time: engines that stand still hold some of them up.
const PEOPLE: usize = 12;

/// What somebody was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// When.
    pub at: u64,
    /// Which pool.
    pub pool: PoolId,
    /// Which key.
    pub key: Key,
    /// What.
    pub answer: Answer,
}

/// What shall be submitted, and what came of it.
#[derive(Debug)]
pub struct People {
    /// What they were told.
    pub told: Mutex<Vec<Told>>,
    /// Answers that nobody should get.
    pub odd: Mutex<Vec<String>>,
    /// Tries that failed.
    pub failed: AtomicUsize,
    /// Nobody waits any longer.
    pub gone: AtomicBool,
    sockets: Vec<PathBuf>,
    clock: Clock,
    seed: u64,
    next: AtomicUsize,
}

impl People {
    /// People who know where the engines are.
    pub fn new(sockets: Vec<PathBuf>, clock: Clock, seed: u64) -> Self {
        Self {
            told: Mutex::default(),
            odd: Mutex::default(),
            failed: AtomicUsize::new(0),
            gone: AtomicBool::new(false),
            sockets,
            clock,
            seed,
            next: AtomicUsize::new(0),
        }
    }

    /// How many requests were answered, counted by their keys.
    pub fn answered(&self) -> usize {
        let told = self.told.lock().expect("nobody panics with it");
        told.iter().map(|told| &told.key).collect::<BTreeSet<_>>().len()
    }

    /// Submits so many flows, spread over so many milliseconds. Returns when all are answered, or nobody waits.
    pub fn submit(&self, count: usize, over_ms: u64) {
        let begun = self.clock.now();
        std::thread::scope(|scope| {
            for _ in 0..PEOPLE {
                scope.spawn(|| {
                    loop {
                        let number = self.next.fetch_add(1, Ordering::Relaxed);
                        if number >= count {
                            return;
                        }
                        let due = begun + over_ms * number as u64 / count as u64;
                        sleep(Duration::from_millis(due.saturating_sub(self.clock.now())));
                        self.one(number);
                    }
                });
            }
        });
    }

    fn one(&self, number: usize) {
        let mut random = Random::new(self.seed.wrapping_mul(1_000_003) ^ number as u64);
        let (pool, flow) = (scene::pool(number), flows::draw(&mut random).to_string());
        let key = Key::new(&format!("k{number}")).expect("a plain name");
        let mut engine = number + usize::try_from(random.below(3)).unwrap_or(0);
        // Some ask twice: the same key is the same execution.
        let mut times = if random.chance(50) { 2 } else { 1 };
        while times > 0 && !self.gone.load(Ordering::Relaxed) {
            match self.ask(engine, &pool, &key, &flow) {
                Some(answer) => {
                    times -= 1;
                    let told = Told { at: self.clock.now(), pool: pool.clone(), key: key.clone(), answer };
                    self.told.lock().expect("nobody panics with it").push(told);
                }
                None => {
                    self.failed.fetch_add(1, Ordering::Relaxed);
                    sleep(AGAIN);
                }
            }
            engine += 1;
        }
    }

    fn ask(&self, engine: usize, pool: &PoolId, key: &Key, flow: &str) -> Option<Answer> {
        let socket = &self.sockets[engine % self.sockets.len()];
        let headers = [("content-type", "application/json"), ("idempotency-key", key.as_str())];
        let line = format!("POST /v1/executions?pool={pool}");
        let Reply { status, body } = http::ask(socket, &line, &headers, flow.as_bytes(), PATIENCE).ok()?;
        match status {
            201 => {
                let begun: Begun = serde_json::from_str(&body).expect("who began an execution is told its name");
                Some(Answer::Done { execution: Some(begun.execution.execution) })
            }
            429 | 500.. => None,
            _ => {
                let odd = format!("people: {key} in {pool} was answered {status}: {body:.300}");
                self.odd.lock().expect("nobody panics with it").push(odd);
                self.gone.store(true, Ordering::Relaxed);
                None
            }
        }
    }
}

/// As much of an answer as is looked at.
#[derive(Deserialize)]
struct Begun {
    execution: Named,
}

/// As much of an execution.
#[derive(Deserialize)]
struct Named {
    execution: ExecutionId,
}
