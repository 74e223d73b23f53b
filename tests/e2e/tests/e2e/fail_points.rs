//! At each fail point the process that reaches it dies by SIGKILL while a flow runs on two agents; it is started again,
//! the flow ends well, and the promise held.

use std::os::unix::process::ExitStatusExt;

use e2e::verdict::Verdict;
use e2e::{Running, World, flows};
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

/// A test for each fail point.
pub fn trials() -> Vec<Trial> {
    NAMES
        .iter()
        .map(|(name, _)| crate::trial(&format!("fail_points::{name}_costs_nothing"), move || survive(name)))
        .collect()
}

fn survive(point: &str) {
    let world = World::new();
    let log = world.path("hit").display().to_string();
    let at = LATER.iter().find(|(name, _)| *name == point).map_or(1, |(_, at)| *at);
    let (is_agent, at) = (point.starts_with("agent.") || point.starts_with("supervisor."), format!("{point}:{at}"));
    let deadly = [("REPRISE_FAIL_AT", at.as_str()), ("REPRISE_FAIL_LOG", log.as_str())];
    let mut cast = Cast {
        world: &world,
        engine: world.begin_engine(if is_agent { &[] } else { &deadly }),
        victim: world.agent("n1", 2, if is_agent { &deadly } else { &[] }),
        other: world.agent("n2", 2, &[]),
    };

    let execution = world.submit_while(&flows::mixed(&world), || cast.tend());
    let view = world.ended_while(&execution, || cast.tend());
    assert_eq!(view["state"], "completed", "{view:#}");
    if !was_hit(&world, point) {
        // A moment of the end: it comes when its process is asked to stop.
        let process = if is_agent { &mut cast.victim } else { &mut cast.engine };
        process.signal(Signal::SIGTERM);
        process.wait();
        assert!(was_hit(&world, point), "{point} was never reached");
        cast.tend();
    }
    let again = world.submit_while(&flows::many(&world, "again", 2), || cast.tend());
    world.ended_while(&again, || cast.tend());
    Verdict::of(&world).holds(12);
}

fn was_hit(world: &World, point: &str) -> bool {
    std::fs::read_to_string(world.path("hit")).is_ok_and(|name| name == point)
}

/// Who plays: whoever dies is started again, and lives.
struct Cast<'a> {
    world: &'a World,
    engine: Running,
    victim: Running,
    other: Running,
}

impl Cast<'_> {
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
