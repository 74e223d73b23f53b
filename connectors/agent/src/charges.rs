//! The attempts in an agent's charge: starts become tasks, and what the engine says reaches each supervisor.

use std::collections::HashMap;
use std::ffi::OsString;
use std::future::poll_fn;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use model::{LeaseId, Millis, Renew, ReportKind, Start};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::charge;
use crate::client::Client;
use crate::home::Home;
use crate::ledger::Ledger;
use crate::rules::{Deed, Verdict};

/// All attempts of one boot.
#[derive(Debug)]
pub struct Charges {
    /// The rules and reports.
    pub ledger: Arc<Ledger>,
    /// The agent's folder.
    pub home: Arc<Home>,
    /// How attempts are run.
    pub way: Way,
    /// For output, which never delays reports; none: no engine keeps it.
    pub output: Option<Client>,
    reins: Mutex<HashMap<LeaseId, Reins>>,
    tasks: Mutex<JoinSet<()>>,
}

/// How attempts are run.
#[derive(Debug, Clone)]
pub struct Way {
    /// The supervisor's program and arguments; an attempt's folder comes last.
    pub supervisor: Vec<OsString>,
    /// What a relative folder and result globs start from.
    pub dir: PathBuf,
    /// Most bytes of output kept of an attempt.
    pub output_bytes: u64,
    /// How many files a command may have open, if not as many as this agent.
    pub open_files: Option<u64>,
}

/// What holds an attempt: each new value goes to its supervisor.
#[derive(Debug)]
struct Reins {
    lives_until: watch::Sender<Millis>,
    cancel: watch::Sender<Option<Millis>>,
}

/// The other end of the reins.
#[derive(Debug)]
pub struct Pulled {
    /// Until when the attempt may run.
    pub lives_until: watch::Receiver<Millis>,
    /// Shall it end, and with which grace?
    pub cancel: watch::Receiver<Option<Millis>>,
}

impl Charges {
    /// None yet.
    pub fn new(ledger: Arc<Ledger>, home: Arc<Home>, way: Way, output: Option<Client>) -> Arc<Self> {
        let (reins, tasks) = (Mutex::default(), Mutex::default());
        Arc::new(Self { ledger, home, way, output, reins, tasks })
    }

    /// Judges a start, and runs it if it is good.
    pub async fn start(self: &Arc<Self>, start: Start) {
        if self.ledger.with_rules(|rules| rules.journal().is_none()) {
            self.ledger.meet(start.journal).await; // the first start may come before the first answer is read
        }
        let lease = start.lease;
        match self.ledger.start(&start) {
            Verdict::Ignore(why) => tracing::debug!(%lease, attempt = start.attempt, "start ignored: {why}"),
            Verdict::Refuse(why) => {
                tracing::info!(%lease, attempt = start.attempt, "start refused: {why:?}");
                self.ledger.post(ReportKind::Refused { lease, why }).await;
            }
            Verdict::Take(until) => {
                let (lives_until, cancel) = (watch::Sender::new(until), watch::Sender::new(None));
                let pulled = Pulled { lives_until: lives_until.subscribe(), cancel: cancel.subscribe() };
                lock(&self.reins).insert(lease, Reins { lives_until, cancel });
                let span = span(&start);
                let run = charge::run(Arc::clone(self), start, until, pulled).instrument(span);
                let mut tasks = lock(&self.tasks);
                while tasks.try_join_next().is_some() {} // done ones need no memory
                tasks.spawn(run);
            }
        }
    }

    /// Ends an attempt; an unknown one is no matter.
    pub fn cancel(&self, lease: LeaseId, grace: Millis) {
        if let Some(reins) = lock(&self.reins).get(&lease) {
            pull(reins, grace);
        }
    }

    /// Ends all attempts, with the given grace or each with its own.
    pub fn cancel_all(&self, grace: Option<Millis>) {
        let graces = self.ledger.with_rules(|rules| rules.graces());
        let reins = lock(&self.reins);
        for (lease, own) in graces {
            if let Some(reins) = reins.get(&lease) {
                pull(reins, grace.unwrap_or(own));
            }
        }
    }

    /// Does what the answer to a beat calls for. Returns why this boot may not join, if its name is taken.
    pub fn obey(&self, renew: &Renew) -> Option<String> {
        let mut taken = None;
        for deed in self.ledger.heard(renew) {
            match deed {
                Deed::Renew(lease, until) => {
                    if let Some(reins) = lock(&self.reins).get(&lease) {
                        reins.lives_until.send_replace(until);
                    }
                }
                Deed::Stop(lease, grace) => {
                    tracing::info!(%lease, "stopped: the engine has given the attempt up");
                    self.cancel(lease, grace);
                }
                Deed::Taken(words, true) => taken = Some(words),
                Deed::Taken(words, false) => tracing::error!("the engine takes another for this node: {words}"),
                Deed::Meet(_) | Deed::SayHello => {} // the ledger has seen to these
            }
        }
        taken
    }

    /// Waits until nothing is left to do: each attempt's end is stored, its output sent or given up.
    pub async fn all_done(&self) {
        while poll_fn(|context| lock(&self.tasks).poll_join_next(context)).await.is_some() {}
    }

    /// Lets go of all attempts: each supervisor sees its agent gone, and ends its attempt.
    pub fn abandon(&self) {
        lock(&self.tasks).abort_all();
    }

    /// An attempt's end is stored.
    pub(crate) fn let_go(&self, lease: LeaseId) {
        lock(&self.reins).remove(&lease);
    }
}

/// What each message about the attempt carries.
fn span(start: &Start) -> tracing::Span {
    let (name, attempt) = start.attempt.rsplit_once('@').unwrap_or((&start.attempt, ""));
    let (execution, task) = name.split_once('/').unwrap_or((name, ""));
    tracing::info_span!("attempt", execution, task, attempt, lease = %start.lease)
}

/// A later cancel may only shorten the grace.
fn pull(reins: &Reins, grace: Millis) {
    reins.cancel.send_if_modified(|asked| {
        let is_news = asked.is_none_or(|asked| grace < asked);
        if is_news {
            *asked = Some(grace);
        }
        is_news
    });
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder of this lock panics")
}
