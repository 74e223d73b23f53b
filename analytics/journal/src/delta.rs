//! One table in Delta: what it holds, and commits that say how far the journal is in it.
//!
//! Rows and the number of the last entry that they are made of stand in one commit (`txn`). The library does not refuse a
//! number that was committed before, so [`Delta::append`] compares what the snapshot says that it is built on; two
//! writers on one snapshot conflict by the application's id.

use std::collections::BTreeMap;
use std::fmt;

use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake_core::kernel::{Action, Add, Remove, Transaction};
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::operations::vacuum::VacuumMode;
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::{DeltaTable, DeltaTableError, checkpoints};
use futures_util::future::try_join_all;
use object_store::{ObjectStoreExt, PutPayload};
use rows::Table;

use crate::file::NewFile;
use crate::local;
use crate::schema::{self, DAY};
use crate::store::Store;

/// A table as it was when it was looked at last.
#[derive(Debug, Clone)]
pub struct Delta {
    /// Which one.
    pub table: Table,
    inner: DeltaTable,
    store: Store,
}

/// A file of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct DataFile {
    /// Where it is, from the table's folder on.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// How many rows it holds, if its commit says so.
    pub rows: Option<u64>,
    /// The folder's day.
    pub day: String,
    /// What its commit says of its values.
    pub stats: Option<String>,
}

impl DataFile {
    /// From when to when its rows are, by the table's time, in microseconds since 1970; none if its commit does not say.
    pub fn times(&self, table: Table) -> Option<(i64, i64)> {
        let stats: serde_json::Value = serde_json::from_str(self.stats.as_deref()?).ok()?;
        let time = table.time();
        let micros = |which: &str| {
            let text = stats[which][time].as_str()?;
            chrono::DateTime::parse_from_rfc3339(text).ok().map(|at| at.timestamp_micros())
        };
        Some((micros("minValues")?, micros("maxValues")?))
    }
}

/// How far a table should be before a commit, and is after it, for each application.
pub type Steps = BTreeMap<String, (u64, u64)>;

/// Why a table could not be read or written.
#[derive(Debug)]
pub enum DeltaError {
    /// There is none yet.
    Missing,
    /// Another writer has written what this one was about to: look how far the table is.
    Overtaken,
    /// The store cannot be reached or refuses, or what it holds is damaged: for its operator.
    Store(String),
}

impl fmt::Display for DeltaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no such table yet"),
            Self::Overtaken => f.write_str("another writer was first"),
            Self::Store(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for DeltaError {}

impl From<DeltaTableError> for DeltaError {
    fn from(error: DeltaTableError) -> Self {
        if matches!(error, DeltaTableError::NotATable(_)) {
            return Self::Missing;
        }
        if let DeltaTableError::Transaction { source: TransactionError::CommitConflict(_) }
        | DeltaTableError::VersionAlreadyExists(_) = error
        {
            return Self::Overtaken;
        }
        Self::Store(error.to_string())
    }
}

impl Delta {
    /// Opens a table, which must be there.
    pub async fn open(store: &Store, table: Table) -> Result<Self, DeltaError> {
        let log = log_store(store, table)?;
        // A place that is empty, or not there, is no fault.
        if !log.is_delta_table_location().await? {
            return Err(DeltaError::Missing);
        }
        let mut inner = DeltaTable::new(log);
        inner.load().await?;
        Ok(Self { table, inner, store: store.clone() })
    }

    /// Opens a table; makes it if it is not there, and adds columns that it lacks.
    pub async fn open_or_create(store: &Store, table: Table) -> Result<Self, DeltaError> {
        let made = match Self::open(store, table).await {
            Err(DeltaError::Missing) => Self::create(store, table).await,
            opened => opened,
        };
        // Another instance may have made it in the same moment.
        let opened = match made {
            Err(DeltaError::Overtaken) => Self::open(store, table).await,
            made => made,
        };
        opened?.with_columns().await
    }

    async fn create(store: &Store, table: Table) -> Result<Self, DeltaError> {
        let inner = CreateBuilder::new()
            .with_log_store(log_store(store, table)?)
            .with_table_name(table.name())
            .with_comment(table.doc())
            .with_save_mode(SaveMode::ErrorIfExists)
            .with_columns(schema::delta(table))
            .with_partition_columns([DAY])
            .with_configuration_property("delta.checkpointInterval".parse()?, Some("10"))
            // Each commit would list the whole log to see which of it is old; cleaning does, and of a day enough is left.
            .with_configuration_property("delta.enableExpiredLogCleanup".parse()?, Some("false"))
            .with_configuration_property("delta.logRetentionDuration".parse()?, Some("interval 1 days"))
            .await?;
        Ok(Self { table, inner, store: store.clone() })
    }

    async fn with_columns(mut self) -> Result<Self, DeltaError> {
        let known: Vec<String> = self.inner.snapshot()?.schema().fields().map(|field| field.name().clone()).collect();
        let missing: Vec<_> =
            schema::delta(self.table).into_iter().filter(|field| !known.contains(field.name())).collect();
        if !missing.is_empty() {
            self.inner = self.inner.add_columns().with_fields(missing).await?;
        }
        Ok(self)
    }

    /// Looks what is new.
    pub async fn refresh(&mut self) -> Result<(), DeltaError> {
        Ok(self.inner.update_incremental(None).await?)
    }

    /// How far an application is in the table; 0 if it has written nothing.
    pub async fn landed(&self, application: &str) -> Result<u64, DeltaError> {
        let log = self.inner.log_store();
        let version = self.inner.snapshot()?.transaction_version(&log, application).await?;
        Ok(version.and_then(|version| u64::try_from(version).ok()).unwrap_or(0))
    }

    /// The files that make up the table.
    pub fn files(&self) -> Result<Vec<DataFile>, DeltaError> {
        let state = self.inner.snapshot()?;
        let file = |view: deltalake_core::kernel::LogicalFileView| DataFile {
            path: view.path().into_owned(),
            bytes: u64::try_from(view.size()).unwrap_or(0),
            rows: view.num_records().and_then(|rows| u64::try_from(rows).ok()),
            day: view.partition_values_map().get(DAY).cloned().flatten().unwrap_or_default(),
            stats: view.stats(),
        };
        Ok(state.log_data().iter().map(file).collect())
    }

    /// Writes files and commits them together with how far each application is by them. Nothing is committed if one is
    /// not where it was thought to be, or another writer commits for it meanwhile.
    pub async fn append(&mut self, files: Vec<NewFile>, steps: &Steps) -> Result<(), DeltaError> {
        self.refresh().await?;
        for (application, (after, _)) in steps {
            if self.landed(application).await? != *after {
                return Err(DeltaError::Overtaken);
            }
        }
        self.put(&files).await?;
        failpoint::hit("tables.commit.before");
        let adds = files.into_iter().map(|file| Action::Add(file.add)).collect();
        let operation =
            DeltaOperation::Write { mode: SaveMode::Append, partition_by: Some(vec![DAY.to_owned()]), predicate: None };
        self.commit(adds, steps.iter().map(|(application, (_, upto))| (application.as_str(), *upto)), operation)
            .await?;
        failpoint::hit("tables.commit.after");
        Ok(())
    }

    /// Puts files in the place of others that hold the same rows. `number` counts such changes: two who count alike
    /// conflict, since nothing else would keep both from happening.
    pub async fn replace(&mut self, old: &[DataFile], new: Vec<NewFile>, number: u64) -> Result<(), DeltaError> {
        self.put(&new).await?;
        failpoint::hit("tables.compact.before");
        let now = now_ms();
        let removes = old.iter().map(|file| Action::Remove(remove(file, false, now)));
        let adds = new.into_iter().map(|file| Action::Add(Add { data_change: false, ..file.add }));
        let operation = DeltaOperation::Optimize { predicate: None, target_size: 0 };
        self.commit(removes.chain(adds).collect(), [(COMPACTOR, number)].into_iter(), operation).await?;
        failpoint::hit("tables.compact.after");
        Ok(())
    }

    /// Drops files with the rows in them.
    pub async fn drop_files(&mut self, old: &[DataFile], number: u64) -> Result<(), DeltaError> {
        let now = now_ms();
        let removes = old.iter().map(|file| Action::Remove(remove(file, true, now))).collect();
        let operation = DeltaOperation::Delete { predicate: None };
        self.commit(removes, [(COMPACTOR, number)].into_iter(), operation).await
    }

    /// Deletes what no commit of the last days names: files that were replaced, those of writers that died, and commits
    /// that a later checkpoint holds. Returns how many data files that were.
    pub async fn vacuum(&mut self) -> Result<u64, DeltaError> {
        let (inner, metrics) = self.inner.clone().vacuum().with_mode(VacuumMode::Full).await?;
        self.inner = inner;
        checkpoints::cleanup_metadata(&self.inner, None).await?;
        if let Some(folder) = &self.store.folder {
            local::sweep(&folder.join(self.table.name())).map_err(|error| DeltaError::Store(error.to_string()))?;
        }
        Ok(metrics.files_deleted.len() as u64)
    }

    /// Reads a file of the table.
    pub async fn bytes(&self, file: &DataFile) -> Result<bytes::Bytes, DeltaError> {
        let (below, _) = self.store.below(self.table.name());
        let from = object_store::path::Path::parse(&file.path).map_err(|error| DeltaError::Store(error.to_string()))?;
        let read = async { below.get(&from).await?.bytes().await };
        read.await.map_err(|error: object_store::Error| DeltaError::Store(error.to_string()))
    }

    async fn put(&self, files: &[NewFile]) -> Result<(), DeltaError> {
        let (below, _) = self.store.below(self.table.name());
        let puts = files.iter().map(|file| {
            let below = below.clone();
            let to = object_store::path::Path::from(file.path.as_str());
            async move { below.put(&to, PutPayload::from_bytes(file.bytes.clone())).await }
        });
        try_join_all(puts).await.map_err(|error| DeltaError::Store(error.to_string()))?;
        Ok(())
    }

    async fn commit(
        &mut self,
        actions: Vec<Action>,
        applications: impl Iterator<Item = (&str, u64)>,
        operation: DeltaOperation,
    ) -> Result<(), DeltaError> {
        let txns = applications.map(|(application, upto)| {
            Transaction::new_with_last_update(application, i64::try_from(upto).unwrap_or(i64::MAX), Some(now_ms()))
        });
        let properties = CommitProperties::default().with_application_transactions(txns.collect());
        let log = self.inner.log_store();
        CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(self.inner.snapshot()?), log, operation)
            .await?;
        self.refresh().await
    }
}

/// The application of a partition of a journal: its number in the table is that of the last entry that has landed.
pub fn application(journal: impl fmt::Display, partition: impl fmt::Display) -> String {
    format!("{journal}/{partition}")
}

/// The application that compacts: its number in the table counts its commits.
pub const COMPACTOR: &str = "compactor";

fn remove(file: &DataFile, data_change: bool, now_ms: i64) -> Remove {
    Remove {
        path: file.path.clone(),
        data_change,
        deletion_timestamp: Some(now_ms),
        extended_file_metadata: Some(true),
        partition_values: Some([(DAY.to_owned(), Some(file.day.clone()))].into()),
        size: i64::try_from(file.bytes).ok(),
        ..Remove::default()
    }
}

/// The wall clock: it only informs readers of the table.
pub fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.ok().and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or(0)
}

fn log_store(store: &Store, table: Table) -> Result<LogStoreRef, DeltaError> {
    let (below, url) = store.below(table.name());
    Ok(default_logstore(below, store.root.clone(), &url, &StorageConfig::default()))
}
