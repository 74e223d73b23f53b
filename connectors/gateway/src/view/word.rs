//! Where a task stands, as a word.

use operators::state::Phase;
use serde::{Deserialize, Serialize};

/// Where a task stands, as a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskWord {
    /// For others to end.
    Waiting,
    /// For a node, slots or locks.
    Ready,
    /// For its next attempt's time.
    BackingOff,
    /// It runs, or is on its way.
    Running,
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// It did not run in this round.
    Skipped,
    /// It waits for a person.
    Parked,
}

impl TaskWord {
    /// Each word as it is written.
    pub const ALL: [(TaskWord, &'static str); 9] = [
        (TaskWord::Waiting, "waiting"),
        (TaskWord::Ready, "ready"),
        (TaskWord::BackingOff, "backing_off"),
        (TaskWord::Running, "running"),
        (TaskWord::Passed, "passed"),
        (TaskWord::Failed, "failed"),
        (TaskWord::Cancelled, "cancelled"),
        (TaskWord::Skipped, "skipped"),
        (TaskWord::Parked, "parked"),
    ];

    /// The word.
    pub fn word(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// The state of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, w)| *w == word).map(|(state, _)| *state)
    }
}

impl From<&Phase> for TaskWord {
    fn from(phase: &Phase) -> Self {
        match phase {
            Phase::Waiting => Self::Waiting,
            Phase::Ready { .. } => Self::Ready,
            Phase::BackingOff { .. } => Self::BackingOff,
            Phase::Running(_) => Self::Running,
            Phase::Passed => Self::Passed,
            Phase::Failed => Self::Failed,
            Phase::Cancelled => Self::Cancelled,
            Phase::Skipped { .. } => Self::Skipped,
            Phase::Parked { .. } => Self::Parked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_its_word() {
        for (index, (state, word)) in TaskWord::ALL.into_iter().enumerate() {
            assert_eq!((state as usize, state.word(), TaskWord::from_word(word)), (index, word, Some(state)));
            assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{word}\""));
        }
    }
}
