//! The crates and who uses whom, as cargo itself sees them on this machine.

use std::process::Command;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::tree::root;

/// All packages that a build for this machine takes, asked of cargo once.
pub static GRAPH: LazyLock<Graph> = LazyLock::new(load);

/// What `cargo metadata` says, as far as it matters here.
#[derive(Debug, Clone, Deserialize)]
pub struct Graph {
    /// Ours and all others.
    pub packages: Vec<Package>,
    workspace_members: Vec<String>,
}

/// One package.
#[derive(Debug, Clone, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence as an SPDX expression, if it says so.
    pub license: Option<String>,
    /// What it asks for.
    pub dependencies: Vec<Dependency>,
    manifest_path: String,
    id: String,
}

/// One line of a package's dependencies.
#[derive(Debug, Clone, Deserialize)]
pub struct Dependency {
    /// The name of what is asked for.
    pub name: String,
    kind: Option<String>,
}

impl Graph {
    /// The crates of this repository, in order of their names.
    pub fn ours(&self) -> Vec<&Package> {
        let mut ours: Vec<_> = self.packages.iter().filter(|package| self.is_ours(package)).collect();
        ours.sort_by(|a, b| a.name.cmp(&b.name));
        ours
    }

    /// The packages of others.
    pub fn others(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| !self.is_ours(package))
    }

    fn is_ours(&self, package: &Package) -> bool {
        self.workspace_members.contains(&package.id)
    }
}

impl Package {
    /// Its folder from the root, such as `pipeline/model`.
    pub fn folder(&self) -> String {
        let folder = self.manifest_path.trim_end_matches("Cargo.toml").trim_end_matches(['/', '\\']);
        let root = root().to_string_lossy().into_owned();
        folder.trim_start_matches(&root).trim_start_matches(['/', '\\']).replace('\\', "/")
    }

    /// The names of what it is built from, sorted.
    pub fn uses(&self) -> Vec<&str> {
        self.names(|kind| kind != Some("dev"))
    }

    /// The names of what only its tests take, sorted.
    pub fn test_uses(&self) -> Vec<&str> {
        let uses = self.uses();
        let mut names = self.names(|kind| kind == Some("dev"));
        names.retain(|name| !uses.contains(name));
        names
    }

    fn names(&self, wanted: impl Fn(Option<&str>) -> bool) -> Vec<&str> {
        let wanted = self.dependencies.iter().filter(|dependency| wanted(dependency.kind.as_deref()));
        let mut names: Vec<_> = wanted.map(|dependency| dependency.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

fn load() -> Graph {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", "host-tuple"])
        .current_dir(root())
        .output()
        .expect("cargo runs this test, so it can be started");
    assert!(output.status.success(), "cargo metadata failed:\n{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON of format 1")
}
