//! The loop of one attempt: from the start of its command until no process of it lives.
//!
//! An attempt *runs*; then it may be *asked* to end (SIGTERM to all, and a grace for all, since the shell in front is
//! gone before the tests behind it have cleaned up); then all that lives is *killed*, again and again until nothing
//! is left. Once the main process of a running attempt has ended, what it left behind is killed at once. The first
//! cause of an end is the one that is reported.

use std::io::{ErrorKind, PipeReader, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use model::Millis;
use model::report::{Cause, End};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use super::capture::Capture;
use super::door::{Door, Said};
use super::kill::{self, Swept};
use super::launch::{Launched, launch};
use super::limits::{Limits, Now};
use super::notes::Notes;
use super::notices::Notices;
use super::orders::{Heard, Orders};
use super::results::{self, Moment};
use super::signals::Signals;
use super::usage::Usage;
use crate::attempt::{Instruction, Notice, Spec};

/// Longest sleep: `poll` stands still in suspend, and the engine's clock does not.
const MAX_SLEEP: Duration = Duration::from_millis(250);
/// Most output taken in one round, and in all after the last process has ended: more than any pipe holds.
const MAX_READS: usize = 64;
const READ_BYTES: usize = 64 * 1024;
/// From one look for survivors to the next: at first, and at most.
const LOOK_EACH: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(200));
/// How long a killed process that waits in the kernel is waited for. It runs no instruction of its own any more.
const STUCK: Duration = Duration::from_secs(60);

/// An attempt whose command runs.
pub struct Watch<'a> {
    child: Child,
    main: Pid,
    began: Moment,
    output: Option<PipeReader>,
    capture: Capture,
    orders: Orders,
    notices: &'a mut Notices,
    door: Door,
    signals: Signals,
    limits: Limits,
    usage: Usage,
    grace: Duration,
    phase: Phase,
    main_ended: bool,
    cause: Option<Cause>,
    checkpoint: Option<String>,
    notes: Notes,
}

/// How far its end is.
#[derive(Debug, Clone, Copy)]
enum Phase {
    Running,
    Asked { kill_at: Instant, look_at: Instant },
    Killing { since: Instant, look_at: Instant, pause: Duration },
    Over,
}

/// An attempt of which nothing lives any more.
#[derive(Debug)]
pub struct Ended {
    /// How, but for its result files and its note.
    pub end: End,
    /// The last checkpoint that it gave.
    pub checkpoint: Option<String>,
    /// What else there is to say.
    pub notes: Notes,
}

impl<'a> Watch<'a> {
    /// Starts the command of a spec, or says for which cause it never ran.
    pub fn begin(folder: &Path, spec: &Spec, notices: &'a mut Notices) -> Result<Self, (Cause, String)> {
        let never = |why: String| (Cause::Start, why);
        let signals = Signals::take().map_err(|e| never(format!("signals cannot be taken: {e}")))?;
        let now = Now::read();
        let limits = Limits::new(spec, now);
        if let Some(cause @ (Cause::Strict | Cause::Orphan)) = limits.passed(now) {
            return Err((cause, "the engine was last heard too long ago when it was about to start".into()));
        }
        let door = Door::open(folder).map_err(|e| never(format!("REPRISE_SOCKET cannot be opened: {e}")))?;
        let capture =
            Capture::begin(folder, spec.output_bytes).map_err(|e| never(format!("its output cannot be kept: {e}")))?;
        let began = results::now(spec, folder);
        let Launched { child, main, output } = launch(folder, spec, door.path()).map_err(never)?;
        failpoint::hit("supervisor.command.started");
        notices.say(&Notice::Started { pid: child.id() });
        Ok(Self {
            child,
            main,
            began,
            output: Some(output),
            capture,
            orders: Orders::new(),
            notices,
            door,
            signals,
            limits,
            usage: Usage::new(spec.start.memory_mb, now.awake),
            grace: Duration::from_millis(spec.start.grace_ms.0),
            phase: Phase::Running,
            main_ended: false,
            cause: None,
            checkpoint: None,
            notes: Notes::default(),
        })
    }

    /// When it began, by the clock of the file system: a result file that has not changed since is not its own.
    pub fn began(&self) -> Moment {
        self.began
    }

    /// Watches it until nothing of it lives.
    pub fn until_ended(mut self) -> Ended {
        while !matches!(self.phase, Phase::Over) {
            let ready = self.wait();
            self.see_main(); // first of all: what has ended by itself was not ended by what we hear next
            if ready.output {
                self.read_output();
            }
            if ready.orders {
                self.hear();
            }
            self.see_guests();
            self.see_signals();
            self.judge(Now::read());
            self.notices.send();
        }
        self.read_output();
        self.see_guests();
        self.verdict()
    }

    /// Sleeps until something happens or is due.
    fn wait(&self) -> Ready {
        let mut sources: Vec<(Source, BorrowedFd<'_>, PollFlags)> = Vec::new();
        sources.push((Source::Other, self.signals.as_fd(), PollFlags::POLLIN));
        sources.extend(self.output.as_ref().map(|o| (Source::Output, o.as_fd(), PollFlags::POLLIN)));
        sources.extend(self.orders.source().map(|fd| (Source::Orders, fd, PollFlags::POLLIN)));
        sources.extend(self.notices.sink().map(|fd| (Source::Other, fd, PollFlags::POLLOUT)));
        sources.extend(self.door.sources().map(|fd| (Source::Other, fd, PollFlags::POLLIN)));

        let mut fds: Vec<_> = sources.iter().map(|(_, fd, flags)| PollFd::new(*fd, *flags)).collect();
        // A millisecond more than what is left, so that what was due at the wake-up is due after it.
        let sleep = self.sleep(Now::read()).saturating_add(Duration::from_millis(1)).min(MAX_SLEEP);
        let timeout = PollTimeout::try_from(sleep).unwrap_or(PollTimeout::ZERO);
        let woken = matches!(poll(&mut fds, timeout), Ok(n) if n > 0);
        let ready =
            |source| woken && sources.iter().zip(&fds).any(|((s, ..), fd)| *s == source && fd.any() == Some(true));
        Ready { output: ready(Source::Output), orders: ready(Source::Orders) }
    }

    fn sleep(&self, now: Now) -> Duration {
        let left = |at: Instant| at.saturating_duration_since(now.awake);
        let own = match self.phase {
            Phase::Running => self.limits.next(now).min(left(self.usage.due())),
            Phase::Asked { kill_at, look_at } => left(kill_at).min(left(look_at)),
            Phase::Killing { look_at, .. } => left(look_at),
            Phase::Over => Duration::ZERO,
        };
        own.min(self.door.due().map_or(MAX_SLEEP, left))
    }

    fn read_output(&mut self) {
        let mut bytes = [0; READ_BYTES];
        for _ in 0..MAX_READS {
            let Some(output) = &mut self.output else { return };
            match output.read(&mut bytes) {
                Ok(0) => self.output = None,
                Ok(n) => {
                    self.capture.take(&bytes[..n]);
                    self.limits.heard(Instant::now());
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => return,
                Err(e) => {
                    self.notes.add(format!("its output cannot be read: {e}"));
                    self.output = None;
                }
            }
        }
    }

    fn hear(&mut self) {
        for heard in self.orders.read() {
            match heard {
                Heard::Instruction(Instruction::Renew { lives_until_ms }) => self.limits.renew(lives_until_ms),
                Heard::Instruction(Instruction::Cancel { grace_ms: Millis(grace) }) => {
                    self.end(Cause::Cancel, Duration::from_millis(grace));
                }
                Heard::Unknown => self.notes.add("the agent said something that this version does not know"),
                Heard::Gone => self.end(Cause::Agent, Duration::ZERO),
            }
        }
    }

    fn see_guests(&mut self) {
        let now = Instant::now();
        for said in self.door.serve(now) {
            self.limits.heard(now);
            match said {
                Said::Progress { fraction, note } => self.notices.say(&Notice::Progress { fraction, note }),
                Said::Checkpoint { text } => {
                    self.notices.say(&Notice::Checkpoint { text: text.clone() });
                    self.checkpoint = Some(text);
                }
            }
        }
    }

    fn see_signals(&mut self) {
        if self.signals.told_to_stop() {
            self.end(Cause::Agent, self.grace);
        }
    }

    /// Notices the end of the main process, and leaves it unreaped: its number stays taken.
    fn see_main(&mut self) {
        if self.main_ended {
            return;
        }
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        // An error that is not an interruption is an end that has no name there, such as by a real-time signal.
        self.main_ended = !matches!(waitid(Id::Pid(self.main), look), Ok(WaitStatus::StillAlive) | Err(Errno::EINTR));
        if self.main_ended && matches!(self.phase, Phase::Running) {
            self.kill();
        }
    }

    /// Does what is due.
    fn judge(&mut self, now: Now) {
        match self.phase {
            Phase::Running => {
                if let Some(cause) = self.limits.passed(now) {
                    let grace = if cause == Cause::Strict { Duration::ZERO } else { self.grace };
                    self.end(cause, grace);
                } else {
                    self.see_usage(now.awake);
                }
            }
            Phase::Asked { kill_at, look_at } => {
                self.see_usage(now.awake);
                if now.awake >= kill_at || self.limits.passed(now) == Some(Cause::Strict) {
                    self.kill();
                } else if now.awake >= look_at {
                    if self.main_ended && !kill::any_alive() {
                        self.kill();
                    } else {
                        self.phase = Phase::Asked { kill_at, look_at: now.awake + LOOK_EACH.1 / 4 };
                    }
                }
            }
            Phase::Killing { since, look_at, pause } if now.awake >= look_at => self.sweep(since, pause),
            Phase::Killing { .. } | Phase::Over => {}
        }
    }

    fn see_usage(&mut self, now: Instant) {
        if now < self.usage.due() {
            return;
        }
        if let Some(held_mb) = self.usage.look(self.main) {
            self.notes.add(format!("its processes held {held_mb} MiB together"));
            self.end(Cause::Memory, Duration::ZERO);
        }
    }

    /// Ends it for a cause; the first cause counts, and the shortest grace.
    fn end(&mut self, cause: Cause, grace: Duration) {
        let now = Instant::now();
        let kill_at = now + grace;
        match self.phase {
            Phase::Running => {
                self.cause = Some(cause);
                self.usage.look(self.main); // the last time to see what they hold together
                if grace.is_zero() {
                    return self.kill();
                }
                kill::hurry();
                kill::ask_all();
                self.phase = Phase::Asked { kill_at, look_at: now };
            }
            Phase::Asked { kill_at: before, look_at } => {
                self.phase = Phase::Asked { kill_at: before.min(kill_at), look_at };
            }
            Phase::Killing { .. } | Phase::Over => {}
        }
    }

    fn kill(&mut self) {
        kill::hurry();
        self.sweep(Instant::now(), LOOK_EACH.0);
    }

    fn sweep(&mut self, since: Instant, pause: Duration) {
        match kill::sweep(Some(self.main)) {
            Swept::Clean => {
                self.see_main();
                self.phase = Phase::Over;
            }
            Swept::Stuck(pid) if STUCK < since.elapsed() => {
                self.notes.add(format!("process {pid} is killed, but waits in the kernel, which does not let it go"));
                self.phase = Phase::Over;
            }
            Swept::Alive | Swept::Stuck(_) => {
                let look_at = Instant::now() + pause;
                self.phase = Phase::Killing { since, look_at, pause: (pause * 2).min(LOOK_EACH.1) };
            }
            Swept::Foreign(pid) => {
                self.notes.add(format!("process {pid} runs on: it belongs to another user, and cannot be ended"));
                self.phase = Phase::Over;
            }
        }
    }

    fn verdict(mut self) -> Ended {
        let status = self.child.try_wait().ok().flatten();
        let (cpu_ms, max_rss_mb) = self.usage.finish();
        let captured = self.capture.finish();
        captured.note.into_iter().for_each(|note| self.notes.add(note));
        let (exit, signal) = (status.and_then(|s| s.code()), status.and_then(|s| s.signal()));
        let own = match (signal, exit) {
            (Some(_), _) => Cause::Signal,
            (None, Some(_)) => Cause::Exit,
            // Nobody can tell any more: no verdict on the test.
            (None, None) => Cause::Agent,
        };
        let end = End {
            exit,
            signal,
            cause: self.cause.unwrap_or(own),
            cpu_ms: Millis(cpu_ms),
            max_rss_mb,
            tail: captured.tail,
            tests: None,
            note: String::new(),
        };
        Ended { end, checkpoint: self.checkpoint, notes: self.notes }
    }
}

/// What is there to be read.
struct Ready {
    output: bool,
    orders: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Output,
    Orders,
    /// What is looked at in each round anyway.
    Other,
}
