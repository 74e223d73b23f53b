//! What is too much, too large or not understood is answered as a problem that says so.

use crate::client::ask;
use crate::stage::stage;

#[tokio::test]
async fn every_mistake_is_a_problem_with_a_status_of_its_own() {
    let stage = stage().await;
    let yaml = ("content-type", "application/yaml");
    let large = "x".repeat(1024 * 1024 + 1);
    let line = r#"{"kind":"goodbye","pool":"default","node":"n1","boot":"b1","seq":1}"#;
    let many = format!("{line}\n").repeat(1_001);
    for (method, path, headers, body, want) in [
        ("GET", "/v1/nope", vec![], "", "not-found"),
        ("GET", "/v1/executions/web-1", vec![], "", "not-found"),
        ("GET", "/v1/executions?pool=nope", vec![], "", "not-found"),
        ("GET", "/v1/nodes/n1", vec![], "", "not-found"),
        ("GET", "/v1/locks/db", vec![], "", "not-found"),
        ("GET", "/v1/recoveries/r-1", vec![], "", "not-found"),
        ("GET", "/v1/policies/nope", vec![], "", "not-found"),
        ("GET", "/v1/tasks/nope", vec![], "", "not-found"),
        ("POST", "/v1/executions/web-1/pause", vec![], "", "not-found"),
        ("GET", "/v1/executions/web", vec![], "", "bad-request"),
        ("GET", "/v1/recoveries/31", vec![], "", "bad-request"),
        ("GET", "/v1/executions?limit=0", vec![], "", "bad-request"),
        ("GET", "/v1/executions?limit=1001", vec![], "", "bad-request"),
        ("GET", "/v1/executions?colour=red", vec![], "", "bad-request"),
        ("GET", "/v1/executions?pool=a&pool=b", vec![], "", "bad-request"),
        ("GET", "/v1/executions?pool=a/b", vec![], "", "bad-request"),
        ("GET", "/v1/commands", vec![], "", "bad-request"),
        ("POST", "/v1/parked/web-1/a/replay", vec![], r#"{"memory_mb":18446744073709551615}"#, "bad-request"),
        ("POST", "/v1/parked/web-1/a/replay", vec![], r#"{"slots":0}"#, "bad-request"),
        ("POST", "/v1/executions/web-1/cancel", vec![], "{", "bad-request"),
        ("POST", "/v1/executions/web-1/cancel", vec![], r#"{"kil":true}"#, "bad-request"),
        ("POST", "/v1/executions/web-1/cancel", vec![("idempotency-key", "a b")], "", "bad-request"),
        ("PATCH", "/v1/executions", vec![], "", "method-not-allowed"),
        ("POST", "/v1/nodes", vec![], "", "method-not-allowed"),
        ("POST", "/v1/reports", vec![], large.as_str(), "too-large"),
        ("POST", "/v1/reports", vec![], many.as_str(), "bad-request"),
        ("PUT", "/v1/output/j5.0.4.8121.0?offset=0", vec![], large.as_str(), "too-large"),
        ("PUT", "/v1/output/j5.0.4.8121.0?offset=0", vec![], "x", "not-found"),
        ("PUT", "/v1/output/5.0.4.8121.0?offset=0", vec![], "x", "bad-request"),
        ("PUT", "/v1/output/j5.0.4.8121.0", vec![], "x", "bad-request"),
        ("POST", "/v1/executions/web-1/pause", vec![], large.as_str(), "too-large"),
        ("POST", "/v1/executions", vec![], "tasks: {}", "unsupported-type"),
        ("POST", "/v1/executions", vec![yaml, ("content-encoding", "gzip")], "x", "unsupported-type"),
        ("POST", "/v1/executions?p.target=x", vec![yaml], "x", "bad-request"),
        ("POST", "/v1/executions?priority=urgent", vec![yaml], "x", "bad-request"),
        ("POST", "/v1/executions", vec![yaml], "tasks: { a: { run: x, stal: 3m } }", "invalid-flow"),
        ("POST", "/v1/executions", vec![("content-type", "application/json")], "{", "invalid-flow"),
    ] {
        let problem = ask(&stage.way(), method, path, &headers, body.to_owned()).await.problem();
        assert_eq!(problem.kind, want, "{method} {path}: {problem:?}");
    }
    stage.stop().await;
}

#[tokio::test]
async fn the_mistakes_of_a_flow_come_with_their_places() {
    let stage = stage().await;
    let flow = "tasks:\n  build:\n    run: make\n    stal: 3m\n";
    let yaml = [("content-type", "application/yaml")];
    let problem = ask(&stage.way(), "POST", "/v1/executions?name=nightly.yaml", &yaml, flow).await.problem();
    assert_eq!((problem.status, problem.diagnostics.len()), (422, 1));
    let mistake = &problem.diagnostics[0];
    assert_eq!((mistake.severity.as_str(), mistake.line, mistake.column), ("error", 4, 5));
    assert!(problem.rendered.starts_with("nightly.yaml:4:5: error: unknown field `stal`"), "{}", problem.rendered);
    assert_eq!(problem.detail, "1 error in nightly.yaml, nothing submitted");
    stage.stop().await;
}

#[tokio::test]
async fn a_report_that_cannot_be_read_is_told_and_the_others_are_taken() {
    let stage = stage().await;
    let who = r#""pool":"default","node":"n1","boot":"b1""#;
    let body = format!(
        "{{\"kind\":\"hello\",{who},\"seq\":1,\"slots\":2}}\n{{\"kind\":\"sang\",{who},\"seq\":2}}\n\nnonsense\n"
    );
    let taken: gateway::reports::Taken = stage.post("/v1/reports", &body).await.read();
    assert_eq!(taken.taken, 1);
    assert_eq!(taken.rejected.iter().map(|r| r.line).collect::<Vec<_>>(), [2, 4]);
    assert!(taken.rejected[0].reason.contains("unknown variant `sang`"), "{taken:?}");
    let metrics = stage.get("/metrics").await.text();
    assert!(metrics.contains("\nreprise_rejects_total 2\n"), "they count: {metrics}");
    stage.stop().await;
}
