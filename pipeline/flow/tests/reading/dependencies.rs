//! Mistakes of `after`, and of those who write `needs` for it.

use crate::printed::flow;

#[test]
fn other_tools_say_needs_for_after() {
    flow(
        r#"tasks:
  build: { run: make }
  test:
    run: make test
    needs: [build, seed_db]
"#,
        r#"f.yaml:5:12: error: `needs` says what the node must have; tasks to wait for come under `after`
    5 |     needs: [build, seed_db]
      |            ^^^^^^^^^^^^^^^^ write `after: [build, seed_db]`
1 error in f.yaml, nothing submitted
"#,
    );
    flow(
        r#"tasks:
  build: { run: make }
  test:
    run: make test
    needs: build
  last:
    run: x
    needs:
"#,
        r#"f.yaml:5:12: error: `needs` says what the node must have; tasks to wait for come under `after`
    5 |     needs: build
      |            ^^^^^ write `after: build`
f.yaml:8:5: error: `needs` has no value
    8 |     needs:
      |     ^^^^^ write it like `needs: { memory: 2GiB }`
2 errors in f.yaml, nothing submitted
"#,
    );
    flow(
        r#"tasks:
  test:
    run: make test
    needs:
    - build
    - seed_db
"#,
        r#"f.yaml:5:7: error: `needs` says what the node must have; tasks to wait for come under `after`
    5 |     - build
      |       ^^^^^ write `after:` above this list
1 error in f.yaml, nothing submitted
"#,
    );
}

#[test]
fn unknown_tasks_get_a_suggestion_with_its_line() {
    flow(
        r#"tasks:
  build:
    run: make
  seed_db:
    run: ./seed
  test:
    run: make test
    after: [build, seed-db]
  last:
    run: x
    after: [everything, tset.finished]
"#,
        r#"f.yaml:8:20: error: no task `seed-db`
    8 |     after: [build, seed-db]
      |                    ^^^^^^^ did you mean `seed_db`, line 4?
f.yaml:11:13: error: no task `everything`
   11 |     after: [everything, tset.finished]
      |             ^^^^^^^^^^ write the name of a task of this file
f.yaml:11:25: error: no task `tset`
   11 |     after: [everything, tset.finished]
      |                         ^^^^^^^^^^^^^ did you mean `test`, line 6?
3 errors in f.yaml, nothing submitted
"#,
    );
}

#[test]
fn endings_are_three() {
    flow(
        r#"tasks:
  a: { run: x }
  b: { run: x, after: a.finnished }
  c: { run: x, after: a.done }
  d: { run: x, after: [a.skipped] }
"#,
        r#"f.yaml:3:23: error: a task cannot end as `finnished`
    3 |   b: { run: x, after: a.finnished }
      |                       ^^^^^^^^^^^ did you mean `a.finished`?
f.yaml:4:23: error: a task cannot end as `done`
    4 |   c: { run: x, after: a.done }
      |                       ^^^^^^ write `a` (it passed), `a.failed` or `a.finished`
f.yaml:5:24: error: a task cannot end as `skipped`
    5 |   d: { run: x, after: [a.skipped] }
      |                        ^^^^^^^^^ write `a` (it passed), `a.failed` or `a.finished`
3 errors in f.yaml, nothing submitted
"#,
    );
}

#[test]
fn after_is_a_name_or_a_list_of_names() {
    flow(
        r#"tasks:
  a: { run: x, after: { b: passed } }
  b: { run: x, after: }
  c: { run: x, after: [[a]] }
"#,
        r#"f.yaml:2:23: error: `after` must be a name or a list of names, not a map
    2 |   a: { run: x, after: { b: passed } }
      |                       ^^^^^^^^^^^^^ write `after: build`, or `after: [build, seed_db.finished]`
f.yaml:3:16: error: `after` has no value
    3 |   b: { run: x, after: }
      |                ^^^^^ write its value, or take the field out
f.yaml:4:24: error: `after` must be a text, not a list
    4 |   c: { run: x, after: [[a]] }
      |                        ^^^ write one text
3 errors in f.yaml, nothing submitted
"#,
    );
}

#[test]
fn cycles_are_written_out_with_their_lines() {
    flow(
        r#"tasks:
  build:
    run: make
  seed_db:
    run: ./seed
    after: visual
  visual:
    run: ./visual
    after: [build, browser.finished]
  browser:
    run: ./browser
    after: seed_db
"#,
        r#"f.yaml:6:12: error: tasks wait for each other: seed_db -> visual -> browser -> seed_db
    6 |     after: visual
      |            ^^^^^^ visual waits for browser (line 9), browser for seed_db (line 12); take one away
1 error in f.yaml, nothing submitted
"#,
    );
    flow(
        r#"tasks:
  a: { run: x, after: a }
  b: { run: x, after: c }
  c: { run: x, after: b.failed }
  d: { run: x, after: [b, e] }
  e: { run: x, after: d }
"#,
        r#"f.yaml:2:23: error: `a` waits for itself
    2 |   a: { run: x, after: a }
      |                       ^ take it out
f.yaml:3:23: error: tasks wait for each other: b -> c -> b
    3 |   b: { run: x, after: c }
      |                       ^ c waits for b (line 4); take one away
f.yaml:5:27: error: tasks wait for each other: d -> e -> d
    5 |   d: { run: x, after: [b, e] }
      |                           ^ e waits for d (line 6); take one away
3 errors in f.yaml, nothing submitted
"#,
    );
}

#[test]
fn a_long_cycle_is_written_out_in_part() {
    flow(
        r#"tasks:
  t0: { run: x, after: t1 }
  t1: { run: x, after: t2 }
  t2: { run: x, after: t3 }
  t3: { run: x, after: t4 }
  t4: { run: x, after: t5 }
  t5: { run: x, after: t6 }
  t6: { run: x, after: t7 }
  t7: { run: x, after: t8 }
  t8: { run: x, after: t9 }
  t9: { run: x, after: t10 }
  t10: { run: x, after: t11 }
  t11: { run: x, after: t12 }
  t12: { run: x, after: t13 }
  t13: { run: x, after: t14 }
  t14: { run: x, after: t15 }
  t15: { run: x, after: t16 }
  t16: { run: x, after: t17 }
  t17: { run: x, after: t18 }
  t18: { run: x, after: t19 }
  t19: { run: x, after: t0 }
"#,
        r#"f.yaml:2:24: error: tasks wait for each other: t0 -> t1 -> t2 -> t3 -> t4 -> t5 -> t6 -> t7 -> t8 -> t9 -> t10 -> t11 -> … 8 more … -> t0
    2 |   t0: { run: x, after: t1 }
      |                        ^^ t1 waits for t2 (line 3), t2 for t3 (line 4), t3 for t4 (line 5), t4 for t5 (line 6), t5 for t6 (line 7), t6 for t7 (line 8), t7 for t8 (line 9), t8 for t9 (line 10), t9 for t10 (line 11), t10 for t11 (line 12), t11 for t12 (line 13); take one away
1 error in f.yaml, nothing submitted
"#,
    );
}

#[test]
fn a_task_that_can_never_start_is_refused() {
    flow(
        r#"tasks:
  a: { run: x }
  b: { run: x, after: [a, a.failed] }
  c: { run: x, after: [a.failed, a.finished, a.passed] }
"#,
        r#"f.yaml:3:27: error: `b` can never start: `a` cannot both pass and fail
    3 |   b: { run: x, after: [a, a.failed] }
      |                           ^^^^^^^^ write `a.finished` if any ending will do
f.yaml:4:46: error: `c` can never start: `a` cannot both pass and fail
    4 |   c: { run: x, after: [a.failed, a.finished, a.passed] }
      |                                              ^^^^^^^^ write `a.finished` if any ending will do
2 errors in f.yaml, nothing submitted
"#,
    );
}
