//! How Java is called: where Kafka's jars are, how much memory it gets, and one of Kafka's own tools run to its end.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Small, and quick to start rather than to run.
const SMALL: [&str; 4] = ["-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"];

/// A main class of Kafka's with its log at this level, without arguments yet.
pub fn command(class: &str, level: &str) -> Command {
    let mut command = Command::new("java");
    command.args(SMALL).arg(format!("-Dorg.slf4j.simpleLogger.defaultLogLevel={level}"));
    command.args(["-Dorg.slf4j.simpleLogger.showDateTime=true"]);
    command.args(["-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS"]);
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

/// The folder with Kafka's jars: `$REPRISE_KAFKA_LIBS`, or below the folder that this test was built to.
fn libs() -> PathBuf {
    let libs =
        std::env::var_os("REPRISE_KAFKA_LIBS").map_or_else(|| target().join("kafka").join("libs"), PathBuf::from);
    assert!(libs.is_dir(), "{MISSING} (to {})", libs.display());
    libs
}

/// The folder that cargo builds to: this test runs in it.
fn target() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    let above = own.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    above.map_or(usual, Path::to_path_buf)
}
