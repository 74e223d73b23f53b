//! A small HTTP client: one kept-alive connection, plain requests, and answers that come line by line.
//!
//! Agent and command line share it. One request is under way at a time, which is what keeps reports in order; who
//! needs two at once makes two clients.

use std::time::Duration;
use std::{fmt, io};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Mutex;

use crate::endpoint::Endpoint;

mod lines;

pub use lines::{Lines, MAX_LINE_BYTES};

/// The longest answer that is read whole, in bytes.
pub const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);

/// A client of one engine.
#[derive(Debug)]
pub struct Client {
    endpoint: Endpoint,
    /// Whether a request may open a connection.
    connects: bool,
    kept: Mutex<Option<Connection>>,
}

#[derive(Debug)]
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    token: Option<HeaderValue>,
}

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Response {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Error {
    /// No engine is there.
    NotReached(Endpoint, io::Error),
    /// The connection broke; the request may or may not have been seen.
    Broken(String),
    /// The request cannot be made of these parts.
    BadRequest(String),
    /// The answer is longer than we read.
    TooLong(usize),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotReached(at, why) => write!(f, "no engine at {at} ({why}); is `reprise up` running?"),
            Self::Broken(why) => write!(f, "the connection to the engine broke: {why}"),
            Self::BadRequest(why) => write!(f, "not a request: {why}"),
            Self::TooLong(bytes) => write!(f, "the engine's answer is longer than {bytes} bytes"),
        }
    }
}

impl std::error::Error for Error {}

impl Client {
    /// A client that connects when it is first used.
    pub fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, connects: true, kept: Mutex::new(None) }
    }

    /// A client that connects only by [`Client::connect`]: for who must know that it may speak to another than before.
    pub fn by_hand(endpoint: Endpoint) -> Self {
        Self { connects: false, ..Self::new(endpoint) }
    }

    /// Connects if there is no connection; says whether there was none.
    pub async fn connect(&self) -> Result<bool, Error> {
        let mut kept = self.kept.lock().await;
        let is_open = kept.as_ref().is_some_and(|connection| !connection.sender.is_closed());
        if !is_open {
            *kept = Some(self.open().await?);
        }
        Ok(!is_open)
    }

    /// Where it sends to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Sends one request and reads the whole answer. Headers are names and values; `path` may have a query.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Response, Error> {
        let mut kept = self.kept.lock().await;
        let reused = kept.take().filter(|connection| !connection.sender.is_closed());
        if let Some(mut connection) = reused {
            let request = self.build(&method, path, headers, body.clone(), connection.token.as_ref())?;
            match ask(&mut connection.sender, request).await {
                Ok(response) => {
                    keep(&mut kept, connection, response.status);
                    return Ok(response);
                }
                // The engine had closed the idle connection: the request was never read.
                Err(Failure::Unsent) => {}
                Err(Failure::Ended(error)) => return Err(error),
            }
        }
        if !self.connects {
            return Err(Error::Broken("it was closed".into()));
        }
        let mut connection = self.open().await?;
        let request = self.build(&method, path, headers, body, connection.token.as_ref())?;
        let response = ask(&mut connection.sender, request).await.map_err(|failure| match failure {
            Failure::Unsent => Error::Broken("closed before the request was sent".into()),
            Failure::Ended(error) => error,
        })?;
        keep(&mut kept, connection, response.status);
        Ok(response)
    }

    /// Sends a GET over a connection of its own, whose answer is read line by line.
    pub async fn lines(&self, path: &str, headers: &[(&str, &str)]) -> Result<Lines, Error> {
        let mut connection = self.open().await?;
        let request = self.build(&Method::GET, path, headers, Bytes::new(), connection.token.as_ref())?;
        let sent = connection.sender.send_request(request).await;
        let (head, body) = sent.map_err(|error| Error::Broken(error.to_string()))?.into_parts();
        Ok(Lines::new(head.status, body, connection.sender))
    }

    fn build(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
        token: Option<&HeaderValue>,
    ) -> Result<Request<Full<Bytes>>, Error> {
        let host = match &self.endpoint {
            Endpoint::Unix(_) => "localhost".to_owned(),
            Endpoint::Tcp { host, port, .. } if host.contains(':') => format!("[{host}]:{port}"),
            Endpoint::Tcp { host, port, .. } => format!("{host}:{port}"),
        };
        let mut request = Request::builder().method(method).uri(path).header(HOST, host);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, token);
        }
        request.body(Full::new(body)).map_err(|error| Error::BadRequest(error.to_string()))
    }

    async fn open(&self) -> Result<Connection, Error> {
        let not_reached = |why| Error::NotReached(self.endpoint.clone(), why);
        let token = match self.endpoint.token() {
            None => None,
            Some(token) => Some(bearer(&token)?),
        };
        let connecting = async {
            match &self.endpoint {
                Endpoint::Unix(path) => shake_hands(UnixStream::connect(path).await?).await,
                Endpoint::Tcp { host, port, .. } => {
                    let stream = TcpStream::connect((host.as_str(), *port)).await?;
                    stream.set_nodelay(true)?;
                    shake_hands(stream).await
                }
            }
        };
        let late = |_| not_reached(io::Error::new(io::ErrorKind::TimedOut, "no connection within 5 s"));
        let sender = tokio::time::timeout(CONNECT, connecting).await.map_err(late)?.map_err(not_reached)?;
        Ok(Connection { sender, token })
    }
}

impl Response {
    /// A header's value, if it is there and plain text.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as text, whatever it is, cut at 300 characters: for messages.
    pub fn excerpt(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(300).collect::<String>().trim().to_owned()
    }
}

enum Failure {
    Unsent,
    Ended(Error),
}

async fn ask(sender: &mut SendRequest<Full<Bytes>>, request: Request<Full<Bytes>>) -> Result<Response, Failure> {
    let broken = |error: hyper::Error| Failure::Ended(Error::Broken(error.to_string()));
    if sender.ready().await.is_err() {
        return Err(Failure::Unsent);
    }
    let unsent = |error: hyper::Error| if error.is_canceled() { Failure::Unsent } else { broken(error) };
    let (head, body) = sender.send_request(request).await.map_err(unsent)?.into_parts();
    let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(|error| {
        Failure::Ended(match error.downcast::<hyper::Error>() {
            Ok(error) => Error::Broken(error.to_string()),
            Err(_) => Error::TooLong(MAX_ANSWER_BYTES),
        })
    })?;
    Ok(Response { status: head.status, headers: head.headers, body: body.to_bytes() })
}

/// Keeps the connection, unless its token was refused: then the next one reads the token again.
fn keep(kept: &mut Option<Connection>, connection: Connection, status: StatusCode) {
    *kept = (status != StatusCode::UNAUTHORIZED).then_some(connection);
}

async fn shake_hands<S>(stream: S) -> io::Result<SendRequest<Full<Bytes>>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    // Ends when the sender is dropped and the last answer was read; its errors reach the sender too.
    tokio::spawn(connection);
    Ok(sender)
}

fn bearer(token: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| Error::BadRequest("the token file holds what no header may hold".into()))?;
    value.set_sensitive(true);
    Ok(value)
}
