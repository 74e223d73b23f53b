//! An execution node: takes starts, runs each attempt under a supervisor process of its own, and reports.

pub mod attempt;
