//! What a site may tune of the embedded log. The defaults fit one engine on a laptop as well as on a server.

use std::time::Duration;

/// Bounds and sizes of an [`crate::EmbeddedLog`]. Each bound is per stream, except the reserve.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many partitions there are; a stream of another one is refused.
    pub partitions: u32,
    /// Most bytes that wait to be written.
    pub queue_bytes: usize,
    /// Most records that wait to be written.
    pub queue_records: usize,
    /// Most bytes of durable records that are also kept in memory, for fast reads of the end.
    pub tail_bytes: usize,
    /// Most bytes of a soft stream.
    pub soft_bytes: usize,
    /// Most records of a soft stream.
    pub soft_records: usize,
    /// Memory that the store may use for pages.
    pub cache_bytes: usize,
    /// Room on the disk that is set aside for the commit that meets a full disk.
    pub reserve_bytes: u64,
    /// How long a file that failed is left alone before it is opened again.
    pub retry_after: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            partitions: 1,
            queue_bytes: 64 << 20,
            queue_records: 100_000,
            tail_bytes: 8 << 20,
            soft_bytes: 32 << 20,
            soft_records: 64 << 10,
            cache_bytes: 8 << 20,
            reserve_bytes: 16 << 20,
            retry_after: Duration::from_millis(500),
        }
    }
}
