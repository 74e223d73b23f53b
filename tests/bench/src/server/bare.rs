//! The bare loop: the least that any engine of this kind must do. A report comes over HTTP and is stored; what was
//! stored is read, and a record of the same size as the engine's is stored for it; then a line goes out. It decides
//! nothing: whoever has finished gets the next lease.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use embedded::EmbeddedLog;
use futures_util::stream::unfold;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use protocol::log::{AppendError, Log, NewRecord, Record, Stream, Topic};
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot};

use crate::Failure;
use crate::nodes::SLOTS;
use crate::server::told_to_stop;

const REPORTS: Stream = Stream { topic: Topic::Reports, partition: 0 };
const JOURNAL: Stream = Stream { topic: Topic::Journal, partition: 0 };
/// What an entry of the engine holds for an attempt that has ended and the next dispatch, beyond the report.
const ENTRY_BYTES: usize = 1_200;

type Answer = Response<BoxBody<Bytes, Infallible>>;
type Streams = Arc<Mutex<BTreeMap<String, mpsc::Sender<Bytes>>>>;

/// Serves from a folder.
pub async fn serve(folder: &Path) -> Result<(), Failure> {
    let log: Arc<dyn Log> = Arc::new(EmbeddedLog::open(&folder.join("log"), &embedded::Options::default())?);
    let socket = folder.join("bare.sock");
    let listener = UnixListener::bind(&socket)?;
    let streams = Streams::default();
    let (loops, sends) = (log.clone(), streams.clone());
    std::thread::Builder::new().name("loop".to_owned()).spawn(move || run(loops.as_ref(), &sends))?;
    println!("{} 0 0", socket.display());
    let serving = async {
        loop {
            let (stream, _) = listener.accept().await?;
            let (log, streams) = (log.clone(), streams.clone());
            let service = service_fn(move |request| answer(request, log.clone(), streams.clone()));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    };
    tokio::select! {
        ended = serving => ended,
        () = told_to_stop() => Ok(()),
    }
}

async fn answer(request: Request<Incoming>, log: Arc<dyn Log>, streams: Streams) -> Result<Answer, hyper::Error> {
    let node = request.uri().query().and_then(|q| q.split("node=").nth(1)).unwrap_or_default().to_owned();
    if request.uri().path() == "/v1/commands" {
        return Ok(commands(node, &streams));
    }
    let body = request.into_body().collect().await?.to_bytes();
    let text = String::from_utf8_lossy(&body);
    let is_beat = text.contains("\"beat\":");
    let mut status = StatusCode::OK;
    if !is_beat {
        let record = |line: &str| NewRecord { key: node.clone().into(), header: Vec::new(), value: line.into() };
        let records: Vec<NewRecord> = text.lines().map(record).collect();
        let (sender, stored) = oneshot::channel();
        let done = move |outcome: Result<Vec<u64>, AppendError>| {
            // Who no longer waits does not mind.
            let _ = sender.send(outcome.is_ok());
        };
        log.append(REPORTS, records, Box::new(done));
        if !stored.await.unwrap_or(false) {
            status = StatusCode::SERVICE_UNAVAILABLE;
        }
    }
    let mut response = Response::new(Full::new(Bytes::from_static(b"{}")).boxed());
    *response.status_mut() = status;
    Ok(response)
}

/// Opens a stream, with a start for each slot.
fn commands(node: String, streams: &Streams) -> Answer {
    let (sender, receiver) = mpsc::channel(1_024);
    for slot in 0..SLOTS {
        // There is room for them.
        let _ = sender.try_send(start(&format!("{node}-{slot}")));
    }
    streams.lock().unwrap_or_else(PoisonError::into_inner).insert(node, sender);
    let lines = unfold(receiver, async |mut receiver| {
        let line = receiver.recv().await?;
        Some((Ok::<_, Infallible>(Frame::data(line)), receiver))
    });
    Response::new(BodyExt::boxed(StreamBody::new(lines)))
}

/// Reads what was stored, stores a record for it, and lets the lines out when that is durable.
fn run(log: &dyn Log, streams: &Streams) {
    let mut position = 0;
    loop {
        log.wait(&[(REPORTS, position)], Duration::from_secs(1));
        let Ok(page) = log.read(REPORTS, position, 256 * 1024) else { return };
        position = page.next;
        if page.records.is_empty() {
            continue;
        }
        let finished = |record: &&Record| record.value.windows(10).any(|w| w == b"\"finished\"");
        let nodes: Vec<(String, u64)> = page
            .records
            .iter()
            .filter(finished)
            .map(|record| (String::from_utf8_lossy(&record.key).into_owned(), record.position))
            .collect();
        let mut value: Vec<u8> = page.records.iter().flat_map(|record| record.value.clone()).collect();
        value.resize(value.len() + nodes.len() * ENTRY_BYTES, b' ');
        let streams = streams.clone();
        let record = NewRecord { key: Vec::new(), header: Vec::new(), value };
        let done = move |_| {
            let streams = streams.lock().unwrap_or_else(PoisonError::into_inner);
            for (node, position) in nodes {
                if let Some(stream) = streams.get(&node) {
                    // A full stream loses a start: the node shows it by an idle slot.
                    let _ = stream.try_send(start(&position.to_string()));
                }
            }
        };
        log.append(JOURNAL, vec![record], Box::new(done));
    }
}

fn start(lease: &str) -> Bytes {
    let run = ["sh", "-e", "-c", "make test"];
    let start = serde_json::json!({ "kind": "start", "lease": lease, "run": run, "timeout_ms": 3_600_000 });
    format!("{start}\n").into()
}
