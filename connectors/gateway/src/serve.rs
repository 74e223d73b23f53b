//! Connections: how many at once, how long they may dally, and who is at the other end.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::{Request, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tower::ServiceExt;

use crate::access::{Door, Peer};
use crate::stream::stopped;

/// Most connections of each listener at once; more wait in the listener's queue.
const CONNECTIONS: usize = 4_096;
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
        let user = user_name(stream.peer_cred()?.uid());
        Ok((stream, Peer::Socket { user: user.into() }))
    }
}

/// Serves connections until told to stop.
pub async fn serve(way: impl Way, router: Router, stopping: watch::Receiver<bool>) {
    let mut told = stopping.clone();
    let room = Arc::new(Semaphore::new(CONNECTIONS));
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
