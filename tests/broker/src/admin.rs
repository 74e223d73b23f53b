//! What an operator does to a broker, with Kafka's own tools. Each call starts a Java of its own: one or two seconds.

use std::fs;
use std::process::Output;

use crate::broker::Broker;
use crate::java;
use crate::run::last_words;

const TOPICS: &str = "org.apache.kafka.tools.TopicCommand";
const RECORDS: &str = "org.apache.kafka.tools.DeleteRecordsCommand";
const CONFIGS: &str = "kafka.admin.ConfigCommand";
const RIGHTS: &str = "org.apache.kafka.tools.AclCommand";

/// What a right is for.
#[derive(Debug, Clone, Copy)]
pub enum To<'a> {
    /// One topic, or `*`.
    Topic(&'a str),
    /// All topics whose names begin so.
    Topics(&'a str),
    /// One consumer group, or `*`.
    Group(&'a str),
    /// All consumer groups whose names begin so.
    Groups(&'a str),
    /// One transactional id, or `*`.
    Transaction(&'a str),
    /// All transactional ids that begin so.
    Transactions(&'a str),
    /// The cluster.
    Cluster,
}

impl Broker {
    /// Gives a user rights, named as Kafka names them: `Read`, `Write`, `Describe`, `Create`.
    pub fn allow(&self, user: &str, operations: &[&str], to: To<'_>) {
        let principal = format!("User:{user}");
        let mut arguments = vec!["--add", "--allow-principal", &principal];
        arguments.extend(operations.iter().flat_map(|operation| ["--operation", *operation]));
        match to {
            To::Topic(name) => arguments.extend(["--topic", name]),
            To::Topics(prefix) => arguments.extend(["--resource-pattern-type", "prefixed", "--topic", prefix]),
            To::Group(name) => arguments.extend(["--group", name]),
            To::Groups(prefix) => arguments.extend(["--resource-pattern-type", "prefixed", "--group", prefix]),
            To::Transaction(id) => arguments.extend(["--transactional-id", id]),
            To::Transactions(prefix) => {
                arguments.extend(["--resource-pattern-type", "prefixed", "--transactional-id", prefix]);
            }
            To::Cluster => arguments.push("--cluster"),
        }
        self.must(RIGHTS, &arguments);
    }

    /// Makes a topic with so many partitions and these settings. Their folders and leaders follow a moment later.
    pub fn create_topic(&self, name: &str, partitions: u32, settings: &[(&str, &str)]) {
        let partitions = partitions.to_string();
        let settings: Vec<String> = settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let mut arguments = vec!["--create", "--topic", name, "--partitions", &partitions];
        arguments.extend(settings.iter().flat_map(|setting| ["--config", setting]));
        self.must(TOPICS, &arguments);
    }

    /// Deletes a topic.
    pub fn delete_topic(&self, name: &str) {
        self.must(TOPICS, &["--delete", "--topic", name]);
    }

    /// Deletes the records of a topic's first partition that stand before an offset, as a retention that is too short does.
    pub fn delete_records(&self, topic: &str, before: u64) {
        let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        let wanted = format!(r#"{{"version":1,"partitions":[{{"topic":"{topic}","partition":0,"offset":{before}}}]}}"#);
        fs::write(file.path(), wanted).expect("a temporary file can be written to");
        self.must(RECORDS, &["--offset-json-file", &file.path().display().to_string()]);
    }

    /// Changes one setting of a topic.
    pub fn alter_topic(&self, name: &str, key: &str, value: &str) {
        let setting = format!("{key}=[{value}]"); // in brackets, for values with commas
        self.must(CONFIGS, &["--alter", "--entity-type", "topics", "--entity-name", name, "--add-config", &setting]);
    }

    /// Runs a tool of Kafka's against the plain listener, to its end, with an input.
    pub fn tool(&self, class: &str, arguments: &[&str], input: &str) -> Output {
        self.tool_at(&self.address(), class, arguments, input)
    }

    /// The same against another of its listeners.
    pub fn tool_at(&self, address: &str, class: &str, arguments: &[&str], input: &str) -> Output {
        let mut command = java::command(class, "warn");
        java::run(command.args(["--bootstrap-server", address]).args(arguments), input)
    }

    fn must(&self, class: &str, arguments: &[&str]) {
        let output = self.tool(class, arguments, "");
        assert!(output.status.success(), "{class} {arguments:?}: {output:?}\n{}", last_words(&self.said()));
    }
}
