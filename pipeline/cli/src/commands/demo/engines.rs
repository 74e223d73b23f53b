//! The engines as the demo asks them: through one of them, and through the other one before that is killed.

use std::cell::Cell;
use std::time::Duration;

use gateway::view::PoolView;
use model::PoolId;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

use super::world::{Engine, World};
use crate::api::Api;
use crate::exit::Exit;
use crate::failure::Failure;

/// How long Kafka may be slow: on a busy machine a broker is silent for seconds, and its engines then refuse to answer.
const SLOW: Duration = Duration::from_secs(30);
/// How often an engine on Kafka is asked again.
const AGAIN: Duration = Duration::from_millis(200);

/// All engines, of which one is asked.
#[derive(Debug)]
pub struct Engines {
    all: Vec<Asked>,
    through: Cell<usize>,
}

/// An engine, and how it is asked.
#[derive(Debug)]
pub struct Asked {
    /// Which it is.
    pub engine: Engine,
    /// How it is asked.
    pub api: Api,
}

impl Engines {
    /// Those of a world; the first is asked.
    pub fn of(world: &World) -> Self {
        let pool = PoolId::new("default").expect("a name");
        let asked = |engine: &Engine| Asked { engine: *engine, api: Api::at(world.endpoint(*engine), &pool) };
        Self { all: world.engines.iter().map(asked).collect(), through: Cell::new(0) }
    }

    /// All of them.
    pub fn all(&self) -> &[Asked] {
        &self.all
    }

    /// The one through which all is seen.
    pub fn asked(&self) -> &Asked {
        &self.all[self.through.get()]
    }

    /// How that one is asked.
    pub fn api(&self) -> &Api {
        &self.asked().api
    }

    /// Asks for something and reads it.
    pub async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.patiently(async || self.api().read(path, &[]).await).await
    }

    /// Asks for all of a list and reads it.
    pub async fn list<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<T>, Failure> {
        self.patiently(async || self.api().list(path, query).await?.read()).await
    }

    /// Asks again for a while where the engines depend on Kafka.
    async fn patiently<T>(&self, ask: impl AsyncFn() -> Result<T, Failure>) -> Result<T, Failure> {
        let since = Instant::now();
        loop {
            match ask().await {
                Err(failure) if failure.exit == Exit::NoEngine && self.all.len() > 1 && since.elapsed() < SLOW => {
                    sleep(AGAIN).await;
                }
                answer => return answer,
            }
        }
    }

    /// From here on all is seen through this one.
    pub fn ask(&self, engine: Engine) {
        self.through.set(self.all.iter().position(|asked| asked.engine == engine).unwrap_or_default());
    }

    /// The one that leads the pool and the first of the others; none if not exactly one says that it leads.
    pub async fn led(&self) -> Result<Option<(&Asked, &Asked)>, Failure> {
        let (mut leads, mut follows) = (Vec::new(), Vec::new());
        for asked in &self.all {
            (if asked.leads().await? { &mut leads } else { &mut follows }).push(asked);
        }
        Ok(match (leads.as_slice(), follows.as_slice()) {
            ([leader], [other, ..]) => Some((leader, other)),
            ([] | [_] | [_, _, ..], _) => None,
        })
    }
}

impl Asked {
    /// Whether it leads the pool. One that cannot answer just now does not.
    pub async fn leads(&self) -> Result<bool, Failure> {
        match self.api.read::<PoolView>("/v1/pool", &[]).await {
            Ok(view) => Ok(view.leader.here),
            Err(failure) if failure.exit == Exit::NoEngine => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}
