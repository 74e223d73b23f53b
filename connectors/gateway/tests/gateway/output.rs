//! What an attempt prints comes by lease and is read by name.

use std::os::unix::fs::PermissionsExt;

use crate::client::lines;
use crate::node::Node;
use crate::stage::{Stage, engine, gateway, stage};

#[tokio::test]
async fn output_is_kept_by_lease_read_by_name_and_followed_to_the_end() {
    let stage = stage().await;
    stage.submit("tasks: { build: { run: make } }").await;
    let mut node = Node::join(stage.way(), "n1", 1).await;
    let start = node.start().await;
    let mut follow = lines(&stage.way(), "/v1/output/web-1/build?follow").await;
    assert_eq!(stage.get("/v1/output/web-1/build@1").await.text(), "", "nothing yet");
    assert_eq!(stage.get("/v1/output/web-1/build@2").await.problem().status, 404);

    assert_eq!(node.prints(start.lease, 0, "one\ntw").await.status, 204);
    assert_eq!(follow.next().await.as_deref(), Some("one\n"));
    assert_eq!(node.prints(start.lease, 4, "two\n").await.status, 204);
    assert_eq!(follow.next().await.as_deref(), Some("two\n"));
    let text = async |query: &str| stage.get(&format!("/v1/output/web-1/build@1{query}")).await.text();
    assert_eq!((text("").await.as_str(), text("?offset=4").await.as_str()), ("one\ntwo\n", "two\n"));
    assert_eq!(node.prints(start.lease, 64 << 20, "x").await.problem().status, 413);
    let other = start.lease.to_string().replace(&start.lease.journal.to_string(), "j0");
    assert_eq!(node.prints(other.parse().unwrap(), 0, "x").await.problem().status, 404);

    node.say_of(start.lease, r#""kind":"finished","exit":0,"cause":"exit""#).await;
    stage.ended("web-1").await;
    assert_eq!(node.prints(start.lease, 8, "late\n").await.status, 204, "the journal still knows the lease");
    assert_eq!(follow.next().await.as_deref(), Some("late\n"));
    assert_eq!(follow.next().await, None, "it ends with the attempt");
    stage.stop().await;
}

#[tokio::test]
async fn a_new_engine_still_takes_and_shows_the_output_of_leases_before_it() {
    let stage = stage().await;
    stage.submit("tasks: { build: { run: make } }").await;
    let mut node = Node::join(stage.way(), "n1", 1).await;
    let start = node.start().await;
    assert_eq!(node.prints(start.lease, 0, "one\n").await.status, 204);
    node.say_of(start.lease, r#""kind":"finished","exit":0,"cause":"exit""#).await;
    stage.ended("web-1").await;
    let folder = stage.stop().await;
    drop(node);

    let engine = engine(folder.path()).await;
    let gateway = gateway(engine.clone(), folder.path(), "127.0.0.1:0").await.unwrap();
    let stage = Stage { folder, engine, gateway };
    let node = Node::join(stage.way(), "n2", 1).await;
    for (offset, text) in [(4, "two\n"), (8, "three\n")] {
        assert_eq!(node.prints(start.lease, offset, text).await.status, 204);
    }
    assert_eq!(stage.get("/v1/output/web-1/build").await.text(), "one\ntwo\nthree\n");
    let folder = stage.stop().await;
    let (mut folders, mut files) = (vec![folder.path().to_owned()], 0);
    while let Some(entries) = folders.pop().map(|folder| std::fs::read_dir(folder).unwrap()) {
        for entry in entries.map(Result::unwrap) {
            let about = entry.metadata().unwrap();
            assert_eq!(about.permissions().mode() & 0o077, 0, "{} is for its user alone", entry.path().display());
            files += usize::from(about.is_file());
            folders.extend(about.is_dir().then(|| entry.path()));
        }
    }
    assert!(files > 5, "log and output");
}
