//! The test programmes of the shop: what is submitted each night, as the log carries it.
//!
//! Flow files know no matrix yet, so the cells of one (`browser:chrome:7`) are made here. Each programme is made once
//! and sent as it is: the same flow has the same content every night.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::request::Submit;
use model::task::{Edge, FlowHead, FlowPart, Needs};
use model::{FlowId, LockId, Millis, PoolId, Priority, Task, TaskId, Want};

/// A flow that is run every night.
#[derive(Debug)]
pub struct Programme {
    /// The pool that runs it.
    pub pool: PoolId,
    /// Its submission.
    pub submit: Submit,
}

/// A kind of task: what all its cells have in common.
struct Kind {
    name: &'static str,
    run: &'static str,
    minutes: u64,
    seconds: u64,
    memory_mb: u64,
    lock: Option<&'static str>,
    priority: Priority,
    results: bool,
}

/// The rule, from which the kinds differ.
const PLAIN: Kind = Kind {
    name: "",
    run: "",
    minutes: 3,
    seconds: 30,
    memory_mb: 0,
    lock: None,
    priority: Priority::Medium,
    results: false,
};

const BUILD: Kind =
    Kind { name: "build", run: "make image", minutes: 10, seconds: 120, priority: Priority::High, ..PLAIN };
const SEED: Kind = Kind { name: "seed_db", run: "./db/seed.sh staging", lock: Some("staging-db"), ..PLAIN };
const BROWSER: Kind = Kind {
    name: "browser",
    run: "npx playwright test",
    minutes: 6,
    seconds: 120,
    memory_mb: 2_048,
    lock: Some("browserstack"),
    results: true,
    ..PLAIN
};
const VISUAL: Kind = Kind { name: "visual", run: "./visual.sh", minutes: 5, seconds: 90, memory_mb: 2_048, ..PLAIN };
const PAYMENTS: Kind =
    Kind { name: "payments_live", run: "./pay/run.sh --live", seconds: 60, lock: Some("staging-db"), ..PLAIN };
const GATE: Kind = Kind { name: "release_gate", run: "./release/open-gate.sh", seconds: 8, ..PLAIN };
const UNIT: Kind = Kind { name: "unit", run: "cargo nextest run", minutes: 1, seconds: 12, results: true, ..PLAIN };
const API: Kind = Kind { name: "api", run: "pytest api", seconds: 35, memory_mb: 1_024, results: true, ..PLAIN };
const LOAD: Kind = Kind { name: "load", run: "k6 run", minutes: 8, seconds: 150, priority: Priority::Low, ..PLAIN };

/// Browsers, a third of the cells of `browser` each.
const BROWSERS: [&str; 3] = ["chrome", "firefox", "webkit"];
/// Paths of the shop: cells of `api` and `load`.
const PATHS: [&str; 8] = ["cart", "checkout", "login", "search", "catalog", "orders", "profile", "import"];

/// All programmes, in the order in which they are submitted.
pub fn all() -> [Programme; 4] {
    [nightly_web(), fan("default", "unit", &UNIT, 120), fan("default", "api", &API, 40), fan("perf", "load", &LOAD, 24)]
}

fn nightly_web() -> Programme {
    let mut tasks = vec![task(&BUILD, ""), task(&SEED, "")];
    let mut edges = vec![(1, 0)];
    for browser in BROWSERS {
        for shard in 1..=20 {
            edges.extend([(tasks.len(), 0), (tasks.len(), 1)]);
            tasks.push(task(&BROWSER, &format!(":{browser}:{shard}")));
        }
    }
    let themes = tasks.len()..tasks.len() + 2;
    for theme in ["light", "dark"] {
        // All cells of chrome.
        edges.extend((2..22).map(|on| (tasks.len(), on)));
        tasks.push(task(&VISUAL, &format!(":{theme}")));
    }
    edges.push((tasks.len(), 1));
    tasks.push(task(&PAYMENTS, ""));
    let (gate, payments) = (tasks.len(), tasks.len() - 1);
    edges.extend((2..gate).map(|on| (gate, on)));
    tasks.push(task(&GATE, ""));
    for kind in ["notify", "archive", "cleanup"] {
        edges.push((tasks.len(), gate));
        tasks.push(task(&Kind { name: kind, run: "./report.sh", seconds: 10, ..PLAIN }, ""));
    }
    let wants = |(task, on): (usize, usize)| {
        // Pictures are compared whatever chrome's tests said; the gate looks at the payments whatever came of them; and
        // whatever came of the gate, somebody tidies up.
        let any = themes.contains(&task) || on == payments || on == gate;
        (task, on, if any { Want::Finished } else { Want::Passed })
    };
    let locks = BTreeMap::from([(lock("staging-db"), 1), (lock("browserstack"), 16)]);
    programme("default", "nightly-web", tasks, edges.into_iter().map(wants).collect(), locks)
}

/// A first task, and so many that wait for it.
fn fan(pool: &str, flow: &str, kind: &Kind, cells: usize) -> Programme {
    let mut tasks = vec![task(&Kind { name: "prepare", run: "./prepare.sh", seconds: 20, ..PLAIN }, "")];
    let named = |cell: usize| match kind.name {
        "unit" => format!(":{cell}"),
        _ => format!(":{}:{}", PATHS[cell % PATHS.len()], cell / PATHS.len() + 1),
    };
    tasks.extend((1..cells).map(|cell| task(kind, &named(cell))));
    let edges = (1..cells).map(|cell| (cell, 0, Want::Passed)).collect();
    programme(pool, flow, tasks, edges, BTreeMap::new())
}

fn programme(
    pool: &str,
    flow: &str,
    mut tasks: Vec<Task>,
    edges: Vec<(usize, usize, Want)>,
    locks: BTreeMap<LockId, u32>,
) -> Programme {
    // Whatever waits has the larger index: from the last edge back, each path is known when it is asked for.
    let mut sorted = edges;
    sorted.sort_unstable();
    for (task, on, _) in sorted.iter().rev() {
        let path = tasks[*task].path_ms + tasks[*on].estimate_ms;
        tasks[*on].path_ms = tasks[*on].path_ms.max(path);
    }
    let edges: Vec<Edge> =
        sorted.into_iter().map(|(task, on, want)| Edge { task: index(task), on: index(on), want }).collect();
    let flow = FlowId::new(flow).expect("a plain name");
    let content = format!("{:016x}", model::hash::fnv1a(flow.as_str().bytes()));
    let head = Some(FlowHead { flow, tasks: index(tasks.len()), edges: index(edges.len()), locks });
    let flow = FlowPart { head, tasks: tasks.into_iter().map(Arc::new).collect(), edges };
    let pool = PoolId::new(pool).expect("a plain name");
    Programme { pool, submit: Submit { content, part: 0, parts: 1, priority: None, flow } }
}

fn task(kind: &Kind, cell: &str) -> Task {
    let estimate = Millis::from_secs(kind.seconds);
    let mut needs = Needs { memory_mb: kind.memory_mb, ..Needs::default() };
    needs.labels.insert("os".to_owned(), "linux".to_owned());
    needs.locks.extend(kind.lock.map(|name| (lock(name), 1)));
    let words = kind.run.split(' ').map(str::to_owned);
    Task {
        id: TaskId::new(&format!("{}{cell}", kind.name)).expect("a plain name"),
        run: words.chain((!cell.is_empty()).then(|| format!("--only={}", cell.trim_start_matches(':')))).collect(),
        env: BTreeMap::new(),
        dir: None,
        needs,
        priority: kind.priority,
        timeout_ms: Millis::from_secs(60 * kind.minutes),
        stall_ms: (kind.seconds > 30).then(|| Millis::from_secs(60)),
        grace_ms: Millis::from_secs(10),
        estimate_ms: estimate,
        path_ms: estimate,
        retry: "default".to_owned(),
        allow_failure: kind.name == "payments_live",
        results: if kind.results { vec!["out/junit/*.xml".to_owned()] } else { Vec::new() },
    }
}

fn lock(name: &str) -> LockId {
    LockId::new(name).expect("a plain name")
}

fn index(n: usize) -> u32 {
    u32::try_from(n).expect("a flow has at most 100,000 tasks")
}
