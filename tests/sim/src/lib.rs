//! The simulator: the whole engine with model nodes, in virtual time, from one seed.

pub mod random;
pub mod trace;

pub mod engine;
pub mod log;
pub mod node;
pub mod people;
pub mod store;

pub mod knobs;
pub mod world;

pub mod check;
pub mod counters;
pub mod history;

pub mod planted;
pub mod run;
