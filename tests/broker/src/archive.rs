//! Java starts in half the time when it finds an archive of the classes that it will load. A broker that ends well can
//! leave one, so one does, once for a folder of jars. Java itself leaves an archive alone that does not fit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::java;

/// Where the archive is: beside the folder of the jars.
fn place() -> PathBuf {
    java::libs().with_file_name("classes.jsa")
}

/// Lets a Java use the archive, if there is one. What Java thinks of it is no answer of a tool's.
pub fn used_by(command: &mut Command) {
    let place = place();
    if place.exists() {
        command.args(["-Xlog:disable", "-Xlog:all=error:stderr"]);
        command.arg(format!("-XX:SharedArchiveFile={}", place.display()));
    }
}

/// Makes the archive, unless it is there: `leave` starts a broker that writes one to the path, and stops it.
pub fn make_once(leave: impl FnOnce(&Path)) {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let (place, own) = (place(), java::libs().with_file_name(format!("classes.jsa.{}", std::process::id())));
        if !place.exists() {
            leave(&own);
            // An empty one says that this Java leaves none: all is as well without, but slower. Processes that make it
            // at the same time make the same.
            let _ = fs::rename(own, &place).or_else(|_| fs::write(&place, ""));
        }
    });
}

/// Has a Java write the archive when it ends.
pub fn left_by(command: &mut Command, path: &Path) {
    command.env("JDK_JAVA_OPTIONS", format!("-XX:ArchiveClassesAtExit=\"{}\"", path.display()));
}
