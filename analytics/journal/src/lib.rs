//! The journal's tables in a store: Delta over Parquet, in a folder or any object store, readable by any tool.
//!
//! [`Tables`] follows the journal of each partition beside the engine, folds it for itself (`rows`), and commits rows
//! together with the number of the last entry that they are made of: a writer that dies or is overtaken asks the store
//! how far it is, and goes on from there. What no file holds yet can be asked of it ([`Tables::live`]), so that an answer
//! is at most a moment old. One instance compacts files and drops old ones.
//!
//! The one door to arrow and parquet; queries are in `sql`.

pub mod schema;

pub mod batch;
pub mod file;

pub mod local;
pub mod store;

pub mod delta;

pub mod compact;
pub mod tables;

pub mod read;
pub mod write;

mod fold;
mod shared;
mod writer;

pub use delta::{Delta, DeltaError};
pub use store::Store;
pub use tables::{LiveRows, Options, Standing, Tables};
pub use writer::{FLUSH_BYTES, LOOK};

/// An engine that decides goes before a table that lands: the thread that calls this yields to others.
fn yields() {
    if let Err(error) = rustix::process::nice(5) {
        tracing::debug!(%error, "the tables' threads are as urgent as the engine's");
    }
}
