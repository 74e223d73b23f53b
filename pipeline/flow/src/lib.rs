//! The flow file, where it enters: read, checked, and handed on as the log carries it.
//!
//! A coordinator should learn of a typo before anything starts, and of all of them at once. So a file is first read into
//! a tree that knows its places (`tree`); plain functions walk it and note each mistake where it stands (`file`, `task`,
//! `needs`, `after`); names become indices, tasks get their order (`order`); what is left is canonical
//! ([`Checked`]): the engine and the command line share this crate, and nobody else reads flow files.
//!
//! [`policy`] reads retry policies the same way. Nothing here does IO or knows a clock; whatever a stranger can make
//! grow has a bound: the file, its nodes, its nesting, what aliases repeat, the mistakes that are kept, the work that
//! suggestions cost.

mod checked;
mod diagnostic;

mod mistakes;
mod source;
mod tree;

mod fields;
mod read;
mod words;

mod after;
mod command;
mod file;
mod needs;
mod order;
mod task;

mod parse;

pub mod policy;

pub mod size;
pub mod time;

pub use checked::Checked;
pub use diagnostic::{Diagnostic, MAX_KEPT, MAX_PRINTED, Severity, render};
pub use parse::{Format, Kind, flow_name, kind_of, parse};
pub use source::MAX_FILE_BYTES;
