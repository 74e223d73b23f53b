//! What every route shares: the engine, the output store, and the way to look at a pool.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use journal::Tables;
use model::PoolId;
use operators::state::Pool;
use tokio::sync::watch;

use crate::failure::Failure;
use crate::leases::Leases;
use crate::output::Output;
use crate::params::Params;
use crate::view::At;
use engine::{Engine, Health, Trouble};

/// How long `?after=` waits.
const AFTER: Duration = Duration::from_secs(10);
/// Pools that are named to who asks for one that there is not.
const MAX_KNOWN: usize = 10;
/// How long a body may take to come.
const BODY: Duration = Duration::from_secs(30);

/// What every route shares.
#[derive(Clone)]
pub struct App {
    /// The engine.
    pub engine: Engine,
    /// What attempts printed.
    pub output: Arc<Output>,
    /// Whose it is.
    pub leases: Arc<Leases>,
    /// The writer of the tables, if this instance has one.
    pub tables: Option<Tables>,
    /// Turns true when the gateway stops: streams end.
    pub stopping: watch::Receiver<bool>,
}

/// A pool at a position.
pub struct Look<'a> {
    /// Its name.
    pub id: &'a PoolId,
    /// The pool.
    pub pool: &'a Pool,
    /// The clock and the position.
    pub at: At,
}

impl App {
    /// Puts the parts together.
    pub fn new(engine: Engine, output: Arc<Output>, tables: Option<Tables>, stopping: watch::Receiver<bool>) -> Self {
        Self { engine, output, leases: Arc::default(), tables, stopping }
    }

    /// Looks at the pool that a request means, at or after the position that it names.
    pub async fn look<T>(
        &self,
        params: &Params,
        see: impl FnOnce(Look<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let id = params.pool()?;
        if let Some(position) = params.get::<u64>("after")?
            && !self.engine.wait_for(&id, position, AFTER).await
        {
            return Err(Failure::not_there_yet(position));
        }
        self.look_at(&id, see)
    }

    /// Looks at a pool as it is.
    pub fn look_at<T>(&self, id: &PoolId, see: impl FnOnce(Look<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
        self.is_ready(id)?;
        let seen = self.engine.read(id, |replica| {
            match replica.state.pools.get(id) {
                Some(pool) => Some(see(Look { id, pool, at: At::of(replica, pool) })),
                // Nobody has used it yet: it is empty, not unknown.
                None if id.as_str() == "default" => {
                    let pool = &Pool::default();
                    Some(see(Look { id, pool, at: At::of(replica, pool) }))
                }
                None => None,
            }
        });
        seen.unwrap_or_else(|| Err(self.no_pool(id)))
    }

    fn no_pool(&self, id: &PoolId) -> Failure {
        let known = self.engine.pools(MAX_KNOWN);
        let known: Vec<&str> = known.iter().take(MAX_KNOWN).map(PoolId::as_str).collect();
        Failure::not_found(format!("no pool `{id}`; known are: {}", known.join(", ")))
    }

    /// Says why, if the engine has not read a pool's journal since it began: before that, what it knows is the past.
    pub fn is_ready(&self, pool: &PoolId) -> Result<(), Failure> {
        read_up(self.engine.health_of(pool))
    }
}

/// Says why, if a journal has not been read since the engine began.
pub fn read_up(health: Health) -> Result<(), Failure> {
    match health.trouble {
        Some(_) | None if health.journal_read => Ok(()),
        Some(Trouble::Disk(advice)) => Err(Failure::full(format!("no room on the engine's disk: {advice}"))),
        Some(Trouble::Doubt(why) | Trouble::Unread(why) | Trouble::Partial(why) | Trouble::Stopped(why)) => {
            Err(Failure::not_ready(why))
        }
        None => Err(Failure::not_ready(format!(
            "the engine is reading its journal, {} entries so far; ask again in a moment",
            health.seq
        ))),
    }
}

/// Reads a whole body, bounded in size and time. `what` is it, for people.
pub async fn whole(body: Body, what: &str, most: usize) -> Result<Bytes, Failure> {
    match tokio::time::timeout(BODY, Limited::new(body, most).collect()).await {
        Err(_) => Err(Failure::slow()),
        Ok(Ok(read)) => Ok(read.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Failure::too_large(what, most)),
        Ok(Err(error)) => Err(Failure::bad(format!("{what} broke off: {error}"))),
    }
}
