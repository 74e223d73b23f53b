//! HTTP: what people ask and what nodes send, over a Unix socket and over TCP.
//!
//! The gateway decides nothing. Answers are pure views of the admitted state ([`view`]): plain functions from a pool to
//! serde types, which the command line reads back.

pub mod moment;
pub mod view;

pub use moment::Moment;
