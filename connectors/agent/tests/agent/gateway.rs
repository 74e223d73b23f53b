//! A gateway without an engine: it notes what a node says, and answers as the test wants.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path as InPath, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use model::command::Order;
use model::{Heartbeat, JournalId, LeaseId, Millis, Renew, Report};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{mpsc, oneshot};

/// What the gateway has seen and how it answers.
#[derive(Debug)]
pub struct World {
    pub reports: Vec<Report>,
    pub beats: Vec<Heartbeat>,
    pub output: BTreeMap<String, Vec<u8>>,
    pub journal: JournalId,
    pub hello: bool,
    pub taken: Option<String>,
    pub stop: Vec<LeaseId>,
    /// Reports, but not beats, get this instead of being taken.
    pub refuse: Option<StatusCode>,
    /// A request with a report of this lease cannot be read.
    pub unreadable: Option<LeaseId>,
    /// The reason why no hello can be read, if none can.
    pub no_hello: Option<String>,
    /// What a request must carry, if anything.
    pub token: Option<String>,
    /// Open streams of commands.
    pub streams: Vec<mpsc::Sender<String>>,
}

type Shared = Arc<Mutex<World>>;

/// A gateway at a socket.
pub struct Gateway {
    world: Shared,
    serving: Option<(oneshot::Sender<()>, thread::JoinHandle<()>)>,
}

impl Gateway {
    /// One that does not listen yet.
    pub fn new() -> Self {
        let world = World {
            reports: Vec::new(),
            beats: Vec::new(),
            output: BTreeMap::new(),
            journal: JournalId(5),
            hello: false,
            taken: None,
            stop: Vec::new(),
            refuse: None,
            unreadable: None,
            no_hello: None,
            token: None,
            streams: Vec::new(),
        };
        Self { world: Arc::new(Mutex::new(world)), serving: None }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// Listens at the socket that an agent of this state folder looks for.
    pub fn open(&mut self, state: &Path) {
        let socket = state.join("7717.sock");
        let _ = std::fs::remove_file(&socket); // of the gateway before this one
        let listener = std::os::unix::net::UnixListener::bind(socket).unwrap();
        listener.set_nonblocking(true).unwrap();
        self.serve(move || UnixListener::from_std(listener).unwrap());
    }

    /// Listens at a free port, which it returns.
    pub fn open_tcp(&mut self) -> u16 {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        self.serve(move || TcpListener::from_std(listener).unwrap());
        port
    }

    fn serve<L>(&mut self, listen: impl FnOnce() -> L + Send + 'static)
    where
        L: axum::serve::Listener<Addr: std::fmt::Debug>,
    {
        let app = Router::new()
            .route("/v1/reports", post(reports))
            .route("/v1/commands", get(commands))
            .route("/v1/output/{lease}", put(output))
            .with_state(Arc::clone(&self.world));
        let (end, ended) = oneshot::channel();
        let thread = thread::spawn(move || {
            // Its own runtime: with it all connections end.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let served = axum::serve(listen(), app).into_future();
                tokio::select! { served = served => served.unwrap(), _ = ended => {} }
            });
        });
        self.serving = Some((end, thread));
    }

    /// Breaks all connections, and listens no more.
    pub fn close(&mut self) {
        if let Some((end, thread)) = self.serving.take() {
            end.send(()).unwrap();
            thread.join().unwrap();
        }
        self.world().streams.clear();
    }

    /// Sends a command on each open stream.
    pub fn order(&self, order: &Order) {
        let line = serde_json::to_string(order).unwrap() + "\n";
        self.world().streams.retain(|stream| stream.try_send(line.clone()).is_ok());
    }
}

async fn reports(State(world): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let mut world = world.lock().unwrap();
    let sent = headers.get("authorization").and_then(|value| value.to_str().ok());
    if world.token.is_some() && world.token.as_deref() != sent {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let text = std::str::from_utf8(&body).unwrap();
    if text.contains(r#""heartbeat""#) {
        let beat: Heartbeat = serde_json::from_str(text).unwrap();
        let answer = Renew {
            boot: beat.boot.clone(),
            beat: beat.beat,
            journal: world.journal,
            for_ms: Millis(25_000),
            orphan_ms: Millis(600_000),
            beat_ms: Millis(50),
            stop: world.stop.clone(),
            hello: world.hello,
            taken: world.taken.clone(),
        };
        world.beats.push(beat);
        return axum::Json(Order::Renew(answer)).into_response();
    }
    if let Some(status) = world.refuse {
        return (status, [("retry-after", "1")]).into_response();
    }
    if world.unreadable.is_some_and(|lease| text.contains(&format!("\"lease\":\"{lease}\""))) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    if let Some(why) = world.no_hello.as_ref().filter(|_| text.contains(r#""kind":"hello""#)) {
        return format!(r#"{{"taken":0,"rejected":[{{"line":1,"reason":"{why}"}}]}}"#).into_response();
    }
    world.reports.extend(text.lines().map(|line| serde_json::from_str::<Report>(line).unwrap()));
    "{}".into_response()
}

async fn commands(State(world): State<Shared>) -> Body {
    let (stream, lines) = mpsc::channel(100);
    world.lock().unwrap().streams.push(stream);
    Body::from_stream(futures_util::stream::unfold(lines, |mut lines: mpsc::Receiver<String>| async {
        let line = lines.recv().await?;
        Some((Ok::<_, std::io::Error>(line), lines))
    }))
}

async fn output(
    State(world): State<Shared>,
    InPath(lease): InPath<String>,
    Query(query): Query<BTreeMap<String, usize>>,
    body: Bytes,
) -> StatusCode {
    let mut world = world.lock().unwrap();
    let kept = world.output.entry(lease).or_default();
    assert!(query["offset"] <= kept.len(), "chunks come in order, though perhaps again");
    kept.truncate(query["offset"]);
    kept.extend_from_slice(&body);
    StatusCode::NO_CONTENT
}
