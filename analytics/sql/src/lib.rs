//! Questions over the journal's tables: DataFusion over the files of a store and, beside them, over the rows that have not
//! landed yet.
//!
//! A [`Session`] runs in the process of whoever asks, never in the engine's: a statement that takes all it can get takes it
//! from its own process, within bounds that it was given. Each statement opens the tables that it names when it begins, one
//! after another: of each it sees what was there in that moment, and nothing that comes meanwhile.
//! Statements read; whatever would change something is refused before it is planned.
//!
//! The one door to datafusion.

pub mod session;

pub mod answerable;
pub mod bounds;
pub mod dialect;
pub mod mistake;
pub mod place;
pub mod planned;
pub mod split;
pub mod statement;

pub mod scan;
pub mod sources;
pub mod views;

pub mod ago;
pub mod json;
pub mod to_char;
pub mod why;

pub mod output;

pub use bounds::Bounds;
pub use mistake::Mistake;
pub use session::{Answer, Options, Session};
pub use sources::{Live, Sources};
