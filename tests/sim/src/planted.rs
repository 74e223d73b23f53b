//! Planted bugs: the proof that the checker would see one. Each breaks one rule on purpose, and must be caught by a
//! general invariant within so many seeds that pass without it.

use operators::Planted;
use protocol::partition::Fault;

use crate::knobs::Bug;
use crate::run::run;

/// Seeds within which each is caught.
pub const SEEDS: u64 = 200;
/// Where their seeds begin: with the last of the 2,000 that every test run plays without a bug.
const FROM: u64 = 1_801;

/// Each bug with its name.
pub const ALL: [(&str, Bug); 27] = [
    ("stale result counts", Bug::Operators(Planted::StaleResultCounts)),
    ("key forgotten at the end", Bug::Operators(Planted::KeyForgottenAtEnd)),
    ("infrastructure counted on test", Bug::Operators(Planted::InfraCountedOnTest)),
    ("slots kept after a loss", Bug::Operators(Planted::SlotsKeptAfterLoss)),
    ("start without expiry", Bug::Operators(Planted::StartWithoutExpiry)),
    ("start without a beat", Bug::Operators(Planted::StartWithoutBeat)),
    ("refused is retried at once", Bug::Operators(Planted::RefusedIsRetriedAtOnce)),
    ("slots without what the beat held", Bug::Operators(Planted::SlotsWithoutWhatTheBeatHeld)),
    ("taken back by a timer", Bug::Operators(Planted::TakenBackByTimer)),
    ("a late beat is evidence", Bug::Operators(Planted::LateBeatIsEvidence)),
    ("a missing lease is ignored", Bug::Operators(Planted::MissingLeaseIgnored)),
    ("any hello is accepted", Bug::Operators(Planted::AnyHelloAccepted)),
    ("verdict while lagging", Bug::Operators(Planted::VerdictWhileLagging)),
    ("beats only are signs of life", Bug::Operators(Planted::BeatsOnlyAreSignsOfLife)),
    ("lock granted at once", Bug::Operators(Planted::LockGrantedAtOnce)),
    ("lock kept by a lost node", Bug::Operators(Planted::LockKeptByLostNode)),
    ("a start that is lost is forgotten", Bug::Operators(Planted::StartForgotten)),
    ("effects before admission", Bug::Protocol(Fault::EffectsBeforeAdmission)),
    ("start before own announcement", Bug::Protocol(Fault::StartBeforeOwnAnnouncement)),
    ("no sequence check", Bug::Protocol(Fault::NoSequenceCheck)),
    ("no epoch check", Bug::Protocol(Fault::NoEpochCheck)),
    ("no position in the entry", Bug::Protocol(Fault::NoPositionInEntry)),
    ("tick before the watermark", Bug::Protocol(Fault::TickBeforeWatermark)),
    ("snapshot without keys", Bug::Protocol(Fault::SnapshotWithoutKeys)),
    ("snapshot without its epoch", Bug::Protocol(Fault::SnapshotWithoutEpoch)),
    ("answers before admission", Bug::Protocol(Fault::AnswersBeforeAdmission)),
    ("observations kept after a pause", Bug::Protocol(Fault::SoftKeptAfterPause)),
];

/// The first seed that catches a bug, and what it says.
pub fn hunt(bug: Bug) -> Option<(u64, String)> {
    (FROM..FROM + SEEDS).find_map(|seed| {
        let said = run(seed, bug, false).violations.into_iter().next()?;
        // It must be the bug that is seen, and not something that is there without it.
        run(seed, Bug::None, false).violations.is_empty().then_some((seed - FROM + 1, said))
    })
}
