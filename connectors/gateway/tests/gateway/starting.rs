//! What a gateway refuses to start with, and what it leaves behind when it stops.

use gateway::{Gateway, Options, StartError};

use crate::client::{Way, ask};
use crate::stage::{gateway, stage};

#[tokio::test]
async fn a_taken_port_a_living_engine_and_an_open_door_are_refused_with_what_to_do() {
    let stage = stage().await;
    let engine = stage.engine.clone();
    let taken = stage.gateway.address.to_string();
    let other = tempfile::tempdir().unwrap();
    let error = gateway(engine.clone(), other.path(), &taken).await.unwrap_err();
    assert!(matches!(error, StartError::Port { .. }) && error.to_string().contains("--listen"), "{error}");
    let same = format!("127.0.0.2:{}", stage.gateway.address.port());
    let error = gateway(engine.clone(), stage.folder.path(), &same).await.unwrap_err();
    assert!(matches!(error, StartError::Lives { .. }), "{error}");
    let error = gateway(engine.clone(), other.path(), "0.0.0.0:0").await.unwrap_err();
    assert!(matches!(error, StartError::Open { .. }) && error.to_string().contains("--token-file"), "{error}");
    assert_eq!(stage.get("/healthz").await.status, 200, "the first one lives on");
    stage.stop().await;
}

#[tokio::test]
async fn a_token_of_ones_own_opens_it_to_other_machines() {
    let stage = stage().await;
    let other = tempfile::tempdir().unwrap();
    let token_file = other.path().join("token");
    std::fs::write(&token_file, "a-token-of-my-own").unwrap();
    let options = Options {
        listen: "0.0.0.0:0".parse().unwrap(),
        state: other.path().join("state"),
        output: other.path().join("output"),
        limits: Default::default(),
        token_file: Some(token_file.clone()),
        tables: None,
    };
    let open = Gateway::start(stage.engine.clone(), options).await.unwrap();
    assert_eq!(open.token_file(), None);
    let tcp = Way::Tcp(([127, 0, 0, 1], open.address.port()).into());
    let named = [("host", "ci.shop.test:7717"), ("authorization", "Bearer a-token-of-my-own")];
    assert_eq!(ask(&tcp, "GET", "/v1/nodes", &named, "").await.status, 200);
    assert_eq!(ask(&tcp, "GET", "/v1/nodes", &named[..1], "").await.status, 401);
    open.stop().await;
    assert!(token_file.exists(), "it is not ours to remove");
    stage.stop().await;
}

#[tokio::test]
async fn socket_and_token_go_with_the_gateway_and_the_next_one_draws_another_token() {
    let stage = stage().await;
    let (socket, file) = (stage.gateway.socket().to_owned(), stage.gateway.token_file().unwrap().to_owned());
    let (first, address) = (stage.token(), stage.gateway.address);
    assert!(socket.exists() && socket.file_name().unwrap().to_str().unwrap() == format!("{}.sock", address.port()));
    let crate::stage::Stage { folder, engine, gateway: old } = stage;
    old.stop().await;
    assert!(!socket.exists() && !file.exists());
    let new = gateway(engine.clone(), folder.path(), &address.to_string()).await.unwrap();
    assert_eq!(new.socket(), socket);
    assert_ne!(std::fs::read_to_string(&file).unwrap().trim(), first);
    new.stop().await;
    engine.stop();
}
