//! A partition's thread: reads what is new, tells the machine, does what the machine says.

mod act;
mod orders;
mod read;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use protocol::log::{AppendError, Stream, Topic};
use protocol::partition::Config;
use protocol::{In, Partition, Replica};

use crate::health::{Health, Trouble};
use crate::instants;
use crate::options::Options;
use crate::rejects;
use crate::shared::{Part, Shared};
use crate::taken::Taken;

use orders::Orders;

/// The machine is told the time at least this often.
const TICK: Duration = Duration::from_millis(50);
/// How long a resignation is waited for: who stops should not vanish before others can read that it has.
const FAREWELL: Duration = Duration::from_secs(2);

/// The partition that a replica goes on in.
pub fn partition(number: u32, replica: Replica, options: &Options) -> Partition {
    let operators =
        operators::Config { settings: options.settings, policies: options.policies.clone(), ..Default::default() };
    let config = Config {
        operators,
        partition: (number, options.partitions),
        standby: options.standby,
        accept_clock: options.accept_clock,
        snapshot_entries: options.snapshot_entries,
        ..Config::default()
    };
    Partition::new(replica, config, instants::now())
}

/// What came back from elsewhere.
enum Word {
    /// The append of the record with this header.
    AppendFailed(AppendError, Vec<u8>),
    RejectsOut(u64),
}

/// The thread's own.
pub struct Driver {
    shared: Arc<Shared>,
    part: Arc<Part>,
    partition: Partition,
    words: (SyncSender<Word>, Receiver<Word>),
    /// To be told in the next step.
    next: Vec<In>,
    /// The journal was read to its end: what is admitted from here on is news.
    live: bool,
    /// Where each input topic is read on, while it leads: requests, reports, heartbeats.
    inputs: Option<[u64; 3]>,
    /// Inputs in the log that were not taken when they were read last.
    waiting: u64,
    taken: Taken,
    /// When a read of inputs brought some last.
    gathered: Option<Instant>,
    /// When the first input came that the last step decided about.
    decided: Option<Instant>,
    /// The same of each outstanding entry.
    caused: VecDeque<Option<Instant>>,
    last_told: Instant,
    /// When a follower looked last how many inputs wait for the leader.
    last_look: Option<Instant>,
    /// Commands as they come through the log, where others share it.
    orders: Option<Orders>,
    /// The stream that could not be read, and what was said of it.
    unread: BTreeMap<Stream, String>,
    /// The thread that writes a snapshot.
    writer: Option<JoinHandle<io::Result<u64>>>,
    /// Told when an append has ended, from the resignation on.
    farewell: Option<SyncSender<()>>,
    stopped: bool,
}

/// The input topics, in the order in which they are read.
const INPUTS: [Topic; 3] = [Topic::Requests, Topic::Reports, Topic::Heartbeats];

/// Drives a partition until the engine is told to stop, or cannot go on. However that ends, it is told, and the log is
/// free then.
pub fn run(mut driver: Driver) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| driver.run())) {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        driver.halt(format!(
            "our own bug: its thread panicked ({}); nothing that was taken is lost: start it again, and please report it",
            text.unwrap_or("no words")
        ));
    }
    if let Some(writer) = driver.writer.take() {
        // A snapshot that fails now is made up for by the next engine.
        let _ = writer.join();
    }
}

impl Driver {
    pub fn new(shared: Arc<Shared>, part: Arc<Part>, partition: Partition) -> Self {
        let orders = shared.options.standby.then(Orders::default);
        Self {
            shared,
            part,
            partition,
            words: sync_channel(1_024),
            next: Vec::new(),
            live: false,
            inputs: None,
            waiting: 0,
            taken: Taken::default(),
            gathered: None,
            decided: None,
            caused: VecDeque::new(),
            last_told: Instant::now(),
            last_look: None,
            orders,
            unread: BTreeMap::new(),
            writer: None,
            farewell: None,
            stopped: false,
        }
    }

    fn run(&mut self) {
        self.step(if self.shared.options.standby { Vec::new() } else { vec![In::Lead] });
        while !self.shared.stop.load(Ordering::Acquire) && !self.stopped {
            let mut told = self.words();
            told.extend(self.journal());
            let gathers = self.gathers();
            if gathers.is_none() {
                told.extend(self.read_inputs());
            }
            self.read_orders();
            let idle = told.is_empty() && !self.partition.has_more();
            if idle {
                self.wait(gathers);
                told.push(In::Tick);
            }
            self.step(told);
        }
        if !self.stopped {
            failpoint::hit("engine.resign");
            self.resign();
        }
    }

    /// How long inputs are left to gather still, if they are: what came before was read just now.
    fn gathers(&self) -> Option<Duration> {
        let window = self.shared.options.window;
        let rest = window.checked_sub(self.gathered?.elapsed())?;
        (!rest.is_zero()).then_some(rest)
    }

    fn wait(&self, gathers: Option<Duration>) {
        let mut streams = vec![(self.part.stream(Topic::Journal), self.part.replica().position)];
        if let Some(positions) = self.inputs.filter(|_| gathers.is_none() && self.partition.takes_inputs()) {
            let inputs = INPUTS.into_iter().zip(positions).filter(|(_, position)| *position != read::FROM_THE_END);
            streams.extend(inputs.map(|(topic, position)| (self.part.stream(topic), position)));
        }
        if let Some(position) = self.orders.as_ref().and_then(Orders::position) {
            streams.push((self.part.stream(Topic::Commands), position));
        }
        self.shared.log.wait(&streams, gathers.map_or(TICK, |rest| rest.min(TICK)));
    }

    fn words(&mut self) -> Vec<In> {
        let mut told = std::mem::take(&mut self.next);
        if self.part.lead.swap(false, Ordering::AcqRel) {
            told.push(In::Lead);
        }
        let words: Vec<Word> = self.words.1.try_iter().take(64).collect();
        told.extend(words.into_iter().map(|word| self.word(word)));
        told.extend(self.written());
        told
    }

    fn word(&mut self, word: Word) -> In {
        match word {
            Word::AppendFailed(error, header) => {
                let why = error.to_string();
                let full = matches!(error, AppendError::Full { .. });
                let trouble = match error {
                    AppendError::Full { advice } => Trouble::Disk(advice),
                    AppendError::Refused(_) | AppendError::Failed(_) => Trouble::Doubt(why.clone()),
                };
                if full || self.partition.leader().is_none() || self.partition.is_of_now(&header) {
                    self.health(|health| health.trouble = Some(trouble));
                }
                if full {
                    // Only a person makes room: nobody should wait for that without knowing.
                    self.part.waiters.close_requests();
                }
                In::AppendFailed { why, header }
            }
            Word::RejectsOut(seq) => {
                if self.shared.options.trims {
                    rejects::trim(self.shared.log.as_ref(), self.part.stream(Topic::Rejects));
                }
                In::RejectsOut { seq }
            }
        }
    }

    /// What became of the snapshot, once its thread has ended.
    fn written(&mut self) -> Option<In> {
        let writer = self.writer.take_if(|writer| writer.is_finished())?;
        Some(match writer.join() {
            Ok(Ok(seq)) => {
                self.shared.metrics.snapshot_written(self.part.number, instants::now().wall_ms);
                In::Snapshot { seq }
            }
            Ok(Err(error)) => self.no_snapshot(&error.to_string()),
            Err(_) => self.no_snapshot("our own bug: its thread panicked"),
        })
    }

    fn no_snapshot(&self, why: &str) -> In {
        tracing::warn!(%why, "no snapshot could be written; the next one is tried later");
        self.shared.metrics.alarm();
        In::Snapshot { seq: self.part.replica().seq }
    }

    fn step(&mut self, told: Vec<In>) {
        let now = instants::now();
        let out = self.partition.step_all(told, now, instants::random());
        self.decided = self.partition.leader().and_then(|leader| self.taken.decided(leader.inbox.consumed));
        for out in out {
            self.act(out);
        }
        self.live |= self.partition.is_at_end();
        let led = !self.stopped && self.partition.is_led(now);
        let leader = self.partition.leader();
        let follows = self.shared.options.standby && leader.is_none();
        let lag_records = self.waiting + leader.map_or(0, |l| l.inbox.len() as u64);
        let lag_ms = self.taken.oldest().map_or(0, |at| at.elapsed().as_millis());
        self.health(|health| {
            health.led = led;
            if led && !health.leading && matches!(health.trouble, Some(Trouble::Doubt(_))) {
                // Another leads: what we doubted is over.
                health.trouble = None;
            }
            health.journal_read = self.live;
            health.lag_records = lag_records;
            health.lag_ms = u64::try_from(lag_ms).unwrap_or(u64::MAX);
            health.caught_up = leader.is_some_and(|l| l.soft.caught_up);
        });
        if follows {
            self.follow(led);
        }
    }

    /// What a follower knows of the leader.
    fn follow(&mut self, led: bool) {
        let (epoch, consumed) = {
            let replica = self.part.replica();
            (replica.counted.as_ref().map_or(0, |(epoch, _)| *epoch), replica.consumed)
        };
        self.look(consumed);
        self.health(|health| {
            health.epoch = epoch;
            // Another leads: what kept this instance from it troubles nobody who asks.
            if led && matches!(health.trouble, Some(Trouble::Doubt(_) | Trouble::Disk(_))) {
                health.trouble = None;
            }
        });
    }

    fn halt(&mut self, why: String) {
        tracing::error!(partition = self.part.number, %why, "stopped");
        self.stopped = true;
        self.health(|health| {
            health.leading = false;
            health.led = false;
            health.trouble = Some(Trouble::Stopped(why));
        });
        self.part.waiters.close();
    }

    fn health(&self, change: impl FnOnce(&mut Health)) {
        change(&mut self.part.health.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
