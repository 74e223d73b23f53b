//! Where a test puts a command on: a folder, a spec, the agent's end of the supervisor's pipes.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use agent::attempt::{Instruction, Notice, Outcome, Spec};
use agent::supervisor::is_running;
use model::report::{Cause, End};
use model::{BootId, JournalId, LeaseId, Millis, Start};
use nix::time::{ClockId, clock_gettime};
use tempfile::TempDir;

/// How long a test waits for what must come: long, for the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// An hour: what must not pass in a test.
pub const HOUR: Millis = Millis(3_600_000);

/// An attempt about to begin.
pub struct Stage {
    folder: TempDir,
    attempt: PathBuf,
    spec: Spec,
    unheard: bool,
}

/// An attempt under its supervisor, which ends it when a failed test drops this: its agent is gone then.
pub struct Show {
    folder: TempDir,
    attempt: PathBuf,
    lease: LeaseId,
    began: Instant,
    supervisor: Child,
    orders: Option<ChildStdin>,
    notices: Option<Receiver<Notice>>,
}

/// What was left when the supervisor had gone.
pub struct Left {
    pub end: End,
    pub outcome: Outcome,
    pub notices: Vec<Notice>,
    pub output: Vec<u8>,
    pub took: Duration,
    pub folder: TempDir,
}

/// A part of this program's own as a command.
pub fn part(words: &[&str]) -> Vec<String> {
    let this = std::env::current_exe().unwrap().to_string_lossy().into_owned();
    let words = words.iter().map(|word| (*word).to_owned());
    [this, "play".to_owned()].into_iter().chain(words).collect()
}

/// The node's clock.
pub fn boot_ms() -> u64 {
    let now = Duration::from(clock_gettime(ClockId::CLOCK_BOOTTIME).unwrap());
    u64::try_from(now.as_millis()).unwrap()
}

impl Stage {
    /// This command, under limits that do not bind.
    pub fn new(run: Vec<String>) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("work")).unwrap();
        let lease = LeaseId {
            journal: JournalId(u64::from(std::process::id())),
            partition: 0,
            epoch: 1,
            seq: NUMBER.fetch_add(1, Ordering::Relaxed),
            index: 0,
        };
        let start = Start {
            id: "c9".into(),
            journal: lease.journal,
            boot: BootId::new("9f1c").unwrap(),
            attempt: "nightly-web-118/shard@2:a@3".into(),
            lease,
            after_beat: 1,
            expires_ms: HOUR,
            strict: false,
            slots: 1,
            run,
            env: [("EXTRA".to_owned(), "yes".to_owned())].into(),
            dir: None,
            timeout_ms: HOUR,
            stall_ms: None,
            grace_ms: HOUR,
            memory_mb: 0,
            checkpoint: None,
            results: Vec::new(),
        };
        let dir = folder.path().join("work").to_string_lossy().into_owned();
        let lives_until_ms = Millis(boot_ms() + HOUR.0);
        let attempt = folder.path().join("attempt");
        Self {
            folder,
            attempt,
            spec: Spec { start, dir, output_bytes: 1 << 20, open_files: None, lives_until_ms },
            unheard: false,
        }
    }

    /// A part of this program's own, under limits that do not bind.
    pub fn part(words: &[&str]) -> Self {
        Self::new(part(words))
    }

    /// Changes the spec.
    pub fn with(mut self, change: impl FnOnce(&mut Spec)) -> Self {
        change(&mut self.spec);
        self
    }

    /// Whatever the supervisor says of itself meets a full disk.
    pub fn unheard(mut self) -> Self {
        self.unheard = true;
        self
    }

    /// Puts the attempt's folder below another one.
    pub fn in_folder(mut self, name: &str) -> Self {
        self.attempt = self.folder.path().join(name).join("attempt");
        self
    }

    /// A place in the attempt's folder, which exists from here on.
    pub fn beside(&self, name: &str) -> PathBuf {
        std::fs::create_dir_all(&self.attempt).unwrap();
        self.attempt.join(name)
    }

    /// A place in the folder where the command runs.
    pub fn work(&self, name: &str) -> PathBuf {
        self.folder.path().join("work").join(name)
    }

    /// Begins.
    pub fn start(self) -> Show {
        let mut show = self.start_unread();
        show.read_notices();
        show
    }

    /// Begins, and reads no notice before the end is waited for.
    pub fn start_unread(self) -> Show {
        std::fs::write(self.beside("spec.json"), serde_json::to_vec(&self.spec).unwrap()).unwrap();
        let began = Instant::now();
        let full = || Stdio::from(std::fs::File::options().write(true).open("/dev/full").unwrap());
        let mut supervisor = Command::new(std::env::current_exe().unwrap())
            .arg("supervise")
            .arg(&self.attempt)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(if self.unheard { full() } else { Stdio::inherit() })
            .spawn()
            .unwrap();
        let orders = supervisor.stdin.take();
        let lease = self.spec.start.lease;
        Show { folder: self.folder, attempt: self.attempt, lease, began, supervisor, orders, notices: None }
    }

    /// Begins, and waits for the end.
    pub fn run(self) -> Left {
        self.start().end()
    }
}

impl Show {
    fn read_notices(&mut self) {
        let Some(said) = self.supervisor.stdout.take() else { return };
        let (sender, notices) = sync_channel(100_000);
        std::thread::spawn(move || {
            for line in BufReader::new(said).lines().map_while(Result::ok) {
                let notice = serde_json::from_str(&line).unwrap_or_else(|e| panic!("no notice: {line}: {e}"));
                if sender.send(notice).is_err() {
                    return;
                }
            }
        });
        self.notices = Some(notices);
    }

    /// Tells the supervisor something.
    pub fn say(&mut self, instruction: &Instruction) {
        let line = serde_json::to_string(instruction).unwrap();
        writeln!(self.orders.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Asks for the end.
    pub fn cancel(&mut self, grace_ms: u64) {
        self.say(&Instruction::Cancel { grace_ms: Millis(grace_ms) });
    }

    /// Goes away, as an agent that is killed does.
    pub fn leave(&mut self) {
        self.orders = None;
    }

    /// The supervisor's process.
    pub fn supervisor(&self) -> i32 {
        i32::try_from(self.supervisor.id()).unwrap()
    }

    /// What has been printed so far.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.attempt.join("output")).unwrap_or_default()).into_owned()
    }

    /// Waits until the command has printed this.
    pub fn until_printed(&self, text: &str) {
        self.until(|show| show.output().contains(text));
    }

    /// Waits for a condition.
    pub fn until(&self, condition: impl Fn(&Self) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !condition(self) {
            assert!(Instant::now() < until, "it did not come, in {PATIENCE:?}; printed so far: {}", self.output());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// How many processes of the attempt live.
    pub fn alive(&self) -> usize {
        alive(self.lease)
    }

    /// Whether the outcome is on disk.
    pub fn has_outcome(&self) -> bool {
        self.attempt.join("outcome.json").exists()
    }

    /// Kills the supervisor itself, as nothing but the machine should. Returns the lease of what it leaves behind.
    pub fn lose_supervisor(mut self) -> LeaseId {
        assert!(is_running(&self.attempt));
        self.supervisor.kill().unwrap();
        self.supervisor.wait().unwrap();
        assert!(!is_running(&self.attempt));
        assert!(!self.has_outcome());
        self.lease
    }

    /// Waits for the end, and checks that nothing lives on.
    pub fn end(mut self) -> Left {
        self.read_notices();
        let mut notices = Vec::new();
        let until = Instant::now() + PATIENCE;
        loop {
            match self.notices.as_ref().unwrap().recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(notice) => notices.push(notice),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("no end; printed so far: {}", self.output()),
            }
        }
        let status = self.supervisor.wait().unwrap();
        let took = self.began.elapsed();
        assert!(status.success(), "the supervisor itself failed: {status}");
        assert_eq!(alive(self.lease), 0, "nothing outlives the supervisor");
        assert_eq!(notices.last(), Some(&Notice::Ended));
        let outcome: Outcome =
            serde_json::from_slice(&std::fs::read(self.attempt.join("outcome.json")).unwrap()).unwrap();
        let output = std::fs::read(self.attempt.join("output")).unwrap_or_default();
        Left { end: outcome.end.clone(), outcome, notices, output, took, folder: self.folder }
    }
}

impl Left {
    /// Checks exit code, signal and cause.
    pub fn expect(&self, cause: Cause, exit: Option<i32>, signal: Option<i32>) -> &Self {
        let end = &self.end;
        assert_eq!((end.cause, end.exit, end.signal), (cause, exit, signal), "{end:?}");
        self
    }

    /// What was printed, as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }
}

/// How many processes live that carry this lease.
pub fn alive(lease: LeaseId) -> usize {
    let mark = format!("REPRISE_LEASE={lease}");
    let marked = |pid: &u32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|b| *b == 0).any(|variable| variable == mark.as_bytes())
    };
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(marked).count()
}
