//! Who waits for an answer: requests by their key and what they ask, since another may ask something else under the same
//! key; beats by their number.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use model::request::Answer;
use model::{BootId, Key, NodeId, PoolId, Renew};
use tokio::sync::oneshot::{Receiver, Sender, channel};

/// Most requests and most beats that may wait at once.
const MAX: usize = 10_000;

/// All who wait.
#[derive(Debug, Default)]
pub struct Waiters {
    requests: Mutex<BTreeMap<Asked, Vec<Asker>>>,
    beats: Mutex<BTreeMap<Beat, Sender<Renew>>>,
}

/// A request: pool, key, hash of what is asked.
type Asked = (PoolId, Key, u64);

/// Who asked: gets the answer and the number of its entry.
type Asker = Sender<(Answer, u64)>;

/// A beat: pool, node, boot, number.
type Beat = (PoolId, NodeId, BootId, u64);

impl Waiters {
    /// Waits for the answer to a request; none if too many wait.
    pub fn request(&self, asked: Asked) -> Option<Receiver<(Answer, u64)>> {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.retain(|_, waiting| {
            waiting.retain(|w| !w.is_closed());
            !waiting.is_empty()
        });
        if requests.len() >= MAX {
            return None;
        }
        let (sender, receiver) = channel();
        requests.entry(asked).or_default().push(sender);
        Some(receiver)
    }

    /// A request was answered.
    pub fn answered(&self, asked: &Asked, answer: &Answer, seq: u64) {
        let waiting = self.requests.lock().unwrap_or_else(PoisonError::into_inner).remove(asked);
        for waiter in waiting.into_iter().flatten() {
            // Who no longer waits does not mind.
            let _ = waiter.send((answer.clone(), seq));
        }
    }

    /// Waits for the answer to a beat; none if too many wait.
    pub fn beat(&self, pool: &PoolId, node: &NodeId, boot: &BootId, beat: u64) -> Option<Receiver<Renew>> {
        let mut beats = self.beats.lock().unwrap_or_else(PoisonError::into_inner);
        if beats.len() >= MAX {
            beats.retain(|_, waiting| !waiting.is_closed());
        }
        if beats.len() >= MAX {
            return None;
        }
        let (sender, receiver) = channel();
        beats.insert((pool.clone(), node.clone(), boot.clone(), beat), sender);
        Some(receiver)
    }

    /// A beat was answered.
    pub fn renewed(&self, pool: &PoolId, node: &NodeId, renew: Renew) {
        let beat = (pool.clone(), node.clone(), renew.boot.clone(), renew.beat);
        if let Some(waiter) = self.beats.lock().unwrap_or_else(PoisonError::into_inner).remove(&beat) {
            let _ = waiter.send(renew);
        }
    }

    /// What was asked will not be answered soon: those waits end.
    pub fn close_requests(&self) {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Nobody is answered any more: all waits end.
    pub fn close(&self) {
        self.close_requests();
        self.beats.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
