//! An agent against a gateway that notes what it says, with supervisors that only pretend.

#![expect(clippy::unwrap_used, reason = "what a test cannot do without, it unwraps, in its helpers too")]

mod gateway;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use agent::endpoint::Endpoint;
use agent::{Error, Options, Stop};
use axum::http::StatusCode;
use model::command::Order;
use model::report::Cause;
use model::{BootId, JournalId, LeaseId, Millis, NodeId, PoolId, Report, ReportKind, Start};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use gateway::{Gateway, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_node_joins_runs_what_it_is_given_and_says_goodbye() {
    let mut rig = Rig::new();
    rig.open();
    let agent = rig.start_agent();
    rig.until_joined().await;
    let boot = rig.boot();

    rig.start(&boot, 1, "pass");
    rig.until("its end", |w| ended(w, 1) == Some(Cause::Exit)).await;
    rig.until("its output", |w| w.output.contains_key("j5.0.1.1.0")).await;
    assert_eq!(rig.gateway.world().output["j5.0.1.1.0"], b"printed by pass, checkpoint 118\n");
    assert_eq!(words(&rig.gateway.world(), 1), ["accepted", "started", "progress", "results", "finished"]);

    // Again, for another boot, after a beat that was never sent, with more slots than there are.
    rig.start(&boot, 1, "pass");
    rig.start(&BootId::new("other").unwrap(), 2, "pass");
    rig.order_start(Start { after_beat: 1_000_000, ..start(&boot, 3, "pass") });
    rig.order_start(Start { slots: 3, ..start(&boot, 4, "pass") });
    rig.until("both refusals", |w| words(w, 3) == ["refused"] && words(w, 4) == ["refused"]).await;
    assert_eq!(words(&rig.gateway.world(), 1).len(), 5, "a known lease is not started twice");
    assert!(words(&rig.gateway.world(), 2).is_empty(), "a start for another boot is ignored");

    rig.start(&boot, 5, "wait");
    rig.until("it is held", |w| w.beats.last().is_some_and(|beat| beat.holds == [lease(5)])).await;
    rig.until("it runs", |w| words(w, 5).contains(&"started")).await;
    let until = |w: &World| {
        progress_notes(w, 5).iter().map(|note| note.rsplit(' ').next().unwrap().parse().unwrap()).collect::<Vec<u64>>()
    };
    rig.until("its supervisor hears that it lives on", |w| until(w).len() > 1).await;
    assert!(until(&rig.gateway.world()).is_sorted());

    agent.stop.send_replace(Stop::Gently);
    agent.task.await.unwrap().unwrap();
    let world = rig.gateway.world();
    assert_eq!(ended(&world, 5), Some(Cause::Cancel));
    assert_eq!(world.reports.last().map(|report| report.kind.word()), Some("goodbye"));
    assert_eq!(world.reports.first().map(|report| report.kind.word()), Some("hello"));
    assert!(world.reports.iter().zip(1..).all(|(report, seq)| report.seq == seq), "in order, without a gap");
    assert!(rig.attempts().is_empty(), "no folder is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_agent_settles_its_old_boot_before_the_new_one_says_hello() {
    let mut rig = Rig::new();
    rig.open();
    let agent = rig.start_agent();
    rig.until_joined().await;
    let old = rig.boot();
    rig.start(&old, 1, "slow");
    rig.start(&old, 2, "wait");
    rig.until("both run", |w| words(w, 1).contains(&"started") && words(w, 2).contains(&"started")).await;
    agent.kill().await;
    rig.gateway.world().streams.clear();

    let agent = rig.start_agent();
    rig.until("the new boot beats", |w| w.beats.last().is_some_and(|beat| beat.boot != old)).await;
    {
        let world = rig.gateway.world();
        assert_eq!((ended(&world, 1), ended(&world, 2)), (Some(Cause::Agent), Some(Cause::Agent)));
        let hello = world.reports.iter().position(|r| r.boot != old && r.kind.word() == "hello").unwrap();
        let last_of_old = world.reports.iter().rposition(|r| r.boot == old).unwrap();
        assert!(last_of_old < hello, "all of the old boot is acknowledged before the hello of the new one");
        let ReportKind::Hello(said) = &world.reports[hello].kind else { unreachable!() };
        assert_eq!((said.was.as_ref(), said.journal, said.holds.len()), (Some(&old), Some(JournalId(5)), 0));
        let mut seqs: Vec<u64> = world.reports.iter().filter(|r| r.boot == old).map(|r| r.seq).collect();
        seqs.dedup();
        assert!(seqs.is_sorted() && seqs.first() == Some(&1), "numbers of the old boot go on");
    }
    rig.until("the folders are gone", |_| rig.attempts().is_empty()).await;
    agent.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_wait_for_the_engine_and_go_in_order_when_it_is_back() {
    let mut rig = Rig::new();
    rig.open();
    let agent = rig.start_agent();
    rig.until_joined().await;
    let boot = rig.boot();
    rig.gateway.world().refuse = Some(StatusCode::SERVICE_UNAVAILABLE);
    rig.start(&boot, 1, "pass");
    rig.until("its end is on disk", |w| w.beats.last().is_some_and(|b| b.stored >= 6 && b.holds.is_empty())).await;
    rig.gateway.close();
    assert!(words(&rig.gateway.world(), 1).is_empty());
    rig.gateway.world().refuse = None;
    rig.open();
    rig.until("its end", |w| ended(w, 1).is_some()).await;
    assert!(rig.gateway.world().reports.iter().zip(1..).all(|(report, seq)| report.seq == seq), "in order, no gap");
    agent.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_engine_stops_or_cancels_ends_and_a_broken_supervisor_is_spoken_for() {
    let mut rig = Rig::new();
    rig.open();
    let agent = rig.start_agent();
    rig.until_joined().await;
    let boot = rig.boot();
    rig.start(&boot, 1, "wait");
    rig.start(&boot, 2, "wait");
    rig.until("both run", |w| words(w, 1).contains(&"started") && words(w, 2).contains(&"started")).await;
    rig.gateway.world().stop = vec![lease(1), lease(77)];
    let cancel = |n| Order::Cancel {
        id: "c".into(),
        journal: JournalId(5),
        lease: lease(n),
        grace_ms: Millis(0),
        why: "no more needed".into(),
    };
    rig.gateway.order(&cancel(2));
    rig.gateway.order(&cancel(88));
    rig.until("both ends", |w| (ended(w, 1), ended(w, 2)) == (Some(Cause::Cancel), Some(Cause::Cancel))).await;
    rig.start(&boot, 3, "mute");
    rig.until("an end without a word", |w| ended(w, 3) == Some(Cause::Agent)).await;
    agent.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_that_cannot_be_started_closes_the_node_and_ends_no_test() {
    let mut rig = Rig::new();
    rig.open();
    let program = rig.state().join("supervisor");
    let mut options = rig.options(Endpoint::socket(rig.state(), 7717));
    let real = std::mem::replace(&mut options.supervisor, vec![program.clone().into()]);
    let agent = rig.start_agent_with(options);
    rig.until_joined().await;
    let boot = rig.boot();
    rig.start(&boot, 1, "pass");
    let closed = |w: &World| w.beats.last().and_then(|beat| beat.closed.clone()).unwrap_or_default();
    rig.until("it is closed", |w| closed(w).contains("no process can be started")).await;
    rig.start(&boot, 2, "pass");
    rig.until("no more is taken", |w| words(w, 2) == ["refused"]).await;
    assert_eq!(words(&rig.gateway.world(), 1), ["accepted"]);

    let aside = rig.state().join("aside");
    let script = real.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    std::fs::write(&aside, format!("#!/bin/sh\nexec {script} \"$@\"\n")).unwrap();
    std::fs::set_permissions(&aside, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::rename(&aside, &program).unwrap();
    rig.until("it has run", |w| ended(w, 1) == Some(Cause::Exit)).await;
    rig.until("it is open", |w| closed(w).is_empty()).await;
    agent.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_journal_gets_no_reports_of_the_old_ones_work_until_that_is_back() {
    let mut rig = Rig::new();
    rig.open();
    let agent = rig.start_agent();
    rig.until_joined().await;
    let boot = rig.boot();
    rig.start(&boot, 1, "wait");
    rig.until("it runs", |w| words(w, 1).contains(&"started")).await;

    rig.gateway.close();
    {
        let mut world = rig.gateway.world();
        (world.journal, world.hello) = (JournalId(9), true);
        world.reports.clear();
    }
    rig.open();
    rig.until("a hello to the new journal", |w| w.reports.iter().any(|r| r.kind.word() == "hello")).await;
    rig.gateway.world().hello = false;
    rig.until("a beat that is taken, with the old work", |w| {
        w.beats.last().is_some_and(|beat| beat.holds == [lease(1)]) && !w.streams.is_empty()
    })
    .await;
    rig.gateway.world().stop = vec![lease(1)];
    rig.until("the old work has ended", |w| w.beats.last().is_some_and(|beat| beat.holds.is_empty())).await;
    let new = LeaseId { journal: JournalId(9), ..lease(2) };
    rig.order_start(Start { journal: JournalId(9), lease: new, ..start(&boot, 2, "pass") });
    rig.until("the end of new work", |w| ended(w, 2).is_some()).await;
    assert!(words(&rig.gateway.world(), 1).is_empty(), "the new journal hears nothing of the old one's lease");

    rig.gateway.world().journal = JournalId(5);
    rig.until("the old journal hears the end of its work", |w| ended(w, 1) == Some(Cause::Cancel)).await;
    let seqs: Vec<u64> = rig.gateway.world().reports.iter().map(|report| report.seq).collect();
    assert!(seqs.is_sorted_by(|a, b| a < b), "{seqs:?}");
    agent.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_belongs_to_another_boot_ends_the_agent_with_a_clear_word() {
    let mut rig = Rig::new();
    rig.gateway.world().taken = Some("n1 of boot 77aa was heard 2.0s ago".into());
    rig.open();
    let agent = rig.start_agent();
    let error = agent.task.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::NameTaken(_)));
    assert!(error.to_string().contains("was heard 2.0s ago; give it another name with --name"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_hello_that_cannot_be_read_ends_the_agent_with_the_reason() {
    let mut rig = Rig::new();
    rig.gateway.world().no_hello = Some("a node has at most 8 labels".into());
    rig.open();
    let agent = rig.start_agent();
    let error = agent.task.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Options(_)));
    assert!(error.to_string().contains("a node has at most 8 labels"), "{error}");
    assert!(rig.gateway.world().beats.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hello_is_said_again_when_asked_but_never_twice_at_once() {
    let mut rig = Rig::new();
    rig.open();
    let agent = rig.start_agent();
    rig.until("it beats", |w| !w.beats.is_empty()).await;
    {
        let mut world = rig.gateway.world();
        (world.hello, world.refuse) = (true, Some(StatusCode::TOO_MANY_REQUESTS));
    }
    let beats = rig.gateway.world().beats.len();
    rig.until("many answers that ask for a hello", |w| w.beats.len() > beats + 5).await;
    {
        let mut world = rig.gateway.world();
        let before: usize = world.reports.len();
        let stored = world.beats.last().unwrap().stored;
        assert!(stored <= before as u64 + 1, "{stored} stored, {before} acknowledged: one hello waits, no more");
        (world.hello, world.refuse) = (false, None);
    }
    rig.until("the second hello", |w| w.reports.iter().filter(|r| r.kind.word() == "hello").count() >= 2).await;
    agent.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_cannot_be_read_does_not_hold_up_the_rest() {
    let mut rig = Rig::new();
    rig.open();
    let agent = rig.start_agent();
    rig.until_joined().await;
    let boot = rig.boot();
    rig.gateway.world().unreadable = Some(lease(1));
    rig.start(&boot, 1, "pass");
    rig.start(&boot, 2, "pass");
    rig.until("the end of the other", |w| ended(w, 2).is_some()).await;
    rig.until("a hello, since numbers are missing", |w| {
        w.reports.iter().filter(|report| report.kind.word() == "hello").count() == 2
    })
    .await;
    agent.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_word_to_stop_kills_what_uses_its_grace() {
    let mut rig = Rig::new();
    rig.open();
    let agent = rig.start_agent();
    rig.until_joined().await;
    let boot = rig.boot();
    rig.start(&boot, 1, "stubborn");
    rig.until("it runs", |w| words(w, 1).contains(&"started")).await;
    agent.stop.send_replace(Stop::Gently);
    rig.until("it uses its grace", |w| words(w, 1).contains(&"checkpoint")).await;
    rig.start(&boot, 2, "pass");
    rig.until("no more is taken", |w| words(w, 2) == ["refused"]).await;
    assert!(rig.gateway.world().beats.last().is_some_and(|beat| beat.closed.as_deref() == Some("shutting down")));
    assert_eq!(ended(&rig.gateway.world(), 1), None);
    agent.stop.send_replace(Stop::AtOnce);
    agent.task.await.unwrap().unwrap();
    let world = rig.gateway.world();
    assert_eq!(ended(&world, 1), Some(Cause::Cancel));
    assert_eq!(world.reports.last().map(|report| report.kind.word()), Some("goodbye"));
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tcp_a_token_is_sent_that_may_be_written_later() {
    let mut rig = Rig::new();
    let port = rig.gateway.open_tcp();
    rig.gateway.world().token = Some("Bearer secret".into());
    let url = format!("http://127.0.0.1:{port}");
    let agent = rig.start_agent_at(Endpoint::from_url(&url, None, rig.state()).unwrap());
    std::fs::write(rig.state().join(format!("{port}.token")), "secret\n").unwrap();
    rig.until_joined().await;
    agent.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_in_python_keeps_the_rules_of_the_wire() {
    let mut rig = Rig::new();
    let port = rig.gateway.open_tcp();
    std::fs::write(rig.state().join("token"), "secret\n").unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/node.py");
    let mut node = tokio::process::Command::new("python3")
        .arg(script)
        .args(["py1", "2"])
        .env("REPRISE_URL", format!("http://127.0.0.1:{port}"))
        .env("REPRISE_TOKEN_FILE", rig.state().join("token"))
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    rig.until_joined().await;
    rig.until("it has read an answer", |w| w.beats.len() > 1).await;
    let boot = rig.boot();
    let run = |n, words: &[&str]| Start { run: words.iter().map(|w| (*w).into()).collect(), ..start(&boot, n, "") };
    let told = r#"[ "$CI $REPRISE_EXECUTION $REPRISE_TASK $REPRISE_ATTEMPT" = "true f-1 t1 1" ] &&
        [ -n "$REPRISE_LEASE" ] && [ -z "$REPRISE_URL$REPRISE_TOKEN_FILE" ] || kill -9 $$"#;
    rig.order_start(run(1, &["sh", "-c", told]));
    rig.until("its end", |w| ended(w, 1).is_some()).await;
    assert_eq!(ended(&rig.gateway.world(), 1), Some(Cause::Exit), "it knows who it is, and nothing of the node's own");
    rig.order_start(run(1, &["true"]));
    rig.order_start(Start { after_beat: 1_000_000, ..run(2, &["true"]) });
    rig.order_start(Start { slots: 3, ..run(3, &["true"]) });
    rig.order_start(run(4, &["sleep", "60"]));
    rig.order_start(run(5, &["sleep", "60"]));
    rig.until("two refused, two running", |w| {
        words(w, 2) == ["refused"]
            && words(w, 3) == ["refused"]
            && w.beats.last().is_some_and(|beat| beat.holds == [lease(4), lease(5)])
    })
    .await;
    assert_eq!(words(&rig.gateway.world(), 1), ["accepted", "started", "finished"]);
    rig.gateway.world().stop = vec![lease(4)];
    rig.gateway.order(&Order::Cancel {
        id: "c".into(),
        journal: JournalId(5),
        lease: lease(5),
        grace_ms: Millis(0),
        why: "no more needed".into(),
    });
    rig.until("both ends", |w| (ended(w, 4), ended(w, 5)) == (Some(Cause::Cancel), Some(Cause::Cancel))).await;
    assert!(rig.gateway.world().reports.iter().zip(1..).all(|(report, seq)| report.seq == seq), "in order, no gap");
    rig.gateway.world().taken = Some("another lives".into());
    assert_eq!(node.wait().await.unwrap().code(), Some(1));
}

/// A state folder, a gateway, and what an agent is told.
struct Rig {
    state: tempfile::TempDir,
    gateway: Gateway,
}

struct Agent {
    stop: watch::Sender<Stop>,
    task: JoinHandle<Result<(), Error>>,
}

impl Agent {
    /// As SIGKILL would: nothing is said or awaited.
    async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

impl Rig {
    fn new() -> Self {
        Self { state: tempfile::tempdir().unwrap(), gateway: Gateway::new() }
    }

    fn state(&self) -> &Path {
        self.state.path()
    }

    fn open(&mut self) {
        self.gateway.open(self.state.path());
    }

    fn start_agent(&self) -> Agent {
        self.start_agent_at(Endpoint::socket(self.state(), 7717))
    }

    fn start_agent_at(&self, endpoint: Endpoint) -> Agent {
        self.start_agent_with(self.options(endpoint))
    }

    fn options(&self, endpoint: Endpoint) -> Options {
        let mut options = Options::new(PoolId::new("default").unwrap(), endpoint, self.state().to_owned()).unwrap();
        options.name = Some(NodeId::new("n1").unwrap());
        options.slots = 2;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/agent/supervisor.py");
        options.supervisor = vec!["python3".into(), script.into()];
        options
    }

    fn start_agent_with(&self, options: Options) -> Agent {
        let (stop, stopped) = watch::channel(Stop::No);
        let task = tokio::spawn(async move {
            loop {
                // The lock of a killed agent is free once its last thread has ended.
                match agent::run(options.clone(), stopped.clone(), |_| ()).await {
                    Err(Error::Machine(error)) if error.to_string().contains("already") => {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                    ended => return ended,
                }
            }
        });
        Agent { stop, task }
    }

    /// Waits until something is so.
    async fn until(&self, what: &str, is_so: impl Fn(&World) -> bool) {
        let begun = Instant::now();
        while !is_so(&self.gateway.world()) {
            assert!(begun.elapsed() < Duration::from_secs(30), "never: {what}; {:#?}", self.gateway.world());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn until_joined(&self) {
        self.until("a beat, and an open stream", |w| !w.beats.is_empty() && !w.streams.is_empty()).await;
    }

    fn boot(&self) -> BootId {
        self.gateway.world().beats.last().unwrap().boot.clone()
    }

    fn start(&self, boot: &BootId, number: u64, what: &str) {
        self.order_start(start(boot, number, what));
    }

    /// Sends a start, after the last beat if it does not say otherwise.
    fn order_start(&self, mut start: Start) {
        if start.after_beat == 0 {
            start.after_beat = self.gateway.world().beats.last().unwrap().beat;
        }
        self.gateway.order(&Order::Start(Box::new(start)));
    }

    fn attempts(&self) -> Vec<String> {
        let folder = std::fs::read_dir(self.state().join("agents/n1/attempts")).unwrap();
        folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

fn lease(seq: u64) -> LeaseId {
    LeaseId { journal: JournalId(5), partition: 0, epoch: 1, seq, index: 0 }
}

fn start(boot: &BootId, number: u64, what: &str) -> Start {
    Start {
        id: format!("c{number}"),
        journal: JournalId(5),
        boot: boot.clone(),
        attempt: format!("f-1/t{number}@1"),
        lease: lease(number),
        after_beat: 0,
        expires_ms: Millis(20_000),
        strict: false,
        slots: 1,
        run: vec![what.into()],
        env: BTreeMap::new(),
        dir: None,
        timeout_ms: Millis(60_000),
        stall_ms: None,
        grace_ms: Millis(1_000),
        memory_mb: 0,
        checkpoint: Some("118".into()),
        results: Vec::new(),
    }
}

fn of(world: &World, number: u64) -> impl Iterator<Item = &Report> {
    world.reports.iter().filter(move |report| report.kind.lease().is_some_and(|lease| lease.seq == number))
}

/// What was reported of a lease.
fn words(world: &World, number: u64) -> Vec<&'static str> {
    of(world, number).map(|report| report.kind.word()).collect()
}

fn ended(world: &World, number: u64) -> Option<Cause> {
    of(world, number)
        .find_map(|report| if let ReportKind::Finished { end, .. } = &report.kind { Some(end.cause) } else { None })
}

fn progress_notes(world: &World, number: u64) -> Vec<String> {
    of(world, number)
        .filter_map(|report| if let ReportKind::Progress { note, .. } = &report.kind { note.clone() } else { None })
        .collect()
}
