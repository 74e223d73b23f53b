//! What a node hears: starts, cancels, and the answers to its beats; rules 2 to 5 of the wire's page.

use model::command::{Order, Renew, Start};
use model::report::{Cause, Refusal};
use model::{LeaseId, Millis, ReportKind};

use super::agent::Stage;
use super::ledger::Ran;
use super::work::{Held, Stage as Work};
use super::{Node, plan};

impl Node {
    /// Hears an order.
    pub(super) fn hear(&mut self, order: Order, now: u64) {
        if self.agent.is_none() {
            return;
        }
        match order {
            Order::Start(start) => self.hear_start(&start, now),
            Order::Cancel { journal, lease, grace_ms, .. } => {
                if self.disk.journal == Some(journal) {
                    self.end(lease, Some(grace_ms), now);
                }
            }
            Order::Renew(renew) => self.hear_renew(&renew, now),
        }
    }

    fn hear_start(&mut self, start: &Start, now: u64) {
        let Some(agent) = &self.agent else { return };
        let lease = start.lease;
        let other = start.boot != self.disk.boot || self.disk.journal != Some(start.journal);
        let lives = matches!(agent.stage, Stage::Living | Stage::Leaving);
        if other || !lives || self.disk.known.contains(&lease) {
            return;
        }
        let sent = agent.sent.get(&start.after_beat).copied();
        let taken: u32 = self.disk.held.values().map(|held| held.slots).sum();
        let refusal = match sent {
            None => Some(Refusal::Expired),
            Some(sent) if self.up(now) > sent + start.expires_ms.0 => Some(Refusal::Expired),
            Some(_) if self.disk_full || agent.stage == Stage::Leaving => Some(Refusal::Closed),
            Some(_) if taken + start.slots > self.slots => Some(Refusal::Full),
            Some(_) => None,
        };
        if let Some(why) = refusal {
            if self.store(ReportKind::Refused { lease, why }) {
                self.disk.known.insert(lease);
                self.rare.push(match why {
                    Refusal::Expired => "refused expired",
                    Refusal::Full => "refused full",
                    Refusal::Closed => "refused closed",
                });
            }
            return;
        }
        let span = agent.spans[usize::from(!start.strict)];
        let deadline = sent.unwrap_or(0) + span.0;
        if self.store(ReportKind::Accepted { lease }) {
            self.take(start, deadline, now);
        }
    }

    fn take(&mut self, start: &Start, deadline: u64, now: u64) {
        let lease = start.lease;
        self.disk.known.insert(lease);
        let trouble = if self.slots == 1 { 300 } else { 150 };
        let plan = plan::draw(start, 1_500, trouble, &mut self.random);
        let (strict, slots, grace) = (start.strict, start.slots, start.grace_ms);
        let stage = Work::Launching { at: now + self.random.below(4) };
        self.disk.held.insert(lease, Held { lease, strict, slots, grace, deadline, plan, stage, told: (false, 0) });
        let attempt = start.attempt.clone();
        self.ledger.accept(lease, Ran { accepted: now, strict, slots, attempt, spans: Vec::new() });
    }

    fn hear_renew(&mut self, renew: &Renew, now: u64) {
        let Some(agent) = self.agent.as_mut() else { return };
        let Some(sent) = agent.sent.get(&renew.beat).copied().filter(|_| renew.boot == self.disk.boot) else { return };
        if !matches!(agent.stage, Stage::Living | Stage::Leaving) {
            return;
        }
        if renew.taken.is_some() {
            if !agent.answered {
                self.rare.push("name taken");
                agent.stage = Stage::Done;
                self.disk.outbox.clear();
            }
            return;
        }
        self.disk.journal = Some(renew.journal);
        if renew.hello {
            agent.hello = true;
            return;
        }
        agent.answered = true;
        agent.spans = [renew.for_ms, renew.orphan_ms, renew.beat_ms];
        agent.next_beat = agent.next_beat.min(now + renew.beat_ms.0);
        for held in self.disk.held.values_mut().filter(|held| held.lease.journal == renew.journal) {
            let span = if held.strict { renew.for_ms } else { renew.orphan_ms };
            held.deadline = held.deadline.max(sent + span.0);
        }
        for lease in &renew.stop {
            let grace = self.disk.held.get(lease).map(|held| held.grace);
            self.end(*lease, grace, now);
        }
    }

    fn end(&mut self, lease: LeaseId, grace: Option<Millis>, now: u64) {
        if let Some(held) = self.disk.held.get_mut(&lease) {
            held.stop(Cause::Cancel, grace, now);
        }
    }
}
