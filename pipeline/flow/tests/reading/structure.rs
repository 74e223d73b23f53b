//! Mistakes of the file as a whole: what is no YAML, what is no flow, which fields there are.

use crate::printed::{flow, json};

#[test]
fn what_is_no_yaml_is_said_at_its_place() {
    flow(
        r#"tasks:
	a:
    run: x
"#,
        r#"f.yaml:2:2: error: this cannot be read: tabs disallowed within this context (block indentation)
    2 | 	a:
      | 	^ YAML indents by spaces, never by tabs
1 error in f.yaml, nothing submitted
"#,
    );
    flow(
        r#"tasks:
  a: [
"#,
        r#"f.yaml:2:6: error: this cannot be read: unclosed bracket '['
    2 |   a: [
      |      ^ check the indentation, quotes and brackets here and in the line above
1 error in f.yaml, nothing submitted
"#,
    );
    flow(
        r#"tasks:
  a: { run: 'x }
"#,
        r#"f.yaml:2:13: error: this cannot be read: unclosed quote
    2 |   a: { run: 'x }
      |             ^ check the indentation, quotes and brackets here and in the line above
1 error in f.yaml, nothing submitted
"#,
    );
    flow(
        r#"tasks:
  a:
    run: x: y
"#,
        r#"f.yaml:3:11: error: this cannot be read: mapping values are not allowed in this context
    3 |     run: x: y
      |           ^ check the indentation, quotes and brackets here and in the line above
1 error in f.yaml, nothing submitted
"#,
    );
    flow(
        r#"tasks: { a: { run: x } } }
"#,
        r#"f.yaml:1:26: error: this cannot be read: misplaced bracket
    1 | tasks: { a: { run: x } } }
      |                          ^ check the indentation, quotes and brackets here and in the line above
1 error in f.yaml, nothing submitted
"#,
    );
    flow(
        r#"tasks: { a: { run: x, env: *none } }
"#,
        r#"f.yaml:1:28: error: this cannot be read: while parsing node, found unknown anchor
    1 | tasks: { a: { run: x, env: *none } }
      |                            ^ an alias repeats a value above it that is marked `&NAME`; a text that begins with * needs quotes
1 error in f.yaml, nothing submitted
"#,
    );
}

#[test]
fn a_file_is_one_map_of_texts() {
    flow(
        r#""#,
        r#"f.yaml:1:1: error: the file is empty
    1 | 
      | ^ a flow begins with `tasks:`, a policy with `policy:`
1 error in f.yaml, nothing submitted
"#,
    );
    flow(
        r#"# nothing but a comment
"#,
        r#"f.yaml:1:1: error: the file is empty
    1 | # nothing but a comment
      | ^ a flow begins with `tasks:`, a policy with `policy:`
1 error in f.yaml, nothing submitted
"#,
    );
    flow(
        r#"- a
"#,
        r#"f.yaml:1:1: error: a flow must be a map, not a list
    1 | - a
      | ^^^ the least flow: `tasks:`, below it `  hello:`, below that `    run: echo hello`
1 error in f.yaml, nothing submitted
"#,
    );
    flow(
        r#"hello
"#,
        r#"f.yaml:1:1: error: a flow must be a map, not a text
    1 | hello
      | ^^^^^ the least flow: `tasks:`, below it `  hello:`, below that `    run: echo hello`
1 error in f.yaml, nothing submitted
"#,
    );
}

#[test]
fn documents_tags_keys_and_merges_beyond_plain_yaml_are_refused() {
    flow(
        r#"tasks: { a: { run: x } }
---
tasks: { b: { run: x } }
"#,
        r#"f.yaml:2:1: error: a second document begins here
    2 | ---
      | ^^^ a file holds one flow or policy; take `---` out
1 error in f.yaml, nothing submitted
"#,
    );
    flow(
        r#"tasks: !!map { a: { run: !secret x } }
"#,
        r#"f.yaml:1:8: error: tags (`!word`) have no meaning here
    1 | tasks: !!map { a: { run: !secret x } }
      |        ^^^^^ take it out; a text is a text in quotes
1 error in f.yaml, nothing submitted
"#,
    );
    flow(
        r#"tasks:
  ? [a, b]
  : { run: x }
"#,
        r#"f.yaml:2:5: error: a key must be a text, not a list
    2 |   ? [a, b]
      |     ^^^^^^ write `KEY: VALUE`
1 error in f.yaml, nothing submitted
"#,
    );
    flow(
        r#"base: &base { stall: 3m }
tasks:
  a:
    <<: *base
    run: x
"#,
        r#"f.yaml:4:5: error: `<<` is not understood
    4 |     <<: *base
      |     ^^ YAML 1.2 has no merge keys; write the fields out, or repeat a whole value by an alias
1 error in f.yaml, nothing submitted
"#,
    );
}

#[test]
fn a_flow_has_tasks_that_run() {
    flow(
        r#"flow: nightly
"#,
        r#"f.yaml:1:1: error: the flow has no `tasks`
    1 | flow: nightly
      | ^^^^ write `tasks:`, below it a name, below that `run: COMMAND`
1 error in f.yaml, nothing submitted
"#,
    );
    flow(
        r#"tasks:
"#,
        r#"f.yaml:1:1: error: `tasks` is empty
    1 | tasks:
      | ^^^^^ write a name below it, below that `run: COMMAND`
1 error in f.yaml, nothing submitted
"#,
    );
    flow(
        r#"tasks: {}
"#,
        r#"f.yaml:1:8: error: `tasks` is empty
    1 | tasks: {}
      |        ^^ write a name for each task, and below it `run: COMMAND`
1 error in f.yaml, nothing submitted
"#,
    );
    flow(
        r#"tasks: [a, b]
"#,
        r#"f.yaml:1:8: error: `tasks` must be a map, not a list
    1 | tasks: [a, b]
      |        ^^^^^^ write a name for each task, and below it `run: COMMAND`
1 error in f.yaml, nothing submitted
"#,
    );
    flow(
        r#"tasks:
  hello:
  world: {}
  again: echo
"#,
        r#"f.yaml:2:3: error: task `hello` is empty
    2 |   hello:
      |   ^^^^^ write at least `run: COMMAND` below its name
f.yaml:3:3: error: task `world` has no `run`
    3 |   world: {}
      |   ^^^^^ add `run: COMMAND`
f.yaml:4:10: error: task `again` must be a map, not a text
    4 |   again: echo
      |          ^^^^ write at least `run: COMMAND` below its name
3 errors in f.yaml, nothing submitted
"#,
    );
}

#[test]
fn unknown_fields_get_a_suggestion_and_later_ones_are_refused_by_name() {
    flow(
        r#"params: { target: staging }
taks: {}
tasks:
  a:
    run: x
    stal: 3m
    matrix: { shard: 1..20 }
    wehn: "true"
    colour: red
    needs: { memroy: 2GiB }
"#,
        r#"f.yaml:1:1: error: `params` is not in this version of Reprise
    1 | params: { target: staging }
      | ^^^^^^ take it out; all fields of a flow: reprise help flow
f.yaml:2:1: error: unknown field `taks`
    2 | taks: {}
      | ^^^^ did you mean `tasks`? All fields of a flow: reprise help flow
f.yaml:6:5: error: unknown field `stal`
    6 |     stal: 3m
      |     ^^^^ did you mean `stall`? All fields of a task: reprise help flow
f.yaml:7:5: error: `matrix` is not in this version of Reprise
    7 |     matrix: { shard: 1..20 }
      |     ^^^^^^ take it out; all fields of a task: reprise help flow
f.yaml:8:5: error: unknown field `wehn`
    8 |     wehn: "true"
      |     ^^^^ if `when` is meant: it is not in this version of Reprise, take it out
f.yaml:9:5: error: unknown field `colour`
    9 |     colour: red
      |     ^^^^^^ all fields of a task: reprise help flow
f.yaml:10:14: error: unknown field `memroy`
   10 |     needs: { memroy: 2GiB }
      |              ^^^^^^ did you mean `memory`? All fields of `needs`: reprise help flow
7 errors in f.yaml, nothing submitted
"#,
    );
}

#[test]
fn double_keys_are_refused_with_the_line_of_the_first() {
    flow(
        r#"tasks:
  a: { run: x, run: y }
  a: { run: x }
  b: { run: x, env: { A: 1, A: 2 } }
"#,
        r#"f.yaml:2:16: error: `run` stands here twice
    2 |   a: { run: x, run: y }
      |                ^^^ the first one is in line 2; keep one of them
f.yaml:3:3: error: `a` stands here twice
    3 |   a: { run: x }
      |   ^ the first one is in line 2; keep one of them
f.yaml:4:29: error: `A` stands here twice
    4 |   b: { run: x, env: { A: 1, A: 2 } }
      |                             ^ the first one is in line 4; keep one of them
3 errors in f.yaml, nothing submitted
"#,
    );
    flow(
        r#"locks: {l0: 1, l1: 1, l2: 1, l3: 1, l4: 1, l5: 1, l6: 1, l7: 1, l8: 1, l9: 1, l10: 1, l11: 1, l12: 1, l13: 1, l14: 1, l15: 1, l16: 1,
  l3: 1, l3: 2 }
tasks: { a: { run: x } }
"#,
        r#"f.yaml:2:3: error: `l3` stands here twice
    2 |   l3: 1, l3: 2 }
      |   ^^ the first one is in line 1; keep one of them
f.yaml:2:10: error: `l3` stands here twice
    2 |   l3: 1, l3: 2 }
      |          ^^ the first one is in line 1; keep one of them
2 errors in f.yaml, nothing submitted
"#,
    );
}

#[test]
fn ids_are_plain() {
    flow(
        r#"flow: nightly web
locks: { db 1: 1 }
tasks:
  build/all: { run: x }
  "": { run: x }
  xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: { run: x }
"#,
        r#"f.yaml:1:7: error: `nightly web` is no name for a flow
    1 | flow: nightly web
      |       ^^^^^^^^^^^ write 1 to 100 of the characters A-Z a-z 0-9 _ -
f.yaml:2:10: error: `db 1` is no name for a lock
    2 | locks: { db 1: 1 }
      |          ^^^^ write 1 to 100 of the characters A-Z a-z 0-9 _ -
f.yaml:4:3: error: `build/all` is no name for a task
    4 |   build/all: { run: x }
      |   ^^^^^^^^^ write 1 to 100 of the characters A-Z a-z 0-9 _ -
f.yaml:5:3: error: a task needs a name
    5 |   "": { run: x }
      |   ^^ write 1 to 100 of the characters A-Z a-z 0-9 _ -
f.yaml:6:3: error: `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…` is no name for a task
    6 |   xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: { run: x }
      |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ write 1 to 100 of the characters A-Z a-z 0-9 _ -
5 errors in f.yaml, nothing submitted
"#,
    );
}

#[test]
fn json_is_held_to_its_own_rules() {
    json(
        r#"{
	"tasks": {
		"a": { "run": "x", "stal": "3m" }
	}
}
"#,
        r#"f.json:3:22: error: unknown field `stal`
    3 | 		"a": { "run": "x", "stal": "3m" }
      | 		                   ^^^^^^ did you mean `stall`? All fields of a task: reprise help flow
1 error in f.json, nothing submitted
"#,
    );
    json(
        r#"{ "tasks": { "a": { "run": "x" }, } }"#,
        r#"f.json:1:35: error: this is not JSON: key must be a string
    1 | { "tasks": { "a": { "run": "x" }, } }
      |                                   ^ check the commas, quotes and brackets
1 error in f.json, nothing submitted
"#,
    );
    json(
        r#"tasks: { a: { run: x } }"#,
        r#"f.json:1:2: error: this is not JSON: expected ident
    1 | tasks: { a: { run: x } }
      |  ^ check the commas, quotes and brackets
1 error in f.json, nothing submitted
"#,
    );
    json(
        r#"{ "tasks": { "a": { "run": "x" } }"#,
        r#"f.json:1:34: error: this is not JSON: EOF while parsing an object
    1 | { "tasks": { "a": { "run": "x" } }
      |                                  ^ check the commas, quotes and brackets
1 error in f.json, nothing submitted
"#,
    );
    json(
        r#"{ "tasks": { "a": { "run": "x" }, "a": { "run": "y" } } }"#,
        r#"f.json:1:35: error: `a` stands here twice
    1 | { "tasks": { "a": { "run": "x" }, "a": { "run": "y" } } }
      |                                   ^^^ the first one is in line 1; keep one of them
1 error in f.json, nothing submitted
"#,
    );
    json(
        r#"{ "tasks": { "a": { "run": "\ud800" } } }"#,
        r#"f.json:1:28: error: this cannot be read: while parsing a quoted scalar, found high surrogate without following low surrogate
    1 | { "tasks": { "a": { "run": "\ud800" } } }
      |                            ^ check the indentation, quotes and brackets here and in the line above
1 error in f.json, nothing submitted
"#,
    );
}

#[test]
fn locks_that_nobody_takes_are_a_warning() {
    flow(
        r#"locks: { db: 1 }
tasks: { a: { run: x, stall: 20s } }
"#,
        r#"f.yaml:1:10: warning: no task takes lock `db`
    1 | locks: { db: 1 }
      |          ^^ a task takes it by `needs: { locks: [db] }`
1 warning in f.yaml
"#,
    );
}
