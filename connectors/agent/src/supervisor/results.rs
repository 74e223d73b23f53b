//! The result files of a command that ended by itself: found by globs, read as JUnit, counted.
//!
//! A file counts only if it came or changed since the attempt began: the folder may still hold those of an earlier run,
//! and a command that wrote nothing must not pass on their account. When it was *changed* (`ctime`) says so, not when it
//! was written: what is copied here from elsewhere may keep the time at which it was written there.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::panic::catch_unwind;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use model::report::{Case, CaseResult, Cause, Tests};
use walkdir::WalkDir;

use super::launch::work_dir;
use super::notes::Notes;
use super::watch::Ended;
use crate::attempt::{MAX_CASES, Outcome, Spec};
use crate::junit;

/// Most bytes of all result files.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Most files and folders looked at for one glob, and how deep `**` goes.
const MAX_ENTRIES: usize = 200_000;
const MAX_DEPTH: usize = 32;

/// A moment by the clock of a file system: seconds and nanoseconds.
pub type Moment = (i64, i64);

/// Now, by the clock of the file system that the command runs in, if results are asked for and a file can be made there;
/// else when the attempt's `output` was made.
pub fn now(spec: &Spec, folder: &Path) -> Moment {
    let there = || tempfile::tempfile_in(work_dir(spec))?.metadata();
    let here = || fs::metadata(folder.join("output"));
    let new_file = if spec.start.results.is_empty() { here() } else { there().or_else(|_| here()) };
    new_file.as_ref().map(changed).unwrap_or_default()
}

/// Adds what the result files say to how an attempt ended.
pub fn gather(spec: &Spec, began: Moment, ended: Ended) -> Outcome {
    let Ended { mut end, checkpoint, mut notes } = ended;
    let mut found = Found::default();
    if end.cause == Cause::Exit && !spec.start.results.is_empty() {
        found.read_all(&work_dir(spec), &spec.start.results, began, &mut notes);
        end.tests = Some(found.tests);
        found.keep_most_telling();
    }
    end.note = notes.text();
    Outcome { end, cases: found.cases, checkpoint }
}

#[derive(Debug, Default)]
struct Found {
    tests: Tests,
    cases: Vec<Case>,
    bytes: u64,
}

impl Found {
    fn read_all(&mut self, dir: &Path, globs: &[String], began: Moment, notes: &mut Notes) {
        let mut files: Vec<PathBuf> = globs.iter().flat_map(|glob| matching(dir, glob, notes)).collect();
        files.sort();
        files.dedup();
        let mut stale = 0;
        for file in &files {
            let name = file.strip_prefix(dir).unwrap_or(file).display();
            match fs::metadata(file) {
                Ok(metadata) if !metadata.is_file() => {}
                Ok(metadata) if !is_fresh(changed(&metadata), began) => stale += 1,
                Ok(_) => match self.read(file) {
                    Ok(cases) => self.count(cases),
                    Err(why) => notes.add(format!("{name}: {why}")),
                },
                Err(e) => notes.add(format!("{name}: {e}")),
            }
        }
        if self.tests.files == 0 && stale > 0 {
            notes.add(format!("only result files of an earlier run match {}: {stale}", globs.join(" ")));
        } else if files.is_empty() {
            notes.add(format!("no result file matches {} in {}", globs.join(" "), dir.display()));
        }
    }

    fn read(&mut self, file: &Path) -> Result<Vec<Case>, String> {
        let room = MAX_BYTES - self.bytes;
        let mut bytes = Vec::new();
        let opened = File::open(file).map_err(|e| e.to_string())?;
        opened.take(room + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
        if bytes.len() as u64 > room {
            return Err(format!("not read: the result files have more than {} MiB together", MAX_BYTES >> 20));
        }
        self.bytes += bytes.len() as u64;
        // A fault in the reader must not cost the outcome.
        catch_unwind(|| junit::read(&bytes))
            .map_err(|_| "cannot be read: our own bug".to_owned())?
            .map_err(|e| e.to_string())
    }

    fn count(&mut self, cases: Vec<Case>) {
        self.tests.files += 1;
        for case in &cases {
            self.tests.total += 1;
            match case.result {
                CaseResult::Passed => {}
                CaseResult::Failed => self.tests.failed += 1,
                CaseResult::Skipped => self.tests.skipped += 1,
                CaseResult::Flaky => self.tests.flaky += 1,
            }
        }
        self.cases.extend(cases);
        if self.cases.len() > 4 * MAX_CASES {
            self.keep_most_telling();
        }
    }

    /// Keeps as many as an outcome holds, in their order, failed ones first to be kept.
    fn keep_most_telling(&mut self) {
        if self.cases.len() > MAX_CASES {
            self.cases.sort_by_key(|case| match case.result {
                CaseResult::Failed => 0,
                CaseResult::Flaky => 1,
                CaseResult::Passed => 2,
                CaseResult::Skipped => 3,
            });
            self.cases.truncate(MAX_CASES);
        }
    }
}

/// When a file last changed, its place and its owner included.
fn changed(metadata: &Metadata) -> Moment {
    (metadata.ctime(), metadata.ctime_nsec())
}

/// Whether a file changed since then. Where a file system keeps whole seconds, whole seconds are compared.
fn is_fresh(changed: Moment, began: Moment) -> bool {
    if changed.1 == 0 { changed.0 >= began.0 } else { changed >= began }
}

/// The files and folders that a glob names, from a folder on.
fn matching(dir: &Path, glob: &str, notes: &mut Notes) -> Vec<PathBuf> {
    let (literal, rest) = split(glob);
    let base = dir.join(literal);
    if rest.is_empty() {
        return if base.exists() { vec![base] } else { Vec::new() };
    }
    let matcher = match matcher(&rest) {
        Ok(matcher) => matcher,
        Err(why) => {
            notes.add(format!("{glob}: not a glob: {why}"));
            return Vec::new();
        }
    };
    let depth = if rest.contains("**") { MAX_DEPTH } else { Path::new(&rest).components().count() };
    let walk = WalkDir::new(&base).min_depth(1).max_depth(depth).into_iter();
    let mut found = Vec::new();
    for (n, entry) in walk.flatten().enumerate() {
        if n >= MAX_ENTRIES {
            notes.add(format!("{glob}: searched {MAX_ENTRIES} files and folders, and no further"));
            break;
        }
        let below = entry.path().strip_prefix(&base).unwrap_or(entry.path());
        if !entry.file_type().is_dir() && matcher.is_match(below) {
            found.push(entry.into_path());
        }
    }
    found
}

/// The leading part of a glob that names one folder, and the rest: the walk starts no higher than it must.
fn split(glob: &str) -> (PathBuf, String) {
    let is_plain = |part: &Component<'_>| !part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{', '\\']);
    let parts: Vec<_> = Path::new(glob).components().collect();
    let plain = parts.iter().take_while(|part| is_plain(part)).count();
    let rest: PathBuf = parts[plain..].iter().collect();
    (parts[..plain].iter().collect(), rest.to_string_lossy().into_owned())
}

fn matcher(glob: &str) -> Result<GlobMatcher, String> {
    let built = GlobBuilder::new(glob).literal_separator(true).build().map_err(|e| e.to_string())?;
    Ok(built.compile_matcher())
}
