//! Bootstrapping again, for a client that knows no broker any more.
//!
//! librdkafka forgets the brokers that a metadata response does not name, and one that is about to stop may answer that
//! there is none, not even itself. Then librdkafka means to begin again with `bootstrap.servers`, but the end of the
//! same response may cancel that, and for good: the client stays without brokers until its process ends (librdkafka
//! #5301, 2.10 to at least 2.13; with 30 clients and 29 graceful restarts of a lone broker it came 19 times). Its
//! statistics show it, and an address that is added once more helps.

use std::ffi::CString;

use rdkafka::ClientContext;
use rdkafka::bindings::rd_kafka_brokers_add;
use rdkafka::client::Client;

use crate::settings::Settings;
use crate::statistics::Statistics;

/// Begins again with the addresses of the settings, if the statistics of this client told lately that it has no broker.
/// Cheap where it has: to be called often.
pub fn if_stranded<C: ClientContext>(client: &Client<C>, statistics: &Statistics, settings: &Settings) {
    if !statistics.takes_stranded() {
        return;
    }
    let Ok(brokers) = CString::new(settings.brokers.as_str()) else { return };
    tracing::warn!("a client of Kafka was left without brokers and begins again with {}", settings.brokers);
    // SAFETY: the client lives as long as the borrow of it, and the text ends with a zero and is copied. The call takes
    // its own locks, may be made from any thread, and passes over addresses that the client has.
    #[expect(unsafe_code, reason = "rdkafka has no safe call for it")]
    unsafe {
        rd_kafka_brokers_add(client.native_ptr(), brokers.as_ptr());
    }
}
