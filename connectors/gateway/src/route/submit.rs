//! A flow comes in: checked whole, then put into the log part by part under one key. The last part begins the execution.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Extension, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use flow::Format;
use model::request::{Ask, Submit};
use model::task::{FlowPart, Needs};
use model::{LockId, Priority, TaskId};
use operators::state::Pool;
use tokio::sync::Semaphore;

use crate::access::Peer;
use crate::app::{App, whole};
use crate::asking::Asker;
use crate::failure::Failure;
use crate::params::{Idempotency, Params};
use crate::view::problem::Mistake;
use crate::view::submitted::Submitted;
use crate::view::waits::{lacks, no_node};

/// Most bytes of a flow.
const MAX_BODY: usize = 32 * 1024 * 1024;
/// Flows that are read at once: each may take some ten times its size in memory. The others wait for their turn.
static READING: Semaphore = Semaphore::const_new(8);
/// Most warnings of an answer.
const MAX_WARNINGS: usize = 20;
/// Nodes that are looked at for them: the partition waits for it.
const MAX_LOOKS: usize = 100_000;

/// A flow, YAML or JSON by content type: `?name=` (its file's), `?priority=`, `?reason=`.
pub async fn submit(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    params: Params,
    key: Idempotency,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    if let Some(name) = params.beginning("p.").next() {
        return Err(Failure::bad(format!("`{name:.64}`: this flow has no parameters")));
    }
    params.only(&["name", "priority", "reason"])?;
    let priority = priority(params.text("priority"))?;
    let format = format(&headers)?;
    let asker = Asker::new(params.pool()?, key.0, &peer, params.text("reason").unwrap_or_default().to_owned())?;
    let name = params.text("name").unwrap_or("flow").to_owned();
    app.is_ready(&asker.pool)?;
    let _turn = READING.acquire().await.expect("nobody closes it");
    let body = whole(body, "a flow", MAX_BODY).await?;
    let flow = tokio::task::spawn_blocking(move || Flow::read(&name, &body, format)).await;
    let flow = flow.map_err(|error| Failure::ours(format!("the flow could not be read: {error}")))??;
    let warnings = warnings(&app, &asker, &flow);
    let diagnostics = flow.warnings;
    let id = put(&app, &asker, (flow.content, flow.parts), priority).await?;
    let execution = id.and_then(|id| asker.view(&app, &id));
    let execution = execution.ok_or_else(|| Failure::ours("the execution was begun, and is not known any more"))?;
    let location = format!("/v1/executions/{}", execution.execution);
    let submitted = Submitted { execution, warnings, diagnostics };
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(submitted)).into_response())
}

fn priority(word: Option<&str>) -> Result<Option<Priority>, Failure> {
    let all = || Priority::ALL.map(|(_, word)| word).join(", ");
    let read = |word: &str| {
        Priority::from_word(word).ok_or_else(|| Failure::bad(format!("no priority `{word:.64}`; there are {}", all())))
    };
    word.map(read).transpose()
}

fn format(headers: &HeaderMap) -> Result<Format, Failure> {
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(Failure::unsupported("compressed flows are not read; send the flow as it is"));
    }
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match given.split(';').next().unwrap_or_default().trim() {
        "application/yaml" | "application/x-yaml" | "text/yaml" | "text/x-yaml" => Ok(Format::Yaml),
        "application/json" => Ok(Format::Json),
        other => {
            let detail = format!("a flow is application/yaml or application/json, not `{other:.64}`");
            Err(Failure::unsupported(detail))
        }
    }
}

/// A flow as it goes into the log, and what of it is compared with the pool.
struct Flow {
    content: String,
    parts: Vec<FlowPart>,
    warnings: Vec<Mistake>,
    locks: BTreeMap<LockId, u32>,
    /// Each different needs, with the first task that has them.
    needs: BTreeMap<Needs, TaskId>,
}

impl Flow {
    /// Reads and checks a flow. Takes a second of a processor for a large one.
    fn read(name: &str, body: &Bytes, format: Format) -> Result<Self, Failure> {
        let checked = flow::parse(name, body, format).map_err(|mistakes| {
            let rendered = flow::render(&mistakes, name, &String::from_utf8_lossy(body));
            Failure::invalid_flow(&mistakes, rendered)
        })?;
        let mut needs = BTreeMap::new();
        for task in &checked.tasks {
            if !needs.contains_key(&task.needs) {
                needs.insert(task.needs.clone(), task.id.clone());
            }
        }
        let (content, parts) = (checked.content(), checked.parts());
        let warnings = checked.warnings.iter().map(Mistake::from).collect();
        Ok(Self { content, parts, warnings, locks: checked.head.locks, needs })
    }
}

async fn put(
    app: &App,
    asker: &Asker,
    (content, flows): (String, Vec<FlowPart>),
    priority: Option<Priority>,
) -> Result<Option<model::ExecutionId>, Failure> {
    let parts = u32::try_from(flows.len()).unwrap_or(u32::MAX);
    let mut begun = None;
    for (flow, part) in flows.into_iter().zip(0..) {
        let submit = Submit { content: content.clone(), part, parts, priority, flow };
        begun = asker.ask(app, Ask::Submit(submit)).await?.and_then(|(execution, _)| execution);
    }
    Ok(begun)
}

/// What somebody should look at: locks whose size changes, needs that no present node meets.
fn warnings(app: &App, asker: &Asker, flow: &Flow) -> Vec<String> {
    let see = |pool: &Pool| {
        let resized = flow.locks.iter().filter_map(|(id, size)| {
            let was = pool.locks.get(id).map(|lock| lock.size).filter(|was| was != size)?;
            Some(format!("lock {id} had {was} permits in this pool, and has {size} from now on"))
        });
        let present = || pool.nodes.values().filter(|node| node.presence.is_present());
        let looked = flow.needs.iter().take(MAX_LOOKS / present().count().max(1));
        let unmet = looked.filter(|(needs, _)| present().all(|node| lacks(node, needs).is_some()));
        let unmet = unmet.map(|(needs, task)| format!("{task} waits for a node: {}", no_node(present(), needs)));
        resized.chain(unmet).take(MAX_WARNINGS).collect()
    };
    app.engine.read(&asker.pool, |replica| see(replica.state.pools.get(&asker.pool).unwrap_or(&Pool::default())))
}
