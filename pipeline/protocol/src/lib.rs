//! Who leads, what counts, and what goes out: one state machine without IO.
//!
//! A [`Partition`] is told what was read, what failed and what time it is ([`In`]), and says what to append, to read
//! and to tell others ([`Out`]). It has a [`Replica`], the fold of all admitted records of the journal, and when it
//! leads a [`leader::Leader`], which decides ahead of it. Effects of a decision go out only when its entry has been
//! read back and admitted. On any doubt there is one way out: drop what was decided ahead, follow, announce again.
//!
//! Threads, sockets and stores are a thin shell round this (`engine`); the simulator drives the very same machine.

pub mod log;

pub mod replica;

pub mod batch;
pub mod leader;
pub mod partition;

pub mod clock;
pub mod decode;
pub mod snapshot;

pub use partition::{In, Out, Partition};
pub use replica::Replica;
