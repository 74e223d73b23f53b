//! Whether a broker speaks for each partition: one that was just made, or whose broker was just started, is in the
//! cluster's metadata before anybody does.

use std::collections::BTreeMap;
use std::time::Duration;

use model::record::Topic;
use rdkafka::consumer::Consumer;
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{Offset, TopicPartitionList};

use crate::client::consumer;
use crate::settings::Settings;
use crate::trouble;

/// How long the brokers may take to answer.
const ANSWER: Duration = Duration::from_secs(1);

/// A partition that no broker speaks for, in words; none if there is no such partition. Who may not ask is told so by
/// who reads.
pub fn unled(settings: &Settings, found: &BTreeMap<Topic, Option<u32>>) -> Result<Option<String>, String> {
    let client = consumer(settings, "topics", "0")?;
    let mut list = TopicPartitionList::new();
    for (topic, count) in found {
        let name = settings.topic(*topic);
        for partition in 0..i32::try_from(count.unwrap_or(0)).unwrap_or(i32::MAX) {
            list.add_partition_offset(&name, partition, Offset::End).map_err(|error| error.to_string())?;
        }
    }
    let asked = match client.offsets_for_times(list, ANSWER) {
        Ok(answered) => answered,
        Err(error) => {
            let absent = trouble::code(&error).is_some_and(is_absent);
            return Ok(absent.then(|| "no broker answers for some partitions.".to_owned()));
        }
    };
    let unled = asked.elements().into_iter().find(|element| {
        let error = element.error().err();
        error.and_then(|error| trouble::code(&error)).is_some_and(is_absent)
    });
    Ok(unled.map(|at| format!("no broker leads partition {} of topic `{}`.", at.partition(), at.topic())))
}

fn is_absent(code: Code) -> bool {
    [Code::NotLeaderForPartition, Code::LeaderNotAvailable, Code::OperationTimedOut, Code::RequestTimedOut]
        .contains(&code)
}
