//! A client of one connection, kept open: what a node's author would write.

use std::path::Path;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use crate::Failure;

/// A connection.
pub struct Connection(SendRequest<Full<Bytes>>);

impl Connection {
    /// Connects to a socket.
    pub async fn open(socket: &Path) -> Result<Self, Failure> {
        let stream = UnixStream::connect(socket).await?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// Sends and reads the whole answer; an answer of failure is a failure.
    pub async fn post(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Bytes, Failure> {
        let response = self.send(Method::POST, path, headers, body.into()).await?;
        whole(response, path).await
    }

    /// Asks and reads the whole answer.
    pub async fn get(&mut self, path: &str) -> Result<Bytes, Failure> {
        let response = self.send(Method::GET, path, &[], Bytes::new()).await?;
        whole(response, path).await
    }

    /// Asks for lines; the connection is theirs from here on.
    pub async fn lines(mut self, path: &str) -> Result<Lines, Failure> {
        let response = self.send(Method::GET, path, &[], Bytes::new()).await?;
        if !response.status().is_success() {
            return Err(format!("{path} was answered {}", response.status()).into());
        }
        Ok(Lines { body: response.into_body(), rest: BytesMut::new(), _connection: self })
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Response<Incoming>, Failure> {
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.0.ready().await?;
        Ok(self.0.send_request(request.body(Full::new(body))?).await?)
    }
}

async fn whole(response: Response<Incoming>, path: &str) -> Result<Bytes, Failure> {
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    if status.is_success() {
        Ok(body)
    } else {
        Err(format!("{path} was answered {status}: {}", String::from_utf8_lossy(&body)).into())
    }
}

/// An answer that comes line by line.
pub struct Lines {
    body: Incoming,
    rest: BytesMut,
    _connection: Connection,
}

impl Lines {
    /// The next line without its end; none when the stream has ended. May be dropped and called again.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            if let Some(end) = self.rest.iter().position(|b| *b == b'\n') {
                let line = self.rest.split_to(end + 1);
                return Ok(Some(line.freeze().slice(..end)));
            }
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            if let Some(data) = frame?.data_ref() {
                self.rest.extend_from_slice(data);
            }
        }
    }
}
