//! The partition's thread: reads what is new, tells the machine, does what the machine says.

use std::collections::VecDeque;
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
use crate::snapshots;

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
    Snapshot(Result<u64, std::io::Error>),
    RejectsOut(u64),
}

/// The thread's own.
pub struct Driver {
    shared: Arc<Shared>,
    partition: Partition,
    options: Options,
    words: (SyncSender<Word>, Receiver<Word>),
    /// Where each input topic is read on, while it leads: requests, reports, heartbeats.
    inputs: Option<[u64; 3]>,
    /// When the inputs of each outstanding entry were read.
    read_at: VecDeque<Instant>,
    last_read: Instant,
    last_told: Instant,
    /// The thread that writes a snapshot, or did.
    writer: Option<JoinHandle<()>>,
    stopped: bool,
}

/// How often a leader is told that its inputs hold nothing new.
const HEARS: Duration = Duration::from_millis(250);

/// The input topics, in the order in which they are read.
const INPUTS: [Topic; 3] = [Topic::Requests, Topic::Reports, Topic::Heartbeats];

impl Driver {
    pub fn new(shared: Arc<Shared>, partition: Partition, options: Options) -> Self {
        let words = sync_channel(1_024);
        let (read_at, last_read) = (VecDeque::new(), Instant::now());
        let (last_told, inputs, writer) = (last_read, None, None);
        Self { shared, partition, options, words, inputs, read_at, last_read, last_told, writer, stopped: false }
    }

    /// Runs until it is told to stop, or cannot go on.
    pub fn run(mut self) {
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
        let words: Vec<Word> = self.words.1.try_iter().take(64).collect();
        words.into_iter().filter_map(|word| self.word(word)).collect()
    }

    fn word(&mut self, word: Word) -> Option<In> {
        match word {
            Word::AppendFailed(error) => {
                let why = error.to_string();
                let trouble = match error {
                    AppendError::Full { advice } => Trouble::Disk(advice),
                    AppendError::Refused(_) | AppendError::Failed(_) => Trouble::Doubt(why.clone()),
                };
                self.health(|health| health.trouble = Some(trouble));
                Some(In::AppendFailed { why })
            }
            Word::RejectsOut(seq) => Some(In::RejectsOut { seq }),
            Word::Snapshot(Ok(seq)) => {
                self.shared.metrics.snapshot_written(instants::now().wall_ms);
                Some(In::Snapshot { seq })
            }
            Word::Snapshot(Err(error)) => {
                tracing::warn!(%error, "no snapshot could be written; the next one is tried later");
                let seq = self.shared.replica.read().unwrap_or_else(PoisonError::into_inner).seq;
                Some(In::Snapshot { seq })
            }
        }
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
            any |= !page.records.is_empty();
            *position = page.next;
            waiting += page.end.saturating_sub(page.next);
            told.push(In::Input { topic, records: page.records, next: page.next, end: page.end });
        }
        self.inputs = Some(positions);
        if any {
            self.last_read = Instant::now();
        }
        self.lag(waiting);
        // Ends are told even when nothing is new, but not each time: that the partition hears.
        let caught_up = self.partition.leader().is_some_and(|l| l.soft.caught_up);
        if !any && caught_up && self.last_told.elapsed() < HEARS {
            return Vec::new();
        }
        self.last_told = Instant::now();
        told
    }

    fn lag(&mut self, waiting: u64) {
        let pending = self.partition.leader().map_or(0, |l| l.inbox.len() as u64);
        let lag_ms = if waiting + pending == 0 { 0 } else { self.last_read.elapsed().as_millis() };
        let caught_up = self.partition.leader().is_some_and(|l| l.soft.caught_up);
        self.health(|health| {
            health.lag_records = waiting + pending;
            health.lag_ms = u64::try_from(lag_ms).unwrap_or(u64::MAX);
            health.caught_up = caught_up;
        });
    }

    /// A page that was read; a cut or an error is dealt with here.
    fn read(&mut self, of: Stream, position: u64, read: Result<Page, ReadError>) -> Option<Page> {
        match read {
            Ok(page) => Some(page),
            Err(ReadError::Cut { start, end, .. }) if of.topic == Topic::Heartbeats => {
                // Beats are soft: what is gone would have been overtaken anyway.
                Some(Page { records: Vec::new(), next: start.max(position.min(end)), end })
            }
            Err(error @ ReadError::Cut { .. }) => {
                self.halt(format!("{of}: {error}; restore the data folder from a copy"));
                None
            }
            Err(ReadError::Failed(why)) => {
                self.health(|health| health.trouble = Some(Trouble::Doubt(format!("{of}: {why}"))));
                std::thread::sleep(TICK);
                None
            }
        }
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
        for out in out {
            self.act(out);
        }
    }

    fn act(&mut self, out: Out) {
        match out {
            Out::Append(record) => self.append(record),
            Out::ReadInputs(Consumed { requests, reports }) => {
                let beats = self.shared.log.range(Stream { topic: Topic::Heartbeats, partition: 0 });
                self.inputs = Some([requests, reports, beats.map_or(0, |range| range.end)]);
            }
            Out::StopInputs => {
                self.inputs = None;
                self.read_at.clear();
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
                let since = waited_ms.and_then(|_| self.read_at.pop_front());
                self.shared.metrics.admitted(&entry, since.map(|at| at.elapsed()));
                self.health(|health| health.seq = seq);
                let replica = self.shared.replica.read().unwrap_or_else(PoisonError::into_inner);
                self.shared.marks.lock().unwrap_or_else(PoisonError::into_inner).note(&replica);
                drop(replica);
                self.shared.admitted.send_replace(seq);
            }
            Out::Answered { pool, key, answer, seq, .. } => {
                failpoint::hit("engine.answer.before");
                self.shared.waiters.answered(&pool, &key, &answer, seq);
            }
            Out::Reject { records, seq } => {
                let to = Stream { topic: Topic::Rejects, partition: 0 };
                let words = self.words.0.clone();
                let done = Box::new(move |outcome: Result<Vec<u64>, AppendError>| match outcome {
                    // A word that finds no room is made up for: rejects that are not known to be out come again.
                    Ok(_) => drop(words.try_send(Word::RejectsOut(seq))),
                    Err(error) => tracing::warn!(%error, "rejects could not be stored; they are tried again"),
                });
                self.shared.log.append(to, records, done);
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
        self.read_at.push_back(self.last_read);
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
        self.read_at.clear();
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
        let (words, shared, folder) = (self.words.0.clone(), self.shared.clone(), self.options.snapshots.clone());
        let write = move || {
            let seq = replica.seq;
            let outcome = snapshots::save(&folder, &replica, shared.log.as_ref()).map(|()| seq);
            // Full only when nobody listens any more.
            let _ = words.try_send(Word::Snapshot(outcome));
        };
        match std::thread::Builder::new().name("snapshot".to_owned()).spawn(write) {
            Ok(thread) => self.writer = Some(thread),
            Err(error) => tracing::warn!(%error, "no thread for a snapshot"),
        }
    }

    fn halt(&mut self, why: String) {
        tracing::error!(%why, "stopped");
        self.stopped = true;
        self.health(|health| {
            health.leading = false;
            health.trouble = Some(Trouble::Stopped(why));
        });
        self.shared.waiters.close();
    }

    fn health(&self, change: impl FnOnce(&mut crate::Health)) {
        change(&mut self.shared.health.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
