//! An answer that is read line by line as it comes: commands, followed lists, output.

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;

use super::Error;

/// The longest line of a stream, in bytes.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;

/// An answer that comes line by line.
#[derive(Debug)]
pub struct Lines {
    /// Its status; the lines are those of an answer only if it is a success.
    pub status: StatusCode,
    body: Incoming,
    read: BytesMut,
    /// Keeps the connection alive for as long as the body is read.
    _sender: SendRequest<Full<Bytes>>,
}

impl Lines {
    pub(super) fn new(status: StatusCode, body: Incoming, sender: SendRequest<Full<Bytes>>) -> Self {
        Self { status, body, read: BytesMut::new(), _sender: sender }
    }

    /// The next line without its end, which may be empty; `None` once the answer has ended.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let mut searched = 0;
        loop {
            if let Some(end) = self.read[searched..].iter().position(|byte| *byte == b'\n') {
                let mut line = self.read.split_to(searched + end + 1);
                line.truncate(searched + end);
                return Ok(Some(line.freeze()));
            }
            searched = self.read.len();
            if MAX_LINE_BYTES < searched {
                return Err(Error::TooLong(MAX_LINE_BYTES));
            }
            match self.data().await? {
                None => return Ok(None),
                Some(data) => self.read.extend_from_slice(&data),
            }
        }
    }

    /// The next bytes as they come, wherever lines end; `None` once the answer has ended.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, Error> {
        if self.read.is_empty() { self.data().await } else { Ok(Some(self.read.split().freeze())) }
    }

    async fn data(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(Error::Broken(error.to_string())),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }
}
