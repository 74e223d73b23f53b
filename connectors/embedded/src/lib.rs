//! The embedded log: what one machine needs to run the engine, with nothing to install beside it.
//!
//! Requests, reports, journal and rejects are durable: each stream is one redb file of the data folder, with one
//! writer thread, which takes whatever queued during the last fsync into one commit. Heartbeats and commands are soft:
//! they live in memory, and age.
//!
//! ```text
//! append ──► queue ──► writer ──► store (redb, fsync) ──► tail ──► done, bell
//!                                     ▲                     ▲
//! read ───────────────────────────────┴── older, newer ─────┘
//! ```
//!
//! Why the result may be trusted: a record is published only after the commit that holds it was synced; every record
//! carries a checksum of its own, checked at each read; every opening syncs what a killed process left, then reads the
//! whole file from the disk and verifies it, and compares it with a note of what was acknowledged; after a failed write
//! or sync the file is closed and opened again in that same way before anything else is written to it. Tests play power
//! loss, torn writes, a full disk and failing disks through [`Storage`].
//!
//! The price is the time of an opening: 2 to 4 s a GiB, measured on two cores with a journal of 1 GiB in 270,000 and in
//! 2.7 million records, after a clean stop and after SIGKILL. What a store of this kind could leave out after a clean
//! stop, it must do after a kill; so it is done always.

mod database;
mod durable;
mod ends;
mod folder;
mod frame;
mod log;
mod options;
mod queue;
mod reserve;
mod soft;
mod storage;
mod store;
mod tail;
mod trouble;
mod writer;

pub use folder::Folder;
pub use log::EmbeddedLog;
pub use options::Options;
pub use storage::Storage;
pub use trouble::OpenError;
