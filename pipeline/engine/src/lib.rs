//! The shell: threads, files and clocks round the protocol. It decides nothing.
//!
//! One thread drives the partition: it reads what is new, tells the machine, and does what the machine says. Requests,
//! reports and beats of people and nodes go into the log first; answers come when the entry that consumed them was
//! admitted. Readers take the admitted state by short read locks and never wait for that thread.

pub mod engine;
pub mod options;

mod drive;
mod hub;
mod instants;
mod journal;
mod rejects;
mod snapshots;
mod taken;
mod waiters;

pub mod health;
pub mod metrics;

pub use engine::{Engine, StartError, Unavailable};
pub use health::{Health, Trouble};
pub use journal::JournalError;
pub use options::Options;
