//! The recorded journal in tables, without an engine: its beginning landed in several files a table, its end still on its
//! way, so that each answer is put together from both.

use std::collections::BTreeMap;
use std::sync::Arc;

use journal::batch::batch;
use journal::delta::Delta;
use journal::write::{Part, flush, lock};
use journal::{Store, read};
use model::{PoolId, Timestamp};
use protocol::Replica;
use protocol::log::Record;
use rows::{Landing, Table};
use sql::{Bounds, Live, Options, Session, Sources};
use tokio::runtime::Handle;
use tokio::sync::OnceCell;

use crate::fixture;

/// Records between two commits.
const STEP: usize = 1_000;
/// Records at the end whose rows have not landed.
const ON_THE_WAY: usize = 200;

/// Tables, and the moment that questions are asked in.
pub struct Stage {
    /// Where the tables are.
    pub store: Store,
    /// The moment after the journal's end.
    pub now: Timestamp,
    live: BTreeMap<Table, Vec<u8>>,
}

/// What most tests ask: landed once, in memory.
pub async fn stage() -> &'static Stage {
    static STAGE: OnceCell<Stage> = OnceCell::const_new();
    let records = || fixture::records();
    STAGE.get_or_init(|| async { Stage::land(Store::in_memory(), &records(), ON_THE_WAY).await }).await
}

impl Stage {
    /// Lands all records but the last ones.
    pub async fn land(store: Store, records: &[Record], on_the_way: usize) -> Self {
        let mut tables = Vec::new();
        for table in Table::ALL {
            tables.push(Delta::open_or_create(&store, table).await.expect("a new table"));
        }
        let part = Part::new(Some(Landing::new((0, 1), Replica::default(), [0; Table::ALL.len()])));
        let parts = [part];
        let (landed, rest) = records.split_at(records.len() - on_the_way);
        for records in landed.chunks(STEP) {
            read_all(&parts[0], records);
            for delta in &mut tables {
                flush(delta, &parts, |_| true).await.expect("the store is there");
            }
        }
        read_all(&parts[0], rest);
        let part = lock(&parts[0]);
        let landing = part.as_ref().expect("it was opened");
        let live = Table::ALL.map(|table| (table, stream(table, landing)));
        Self { store, now: fixture::end(landing), live: live.into() }
    }

    /// A session in the moment after the journal's end.
    pub fn session(&self) -> Session {
        self.session_with(Bounds::default(), self.now)
    }

    /// A session with bounds of its own, or in another moment.
    pub fn session_with(&self, bounds: Bounds, as_of: Timestamp) -> Session {
        self.session_of("default", bounds, as_of)
    }

    /// The same of somebody who is at home in a pool.
    pub fn session_of(&self, pool: &str, bounds: Bounds, as_of: Timestamp) -> Session {
        let live = self.live.clone();
        let live: Live = Arc::new(move |table| {
            let rows = live.get(&table).cloned();
            Box::pin(async move { Ok(rows) })
        });
        let sources = Sources { store: self.store.clone(), live: Some(live) };
        let pool = PoolId::new(pool).expect("a name");
        let workers = Handle::current();
        Session::new(Options { sources, bounds, pool, as_of: Some(as_of), workers }).expect("a session asks nobody yet")
    }
}

fn read_all(part: &Part, records: &[Record]) {
    let mut part = lock(part);
    let landing = part.as_mut().expect("it was opened");
    for record in records {
        landing.read(record).expect("a journal of ours");
    }
}

fn stream(table: Table, landing: &Landing) -> Vec<u8> {
    let rows: Vec<&[rows::Value]> = landing.rows(table).map(|row| row.values.as_slice()).collect();
    read::encode(table, &[batch(table, rows.iter().copied())])
}

#[tokio::test]
async fn both_halves_of_every_table_have_rows_of_which_none_is_in_both() {
    let stage = stage().await;
    let landing = fixture::landing(&fixture::records());
    for table in Table::ALL {
        let delta = Delta::open(&stage.store, table).await.unwrap();
        let files = delta.files().unwrap();
        let landed: u64 = files.iter().filter_map(|file| file.rows).sum();
        let live: usize = read::decode(&stage.live[&table]).unwrap().iter().map(|batch| batch.num_rows()).sum();
        assert!(files.len() > 3, "{} has {} files", table.name(), files.len());
        assert_eq!(landed + live as u64, landing.rows(table).len() as u64, "{}", table.name());
    }
}
