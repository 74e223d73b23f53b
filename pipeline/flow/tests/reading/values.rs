//! Mistakes of single values: bounds, units, kinds.

use crate::printed::flow;

#[test]
fn times_need_a_unit_and_have_bounds() {
    flow(
        r#"tasks:
  a:
    run: x
    timeout: 20
    stall: 8d
    grace: 11m
    estimate: half an hour
  b:
    run: x
    timeout: 0s
    stall: [3m]
    grace:
"#,
        r#"f.yaml:4:14: error: a time needs a unit
    4 |     timeout: 20
      |              ^^ write `20s`, `20m` or `20h` (1s to 7d)
f.yaml:5:12: error: `stall` is 8d
    5 |     stall: 8d
      |            ^^ it may be 1s to 7d
f.yaml:6:12: error: `grace` is 11m
    6 |     grace: 11m
      |            ^^^ it may be 0s to 10m
f.yaml:7:15: error: `half an hour` is no time
    7 |     estimate: half an hour
      |               ^^^^^^^^^^^^ write it like `90s`, `20m` or `1h30m` (1s to 7d)
f.yaml:10:14: error: `timeout` is 0s
   10 |     timeout: 0s
      |              ^^ it may be 1s to 7d
f.yaml:11:12: error: `stall` must be a time, not a list
   11 |     stall: [3m]
      |            ^^^^ write it like `90s`, `20m` or `1h30m` (1s to 7d)
f.yaml:12:5: error: `grace` has no value
   12 |     grace:
      |     ^^^^^ write it like `90s`, `20m` or `1h30m` (0s to 10m)
7 errors in f.yaml, nothing submitted
"#,
    );
}

#[test]
fn sizes_need_a_unit_and_have_bounds() {
    flow(
        r#"tasks:
  a: { run: x, needs: { memory: 512 } }
  b: { run: x, needs: { memory: 17TiB } }
  c: { run: x, needs: { memory: 2GB } }
  d: { run: x, needs: { memory: {} } }
"#,
        r#"f.yaml:2:33: error: a size needs a unit
    2 |   a: { run: x, needs: { memory: 512 } }
      |                                 ^^^ write `512MiB` or `512GiB` (1MiB to 16TiB)
f.yaml:3:33: error: `memory` is 17TiB
    3 |   b: { run: x, needs: { memory: 17TiB } }
      |                                 ^^^^^ it may be 1MiB to 16TiB
f.yaml:4:33: error: `2GB` is no size
    4 |   c: { run: x, needs: { memory: 2GB } }
      |                                 ^^^ write it like `512MiB` or `2GiB` (1MiB to 16TiB)
f.yaml:5:33: error: `memory` must be a size, not a map
    5 |   d: { run: x, needs: { memory: {} } }
      |                                 ^^ write it like `512MiB` or `2GiB` (1MiB to 16TiB)
4 errors in f.yaml, nothing submitted
"#,
    );
}

#[test]
fn numbers_are_whole_and_have_bounds() {
    flow(
        r#"locks: { a: 0, b: 10001, c: many, d: 1.5 }
tasks:
  a: { run: x, needs: { slots: 0 } }
  b: { run: x, needs: { slots: 1001 } }
  c: { run: x, needs: { slots: "2" } }
  d: { run: x, needs: { slots: -1 } }
  e: { run: x, needs: { slots: 0x10 } }
  f: { run: x, needs: { slots: 99999999999 } }
"#,
        r#"f.yaml:1:13: error: `a` is 0
    1 | locks: { a: 0, b: 10001, c: many, d: 1.5 }
      |             ^ it may be 1 to 10,000
f.yaml:1:19: error: `b` is 10001
    1 | locks: { a: 0, b: 10001, c: many, d: 1.5 }
      |                   ^^^^^ it may be 1 to 10,000
f.yaml:1:29: error: `c` must be a whole number, not `many`
    1 | locks: { a: 0, b: 10001, c: many, d: 1.5 }
      |                             ^^^^ write a number from 1 to 10,000, without quotes
f.yaml:1:38: error: `d` must be a whole number, not `1.5`
    1 | locks: { a: 0, b: 10001, c: many, d: 1.5 }
      |                                      ^^^ write a number from 1 to 10,000, without quotes
f.yaml:3:32: error: `slots` is 0
    3 |   a: { run: x, needs: { slots: 0 } }
      |                                ^ it may be 1 to 1,000
f.yaml:4:32: error: `slots` is 1001
    4 |   b: { run: x, needs: { slots: 1001 } }
      |                                ^^^^ it may be 1 to 1,000
f.yaml:5:32: error: `slots` must be a whole number, not `2`
    5 |   c: { run: x, needs: { slots: "2" } }
      |                                ^^^ write a number from 1 to 1,000, without quotes
f.yaml:6:32: error: `slots` is -1
    6 |   d: { run: x, needs: { slots: -1 } }
      |                                ^^ it may be 1 to 1,000
f.yaml:7:32: error: `slots` must be a whole number, not `0x10`
    7 |   e: { run: x, needs: { slots: 0x10 } }
      |                                ^^^^ write a number from 1 to 1,000, without quotes
f.yaml:8:32: error: `slots` is 99999999999
    8 |   f: { run: x, needs: { slots: 99999999999 } }
      |                                ^^^^^^^^^^^ it may be 1 to 1,000
10 errors in f.yaml, nothing submitted
"#,
    );
}

#[test]
fn words_are_of_their_list() {
    flow(
        r#"tasks:
  a: { run: x, priority: hihg }
  b: { run: x, priority: 5 }
  c: { run: x, priority: [high] }
  d: { run: x, retry: visual }
  e: { run: x, retry: { limit: 3 } }
"#,
        r#"f.yaml:2:26: error: `priority` cannot be `hihg`
    2 |   a: { run: x, priority: hihg }
      |                          ^^^^ did you mean `high`? It may be `lowest`, `very-low`, `low`, `medium`, `high`, `very-high` or `highest`
f.yaml:3:26: error: `priority` cannot be `5`
    3 |   b: { run: x, priority: 5 }
      |                          ^ write `lowest`, `very-low`, `low`, `medium`, `high`, `very-high` or `highest`
f.yaml:4:26: error: `priority` must be a word, not a list
    4 |   c: { run: x, priority: [high] }
      |                          ^^^^^^ write `lowest`, `very-low`, `low`, `medium`, `high`, `very-high` or `highest`
f.yaml:5:23: error: no policy `visual`
    5 |   d: { run: x, retry: visual }
      |                       ^^^^^^ write `default` or `none`: this version has no others
f.yaml:6:23: error: `retry` must be a policy's name, not a map
    6 |   e: { run: x, retry: { limit: 3 } }
      |                       ^^^^^^^^^^^^ write `default` or `none`: this version has no others
5 errors in f.yaml, nothing submitted
"#,
    );
}

#[test]
fn yes_and_no_are_texts_in_yaml_1_2() {
    flow(
        r#"tasks:
  a: { run: x, allow_failure: yes }
  b: { run: x, allow_failure: "true" }
  c: { run: x, allow_failure: }
"#,
        r#"f.yaml:2:31: error: `allow_failure` must be true or false, not `yes`
    2 |   a: { run: x, allow_failure: yes }
      |                               ^^^ write `true` or `false`, without quotes
f.yaml:3:31: error: `allow_failure` must be true or false, not `true`
    3 |   b: { run: x, allow_failure: "true" }
      |                               ^^^^^^ write `true` or `false`, without quotes
f.yaml:4:16: error: `allow_failure` has no value
    4 |   c: { run: x, allow_failure: }
      |                ^^^^^^^^^^^^^ write `true` or `false`, without quotes
3 errors in f.yaml, nothing submitted
"#,
    );
}

#[test]
fn a_command_is_a_text_or_a_list_of_texts() {
    flow(
        r#"tasks:
  a: { run: }
  b: { run: "" }
  c: { run: [] }
  d: { run: ["", x] }
  e: { run: [make, [test]] }
  f: { run: { make: test } }
  g: { run: "a\0b" }
  h: { run: "./db/seed.sh ${{ params.target }}" }
  i: { run: [make, "${{ matrix.os }}"] }
"#,
        r#"f.yaml:2:8: error: `run` has no value
    2 |   a: { run: }
      |        ^^^ write its value, or take the field out
f.yaml:3:13: error: `run` is empty; it must be a text
    3 |   b: { run: "" }
      |             ^^ write one text
f.yaml:4:13: error: `run` names no program
    4 |   c: { run: [] }
      |             ^^ write it like `run: [make, test]`
f.yaml:5:13: error: `run` names no program
    5 |   d: { run: ["", x] }
      |             ^^^^^^^ write it like `run: [make, test]`
f.yaml:6:20: error: `run` must be a list of texts, not a list
    6 |   e: { run: [make, [test]] }
      |                    ^^^^^^ each item is one argument as a text; a missing one is written ""
f.yaml:7:13: error: `run` must be a text or a list, not a map
    7 |   f: { run: { make: test } }
      |             ^^^^^^^^^^^^^^ write the command as a text, or as a list of the program and its arguments
f.yaml:8:13: error: `run` has a zero byte
    8 |   g: { run: "a\0b" }
      |             ^^^^^^ no command can be given one; take it out
f.yaml:9:13: error: `${{ … }}` is not in this version of Reprise
    9 |   h: { run: "./db/seed.sh ${{ params.target }}" }
      |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ write the value itself; a shell variable is written $NAME or ${NAME}
f.yaml:10:20: error: `${{ … }}` is not in this version of Reprise
   10 |   i: { run: [make, "${{ matrix.os }}"] }
      |                    ^^^^^^^^^^^^^^^^^^ write the value itself; a shell variable is written $NAME or ${NAME}
9 errors in f.yaml, nothing submitted
"#,
    );
}

#[test]
fn variables_are_texts() {
    flow(
        r#"tasks:
  a: { run: x, env: [A, B] }
  b: { run: x, env: { A=B: x } }
  c:
    run: x
    env:
      EMPTY:
      LIST: [a]
      LATER: ${{ params.x }}
"#,
        r#"f.yaml:2:21: error: `env` must be a map, not a list
    2 |   a: { run: x, env: [A, B] }
      |                     ^^^^^^ write it like `env: { NAME: value }`
f.yaml:3:23: error: `A=B` is no name for a variable
    3 |   b: { run: x, env: { A=B: x } }
      |                       ^^^ write it like `NAME: value`
f.yaml:7:7: error: variable `EMPTY` must be a text, not nothing
    7 |       EMPTY:
      |       ^^^^^ write one text; an empty one is written ""
f.yaml:8:13: error: variable `LIST` must be a text, not a list
    8 |       LIST: [a]
      |             ^^^ write one text; an empty one is written ""
f.yaml:9:14: error: `${{ … }}` is not in this version of Reprise
    9 |       LATER: ${{ params.x }}
      |              ^^^^^^^^^^^^^^^ write the value itself; a shell variable is written $NAME or ${NAME}
5 errors in f.yaml, nothing submitted
"#,
    );
}

#[test]
fn folders_and_result_files_are_texts() {
    flow(
        r#"tasks:
  a: { run: x, dir: [a] }
  b: { run: x, dir: "" }
  c: { run: x, results: out.xml }
  d: { run: x, results: ["out/[a.xml", {}] }
"#,
        r#"f.yaml:2:21: error: `dir` must be a text, not a list
    2 |   a: { run: x, dir: [a] }
      |                     ^^^ write one text
f.yaml:3:21: error: `dir` is empty; it must be a text
    3 |   b: { run: x, dir: "" }
      |                     ^^ write one text
f.yaml:4:25: error: `results` must be a list, not `out.xml`
    4 |   c: { run: x, results: out.xml }
      |                         ^^^^^^^ write it like `results: [out/junit/*.xml]`
f.yaml:5:26: error: `out/[a.xml` is no glob: unclosed character class; missing ']'
    5 |   d: { run: x, results: ["out/[a.xml", {}] }
      |                          ^^^^^^^^^^^^ write it like `results: [out/junit/*.xml]`
f.yaml:5:40: error: `results` must be a text, not a map
    5 |   d: { run: x, results: ["out/[a.xml", {}] }
      |                                        ^^ write one text
5 errors in f.yaml, nothing submitted
"#,
    );
}

#[test]
fn labels_are_texts() {
    flow(
        r#"tasks:
  a: { run: x, needs: { labels: [os] } }
  b: { run: x, needs: { labels: { os: [linux] } } }
  c: { run: x, needs: { labels: { os: } } }
"#,
        r#"f.yaml:2:33: error: `labels` must be a map, not a list
    2 |   a: { run: x, needs: { labels: [os] } }
      |                                 ^^^^ write it like `labels: { os: linux }`
f.yaml:3:39: error: `os` must be a text, not a list
    3 |   b: { run: x, needs: { labels: { os: [linux] } } }
      |                                       ^^^^^^^ write one text
f.yaml:4:35: error: `os` has no value
    4 |   c: { run: x, needs: { labels: { os: } } }
      |                                   ^^ write its value, or take the field out
3 errors in f.yaml, nothing submitted
"#,
    );
}

#[test]
fn locks_are_declared_and_large_enough() {
    flow(
        r#"locks: { browserstack: 12 }
tasks:
  a: { run: x, needs: { locks: [browser-stack] } }
  b: { run: x, needs: { locks: { browserstack: 13 } } }
  c: { run: x, needs: { locks: [browserstack, browserstack] } }
  d: { run: x, needs: { locks: browserstack } }
  e: { run: x, needs: { locks: [[browserstack]] } }
  f: { run: x, needs: { locks: [phone] } }
"#,
        r#"f.yaml:3:33: error: lock `browser-stack` is not declared
    3 |   a: { run: x, needs: { locks: [browser-stack] } }
      |                                 ^^^^^^^^^^^^^ did you mean `browserstack`, line 1? Else add `browser-stack: 1` there
f.yaml:4:48: error: lock `browserstack` has 12 permits in all
    4 |   b: { run: x, needs: { locks: { browserstack: 13 } } }
      |                                                ^^ a task that needs more never starts; write 1 to 12
f.yaml:5:47: error: lock `browserstack` stands here twice
    5 |   c: { run: x, needs: { locks: [browserstack, browserstack] } }
      |                                               ^^^^^^^^^^^^ write `{ browserstack: 2 }` for two
f.yaml:6:32: error: `locks` must be a list, not `browserstack`
    6 |   d: { run: x, needs: { locks: browserstack } }
      |                                ^^^^^^^^^^^^ write `[NAME]` for one permit of each lock, or `{ NAME: 2 }` for more
f.yaml:7:33: error: `locks` must be a list of names, not a list
    7 |   e: { run: x, needs: { locks: [[browserstack]] } }
      |                                 ^^^^^^^^^^^^^^ write `[NAME]` for one permit of each lock, or `{ NAME: 2 }` for more
f.yaml:8:33: error: lock `phone` is not declared
    8 |   f: { run: x, needs: { locks: [phone] } }
      |                                 ^^^^^ add `phone: 1` to `locks`
6 errors in f.yaml, nothing submitted
"#,
    );
    flow(
        r#"tasks:
  a: { run: x, needs: { locks: [db] } }
"#,
        r#"f.yaml:2:33: error: lock `db` is not declared
    2 |   a: { run: x, needs: { locks: [db] } }
      |                                 ^^ add `locks: { db: 1 }` above `tasks`
1 error in f.yaml, nothing submitted
"#,
    );
}
