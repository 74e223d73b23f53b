//! The agent: joins, reports, beats and leaves. What it knows only in memory is lost when it dies.

use std::collections::BTreeMap;

use model::report::{Case, CaseResult, Cause, Heartbeat, Hello, Report};
use model::{BootId, LeaseId, Millis, PoolId, ReportKind};

use super::disk::Kept;
use super::work::Stage as Work;
use super::{Frozen, Node, Say, plan};

/// Reports of one request.
const MOST: usize = 20;

/// What an agent knows.
#[derive(Debug, Clone)]
pub struct Agent {
    /// How far it is.
    pub stage: Stage,
    /// The request under way: its number, its reports, until when it is waited for.
    pub request: Option<(u64, usize, u64)>,
    /// No request before.
    pub retry_at: u64,
    /// The last beat.
    pub beat: u64,
    /// When each was sent, by the node's clock.
    pub sent: BTreeMap<u64, u64>,
    /// When the next one is due.
    pub next_beat: u64,
    /// A hello shall be stored.
    pub hello: bool,
    /// Some beat of this boot was answered, and not by "taken".
    pub answered: bool,
    /// What the last answer said: strict work, other work, beats.
    pub spans: [Millis; 3],
}

/// How far an agent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It ends what an earlier life left, and reports that.
    Cleaning,
    /// Its hello is not acknowledged.
    Joining,
    /// It lives.
    Living,
    /// It ends what runs.
    Leaving,
    /// Its goodbye is stored.
    Parting,
    /// It has ended.
    Done,
}

impl Agent {
    /// A beat that waits for reports to be acknowledged goes out then at the latest.
    fn latest_beat(&self) -> u64 {
        self.next_beat + self.spans[2].0 / 2
    }
}

impl Node {
    /// The agent begins.
    pub fn start(&mut self, spans: [Millis; 3], now: u64) -> Vec<Say> {
        if self.agent.is_some() {
            return Vec::new();
        }
        self.life += 1;
        self.agent = Some(Agent {
            stage: Stage::Cleaning,
            request: None,
            retry_at: 0,
            beat: 0,
            sent: BTreeMap::new(),
            next_beat: 0,
            hello: false,
            answered: false,
            spans,
        });
        for held in self.disk.held.values_mut() {
            if !matches!(held.stage, Work::Over(_)) {
                self.ledger.end(held.lease, now);
                held.stage = Work::Over(plan::end(Cause::Agent));
            }
        }
        self.wake(now)
    }

    /// The agent shall leave as planned.
    pub fn leave(&mut self, now: u64) -> Vec<Say> {
        if let Some(agent) = self.agent.as_mut().filter(|a| a.stage == Stage::Living) {
            agent.stage = Stage::Leaving;
            for held in self.disk.held.values_mut() {
                let grace = held.grace;
                held.stop(Cause::Cancel, Some(grace), now);
            }
        }
        self.wake(now)
    }

    /// A request was acknowledged, or refused for now.
    pub fn answered(&mut self, life: u32, request: u64, taken: bool, now: u64) -> Vec<Say> {
        let Some(agent) = self.agent.as_mut().filter(|_| self.life == life) else { return Vec::new() };
        let Some((_, count, _)) = agent.request.filter(|(id, _, _)| *id == request) else { return Vec::new() };
        agent.request = None;
        if !taken {
            agent.retry_at = now + 300;
            return self.wake(now);
        }
        let acknowledged: Vec<Kept> = self.disk.outbox.drain(..count.min(self.disk.outbox.len())).collect();
        for kept in acknowledged {
            if kept.hello && kept.boot == self.disk.boot && agent.stage == Stage::Joining {
                (agent.stage, agent.next_beat) = (Stage::Living, now);
            }
            self.ledger.acknowledged.insert((kept.boot, kept.seq));
        }
        self.wake(now)
    }

    /// When the agent has something to do next.
    pub(super) fn agent_next(&self, agent: &Agent, now: u64) -> Option<u64> {
        let due = agent.request.map(|(_, _, due)| due);
        let send = (agent.request.is_none() && !self.disk.outbox.is_empty()).then_some(agent.retry_at);
        let beat = if agent.request.is_some() { agent.latest_beat() } else { agent.next_beat };
        let beat = (agent.stage == Stage::Living).then_some(beat);
        let kept_back = self.disk.held.values().any(|h| matches!(h.stage, Work::Over(_))).then_some(now + 200);
        due.into_iter().chain(send).chain(beat).chain(kept_back).min()
    }

    /// Does what is due, in the order of the wire's page.
    pub(super) fn act(&mut self, now: u64) -> Vec<Say> {
        let Some(mut agent) = self.agent.take() else { return Vec::new() };
        self.tell(agent.stage != Stage::Cleaning, now);
        let empty = self.disk.held.is_empty() && self.disk.outbox.is_empty();
        match agent.stage {
            Stage::Cleaning if empty => self.begin_boot(&mut agent),
            Stage::Leaving if self.disk.held.is_empty() => {
                if self.store(ReportKind::Goodbye { why: "as planned".to_owned() }) {
                    agent.stage = Stage::Parting;
                }
            }
            Stage::Parting if empty => agent.stage = Stage::Done,
            Stage::Cleaning | Stage::Joining | Stage::Living | Stage::Leaving | Stage::Parting | Stage::Done => {}
        }
        if agent.hello && !self.disk.outbox.iter().any(|kept| kept.hello) && agent.stage == Stage::Living {
            agent.hello = !self.say_hello();
        }
        let said = self.send(&mut agent, now);
        if agent.stage == Stage::Done {
            self.life += 1;
        } else {
            self.agent = Some(agent);
        }
        said
    }

    fn begin_boot(&mut self, agent: &mut Agent) {
        if self.disk.joined || self.disk.seq > 0 {
            self.disk.was = Some(self.disk.boot.clone());
        }
        let drawn = self.random.next() & 0xffff_ffff;
        self.disk.boot = BootId::new(&format!("b{drawn:x}")).expect("a plain name");
        (self.disk.seq, self.disk.joined) = (0, false);
        if self.say_hello() {
            (agent.stage, self.disk.joined) = (Stage::Joining, true);
        }
    }

    fn say_hello(&mut self) -> bool {
        self.store(ReportKind::Hello(Hello {
            slots: self.slots,
            memory_mb: self.memory_mb,
            zone: self.zone.clone(),
            labels: self.labels.clone(),
            was: self.disk.was.clone(),
            journal: self.disk.journal,
            holds: self.disk.held.keys().copied().collect(),
        }))
    }

    /// Stores what became of each lease that is held.
    fn tell(&mut self, lives: bool, now: u64) {
        let leases: Vec<LeaseId> = self.disk.held.keys().copied().collect();
        for lease in leases {
            let Some(held) = self.disk.held.get(&lease).cloned() else { continue };
            let (mut started, mut steps) = held.told;
            if lives && held.is_running() && !started {
                started = self.store(ReportKind::Started { lease, pid: 100 + self.life });
            }
            if lives && started && held.step_due(now) {
                let step = self.step(lease, steps + 1, held.plan.steps, held.plan.checkpoints);
                steps += u32::from(self.store(step));
            }
            if let Some(held) = self.disk.held.get_mut(&lease) {
                held.told = (started, steps);
            }
            if let Work::Over(end) = held.stage {
                let cases = vec![Case {
                    suite: "s".to_owned(),
                    test: "t".to_owned(),
                    result: CaseResult::Passed,
                    ms: Millis(1),
                    message: String::new(),
                }];
                let told = end.tests.is_none() || self.store(ReportKind::Results { lease, cases });
                if told && self.store(ReportKind::Finished { lease, end }) {
                    self.disk.held.remove(&lease);
                }
            }
        }
    }

    fn step(&mut self, lease: LeaseId, step: u32, steps: u32, checkpoints: bool) -> ReportKind {
        if checkpoints && step == steps {
            ReportKind::Checkpoint { lease, text: format!("step {step}") }
        } else {
            ReportKind::Progress { lease, fraction: f64::from(step) / f64::from(steps + 1), note: None }
        }
    }

    /// Writes a report to the disk; false: it takes nothing, and the report counts for nothing.
    pub(super) fn store(&mut self, kind: ReportKind) -> bool {
        if self.disk_full {
            return false;
        }
        self.disk.seq += 1;
        let (boot, seq) = (self.disk.boot.clone(), self.disk.seq);
        let hello = matches!(kind, ReportKind::Hello(_));
        self.ledger.stored.insert((boot.clone(), seq), kind.word());
        let report = Report { pool: self.pool.clone(), node: self.name.clone(), boot: boot.clone(), seq, at: 7, kind };
        let line = serde_json::to_vec(&report).expect("reports are plain data");
        self.disk.outbox.push_back(Kept { boot, seq, line, hello });
        true
    }

    fn send(&mut self, agent: &mut Agent, now: u64) -> Vec<Say> {
        let mut said = Vec::new();
        if agent.request.is_some_and(|(_, _, due)| due <= now) {
            agent.request = None;
        }
        if agent.request.is_none() && !self.disk.outbox.is_empty() && agent.retry_at <= now {
            let lines: Vec<Vec<u8>> = self.disk.outbox.iter().take(MOST).map(|kept| kept.line.clone()).collect();
            let request = self.random.next();
            agent.request = Some((request, lines.len(), now.saturating_add(self.patience)));
            said.push(Say::Reports { request, lines });
        }
        // Reports go before the next beat if they can; a beat does not wait for ever.
        let waits = agent.request.is_some() && now < agent.latest_beat();
        if agent.stage == Stage::Living && agent.next_beat <= now && !waits {
            said.push(self.beat(agent, now));
        }
        said
    }

    fn beat(&mut self, agent: &mut Agent, now: u64) -> Say {
        agent.beat += 1;
        agent.next_beat = now + agent.spans[2].0;
        agent.sent.insert(agent.beat, self.up(now));
        while agent.sent.len() > 400 {
            agent.sent.pop_first();
        }
        self.ledger.beats += 1;
        let beat = Heartbeat {
            pool: self.pool.clone(),
            node: self.name.clone(),
            boot: self.disk.boot.clone(),
            beat: agent.beat,
            up_ms: Millis(self.up(now)),
            stored: self.disk.seq,
            holds: self.disk.held.keys().copied().collect(),
            load: 0.5,
            memory_free_mb: Some(self.memory_mb),
            closed: self.disk_full.then(|| "its disk is full".to_owned()),
        };
        Say::Beat(serde_json::to_vec(&beat).expect("beats are plain data"))
    }

    /// Whether its agent is up and moves.
    pub fn moves(&self) -> bool {
        self.agent.is_some() && self.frozen == Frozen::Nothing
    }
}

/// The pool of all nodes of a simulated world.
pub fn pool() -> PoolId {
    PoolId::new("p").expect("a plain name")
}
