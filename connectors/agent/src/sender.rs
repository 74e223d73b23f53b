//! Sends stored reports, in order, one request at a time, until the engine has acknowledged them.
//!
//! At the other end of a new connection may be another engine, with another journal. So nothing is sent over it before
//! a beat that was sent later has told which journal is there: what belongs to the old one is kept aside by then.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::header::RETRY_AFTER;
use hyper::{Method, StatusCode};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::backoff::Backoff;
use crate::client::{Client, Response};
use crate::evidence;
use crate::ledger::Ledger;
use crate::link::Link;
use crate::store::Line;

/// Most reports in one request.
pub const MAX_REPORTS: usize = 1_000;
/// Most bytes in one request, unless one report alone is longer.
pub const MAX_BYTES: usize = 1024 * 1024;
/// How long the engine may take to answer.
const ANSWER: Duration = Duration::from_secs(30);
/// The longest wait that an answer may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// From a report that was dropped to the hello that begins anew: time for others that are dropped with it.
const RESUME: Duration = Duration::from_secs(2);

/// What became of one request.
#[derive(Debug, PartialEq, Eq)]
pub enum Sent {
    /// The engine has them, but for some that it could not read, if it says so here.
    Taken(Option<String>),
    /// Not now.
    Later(Duration),
    /// It will never take them as they are.
    Unreadable(String),
    /// No answer, or none that says what became of them.
    Failed(String),
}

/// Sends what is stored, for ever. The link must be one that connects by hand.
pub async fn send_all(ledger: Arc<Ledger>, link: Link) {
    let mut changes = ledger.changes();
    let mut pace = Pace::new();
    // The number of a report that was dropped will always be missing: a hello after it begins anew.
    let mut hello_due = None;
    loop {
        if hello_due.is_some_and(|due| due <= Instant::now()) {
            hello_due = None;
            ledger.say_hello();
        }
        if ledger.is_sent() {
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return },
                () = sleep_until(hello_due.unwrap_or_else(Instant::now)), if hello_due.is_some() => {}
            }
            continue;
        }
        match link.connect().await {
            Ok(false) => {}
            Ok(true) => ledger.heard_anew().await,
            Err(error) => {
                pace.after(Sent::Failed(error), 0).await;
                continue;
            }
        }
        let lines = ledger.next(pace.most, MAX_BYTES); // what the answer to that beat put aside is not among them
        let Some(last) = lines.last().map(|line| line.seq) else { continue };
        let sent = link.send(&lines).await;
        let rejected = match &sent {
            Sent::Unreadable(why) | Sent::Taken(Some(why)) => Some(why.clone()),
            Sent::Taken(None) | Sent::Later(_) | Sent::Failed(_) => None,
        };
        if pace.after(sent, lines.len()).await {
            failpoint::hit("agent.reports.sent");
            if let Some(why) = rejected {
                hello_due = hello_due.or(Some(Instant::now() + RESUME));
                ledger.rejected(last, why);
            }
            ledger.acked(last);
        }
    }
}

/// How many to send at once and how long to wait, learned from what became of the requests before.
pub struct Pace {
    /// Most reports in the next request.
    pub most: usize,
    backoff: Backoff,
    failing: bool,
}

impl Pace {
    /// At full pace.
    pub fn new() -> Self {
        let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
        Self { most: MAX_REPORTS, backoff, failing: false }
    }

    /// Waits as long as the answer asks for; says whether the reports are done with. A report that the engine cannot
    /// read is given up, once it has been sent alone: it must not hold up the rest.
    pub async fn after(&mut self, sent: Sent, count: usize) -> bool {
        match sent {
            Sent::Taken(rejected) => {
                if let Some(why) = rejected {
                    tracing::error!("the engine cannot read some reports, which are dropped: {why}");
                }
                if self.failing {
                    tracing::info!("reports are taken again");
                }
                (self.most, self.failing) = ((self.most * 2).min(MAX_REPORTS), false);
                self.backoff.reset();
                true
            }
            Sent::Unreadable(why) if count == 1 => {
                tracing::error!("the engine cannot read a report, which is dropped: {why}");
                self.most = MAX_REPORTS;
                true
            }
            Sent::Unreadable(_) => {
                self.most = (count / 2).max(1);
                false
            }
            Sent::Later(wait) => {
                sleep(wait).await;
                false
            }
            Sent::Failed(why) => {
                if !self.failing {
                    tracing::warn!("reports wait: {why}");
                }
                self.failing = true;
                sleep(self.backoff.next()).await;
                false
            }
        }
    }
}

/// Sends some reports in one request over HTTP.
pub async fn send(client: &Client, lines: &[Line]) -> Sent {
    let mut body = BytesMut::with_capacity(lines.iter().map(|line| line.json.len()).sum());
    lines.iter().for_each(|line| body.extend_from_slice(&line.json));
    match timeout(ANSWER, post(client, body.freeze())).await {
        Ok(Ok(response)) => judge(&response),
        Ok(Err(error)) => Sent::Failed(error.to_string()),
        Err(_) => Sent::Failed(format!("no answer within {} s", ANSWER.as_secs())),
    }
}

/// One request with lines of reports or one beat.
pub async fn post(client: &Client, body: Bytes) -> Result<Response, crate::client::Error> {
    client.request(Method::POST, "/v1/reports", &[("content-type", "application/x-ndjson")], body).await
}

fn judge(response: &Response) -> Sent {
    let retry_after = response.header(&RETRY_AFTER).and_then(|text| text.parse().ok()).map(Duration::from_secs);
    let words = || format!("{}: {}", response.status, response.excerpt());
    if response.status.is_success() {
        return Sent::Taken(rejected(&response.body));
    }
    match (response.status, retry_after) {
        (
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::INSUFFICIENT_STORAGE,
            Some(wait),
        ) => Sent::Later(wait.clamp(Duration::from_millis(100), MAX_RETRY_AFTER)),
        (StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY, _) => {
            Sent::Unreadable(words())
        }
        (_, _) => Sent::Failed(words()),
    }
}

/// What an acknowledgement says of lines that could not be read.
fn rejected(body: &[u8]) -> Option<String> {
    let answer: serde_json::Value = serde_json::from_slice(body).ok()?;
    let rejected = answer.get("rejected")?;
    let is_none = rejected.as_u64() == Some(0) || rejected.as_array().is_some_and(Vec::is_empty) || rejected.is_null();
    let reasons = rejected.as_array().into_iter().flatten().filter_map(|line| line.get("reason")?.as_str());
    let reasons = reasons.collect::<Vec<_>>().join("; ");
    let words = if reasons.is_empty() { rejected.to_string() } else { reasons };
    (!is_none).then(|| evidence::cut(&words, 300).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_means_one_thing() {
        let later = |seconds| Sent::Later(Duration::from_secs(seconds));
        for (status, retry_after, want) in [
            (200, None, Sent::Taken(None)),
            (202, None, Sent::Taken(None)),
            (429, Some("2"), later(2)),
            (503, Some("9999"), later(60)),
            (507, Some("1"), later(1)),
            (503, None, Sent::Failed("503 Service Unavailable: x".into())),
            (400, None, Sent::Unreadable("400 Bad Request: x".into())),
            (413, None, Sent::Unreadable("413 Payload Too Large: x".into())),
            (401, None, Sent::Failed("401 Unauthorized: x".into())),
            (404, None, Sent::Failed("404 Not Found: x".into())),
        ] {
            let mut headers = hyper::HeaderMap::new();
            if let Some(seconds) = retry_after {
                headers.insert(RETRY_AFTER, seconds.parse().unwrap());
            }
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(judge(&Response { status, headers, body: "x".into() }), want, "{status}");
        }
    }

    #[test]
    fn lines_that_were_not_read_are_noticed_whichever_way_they_are_told() {
        for (body, want) in [
            (r#"{"taken":2,"rejected":[]}"#, None),
            (r#"{"taken":2,"rejected":0}"#, None),
            (r#"{"taken":2}"#, None),
            ("", None),
            (r#"{"taken":1,"rejected":1}"#, Some("1")),
            (r#"{"rejected":[{"line":2}]}"#, Some(r#"[{"line":2}]"#)),
            (r#"{"rejected":[{"line":1,"reason":"a"},{"line":2,"reason":"b"}]}"#, Some("a; b")),
        ] {
            assert_eq!(rejected(body.as_bytes()).as_deref(), want, "{body}");
        }
    }
}
