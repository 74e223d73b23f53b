//! librdkafka's statistics: of the many numbers that it tells every few seconds, those that an administrator asks for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use protocol::log::Remote;
use serde::Deserialize;

/// From one telling to the next, in milliseconds, as librdkafka's settings have it.
pub const INTERVAL_MS: &str = "5000";

/// What one client told last.
#[derive(Debug, Default)]
pub struct Statistics {
    last: Mutex<Remote>,
    fetched: Mutex<Fetched>,
    stranded: AtomicBool,
}

/// Up to where partitions are fetched that have nothing fetched in store; and when that was told.
#[derive(Debug, Default)]
struct Fetched {
    at: Option<Instant>,
    next: BTreeMap<(String, i32), u64>,
}

/// As much of a telling as is read.
#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    brokers: BTreeMap<String, Broker>,
    #[serde(default)]
    tx_bytes: u64,
    #[serde(default)]
    rx_bytes: u64,
    #[serde(default)]
    topics: BTreeMap<String, Topic>,
}

#[derive(Deserialize)]
struct Topic {
    #[serde(default)]
    partitions: BTreeMap<String, Partition>,
}

#[derive(Deserialize)]
struct Partition {
    partition: i32,
    /// Negative while nothing is fetched.
    #[serde(default)]
    next_offset: i64,
    #[serde(default)]
    fetchq_cnt: u64,
}

#[derive(Deserialize)]
struct Broker {
    /// -1 for an address that only served to find the others.
    nodeid: i64,
    /// `logical` for one that stands for another, such as a group's coordinator.
    #[serde(default)]
    source: String,
    state: String,
    #[serde(default)]
    txerrs: u64,
    #[serde(default)]
    rxerrs: u64,
    #[serde(default)]
    req_timeouts: u64,
    #[serde(default)]
    rtt: Window,
}

#[derive(Deserialize, Default)]
struct Window {
    #[serde(default)]
    p99: u64,
}

impl Statistics {
    /// Takes a telling in; one that cannot be read is passed over.
    pub fn told(&self, json: &[u8]) {
        if let Ok(told) = serde_json::from_slice::<Told>(json) {
            let stranded = told.brokers.values().all(|broker| broker.source == "logical");
            self.stranded.store(stranded, Ordering::Release);
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = remote(&told);
            *self.fetched.lock().unwrap_or_else(PoisonError::into_inner) = fetched(told);
        }
    }

    /// What was told last.
    pub fn last(&self) -> Remote {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it was told last that the client has no broker, not even one that does not answer. Told once for each
    /// telling.
    pub fn takes_stranded(&self) -> bool {
        self.stranded.swap(false, Ordering::AcqRel)
    }

    /// Up to where a partition was fetched, with nothing left in store, when that was told last; none if that was not
    /// after a moment.
    pub fn fetched(&self, topic: &str, partition: i32, after: Instant) -> Option<u64> {
        let fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        fetched.at.filter(|at| after < *at)?;
        fetched.next.get(&(topic.to_owned(), partition)).copied()
    }
}

fn fetched(told: Told) -> Fetched {
    let mut next = BTreeMap::new();
    for (name, topic) in told.topics {
        for partition in topic.partitions.into_values().filter(|partition| partition.fetchq_cnt == 0) {
            if let Ok(offset) = u64::try_from(partition.next_offset) {
                next.insert((name.clone(), partition.partition), offset);
            }
        }
    }
    Fetched { at: Some(Instant::now()), next }
}

fn remote(told: &Told) -> Remote {
    let brokers = || told.brokers.values().filter(|broker| 0 <= broker.nodeid);
    Remote {
        brokers: brokers().count() as u64,
        brokers_up: brokers().filter(|broker| broker.state == "UP").count() as u64,
        round_trip_p99_us: brokers().map(|broker| broker.rtt.p99).max().unwrap_or(0),
        sent_bytes: told.tx_bytes,
        received_bytes: told.rx_bytes,
        errors: told.brokers.values().map(|broker| broker.txerrs + broker.rxerrs + broker.req_timeouts).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_librdkafka_tells_is_summed_up_and_nonsense_is_passed_over() {
        let statistics = Statistics::default();
        statistics.told(
            br#"{"name":"rdkafka#producer-1","tx_bytes":70,"rx_bytes":90,"brokers":{
                "h:1/bootstrap":{"nodeid":-1,"state":"UP","txerrs":1,"rtt":{"p99":9000}},
                "h:1/1":{"nodeid":1,"state":"UP","rxerrs":2,"rtt":{"p99":400}},
                "h:2/2":{"nodeid":2,"state":"DOWN","req_timeouts":3,"rtt":{"p99":700}}}}"#,
        );
        let want =
            Remote { brokers: 2, brokers_up: 1, round_trip_p99_us: 700, sent_bytes: 70, received_bytes: 90, errors: 6 };
        assert_eq!(statistics.last(), want);
        statistics.told(b"{");
        assert_eq!(statistics.last(), want);
    }

    #[test]
    fn a_partition_is_fetched_up_to_a_place_if_nothing_of_it_is_in_store() {
        let (statistics, before) = (Statistics::default(), Instant::now());
        statistics.told(
            br#"{"topics":{"t":{"partitions":{"-1":{"partition":-1,"next_offset":-1001},
                "0":{"partition":0,"next_offset":7,"fetchq_cnt":0},"1":{"partition":1,"next_offset":9,"fetchq_cnt":2}}}}}"#,
        );
        let fetched = |partition| statistics.fetched("t", partition, before);
        assert_eq!((fetched(0), fetched(1), fetched(2)), (Some(7), None, None));
        assert_eq!(statistics.fetched("t", 0, Instant::now()), None, "it was told before that");
    }
}
