//! Kafka's one door: the log on a Kafka cluster, its topics, who should lead, and what a node says over Kafka.

mod appender;
mod bootstrap;
mod client;
mod ends;
mod history;
mod log;
mod principal;
mod reader;
mod statistics;
mod trouble;

pub mod election;
pub mod settings;
pub mod topics;

pub use election::Election;
pub use log::{KafkaLog, Options};
pub use settings::Settings;
pub use trouble::is_too_large;
