//! How Java is called: where Kafka's jars are, how much memory it gets, and one of Kafka's own tools run to its end.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::archive;

/// Small, and quick to start rather than to run.
const SMALL: [&str; 4] = ["-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"];

/// A main class of Kafka's with its log at this level, without arguments yet.
pub fn command(class: &str, level: &str) -> Command {
    let mut command = Command::new("java");
    command.args(SMALL).arg(format!("-Dorg.slf4j.simpleLogger.defaultLogLevel={level}"));
    command.args(["-Dorg.slf4j.simpleLogger.showDateTime=true"]);
    command.args(["-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS"]);
    archive::used_by(&mut command);
    command.arg("-cp").arg(libs().join("*")).arg(class);
    command
}

/// Runs a command to its end with an input; it must succeed.
pub fn finish(command: &mut Command, input: &str) -> Output {
    let output = run(command, input);
    assert!(output.status.success(), "{command:?}: {output:?}");
    output
}

/// Runs a command to its end with an input, which is small: it is written before anything is read.
pub fn run(command: &mut Command, input: &str) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{MISSING}: {command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("its input is a pipe");
    // Whoever does not read its input says why in its output.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("a child can be waited for")
}

/// What to do when something is not there.
const MISSING: &str = "Java or Kafka's jars are missing: `./dev test tools` brings them";

/// The folder with Kafka's jars: `$REPRISE_KAFKA_LIBS`, or `kafka/libs` in a folder above this program, as where it was built.
pub fn libs() -> PathBuf {
    if let Some(libs) = std::env::var_os("REPRISE_KAFKA_LIBS").map(PathBuf::from) {
        assert!(libs.is_dir(), "REPRISE_KAFKA_LIBS: there is no folder {}", libs.display());
        return libs;
    }
    let own = std::env::current_exe().unwrap_or_default();
    let mut beside = own.ancestors().map(|folder| folder.join("kafka").join("libs"));
    beside.find(|libs| libs.is_dir()).unwrap_or_else(|| panic!("{MISSING}, or REPRISE_KAFKA_LIBS names their folder"))
}
