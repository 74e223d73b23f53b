//! `help`: what no single command's `--help` has room for.

use clap::{Args, CommandFactory};

use crate::args::Cli;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen;

/// More about a topic, or a command's help.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  reprise help flow\n  reprise help run")]
pub struct Help {
    /// flow, policy, exit-codes, environment, http, or a command
    topic: Option<String>,
}

/// Topics that are written out.
const TOPICS: [(&str, &str); 4] = [
    ("flow", include_str!("help/flow.txt")),
    ("policy", include_str!("help/policy.txt")),
    ("environment", include_str!("help/environment.txt")),
    ("http", include_str!("help/http.txt")),
];

impl Help {
    /// Prints the topic.
    pub fn run(self) -> Result<Exit, Failure> {
        screen::show(&text(self.topic.as_deref())?);
        Ok(Exit::Done)
    }
}

fn text(topic: Option<&str>) -> Result<String, Failure> {
    let mut program = Cli::command();
    program.build();
    let Some(topic) = topic else { return Ok(program.render_long_help().to_string()) };
    if topic == "exit-codes" {
        return Ok(exit_codes());
    }
    if let Some((_, text)) = TOPICS.iter().find(|(name, _)| *name == topic) {
        return Ok((*text).to_owned());
    }
    match program.find_subcommand_mut(topic) {
        Some(command) => Ok(command.render_long_help().to_string()),
        None => Err(Failure::new(
            Exit::NotFound,
            format!("no help on `{topic}`: there is flow, policy, exit-codes, environment, http, and each command"),
        )),
    }
}

fn exit_codes() -> String {
    Exit::ALL.iter().map(|exit| format!("{:>5}  {}\n", exit.code(), exit.meaning())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_topic_and_each_command_has_help() {
        for topic in ["flow", "policy", "environment", "http", "exit-codes", "run", "up"] {
            assert!(text(Some(topic)).unwrap().len() > 100, "{topic}");
        }
        assert_eq!(text(Some("flows")).unwrap_err().exit, Exit::NotFound);
    }

    #[test]
    fn the_exit_codes_are_told_from_their_one_table() {
        insta::assert_snapshot!(exit_codes(), @r"
          0  done
          1  our own bug; please report it with what was printed
          2  the command line makes no sense
          3  a file, or a statement in SQL, was refused: its mistakes were printed
          4  no such execution, task, node, lock, policy, or no tables there
          5  not now, or not allowed; or a statement took more time or memory than it may
          6  the engine is not reached or not ready; start one with `reprise up`, or try again
          7  this machine: port taken, disk full, data damaged
          8  the time of `--wait` ran out; the execution goes on
         10  a task failed
         11  nothing failed, but tasks are parked and wait for a person
         12  the execution was cancelled
         20  the demo lost a result, or had one twice
        130  Ctrl-C: an execution goes on without us, a statement was given up
        ");
    }

    #[test]
    fn the_flow_and_the_policy_of_the_help_pages_are_read_as_they_stand() {
        let example = |topic: &str| {
            let page = text(Some(topic)).unwrap();
            let lines =
                page.lines().skip_while(|line| !line.starts_with("    ")).take_while(|line| !line.starts_with('='));
            lines.map(|line| line.strip_prefix("    ").unwrap_or(line)).collect::<Vec<_>>().join("\n")
        };
        let flow = flow::parse("example.yaml", example("flow").as_bytes(), flow::Format::Yaml).unwrap();
        assert!(flow.tasks.len() >= 4);
        let policy = flow::policy::parse(example("policy").as_bytes()).unwrap();
        assert!(policy.rules.len() >= 3);
    }
}
