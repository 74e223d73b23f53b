//! Worlds for tests of the real binary: an engine, agents and people, each a process as in life.
//!
//! A [`World`] has a folder, a port and a user's state of its own, so that many live beside each other; whatever runs
//! in it is gone when it is dropped. [`Running`] is one process in it, which can be killed, stopped and let go on.
//! [`Said`] is what a command printed and its exit code. [`verdict`] reads the journal and the ledger that tasks keep
//! themselves, and says whether the promise held: one effective result for each task and round, nothing lost that was
//! acknowledged, no two holders of a lock.
//!
//! Nothing here links the product: what is tested is what people start.

pub mod binary;

pub mod world;

pub mod http;
pub mod stand_in;

mod process;
mod said;

pub mod disk;
pub mod kcat;
pub mod python;

pub mod flows;
pub mod verdict;

mod skip;
pub mod wait;

pub use http::Reply;
pub use process::Running;
pub use said::Said;
pub use skip::skip;
pub use world::World;
