//! A task that waits for a person: seen, replayed, given up. Locks: who holds, who waits.

use gateway::view::{LockView, Page, ParkedView, TaskDetail, TaskWord, WaitView};
use operators::state::Standing;

use crate::node::Node;
use crate::stage::stage;

const MEMORY: &str = r#""exit":null,"signal":9,"cause":"memory","max_rss_mb":100"#;

#[tokio::test]
async fn a_parked_task_waits_for_a_person_who_may_replay_it_or_give_it_up() {
    let stage = stage().await;
    stage.submit("tasks: { visual: { run: x }, gate: { run: y, after: visual } }").await;
    let mut node = Node::join(stage.way(), "n1", 1).await;
    node.ends(3, MEMORY).await;
    let ended = stage.ended("web-1").await;
    assert_eq!((ended.state, ended.reason.as_str(), ended.tasks.skipped), (Standing::Failed, "1 parked", 1));
    let page: Page<ParkedView> = stage.read("/v1/parked").await;
    let [parked] = &page.items[..] else { panic!("{page:?}") };
    assert_eq!((parked.task.as_str(), parked.tries, parked.rule.as_str()), ("visual", 3, "spent"));
    assert_eq!(parked.blocks.iter().map(|task| task.as_str()).collect::<Vec<_>>(), ["gate"]);
    assert!(stage.read::<Page<ParkedView>>("/v1/parked?class=crash").await.items.is_empty());
    assert_eq!(stage.read::<Page<ParkedView>>("/v1/parked?class=out_of_memory").await.items.len(), 1);

    let answer = stage.post("/v1/parked/web-1/gate/replay", "").await.problem();
    assert_eq!((answer.status, answer.kind.as_str()), (409, "not-now"));
    let body = r#"{"reason":"more memory","memory_mb":16000}"#;
    assert_eq!(stage.post("/v1/parked/web-1/visual/replay", body).await.status, 200);
    node.ends(2, r#""exit":0,"cause":"exit""#).await;
    let ended = stage.ended("web-1").await;
    assert_eq!((ended.state, ended.round, ended.tasks.passed), (Standing::Completed, 2, 2));

    stage.submit("tasks: { visual: { run: x } }").await;
    node.ends(3, MEMORY).await;
    stage.ended("web-2").await;
    assert_eq!(stage.post("/v1/parked/web-2/visual/drop", r#"{"reason":"obsolete"}"#).await.status, 200);
    assert!(stage.read::<Page<ParkedView>>("/v1/parked").await.items.is_empty());
    stage.task("visual", |task| task.item.state == TaskWord::Failed).await;
    stage.stop().await;
}

#[tokio::test]
async fn a_lock_names_who_holds_it_and_who_waits() {
    let stage = stage().await;
    stage.submit("{ locks: { db: 1 }, tasks: { a: { run: x, needs: { locks: [db] } }, b: { run: y, needs: { locks: [db] } } } }").await;
    let free: LockView = stage.read("/v1/locks/db").await;
    assert_eq!((free.size, free.held, free.holders.len()), (1, 0, 0));
    stage.task("b", |task| task.item.state == TaskWord::Ready).await;
    let waited: LockView = stage.read("/v1/locks/db").await;
    assert_eq!((waited.waiting, waited.waiters), (2, vec!["web-1/a".to_owned(), "web-1/b".to_owned()]));
    let node = Node::join(stage.way(), "n1", 2).await;
    let nodes_known = |task: &TaskDetail| !task.waits.iter().any(|wait| matches!(wait, WaitView::NoNode { .. }));
    let detail = stage.task("b", nodes_known).await;
    let [WaitView::NewJournal { until }] = detail.waits[..] else { panic!("a new journal grants no lock: {detail:?}") };
    let free: LockView = stage.read("/v1/locks/db").await;
    assert_eq!(free.granted_from, Some(until));
    drop(node);
    stage.stop().await;
}
