//! `why`: the life of one task in words: each attempt, what became of it, how that is known, what was decided.

use clap::Args;
use gateway::view::{AttemptView, TaskDetail, TaskWord, WaitView};
use model::event::AttemptOutcome;
use model::{Millis, Want};

use crate::api::Api;
use crate::args::Output;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::place::Place;
use crate::resolve;
use crate::words::{counted, locks_granted_from, one_line, some_of, time_of_day};

/// Tells why a task stands where it stands.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  reprise why browser\n  reprise why nightly-web-118/browser")]
pub struct Why {
    /// EXECUTION/TASK, or TASK: the newest execution that has it
    task: Place,
}

/// Waits under a shorter time are not worth a word.
const WORTH_A_WORD: Millis = Millis(1_000);

impl Why {
    /// Asks and prints.
    pub async fn run(self, api: Api, output: Output) -> Result<Exit, Failure> {
        let task = resolve::task(&api, &self.task).await?;
        super::show(output, &task, text);
        Ok(Exit::Done)
    }
}

/// The life of a task, in words.
pub fn text(task: &TaskDetail) -> String {
    let mut text = title(task);
    for attempt in &task.tries {
        text.push_str(&dispatched(attempt));
        text.push_str(&ended(attempt, task.item.execution.to_string().as_str()));
    }
    text.push_str(&counters(task));
    for wait in &task.waits {
        text.push_str(&format!("waits for {}\n", one_line(&waits(wait))));
    }
    if !task.item.why.is_empty() && (task.tries.is_empty() || task.item.state == TaskWord::Cancelled) {
        text.push_str(&format!("{}\n", one_line(&task.item.why)));
    }
    if let Some(next) = next(task) {
        text.push_str(&format!("next: {next}\n"));
    }
    text
}

fn title(task: &TaskDetail) -> String {
    let item = &task.item;
    let attempts = match (item.state, item.attempts) {
        (_, 0) => String::new(),
        (TaskWord::Parked, n) => format!(" after attempt {n}"),
        (TaskWord::BackingOff | TaskWord::Ready | TaskWord::Waiting, n) => {
            format!(" after {}", counted(n.into(), "attempt"))
        }
        (TaskWord::Running | TaskWord::Passed | TaskWord::Failed | TaskWord::Cancelled | TaskWord::Skipped, n) => {
            format!(" on attempt {n}")
        }
    };
    let marks: Vec<&str> = [
        (item.flaky, "flaky"),
        (item.resumed, "resumed"),
        (item.ignored, "failure ignored"),
        (item.recovering, "recovering"),
        (item.allow_failure && item.state == TaskWord::Failed, "may fail"),
    ]
    .into_iter()
    .filter_map(|(is, word)| is.then_some(word))
    .collect();
    let marks = if marks.is_empty() { String::new() } else { format!(" ({})", marks.join(", ")) };
    let policy = task.policy.as_ref().map(|policy| format!("   policy {policy}")).unwrap_or_default();
    let state = item.state.word().replace('_', " ");
    let (execution, name, pool) = (&item.execution, &item.task, &task.pool);
    // A lease is named after the entry that granted it: the first one is where the story begins.
    let first = task.tries.iter().map(|attempt| attempt.lease.seq).min();
    let last = task.tries.iter().map(|attempt| attempt.position).max();
    let journal = first.zip(last).map(|(first, last)| format!("   journal {pool} {first}..{last}")).unwrap_or_default();
    format!("{execution}/{name}  {state}{attempts}{marks}{policy}{journal}\n")
}

/// `@1 02:14:07 n2  dispatched after 1m 34s: lock browserstack was full`.
fn dispatched(attempt: &AttemptView) -> String {
    let AttemptView { attempt: number, node, .. } = attempt;
    let waited =
        if attempt.waited_ms >= WORTH_A_WORD { format!(" after {}", attempt.waited_ms) } else { String::new() };
    let checkpoint = if attempt.resumes { " with the checkpoint" } else { "" };
    let placed = if attempt.placed.is_empty() { String::new() } else { format!(": {}", attempt.placed) };
    let at = time_of_day(attempt.dispatched.0);
    format!("@{number} {at} {node}  dispatched{waited}{checkpoint}{placed}\n")
}

fn ended(attempt: &AttemptView, execution: &str) -> String {
    let Some(at) = attempt.ended else { return running(attempt) };
    let how = match (attempt.outcome, attempt.class) {
        (Some(AttemptOutcome::Passed), _) => format!("passed after {}{}", attempt.took_ms, exit(attempt)),
        (Some(AttemptOutcome::Cancelled), _) => format!("cancelled after {}{}", attempt.took_ms, exit(attempt)),
        (Some(AttemptOutcome::Failed | AttemptOutcome::Lost) | None, Some(class)) => {
            let certain = if attempt.certain == Some(true) { "certain" } else { "likely" };
            format!("{} after {}, {certain}: {}", class.word(), attempt.took_ms, attempt.evidence)
        }
        (Some(AttemptOutcome::Lost), None) => "lost".to_owned(),
        (Some(AttemptOutcome::Failed) | None, None) => format!("ended{}", exit(attempt)),
    };
    let mut text = line(&time_of_day(at.0), &how);
    if let Some(rule) = &attempt.rule {
        let words = attempt.decided.as_deref().filter(|words| !words.is_empty());
        text.push_str(&line(
            "",
            &format!("rule {rule}{}", words.map(|words| format!(": {words}")).unwrap_or_default()),
        ));
    }
    if attempt.stale > 0 {
        let reports = counted(attempt.stale.into(), "late report");
        text.push_str(&line("", &format!("{reports} of it came later: stale lease, changed nothing in {execution}")));
    }
    text
}

fn running(attempt: &AttemptView) -> String {
    let how_far = attempt.fraction.filter(|fraction| *fraction > 0.0);
    let how_far = how_far.map(|fraction| format!(", {:.0} % done", fraction * 100.0)).unwrap_or_default();
    let note = attempt.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    let state = match (attempt.started, attempt.cancelling) {
        (_, Some(since)) => format!("is told to end since {}", time_of_day(since.0)),
        (Some(_), None) => format!("runs for {}{how_far}{note}", attempt.took_ms),
        (None, None) => "is on its way to the node".to_owned(),
    };
    line("", &state)
}

fn exit(attempt: &AttemptView) -> String {
    match (attempt.exit, attempt.signal) {
        (Some(exit), _) => format!(": exit {exit}"),
        (None, Some(signal)) => format!(": signal {signal}"),
        (None, None) => String::new(),
    }
}

/// A line under an attempt: its time, then words in the column of all words.
fn line(time: &str, words: &str) -> String {
    format!("   {time:<13}{}\n", one_line(words))
}

fn counters(task: &TaskDetail) -> String {
    let counts = task.counters;
    if counts.infra + counts.test + counts.memory == 0 {
        return String::new();
    }
    let uses: Vec<String> = task.uses.iter().map(|used| format!("{} {}", used.rule, used.uses)).collect();
    let uses = if uses.is_empty() { String::new() } else { format!("; rules used: {}", uses.join(", ")) };
    let lost: Vec<String> = task.lost_nodes.iter().map(ToString::to_string).collect();
    let lost = if lost.is_empty() { String::new() } else { format!("; nodes lost under it: {}", some_of(&lost, 10)) };
    line("", &format!("counters infra {}, test {}, memory {}{uses}{lost}", counts.infra, counts.test, counts.memory))
}

fn waits(wait: &WaitView) -> String {
    match wait {
        WaitView::Task { task, want, state } => {
            let want = match want {
                Want::Passed => "passed",
                Want::Failed => "failed",
                Want::Finished => "finished",
            };
            format!("{task}.{want}: {task} is {}", state.word().replace('_', " "))
        }
        WaitView::MoreTasks { count } => format!("{} more", counted((*count).into(), "task")),
        WaitView::Lock { lock, permits, free, size, holders } => {
            let holders: Vec<String> = holders.iter().map(|holder| holder.attempt.clone()).collect();
            let how = match free {
                0 => format!("is full, {size} of {size}"),
                _ => format!("has {free} of {size} free and it needs {permits}"),
            };
            format!("its locks: lock {lock} {how}, held by {}", some_of(&holders, 5))
        }
        WaitView::NewJournal { until } => format!("its locks: {}", locks_granted_from(*until)),
        WaitView::NoNode { why } => format!("a node that can run it: {why}"),
        WaitView::Room { nodes, with_room: 0 } => {
            format!("room: none of {} that can run it has any", counted((*nodes).into(), "node"))
        }
        WaitView::Room { nodes, with_room } => {
            format!("its turn: {with_room} of {} that can run it have room", counted((*nodes).into(), "node"))
        }
        WaitView::Resume => "a resume: the execution is paused".to_owned(),
        WaitView::Time { until } => format!("its next attempt at {}", time_of_day(until.0)),
        WaitView::Person { since, rule, why } => {
            let why = if why.is_empty() { String::new() } else { format!(": {why}") };
            format!("a person since {} (rule {rule}){why}; it holds no slot and no lock", time_of_day(since.0))
        }
    }
}

fn next(task: &TaskDetail) -> Option<String> {
    let (execution, name) = (&task.item.execution, &task.item.task);
    match task.item.state {
        TaskWord::Parked => Some(format!(
            "reprise logs {execution}/{name} | reprise parked replay {execution}/{name} | reprise parked drop {execution}/{name}"
        )),
        TaskWord::Failed => Some(format!("reprise logs {execution}/{name} | reprise retry {execution} --failed")),
        TaskWord::Running => Some(format!("reprise logs {execution}/{name} --follow")),
        TaskWord::Waiting
        | TaskWord::Ready
        | TaskWord::BackingOff
        | TaskWord::Passed
        | TaskWord::Cancelled
        | TaskWord::Skipped => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples;

    #[test]
    fn a_task_that_moved_to_another_node_tells_how_and_why() {
        insta::assert_snapshot!(text(&examples::resumed_task()), @r"
        nightly-web-118/browser:chrome:7  passed on attempt 2 (resumed)   policy default@3   journal default 88095..88190
        @1 02:14:07 n2  dispatched after 1m 34s: lock browserstack was full; n2 had 1 of 4 slots free
           02:15:38     node_lost after 1m 31s, certain: n2 silent for 30.0s
                        rule lost_node: retry at once, 1 of 5 (poison no: nodes_lost 1; lost_node yes)
                        1 late report of it came later: stale lease, changed nothing in nightly-web-118
        @2 02:15:38 n5  dispatched with the checkpoint: n5 had 2 of 4 slots free
           02:17:42     passed after 2m 4s: exit 0
                        counters infra 1, test 0, memory 0; rules used: lost_node 1; nodes lost under it: n2
        ");
    }

    #[test]
    fn a_parked_task_says_what_to_do_next() {
        insta::assert_snapshot!(text(&examples::parked_task()), @r"
        nightly-web-118/visual  parked after attempt 3   policy default@3   journal default 88095..88121
        @3 02:18:58 n1  dispatched: n1 had 2 of 4 slots free
           02:19:35     out_of_memory after 37.0s, certain: 8192 of 8192 MiB
                        rule spent: park: tries used up, no verdict on the test
        waits for a person since 02:19:35 (rule spent): tries used up, no verdict on the test; it holds no slot and no lock
        next: reprise logs nightly-web-118/visual | reprise parked replay nightly-web-118/visual | reprise parked drop nightly-web-118/visual
        ");
    }

    #[test]
    fn each_kind_of_wait_is_told() {
        let lock = |free| WaitView::Lock {
            lock: "browserstack".parse().unwrap(),
            permits: 2,
            free,
            size: 12,
            holders: examples::lock().holders,
        };
        for (wait, says) in [
            (WaitView::MoreTasks { count: 3 }, "3 tasks more"),
            (
                WaitView::NewJournal { until: examples::at(90) },
                "locks are granted from 02:15:30 on: this journal is new",
            ),
            (lock(0), "lock browserstack is full, 12 of 12, held by "),
            (lock(1), "lock browserstack has 1 of 12 free and it needs 2, held by "),
            (WaitView::NoNode { why: "no present node has label os=mac".into() }, "no present node has label os=mac"),
            (WaitView::Room { nodes: 3, with_room: 0 }, "none of 3 nodes"),
            (WaitView::Room { nodes: 3, with_room: 1 }, "its turn: 1 of 3 nodes"),
            (WaitView::Resume, "paused"),
            (WaitView::Time { until: examples::at(90) }, "at 02:15:30"),
        ] {
            assert!(waits(&wait).contains(says), "{}", waits(&wait));
        }
    }
}
