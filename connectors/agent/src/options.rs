//! What an agent is told when it starts.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::{env, io};

use model::{NodeId, PoolId};

use crate::endpoint::Endpoint;
use crate::machine;

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
            // Not by its path: the file there may have been removed or replaced by an upgrade since we started.
            supervisor: vec!["/proc/self/exe".into(), "supervise".into()],
            state,
            output_bytes: 64 * 1024 * 1024,
        })
    }
}
