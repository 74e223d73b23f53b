//! Who should lead: Kafka's consumer group spreads the partitions over the instances, and this says which fell to us.
//!
//! It is a suggestion, no more: who does lead is written in the journal. The member reads nothing, all its partitions
//! are paused; it is polled only to stay one. What is consumed is committed for Kafka's own tools to show, and never
//! read back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use model::record::Topic;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use crate::bootstrap;
use crate::settings::Settings;
use crate::statistics::{INTERVAL_MS, Statistics};
use crate::trouble;

/// From one poll to the next.
const POLL: Duration = Duration::from_millis(100);
/// From one commit to the next.
const COMMIT: Duration = Duration::from_secs(5);
/// How long leaving may take.
const LEAVE: Duration = Duration::from_secs(2);

/// Tells that a partition should be led by us.
pub type Lead = Box<dyn Fn(u32) + Send + Sync>;

/// Says up to where the reports of a partition are consumed.
pub type Consumed = Box<dyn Fn(u32) -> u64 + Send + Sync>;

/// A member of the group, until it is dropped.
#[derive(Debug)]
pub struct Election {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Election {
    /// Joins. `instance` is this installation's name for itself: stable over restarts, and no other's.
    pub fn join(settings: &Settings, instance: &str, lead: Lead, consumed: Consumed) -> Result<Self, String> {
        let group = format!("{}reprise", settings.prefix);
        let config = settings.client(&[
            ("group.id", group.as_str()),
            ("group.instance.id", instance),
            ("partition.assignment.strategy", "cooperative-sticky"),
            ("session.timeout.ms", "6000"),
            ("heartbeat.interval.ms", "1500"),
            ("max.poll.interval.ms", "30000"),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("statistics.interval.ms", INTERVAL_MS),
        ]);
        let topic = settings.topic(Topic::Reports);
        let member = Member { lead, consumed, statistics: Statistics::default() };
        let failed = |error: KafkaError| settings.refused(&error);
        let consumer = BaseConsumer::from_config_and_context(&config, member).map_err(failed)?;
        consumer.subscribe(&[&topic]).map_err(failed)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let mut outside = Outside { settings: settings.clone(), group, topic, said: Vec::new() };
        let thread = thread::Builder::new().name("kafka group".to_owned());
        let thread = thread.spawn(move || attend(&consumer, &mut outside, &stopped));
        let thread = Some(thread.map_err(|error| format!("the system gives no thread: {error}"))?);
        Ok(Self { stop, thread })
    }
}

impl Drop for Election {
    /// Leaves, so that the others need not wait for our silence.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed.
            let _ = thread.join();
        }
    }
}

/// Why the group gives us no partitions, each reason said once: nothing else shows it, and it comes again and again.
struct Outside {
    settings: Settings,
    group: String,
    topic: String,
    said: Vec<Code>,
}

impl Outside {
    fn met(&mut self, consumer: &BaseConsumer<Member>, error: &KafkaError) {
        // A fatal error comes without its own code.
        let code = consumer.client().fatal_error().map(|(code, _)| code).or(trouble::code(error));
        match code.filter(|code| !trouble::passes_in_group(*code) && !self.said.contains(code)) {
            Some(code) => {
                self.said.push(code);
                tracing::warn!("{}", trouble::outside(&self.settings, &self.group, &self.topic, code));
            }
            None => tracing::debug!(%error, "the consumer group"),
        }
    }
}

fn attend(consumer: &BaseConsumer<Member>, outside: &mut Outside, stop: &AtomicBool) {
    let mut committed = Instant::now();
    while !stop.load(Ordering::Acquire) {
        if let Some(Err(error)) = consumer.poll(POLL) {
            outside.met(consumer, &error);
        }
        bootstrap::if_stranded(consumer.client(), &consumer.context().statistics, &outside.settings);
        if COMMIT <= committed.elapsed() {
            committed = Instant::now();
            commit(consumer, &outside.topic);
        }
    }
    // Static members leave by unsubscribing; a plain close would keep their partitions for the session's length.
    consumer.unsubscribe();
    let begun = Instant::now();
    while begun.elapsed() < LEAVE && consumer.assignment().is_ok_and(|held| 0 < held.count()) {
        drop(consumer.poll(Duration::from_millis(50)));
    }
}

fn commit(consumer: &BaseConsumer<Member>, topic: &str) {
    let Ok(held) = consumer.assignment() else { return };
    let mut list = TopicPartitionList::new();
    for element in held.elements() {
        let Ok(partition) = u32::try_from(element.partition()) else { continue };
        let consumed = i64::try_from((consumer.context().consumed)(partition)).unwrap_or(i64::MAX);
        // For display only: one that is not told is told the next time.
        let _ = list.add_partition_offset(topic, element.partition(), Offset::Offset(consumed));
    }
    if 0 < list.count()
        && let Err(error) = consumer.commit(&list, CommitMode::Async)
    {
        tracing::debug!(%error, "positions could not be committed for display");
    }
}

struct Member {
    lead: Lead,
    consumed: Consumed,
    statistics: Statistics,
}

impl ClientContext for Member {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(facility, "librdkafka: {message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, "librdkafka: {reason}");
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.statistics.told(statistics);
    }
}

impl ConsumerContext for Member {
    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(fresh) => {
                // Nothing is read here.
                if let Err(error) = consumer.pause(fresh) {
                    tracing::debug!(%error, "the group's partitions could not be paused");
                }
                for element in fresh.elements() {
                    if let Ok(partition) = u32::try_from(element.partition()) {
                        (self.lead)(partition);
                    }
                }
            }
            // Whoever gets it announces itself; until that is read we go on.
            Rebalance::Revoke(_) => {}
            Rebalance::Error(error) => tracing::warn!(%error, "the consumer group"),
        }
    }
}
