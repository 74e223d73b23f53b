//! A table of the journal for datafusion: its files, each with what its commit says of its times, and beside them the rows
//! that have not landed.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::DateTime;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, ScalarValue, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;
use journal::Store;
use journal::delta::DataFile;
use object_store::ObjectMeta;
use rows::Table;

use crate::mistake::Mistake;
use crate::sources::Opened;

/// A table of the journal at one moment.
#[derive(Debug)]
pub struct JournalTable {
    schema: SchemaRef,
    files: Vec<PartitionedFile>,
    at: ObjectStoreUrl,
    live: Vec<RecordBatch>,
}

impl JournalTable {
    /// What was opened in a store.
    pub fn new(table: Table, store: &Store, opened: Opened) -> Result<Self, Mistake> {
        let schema = bare(&journal::schema::arrow(table));
        let files = match &opened.delta {
            Some(delta) => delta.files().map_err(|error| Mistake::of_store(error.to_string()))?,
            None => Vec::new(),
        };
        let files = files.iter().map(|file| partitioned(table, &schema, store, file)).collect();
        let at = object_store_url(store).map_err(|error| Mistake::of_store(error.to_string()))?;
        let live = opened.live.into_iter().map(|batch| RecordBatch::try_new(schema.clone(), batch.columns().to_vec()));
        let live = live.collect::<std::result::Result<_, _>>().map_err(|error| Mistake::of_us(&error.to_string()))?;
        Ok(Self { schema, files, at, live })
    }
}

/// Columns without what is said of them: datafusion takes tables and columns for different ones if their words differ, and
/// then joins or unites none.
fn bare(schema: &SchemaRef) -> SchemaRef {
    let columns = schema.fields().iter().map(|column| column.as_ref().clone().with_metadata(HashMap::new()));
    Arc::new(Schema::new(columns.collect::<Vec<_>>()))
}

/// The root of a store, as datafusion knows stores by.
pub fn object_store_url(store: &Store) -> Result<ObjectStoreUrl> {
    ObjectStoreUrl::parse(&store.url[..url::Position::BeforePath])
}

fn partitioned(table: Table, schema: &SchemaRef, store: &Store, file: &DataFile) -> PartitionedFile {
    let path = file.path.split('/').fold(store.prefix.clone().join(table.name()), |path, part| path.join(part));
    let (time, times) = (table.time(), file.times(table));
    let of_column = |name: &str| of_column(times.filter(|_| name == time));
    let statistics = Statistics {
        num_rows: file.rows.and_then(|rows| usize::try_from(rows).ok()).map_or(Precision::Absent, Precision::Exact),
        total_byte_size: Precision::Absent,
        column_statistics: schema.fields().iter().map(|field| of_column(field.name())).collect(),
    };
    // By what the store knows the file by: a path that is made of text would be written as an address once more.
    let meta = ObjectMeta {
        location: path,
        last_modified: DateTime::UNIX_EPOCH,
        size: file.bytes,
        e_tag: None,
        version: None,
    };
    PartitionedFile::new_from_meta(meta).with_statistics(Arc::new(statistics))
}

/// What is known of a column's values in a file: those of the table's time, from when to when.
fn of_column(times: Option<(i64, i64)>) -> ColumnStatistics {
    let unknown = ColumnStatistics::new_unknown();
    times.map_or(unknown.clone(), |(least, greatest)| {
        let at = |micros| Precision::Exact(ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into())));
        ColumnStatistics { null_count: Precision::Exact(0), min_value: at(least), max_value: at(greatest), ..unknown }
    })
}

#[async_trait]
impl TableProvider for JournalTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// What filters leave is looked at once more: within files they only pass over what cannot match.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let live = MemorySourceConfig::try_new_exec(
            std::slice::from_ref(&self.live),
            self.schema.clone(),
            projection.cloned(),
        )?;
        if self.files.is_empty() {
            return Ok(live);
        }
        let options = state.default_table_options().parquet;
        let source = ParquetSource::new(self.schema.clone()).with_table_parquet_options(options);
        let groups = spread(&self.files, state.config().target_partitions());
        let files = FileScanConfigBuilder::new(self.at.clone(), Arc::new(source))
            .with_file_groups(groups)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        let files = DataSourceExec::from_data_source(files);
        if self.live.iter().all(|batch| batch.num_rows() == 0) {
            return Ok(files);
        }
        UnionExec::try_new(vec![files, live])
    }

    fn statistics(&self) -> Option<Statistics> {
        let live: usize = self.live.iter().map(RecordBatch::num_rows).sum();
        let of = |file: &PartitionedFile| file.statistics.as_ref().and_then(|s| s.num_rows.get_value().copied());
        let rows: Option<usize> = self.files.iter().map(of).sum();
        let num_rows = rows.map_or(Precision::Absent, |rows| Precision::Inexact(rows + live));
        Some(Statistics { num_rows, ..Statistics::new_unknown(&self.schema) })
    }
}

/// Files spread over as many groups as are read at once, the large ones evenly.
fn spread(files: &[PartitionedFile], groups: usize) -> Vec<FileGroup> {
    let mut files = files.to_vec();
    files.sort_by(|a, b| b.object_meta.size.cmp(&a.object_meta.size).then(a.path().cmp(b.path())));
    let mut spread = vec![(0, Vec::new()); groups.clamp(1, files.len().max(1))];
    for file in files {
        if let Some(least) = spread.iter_mut().min_by_key(|(bytes, _)| *bytes) {
            least.0 += file.object_meta.size;
            least.1.push(file);
        }
    }
    spread.into_iter().map(|(_, files)| FileGroup::new(files)).collect()
}

impl From<Mistake> for DataFusionError {
    fn from(mistake: Mistake) -> Self {
        Self::External(Box::new(mistake))
    }
}
