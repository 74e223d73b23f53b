//! A server under test, seen from outside: where it listens, what memory it holds, how it is ended.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;
use crate::machine;

/// A running server. Dropping it kills it.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub socket: PathBuf,
    /// The number of the last entry when it began to read, and when it led.
    pub entries: (u64, u64),
    /// How long it took until it listened.
    pub took: Duration,
}

impl Server {
    /// Starts `engine` or `bare` on a folder, and waits until it listens.
    pub fn start(what: &[&str], folder: &Path) -> Result<Self, Failure> {
        let began = Instant::now();
        let (what, rest) = what.split_first().ok_or("nothing to start")?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--serve", what]).arg(folder).args(rest).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let [socket, from, to] = words.as_slice() else {
            let status = child.wait()?;
            return Err(format!("the server under test ended before it listened: {status}").into());
        };
        let (socket, entries) = (PathBuf::from(socket), (from.parse()?, to.parse()?));
        Ok(Self { child, socket, entries, took: began.elapsed() })
    }

    /// The most memory that it has held so far, in MiB.
    pub fn peak_mib(&self) -> Result<f64, Failure> {
        machine::peak_mib(&self.id())
    }

    /// The processor time that it has used so far, in seconds: what a busy machine does not distort.
    pub fn processor_seconds(&self) -> Result<f64, Failure> {
        machine::process_seconds(&self.id())
    }

    fn id(&self) -> String {
        self.child.id().to_string()
    }

    /// Ends it as planned.
    pub fn stop(mut self) -> Result<(), Failure> {
        drop(self.child.stdin.take());
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the server under test ended with {status}").into()) }
    }
}

/// Runs this program for something that ends by itself: the numbers that it prints.
pub fn numbers(what: &[&str]) -> Result<Vec<f64>, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.arg("--serve").args(what).stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{what:?} ended with {}", output.status).into());
    }
    let words = String::from_utf8(output.stdout)?;
    Ok(words.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
