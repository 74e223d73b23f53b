//! The Kafka log is a log: on a real broker it passes the suite that every implementation passes.

use std::sync::Arc;

use conformance::Subject;
use kafka::{Bounds, KafkaLog, Settings, topics};
use protocol::log::Log;

struct OnKafka {
    settings: Settings,
}

impl OnKafka {
    const BOUNDS: Bounds = Bounds { records: 6_000, bytes: 64 << 20 };
}

impl Subject for OnKafka {
    fn fresh(&mut self) -> Arc<dyn Log> {
        self.settings.prefix = broker::prefix();
        topics::ensure(&self.settings, Some(2)).expect("topics can be made");
        self.reopen()
    }

    fn reopen(&mut self) -> Arc<dyn Log> {
        Arc::new(KafkaLog::open(&self.settings, 2, Self::BOUNDS).expect("a client can be made"))
    }

    fn may_wait(&self) -> Option<usize> {
        Some(Self::BOUNDS.records)
    }
}

#[test]
fn the_kafka_log_conforms() {
    let brokers = broker::address();
    conformance::run(&mut OnKafka { settings: Settings::new(&brokers) });
}
