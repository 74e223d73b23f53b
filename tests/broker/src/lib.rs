//! A real Kafka broker for tests: one node, in a folder of its own, that a test may kill, freeze, restart and secure;
//! and a connection to it that delays, hangs and cuts.
//!
//! It needs Java and Kafka's jars, which `./dev test tools` brings. Starting one takes some seconds, so tests that do
//! it no harm share one, each with a prefix of its own for its topics; the others start their own.

use std::sync::atomic::{AtomicU32, Ordering};

mod admin;
mod broker;
mod certificate;
mod java;
mod options;
mod port;
mod properties;
mod proxy;
mod run;

pub use admin::To;
pub use broker::Broker;
pub use options::Options;
pub use proxy::Proxy;

/// Where a broker listens that tests may share: the one that somebody brought, or else that of this process.
pub fn address() -> String {
    Broker::given().unwrap_or_else(|| Broker::shared().address())
}

/// The beginning of the names of one test's topics, groups and transactions on a shared broker. No other test has it,
/// whether of this process or of one that runs beside it.
pub fn prefix() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let since = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    // A given broker outlives processes, whose numbers come again.
    format!("t-{}-{:x}-{}-", std::process::id(), since % 0x100_0000, NEXT.fetch_add(1, Ordering::Relaxed))
}
