//! Connections: how many at once, how long they may dally, and who is at the other end.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::{Request, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tower::ServiceExt;

use crate::access::{Door, Peer};
use crate::stream::stopped;

/// Most connections of each listener at once; more wait in the listener's queue.
const CONNECTIONS: u64 = 4_096;
/// Open files that all else may need: the log, snapshots, output that is written.
const OTHER_FILES: u64 = 100;
/// Open files that are enough for everything.
const MANY_FILES: u64 = 16_384;
/// Users whose names are remembered.
const NAMES: usize = 256;
/// How long the head of a request may take, and a connection may be idle.
const HEAD: Duration = Duration::from_secs(60);
/// Most headers of a request.
const HEADERS: usize = 64;
/// Most bytes of a request's head.
const HEAD_BYTES: usize = 64 * 1024;

/// A way in: TCP or the socket.
pub trait Way: Send + Sync + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Takes the next connection: who is at its other end?
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Peer)>> + Send;
}

/// Over TCP.
#[derive(Debug)]
pub struct OverTcp {
    /// Where.
    pub listener: TcpListener,
    /// What is asked of each request.
    pub door: Arc<Door>,
}

/// Over the socket.
#[derive(Debug)]
pub struct OverSocket {
    /// Where.
    pub listener: UnixListener,
    /// Names of users: to look one up may take as long as a directory server takes, and nobody is let in meanwhile.
    names: Mutex<BTreeMap<u32, Arc<str>>>,
}

impl OverSocket {
    /// Over this socket.
    pub fn new(listener: UnixListener) -> Self {
        Self { listener, names: Mutex::default() }
    }

    fn name(&self, uid: u32) -> Arc<str> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= NAMES && !names.contains_key(&uid) {
            names.clear();
        }
        names.entry(uid).or_insert_with(|| user_name(uid).into()).clone()
    }
}

impl Way for OverTcp {
    type Stream = TcpStream;
    async fn accept(&self) -> io::Result<(TcpStream, Peer)> {
        let (stream, _) = self.listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok((stream, Peer::Tcp(self.door.clone())))
    }
}

impl Way for OverSocket {
    type Stream = UnixStream;
    async fn accept(&self) -> io::Result<(UnixStream, Peer)> {
        let (stream, _) = self.listener.accept().await?;
        let user = self.name(stream.peer_cred()?.uid());
        Ok((stream, Peer::Socket { user }))
    }
}

/// How many connections each of the two listeners may have. Lets this process open as many files as it may.
pub fn connections() -> usize {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((1_024, 1_024));
    let wanted = hard.min(MANY_FILES);
    let raised = soft < wanted && setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_ok();
    share(if raised { wanted } else { soft })
}

fn share(files: u64) -> usize {
    let each = (files.saturating_sub(OTHER_FILES) / 2).clamp(1, CONNECTIONS);
    usize::try_from(each).expect("it is small")
}

/// Serves connections, at most so many at once, until told to stop.
pub async fn serve(way: impl Way, connections: usize, router: Router, stopping: watch::Receiver<bool>) {
    let mut told = stopping.clone();
    let room = Arc::new(Semaphore::new(connections));
    let mut connections = JoinSet::new();
    loop {
        let accepted = async {
            let permit = room.clone().acquire_owned().await.expect("nobody closes it");
            (way.accept().await, permit)
        };
        tokio::select! {
            () = stopped(&mut told) => break,
            Some(_) = connections.join_next() => {}
            (accepted, permit) = accepted => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(connection(stream, peer, router.clone(), stopping.clone(), permit));
                }
                Err(error) => {
                    // Out of file descriptors, say: it is tried again, but not in a hot loop.
                    tracing::warn!("a connection could not be accepted: {error}");
                    sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn connection<S>(
    stream: S,
    peer: Peer,
    router: Router,
    mut stopping: watch::Receiver<bool>,
    _permit: OwnedSemaphorePermit,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        let answer = router.clone().oneshot(request.map(Body::new));
        async move { answer.await as Result<Response, Infallible> }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_headers(HEADERS)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = stopped(&mut stopping) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection broke: {error}");
    }
}

/// A user's name; the number, where it has none.
fn user_name(uid: u32) -> String {
    let named = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid)).ok().flatten();
    named.map_or_else(|| format!("uid {uid}"), |user| user.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_all_else_and_one_listener_some_for_the_other() {
        for (files, each) in [(1_024, 462), (256, 78), (64, 1), (20_000, 4_096), (u64::MAX, 4_096)] {
            assert_eq!(share(files), each, "{files}");
        }
        assert_eq!(connections(), connections(), "what could be raised stays raised");
    }
}
