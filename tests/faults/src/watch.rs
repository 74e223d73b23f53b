//! What an engine says of each pool: how far the run is, and when all has ended.

use std::path::PathBuf;
use std::time::Duration;

use e2e::http;
use serde::Deserialize;

use crate::scene::POOLS;

/// How long an engine may take.
const QUICK: Duration = Duration::from_millis(1_500);

/// How a pool stands, as the first engine that answers says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Standing {
    /// Executions that are open.
    pub open: usize,
    /// All of them.
    pub executions: usize,
    /// Tasks that wait for a person.
    pub parked: usize,
}

/// All pools together; none if nobody answers for one of them.
pub fn standing(sockets: &[PathBuf]) -> Option<Standing> {
    let mut sum = Standing::default();
    for pool in POOLS {
        let one = sockets.iter().find_map(|socket| ask(socket, pool))?;
        sum.open += one.open;
        sum.executions += one.executions;
        sum.parked += one.parked;
    }
    Some(sum)
}

fn ask(socket: &std::path::Path, pool: &str) -> Option<Standing> {
    let reply = http::ask(socket, &format!("GET /v1/pool?pool={pool}"), &[], &[], QUICK).ok()?;
    (reply.status == 200).then(|| serde_json::from_str(&reply.body).ok())?
}
