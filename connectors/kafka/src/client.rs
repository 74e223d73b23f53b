//! The clients of this crate: what they log, what they count, and how a reading one is set up.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::settings::Settings;
use crate::statistics::Statistics;
use crate::trouble;

/// A refusal explains what fails for so long after it.
const LATELY: Duration = Duration::from_secs(10);

/// A client that reads.
pub type Reading = BaseConsumer<Quiet>;

/// librdkafka's words go to our log; what matters of them is said again, in better words, by who asked.
#[derive(Debug, Default)]
pub struct Quiet {
    /// What it counts.
    pub statistics: Statistics,
    /// Why it could not connect, when that was found out last: calls that fail say only that nobody answered.
    refused: Mutex<Option<(Instant, Code)>>,
}

impl Quiet {
    /// Why it could not connect lately, if a broker or this machine has refused: passwords, certificates.
    pub fn refused(&self) -> Option<Code> {
        let last = *self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        last.filter(|(at, _)| at.elapsed() < LATELY).map(|(_, code)| code)
    }
}

impl ClientContext for Quiet {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(facility, "librdkafka: {message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, "librdkafka: {reason}");
        if let Some(code) = error.rdkafka_error_code().filter(|code| trouble::refuses(*code)) {
            *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), code));
        }
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.statistics.told(statistics);
    }
}

impl ConsumerContext for Quiet {}

/// A consumer with partitions of its choice: no group, no commits, absolute positions only.
///
/// Statistics are told each `statistics` milliseconds, "0" for never, and pile up where nobody polls it.
pub fn consumer(settings: &Settings, purpose: &str, statistics: &str) -> Result<Reading, String> {
    // A client that is not in a group needs the name of one all the same; it is never registered.
    let group = format!("{}reprise-{purpose}", settings.prefix);
    let config = settings.client(&[
        ("group.id", group.as_str()),
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("auto.offset.reset", "error"),
        ("isolation.level", "read_uncommitted"),
        ("statistics.interval.ms", statistics),
        ("fetch.wait.max.ms", "50"),
        ("fetch.queue.backoff.ms", "5"),
        ("fetch.error.backoff.ms", "50"),
        ("queued.max.messages.kbytes", "1024"),
        ("queued.min.messages", "10000"),
        ("max.partition.fetch.bytes", "1048576"),
    ]);
    Reading::from_config_and_context(&config, Quiet::default()).map_err(|error| settings.refused(&error))
}
