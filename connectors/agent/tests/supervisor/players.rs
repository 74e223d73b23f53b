//! The commands that a supervisor runs here. Each says `ready` when it stands where the test wants it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use agent::supervisor::client;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::{Pid, setsid};

/// Plays a part.
pub fn play(part: &[&str]) -> ExitCode {
    match *part {
        ["exit", code] => return ExitCode::from(code.parse::<u8>().unwrap()),
        ["say", text] => say(text),
        ["env"] => std::env::vars().for_each(|(name, value)| say(&format!("{name}={value}"))),
        ["read", variable] => say(&std::fs::read_to_string(std::env::var(variable).unwrap()).unwrap()),
        ["killed-by", signal] => kill(Pid::this(), signal.parse::<Signal>().unwrap()).unwrap(),
        ["idle"] => idle(),
        ["deaf"] => deaf(),
        ["graceful"] => return graceful(),
        ["front"] => front(),
        ["leaves-a-daemon"] => leaves_a_daemon(),
        ["middle"] => drop(start(&["daemon"])),
        ["daemon"] => daemon(),
        ["storm", depth] => storm(depth.parse().unwrap()),
        ["flood", bytes] => flood(bytes.parse().unwrap()),
        ["hog", mib, deeper] => hog(mib.parse().unwrap(), deeper.parse().unwrap()),
        ["progress-for", ms] => progress_for(Duration::from_millis(ms.parse().unwrap())),
        ["checkpoint", text] => client::checkpoint(&socket(), text).unwrap(),
        ["guests", count] => guests(count.parse().unwrap()),
        ["chatter", count] => chatter(count.parse().unwrap()),
        ["write", file, text] => std::fs::write(file, text).unwrap(),
        ref other => panic!("no such part: {other:?}"),
    }
    ExitCode::SUCCESS
}

/// Prints a line at once.
fn say(text: &str) {
    println!("{text}");
    std::io::stdout().flush().unwrap();
}

fn socket() -> std::path::PathBuf {
    Path::new(&std::env::var_os("REPRISE_SOCKET").unwrap()).to_owned()
}

fn start(part: &[&str]) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap()).arg("play").args(part).stdin(Stdio::null()).spawn().unwrap()
}

fn sleep_for_ever() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}

fn idle() {
    say("ready");
    sleep_for_ever()
}

/// Ignores SIGTERM.
fn deaf() {
    SigSet::from(Signal::SIGTERM).thread_block().unwrap();
    idle();
}

/// Cleans up for a while at SIGTERM, and says so.
fn graceful() -> ExitCode {
    let term = SigSet::from(Signal::SIGTERM);
    term.thread_block().unwrap();
    say("ready");
    term.wait().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    say("cleaned up");
    ExitCode::from(7)
}

/// As a shell in front of a test: ends at SIGTERM before what it started.
fn front() {
    let _ = start(&["graceful"]).wait();
    sleep_for_ever()
}

/// Ends at once, and leaves behind a process without parent, in a session of its own, that holds the output open.
fn leaves_a_daemon() {
    start(&["middle"]).wait().unwrap();
    while !Path::new("daemon-stands").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    say("the main process ends");
}

fn daemon() {
    setsid().unwrap();
    SigSet::from(Signal::SIGTERM).thread_block().unwrap();
    std::fs::write("daemon-stands", "").unwrap();
    sleep_for_ever()
}

/// Two children, each of which has two, and so on; each in a session of its own; who loses a child starts another.
fn storm(depth: u32) {
    let _ = setsid();
    SigSet::from(Signal::SIGTERM).thread_block().unwrap();
    if depth == 0 {
        sleep_for_ever()
    }
    let next = (depth - 1).to_string();
    let mut children = [start(&["storm", &next]), start(&["storm", &next])];
    loop {
        for child in &mut children {
            if child.try_wait().unwrap().is_some() {
                *child = start(&["storm", &next]);
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// One line without an end.
fn flood(bytes: usize) {
    let block = [b'x'; 64 * 1024];
    let mut left = bytes;
    let mut out = std::io::stdout().lock();
    while left > 0 {
        let n = left.min(block.len());
        out.write_all(&block[..n]).unwrap();
        left -= n;
    }
    out.write_all(b"the end").unwrap();
}

/// Holds memory, and starts children that do.
fn hog(mib: usize, deeper: usize) {
    let held = vec![1_u8; mib * 1024 * 1024];
    if deeper > 0 {
        drop(start(&["hog", &mib.to_string(), &(deeper - 1).to_string()]));
    }
    say(if held.iter().step_by(4096).all(|b| *b == 1) { "ready" } else { "damaged" });
    sleep_for_ever()
}

/// No output, but progress.
fn progress_for(length: Duration) {
    let began = Instant::now();
    while began.elapsed() < length {
        let fraction = began.elapsed().as_secs_f64() / length.as_secs_f64();
        client::progress(&socket(), fraction.min(1.0), Some("on the way")).unwrap();
        std::thread::sleep(Duration::from_millis(50));
    }
    client::progress(&socket(), 1.0, Some("there")).unwrap();
}

/// Connections that say nothing or half a word; and one that says something all the same.
fn guests(count: usize) {
    let connect = |n: usize| {
        let mut stream = std::os::unix::net::UnixStream::connect(socket()).unwrap();
        stream.write_all(&b"{\"progr"[..n % 7]).unwrap();
        stream
    };
    let _held: Vec<_> = (0..count).map(connect).collect();
    client::checkpoint(&socket(), "past the guests").unwrap();
}

/// More checkpoints than an agent that does not read can be given.
fn chatter(count: usize) {
    let text = "c".repeat(60_000);
    for n in 0..count {
        client::checkpoint(&socket(), &format!("{n} {text}")).unwrap();
    }
}
