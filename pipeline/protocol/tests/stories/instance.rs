//! Instances on one journal that stands in memory: what they append is durable only when the story says so.

use model::record::Consumed;
use model::request::{Ask, Request};
use model::{Key, PoolId, Timestamp};
use protocol::clock::Instants;
use protocol::log::{NewRecord, Record, Topic};
use protocol::partition::Config;
use protocol::{In, Out, Partition, Replica};

/// The streams that all instances read.
#[derive(Default)]
pub struct Log {
    pub journal: Vec<Record>,
    pub requests: Vec<Record>,
    pub reports: Vec<Record>,
    pub heartbeats: Vec<Record>,
}

/// One instance, and what it wants appended.
pub struct Instance {
    pub partition: Partition,
    pub at: Instants,
    pub unwritten: Vec<NewRecord>,
    pub out: Vec<Out>,
    read: usize,
    inputs: Option<Consumed>,
    beats: usize,
    random: u64,
}

impl Log {
    /// Makes durable what an instance wants appended.
    pub fn write(&mut self, instance: &mut Instance) {
        for record in std::mem::take(&mut instance.unwritten) {
            self.append(record);
        }
    }

    /// Makes a record durable, whoever wrote it.
    pub fn append(&mut self, record: NewRecord) {
        let NewRecord { key, header, value } = record;
        self.journal.push(Record { position: self.journal.len() as u64, key, header, value });
    }

    /// A request of a person.
    pub fn ask(&mut self, who: &str, key: &str, ask: Ask) {
        let (pool, key) = (PoolId::new("p").unwrap(), Key::new(key).unwrap());
        let request = Request { pool, key, who: who.to_owned(), at: Timestamp(1_000_000), reason: String::new(), ask };
        self.put(Topic::Requests, b"p", &serde_json::to_vec(&request).unwrap());
    }

    /// A record of an input, whoever wrote it.
    pub fn put(&mut self, topic: Topic, key: &[u8], value: &[u8]) {
        let stream = match topic {
            Topic::Requests => &mut self.requests,
            Topic::Reports => &mut self.reports,
            Topic::Heartbeats => &mut self.heartbeats,
            Topic::Journal | Topic::Commands | Topic::Rejects => panic!("no input"),
        };
        let (position, key, value) = (stream.len() as u64, key.into(), value.into());
        stream.push(Record { position, key, header: Vec::new(), value });
    }

    /// A request that is refused, since there is no such execution: the least that is journaled.
    pub fn ask_anything(&mut self, key: &str) {
        self.ask("ann", key, Ask::Pause { execution: "f-1".parse().unwrap() });
    }
}

impl Instance {
    pub fn new(replica: Replica, config: Config, random: u64) -> Self {
        let at = Instants { wall_ms: 1_000_000, boot_ms: 5_000 };
        let read = usize::try_from(replica.position).unwrap();
        let partition = Partition::new(replica, config, at);
        Self { partition, at, unwritten: Vec::new(), out: Vec::new(), read, inputs: None, beats: 0, random }
    }

    /// An instance that should lead.
    pub fn fresh(config: Config, random: u64) -> Self {
        let mut instance = Self::new(Replica::default(), config, random);
        instance.tell(In::Lead);
        instance
    }

    pub fn tell(&mut self, told: In) {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        for out in self.partition.step(told, self.at, self.random) {
            if let Out::Append(record) = &out {
                self.unwritten.push(record.clone());
            }
            if let Out::ReadInputs(consumed) = &out {
                self.inputs = Some(*consumed);
            }
            if out == Out::StopInputs {
                self.inputs = None;
            }
            self.out.push(out);
        }
    }

    /// Reads all that is durable, inputs too if it leads.
    pub fn read(&mut self, log: &Log) {
        let records = log.journal[self.read.min(log.journal.len())..].to_vec();
        self.read = log.journal.len();
        let end = log.journal.len() as u64;
        self.tell(In::Journal { records, next: end, end });
        let Some(consumed) = &mut self.inputs else { return };
        let new = |stream: &[Record], from: u64| stream[usize::try_from(from).unwrap()..].to_vec();
        let (requests, reports) = (new(&log.requests, consumed.requests), new(&log.reports, consumed.reports));
        let beats = new(&log.heartbeats, self.beats as u64);
        let [requests_end, reports_end, beats_end] = [&log.requests, &log.reports, &log.heartbeats].map(Vec::len);
        (*consumed, self.beats) = (Consumed { requests: requests_end as u64, reports: reports_end as u64 }, beats_end);
        let told = |topic, records, end| In::Input { topic, records, next: end as u64, end: end as u64 };
        self.tell(told(Topic::Requests, requests, requests_end));
        self.tell(told(Topic::Reports, reports, reports_end));
        self.tell(told(Topic::Heartbeats, beats, beats_end));
    }

    /// Reads and writes until nothing is new.
    pub fn settle(&mut self, log: &mut Log) {
        for _ in 0..20 {
            self.read(log);
            log.write(self);
        }
    }

    pub fn pass(&mut self, ms: u64) {
        // In short steps: a long one would be a pause.
        for _ in 0..ms / 100 {
            self.at.wall_ms += 100;
            self.at.boot_ms += 100;
            self.tell(In::Tick);
        }
    }

    pub fn leads(&self) -> bool {
        self.partition.leader().is_some()
    }

    pub fn replica(&self) -> Replica {
        self.partition.replica.read().unwrap().clone()
    }

    /// The keys that were answered since the last look.
    pub fn answered(&mut self) -> String {
        let keys =
            self.out.drain(..).filter_map(|out| if let Out::Answered { key, .. } = out { Some(key) } else { None });
        keys.map(|key| key.to_string()).collect::<Vec<_>>().join(" ")
    }

    pub fn said(&self, what: &str) -> bool {
        self.out.iter().any(|out| format!("{out:?}").contains(what))
    }
}
