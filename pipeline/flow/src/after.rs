//! `after`: which tasks another waits for, and how they must have ended. Names become indices here.

use std::collections::BTreeMap;

use model::Want;
use model::task::MAX_EDGES;

use crate::mistakes::Mistakes;
use crate::read;
use crate::source::Span;
use crate::task::{After, Draft};
use crate::tree::{Node, Value};
use crate::words::{cut, thousands};

/// Most entries of one `after`.
const MAX_AFTER: usize = 10_000;
/// The endings that one may wait for.
const ENDINGS: [(Want, &str); 3] = [(Want::Passed, "passed"), (Want::Failed, "failed"), (Want::Finished, "finished")];

/// One task waits for another, both by their place in the file.
pub(crate) struct Wait {
    pub task: u32,
    pub on: u32,
    pub want: Want,
    pub place: Span,
}

/// Reads `after`: one name or a list of them, each with how it must have ended.
pub(crate) fn read_after<'n>(node: &'n Node<'_>, mistakes: &mut Mistakes<'_>) -> Vec<After<'n>> {
    match &node.value {
        Value::Plain(_) | Value::Quoted(_) => read_entry(node, mistakes).into_iter().collect(),
        Value::Map(_) => {
            let hint = "write `after: build`, or `after: [build, seed_db.finished]`";
            read::wrong_kind("after", node, "a name or a list of names", hint, mistakes);
            Vec::new()
        }
        Value::List(_) => {
            let items = read::list("after", node, MAX_AFTER, "", mistakes);
            items.iter().filter_map(|item| read_entry(item, mistakes)).collect()
        }
    }
}

fn read_entry<'n>(node: &'n Node<'_>, mistakes: &mut Mistakes<'_>) -> Option<After<'n>> {
    let text = read::text("after", node, 200, mistakes)?;
    let Some((on, ending)) = text.rsplit_once('.') else {
        return Some(After { on: text, want: Want::Passed, place: node.span });
    };
    let want = ENDINGS.iter().find(|(_, word)| *word == ending).map(|(want, _)| *want);
    if want.is_none() {
        let near = mistakes.nearest.find(ending, ENDINGS.iter().map(|(_, word)| *word));
        let hint = match near {
            Some(near) => format!("did you mean `{}.{near}`?", cut(on)),
            None => format!("write `{0}` (it passed), `{0}.failed` or `{0}.finished`", cut(on)),
        };
        mistakes.error(node.span, format!("a task cannot end as `{}`", cut(ending)), hint);
    }
    Some(After { on, want: want?, place: node.span })
}

/// Looks all names up: at most one dependency for each pair of tasks, in the order of the tasks.
pub(crate) fn resolve(drafts: &[Draft<'_>], mistakes: &mut Mistakes<'_>) -> Vec<Wait> {
    let names: BTreeMap<&str, u32> = drafts.iter().zip(0..).map(|(draft, at)| (draft.name, at)).collect();
    let mut waits = Vec::with_capacity(drafts.iter().map(|draft| draft.after.len()).sum::<usize>().min(MAX_EDGES));
    for (draft, task) in drafts.iter().zip(0..) {
        let begin = waits.len();
        for after in &draft.after {
            if mistakes.is_full() {
                return waits;
            }
            match names.get(after.on) {
                Some(on) if *on == task => {
                    mistakes.error(after.place, format!("`{}` waits for itself", draft.name), "take it out");
                }
                Some(on) => waits.push(Wait { task, on: *on, want: after.want, place: after.place }),
                None => unknown(after, drafts, &names, mistakes),
            }
        }
        merge(&mut waits, begin, draft.name, drafts, mistakes);
        if waits.len() > MAX_EDGES {
            let message = format!("the flow has more than {} dependencies", thousands(MAX_EDGES as u64));
            mistakes.error(draft.place, message, "let a task between them wait for many, and many wait for it");
            return waits;
        }
    }
    waits
}

fn unknown(after: &After<'_>, drafts: &[Draft<'_>], names: &BTreeMap<&str, u32>, mistakes: &mut Mistakes<'_>) {
    let near = mistakes.nearest.find(after.on, drafts.iter().map(|draft| draft.name));
    let place = near.and_then(|near| Some((near, drafts[*names.get(near)? as usize].place)));
    let hint = match place {
        Some((near, place)) => format!("did you mean `{near}`, line {}?", mistakes.line(place)),
        None => "write the name of a task of this file".to_owned(),
    };
    mistakes.error(after.place, format!("no task `{}`", cut(after.on)), hint);
}

/// Makes one of several dependencies on the same task, from `begin` on. `finished` asks for less than the others do;
/// passed and failed can never both be.
fn merge(waits: &mut Vec<Wait>, begin: usize, name: &str, drafts: &[Draft<'_>], mistakes: &mut Mistakes<'_>) {
    waits[begin..].sort_by_key(|wait| wait.on); // stable: in the order of the file
    let mut kept = begin;
    for at in begin..waits.len() {
        let (on, want, place) = (waits[at].on, waits[at].want, waits[at].place);
        if kept == begin || waits[kept - 1].on != on {
            waits.swap(kept, at);
            kept += 1;
            continue;
        }
        let before = &mut waits[kept - 1];
        match (before.want, want) {
            (Want::Passed, Want::Failed) | (Want::Failed, Want::Passed) => {
                let on = drafts[on as usize].name;
                let message = format!("`{name}` can never start: `{on}` cannot both pass and fail");
                mistakes.error(place, message, format!("write `{on}.finished` if any ending will do"));
            }
            (Want::Finished, stricter) => before.want = stricter,
            (Want::Passed | Want::Failed, Want::Finished)
            | (Want::Passed, Want::Passed)
            | (Want::Failed, Want::Failed) => {}
        }
    }
    waits.truncate(kept);
}
