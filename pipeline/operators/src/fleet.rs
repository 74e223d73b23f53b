//! Fleet: which nodes live, by what evidence, and what a beat proves.
//!
//! A death that is reported (a goodbye, a new boot) needs no time-out; [`verdicts`] are about silence.
//!
//! A beat is evidence once it is settled: all reports that the node had stored by then are consumed. An attempt that
//! was accepted before it and is not held is lost; a dispatch that is not held and has expired by the node's own
//! clock is taken back. Which rules these are, and what happens without each, was found by a model checker.

pub mod verdicts;

use model::event::{NodeJoined, TakeBack};
use model::report::{Hello, MAX_SLOTS};
use model::{Body, Event, Heartbeat, Millis, PoolId, Renew, Report};

use crate::ending::{self, Loss};
use crate::soft::{Beat, Soft};
use crate::state::node::MAX_NODES;
use crate::state::{Attempt, Node, Pool};
use crate::{Context, Planted, intake};

/// Decides a hello. The silence before a new boot was its older one's: hellos of another boot are no sign of life.
pub fn hello(pool: &Pool, soft: &Soft, report: &Report, hello: &Hello, ctx: &Context<'_>) -> Vec<Event> {
    let known = pool.nodes.get(&report.node);
    if let Some(reason) = unfit(pool, known, hello) {
        return vec![intake::rejected(report, reason, ctx)];
    }
    let continues = known.is_none_or(|node| {
        !node.presence.is_present() || node.boot == report.boot || hello.was.as_ref() == Some(&node.boot)
    });
    if !continues && !ctx.planted(Planted::AnyHelloAccepted) {
        let reason =
            format!("the name {} is taken by a node that lives; start the agent with another --name", report.node);
        return vec![intake::rejected(report, reason, ctx)];
    }
    let new_boot = known.is_some_and(|node| node.boot != report.boot);
    let replaces = new_boot && known.is_some_and(|node| node.presence.is_present());
    let void = known.map_or(0, |node| if new_boot { node.leases.len() } else { 0 });
    let joined = NodeJoined {
        node: report.node.clone(),
        boot: report.boot.clone(),
        slots: hello.slots,
        memory_mb: hello.memory_mb,
        zone: hello.zone.clone(),
        labels: hello.labels.clone(),
        recovery: (void > 0).then_some(pool.last_recovery + 1),
        silent_ms: replaces.then(|| soft.silence(&report.pool, &report.node, ctx.now)),
    };
    vec![intake::by_node(report, Body::NodeJoined(Box::new(joined)))]
}

fn unfit(pool: &Pool, known: Option<&Node>, hello: &Hello) -> Option<String> {
    let texts = hello.labels.iter().map(|(k, v)| k.len() + v.len()).sum::<usize>() + hello.zone.len();
    if hello.slots == 0 || hello.slots as usize > MAX_SLOTS {
        Some(format!("a node has 1 to {MAX_SLOTS} slots, not {}", hello.slots))
    } else if hello.labels.len() > 64 || texts > 16 * 1024 {
        Some("a node has at most 64 labels, and labels and zone at most 16 KiB".to_owned())
    } else if known.is_none() && pool.nodes.len() >= MAX_NODES && pool.nodes.values().all(|n| n.presence.is_present()) {
        Some(format!("the pool has {MAX_NODES} nodes; start another pool"))
    } else {
        None
    }
}

/// Decides a goodbye: all its leases end at once.
pub fn goodbye(pool: &Pool, report: &Report, why: &str) -> Vec<Event> {
    let Some(node) = pool.nodes.get(&report.node).filter(|n| n.presence.is_present() && n.boot == report.boot) else {
        return Vec::new();
    };
    let recovery = (!node.leases.is_empty()).then_some(pool.last_recovery + 1);
    let (node, boot, why) = (report.node.clone(), report.boot.clone(), crate::progress::cut(why, 200));
    vec![intake::by_node(report, Body::NodeLeft { node, boot, why, recovery })]
}

/// What a beat is answered: what it renews, what it shall stop, whether it shall say hello.
pub fn answer(pool: Option<&Pool>, soft: &Soft, heartbeat: &Heartbeat, ctx: &Context<'_>) -> Renew {
    let settings = pool.map_or(ctx.config.settings, |p| p.settings);
    let node = pool.and_then(|p| p.nodes.get(&heartbeat.node));
    let present = node.is_some_and(|n| n.boot == heartbeat.boot && n.presence.is_present());
    let heard = soft.pool(&heartbeat.pool).and_then(|s| s.nodes.get(&heartbeat.node));
    let taken = heard.is_some_and(|h| h.taken.contains(&heartbeat.boot)) && !present;
    // A lease of a later epoch was granted by who leads now: this leader was deposed, and has not read it yet.
    let ours = |lease: &&model::LeaseId| lease.journal == ctx.journal && lease.epoch <= ctx.epoch;
    let void = |lease: &&model::LeaseId| pool.is_none_or(|p| must_stop(p, **lease));
    Renew {
        boot: heartbeat.boot.clone(),
        beat: heartbeat.beat,
        journal: ctx.journal,
        for_ms: settings.strict_ms(),
        orphan_ms: settings.orphan_ms,
        beat_ms: settings.beat_ms,
        stop: heartbeat.holds.iter().filter(ours).filter(void).copied().collect(),
        hello: !present,
        taken: taken.then(|| format!("the name {} belongs to a node that lives", heartbeat.node)),
    }
}

/// Whether a node that holds this lease shall end it.
fn must_stop(pool: &Pool, lease: model::LeaseId) -> bool {
    match pool.current(lease).and_then(|at| pool.task(at)?.attempt()) {
        Some(attempt) => attempt.cancel.is_some(),
        None => true,
    }
}

/// Attempts that a settled beat does not show although they were dispatched: their starts are sent again as they were.
pub fn unseen<'a>(pool: &'a Pool, heartbeat: &'a Heartbeat) -> impl Iterator<Item = model::event::TaskRef> + 'a {
    let node = pool.nodes.get(&heartbeat.node).filter(|n| n.boot == heartbeat.boot && n.presence.is_present());
    let leases = node.into_iter().flat_map(|n| n.leases.keys());
    leases.filter(|lease| !heartbeat.holds.contains(lease)).filter_map(move |lease| {
        let at = pool.current(*lease)?;
        let attempt = pool.task(at)?.attempt()?;
        let sent_before = attempt.accepted.is_none() && attempt.after_beat < heartbeat.beat;
        sent_before.then_some(at)
    })
}

/// Decides what a settled beat proves of one attempt, one at a call.
pub fn settled(pool: &Pool, id: &PoolId, soft: &Soft, ctx: &Context<'_>) -> Vec<Event> {
    let Some(seen) = soft.pool(id) else { return Vec::new() };
    for name in &seen.unsettled {
        let (Some(node), Some(heard)) = (pool.nodes.get(name), seen.nodes.get(name)) else { continue };
        let late = ctx.planted(Planted::LateBeatIsEvidence);
        let Some(beat) = heard.settled(node).or(heard.beat.as_ref().filter(|_| late)) else { continue };
        for lease in node.leases.keys().filter(|lease| !beat.holds.contains(lease)) {
            let Some((at, attempt)) = pool.current(*lease).and_then(|at| Some((at, pool.task(at)?.attempt()?))) else {
                continue;
            };
            match missing(pool, attempt, beat, ctx) {
                Some(Missing::Lost) => {
                    let why = format!("a beat of {name} (number {}) no longer holds it", beat.beat);
                    return ending::lost(pool, id, at, Loss { evidence: why, counts_node: true, recovery: None }, ctx);
                }
                Some(Missing::Unseen) => return ending::taken_back(pool, id, at, TakeBack::Unseen, ctx),
                None => {}
            }
        }
    }
    Vec::new()
}

enum Missing {
    Lost,
    Unseen,
}

fn missing(pool: &Pool, attempt: &Attempt, beat: &Beat, ctx: &Context<'_>) -> Option<Missing> {
    match attempt.accepted {
        Some((_, seq)) => {
            let before = seq <= beat.stored || ctx.planted(Planted::LateBeatIsEvidence);
            (before && !ctx.planted(Planted::MissingLeaseIgnored)).then_some(Missing::Lost)
        }
        None => {
            let expired = beat.up_ms > attempt.after_up_ms + attempt.expires_ms;
            let by_timer = ctx.planted(Planted::TakenBackByTimer)
                && ctx.now > attempt.dispatched + Millis(pool.settings.beat_ms.0 * 2);
            let newer = beat.beat > attempt.after_beat;
            ((newer && expired || by_timer) && !ctx.planted(Planted::StartForgotten)).then_some(Missing::Unseen)
        }
    }
}
