//! The binary `reprise`. All that it does is in the library beside it; here stand only the codes that scripts read.
//!
//! 0 done, 1 our own bug, 2 command line, 3 file refused, 4 no such thing, 5 not now or not allowed, 6 engine not
//! reached or not ready, 7 this machine, 8 `--wait` ran out, 10 a task failed, 11 only parked, 12 cancelled, 20 the
//! demo lost or doubled a result, 130 detached. The table with its words is `reprise::Exit`.

use std::process::ExitCode;

fn main() -> ExitCode {
    reprise::main().into()
}
