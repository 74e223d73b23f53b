//! The calendar: what a night brings, beside the work itself.
//!
//! What has to occur in a history of a month stands here by the number of the night, so that no seed can miss it; only
//! the hour and the node are chance.

use crate::random::Random;

/// The first night begins: 2026-03-01 at 02:00 UTC.
pub const FIRST_NIGHT: u64 = 1_772_330_400_000;
/// From one night to the next.
pub const DAY: u64 = 86_400_000;
/// The night before which the installation brings a new version of the default policy.
pub const NEW_POLICY: u32 = 2;

/// What befalls nodes or the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A node is cut off for long: lost, and back with the same boot.
    FalseDeath,
    /// A node is cut off for less: suspect, and back.
    Blip,
    /// A machine dies; it comes back minutes later, with a new boot.
    Death,
    /// An agent is started again at once.
    Restart,
    /// A node leaves in the middle of its work.
    Leave,
    /// A zone falls silent as a whole, for minutes.
    ZoneSilence,
    /// Another engine takes over.
    Takeover,
    /// Somebody sends what nobody can read.
    Junk,
}

/// What a person does without being asked by any failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whim {
    /// Pauses an execution, and resumes it later.
    Pause,
    /// Cancels an execution.
    Cancel,
}

/// The faults of a night, each with its time after the beginning.
pub fn faults(night: u32, executions: u32, random: &mut Random) -> Vec<(u64, Fault)> {
    let mut faults = match night % 6 {
        0 => vec![Fault::FalseDeath],
        1 => vec![Fault::Leave, Fault::Blip, Fault::Junk],
        2 => vec![Fault::Restart, Fault::Death],
        3 => vec![Fault::Death],
        4 => vec![Fault::Takeover],
        _ => vec![Fault::FalseDeath, Fault::Leave],
    };
    if night % 40 == 13 {
        faults.push(Fault::ZoneSilence);
    }
    if random.chance(250) {
        faults.extend(random.pick(&[Fault::FalseDeath, Fault::Blip, Fault::Death, Fault::Restart]).copied());
    }
    let longest = 400_000 + 60_000 * u64::from(executions);
    faults.into_iter().map(|fault| (random.between(100_000, longest), fault)).collect()
}

/// What people do in a night, each with its time after the beginning.
pub fn whims(night: u32, random: &mut Random) -> Vec<(u64, Whim)> {
    let mut whims = Vec::new();
    if night % 5 == 1 || random.chance(200) {
        whims.push((random.between(150_000, 300_000), Whim::Pause));
    }
    if night % 8 == 5 || random.chance(50) {
        whims.push((random.between(60_000, 200_000), Whim::Cancel));
    }
    whims
}

/// The node that lacks a program for a night, of so many, if one does.
pub fn lame(night: u32, nodes: usize) -> Option<usize> {
    (night % 8 == 3).then(|| (night as usize / 8 * 3 + 4) % nodes.max(1))
}
