//! The exit codes: one table, from which errors, `reprise help exit-codes` and the tests are made.

use std::process::ExitCode;

/// How the program ended, for scripts. Codes are never changed or used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// What was asked is done.
    Done,
    /// It is our own fault.
    Bug,
    /// The command line makes no sense.
    Usage,
    /// A file was refused.
    Refused,
    /// There is no such thing.
    NotFound,
    /// It is not possible now, or not allowed.
    NotNow,
    /// The engine is not reached, or not ready.
    NoEngine,
    /// This machine cannot.
    Machine,
    /// The time of `--wait` ran out.
    WaitedOut,
    /// A task failed.
    Failed,
    /// Nothing failed, but tasks are parked.
    Parked,
    /// The execution was cancelled.
    Cancelled,
    /// The demo lost a result or had one twice.
    DemoLost,
    /// Ctrl-C: the execution goes on without us.
    Detached,
}

impl Exit {
    /// Each code, in its order.
    pub const ALL: [Exit; 14] = [
        Self::Done,
        Self::Bug,
        Self::Usage,
        Self::Refused,
        Self::NotFound,
        Self::NotNow,
        Self::NoEngine,
        Self::Machine,
        Self::WaitedOut,
        Self::Failed,
        Self::Parked,
        Self::Cancelled,
        Self::DemoLost,
        Self::Detached,
    ];

    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Bug => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::NotFound => 4,
            Self::NotNow => 5,
            Self::NoEngine => 6,
            Self::Machine => 7,
            Self::WaitedOut => 8,
            Self::Failed => 10,
            Self::Parked => 11,
            Self::Cancelled => 12,
            Self::DemoLost => 20,
            Self::Detached => 130,
        }
    }

    /// What it means, and what helps.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Bug => "our own bug; please report it with what was printed",
            Self::Usage => "the command line makes no sense",
            Self::Refused => "a file, or a statement in SQL, was refused: its mistakes were printed",
            Self::NotFound => "no such execution, task, node, lock, policy, or no tables there",
            Self::NotNow => "not now, or not allowed; or a statement took more time or memory than it may",
            Self::NoEngine => "the engine is not reached or not ready; start one with `reprise up`, or try again",
            Self::Machine => "this machine: port taken, disk full, data damaged",
            Self::WaitedOut => "the time of `--wait` ran out; the execution goes on",
            Self::Failed => "a task failed",
            Self::Parked => "nothing failed, but tasks are parked and wait for a person",
            Self::Cancelled => "the execution was cancelled",
            Self::DemoLost => "the demo lost a result, or had one twice",
            Self::Detached => "Ctrl-C: an execution goes on without us, a statement was given up",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_ones_that_scripts_know_and_grow() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 20, 130]);
    }

    #[test]
    fn the_binary_names_each_code() {
        let main = include_str!("main.rs");
        for exit in Exit::ALL {
            assert!(main.contains(&format!(" {} ", exit.code())), "{exit:?} is not named in main.rs");
        }
    }
}
