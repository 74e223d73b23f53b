//! What a request says beside its body: names in the path, parameters in the query, headers. A mistake is answered as
//! a problem that names it.

use std::collections::BTreeMap;
use std::str::FromStr;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use model::{ExecutionId, Key, PoolId, TaskId};

use crate::failure::Failure;
use crate::view::page::MAX_ITEMS;

/// Parameters of the query, each at most once.
#[derive(Debug, Clone, Default)]
pub struct Params(BTreeMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|error| Failure::bad(format!("the query cannot be read: {error}")))?;
        let mut params = BTreeMap::new();
        for (name, value) in pairs {
            if params.contains_key(&name) {
                return Err(Failure::bad(format!("`{}` is given twice", cut(&name))));
            }
            params.insert(name, value);
        }
        Ok(Self(params))
    }
}

impl Params {
    /// Refuses parameters that the route does not have; `pool` and `after` every route has.
    pub fn only(&self, known: &[&str]) -> Result<(), Failure> {
        let unknown =
            self.0.keys().find(|name| !["pool", "after"].contains(&name.as_str()) && !known.contains(&name.as_str()));
        match unknown {
            None => Ok(()),
            Some(name) => {
                let others = [known, &["pool", "after"]].concat().join(", ");
                Err(Failure::bad(format!("unknown parameter `{}`; this route has: {others}", cut(name))))
            }
        }
    }

    /// The pool that is meant.
    pub fn pool(&self) -> Result<PoolId, Failure> {
        PoolId::new(self.text("pool").unwrap_or("default")).map_err(|error| Failure::bad(error.to_string()))
    }

    /// A parameter as it came.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A parameter, read.
    pub fn get<T: FromStr>(&self, name: &str) -> Result<Option<T>, Failure> {
        let read = |text: &str| text.parse().map_err(|_| Failure::bad(format!("`{}` is no {name}", cut(text))));
        self.text(name).map(read).transpose()
    }

    /// Whether a switch is on: given, and not `false`.
    pub fn is_on(&self, name: &str) -> bool {
        self.text(name).is_some_and(|value| value != "false")
    }

    /// How many items a page shall have.
    pub fn limit(&self) -> Result<usize, Failure> {
        let limit = self.get("limit")?.unwrap_or(MAX_ITEMS);
        if (1..=MAX_ITEMS).contains(&limit) {
            Ok(limit)
        } else {
            Err(Failure::bad(format!("`limit` is 1 to {MAX_ITEMS}")))
        }
    }

    /// Parameters whose name begins so.
    pub fn beginning(&self, with: &str) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str).filter(move |name| name.starts_with(with))
    }
}

/// The names in the path.
#[derive(Debug, Clone)]
pub struct Names<T>(pub T);

impl<T, S> FromRequestParts<S> for Names<T>
where
    T: serde::de::DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let read: Result<Path<T>, PathRejection> = Path::from_request_parts(parts, state).await;
        read.map(|Path(names)| Self(names)).map_err(|error| Failure::bad(error.body_text()))
    }
}

/// The idempotency key of a POST: the client's, else one drawn for this request alone.
#[derive(Debug, Clone)]
pub struct Idempotency(pub Key);

impl<S: Send + Sync> FromRequestParts<S> for Idempotency {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let Some(given) = parts.headers.get("idempotency-key") else {
            let mut drawn = [0_u8; 16];
            getrandom::fill(&mut drawn).map_err(|error| Failure::ours(format!("no random numbers: {error}")))?;
            let key = Key::new(&format!("g-{:032x}", u128::from_be_bytes(drawn))).expect("digits are a name");
            return Ok(Self(key));
        };
        // A structured header has quotes round the text; most clients leave them out.
        let text = given.to_str().unwrap_or_default().trim().trim_matches('"');
        Key::new(text).map(Self).map_err(|error| Failure::bad(error.to_string()))
    }
}

/// The name of an execution in the path.
pub fn execution(text: &str) -> Result<ExecutionId, Failure> {
    text.parse().map_err(|_| Failure::bad(format!("`{}` is no execution: it looks like nightly-118", cut(text))))
}

/// The name of a task in the path.
pub fn task(text: &str) -> Result<TaskId, Failure> {
    TaskId::new(text).map_err(|error| Failure::bad(error.to_string()))
}

fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}
