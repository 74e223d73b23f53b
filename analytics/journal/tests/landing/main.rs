//! Rows land once: over killed writers, two writers, a store that is away, small files that are made into one.

mod kill;
mod stage;
mod stores;
