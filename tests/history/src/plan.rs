//! What an attempt will do, drawn when its node takes it in: each report with its time, up to the end.
//!
//! Most pass. What fails follows from the task (`visual:dark` wants more memory than it may have), from its node (one
//! lacks a program for a night), from the tests that it runs, or from chance.

use model::Millis;
use model::command::Start;
use model::report::{Cause, End, MAX_CASES, ReportKind};

use crate::cases::{self, Results};
use crate::random::{Random, of_nature};

/// The task that takes its node down with it, on some nights.
const POISON: &str = "api:import:5";
/// Tests of a shard that leaves checkpoints, for their text.
const OF: u64 = 240;

/// One thing that an attempt does.
#[derive(Debug, Clone)]
pub enum Step {
    /// Its node reports this.
    Says(ReportKind),
    /// Its node dies of it.
    KillsNode,
}

/// Where and when an attempt runs.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The night, from 0.
    pub night: u32,
    /// The node lacks a program.
    pub lame: bool,
    /// How slow the node is, in percent.
    pub slow: u64,
}

/// How an attempt ends.
enum Fate {
    Passes,
    Exits(i32),
    Dies(i32),
    Starves { by_kernel: bool },
    Hangs { broken_supervisor: bool },
    Stalls,
    NeverStarts(&'static str),
    LosesSupervisor,
    KillsNode,
}

/// Draws what an attempt will do: its steps, each so long after its start came.
pub fn draw(start: &Start, place: Place, random: &mut Random) -> Vec<(u64, Step)> {
    let (task, attempt) = name(&start.attempt);
    let done = start.checkpoint.as_deref().and_then(|text| text.split_once('/')?.0.parse().ok()).unwrap_or(0);
    let usual = usual_ms(task) * place.slow / 100 * (1_000 + u64::from(place.night) * 3) / 1_000;
    let length = random.between(usual * 85 / 100, usual * 115 / 100) * (OF - done) / OF;
    let mut results = Results::default();
    if !start.results.is_empty() {
        results = cases::run(task, attempt, place.night, random);
    }
    let fate = fate(start, task, &results, place, random);
    let end = end(&fate, start, length, &results, random);
    let length = match fate {
        Fate::Passes | Fate::Exits(_) => length,
        Fate::Dies(_) | Fate::Starves { .. } | Fate::LosesSupervisor => length * random.between(30, 80) / 100,
        Fate::Hangs { broken_supervisor: true } => start.timeout_ms.0 * 4,
        Fate::Hangs { broken_supervisor: false } => start.timeout_ms.0,
        Fate::Stalls => length / 3 + start.stall_ms.map_or(0, |ms| ms.0),
        Fate::NeverStarts(_) => 0,
        Fate::KillsNode => 15_000,
    };
    let lease = start.lease;
    let accepted = random.between(5, 90);
    let started = accepted + random.between(10, 400);
    let mut steps = vec![(accepted, Step::Says(ReportKind::Accepted { lease }))];
    let runs = !matches!(fate, Fate::NeverStarts(_));
    if runs {
        let pid = u32::try_from(random.between(2_000, 60_000)).unwrap_or(1);
        steps.push((started, Step::Says(ReportKind::Started { lease, pid })));
        let shows = matches!(fate, Fate::Passes | Fate::Exits(_) | Fate::Dies(_) | Fate::LosesSupervisor);
        if shows && length > 45_000 {
            steps.extend(on_the_way(start, task, done, length).map(|(at, said)| (started + at, Step::Says(said))));
        }
    }
    let over = started + length;
    if matches!(fate, Fate::KillsNode) {
        steps.push((over, Step::KillsNode));
        return steps;
    }
    if end.tests.is_some() {
        let chunks = results.cases.chunks(MAX_CASES);
        steps.extend(chunks.map(|c| (over, Step::Says(ReportKind::Results { lease, cases: c.to_vec() }))));
    }
    steps.push((over + 3, Step::Says(ReportKind::Finished { lease, end })));
    steps
}

/// The task and the attempt's number in `EXECUTION/TASK@ATTEMPT`.
fn name(attempt: &str) -> (&str, u32) {
    let (_, rest) = attempt.split_once('/').unwrap_or(("", attempt));
    let (task, number) = rest.rsplit_once('@').unwrap_or((rest, "1"));
    (task, number.parse().unwrap_or(1))
}

/// How long a task takes as a rule; each cell has a length of its own.
fn usual_ms(task: &str) -> u64 {
    let (low, high) = match task.split(':').next().unwrap_or(task) {
        "build" => (100, 140),
        "browser" => (50, 200),
        "visual" => (60, 120),
        "payments_live" => (40, 80),
        "unit" => (4, 20),
        "api" => (15, 60),
        "load" => (90, 220),
        "seed_db" => (25, 45),
        _ => (3, 20),
    };
    let span = (high - low) * 1_000;
    low * 1_000 + of_nature(task, 7) % span
}

fn fate(start: &Start, task: &str, results: &Results, place: Place, random: &mut Random) -> Fate {
    if place.lame && random.chance(400) {
        return Fate::NeverStarts("no such program: npx");
    }
    // On most nights not even four times its memory is enough; on the others twice is.
    let appetite_mb = if of_nature(task, u64::from(place.night)) % 100 < 80 { 9_000 } else { 3_000 };
    if task == "visual:dark" && start.memory_mb < appetite_mb {
        return Fate::Starves { by_kernel: false };
    }
    if task == POISON && place.night % 7 == 4 {
        return Fate::KillsNode;
    }
    if results.tests.failed > 0 {
        return Fate::Exits(1);
    }
    match random.below(1_000) {
        0..4 => Fate::Dies(if random.chance(700) { 11 } else { 6 }),
        4..6 => Fate::Hangs { broken_supervisor: random.chance(150) },
        6..8 if start.stall_ms.is_some() => Fate::Stalls,
        8 => Fate::NeverStarts("no such folder: work"),
        9 => Fate::Exits(127),
        10 if start.memory_mb > 0 => Fate::Starves { by_kernel: true },
        11 => Fate::LosesSupervisor,
        12..15 if start.results.is_empty() => Fate::Exits(1),
        15 => Fate::Exits(139),
        _ => Fate::Passes,
    }
}

fn end(fate: &Fate, start: &Start, length: u64, results: &Results, random: &mut Random) -> End {
    let memory_mb = if start.memory_mb > 0 { start.memory_mb } else { 512 };
    let mut end = End {
        exit: None,
        signal: None,
        cause: Cause::Exit,
        cpu_ms: Millis(length * random.between(40, 95) / 100),
        max_rss_mb: memory_mb * random.between(30, 80) / 100,
        tail: String::new(),
        tests: None,
        note: String::new(),
    };
    match fate {
        Fate::Passes => end.exit = Some(0),
        Fate::Exits(code) => (end.exit, end.tail) = (Some(*code), format!("exited with {code}")),
        Fate::Dies(signal) => (end.signal, end.cause) = (Some(*signal), Cause::Signal),
        Fate::Starves { by_kernel } => {
            (end.signal, end.max_rss_mb) = (Some(9), memory_mb);
            end.cause = if *by_kernel { Cause::Signal } else { Cause::Memory };
        }
        Fate::Hangs { .. } => (end.signal, end.cause) = (Some(15), Cause::Timeout),
        Fate::Stalls => (end.signal, end.cause) = (Some(15), Cause::Stall),
        Fate::NeverStarts(why) => {
            (end.cause, end.note) = (Cause::Start, (*why).to_owned());
            (end.cpu_ms, end.max_rss_mb) = (Millis(0), 0);
        }
        Fate::LosesSupervisor => {
            (end.signal, end.cause, end.note) = (Some(9), Cause::Agent, "the supervisor was killed".to_owned());
        }
        // Nobody is left to report it.
        Fate::KillsNode => {}
    }
    if end.cause == Cause::Exit && !start.results.is_empty() && end.exit < Some(2) {
        let tests = results.tests;
        end.tail = format!("{} tests: {} failed, {} skipped", tests.total, tests.failed, tests.skipped);
        end.tests = Some(tests);
    }
    end
}

/// Progress, and for every other task checkpoints.
fn on_the_way(start: &Start, task: &str, done: u64, length: u64) -> impl Iterator<Item = (u64, ReportKind)> {
    let lease = start.lease;
    let keeps = of_nature(task, 3).is_multiple_of(2);
    (1..=3).filter_map(move |quarter| {
        let tests = done + (OF - done) * quarter / 4;
        let said = if keeps {
            ReportKind::Checkpoint { lease, text: format!("{tests}/{OF}") }
        } else if quarter == 2 {
            #[expect(clippy::cast_precision_loss, reason = "both are small")]
            let fraction = tests as f64 / OF as f64;
            ReportKind::Progress { lease, fraction, note: Some(format!("{tests} of {OF} tests")) }
        } else {
            return None;
        };
        Some((length * quarter / 4, said))
    })
}
