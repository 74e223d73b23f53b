//! The tables: where they are and how their writer does, and the rows that have not landed in them.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue};
use journal::Tables;
use rows::Table;

use crate::app::App;
use crate::failure::Failure;
use crate::params::{Names, Params};
use crate::stream::headers;
use crate::view::{BEHIND, TablesView};

/// Where they are.
pub async fn standing(State(app): State<App>, params: Params) -> Result<Json<TablesView>, Failure> {
    params.only(&[])?;
    let tables = written(&app)?;
    let standing = tables.standing();
    Ok(Json(TablesView {
        address: tables.address().to_owned(),
        is_open: standing.is_open,
        rows: standing.rows,
        waiting_bytes: standing.waiting_bytes,
        trouble: standing.trouble,
    }))
}

/// The rows of a table that have not landed, as an arrow stream: who joins them to the table's files opens those
/// afterwards, and leaves out what they hold by then.
pub async fn live(
    State(app): State<App>,
    Names(name): Names<String>,
    params: Params,
) -> Result<([(HeaderName, HeaderValue); 3], [(&'static str, String); 1], Vec<u8>), Failure> {
    params.only(&[])?;
    let table = Table::named(&name).ok_or_else(|| {
        let known: Vec<&str> = Table::ALL.iter().map(|table| table.name()).collect();
        Failure::not_found(format!("no table `{name:.64}`; there are {}", known.join(", ")))
    })?;
    let tables = written(&app)?.clone();
    let unknown = || match tables.standing().trouble {
        Some(why) => Failure::store_away(format!("the tables at {} cannot be written: {why}", tables.address())),
        None => Failure::not_ready("the tables are being opened; ask again in a moment"),
    };
    let asked = tables.clone();
    let rows = tokio::task::spawn_blocking(move || asked.live(table)).await;
    let rows = rows.map_err(|error| Failure::ours(error.to_string()))?.ok_or_else(unknown)?;
    let behind = (BEHIND, rows.behind.to_string());
    Ok((headers("application/vnd.apache.arrow.stream"), [behind], rows.stream))
}

fn written(app: &App) -> Result<&Tables, Failure> {
    app.tables.as_ref().ok_or_else(|| Failure::not_found("this engine writes no tables"))
}
