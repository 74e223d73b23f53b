//! `core`: what one report costs, decided, folded and followed by dispatches, on one core and without IO.
//!
//! A fleet of 50 nodes with 10 slots each works through flows; each attempt is accepted, started and finished. The
//! size of the state is held: a flow that ends is replaced, outside of the time that counts. Time is processor time of
//! this thread. The baseline beside it keeps the same books in B-trees with text keys, and nothing else: no leases, no
//! fairness, no events, no reasons.

mod decided;
mod fleet;
mod ladder;

mod stuck;
mod told;
mod toy;

use crate::Failure;
use crate::table::Row;

/// Tasks in state.
const SIZES: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// Runs it.
pub fn run() -> Result<Vec<Row>, Failure> {
    let mut rows = ladder::run(&SIZES)?;
    rows.extend(stuck::run()?);
    Ok(rows)
}
