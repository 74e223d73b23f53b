//! Every queue has a bound: clippy holds it in the shells (the pure crates have no queue), and this holds clippy to it.

use crate::tree::File;

/// What makes a queue without a bound.
pub const UNBOUNDED: [&str; 2] = ["tokio::sync::mpsc::unbounded_channel", "std::sync::mpsc::channel"];

/// Bans that are missing in the `clippy.toml` of the root.
pub fn unbanned(files: &[File]) -> Vec<String> {
    let bans = files.iter().find(|file| file.path == "clippy.toml").map_or("", |file| file.text.as_str());
    let missing = UNBOUNDED.iter().filter(|path| !bans.contains(&format!("path = \"{path}\"")));
    missing.map(|path| format!("clippy.toml:1: does not ban {path}; ban it with a reason")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding::assert_tidy, tree::files};

    #[test]
    fn queues_without_a_bound_are_banned() {
        assert_tidy(&unbanned(&files()));
    }

    #[test]
    fn a_missing_ban_is_found() {
        assert_eq!(unbanned(&[File::new("clippy.toml", "")]).len(), UNBOUNDED.len());
    }
}
