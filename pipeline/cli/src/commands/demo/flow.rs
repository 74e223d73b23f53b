//! The flow of the demo: 240 made-up tests that fan out and in, with locks, priorities and fallbacks, and failures as
//! planned. What each does is `task.sh`; how many of each there are, and who waits for whom, stands here.

use std::path::Path;

use model::TaskId;
use serde_json::{Map, Value, json};

/// What fails for good, as planned: two whose test is broken, one that dies by SIGSEGV each time.
pub const FAIL: [&str; 3] = ["broken_1", "broken_2", "crash"];
/// How many are skipped, as planned: what comes after a broken one, and the fallback of one that passes.
pub const SKIPPED: u32 = 15;
/// The script of all tasks.
pub const SCRIPT: &str = include_str!("task.sh");

/// Parts of the product, each built and tested by itself.
const PARTS: usize = 8;

/// The flow, for a demo in this folder.
pub fn flow(folder: &Path, reprise: &Path) -> Value {
    let mut flow = Flow { folder, reprise, tasks: Map::new() };
    flow.add("prepare", "steady 2 0.3", json!({ "priority": "highest" }));
    let builds = flow.each("build", PARTS, "steady 3 0.3", json!({ "after": "prepare", "priority": "very-high" }));
    flow.trouble();
    flow.each("migrate", 7, "steady 2 0.4", json!({ "after": builds, "needs": { "locks": ["database"] } }));
    let devices = json!({ "after": builds, "needs": { "locks": ["devices"] }, "priority": "low" });
    let devices = flow.each("device", 25, "steady 2 0.9", devices);
    let reports: Vec<String> = (1..=PARTS).map(|part| flow.part(part)).collect();
    flow.add("not_needed", "steady 1 0.3", json!({ "after": "report_1.failed" }));
    flow.add("gate", "steady 1 0.3", json!({ "after": ([reports, devices].concat()), "priority": "high" }));
    let all: Vec<String> = flow.tasks.keys().map(|name| format!("{name}.finished")).collect();
    flow.add("summary", "steady 1 0.3", json!({ "after": all }));
    json!({ "flow": "demo", "locks": { "database": 1, "devices": 6 }, "tasks": flow.tasks })
}

/// The names of a flow's tasks.
pub fn tasks(flow: &Value) -> Vec<TaskId> {
    let names = flow["tasks"].as_object().into_iter().flat_map(Map::keys);
    names.map(|name| TaskId::new(name).expect("the names of the demo are our own")).collect()
}

/// A flow as it grows.
struct Flow<'a> {
    folder: &'a Path,
    reprise: &'a Path,
    tasks: Map<String, Value>,
}

impl Flow<'_> {
    /// Adds a task that does this work, with further fields of the flow file.
    fn add(&mut self, name: &str, work: &str, more: Value) -> String {
        let script = self.folder.join("task.sh").display().to_string();
        let run: Vec<&str> = ["sh", &script].into_iter().chain(work.split(' ')).collect();
        let mut fields = Map::from_iter([
            ("run".to_owned(), json!(run)),
            ("env".to_owned(), json!({ "DEMO": self.folder, "REPRISE": self.reprise })),
            ("timeout".to_owned(), json!("1m")),
            ("grace".to_owned(), json!("1s")),
            ("estimate".to_owned(), json!("3s")),
        ]);
        fields.extend(more.as_object().cloned().unwrap_or_default());
        self.tasks.insert(name.to_owned(), Value::Object(fields));
        name.to_owned()
    }

    /// Adds so many alike.
    fn each(&mut self, name: &str, count: usize, work: &str, more: Value) -> Vec<String> {
        (1..=count).map(|n| self.add(&format!("{name}_{n}"), work, more.clone())).collect()
    }

    /// What goes wrong by itself, early enough to be made good.
    fn trouble(&mut self) {
        let soon = json!({ "after": "build_1", "priority": "high" });
        self.add("hang", "hangs 2 0.4", json!({ "after": "build_1", "priority": "high", "stall": "5s" }));
        self.add("crash", "crashes 2 0.4", soon.clone());
        self.each("flaky", 9, "flaky 3 0.5", soon.clone());
        self.each("broken", 2, "broken 2 0.6", soon);
        self.add("fallback", "steady 2 0.4", json!({ "after": "broken_1.failed" }));
        self.each("publish", 14, "steady 1 0.3", json!({ "after": ["broken_1", "broken_2"] }));
    }

    /// The tests of one part, and the report that waits for them all.
    fn part(&mut self, part: usize) -> String {
        let after = json!({ "after": format!("build_{part}") });
        let mut tests = self.each(&format!("unit_{part}"), 12, "steady 4 0.7", after.clone());
        tests.extend(self.each(&format!("browser_{part}"), 8, "steady 6 0.8", after));
        self.add(&format!("report_{part}"), "steady 1 0.4", json!({ "after": tests, "priority": "high" }))
    }
}

#[cfg(test)]
mod tests {
    use flow::Format;
    use model::Want;

    use super::*;

    #[test]
    fn the_flow_is_one_that_anybody_may_submit_and_has_as_many_tasks_as_it_says() {
        let flow = super::flow(Path::new("/tmp/demo"), Path::new("/bin/reprise"));
        let checked = ::flow::parse("demo", flow.to_string().as_bytes(), Format::Json).unwrap();
        assert!(checked.warnings.is_empty(), "{:?}", checked.warnings);
        assert_eq!((checked.tasks.len(), tasks(&flow).len()), (240, 240));
        let named = |name: &str| checked.tasks.iter().any(|task| task.id.as_str() == name);
        assert!(FAIL.into_iter().all(named));
        let widest = (0..240_usize).map(|on| checked.edges.iter().filter(|edge| edge.on as usize == on).count()).max();
        assert!(widest > Some(30), "it fans out");
        assert!(checked.edges.iter().any(|edge| edge.want == Want::Failed), "it has a fallback");
    }

    #[test]
    fn as_many_are_skipped_as_depend_on_what_cannot_be() {
        let flow = super::flow(Path::new("/tmp/demo"), Path::new("/bin/reprise"));
        let tasks = flow["tasks"].as_object().unwrap();
        let hopeless = tasks.keys().filter(|name| name.starts_with("publish_") || *name == "not_needed").count();
        assert_eq!(hopeless, SKIPPED as usize);
    }
}
