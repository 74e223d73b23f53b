//! How people name a task: `EXECUTION/TASK@ATTEMPT`, or just `TASK`, which means the newest execution that has it.

use std::fmt;
use std::str::FromStr;

use model::{ExecutionId, TaskId};

/// A task as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The execution, if it was named.
    pub execution: Option<ExecutionId>,
    /// The task.
    pub task: TaskId,
    /// The attempt, if it was named.
    pub attempt: Option<u32>,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (execution, rest) = match text.split_once('/') {
            Some((execution, rest)) => (Some(execution.parse().map_err(|_| no_execution(execution))?), rest),
            None => (None, text),
        };
        let (task, attempt) = match rest.rsplit_once('@') {
            Some((task, attempt)) => {
                let number = attempt.parse().ok().filter(|number| *number > 0);
                (task, Some(number.ok_or_else(|| format!("`@{attempt}` is no attempt: they count from @1"))?))
            }
            None => (rest, None),
        };
        let task = TaskId::new(task).map_err(|error| error.to_string())?;
        Ok(Self { execution, task, attempt })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(execution) = &self.execution {
            write!(f, "{execution}/")?;
        }
        self.task.fmt(f)?;
        self.attempt.map_or(Ok(()), |attempt| write!(f, "@{attempt}"))
    }
}

/// An execution as it was typed.
pub fn execution(text: &str) -> Result<ExecutionId, String> {
    text.parse().map_err(|_| no_execution(text))
}

fn no_execution(text: &str) -> String {
    let text: String = text.chars().take(64).collect();
    format!("`{text}` is no execution: it is named after its flow and a number, as in nightly-web-118")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_named_with_or_without_its_execution_and_attempt() {
        for (text, execution, task, attempt) in [
            ("build", None, "build", None),
            ("build@2", None, "build", Some(2)),
            ("nightly-web-118/browser:chrome:7", Some("nightly-web-118"), "browser:chrome:7", None),
            ("nightly-web-118/browser:chrome:7@1", Some("nightly-web-118"), "browser:chrome:7", Some(1)),
        ] {
            let place: Place = text.parse().unwrap();
            let named = place.execution.as_ref().map(ToString::to_string);
            assert_eq!((named.as_deref(), place.task.as_str(), place.attempt), (execution, task, attempt));
            assert_eq!(place.to_string(), text);
        }
    }

    #[test]
    fn what_names_no_task_is_refused_with_an_example() {
        for (text, says) in
            [("nightly/build", "is no execution"), ("build@0", "count from @1"), ("a b", "no task name")]
        {
            assert!(text.parse::<Place>().unwrap_err().contains(says), "{text}");
        }
        assert!(execution("118").unwrap_err().contains("nightly-web-118"));
    }
}
