//! Leadership, admission and effects as one state machine without IO.

pub mod log;
