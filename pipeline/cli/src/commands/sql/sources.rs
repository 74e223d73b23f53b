//! Where an engine's tables are, and how it is asked for the rows that have not landed in them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::journal::Store;
use ::rows::Table;
use ::sql::{Live, Mistake, Sources};
use futures_util::FutureExt;
use gateway::view::{BEHIND, TablesView};
use hyper::StatusCode;
use hyper::header::HeaderName;

use super::failure;
use crate::api::{Api, refusal};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen;

/// What is missing of several tables of a statement is said once: they are asked for in so short a time.
const ONE_STATEMENT: Duration = Duration::from_secs(1);
/// An engine that is just opening its tables is asked so often, and after so long.
const TRIES: u32 = 20;
const AGAIN: Duration = Duration::from_millis(250);

/// The tables of an engine. What is not as it should be with them is said as it is met.
pub async fn of_engine(api: Api) -> Result<Sources, Failure> {
    let api = Arc::new(api);
    let view: TablesView = api.read("/v1/tables", &[]).await.map_err(|failure| {
        if failure.exit != Exit::NoEngine {
            return failure;
        }
        let hint = "ask the tables without an engine with --tables, as in --tables ./reprise-data/tables";
        Failure::new(failure.exit, format!("{failure}; or {hint}"))
    })?;
    let store = store(&view.address)?;
    if let Some(why) = &view.trouble {
        screen::warn(&format!("nothing lands in the tables just now: {why}"));
    }
    if let Some(folder) = store.folder.as_ref().filter(|folder| view.is_open && !folder.exists()) {
        return Err(Failure::new(
            Exit::NotNow,
            format!(
                "the tables are in {}, which this machine has not: ask on the engine's machine, or set `tables` in \
                 reprise.toml to an object store that both reach",
                folder.display()
            ),
        ));
    }
    Ok(Sources { store, live: Some(live(api)) })
}

/// The tables at a folder or an address as it was typed, without an engine.
pub async fn of_tables(address: &str) -> Result<Sources, Failure> {
    let sources = Sources { store: store(address)?, live: None };
    if sources.is_any().await.map_err(|mistake| failure(&mistake, None))? {
        return Ok(sources);
    }
    let hint = "the tables of an engine are in `tables` of its data folder, as in --tables ./reprise-data/tables, or where \
                its `tables` says; before its first rows have landed, ask it without --tables";
    Err(Failure::new(Exit::NotFound, format!("there are no tables at {}: {hint}", sources.store.url)))
}

/// A folder or an address as it was typed.
pub fn store(address: &str) -> Result<Store, Failure> {
    Store::open(address).map_err(|error| Failure::new(Exit::Usage, error.to_string()))
}

fn live(api: Arc<Api>) -> Live {
    let said = Arc::new(Mutex::new(None));
    Arc::new(move |table: Table| {
        let (api, said) = (api.clone(), said.clone());
        async move { ask(&api, table, &said).await.map_err(|failure| Mistake::of_engine(failure.message)) }.boxed()
    })
}

/// Asks for the rows of a table that have not landed, and says if some are missing.
async fn ask(api: &Api, table: Table, said: &Mutex<Option<Instant>>) -> Result<Option<Vec<u8>>, Failure> {
    let say = |what: &str| {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.replace(Instant::now()).is_none_or(|at| at.elapsed() > ONE_STATEMENT) {
            screen::warn(what);
        }
    };
    let path = format!("/v1/tables/{}/live", table.name());
    let mut opening = String::new();
    for _ in 0..TRIES {
        let answer = api.answer(&path).await?;
        match answer.status {
            StatusCode::OK => {
                let behind = answer.header(&HeaderName::from_static(BEHIND)).and_then(|count| count.parse().ok());
                if let Some(behind) = behind.filter(|behind: &u64| *behind > 0) {
                    say(&format!(
                        "the newest {behind} entries of the journal are not seen: the tables' writer is behind"
                    ));
                }
                return Ok(Some(answer.body.to_vec()));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                opening = refusal(&answer).message;
                tokio::time::sleep(AGAIN).await;
            }
            // What has landed can be asked for all the same.
            StatusCode::INSUFFICIENT_STORAGE => {
                say(&format!("only what has landed in the tables is seen: {}", refusal(&answer)));
                return Ok(None);
            }
            _ => return Err(refusal(&answer)),
        }
    }
    say(&format!("only what has landed in the tables is seen: {opening}"));
    Ok(None)
}
