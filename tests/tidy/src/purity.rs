//! The crates that decide are pure: few dependencies, no `async`, and the same bans of clippy in each.
//!
//! That they build for wasm32, where there is no clock, disk or network, is a step of `./dev test`; that clippy's bans
//! hold is another. Here is what neither can see.

use crate::graph::Graph;
use crate::tree::File;

/// The folders of the pure crates, and what each may be built from.
pub const PURE: [(&str, &[&str]); 5] = [
    ("pipeline/model", &["serde", "serde_json"]),
    (
        "pipeline/flow",
        &["model", "serde", "serde_json", "petgraph", "granit-parser", "cel", "strsim", "fnv", "globset"],
    ),
    ("pipeline/operators", &["model", "serde", "serde_json", "petgraph", "statrs", "cel"]),
    ("pipeline/protocol", &["model", "operators", "serde", "serde_json"]),
    ("analytics/rows", &["model", "operators", "protocol", "serde_json"]),
];

/// Bans that each pure crate must have, whatever else it bans.
pub const BANS: [&str; 13] = [
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "std::thread::spawn",
    "std::thread::sleep",
    "std::collections::HashMap",
    "std::collections::HashSet",
    "std::hash::RandomState",
    "std::env::var",
    "std::fs::File",
    "std::fs::read_to_string",
    "std::net::TcpStream",
    "std::process::Command",
    "std::println",
];

/// Dependencies that make a pure crate impure.
pub fn impure_dependencies(graph: &Graph, pure: &[(&str, &[&str])]) -> Vec<String> {
    let mut findings = Vec::new();
    for package in graph.ours() {
        for (_, allowed) in pure.iter().filter(|(folder, _)| folder.rsplit('/').next() == Some(package.name.as_str())) {
            for name in package.uses().into_iter().filter(|name| !allowed.contains(name)) {
                let manifest = format!("{}/Cargo.toml:1", package.folder());
                findings
                    .push(format!("{manifest}: a pure crate takes {name}; let a shell do it, or argue for it in tidy"));
            }
        }
    }
    findings
}

/// Lines of a pure crate that wait for something.
pub fn waiting(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| is_pure(file) && file.is_rust()) {
        for (number, line) in file.text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or(line);
            if ["async fn", "async move", "async {", ".await"].iter().any(|word| code.contains(word)) {
                findings.push(format!("{}:{}: waits; return what to wait for as a value", file.path, number + 1));
            }
        }
    }
    findings
}

/// Bans that are missing in a pure crate, and crates that ban other things than the first.
pub fn unequal_bans(files: &[File]) -> Vec<String> {
    let bans = |folder: &str| files.iter().find(|file| file.path == format!("{folder}/clippy.toml"));
    let first = bans(PURE[0].0).map(|file| file.text.as_str());
    let mut findings = Vec::new();
    for (folder, _) in PURE {
        let place = format!("{folder}/clippy.toml:1");
        match bans(folder) {
            None => findings.push(format!("{place}: missing; copy it from another pure crate")),
            Some(file) => {
                let missing = BANS.iter().filter(|ban| !file.text.contains(&format!("path = \"{ban}\"")));
                findings.extend(missing.map(|ban| format!("{place}: does not ban {ban}; ban it with a reason")));
                if Some(file.text.as_str()) != first {
                    findings.push(format!("{place}: differs from the one of {}; keep them equal", PURE[0].0));
                }
            }
        }
    }
    findings
}

fn is_pure(file: &File) -> bool {
    PURE.iter().any(|(name, _)| file.path.starts_with(&format!("{name}/")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding::assert_tidy, graph::GRAPH, tree::files};

    #[test]
    fn the_pure_crates_take_only_what_is_agreed() {
        assert_tidy(&impure_dependencies(&GRAPH, &PURE));
    }

    #[test]
    fn nothing_waits_in_the_pure_crates() {
        assert_tidy(&waiting(&files()));
    }

    #[test]
    fn the_pure_crates_ban_the_same_things() {
        assert_tidy(&unequal_bans(&files()));
    }

    #[test]
    fn impurities_are_found() {
        assert_eq!(impure_dependencies(&GRAPH, &[("model", &["serde"])]).len(), 1);
        let code = "//! A .await.\nasync fn a() {\n    b().await;\n}\n";
        assert_eq!(waiting(&[File::new("pipeline/flow/src/a.rs", code)]).len(), 2);
        assert_eq!(unequal_bans(&[File::new("pipeline/flow/clippy.toml", "")]).len(), 4 + BANS.len() + 1);
    }
}
