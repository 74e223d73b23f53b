//! Command streams: one for each node that listens here. A newer stream of a node replaces the older.
//!
//! Commands are level-triggered: one that finds no stream, or a full one, is dropped; the node's next beat brings it
//! again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use model::{Command, NodeId, PoolId};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Commands that may wait in one stream.
const QUEUE: usize = 2_048;

/// All streams.
#[derive(Debug, Default)]
pub struct Hub {
    streams: Mutex<BTreeMap<(PoolId, NodeId), Sender<Command>>>,
}

impl Hub {
    /// Opens the stream of a node.
    pub fn open(&self, pool: PoolId, node: NodeId) -> Receiver<Command> {
        let (sender, receiver) = channel(QUEUE);
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.retain(|_, stream| !stream.is_closed());
        streams.insert((pool, node), sender);
        receiver
    }

    /// Sends a command, if its node listens here. Says whether it went out.
    pub fn send(&self, command: Command) -> bool {
        let streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let stream = streams.get(&(command.pool.clone(), command.node.clone()));
        stream.is_some_and(|stream| stream.try_send(command).is_ok())
    }

    /// Ends all streams.
    pub fn close(&self) {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
