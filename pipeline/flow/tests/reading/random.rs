//! Random flows: whatever graph is written is the graph that is read; and no text makes the reader panic.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use flow::{Format, parse, render};
use model::Want;
use proptest::prelude::*;

/// Dependencies of each task on any others; a graph of all shapes, cycles included.
fn graphs() -> impl Strategy<Value = Vec<Vec<(usize, Want)>>> {
    let want = prop_oneof![Just(Want::Passed), Just(Want::Failed), Just(Want::Finished)];
    (1_usize..12).prop_flat_map(move |tasks| {
        let after = prop::collection::vec((0..tasks, want.clone()), 0..4);
        prop::collection::vec(after, tasks)
    })
}

/// Keeps what makes no cycle: each task waits for those of a smaller rank. Ranks differ from the order of the file.
fn acyclic(graph: &[Vec<(usize, Want)>]) -> Vec<BTreeMap<usize, Want>> {
    let rank = |task: usize| (task * 7 + 3) % 13;
    let kept = |task: usize| graph[task].iter().copied().filter(move |(on, _)| rank(*on) < rank(task)).collect();
    (0..graph.len()).map(kept).collect()
}

fn write(graph: &[BTreeMap<usize, Want>]) -> String {
    let mut text = "tasks:\n".to_owned();
    for (task, after) in graph.iter().enumerate() {
        let words = after.iter().map(|(on, want)| match want {
            Want::Passed => format!("t{on}"),
            Want::Failed => format!("t{on}.failed"),
            Want::Finished => format!("t{on}.finished"),
        });
        let after = words.collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "  t{task}:\n    run: x\n    estimate: {}s\n    after: [{after}]", task + 1);
    }
    text
}

/// The longest way from each task, by plain search.
fn path(task: usize, graph: &[BTreeMap<usize, Want>]) -> u64 {
    let behind = (0..graph.len()).filter(|later| graph[*later].contains_key(&task));
    (task as u64 + 1) * 1000 + behind.map(|later| path(later, graph)).max().unwrap_or(0)
}

proptest! {
    #[test]
    fn the_graph_that_is_written_is_the_graph_that_is_read(graph in graphs()) {
        let graph = acyclic(&graph);
        let checked = parse("f", write(&graph).as_bytes(), Format::Yaml).expect("it has no cycle");
        let number = |at: u32| checked.tasks[at as usize].id.as_str()[1..].parse::<usize>().expect("a number");
        let read: BTreeSet<_> = checked.edges.iter().map(|e| (number(e.task), number(e.on), e.want)).collect();
        let written = graph.iter().enumerate().flat_map(|(task, after)| after.iter().map(move |(on, want)| (task, *on, *want)));
        prop_assert_eq!(read, written.collect::<BTreeSet<_>>());
        prop_assert!(checked.edges.iter().all(|edge| edge.on < edge.task), "whatever is waited for comes first");
        prop_assert!(checked.edges.is_sorted());
        for (task, at) in checked.tasks.iter().zip(0..) {
            prop_assert_eq!(task.path_ms.0, path(number(at), &graph));
        }
    }

    #[test]
    fn a_graph_is_refused_exactly_if_it_has_a_cycle(graph in graphs()) {
        let graph: Vec<BTreeMap<usize, Want>> = graph.into_iter().map(BTreeMap::from_iter).collect();
        // Take away whatever waits for nothing that is left: what stays is on a cycle or behind one.
        let mut left: BTreeSet<usize> = (0..graph.len()).collect();
        while let Some(free) = left.iter().copied().find(|task| !graph[*task].keys().any(|on| left.contains(on))) {
            left.remove(&free);
        }
        let text = write(&graph);
        match parse("f", text.as_bytes(), Format::Yaml) {
            Ok(_) => prop_assert!(left.is_empty()),
            Err(mistakes) => {
                prop_assert!(!left.is_empty());
                let said = |m: &str| m.starts_with("tasks wait for each other: ") || m.ends_with(" waits for itself");
                prop_assert!(mistakes.iter().all(|m| said(&m.message)), "{}", render(&mistakes, "f", &text));
            }
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[a-c{}\\[\\]:,&*!?|>'\"%#\\-\n\t \u{fc}\u{0}.$]{0,60}") {
        for text in [text.clone(), format!("tasks:\n  t:\n    run: {text}\n"), format!("policy: {text}\nrules: [{text}]\n")] {
            for format in [Format::Yaml, Format::Json] {
                if let Err(mistakes) = parse("f", text.as_bytes(), format) {
                    prop_assert!(!mistakes.is_empty());
                    render(&mistakes, "f", &text);
                }
            }
            if let Err(mistakes) = flow::policy::parse(text.as_bytes()) {
                render(&mistakes, "f", &text);
            }
        }
    }
}
