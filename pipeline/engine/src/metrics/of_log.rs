//! How the log does, as numbers: what waits, and how its brokers are reached.

use prometheus::{Gauge, IntCounter, IntGauge, Registry};
use protocol::log::Figures;

use super::{Metric, put};

/// The log's part of the catalogue.
#[derive(Debug)]
pub struct OfLog {
    waiting: IntGauge,
    waiting_bytes: IntGauge,
    brokers: IntGauge,
    brokers_up: IntGauge,
    round_trip: Gauge,
    sent: IntCounter,
    received: IntCounter,
    errors: IntCounter,
}

impl OfLog {
    /// All at zero.
    pub fn new(registry: &Registry) -> Self {
        let counter = |m: Metric| put(registry, IntCounter::with_opts(m.opts()));
        let gauge = |m: Metric| put(registry, IntGauge::with_opts(m.opts()));
        Self {
            waiting: gauge(Metric::LogWaiting),
            waiting_bytes: gauge(Metric::LogWaitingBytes),
            brokers: gauge(Metric::LogBrokers),
            brokers_up: gauge(Metric::LogBrokersUp),
            round_trip: put(registry, Gauge::with_opts(Metric::LogRoundTrip.opts())),
            sent: counter(Metric::LogSent),
            received: counter(Metric::LogReceived),
            errors: counter(Metric::LogErrors),
        }
    }

    /// Takes in what the log tells.
    pub fn observe(&self, figures: Figures) {
        let set = |gauge: &IntGauge, value: u64| gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        // The log counts from its start; a client of it that was replaced counts anew.
        let grow = |counter: &IntCounter, to: u64| counter.inc_by(to.saturating_sub(counter.get()));
        set(&self.waiting, figures.waiting_records);
        set(&self.waiting_bytes, figures.waiting_bytes);
        let Some(remote) = figures.remote else { return };
        set(&self.brokers, remote.brokers);
        set(&self.brokers_up, remote.brokers_up);
        self.round_trip.set(remote.round_trip_p99_us as f64 / 1e6);
        grow(&self.sent, remote.sent_bytes);
        grow(&self.received, remote.received_bytes);
        grow(&self.errors, remote.errors);
    }
}

#[cfg(test)]
mod tests {
    use protocol::log::Remote;

    use super::*;

    #[test]
    fn a_count_goes_on_and_never_back() {
        let of_log = OfLog::new(&Registry::new());
        let told = |sent_bytes| Figures {
            waiting_records: 3,
            remote: Some(Remote { sent_bytes, round_trip_p99_us: 1_500, ..Remote::default() }),
            ..Figures::default()
        };
        for (sent, want) in [(10, 10), (25, 25), (5, 25), (40, 40)] {
            of_log.observe(told(sent));
            assert_eq!(of_log.sent.get(), want);
        }
        assert_eq!((of_log.waiting.get(), of_log.round_trip.get()), (3, 0.0015));
    }
}
