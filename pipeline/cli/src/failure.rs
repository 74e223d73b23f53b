//! Why a command did not do what was asked: a code for scripts and words for people.

use std::fmt;

use agent::client::Error as ClientError;

use crate::exit::Exit;

/// An ending that is not the one asked for. The words say what happened, to what, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// For scripts.
    pub exit: Exit,
    /// For people.
    pub message: String,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// The engine said something that we cannot read.
    pub fn unreadable(what: &str, why: &dyn fmt::Display) -> Self {
        Self::new(
            Exit::Bug,
            format!("the engine's answer about {what} cannot be read ({why}): are engine and command of one version?"),
        )
    }

    /// The same of a change that the engine may have read: how it is repeated and done once.
    pub fn with_key(self, key: &str) -> Self {
        let Self { exit, message } = self;
        let message = format!(
            "{message}; the engine may have read this change: to be safe repeat it with `--key {key}`, and it is done once"
        );
        Self { exit, message }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::NotReached(at, why) => Self::new(
                Exit::NoEngine,
                format!("no engine at {at} ({why}): start one with `reprise up`, or say where it is in REPRISE_URL"),
            ),
            ClientError::Broken(why) => Self::new(
                Exit::NoEngine,
                format!("the connection to the engine broke ({why}): ask again, or look at the engine's own words"),
            ),
            ClientError::BadRequest(why) => Self::new(Exit::Usage, format!("this cannot be asked: {why}")),
            ClientError::TooLong(bytes) => Self::new(
                Exit::Bug,
                format!("the engine's answer is longer than {bytes} bytes: ask for less, or use --output json"),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use agent::endpoint::Endpoint;

    use super::*;

    #[test]
    fn an_engine_that_is_not_there_is_said_with_what_to_do() {
        let at = Endpoint::Unix("/run/7717.sock".into());
        let error = ClientError::NotReached(at, io::Error::new(io::ErrorKind::NotFound, "no such file"));
        let failure = Failure::from(error);
        assert_eq!(failure.exit, Exit::NoEngine);
        assert_eq!(
            failure.message,
            "no engine at /run/7717.sock (no such file): start one with `reprise up`, or say where it is in REPRISE_URL"
        );
    }

    #[test]
    fn a_change_in_doubt_is_said_with_the_key_that_makes_it_safe_to_repeat() {
        let failure = Failure::from(ClientError::Broken("reset".to_owned())).with_key("3f2a");
        assert_eq!(failure.exit, Exit::NoEngine);
        assert!(failure.message.contains("repeat it with `--key 3f2a`"), "{failure}");
    }
}
