//! What questions are put to: a recorded journal in tables, without an engine, and a runner of the files (`.slt`) that hold
//! a question with its answer.

pub mod driver;
pub mod fixture;
pub mod stage;
