//! `validate`: checks a flow or policy where it stands; no engine needed.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use flow::{Diagnostic, Format, Kind, Severity};
use gateway::view::problem::Mistake;
use serde::Serialize;

use crate::args::Output;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen;
use crate::words::counted;

/// Checks a flow or policy file.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  reprise validate nightly.yaml\n  generate-flow | reprise validate -")]
pub struct Validate {
    /// A flow or policy, YAML or JSON; `-` is standard input
    file: PathBuf,
}

/// What came of it, for programs.
#[derive(Debug, Serialize)]
struct Checked {
    file: String,
    kind: &'static str,
    ok: bool,
    tasks: Option<usize>,
    diagnostics: Vec<Mistake>,
}

impl Validate {
    /// Reads, checks, prints.
    pub fn run(self, output: Output) -> Result<Exit, Failure> {
        let (name, text) = read(&self.file)?;
        let (checked, printed) = check(&name, &text);
        match output {
            Output::Json => screen::json(&checked),
            Output::Text => screen::show(&printed),
        }
        Ok(if checked.ok { Exit::Done } else { Exit::Refused })
    }
}

/// Reads a file, or standard input; the name is the one that is printed.
pub fn read(file: &Path) -> Result<(String, Vec<u8>), Failure> {
    let name = if file == Path::new("-") { "stdin.yaml".to_owned() } else { file.display().to_string() };
    let mut text = Vec::new();
    let most = flow::MAX_FILE_BYTES as u64 + 1;
    let reading = if file == Path::new("-") {
        std::io::stdin().lock().take(most).read_to_end(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(most).read_to_end(&mut text))
    };
    match reading {
        Ok(_) => Ok((name, text)),
        Err(error) => Err(Failure::new(Exit::Refused, format!("{name} cannot be read: {error}"))),
    }
}

/// How a file is written, by its name.
pub fn format_of(name: &str) -> Format {
    if name.ends_with(".json") { Format::Json } else { Format::Yaml }
}

fn check(name: &str, text: &[u8]) -> (Checked, String) {
    let (kind, tasks, diagnostics, good) = match flow::kind_of(text) {
        Kind::Flow => match flow::parse(name, text, format_of(name)) {
            Ok(flow) => {
                let (tasks, edges) = (flow.tasks.len(), flow.edges.len() as u64);
                let good = format!(
                    "{}, {}",
                    counted(tasks as u64, "task"),
                    match edges {
                        1 => "1 dependency".to_owned(),
                        _ => counted(edges, "dependencie"),
                    }
                );
                ("flow", Some(tasks), flow.warnings, good)
            }
            Err(mistakes) => ("flow", None, mistakes, String::new()),
        },
        Kind::Policy => match flow::policy::parse(text) {
            Ok(policy) => {
                let good = format!("policy {}, {}", policy.policy, counted(policy.rules.len() as u64, "rule"));
                ("policy", None, Vec::new(), good)
            }
            Err(mistakes) => ("policy", None, mistakes, String::new()),
        },
    };
    let ok = !diagnostics.iter().any(|mistake| mistake.severity == Severity::Error);
    let mut printed = if diagnostics.is_empty() { String::new() } else { print(&diagnostics, name, text) };
    if ok {
        printed.push_str(&format!("{name}: {good}: no mistakes\n"));
    }
    let diagnostics = diagnostics.iter().map(Mistake::from).collect();
    (Checked { file: name.to_owned(), kind, ok, tasks, diagnostics }, printed)
}

/// Mistakes as they are printed.
pub fn print(diagnostics: &[Diagnostic], name: &str, text: &[u8]) -> String {
    flow::render(diagnostics, name, &String::from_utf8_lossy(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_file_is_said_to_be_good_and_a_bad_one_shows_its_mistakes() {
        let flow = b"tasks:\n  a: { run: make }\n  b: { after: a, run: make test }\n";
        insta::assert_snapshot!(check("web.yaml", flow).1, @"web.yaml: 2 tasks, 1 dependency: no mistakes");
        let (checked, printed) = check("web.yaml", b"tasks:\n  a: { run: make, stal: 3m }\n");
        assert!(!checked.ok && checked.diagnostics.len() == 1);
        insta::assert_snapshot!(printed, @r"
        web.yaml:2:19: error: unknown field `stal`
            2 |   a: { run: make, stal: 3m }
              |                   ^^^^ did you mean `stall`? All fields of a task: reprise help flow
        1 error in web.yaml, nothing submitted
        ");
    }

    #[test]
    fn a_policy_is_known_by_its_first_word() {
        let policy = b"policy: mine\nrules:\n  - { id: rest, then: fail }\n";
        insta::assert_snapshot!(check("mine.yaml", policy).1, @"mine.yaml: policy mine, 1 rule: no mistakes");
        assert!(!check("mine.yaml", b"policy: mine\nrules: []\n").0.ok);
    }
}
