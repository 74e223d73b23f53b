//! What an earlier boot left: before a new boot says hello, each attempt of the old one has ended, and its end has
//! been reported under the old boot and acknowledged.
//!
//! A supervisor ends its attempt by itself once its agent is gone (its standard input ends). So most leftovers are
//! outcomes that lie ready; a supervisor that still runs is waited for, and one that died without a word is spoken
//! for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use model::report::Cause;
use model::{LeaseId, Millis, Report};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::attempt::{Outcome, Spec};
use crate::charge::{end_leftovers, read_outcome, reported, without_word};
use crate::client::Client;
use crate::home::{Boots, Home};
use crate::link::Link;
use crate::sender::{MAX_BYTES, Pace};
use crate::store::{Line, Store};
use crate::supervisor::lock;
use crate::{evidence, machine, output};

/// How often a supervisor that still runs is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How long a supervisor may take beyond the attempt's grace.
const PATIENCE: Millis = Millis(30_000);

/// Ends and reports what the boot left. Returns whether that boot ever had a report: whether anyone can know it.
pub async fn settle(home: &Home, before: &Boots, link: &Link) -> io::Result<bool> {
    let (mut store, mut lines) = Store::open(&home.store(&before.boot), &before.boot)?;
    let open: BTreeSet<LeaseId> = store.open_leases().clone();
    for lease in home.attempts()? {
        let folder = home.attempt(lease);
        let outcome = outcome(&folder).await;
        end_leftovers(lease).await;
        if open.contains(&lease) {
            tracing::info!(%lease, cause = ?outcome.end.cause, "reported as ended: its agent was restarted");
            lines.extend(store.append(reports(home, before, lease, outcome))?);
            failpoint::hit("agent.leftover.stored");
        }
        let _ = reported(&folder); // there may be no outcome; the store tells what was reported
    }
    for lease in store.open_leases().clone() {
        let outcome = without_word(Cause::Agent, "its agent was restarted, and its folder is gone".into());
        lines.extend(store.append(reports(home, before, lease, outcome))?);
    }
    send(link, &lines).await;
    failpoint::hit("agent.leftovers.sent");
    Ok(0 < store.seq())
}

/// Sends output that an earlier boot did not, if it is sent at all, and removes the folders: beside all else, for as
/// long as it takes.
pub async fn send_output(folders: Vec<(LeaseId, PathBuf)>, client: Option<Client>) {
    for (lease, folder) in folders {
        let (_never, ended) = watch::channel(true);
        if let Some(client) = &client {
            output::send(client, lease, &folder, ended).await;
        }
        if let Err(error) = fs::remove_dir_all(&folder) {
            tracing::warn!(%lease, "{} stays until the next start: {error}", folder.display());
        }
    }
}

/// Sends until all is acknowledged, one request at a time.
async fn send(link: &Link, mut lines: &[Line]) {
    let mut pace = Pace::new();
    while !lines.is_empty() {
        let mut bytes = 0;
        let fits = |line: &&Line| {
            bytes += line.json.len();
            bytes <= MAX_BYTES
        };
        let count = lines.iter().take(pace.most).take_while(fits).count().max(1);
        let sent = link.send(&lines[..count]).await;
        if pace.after(sent, count).await {
            lines = &lines[count..];
        }
    }
}

fn reports(home: &Home, before: &Boots, lease: LeaseId, outcome: Outcome) -> Vec<Report> {
    let report = |kind| Report {
        pool: before.pool.clone(),
        node: home.node.clone(),
        boot: before.boot.clone(),
        seq: 0, // given by the store
        at: machine::wall_ms(),
        kind,
    };
    evidence::reports(lease, outcome).into_iter().map(report).collect()
}

/// How the attempt ended, once it has.
async fn outcome(folder: &Path) -> Outcome {
    let spec = fs::read(folder.join("spec.json")).ok();
    let grace = spec.and_then(|bytes| serde_json::from_slice::<Spec>(&bytes).ok()).map(|spec| spec.start.grace_ms);
    let patience = Duration::from_millis((grace.unwrap_or_default() + PATIENCE).0);
    let begun = Instant::now();
    loop {
        // One that has only just been started does not hold the lock yet.
        let supervisor = supervisor_of(folder);
        if supervisor.is_none() && !lock::is_running(folder) {
            break;
        }
        if let Some(supervisor) = supervisor.filter(|_| patience < begun.elapsed()) {
            tracing::warn!("{}: its supervisor, process {supervisor}, does not end and is killed", folder.display());
            let _ = kill(supervisor, Signal::SIGKILL); // it may have gone meanwhile
        }
        sleep(LOOK).await;
    }
    let no_word = |error| {
        without_word(Cause::Agent, format!("its agent was restarted, and its supervisor left no outcome ({error})"))
    };
    read_outcome(folder).unwrap_or_else(no_word)
}

/// The process that was started with this folder as its last argument, if it lives.
fn supervisor_of(folder: &Path) -> Option<Pid> {
    use std::os::unix::ffi::OsStrExt;
    let folder = folder.as_os_str().as_bytes();
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if let Some(pid) = pid
            && command
                .strip_suffix(b"\0")
                .is_some_and(|command| command.rsplit(|byte| *byte == 0).next() == Some(folder))
        {
            return Some(Pid::from_raw(pid));
        }
    }
    None
}
