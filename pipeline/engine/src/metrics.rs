//! The catalogue of metrics, and how they follow from what is admitted.
//!
//! Never an execution, task or test in a label: they belong to SQL. Operators know no metrics; they are folded here
//! from admitted events, so every instance counts alike. What an instance reads when it begins is the past, which it or
//! another has counted: a counter that began with it would show the same hour twice.

use std::time::Duration;

use model::Body;
use model::event::{AttemptOutcome, Phase};
use model::policy::FailureClass;
use model::record::Entry;
use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};
use protocol::log::Figures;

use crate::health::Health;

mod of_log;
mod of_tables;

use of_log::OfLog;
use of_tables::OfTables;

pub use of_tables::TablesFigures;

/// All metrics of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the catalogue's help text says what each is")]
pub enum Metric {
    EventToCommand,
    InputLag,
    LeaderEpoch,
    Leading,
    Led,
    Stopped,
    Attempts,
    ReadyTasks,
    Slots,
    SlotsUsed,
    RecoveryPhase,
    SnapshotTime,
    Entries,
    Rejects,
    StaleReports,
    NodesLost,
    ParkedTasks,
    CommandsWithoutStream,
    CommandsFailed,
    Alarms,
    LogWaiting,
    LogWaitingBytes,
    LogBrokers,
    LogBrokersUp,
    LogRoundTrip,
    LogSent,
    LogReceived,
    LogErrors,
    TablesRows,
    TablesWaitingBytes,
    TablesFailing,
}

impl Metric {
    /// Each metric with its name and help text.
    pub const ALL: [(Metric, &'static str, &'static str); 31] = [
        (
            Metric::EventToCommand,
            "reprise_event_to_command_seconds",
            "From reading an input to letting out what it caused; not what a timer caused.",
        ),
        (Metric::InputLag, "reprise_input_lag_records", "Inputs in the log that are not decided about yet."),
        (Metric::LeaderEpoch, "reprise_leader_epoch", "The epoch of the announcement that counts."),
        (Metric::Leading, "reprise_leading", "1 if this instance leads, else 0."),
        (Metric::Led, "reprise_led", "1 if somebody leads, as far as this instance has heard, else 0."),
        (Metric::Stopped, "reprise_stopped", "1 if this instance has stopped for good in a partition, else 0."),
        (Metric::Attempts, "reprise_attempts_total", "Attempts that ended, by class; passed and cancelled ones too."),
        (Metric::ReadyTasks, "reprise_ready_tasks", "Tasks that wait for a node, a slot or a lock."),
        (Metric::Slots, "reprise_slots", "Slots of all present nodes."),
        (Metric::SlotsUsed, "reprise_slots_used", "Slots that current leases take."),
        (
            Metric::RecoveryPhase,
            "reprise_recovery_phase_seconds",
            "From a node's last sign of life to a phase of its recovery.",
        ),
        (Metric::SnapshotTime, "reprise_snapshot_timestamp_seconds", "When the last snapshot was written."),
        (Metric::Entries, "reprise_journal_entries_total", "Entries of the journal that were admitted."),
        (Metric::Rejects, "reprise_rejects_total", "Inputs that could not be used."),
        (Metric::StaleReports, "reprise_stale_reports_total", "Reports of leases that were void."),
        (Metric::NodesLost, "reprise_nodes_lost_total", "Nodes that were given up."),
        (Metric::ParkedTasks, "reprise_parked_tasks", "Tasks that wait for a person."),
        (
            Metric::CommandsWithoutStream,
            "reprise_commands_without_stream_total",
            "Commands whose node did not listen; its next beat brings them again.",
        ),
        (
            Metric::CommandsFailed,
            "reprise_commands_failed_total",
            "Commands that the log did not take; the node's next beat brings them again.",
        ),
        (Metric::Alarms, "reprise_alarms_total", "Things that an administrator should know of."),
        (Metric::LogWaiting, "reprise_log_waiting_records", "Records that wait to become durable."),
        (Metric::LogWaitingBytes, "reprise_log_waiting_bytes", "Bytes of records that wait to become durable."),
        (Metric::LogBrokers, "reprise_log_brokers", "Kafka's brokers that are known."),
        (Metric::LogBrokersUp, "reprise_log_brokers_up", "Kafka's brokers that are connected."),
        (
            Metric::LogRoundTrip,
            "reprise_log_round_trip_seconds",
            "The slowest broker's round trip for an append, 99th percentile of the last seconds.",
        ),
        (Metric::LogSent, "reprise_log_sent_bytes_total", "Bytes sent to Kafka's brokers."),
        (Metric::LogReceived, "reprise_log_received_bytes_total", "Bytes received from Kafka's brokers."),
        (Metric::LogErrors, "reprise_log_errors_total", "Requests to Kafka's brokers that failed or were given up."),
        (
            Metric::TablesRows,
            "reprise_tables_rows_total",
            "Rows that this instance has landed in the journal's tables.",
        ),
        (
            Metric::TablesWaitingBytes,
            "reprise_tables_waiting_bytes",
            "Memory that rows take which have not landed; at the bound the tables' writer reads no further.",
        ),
        (
            Metric::TablesFailing,
            "reprise_tables_failing",
            "1 if no row can land in the journal's tables just now, else 0.",
        ),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    fn opts(self) -> Opts {
        Opts::new(self.name(), Self::ALL[self as usize].2)
    }
}

/// The values of all metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    event_to_command: Histogram,
    input_lag: IntGaugeVec,
    epoch: IntGaugeVec,
    leading: IntGaugeVec,
    led: IntGaugeVec,
    stopped: IntGaugeVec,
    attempts: IntCounterVec,
    ready: IntGaugeVec,
    slots: IntGauge,
    slots_used: IntGauge,
    recovery: HistogramVec,
    snapshot: IntGaugeVec,
    entries: IntCounter,
    rejects: IntCounter,
    stale: IntCounter,
    lost: IntCounter,
    parked: IntGauge,
    unheard: IntCounter,
    failed: IntCounter,
    alarms: IntCounter,
    of_log: OfLog,
    of_tables: OfTables,
}

/// What a look at a partition tells.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// How it is.
    pub health: Health,
    /// Tasks that wait for a node, a slot or a lock.
    pub ready: usize,
    /// Tasks that wait for a person.
    pub parked: usize,
    /// Slots of present nodes.
    pub slots: u64,
    /// Those of them that are taken.
    pub used: u64,
}

impl Metrics {
    /// All at zero; each set of labels that is to be expected is there from the start.
    pub fn new(partitions: u32) -> Self {
        let registry = Registry::new();
        let counter = |m: Metric| put(&registry, IntCounter::with_opts(m.opts()));
        let gauge = |m: Metric| put(&registry, IntGauge::with_opts(m.opts()));
        let each = |m: Metric| {
            let gauges = put(&registry, IntGaugeVec::new(m.opts(), &["partition"]));
            (0..partitions).for_each(|partition| drop(of(&gauges, partition)));
            gauges
        };
        let fast = vec![0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0];
        let slow = vec![0.1, 0.5, 1.0, 2.0, 5.0, 15.0, 30.0, 45.0, 60.0, 120.0, 300.0, 900.0];
        let histogram = HistogramOpts { common_opts: Metric::EventToCommand.opts(), buckets: fast };
        let phases = HistogramOpts { common_opts: Metric::RecoveryPhase.opts(), buckets: slow };
        let attempts = put(&registry, IntCounterVec::new(Metric::Attempts.opts(), &["class"]));
        for class in ["passed", "cancelled"].into_iter().chain(FailureClass::ALL.map(|(_, word)| word)) {
            attempts.with_label_values(&[class]);
        }
        Self {
            event_to_command: put(&registry, Histogram::with_opts(histogram)),
            input_lag: each(Metric::InputLag),
            epoch: each(Metric::LeaderEpoch),
            leading: each(Metric::Leading),
            led: each(Metric::Led),
            stopped: each(Metric::Stopped),
            attempts,
            ready: each(Metric::ReadyTasks),
            slots: gauge(Metric::Slots),
            slots_used: gauge(Metric::SlotsUsed),
            recovery: put(&registry, HistogramVec::new(phases, &["phase"])),
            snapshot: each(Metric::SnapshotTime),
            entries: counter(Metric::Entries),
            rejects: counter(Metric::Rejects),
            stale: counter(Metric::StaleReports),
            lost: counter(Metric::NodesLost),
            parked: gauge(Metric::ParkedTasks),
            unheard: counter(Metric::CommandsWithoutStream),
            failed: counter(Metric::CommandsFailed),
            alarms: counter(Metric::Alarms),
            of_log: OfLog::new(&registry),
            of_tables: OfTables::new(&registry),
            registry,
        }
    }

    /// An entry was admitted; `since` the first of its inputs was read, if it is our own and has consumed any.
    pub fn admitted(&self, entry: &Entry, since: Option<Duration>) {
        self.entries.inc();
        if let Some(since) = since {
            self.event_to_command.observe(since.as_secs_f64());
        }
        for event in &entry.events {
            self.event(&event.event);
        }
    }

    fn event(&self, event: &Body) {
        if let Body::AttemptEnded(ended) = event {
            match ended.outcome {
                AttemptOutcome::Passed => self.attempts.with_label_values(&["passed"]).inc(),
                AttemptOutcome::Cancelled => self.attempts.with_label_values(&["cancelled"]).inc(),
                // Its class follows.
                AttemptOutcome::Failed | AttemptOutcome::Lost => {}
            }
        }
        if let Body::FailureClassified(classified) = event {
            self.attempts.with_label_values(&[classified.class.word()]).inc();
        }
        if let Body::RecoveryPhase { phase, took_ms, .. } = event {
            let word = match phase {
                Phase::Suspected => "suspected",
                Phase::Noticed => "noticed",
                Phase::Fenced => "fenced",
                Phase::Requeued => "requeued",
                Phase::Progress => "progress",
                Phase::Done => "done",
            };
            self.recovery.with_label_values(&[word]).observe(Duration::from_millis(took_ms.0).as_secs_f64());
        }
        if matches!(event, Body::InputRejected { .. }) {
            self.rejected();
        }
        if matches!(event, Body::ReportStale { .. }) {
            self.stale.inc();
        }
        if matches!(event, Body::NodeLost { .. }) {
            self.lost.inc();
        }
    }

    /// Takes in what a look at all partitions tells, in their order, and at the log.
    pub fn observe(&self, partitions: &[Seen], log: Figures, tables: Option<TablesFigures>) {
        self.of_log.observe(log);
        if let Some(tables) = tables {
            self.of_tables.observe(tables);
        }
        let set = |gauge: &IntGauge, value: u64| gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        for (partition, Seen { health, ready, .. }) in (0..).zip(partitions) {
            set(&of(&self.leading, partition), u64::from(health.leading));
            set(&of(&self.led, partition), u64::from(health.led));
            set(&of(&self.stopped, partition), u64::from(health.has_stopped()));
            set(&of(&self.epoch, partition), health.epoch);
            set(&of(&self.input_lag, partition), health.lag_records);
            set(&of(&self.ready, partition), *ready as u64);
        }
        set(&self.parked, partitions.iter().map(|seen| seen.parked as u64).sum());
        set(&self.slots, partitions.iter().map(|seen| seen.slots).sum());
        set(&self.slots_used, partitions.iter().map(|seen| seen.used).sum());
    }

    /// An input could not be used.
    pub fn rejected(&self) {
        self.rejects.inc();
    }

    /// The last snapshot of a partition was written at this time of the wall clock.
    pub fn snapshot_written(&self, partition: u32, wall_ms: u64) {
        of(&self.snapshot, partition).set(i64::try_from(wall_ms / 1000).unwrap_or(i64::MAX));
    }

    /// A command found no stream.
    pub fn command_without_stream(&self) {
        self.unheard.inc();
    }

    /// The log did not take a command.
    pub fn command_failed(&self) {
        self.failed.inc();
    }

    /// Something that an administrator should know of.
    pub fn alarm(&self) {
        self.alarms.inc();
    }

    /// As Prometheus reads it.
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text).expect("names and labels are constants");
        String::from_utf8_lossy(&text).into_owned()
    }
}

fn of(gauges: &IntGaugeVec, partition: u32) -> IntGauge {
    gauges.with_label_values(&[&partition.to_string()])
}

fn put<M: prometheus::core::Collector + Clone + 'static>(registry: &Registry, metric: prometheus::Result<M>) -> M {
    let metric = metric.expect("names are constants");
    registry.register(Box::new(metric.clone())).expect("each is registered once");
    metric
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_metric_of_the_catalogue_stands_in_the_text_with_its_help() {
        let metrics = Metrics::new(1);
        metrics.recovery.with_label_values(&["done"]).observe(1.0);
        let text = metrics.text();
        for (index, (metric, name, help)) in Metric::ALL.into_iter().enumerate() {
            assert_eq!(metric as usize, index, "the catalogue stands in the order of the enum");
            assert!(text.contains(&format!("# HELP {name} {help}")), "{name}");
        }
    }
}
