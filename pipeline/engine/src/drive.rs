//! The partition's thread: reads what is new, tells the machine, does what the machine says.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use model::record::Consumed;
use protocol::log::{AppendError, NewRecord, Page, ReadError, Stream, Topic};
use protocol::partition::Config;
use protocol::{In, Out, Partition, Replica};

use crate::engine::Shared;
use crate::health::Trouble;
use crate::instants;
use crate::journal::JOURNAL;
use crate::options::Options;
use crate::rejects::{self, REJECTS};
use crate::snapshots;
use crate::taken::Taken;

/// Bytes of one read of inputs, and of the journal.
const INPUT_BYTES: usize = 256 * 1024;
const JOURNAL_BYTES: usize = 4 * 1024 * 1024;
/// The machine is told the time at least this often.
const TICK: Duration = Duration::from_millis(50);

/// The partition that a replica goes on in.
pub fn partition(replica: Replica, options: &Options) -> Partition {
    let operators =
        operators::Config { settings: options.settings, policies: options.policies.clone(), ..Default::default() };
    let config = Config {
        operators,
        accept_clock: options.accept_clock,
        snapshot_entries: options.snapshot_entries,
        ..Config::default()
    };
    Partition::new(replica, config, instants::now())
}

/// What came back from elsewhere.
enum Word {
    AppendFailed(AppendError),
    RejectsOut(u64),
}

/// The thread's own.
pub struct Driver {
    shared: Arc<Shared>,
    partition: Partition,
    options: Options,
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
    /// When the first input came that the last step decided about.
    decided: Option<Instant>,
    /// The same of each outstanding entry.
    caused: VecDeque<Option<Instant>>,
    last_told: Instant,
    /// The stream that could not be read, and what was said of it.
    unread: BTreeMap<Stream, String>,
    /// The thread that writes a snapshot.
    writer: Option<JoinHandle<io::Result<u64>>>,
    stopped: bool,
}

/// How often a leader is told that its inputs hold nothing new.
const HEARS: Duration = Duration::from_millis(250);

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
    pub fn new(shared: Arc<Shared>, partition: Partition, options: Options) -> Self {
        Self {
            shared,
            partition,
            options,
            words: sync_channel(1_024),
            next: Vec::new(),
            live: false,
            inputs: None,
            waiting: 0,
            taken: Taken::default(),
            decided: None,
            caused: VecDeque::new(),
            last_told: Instant::now(),
            unread: BTreeMap::new(),
            writer: None,
            stopped: false,
        }
    }

    fn run(&mut self) {
        self.step(vec![In::Lead]);
        while !self.shared.stop.load(Ordering::Acquire) && !self.stopped {
            let mut told = self.words();
            told.extend(self.journal());
            told.extend(self.read_inputs());
            let idle = told.is_empty() && !self.partition.has_more();
            if idle {
                self.wait();
                told.push(In::Tick);
            }
            self.step(told);
        }
        if !self.stopped {
            failpoint::hit("engine.resign");
            self.step(vec![In::Resign]);
        }
    }

    fn words(&mut self) -> Vec<In> {
        let mut told = std::mem::take(&mut self.next);
        let words: Vec<Word> = self.words.1.try_iter().take(64).collect();
        told.extend(words.into_iter().map(|word| self.word(word)));
        told.extend(self.written());
        told
    }

    fn word(&mut self, word: Word) -> In {
        match word {
            Word::AppendFailed(error) => {
                let why = error.to_string();
                let full = matches!(error, AppendError::Full { .. });
                let trouble = match error {
                    AppendError::Full { advice } => Trouble::Disk(advice),
                    AppendError::Refused(_) | AppendError::Failed(_) => Trouble::Doubt(why.clone()),
                };
                self.health(|health| health.trouble = Some(trouble));
                if full {
                    // Only a person makes room: nobody should wait for that without knowing.
                    self.shared.waiters.close_requests();
                }
                In::AppendFailed { why }
            }
            Word::RejectsOut(seq) => {
                rejects::trim(self.shared.log.as_ref());
                In::RejectsOut { seq }
            }
        }
    }

    /// What became of the snapshot, once its thread has ended.
    fn written(&mut self) -> Option<In> {
        let writer = self.writer.take_if(|writer| writer.is_finished())?;
        Some(match writer.join() {
            Ok(Ok(seq)) => {
                self.shared.metrics.snapshot_written(instants::now().wall_ms);
                In::Snapshot { seq }
            }
            Ok(Err(error)) => self.no_snapshot(&error.to_string()),
            Err(_) => self.no_snapshot("our own bug: its thread panicked"),
        })
    }

    fn no_snapshot(&self, why: &str) -> In {
        tracing::warn!(%why, "no snapshot could be written; the next one is tried later");
        self.shared.metrics.alarm();
        In::Snapshot { seq: self.shared.replica.read().unwrap_or_else(PoisonError::into_inner).seq }
    }

    fn journal(&mut self) -> Option<In> {
        let position = self.shared.replica.read().unwrap_or_else(PoisonError::into_inner).position;
        let read = self.shared.log.read(JOURNAL, position, JOURNAL_BYTES);
        let page = self.read(JOURNAL, position, read)?;
        let news = !page.records.is_empty() || page.next > position || !self.partition.is_at_end();
        news.then_some(In::Journal { records: page.records, next: page.next, end: page.end })
    }

    fn read_inputs(&mut self) -> Vec<In> {
        let Some(mut positions) = self.inputs.filter(|_| self.partition.takes_inputs()) else { return Vec::new() };
        let (mut told, mut any, mut waiting) = (Vec::new(), false, 0);
        for (topic, position) in INPUTS.into_iter().zip(&mut positions) {
            let of = Stream { topic, partition: 0 };
            let page = match self.shared.log.read(of, *position, INPUT_BYTES) {
                Err(ReadError::Cut { start, end, .. }) if topic != Topic::Heartbeats => {
                    // Whether that is harm is not ours to say.
                    told.push(In::InputCut { topic, position: *position, start, end });
                    any = true;
                    continue;
                }
                read => self.read(of, *position, read),
            };
            let Some(page) = page else { continue };
            if !page.records.is_empty() {
                any = true;
                match topic {
                    Topic::Requests => self.taken.requests(*position, page.next, Instant::now()),
                    Topic::Reports => self.taken.reports(*position, page.next, Instant::now()),
                    Topic::Heartbeats | Topic::Journal | Topic::Commands | Topic::Rejects => {}
                }
            }
            *position = page.next;
            waiting += page.end.saturating_sub(page.next);
            told.push(In::Input { topic, records: page.records, next: page.next, end: page.end });
        }
        (self.inputs, self.waiting) = (Some(positions), waiting);
        // Ends are told even when nothing is new, but not each time: that the partition hears.
        let caught_up = self.partition.leader().is_some_and(|l| l.soft.caught_up);
        if !any && caught_up && self.last_told.elapsed() < HEARS {
            return Vec::new();
        }
        self.last_told = Instant::now();
        told
    }

    /// A page that was read; a cut or an error is dealt with here.
    fn read(&mut self, of: Stream, position: u64, read: Result<Page, ReadError>) -> Option<Page> {
        match read {
            Ok(page) => {
                self.readable(of);
                Some(page)
            }
            Err(ReadError::Cut { start, end, .. }) if of.topic == Topic::Heartbeats => {
                // Beats are soft: what is gone would have been overtaken anyway.
                Some(Page { records: Vec::new(), next: start.max(position.min(end)), end })
            }
            Err(error @ ReadError::Cut { .. }) => {
                self.halt(format!("{of}: {error}; restore the data folder from a copy"));
                None
            }
            Err(ReadError::Failed(why)) => {
                let unread = Trouble::Unread(format!("{of}: {why}"));
                self.unread.insert(of, why);
                self.health(|health| {
                    health.trouble.get_or_insert(unread);
                });
                std::thread::sleep(TICK);
                None
            }
        }
    }

    /// A stream can be read: what was said of it is over.
    fn readable(&mut self, of: Stream) {
        if self.unread.remove(&of).is_none() {
            return;
        }
        let other = self.unread.first_key_value().map(|(of, why)| Trouble::Unread(format!("{of}: {why}")));
        self.health(|health| {
            if matches!(health.trouble, Some(Trouble::Unread(_))) {
                health.trouble = other;
            }
        });
    }

    fn wait(&self) {
        let replica = self.shared.replica.read().unwrap_or_else(PoisonError::into_inner).position;
        let mut streams = vec![(JOURNAL, replica)];
        if let Some(positions) = self.inputs.filter(|_| self.partition.takes_inputs()) {
            let inputs = INPUTS.into_iter().zip(positions);
            streams.extend(inputs.map(|(topic, position)| (Stream { topic, partition: 0 }, position)));
        }
        self.shared.log.wait(&streams, TICK);
    }

    fn step(&mut self, told: Vec<In>) {
        let out = self.partition.step_all(told, instants::now(), instants::random());
        self.decided = self.partition.leader().and_then(|leader| self.taken.decided(leader.inbox.consumed));
        for out in out {
            self.act(out);
        }
        self.live |= self.partition.is_at_end();
        let leader = self.partition.leader();
        let lag_records = self.waiting + leader.map_or(0, |l| l.inbox.len() as u64);
        let lag_ms = self.taken.oldest().map_or(0, |at| at.elapsed().as_millis());
        self.health(|health| {
            health.journal_read = self.live;
            health.lag_records = lag_records;
            health.lag_ms = u64::try_from(lag_ms).unwrap_or(u64::MAX);
            health.caught_up = leader.is_some_and(|l| l.soft.caught_up);
        });
    }

    fn act(&mut self, out: Out) {
        match out {
            Out::Append(record) => self.append(record),
            Out::ReadInputs(Consumed { requests, reports }) => {
                let beats = self.shared.log.range(Stream { topic: Topic::Heartbeats, partition: 0 });
                self.inputs = Some([requests, reports, beats.map_or(0, |range| range.end)]);
            }
            Out::StopInputs => {
                (self.inputs, self.waiting) = (None, 0);
                self.taken.clear();
                self.caused.clear();
            }
            Out::Command(command) => {
                failpoint::hit("engine.command.before");
                if !self.shared.hub.send(command) {
                    self.shared.metrics.command_without_stream();
                }
                failpoint::hit("engine.command.after");
            }
            Out::Renew { pool, node, renew } => {
                failpoint::hit("engine.renew.before");
                self.shared.waiters.renewed(&pool, &node, renew);
            }
            Out::Admitted { seq, entry, waited_ms } => {
                failpoint::hit("engine.admitted");
                let since = waited_ms.and_then(|_| self.caused.pop_front()).flatten();
                if self.live {
                    self.shared.metrics.admitted(&entry, since.map(|at| at.elapsed()));
                }
                self.health(|health| health.seq = seq);
                self.shared.marks.note(&self.shared.replica.read().unwrap_or_else(PoisonError::into_inner));
                self.shared.admitted.send_replace(seq);
            }
            Out::Answered { pool, key, content, answer, seq } => {
                failpoint::hit("engine.answer.before");
                self.shared.waiters.answered(&(pool, key, content), &answer, seq);
            }
            Out::Reject { records, seq } => {
                let words = self.words.0.clone();
                let done = Box::new(move |outcome: Result<Vec<u64>, AppendError>| match outcome {
                    // A word that finds no room is made up for: rejects that are not known to be out come again.
                    Ok(_) => drop(words.try_send(Word::RejectsOut(seq))),
                    Err(error) => tracing::warn!(%error, "rejects could not be stored; they are tried again"),
                });
                self.shared.log.append(REJECTS, records, done);
            }
            Out::SnapshotDue => self.snapshot(),
            Out::Leading(leading) => self.leading(leading),
            Out::Alarm(why) => {
                tracing::warn!(%why, "alarm");
                self.shared.metrics.alarm();
                if self.partition.leader().is_none() {
                    self.health(|health| {
                        health.trouble.get_or_insert(Trouble::Doubt(why));
                    });
                }
            }
            Out::Stop(why) => self.halt(why),
        }
    }

    fn append(&mut self, record: NewRecord) {
        let leads = self.partition.leader().is_some();
        failpoint::hit(if leads { "engine.append.before" } else { "engine.announce" });
        if leads {
            self.caused.push_back(self.decided.take());
        }
        let words = self.words.0.clone();
        let done = Box::new(move |outcome: Result<Vec<u64>, AppendError>| {
            if let Err(error) = outcome {
                // A full queue of failures already says enough.
                let _ = words.try_send(Word::AppendFailed(error));
            }
        });
        self.shared.log.append(JOURNAL, vec![record], done);
        failpoint::hit("engine.append.after");
    }

    fn leading(&mut self, leading: bool) {
        if leading {
            failpoint::hit("engine.leading");
        }
        let epoch =
            self.shared.replica.read().unwrap_or_else(PoisonError::into_inner).counted.as_ref().map(|(e, _)| *e);
        self.health(|health| {
            health.leading = leading;
            health.epoch = epoch.unwrap_or(0);
            if leading {
                health.trouble = None;
            }
        });
        self.shared.metrics.leading(leading, epoch.unwrap_or(0));
    }

    /// Writes a snapshot beside the thread: the clone shares its executions with the replica, and costs little.
    fn snapshot(&mut self) {
        let replica = self.shared.replica.read().unwrap_or_else(PoisonError::into_inner).clone();
        let (log, folder) = (self.shared.log.clone(), self.options.snapshots.clone());
        let write = move || snapshots::save(&folder, &replica, log.as_ref()).map(|()| replica.seq);
        match std::thread::Builder::new().name("snapshot".to_owned()).spawn(write) {
            Ok(thread) => self.writer = Some(thread),
            Err(error) => self.next.push(self.no_snapshot(&format!("the system gives no thread: {error}"))),
        }
    }

    fn halt(&mut self, why: String) {
        tracing::error!(%why, "stopped");
        self.stopped = true;
        self.health(|health| {
            health.leading = false;
            health.trouble = Some(Trouble::Stopped(why));
            self.shared.metrics.leading(false, health.epoch);
        });
        self.shared.waiters.close();
    }

    fn health(&self, change: impl FnOnce(&mut crate::Health)) {
        change(&mut self.shared.health.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
