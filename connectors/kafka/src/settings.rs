//! How the cluster is reached: any of librdkafka's keys, on top of those that this crate needs as they are.

use std::collections::BTreeMap;
use std::fmt;

use rdkafka::ClientConfig;
use rdkafka::admin::AdminClient;
use rdkafka::client::DefaultClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;

/// What is known of the cluster.
#[derive(Clone, PartialEq, Eq)]
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

    /// Whether we say who we are.
    pub(crate) fn is_known(&self) -> bool {
        self.keys.get("security.protocol").is_some_and(|protocol| !protocol.eq_ignore_ascii_case("plaintext"))
    }

    /// Whether librdkafka takes the keys; its words if not. Nothing is connected.
    pub fn check(&self) -> Result<(), String> {
        let made = self.client(&[]).create::<AdminClient<DefaultClientContext>>();
        made.map(drop).map_err(|error| self.refused(&error))
    }

    /// In words: librdkafka takes no such settings. The value is not said: it may be a password under a key with a typo.
    pub(crate) fn refused(&self, error: &KafkaError) -> String {
        let brokers = &self.brokers;
        let KafkaError::ClientConfig(_, why, key, _) = error else {
            return format!("the settings of Kafka at {brokers} are refused: {error}");
        };
        let about = if why.contains(key.as_str()) { String::new() } else { format!(" `{key}`") };
        format!("the settings of Kafka at {brokers} are refused:{about} {why}")
    }

    /// What every client is configured with: the user's keys, then ours, which the protocol needs as they are.
    pub(crate) fn client(&self, ours: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        // Who asks librdkafka for its debug words gets them, where our own log is set to show them.
        let level = if self.keys.contains_key("debug") { RDKafkaLogLevel::Debug } else { RDKafkaLogLevel::Warning };
        config.set("bootstrap.servers", &self.brokers).set_log_level(level);
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

impl fmt::Debug for Settings {
    /// Values of keys stay out: some are passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&String> = self.keys.keys().collect();
        f.debug_struct("Settings")
            .field("brokers", &self.brokers)
            .field("prefix", &self.prefix)
            .field("keys", &keys)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_librdkafka_refuses_is_said_with_its_key_and_without_its_value() {
        let refused = |key: &str, value: &str| {
            let mut settings = Settings::new("kafka:9092");
            settings.keys.insert(key.to_owned(), value.to_owned());
            assert!(!format!("{settings:?}").contains(value));
            settings.check().err().unwrap_or_default()
        };
        assert_eq!(refused("client.rack", "b7"), "");
        for (key, value) in [("sasl.passwrod", "hunter2"), ("security.protocol", "TLZ9"), ("socket.timeout.ms", "-77")]
        {
            let why = refused(key, value);
            assert!(why.contains("Kafka at kafka:9092 are refused") && why.contains(key), "{why}");
            assert!(key != "sasl.passwrod" || !why.contains(value), "{why}");
        }
    }
}
