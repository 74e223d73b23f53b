//! One run of the broker's process, from its start to its end, which it does not outlive in any case.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Enough on a machine that is busy with much else.
const LONG: Duration = Duration::from_secs(90);
/// From one look to the next.
const LOOK: Duration = Duration::from_millis(20);
/// What the broker logs when it takes requests.
const STARTED: &str = "Kafka Server started";

/// What ends the broker, and removes its folder, when the process of the test has ended in whichever way. It waits for
/// the end of a pipe that only that process holds. (The kernel could send the broker a signal itself, but it does when
/// the *thread* ends that started it: after the first of the tests that share a broker.)
const WATCH: &str = r#"trap "" INT TERM HUP; read -r _; kill -KILL "$1"; sleep 1; rm -rf "$2""#;

/// A process that runs. Dropped, it is killed.
#[derive(Debug)]
pub struct Run {
    process: Child,
    watch: Child,
}

impl Run {
    /// Starts it, with what it says at the end of a file, and waits until it takes requests; or says that it ended.
    pub fn start(mut command: Command, folder: &Path, words: &Path) -> Result<Self, String> {
        let file = File::options().create(true).append(true).open(words).expect("a temporary folder can be written to");
        let said_before = file.metadata().expect("an open file has a length").len();
        command.stdin(Stdio::null()).stdout(file.try_clone().expect("a file can be shared")).stderr(file);
        // Signals for the test's group are not for the broker: it ends when the test does.
        let process = command.process_group(0).spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let watch = watch(process.id(), folder);
        let mut run = Self { process, watch };
        let begun = Instant::now();
        loop {
            let said = said_since(words, said_before);
            if let Some(status) = run.process.try_wait().expect("a child can be waited for") {
                return Err(format!("the broker ended with {status}:\n{said}"));
            }
            if said.contains(STARTED) {
                return Ok(run);
            }
            assert!(begun.elapsed() < LONG, "the broker does not start:\n{said}");
            sleep(LOOK);
        }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("a child that was not waited for can be sent signals");
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(mut self) {
        self.signal(Signal::SIGTERM);
        let begun = Instant::now();
        while self.process.try_wait().expect("a child can be waited for").is_none() {
            assert!(begun.elapsed() < LONG, "the broker does not stop");
            sleep(LOOK);
        }
    }

    /// Its number.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.process.id()).expect("the kernel numbers processes by positive i32"))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // The watch first: once the process was waited for, its number may be another's.
        let _ = self.watch.kill();
        let _ = self.watch.wait();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn watch(pid: u32, folder: &Path) -> Child {
    let mut command = Command::new("sh");
    command.args(["-c", WATCH, "watch", &pid.to_string()]).arg(folder).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("there is a shell")
}

fn said_since(words: &Path, before: u64) -> String {
    let said = fs::read(words).unwrap_or_default();
    let since = usize::try_from(before).map_or(&[][..], |before| said.get(before..).unwrap_or_default());
    String::from_utf8_lossy(since).into_owned()
}
