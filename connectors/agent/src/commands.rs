//! The stream of commands: kept open, read line by line, opened again when it breaks or falls silent.
//!
//! Nothing depends on a command to arrive: a start that a beat does not show is sent again, and what shall not run is
//! named in the answer to each beat. A stream that opens asks for a beat at once, so that the engine knows where it
//! stands.

use std::sync::Arc;
use std::time::Duration;

use model::command::Order;
use tokio::time::{Instant, sleep, timeout};

use crate::backoff::Backoff;
use crate::charges::Charges;
use crate::client::{Client, Lines};
use crate::link::{Heard, Topics};

/// A stream that is silent for longer is dead: an empty line comes each 10 s.
const SILENCE: Duration = Duration::from_secs(25);
/// A stream that lived for so long has not failed to open.
const LIVED: Duration = Duration::from_secs(2);

/// Follows commands, for ever.
pub async fn follow(charges: Arc<Charges>, client: Client) {
    let who = &charges.ledger.who;
    // `+` is the one character of a name that a query reads otherwise.
    let path = format!("/v1/commands?pool={}&node={}", who.pool, who.node).replace('+', "%2B");
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
    loop {
        let opened = Instant::now();
        let why = match timeout(SILENCE, client.lines(&path, &[])).await {
            Ok(Ok(lines)) if lines.status.is_success() => {
                charges.ledger.nudge.notify_one();
                read(&charges, lines).await
            }
            Ok(Ok(lines)) => format!("the engine answered {}", lines.status),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the engine did not answer".to_owned(),
        };
        tracing::debug!("the stream of commands ended, and is opened again: {why}");
        if LIVED < opened.elapsed() {
            backoff.reset();
        }
        sleep(backoff.next()).await;
    }
}

/// The same of a topic, which is followed from the agent's start on: what is said meanwhile waits.
pub async fn follow_topic(charges: Arc<Charges>, topics: &Topics) {
    let Some(mut orders) = topics.orders() else { return };
    charges.ledger.nudge.notify_one();
    while let Some(heard) = orders.recv().await {
        match heard {
            Heard::Gap => charges.ledger.nudge.notify_one(),
            Heard::Order(order) => obey(&charges, order).await,
        }
    }
}

/// Obeys a stream until it ends; says why it did.
async fn read(charges: &Arc<Charges>, mut lines: Lines) -> String {
    loop {
        match timeout(SILENCE, lines.next()).await {
            Ok(Ok(Some(line))) if line.is_empty() => {}
            Ok(Ok(Some(line))) => match serde_json::from_slice::<Order>(&line) {
                Ok(order) => obey(charges, order).await,
                Err(error) => tracing::warn!("a command cannot be read, and is ignored: {error}"),
            },
            Ok(Ok(None)) => return "it was closed".to_owned(),
            Ok(Err(error)) => return error.to_string(),
            Err(_) => return format!("nothing for {} s", SILENCE.as_secs()),
        }
    }
}

async fn obey(charges: &Arc<Charges>, order: Order) {
    match order {
        Order::Start(start) => charges.start(*start).await,
        Order::Cancel { lease, grace_ms, why, id: _, journal: _ } => {
            tracing::info!(%lease, "cancelled: {why}");
            charges.cancel(lease, grace_ms);
        }
        Order::Renew(renew) => drop(charges.obey(&renew)), // an answer that came this way; beats tell of taken names
    }
}
