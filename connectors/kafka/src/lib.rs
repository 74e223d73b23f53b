//! Kafka's one door: the log on a Kafka cluster, its topics, who should lead, and what a node says over Kafka.

pub mod settings;

pub use settings::Settings;
