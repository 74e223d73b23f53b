//! Field names: which there are, which come in a later version, and what is said of any other.

use crate::mistakes::Mistakes;
use crate::tree::Node;
use crate::words::cut;

/// The fields of one kind of map.
pub(crate) struct Fields {
    /// What has them, for people: "a task".
    pub of: &'static str,
    /// Where they are explained: `reprise help TOPIC`.
    pub topic: &'static str,
    /// Those that this version reads.
    pub known: &'static [&'static str],
    /// Those of a later version, refused by name.
    pub later: &'static [&'static str],
}

/// A flow.
pub(crate) const FLOW: Fields = Fields {
    of: "a flow",
    topic: "flow",
    known: &["flow", "locks", "tasks"],
    later: &["params", "defaults", "deadline", "max_fail"],
};

/// A task.
pub(crate) const TASK: Fields = Fields {
    of: "a task",
    topic: "flow",
    known: &[
        "run",
        "env",
        "dir",
        "after",
        "needs",
        "priority",
        "timeout",
        "stall",
        "grace",
        "estimate",
        "retry",
        "allow_failure",
        "results",
    ],
    later: &["matrix", "when", "group", "pass_env", "cleanup"],
};

/// What a task needs.
pub(crate) const NEEDS: Fields =
    Fields { of: "`needs`", topic: "flow", known: &["labels", "slots", "memory", "locks"], later: &[] };

/// A policy.
pub(crate) const POLICY: Fields =
    Fields { of: "a policy", topic: "policy", known: &["policy", "limits", "rules"], later: &[] };

/// Bounds of a policy.
pub(crate) const LIMITS: Fields =
    Fields { of: "`limits`", topic: "policy", known: &["attempts", "retries"], later: &["budget", "alike"] };

/// A rule of a policy.
pub(crate) const RULE: Fields = Fields {
    of: "a rule",
    topic: "policy",
    known: &["id", "class", "nodes_lost", "then", "limit", "where", "backoff", "needs", "checkpoint", "why"],
    later: &["labels", "when"],
};

/// What the retry of a rule needs.
pub(crate) const RETRY_NEEDS: Fields =
    Fields { of: "`needs` of a rule", topic: "policy", known: &["memory", "slots", "labels"], later: &[] };

/// How long a retry waits.
pub(crate) const BACKOFF: Fields = Fields {
    of: "`backoff`",
    topic: "policy",
    known: &["shape", "delay", "factor", "max", "first", "jitter"],
    later: &[],
};

impl Fields {
    /// Notes a key that is none of the known ones.
    pub fn refuse(&self, key: &Node<'_>, mistakes: &mut Mistakes<'_>) {
        let (name, of, topic) = (key.raw(), self.of, self.topic);
        if self.later.contains(&name) {
            let hint = format!("take it out; all fields of {of}: reprise help {topic}");
            mistakes.error(key.span, format!("`{name}` is not in this version of Reprise"), hint);
            return;
        }
        let near = mistakes.nearest.find(name, self.known.iter().chain(self.later).copied());
        let hint = match near {
            Some(near) if self.later.contains(&near) => {
                format!("if `{near}` is meant: it is not in this version of Reprise, take it out")
            }
            Some(near) => format!("did you mean `{near}`? All fields of {of}: reprise help {topic}"),
            None => format!("all fields of {of}: reprise help {topic}"),
        };
        mistakes.error(key.span, format!("unknown field `{}`", cut(name)), hint);
    }
}
