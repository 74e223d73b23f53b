//! Retry policies: versioned rules that turn a failure into a decision, as data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Millis;

/// What kind of failure it was. Later versions add words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// The test said no: by exit code or by JUnit.
    TestFailure,
    /// It died by a signal that nobody of ours sent.
    Crash,
    /// It took more memory than it may, or the kernel ended it for lack of memory.
    OutOfMemory,
    /// It ran longer than it may.
    Timeout,
    /// It was silent for longer than it may.
    Stall,
    /// It never ran: no such program, no such folder.
    StartFailure,
    /// Its node died, vanished or ended it for reasons of its own.
    NodeLost,
}

impl FailureClass {
    /// Each class with its word.
    pub const ALL: [(FailureClass, &'static str); 7] = [
        (FailureClass::TestFailure, "test_failure"),
        (FailureClass::Crash, "crash"),
        (FailureClass::OutOfMemory, "out_of_memory"),
        (FailureClass::Timeout, "timeout"),
        (FailureClass::Stall, "stall"),
        (FailureClass::StartFailure, "start_failure"),
        (FailureClass::NodeLost, "node_lost"),
    ];

    /// The class's word.
    pub fn word(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// Which counter it spends: a test never pays for a machine.
    pub fn counter(self) -> Counter {
        match self {
            Self::NodeLost | Self::StartFailure => Counter::Infra,
            Self::OutOfMemory => Counter::Memory,
            Self::TestFailure | Self::Crash | Self::Timeout | Self::Stall => Counter::Test,
        }
    }
}

/// The counters of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counter {
    /// Failures of machines.
    Infra,
    /// Failures of the test.
    Test,
    /// Lack of memory.
    Memory,
}

/// A policy: ordered rules, the first that matches decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its name, without the version.
    pub policy: String,
    /// Bounds beyond which rules that retry no longer match.
    #[serde(default)]
    pub limits: Limits,
    /// 1 to 64 rules; the last matches everything.
    pub rules: Vec<Rule>,
}

/// Bounds of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Tries of one task, 1 to 100.
    #[serde(default = "ten")]
    pub attempts: u32,
    /// Retries in one execution after test_failure or crash, 0 to 100,000.
    #[serde(default = "five_hundred")]
    pub retries: u32,
}

fn ten() -> u32 {
    10
}

fn five_hundred() -> u32 {
    500
}

impl Default for Limits {
    fn default() -> Self {
        Self { attempts: ten(), retries: five_hundred() }
    }
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name, unique in the policy.
    pub id: String,
    /// Which classes it is for; empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class: Vec<FailureClass>,
    /// Matches when at least so many different nodes were lost under this task; 0: always.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub nodes_lost: u32,
    /// What it does.
    pub then: Then,
    /// Uses per task of a rule that retries, 1 to 100.
    #[serde(default = "once")]
    pub limit: u32,
    /// Where the retry would rather run.
    #[serde(rename = "where", default, skip_serializing_if = "Place::is_any")]
    pub place: Place,
    /// How long the retry waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Backoff>,
    /// What the retry needs beyond the task's own needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<RetryNeeds>,
    /// Whether the retry gets the checkpoint.
    #[serde(default, skip_serializing_if = "CheckpointUse::is_keep")]
    pub checkpoint: CheckpointUse,
    /// Words for people, at most 200 bytes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

fn once() -> u32 {
    1
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// Try again.
    Retry,
    /// Set the task aside for a person.
    Park,
    /// Set it aside and call a person.
    Escalate,
    /// The task has failed.
    Fail,
    /// The task passes, marked.
    Ignore,
    /// The task and with it the execution have failed: nothing more starts.
    Stop,
}

/// Where a retry would rather run: a wish, never a demand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Anywhere.
    #[default]
    Any,
    /// Where it ran last.
    SameNode,
    /// Not where it ran last.
    OtherNode,
    /// Not in the zone where it ran last.
    OtherZone,
}

impl Place {
    fn is_any(&self) -> bool {
        *self == Place::Any
    }
}

/// Keep the checkpoint for the retry, or drop it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckpointUse {
    /// The retry goes on from it.
    #[default]
    Keep,
    /// The retry starts afresh.
    Drop,
}

impl CheckpointUse {
    fn is_keep(&self) -> bool {
        *self == CheckpointUse::Keep
    }
}

/// What a retry needs beyond the task's own needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryNeeds {
    /// A factor on the memory of the attempt that failed (or its peak, where there was no need), 2 to 16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_factor: Option<u32>,
    /// A memory need in MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mb: Option<u64>,
    /// Slots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<u32>,
    /// More labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// How long the n-th retry by a rule waits. Every shape is capped before it can overflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backoff {
    /// The curve.
    pub shape: Shape,
    /// Its unit.
    #[serde(default = "one_second")]
    pub delay_ms: Millis,
    /// For exponential, 1 to 100.
    #[serde(default = "two")]
    pub factor: u32,
    /// No wait is longer.
    #[serde(default = "one_hour")]
    pub max_ms: Millis,
    /// The first wait, where it differs from the curve's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_ms: Option<Millis>,
    /// For `list`: each wait; the last one goes on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub list_ms: Vec<Millis>,
    /// Spread.
    #[serde(default)]
    pub jitter: Jitter,
}

fn one_second() -> Millis {
    Millis(1000)
}

fn two() -> u32 {
    2
}

fn one_hour() -> Millis {
    Millis(3_600_000)
}

/// The curve of a backoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Always the delay.
    Constant,
    /// n times the delay.
    Linear,
    /// The delay times factor to the power n - 1.
    Exponential,
    /// The delay times the n-th Fibonacci number.
    Fibonacci,
    /// As listed.
    List,
}

/// How a wait is spread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Jitter {
    /// Not at all.
    #[default]
    None,
    /// Anywhere from zero to the wait, by a hash of execution, task and attempt.
    Full,
}
