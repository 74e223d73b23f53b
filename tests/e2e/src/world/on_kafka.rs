//! A world whose engines share their log over Kafka: each of them sees the same, from a port and a data folder of its
//! own.

use std::sync::Arc;

use super::{TENTH, World};
use crate::kcat::Kcat;
use crate::process::Running;

/// Where the log is.
#[derive(Debug, Clone)]
pub(super) struct OnKafka {
    brokers: String,
    prefix: String,
}

impl OnKafka {
    /// What tells a program of it.
    pub(super) fn arguments(&self) -> Vec<String> {
        ["--kafka", &self.brokers, "--topic-prefix", &self.prefix].map(str::to_owned).to_vec()
    }
}

impl World {
    /// A world on this broker, with so many partitions and a tenth of the usual times.
    pub fn on_kafka(brokers: &str, partitions: u32) -> Self {
        Self::on_kafka_with(brokers, &format!("partitions = {partitions}\n{TENTH}"))
    }

    /// A world on this broker, with topics of its own and this `reprise.toml`.
    pub fn on_kafka_with(brokers: &str, settings: &str) -> Self {
        let on_kafka = OnKafka { brokers: brokers.to_owned(), prefix: broker::prefix() };
        let mut world = Self::with(settings);
        world.on_kafka = Some(on_kafka);
        world
    }

    /// The same world as another engine of it sees it, which is called so.
    pub fn beside(&self, engine: &str) -> Self {
        Self::of(Arc::clone(&self.folder), engine, self.on_kafka.clone())
    }

    /// Starts an agent that speaks Kafka, and does not wait for it.
    pub fn agent_on_kafka(&self, name: &str, slots: u32, more: &[&str]) -> Running {
        let (slots, config) = (slots.to_string(), self.path("reprise.toml").display().to_string());
        let mut command = self.command(&["agent", "--name", name, "--slots", &slots, "--config", &config]);
        self.begin(name, command.args(self.log().arguments()).args(more))
    }

    /// What stands before the names of its topics.
    pub fn prefix(&self) -> &str {
        &self.log().prefix
    }

    /// The name of a topic of it.
    pub fn topic(&self, word: &str) -> String {
        format!("{}{word}", self.prefix())
    }

    /// Where its log is.
    pub fn brokers(&self) -> &str {
        &self.log().brokers
    }

    /// Somebody else's view of its topics.
    pub fn kcat(&self) -> Kcat {
        Kcat::new(self.brokers(), self.prefix())
    }

    /// Whether this engine leads the pool `default`, as it says itself.
    pub fn leads(&self) -> bool {
        let pool = self.ask("GET", "/v1/pool", &[], b"");
        pool.is_ok_and(|reply| reply.status == 200 && reply.json()["leader"]["here"] == true)
    }

    fn log(&self) -> &OnKafka {
        self.on_kafka.as_ref().expect("this world is on Kafka")
    }
}
