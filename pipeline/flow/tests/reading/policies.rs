//! Mistakes of policies.

use crate::printed::policy;

#[test]
fn a_policy_has_a_name_and_rules() {
    policy(
        r#"- a
"#,
        r#"policy.yaml:1:1: error: a policy must be a map, not a list
    1 | - a
      | ^^^ see `reprise policy show default`
1 error in policy.yaml, nothing submitted
"#,
    );
    policy(
        r#"limits: { attempts: 3 }
"#,
        r#"policy.yaml:1:1: error: the policy has no `policy`
    1 | limits: { attempts: 3 }
      | ^^^^^^ add `policy: NAME` at the top
policy.yaml:1:1: error: the policy has no `rules`
    1 | limits: { attempts: 3 }
      | ^^^^^^ add at least `- { id: rest, then: fail }`
2 errors in policy.yaml, nothing submitted
"#,
    );
    policy(
        r#"policy: mine
rules: []
"#,
        r#"policy.yaml:2:8: error: `rules` is empty
    2 | rules: []
      |        ^^ write a list of rules, each like `- { id: rest, then: fail }`
1 error in policy.yaml, nothing submitted
"#,
    );
    policy(
        r#"policy: my policy
rules: { id: rest }
rule: 1
"#,
        r#"policy.yaml:1:9: error: `my policy` is no name for a policy
    1 | policy: my policy
      |         ^^^^^^^^^ write 1 to 100 of the characters A-Z a-z 0-9 _ -
policy.yaml:2:8: error: `rules` must be a list, not a map
    2 | rules: { id: rest }
      |        ^^^^^^^^^^^^ write a list of rules, each like `- { id: rest, then: fail }`
policy.yaml:3:1: error: unknown field `rule`
    3 | rule: 1
      | ^^^^ did you mean `rules`? All fields of a policy: reprise help policy
3 errors in policy.yaml, nothing submitted
"#,
    );
    policy(
        r#"policy: mine
rules:
  - fail
  - { class: stall }
"#,
        r#"policy.yaml:3:5: error: a rule must be a map, not a text
    3 |   - fail
      |     ^^^^ write it like `- { id: rest, then: fail }`
policy.yaml:4:5: error: the rule has no `id`
    4 |   - { class: stall }
      |     ^^^^^^^^^^^^^^^^ add `id: NAME`
policy.yaml:4:5: error: the rule has no `then`
    4 |   - { class: stall }
      |     ^^^^^^^^^^^^^^^^ add `then: retry`, `park`, `escalate`, `fail`, `ignore` or `stop`
3 errors in policy.yaml, nothing submitted
"#,
    );
}

#[test]
fn limits_have_bounds_and_later_ones_are_refused_by_name() {
    policy(
        r#"policy: mine
limits: { attempts: 101, retries: -1, budget: 20%, alike: 10%, retires: 3 }
rules:
  - { id: rest, then: fail }
"#,
        r#"policy.yaml:2:21: error: `attempts` is 101
    2 | limits: { attempts: 101, retries: -1, budget: 20%, alike: 10%, retires: 3 }
      |                     ^^^ it may be 1 to 100
policy.yaml:2:35: error: `retries` is -1
    2 | limits: { attempts: 101, retries: -1, budget: 20%, alike: 10%, retires: 3 }
      |                                   ^^ it may be 0 to 100,000
policy.yaml:2:39: error: `budget` is not in this version of Reprise
    2 | limits: { attempts: 101, retries: -1, budget: 20%, alike: 10%, retires: 3 }
      |                                       ^^^^^^ take it out; all fields of `limits`: reprise help policy
policy.yaml:2:52: error: `alike` is not in this version of Reprise
    2 | limits: { attempts: 101, retries: -1, budget: 20%, alike: 10%, retires: 3 }
      |                                                    ^^^^^ take it out; all fields of `limits`: reprise help policy
policy.yaml:2:64: error: unknown field `retires`
    2 | limits: { attempts: 101, retries: -1, budget: 20%, alike: 10%, retires: 3 }
      |                                                                ^^^^^^^ did you mean `retries`? All fields of `limits`: reprise help policy
5 errors in policy.yaml, nothing submitted
"#,
    );
    policy(
        r#"policy: mine
limits: 3
rules:
  - { id: rest, then: fail }
"#,
        r#"policy.yaml:2:9: error: `limits` must be a map, not `3`
    2 | limits: 3
      |         ^ write it like `limits: { attempts: 10, retries: 500 }`
1 error in policy.yaml, nothing submitted
"#,
    );
}

#[test]
fn unknown_classes_get_the_word_that_is_meant() {
    policy(
        r#"policy: mine
rules:
  - { id: hung, class: hang, then: retry, limit: 1, where: other_node }
  - { id: oom, class: [oom, crahs], then: retry }
  - { id: odd, class: [sunburn, {}], then: retry }
  - { id: no, class: [], then: retry }
  - { id: rest, then: fail }
"#,
        r#"policy.yaml:3:24: error: no failure class `hang`
    3 |   - { id: hung, class: hang, then: retry, limit: 1, where: other_node }
      |                        ^^^^ write `stall` (silent) or `timeout` (too long); all classes: reprise help policy
policy.yaml:4:24: error: no failure class `oom`
    4 |   - { id: oom, class: [oom, crahs], then: retry }
      |                        ^^^ write `out_of_memory`; all classes: reprise help policy
policy.yaml:4:29: error: no failure class `crahs`
    4 |   - { id: oom, class: [oom, crahs], then: retry }
      |                             ^^^^^ did you mean `crash`? All classes: reprise help policy
policy.yaml:5:24: error: no failure class `sunburn`
    5 |   - { id: odd, class: [sunburn, {}], then: retry }
      |                        ^^^^^^^ write `test_failure`, `crash`, `out_of_memory`, `timeout`, `stall`, `start_failure` or `node_lost`
policy.yaml:5:33: error: `class` must be a word, not a map
    5 |   - { id: odd, class: [sunburn, {}], then: retry }
      |                                 ^^ write `test_failure`, `crash`, `out_of_memory`, `timeout`, `stall`, `start_failure` or `node_lost`
policy.yaml:6:22: error: `class` is empty
    6 |   - { id: no, class: [], then: retry }
      |                      ^^ leave it out for any class
6 errors in policy.yaml, nothing submitted
"#,
    );
}

#[test]
fn rules_say_what_they_do_in_known_words() {
    policy(
        r#"policy: mine
rules:
  - { id: a b, then: retr, where: elsewhere, checkpoint: yes, limit: 0, nodes_lost: 101, when: x, labels: {}, hwen: 1 }
  - { id: rest, then: fail, why: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" }
"#,
        r#"policy.yaml:3:11: error: `a b` is no name for a rule
    3 |   - { id: a b, then: retr, where: elsewhere, checkpoint: yes, limit: 0, nodes_lost: 101, when: x, labels: {}, hwen: 1 }
      |           ^^^ write 1 to 100 of the characters A-Z a-z 0-9 _ -
policy.yaml:3:22: error: `then` cannot be `retr`
    3 |   - { id: a b, then: retr, where: elsewhere, checkpoint: yes, limit: 0, nodes_lost: 101, when: x, labels: {}, hwen: 1 }
      |                      ^^^^ did you mean `retry`? It may be `retry`, `park`, `escalate`, `fail`, `ignore` or `stop`
policy.yaml:3:35: error: `where` cannot be `elsewhere`
    3 |   - { id: a b, then: retr, where: elsewhere, checkpoint: yes, limit: 0, nodes_lost: 101, when: x, labels: {}, hwen: 1 }
      |                                   ^^^^^^^^^ write `any`, `same_node`, `other_node` or `other_zone`
policy.yaml:3:58: error: `checkpoint` cannot be `yes`
    3 |   - { id: a b, then: retr, where: elsewhere, checkpoint: yes, limit: 0, nodes_lost: 101, when: x, labels: {}, hwen: 1 }
      |                                                          ^^^ write `keep` or `drop`
policy.yaml:3:70: error: `limit` is 0
    3 |   - { id: a b, then: retr, where: elsewhere, checkpoint: yes, limit: 0, nodes_lost: 101, when: x, labels: {}, hwen: 1 }
      |                                                                      ^ it may be 1 to 100
policy.yaml:3:85: error: `nodes_lost` is 101
    3 |   - { id: a b, then: retr, where: elsewhere, checkpoint: yes, limit: 0, nodes_lost: 101, when: x, labels: {}, hwen: 1 }
      |                                                                                     ^^^ it may be 0 to 100
policy.yaml:3:90: error: `when` is not in this version of Reprise
    3 |   - { id: a b, then: retr, where: elsewhere, checkpoint: yes, limit: 0, nodes_lost: 101, when: x, labels: {}, hwen: 1 }
      |                                                                                          ^^^^ take it out; all fields of a rule: reprise help policy
policy.yaml:3:99: error: `labels` is not in this version of Reprise
    3 |   - { id: a b, then: retr, where: elsewhere, checkpoint: yes, limit: 0, nodes_lost: 101, when: x, labels: {}, hwen: 1 }
      |                                                                                                   ^^^^^^ take it out; all fields of a rule: reprise help policy
policy.yaml:3:111: error: unknown field `hwen`
    3 |   - { id: a b, then: retr, where: elsewhere, checkpoint: yes, limit: 0, nodes_lost: 101, when: x, labels: {}, hwen: 1 }
      |                                                                                                               ^^^^ if `when` is meant: it is not in this version of Reprise, take it out
policy.yaml:4:34: error: `why` is 201 bytes long
    4 |   - { id: rest, then: fail, why: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
      |                                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ it may be 200 bytes
10 errors in policy.yaml, nothing submitted
"#,
    );
}

#[test]
fn what_only_retries_have_is_refused_elsewhere() {
    policy(
        r#"policy: mine
rules:
  - { id: spent, class: crash, then: park, limit: 3, backoff: [5s] }
  - { id: rest, then: fail }
"#,
        r#"policy.yaml:3:44: error: `limit` is for retries, and rule `spent` makes none
    3 |   - { id: spent, class: crash, then: park, limit: 3, backoff: [5s] }
      |                                            ^^^^^ take it out, or write `then: retry`
policy.yaml:3:54: error: `backoff` is for retries, and rule `spent` makes none
    3 |   - { id: spent, class: crash, then: park, limit: 3, backoff: [5s] }
      |                                                      ^^^^^^^ take it out, or write `then: retry`
2 errors in policy.yaml, nothing submitted
"#,
    );
}

#[test]
fn waits_and_needs_of_a_retry_have_bounds() {
    policy(
        r#"policy: mine
rules:
  - { id: a, then: retry, backoff: 5s }
  - { id: b, then: retry, backoff: [] }
  - { id: c, then: retry, backoff: [5, 25h] }
  - { id: d, then: retry, backoff: { delay: 1s } }
  - { id: e, then: retry, backoff: { shape: cubic, delay: 2m, max: 1m, factor: 0, first: soon, jitter: some, step: 1 } }
  - { id: f, then: retry, needs: { memory: x17, slots: 0, cpu: 3 } }
  - { id: g, then: retry, needs: { memory: 17TiB } }
  - { id: rest, then: fail }
"#,
        r#"policy.yaml:3:36: error: `backoff` must be a map, not `5s`
    3 |   - { id: a, then: retry, backoff: 5s }
      |                                    ^^ write it like `{ shape: exponential, delay: 1s, max: 60s }` or `[5s, 30s, 2m]`
policy.yaml:4:36: error: `backoff` is empty
    4 |   - { id: b, then: retry, backoff: [] }
      |                                    ^^ write it like `{ shape: exponential, delay: 1s, max: 60s }` or `[5s, 30s, 2m]`
policy.yaml:5:37: error: a time needs a unit
    5 |   - { id: c, then: retry, backoff: [5, 25h] }
      |                                     ^ write `5s`, `5m` or `5h` (0s to 1d)
policy.yaml:5:40: error: `backoff` is 25h
    5 |   - { id: c, then: retry, backoff: [5, 25h] }
      |                                        ^^^ it may be 0s to 1d
policy.yaml:6:36: error: `backoff` has no `shape`
    6 |   - { id: d, then: retry, backoff: { delay: 1s } }
      |                                    ^^^^^^^^^^^^^ write it like `{ shape: exponential, delay: 1s, max: 60s }` or `[5s, 30s, 2m]`
policy.yaml:7:45: error: `shape` cannot be `cubic`
    7 |   - { id: e, then: retry, backoff: { shape: cubic, delay: 2m, max: 1m, factor: 0, first: soon, jitter: some, step: 1 } }
      |                                             ^^^^^ write `constant`, `linear`, `exponential` or `fibonacci`
policy.yaml:7:59: error: `delay` is longer than `max`
    7 |   - { id: e, then: retry, backoff: { shape: cubic, delay: 2m, max: 1m, factor: 0, first: soon, jitter: some, step: 1 } }
      |                                                           ^^ no wait is longer than `max` (1h if it is not given)
policy.yaml:7:80: error: `factor` is 0
    7 |   - { id: e, then: retry, backoff: { shape: cubic, delay: 2m, max: 1m, factor: 0, first: soon, jitter: some, step: 1 } }
      |                                                                                ^ it may be 1 to 100
policy.yaml:7:90: error: `soon` is no time
    7 |   - { id: e, then: retry, backoff: { shape: cubic, delay: 2m, max: 1m, factor: 0, first: soon, jitter: some, step: 1 } }
      |                                                                                          ^^^^ write it like `90s`, `20m` or `1h30m` (0s to 1d)
policy.yaml:7:104: error: `jitter` cannot be `some`
    7 |   - { id: e, then: retry, backoff: { shape: cubic, delay: 2m, max: 1m, factor: 0, first: soon, jitter: some, step: 1 } }
      |                                                                                                        ^^^^ write `none` or `full`
policy.yaml:7:110: error: unknown field `step`
    7 |   - { id: e, then: retry, backoff: { shape: cubic, delay: 2m, max: 1m, factor: 0, first: soon, jitter: some, step: 1 } }
      |                                                                                                              ^^^^ all fields of `backoff`: reprise help policy
policy.yaml:8:44: error: `memory` cannot be `x17`
    8 |   - { id: f, then: retry, needs: { memory: x17, slots: 0, cpu: 3 } }
      |                                            ^^^ write `x2` to `x16`, or a size like `8GiB`
policy.yaml:8:56: error: `slots` is 0
    8 |   - { id: f, then: retry, needs: { memory: x17, slots: 0, cpu: 3 } }
      |                                                        ^ it may be 1 to 1,000
policy.yaml:8:59: error: unknown field `cpu`
    8 |   - { id: f, then: retry, needs: { memory: x17, slots: 0, cpu: 3 } }
      |                                                           ^^^ all fields of `needs` of a rule: reprise help policy
policy.yaml:9:44: error: `memory` is 17TiB
    9 |   - { id: g, then: retry, needs: { memory: 17TiB } }
      |                                            ^^^^^ it may be 1MiB to 16TiB
15 errors in policy.yaml, nothing submitted
"#,
    );
}

#[test]
fn rules_that_are_never_reached_are_refused() {
    policy(
        r#"policy: mine
rules:
  - { id: hung, class: stall, then: retry }
  - { id: verdict, then: fail }
  - { id: late, class: stall, then: park }
"#,
        r#"policy.yaml:5:11: error: rule `late` can never be reached
    5 |   - { id: late, class: stall, then: park }
      |           ^^^^ `verdict`, line 4, matches everything; put `late` above it
1 error in policy.yaml, nothing submitted
"#,
    );
    policy(
        r#"policy: mine
rules:
  - { id: a, class: [stall, crash], then: park }
  - { id: b, class: stall, then: retry }
  - { id: c, class: node_lost, nodes_lost: 2, then: park }
  - { id: d, class: node_lost, nodes_lost: 3, then: escalate }
  - { id: e, class: [crash, node_lost], nodes_lost: 2, then: fail }
  - { id: rest, then: fail }
"#,
        r#"policy.yaml:4:11: error: rule `b` can never be reached
    4 |   - { id: b, class: stall, then: retry }
      |           ^ `a`, line 3, matches all that it matches; put `b` above it
policy.yaml:6:11: error: rule `d` can never be reached
    6 |   - { id: d, class: node_lost, nodes_lost: 3, then: escalate }
      |           ^ `c`, line 5, matches all that it matches; put `d` above it
policy.yaml:7:11: error: rule `e` can never be reached
    7 |   - { id: e, class: [crash, node_lost], nodes_lost: 2, then: fail }
      |           ^ `a`, line 3, `c`, line 5, match all that it matches; put `e` above them
3 errors in policy.yaml, nothing submitted
"#,
    );
}

#[test]
fn ids_are_unique_and_the_last_rule_matches_everything() {
    policy(
        r#"policy: mine
rules:
  - { id: a, class: stall, then: retry }
  - { id: a, class: crash, then: fail }
"#,
        r#"policy.yaml:4:11: error: two rules are called `a`
    4 |   - { id: a, class: crash, then: fail }
      |           ^ the first one is in line 3; give each rule a name of its own
policy.yaml:4:11: error: the last rule must match everything
    4 |   - { id: a, class: crash, then: fail }
      |           ^ add `- { id: rest, then: fail }` below it: no `class`, no `nodes_lost`, no retry
2 errors in policy.yaml, nothing submitted
"#,
    );
    policy(
        r#"policy: mine
rules:
  - { id: a, then: retry }
"#,
        r#"policy.yaml:3:11: error: the last rule must match everything
    3 |   - { id: a, then: retry }
      |           ^ add `- { id: rest, then: fail }` below it: no `class`, no `nodes_lost`, no retry
1 error in policy.yaml, nothing submitted
"#,
    );
}
