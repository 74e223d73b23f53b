//! The policies that every pool has, as `reprise policy show` prints them.

use model::policy::Policy;

use super::parse;

/// Each built-in policy: its name and its text.
pub const BUILTIN: [(&str, &str); 2] = [("default", include_str!("default.yaml")), ("none", include_str!("none.yaml"))];

/// A built-in policy by its name.
pub fn builtin(name: &str) -> Option<Policy> {
    builtin_text(name).map(|text| parse(text.as_bytes()).expect("a test reads each of them"))
}

/// A built-in policy's text by its name.
pub fn builtin_text(name: &str) -> Option<&'static str> {
    BUILTIN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use model::policy::{FailureClass, Place, Then};

    use super::*;

    #[test]
    fn the_default_policy_reads_as_it_is_printed() {
        let policy = builtin("default").unwrap();
        let rows: Vec<_> =
            policy.rules.iter().map(|rule| (rule.id.as_str(), rule.then, rule.limit, rule.place)).collect();
        let want = [
            ("poison", Then::Escalate, 1, Place::Any),
            ("lost_node", Then::Retry, 5, Place::OtherNode),
            ("bad_start", Then::Retry, 3, Place::OtherNode),
            ("memory", Then::Retry, 2, Place::Any),
            ("hung", Then::Retry, 1, Place::OtherNode),
            ("flaky", Then::Retry, 1, Place::OtherNode),
            ("spent", Then::Park, 1, Place::Any),
            ("verdict", Then::Fail, 1, Place::Any),
        ];
        assert_eq!(rows, want);
        assert_eq!((policy.limits.attempts, policy.limits.retries), (10, 500));
    }

    #[test]
    fn each_builtin_policy_has_its_own_name_and_parks_what_is_no_verdict() {
        for (name, _) in BUILTIN {
            let policy = builtin(name).unwrap();
            assert_eq!(policy.policy, name);
            let parks = policy.rules.iter().find(|rule| rule.then == Then::Park).unwrap();
            assert_eq!(parks.class, [FailureClass::NodeLost, FailureClass::StartFailure, FailureClass::OutOfMemory]);
        }
        assert!(builtin("visual").is_none());
    }

    #[test]
    fn none_never_retries() {
        assert!(builtin("none").unwrap().rules.iter().all(|rule| rule.then != Then::Retry));
    }
}
