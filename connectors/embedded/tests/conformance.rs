//! The embedded log is a log: it passes the suite that every implementation passes.

use std::sync::Arc;

use conformance::Subject;
use embedded::{EmbeddedLog, Options};
use protocol::log::Log;
use tempfile::TempDir;

struct Embedded {
    folder: TempDir,
    options: Options,
}

impl Subject for Embedded {
    fn fresh(&mut self) -> Arc<dyn Log> {
        self.folder = TempDir::new().expect("a folder for the test");
        self.reopen()
    }

    fn reopen(&mut self) -> Arc<dyn Log> {
        Arc::new(EmbeddedLog::open(self.folder.path(), &self.options).expect("the log opens"))
    }
}

#[test]
fn the_embedded_log_conforms() {
    let options = Options { partitions: 2, reserve_bytes: 1 << 20, ..Options::default() };
    conformance::run(&mut Embedded { folder: TempDir::new().unwrap(), options });
}

#[test]
fn it_conforms_when_nothing_is_served_from_memory() {
    let options = Options { partitions: 2, reserve_bytes: 0, tail_bytes: 0, cache_bytes: 0, ..Options::default() };
    conformance::run(&mut Embedded { folder: TempDir::new().unwrap(), options });
}
