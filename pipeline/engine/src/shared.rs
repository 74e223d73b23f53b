//! What threads and callers share: that of the whole instance, and that of each partition.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use model::{PoolId, partition_of};
use protocol::log::{Log, Stream, Topic};
use protocol::{Partition, Replica};
use tokio::sync::watch;

use crate::health::Health;
use crate::hub::Hub;
use crate::journal::{Mark, Marks};
use crate::metrics::Metrics;
use crate::options::Options;
use crate::tap::{Bell, Tap};
use crate::waiters::Waiters;

/// What all partitions share.
pub struct Shared {
    pub log: Arc<dyn Log>,
    pub options: Options,
    pub parts: Vec<Arc<Part>>,
    pub hub: Hub,
    pub metrics: Metrics,
    /// Rings when a tap has something.
    pub bell: Arc<Bell>,
    pub stop: AtomicBool,
}

impl Shared {
    /// The partition of a pool.
    pub fn of(&self, pool: &PoolId) -> &Part {
        &self.parts[partition_of(pool, self.options.partitions) as usize]
    }
}

/// What the thread of a partition and its callers share.
pub struct Part {
    /// Which partition it is.
    pub number: u32,
    pub replica: Arc<RwLock<Replica>>,
    pub waiters: Waiters,
    pub health: Mutex<Health>,
    pub admitted: watch::Sender<u64>,
    pub marks: Marks,
    /// For who makes something of every record.
    pub tap: Tap,
    /// Why commands cannot be written, if the log refused the last one.
    pub unwritten: Mutex<Option<String>>,
    /// It was told to lead, and its thread does not know yet.
    pub lead: AtomicBool,
}

impl Part {
    /// Of a partition that has read nothing beyond its snapshot yet.
    pub fn new(number: u32, partition: &Partition, bell: Arc<Bell>) -> Self {
        let replica = partition.replica.clone();
        let (mark, position) = {
            let replica = replica.read().unwrap_or_else(PoisonError::into_inner);
            (Mark::of(&replica), replica.position)
        };
        Self {
            number,
            replica,
            waiters: Waiters::default(),
            health: Mutex::new(Health { seq: mark.seq, ..Health::default() }),
            admitted: watch::Sender::new(mark.seq),
            marks: Marks::new(Stream { topic: Topic::Journal, partition: number }, mark),
            tap: Tap::new(position, bell),
            unwritten: Mutex::default(),
            lead: AtomicBool::new(false),
        }
    }

    /// One of its streams.
    pub fn stream(&self, topic: Topic) -> Stream {
        Stream { topic, partition: self.number }
    }

    /// The admitted state. Who holds it holds up the partition.
    pub fn replica(&self) -> RwLockReadGuard<'_, Replica> {
        self.replica.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it is.
    pub fn health(&self) -> Health {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
