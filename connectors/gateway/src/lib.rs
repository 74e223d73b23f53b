//! HTTP: what people ask and what nodes send, over a Unix socket and over TCP.
//!
//! The gateway decides nothing. [`start`] binds and serves; [`access`] lets a request in; [`mod@route`] is the table of
//! routes. What is asked goes into the engine's log, and is answered when it was decided ([`asking`]). What is only
//! read is a pure view of the admitted state ([`view`]): plain functions from a pool to serde types, which the command
//! line reads back. Nodes' reports are checked line by line ([`mod@reports`]), and what attempts print is kept beside
//! the journal ([`output`]).

pub mod start;

pub mod access;
pub mod serve;
pub mod socket;
pub mod token;

pub mod route;

pub mod app;
pub mod asking;
pub mod failure;
pub mod params;
pub mod stream;

pub mod moment;
pub mod view;

pub mod leases;
pub mod output;
pub mod reports;

pub use moment::Moment;
pub use start::{Gateway, Options, StartError};
