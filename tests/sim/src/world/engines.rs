//! Instances: what the shell reads and tells, and what it does with what comes out.

use std::sync::PoisonError;

use model::Command;
use model::command::Order;
use model::record::Entry;
use protocol::log::{NewRecord, ReadError, Topic};
use protocol::{In, Out, Partition, Replica};

use super::faults::Heal;
use super::{Event, World};
use crate::engine::INPUTS;
use crate::history::{Admitted, Effect, What};

/// A page of the journal, and of an input, in bytes.
const PAGE: [usize; 2] = [256 * 1024, 32 * 1024];
/// Steps that one look may take at most.
const STEPS: usize = 100;

impl World {
    /// An instance begins: from the newest snapshot that can be used, else from the journal's start.
    pub(super) fn engine_up(&mut self, index: usize) {
        if self.engines[index].is_up() {
            return;
        }
        let start = self.tapes.of(Topic::Journal).start();
        let old = self.store.kept.first().is_some_and(|kept| kept.position >= start) && self.random.chance(200);
        let (replica, bad) = self.store.load(start, old && self.store.both_good());
        (0..bad).for_each(|_| self.counters.add("snapshot rejected"));
        if replica.is_some() {
            self.counters.add("snapshot loaded");
        }
        let mut config = self.knobs.config.clone();
        let engine = &mut self.engines[index];
        config.accept_clock = engine.accept_clock;
        engine.life += 1;
        (engine.reading, engine.armed, engine.paused) = (None, false, false);
        let at = engine.instants(self.now);
        engine.partition = Some(Partition::new(replica.unwrap_or_default(), config, at));
        self.trace.line(self.now, format_args!("e{index} is up, life {}", self.engines[index].life));
        let leads = self.knobs.engines == 1 || self.random.chance(400);
        self.poll_at(index, self.now);
        if leads {
            self.tell(index, In::Lead);
        }
    }

    /// An instance dies.
    pub(super) fn engine_down(&mut self, index: usize, why: &str) {
        self.trace.line(self.now, format_args!("e{index} is down: {why}"));
        let engine = &mut self.engines[index];
        (engine.partition, engine.reading, engine.armed) = (None, None, false);
        engine.life += 1;
        self.orphan_appends(index);
        let wait = self.random.skewed(300, 6_000);
        self.after(wait, Event::Heal(Heal::EngineUp(index)));
    }

    /// An instance looks at this time, if not earlier.
    pub(super) fn poll_at(&mut self, index: usize, at: u64) {
        let engine = &mut self.engines[index];
        if engine.partition.is_some() && (engine.next_poll <= self.now || at < engine.next_poll) {
            engine.next_poll = at.max(self.now + 1);
            let at = engine.next_poll;
            self.at(at, Event::Poll(index));
        }
    }

    /// An instance looks at the log.
    pub(super) fn poll(&mut self, index: usize) {
        let engine = &self.engines[index];
        if engine.next_poll != self.now || !engine.is_up() || engine.paused {
            return;
        }
        let mut told = Vec::new();
        if engine.stalled[0] <= self.now {
            match self.read_journal(index) {
                Ok(journal) => told.push(journal),
                Err(why) => return self.engine_down(index, why),
            }
        }
        told.extend((0..INPUTS.len()).filter_map(|input| self.read_input(index, input)));
        self.tell_all(index, told);
        for _ in 0..STEPS {
            if !self.engines[index].partition.as_ref().is_some_and(Partition::has_more) {
                break;
            }
            self.tell(index, In::Tick);
        }
        let engine = &self.engines[index];
        let follows = [Topic::Journal].into_iter().chain(INPUTS.into_iter().filter(|_| engine.reading.is_some()));
        let seen = follows.filter_map(|topic| self.tapes.of(topic).next_visible(self.now)).min();
        let idle = self.now + self.knobs.poll_ms;
        let jitter = self.random.below(8);
        self.poll_at(index, seen.map_or(idle, |at| idle.min(at + jitter)));
    }

    fn read_journal(&self, index: usize) -> Result<In, &'static str> {
        let Some(partition) = &self.engines[index].partition else { return Ok(In::Tick) };
        let position = partition.replica.read().unwrap_or_else(PoisonError::into_inner).position;
        match self.tapes.of(Topic::Journal).read(position, PAGE[0], self.now) {
            Ok(page) => Ok(In::Journal { records: page.records, next: page.next, end: page.end }),
            Err(ReadError::Cut { .. }) => Err("the journal was cut below its position"),
            Err(ReadError::Failed(_)) => Err("its read failed"),
        }
    }

    fn read_input(&mut self, index: usize, input: usize) -> Option<In> {
        let engine = &mut self.engines[index];
        let takes = engine.partition.as_ref().is_some_and(Partition::takes_inputs);
        let reading = engine.reading.as_mut().filter(|_| takes && engine.stalled[input + 1] <= self.now)?;
        let topic = INPUTS[input];
        let position = reading[input];
        match self.tapes.of(topic).read(position, PAGE[1], self.now) {
            Ok(page) => {
                reading[input] = page.next;
                Some(In::Input { topic, records: page.records, next: page.next, end: page.end })
            }
            Err(ReadError::Cut { start, end, .. }) => Some(In::InputCut { topic, position, start, end }),
            Err(ReadError::Failed(_)) => None,
        }
    }

    /// One step of an instance, and what comes out of it.
    pub(super) fn tell(&mut self, index: usize, told: In) {
        self.tell_all(index, vec![told]);
    }

    fn tell_all(&mut self, index: usize, told: Vec<In>) {
        let at = self.engines[index].instants(self.now);
        let random = self.random.next();
        let life = self.engines[index].life;
        let Some(partition) = &mut self.engines[index].partition else { return };
        for out in partition.step_all(told, at, random) {
            if self.engines[index].life != life {
                break;
            }
            self.out(index, out);
        }
    }

    fn out(&mut self, index: usize, out: Out) {
        match out {
            Out::Append(record) => {
                self.append(index, record);
                if self.engines[index].armed {
                    self.counters.add("engine crashed at an append");
                    self.engine_down(index, "killed at an append");
                }
            }
            Out::ReadInputs(from) => {
                let beats = self.tapes.of(Topic::Heartbeats).end_at(self.now);
                self.engines[index].read_inputs(from, beats);
            }
            Out::StopInputs => self.engines[index].reading = None,
            Out::Command(command) => self.command(index, command),
            Out::Renew { pool, node, renew } => {
                let (boot, stop, hello) = (renew.boot.clone(), renew.stop.clone(), renew.hello);
                self.effect(index, What::Renew { node: node.clone(), boot, stop, hello });
                self.command(index, Command { pool, node, order: Order::Renew(renew) });
            }
            Out::Admitted { seq, entry, .. } => {
                if self.history.admitted.last().is_none_or(|last| last.seq < seq) {
                    self.trace.line(self.now, format_args!("entry {seq} at {}: {}", entry.now.0, words(&entry)));
                }
                let (now, events) = (entry.now.0, entry.events.len());
                self.history.admitted.push(Admitted { engine: index, at: self.now, seq, now, events });
            }
            Out::Answered { key, answer, seq, .. } => {
                self.trace.line(self.now, format_args!("e{index} answers {key} of {seq}: {answer:?}"));
                self.effect(index, What::Answer(key.clone(), answer.clone()));
                self.tell_person(key, answer);
            }
            Out::Reject { records, seq } => self.reject(index, records, seq),
            Out::SnapshotDue => self.snapshot(index),
            Out::Leading(true) => {
                self.counters.add("takeover");
                let us = (index, self.engines[index].life);
                if self.pending.values().any(|p| p.engine.is_some_and(|of| of != us)) {
                    self.counters.add("takeover with entries outstanding");
                }
                self.trace.line(self.now, format_args!("e{index} leads"));
            }
            Out::Leading(false) => self.trace.line(self.now, format_args!("e{index} follows")),
            Out::Alarm(why) => self.alarm(index, &why),
            Out::Stop(why) => self.stopped(index, &why),
        }
    }

    fn effect(&mut self, engine: usize, what: What) {
        self.history.effects.push(Effect { at: self.now, engine, what });
    }

    fn command(&mut self, index: usize, command: Command) {
        match &command.order {
            Order::Start(start) => self.effect(index, What::Start(start.lease)),
            Order::Cancel { lease, .. } => self.effect(index, What::Cancel(*lease)),
            Order::Renew(_) => {}
        }
        self.to_node(&command.node, command.order);
    }

    fn alarm(&mut self, index: usize, why: &str) {
        self.trace.line(self.now, format_args!("e{index} alarm: {why}"));
        for (words, counter) in [
            ("wall clock differs", "clocks apart"),
            ("not read back in time", "doubt by lost append"),
            ("an append failed", "doubt by failed append"),
            ("panicked", "bug of ours rejected"),
            ("did not count", "announcement ignored"),
        ] {
            if why.contains(words) {
                self.counters.add(counter);
            }
        }
        if why.contains("applying") {
            self.history.violations.push(format!("P: applying an event panicked at {}: {why}", self.now));
        }
    }

    /// An instance cannot go on: its administrator reads why.
    fn stopped(&mut self, index: usize, why: &str) {
        if why.contains("clock") {
            self.counters.add("engine stopped by its wall clock");
            // Either the machine's clock is wrong, or the journal's is.
            let right = self.engines[index].wall == self.knobs.walls[index];
            let accepts = right || self.knobs.engines == 1 && self.random.chance(500);
            let engine = &mut self.engines[index];
            engine.accept_clock = accepts;
            if accepts {
                self.counters.add("clock accepted");
            } else {
                engine.wall = self.knobs.walls[index];
            }
        } else {
            self.history.violations.push(format!("P: an instance stopped at {}: {why}", self.now));
        }
        self.engine_down(index, why);
    }

    fn snapshot(&mut self, index: usize) {
        let Some(partition) = &self.engines[index].partition else { return };
        let replica: Replica = partition.replica.read().unwrap_or_else(PoisonError::into_inner).clone();
        self.store.put(&replica);
        let (life, seq) = (self.engines[index].life, replica.seq);
        let wait = self.random.below(300);
        self.after(wait, Event::Written { engine: index, life, seq });
        if self.store.both_good() && self.random.chance(400) {
            self.counters.add("journal trimmed");
            let before = self.store.kept[0].position;
            self.tapes.of_mut(Topic::Journal).trim(before);
        }
    }

    pub(super) fn written(&mut self, engine: usize, life: u32, seq: u64) {
        if self.engines[engine].paused {
            self.after(100, Event::Written { engine, life, seq });
        } else if self.engines[engine].life == life {
            self.tell(engine, In::Snapshot { seq });
        }
    }

    pub(super) fn append_failed(&mut self, engine: usize, life: u32) {
        if self.engines[engine].paused {
            self.after(100, Event::Failed { engine, life });
        } else if self.engines[engine].life == life {
            self.tell(engine, In::AppendFailed { why: "the log says so".to_owned(), header: Vec::new() });
        }
    }

    /// Rejects of one entry, together; sometimes the log does not take them.
    fn reject(&mut self, index: usize, records: Vec<NewRecord>, seq: u64) {
        if self.random.chance(self.knobs.loss) {
            self.counters.add("reject not stored");
            return;
        }
        for record in &records {
            let value: serde_json::Value = serde_json::from_slice(&record.value).unwrap_or_default();
            let topic = value["topic"].as_str().unwrap_or("").to_owned();
            self.history.rejects.push((topic, value["position"].as_u64().unwrap_or(u64::MAX)));
            self.counters.add("poison rejected");
        }
        self.tapes.of_mut(Topic::Rejects).place(records, 0, self.now);
        let (life, wait) = (self.engines[index].life, self.random.below(200));
        self.after(wait, Event::RejectsOut { engine: index, life, seq });
    }

    pub(super) fn rejects_out(&mut self, engine: usize, life: u32, seq: u64) {
        if self.engines[engine].paused {
            self.after(100, Event::RejectsOut { engine, life, seq });
        } else if self.engines[engine].life == life {
            self.tell(engine, In::RejectsOut { seq });
        }
    }
}

/// The kinds of an entry's events, alike ones counted.
fn words(entry: &Entry) -> String {
    let mut text = String::new();
    for alike in entry.events.chunk_by(|a, b| a.event.word() == b.event.word()) {
        let count = alike.len();
        text.push_str(alike[0].event.word());
        text.push_str(&if count > 1 { format!("*{count} ") } else { " ".to_owned() });
    }
    text
}
