//! `policy show`: a retry policy as the engine has it, or the built-in one where no engine is.

use clap::{Args, Subcommand};
use flow::policy::{builtin, builtin_text};
use gateway::view::PolicyView;

use crate::api::{Api, encoded};
use crate::args::Output;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen;

/// Retry policies.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  reprise policy show default")]
pub struct Policy {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print a policy; without an engine the built-in one
    #[command(after_help = "Example:\n  reprise policy show default\n  reprise policy show default@1")]
    Show {
        /// Its name, perhaps with a version
        #[arg(default_value = "default", value_name = "NAME[@V]")]
        name: String,
    },
}

impl Policy {
    /// Asks and prints.
    pub async fn run(self, api: Api, output: Output) -> Result<Exit, Failure> {
        let Action::Show { name } = self.command;
        let policy = match api.read::<PolicyView>(&format!("/v1/policies/{}", encoded(&name)), &[]).await {
            Ok(policy) => policy,
            Err(failure) if failure.exit == Exit::NoEngine => return without_engine(&name, output, failure),
            Err(failure) => return Err(failure),
        };
        super::show(output, &policy, text);
        Ok(Exit::Done)
    }
}

/// A built-in policy is the same everywhere; any other one only an engine knows.
fn without_engine(name: &str, output: Output, failure: Failure) -> Result<Exit, Failure> {
    let Some(policy) = builtin(name) else { return Err(failure) };
    match output {
        Output::Json => screen::json(&policy),
        Output::Text => screen::show(builtin_text(name).expect("what could be read has a text")),
    }
    Ok(Exit::Done)
}

fn text(policy: &PolicyView) -> String {
    let versions: Vec<String> = policy.versions.iter().map(ToString::to_string).collect();
    let head = format!("# {}, of {}\n", policy.policy, versions.join(", "));
    let name = &policy.body.policy;
    if builtin(name).is_some_and(|known| known == *policy.body) {
        return format!("{head}{}", builtin_text(name).expect("what could be read has a text"));
    }
    // JSON is YAML too.
    let body = serde_json::to_string_pretty(&policy.body).expect("a policy is made of plain data");
    format!("{head}{body}\n")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_built_in_policy_is_printed_as_it_was_written_and_any_other_as_the_journal_has_it() {
        let mut body = builtin("none").unwrap();
        let view = |body: &model::policy::Policy| PolicyView {
            policy: "none@1".parse().unwrap(),
            versions: vec!["none@1".parse().unwrap()],
            body: Arc::new(body.clone()),
            position: 1,
        };
        assert_eq!(text(&view(&body)), format!("# none@1, of none@1\n{}", builtin_text("none").unwrap()));
        body.limits.attempts = 2;
        assert!(text(&view(&body)).contains("\"attempts\": 2"));
    }
}
