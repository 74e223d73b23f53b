//! The Kafka log is a log: on a real broker it passes the suite that every implementation passes.

use std::sync::Arc;

use conformance::Subject;
use kafka::{KafkaLog, Options, Settings, topics};
use protocol::log::Log;

struct OnKafka {
    settings: Settings,
}

impl OnKafka {
    const MAY_WAIT: usize = 6_000;
}

impl Subject for OnKafka {
    fn fresh(&mut self) -> Arc<dyn Log> {
        self.settings.prefix = broker::prefix();
        topics::ensure(&self.settings, Some(2)).expect("topics can be made");
        self.reopen()
    }

    fn reopen(&mut self) -> Arc<dyn Log> {
        let options = Options { waiting_records: Self::MAY_WAIT, ..Options::default() };
        Arc::new(KafkaLog::open(&self.settings, 2, options).expect("a client can be made"))
    }

    fn may_wait(&self) -> Option<usize> {
        Some(Self::MAY_WAIT)
    }
}

#[test]
fn the_kafka_log_conforms() {
    let brokers = broker::address();
    conformance::run(|| OnKafka { settings: Settings::new(&brokers) });
}
