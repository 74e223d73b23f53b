//! The start of the command: its folder, its environment, its output into one pipe.

use std::fs::File;
use std::io::{self, ErrorKind, PipeReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::Pid;

use crate::attempt::Spec;

/// What a pipe may hold if the system allows it: a command that prints much waits less for us.
const PIPE_BYTES: i32 = 1024 * 1024;
/// How much rather the kernel ends a command than others, from 0 to 1000.
const OOM_SCORE: &str = "500";
/// Variables of the agent that a command gets, too.
const INHERITED: [&str; 3] = ["PATH", "HOME", "LANG"];
const USUAL_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A command that runs.
#[derive(Debug)]
pub struct Launched {
    /// Its process, to ask how it ended.
    pub child: Child,
    /// The number of the same; it leads a group of its own.
    pub main: Pid,
    /// What it and its descendants print; never waits.
    pub output: PipeReader,
}

/// The folder that the command runs in, and that its result globs start from.
pub fn work_dir(spec: &Spec) -> PathBuf {
    Path::new(&spec.dir).join(spec.start.dir.as_deref().unwrap_or_default())
}

/// Starts the command, or says in a person's words why that cannot be.
pub fn launch(folder: &Path, spec: &Spec, socket: &Path) -> Result<Launched, String> {
    let Some((program, arguments)) = spec.start.run.split_first() else {
        return Err("there is nothing to run: `run` is empty".into());
    };
    let dir = work_dir(spec);
    if !dir.is_dir() {
        return Err(format!("no such folder to run in: {}", dir.display()));
    }
    let checkpoint = leave_checkpoint(folder, spec).map_err(|e| format!("the checkpoint cannot be handed on: {e}"))?;
    let (output, writer) = pipe().map_err(|e| format!("no pipe for its output: {e}"))?;
    let second = writer.try_clone().map_err(|e| format!("no pipe for its output: {e}"))?;

    let mut command = Command::new(program);
    command.args(arguments).current_dir(&dir).stdin(Stdio::null()).stdout(writer).stderr(second);
    command.process_group(0).env_clear().envs(environment(spec, &checkpoint, socket));
    let child = command.spawn().map_err(|e| refusal(program, &dir, &e))?;
    let main = Pid::from_raw(i32::try_from(child.id()).expect("the kernel numbers processes by positive i32"));
    // When the machine runs out of memory, the kernel shall rather end a test than the agent or us.
    let _ = std::fs::write(format!("/proc/{main}/oom_score_adj"), OOM_SCORE);
    Ok(Launched { child, main, output })
}

/// Puts what the attempt before left where the command finds it.
fn leave_checkpoint(folder: &Path, spec: &Spec) -> io::Result<PathBuf> {
    let path = std::path::absolute(folder)?.join("checkpoint");
    std::fs::write(&path, spec.start.checkpoint.as_deref().unwrap_or_default())?;
    Ok(path)
}

fn pipe() -> io::Result<(PipeReader, io::PipeWriter)> {
    let (reader, writer) = io::pipe()?;
    fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    // A system that is short of pipes keeps to its usual size.
    let _ = fcntl(&reader, FcntlArg::F_SETPIPE_SZ(PIPE_BYTES));
    Ok((reader, writer))
}

/// All that the command finds in its environment: the flow's own variables come last and win.
fn environment(spec: &Spec, checkpoint: &Path, socket: &Path) -> Vec<(String, std::ffi::OsString)> {
    let start = &spec.start;
    let (execution, rest) = start.attempt.split_once('/').unwrap_or(("", &start.attempt));
    let (task, attempt) = rest.rsplit_once('@').unwrap_or((rest, ""));

    let inherited = INHERITED.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var_os(name)?)));
    let mut variables = vec![("PATH".to_owned(), USUAL_PATH.into())];
    variables.extend(inherited);
    variables.extend([
        ("CI".to_owned(), "true".into()),
        ("REPRISE_EXECUTION".to_owned(), execution.into()),
        ("REPRISE_TASK".to_owned(), task.into()),
        ("REPRISE_ATTEMPT".to_owned(), attempt.into()),
        ("REPRISE_LEASE".to_owned(), start.lease.to_string().into()),
        ("REPRISE_CHECKPOINT".to_owned(), checkpoint.into()),
        ("REPRISE_SOCKET".to_owned(), socket.into()),
    ]);
    variables.extend(start.env.iter().map(|(name, value)| (name.clone(), value.into())));
    variables
}

/// Why a program could not be started, for people.
fn refusal(program: &str, dir: &Path, error: &io::Error) -> String {
    let file = dir.join(program);
    let is_path = program.contains('/');
    if error.kind() == ErrorKind::NotFound && is_path && file.exists() {
        format!("{program} cannot run: the interpreter that its first line names is missing{}", first_line(&file))
    } else if error.kind() == ErrorKind::NotFound {
        format!("no such program: {program}")
    } else if error.kind() == ErrorKind::PermissionDenied {
        format!("not executable: {program} (permission denied)")
    } else {
        format!("{program} cannot be started: {error}")
    }
}

/// The `#!` line of a script, in brackets, if it has one.
fn first_line(file: &Path) -> String {
    let mut head = [0; 80];
    let read = File::open(file).and_then(|mut f| io::Read::read(&mut f, &mut head)).unwrap_or(0);
    let text = String::from_utf8_lossy(&head[..read]);
    match text.lines().next() {
        Some(line) if line.starts_with("#!") => format!(" ({line})"),
        Some(_) | None => String::new(),
    }
}
