//! What we tell the agent, a line of JSON each, without ever waiting for it.
//!
//! Lines wait here in a bounded queue and go out in pieces that a pipe which has room takes at once. When the agent
//! does not read, the oldest progress and checkpoints go: only the last one counts. How often they are reported is for
//! the agent to say.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::write;

use crate::attempt::Notice;

/// Most bytes that wait; some ten checkpoints of the largest kind.
const MAX_QUEUE_BYTES: usize = 1024 * 1024;
/// What a pipe with room takes without waiting: PIPE_BUF.
const PIECE_BYTES: usize = 4096;
/// How long an agent that does not read may hold up our own end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Lines on their way.
#[derive(Debug)]
pub struct Notices {
    output: io::Stdout,
    lines: VecDeque<Line>,
    queued: usize,
    /// Bytes of the first line that are out.
    sent: usize,
    open: bool,
}

#[derive(Debug)]
struct Line {
    bytes: Vec<u8>,
    /// A newer one of its kind says all that it does.
    passing: bool,
}

impl Notices {
    /// Writes to our standard output.
    pub fn new() -> Self {
        Self { output: io::stdout(), lines: VecDeque::new(), queued: 0, sent: 0, open: true }
    }

    /// Says something as soon as the agent takes it.
    pub fn say(&mut self, notice: &Notice) {
        self.queue(notice);
        self.send();
    }

    /// Sends on what waits, as far as the agent takes it.
    pub fn send(&mut self) {
        while self.sink().is_some() && self.wait_for_room(0) {
            let Some(line) = self.lines.front() else { return };
            let piece = &line.bytes[self.sent..line.bytes.len().min(self.sent + PIECE_BYTES)];
            match write(&self.output, piece) {
                Ok(n) => self.sent += n,
                Err(Errno::EINTR | Errno::EAGAIN) => return,
                Err(_) => self.open = false, // the agent is gone, which our standard input tells
            }
            if self.sent == line.bytes.len() {
                self.queued -= self.sent;
                self.sent = 0;
                self.lines.pop_front();
            }
        }
    }

    /// What to poll for writing, while something waits.
    pub fn sink(&self) -> Option<BorrowedFd<'_>> {
        (self.open && !self.lines.is_empty()).then(|| self.output.as_fd())
    }

    /// Waits a while for an agent that is slow to read the last words; it also sees our end without them.
    pub fn finish(&mut self) {
        let until = Instant::now() + PATIENCE;
        while self.sink().is_some() && Instant::now() < until {
            self.wait_for_room(100);
            self.send();
        }
    }

    fn queue(&mut self, notice: &Notice) {
        if !self.open {
            return;
        }
        let mut bytes = serde_json::to_vec(notice).expect("a notice is plain data, which is always JSON");
        bytes.push(b'\n');
        self.queued += bytes.len();
        let passing = matches!(notice, Notice::Progress { .. } | Notice::Checkpoint { .. });
        self.lines.push_back(Line { bytes, passing });
        while self.queued > MAX_QUEUE_BYTES {
            // The first line may be half out, so it stays.
            let Some(at) = (1..self.lines.len()).find(|at| self.lines[*at].passing) else { break };
            let dropped = self.lines.remove(at).expect("found just above");
            self.queued -= dropped.bytes.len();
        }
    }

    fn wait_for_room(&mut self, at_most_ms: u16) -> bool {
        let mut sink = [PollFd::new(self.output.as_fd(), PollFlags::POLLOUT)];
        match poll(&mut sink, PollTimeout::from(at_most_ms)) {
            Ok(n) => n > 0,
            Err(_) => false,
        }
    }
}
