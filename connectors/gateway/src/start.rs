//! Starts and stops the gateway: binds, writes the token, serves until it is told to stop.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use engine::Engine;
use journal::Tables;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::access::Door;
use crate::app::App;
use crate::output::{Limits, Output};
use crate::route::router;
use crate::serve::{OverSocket, OverTcp, connections, serve};
use crate::socket::Socket;
use crate::stream::stopped;
use crate::token::{self, TokenFile};

/// How long requests under way may take when the gateway stops.
const STOP: Duration = Duration::from_secs(5);
/// How often old output is looked for.
const TIDY: Duration = Duration::from_secs(600);

/// What a gateway is started with.
#[derive(Clone)]
pub struct Options {
    /// Where it listens; port 0 takes any.
    pub listen: SocketAddr,
    /// The user's state folder, for socket and token: `$XDG_STATE_HOME/reprise`, else `~/.local/state/reprise`.
    pub state: PathBuf,
    /// Where output is kept: a folder of its own beside the journal.
    pub output: PathBuf,
    /// How much of it is kept.
    pub limits: Limits,
    /// A token of the administrator's instead of one drawn at each start.
    pub token_file: Option<PathBuf>,
    /// The writer of the tables, if this instance has one.
    pub tables: Option<Tables>,
}

/// Why a gateway did not start.
#[derive(Debug)]
pub enum StartError {
    /// The address cannot be had: taken, most likely.
    Port {
        /// The address.
        listen: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// Another engine of this user lives at that port.
    Lives {
        /// Its socket.
        path: PathBuf,
    },
    /// The socket or its folder cannot be made.
    Socket {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The token cannot be read or written.
    Token {
        /// Its file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It would listen beyond this machine with a token that only this machine knows.
    Open {
        /// The address.
        listen: SocketAddr,
    },
    /// The folder for output cannot be made.
    Output {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port { listen, error } if error.kind() == io::ErrorKind::AddrInUse => {
                write!(f, "{listen} is taken: an engine runs already, or another program; choose one with --listen")
            }
            Self::Port { listen, error } => write!(f, "cannot listen at {listen}: {error}; choose one with --listen"),
            Self::Lives { path } => {
                write!(f, "another engine listens at {}; stop it, or choose another port with --listen", path.display())
            }
            Self::Socket { path, error } => write!(f, "{} cannot be made: {error}", path.display()),
            Self::Token { path, why } => write!(f, "the token file {} cannot be used: {why}", path.display()),
            Self::Open { listen } => {
                write!(f, "{listen} can be reached from other machines: give a token file of your own (--token-file)")
            }
            Self::Output { path, error } => write!(f, "{} cannot be made: {error}", path.display()),
        }
    }
}

impl std::error::Error for StartError {}

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    /// Where it listens.
    pub address: SocketAddr,
    /// Goes before the socket, whose lock says that the port is ours.
    token: Option<TokenFile>,
    socket: Socket,
    stop: watch::Sender<bool>,
    serving: JoinSet<()>,
}

impl Gateway {
    /// Starts a gateway of an engine, on the runtime of the caller.
    pub async fn start(engine: Engine, options: Options) -> Result<Self, StartError> {
        let Options { listen, state, output: folder, limits, token_file, tables } = options;
        if !listen.ip().is_loopback() && token_file.is_none() {
            return Err(StartError::Open { listen });
        }
        let no_port = |error| StartError::Port { listen, error };
        let tcp = TcpListener::bind(listen).await.map_err(no_port)?;
        let address = tcp.local_addr().map_err(no_port)?;
        let (socket, unix) = Socket::open(&state, address.port())?;
        let unix = UnixListener::from_std(unix);
        let unix = unix.map_err(|error| StartError::Socket { path: socket.path.clone(), error })?;
        let (token, secret) = match token_file {
            Some(path) => (None, token::read(&path)?),
            None => TokenFile::write(&state, address.port()).map(|(file, secret)| (Some(file), secret))?,
        };
        let opened = Output::open(folder.clone(), limits);
        let output = Arc::new(opened.map_err(|error| StartError::Output { path: folder, error })?);

        let (stop, stopping) = watch::channel(false);
        let router = router(App::new(engine, output.clone(), tables, stopping.clone()));
        let door = Arc::new(Door { listen: address, token: secret.into() });
        let mut serving = JoinSet::new();
        let each = connections();
        serving.spawn(serve(OverTcp { listener: tcp, door }, each, router.clone(), stopping.clone()));
        serving.spawn(serve(OverSocket::new(unix), each, router, stopping.clone()));
        serving.spawn(tidy(output, stopping));
        Ok(Self { address, token, socket, stop, serving })
    }

    /// The socket.
    pub fn socket(&self) -> &std::path::Path {
        &self.socket.path
    }

    /// The token file that it wrote, if it wrote one.
    pub fn token_file(&self) -> Option<&std::path::Path> {
        self.token.as_ref().map(|token| token.path.as_path())
    }

    /// Takes no more requests, ends streams, and waits a little for what is under way. Then socket and token are gone.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        let ended = async { while self.serving.join_next().await.is_some() {} };
        if timeout(STOP, ended).await.is_err() {
            tracing::warn!("some requests did not end in time, and were broken off");
            self.serving.shutdown().await;
        }
    }
}

async fn tidy(output: Arc<Output>, mut stopping: watch::Receiver<bool>) {
    while timeout(TIDY, stopped(&mut stopping)).await.is_err() {
        let output = output.clone();
        if tokio::task::spawn_blocking(move || output.tidy(SystemTime::now())).await.is_err() {
            tracing::error!("looking for old output failed by a panic: our own bug");
        }
    }
}
