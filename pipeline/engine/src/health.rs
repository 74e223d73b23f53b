//! How an engine is: whether it leads, how far it is behind, and what troubles it.

use serde::Serialize;

/// How an engine is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Health {
    /// It leads: requests are taken.
    pub leading: bool,
    /// It has read its journal to the end since it began: what it knows is the present, not the past.
    pub journal_read: bool,
    /// It leads, and has read all that the log held when it last looked.
    pub caught_up: bool,
    /// The epoch that counts.
    pub epoch: u64,
    /// The number of the last admitted entry.
    pub seq: u64,
    /// Inputs that wait to be decided about.
    pub lag_records: u64,
    /// How long ago the oldest of them was read, in milliseconds.
    pub lag_ms: u64,
    /// What troubles it, if anything does.
    pub trouble: Option<Trouble>,
}

/// What troubles an engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "trouble", content = "detail", rename_all = "snake_case")]
pub enum Trouble {
    /// The disk is full; the text says what to do.
    Disk(String),
    /// It follows again, and will announce itself soon.
    Doubt(String),
    /// A stream cannot be read just now.
    Unread(String),
    /// It has stopped for good; the text says why and what to do.
    Stopped(String),
}
