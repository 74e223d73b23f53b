//! Intake: requests of people, and inputs that cannot be used.
//!
//! A key makes a request idempotent: repeated with the same content it gets the same answer, with another it is
//! refused. Large flows come in parts; each is folded as it comes, and the last begins the execution.

pub mod submit;

use model::event::TaskRef;
use model::policy::Policy;
use model::report::Report;
use model::request::{Answer, Ask, RefusalKind, Request};
use model::{Body, By, Event, PolicyId, PoolId};

use crate::state::upload::{KeptAnswer, MAX_KEYS};
use crate::state::{Pool, State};
use crate::{Context, Planted, execution};

/// Most bytes of who asks, and of why: both stand in each event that follows, where escapes may at most double them.
const MAX_WORDS: usize = 1_024;
/// Most pools of a partition.
pub const MAX_POOLS: usize = 1_000;

/// Who reported.
pub fn by(report: &Report) -> By {
    By::Node { node: report.node.clone(), boot: report.boot.clone(), seq: report.seq }
}

/// The first event of a report: it marks the report as consumed.
pub fn by_node(report: &Report, event: Body) -> Event {
    Event { pool: report.pool.clone(), by: by(report), event }
}

/// A report that cannot be used.
pub fn rejected(report: &Report, reason: String, ctx: &Context<'_>) -> Event {
    by_node(report, Body::InputRejected { topic: "reports".to_owned(), position: ctx.position, hash: 0, reason })
}

/// A record that could not be read.
pub fn unreadable(pool: &PoolId, topic: &str, hash: u64, reason: &str, ctx: &Context<'_>) -> Event {
    let (topic, reason) = (topic.to_owned(), crate::progress::cut(reason, 400));
    ctx.event(pool, Body::InputRejected { topic, position: ctx.position, hash, reason })
}

/// A record of a topic that is not decided about; who asked is told so, if a request stands in it.
pub fn turned_down(
    (pool, topic, hash): (&PoolId, &str, u64),
    reason: &str,
    asked: Option<&Request>,
    ctx: &Context<'_>,
) -> Vec<Event> {
    let mut events = vec![unreadable(pool, topic, hash, reason, ctx)];
    events.extend(asked.map(|request| {
        let words = |text: &str| crate::progress::cut(text, MAX_WORDS);
        let by = By::Person { who: words(&request.who), key: request.key.clone(), reason: words(&request.reason) };
        let answer = refusal(RefusalKind::Invalid, words(reason));
        // Nobody has checked when it was asked: an answer that is kept from the future on would be kept for ever.
        let (key, content, at) = (request.key.clone(), content(request), request.at.min(ctx.now));
        Event { pool: request.pool.clone(), by, event: Body::RequestAnswered { key, content, at, answer } }
    }));
    events
}

/// A leader begins: what the installation brings along goes into the journal where it differs, one pool at a call.
pub fn led(state: &State, ctx: &Context<'_>) -> Vec<Event> {
    let mut differing = state.pools.iter().map(|(id, pool)| bring_along(id, pool, ctx));
    differing.find(|events| !events.is_empty()).unwrap_or_default()
}

/// The events that make a pool, if it does not exist and may.
pub fn make_pool(state: &State, id: &PoolId, ctx: &Context<'_>) -> Vec<Event> {
    if state.pools.contains_key(id) || state.pools.len() >= MAX_POOLS {
        return Vec::new();
    }
    let settings = Body::PoolSettingsPut { settings: ctx.config.settings };
    let mut events = vec![ctx.event(id, settings)];
    events.extend(bring_along(id, &Pool { settings: ctx.config.settings, ..Pool::default() }, ctx));
    events
}

fn bring_along(id: &PoolId, pool: &Pool, ctx: &Context<'_>) -> Vec<Event> {
    let mut events = Vec::new();
    if pool.settings != ctx.config.settings {
        events.push(ctx.event(id, Body::PoolSettingsPut { settings: ctx.config.settings }));
    }
    for policy in &ctx.config.policies {
        let newest = pool.newest.get(&policy.policy).and_then(|id| pool.policies.get(id));
        if newest != Some(policy)
            && let Some(version) = next_version(pool, policy)
        {
            events.push(ctx.event(id, Body::PolicyPut { id: version, policy: policy.clone() }));
        }
    }
    events
}

fn next_version(pool: &Pool, policy: &Policy) -> Option<PolicyId> {
    let last = pool.newest.get(&policy.policy).and_then(|id| id.as_str().rsplit_once('@')?.1.parse::<u32>().ok());
    PolicyId::new(&format!("{}@{}", policy.policy, last.unwrap_or(0) + 1)).ok()
}

/// Decides a request.
pub fn request(pool: &Pool, request: &Request, ctx: &Context<'_>) -> Vec<Event> {
    let long = |words: &str| words.len() > MAX_WORDS || model::json::bytes(words) > 2 * MAX_WORDS;
    if long(&request.who) || long(&request.reason) {
        let reason = format!("`who` and `reason` have at most {MAX_WORDS} bytes");
        return turned_down((&request.pool, "requests", 0), &reason, Some(request), ctx);
    }
    let content = content(request);
    let forgotten = |kept: &&KeptAnswer| ctx.planted(Planted::KeyForgottenAtEnd) && is_over(pool, &kept.answer);
    if let Some(kept) = pool.keys.get(&request.key).filter(|kept| !forgotten(kept)) {
        return repeated(request, kept.content == content, kept.answer.clone(), content);
    }
    let keys_ms = pool.settings.keys_ms;
    let old = request.at + keys_ms <= ctx.now || request.at < pool.asked_since;
    if old || ctx.now + keys_ms < request.at {
        let way = if old { "older than" } else { "further ahead of the engine's clock than" };
        let why = format!("the request is {way} idempotency keys are kept; send it again with a new key");
        return vec![answer(request, content, refusal(RefusalKind::TooMany, why))];
    }
    if pool.keys.len() >= MAX_KEYS {
        let why = format!("the pool has answered {MAX_KEYS} requests within a day; wait, or use another pool");
        return vec![answer(request, content, refusal(RefusalKind::TooMany, why))];
    }
    let outcome = match &request.ask {
        Ask::Submit(submit) => return submit::part(pool, request, submit, content),
        _ if pool.uploads.contains_key(&request.key) => {
            Err((RefusalKind::KeyReused, "the key is in use for a flow that is being sent; use a new key".to_owned()))
        }
        Ask::Pause { .. }
        | Ask::Resume { .. }
        | Ask::Cancel { .. }
        | Ask::Retry { .. }
        | Ask::Replay { .. }
        | Ask::Drop { .. } => execution::verbs::decide(pool, request),
    };
    match outcome {
        Ok(mut events) => {
            let execution = execution::verbs::execution_of(&request.ask).cloned();
            events.push(answer(request, content, Answer::Done { execution }));
            events
        }
        Err((kind, why)) => vec![answer(request, content, refusal(kind, why))],
    }
}

/// For the planted fault only: whether the execution that an answer names has ended.
fn is_over(pool: &Pool, answer: &Answer) -> bool {
    match answer {
        Answer::Done { execution: Some(id) } => pool.execution_named(id).is_none_or(|e| e.ended.is_some()),
        Answer::Done { execution: None } | Answer::Refused { .. } => false,
    }
}

/// The same key again: the same answer, if it is the same request.
fn repeated(request: &Request, same: bool, kept: Answer, content: u64) -> Vec<Event> {
    if let (true, Ask::Submit(submit)) = (same, &request.ask)
        && submit.part < submit.parts.saturating_sub(1)
    {
        return Vec::new();
    }
    let other = || {
        let why = format!("the key `{}` was used for another request; use a new key", request.key);
        refusal(RefusalKind::KeyReused, why)
    };
    let said = if same { kept } else { other() };
    vec![answer(request, content, said)]
}

/// What a person's request does.
pub fn by_person(request: &Request, event: Body) -> Event {
    let (who, key, reason) = (request.who.clone(), request.key.clone(), request.reason.clone());
    Event { pool: request.pool.clone(), by: By::Person { who, key, reason }, event }
}

/// What became of a request.
pub fn answer(request: &Request, content: u64, answer: Answer) -> Event {
    by_person(request, Body::RequestAnswered { key: request.key.clone(), content, at: request.at, answer })
}

/// A refusal.
pub fn refusal(refusal: RefusalKind, message: String) -> Answer {
    Answer::Refused { refusal, message }
}

/// A hash of what is asked, the same for each part of an upload: FNV-1a over its JSON.
pub fn content(request: &Request) -> u64 {
    let text = match &request.ask {
        Ask::Submit(submit) => format!("{} {} {:?}", submit.content, submit.parts, submit.priority.map(|p| p.word())),
        Ask::Pause { .. }
        | Ask::Resume { .. }
        | Ask::Cancel { .. }
        | Ask::Retry { .. }
        | Ask::Replay { .. }
        | Ask::Drop { .. } => serde_json::to_string(&request.ask).unwrap_or_default(),
    };
    model::hash::fnv1a(text.bytes())
}

/// The task that a request names, in its execution.
pub fn at(execution: u32, task: u32) -> TaskRef {
    TaskRef { execution, task }
}
