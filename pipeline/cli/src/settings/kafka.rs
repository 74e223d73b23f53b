//! Where Kafka is and how it is spoken to: `--kafka`, `topic_prefix`, and librdkafka's own keys under `[kafka]`.
//!
//! What librdkafka does not know it refuses itself, when this is put together. Keys that Reprise depends on are refused
//! here, since a setting that is silently ignored is found out at 3 a.m. A password never gets into a message.

use std::collections::BTreeMap;
use std::fs;

use kafka::Settings;
use toml::Spanned;
use toml::de::DeValue;

use super::{File, LogKind, Mistakes};
use crate::exit::Exit;
use crate::failure::Failure;

/// Where the brokers are, if no flag says it.
const SERVERS: &str = "bootstrap.servers";
/// librdkafka's key, and our own for a file that holds its value.
const PASSWORD: &str = "sasl.password";
const PASSWORD_FILE: &str = "sasl.password.file";
/// The longest prefix: with it a topic's name has at most 249 characters.
const PREFIX_BYTES: usize = 200;

const ORDER: &str = "records must stand once and in order, acknowledged by all replicas in sync";
const GROUP: &str = "the group says who should lead, and its names are made of `topic_prefix`";
const PLACE: &str = "positions are kept in the journal, never by Kafka";
const READ: &str = "a reader must see each record, and at once";
const HASH: &str = "pools are found by their hash: the partition of a record is chosen here";
const WAIT: &str = "how long records wait and how large they may be is bounded here";
const TOLD: &str = "each append waits to be told what became of it";
const COUNT: &str = "what the client counts is among the engine's metrics, and told as often as those need";

/// Keys that are set here, each with why.
const OURS: [(&str, &str); 40] = [
    ("metadata.broker.list", "its other name is \"bootstrap.servers\""),
    ("enable.idempotence", ORDER),
    ("acks", ORDER),
    ("request.required.acks", ORDER),
    ("transactional.id", ORDER),
    ("max.in.flight", ORDER),
    ("max.in.flight.requests.per.connection", ORDER),
    ("retries", ORDER),
    ("message.send.max.retries", ORDER),
    ("group.id", GROUP),
    ("group.instance.id", GROUP),
    ("group.protocol", GROUP),
    ("partition.assignment.strategy", GROUP),
    ("session.timeout.ms", GROUP),
    ("heartbeat.interval.ms", GROUP),
    ("max.poll.interval.ms", GROUP),
    ("enable.auto.commit", PLACE),
    ("enable.auto.offset.store", PLACE),
    ("auto.offset.reset", PLACE),
    ("isolation.level", READ),
    ("fetch.wait.max.ms", READ),
    ("fetch.queue.backoff.ms", READ),
    ("fetch.error.backoff.ms", READ),
    ("queued.min.messages", READ),
    ("queued.max.messages.kbytes", READ),
    ("max.partition.fetch.bytes", READ),
    ("fetch.message.max.bytes", READ),
    ("enable.partition.eof", READ),
    ("partitioner", HASH),
    ("linger.ms", WAIT),
    ("queue.buffering.max.ms", WAIT),
    ("queue.buffering.max.messages", WAIT),
    ("queue.buffering.max.kbytes", WAIT),
    ("message.timeout.ms", WAIT),
    ("delivery.timeout.ms", WAIT),
    ("message.max.bytes", WAIT),
    ("compression.type", WAIT),
    ("compression.codec", WAIT),
    ("delivery.report.only.error", TOLD),
    ("statistics.interval.ms", COUNT),
];

/// The cluster, if Kafka is used: a flag says where, or the file. Nothing is connected, but all is checked that can be.
pub fn kafka(flag: Option<&str>, prefix: Option<&str>, file: &File) -> Result<Option<Settings>, Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message);
    let flag = flag.filter(|brokers| !brokers.is_empty());
    let prefix = prefix.filter(|prefix| !prefix.is_empty());
    // A file may serve several programs: one that names another log speaks of none here.
    let in_file = file.kafka.get(SERVERS).filter(|_| file.log != Some(LogKind::Embedded));
    let Some(brokers) = flag.or(in_file.map(String::as_str)) else {
        let keys = !file.kafka.is_empty() && file.log != Some(LogKind::Embedded);
        let wanted = [
            (prefix.is_some(), "--topic-prefix (or REPRISE_TOPIC_PREFIX)"),
            (file.log == Some(LogKind::Kafka), "`log = \"kafka\"`"),
            (keys, "[kafka]"),
        ];
        return match wanted.iter().find(|(is_wanted, _)| *is_wanted) {
            None => Ok(None),
            Some((_, what)) => Err(usage(format!(
                "{what} is given, but nothing says where Kafka is: add --kafka HOST:PORT, or \"{SERVERS}\" under [kafka] \
                 in the file"
            ))),
        };
    };
    let prefix = prefix.or(file.topic_prefix.as_deref()).unwrap_or_default().to_owned();
    if !is_prefix(&prefix) {
        return Err(usage(format!(
            "--topic-prefix {prefix}: a prefix has at most {PREFIX_BYTES} of A-Z a-z 0-9 . _ -"
        )));
    }
    let mut keys = file.kafka.clone();
    keys.remove(SERVERS);
    if let Some(path) = keys.remove(PASSWORD_FILE) {
        if keys.contains_key(PASSWORD) {
            return Err(usage(format!("`{PASSWORD}` and `{PASSWORD_FILE}` are both given under [kafka]: keep one")));
        }
        let unreadable = |error| usage(format!("`{PASSWORD_FILE}` under [kafka]: {path} cannot be read: {error}"));
        keys.insert(PASSWORD.to_owned(), fs::read_to_string(&path).map_err(unreadable)?.trim().to_owned());
    }
    let settings = Settings { brokers: brokers.to_owned(), prefix, keys };
    settings.check().map_err(|why| usage(format!("{why}; its keys stand under [kafka] in the file")))?;
    Ok(Some(settings))
}

/// Whether topics may be called so: Kafka's own rule.
pub(super) fn is_prefix(text: &str) -> bool {
    text.len() <= PREFIX_BYTES && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Reads the table `[kafka]`.
pub(super) fn read(value: &Spanned<DeValue<'_>>, file: &mut File, mistakes: &mut Mistakes<'_>) {
    let Some(table) = value.get_ref().as_table() else {
        let hint = "write `[kafka]` and below it `\"bootstrap.servers\" = \"kafka:9092\"`";
        return mistakes.add(value.span(), "`kafka` must be a table".into(), hint);
    };
    let mut keys = BTreeMap::new();
    for (key, value) in table {
        let word: &str = key.get_ref();
        if let Some((_, why)) = OURS.iter().find(|(ours, _)| *ours == word) {
            mistakes.add(key.span(), format!("`{word}` cannot be set"), why);
            continue;
        }
        match text(value.get_ref()) {
            Ok(text) => drop(keys.insert(word.to_owned(), text)),
            Err(hint) => mistakes.add(key.span(), format!("`{word}` cannot have such a value"), hint),
        }
    }
    file.kafka = keys;
}

/// A value as librdkafka reads it, or what to write instead.
fn text(value: &DeValue<'_>) -> Result<String, &'static str> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        DeValue::Boolean(is_so) => Ok(is_so.to_string()),
        DeValue::Table(_) => Err("write a key with dots in quotes, as in \"security.protocol\" = \"SASL_SSL\""),
        DeValue::Integer(_) | DeValue::Datetime(_) | DeValue::Array(_) => Err("write a text, a number, true or false"),
    }
}

/// The text of a file for people: behind each key that sounds like a secret all is hidden.
pub(super) fn masked(text: &str) -> String {
    let hide = |line: &str| match line.split_once('=') {
        Some((key, _)) if ["password", "secret", ".key"].iter().any(|word| key.contains(word)) => {
            format!("{key}= ***\n")
        }
        Some(_) | None => line.to_owned(),
    };
    text.split_inclusive('\n').map(hide).collect()
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[test]
    fn a_flag_says_where_kafka_is_or_the_file_does() {
        let file = parse(
            "topic_prefix = \"ci-\"\n[kafka]\n\"bootstrap.servers\" = \"a:1,b:2\"\n\"client.rack\" = \"r1\"\n\
             \"socket.timeout.ms\" = 20_000\n\"socket.keepalive.enable\" = true\n",
        );
        let file = file.unwrap();
        let settings = kafka(None, None, &file).unwrap().unwrap();
        assert_eq!((settings.brokers.as_str(), settings.prefix.as_str()), ("a:1,b:2", "ci-"));
        assert_eq!(settings.keys.values().collect::<Vec<_>>(), ["r1", "true", "20000"]);
        let settings = kafka(Some("c:3"), Some("x."), &file).unwrap().unwrap();
        assert_eq!((settings.brokers.as_str(), settings.prefix.as_str()), ("c:3", "x."));
        assert_eq!(kafka(None, None, &File::default()), Ok(None));
        assert_eq!(kafka(Some(""), Some(""), &File::default()), Ok(None));
        let embedded = File { log: Some(LogKind::Embedded), ..file };
        assert_eq!(kafka(None, None, &embedded), Ok(None));
    }

    #[test]
    fn what_is_not_usable_is_a_mistake_of_the_command_line_that_names_the_key() {
        let file = |text: &str| parse(text).unwrap();
        let said = |flag: Option<&str>, prefix: Option<&str>, text: &str| {
            let failure = kafka(flag, prefix, &file(text)).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage);
            failure.message
        };
        assert!(said(None, Some("x"), "").contains("--topic-prefix (or REPRISE_TOPIC_PREFIX) is given"));
        assert!(said(None, None, "log = \"kafka\"").contains("`log = \"kafka\"` is given"));
        assert!(said(None, None, "[kafka]\n\"client.rack\" = \"r\"").contains("[kafka] is given"));
        assert!(said(Some("a:1"), Some("a/b"), "").contains("--topic-prefix a/b"));
        let unknown = said(Some("a:1"), None, "[kafka]\n\"sasl.passwrod\" = \"hunter2\"");
        assert!(unknown.contains("sasl.passwrod") && !unknown.contains("hunter2"), "{unknown}");
        let both = said(Some("a:1"), None, "[kafka]\n\"sasl.password\" = \"x\"\n\"sasl.password.file\" = \"/y\"");
        assert!(both.contains("are both given"), "{both}");
        let none = said(Some("a:1"), None, "[kafka]\n\"sasl.password.file\" = \"/no/such\"");
        assert!(none.contains("/no/such cannot be read"), "{none}");
    }

    #[test]
    fn keys_that_would_silence_what_is_waited_for_are_refused() {
        for key in ["delivery.report.only.error", "enable.partition.eof", "statistics.interval.ms"] {
            let refused = parse(&format!("[kafka]\n\"{key}\" = 1\n")).unwrap_err();
            let printed = flow::render(&refused, "reprise.toml", "");
            assert!(printed.contains(&format!("`{key}` cannot be set")), "{printed}");
        }
    }

    #[test]
    fn a_password_may_stand_in_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        fs::write(&path, "hunter2\n").unwrap();
        let text = format!("[kafka]\n\"sasl.password.file\" = \"{}\"", path.display());
        let settings = kafka(Some("a:1"), None, &parse(&text).unwrap()).unwrap().unwrap();
        assert_eq!(settings.keys, BTreeMap::from([(PASSWORD.to_owned(), "hunter2".to_owned())]));
    }

    #[test]
    fn mistakes_under_kafka_are_shown_where_they_stand_and_passwords_are_not() {
        let text = "topic_prefix = \"a b\"\nlog = \"kafak\"\npartitions = 0\n[kafka]\n\"acks\" = 1\nsecurity.protocol = \"SSL\"\n\
                    \"sasl.password\" = [\"hunter2\"]\n";
        let printed = flow::render(&parse(text).unwrap_err(), "reprise.toml", &masked(text));
        insta::assert_snapshot!(printed, @r#"
        reprise.toml:5:1: error: `acks` cannot be set
            5 | "acks" = 1
              | ^^^^^^ records must stand once and in order, acknowledged by all replicas in sync
        reprise.toml:7:1: error: `sasl.password` cannot have such a value
            7 | "sasl.password" = ***
              | ^^^^^^^^^^^^^^^ write a text, a number, true or false
        reprise.toml:6:1: error: `security` cannot have such a value
            6 | security.protocol = "SSL"
              | ^^^^^^^^ write a key with dots in quotes, as in "security.protocol" = "SASL_SSL"
        reprise.toml:2:7: error: this value cannot be
            2 | log = "kafak"
              |       ^^^^^^^ write "embedded" or "kafka"
        reprise.toml:3:14: error: this value cannot be
            3 | partitions = 0
              |              ^ write a number from 1 to 1000
        reprise.toml:1:16: error: this value cannot be
            1 | topic_prefix = "a b"
              |                ^^^^^ write at most 200 of A-Z a-z 0-9 . _ -, as in "ci-"
        6 errors in reprise.toml, nothing submitted
        "#);
    }
}
