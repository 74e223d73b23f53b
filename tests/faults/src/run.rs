//! A run from its beginning to its verdict.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use broker::{Broker, Options as Kind};
use nix::sys::signal::Signal;
use sim::random::Random;

use crate::clock::Clock;
use crate::engines::Engine;
use crate::faults::strike::Field;
use crate::faults::{Done, Schedule};
use crate::judge::judge;
use crate::people::People;
use crate::plant;
use crate::process::until;
use crate::read;
use crate::recording::{self, Recording};
use crate::scene::{ENGINES, PROCESSES, Scene};
use crate::watch;

/// Before all is up.
const UP: Duration = Duration::from_secs(90);
/// After the last fault, everything has ended within this.
const SETTLES: Duration = Duration::from_secs(120);
/// From one line of progress to the next.
const PROGRESS: Duration = Duration::from_secs(5);
/// What a whole run has at least: faults, and kinds of them.
const LEAST: (usize, usize) = (10, 8);
/// Runs that are shorter, in seconds, need no faults.
const SHORT: u64 = 120;

/// What a run is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The seed.
    pub seed: u64,
    /// How long faults are done.
    pub seconds: u64,
    /// How many executions.
    pub executions: usize,
    /// The folder is kept in any case.
    pub keep: bool,
}

/// Plays a run and judges it.
pub fn run(options: &Options) -> io::Result<ExitCode> {
    let Options { seed, seconds, executions, .. } = *options;
    println!("seed {seed}: {executions} executions, {seconds} s of faults");
    let folder = tempfile::Builder::new().prefix("faults").tempdir()?.keep();
    fs::create_dir_all(folder.join("nodes"))?;
    let scene = Scene(folder);
    let mut field = field(options, &scene)?;
    begin(&mut field)?;
    let sockets: Vec<PathBuf> = field.engines.iter().map(Engine::socket).collect();
    let people = People::new(sockets.clone(), field.clock, seed);
    let (struck, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let begun = Instant::now();
    let (faults, settled) = std::thread::scope(|scope| {
        // The last ones come while the last faults are healed.
        scope.spawn(|| people.submit(executions, seconds * 950));
        scope.spawn(|| progress(&sockets, &people, &struck, &over, begun));
        let faults = strike(&mut field, seconds, begun, &struck);
        let settled = faults.is_ok() && settles(&sockets, &people, executions);
        people.gone.store(true, Ordering::Relaxed);
        over.store(true, Ordering::Relaxed);
        (faults, settled)
    });
    let mut odd = people.odd.into_inner().unwrap_or_default();
    odd.extend(stop(&mut field)?);
    recording::write(&scene.folder().join("faults.jsonl"), &faults?)?;
    recording::write(&scene.folder().join("told.jsonl"), &people.told.into_inner().unwrap_or_default())?;
    let topics = read::topics(&field.broker.address(), &field.prefix).map_err(io::Error::other)?;
    read::write(&scene.folder().join("topics.jsonl"), &topics)?;
    drop(field);
    println!("{} tries of people failed and were made again", people.failed.into_inner());
    if !settled {
        odd.push(format!("I1: not all has ended {} s after the last fault", SETTLES.as_secs()));
    }
    let fine = verdict(&scene, odd, SHORT <= seconds)?;
    if fine && !options.keep {
        fs::remove_dir_all(scene.folder())?;
    } else {
        println!("kept: {}", scene.folder().display());
    }
    if !fine {
        println!(
            "to repeat it, as far as real time can be: faults --seed {seed} --seconds {seconds} --executions {executions}"
        );
    }
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Judges what lies in a folder.
pub fn verdict(scene: &Scene, mut violations: Vec<String>, whole: bool) -> io::Result<bool> {
    let begun = Instant::now();
    let recording = Recording::load(scene)?;
    let verdict = judge(&recording, true);
    println!("\n{}", verdict.figures);
    let (faults, kinds) = verdict.figures.effective();
    if whole && (faults < LEAST.0 || kinds < LEAST.1) {
        violations.push(format!("only {faults} faults of {kinds} kinds took effect, not {} of {}", LEAST.0, LEAST.1));
    }
    violations.extend(verdict.violations);
    println!("{} violations, found in {:.1} s", violations.len(), begun.elapsed().as_secs_f64());
    violations.iter().take(30).for_each(|violation| println!("  {violation:.700}"));
    if violations.is_empty() {
        let unseen = plant::unseen(&recording, |changed| !judge(changed, true).violations.is_empty());
        let seen = plant::Plant::ALL.len() - unseen.len();
        println!("{seen} of {} changes to this recording are seen {unseen:?}", plant::Plant::ALL.len());
        return Ok(unseen.is_empty());
    }
    Ok(false)
}

fn field(options: &Options, scene: &Scene) -> io::Result<Field> {
    let own = std::env::current_exe()?;
    let reprise = own.parent().unwrap_or(Path::new(".")).join("reprise");
    if !reprise.is_file() {
        let why = format!("{} is missing: cargo build --workspace --bin reprise", reprise.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, why));
    }
    // The checker asks when each record was taken, of every topic.
    let broker = Broker::start(Kind::plain().proxied().with("log.message.timestamp.type", "LogAppendTime"));
    let (proxy, prefix) = (broker.proxy(), "faults-".to_owned());
    let address = |index| if index + 1 < ENGINES { broker.address() } else { proxy.address() };
    let engine = |index| Engine::new(index, address(index), prefix.clone(), scene.clone());
    let engines = (0..ENGINES).map(engine).collect();
    let fleets = (0..PROCESSES).map(|_| (None, 0)).collect();
    let (clock, seed, random) = (Clock::begin(), options.seed, Random::new(options.seed));
    Ok(Field { broker, proxy, engines, fleets, clock, scene: scene.clone(), prefix, reprise, seed, random })
}

fn begin(field: &mut Field) -> io::Result<()> {
    let reprise = field.reprise.clone();
    for index in 0..ENGINES {
        field.engines[index].start(&reprise)?;
        // The first one makes the topics.
        if until(UP, || field.engines[index].is_ready().then_some(())).is_none() {
            let words = field.scene.words(&format!("engine{index}"));
            return Err(io::Error::other(format!("engine{index} is not ready: {}", words.display())));
        }
    }
    (0..PROCESSES).try_for_each(|process| field.start_nodes(process))
}

fn strike(field: &mut Field, seconds: u64, begun: Instant, struck: &AtomicUsize) -> io::Result<Vec<Done>> {
    let mut schedule = Schedule::new(field.seed);
    let mut faults = Vec::new();
    // Something must be under way.
    field.pause(5_000, 7_000);
    while begun.elapsed() + Duration::from_secs(5) < Duration::from_secs(seconds) {
        let done = field.strike(schedule.next())?;
        let (took, words) = (done.to - done.from, done.kind.words());
        let effect = if done.effective { "" } else { ", without effect" };
        println!("{:>5} s  {words}: {}, {took} ms{effect}", begun.elapsed().as_secs(), done.target);
        struck.fetch_add(usize::from(done.effective), Ordering::Relaxed);
        faults.push(done);
        field.pause(500, 3_500);
    }
    Ok(faults)
}

fn progress(sockets: &[PathBuf], people: &People, struck: &AtomicUsize, over: &AtomicBool, begun: Instant) {
    let mut last = Instant::now();
    while !over.load(Ordering::Relaxed) {
        sleep(Duration::from_millis(100));
        if last.elapsed() < PROGRESS {
            continue;
        }
        last = Instant::now();
        let told = people.told.lock().map_or(0, |told| told.len());
        let ended = watch::standing(sockets).map_or("?".to_owned(), |all| (all.executions - all.open).to_string());
        let (seconds, faults) = (begun.elapsed().as_secs(), struck.load(Ordering::Relaxed));
        println!("{seconds:>5} s  {told} answers, {ended} executions ended, {faults} faults");
    }
}

/// Waits until everybody was answered and nothing is open.
fn settles(sockets: &[PathBuf], people: &People, executions: usize) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < SETTLES && !people.gone.load(Ordering::Relaxed) {
        let answered = people.answered() == executions;
        let standing = watch::standing(sockets);
        if answered && standing.is_some_and(|all| all.open == 0 && all.executions == executions) {
            return true;
        }
        sleep(Duration::from_millis(200));
    }
    false
}

/// Ends all as planned, but for the nodes, and says who did not end well.
fn stop(field: &mut Field) -> io::Result<Vec<String>> {
    // What nodes still have to report, they report within a beat or two.
    sleep(Duration::from_secs(2));
    let mut odd = Vec::new();
    for engine in &mut field.engines {
        let ended = engine.stop();
        if !ended.is_some_and(|ended| ended.success()) {
            odd.push(format!("engine{} did not end well: {ended:?}", engine.index));
        }
    }
    for process in 0..PROCESSES {
        if let Some(running) = &field.fleets[process].0 {
            running.signal(Signal::SIGCONT);
        }
        field.end_nodes(process)?;
    }
    Ok(odd)
}
