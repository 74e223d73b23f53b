//! What goes wrong at the rim, each as a status and a problem that says what to do next.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use model::request::RefusalKind;

use crate::access::Refused;
use crate::view::Problem;
use crate::view::problem::Mistake;
use engine::{JournalError, Unavailable};

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What it says; boxed, since success is the rule.
    pub problem: Box<Problem>,
    /// Whole seconds after which it may be tried again.
    pub retry_after: Option<u64>,
}

impl Failure {
    fn new(status: StatusCode, kind: &str, detail: impl Into<String>) -> Self {
        let problem = Problem {
            kind: kind.to_owned(),
            title: kind.replace('-', " "),
            status: status.as_u16(),
            detail: detail.into(),
            diagnostics: Vec::new(),
            rendered: String::new(),
        };
        Self { problem: Box::new(problem), retry_after: None }
    }

    fn later(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds.clamp(1, 60)), ..self }
    }

    /// The request is not one that we understand.
    pub fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", detail)
    }

    /// There is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// There is no such route.
    pub fn no_route(path: &str) -> Self {
        Self::not_found(format!(
            "no route `{}`; the routes: reprise help http",
            path.chars().take(100).collect::<String>()
        ))
    }

    /// The route knows other methods.
    pub fn method() -> Self {
        let detail = "this route has other methods, which the header `allow` names";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
    }

    /// The body is larger than it may be.
    pub fn too_large(what: &str, most: usize) -> Self {
        let most = if most >= 1 << 20 { format!("{} MiB", most >> 20) } else { format!("{} KiB", most >> 10) };
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", format!("{what} may have {most}; send less at once"))
    }

    /// The body is of a type that we do not read.
    pub fn unsupported(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-type", detail)
    }

    /// The flow has mistakes.
    pub fn invalid_flow(diagnostics: &[flow::Diagnostic], rendered: String) -> Self {
        let detail = rendered.lines().last().unwrap_or("the flow has mistakes, nothing submitted").to_owned();
        let mut failure = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-flow", detail);
        failure.problem.diagnostics = diagnostics.iter().map(Mistake::from).collect();
        failure.problem.rendered = rendered;
        failure
    }

    /// It asked for a position that did not come in time.
    pub fn not_there_yet(position: u64) -> Self {
        let detail = format!("position {position} was not reached in time; ask again");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", detail).later(1)
    }

    /// The engine cannot answer yet.
    pub fn not_ready(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", detail).later(1)
    }

    /// The client was too slow.
    pub fn slow() -> Self {
        let detail = "the body did not come in time; send it again";
        Self::new(StatusCode::REQUEST_TIMEOUT, "too-slow", detail)
    }

    /// Output is bounded, and this is beyond it or no continuation of what is there.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "not-now", detail)
    }

    /// There is no room.
    pub fn full(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INSUFFICIENT_STORAGE, "disk-full", detail).later(5)
    }

    /// The store of the tables does not take them.
    pub fn store_away(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INSUFFICIENT_STORAGE, "store-away", detail).later(5)
    }

    /// Our own bug, or this machine's.
    pub fn ours(detail: impl Into<String>) -> Self {
        let detail = detail.into();
        tracing::error!("a request failed: {detail}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// What the engine refused.
    pub fn refused(kind: RefusalKind, message: String) -> Self {
        match kind {
            RefusalKind::NotFound => Self::not_found(message),
            RefusalKind::NotNow => Self::conflict(message),
            RefusalKind::KeyReused => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "key-reused", message),
            RefusalKind::TooMany => Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many", message).later(5),
            RefusalKind::Invalid => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message),
        }
    }
}

impl From<Unavailable> for Failure {
    fn from(of: Unavailable) -> Self {
        match of {
            Unavailable::Full(advice) => Self::full(format!("no room on the engine's disk: {advice}")),
            Unavailable::Behind { retry_after } => {
                let detail = "the engine is behind; send it again a little later";
                Self::new(StatusCode::TOO_MANY_REQUESTS, "behind", detail)
                    .later(retry_after.as_millis().div_ceil(1000) as u64)
            }
            Unavailable::NotReady(why) => Self::not_ready(format!("the engine is not ready: {why}")),
            Unavailable::Timeout => {
                Self::not_ready("the engine did not answer in time; send it again with the same idempotency key")
            }
        }
    }
}

impl From<JournalError> for Failure {
    fn from(of: JournalError) -> Self {
        match &of {
            JournalError::Gone { .. } => Self::not_found(of.to_string()),
            JournalError::Failed(_) => Self::not_ready(of.to_string()),
            JournalError::Damaged { .. } => Self::ours(of.to_string()),
        }
    }
}

impl From<Refused> for Failure {
    fn from(of: Refused) -> Self {
        let forbidden = |detail: String| Self::new(StatusCode::FORBIDDEN, "forbidden", detail);
        let token = |detail| Self::new(StatusCode::UNAUTHORIZED, "no-token", detail);
        match of {
            Refused::Host(host) => {
                forbidden(format!("`{host}` is not this engine; use the address that it listens at"))
            }
            Refused::Origin(origin) => forbidden(format!("pages of `{origin}` may not use this engine")),
            Refused::NoToken => {
                token("send `Authorization: Bearer TOKEN`, with the token that `up` wrote beside its socket")
            }
            Refused::WrongToken => {
                token("the token is not the one of this engine; `up` writes a new one at each start")
            }
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.problem).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_the_engine_cannot_take_now_says_when_to_come_again() {
        let (full, not_ready) =
            (Unavailable::Full("free some".to_owned()), Unavailable::NotReady("it starts".to_owned()));
        let behind = |ms| Unavailable::Behind { retry_after: Duration::from_millis(ms) };
        for (cause, status, retry_after) in [
            (full, 507, 5),
            (behind(0), 429, 1),
            (behind(2_001), 429, 3),
            (behind(3_600_000), 429, 60),
            (not_ready, 503, 1),
            (Unavailable::Timeout, 503, 1),
        ] {
            let response = Failure::from(cause).into_response();
            assert_eq!(
                (response.status().as_u16(), &response.headers()[RETRY_AFTER]),
                (status, &HeaderValue::from(retry_after))
            );
            assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        }
    }

    #[test]
    fn each_refusal_of_the_engine_has_its_status() {
        for (kind, status) in [
            (RefusalKind::NotFound, 404),
            (RefusalKind::NotNow, 409),
            (RefusalKind::KeyReused, 422),
            (RefusalKind::TooMany, 429),
            (RefusalKind::Invalid, 422),
        ] {
            assert_eq!(Failure::refused(kind, "why".to_owned()).problem.status, status);
        }
    }
}
