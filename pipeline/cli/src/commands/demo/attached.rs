//! A process that ends when the demo does, even if that is killed or its reader has gone: it asks the kernel to be
//! killed with its parent, and then becomes what it shall be.

use std::env::current_exe;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::getppid;

use crate::exit::Exit;
use crate::failure::Failure;

/// A command line of this program that ends with this process.
pub fn command(program: &Path, arguments: &[String]) -> Command {
    let mut command = Command::new(program);
    command.args(["demo", "--"]).arg(process::id().to_string()).args(arguments);
    command
}

/// The other side: what [`command`] has started becomes the command line that was given. Returns only if it cannot.
pub fn become_it(parent: &str, arguments: &[String]) -> Failure {
    let error = attach(parent).map_or_else(|error| error, |program| Command::new(program).args(arguments).exec());
    Failure::new(Exit::Machine, format!("a process of the demo cannot start: {error}"))
}

/// Binds this process to its parent; returns its program.
fn attach(parent: &str) -> io::Result<PathBuf> {
    set_pdeathsig(Signal::SIGKILL)?;
    // The parent may have gone before the kernel was asked: then nothing would ever end us.
    if getppid().to_string() != parent {
        return Err(io::Error::other("the demo has ended"));
    }
    current_exe()
}
