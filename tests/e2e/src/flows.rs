//! Flows whose tasks keep a ledger: each attempt writes down that it began and that it ended, with its lease.

use serde_json::{Map, Value, json};

use crate::World;
use crate::binary;

/// The file in which all attempts of a world sign.
pub const LEDGER: &str = "ledger";

/// A task that signs, does something, and signs again. `more` are further fields of the flow file.
pub fn task(world: &World, work: &str, more: Value) -> Value {
    let sign = |word: &str| format!(r#"echo "{word} $REPRISE_TASK $REPRISE_LEASE" >> "$LEDGER""#);
    let mut fields = Map::from_iter([
        ("run".to_owned(), json!(format!("{}\n{work}\n{}", sign("began"), sign("ended")))),
        ("env".to_owned(), json!({ "LEDGER": world.path(LEDGER), "REPRISE": binary::reprise() })),
        ("timeout".to_owned(), json!("80s")),
        ("grace".to_owned(), json!("1s")),
    ]);
    fields.extend(more.as_object().cloned().unwrap_or_default());
    Value::Object(fields)
}

/// A flow of these tasks.
pub fn flow(name: &str, tasks: Value) -> Value {
    json!({ "flow": name, "locks": { "db": 1 }, "tasks": tasks })
}

/// A little of everything, for crashes to happen in: dependencies, a lock, checkpoints, results; ten tasks.
pub fn mixed(world: &World) -> Value {
    let plain = |more| task(world, "sleep 0.2", more);
    let locked = || task(world, "sleep 0.2", json!({ "after": "build", "needs": { "locks": ["db"] } }));
    let resumable = r#"
        $REPRISE progress 0.1
        [ -s "$REPRISE_CHECKPOINT" ] || { sleep 0.3; $REPRISE checkpoint half; }
        sleep 0.2"#;
    let junit = r#"
        sleep 0.2
        echo '<testsuite name="S"><testcase classname="S" name="holds" time="0.1"/></testsuite>' > "junit-$REPRISE_LEASE.xml""#;
    let tasks = json!({
        "build": plain(json!({})),
        "locked_1": locked(),
        "locked_2": locked(),
        "locked_3": locked(),
        "resumable_1": task(world, resumable, json!({ "after": "build" })),
        "resumable_2": task(world, resumable, json!({ "after": "build" })),
        "tests": task(world, junit, json!({ "after": "build", "results": ["junit-*.xml"] })),
        "plain": plain(json!({ "after": "build" })),
        "gate": plain(json!({ "after": ["locked_1", "locked_2", "locked_3", "resumable_1", "resumable_2", "tests", "plain"] })),
        "after_all": plain(json!({ "after": "gate.finished" })),
    });
    flow("mixed", tasks)
}

/// One task that runs until the file `go` is there.
pub fn waiting(world: &World, name: &str) -> Value {
    let go = world.path("go").display().to_string();
    flow(name, json!({ "wait": task(world, &format!("while [ ! -e '{go}' ]; do sleep 0.05; done"), json!({})) }))
}

/// So many independent tasks that take a moment each.
pub fn many(world: &World, name: &str, count: usize) -> Value {
    alike(world, name, count, "sleep 0.1")
}

/// So many independent tasks that do the same.
pub fn alike(world: &World, name: &str, count: usize, work: &str) -> Value {
    let tasks = (0..count).map(|n| (format!("t{n}"), task(world, work, json!({}))));
    flow(name, Value::Object(tasks.collect()))
}
