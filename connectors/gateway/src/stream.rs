//! Answers that stay open: line after line, with an empty line whenever nothing came for 10 s, until the gateway stops.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// How long a stream may be silent.
const SILENCE: Duration = Duration::from_secs(10);

/// What comes piece by piece.
pub trait Pieces: Send + 'static {
    /// The next piece; none when it has ended. Dropped and called again when a stream has been silent.
    fn next(&mut self) -> impl Future<Output = Option<Bytes>> + Send;
}

/// An answer of JSON lines, with an empty line at once and then in each silence.
pub fn lines(pieces: impl Pieces, stopping: watch::Receiver<bool>) -> Response {
    let first = Bytes::from_static(b"\n");
    let stream = unfold((Some(first), pieces, stopping), async |(first, mut pieces, mut stopping)| {
        let piece = match first {
            Some(first) => first,
            None => tokio::select! {
                () = stopped(&mut stopping) => return None,
                piece = timeout(SILENCE, pieces.next()) => piece.unwrap_or_else(|_| Some(Bytes::from_static(b"\n")))?,
            },
        };
        Some((Ok::<_, Infallible>(piece), (None, pieces, stopping)))
    });
    (headers("application/x-ndjson"), Body::from_stream(stream)).into_response()
}

/// An answer of text, as it comes.
pub fn text(pieces: impl Pieces, stopping: watch::Receiver<bool>) -> Response {
    let stream = unfold((pieces, stopping), async |(mut pieces, mut stopping)| {
        let piece = tokio::select! {
            () = stopped(&mut stopping) => return None,
            piece = pieces.next() => piece?,
        };
        Some((Ok::<_, Infallible>(piece), (pieces, stopping)))
    });
    (headers("text/plain; charset=utf-8"), Body::from_stream(stream)).into_response()
}

/// Headers of what a browser shall neither keep nor guess the type of.
pub fn headers(content_type: &'static str) -> [(HeaderName, HeaderValue); 3] {
    [
        (CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff")),
    ]
}

/// Waits until the gateway stops.
pub async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error says that the gateway is gone, which is no other thing.
    drop(stopping.wait_for(|stop| *stop).await);
}

/// Waits a little: for what nobody tells of.
pub async fn a_moment() {
    sleep(Duration::from_millis(300)).await;
}
