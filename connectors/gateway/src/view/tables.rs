//! Where the journal's tables are, and how their writer does.

use serde::{Deserialize, Serialize};

/// The header beside live rows: how many entries of the journal are neither in them nor in the tables yet.
pub const BEHIND: &str = "reprise-behind";

/// The tables of an engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TablesView {
    /// Their address: a folder of the engine's machine as `file://`, or an object store's.
    pub address: String,
    /// Whether they are all there: they are made when the engine begins.
    pub is_open: bool,
    /// Rows that this instance has written since it began.
    pub rows: u64,
    /// Bytes of rows that have not landed, in memory.
    pub waiting_bytes: u64,
    /// Why nothing lands, if nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}
