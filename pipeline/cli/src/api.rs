//! The engine's HTTP API as commands use it: paths and queries in, answers or failures out.

use std::path::PathBuf;
use std::time::Duration;

use agent::client::{Client, Error as ClientError, Lines, Response};
use agent::endpoint::{Endpoint, state_folder};
use bytes::Bytes;
use gateway::view::{Page, Problem};
use hyper::header::{CONTENT_TYPE, RETRY_AFTER};
use hyper::{Method, StatusCode};
use model::{Key, PoolId};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use crate::exit::Exit;
use crate::failure::Failure;

/// Most items that are read of a list.
const MAX_ITEMS: usize = 200_000;
/// The longest wait for an answer: more than the engine itself takes until it says that it has none, 30 s.
const ANSWER: Duration = Duration::from_secs(40);
/// For how long a change is sent again whose answer did not come, with one key, so that it is done once.
const REPEAT: Duration = Duration::from_secs(30);
/// The time between two tries where the engine names none.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest silence of an answer that comes line by line: an empty line comes each 10 s.
pub const SILENCE: Duration = Duration::from_secs(25);
/// What may stand in a path or query as it is.
const SAFE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':');

/// One engine, as seen from one pool.
#[derive(Debug)]
pub struct Api {
    client: Client,
    /// The pool that is asked about.
    pub pool: PoolId,
}

/// All of a list, as the API answers its pages.
#[derive(Debug, Clone, Serialize)]
pub struct List {
    /// Its items.
    pub items: Vec<Value>,
    /// The journal position that the last page is true for.
    pub position: u64,
}

impl Api {
    /// The engine that the environment names, else this user's own.
    pub fn from_env(pool: &PoolId) -> Result<Self, Failure> {
        Ok(Self::at(endpoint()?, pool))
    }

    /// The engine at an endpoint.
    pub fn at(endpoint: Endpoint, pool: &PoolId) -> Self {
        Self { client: Client::new(endpoint), pool: pool.clone() }
    }

    /// Where the engine is.
    pub fn endpoint(&self) -> &Endpoint {
        self.client.endpoint()
    }

    /// Asks, and hands out the answer whatever it is.
    pub async fn answer(&self, path: &str) -> Result<Response, Failure> {
        Ok(self.ask(Method::GET, &self.target(path, &[]), &[], Bytes::new()).await?)
    }

    /// Asks for something; the answer as it came.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Bytes, Failure> {
        body(self.ask(Method::GET, &self.target(path, query), &[], Bytes::new()).await?)
    }

    /// Asks for something and reads it.
    pub async fn read<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, Failure> {
        let bytes = self.get(path, query).await?;
        serde_json::from_slice(&bytes).map_err(|error| Failure::unreadable(path, &error))
    }

    /// Asks for all of a list, page by page.
    pub async fn list(&self, path: &str, query: &[(&str, &str)]) -> Result<List, Failure> {
        let mut list = List { items: Vec::new(), position: 0 };
        let mut cursor: Option<String> = None;
        loop {
            let mut query = query.to_vec();
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let page: Page<Value> = self.read(path, &query).await?;
            list.position = page.position;
            list.items.extend(page.items);
            cursor = page.next.filter(|_| list.items.len() < MAX_ITEMS);
            if cursor.is_none() {
                return Ok(list);
            }
        }
    }

    /// Asks for a change. One whose answer is lost, or that comes too soon, is sent again for half a minute, with the
    /// same key: an engine that is restarted meanwhile is no reason to fail.
    pub async fn post(
        &self,
        path: &str,
        query: &[(&str, &str)],
        key: &str,
        (content_type, content): (&str, Bytes),
    ) -> Result<Bytes, Failure> {
        let headers = [(CONTENT_TYPE.as_str(), content_type), ("idempotency-key", key)];
        let target = self.target(path, query);
        let (since, mut in_doubt) = (Instant::now(), false);
        loop {
            let (failure, pause) = match self.ask(Method::POST, &target, &headers, content.clone()).await {
                Ok(answer) => match too_soon(&answer) {
                    None => return body(answer),
                    Some(pause) => {
                        in_doubt |= answer.status == StatusCode::SERVICE_UNAVAILABLE;
                        (refusal(&answer), pause)
                    }
                },
                Err(error @ ClientError::Broken(_)) => {
                    in_doubt = true;
                    (error.into(), PAUSE)
                }
                // Where nothing was sent yet, no engine is there, and that is said at once.
                Err(error @ ClientError::NotReached(..)) if in_doubt => (error.into(), PAUSE),
                Err(error) => return Err(error.into()),
            };
            if since.elapsed() + pause > REPEAT {
                return Err(if in_doubt { failure.with_key(key) } else { failure });
            }
            sleep(pause).await;
        }
    }

    /// Asks for an answer that comes line by line.
    pub async fn lines(&self, path: &str, query: &[(&str, &str)]) -> Result<Lines, Failure> {
        let target = self.target(path, query);
        let mut lines = in_time(self.client.lines(&target, &[])).await?;
        if lines.status.is_success() {
            return Ok(lines);
        }
        // A refusal is short, and comes in one piece, which need not end as a line does.
        let words = timeout(SILENCE, lines.piece()).await.ok().and_then(Result::ok).flatten().unwrap_or_default();
        Err(refused(lines.status, &words, None))
    }

    async fn ask(
        &self,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        content: Bytes,
    ) -> Result<Response, ClientError> {
        in_time(self.client.request(method, target, headers, content)).await
    }

    fn target(&self, path: &str, query: &[(&str, &str)]) -> String {
        let mut target = format!("{path}?pool={}", encoded(self.pool.as_str()));
        for (name, value) in query {
            target.push_str(&format!("&{}={}", encoded(name), encoded(value)));
        }
        target
    }
}

impl List {
    /// The items as what they are.
    pub fn read<T: DeserializeOwned>(&self) -> Result<Vec<T>, Failure> {
        let items = self.items.iter().map(T::deserialize).collect::<Result<_, _>>();
        items.map_err(|error| Failure::unreadable("a list", &error))
    }
}

/// A key that nobody has used.
pub fn fresh_key() -> Result<Key, Failure> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::new(Exit::Machine, format!("this machine gives no random numbers: {error}")))?;
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Key::new(&text).expect("hexadecimal digits are a name"))
}

/// A name or value as it may stand in a path or query.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, SAFE).to_string()
}

/// This user's state folder.
pub fn state() -> Result<PathBuf, Failure> {
    state_folder().map_err(|error| Failure::new(Exit::Machine, error.to_string()))
}

/// The engine that the environment names, else this user's own.
pub fn endpoint() -> Result<Endpoint, Failure> {
    Endpoint::from_env(&state()?).map_err(|error| Failure::new(Exit::Usage, error.to_string()))
}

/// The next line of an answer that stays open; `None` once it has ended.
pub async fn next_line(lines: &mut Lines) -> Result<Option<Bytes>, Failure> {
    let silent = |_| ClientError::Broken(format!("silent for {} s", SILENCE.as_secs()));
    Ok(timeout(SILENCE, lines.next()).await.map_err(silent)??)
}

/// An answer that does not come in time will not come: an engine that is stopped or cut off holds nobody for ever.
async fn in_time<T>(asked: impl Future<Output = Result<T, ClientError>>) -> Result<T, ClientError> {
    let late = |_| ClientError::Broken(format!("no answer within {} s", ANSWER.as_secs()));
    timeout(ANSWER, asked).await.map_err(late)?
}

/// When a change that the engine does not take now may be sent again.
fn too_soon(answer: &Response) -> Option<Duration> {
    let asks_for_time = matches!(answer.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
    let seconds = answer.header(&RETRY_AFTER).filter(|_| asks_for_time)?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn body(answer: Response) -> Result<Bytes, Failure> {
    if answer.status.is_success() { Ok(answer.body) } else { Err(refusal(&answer)) }
}

/// What a refusal says.
pub fn refusal(answer: &Response) -> Failure {
    refused(answer.status, &answer.body, answer.header(&RETRY_AFTER))
}

/// What a refusal means for who asked.
fn refused(status: StatusCode, body: &[u8], retry_after: Option<&str>) -> Failure {
    let words = words(status, body);
    let exit = match status.as_u16() {
        404 | 410 => Exit::NotFound,
        401 | 403 | 409 | 412 => Exit::NotNow,
        429 | 502..=504 => Exit::NoEngine,
        507 => Exit::Machine,
        413 | 415 | 422 => Exit::Refused,
        400..=499 => Exit::Usage,
        _ => Exit::Bug,
    };
    match (exit, retry_after) {
        (Exit::NoEngine, Some(seconds)) => Failure::new(exit, format!("{words}; try again in {seconds} s")),
        (_, _) if status == StatusCode::UNAUTHORIZED => {
            Failure::new(exit, format!("{words}; put the engine's token into a file and name it in REPRISE_TOKEN_FILE"))
        }
        (_, _) => Failure::new(exit, words),
    }
}

/// What a refusal says: the detail of problem+json with the mistakes of a file, else the text as it is.
fn words(status: StatusCode, body: &[u8]) -> String {
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) if problem.rendered.is_empty() => problem.detail,
        Ok(problem) => format!("{}\n{}", problem.detail, problem.rendered.trim_end()),
        Err(_) => match String::from_utf8_lossy(body).chars().take(300).collect::<String>().trim() {
            "" => format!("the engine answered {status}"),
            text => text.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_in_its_own_words_with_the_code_of_its_kind() {
        let body = br#"{"type":"about:blank","title":"not found","detail":"no execution web-9","status":404}"#;
        assert_eq!(refused(StatusCode::NOT_FOUND, body, None), Failure::new(Exit::NotFound, "no execution web-9"));
        for (status, exit) in [
            (400, Exit::Usage),
            (409, Exit::NotNow),
            (422, Exit::Refused),
            (429, Exit::NoEngine),
            (500, Exit::Bug),
            (503, Exit::NoEngine),
            (507, Exit::Machine),
        ] {
            assert_eq!(refused(StatusCode::from_u16(status).unwrap(), b"", None).exit, exit, "{status}");
        }
    }

    #[test]
    fn an_engine_that_wants_time_says_how_long_and_one_that_wants_a_token_where_to_put_it() {
        assert_eq!(
            refused(StatusCode::SERVICE_UNAVAILABLE, b"starting", Some("2")).message,
            "starting; try again in 2 s"
        );
        assert!(refused(StatusCode::UNAUTHORIZED, b"no token", None).message.contains("REPRISE_TOKEN_FILE"));
    }

    #[test]
    fn names_and_values_cannot_break_out_of_a_query() {
        let api = Api::at(Endpoint::Unix("/s".into()), &PoolId::new("a+b").unwrap());
        assert_eq!(
            api.target("/v1/x", &[("p.grep", "a&b=c d")]),
            "/v1/x?pool=a%2Bb&p%2Egrep=a%26b%3Dc%20d".replace("%2E", ".")
        );
    }
}
