//! Verdicts: what silence means.
//!
//! A silent node is lost after `lost`, counted from when we began to listen at the earliest, and only when all that it
//! sent has been read. When most of a zone falls silent at once it is more likely the zone's network or ours: verdicts
//! wait, but not for ever.

use std::collections::BTreeMap;

use model::{Body, Event, NodeId, PoolId};

use crate::soft::Soft;
use crate::state::{Node, Pool, Presence};
use crate::{Context, Planted};

/// At least so many silent nodes of a zone, and at least this share of it, are an emergency.
const EMERGENCY_NODES: usize = 3;
const EMERGENCY_PERCENT: usize = 55;
/// Verdicts of one look.
const MAX_VERDICTS: usize = 100;

/// Decides about silent nodes, some at a call. Waits until all that the log held has been consumed.
pub fn decide(pool: &Pool, id: &PoolId, soft: &Soft, ctx: &Context<'_>) -> Vec<Event> {
    if !soft.caught_up && !ctx.planted(Planted::VerdictWhileLagging) {
        return Vec::new();
    }
    let look = Look { pool, id, soft, ctx, zones: zones(pool, id, soft, ctx) };
    let mut events: Vec<Event> = Vec::new();
    for (name, node) in pool.nodes.iter().filter(|(_, n)| n.presence.is_present()) {
        if let Some(body) = look.verdict(name, node, &events) {
            events.push(ctx.event(id, body));
        }
        if events.len() >= MAX_VERDICTS {
            return events;
        }
    }
    let over = pool.emergencies.iter().filter(|zone| !look.is_emergency(zone));
    events.extend(over.take(MAX_VERDICTS).map(|zone| ctx.event(id, look.emergency(zone, false))));
    events
}

/// One look at all nodes.
struct Look<'a> {
    pool: &'a Pool,
    id: &'a PoolId,
    soft: &'a Soft,
    ctx: &'a Context<'a>,
    /// By zone: how many of its nodes are silent, of how many.
    zones: BTreeMap<&'a str, (usize, usize)>,
}

/// How many nodes of each zone are silent, of how many.
fn zones<'a>(pool: &'a Pool, id: &PoolId, soft: &Soft, ctx: &Context<'_>) -> BTreeMap<&'a str, (usize, usize)> {
    let mut zones = BTreeMap::<&str, (usize, usize)>::new();
    for (name, node) in pool.nodes.iter().filter(|(_, n)| n.presence.is_present()) {
        let (silent, nodes) = zones.entry(&node.zone).or_default();
        *silent += usize::from(soft.silence(id, name, ctx.now) >= pool.settings.suspect_ms);
        *nodes += 1;
    }
    zones
}

impl Look<'_> {
    /// What becomes of a node, if anything does; `said` was decided at this look already.
    fn verdict(&self, name: &NodeId, node: &Node, said: &[Event]) -> Option<Body> {
        let (settings, lost_ms) = (&self.pool.settings, self.pool.lost_ms(self.ctx.now));
        let silent_ms = self.soft.silence(self.id, name, self.ctx.now);
        if silent_ms < settings.suspect_ms {
            // Silence that we did not listen to is no sign of life.
            let back = node.presence == Presence::Suspect && self.soft.heard(self.id, name);
            let silent_ms = self.ctx.now - node.since + settings.suspect_ms;
            return back.then(|| Body::NodeReturned { node: name.clone(), silent_ms });
        }
        if silent_ms < lost_ms {
            let suspected = node.presence == Presence::Ready;
            return suspected.then(|| Body::NodeSuspected { node: name.clone(), silent_ms });
        }
        if self.is_emergency(&node.zone) && silent_ms < settings.orphan_ms + lost_ms {
            let known = |e: &Event| matches!(&e.event, Body::ZoneEmergency { zone, .. } if *zone == node.zone);
            let new = !self.pool.emergencies.contains(&node.zone) && !said.iter().any(known);
            return new.then(|| self.emergency(&node.zone, true));
        }
        let (silent, nodes) = self.zone(&node.zone);
        let place = if node.zone.is_empty() { "no zone".to_owned() } else { format!("zone `{}`", node.zone) };
        let evidence = format!("{} of {nodes} nodes of {place} were heard, the engine had read all", nodes - silent);
        let lost = said.iter().filter(|e| matches!(e.event, Body::NodeLost { .. })).count();
        let recovery = self.pool.last_recovery + 1 + u32::try_from(lost).unwrap_or(0);
        Some(Body::NodeLost { node: name.clone(), boot: node.boot.clone(), silent_ms, evidence, recovery })
    }

    fn zone(&self, zone: &str) -> (usize, usize) {
        self.zones.get(zone).copied().unwrap_or_default()
    }

    /// Whether a zone fell silent as a whole: then it is the network, or we, more likely than its nodes.
    fn is_emergency(&self, zone: &str) -> bool {
        let (silent, nodes) = self.zone(zone);
        silent >= EMERGENCY_NODES && silent * 100 >= nodes * EMERGENCY_PERCENT
    }

    fn emergency(&self, zone: &str, on: bool) -> Body {
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let (silent, nodes) = self.zone(zone);
        Body::ZoneEmergency { zone: zone.to_owned(), on, silent: small(silent), nodes: small(nodes) }
    }
}
