//! The ladder: the same work at 1,000 tasks in state, and at a thousand times as many.

use std::time::Duration;

use model::{Heartbeat, LeaseId, NodeId, Report};

use crate::Failure;
use crate::core::decided::Decided;
use crate::core::fleet::{EXECUTIONS, Fleet};
use crate::core::told::Told;
use crate::core::toy::Toy;
use crate::machine::thread_time;
use crate::table::{Bound, Row};

/// Reports of one batch, as an engine finds them after an fsync at 2,000 reports a second or so.
const BATCH: usize = 20;
/// A beat comes after so many batches: 50 nodes at 2,000 reports a second.
const BEAT_EVERY: u64 = 10;
/// Reports before the time counts, and while it counts.
const WARM_UP: usize = 20_000;
const COUNTED: usize = 300_000;

/// At so many tasks the rate has a bound of its own.
const FEW: u32 = 1_000;
/// Batches in a row without a report: more are a bug.
const MAX_IDLE: u32 = 1_000;

/// What takes reports and answers with dispatches.
pub trait Subject {
    /// A subject with a fleet that has joined, and `EXECUTIONS` flows of so many tasks.
    fn begin(fleet: &Fleet, tasks: u32) -> Self;
    /// Takes reports and beats; says what was dispatched, and how many executions ended.
    fn take(&mut self, reports: Vec<Report>, beat: Option<Heartbeat>) -> Said;
    /// Takes one more flow.
    fn submit(&mut self, tasks: u32) -> Said;
    /// What the scheduler looked at so far.
    fn visits(&self) -> u64;
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Said {
    /// Attempts that nodes shall run.
    pub dispatched: Vec<(NodeId, LeaseId)>,
    /// How many executions ended.
    pub ended: u32,
    /// The processor time that counts: without the making of inputs.
    pub took: Duration,
}

/// Climbs it.
pub fn run(sizes: &[u32]) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    let mut first: [Option<f64>; 3] = [None; 3];
    for size in sizes {
        let [toy, decided, told] = [
            measure::<Toy>("toy", *size)?,
            measure::<Decided>("operators", *size)?,
            measure::<Told>("protocol", *size)?,
        ];
        let mut ratio = |index: usize, ns: f64| ns / *first[index].get_or_insert(ns);
        let words = |ns: f64, grown: f64| format!("{grown:.1}x its first size, {:.1}x the toy", ns / toy.ns);
        let row = |what: String, ns: f64| Row::new("core", what, ns, "ns/report");
        let at = format!("at {size} tasks in state");
        let grown = ratio(0, toy.ns);
        rows.push(row(format!("toy with text keys {at}"), toy.ns).note(format!("{grown:.1}x its first size")));
        let note = words(decided.ns, ratio(1, decided.ns));
        let decides = row(format!("decide, fold and schedule {at}"), decided.ns);
        rows.push(decides.bound(Bound::AtMost(5_000.0)).note(note));
        if *size == FEW {
            let rate = Row::new("core", format!("the same as a rate {at}"), 1e9 / decided.ns, "reports/s");
            rows.push(rate.bound(Bound::AtLeast(200_000.0)));
        }
        let looks = Row::new("core", format!("visits of the scheduler {at}"), decided.visits, "/report");
        rows.push(looks.bound(Bound::AtMost(f64::from(*size).log2())).note("bound: log2 of the size"));
        let note = words(told.ns, ratio(2, told.ns));
        rows.push(row(format!("the protocol's machine, JSON and replica too, {at}"), told.ns).note(note));
    }
    Ok(rows)
}

struct Measured {
    ns: f64,
    visits: f64,
}

fn measure<S: Subject>(who: &str, size: u32) -> Result<Measured, Failure> {
    let tasks = size / EXECUTIONS;
    let mut fleet = Fleet::new();
    let mut subject = S::begin(&fleet, tasks);
    let (mut took, mut counted, mut visits) = (Duration::ZERO, 0, 0);
    let (mut all, mut idle) = (0, 0);
    for batch in 0.. {
        if all < WARM_UP {
            (took, counted, visits) = (Duration::ZERO, 0, subject.visits());
        }
        if counted >= COUNTED {
            break;
        }
        let reports: Vec<Report> = std::iter::from_fn(|| fleet.report()).take(BATCH).collect();
        idle = if reports.is_empty() { idle + 1 } else { 0 };
        if idle > MAX_IDLE {
            return Err(format!("nothing runs any more after {all} reports to the {who} at {size} tasks: a bug of the benchmark or of the scheduler").into());
        }
        all += reports.len();
        counted += reports.len();
        let beat = (batch % BEAT_EVERY == 0 || reports.is_empty()).then(|| fleet.beat(batch));
        let said = subject.take(reports, beat);
        took += said.took;
        follow(&mut fleet, &said);
        for _ in 0..said.ended {
            let before = subject.visits();
            let said = subject.submit(tasks);
            visits += subject.visits() - before;
            follow(&mut fleet, &said);
        }
    }
    let per = |n: f64| n / counted as f64;
    Ok(Measured { ns: per(took.as_nanos() as f64), visits: per((subject.visits() - visits) as f64) })
}

fn follow(fleet: &mut Fleet, said: &Said) {
    for (node, lease) in &said.dispatched {
        fleet.takes(node, *lease);
    }
}

/// Takes processor time, where it counts.
pub fn timed<T>(took: &mut Duration, what: impl FnOnce() -> T) -> T {
    let began = thread_time();
    let result = what();
    *took += thread_time() - began;
    result
}
