//! From events to lines: what became of each task, told once, when it is known.
//!
//! A retry is decided in one event and dispatched in a later one, mostly of the same entry; so its line waits for the
//! end of the entry, to say on which node it goes on. What is skipped by one cause is told in one line.

use std::collections::BTreeMap;

use gateway::view::{JournalLine, TaskItem};
use model::event::{Action, Decided, Dispatch, TaskResult};
use model::policy::FailureClass;
use model::{Body, Millis, NodeId, TaskId, Timestamp};

use crate::paint::Paint;
use crate::words::{one_line, some_of};

/// Most lines of a failure's output that are shown.
const TAIL_LINES: usize = 20;
/// Longest evidence in a line, in characters.
const EVIDENCE: usize = 100;
/// Most skipped tasks that are named in one line.
const NAMED: usize = 5;

/// A line, and perhaps the end of what the task printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// PASS, RETRY, LOST, FAIL, PARK, SKIP, CANCEL.
    pub verdict: &'static str,
    /// How long the attempt took.
    pub took: Option<Millis>,
    /// The task, or how many.
    pub what: String,
    /// The rest.
    pub words: String,
    /// The end of its output.
    pub tail: Vec<String>,
}

/// What is known of an execution's tasks so far.
#[derive(Debug, Default)]
pub struct Tale {
    tasks: BTreeMap<TaskId, Known>,
    /// Retries whose line waits for a node.
    retries: BTreeMap<TaskId, Retry>,
    skipped: Vec<String>,
    position: u64,
    ended: bool,
}

/// What is known of a task's attempt.
#[derive(Debug, Default, Clone)]
struct Known {
    node: Option<NodeId>,
    since: Option<Timestamp>,
    took: Option<Millis>,
    class: Option<FailureClass>,
    evidence: String,
    tail: String,
}

/// A retry that was decided.
#[derive(Debug, Clone)]
struct Retry {
    verdict: &'static str,
    took: Option<Millis>,
    failed: String,
    rule: String,
}

impl Tale {
    /// Nothing is known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// These run already.
    pub fn know(&mut self, running: &[TaskItem]) {
        for item in running {
            let known = self.tasks.entry(item.task.clone()).or_default();
            (known.node, known.since) = (item.node.clone(), item.dispatched.map(|at| at.0));
        }
    }

    /// Whether this event ends the round.
    pub fn is_end(&self, line: &JournalLine) -> bool {
        matches!(line.event, Body::ExecutionEnded { .. })
    }

    /// Whether the end of the round was told.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The lines that an event completes.
    pub fn take(&mut self, line: &JournalLine) -> Vec<Line> {
        let mut lines = Vec::new();
        if line.position != self.position {
            lines = self.pause();
            self.position = line.position;
        }
        if let Body::ExecutionEnded { .. } = &line.event {
            lines.extend(self.pause());
            self.ended = true;
        } else if let Body::ExecutionReopened { .. } = &line.event {
            self.ended = false;
        }
        if let Some(task) = &line.task {
            lines.extend(self.of_task(task, line));
        }
        lines
    }

    /// Nothing more comes for now: what waits is told as it is.
    pub fn pause(&mut self) -> Vec<Line> {
        let retries = std::mem::take(&mut self.retries).into_iter();
        let mut lines: Vec<Line> =
            retries.map(|(task, retry)| retry.line(&task, "again as soon as a node is free")).collect();
        let skipped = std::mem::take(&mut self.skipped);
        if !skipped.is_empty() {
            let what = some_of(&skipped, NAMED);
            lines.push(Line { verdict: "SKIP", took: None, what, words: String::new(), tail: Vec::new() });
        }
        lines
    }

    fn of_task(&mut self, task: &TaskId, line: &JournalLine) -> Option<Line> {
        if let Body::TaskSkipped { .. } = &line.event {
            self.skipped.push(task.to_string());
        } else if let Body::TaskEnded { result, .. } = &line.event {
            return Some(match result {
                TaskResult::Passed => self.over(task, "PASS"),
                TaskResult::Failed if line.allow_failure => {
                    let line = self.over(task, "FAIL");
                    Line { words: format!("{}; may fail", line.words), ..line }
                }
                TaskResult::Failed => self.over(task, "FAIL"),
                TaskResult::Cancelled => self.over(task, "CANCEL"),
            });
        } else if let Body::TaskParked { why, rule, .. } = &line.event {
            let why = if why.is_empty() { format!("rule {rule}") } else { why.clone() };
            let line = self.over(task, "PARK");
            return Some(Line { words: format!("{}; {why}; waits for a person", line.words), ..line });
        } else if let Body::AttemptDispatched(dispatch) = &line.event {
            let fresh = Known { node: Some(dispatch.node.clone()), since: Some(line.at.0), ..Known::default() };
            self.tasks.insert(task.clone(), fresh);
            return self.retries.remove(task).map(|retry| retry.went_on(task, dispatch));
        } else if let Body::RetryDecided(decided) = &line.event {
            return self.decided(task, decided);
        } else {
            self.tasks.entry(task.clone()).or_default().learn(line);
        }
        None
    }

    /// A retry that has to wait is told at once; any other one when it is known where it goes on.
    fn decided(&mut self, task: &TaskId, decided: &Decided) -> Option<Line> {
        if decided.action != Action::Retry {
            return None;
        }
        let retry = self.tasks.entry(task.clone()).or_default().retry(decided);
        if decided.delay_ms > Millis(0) {
            return Some(retry.line(task, &format!("again in {}", decided.delay_ms)));
        }
        self.retries.insert(task.clone(), retry);
        None
    }

    /// A task's last line; what was known of its attempts is not needed any more.
    fn over(&mut self, task: &TaskId, verdict: &'static str) -> Line {
        let known = self.tasks.remove(task).unwrap_or_default();
        let words = match known.class {
            Some(_) if verdict != "PASS" => known.failed(),
            Some(_) | None => known.node(),
        };
        let tail = if verdict == "FAIL" { last_lines(&known.tail) } else { Vec::new() };
        Line { verdict, took: known.took, what: task.to_string(), words, tail }
    }
}

impl Known {
    fn learn(&mut self, line: &JournalLine) {
        if let Body::AttemptStarted { .. } = &line.event {
            self.since = Some(line.at.0);
        } else if let Body::AttemptEnded(ended) = &line.event {
            self.node = Some(ended.node.clone());
            self.took = self.since.map(|since| line.at.0 - since);
            self.tail = ended.end.as_ref().map(|end| end.tail.clone()).unwrap_or_default();
        } else if let Body::FailureClassified(of) = &line.event {
            self.class = Some(of.class);
            self.evidence = cut(&of.evidence);
        }
    }

    fn node(&self) -> String {
        self.node.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    /// `test_failure on n4: exit 1`; what happened to a node names that node itself.
    fn failed(&self) -> String {
        let class = self.class.map_or("failure", FailureClass::word);
        let evidence = if self.evidence.is_empty() { String::new() } else { format!(": {}", self.evidence) };
        match self.class {
            Some(FailureClass::NodeLost) => format!("{class}{evidence}"),
            Some(_) | None => format!("{class} on {}{evidence}", self.node()),
        }
    }

    fn retry(&self, decided: &Decided) -> Retry {
        let verdict = if self.class == Some(FailureClass::NodeLost) { "LOST" } else { "RETRY" };
        let (uses, limit) = decided.uses;
        let rule = format!("(rule {}, {uses} of {limit})", decided.rule);
        Retry { verdict, took: self.took, failed: self.failed(), rule }
    }
}

impl Retry {
    fn went_on(self, task: &TaskId, dispatch: &Dispatch) -> Line {
        let way = if self.verdict == "LOST" { "goes on at" } else { "at once on" };
        let checkpoint = if dispatch.resumes { " from its checkpoint" } else { "" };
        self.line(task, &format!("{way} {}{checkpoint}", dispatch.node))
    }

    fn line(self, task: &TaskId, goes_on: &str) -> Line {
        let Self { verdict, took, failed, rule } = self;
        Line { verdict, took, what: task.to_string(), words: format!("{failed}; {goes_on} {rule}"), tail: Vec::new() }
    }
}

impl Line {
    /// `     PASS [  41.2s] build               n1`, and below it the end of its output.
    pub fn text(&self, paint: Paint) -> String {
        let verdict = paint.verdict(&format!("{:>9}", self.verdict));
        let took = self.took.map_or(" ".repeat(9), |took| format!("[{took:>7}]"));
        let words = one_line(&self.words);
        let mut text = format!("{verdict} {took} {:<18}  {words}", self.what).trim_end().to_owned();
        for line in &self.tail {
            text.push_str(&format!("\n{:>9} {}", "", paint.dim(line)));
        }
        text
    }
}

fn cut(text: &str) -> String {
    let short: String = text.chars().take(EVIDENCE).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}

/// The last lines of an output, as a terminal may have them: no escapes of the task's making.
fn last_lines(tail: &str) -> Vec<String> {
    let lines: Vec<&str> = tail.lines().collect();
    let last = &lines[lines.len().saturating_sub(TAIL_LINES)..];
    last.iter().map(|line| line.chars().filter(|c| !c.is_control() || *c == '\t').collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples;

    #[test]
    fn what_happens_is_told_in_lines_as_soon_as_they_are_known() {
        let mut tale = Tale::new();
        let mut lines: Vec<Line> = examples::journal().iter().flat_map(|line| tale.take(line)).collect();
        lines.extend(tale.pause());
        let text: Vec<String> = lines.iter().map(|line| line.text(Paint::PLAIN)).collect();
        insta::assert_snapshot!(text.join("\n"), @r"
        PASS [  41.0s] build               n1
        LOST [ 1m 38s] chrome              node_lost: n2 silent for 30.0s; goes on at n5 from its checkpoint (rule lost_node, 1 of 5)
        FAIL [  22.0s] chrome              test_failure on n5: exit 1
             started
             expected 200, got 502
        SKIP           gate
        ");
        assert!(tale.has_ended());
    }

    #[test]
    fn a_failure_that_may_be_is_marked() {
        let mut tale = Tale::new();
        let mut journal = examples::journal();
        journal.iter_mut().for_each(|line| line.allow_failure = true);
        let lines: Vec<Line> = journal.iter().flat_map(|line| tale.take(line)).collect();
        let failed = lines.iter().find(|line| line.verdict == "FAIL").unwrap();
        assert_eq!(failed.words, "test_failure on n5: exit 1; may fail");
    }

    #[test]
    fn a_failure_shows_the_last_twenty_lines_of_its_output_without_escapes() {
        let tail: String = (1..=30).map(|n| format!("line {n}\u{1b}\n")).collect();
        let lines = last_lines(&tail);
        assert_eq!((lines.len(), lines[0].as_str(), lines[19].as_str()), (20, "line 11", "line 30"));
    }
}
