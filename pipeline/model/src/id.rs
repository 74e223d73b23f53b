//! Names: short, checked texts that are cheap to copy. What is not a name is refused where it enters.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a text is not a name of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAName {
    /// The kind of name: "node", "task".
    pub kind: &'static str,
    /// The text, cut at 64 characters.
    pub text: String,
    /// The longest that this kind may be, in bytes.
    pub longest: usize,
}

impl fmt::Display for NotAName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, text, longest } = self;
        write!(f, "`{text}` is no {kind} name: 1 to {longest} of A-Z a-z 0-9 _ . : @ -")
    }
}

impl std::error::Error for NotAName {}

/// Whether a text is made of the characters that a name may have, and is 1 to `longest` bytes long.
fn is_name(text: &str, longest: usize) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'@' | b'-' | b'+');
    (1..=longest).contains(&text.len()) && text.bytes().all(plain) && text != "." && text != ".."
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $longest:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The longest such name, in bytes.
            pub const LONGEST: usize = $longest;

            /// Checks a text and makes it a name.
            pub fn new(text: &str) -> Result<Self, NotAName> {
                if is_name(text, $longest) {
                    Ok(Self(text.into()))
                } else {
                    let text = text.chars().take(64).collect();
                    Err(NotAName { kind: $kind, text, longest: $longest })
                }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotAName;
            fn try_from(text: String) -> Result<Self, NotAName> {
                Self::new(&text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = NotAName;
            fn from_str(text: &str) -> Result<Self, NotAName> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.as_ref().to_owned()
            }
        }
    };
}

name!(
    /// Nodes that share work; the unit of order and ownership.
    PoolId, "pool", 100
);
name!(
    /// An execution node.
    NodeId, "node", 100
);
name!(
    /// One life of a node's agent.
    BootId, "boot", 64
);
name!(
    /// A flow: the first part of the name of each of its executions.
    FlowId, "flow", 100
);
name!(
    /// A vertex of a flow.
    TaskId, "task", 200
);
name!(
    /// A mutex or semaphore of a pool.
    LockId, "lock", 100
);
name!(
    /// A retry policy and its version, as in `default@1`.
    PolicyId, "policy", 110
);
name!(
    /// An idempotency key: the same key with the same content is the same request.
    Key, "idempotency key", 128
);
name!(
    /// Who announced itself: drawn afresh for each announcement.
    LeaderId, "leader", 64
);

/// One run of a flow: its flow's name and a number counted per pool, as in `nightly-web-118`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExecutionId {
    /// The flow.
    pub flow: FlowId,
    /// Counted per pool, from 1.
    pub number: u32,
}

impl fmt::Display for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}-{}", self.flow, self.number))
    }
}

impl std::str::FromStr for ExecutionId {
    type Err = NotAName;
    fn from_str(text: &str) -> Result<Self, NotAName> {
        let bad = || NotAName { kind: "execution", text: text.chars().take(64).collect(), longest: FlowId::LONGEST };
        let (flow, number) = text.rsplit_once('-').ok_or_else(bad)?;
        let canonical = !number.starts_with('0') && number.bytes().all(|b| b.is_ascii_digit());
        let number = number.parse().ok().filter(|_| canonical).ok_or_else(bad)?;
        Ok(Self { flow: FlowId::new(flow)?, number })
    }
}

impl TryFrom<String> for ExecutionId {
    type Error = NotAName;
    fn try_from(text: String) -> Result<Self, NotAName> {
        text.parse()
    }
}

impl From<ExecutionId> for String {
    fn from(id: ExecutionId) -> String {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        for (text, good) in [
            ("n1", true),
            ("browser:chrome:7", true),
            ("default@3", true),
            ("", false),
            ("..", false),
            ("a/b", false),
            ("a b", false),
            ("ü", false),
        ] {
            assert_eq!(NodeId::new(text).is_ok(), good, "{text:?}");
        }
        assert!(NodeId::new(&"x".repeat(100)).is_ok());
        assert!(NodeId::new(&"x".repeat(101)).is_err());
    }

    #[test]
    fn an_execution_is_its_flow_and_a_number() {
        let id: ExecutionId = "nightly-web-118".parse().unwrap();
        assert_eq!((id.flow.as_str(), id.number, id.to_string().as_str()), ("nightly-web", 118, "nightly-web-118"));
        for bad in ["118", "web", "web-", "web-x", "web-012", "-1", "web-+1"] {
            assert!(bad.parse::<ExecutionId>().is_err(), "{bad}");
        }
    }
}
