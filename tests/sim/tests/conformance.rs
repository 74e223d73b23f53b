//! The simulated log is a log: its streams pass the suite that every implementation passes.

use std::sync::Arc;

use conformance::Subject;
use protocol::log::Log;
use sim::log::real::RealLog;

struct Simulated(Arc<RealLog>);

impl Subject for Simulated {
    fn fresh(&mut self) -> Arc<dyn Log> {
        self.0 = Arc::new(RealLog::new(2));
        self.reopen()
    }

    fn reopen(&mut self) -> Arc<dyn Log> {
        self.0.clone()
    }

    fn may_wait(&self) -> Option<usize> {
        None
    }
}

#[test]
fn the_simulated_log_conforms() {
    conformance::run(|| Simulated(Arc::new(RealLog::new(2))));
}
