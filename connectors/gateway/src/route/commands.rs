//! Commands of one node, as a stream. The newest stream of a node gets them; an older one ends.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use model::{Command, NodeId};
use tokio::sync::mpsc::Receiver;

use crate::app::App;
use crate::failure::Failure;
use crate::params::Params;
use crate::stream::{Pieces, lines};

/// `?pool=` and `?node=`.
pub async fn follow(State(app): State<App>, params: Params) -> Result<Response, Failure> {
    params.only(&["node"])?;
    let node: Option<NodeId> = params.get("node")?;
    let node = node.ok_or_else(|| Failure::bad("`node` is missing: whose commands?"))?;
    let pool = params.pool()?;
    app.is_ready(&pool)?;
    let orders = Orders(app.engine.commands(pool, node));
    Ok(lines(orders, app.stopping))
}

struct Orders(Receiver<Command>);

impl Pieces for Orders {
    async fn next(&mut self) -> Option<Bytes> {
        let command = self.0.recv().await?;
        let mut line = serde_json::to_vec(&command.order).expect("a command is JSON");
        line.push(b'\n');
        Some(line.into())
    }
}
