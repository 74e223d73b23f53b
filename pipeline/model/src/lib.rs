//! The words that every part of Reprise shares: what nodes and people send, what the journal holds, what nodes get.
//!
//! Everything here is data with serde; nothing here decides. Wire reports ([`report`]), requests of people
//! ([`request`]), events of the journal ([`event`]) and commands to nodes ([`command`]) are defined once, in this
//! crate, and only grow: golden files hold every released version still.

pub mod hash;
pub mod id;
pub mod json;
pub mod lease;
pub mod time;

pub mod policy;
pub mod task;

pub mod command;
pub mod report;
pub mod request;

pub mod about;
pub mod event;
pub mod record;
pub mod settings;

pub use command::{Command, Renew, Start};
pub use event::{Body, By, Event};
pub use hash::partition_of;
pub use id::{BootId, ExecutionId, FlowId, Key, LeaderId, LockId, NodeId, PolicyId, PoolId, TaskId};
pub use lease::{JournalId, LeaseId};
pub use report::{Heartbeat, Report, ReportKind};
pub use request::{Answer, Ask, Request};
pub use settings::PoolSettings;
pub use task::{Priority, Task, Want};
pub use time::{Millis, Timestamp};
