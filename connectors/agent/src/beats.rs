//! Beats: from a thread of their own, over HTTP with a connection of its own, so that neither busy attempts nor a long queue of
//! reports can silence a node that lives.
//!
//! A beat goes out each `beat_ms`, which the answers tell, and at once when something asks for it. Its time counts
//! from before it is sent; the answer comes as the response, or over Kafka as a command.

use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, thread};

use model::{Heartbeat, Renew};
use tokio::sync::watch;
use tokio::time::{sleep, sleep_until};

use crate::charges::Charges;
use crate::ledger::Ledger;
use crate::link::Link;
use crate::machine;

/// From one beat to the next until an answer tells: short, since a pool may give its nodes up after a few seconds, and
/// the first answers of all are lost when an engine dies that has just taken the node in.
const FIRST_BEAT: Duration = Duration::from_secs(1);
/// The least time between two beats, however often one is asked for.
const LEAST: Duration = Duration::from_millis(50);
/// The niceness that the thread asks for; most users may not, which is no harm.
const NICE: i32 = -10;

/// The thread that beats, until this is dropped.
#[derive(Debug)]
pub struct Beats {
    stop: watch::Sender<bool>,
    thread: Option<thread::JoinHandle<()>>,
    ledger: Arc<Ledger>,
    /// Set once the name turned out to be another boot's before this one was ever taken in.
    taken: watch::Receiver<Option<String>>,
}

impl Beats {
    /// Begins to beat, at once.
    pub fn begin(charges: Arc<Charges>, link: Link) -> io::Result<Self> {
        let stop = watch::Sender::new(false);
        let (say_taken, taken) = watch::channel(None);
        let ledger = Arc::clone(&charges.ledger);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        ledger.set_beating(true);
        let mut stopped = stop.subscribe();
        let thread = thread::Builder::new().name("beats".into()).spawn(move || {
            raise_priority();
            runtime.block_on(async {
                let beating = Beating { charges, link, say_taken };
                tokio::select! {
                    never = beating.beat() => match never {},
                    _ = stopped.wait_for(|stop| *stop) => {}
                }
            });
        })?;
        Ok(Self { stop, thread: Some(thread), ledger, taken })
    }

    /// Waits until the engine says that the name is another boot's, before this one was ever taken in.
    pub async fn name_taken(&self) -> String {
        let mut taken = self.taken.clone();
        let words = taken.wait_for(|words| words.is_some()).await.ok().and_then(|words| words.clone());
        match words {
            Some(words) => words,
            None => std::future::pending().await, // the thread has ended without such an answer
        }
    }
}

impl Drop for Beats {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // a panic of the thread has been printed
        }
        self.ledger.set_beating(false);
    }
}

struct Beating {
    charges: Arc<Charges>,
    link: Link,
    say_taken: watch::Sender<Option<String>>,
}

impl Beating {
    async fn beat(&self) -> std::convert::Infallible {
        let mut period = FIRST_BEAT;
        let mut heard = true;
        loop {
            let sent = Instant::now();
            match self.ask(period).await {
                Ok(renew) => {
                    period = Duration::from_millis(renew.beat_ms.0.clamp(50, 60_000));
                    if !heard {
                        tracing::info!("the engine is heard again");
                    }
                    heard = true;
                    self.obey(&renew);
                }
                Err(why) => {
                    if heard {
                        tracing::warn!("the engine does not answer, work goes on: {why}");
                    }
                    heard = false;
                }
            }
            tokio::select! {
                () = sleep_until((sent + period).into()) => {}
                () = async { sleep(LEAST).await; self.charges.ledger.nudge.notified().await } => {}
            }
        }
    }

    /// Sends one beat and reads its answer.
    async fn ask(&self, period: Duration) -> Result<Renew, String> {
        let (load, memory_free_mb) = (machine::load(), machine::memory_free_mb());
        let ledger = &self.charges.ledger;
        let who = ledger.who.clone();
        let beat = ledger.beat(); // its time counts from here
        let heartbeat = Heartbeat {
            pool: who.pool,
            node: who.node,
            boot: who.boot,
            beat: beat.number,
            up_ms: beat.up_ms,
            stored: beat.stored,
            holds: beat.holds,
            load,
            memory_free_mb,
            closed: beat.closed,
        };
        failpoint::hit("agent.beat.before");
        let renew = self.link.ask(heartbeat, period).await?;
        failpoint::hit("agent.beat.answered");
        Ok(renew)
    }

    fn obey(&self, renew: &Renew) {
        if let Some(words) = self.charges.obey(renew) {
            self.say_taken.send_replace(Some(words));
        }
    }
}

/// On Linux a process id that is a thread's names that thread alone.
fn raise_priority() {
    let thread = rustix::thread::gettid();
    if rustix::process::setpriority_process(Some(thread), NICE).is_err() {
        tracing::debug!("beats have the priority of the rest: this user may not raise it");
    }
}
