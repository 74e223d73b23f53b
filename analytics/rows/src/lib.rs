//! Rows: what the tables of the journal hold, made of the journal entry by entry.
//!
//! [`tables`] says which tables there are, one a file, each column with its words. [`making`] turns one event, between the
//! states before and after it, into rows; [`Landing`] keeps those that no store holds yet, and says what is to be
//! written next and from where, so that each row is written once however often its writer dies. No IO: a store is told
//! what to do by a shell (`journal`), or played by a test.

pub mod column;
pub mod tables;

pub mod making;

pub mod landing;

pub use column::{Column, Kind, Value};
pub use landing::{Landing, SteppedBack};
pub use tables::Table;
