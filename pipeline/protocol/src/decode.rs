//! Decoding: what a record of an input topic says, or why it cannot be read. Nothing that a stranger writes stops a
//! pool: what is not understood goes to `rejects` with the reason.
//!
//! An input is keyed by its pool, and stands in the partition that its pool hashes to: only so is there one order of
//! all that concerns a pool, and one leader that decides about it.

use model::hash::fnv1a;
use model::json;
use model::task::MAX_PART_BYTES;
use model::{Heartbeat, PoolId, Report, Request, partition_of};
use operators::Input;

use crate::log::{Record, Topic};

/// Largest request, in bytes: a part of a flow and what surrounds it.
pub const MAX_REQUEST_BYTES: usize = MAX_PART_BYTES + 16 * 1024;

/// What a record says. `partition`: in which one it stands, of how many.
pub fn input(topic: Topic, record: &Record, partition: (u32, u32)) -> Input {
    let read = || {
        has_key(topic, record)?;
        let input = read(topic, &record.value)?;
        is_in_place(&input, record, partition)?;
        Ok(input)
    };
    read().unwrap_or_else(|reason| unreadable(topic, record, reason))
}

/// An input that is not decided about, and why. Whose key names no pool is booked under `unknown`, which is not made.
pub fn unreadable(topic: Topic, record: &Record, reason: String) -> Input {
    let named = std::str::from_utf8(&record.key).ok().and_then(|key| PoolId::new(key).ok());
    let pool = named.unwrap_or_else(|| PoolId::new("unknown").expect("a plain name"));
    let asked = if topic == Topic::Requests { request(&record.value).ok() } else { None };
    let asked = asked.filter(|request| request.pool == pool).map(Box::new);
    Input::Unreadable { pool, topic: topic.word().to_owned(), hash: fnv1a(record.value.iter().copied()), reason, asked }
}

fn has_key(topic: Topic, record: &Record) -> Result<(), String> {
    match record.key.is_empty() {
        true => Err(format!("it has no key: {} are keyed by their pool", topic.word())),
        false => Ok(()),
    }
}

fn read(topic: Topic, value: &[u8]) -> Result<Input, String> {
    match topic {
        Topic::Reports => Report::read(value).map(Input::Report),
        Topic::Heartbeats => Heartbeat::read(value).map(Input::Beat),
        Topic::Requests => request(value).map(Input::Request),
        Topic::Journal | Topic::Commands | Topic::Rejects => Err("not an input".to_owned()),
    }
}

fn request(value: &[u8]) -> Result<Request, String> {
    json::read("request", MAX_REQUEST_BYTES, value)
}

/// Whether an input has its pool's key, and is in its pool's partition.
fn is_in_place(input: &Input, record: &Record, (partition, partitions): (u32, u32)) -> Result<(), String> {
    let Some(pool) = pool_of(input) else { return Ok(()) };
    if pool.as_str().as_bytes() != record.key.as_slice() {
        return Err(format!("its key is not its pool, `{pool}`"));
    }
    let home = partition_of(pool, partitions);
    if home == partition {
        return Ok(());
    }
    Err(format!(
        "pool `{pool}` belongs to partition {home} of {partitions}, not {partition}: hash keys as Java's client does \
         (`partitioner=murmur2_random`)"
    ))
}

fn pool_of(input: &Input) -> Option<&PoolId> {
    match input {
        Input::Report(report) => Some(&report.pool),
        Input::Beat(heartbeat) => Some(&heartbeat.pool),
        Input::Request(request) => Some(&request.pool),
        Input::Led | Input::Unreadable { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYE: &str = r#"{"kind":"goodbye","pool":"abc","node":"n","boot":"b","seq":1}"#;

    #[test]
    fn what_cannot_be_read_is_told_with_the_reason() {
        let beat = format!(r#"{{"kind":"heartbeat","pool":"abc","x":"{}"}}"#, "x".repeat(98_304));
        let (far, cut) = (BYE.replace(":1}", ":9007199254740993}"), &BYE[..30]);
        let rows: &[(Topic, &[u8], &[u8], &str)] = &[
            (Topic::Reports, b"abc", BYE.as_bytes(), ""),
            (Topic::Reports, b"", BYE.as_bytes(), "it has no key: reports are keyed by their pool"),
            (Topic::Heartbeats, b"", b"", "it has no key: heartbeats are keyed by their pool"),
            (Topic::Reports, b"abd", BYE.as_bytes(), "its key is not its pool, `abc`"),
            (Topic::Reports, b"\xff\xfe", BYE.as_bytes(), "its key is not its pool, `abc`"),
            (Topic::Reports, b"abc", b"", "it is empty"),
            (Topic::Requests, b"abc", b"{\"a\":\xff}", "it is not UTF-8 (byte 6)"),
            (Topic::Reports, b"abc", cut.as_bytes(), "EOF while parsing an object at line 1 column 30"),
            (Topic::Reports, b"abc", b"null", "invalid type: null, expected struct Report at line 1 column 4"),
            (Topic::Reports, b"abc", b"{\"kind\":\"dance\"}", "missing field `pool`"),
            (Topic::Reports, b"abc", far.as_bytes(), "`seq` counts from 1, up to 2^53"),
            (Topic::Requests, b"abc", b"{\"pool\":\"abc\"}", "missing field `key` at line 1 column 14"),
            (Topic::Requests, b"abc", &[b' '; MAX_REQUEST_BYTES + 1], "a request has at most 128 KiB"),
            (Topic::Heartbeats, b"abc", b"{\"kind\":\"heartbeat\",\"pool\":\"p/..\"}", "`p/..` is no pool name"),
            (Topic::Heartbeats, b"abc", b"{\"kind\":\"dance\"}", "unknown variant `dance`, expected `heartbeat`"),
            (Topic::Heartbeats, b"abc", b"{\"pool\":\"abc\"}", "missing field `kind`"),
            (Topic::Heartbeats, b"abc", beat.as_bytes(), "a heartbeat has at most 96 KiB"),
            (Topic::Commands, b"abc", b"{}", "not an input"),
        ];
        for (topic, key, value, want) in rows {
            let said = reason(*topic, key, value, (3, 4));
            assert_eq!(said.is_empty(), want.is_empty(), "{topic:?} {want}: {said}");
            assert!(said.contains(want), "{topic:?} {want}: {said}");
        }
    }

    #[test]
    fn a_pool_is_heard_in_its_own_partition_only() {
        let said: Vec<String> =
            (0..4).map(|partition| reason(Topic::Reports, b"abc", BYE.as_bytes(), (partition, 4))).collect();
        assert_eq!(said[3], "");
        let why = "pool `abc` belongs to partition 3 of 4, not 1: hash keys as Java's client does \
                   (`partitioner=murmur2_random`)";
        assert_eq!(said[1], why);
        assert_eq!(reason(Topic::Reports, b"abc", BYE.as_bytes(), (0, 1)), "", "one partition has them all");
    }

    fn reason(topic: Topic, key: &[u8], value: &[u8], partition: (u32, u32)) -> String {
        let record = Record { position: 7, key: key.into(), header: vec![], value: value.into(), appended: None };
        match input(topic, &record, partition) {
            Input::Unreadable { reason, .. } => reason,
            Input::Led | Input::Report(_) | Input::Beat(_) | Input::Request(_) => String::new(),
        }
    }
}
