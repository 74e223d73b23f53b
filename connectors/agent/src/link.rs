//! The way to the engine: HTTP, or Kafka's topics. What differs between the two is here side by side: how reports are
//! sent, how a beat is asked about, how commands are followed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use model::{Heartbeat, NodeId, Renew};
use tokio::time::timeout;

use crate::charges::Charges;
use crate::client::Client;
use crate::node::Error;
use crate::options::Options;
use crate::sender::Sent;
use crate::store::Line;
use crate::{commands, sender};

mod ear;
mod topics;

pub use ear::Heard;
pub use topics::Topics;

/// One way to the engine.
pub enum Link {
    /// Requests over one connection.
    Http(Client),
    /// Records of topics.
    Kafka(Arc<Topics>),
}

impl Link {
    /// As the options say. Waits for Kafka for as long as it takes, but not for an engine.
    pub async fn open(options: &Options, node: &NodeId) -> Result<Self, Error> {
        match &options.kafka {
            None => Ok(Self::Http(Client::new(options.endpoint.clone()))),
            Some(settings) => Ok(Self::Kafka(Arc::new(Topics::open(settings, &options.pool, node).await?))),
        }
    }

    /// Another one of the same way. Over HTTP it has a connection of its own, since one request is under way at a time.
    pub fn another(&self) -> Self {
        match self {
            Self::Http(client) => Self::Http(Client::new(client.endpoint().clone())),
            Self::Kafka(topics) => Self::Kafka(Arc::clone(topics)),
        }
    }

    /// The same, connected only by [`Link::connect`]: for who must know that it may speak to another than before.
    pub fn by_hand(&self) -> Self {
        match self {
            Self::Http(client) => Self::Http(Client::by_hand(client.endpoint().clone())),
            Self::Kafka(topics) => Self::Kafka(Arc::clone(topics)),
        }
    }

    /// Connects if there is no connection; says whether another engine than before may be at the other end.
    pub async fn connect(&self) -> Result<bool, String> {
        match self {
            Self::Http(client) => client.connect().await.map_err(|error| error.to_string()),
            Self::Kafka(topics) => Ok(topics.is_anew()),
        }
    }

    /// Sends some reports together.
    pub async fn send(&self, lines: &[Line]) -> Sent {
        match self {
            Self::Http(client) => sender::send(client, lines).await,
            Self::Kafka(topics) => topics.send(lines).await,
        }
    }

    /// Sends a beat, and waits for its answer. Over Kafka that keeps no later beat back: it waits for one `period`, and
    /// an answer that comes later is obeyed as other orders are. Over HTTP an answer that is late would be lost with its
    /// connection, so there is more time for it.
    pub async fn ask(&self, beat: Heartbeat, period: Duration) -> Result<Renew, String> {
        let (boot, number) = (beat.boot.clone(), beat.beat);
        let mut body = serde_json::to_vec(&beat).map_err(|error| error.to_string())?;
        match self {
            Self::Http(client) => {
                body.push(b'\n');
                let limit = (period * 2).clamp(Duration::from_millis(500), Duration::from_secs(10));
                let answer = timeout(limit, sender::post(client, body.into())).await;
                let answer =
                    answer.map_err(|_| format!("no answer within {limit:?}"))?.map_err(|error| error.to_string())?;
                if !answer.status.is_success() {
                    return Err(format!("{}: {}", answer.status, answer.excerpt()));
                }
                serde_json::from_slice(&answer.body).map_err(|error| format!("its answer cannot be read: {error}"))
            }
            Self::Kafka(topics) => topics.ask((boot, number), body, period).await,
        }
    }

    /// Follows commands, for ever.
    pub async fn follow(self, charges: Arc<Charges>) {
        match self {
            Self::Http(client) => commands::follow(charges, client).await,
            Self::Kafka(topics) => commands::follow_topic(charges, &topics).await,
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(client) => write!(f, "{}", client.endpoint()),
            Self::Kafka(topics) => write!(f, "{topics}"),
        }
    }
}
