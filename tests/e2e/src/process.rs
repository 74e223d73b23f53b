//! One process of a world that runs beside the test: an engine, an agent, a node.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::wait;

/// A process that runs, in a process group of its own; its words go to a file. Dropped, it is killed.
#[derive(Debug)]
pub struct Running {
    /// What it is called here.
    pub name: String,
    child: Child,
    words: PathBuf,
    ended: Option<ExitStatus>,
}

impl Running {
    pub(crate) fn start(name: &str, command: &mut Command, words: PathBuf) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(&words)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).process_group(0);
        let child = command.spawn()?;
        Ok(Self { name: name.to_owned(), child, words, ended: None })
    }

    /// Its number.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("the kernel numbers processes by positive i32"))
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        // It may have ended by itself: then whoever waits for what the signal does will see that.
        let _ = kill(self.pid(), signal);
    }

    /// Waits until it takes this signal itself, instead of dying of it.
    pub fn takes(&self, signal: Signal) {
        let bit = 1_u64 << (signal as i32 - 1);
        wait::for_it(&format!("{} takes {signal}", self.name), || {
            let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & bit != 0)
        });
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().expect("a child can be waited for");
        }
        self.ended
    }

    /// Waits until it has ended.
    pub fn wait(&mut self) -> ExitStatus {
        let what = format!("{} ends", self.name);
        wait::until(&what, || self.ended())
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        self.wait();
    }

    /// Asks it to stop, and waits until it has, well.
    pub fn stop(&mut self) {
        self.signal(Signal::SIGTERM);
        let status = self.wait();
        assert!(status.success(), "{} ended with {status}:\n{}", self.name, self.said());
    }

    /// All that it, and those of its name before it, printed.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.words).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already, most of the time.
        let _ = killpg(self.pid(), Signal::SIGKILL);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
