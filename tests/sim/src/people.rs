//! People: they submit flows, whole and in parts, ask for all the verbs, and ask again when no answer comes.
//!
//! What they were told is the ledger of acknowledgements: nothing of it may be lost.

pub mod flows;
pub mod verbs;

use std::collections::BTreeMap;

use model::request::{Answer, Ask, Request};
use model::{ExecutionId, Key, TaskId, Timestamp};

use crate::node::agent::pool;
use crate::random::Random;

/// No answer for so long: the same is asked again.
const PATIENCE: u64 = 2_500;

/// All people.
#[derive(Debug, Default)]
pub struct People {
    /// Requests that wait for an answer, by key.
    pub open: BTreeMap<Key, Open>,
    /// Executions that they know of, with their tasks.
    pub known: Vec<(ExecutionId, Vec<TaskId>)>,
    /// Each answer that they were given: when, to which key, what.
    pub answers: Vec<(u64, Key, Answer)>,
    /// Requests that were answered, some of which are sent again later.
    pub old: Vec<Vec<u8>>,
    asked: u64,
}

/// A request that waits for its answer.
#[derive(Debug, Clone)]
pub struct Open {
    /// Its records, in order: a flow may have several.
    pub records: Vec<Vec<u8>>,
    /// The tasks of the flow, if it is a submission.
    pub tasks: Option<Vec<TaskId>>,
    /// When it is asked again.
    pub again: u64,
    /// How often it was asked.
    pub tries: u32,
}

impl People {
    /// Asks for something: the records to send.
    pub fn ask(&mut self, who: &str, asks: Vec<Ask>, at: Timestamp, now: u64) -> Vec<Vec<u8>> {
        self.asked += 1;
        let key = Key::new(&format!("k{}", self.asked)).expect("a plain name");
        let tasks = tasks_of(&asks);
        let records: Vec<Vec<u8>> = asks
            .into_iter()
            .map(|ask| {
                let (pool, key, who, reason) = (pool(), key.clone(), who.to_owned(), String::new());
                serde_json::to_vec(&Request { pool, key, who, at, reason, ask }).expect("requests are plain data")
            })
            .collect();
        self.open.insert(key, Open { records: records.clone(), tasks, again: now + PATIENCE, tries: 1 });
        records
    }

    /// What was asked last waits for no answer.
    pub fn forget_last(&mut self) {
        let last = format!("k{}", self.asked);
        self.open.retain(|key, _| key.as_str() != last);
    }

    /// What is asked again, since no answer came.
    pub fn again(&mut self, now: u64) -> Vec<Vec<u8>> {
        let mut records = Vec::new();
        for open in self.open.values_mut().filter(|open| open.again <= now) {
            (open.again, open.tries) = (now + PATIENCE, open.tries + 1);
            records.extend(open.records.iter().cloned());
        }
        records
    }

    /// An answer has come.
    pub fn told(&mut self, key: Key, answer: Answer, now: u64) {
        if let Some(open) = self.open.remove(&key) {
            if let (Some(tasks), Answer::Done { execution: Some(id) }) = (open.tasks, &answer) {
                self.known.push((id.clone(), tasks));
            }
            if self.old.len() < 200 {
                self.old.extend(open.records);
            }
        }
        self.answers.push((now, key, answer));
    }

    /// An old request that is sent once more, long after its answer.
    pub fn stale(&self, random: &mut Random) -> Option<Vec<u8>> {
        random.pick(&self.old).cloned()
    }
}

fn tasks_of(asks: &[Ask]) -> Option<Vec<TaskId>> {
    let mut tasks = None;
    for ask in asks {
        match ask {
            Ask::Submit(submit) => {
                tasks.get_or_insert_with(Vec::new).extend(submit.flow.tasks.iter().map(|task| task.id.clone()));
            }
            Ask::Pause { .. }
            | Ask::Resume { .. }
            | Ask::Cancel { .. }
            | Ask::Retry { .. }
            | Ask::Replay { .. }
            | Ask::Drop { .. } => {}
        }
    }
    tasks
}
