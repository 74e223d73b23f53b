//! Commands through the log, where several instances share it: the leader appends what goes to nodes, and each instance
//! hands what it reads to the nodes that listen to it, and answers to those whose beat waits here.
//!
//! Commands are level-triggered: one that is lost on the way comes again with the node's next beat. So nothing is made
//! up for: reading begins at the end, and after a cut or a failure goes on there.
//!
//! A record's partition is that of its key, pool and node, as any client of the log would choose it: a node then reads
//! what its own part of all nodes is told, and not what every node of its pool is.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use model::Command;
use model::command::Order;
use model::hash::partition_of_key;
use model::record::{command_key, command_key_of};
use protocol::log::{AppendError, NewRecord, ReadError, Record, Stream, Topic};

use super::Driver;

/// Bytes of one read: decisions wait for it.
const BYTES: usize = 64 * 1024;
/// After a failure the end is sought again so long after.
const AGAIN: Duration = Duration::from_millis(500);

/// Where commands are read on.
#[derive(Debug, Default)]
pub struct Orders {
    /// None until the end is known.
    position: Option<u64>,
    /// When the end was sought last.
    sought: Option<Instant>,
}

impl Orders {
    /// Where they are read on.
    pub fn position(&self) -> Option<u64> {
        self.position
    }
}

impl Driver {
    /// Hands on what is new, a page at most.
    pub(super) fn read_orders(&mut self) {
        let of = self.part.stream(Topic::Commands);
        let Some(orders) = &mut self.orders else { return };
        let Some(position) = orders.position else {
            if orders.sought.is_none_or(|at| at.elapsed() >= AGAIN) {
                orders.sought = Some(Instant::now());
                match self.shared.log.range(of) {
                    Ok(held) => orders.position = Some(held.end),
                    Err(error) => self.unread(of, error.to_string()),
                }
            }
            return;
        };
        match self.shared.log.read(of, position, BYTES) {
            Ok(page) => {
                orders.position = Some(page.next);
                self.told_unwritten(of);
                page.records.iter().for_each(|record| self.hand_on(record));
            }
            Err(error) => {
                tracing::warn!(%error, "commands could not be read; the next beats bring them again");
                orders.position = None;
                if let ReadError::Failed(why) = error {
                    self.unread(of, why);
                }
            }
        }
    }

    /// Commands can be read; whether they can be written too was told to who appended them.
    fn told_unwritten(&mut self, of: Stream) {
        let refused = self.part.unwritten.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match refused {
            Some(why) => self.unread(of, why),
            None => self.readable(of),
        }
    }

    fn hand_on(&self, record: &Record) {
        let Some((pool, node)) = command_key_of(&record.key) else { return };
        match serde_json::from_slice(&record.value) {
            Ok(Order::Renew(renew)) => self.shared.of(&pool).waiters.renewed(&pool, &node, renew),
            Ok(order @ (Order::Start(_) | Order::Cancel { .. })) => {
                // Most nodes listen elsewhere: that is no failure.
                let _ = self.shared.hub.send(Command { pool, node, order });
            }
            Err(error) => {
                tracing::warn!(%error, "a record of {}/{} is no command", Topic::Commands.word(), self.part.number)
            }
        }
    }

    /// Sends a command: at once to who listens here, or through the log, where others share it.
    pub(super) fn command(&self, command: Command) {
        if self.orders.is_none() {
            match command.order {
                Order::Renew(renew) => self.part.waiters.renewed(&command.pool, &command.node, renew),
                Order::Start(_) | Order::Cancel { .. } => {
                    if !self.shared.hub.send(command) {
                        self.shared.metrics.command_without_stream();
                    }
                }
            }
            return;
        }
        let key = command_key(&command.pool, &command.node);
        let partition = partition_of_key(&key, self.shared.options.partitions);
        let value = serde_json::to_vec(&command.order).expect("commands are plain data");
        let (shared, part) = (self.shared.clone(), self.part.clone());
        let done = Box::new(move |outcome: Result<Vec<u64>, AppendError>| {
            // What fails is made up for by the next beat; what is refused will be again.
            let refused = match outcome {
                Ok(_) => None,
                Err(error) => {
                    shared.metrics.command_failed();
                    let AppendError::Refused(why) = error else { return };
                    Some(format!("nodes are told nothing: {why}"))
                }
            };
            *part.unwritten.lock().unwrap_or_else(PoisonError::into_inner) = refused;
        });
        let record = NewRecord { key, header: Vec::new(), value };
        self.shared.log.append(Stream { topic: Topic::Commands, partition }, vec![record], done);
    }
}
