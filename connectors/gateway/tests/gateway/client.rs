//! A client of the gateway, as small as a test needs it: one connection a request.

use std::net::SocketAddr;
use std::path::PathBuf;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::handshake;
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::{TcpStream, UnixStream};

/// One way to the gateway.
#[derive(Debug, Clone)]
pub enum Way {
    Socket(PathBuf),
    Tcp(SocketAddr),
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body of a success, read.
    pub fn read<T: DeserializeOwned>(&self) -> T {
        assert!(self.status.is_success(), "{}: {}", self.status, self.text());
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The problem of a failure: its status and word.
    pub fn problem(&self) -> gateway::view::Problem {
        assert!(!self.status.is_success(), "{}", self.text());
        assert_eq!(self.headers["content-type"], "application/problem+json", "{}", self.text());
        let problem: gateway::view::Problem = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem.status, self.status.as_u16());
        assert!(!problem.detail.is_empty() && !problem.kind.is_empty(), "{problem:?}");
        problem
    }
}

/// An answer that comes line by line.
pub struct Lines {
    body: Incoming,
    read: Vec<u8>,
}

impl Lines {
    /// The next line that is not empty; none when the answer has ended.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                let line = String::from_utf8(line).unwrap();
                if line.trim().is_empty() {
                    continue;
                }
                return Some(line);
            }
            let frame = self.body.frame().await?.unwrap();
            self.read.extend_from_slice(frame.data_ref().unwrap());
        }
    }
}

/// Asks, and reads the whole answer.
pub async fn ask(way: &Way, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
    let (head, answer) = send(way, method, path, headers, body.into()).await.into_parts();
    let body = answer.collect().await.unwrap().to_bytes();
    Answer { status: head.status, headers: head.headers, body }
}

/// Asks for an answer that stays open.
pub async fn lines(way: &Way, path: &str) -> Lines {
    let (head, body) = send(way, "GET", path, &[], Bytes::new()).await.into_parts();
    assert!(head.status.is_success(), "{}", head.status);
    Lines { body, read: Vec::new() }
}

async fn send(way: &Way, method: &str, path: &str, headers: &[(&str, &str)], body: Bytes) -> hyper::Response<Incoming> {
    let host = match way {
        Way::Socket(_) => "localhost".to_owned(),
        Way::Tcp(address) => address.to_string(),
    };
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", host);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(body)).unwrap();
    match way {
        Way::Socket(path) => exchange(UnixStream::connect(path).await.unwrap(), request).await,
        Way::Tcp(address) => exchange(TcpStream::connect(address).await.unwrap(), request).await,
    }
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> hyper::Response<Incoming>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    // Ends with the answer; who reads on keeps it alive.
    tokio::spawn(connection);
    sender.send_request(request).await.unwrap()
}
