//! At each fail point the process that reaches it dies by SIGKILL while a flow runs on two agents; it is started again,
//! the flow ends well, and the promise held.

use std::os::unix::process::ExitStatusExt;

use e2e::verdict::Verdict;
use e2e::{Running, World, flows, wait};
use failpoint::NAMES;
use libtest_mimic::Trial;
use nix::sys::signal::Signal;

/// A point is taken at its first time, unless there is more to lose later.
const LATER: [(&str, u32); 10] = [
    ("agent.beat.before", 4),
    ("agent.beat.answered", 4),
    ("agent.store.before", 5),
    ("agent.store.synced", 6),
    ("agent.store.written", 7),
    ("engine.append.after", 6),
    ("engine.append.before", 8),
    ("engine.renew.before", 5),
    ("log.commit.after", 9),
    ("log.commit.before", 12),
];

/// Tasks under which a process is killed: of four slots, so that n1 has one at the least.
const HELD: usize = 3;
/// Points that a process passes when it starts: each is also tried while it gets over an earlier SIGKILL.
const STARTING: [&str; 9] = [
    "agent.boot.begun",
    "agent.hello.acked",
    "agent.hello.before",
    "agent.leftover.stored",
    "agent.leftovers.sent",
    "engine.announce",
    "engine.leading",
    "engine.loaded",
    "log.opened",
];
/// Those of them that nobody passes who starts for the first time.
const ONLY_AGAIN: [&str; 2] = ["agent.leftover.stored", "agent.leftovers.sent"];

/// Moments of what is done once an hour: the tests of `journal` kill a writer there.
const HOURLY: &str = "tables.compact.";

/// A test for each fail point, and another for those of a start.
pub fn trials() -> Vec<Trial> {
    let names =
        NAMES.iter().map(|(name, _)| *name).filter(|name| !ONLY_AGAIN.contains(name) && !name.starts_with(HOURLY));
    let first = names.map(|name| trial(name, "costs_nothing", false));
    first.chain(STARTING.map(|name| trial(name, "costs_nothing_while_it_gets_over_a_crash", true))).collect()
}

fn trial(point: &'static str, what: &str, again: bool) -> Trial {
    crate::trial(&format!("fail_points::{point}_{what}"), move || survive(point, again))
}

fn survive(point: &str, again: bool) {
    let world = World::new();
    let log = world.path("hit").display().to_string();
    let at = LATER.iter().find(|(name, _)| *name == point).map_or(1, |(_, at)| *at);
    let at = format!("{point}:{at}");
    let deadly = [("REPRISE_FAIL_AT", at.as_str()), ("REPRISE_FAIL_LOG", log.as_str())];
    let mut cast = Cast::new(&world, point, if again { &[] } else { &deadly });

    let held = again.then(|| crash_under_work(&world, &mut cast, &deadly));
    let execution = world.submit_while(&flows::mixed(&world), || cast.tend());
    let view = world.ended_while(&execution, || cast.tend());
    assert_eq!(view["state"], "completed", "{view:#}");
    if !was_hit(&world, point) {
        // A moment of the end: it comes when its process is asked to stop.
        cast.struck().signal(Signal::SIGTERM);
        cast.struck().wait();
        assert!(was_hit(&world, point), "{point} was never reached");
        cast.tend();
    }
    let more = world.submit_while(&flows::many(&world, "more", 2), || cast.tend());
    world.ended_while(&more, || cast.tend());
    if let Some(held) = &held {
        world.ended_while(held, || cast.tend());
    }
    Verdict::of(&world).holds(if again { 12 + HELD } else { 12 });
}

/// Kills who is to be struck while each agent is in the middle of something, and starts it again. Returns that
/// something's execution.
fn crash_under_work(world: &World, cast: &mut Cast<'_>, deadly: &[(&str, &str)]) -> String {
    let held = world
        .submit_while(&flows::alike(world, "held", HELD, "while [ ! -e go ]; do sleep 0.05; done"), || cast.tend());
    let ledger = || std::fs::read_to_string(world.path(flows::LEDGER)).unwrap_or_default();
    wait::for_it("all of it runs", || ledger().lines().count() == HELD);
    cast.struck().kill();
    *cast.struck() = cast.start_struck(deadly);
    std::fs::write(world.path("go"), "").unwrap();
    held
}

fn was_hit(world: &World, point: &str) -> bool {
    std::fs::read_to_string(world.path("hit")).is_ok_and(|name| name == point)
}

/// Who plays: whoever dies is started again, and lives.
struct Cast<'a> {
    world: &'a World,
    agent_dies: bool,
    engine: Running,
    victim: Running,
    other: Running,
}

impl<'a> Cast<'a> {
    /// Starts all; the process that the point belongs to gets these variables.
    fn new(world: &'a World, point: &str, deadly: &[(&str, &str)]) -> Self {
        let agent_dies = point.starts_with("agent.") || point.starts_with("supervisor.");
        let engine = world.begin_engine(if agent_dies { &[] } else { deadly });
        let victim = world.agent("n1", 2, if agent_dies { deadly } else { &[] });
        Self { world, agent_dies, engine, victim, other: world.agent("n2", 2, &[]) }
    }

    /// The process that the point belongs to.
    fn struck(&mut self) -> &mut Running {
        if self.agent_dies { &mut self.victim } else { &mut self.engine }
    }

    fn start_struck(&self, deadly: &[(&str, &str)]) -> Running {
        if self.agent_dies { self.world.agent("n1", 2, deadly) } else { self.world.begin_engine(deadly) }
    }

    fn tend(&mut self) {
        if is_killed(&mut self.engine) {
            self.engine = self.world.begin_engine(&[]);
        }
        if is_killed(&mut self.victim) {
            self.victim = self.world.agent("n1", 2, &[]);
        }
        assert!(!is_killed(&mut self.other), "nobody kills n2");
    }
}

/// Whether SIGKILL has ended it; whoever ends otherwise has a bug.
fn is_killed(process: &mut Running) -> bool {
    let Some(status) = process.ended() else { return false };
    assert_eq!(status.signal(), Some(9), "{} ended by itself:\n{}", process.name, process.said());
    true
}
