//! The last word of the demo: three questions in SQL, and what the journal's tables answer.

use ::sql::{Bounds, Options, Session};

use super::engines::Asked;
use super::world::World;
use crate::api::Api;
use crate::commands::sql::{print, sources};
use crate::exit::Exit;
use crate::failure::Failure;

/// What somebody would ask who comes in the morning: did retries help, how fast did we recover, which nodes are bad?
pub const QUESTIONS: [&str; 3] = [
    "SELECT after_class, count(*) AS n, count(*) FILTER (WHERE outcome = 'passed') AS helped FROM attempts \
     WHERE attempt > 1 GROUP BY 1 ORDER BY n DESC",
    "SELECT cause, node_id, attempts, resumed, noticed_ms, requeued_ms, progress_ms FROM recoveries ORDER BY lost_at",
    "SELECT node_id, count(*) AS n, count(*) FILTER (WHERE class IN ('node_lost', 'start_failure')) AS bad, \
     round(avg(run_ms)) AS mean_ms FROM attempts GROUP BY 1 ORDER BY bad DESC, 1",
];

/// Asks them, and says both.
pub async fn text(world: &World, asked: &Asked) -> Result<String, Failure> {
    let api = Api::at(world.endpoint(asked.engine), &asked.api.pool);
    let sources = sources::of_engine(api).await?;
    let no = |why: &dyn std::fmt::Display| Failure::new(Exit::Bug, format!("the tables give no answer: {why}"));
    let (bounds, pool) = (Bounds::default(), asked.api.pool.clone());
    let workers = tokio::runtime::Handle::current();
    let session = Session::new(Options { sources, bounds, pool, as_of: None, workers }).map_err(|why| no(&why))?;
    let mut text = "  three questions to the journal in SQL:\n".to_owned();
    for question in QUESTIONS {
        let mut answer = session.run(question).await.map_err(|why| no(&why))?;
        let rows = answer.collect().await.map_err(|why| no(&why))?;
        let shown = print::rows(&answer.schema, &rows).map_err(|why| no(&why))?;
        text.push_str(&format!("  $ reprise sql \"{question}\"\n"));
        text.extend(shown.lines().map(|line| format!("    {line}\n")));
    }
    Ok(text)
}
