//! An engine without rules, on a real broker: it notes what a node says, and answers as the test wants.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::thread;
use std::time::Duration;

use kafka::{KafkaLog, Options, Settings};
use model::command::Order;
use model::hash::partition_of_key;
use model::record::{Topic, command_key};
use model::{Heartbeat, JournalId, LeaseId, Millis, NodeId, PoolId, Renew, Report, partition_of};
use protocol::log::{Log, NewRecord, ReadError, Stream};

/// The partitions of each topic.
pub const PARTITIONS: u32 = 4;

/// What the engine has seen and how it answers.
#[derive(Debug)]
pub struct World {
    /// Each once, in the order in which they came first.
    pub reports: Vec<Report>,
    pub beats: Vec<Heartbeat>,
    /// The keys of all records.
    pub keys: BTreeSet<Vec<u8>>,
    pub journal: JournalId,
    pub hello: bool,
    pub stop: Vec<LeaseId>,
    pub taken: Option<String>,
    /// How late answers go out.
    pub late: Duration,
    /// It answers no beat at all.
    pub mute: bool,
}

/// An engine for one pool.
pub struct Engine {
    world: Arc<Mutex<World>>,
    log: Arc<KafkaLog>,
    pool: PoolId,
    closed: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Engine {
    /// Reads from the start on; the topics are there.
    pub fn start(settings: &Settings, pool: &PoolId) -> Self {
        let world = World {
            reports: Vec::new(),
            beats: Vec::new(),
            keys: BTreeSet::new(),
            journal: JournalId(5),
            hello: false,
            stop: Vec::new(),
            taken: None,
            late: Duration::ZERO,
            mute: false,
        };
        let log = Arc::new(KafkaLog::open(settings, PARTITIONS, Options::default()).unwrap());
        let (world, closed) = (Arc::new(Mutex::new(world)), Arc::new(AtomicBool::new(false)));
        let mut engine = Self { world, log, pool: pool.clone(), closed, threads: Vec::new() };
        for topic in [Topic::Reports, Topic::Heartbeats] {
            let (world, log, closed) = (engine.world.clone(), engine.log.clone(), engine.closed.clone());
            let stream = engine.stream(topic);
            engine.threads.push(thread::spawn(move || follow(&world, &log, &closed, stream)));
        }
        engine
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Sends a command to a node, and waits until it is durable.
    pub fn order(&self, node: &str, order: &Order) {
        let (tell, told) = mpsc::sync_channel(1);
        let record = command(&self.pool, &NodeId::new(node).unwrap(), order);
        let done = Box::new(move |outcome| tell.send(outcome).unwrap());
        self.log.append(commands(&record), vec![record], done);
        told.recv().unwrap().unwrap();
    }

    fn stream(&self, topic: Topic) -> Stream {
        Stream { topic, partition: partition_of(&self.pool, PARTITIONS) }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Release);
        self.log.wake();
        self.threads.drain(..).for_each(|thread| drop(thread.join())); // a panic has been printed
    }
}

fn follow(world: &Mutex<World>, log: &Arc<KafkaLog>, closed: &AtomicBool, stream: Stream) {
    let mut position = 0;
    while !closed.load(Ordering::Acquire) {
        let page = match log.read(stream, position, 1 << 20) {
            Ok(page) => page,
            Err(error @ ReadError::Cut { .. }) => panic!("{error}"),
            Err(ReadError::Failed(_)) => {
                thread::sleep(Duration::from_millis(50));
                continue;
            }
        };
        position = page.next;
        for record in &page.records {
            let text = std::str::from_utf8(&record.value).unwrap();
            assert!(!text.ends_with('\n'), "a record is the object alone");
            world.lock().unwrap().keys.insert(record.key.clone());
            match stream.topic {
                Topic::Reports => note(&mut world.lock().unwrap(), serde_json::from_str(text).unwrap()),
                Topic::Heartbeats => answer(world, log, serde_json::from_str(text).unwrap()),
                Topic::Requests | Topic::Journal | Topic::Commands | Topic::Rejects => unreachable!(),
            }
        }
        if page.records.is_empty() {
            log.wait(&[(stream, position)], Duration::from_millis(100));
        }
    }
}

/// Notes a report that is not there yet: what was in doubt comes twice.
fn note(world: &mut World, report: Report) {
    if !world.reports.iter().any(|known| known.boot == report.boot && known.seq == report.seq) {
        world.reports.push(report);
    }
}

fn answer(world: &Mutex<World>, log: &Arc<KafkaLog>, beat: Heartbeat) {
    let (renew, to, late) = {
        let mut world = world.lock().unwrap();
        if world.mute {
            return world.beats.push(beat);
        }
        let renew = Renew {
            boot: beat.boot.clone(),
            beat: beat.beat,
            journal: world.journal,
            for_ms: Millis(25_000),
            orphan_ms: Millis(600_000),
            beat_ms: Millis(50),
            stop: world.stop.clone(),
            hello: world.hello,
            taken: world.taken.clone(),
        };
        let record = command(&beat.pool, &beat.node, &Order::Renew(renew));
        world.beats.push(beat);
        let to = commands(&record);
        (record, to, world.late)
    };
    let log = Arc::clone(log);
    let send = move || log.append(to, vec![renew], Box::new(drop));
    if late.is_zero() {
        return send();
    }
    // Later beats are read meanwhile.
    thread::spawn(move || {
        thread::sleep(late);
        send();
    });
}

fn command(pool: &PoolId, node: &NodeId, order: &Order) -> NewRecord {
    NewRecord { key: command_key(pool, node), header: Vec::new(), value: serde_json::to_vec(order).unwrap() }
}

/// The partition that a command's key hashes to.
fn commands(command: &NewRecord) -> Stream {
    Stream { topic: Topic::Commands, partition: partition_of_key(&command.key, PARTITIONS) }
}
