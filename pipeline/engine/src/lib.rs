//! The shell: threads, files and clocks round the protocol. It decides nothing.
//!
//! One thread drives each partition: it reads what is new, tells the machine, and does what the machine says. Requests,
//! reports and beats of people and nodes go into the log first; answers come when the entry that consumed them was
//! admitted. Readers take the admitted state by short read locks and never wait for that thread.
//!
//! One process may own the log; then it leads every partition, and commands go from its threads to whoever listens. Or
//! several instances share the log: each follows every partition, some lead, all answer, and commands go through it too.

pub mod engine;
pub mod options;

mod drive;
mod hub;
mod instants;
mod journal;
mod rejects;
mod shared;
mod snapshots;
mod taken;
mod tap;
mod waiters;

pub mod health;
pub mod metrics;

pub use engine::{Engine, StartError, Unavailable};
pub use health::{Health, Trouble};
pub use journal::JournalError;
pub use options::Options;
