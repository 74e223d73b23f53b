//! What an agent is told when it starts.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::{env, io};

use model::report::{MAX_LABELS, MAX_SLOTS, MAX_WORDS_BYTES};
use model::{NodeId, PoolId};

use crate::endpoint::Endpoint;
use crate::{json, machine};

/// Most bytes of zone and labels together, as JSON: beside the longest list of leases they fit into one report.
const MAX_CARD_BYTES: usize = 12 * 1024;

/// What an agent is told when it starts. [`Options::new`] has the defaults.
#[derive(Debug, Clone)]
pub struct Options {
    /// The pool that it serves.
    pub pool: PoolId,
    /// Its name; without, the host's, with a number where that is taken on this machine.
    pub name: Option<NodeId>,
    /// How much it takes at once; at most `model::report::MAX_SLOTS`.
    pub slots: u32,
    /// What it is.
    pub labels: BTreeMap<String, String>,
    /// What fails together with it.
    pub zone: String,
    /// Where tasks run that say nothing else.
    pub dir: PathBuf,
    /// Its memory, in MiB; 0 is unknown.
    pub memory_mb: u64,
    /// Where the engine is.
    pub endpoint: Endpoint,
    /// The cluster over which all but output goes, if not over HTTP.
    pub kafka: Option<kafka::Settings>,
    /// The supervisor's program and arguments; an attempt's folder comes last.
    pub supervisor: Vec<OsString>,
    /// This user's state folder.
    pub state: PathBuf,
    /// Most bytes of output kept of an attempt.
    pub output_bytes: u64,
}

impl Options {
    /// One slot per processor, this folder, this program as supervisor.
    pub fn new(pool: PoolId, endpoint: Endpoint, state: PathBuf) -> io::Result<Self> {
        Ok(Self {
            pool,
            name: None,
            slots: machine::processors(),
            labels: BTreeMap::new(),
            zone: String::new(),
            dir: env::current_dir()?,
            memory_mb: machine::memory_mb(),
            endpoint,
            kafka: None,
            // Not by its path: the file there may have been removed or replaced by an upgrade since we started.
            supervisor: vec!["/proc/self/exe".into(), "supervise".into()],
            state,
            output_bytes: 64 * 1024 * 1024,
        })
    }
    /// Says which of them no engine would take, if there is one: its hello would be refused.
    pub fn check(&self) -> Result<(), String> {
        let is_long = |words: &str| MAX_WORDS_BYTES < words.len();
        if self.slots == 0 || MAX_SLOTS < self.slots as usize {
            return Err(format!("--slots {}: must be 1 to {MAX_SLOTS}", self.slots));
        }
        if is_long(&self.zone) {
            return Err(format!("--zone has {} bytes; at most {MAX_WORDS_BYTES} fit", self.zone.len()));
        }
        if MAX_LABELS < self.labels.len() {
            return Err(format!("--label is given {} times; at most {MAX_LABELS} fit", self.labels.len()));
        }
        if let Some((key, _)) = self.labels.iter().find(|(key, value)| is_long(key) || is_long(value)) {
            let start = &key[..key.floor_char_boundary(40)];
            return Err(format!("--label {start}: key and value have at most {MAX_WORDS_BYTES} bytes each"));
        }
        let words = self.labels.iter().flat_map(|(key, value)| [key, value]).chain([&self.zone]);
        let bytes: usize = words.map(|words| json::bytes(words) + 1).sum();
        if MAX_CARD_BYTES < bytes {
            return Err(format!("--label and --zone have {bytes} bytes in all; at most {MAX_CARD_BYTES} fit"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use model::report::{Hello, MAX_REPORT_BYTES};
    use model::{BootId, JournalId, LeaseId, Report, ReportKind};

    use super::*;

    #[test]
    fn what_no_engine_takes_is_said_by_its_option() {
        let long = || "x".repeat(MAX_WORDS_BYTES + 1);
        let labels = |count: usize, value: &str| (0..count).map(|n| (format!("k{n}"), value.to_owned())).collect();
        let checked = |change: &dyn Fn(&mut Options)| {
            let mut options = options();
            change(&mut options);
            options.check().err().unwrap_or_default()
        };
        assert_eq!(checked(&|options| options.labels = labels(64, &"x".repeat(150))), "");
        for (change, want) in [
            (&(|options: &mut Options| options.slots = 0) as &dyn Fn(&mut Options), "--slots 0"),
            (&|options| options.slots = 1_001, "--slots 1001"),
            (&|options| options.zone = long(), "--zone has 1025 bytes"),
            (&|options| options.labels = labels(65, "v"), "--label is given 65 times"),
            (&|options| options.labels = labels(2, &long()), "--label k0"),
            (&|options| options.labels = labels(64, &"x".repeat(500)), "--label and --zone have"),
        ] {
            let why = checked(change);
            assert!(why.starts_with(want), "{why} instead of {want}");
        }
    }

    #[test]
    fn the_longest_hello_fits_a_report() {
        let max = u64::MAX;
        let lease = LeaseId { journal: JournalId(max), partition: u32::MAX, epoch: max, seq: max, index: u32::MAX };
        let mut options = options();
        options.labels = BTreeMap::from([("k".to_owned(), "\u{1}".repeat(1_000))]);
        options.zone = "x".repeat(MAX_WORDS_BYTES);
        while options.check().is_ok() {
            let more = "x".repeat(100);
            options.labels.insert(format!("k{}", options.labels.len()), more);
        }
        let hello = Hello {
            slots: u32::MAX,
            memory_mb: max,
            zone: options.zone,
            labels: options.labels,
            was: Some(BootId::new(&"b".repeat(64)).unwrap()),
            journal: Some(lease.journal),
            holds: vec![lease; MAX_SLOTS],
        };
        let name = "x".repeat(100);
        let (pool, node) = (PoolId::new(&name).unwrap(), NodeId::new(&name).unwrap());
        let boot = BootId::new(&name[..64]).unwrap();
        let report = Report { pool, node, boot, seq: max, at: max, kind: ReportKind::Hello(hello) };
        let bytes = serde_json::to_vec(&report).unwrap().len();
        assert!(bytes <= MAX_REPORT_BYTES, "{bytes}");
    }

    fn options() -> Options {
        let state = PathBuf::from("/nowhere");
        let endpoint = Endpoint::socket(&state, 7717);
        Options::new(PoolId::new("default").unwrap(), endpoint, state).unwrap()
    }
}
