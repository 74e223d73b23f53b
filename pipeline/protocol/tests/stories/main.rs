//! Leadership, admission, doubt and snapshots, each as a short story on a journal of bytes.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told fails its test")]

mod instance;

mod admission;
mod clocks;
mod doubt;
mod inputs;
mod partitions;
mod poison;
mod snapshots;
