//! Who may ask: the checks at the door, before any route.
//!
//! Over the Unix socket the file's mode has said who may come in. Over TCP each request but the probes carries the
//! token, and must name this engine: a web page that a browser was led to (by a foreign name that resolves to us, or
//! from another origin) is refused whatever it carries.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::{HeaderMap, Uri};
use subtle::ConstantTimeEq;

/// The way a request came.
#[derive(Debug, Clone)]
pub enum Peer {
    /// Over the socket, by this user.
    Socket {
        /// The user's name.
        user: Arc<str>,
    },
    /// Over TCP.
    Tcp(Arc<Door>),
}

/// What is asked of requests over TCP.
#[derive(Debug)]
pub struct Door {
    /// Where we listen.
    pub listen: SocketAddr,
    /// What each request carries.
    pub token: Box<str>,
}

/// Why a request is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It names another host.
    Host(String),
    /// It comes from another origin.
    Origin(String),
    /// It has no token.
    NoToken,
    /// It has another token.
    WrongToken,
}

impl Peer {
    /// Who asks, for the journal.
    pub fn who(&self) -> &str {
        match self {
            Self::Socket { user } => user,
            Self::Tcp(_) => "token",
        }
    }

    /// Lets a request in, or says why not.
    pub fn admit(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refused> {
        match self {
            Self::Socket { .. } => Ok(()),
            Self::Tcp(door) => door.admit(uri, headers),
        }
    }
}

impl Door {
    fn admit(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refused> {
        let host = text(headers, HOST).unwrap_or_default();
        let named = uri.authority().map_or(host, |authority| authority.as_str());
        if host != named || !self.is_us(host) {
            return Err(Refused::Host(cut(named)));
        }
        if headers.contains_key(ORIGIN) && text(headers, ORIGIN).and_then(|o| o.strip_prefix("http://")) != Some(host) {
            return Err(Refused::Origin(cut(text(headers, ORIGIN).unwrap_or_default())));
        }
        if matches!(uri.path(), "/healthz" | "/readyz") {
            return Ok(());
        }
        let (scheme, token) = text(headers, AUTHORIZATION).and_then(|t| t.split_once(' ')).ok_or(Refused::NoToken)?;
        let same = token.trim().as_bytes().ct_eq(self.token.as_bytes());
        if scheme.eq_ignore_ascii_case("bearer") && bool::from(same) { Ok(()) } else { Err(Refused::WrongToken) }
    }

    /// Whether a `Host` means us. Beyond loopback a machine has names that we cannot know; there the token of one's own
    /// keeps strangers out.
    fn is_us(&self, host: &str) -> bool {
        if host.is_empty() || !self.listen.ip().is_loopback() {
            return !host.is_empty();
        }
        let port = format!(":{}", self.listen.port());
        let name = match host.strip_suffix(&port) {
            Some(name) => name,
            None if self.listen.port() == 80 => host,
            None => return false,
        };
        let bare = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')).unwrap_or(name);
        let ours = |ip: IpAddr| ip == self.listen.ip() || ip.to_string() == "127.0.0.1" || ip.to_string() == "::1";
        name.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(ours)
    }
}

fn text(headers: &HeaderMap, name: axum::http::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn cut(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    const TOKEN: (HeaderName, &str) = (AUTHORIZATION, "Bearer s3cret");

    #[test]
    fn only_requests_that_name_us_and_carry_the_token_come_in() {
        let host = |host| Err(Refused::Host(String::from(host)));
        let origin = |origin| Err(Refused::Origin(String::from(origin)));
        let us = (HOST, "127.0.0.1:7717");
        for (uri, headers, want) in [
            ("/v1/nodes", vec![us.clone(), TOKEN], Ok(())),
            ("/v1/nodes", vec![(HOST, "localhost:7717"), TOKEN], Ok(())),
            ("/v1/nodes", vec![(HOST, "LocalHost:7717"), TOKEN], Ok(())),
            ("/v1/nodes", vec![(HOST, "[::1]:7717"), TOKEN], Ok(())),
            ("/v1/nodes", vec![us.clone(), (AUTHORIZATION, "bearer s3cret")], Ok(())),
            ("/v1/nodes", vec![us.clone(), TOKEN, (ORIGIN, "http://127.0.0.1:7717")], Ok(())),
            ("/healthz", vec![us.clone()], Ok(())),
            ("/readyz", vec![us.clone()], Ok(())),
            ("/metrics", vec![us.clone()], Err(Refused::NoToken)),
            ("/v1/nodes", vec![us.clone()], Err(Refused::NoToken)),
            ("/v1/nodes", vec![us.clone(), (AUTHORIZATION, "s3cret")], Err(Refused::NoToken)),
            ("/v1/nodes", vec![us.clone(), (AUTHORIZATION, "Bearer s3cre")], Err(Refused::WrongToken)),
            ("/v1/nodes", vec![us.clone(), (AUTHORIZATION, "Bearer s3cretX")], Err(Refused::WrongToken)),
            ("/v1/nodes", vec![us.clone(), (AUTHORIZATION, "Basic s3cret")], Err(Refused::WrongToken)),
            ("/v1/nodes", vec![TOKEN], host("")),
            ("/v1/nodes", vec![(HOST, "evil.test"), TOKEN], host("evil.test")),
            ("/v1/nodes", vec![(HOST, "evil.test:7717"), TOKEN], host("evil.test:7717")),
            ("/v1/nodes", vec![(HOST, "127.0.0.1"), TOKEN], host("127.0.0.1")),
            ("/v1/nodes", vec![(HOST, "127.0.0.1:80"), TOKEN], host("127.0.0.1:80")),
            ("/v1/nodes", vec![(HOST, "10.0.0.1:7717"), TOKEN], host("10.0.0.1:7717")),
            ("/healthz", vec![(HOST, "evil.test:7717")], host("evil.test:7717")),
            ("http://evil.test/v1/nodes", vec![us.clone(), TOKEN], host("evil.test")),
            ("/v1/nodes", vec![us.clone(), TOKEN, (ORIGIN, "http://evil.test")], origin("http://evil.test")),
            ("/v1/nodes", vec![us.clone(), TOKEN, (ORIGIN, "null")], origin("null")),
            (
                "/v1/nodes",
                vec![us.clone(), TOKEN, (ORIGIN, "https://127.0.0.1:7717")],
                origin("https://127.0.0.1:7717"),
            ),
            ("/v1/nodes", vec![us.clone(), TOKEN, (ORIGIN, "http://127.0.0.1:80")], origin("http://127.0.0.1:80")),
            ("/healthz", vec![us.clone(), (ORIGIN, "http://evil.test")], origin("http://evil.test")),
        ] {
            assert_eq!(ask("127.0.0.1:7717", uri, &headers), want, "{uri} {headers:?}");
        }
    }

    #[test]
    fn beyond_loopback_any_name_may_be_ours_but_the_token_stays() {
        for (uri, headers, want) in [
            ("/v1/nodes", vec![(HOST, "ci.shop.test:7717"), TOKEN], Ok(())),
            ("/v1/nodes", vec![(HOST, "ci.shop.test:7717")], Err(Refused::NoToken)),
            ("/v1/nodes", vec![TOKEN], Err(Refused::Host(String::new()))),
            (
                "/v1/nodes",
                vec![(HOST, "ci.shop.test:7717"), TOKEN, (ORIGIN, "http://evil.test")],
                Err(Refused::Origin("http://evil.test".to_owned())),
            ),
        ] {
            assert_eq!(ask("0.0.0.0:7717", uri, &headers), want, "{uri} {headers:?}");
        }
    }

    #[test]
    fn who_comes_over_the_socket_was_let_in_by_its_mode() {
        let peer = Peer::Socket { user: "kim".into() };
        assert_eq!(peer.admit(&Uri::from_static("/v1/nodes"), &HeaderMap::new()), Ok(()));
        assert_eq!(peer.who(), "kim");
    }

    fn ask(listen: &str, uri: &'static str, headers: &[(HeaderName, &str)]) -> Result<(), Refused> {
        let door = Door { listen: listen.parse().unwrap(), token: "s3cret".into() };
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        Peer::Tcp(Arc::new(door)).admit(&Uri::from_static(uri), &headers)
    }
}
