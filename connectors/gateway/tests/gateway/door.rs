//! Every route against every way to come in.

use crate::client::{Way, ask};
use crate::stage::stage;

/// Each route, with names that lead nowhere: what counts here is whether the door lets it through.
const ROUTES: [(&str, &str); 28] = [
    ("POST", "/v1/executions"),
    ("GET", "/v1/executions"),
    ("GET", "/v1/executions/web-1"),
    ("GET", "/v1/executions/web-1/tasks"),
    ("GET", "/v1/executions/web-1/tasks/build"),
    ("POST", "/v1/executions/web-1/pause"),
    ("POST", "/v1/executions/web-1/resume"),
    ("POST", "/v1/executions/web-1/cancel"),
    ("POST", "/v1/executions/web-1/retry"),
    ("GET", "/v1/tasks/build"),
    ("GET", "/v1/parked"),
    ("POST", "/v1/parked/web-1/build/replay"),
    ("POST", "/v1/parked/web-1/build/drop"),
    ("GET", "/v1/pool"),
    ("GET", "/v1/nodes"),
    ("GET", "/v1/nodes/n1"),
    ("GET", "/v1/locks"),
    ("GET", "/v1/locks/db"),
    ("GET", "/v1/recoveries"),
    ("GET", "/v1/recoveries/r-1"),
    ("GET", "/v1/policies/default"),
    ("GET", "/v1/journal"),
    ("PUT", "/v1/output/j5.0.4.8121.0"),
    ("GET", "/v1/output/web-1/build@1"),
    ("POST", "/v1/reports"),
    ("GET", "/v1/commands"),
    ("GET", "/metrics"),
    ("GET", "/v1/no/such/route"),
];

#[tokio::test]
async fn every_route_asks_for_the_token_over_tcp_and_for_nothing_over_the_socket() {
    let stage = stage().await;
    let (tcp, socket) = (Way::Tcp(stage.gateway.address), stage.way());
    let bearer = format!("Bearer {}", stage.token());
    let token = ("authorization", bearer.as_str());
    for (method, path) in ROUTES {
        for (headers, want) in [
            (vec![], 401),
            (vec![("authorization", "Bearer 0000")], 401),
            (vec![token, ("host", "evil.test")], 403),
            (vec![token, ("origin", "http://evil.test")], 403),
        ] {
            let answer = ask(&tcp, method, path, &headers, "").await;
            assert_eq!(answer.problem().status, want, "{method} {path} {headers:?}");
        }
        for (way, headers) in [(&tcp, vec![token]), (&socket, vec![])] {
            let answer = ask(way, method, path, &headers, "").await;
            assert!(![401, 403, 500].contains(&answer.status.as_u16()), "{method} {path}: {}", answer.text());
        }
    }
    stage.stop().await;
}

#[tokio::test]
async fn probes_need_no_token_but_pages_of_others_get_nothing() {
    let stage = stage().await;
    let tcp = Way::Tcp(stage.gateway.address);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(ask(&tcp, "GET", path, &[], "").await.status, 200);
        assert_eq!(ask(&tcp, "GET", path, &[("host", "evil.test")], "").await.problem().status, 403);
        assert_eq!(ask(&tcp, "GET", path, &[("origin", "null")], "").await.problem().status, 403);
    }
    let refused = ask(&tcp, "GET", "/metrics", &[], "").await;
    assert_eq!(refused.headers["www-authenticate"], "Bearer");
    assert!(stage.get("/metrics").await.text().contains("# HELP reprise_"));
    stage.stop().await;
}
