//! What an attempt will do: how long it runs and how it ends, drawn when it is taken in.

use model::Millis;
use model::command::Start;
use model::report::{Cause, End, Tests};
use serde::{Deserialize, Serialize};

use crate::random::Random;

/// The future of one attempt, if nothing ends it before.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// How long it runs; none: until it is ended.
    pub length: Option<u64>,
    /// How it ends then.
    pub end: End,
    /// It reports so many steps of progress on the way.
    pub steps: u32,
    /// It leaves checkpoints.
    pub checkpoints: bool,
    /// How long it takes to go when it is asked to.
    pub linger: u64,
}

/// The variable with which a task says what its attempts do: a number of milliseconds, and `passes`, `fails`, `crashes`
/// or `fails_once`. Without it that is drawn.
pub const VARIABLE: &str = "PLAN";

/// An end for a cause.
pub fn end(cause: Cause) -> End {
    End {
        exit: None,
        signal: None,
        cause,
        cpu_ms: Millis(7),
        max_rss_mb: 40,
        tail: String::new(),
        tests: None,
        note: String::new(),
    }
}

/// Draws what an attempt will do. `trouble`: chances in a thousand that it does not simply pass.
pub fn draw(start: &Start, longest: u64, trouble: u64, random: &mut Random) -> Plan {
    if let Some(plan) = said(start, random) {
        return plan;
    }
    let mut plan = Plan {
        length: Some(random.skewed(20, longest)),
        end: End { exit: Some(0), ..end(Cause::Exit) },
        steps: u32::try_from(random.below(3)).unwrap_or(0),
        checkpoints: random.chance(200),
        linger: random.below(start.grace_ms.0 + 1),
    };
    if !start.results.is_empty() {
        plan.end.tests = Some(Tests { files: 1, total: 9, failed: 0, skipped: 1, flaky: 0 });
    }
    if random.chance(trouble) {
        fail(start, &mut plan, random);
    }
    limit(start, &mut plan);
    plan
}

/// What the task itself says, if it does.
fn said(start: &Start, random: &mut Random) -> Option<Plan> {
    let (length, word) = start.env.get(VARIABLE)?.split_once(' ')?;
    let first = start.attempt.ends_with("@1");
    let end = match word {
        "crashes" => End { signal: Some(11), ..end(Cause::Signal) },
        "fails" => End { exit: Some(1), ..end(Cause::Exit) },
        "fails_once" if first => End { exit: Some(1), ..end(Cause::Exit) },
        "passes" | "fails_once" => End { exit: Some(0), ..end(Cause::Exit) },
        _ => return None,
    };
    let linger = random.below(start.grace_ms.0.min(500) + 1);
    Some(Plan { length: length.parse().ok(), end, steps: 1, checkpoints: false, linger })
}

fn fail(start: &Start, plan: &mut Plan, random: &mut Random) {
    match random.below(9) {
        0..3 => plan.end.exit = Some(1),
        3 => plan.end = End { signal: Some(11), ..end(Cause::Signal) },
        4 => plan.end = End { max_rss_mb: start.memory_mb + 1, signal: Some(9), ..end(Cause::Memory) },
        5 => (plan.length, plan.end) = (Some(1), end(Cause::Start)),
        6 => plan.length = None,
        7 if start.stall_ms.is_some() => {
            plan.length = start.stall_ms.map(|ms| ms.0);
            plan.end = End { signal: Some(15), ..end(Cause::Stall) };
        }
        _ if !start.results.is_empty() => {
            plan.end.tests = Some(Tests { files: 1, total: 9, failed: 2, skipped: 0, flaky: 0 });
        }
        _ => plan.end.exit = Some(139),
    }
}

/// The node keeps the time-out; one in many supervisors is broken and does not.
fn limit(start: &Start, plan: &mut Plan) {
    let broken = plan.length.is_none() && plan.linger.is_multiple_of(8);
    if plan.length.is_none_or(|length| length >= start.timeout_ms.0) && !broken {
        plan.length = Some(start.timeout_ms.0);
        plan.end = End { signal: Some(15), ..end(Cause::Timeout) };
    }
}
