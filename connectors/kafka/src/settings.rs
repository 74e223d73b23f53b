//! How the cluster is reached: any of librdkafka's keys, on top of those that this crate needs as they are.

use std::collections::BTreeMap;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

/// What is known of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `host:port`, several of them with commas between.
    pub brokers: String,
    /// Stands before the name of each topic and of the consumer group: several installations on one cluster.
    pub prefix: String,
    /// librdkafka's keys as the user wrote them: `security.protocol`, `sasl.username` and so on.
    pub keys: BTreeMap<String, String>,
}

impl Settings {
    /// Settings of a cluster that needs nothing else.
    pub fn new(brokers: &str) -> Self {
        Self { brokers: brokers.to_owned(), prefix: String::new(), keys: BTreeMap::new() }
    }

    /// The name of a topic on this cluster.
    pub fn topic(&self, topic: model::record::Topic) -> String {
        format!("{}{}", self.prefix, topic.word())
    }

    /// Who we are to the cluster, as its access lists write it.
    pub fn principal(&self) -> String {
        format!("User:{}", self.keys.get("sasl.username").map_or("ANONYMOUS", String::as_str))
    }

    /// Whether we say who we are.
    pub(crate) fn is_known(&self) -> bool {
        self.keys.get("security.protocol").is_some_and(|protocol| !protocol.eq_ignore_ascii_case("plaintext"))
    }

    /// In words: librdkafka takes no such settings.
    pub(crate) fn refused(&self, error: &rdkafka::error::KafkaError) -> String {
        format!("the settings of Kafka at {} are refused: {error}", self.brokers)
    }

    /// What every client is configured with: the user's keys, then ours, which the protocol needs as they are.
    pub(crate) fn client(&self, ours: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers).set_log_level(RDKafkaLogLevel::Warning);
        for (key, value) in [
            ("client.id", "reprise"),
            ("reconnect.backoff.ms", "50"),
            ("reconnect.backoff.max.ms", "1000"),
            ("socket.timeout.ms", "10000"),
            ("retry.backoff.ms", "20"),
            ("retry.backoff.max.ms", "200"),
            ("topic.metadata.refresh.fast.interval.ms", "100"),
        ] {
            config.set(key, value);
        }
        for (key, value) in &self.keys {
            config.set(key, value);
        }
        for (key, value) in ours {
            config.set(*key, *value);
        }
        config
    }
}
