//! The engine as others see it: ask, report, beat, listen, read.

mod following;
mod reading;
mod taking;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use model::PoolId;
use protocol::log::Log;

use crate::drive;
use crate::hub::Hub;
use crate::metrics::Metrics;
use crate::options::Options;
use crate::shared::{Part, Shared};
use crate::snapshots;
use crate::tap::Bell;

pub use taking::Unavailable;

/// A running engine. Cheap to clone; all clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

/// Why an engine did not start.
#[derive(Debug)]
pub enum StartError {
    /// The log does not say just now what it holds: it may be better later.
    Unread(String),
    /// What the log and the snapshots hold does not fit together; the text says what to do.
    Data(String),
    /// The system gave no thread.
    Thread(std::io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread(why) | Self::Data(why) => f.write_str(why),
            Self::Thread(why) => write!(f, "no thread could be started: {why}"),
        }
    }
}

impl std::error::Error for StartError {}

impl Engine {
    /// Starts an engine on a log: loads the newest usable snapshot of each partition, reads the journal from there, and
    /// leads, unless others share the log.
    pub fn start(log: Arc<dyn Log>, options: Options) -> Result<Engine, StartError> {
        let loaded = snapshots::load_all(&options.snapshots, log.as_ref(), options.partitions)?;
        failpoint::hit("engine.loaded");
        let metrics = Metrics::new(options.partitions);
        let (mut partitions, mut parts, bell) = (Vec::new(), Vec::new(), Arc::new(Bell::default()));
        for (number, (replica, written)) in (0..).zip(loaded) {
            if let Some(written_ms) = written {
                metrics.snapshot_written(number, written_ms);
            }
            let partition = drive::partition(number, replica, &options);
            parts.push(Arc::new(Part::new(number, &partition, bell.clone())));
            partitions.push(partition);
        }
        let (hub, stop) = (Hub::default(), AtomicBool::new(false));
        let engine = Engine {
            shared: Arc::new(Shared { log, options, parts, hub, metrics, bell, stop }),
            threads: Arc::default(),
        };
        for (partition, part) in partitions.into_iter().zip(&engine.shared.parts) {
            let driver = drive::Driver::new(engine.shared.clone(), part.clone(), partition);
            let name = format!("partition-{}", part.number);
            match std::thread::Builder::new().name(name).spawn(move || drive::run(driver)) {
                Ok(thread) => engine.lock().push(thread),
                Err(error) => {
                    engine.stop();
                    return Err(StartError::Thread(error));
                }
            }
        }
        Ok(engine)
    }

    /// Tells a partition that it should lead, where others share the log. It announces itself once it has read its
    /// journal; who is deposed waits to be told again, or for silence.
    pub fn lead(&self, partition: u32) {
        if let Some(part) = self.in_partition(partition).filter(|_| self.is_standby()) {
            part.lead.store(true, Ordering::Release);
            self.shared.log.wake();
        }
    }

    /// How many partitions there are.
    pub fn partitions(&self) -> u32 {
        self.shared.options.partitions
    }

    /// Whether other instances may share the log.
    pub fn is_standby(&self) -> bool {
        self.shared.options.standby
    }

    /// Resigns wherever it leads, and waits until the threads of all partitions have ended.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        self.shared.log.wake();
        for thread in std::mem::take(&mut *self.lock()) {
            // It says itself what it ended by.
            let _ = thread.join();
        }
        self.shared.hub.close();
        for part in &self.shared.parts {
            part.waiters.close();
        }
    }

    /// The partition of a pool.
    fn of(&self, pool: &PoolId) -> &Part {
        self.shared.of(pool)
    }

    fn in_partition(&self, partition: u32) -> Option<&Part> {
        self.shared.parts.get(partition as usize).map(Arc::as_ref)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often somebody looks who waits for the engine to be ready.
const LOOK: Duration = Duration::from_millis(5);
