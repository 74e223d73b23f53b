//! The ends of all that is followed, asked for together several times a second: one request to each broker, whatever
//! the number of partitions. It is also what serves the consumer's own events.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer;

use crate::bootstrap;
use crate::client::Reading;
use crate::reader::Reader;
use crate::settings::Settings;

/// How long the brokers may take to answer.
const ANSWER: Duration = Duration::from_millis(500);

/// What the thread asks, and for whom.
pub struct Asked {
    /// Through which client.
    pub consumer: Arc<Reading>,
    /// Where the brokers are.
    pub settings: Settings,
    /// All streams; those that nobody reads are passed over.
    pub readers: Vec<Arc<Reader>>,
    /// From one question to the next.
    pub period: Duration,
}

/// Asks until it is told to stop.
pub fn run(asked: &Asked, stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        let begun = Instant::now();
        bootstrap::if_stranded(asked.consumer.client(), &asked.consumer.context().statistics, &asked.settings);
        ask(asked);
        // Events of the consumer, also where an answer took longer than a period; records come through the queues of
        // their partitions.
        loop {
            drop(asked.consumer.poll(Duration::from_millis(20)));
            if asked.period <= begun.elapsed() || stop.load(Ordering::Acquire) {
                break;
            }
        }
    }
}

fn ask(asked: &Asked) {
    let (mut list, mut places) = (TopicPartitionList::new(), Vec::new());
    for reader in &asked.readers {
        places.extend(reader.ask(&mut list).map(|next| (reader, next)));
    }
    if places.is_empty() {
        return;
    }
    let at = Instant::now();
    let ends = asked.consumer.offsets_for_times(list, ANSWER);
    for (reader, next) in places {
        reader.told(next, at, &ends);
    }
}
