//! Whose lease it is. One that holds is in the state; of an older one the journal tells, for a lease names the very event
//! that granted it, and its partition.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use engine::{Engine, JournalError};
use model::event::TaskRef;
use model::{Body, LeaseId, PoolId};
use operators::state::Pool;
use protocol::Replica;

use crate::failure::Failure;
use crate::output::Place;

/// Most leases that are remembered once the journal was asked.
const MAX_KNOWN: usize = 4_096;

/// What the journal told.
#[derive(Debug, Default)]
pub struct Leases {
    /// Each lease that was asked for, and none where it is nobody's any more, which will not change.
    known: Mutex<BTreeMap<LeaseId, Option<Place>>>,
    /// One question at a time: an old lease may cost a long read.
    asking: tokio::sync::Mutex<()>,
}

impl Leases {
    /// The attempt that a lease was granted to; none if it is not of this journal, or if its execution is gone.
    pub async fn place_of(&self, engine: &Engine, lease: LeaseId) -> Result<Option<Place>, Failure> {
        let seen = engine.read_in(lease.partition, |replica| {
            let ours = replica.journal == Some(lease.journal) && lease.seq <= replica.seq;
            (ours, held(replica, lease))
        });
        let Some((true, None)) = seen else { return Ok(seen.and_then(|(_, held)| held)) };
        if let Some(known) = self.known(lease) {
            return Ok(known);
        }
        let _turn = self.asking.lock().await;
        if let Some(known) = self.known(lease) {
            return Ok(known);
        }
        let engine = engine.clone();
        let told = tokio::task::spawn_blocking(move || granted(&engine, lease)).await;
        let told = told.map_err(|error| Failure::ours(format!("lease {lease} could not be looked up: {error}")))??;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN {
            known.pop_first(); // leases grow: it is the oldest
        }
        known.insert(lease, told.clone());
        Ok(told)
    }

    fn known(&self, lease: LeaseId) -> Option<Option<Place>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&lease).cloned()
    }
}

fn held(replica: &Replica, lease: LeaseId) -> Option<Place> {
    replica.state.pools.iter().find_map(|(id, pool)| {
        let at = *pool.leases.get(&lease)?;
        place(id, pool, at, pool.task(at)?.attempts, lease)
    })
}

/// Reads the event that granted a lease. Blocks.
fn granted(engine: &Engine, lease: LeaseId) -> Result<Option<Place>, JournalError> {
    let read = match engine.journal_in(lease.partition, lease.seq, 1) {
        Err(JournalError::Gone { .. }) => return Ok(None),
        read => read?.into_iter().next(),
    };
    Ok(read.filter(|(position, _)| *position == lease.seq).and_then(|(_, entry)| {
        let event = entry.events.get(lease.index as usize)?;
        let Body::AttemptDispatched(dispatch) = &event.event else { return None };
        let granted = dispatch.lease == lease;
        engine.read_in(lease.partition, |replica| {
            let pool = replica.state.pools.get(&event.pool).filter(|_| granted)?;
            place(&event.pool, pool, dispatch.at, dispatch.attempt, lease)
        })?
    }))
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
