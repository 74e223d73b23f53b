//! Whose lease it is. One that holds is in the state; of an older one the journal tells, for a lease names the very event
//! that granted it.

use std::collections::BTreeMap;

use engine::Engine;
use model::event::TaskRef;
use model::{Body, LeaseId, PoolId};
use operators::state::Pool;
use protocol::Replica;
use tokio::sync::Mutex;

use crate::output::Place;

/// Most leases that are remembered once the journal was asked.
const MAX_KNOWN: usize = 4_096;

/// What the journal told. One question at a time: an old one costs a long read.
#[derive(Debug, Default)]
pub struct Leases {
    known: Mutex<BTreeMap<LeaseId, Place>>,
}

impl Leases {
    /// The attempt that a lease was granted to; none if it is not of this journal, or if its execution is gone.
    pub async fn place_of(&self, engine: &Engine, lease: LeaseId) -> Option<Place> {
        let (ours, held) = engine.read(|replica| (replica.journal == Some(lease.journal), held(replica, lease)));
        if held.is_some() || !ours || lease.seq > engine.health().seq {
            return held;
        }
        let mut known = self.known.lock().await;
        if let Some(place) = known.get(&lease) {
            return Some(place.clone());
        }
        let engine = engine.clone();
        let told = tokio::task::spawn_blocking(move || granted(&engine, lease)).await.ok().flatten()?;
        if known.len() >= MAX_KNOWN {
            known.pop_first(); // leases grow: it is the oldest
        }
        known.insert(lease, told.clone());
        Some(told)
    }
}

fn held(replica: &Replica, lease: LeaseId) -> Option<Place> {
    replica.state.pools.iter().find_map(|(id, pool)| {
        let at = *pool.leases.get(&lease)?;
        place(id, pool, at, pool.task(at)?.attempts, lease)
    })
}

/// Reads the event that granted a lease. Blocks.
fn granted(engine: &Engine, lease: LeaseId) -> Option<Place> {
    let (position, entry) = engine.journal(lease.seq, 1).ok()?.into_iter().next()?;
    let event = entry.events.get(lease.index as usize).filter(|_| position == lease.seq)?;
    let Body::AttemptDispatched(dispatch) = &event.event else { return None };
    let granted = dispatch.lease == lease;
    engine.read(|replica| {
        let pool = replica.state.pools.get(&event.pool).filter(|_| granted)?;
        place(&event.pool, pool, dispatch.at, dispatch.attempt, lease)
    })
}

fn place(id: &PoolId, pool: &Pool, at: TaskRef, attempt: u32, lease: LeaseId) -> Option<Place> {
    Some(Place {
        pool: id.clone(),
        execution: pool.execution(at.execution)?.id.clone(),
        task: pool.task(at)?.spec.id.clone(),
        attempt,
        lease: Some(lease),
    })
}
