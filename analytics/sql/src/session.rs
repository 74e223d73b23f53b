//! A session: reads a statement, opens the tables that it names as they are in that moment, and runs it within its bounds.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::common::ScalarValue;
use datafusion::dataframe::DataFrame;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::execution::{SendableRecordBatchStream, SessionState, SessionStateBuilder};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, col, lit};
use datafusion::prelude::{SQLOptions, SessionContext};
use futures_util::StreamExt;
use model::{PoolId, Timestamp};
use rows::Table;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::ago::ago;
use crate::bounds::{self, Bounds};
use crate::json;
use crate::mistake::{Mistake, Whose, nearest};
use crate::output;
use crate::planned;
use crate::scan::{JournalTable, object_store_url};
use crate::sources::Sources;
use crate::statement;
use crate::to_char::to_char;
use crate::views::{self, VIEWS};
use crate::why::{self, Why};

/// What a session is opened with.
#[derive(Clone)]
pub struct Options {
    /// Where its tables are.
    pub sources: Sources,
    /// How much each statement may take.
    pub bounds: Bounds,
    /// Whose tasks `why` knows: names of executions are counted per pool.
    pub pool: PoolId,
    /// Only what had happened by then; `now()` and `ago()` are as of then, too.
    pub as_of: Option<Timestamp>,
    /// Who does the work. Not who waits for it, whose clock would stand still where a statement leaves no thread to it.
    pub workers: Handle,
}

/// Asks one statement after another.
pub struct Session {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    context: SessionContext,
}

/// The rows of an answer, as they come. Who drops it gives the statement up.
pub struct Answer {
    /// Its columns.
    pub schema: SchemaRef,
    rows: mpsc::Receiver<datafusion::error::Result<RecordBatch>>,
    task: JoinHandle<()>,
    ended: bool,
    until: Instant,
    bounds: Bounds,
    statement: String,
}

/// All rows of a table whose newest ones another name shows: `executions_history`.
pub const HISTORY: &str = "_history";

impl Session {
    /// Opens a session. Asks nobody yet.
    pub fn new(options: Options) -> Result<Self, Mistake> {
        let no = |error: datafusion::error::DataFusionError| Mistake::of(&error, "");
        let runtime = bounds::runtime(&options.bounds).map_err(no)?;
        let state = SessionStateBuilder::new()
            .with_config(bounds::config(&options.bounds))
            .with_runtime_env(runtime)
            .with_default_features()
            .build();
        let mut context = SessionContext::new_with_state(state);
        json::register(&mut context).map_err(no)?;
        context.register_udf(ago());
        context.register_udf(to_char());
        let store = &options.sources.store;
        let at = object_store_url(store).map_err(no)?;
        context.register_object_store(at.as_ref(), store.root.clone());
        Ok(Self { inner: Arc::new(Inner { options, context }) })
    }

    /// The names that a statement may read from: tables, their histories, views.
    pub fn names() -> Vec<String> {
        let tables = Table::ALL.into_iter().map(|table| table.name().to_owned());
        let histories = Table::ALL.into_iter().filter(|table| table.stands_for().is_some());
        let histories = histories.map(|table| format!("{}{HISTORY}", table.name()));
        tables.chain(histories).chain(VIEWS.iter().map(|view| view.name.to_owned())).collect()
    }

    /// Runs a statement. Its rows come as they are asked for.
    ///
    /// It runs in a task of its own, planning too: an expression that is worked out while it is planned, and takes for ever,
    /// holds nobody up who waits for the time to be over.
    pub async fn run(&self, text: &str) -> Result<Answer, Mistake> {
        let bounds = self.inner.options.bounds;
        let until = Instant::now() + bounds.time;
        let (inner, statement) = (self.inner.clone(), text.to_owned());
        let (told, plan) = oneshot::channel();
        let (put, rows) = mpsc::channel(1);
        let task = self.inner.options.workers.spawn(async move {
            match inner.plan_and_begin(&statement).await {
                Err(mistake) => drop(told.send(Err(mistake))),
                Ok(stream) if told.send(Ok(stream.schema())).is_ok() => hand_on(stream, put).await,
                Ok(_) => {}
            }
        });
        let schema = match tokio::time::timeout_at(until.into(), plan).await {
            Ok(Ok(planned)) => planned.map_err(|mistake| mistake.somewhere_in(text))?,
            Ok(Err(_)) => return Err(our_bug()),
            Err(_) => {
                task.abort();
                return Err(too_long(&bounds));
            }
        };
        Ok(Answer { schema, rows, task, ended: false, until, bounds, statement: text.to_owned() })
    }
}

/// Hands on rows as they are asked for.
async fn hand_on(mut stream: SendableRecordBatchStream, to: mpsc::Sender<datafusion::error::Result<RecordBatch>>) {
    while let Some(batch) = stream.next().await {
        if to.send(batch).await.is_err() {
            return;
        }
    }
}

impl Inner {
    async fn plan_and_begin(&self, text: &str) -> Result<SendableRecordBatchStream, Mistake> {
        let plan = self.plan(text, &mut BTreeSet::new()).await?;
        planned::look(&plan)?;
        // What reads has been let through; that the plan only reads is made sure of once more.
        let reads = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        reads.verify_plan(&plan).map_err(|e| self.mistake(&e, text))?;
        let frame = DataFrame::new(self.state(), plan);
        let stream = frame.execute_stream().await.map_err(|e| self.mistake(&e, text))?;
        let schema = stream.schema();
        let Some(zone) = output::unknown_zone(&schema) else { return Ok(stream) };
        let hint = "write one like 'America/New_York' or '+02:00'";
        Err(Mistake::of_statement(&format!("there is no time zone `{zone}`"), hint).at_its_name(text))
    }

    /// What a statement means, or that of a view: reads it, and opens what it names.
    async fn plan(&self, text: &str, opened: &mut BTreeSet<String>) -> Result<LogicalPlan, Mistake> {
        let statement = statement::read(&self.state(), text)?;
        let references = self.state().resolve_table_references(&statement).map_err(|e| Mistake::of(&e, text))?;
        let all = references.iter().any(|name| name.schema() == Some("information_schema"));
        let names: BTreeSet<String> = match all || shows(text) {
            true => Session::names().into_iter().collect(),
            false => references.iter().map(|name| name.table().to_owned()).collect(),
        };
        for name in names {
            Box::pin(self.open(&name, opened)).await?;
        }
        self.state().statement_to_plan(statement).await.map_err(|e| self.mistake(&e, text))
    }

    /// The state in which a statement begins: now, or as of then.
    fn state(&self) -> SessionState {
        let mut state = self.context.state();
        if let Some(at) = self.options.as_of {
            let at = i64::try_from(at.0).ok().and_then(chrono::DateTime::from_timestamp_millis);
            state.execution_props_mut().query_execution_start_time = at;
        }
        state
    }

    /// Makes a name one that a statement can read from, and before it those that it is made of.
    async fn open(&self, name: &str, opened: &mut BTreeSet<String>) -> Result<(), Mistake> {
        if !opened.insert(name.to_owned()) {
            return Ok(());
        }
        let raw = name.strip_suffix(HISTORY).unwrap_or(name);
        if let Some(table) = Table::named(raw).filter(|table| raw == name || table.stands_for().is_some()) {
            return self.open_table(table).await;
        }
        if let Some(view) = views::named(name) {
            let plan = self.plan(view.sql, opened).await?;
            return self.put(name, Arc::new(ViewTable::new(plan, Some(view.sql.to_owned()))));
        }
        if name == "why" {
            for table in why::TABLES {
                Box::pin(self.open(table, opened)).await?;
            }
            let story = self.plan(why::STORY, opened).await?;
            self.context.register_udtf("why", Arc::new(Why { story, pool: self.options.pool.clone() }));
        }
        // What is nobody's name is said where the statement is planned.
        Ok(())
    }

    async fn open_table(&self, table: Table) -> Result<(), Mistake> {
        let opened = self.options.sources.open(table).await?;
        let provider: Arc<dyn TableProvider> = Arc::new(JournalTable::new(table, &self.options.sources.store, opened)?);
        let provider = match self.options.as_of {
            None => provider,
            Some(at) => view_of(self.known_by(table, provider, at)),
        };
        let Some(key) = table.stands_for() else { return self.put(table.name(), provider) };
        self.put(&format!("{}{HISTORY}", table.name()), provider)?;
        let sql = newest(table, key);
        let no = |error| Mistake::of(&error, &sql);
        let plan = self.state().create_logical_plan(&sql).await.map_err(no)?;
        self.put(table.name(), view_of(plan))
    }

    /// The rows of a table that were there at a point in time.
    fn known_by(&self, table: Table, provider: Arc<dyn TableProvider>, at: Timestamp) -> LogicalPlan {
        let at = ScalarValue::TimestampMicrosecond(Some(journal::batch::micros(at)), Some("UTC".into()));
        let plan = LogicalPlanBuilder::scan(table.name(), provider_as_source(provider), None)
            .and_then(|scan| scan.filter(col(table.known_at()).lt_eq(lit(at))))
            .and_then(LogicalPlanBuilder::build);
        plan.expect("each table has the column in which it says since when it is known")
    }

    fn put(&self, name: &str, provider: Arc<dyn TableProvider>) -> Result<(), Mistake> {
        let no = |error| Mistake::of(&error, "");
        self.context.deregister_table(name).map_err(no)?;
        self.context.register_table(name, provider).map_err(no)?;
        Ok(())
    }

    /// What is wrong, with the name that was meant where a table is not known.
    fn mistake(&self, error: &datafusion::error::DataFusionError, text: &str) -> Mistake {
        let mut mistake = Mistake::of(error, text);
        let missing = mistake.message.strip_prefix("table '").and_then(|rest| rest.strip_suffix("' not found"));
        if let Some(missing) = missing.map(|name| name.rsplit('.').next().unwrap_or(name).to_owned()) {
            let names = Session::names();
            mistake.message = format!("there is no table `{missing}`");
            mistake.hint = match nearest(&missing, names.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", names.join(", ")),
            };
        }
        if let Some(function) = mistake.message.strip_prefix("there is no function `") {
            let state = self.context.state();
            let (scalars, aggregates) = (state.scalar_functions().keys(), state.aggregate_functions().keys());
            let known = scalars.chain(aggregates).chain(state.window_functions().keys()).map(String::as_str);
            let meant = nearest(function.trim_end_matches('`'), known);
            mistake.hint = match meant {
                Some(name) if format!("{name}`") == function => {
                    mistake.message = format!("`{name}` does not stand so");
                    "it takes other arguments, or needs OVER (…)".to_owned()
                }
                Some(name) => format!("did you mean `{name}`?"),
                None => String::new(),
            };
        }
        let function =
            mistake.message.strip_prefix("table function '").and_then(|rest| rest.strip_suffix("' not found"));
        if let Some(function) = function {
            mistake.message = format!("there is no table function `{function}`");
            mistake.hint = "there is why('EXECUTION/TASK'); files are not read".to_owned();
        }
        mistake
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Answer {
    /// The next rows; none after the last.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, Mistake> {
        match tokio::time::timeout_at(self.until.into(), self.rows.recv()).await {
            Err(_) => Err(too_long(&self.bounds)),
            // Rows that end since the statement's task broke down are not all there are.
            Ok(None) if !self.ended => {
                self.ended = true;
                (&mut self.task).await.map(|()| None).map_err(|_| our_bug())
            }
            Ok(None) => Ok(None),
            Ok(Some(batch)) => {
                batch.map(Some).map_err(|error| Mistake::of(&error, &self.statement).somewhere_in(&self.statement))
            }
        }
    }

    /// No row, but all columns.
    pub fn nothing(&self) -> RecordBatch {
        RecordBatch::new_empty(self.schema.clone())
    }

    /// All rows that are left.
    pub async fn collect(&mut self) -> Result<Vec<RecordBatch>, Mistake> {
        let mut batches = Vec::new();
        while let Some(batch) = self.next().await? {
            batches.push(batch);
        }
        Ok(batches)
    }
}

fn our_bug() -> Mistake {
    Mistake::of_us("the statement broke down")
}

fn too_long(bounds: &Bounds) -> Mistake {
    Mistake {
        whose: Whose::Bounds,
        message: format!("the statement was ended after {} s", bounds.time.as_secs_f64()),
        hint: "ask about less time, or give it longer with --timeout".to_owned(),
        place: None,
    }
}

/// Whether a statement asks what there is.
fn shows(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    ["show", "describe", "desc"].iter().any(|word| first.eq_ignore_ascii_case(word))
}

fn view_of(plan: LogicalPlan) -> Arc<dyn TableProvider> {
    Arc::new(ViewTable::new(plan, None))
}

/// The newest row about each thing that a table's rows stand for.
fn newest(table: Table, key: &[&str]) -> String {
    let columns: Vec<&str> = table.columns().into_iter().map(|column| column.name).collect();
    format!(
        "SELECT {} FROM (SELECT *, row_number() OVER (PARTITION BY {} ORDER BY journal_position DESC, journal_row DESC) \
         AS nth FROM {}{HISTORY}) WHERE nth = 1",
        columns.join(", "),
        key.join(", "),
        table.name()
    )
}
