//! Tidy: the habits of the house, held by tests instead of by memory.
//!
//! Each module is one habit: a check that returns what breaks it, as `file:line: what is wrong; what to do`, a test
//! that asks it of the repository, and a test that plants the fault and sees it found. What the compiler and clippy
//! can hold (see the workspace lints and the `clippy.toml` files) is not repeated here.

pub mod finding;
pub mod tree;

// How files look.
pub mod function;
pub mod name;
pub mod place;
pub mod size;
pub mod story;
pub mod word;

// Who may use whom.
pub mod graph;

pub mod door;
pub mod licence;
pub mod map;
pub mod purity;
pub mod queue;
pub mod version;

// What stands around the code.
pub mod page;
pub mod root;
