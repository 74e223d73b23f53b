//! What each topic is made with, and what of that must hold.

use model::record::Topic;

use crate::settings::Settings;

/// One setting of one topic.
pub struct Rule {
    /// Of which topic.
    pub topic: Topic,
    /// Kafka's key.
    pub key: &'static str,
    /// What it is made with.
    pub made: &'static str,
    /// Whether another value will do.
    pub holds: fn(&str) -> bool,
    /// What happens else.
    why: &'static str,
}

impl Rule {
    /// What is wrong, and the command that mends it.
    pub fn words(&self, settings: &Settings, name: &str, value: &str) -> String {
        let (key, made, brokers) = (self.key, self.made, &settings.brokers);
        format!(
            "topic `{name}` has {key}={value}: {}; mend it: kafka-configs.sh --bootstrap-server {brokers} --alter \
             --entity-type topics --entity-name {name} --add-config {key}={made}",
            self.why
        )
    }
}

const CLEANUP: &str = "cleanup.policy";
const RETENTION: &str = "retention.ms";
const BYTES: &str = "retention.bytes";
const STAMP: &str = "message.timestamp.type";
const SIZE: &str = "max.message.bytes";
const SEGMENT: &str = "segment.ms";

const COMPACTED: &str = "compaction would drop records of the same key";
const STAMPED: &str = "the broker's clock is compared with the engines'";
const SIZED: &str = "an entry has up to 256 KiB, and room for twice that is asked";
const SHORT: &str = "records would be gone before they are read";
const SMALL: &str = "records would be gone as soon as there are many";

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
const MINUTE_MS: i64 = 60 * 1_000;

/// All of them.
pub const RULES: &[Rule] = &[
    cleanup(Topic::Requests),
    cleanup(Topic::Reports),
    cleanup(Topic::Heartbeats),
    cleanup(Topic::Journal),
    cleanup(Topic::Commands),
    cleanup(Topic::Rejects),
    size(Topic::Requests),
    size(Topic::Reports),
    size(Topic::Heartbeats),
    size(Topic::Journal),
    size(Topic::Commands),
    size(Topic::Rejects),
    stamp(Topic::Reports),
    stamp(Topic::Heartbeats),
    stamp(Topic::Journal),
    Rule { topic: Topic::Journal, key: RETENTION, made: "-1", holds: |v| at_least(v, 7 * DAY_MS), why: SHORT },
    unbounded(Topic::Journal),
    unbounded(Topic::Requests),
    unbounded(Topic::Reports),
    Rule { topic: Topic::Requests, key: RETENTION, made: "604800000", holds: |v| at_least(v, DAY_MS), why: SHORT },
    Rule { topic: Topic::Reports, key: RETENTION, made: "604800000", holds: |v| at_least(v, DAY_MS), why: SHORT },
    Rule {
        topic: Topic::Heartbeats,
        key: RETENTION,
        made: "600000",
        holds: |v| at_least(v, 2 * MINUTE_MS),
        why: SHORT,
    },
    Rule { topic: Topic::Heartbeats, key: SEGMENT, made: "600000", holds: |_| true, why: "" },
    Rule { topic: Topic::Commands, key: RETENTION, made: "600000", holds: |v| at_least(v, 2 * MINUTE_MS), why: SHORT },
    Rule { topic: Topic::Commands, key: SEGMENT, made: "600000", holds: |_| true, why: "" },
    Rule { topic: Topic::Rejects, key: RETENTION, made: "2592000000", holds: |v| at_least(v, DAY_MS), why: SHORT },
];

const fn cleanup(topic: Topic) -> Rule {
    Rule { topic, key: CLEANUP, made: "delete", holds: |value| value == "delete", why: COMPACTED }
}

const fn size(topic: Topic) -> Rule {
    Rule { topic, key: SIZE, made: "1048588", holds: |value| at_least(value, 512 * 1024), why: SIZED }
}

const fn stamp(topic: Topic) -> Rule {
    Rule { topic, key: STAMP, made: "LogAppendTime", holds: |value| value == "LogAppendTime", why: STAMPED }
}

const fn unbounded(topic: Topic) -> Rule {
    Rule { topic, key: BYTES, made: "-1", holds: |value| value == "-1", why: SMALL }
}

/// A number that is no less; -1 is Kafka's word for no bound.
fn at_least(value: &str, least: i64) -> bool {
    value.parse().is_ok_and(|value: i64| value == -1 || least <= value)
}
