//! From a task as it was typed to the one that is meant: a bare name means the newest execution that has it.

use gateway::view::{ExecutionView, TaskDetail};
use model::{ExecutionId, TaskId};

use crate::api::{Api, encoded};
use crate::failure::Failure;
use crate::place::Place;

/// Finds the task, and all that the engine knows of it.
pub async fn task(api: &Api, place: &Place) -> Result<TaskDetail, Failure> {
    if let Some(execution) = &place.execution {
        return api.read(&task_path(execution, &place.task), &[]).await;
    }
    api.read(&format!("/v1/tasks/{}", encoded(place.task.as_str())), &[]).await
}

/// All executions, newest first.
pub async fn executions(api: &Api) -> Result<Vec<ExecutionView>, Failure> {
    api.list("/v1/executions", &[]).await?.read()
}

/// An execution's path in the API.
pub fn execution_path(execution: &ExecutionId) -> String {
    format!("/v1/executions/{}", encoded(&execution.to_string()))
}

/// A task's path in the API.
pub fn task_path(execution: &ExecutionId, task: &TaskId) -> String {
    format!("{}/tasks/{}", execution_path(execution), encoded(task.as_str()))
}
