//! The topics: made where they are missing, checked where they are there. What is wrong is named all at once, each with
//! the command that mends it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use model::record::Topic;
use protocol::log::Stream;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::metadata::Metadata;
use rdkafka::{Offset, TopicPartitionList};

use crate::client::consumer;
use crate::principal::Principal;
use crate::settings::Settings;
use crate::trouble::{self, Right};

mod led;
mod rules;

use rules::{RULES, Rule};

/// How long a broker may take for what an administrator asks.
const ANSWER: Duration = Duration::from_secs(5);
/// How long fresh topics may take until every broker knows them.
const KNOWN: Duration = Duration::from_secs(15);
/// The partitions of each topic, where nobody says how many.
pub const PARTITIONS: u32 = 4;
/// The most partitions: each costs a thread of the engine.
pub const MAX_PARTITIONS: u32 = 1_000;

/// The topics are not as they must be, or cannot be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Each thing, in words.
    said: Vec<String>,
    /// Nobody answered: it may be better later.
    away: bool,
}

impl Wrong {
    /// Whether it may be better later, without anybody doing anything.
    pub fn is_away(&self) -> bool {
        self.away
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said.join("\n"))
    }
}

impl std::error::Error for Wrong {}

/// Makes the topics that are missing, checks all, and says how many partitions they have. `wanted`: how many the
/// installation is set to; none: as many as its journal has, for any other topic may have been made by the way, with a
/// number that nobody chose, by a broker that makes what it is asked for.
pub fn ensure(settings: &Settings, wanted: Option<u32>) -> Result<u32, Wrong> {
    let admin = admin(settings).map_err(one)?;
    let found = partitions(settings)?;
    let count = wanted.or(found.get(&Topic::Journal).copied().flatten()).unwrap_or(PARTITIONS);
    let missing: Vec<Topic> = found.iter().filter(|(_, has)| has.is_none()).map(|(topic, _)| *topic).collect();
    // While the number is in doubt none is made with it: a journal's is for good.
    let found = match differing(settings, &found, count).is_empty() {
        true => {
            if !missing.is_empty() {
                make(&admin, settings, &missing, count)?;
            }
            known(settings)?
        }
        false => found,
    };
    let mut wrong = differing(settings, &found, count);
    wrong.extend(check(&admin, settings, &found)?);
    if wrong.is_empty() { Ok(count) } else { Err(all(wrong)) }
}

/// How many partitions the installation has, for a node that joins it; an error in words if it is not there.
pub fn count(settings: &Settings) -> Result<u32, Wrong> {
    let found = partitions(settings)?;
    let reports = found.get(&Topic::Reports).copied().flatten();
    reports.ok_or_else(|| {
        let name = settings.topic(Topic::Reports);
        one(format!("Kafka at {} has no topic `{name}`: start an engine first, which makes it", settings.brokers))
    })
}

/// The topics that are there with another number of partitions, each in words.
fn differing(settings: &Settings, found: &BTreeMap<Topic, Option<u32>>, count: u32) -> Vec<String> {
    let journal = found.get(&Topic::Journal).copied().flatten();
    let there = found.iter().filter_map(|(topic, has)| has.map(|has| (*topic, has)));
    there.filter(|(_, has)| *has != count).map(|(topic, has)| differs(settings, topic, has, (count, journal))).collect()
}

fn differs(settings: &Settings, topic: Topic, has: u32, (count, journal): (u32, Option<u32>)) -> String {
    let name = settings.topic(topic);
    let tool = format!("kafka-topics.sh --bootstrap-server {}", settings.brokers);
    let what = format!("topic `{name}` has {has} partitions, and all topics must have {count}");
    let chosen = format!(
        "the number is chosen once, since pools are hashed to partitions; set `partitions = {has}` if this is the \
         installation's, or use another `topic_prefix`"
    );
    let more = format!("{tool} --alter --topic {name} --partitions {count}");
    let anew = format!("it may be deleted, and is made again: {tool} --delete --topic {name}");
    match topic {
        Topic::Journal => format!("{what}: {chosen}"),
        // What stands in these is found by hashing pools over their number.
        Topic::Requests | Topic::Reports => {
            let chosen = if journal == Some(count) { "else use another `topic_prefix`" } else { &chosen };
            let mend = if has < count { &more } else { &anew };
            format!("{what}; if it holds nothing yet: {mend}; {chosen}")
        }
        Topic::Heartbeats | Topic::Commands | Topic::Rejects if has < count => format!("{what}: {more}"),
        Topic::Heartbeats | Topic::Commands | Topic::Rejects => format!("{what}; {anew}"),
    }
}

/// How many partitions each topic has; none: it is not there.
fn partitions(settings: &Settings) -> Result<BTreeMap<Topic, Option<u32>>, Wrong> {
    let metadata = metadata(settings)?;
    Topic::ALL.iter().map(|(topic, _)| Ok((*topic, has(&metadata, settings, *topic)?))).collect()
}

/// What the cluster says of itself, asked by a client that also hears why it is not let in.
fn metadata(settings: &Settings) -> Result<Metadata, Wrong> {
    let client = consumer(settings, "topics", "0").map_err(one)?;
    client.fetch_metadata(None, ANSWER).map_err(|error| {
        // What was refused waits to be told.
        drop(client.poll(Duration::from_millis(50)));
        let code = trouble::code(&error).unwrap_or(Code::OperationTimedOut);
        let refused = client.context().refused();
        Wrong { away: refused.is_none(), ..one(trouble::unreached(settings, refused.unwrap_or(code))) }
    })
}

fn has(metadata: &Metadata, settings: &Settings, topic: Topic) -> Result<Option<u32>, Wrong> {
    let name = settings.topic(topic);
    let Some(found) = metadata.topics().iter().find(|found| found.name() == name) else { return Ok(None) };
    match found.error().map(Code::from) {
        None => Ok(Some(u32::try_from(found.partitions().len()).unwrap_or(u32::MAX))),
        Some(code) if trouble::unknown(code) => Ok(None),
        Some(code) => Err(one(trouble::words(settings, &name, Right::Read, code))),
    }
}

/// The same, once every topic is known, and a broker speaks for each partition.
fn known(settings: &Settings) -> Result<BTreeMap<Topic, Option<u32>>, Wrong> {
    let deadline = Instant::now() + KNOWN;
    loop {
        let found = partitions(settings)?;
        let missing = found.values().any(Option::is_none);
        let unled = if missing { None } else { led::unled(settings, &found).map_err(one)? };
        if !missing && unled.is_none() {
            return Ok(found);
        }
        if deadline < Instant::now() {
            if let Some(unled) = unled {
                return Err(Wrong { away: true, ..one(unled) });
            }
            let missing = found.iter().filter(|(_, count)| count.is_none());
            let names: Vec<String> = missing.map(|(topic, _)| format!("`{}`", settings.topic(*topic))).collect();
            return Err(one(format!("topics {} were made, and no broker knows them yet; try again", names.join(", "))));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn make(admin: &Admin, settings: &Settings, missing: &[Topic], count: u32) -> Result<(), Wrong> {
    let brokers = metadata(settings)?.brokers().len();
    let copies = i32::try_from(brokers.clamp(1, 3)).expect("three at most");
    let in_sync = if copies == 3 { "2" } else { "1" };
    let names: Vec<String> = missing.iter().map(|topic| settings.topic(*topic)).collect();
    let new = missing.iter().zip(&names).map(|(topic, name)| {
        let count = i32::try_from(count).unwrap_or(i32::MAX);
        let mut new = NewTopic::new(name, count, TopicReplication::Fixed(copies)).set("min.insync.replicas", in_sync);
        for rule in RULES.iter().filter(|rule| rule.topic == *topic) {
            new = new.set(rule.key, rule.made);
        }
        new
    });
    let new: Vec<NewTopic<'_>> = new.collect();
    let made = wait(admin.create_topics(&new, &options())).map_err(|error| one(error.to_string()))?;
    let refused = made.into_iter().filter_map(Result::err);
    // Another instance may have been quicker.
    let refused = refused.filter(|(_, code)| *code != Code::TopicAlreadyExists);
    let refused: Vec<String> = refused.map(|(name, code)| not_made(settings, &name, code)).collect();
    if refused.is_empty() { Ok(()) } else { Err(all(refused)) }
}

fn not_made(settings: &Settings, name: &str, code: Code) -> String {
    let principal = Principal::of(settings);
    match [Code::TopicAuthorizationFailed, Code::ClusterAuthorizationFailed].contains(&code) {
        true => format!(
            "topic `{name}` is missing, and Kafka does not let {principal} create it; {}",
            principal.grant(settings, "Create", &format!("--topic {name}"))
        ),
        false => format!("topic `{name}` is missing, and cannot be made: {code}"),
    }
}

/// What is wrong with the settings of the topics that are there.
fn check(admin: &Admin, settings: &Settings, found: &BTreeMap<Topic, Option<u32>>) -> Result<Vec<String>, Wrong> {
    let there: Vec<Topic> = found.iter().filter(|(_, has)| has.is_some()).map(|(topic, _)| *topic).collect();
    let names: Vec<String> = there.iter().map(|topic| settings.topic(*topic)).collect();
    let resources: Vec<ResourceSpecifier<'_>> = names.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
    let found = wait(admin.describe_configs(&resources, &options())).map_err(|error| one(error.to_string()))?;
    let mut wrong = Vec::new();
    for (topic, (name, found)) in there.iter().zip(names.iter().zip(found)) {
        let found = match found {
            Ok(found) => found,
            Err(code) => {
                tracing::warn!(topic = %name, %code, "its settings cannot be looked at (right DescribeConfigs), and are not checked");
                continue;
            }
        };
        let value = |key: &str| found.get(key).and_then(|entry| entry.value.clone());
        let broken = |rule: &&Rule| value(rule.key).is_some_and(|value| !(rule.holds)(&value));
        for rule in RULES.iter().filter(|rule| rule.topic == *topic).filter(broken) {
            let value = value(rule.key).unwrap_or_default();
            wrong.push(rule.words(settings, name, &value));
        }
    }
    Ok(wrong)
}

/// Deletes the topics of an installation, with all that they hold. The group's positions go with them.
pub fn delete(settings: &Settings) -> Result<(), Wrong> {
    let names: Vec<String> = Topic::ALL.iter().map(|(topic, _)| settings.topic(*topic)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let admin = admin(settings).map_err(one)?;
    let deleted = wait(admin.delete_topics(&names, &options())).map_err(|error| one(error.to_string()))?;
    let kept = deleted.into_iter().filter_map(Result::err).filter(|(_, code)| !trouble::unknown(*code));
    let kept: Vec<String> = kept.map(|(name, code)| format!("topic `{name}` cannot be deleted: {code}")).collect();
    if kept.is_empty() { Ok(()) } else { Err(all(kept)) }
}

/// Deletes the records of a stream below a position.
pub fn delete_records(settings: &Settings, of: Stream, before: u64) -> Result<(), String> {
    let topic = settings.topic(of.topic);
    let mut list = TopicPartitionList::with_capacity(1);
    let offset = Offset::Offset(i64::try_from(before).unwrap_or(i64::MAX));
    let partition = i32::try_from(of.partition).unwrap_or(i32::MAX);
    let failed = |error: KafkaError| format!("topic `{topic}` cannot be trimmed: {error}");
    list.add_partition_offset(&topic, partition, offset).map_err(failed)?;
    let admin = admin(settings)?;
    let list = wait(admin.delete_records(&list, &options())).map_err(failed)?;
    list.find_partition(&topic, partition).ok_or("no broker answered for it")?.error().map_err(failed)
}

type Admin = AdminClient<DefaultClientContext>;

fn admin(settings: &Settings) -> Result<Admin, String> {
    settings.client(&[]).create().map_err(|error| settings.refused(&error))
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(ANSWER)).operation_timeout(Some(ANSWER))
}

fn one(why: impl Into<String>) -> Wrong {
    all(vec![why.into()])
}

fn all(said: Vec<String>) -> Wrong {
    Wrong { said, away: false }
}

/// Waits for an answer of the admin client, which has a thread of its own.
fn wait<T>(answer: impl Future<Output = T>) -> T {
    futures_executor::block_on(answer)
}
