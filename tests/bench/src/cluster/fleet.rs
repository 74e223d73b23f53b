//! Model nodes that speak Kafka: they read starts from `commands`, hold each for a while, and append what they report.
//!
//! All go through one log, with a thread for those of each partition. What is measured is what a coordinator feels: from
//! the moment at which an attempt has ended on its node to the moment at which the node reads the start that takes the
//! slot.

mod yard;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use kafka::KafkaLog;

use crate::Failure;
use crate::cluster::Place;

use yard::Yard;

/// How much a fleet does.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Nodes, spread over the partitions.
    pub nodes: usize,
    /// Each attempt is held between the two times.
    pub held: (Duration, Duration),
    /// From one beat of a node to the next.
    pub beat: Duration,
}

/// A running fleet. Dropped, its nodes are silent.
pub struct Fleet {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    /// What was seen so far, by partition.
    seen: Vec<(u32, Arc<Mutex<Seen>>)>,
}

/// What the nodes of a partition have seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// When an attempt had ended, and when the start was read that took its slot.
    pub taken: Vec<(Instant, Instant)>,
    /// When an attempt had ended, where its report stands, and when that was known.
    pub stored: Vec<(Instant, u64, Instant)>,
    /// When the first start of each epoch was read.
    pub epochs: BTreeMap<u64, Instant>,
}

impl Fleet {
    /// Nodes that join the pools of some partitions.
    pub fn join(place: &Place, load: Load, partitions: Range<u32>) -> Result<Self, Failure> {
        let log = Arc::new(KafkaLog::open(&place.settings, place.partitions, kafka::Options::default())?);
        let (stop, count) = (Arc::new(AtomicBool::new(false)), partitions.len());
        let mut fleet = Self { stop: stop.clone(), threads: Vec::new(), seen: Vec::new() };
        for (n, partition) in partitions.enumerate() {
            let nodes: Vec<usize> = (n..load.nodes).step_by(count).collect();
            let mut yard =
                Yard::join(log.clone(), partition, (&place.pool(partition), place.partitions), &nodes, load)?;
            fleet.seen.push((partition, yard.seen.clone()));
            let stop = stop.clone();
            fleet.threads.push(thread::Builder::new().name(format!("nodes-{partition}")).spawn(move || {
                while !stop.load(Ordering::Acquire) {
                    yard.turn();
                }
            })?);
        }
        Ok(fleet)
    }

    /// How long slots were empty whose attempts ended within a stretch of time.
    pub fn between(&self, from: Instant, to: Instant) -> Vec<Duration> {
        let mut took = Vec::new();
        for (partition, _) in &self.seen {
            let seen = self.seen(*partition);
            let within = seen.taken.iter().filter(|(ended, _)| (from..to).contains(ended));
            took.extend(within.map(|(ended, started)| *started - *ended));
        }
        took
    }

    /// What the nodes of a partition have seen.
    pub fn seen(&self, partition: u32) -> MutexGuard<'_, Seen> {
        let (_, seen) = self.seen.iter().find(|(of, _)| *of == partition).expect("a partition of the fleet");
        lock(seen)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        for thread in self.threads.drain(..) {
            // A panic of it has been printed.
            let _ = thread.join();
        }
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
