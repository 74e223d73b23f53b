//! A TCP proxy between a client and what it talks to: it delays, hangs and cuts when a test says so.
//!
//! One thread accepts; each connection has a reader and a writer in each direction, with a bounded line of delayed
//! pieces between the two. So a delay is one of time, not of throughput.

use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

mod pump;

/// Most connections at a time; more are closed at once.
const CONNECTIONS: usize = 64;
/// From one look for a new connection to the next.
const LOOK: Duration = Duration::from_millis(5);
/// How long what stands behind may take to accept.
const CONNECT: Duration = Duration::from_secs(2);

/// A proxy that runs. Dropped, it cuts everything and is gone.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    accepts: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Listens on a free port for what stands at an address.
    pub fn to(address: &str) -> Self {
        Self::over(TcpListener::bind("127.0.0.1:0").expect("there is a free port"), address)
    }

    /// Listens on this port.
    pub fn at(port: u16, address: &str) -> Self {
        Self::over(TcpListener::bind(("127.0.0.1", port)).expect("the proxy's port is free"), address)
    }

    fn over(listener: TcpListener, address: &str) -> Self {
        let target = address.parse().unwrap_or_else(|error| panic!("{address}: {error}"));
        let port = listener.local_addr().expect("a listener has an address").port();
        let shared = Arc::new(Shared::default());
        shared.change(|state| state.listener = Some(patient(listener)));
        let accepts = spawn({
            let shared = Arc::clone(&shared);
            move || shared.accept(target)
        });
        Self { port, shared, accepts: Some(accepts) }
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What comes in goes out so much later, in each direction.
    pub fn delay(&self, delay: Duration) {
        self.shared.change(|state| state.delay = delay);
    }

    /// Closes all connections and refuses new ones.
    pub fn cut(&self) {
        self.shared.change(State::cut);
    }

    /// Accepts, and forwards nothing; what it holds back goes on when it is healed.
    pub fn hang(&self) {
        self.shared.change(|state| state.hangs = true);
    }

    /// Ends delay, hang and cut. Connections that were cut stay so.
    pub fn heal(&self) {
        self.shared.change(|state| {
            (state.hangs, state.delay) = (false, Duration::ZERO);
            state.listener.get_or_insert_with(|| {
                patient(TcpListener::bind(("127.0.0.1", self.port)).expect("the proxy's port is still free"))
            });
        });
    }

    /// How many connections go through it.
    pub fn connections(&self) -> usize {
        self.shared.state().connections.len()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.change(|state| {
            state.cut();
            state.ended = true;
        });
        if let Some(accepts) = self.accepts.take() {
            let _ = accepts.join(); // it says why itself, had it panicked
        }
    }
}

/// What the proxy's threads share.
#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// None while it is cut.
    listener: Option<TcpListener>,
    connections: BTreeMap<u64, Connection>,
    accepted: u64,
    delay: Duration,
    hangs: bool,
    ended: bool,
}

/// Client and server, and in how many directions there may be something to carry.
#[derive(Debug)]
struct Connection {
    ends: [TcpStream; 2],
    ways: u8,
}

impl Connection {
    fn cut(&self) {
        for end in &self.ends {
            let _ = end.shutdown(Shutdown::Both); // who is gone already is gone
        }
    }
}

impl State {
    fn cut(&mut self) {
        self.listener = None;
        for connection in std::mem::take(&mut self.connections).values() {
            connection.cut();
        }
        self.hangs = false; // who waits to go on sees that there is nowhere to
    }

    /// Whoever waits to be accepted.
    fn next(&self) -> Option<TcpStream> {
        match self.listener.as_ref()?.accept() {
            Ok((stream, _)) => Some(stream),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(_) => None, // gone before it was accepted
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread of the proxy panics with its state")
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    fn accept(self: Arc<Self>, target: SocketAddr) {
        loop {
            let mut state = self.state();
            if state.ended {
                return;
            }
            match state.next() {
                Some(_) if state.connections.len() >= CONNECTIONS => {}
                Some(client) => {
                    // Under the lock: what is cut meanwhile is cut with the others. What stands behind is near.
                    if let Ok(server) = TcpStream::connect_timeout(&target, CONNECT) {
                        let _ = pump::connect(&self, &mut state, client, server); // out of descriptors: closed
                    }
                }
                None => {
                    drop(state);
                    sleep(LOOK);
                }
            }
        }
    }
}

/// A listener that says when there is nobody.
fn patient(listener: TcpListener) -> TcpListener {
    listener.set_nonblocking(true).expect("a listener can be asked without waiting");
    listener
}
