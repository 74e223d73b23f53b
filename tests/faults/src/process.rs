//! A process under test: started, killed, stopped, and gone with the one who started it, however that ends.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// From one look to the next.
const LOOK: Duration = Duration::from_millis(10);
/// Waits for the end of a pipe that only the starter holds, and kills what is left then.
const WATCH: &str = r#"trap "" INT TERM HUP; read -r _; kill -KILL "$1""#;

/// A process that runs. Dropped, it is killed.
#[derive(Debug)]
pub struct Process {
    child: Child,
    watch: Child,
}

impl Process {
    /// Starts a command, with its words at the end of a file.
    pub fn start(mut command: Command, words: &Path) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(words)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).process_group(0);
        let child = command.spawn()?;
        let mut watch = Command::new("sh");
        watch.args(["-c", WATCH, "watch", &child.id().to_string()]).process_group(0);
        let watch = watch.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        Ok(Self { child, watch })
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("the kernel numbers processes by positive i32"));
        // Who has ended by itself is found out by who waits for what the signal does.
        let _ = kill(pid, signal);
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Waits until it has ended; none if it does not within this time.
    pub fn end(&mut self, within: Duration) -> Option<ExitStatus> {
        until(within, || self.ended())
    }

    /// Whether the kernel says that it stands still.
    pub fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The watch first: once the process was waited for, its number may be another's.
        let _ = self.watch.kill();
        let _ = self.watch.wait();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks until there is something, for so long.
pub fn until<T>(within: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let begun = Instant::now();
    loop {
        let seen = look();
        if seen.is_some() || within <= begun.elapsed() {
            return seen;
        }
        sleep(LOOK);
    }
}
