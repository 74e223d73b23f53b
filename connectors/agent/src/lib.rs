//! An execution node: takes starts, runs each attempt under a supervisor process of its own, and reports.
//!
//! [`node`] runs it from start to end. [`rules`] decides, without IO; [`ledger`] holds what all parts share, [`writer`]
//! puts reports on disk before [`sender`] sends them, [`beats`] says what the node holds, [`commands`] hears what it
//! shall do, [`charge`] sees one attempt through. The page for authors of other nodes is `connectors/WIRE.md`.

// They panic where the reader is gone or the disk is full, and a word must not cost the work that it is about.
#![warn(clippy::print_stderr, clippy::print_stdout)]

pub mod node;
pub mod options;

pub mod client;
pub mod endpoint;

pub mod rules;

mod aside;
mod backoff;
mod beats;
mod charge;
mod charges;
mod commands;
mod evidence;
mod home;
mod json;
mod ledger;
mod leftovers;
mod link;
mod machine;
mod notices;
mod output;
mod room;
mod sender;
mod store;
mod writer;

pub mod attempt;
pub mod junit;
pub mod supervisor;

pub use node::{Error, Stop, run, signals};
pub use options::Options;
