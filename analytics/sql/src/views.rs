//! Views: questions that are asked so often that they have a name.

/// A view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Its name.
    pub name: &'static str,
    /// What it answers, for people.
    pub doc: &'static str,
    /// The question.
    pub sql: &'static str,
}

/// All views, in the order in which they are listed.
pub const VIEWS: [View; 8] = [
    View {
        name: "failures_by_class",
        doc: "How many attempts ended in each class of failure, and which share of all that is, by day.",
        sql: include_str!("views/failures_by_class.sql"),
    },
    View {
        name: "failures_by_test",
        doc: "How often each test ran, failed and was flaky.",
        sql: include_str!("views/failures_by_test.sql"),
    },
    View {
        name: "failures_by_node",
        doc: "How often attempts failed on each node: by the test's doing, and by the machine's.",
        sql: include_str!("views/failures_by_node.sql"),
    },
    View {
        name: "failures_by_hour",
        doc: "How many attempts ended in each hour, and which share failed.",
        sql: include_str!("views/failures_by_hour.sql"),
    },
    View {
        name: "recovery_phases",
        doc: "How long each phase of a recovery took from the node's last sign of life: median, 95th and 99th percentile.",
        sql: include_str!("views/recovery_phases.sql"),
    },
    View {
        name: "retries",
        doc: "What each rule's retries cost and bought: how many passed, and node time.",
        sql: include_str!("views/retries.sql"),
    },
    View {
        name: "reliability",
        doc: "Mean time to recovery and between failures of each zone.",
        sql: include_str!("views/reliability.sql"),
    },
    View {
        name: "flaky_tests",
        doc: "Tests that failed and then passed, with what that cost.",
        sql: include_str!("views/flaky_tests.sql"),
    },
];

/// The view of a name.
pub fn named(name: &str) -> Option<View> {
    VIEWS.into_iter().find(|view| view.name == name)
}
