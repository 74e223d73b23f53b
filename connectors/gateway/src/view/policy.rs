//! A retry policy and its versions.

use std::sync::Arc;

use model::PolicyId;
use model::policy::Policy;
use operators::state::Pool;
use serde::{Deserialize, Serialize};

/// A version of a policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyView {
    /// Its name and version.
    pub policy: PolicyId,
    /// All versions of that name, oldest first.
    pub versions: Vec<PolicyId>,
    /// Its limits and rules.
    pub body: Arc<Policy>,
    /// The journal position that this is true for.
    pub position: u64,
}

/// A policy by its name (the newest version), or by name and version.
pub fn policy(pool: &Pool, name: &str, position: u64) -> Option<PolicyView> {
    let id = match name.contains('@') {
        true => PolicyId::new(name).ok()?,
        false => pool.newest.get(name)?.clone(),
    };
    let body = pool.policies.get(&id)?.clone();
    let version = |id: &PolicyId| id.as_str().rsplit_once('@').and_then(|(_, v)| v.parse::<u32>().ok());
    let named = |other: &&PolicyId| other.as_str().rsplit_once('@').is_some_and(|(name, _)| name == body.policy);
    let mut versions: Vec<PolicyId> = pool.policies.keys().filter(named).cloned().collect();
    versions.sort_by_key(version);
    Some(PolicyView { policy: id, versions, body, position })
}
