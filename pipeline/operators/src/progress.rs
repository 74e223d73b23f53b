//! Progress: what nodes report of their attempts, and attempts that run beyond every limit.
//!
//! A report of a lease that is not current is journaled as stale, changes nothing and gets no answer: the next beat's
//! `stop` ends the attempt. A report that was consumed before is passed over.

use model::event::{TakeBack, TaskRef};
use model::report::{MAX_CASES, MAX_CHECKPOINT_BYTES, ReportKind};
use model::{Body, Event, LeaseId, Millis, PoolId, Report};

use crate::soft::Soft;
use crate::state::{Attempt, Pool};
use crate::{Context, Planted, ending, fleet, intake, recovery};

/// Decides a report.
pub fn report(pool: &Pool, soft: &Soft, report: &Report, ctx: &Context<'_>) -> Vec<Event> {
    if let Some(node) = pool.nodes.get(&report.node).filter(|n| n.boot == report.boot) {
        if node.seen.has(report.seq) {
            return Vec::new();
        }
        if !node.seen.takes(report.seq) && !matches!(report.kind, ReportKind::Hello(_)) {
            // Not as the node's own event: that would mark it, and what is marked far ahead has no bound.
            let reason = format!("report {} came before report {}", report.seq, node.seen.through() + 1);
            return vec![intake::unreadable(&report.pool, "reports", 0, &reason, ctx)];
        }
    }
    let events = match &report.kind {
        ReportKind::Hello(hello) => fleet::hello(pool, soft, report, hello, ctx),
        ReportKind::Goodbye { why } => fleet::goodbye(pool, report, why),
        ReportKind::Accepted { lease }
        | ReportKind::Refused { lease, .. }
        | ReportKind::Started { lease, .. }
        | ReportKind::Progress { lease, .. }
        | ReportKind::Checkpoint { lease, .. }
        | ReportKind::Results { lease, .. }
        | ReportKind::Finished { lease, .. } => match current(pool, report, *lease, ctx) {
            Some(at) => of_attempt(pool, report, at, ctx),
            None => Vec::new(),
        },
    };
    if events.is_empty() { vec![stale(report)] } else { events }
}

/// The task of a lease, if the lease holds and belongs to the node that speaks.
fn current(pool: &Pool, report: &Report, lease: LeaseId, ctx: &Context<'_>) -> Option<TaskRef> {
    let known = if ctx.planted(Planted::StaleResultCounts) {
        pool.leases.get(&lease).copied().or_else(|| task_that_had(pool, lease))
    } else {
        pool.current(lease)
    };
    let at = known?;
    let attempt = pool.task(at)?.attempt()?;
    let same = attempt.node == report.node && attempt.boot == report.boot;
    (same || ctx.planted(Planted::StaleResultCounts)).then_some(at)
}

/// For the planted fault only: the task that once had a lease, if it runs again.
fn task_that_had(pool: &Pool, lease: LeaseId) -> Option<TaskRef> {
    pool.recoveries.values().find_map(|r| r.leases.get(&lease)).map(|(at, _)| *at)
}

fn stale(report: &Report) -> Event {
    let lease = report.kind.lease();
    intake::by_node(report, Body::ReportStale { lease, report: report.kind.word().to_owned() })
}

fn of_attempt(pool: &Pool, report: &Report, at: TaskRef, ctx: &Context<'_>) -> Vec<Event> {
    let Some((task, attempt)) = pool.task(at).and_then(|t| Some((t, t.attempt()?))) else { return Vec::new() };
    let number = task.attempts;
    let say = |body: Body| vec![intake::by_node(report, body)];
    let mut events = match &report.kind {
        ReportKind::Accepted { .. } if attempt.accepted.is_none() => say(Body::AttemptAccepted { at, attempt: number }),
        ReportKind::Refused { why, .. } if attempt.accepted.is_none() => {
            let mut events = ending::taken_back(pool, &report.pool, at, TakeBack::Refused(*why), ctx);
            if let Some(first) = events.first_mut() {
                first.by = intake::by(report);
            }
            events
        }
        ReportKind::Started { pid, .. } if attempt.started.is_none() => {
            say(Body::AttemptStarted { at, attempt: number, pid: *pid })
        }
        ReportKind::Progress { fraction, note, .. } => {
            let fraction = if fraction.is_finite() { fraction.clamp(0.0, 1.0) } else { attempt.fraction };
            let note = note.as_deref().map(|n| cut(n, 1024));
            say(Body::AttemptProgressed { at, attempt: number, fraction, note })
        }
        ReportKind::Checkpoint { text, .. } if text.len() <= MAX_CHECKPOINT_BYTES => {
            say(Body::AttemptCheckpointed { at, attempt: number, text: text.as_str().into() })
        }
        ReportKind::Results { cases, .. } if cases.len() <= MAX_CASES => {
            say(Body::TestResults { at, attempt: number, cases: cases.clone() })
        }
        ReportKind::Finished { end, .. } => return ending::finished(pool, report, at, end, ctx),
        ReportKind::Hello(_)
        | ReportKind::Goodbye { .. }
        | ReportKind::Accepted { .. }
        | ReportKind::Refused { .. }
        | ReportKind::Started { .. }
        | ReportKind::Checkpoint { .. }
        | ReportKind::Results { .. } => return Vec::new(),
    };
    let shows = !matches!(report.kind, ReportKind::Accepted { .. } | ReportKind::Refused { .. });
    if shows {
        events.extend(recovery::progressed(pool, &report.pool, at, task, ctx));
    }
    events
}

/// Decides about an attempt that its node still holds a full `lost` beyond its limit and grace: its supervisor is
/// broken, and it is told to end it. One at a call.
pub fn overdue(pool: &Pool, id: &PoolId, soft: &Soft, ctx: &Context<'_>) -> Vec<Event> {
    let Some(seen) = soft.pool(id) else { return Vec::new() };
    for (lease, at) in &pool.leases {
        let Some((task, attempt)) = pool.task(*at).and_then(|t| Some((t, t.attempt()?))) else { continue };
        if attempt.cancel.is_some() || !is_overdue(pool, task.spec.timeout_ms + task.spec.grace_ms, attempt, ctx) {
            continue;
        }
        let node = pool.nodes.get(&attempt.node);
        let beat = node.zip(seen.nodes.get(&attempt.node)).and_then(|(node, heard)| heard.settled(node));
        if beat.is_some_and(|b| b.holds.contains(lease)) {
            let (at, grace_ms) = (*at, task.spec.grace_ms);
            let why = format!("it ran {} beyond its limit", pool.settings.lost_ms);
            let body = Body::AttemptCancelRequested { at, attempt: task.attempts, lease: *lease, grace_ms, why };
            return vec![ctx.event(id, body)];
        }
    }
    Vec::new()
}

fn is_overdue(pool: &Pool, limit: Millis, attempt: &Attempt, ctx: &Context<'_>) -> bool {
    attempt.started.is_some_and(|started| ctx.now > started + limit + pool.settings.lost_ms)
}

/// A text cut to so many bytes at a character's end, with a mark where something was left out.
pub fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let end = (0..=bytes.saturating_sub(3)).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    format!("{}…", &text[..end])
}
