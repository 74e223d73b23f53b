//! An engine and its gateway in a folder of the test's own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use embedded::EmbeddedLog;
use engine::Engine;
use gateway::output::Limits;
use gateway::view::{ExecutionView, Submitted, TaskDetail};
use gateway::{Gateway, Options, StartError};
use serde::de::DeserializeOwned;
use tempfile::TempDir;

use crate::client::{Answer, Way, ask};

/// All that runs.
pub struct Stage {
    pub folder: TempDir,
    pub engine: Engine,
    pub gateway: Gateway,
}

/// An engine and a gateway.
pub async fn stage() -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path()).await;
    let gateway = gateway(engine.clone(), folder.path(), "127.0.0.1:0").await.unwrap();
    Stage { folder, engine, gateway }
}

/// An engine that leads.
pub async fn engine(folder: &std::path::Path) -> Engine {
    let log = Arc::new(EmbeddedLog::open(&folder.join("log"), &embedded::Options::default()).unwrap());
    let mut options = engine::Options::new(folder.join("snapshots"));
    options.policies = ["default", "none"].map(|name| Arc::new(flow::policy::builtin(name).unwrap())).to_vec();
    let engine = Engine::start(log, options).unwrap();
    let health = engine.ready(Duration::from_secs(30)).await;
    assert!(health.leading, "{health:?}");
    engine
}

/// A gateway of it.
pub async fn gateway(engine: Engine, folder: &std::path::Path, listen: &str) -> Result<Gateway, StartError> {
    let listen: SocketAddr = listen.parse().unwrap();
    let (state, output) = (folder.join("state"), folder.join("output"));
    let options = Options { listen, state, output, limits: Limits::default(), token_file: None, tables: None };
    Gateway::start(engine, options).await
}

impl Stage {
    /// Over the socket.
    pub fn way(&self) -> Way {
        Way::Socket(self.gateway.socket().to_owned())
    }

    /// The token that TCP asks for.
    pub fn token(&self) -> String {
        std::fs::read_to_string(self.gateway.token_file().unwrap()).unwrap().trim().to_owned()
    }

    pub async fn get(&self, path: &str) -> Answer {
        ask(&self.way(), "GET", path, &[], "").await
    }

    pub async fn read<T: DeserializeOwned>(&self, path: &str) -> T {
        self.get(path).await.read()
    }

    pub async fn post(&self, path: &str, body: &str) -> Answer {
        ask(&self.way(), "POST", path, &[], body.to_owned()).await
    }

    /// Submits a flow.
    pub async fn submit(&self, flow: &str) -> ExecutionView {
        let yaml = [("content-type", "application/yaml")];
        let answer = ask(&self.way(), "POST", "/v1/executions?name=web.yaml", &yaml, flow.to_owned()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.read::<Submitted>().execution
    }

    /// Waits until an execution has ended.
    pub async fn ended(&self, execution: &str) -> ExecutionView {
        let mut follow = self.engine.follow(&"default".parse().unwrap());
        loop {
            follow.borrow_and_update();
            let view: ExecutionView = self.read(&format!("/v1/executions/{execution}")).await;
            if view.ended.is_some() {
                return view;
            }
            follow.changed().await.unwrap();
        }
    }

    /// Waits until what is known of a task is as wanted.
    pub async fn task(&self, name: &str, wanted: impl Fn(&TaskDetail) -> bool) -> TaskDetail {
        let mut follow = self.engine.follow(&"default".parse().unwrap());
        loop {
            follow.borrow_and_update();
            let detail: TaskDetail = self.read(&format!("/v1/tasks/{name}")).await;
            if wanted(&detail) {
                return detail;
            }
            follow.changed().await.unwrap();
        }
    }

    /// Stops all of it.
    pub async fn stop(self) -> TempDir {
        self.gateway.stop().await;
        self.engine.stop();
        self.folder
    }
}
