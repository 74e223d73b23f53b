//! One process of model nodes: the simulator's nodes in real time, over Kafka. Killed, it is started again with the
//! same files; stopped, its nodes stand still as a machine in suspend does, with all that they run.

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::sleep;
use std::time::Duration;

use kafka::{KafkaLog, Settings};
use model::record::command_key;
use model::{command::Order, partition_of};
use protocol::log::{AppendError, Log, NewRecord, ReadError, Stream, Topic};
use sim::node::ledger::Ledger;
use sim::node::{Frozen, Node, Say};
use sim::random::Random;

use crate::clock::Clock;
use crate::home::Home;
use crate::scene::{self, PARTITIONS, SLOTS, Scene, Seat};

/// From one look to the next; also how exact an attempt's length is.
const LOOK: Duration = Duration::from_millis(10);
/// Who has not looked for so long, in milliseconds, stood still.
const STILL: u64 = 250;
/// Bytes of commands read at once.
const PAGE: usize = 256 * 1024;
/// Answers that may wait: each node has one request under way.
const ANSWERS: usize = 1_000;

/// What a process of nodes is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the broker is.
    pub broker: String,
    /// What the topics' names begin with.
    pub prefix: String,
    /// The folder of the run.
    pub scene: Scene,
    /// Which process.
    pub process: usize,
    /// Which of its lives.
    pub life: u64,
    /// The run's seed.
    pub seed: u64,
    /// The run's clock.
    pub clock: Clock,
}

/// What became of a request: of which node, which life, which request, whether it is durable.
type Outcome = (usize, u32, u64, bool);

/// A node, its files, its partition, and when it has something to do next.
struct Place {
    node: Node,
    home: Home,
    partition: u32,
    due: u64,
}

struct Fleet {
    log: KafkaLog,
    nodes: Vec<Place>,
    by_key: BTreeMap<Vec<u8>, usize>,
    ears: Vec<(Stream, u64)>,
    tell: SyncSender<Outcome>,
    told: Receiver<Outcome>,
}

/// Runs until it is killed.
pub fn run(options: &Options) -> io::Result<()> {
    let settings = Settings { prefix: options.prefix.clone(), ..Settings::new(&options.broker) };
    let log = KafkaLog::open(&settings, PARTITIONS, kafka::Options::default()).map_err(io::Error::other)?;
    let mut fleet = Fleet::open(log, options)?;
    let mut last = options.clock.now();
    fleet.begin(last)?;
    loop {
        let now = options.clock.now();
        if last + STILL < now {
            fleet.stood_still(last, now)?;
        }
        last = now;
        fleet.step(now)?;
        fleet.log.wait(&fleet.ears, LOOK);
    }
}

impl Fleet {
    fn open(log: KafkaLog, options: &Options) -> io::Result<Self> {
        let (mut nodes, mut by_key, mut ears) = (Vec::new(), BTreeMap::new(), Vec::new());
        for (number, seat) in scene::seats(options.process).enumerate() {
            let (home, disk) = Home::open(&options.scene, &seat)?;
            by_key.insert(command_key(&seat.pool, &seat.name), number);
            let partition = partition_of(&seat.pool, PARTITIONS);
            let stream = Stream { topic: Topic::Commands, partition };
            if !ears.iter().any(|(known, _)| *known == stream) {
                ears.push((stream, end(&log, stream)));
            }
            let chance = options.seed ^ (options.life << 32) ^ ((seat.index as u64) << 48);
            nodes.push(Place { node: node(seat, disk, Random::new(chance)), home, partition, due: 0 });
        }
        let (tell, told) = sync_channel(ANSWERS);
        Ok(Self { log, nodes, by_key, ears, tell, told })
    }

    fn begin(&mut self, now: u64) -> io::Result<()> {
        let settings = scene::settings();
        let spans = [settings.strict_ms(), settings.orphan_ms, settings.beat_ms];
        (0..self.nodes.len()).try_for_each(|number| self.act(number, now, |node| node.start(spans, now)))
    }

    /// The process stood still, and all that the nodes ran.
    fn stood_still(&mut self, from: u64, to: u64) -> io::Result<()> {
        for number in 0..self.nodes.len() {
            self.act(number, to, |node| {
                node.freeze(Frozen::Machine, from);
                node.thaw(to)
            })?;
        }
        Ok(())
    }

    fn step(&mut self, now: u64) -> io::Result<()> {
        while let Ok((number, life, request, taken)) = self.told.try_recv() {
            self.act(number, now, |node| node.answered(life, request, taken, now))?;
        }
        for ear in 0..self.ears.len() {
            for (number, order) in self.hear(ear) {
                self.act(number, now, |node| node.receive(order, now))?;
            }
        }
        for number in 0..self.nodes.len() {
            if self.nodes[number].due <= now {
                self.act(number, now, |node| node.wake(now))?;
            }
        }
        Ok(())
    }

    /// Orders for nodes of ours.
    fn hear(&mut self, ear: usize) -> Vec<(usize, Order)> {
        let (stream, position) = self.ears[ear];
        let page = match self.log.read(stream, position, PAGE) {
            Ok(page) => page,
            Err(ReadError::Cut { end, .. }) => {
                self.ears[ear].1 = end;
                return Vec::new();
            }
            // The broker is away: what was said meanwhile is read when it is back.
            Err(ReadError::Failed(_)) => return Vec::new(),
        };
        self.ears[ear].1 = page.next;
        let order = |record: &protocol::log::Record| {
            let number = *self.by_key.get(&record.key)?;
            Some((number, serde_json::from_slice(&record.value).ok()?))
        };
        page.records.iter().filter_map(order).collect()
    }

    /// A node does something; what it knows is in its files before anything of it is said.
    fn act(&mut self, number: usize, now: u64, act: impl FnOnce(&mut Node) -> Vec<Say>) -> io::Result<()> {
        let Place { node, home, partition, due } = &mut self.nodes[number];
        let (said, partition) = (act(node), *partition);
        home.keep(node)?;
        *due = node.next_at(now).unwrap_or(u64::MAX);
        let (life, key) = (node.life, node.pool.as_str().as_bytes().to_vec());
        let record = |value| NewRecord { key: key.clone(), header: Vec::new(), value };
        for say in said {
            match say {
                Say::Beat(line) => {
                    let to = Stream { topic: Topic::Heartbeats, partition };
                    // The next one says the same.
                    self.log.append(to, vec![record(line)], Box::new(|_| {}));
                }
                Say::Reports { request, lines } => {
                    let to = Stream { topic: Topic::Reports, partition };
                    let tell = self.tell.clone();
                    let done = move |outcome: Result<Vec<u64>, AppendError>| {
                        // There is room for one of each node; who does not listen any more is about to end.
                        let _ = tell.try_send((number, life, request, outcome.is_ok()));
                    };
                    self.log.append(to, lines.into_iter().map(record).collect(), Box::new(done));
                }
            }
        }
        Ok(())
    }
}

/// Where a stream ends; waits for the broker.
fn end(log: &KafkaLog, stream: Stream) -> u64 {
    loop {
        match log.range(stream) {
            Ok(range) => return range.end,
            Err(_) => sleep(LOOK),
        }
    }
}

fn node(seat: Seat, disk: sim::node::disk::Disk, random: Random) -> Node {
    Node {
        index: seat.index,
        name: seat.name,
        pool: seat.pool,
        slots: SLOTS,
        memory_mb: 1_000,
        zone: format!("z{}", seat.index % 4),
        labels: [("os".to_owned(), "linux".to_owned())].into(),
        disk,
        agent: None,
        frozen: Frozen::Nothing,
        frozen_at: 0,
        disk_full: false,
        ledger: Ledger::default(),
        clock: (0, 0),
        // Over Kafka a batch is told to be durable or not, always.
        patience: u64::MAX,
        random,
        inbox: Vec::new(),
        life: 0,
        rare: Vec::new(),
    }
}
