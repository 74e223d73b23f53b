//! Sends what an attempt prints, in chunks, over a connection of its own: late rather than in the way of reports.
//!
//! The supervisor only ever appends to the file `output`: the first half of what it may hold while the attempt runs,
//! and what it kept of the rest once the attempt has ended. So whatever is there can be sent. Only where the disk had no
//! room for the outcome is the file cut to a line that says so, which then goes behind what was sent before.

use std::io::{self, SeekFrom};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use hyper::{Method, StatusCode};
use model::LeaseId;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::attempt::GIVEN_UP;
use crate::backoff::Backoff;
use crate::client::{Client, Error};
use crate::endpoint::Endpoint;
use crate::options::Options;

/// The largest chunk.
const CHUNK: u64 = 256 * 1024;
/// How often a growing file is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How long the engine may take to answer.
const ANSWER: Duration = Duration::from_secs(30);
/// How long an engine that answers may fail to take the output of an ended attempt. One that is away is waited for.
const PATIENCE: Duration = Duration::from_secs(600);

/// What became of one chunk.
enum Put {
    Taken,
    Unwanted(String),
    Failed(String),
    Away,
}

/// Where output goes: the engine's door for HTTP, which an agent that speaks Kafka need not know.
pub fn way(options: &Options) -> Option<Endpoint> {
    let is_known = match &options.endpoint {
        Endpoint::Tcp { .. } => true,
        Endpoint::Unix(path) => options.kafka.is_none() || path.exists(),
    };
    if !is_known {
        tracing::warn!("no engine keeps what tasks print, but for the tail in each report: REPRISE_URL names none");
    }
    is_known.then(|| options.endpoint.clone())
}

/// Sends the file `output` in the folder as it grows, until the attempt has ended and all of it is sent.
pub async fn send(client: &Client, lease: LeaseId, folder: &Path, mut ended: watch::Receiver<bool>) {
    let path = folder.join("output");
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
    let (mut sent, mut failing_since) = (0, None);
    loop {
        let is_ended = *ended.borrow_and_update();
        let chunk = match chunk(&path, sent).await {
            Ok(chunk) => chunk,
            Err(error) => return tracing::warn!(%lease, "output after byte {sent} cannot be read: {error}"),
        };
        let is_given_up = chunk == GIVEN_UP;
        let length = chunk.len() as u64;
        let mut wait = LOOK;
        if length == 0 && is_ended {
            return;
        } else if 0 < length {
            match put(client, lease, sent, chunk).await {
                Put::Taken if is_given_up => return,
                Put::Taken => {
                    sent += length;
                    failing_since = None;
                    backoff.reset();
                    continue;
                }
                Put::Unwanted(why) => return tracing::debug!(%lease, "the engine wants no more output: {why}"),
                Put::Failed(why) => {
                    let since = *failing_since.get_or_insert_with(Instant::now);
                    if is_ended && PATIENCE < since.elapsed() {
                        return tracing::warn!(%lease, "output after byte {sent} is lost: {why}");
                    }
                    wait = backoff.next();
                }
                Put::Away => {
                    failing_since = None;
                    wait = backoff.next();
                }
            }
        }
        tokio::select! {
            () = sleep(wait) => {}
            _ = ended.changed(), if !is_ended => {}
        }
    }
}

/// The next bytes from an offset that the file holds now; none if there is no file. One that was given up says that
/// from wherever.
async fn chunk(path: &Path, from: u64) -> io::Result<Bytes> {
    let mut file = match File::open(path).await {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Bytes::new()),
        Err(error) => return Err(error),
    };
    if file.metadata().await?.len() == GIVEN_UP.len() as u64 {
        let mut all = Vec::new();
        (&mut file).take(CHUNK).read_to_end(&mut all).await?;
        if all == GIVEN_UP.as_bytes() {
            return Ok(all.into());
        }
    }
    file.seek(SeekFrom::Start(from)).await?;
    let mut bytes = Vec::new();
    file.take(CHUNK).read_to_end(&mut bytes).await?;
    Ok(bytes.into())
}

async fn put(client: &Client, lease: LeaseId, offset: u64, chunk: Bytes) -> Put {
    let path = format!("/v1/output/{lease}?offset={offset}");
    let headers = [("content-type", "application/octet-stream")];
    match timeout(ANSWER, client.request(Method::PUT, &path, &headers, chunk)).await {
        Ok(Ok(answer)) if answer.status.is_success() => Put::Taken,
        Ok(Ok(answer)) => {
            let words = format!("{}: {}", answer.status, answer.excerpt());
            match answer.status {
                StatusCode::BAD_REQUEST
                | StatusCode::NOT_FOUND
                | StatusCode::METHOD_NOT_ALLOWED
                | StatusCode::CONFLICT
                | StatusCode::GONE
                | StatusCode::PAYLOAD_TOO_LARGE => Put::Unwanted(words),
                _ => Put::Failed(words),
            }
        }
        Ok(Err(Error::NotReached(..) | Error::Broken(_))) | Err(_) => Put::Away,
        Ok(Err(error @ (Error::BadRequest(_) | Error::TooLong(_)))) => Put::Failed(error.to_string()),
    }
}
