//! The token that requests over TCP carry.
//!
//! Beside the socket `up` writes one of its own, anew at each start; a token file of the administrator's is only read.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::start::StartError;

/// The shortest token that is taken, in bytes.
const SHORTEST: usize = 16;
/// The longest, in bytes.
const LONGEST: usize = 4_096;

/// A token file that we wrote, removed when we stop.
#[derive(Debug)]
pub struct TokenFile {
    /// Where it is.
    pub path: PathBuf,
}

impl TokenFile {
    /// Draws a token and writes it to `PORT.token`, for this user alone.
    pub fn write(folder: &Path, port: u16) -> Result<(Self, String), StartError> {
        let path = folder.join(format!("{port}.token"));
        let token = draw().and_then(|token| replace(&path, &token).map(|()| token));
        match token {
            Ok(token) => Ok((Self { path }, token)),
            Err(error) => Err(StartError::Token { path, why: error.to_string() }),
        }
    }
}

impl Drop for TokenFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Reads a token of the administrator's.
pub fn read(path: &Path) -> Result<String, StartError> {
    let failed = |why: String| StartError::Token { path: path.to_owned(), why };
    let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let token = text.trim();
    let plain = token.bytes().all(|byte| byte.is_ascii_graphic());
    match plain && (SHORTEST..=LONGEST).contains(&token.len()) {
        true => Ok(token.to_owned()),
        false => Err(failed(format!("a token has {SHORTEST} to {LONGEST} letters, digits or signs, and no spaces"))),
    }
}

/// 32 random bytes, hexadecimal.
fn draw() -> io::Result<String> {
    let mut drawn = [0_u8; 32];
    getrandom::fill(&mut drawn).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(drawn.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Replaces a file at once: who reads it finds the old token or the new one.
fn replace(path: &Path, token: &str) -> io::Result<()> {
    let new = path.with_extension("token.new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = File::options().create_new(true).write(true).mode(0o600).open(&new)?;
    writeln!(file, "{token}")?;
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn each_start_draws_a_token_for_this_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (file, first) = TokenFile::write(folder.path(), 7717).unwrap();
        let (same, second) = TokenFile::write(folder.path(), 7717).unwrap();
        assert_eq!((first.len(), first == second), (64, false));
        assert_eq!(read(&same.path).unwrap(), second);
        assert_eq!(fs::metadata(&file.path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(same);
        assert!(!file.path.exists());
    }

    #[test]
    fn a_token_of_ones_own_is_long_and_plain() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        for (text, good) in
            [("0123456789abcdef\n", true), ("0123456789abcde", false), ("", false), ("0123456789 abcdef", false)]
        {
            fs::write(&path, text).unwrap();
            assert_eq!(read(&path).is_ok(), good, "{text:?}");
        }
        assert!(read(&folder.path().join("none")).is_err());
    }
}
