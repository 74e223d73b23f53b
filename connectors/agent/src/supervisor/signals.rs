//! Signals to the supervisor: a child has ended, or the machine or a person tells us to stop.
//!
//! They are handled, not blocked: a command would inherit what is blocked, and never hear a SIGTERM again.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level::pipe};

/// Signals, taken.
#[derive(Debug)]
pub struct Signals {
    stop: Arc<AtomicBool>,
    wake: UnixStream,
}

impl Signals {
    /// Takes them from here on.
    pub fn take() -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (wake, bell) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        for signal in [SIGTERM, SIGINT, SIGHUP] {
            flag::register(signal, Arc::clone(&stop))?;
        }
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGCHLD] {
            pipe::register(signal, bell.try_clone()?)?;
        }
        Ok(Self { stop, wake })
    }

    /// Whether we were told to stop since this was last asked. Empties what is to be polled.
    pub fn told_to_stop(&mut self) -> bool {
        let mut bytes = [0; 64];
        while matches!(self.wake.read(&mut bytes), Ok(n) if n > 0) {}
        self.stop.swap(false, Ordering::Relaxed)
    }
}

impl AsFd for Signals {
    /// What to poll for reading.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}
