//! Decoding: what a record of an input topic says, or why it cannot be read. Nothing that a stranger writes stops a
//! pool: what is not understood goes to `rejects` with the reason.

use model::hash::fnv1a;
use model::report::MAX_REPORT_BYTES;
use model::task::MAX_PART_BYTES;
use model::{Heartbeat, PoolId, Report, Request};
use operators::Input;

use crate::log::{Record, Topic};

/// Largest request, in bytes: a part of a flow and what surrounds it.
pub const MAX_REQUEST_BYTES: usize = MAX_PART_BYTES + 16 * 1024;

/// What a record says.
pub fn input(topic: Topic, record: &Record) -> Input {
    let value = &record.value;
    let read = match topic {
        Topic::Reports if value.len() > MAX_REPORT_BYTES => Err(too_large(value.len(), MAX_REPORT_BYTES)),
        Topic::Requests if value.len() > MAX_REQUEST_BYTES => Err(too_large(value.len(), MAX_REQUEST_BYTES)),
        Topic::Reports => parse::<Report>(value).map(Input::Report),
        Topic::Heartbeats => parse::<Heartbeat>(value).map(Input::Beat),
        Topic::Requests => parse::<Request>(value).map(Input::Request),
        Topic::Journal | Topic::Commands | Topic::Rejects => Err("not an input".to_owned()),
    };
    let keyed = read.and_then(|input| match pool_of(&input) {
        Some(pool) if pool.as_str().as_bytes() != record.key.as_slice() => {
            Err(format!("its key is not its pool, `{pool}`"))
        }
        Some(_) | None => Ok(input),
    });
    keyed.unwrap_or_else(|reason| unreadable(topic, record, reason))
}

/// An input that is not decided about, and why.
pub fn unreadable(topic: Topic, record: &Record, reason: String) -> Input {
    let named = std::str::from_utf8(&record.key).ok().and_then(|key| PoolId::new(key).ok());
    let pool = named.unwrap_or_else(|| PoolId::new("unknown").expect("a plain name"));
    let asks = topic == Topic::Requests && record.value.len() <= MAX_REQUEST_BYTES;
    let asked = asks.then(|| parse::<Request>(&record.value).ok()).flatten();
    let asked = asked.filter(|request| request.pool == pool).map(Box::new);
    Input::Unreadable { pool, topic: topic.word().to_owned(), hash: fnv1a(record.value.iter().copied()), reason, asked }
}

fn pool_of(input: &Input) -> Option<&PoolId> {
    match input {
        Input::Report(report) => Some(&report.pool),
        Input::Beat(heartbeat) => Some(&heartbeat.pool),
        Input::Request(request) => Some(&request.pool),
        Input::Led | Input::Unreadable { .. } => None,
    }
}

fn too_large(bytes: usize, most: usize) -> String {
    format!("it has {bytes} bytes, at most {most} are allowed")
}

fn parse<T: serde::de::DeserializeOwned>(value: &[u8]) -> Result<T, String> {
    serde_json::from_slice(value).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_told_with_the_reason() {
        let rows: &[(Topic, &str, &str, &str)] = &[
            (
                Topic::Reports,
                "p",
                r#"{"kind":"accepted","pool":"p","node":"n","boot":"b","seq":1,"lease":"j1.0.1.1.0"}"#,
                "",
            ),
            (
                Topic::Reports,
                "q",
                r#"{"kind":"goodbye","pool":"p","node":"n","boot":"b","seq":1}"#,
                "its key is not its pool",
            ),
            (
                Topic::Reports,
                "p",
                r#"{"kind":"dance","pool":"p","node":"n","boot":"b","seq":1}"#,
                "unknown variant `dance`",
            ),
            (Topic::Reports, "p", r#"{"kind":"accep"#, "EOF"),
            (Topic::Reports, "p", "", "EOF"),
            (Topic::Reports, "p", "null", "invalid type"),
            (Topic::Requests, "p", r#"{"pool":"p"}"#, "missing field"),
            (Topic::Heartbeats, "p", r#"{"pool":"p/.."}"#, "is no pool name"),
        ];
        for (topic, key, value, want) in rows {
            let (key, header, value_bytes) = (key.as_bytes().into(), vec![], value.as_bytes().into());
            let record = Record { position: 7, key, header, value: value_bytes, appended: None };
            match input(*topic, &record) {
                Input::Unreadable { reason, .. } => {
                    assert!(!want.is_empty() && reason.contains(want), "{value}: {reason}")
                }
                Input::Led | Input::Report(_) | Input::Beat(_) | Input::Request(_) => {
                    assert!(want.is_empty(), "{value}")
                }
            }
        }
    }
}
