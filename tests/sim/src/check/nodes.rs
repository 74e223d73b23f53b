//! Which nodes may join, and when one may be given up.

use model::event::NodeJoined;
use model::{BootId, By, NodeId, ReportKind};

use super::apply::Ctx;
use super::model::{Model, Node};
use crate::history::LATE;

impl Model {
    pub(super) fn joined(&mut self, joined: &NodeJoined, ctx: &Ctx<'_>) {
        let By::Node { node, boot, seq } = ctx.by else { return self.fail("I8: a node joined by itself".to_owned()) };
        let said = ctx.facts.by_key.get(&(node.clone(), boot.clone(), *seq)).map(|report| &report.kind);
        let was = match said {
            Some(ReportKind::Hello(hello)) => hello.was.clone(),
            Some(
                ReportKind::Accepted { .. }
                | ReportKind::Refused { .. }
                | ReportKind::Started { .. }
                | ReportKind::Progress { .. }
                | ReportKind::Checkpoint { .. }
                | ReportKind::Results { .. }
                | ReportKind::Finished { .. }
                | ReportKind::Goodbye { .. },
            )
            | None => return self.fail(format!("I8: {node} joined without a hello, entry {}", ctx.at.seq)),
        };
        let old = self.nodes.get(node).cloned();
        let taken = old.as_ref().is_some_and(|old| old.present && old.boot != *boot && was.as_ref() != Some(&old.boot));
        self.demand(!taken, || {
            format!("fleet: {node} joins as {boot} though another boot lives, entry {}", ctx.at.seq)
        });
        let same = old.as_ref().is_some_and(|old| old.boot == *boot && old.present);
        if !same {
            self.void_all(node, ctx);
        }
        let refused = old.filter(|_| same).and_then(|old| old.refused);
        let (slots, memory_mb, labels) = (joined.slots, joined.memory_mb, joined.labels.clone());
        let joins = Node { boot: boot.clone(), present: true, slots, memory_mb, labels, refused };
        self.nodes.insert(node.clone(), joins);
    }

    fn void_all(&mut self, node: &NodeId, ctx: &Ctx<'_>) {
        for lease in self.leases.values_mut().filter(|lease| lease.node == *node && lease.void.is_none()) {
            lease.void = Some(ctx.at.visible);
        }
    }

    pub(super) fn left(&mut self, node: &NodeId, boot: &BootId, ctx: &Ctx<'_>) {
        let present = self.nodes.get(node).is_some_and(|n| n.present && n.boot == *boot);
        self.demand(present, || format!("I8: {node} left, but is not there, entry {}", ctx.at.seq));
        self.void_all(node, ctx);
        if let Some(node) = self.nodes.get_mut(node) {
            node.present = false;
        }
    }

    pub(super) fn lost(&mut self, node: &NodeId, boot: &BootId, ctx: &Ctx<'_>) {
        self.left(node, boot, ctx);
        let Some((decided, engine)) = ctx.decided else { return };
        let lost = ctx.settings.lost_ms.0;
        // The engine's clock may be up to 1 % fast.
        let least = lost - lost / 50 - 50;
        let heard = ctx.facts.signs.get(&(node.clone(), boot.clone())).map_or(&[][..], Vec::as_slice);
        let before = heard.partition_point(|at| *at + LATE.min(lost / 2) <= decided);
        let last = before.checked_sub(1).map(|index| heard[index]);
        self.demand(last.is_none_or(|last| last + least <= decided), || {
            format!("I15: {node} is lost at {decided}, but its sign of {last:?} was there to be read ({lost} ms)")
        });
        let led = ctx.at.led_since;
        self.demand(led + least <= decided, || format!("I15: {node} is lost at {decided}, led only since {led}"));
        let blind = ctx.history.blind.iter().filter(|b| b.engine == engine && b.to > b.from + LATE && b.pause);
        let woke = blind.filter(|b| b.to <= decided).map(|b| b.to).max();
        self.demand(woke.is_none_or(|woke| woke + least <= decided), || {
            format!("I15: {node} is lost at {decided}, but the engine stood still until {woke:?}")
        });
    }
}
