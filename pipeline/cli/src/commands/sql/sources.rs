//! Where an engine's tables are, and how it is asked for the rows that have not landed in them.

use std::sync::Arc;
use std::time::Duration;

use ::journal::Store;
use ::rows::Table;
use ::sql::{Live, Sources};
use futures_util::FutureExt;
use gateway::view::TablesView;

use super::failure;
use crate::api::Api;
use crate::exit::Exit;
use crate::failure::Failure;

/// An engine that is just opening its tables is asked so often, and after so long.
const TRIES: u32 = 40;
const AGAIN: Duration = Duration::from_millis(250);

/// The tables of an engine. Beside them why its live rows are missing, if nothing lands there just now.
pub async fn of_engine(api: Api) -> Result<(Sources, Option<String>), Failure> {
    let api = Arc::new(api);
    let view: TablesView = api.read("/v1/tables", &[]).await.map_err(|failure| {
        if failure.exit != Exit::NoEngine {
            return failure;
        }
        let hint = "ask the tables without an engine with --tables, as in --tables ./reprise-data/tables";
        Failure::new(failure.exit, format!("{failure}; or {hint}"))
    })?;
    let store = store(&view.address)?;
    if let Some(folder) = store.folder.as_ref().filter(|folder| !folder.exists())
        && view.rows > 0
    {
        return Err(Failure::new(
            Exit::NotNow,
            format!(
                "the tables are in {} of the engine's machine: ask there, or set `tables` in reprise.toml to an object \
                 store that both reach",
                folder.display()
            ),
        ));
    }
    Ok((Sources { store, live: Some(live(api)) }, view.trouble))
}

/// The tables at a folder or an address as it was typed, without an engine.
pub async fn of_tables(address: &str) -> Result<Sources, Failure> {
    let sources = Sources { store: store(address)?, live: None };
    if sources.is_any().await.map_err(|mistake| failure(&mistake, ""))? {
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
    Arc::new(move |table: Table| {
        let api = api.clone();
        async move {
            let path = format!("/v1/tables/{}/live", table.name());
            for _ in 0..TRIES {
                match api.get(&path, &[]).await {
                    Ok(bytes) => return Ok(Some(bytes.to_vec())),
                    Err(failure) if failure.exit == Exit::NoEngine && failure.message.contains("being opened") => {
                        tokio::time::sleep(AGAIN).await;
                    }
                    // What has landed can be asked for all the same, and that this is all was said.
                    Err(failure) if failure.message.contains("cannot be written") => return Ok(None),
                    Err(failure) => return Err(failure.message),
                }
            }
            Ok(None)
        }
        .boxed()
    })
}
