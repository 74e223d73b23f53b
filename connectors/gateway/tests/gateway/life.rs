//! A flow runs on a node by HTTP alone, and each route tells its part of it.

use gateway::view::{
    ExecutionView, JournalLine, NodeState, NodeView, Page, PolicyView, PoolView, TaskDetail, TaskItem, TaskWord,
    WaitView,
};
use model::event::AttemptOutcome;
use model::policy::FailureClass;
use operators::state::Standing;

use crate::client::lines;
use crate::node::Node;
use crate::stage::stage;

const FLOW: &str = "
tasks:
  build: { run: make }
  test: { run: make test, after: build }
  deploy: { run: make deploy, after: test.failed }
";

#[tokio::test]
async fn a_flow_runs_on_a_node_and_every_route_tells_of_it() {
    let stage = stage().await;
    let execution = stage.submit(FLOW).await;
    assert_eq!((execution.execution.to_string().as_str(), execution.tasks.total), ("web-1", 3));
    assert_eq!((execution.state, execution.policy.unwrap().as_str()), (Standing::Pending, "default@1"));
    let build = stage.task("build", |task| task.item.state == TaskWord::Ready).await;
    assert_eq!(build.waits, [WaitView::NoNode { why: "no node is present".into() }]);
    let test: TaskDetail = stage.read("/v1/executions/web-1/tasks/test").await;
    let want = WaitView::Task { task: "build".parse().unwrap(), want: model::Want::Passed, state: TaskWord::Ready };
    assert_eq!(test.waits, [want]);

    let mut events = lines(&stage.way(), "/v1/journal?from=1&follow&execution=web-1").await;
    let mut node = Node::join(stage.way(), "n1", 2).await;
    node.ends(1, r#""exit":0,"cause":"exit""#).await;
    let first = node.start().await;
    node.say_of(first.lease, r#""kind":"progress","fraction":0.5,"note":"1 of 2""#).await;
    node.say_of(first.lease, r#""kind":"checkpoint","text":"one""#).await;
    let running = stage.task("test", |task| task.checkpoint.is_some()).await;
    assert_eq!((running.item.fraction, running.item.note.as_deref()), (Some(0.5), Some("1 of 2")));
    assert_eq!(running.item.node.as_ref().unwrap().as_str(), "n1");
    let there: NodeView = stage.read("/v1/nodes/n1").await;
    assert_eq!((there.state, there.used, there.running), (NodeState::Ready, 1, vec!["web-1/test@1".to_owned()]));
    let pool: PoolView = stage.read("/v1/pool").await;
    assert_eq!((pool.leader.here, pool.nodes.ready, pool.slots, pool.used, pool.open), (true, 1, 2, 1, 1));
    node.say_of(first.lease, r#""kind":"finished","exit":1,"cause":"exit""#).await;
    node.ends(1, r#""exit":0,"cause":"exit""#).await;

    let ended = stage.ended("web-1").await;
    assert_eq!(
        (ended.state, ended.tasks.passed, ended.tasks.flaky, ended.tasks.skipped),
        (Standing::Completed, 2, 1, 1)
    );
    let test: TaskDetail = stage.read("/v1/tasks/test").await;
    assert_eq!((test.item.state, test.item.flaky, test.counters.test), (TaskWord::Passed, true, 1));
    let [failed, passed] = &test.tries[..] else { panic!("{test:?}") };
    assert_eq!((failed.outcome, failed.class), (Some(AttemptOutcome::Failed), Some(FailureClass::TestFailure)));
    assert_eq!((failed.rule.as_deref(), failed.exit, failed.certain), (Some("flaky"), Some(1), Some(true)));
    assert_eq!((passed.name.as_str(), passed.outcome), ("web-1/test@2", Some(AttemptOutcome::Passed)));
    let deploy: TaskDetail = stage.read("/v1/tasks/deploy").await;
    assert_eq!((deploy.item.state, deploy.item.why.as_str()), (TaskWord::Skipped, "after test.failed: test passed"));

    let mut kinds = Vec::new();
    while kinds.last().is_none_or(|kind| kind != "execution_ended") {
        let line: JournalLine = serde_json::from_str(&events.next().await.unwrap()).unwrap();
        assert_eq!(line.execution.unwrap().to_string(), "web-1");
        kinds.push(line.kind);
    }
    for kind in ["execution_started", "attempt_dispatched", "failure_classified", "retry_decided", "task_skipped"] {
        assert!(kinds.iter().any(|k| k == kind), "{kind}: {kinds:?}");
    }
    stage.stop().await;
    assert_eq!(events.next().await, None, "streams end with the gateway");
}

#[tokio::test]
async fn lists_come_in_pages_and_by_state() {
    let stage = stage().await;
    for _ in 0..3 {
        stage.submit(FLOW).await;
    }
    let page: Page<ExecutionView> = stage.read("/v1/executions?limit=2").await;
    let names = |page: &Page<ExecutionView>| page.items.iter().map(|e| e.execution.to_string()).collect::<Vec<_>>();
    assert_eq!((names(&page), page.next.as_deref()), (vec!["web-3".to_owned(), "web-2".to_owned()], Some("2")));
    let page: Page<ExecutionView> = stage.read("/v1/executions?limit=2&cursor=2").await;
    assert_eq!((names(&page), page.next), (vec!["web-1".to_owned()], None));
    let page: Page<ExecutionView> = stage.read("/v1/executions?state=failed").await;
    assert!(page.items.is_empty());
    stage.task("build", |task| task.item.state == TaskWord::Ready).await;
    let tasks = async |query: &str| {
        let page: Page<TaskItem> = stage.read(&format!("/v1/executions/web-3/tasks?{query}")).await;
        let names: Vec<String> = page.items.iter().map(|task| task.task.to_string()).collect();
        (names.join(" "), page.next)
    };
    assert_eq!(tasks("limit=2").await, ("build test".to_owned(), Some("2".to_owned())));
    assert_eq!(tasks("limit=2&cursor=2").await, ("deploy".to_owned(), None));
    assert_eq!(tasks("cursor=4294967295").await, (String::new(), None));
    assert_eq!(tasks("state=ready").await, ("build".to_owned(), None));
    assert_eq!(tasks("state=ready,waiting&limit=2").await, ("build test".to_owned(), Some("2".to_owned())));
    assert_eq!(stage.get("/v1/executions/web-3/tasks?state=sad").await.problem().status, 400);
    stage.stop().await;
}

#[tokio::test]
async fn the_journal_comes_in_pages_and_filtered() {
    let stage = stage().await;
    let execution = stage.submit(FLOW).await;
    let after = execution.position;
    let page: Page<JournalLine> = stage.read(&format!("/v1/journal?after={after}")).await;
    assert!(page.items.iter().any(|line| line.kind == "policy_put") && page.position >= after);
    let page: Page<JournalLine> = stage.read("/v1/journal?kind=execution_started").await;
    let [started] = &page.items[..] else { panic!("{page:?}") };
    assert_eq!(started.execution.as_ref(), Some(&execution.execution));
    stage.submit(FLOW).await;
    let first: Page<JournalLine> = stage.read("/v1/journal?limit=1").await;
    let next: u64 = first.next.unwrap().parse().unwrap();
    let rest: Page<JournalLine> = stage.read(&format!("/v1/journal?cursor={next}")).await;
    assert!(first.items.iter().all(|line| line.position < next));
    assert!(rest.items.iter().all(|line| line.position >= next) && rest.next.is_none());
    let beyond: Page<JournalLine> = stage.read("/v1/journal?from=1000000").await;
    assert!(beyond.items.is_empty() && beyond.next.is_none());
    let policy: PolicyView = stage.read("/v1/policies/default").await;
    assert_eq!((policy.policy.as_str(), policy.versions.len()), ("default@1", 1));
    assert_eq!(stage.read::<PolicyView>("/v1/policies/default@1").await, policy);
    stage.stop().await;
}
