//! What the demo says at its end: the table of faults, what was retried, the verdict; nothing is asked or done here.

use std::time::Duration;

use gateway::view::{ExecutionView, JournalLine, Phases, RecoveryView};
use model::Millis;
use model::policy::FailureClass;
use serde_json::{Value, json};

use super::faults::{EngineFault, FREEZE, FROZEN, KILLED, Then};
use super::seen::Seen;
use super::takeover::Takeover;
use super::told::{self, Moved, Retries};
use super::topics::Topics;
use super::verdict::Verdict;
use super::world::{Engine, World};
use crate::follow::bar;
use crate::paint::Paint;
use crate::table::{Lean, Table};
use crate::words::{counted, some_of};

/// What shows most of what the demo is about; its execution is the first of a new journal.
const NEXT: [&str; 4] = [
    "reprise why demo-1/flaky_3",
    "reprise recoveries",
    "reprise status demo-1",
    "reprise journal --execution demo-1 --task hang",
];
/// Most mistakes of one kind that are told one by one.
const TOLD: usize = 20;

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What was done to whom.
    pub fault: String,
    /// When each phase was reached.
    pub phases: Phases,
    /// The rest.
    pub became: String,
}

/// All that is said, but for what comes next.
pub fn text(seen: &Seen, took: Duration, engine: EngineFault, judged: &Verdict, paint: Paint) -> String {
    let table = table(&rows(&seen.journal, &seen.recoveries, engine));
    let retried = retried(&told::retries(&seen.journal));
    [ended(took, &seen.view, seen.is_as_planned(), paint), table, retried, verdict(judged, paint)].concat()
}

/// The same for programs: how it ended, the losses as the engine tells them, who took over, and the verdict.
pub fn object(seen: &Seen, took: Duration, engine: EngineFault, judged: &Verdict) -> Value {
    let mut object = json!({
        "execution": seen.view,
        "as_planned": seen.is_as_planned(),
        "took_ms": Millis(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
        "recoveries": seen.recoveries,
        "total": judged.total,
        "effective": judged.effective,
        "lost": judged.lost,
        "doubled": judged.doubled,
        "void": judged.void,
    });
    if let Then::TakenOver(takeover) = engine.then {
        object["takeover"] = json!({
            "killed": takeover.killed,
            "by": takeover.by,
            "first_decision_ms": told::decided_after(&seen.journal, engine.at),
            "progress_ms": told::progress_after(&seen.journal, engine.at),
            "ran_on": engine.ran_on,
        });
    }
    object
}

/// `[01:02] demo-1 failed, as planned: 240 tasks: 222 passed (10 flaky, 5 resumed), 3 failed, 15 skipped`.
fn ended(took: Duration, view: &ExecutionView, planned: bool, paint: Paint) -> String {
    let state = paint.verdict(view.state.word());
    let as_planned = if planned { ", as planned" } else { ", not as planned" };
    let total = counted(view.tasks.total.into(), "task");
    format!("{} {} {state}{as_planned}: {total}: {}\n", clock(took), view.execution, bar::ended(view, ", "))
}

/// A row for each loss of a node, and one for the engine. Losses that we have not caused are told too.
fn rows(journal: &[JournalLine], recoveries: &[RecoveryView], engine: EngineFault) -> Vec<Row> {
    let mut recoveries: Vec<&RecoveryView> = recoveries.iter().collect();
    recoveries.sort_by_key(|of| of.last_sign);
    let mut rows: Vec<Row> = recoveries.iter().map(|of| row(of, &told::moved(journal, &of.node))).collect();
    let progress_ms = told::progress_after(journal, engine.at);
    let (killed, became) = match engine.then {
        Then::Restarted(took) => ("engine", back(took, engine.ran_on)),
        Then::TakenOver(of) => (of.killed, taken_over(of, told::decided_after(journal, engine.at), engine.ran_on)),
    };
    rows.push(Row { fault: format!("SIGKILL {killed}"), phases: Phases { progress_ms, ..Phases::default() }, became });
    rows
}

fn row(of: &RecoveryView, moved: &Moved) -> Row {
    let (fault, became) = match of.node.as_str() {
        node if node == KILLED => (format!("SIGKILL {node}"), work_moved(of, moved)),
        node if node == FROZEN => (format!("SIGSTOP {node} {}s", FREEZE.as_secs()), woke(of)),
        node => (format!("{node} {}", of.cause), format!("{}; none of ours: a busy machine?", work_moved(of, moved))),
    };
    Row { fault, phases: of.phases, became }
}

/// The table of faults. Phases of a node are told from its last sign of life, as `reprise recoveries` does.
fn table(rows: &[Row]) -> String {
    let mut table = Table::new([
        ("  fault", Lean::Left),
        ("noticed", Lean::Right),
        ("fenced", Lean::Right),
        ("requeued", Lean::Right),
        ("progress", Lean::Right),
        (" what became of it", Lean::Left),
    ]);
    let took = |time: Option<Millis>| time.map_or("-".to_owned(), |time| time.to_string());
    for Row { fault, phases: of, became } in rows {
        let [noticed, fenced] = [of.noticed_ms, of.fenced_ms].map(took);
        let [requeued, progress] = [of.requeued_ms, of.progress_ms].map(took);
        table.row([format!("  {fault}"), noticed, fenced, requeued, progress, format!(" {became}")]);
    }
    table.text()
}

/// What to type next, where, while the engine runs on.
pub fn look_around(world: &World, engine: Engine) -> String {
    let (state, program) = (world.folder.join("state"), world.program.display());
    let url = engine.url();
    let next = NEXT.map(|command| format!("    {command}\n")).concat();
    let on_kafka = world.topics.as_ref().map(look_at_kafka).unwrap_or_default();
    format!(
        "  next, in another terminal, until Ctrl-C here:\n    export REPRISE_URL={url} XDG_STATE_HOME={}\n    \
         alias reprise={program}\n{next}{on_kafka}",
        state.display()
    )
}

/// The topics as Kafka's own users look at them: what was decided, what nodes reported, and how they beat.
fn look_at_kafka(topics: &Topics) -> String {
    let (brokers, prefix) = (topics.brokers(), topics.prefix());
    format!(
        "    kcat -b {brokers} -C -e -q -t {prefix}journal -f '%p %o %h %s\\n' | grep -v '\"beat\"' | cut -c-150 | tail\n    \
         kcat -b {brokers} -C -e -q -t {prefix}reports -f '%p %o %s\\n' | cut -c-150 | tail\n    \
         kcat -b {brokers} -C -q -t {prefix}heartbeats -o end\n"
    )
}

/// `4 attempts moved to n1, n3: 3 from a checkpoint, 1 afresh`.
fn work_moved(recovery: &RecoveryView, moved: &Moved) -> String {
    let to: Vec<&str> = moved.to.iter().map(|node| node.as_str()).collect();
    let attempts = counted(recovery.attempts.into(), "attempt");
    format!("{attempts} moved to {}: {} from a checkpoint, {} afresh", to.join(", "), moved.resumed, moved.afresh)
}

/// `4 attempts moved; awake again, n4 sent 4 late reports: stale, they changed nothing`.
fn woke(recovery: &RecoveryView) -> String {
    let (node, attempts) = (&recovery.node, counted(recovery.attempts.into(), "attempt"));
    let late = match recovery.late_reports {
        0 => "had nothing more to say".to_owned(),
        late => format!("sent {}: stale, they changed nothing", counted(late.into(), "late report")),
    };
    format!("{attempts} moved; awake again, {node} {late}")
}

/// `back from its journal in 0.6s; 16 attempts ran on, their reports waited on the nodes`.
fn back(took: Millis, ran_on: u32) -> String {
    let attempts = counted(ran_on.into(), "attempt");
    format!("back from its journal in {took}; {attempts} ran on, their reports waited on the nodes")
}

/// `it led; engine-2 took over, its first decision came after 7.1s; 16 attempts ran on, their reports waited on Kafka`.
fn taken_over(of: Takeover, decided: Option<Millis>, ran_on: u32) -> String {
    let first = match decided {
        Some(took) => format!("its first decision came after {took}"),
        None => "and has decided nothing since".to_owned(),
    };
    let attempts = counted(ran_on.into(), "attempt");
    format!("it led; {} took over, {first}; {attempts} ran on, their reports waited on Kafka and the nodes", of.by)
}

/// `  retried 19 times: 9 failed a test (rule flaky), 8 lost their node (rule lost_node); 1 failed again: crash`.
fn retried(retries: &Retries) -> String {
    let total: usize = retries.by_rule.iter().map(|(_, count)| count).sum();
    let kinds = retries.by_rule.iter();
    let kinds: Vec<String> =
        kinds.map(|((class, rule), count)| format!("{count} {} (rule {rule})", done_by(*class))).collect();
    let again = match retries.failed.as_slice() {
        [] => String::new(),
        failed => format!("; {} failed again: {}", failed.len(), some_of(failed, TOLD)),
    };
    let kinds = if kinds.is_empty() { String::new() } else { format!(": {}", kinds.join(", ")) };
    format!("  retried {}{kinds}{again}\n", counted(total as u64, "time"))
}

fn done_by(class: FailureClass) -> &'static str {
    match class {
        FailureClass::TestFailure => "failed a test",
        FailureClass::Crash => "died by a signal",
        FailureClass::OutOfMemory => "ran out of memory",
        FailureClass::Timeout => "ran too long",
        FailureClass::Stall => "hung",
        FailureClass::StartFailure => "never started",
        FailureClass::NodeLost => "lost their node",
    }
}

/// `  effective results 240 of 240, lost 0, doubled 0`, and below it what is wrong.
fn verdict(of: &Verdict, paint: Paint) -> String {
    let numbers = format!(
        "effective results {} of {}, lost {}, doubled {}",
        of.effective,
        of.total,
        of.lost.len(),
        of.doubled.len()
    );
    let void = match of.void {
        0 => String::new(),
        void => format!("; {} signed under a void lease, and not counted", counted(void as u64, "more result")),
    };
    let mut text = format!("  {}{void}\n", if of.is_good() { paint.green(&numbers) } else { paint.red(&numbers) });
    for (word, list) in [("LOST", &of.lost), ("DOUBLED", &of.doubled)] {
        for what in list.iter().take(TOLD) {
            text.push_str(&format!("{} {what}\n", paint.red(&format!("{word:>9}"))));
        }
    }
    text
}

/// `[01:02]`.
pub fn clock(took: Duration) -> String {
    format!("[{:02}:{:02}]", took.as_secs() / 60, took.as_secs() % 60)
}

#[cfg(test)]
mod tests;
