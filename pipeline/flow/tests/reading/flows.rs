//! What is read of right flow files: defaults, values as they are written, order, dependencies.

use std::collections::BTreeMap;

use flow::{Checked, Format, Kind, flow_name, kind_of, parse, render};
use model::task::{Edge, Needs};
use model::{Millis, Priority, Task, TaskId, Want};

/// Reads a flow that has no mistakes.
#[track_caller]
pub fn read(text: &str) -> Checked {
    parse("dir/nightly web.yaml", text.as_bytes(), Format::Yaml)
        .unwrap_or_else(|mistakes| panic!("{}", render(&mistakes, "f.yaml", text)))
}

/// Dependencies by name, as `task<on.want`.
fn waits(checked: &Checked) -> String {
    let name = |at: u32| checked.tasks[at as usize].id.as_str();
    let want = |want| match want {
        Want::Passed => "passed",
        Want::Failed => "failed",
        Want::Finished => "finished",
    };
    let one = |edge: &Edge| format!("{}<{}.{}", name(edge.task), name(edge.on), want(edge.want));
    checked.edges.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_least_flow_has_defaults() {
    let checked = read("tasks:\n  hello:\n    run: echo hello\n");
    assert_eq!(checked.head.flow.as_str(), "nightly-web");
    assert_eq!((checked.head.tasks, checked.head.edges, checked.head.locks.len()), (1, 0, 0));
    let want = Task {
        id: TaskId::new("hello").unwrap(),
        run: ["sh", "-e", "-c", "echo hello"].map(str::to_owned).to_vec(),
        env: BTreeMap::new(),
        dir: None,
        needs: Needs::default(),
        priority: Priority::Medium,
        timeout_ms: Millis::from_secs(3_600),
        stall_ms: None,
        grace_ms: Millis::from_secs(30),
        estimate_ms: Millis::from_secs(60),
        path_ms: Millis::from_secs(60),
        retry: "default".to_owned(),
        allow_failure: false,
        results: Vec::new(),
    };
    assert_eq!(*checked.tasks[0], want);
    assert!(checked.warnings.is_empty());
}

#[test]
fn each_field_arrives() {
    let checked = read(
        "flow: web\n\
         locks: { db: 1, stack: 12 }\n\
         tasks:\n  all:\n    run: [make, test, '']\n    env: { A: 1 }\n    dir: sub/dir\n    priority: very-high\n    \
         needs: { labels: { os: linux, cores: 8 }, slots: 2, memory: 1500KiB, locks: { db: 1, stack: 3 } }\n    \
         timeout: 1h30m\n    stall: 3m\n    grace: 0s\n    estimate: 90s\n    retry: none\n    allow_failure: true\n    \
         results: ['out/**/*.xml', 'b/{c,d}.xml']\n",
    );
    let task = &checked.tasks[0];
    assert_eq!(checked.head.flow.as_str(), "web");
    assert_eq!(task.run, ["make", "test", ""]);
    assert_eq!((task.dir.as_deref(), task.priority), (Some("sub/dir"), Priority::VeryHigh));
    let labels: Vec<_> = task.needs.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(labels, ["cores=8", "os=linux"]);
    let locks: Vec<_> = task.needs.locks.iter().map(|(id, n)| format!("{id}={n}")).collect();
    assert_eq!((task.needs.slots, task.needs.memory_mb, locks.join(" ").as_str()), (2, 2, "db=1 stack=3"));
    let times = [task.timeout_ms.0, task.stall_ms.unwrap().0, task.grace_ms.0, task.estimate_ms.0];
    assert_eq!(times, [5_400_000, 180_000, 0, 90_000]);
    assert_eq!((task.retry.as_str(), task.allow_failure), ("none", true));
    assert_eq!(task.results, ["out/**/*.xml", "b/{c,d}.xml"]);
}

#[test]
fn texts_arrive_as_they_are_written() {
    let checked = read(
        "tasks:\n  a:\n    run: |\n      make\n      test\n    env:\n      VERSION: 1.10\n      HEX: 0x1F\n      BOOL: true\n      \
         AGENT: 007\n      NO: no\n      EXP: 1e3\n      QUOTED: \"1.10 \\u00fc\"\n      FOLDED: >-\n        one\n        two\n      \
         SHELL: ${HOME}\n      EMPTY: ''\n",
    );
    let env: Vec<_> = checked.tasks[0].env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let want = [
        "AGENT=007",
        "BOOL=true",
        "EMPTY=",
        "EXP=1e3",
        "FOLDED=one two",
        "HEX=0x1F",
        "NO=no",
        "QUOTED=1.10 ü",
        "SHELL=${HOME}",
        "VERSION=1.10",
    ];
    assert_eq!(env, want);
    assert_eq!(checked.tasks[0].run[3], "make\ntest\n");
    // A number in a list of arguments is one, too; a leading zero makes no octal number.
    let checked = read("tasks: { a: { run: [sleep, 1.50], needs: { slots: 010 } } }");
    assert_eq!((checked.tasks[0].run[1].as_str(), checked.tasks[0].needs.slots), ("1.50", 10));
}

#[test]
fn tasks_come_after_what_they_wait_for_and_else_as_in_the_file() {
    let checked = read(
        "tasks:\n  gate: { run: x, after: [b, a.finished] }\n  b: { run: x, after: seed }\n  a: { run: x }\n  \
         seed: { run: x }\n  last: { run: x, after: b.failed }\n",
    );
    let names: Vec<_> = checked.tasks.iter().map(|task| task.id.as_str()).collect();
    assert_eq!(names, ["a", "seed", "b", "gate", "last"]);
    assert_eq!(waits(&checked), "b<seed.passed gate<a.finished gate<b.passed last<b.failed");
}

#[test]
fn several_endings_of_one_task_become_the_strictest() {
    let after = "[a, a.passed, a.finished]";
    assert_eq!(waits(&read(&format!("tasks: {{ a: {{ run: x }}, b: {{ run: x, after: {after} }} }}"))), "b<a.passed");
    let after = "[a.finished, a.failed, a.failed]";
    assert_eq!(waits(&read(&format!("tasks: {{ a: {{ run: x }}, b: {{ run: x, after: {after} }} }}"))), "b<a.failed");
    let after = "[a.finished, c, a.finished]";
    let text = format!("tasks: {{ a: {{ run: x }}, b: {{ run: x, after: {after} }}, c: {{ run: x }} }}");
    assert_eq!(waits(&read(&text)), "b<a.finished b<c.passed");
}

#[test]
fn a_path_is_the_longest_way_to_the_end() {
    let checked = read(
        "tasks:\n  build: { run: x, estimate: 10s }\n  fast: { run: x, estimate: 1s, after: build }\n  \
         slow: { run: x, estimate: 20s, after: build }\n  gate: { run: x, estimate: 5s, after: [fast, slow] }\n",
    );
    let paths: Vec<_> = checked.tasks.iter().map(|task| (task.id.as_str(), task.path_ms.0 / 1000)).collect();
    assert_eq!(paths, [("build", 35), ("fast", 6), ("slow", 25), ("gate", 5)]);
}

#[test]
fn aliases_repeat_values() {
    let checked = read(
        "tasks:\n  a: { run: &run [make, test], needs: &small { memory: 512MiB } }\n  b: { run: *run, needs: *small }\n",
    );
    assert_eq!((&checked.tasks[0].run, &checked.tasks[0].needs), (&checked.tasks[1].run, &checked.tasks[1].needs));
}

#[test]
fn json_and_yaml_of_one_flow_are_the_same() {
    let yaml = read("flow: web\ntasks:\n  a: { run: \"x/y\" }\n  b:\n    run: [make, '1']\n    after: a\n");
    let json = b"{\n\t\"flow\": \"web\",\n\t\"tasks\": { \"a\": {\"run\":\"x\\/y\"}, \"b\": {\"run\":[\"make\",1],\"after\":[\"a\"]} } }";
    let json = parse("other.json", json, Format::Json).unwrap();
    assert_eq!((&json.head, &json.tasks, &json.edges), (&yaml.head, &yaml.tasks, &yaml.edges));
    assert_eq!(json.content(), yaml.content());
}

#[test]
fn the_content_tells_flows_apart() {
    let of = |text: &str| read(text).content();
    let first = of("tasks: { a: { run: x }, b: { run: x, after: a } }");
    assert_eq!(first, of("# a comment\ntasks:\n  a:\n    run: x\n  b:\n    after: [a, a]\n    run: x\n"));
    assert_eq!(first, "e15006e699688e7d", "uploads of other versions and machines have the same");
    for other in [
        "tasks: { a: { run: x }, b: { run: x, after: a.failed } }",
        "tasks: { a: { run: x }, b: { run: x } }",
        "tasks: { a: { run: x }, b: { run: y, after: a } }",
        "flow: other\ntasks: { a: { run: x }, b: { run: x, after: a } }",
    ] {
        assert_ne!(first, of(other), "{other}");
    }
}

#[test]
fn a_flow_is_called_after_its_file() {
    let long = "x".repeat(200);
    for (file, want) in [
        ("nightly.yaml", "nightly"),
        ("/a/b.c/nightly web.v2.yml", "nightly-web-v2"),
        ("a\\b.json", "b"),
        ("-", "flow"),
        ("", "flow"),
        (".yaml", "flow"),
        ("größe.yaml", "gr--e"),
        (long.as_str(), &long[..100]),
    ] {
        assert_eq!(flow_name(file).as_str(), want, "{file}");
    }
}

#[test]
fn a_policy_at_the_top_makes_a_file_a_policy() {
    assert_eq!(kind_of(b"policy: mine\nrules: []\n"), Kind::Policy);
    assert_eq!(kind_of(b"{\"policy\": 1}"), Kind::Policy);
    assert_eq!(kind_of(b"tasks: { policy: { run: x } }"), Kind::Flow);
    for odd in ["", "- policy", "policy: [", "policy"] {
        assert_eq!(kind_of(odd.as_bytes()), Kind::Flow, "{odd}");
    }
    assert_eq!(kind_of(b"\xff"), Kind::Flow);
}
