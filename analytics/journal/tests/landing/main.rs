//! Rows land once: over killed writers, two writers, a store that is away, small files that are made into one.

#![expect(clippy::unwrap_used, reason = "all of this is tests: what fails to unwrap fails the test")]

mod kill;
mod stage;
mod stores;
