//! Where the engine is: a Unix socket in the user's state folder, or the address in `REPRISE_URL`.
//!
//! Over the socket the file's mode says who may come in; over TCP each request carries a token, read again at each
//! connection, since `up` may write it after an agent has started.

use std::fmt;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The engine's port where nothing else is said.
pub const PORT: u16 = 7717;

/// One way to the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A socket of this user's.
    Unix(PathBuf),
    /// HTTP over TCP.
    Tcp {
        /// A name or address, without brackets.
        host: String,
        /// The port.
        port: u16,
        /// The file that holds the token; it need not exist yet.
        token_file: PathBuf,
    },
}

/// `REPRISE_URL` does not name an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadUrl(String);

impl fmt::Display for BadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "REPRISE_URL `{}` is no address of an engine: it looks like http://host:{PORT}", self.0)
    }
}

impl std::error::Error for BadUrl {}

impl Endpoint {
    /// As the environment says: `REPRISE_URL` and `REPRISE_TOKEN_FILE`, else the socket in the state folder.
    pub fn from_env(state: &Path) -> Result<Self, BadUrl> {
        let token_file = env::var_os("REPRISE_TOKEN_FILE").map(PathBuf::from);
        match env::var("REPRISE_URL") {
            Ok(url) if !url.is_empty() => Self::from_url(&url, token_file, state),
            Ok(_) | Err(_) => Ok(Self::socket(state, PORT)),
        }
    }

    /// The socket of the engine at this port.
    pub fn socket(state: &Path, port: u16) -> Self {
        Self::Unix(state.join(format!("{port}.sock")))
    }

    /// `http://host:port`, with the token in the given file, else in `PORT.token` in the state folder.
    pub fn from_url(url: &str, token_file: Option<PathBuf>, state: &Path) -> Result<Self, BadUrl> {
        let bad = || BadUrl(url.to_owned());
        let rest = url.strip_prefix("http://").ok_or_else(bad)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| bad())?),
            Some(_) | None => (rest, PORT),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() || host.contains(['/', '@', '?', '#', ' ']) {
            return Err(bad());
        }
        let token_file = token_file.unwrap_or_else(|| state.join(format!("{port}.token")));
        Ok(Self::Tcp { host: host.to_owned(), port, token_file })
    }

    /// The token to send, if this way needs one and it is there.
    pub(crate) fn token(&self) -> Option<String> {
        match self {
            Self::Unix(_) => None,
            Self::Tcp { token_file, .. } => fs::read_to_string(token_file).ok().map(|text| text.trim().to_owned()),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "{}", path.display()),
            Self::Tcp { host, port, .. } if host.contains(':') => write!(f, "http://[{host}]:{port}"),
            Self::Tcp { host, port, .. } => write!(f, "http://{host}:{port}"),
        }
    }
}

/// This user's state folder: `$XDG_STATE_HOME/reprise`, else `~/.local/state/reprise`.
pub fn state_folder() -> io::Result<PathBuf> {
    let set = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    match (set("XDG_STATE_HOME"), set("HOME")) {
        (Some(state), _) => Ok(state.join("reprise")),
        (None, Some(home)) => Ok(home.join(".local/state/reprise")),
        (None, None) => Err(io::Error::new(
            io::ErrorKind::NotFound,
            "no state folder: set HOME, or XDG_STATE_HOME to an absolute path",
        )),
    }
}

/// Makes a folder that only this user may enter.
pub fn private_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_perhaps_a_port() {
        for (url, want) in [
            ("http://engine:7000", Some("http://engine:7000")),
            ("http://engine", Some("http://engine:7717")),
            ("http://127.0.0.1:1/", Some("http://127.0.0.1:1")),
            ("http://[::1]:7000", Some("http://[::1]:7000")),
            ("http://[::1]", Some("http://[::1]:7717")),
            ("https://engine", None),
            ("engine:7717", None),
            ("http://", None),
            ("http://engine:port", None),
            ("http://me@engine:1", None),
            ("http://engine/v1", None),
        ] {
            let got = Endpoint::from_url(url, None, Path::new("/s")).ok().map(|at| at.to_string());
            assert_eq!(got.as_deref(), want, "{url}");
        }
    }

    #[test]
    fn the_token_is_read_when_it_is_needed() {
        let state = tempfile::tempdir().unwrap();
        let at = Endpoint::from_url("http://h:9", None, state.path()).unwrap();
        assert_eq!(at.token(), None);
        fs::write(state.path().join("9.token"), "secret\n").unwrap();
        assert_eq!(at.token().as_deref(), Some("secret"));
        assert_eq!(Endpoint::socket(state.path(), PORT).token(), None);
    }
}
