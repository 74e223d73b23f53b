//! The protocol's machine as the engine drives it: reports come as JSON, entries go out as JSON and are read back,
//! and a replica folds them a second time.

use std::time::Duration;

use model::command::Order;
use model::record::Consumed;
use model::request::{Ask, Submit};
use model::{Body, Heartbeat, Report, Request, Timestamp};
use operators::Config as Operators;
use protocol::clock::Instants;
use protocol::log::{Record, Topic};
use protocol::partition::Config;
use protocol::{In, Out, Partition, Replica};

use crate::core::decided::{BEGIN, Decided, settings};
use crate::core::fleet::{self, EXECUTIONS, Fleet, pool};
use crate::core::ladder::{Said, Subject, timed};

/// A partition that leads, and its log in memory.
pub struct Told {
    partition: Partition,
    at: Instants,
    /// What was appended and not read back yet.
    journal: Vec<Record>,
    ends: Ends,
    keys: u32,
    said: Said,
}

#[derive(Default)]
struct Ends {
    journal: u64,
    requests: u64,
    reports: u64,
    heartbeats: u64,
}

impl Told {
    /// A leader of this state.
    pub fn on(state: operators::State) -> Self {
        let replica = Replica { state, now: BEGIN, consumed: Consumed::default(), ..Replica::default() };
        let at = Instants { wall_ms: BEGIN.0, boot_ms: 0 };
        let operators = Operators { settings: settings(), ..Operators::default() };
        let config = Config { operators, snapshot_entries: u64::MAX / 2, ..Config::default() };
        let partition = Partition::new(replica, config, at);
        let said = Said::default();
        let mut told = Self { partition, at, journal: Vec::new(), ends: Ends::default(), keys: 0, said };
        told.step(vec![In::Lead, In::Journal { records: Vec::new(), next: 0, end: 0 }]);
        told.settle();
        told
    }

    /// Steps until nothing is outstanding.
    pub fn settle(&mut self) {
        while !self.journal.is_empty() || self.partition.has_more() {
            self.step(Vec::new());
        }
        let inputs = self.inputs(Default::default());
        self.step(inputs);
        while !self.journal.is_empty() || self.partition.has_more() {
            self.step(Vec::new());
        }
    }

    /// One step: what was appended is read back, with the inputs that came meanwhile.
    fn step(&mut self, inputs: Vec<In>) {
        self.at.boot_ms += 1;
        self.at.wall_ms += 1;
        let records = std::mem::take(&mut self.journal);
        let mut told = Vec::new();
        if !records.is_empty() {
            told.push(In::Journal { records, next: self.ends.journal, end: self.ends.journal });
        }
        told.extend(inputs);
        for out in self.partition.step_all(told, self.at, 4711) {
            self.act(out);
        }
    }

    fn act(&mut self, out: Out) {
        match out {
            Out::Append(record) => {
                let position = self.ends.journal;
                self.ends.journal += 1;
                self.journal.push(Record {
                    position,
                    key: record.key,
                    header: record.header,
                    value: record.value,
                    appended: None,
                });
            }
            Out::Command(command) => match command.order {
                Order::Start(start) => self.said.dispatched.push((command.node, start.lease)),
                Order::Cancel { .. } | Order::Renew(_) => {}
            },
            Out::Admitted { entry, .. } => {
                let ends = entry.events.iter().filter(|e| matches!(e.event, Body::ExecutionEnded { .. }));
                self.said.ended += u32::try_from(ends.count()).expect("few");
            }
            Out::Alarm(why) | Out::Stop(why) => panic!("the partition is in trouble: {why}"),
            Out::ReadInputs(_)
            | Out::StopInputs
            | Out::Renew { .. }
            | Out::Answered { .. }
            | Out::Reject { .. }
            | Out::SnapshotDue
            | Out::Leading(_) => {}
        }
    }

    /// Each topic is told each time, as the engine does: one that is not looked at for long is a pause.
    fn inputs(&mut self, [requests, reports, beats]: [Vec<Vec<u8>>; 3]) -> Vec<In> {
        let topics = [(Topic::Requests, requests), (Topic::Reports, reports), (Topic::Heartbeats, beats)];
        topics.map(|(topic, values)| self.input(topic, values)).into()
    }

    fn input(&mut self, topic: Topic, values: Vec<Vec<u8>>) -> In {
        let ends = &mut self.ends;
        let end = match topic {
            Topic::Requests => &mut ends.requests,
            Topic::Reports => &mut ends.reports,
            Topic::Heartbeats => &mut ends.heartbeats,
            Topic::Journal | Topic::Commands | Topic::Rejects => unreachable!("not an input"),
        };
        let records = values.into_iter().map(|value| {
            let position = *end;
            *end += 1;
            Record { position, key: pool().as_str().into(), header: Vec::new(), value, appended: None }
        });
        let records = records.collect();
        In::Input { topic, records, next: *end, end: *end }
    }

    fn request(&mut self, submit: Submit) -> Vec<u8> {
        let key = fleet::key(&format!("told-{}", self.keys));
        let (who, at) = ("bench".to_owned(), Timestamp(self.at.wall_ms));
        let request = Request { pool: pool(), key, who, at, reason: String::new(), ask: Ask::Submit(submit) };
        serde_json::to_vec(&request).expect("plain data")
    }
}

impl Subject for Told {
    fn begin(fleet: &Fleet, tasks: u32) -> Self {
        let mut decided = Decided::with_fleet(fleet);
        for _ in 0..EXECUTIONS {
            decided.add(fleet::flow("nightly", tasks, fleet::usual));
        }
        Self::on(decided.into_state())
    }

    fn take(&mut self, reports: Vec<Report>, beat: Option<Heartbeat>) -> Said {
        let json = |report: &Report| serde_json::to_vec(report).expect("plain data");
        let reports = reports.iter().map(json).collect();
        let beats = beat.iter().map(|beat| serde_json::to_vec(beat).expect("plain data")).collect();
        let inputs = self.inputs([Vec::new(), reports, beats]);
        let mut took = Duration::ZERO;
        timed(&mut took, || self.step(inputs));
        Said { took, ..std::mem::take(&mut self.said) }
    }

    fn submit(&mut self, tasks: u32) -> Said {
        self.keys += 1;
        for part in fleet::flow("nightly", tasks, fleet::usual) {
            let value = self.request(part);
            let inputs = self.inputs([vec![value], Vec::new(), Vec::new()]);
            self.step(inputs);
        }
        self.settle();
        std::mem::take(&mut self.said)
    }

    fn visits(&self) -> u64 {
        let leader = self.partition.leader();
        leader.and_then(|l| l.soft.pool(&pool())).map_or(0, |seen| seen.agenda.visits)
    }
}
