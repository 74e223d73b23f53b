//! One attempt, from a start that was judged good to a folder that is gone.
//!
//! The order is what makes it safe: the start is on disk, then `accepted` is on disk, then a supervisor starts. The
//! supervisor leaves the outcome on disk before it ends, and the folder goes only when `finished` is stored and the
//! output sent. Whatever dies in between, the next boot finds what it needs ([`crate::leftovers`]).

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use model::report::{Cause, End, Refusal};
use model::{LeaseId, Millis, ReportKind, Start};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::attempt::{Instruction, Notice, Outcome, Spec};
use crate::charges::{Charges, Pulled};
use crate::rules::Closed;
use crate::{evidence, home, notices, output, supervisor};

/// How long it is tried to start a supervisor, and from one try to the next.
const SPAWN: Duration = Duration::from_secs(60);
const SPAWN_AGAIN: Duration = Duration::from_secs(1);
/// How long a supervisor that said `ended` may take to exit.
const EXIT: Duration = Duration::from_secs(10);

/// Runs one attempt to its end.
pub async fn run(charges: Arc<Charges>, start: Start, until: Millis, pulled: Pulled) {
    let lease = start.lease;
    if let Err(why) = take_in(&charges, &start, until).await {
        tracing::error!("start refused: {why}");
        charges.ledger.with_rules(|rules| rules.not_taken(lease));
        charges.let_go(lease);
        let _ = fs::remove_dir_all(charges.home.attempt(lease)); // what stays is removed at the next start
        charges.ledger.post(ReportKind::Refused { lease, why: Refusal::Closed }).await;
        return;
    }
    failpoint::hit("agent.accepted.stored");
    tracing::info!("accepted");
    let folder = charges.home.attempt(lease);
    let ended = watch::Sender::new(false);
    let sending = async {
        if let Some(client) = &charges.output {
            output::send(client, lease, &folder, ended.subscribe()).await;
        }
    };
    let running = async {
        let outcome = supervise(&charges, lease, &folder, pulled).await;
        failpoint::hit("agent.outcome.seen");
        tracing::info!(exit = outcome.end.exit, cause = ?outcome.end.cause, "finished");
        charges.ledger.store(evidence::reports(lease, outcome)).await;
        failpoint::hit("agent.finished.stored");
        charges.let_go(lease);
        let _ = reported(&folder); // else the next boot says again what is then stale
        ended.send_replace(true);
    };
    tokio::join!(running, sending);
    if let Err(error) = fs::remove_dir_all(&folder) {
        tracing::warn!("{} stays until the next start: {error}", folder.display());
    }
}

/// Marks a folder whose end is stored.
pub fn reported(folder: &Path) -> io::Result<()> {
    fs::rename(folder.join("outcome.json"), folder.join("reported.json"))
}

/// What an attempt whose supervisor left no word is said to have ended of.
pub fn without_word(cause: Cause, note: String) -> Outcome {
    let nothing = End {
        exit: None,
        signal: None,
        cause,
        cpu_ms: Millis(0),
        max_rss_mb: 0,
        tail: String::new(),
        tests: None,
        note,
    };
    Outcome { end: nothing, cases: Vec::new(), checkpoint: None }
}

/// The outcome that a supervisor left.
pub fn read_outcome(folder: &Path) -> io::Result<Outcome> {
    Ok(serde_json::from_slice(&fs::read(folder.join("outcome.json"))?)?)
}

/// Puts the start on disk, and then `accepted`.
async fn take_in(charges: &Charges, start: &Start, until: Millis) -> Result<(), String> {
    let folder = charges.home.attempt(start.lease);
    let spec = Spec {
        start: start.clone(),
        dir: charges.way.dir.to_string_lossy().into_owned(),
        output_bytes: charges.way.output_bytes,
        open_files: charges.way.open_files,
        lives_until_ms: until,
    };
    failpoint::hit("agent.spec.before");
    let prepared = tokio::task::spawn_blocking(move || prepare(&folder, &spec)).await;
    let prepared = prepared.map_err(io::Error::other).and_then(|prepared| prepared);
    prepared.map_err(|error| format!("its folder cannot be made: {error}"))?;
    failpoint::hit("agent.spec.stored");
    let accepted = ReportKind::Accepted { lease: start.lease };
    charges.ledger.try_store(accepted).await.map_err(|_| "`accepted` cannot be stored".to_owned())
}

fn prepare(folder: &Path, spec: &Spec) -> io::Result<()> {
    fs::create_dir(folder)?;
    let mut file = File::create(folder.join("spec.json"))?;
    file.write_all(&serde_json::to_vec(spec)?)?;
    file.sync_all()?;
    File::open(folder)?.sync_all()?;
    home::sync_folder_of(folder)
}

async fn supervise(charges: &Charges, lease: LeaseId, folder: &Path, mut pulled: Pulled) -> Outcome {
    let spawned = spawn_patiently(charges, folder, &mut pulled).await;
    charges.ledger.with_rules(|rules| rules.reopen(Closed::Processes));
    let mut child = match spawned {
        Ok(child) => child,
        Err((cause, error)) => return without_word(cause, format!("its supervisor cannot be started: {error}")),
    };
    failpoint::hit("agent.supervisor.spawned");
    let (Some(input), Some(said)) = (child.stdin.take(), child.stdout.take()) else {
        unreachable!("both ends were asked for as pipes");
    };
    let checkpoint = tokio::select! {
        never = instruct(input, pulled) => match never {},
        heard = listen(charges, lease, said) => heard,
    };
    let status = match timeout(EXIT, child.wait()).await {
        Ok(Ok(status)) => status.to_string(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => {
            let _ = child.kill().await; // it may have gone meanwhile
            format!("killed, still there {} s after its last word", EXIT.as_secs())
        }
    };
    let mut outcome = match read_outcome(folder) {
        Ok(outcome) => outcome,
        Err(error) => {
            // Before the end is reported: `finished` says that nothing of it runs any more.
            let killed = end_leftovers(lease).await;
            let note = format!(
                "its supervisor left no outcome ({error}); it ended with {status}, and {killed} processes that it left \
                 were killed"
            );
            without_word(Cause::Agent, note)
        }
    };
    if outcome.checkpoint == checkpoint {
        outcome.checkpoint = None; // reported already
    }
    outcome
}

/// Ends what a dead supervisor has left running. Returns how many processes that were.
pub async fn end_leftovers(lease: LeaseId) -> usize {
    let ended = tokio::task::spawn_blocking(move || supervisor::end_leftovers(lease)).await;
    let killed = ended.unwrap_or_default(); // it fails only by a panic, which has been printed
    if killed > 0 {
        tracing::warn!(%lease, killed, "processes that a dead supervisor had left were ended");
    }
    killed
}

/// Starts the supervisor. That it cannot be is the node's trouble and no end of the test: the node takes no starts, and
/// tries again for a while. What is cancelled meanwhile has ended.
async fn spawn_patiently(charges: &Charges, folder: &Path, pulled: &mut Pulled) -> Result<Child, (Cause, io::Error)> {
    let until = Instant::now() + SPAWN;
    loop {
        let error = match spawn(charges, folder) {
            Ok(child) => return Ok(child),
            Err(error) => error,
        };
        if until < Instant::now() {
            return Err((Cause::Start, error));
        }
        tracing::warn!("its supervisor cannot be started, no starts are taken until it can: {error}");
        charges
            .ledger
            .with_rules(|rules| rules.close(Closed::Processes, format!("no process can be started: {error}")));
        tokio::select! {
            () = sleep(SPAWN_AGAIN) => {}
            _ = pulled.cancel.changed() => return Err((Cause::Cancel, error)),
        }
    }
}

fn spawn(charges: &Charges, folder: &Path) -> io::Result<Child> {
    let (program, arguments) =
        charges.way.supervisor.split_first().ok_or_else(|| io::Error::other("no supervisor is given"))?;
    Command::new(program).args(arguments).arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()
}

/// Hands on what the engine says. Never ends: a supervisor that hears no more will fall silent too.
async fn instruct(mut input: ChildStdin, mut pulled: Pulled) -> std::convert::Infallible {
    loop {
        let instruction = tokio::select! {
            Ok(()) = pulled.lives_until.changed() => {
                Instruction::Renew { lives_until_ms: *pulled.lives_until.borrow_and_update() }
            }
            Ok(()) = pulled.cancel.changed() => {
                Instruction::Cancel { grace_ms: pulled.cancel.borrow_and_update().unwrap_or_default() }
            }
            else => return std::future::pending().await,
        };
        let mut line = serde_json::to_vec(&instruction).expect("an instruction is plain JSON");
        line.push(b'\n');
        if input.write_all(&line).await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// Reports what the supervisor says until it says no more; returns the last checkpoint that was stored.
async fn listen(charges: &Charges, lease: LeaseId, said: ChildStdout) -> Option<String> {
    let mut lines = BufReader::new(said).lines();
    let mut notices = notices::Notices::new(lease);
    loop {
        let line = tokio::select! {
            line = lines.next_line() => line,
            () = notices.due() => {
                notices.flush(&charges.ledger).await;
                continue;
            }
        };
        let Ok(Some(line)) = line else { break };
        match serde_json::from_str(&line) {
            Ok(Notice::Started { pid }) => {
                failpoint::hit("agent.started.before");
                charges.ledger.post(ReportKind::Started { lease, pid }).await;
            }
            Ok(Notice::Progress { fraction, note }) => notices.progress(fraction, note),
            Ok(Notice::Checkpoint { text }) => notices.checkpoint(text),
            Ok(Notice::Ended) => break,
            Err(error) => tracing::warn!("its supervisor said what cannot be read: {error}"),
        }
    }
    notices.flush(&charges.ledger).await;
    notices.stored_checkpoint()
}
