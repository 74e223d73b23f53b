//! Asks the engine on a person's behalf, and turns what became of it into an answer.

use std::time::SystemTime;

use model::request::{Answer, Ask, Request};
use model::{ExecutionId, Key, PoolId};

use crate::Moment;
use crate::access::Peer;
use crate::app::App;
use crate::failure::Failure;
use crate::view::At;
use crate::view::execution::{ExecutionView, MAX_RECKONED, execution};

/// Who asks which pool, with which key, and why.
#[derive(Debug, Clone)]
pub struct Asker {
    /// The pool.
    pub pool: PoolId,
    /// The idempotency key.
    pub key: Key,
    /// Who.
    pub who: String,
    /// Why.
    pub reason: String,
}

/// The longest reason, in bytes.
const MAX_REASON: usize = 1_000;

impl Asker {
    /// Somebody at the door.
    pub fn new(pool: PoolId, key: Key, peer: &Peer, reason: String) -> Result<Self, Failure> {
        match reason.len() > MAX_REASON {
            true => Err(Failure::bad(format!("`reason` has at most {MAX_REASON} bytes"))),
            false => Ok(Self { pool, key, who: peer.who().to_owned(), reason }),
        }
    }

    /// Asks, and waits until it is decided: the execution that it is about, and the position of the decision. A part of
    /// an upload that is not the last is only stored, and not answered.
    pub async fn ask(&self, app: &App, ask: Ask) -> Result<Option<(Option<ExecutionId>, u64)>, Failure> {
        let request = Request {
            pool: self.pool.clone(),
            key: self.key.clone(),
            who: self.who.clone(),
            at: Moment::from(SystemTime::now()).0,
            reason: self.reason.clone(),
            ask,
        };
        let answer = app.engine.ask(request).await?;
        failpoint::hit("gateway.request.answered");
        match answer {
            None => Ok(None),
            Some((Answer::Done { execution }, position)) => Ok(Some((execution, position))),
            Some((Answer::Refused { refusal, message }, _)) => Err(Failure::refused(refusal, message)),
        }
    }

    /// An execution after it was asked about; none if it has left the state meanwhile.
    pub fn view(&self, app: &App, id: &ExecutionId) -> Option<ExecutionView> {
        app.engine.read(&self.pool, |replica| {
            let pool = replica.state.pools.get(&self.pool)?;
            let at = At::of(replica, pool);
            Some(execution((&self.pool, pool), pool.execution_named(id)?, at, &mut { MAX_RECKONED }))
        })
    }
}
