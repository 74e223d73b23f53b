//! Tasks of an execution, and all that is known of one.

use axum::Json;
use axum::extract::State;
use operators::state::Execution;

use super::executions::find;
use crate::app::{App, Look};
use crate::failure::Failure;
use crate::params::{Names, Params, task};
use crate::view::detail::{TaskDetail, detail};
use crate::view::page::Page;
use crate::view::task::{TaskItem, item};
use crate::view::word::TaskWord;

/// In the order of the flow: `?state=` (one or more, by commas), `?limit=`, `?cursor=`.
pub async fn list(
    State(app): State<App>,
    Names(name): Names<String>,
    params: Params,
) -> Result<Json<Page<TaskItem>>, Failure> {
    params.only(&["state", "limit", "cursor"])?;
    let (limit, from) = (params.limit()?, params.get::<u32>("cursor")?.unwrap_or(0));
    let states = states(params.text("state"))?;
    let page = app.look(&params, |look| {
        let execution = find(&look, &name)?;
        let rest = execution.tasks.iter().zip(0..).skip(from as usize);
        let wanted = rest.filter(|(task, _)| states.is_empty() || states.contains(&TaskWord::from(&task.phase)));
        let mut wanted = wanted.map(|(_, index)| index);
        let items: Vec<TaskItem> =
            wanted.by_ref().take(limit).filter_map(|i| item(execution, i, look.at.now)).collect();
        let next = wanted.next().map(|index| index.to_string());
        Ok(Page { items, next, position: look.at.position })
    });
    page.await.map(Json)
}

fn states(text: Option<&str>) -> Result<Vec<TaskWord>, Failure> {
    let words = text.into_iter().flat_map(|text| text.split(',')).filter(|word| !word.is_empty());
    let read = |word: &str| {
        let all = || TaskWord::ALL.map(|(_, word)| word).join(", ");
        TaskWord::from_word(word).ok_or_else(|| Failure::bad(format!("no state `{word:.64}`; states are {}", all())))
    };
    words.map(read).collect()
}

/// One task, with its attempts and what was decided.
pub async fn one(
    State(app): State<App>,
    Names((name, id)): Names<(String, String)>,
    params: Params,
) -> Result<Json<TaskDetail>, Failure> {
    params.only(&[])?;
    let id = task(&id)?;
    let found = app.look(&params, |look| {
        let execution = find(&look, &name)?;
        let index = execution.names.get(&id);
        let missing = || Failure::not_found(format!("{} has no task `{id}`", execution.id));
        tell(&look, execution, *index.ok_or_else(missing)?)
    });
    found.await.map(Json)
}

/// The same of the newest execution that has a task of this name.
pub async fn newest(
    State(app): State<App>,
    Names(id): Names<String>,
    params: Params,
) -> Result<Json<TaskDetail>, Failure> {
    params.only(&[])?;
    let id = task(&id)?;
    let found = app.look(&params, |look| {
        let missing = || Failure::not_found(format!("no execution of pool `{}` has a task `{id}`", look.id));
        let (execution, index) = look.pool.newest_with(&id).ok_or_else(missing)?;
        tell(&look, execution, index)
    });
    found.await.map(Json)
}

fn tell(look: &Look<'_>, execution: &Execution, index: u32) -> Result<TaskDetail, Failure> {
    let told = detail(look.id, look.pool, execution, index, look.at);
    told.ok_or_else(|| Failure::ours(format!("{} has no task {index}, though a name leads there", execution.id)))
}
