//! Where a session finds its tables: the store with the files, and who knows the rows that have not landed.

use std::sync::Arc;

use datafusion::arrow::record_batch::RecordBatch;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use journal::{Delta, DeltaError, Store, read};
use rows::Table;

use crate::mistake::Mistake;

/// Asks for the rows of a table that have not landed, as an arrow stream; none where they are not known just now.
pub type Live = Arc<dyn Fn(Table) -> BoxFuture<'static, Result<Option<Vec<u8>>, Mistake>> + Send + Sync>;

/// Where a session finds its tables.
#[derive(Clone)]
pub struct Sources {
    /// The files.
    pub store: Store,
    /// The rows that have not landed; without, only what has is seen.
    pub live: Option<Live>,
}

/// A table as it is at one moment.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The table, at a commit; none if nothing has landed ever.
    pub delta: Option<Delta>,
    /// The rows beside it.
    pub live: Vec<RecordBatch>,
}

impl Sources {
    /// Opens a table: first the rows that have not landed, then the files, so that what lands meanwhile is seen once.
    pub async fn open(&self, table: Table) -> Result<Opened, Mistake> {
        let mut live = Vec::new();
        if let Some(ask) = &self.live
            && let Some(bytes) = ask(table).await?
        {
            let other = |why: String| {
                let hint = "are engine and command of one version?".to_owned();
                let message = format!("the rows of `{}` that have not landed cannot be read: {why}", table.name());
                Mistake { hint, ..Mistake::of_store(message) }
            };
            let rows = read::decode(&bytes).map_err(|error| other(error.to_string()))?;
            live = read::of_table(table, rows).map_err(|error| other(error.to_string()))?;
        }
        let no =
            |error: DeltaError| Mistake::of_store(format!("table `{}` at {}: {error}", table.name(), self.store.url));
        let delta = match Delta::open(&self.store, table).await {
            Ok(delta) => delta,
            Err(DeltaError::Missing) => return Ok(Opened { delta: None, live }),
            Err(error @ (DeltaError::Overtaken | DeltaError::Store(_))) => return Err(no(error)),
        };
        let live = read::beyond(&delta, live).await.map_err(no)?;
        Ok(Opened { delta: Some(delta), live })
    }

    /// Whether any table is there, at any commit.
    pub async fn is_any(&self) -> Result<bool, Mistake> {
        for table in Table::ALL {
            let log = self.store.prefix.clone().join(table.name()).join("_delta_log");
            match self.store.root.list(Some(&log)).next().await {
                None => {}
                Some(Ok(_)) => return Ok(true),
                Some(Err(error)) => {
                    return Err(Mistake::of_store(format!("the store at {} cannot be read: {error}", self.store.url)));
                }
            }
        }
        Ok(false)
    }
}
