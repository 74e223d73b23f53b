//! Classify: what kind of failure it was, and how that is known.
//!
//! The node says what it saw (exit code, signal, who ended it, what result files said); this module says what that
//! means. It guesses nothing: where the evidence allows another reading, the class is not certain.

use model::event::{Classified, TaskRef};
use model::policy::FailureClass;
use model::report::{Cause, End};
use model::task::Task;
use model::{Millis, NodeId};

use crate::progress::cut;
use crate::state::Attempt;

/// What an end means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The test passed.
    Passed,
    /// It was ended because people asked for it.
    Cancelled,
    /// It failed.
    Failed(Failure),
}

/// A failure, its class and the evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The class.
    pub class: FailureClass,
    /// Whether the evidence leaves no other reading.
    pub certain: bool,
    /// How it is known, for people.
    pub evidence: String,
    /// The exit code, if there was one.
    pub exit: Option<i32>,
    /// The signal, if there was one.
    pub signal: Option<i32>,
    /// The most memory it held, in MiB.
    pub max_rss_mb: u64,
}

impl Failure {
    /// As the journal records it.
    pub fn event(&self, at: TaskRef, attempt: u32) -> Classified {
        let Self { class, certain, evidence, .. } = self;
        let signature = signature(*class, evidence);
        Classified { at, attempt, class: *class, certain: *certain, signature, evidence: evidence.clone() }
    }
}

/// What the end of an attempt means. `cancelled`: people asked for its execution's end.
pub fn verdict(task: &Task, attempt: &Attempt, end: &End, cancelled: bool) -> Verdict {
    let failed = |class, certain, evidence: String| {
        let evidence = cut(&evidence, 400);
        Verdict::Failed(Failure {
            class,
            certain,
            evidence,
            exit: end.exit,
            signal: end.signal,
            max_rss_mb: end.max_rss_mb,
        })
    };
    match end.cause {
        Cause::Exit => exited(task, attempt, end, failed),
        Cause::Signal => signalled(attempt, end, failed),
        Cause::Timeout => failed(FailureClass::Timeout, true, format!("it ran longer than {}", task.timeout_ms)),
        Cause::Stall => {
            let stall = task.stall_ms.unwrap_or(Millis(0));
            failed(FailureClass::Stall, true, format!("neither output nor progress nor checkpoint for {stall}"))
        }
        Cause::Memory => {
            let need = attempt.needs.memory_mb;
            let evidence = format!("its processes held {} of {need} MiB and were ended for it", end.max_rss_mb);
            failed(FailureClass::OutOfMemory, true, evidence)
        }
        Cause::Start => failed(FailureClass::StartFailure, true, with_note("it could not be started", end)),
        Cause::Cancel if cancelled => Verdict::Cancelled,
        Cause::Cancel if attempt.cancel.is_some() => {
            let evidence = format!("it ran beyond its limit of {}, and its node did not end it", task.timeout_ms);
            failed(FailureClass::Timeout, true, evidence)
        }
        Cause::Cancel => failed(FailureClass::NodeLost, true, format!("{} ended it when it shut down", attempt.node)),
        // The node says what died there: the agent, or the supervisor of this attempt alone.
        Cause::Agent if !end.note.is_empty() => {
            let evidence = format!("its agent or its supervisor on {} ended before it: {}", attempt.node, end.note);
            failed(FailureClass::NodeLost, true, evidence)
        }
        Cause::Agent => {
            failed(FailureClass::NodeLost, true, format!("the agent of {} died or was restarted", attempt.node))
        }
        Cause::Orphan | Cause::Strict => {
            failed(FailureClass::NodeLost, true, format!("{} heard nothing of the engine and ended it", attempt.node))
        }
    }
}

/// An attempt whose node is gone, or no longer has it.
pub fn node_lost(node: &NodeId, evidence: &str) -> Failure {
    let evidence = cut(&format!("{node}: {evidence}"), 400);
    let class = FailureClass::NodeLost;
    Failure { class, certain: true, evidence, exit: None, signal: None, max_rss_mb: 0 }
}

fn exited(
    task: &Task,
    attempt: &Attempt,
    end: &End,
    failed: impl Fn(FailureClass, bool, String) -> Verdict,
) -> Verdict {
    let Some(exit) = end.exit else {
        let evidence = format!("{} reported its end by itself, without an exit code", attempt.node);
        return failed(FailureClass::StartFailure, false, evidence);
    };
    let tests = end.tests.unwrap_or_default();
    if !task.results.is_empty() && tests.failed > 0 {
        let evidence = format!("exit {exit}, {} of {} JUnit cases failed", tests.failed, tests.total);
        return failed(FailureClass::TestFailure, true, evidence);
    }
    if exit != 0 {
        // A shell reports the death of its last command by a signal as 128 and the signal's number.
        return match exit {
            126 | 127 => failed(FailureClass::StartFailure, false, with_note(&start_words(exit), end)),
            129..=192 => {
                let evidence = format!("exit {exit}: a command of it died by {}", signal_word(exit - 128));
                match starved(attempt, end, exit - 128) {
                    Some(held) => failed(FailureClass::OutOfMemory, false, format!("{evidence} {held}")),
                    None => failed(FailureClass::Crash, false, evidence),
                }
            }
            _ => failed(FailureClass::TestFailure, true, format!("exit {exit}")),
        };
    }
    if !task.results.is_empty() && tests.files == 0 {
        let evidence = with_note("exit 0, but none of its result files could be read", end);
        return failed(FailureClass::TestFailure, true, evidence);
    }
    Verdict::Passed
}

fn start_words(exit: i32) -> String {
    let what = if exit == 127 { "was not found" } else { "could not be run" };
    format!("exit {exit}: a command {what}")
}

fn signalled(attempt: &Attempt, end: &End, failed: impl Fn(FailureClass, bool, String) -> Verdict) -> Verdict {
    let signal = end.signal.unwrap_or(0);
    let word = signal_word(signal);
    match starved(attempt, end, signal) {
        Some(held) => failed(FailureClass::OutOfMemory, false, format!("{word} from outside {held}")),
        None => failed(FailureClass::Crash, true, format!("died by {word}")),
    }
}

/// Whether a death looks like the kernel's for want of memory: SIGKILL near the need. Says so, for people.
fn starved(attempt: &Attempt, end: &End, signal: i32) -> Option<String> {
    let need = attempt.needs.memory_mb;
    let near = need > 0 && end.max_rss_mb.saturating_mul(10) >= need.saturating_mul(9);
    (signal == 9 && near).then(|| format!("when it held {} of {need} MiB", end.max_rss_mb))
}

fn with_note(words: &str, end: &End) -> String {
    if end.note.is_empty() { words.to_owned() } else { format!("{words}: {}", end.note) }
}

/// The name of a signal, as on Linux.
pub fn signal_word(signal: i32) -> String {
    let known = [
        (1, "SIGHUP"),
        (2, "SIGINT"),
        (3, "SIGQUIT"),
        (4, "SIGILL"),
        (5, "SIGTRAP"),
        (6, "SIGABRT"),
        (7, "SIGBUS"),
        (8, "SIGFPE"),
        (9, "SIGKILL"),
        (11, "SIGSEGV"),
        (13, "SIGPIPE"),
        (14, "SIGALRM"),
        (15, "SIGTERM"),
        (31, "SIGSYS"),
    ];
    known.iter().find(|(n, _)| *n == signal).map_or(format!("signal {signal}"), |(_, word)| (*word).to_owned())
}

/// What alike failures have in common: the class and the evidence without its numbers.
fn signature(class: FailureClass, evidence: &str) -> String {
    let mut text = format!("{}: ", class.word());
    for c in evidence.chars() {
        match c {
            '0'..='9' if text.ends_with('#') => {}
            '0'..='9' => text.push('#'),
            c => text.push(c),
        }
    }
    cut(&text, 120)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_follows_from_what_the_node_saw() {
        let rows: &[(&str, &str)] = &[
            ("exit 0", "passed"),
            ("exit 1", "test_failure certain: exit 1"),
            ("exit 0, 2 of 9 cases failed", "test_failure certain: exit 0, 2 of 9 JUnit cases failed"),
            ("exit 0, no file", "test_failure certain: exit 0, but none of its result files could be read"),
            ("exit 127", "start_failure: exit 127: a command was not found"),
            ("exit 139", "crash: exit 139: a command of it died by SIGSEGV"),
            (
                "exit 137, 95 of 100 MiB",
                "out_of_memory: exit 137: a command of it died by SIGKILL when it held 100 of 100 MiB",
            ),
            ("exit 137", "crash: exit 137: a command of it died by SIGKILL"),
            ("exit none", "start_failure: n1 reported its end by itself, without an exit code"),
            ("signal 11", "crash certain: died by SIGSEGV"),
            ("signal 9", "crash certain: died by SIGKILL"),
            ("signal 9, 100 of 100 MiB", "out_of_memory: SIGKILL from outside when it held 100 of 100 MiB"),
            ("memory", "out_of_memory certain: its processes held 100 of 100 MiB and were ended for it"),
            ("timeout", "timeout certain: it ran longer than 1h 0m"),
            ("stall", "stall certain: neither output nor progress nor checkpoint for 3.0s"),
            ("start", "start_failure certain: it could not be started"),
            ("cancel", "cancelled"),
            ("agent", "node_lost certain: the agent of n1 died or was restarted"),
            ("orphan", "node_lost certain: n1 heard nothing of the engine and ended it"),
        ];
        for (saw, want) in rows {
            assert_eq!(words(saw), *want, "{saw}");
        }
    }

    #[test]
    fn alike_failures_have_one_signature() {
        let one = signature(FailureClass::Crash, "exit 139: a command of it died by SIGSEGV");
        assert_eq!(one, "crash: exit #: a command of it died by SIGSEGV");
    }

    fn words(saw: &str) -> String {
        let mut end: End = serde_json::from_str(r#"{"cause":"exit","exit":0}"#).unwrap();
        let (what, rest) = saw.split_once(", ").unwrap_or((saw, ""));
        let (kind, number) = what.split_once(' ').unwrap_or((what, "0"));
        let none = number == "none";
        let number: i32 = number.parse().unwrap_or(0);
        end.exit = (kind == "exit" && !none).then_some(number);
        end.signal = (kind == "signal").then_some(number);
        end.cause = serde_json::from_str(&format!("\"{kind}\"")).unwrap();
        let mut task = crate::state::task::example("t");
        if rest.contains("cases") || rest.contains("file") {
            task.results = vec!["*.xml".to_owned()];
        }
        if rest.contains("cases") {
            end.tests = Some(model::report::Tests { files: 1, total: 9, failed: 2, skipped: 0, flaky: 0 });
        }
        let mut attempt = crate::state::attempt::example();
        if rest.contains("MiB") || kind == "memory" {
            attempt.needs.memory_mb = 100;
            end.max_rss_mb = 100;
        }
        task.stall_ms = Some(Millis(3000));
        match verdict(&task, &attempt, &end, kind == "cancel") {
            Verdict::Passed => "passed".to_owned(),
            Verdict::Cancelled => "cancelled".to_owned(),
            Verdict::Failed(f) => {
                format!("{}{}: {}", f.class.word(), if f.certain { " certain" } else { "" }, f.evidence)
            }
        }
    }
}
