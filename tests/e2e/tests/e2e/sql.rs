//! The journal in SQL from outside: what was decided can be asked for at once, stays once over killed engines, and asks
//! nothing of an engine that is away.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use broker::Broker;
use e2e::{Running, World, flows, wait};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

crate::trials![
    what_was_decided_can_be_asked_for_and_is_there_once_over_killed_engines,
    a_store_that_is_away_stops_no_engine_and_is_caught_up_after,
    an_execution_stands_in_sql_as_it_does_elsewhere_while_it_runs_and_after,
    a_table_that_is_lost_is_made_again_from_the_journal,
    answers_come_as_tables_csv_json_and_parquet_and_mistakes_with_their_place,
    a_question_about_an_earlier_moment_sees_no_later_row,
    what_would_take_all_memory_ends_its_own_process,
    statements_come_whole_from_standard_input_or_are_refused,
    tables_are_asked_for_by_a_flag_alone_and_must_be_there,
    engines_that_share_a_place_for_tables_write_each_row_once,
    engines_that_share_a_bucket_for_tables_write_each_row_once,
    what_is_deleted_before_it_has_landed_is_said_and_the_rest_lands,
];

/// What each row of a table is made of; no two are alike.
const PLACE: &str = "journal, journal_partition, journal_position, journal_row";
const TABLES: [&str; 8] = [
    "events",
    "executions_history",
    "attempts",
    "failures",
    "decisions",
    "recoveries_history",
    "test_results",
    "node_changes",
];

fn what_was_decided_can_be_asked_for_and_is_there_once_over_killed_engines() {
    let world = World::new();
    let mut engine = begin(&world, &[]);
    let _agent = world.agent("n1", 4, &[]);
    world.nodes_ready(1);
    for round in 1..=3_u64 {
        let execution = world.submit(&fails(&world, round));
        world.ended(&execution);
        // It is asked once, right after it is known elsewhere.
        let sql = format!("SELECT attempt, action FROM decisions WHERE execution_id = '{execution}' ORDER BY 1");
        assert_eq!(
            rows(&world, &sql),
            [json!({"attempt": 1, "action": "retry"}), json!({"attempt": 2, "action": "fail"})]
        );
        let sql = format!("SELECT state, failed, passed FROM executions WHERE execution_id = '{execution}'");
        assert_eq!(rows(&world, &sql), [json!({"state": "failed", "failed": 1, "passed": 8})]);
        engine.kill();
        engine = begin(&world, &[]);
    }
    is_whole(&world);
    // Without an engine what has landed is there; who asks for all says where.
    wait::for_it("the last rows have landed", || all_has_landed(&world));
    let all = counts(&world, &[]);
    engine.stop();
    let tables = world.path("data/tables").display().to_string();
    assert_eq!(counts(&world, &["--tables", &tables]), all);
    world.run(&["sql", "SELECT 1"]).ended(6).says(&["--tables"]);
    world.run(&["sql", "\\d attempts"]).ended(0).says(&["run_ms"]);
}

fn a_store_that_is_away_stops_no_engine_and_is_caught_up_after() {
    let world = World::new();
    // A file stands where the folder should be made: nobody writes there, root neither.
    fs::write(world.path("shelf"), "").unwrap();
    let tables = world.path("shelf/tables").display().to_string();
    let engine = begin(&world, &["--tables", &tables]);
    let _agent = world.agent("n1", 4, &[]);
    world.nodes_ready(1);
    let execution = world.submit(&fails(&world, 1));
    assert_eq!(world.ended(&execution)["tasks"]["passed"], 8);
    wait::for_it("it says that nothing lands", || engine.said().contains("nothing lands in the tables"));
    assert!(world.is_ready(), "an engine needs no tables");
    assert_eq!(world.run(&["sql", "SELECT * FROM events"]).code, Some(7));
    world.run(&["status"]).ended(0).says(&["tables: nothing lands in them"]);
    fs::remove_file(world.path("shelf")).unwrap();
    wait::for_it("rows land again", || engine.said().contains("rows land in the tables again"));
    is_whole(&world);
    let kinds = rows(&world, "SELECT count(*) AS n FROM attempts");
    assert_eq!(kinds, [json!({"n": 10})]);
}

fn an_execution_stands_in_sql_as_it_does_elsewhere_while_it_runs_and_after() {
    let world = World::new();
    let _cast = [begin(&world, &[]), world.agent("n1", 4, &[])];
    world.nodes_ready(1);
    let go = world.path("go");
    let tasks = json!({
        "quick": flows::task(&world, "true", json!({})),
        "long": flows::task(&world, &format!("while [ ! -e '{}' ]; do sleep 0.05; done", go.display()), json!({})),
        "homeless": flows::task(&world, "true", json!({"dir": "/nowhere"})),
    });
    let execution = world.submit(&flows::flow("stands", tasks));
    let sql = format!("SELECT state, passed, failed, parked FROM executions WHERE execution_id = '{execution}'");
    world.task_is(&execution, "quick", "passed");
    world.task_is(&execution, "homeless", "parked");
    assert_eq!(rows(&world, &sql), [json!({"state": "running", "passed": 1, "failed": 0, "parked": 1})]);
    fs::write(go, "").unwrap();
    world.ended(&execution);
    assert_eq!(rows(&world, &sql), [json!({"state": "failed", "passed": 2, "failed": 0, "parked": 1})]);
    let cancelled = world.submit(&flows::flow(
        "waits",
        json!({"nowhere": flows::task(&world, "true", json!({"needs": {"labels": {"os": "nowhere"}}}))}),
    ));
    world.run(&["cancel", &cancelled, "--reason", "enough"]).ended(0);
    world.ended(&cancelled);
    let sql_of_it = format!("SELECT state, cancelled, skipped FROM executions WHERE execution_id = '{cancelled}'");
    assert_eq!(rows(&world, &sql_of_it), [json!({"state": "cancelled", "cancelled": 1, "skipped": 0})]);
    world.run(&["parked", "drop", &format!("{execution}/homeless"), "--reason", "nobody needs it"]).ended(0);
    assert_eq!(rows(&world, &sql), [json!({"state": "failed", "passed": 2, "failed": 1, "parked": 0})]);
    is_whole(&world);
}

fn a_table_that_is_lost_is_made_again_from_the_journal() {
    let world = World::new();
    let engine = begin(&world, &[]);
    let _agent = world.agent("n1", 4, &[]);
    world.nodes_ready(1);
    let first = world.submit(&fails(&world, 1));
    world.ended(&first);
    let tables = world.path("data/tables").display().to_string();
    let ended = "SELECT count(*) AS n FROM events WHERE kind = 'execution_ended'";
    wait::for_it("its end has landed", || {
        world.run(&["sql", "--output", "csv", "--tables", &tables, ended]).out == "n\n1\n"
    });
    wait::for_it("its writer knows", || all_has_landed(&world));
    fs::remove_dir_all(world.path("data/tables/events")).unwrap();
    let second = world.submit(&fails(&world, 2));
    world.ended(&second);
    wait::for_it("its loss is noticed", || engine.said().contains("its rows are made again from the journal"));
    is_whole(&world);
    assert_eq!(rows(&world, ended), [json!({"n": 2})]);
}

fn answers_come_as_tables_csv_json_and_parquet_and_mistakes_with_their_place() {
    let world = World::new();
    let _cast = [begin(&world, &[]), world.agent("n1", 4, &[])];
    world.nodes_ready(1);
    let execution = world.submit(&fails(&world, 1));
    world.ended(&execution);
    let sql = "SELECT task_id, count(*) AS n FROM attempts GROUP BY 1 ORDER BY n DESC, 1 LIMIT 2";
    world.run(&["sql", sql]).ended(0).says(&["task_id  n\nfails    2\nt1       1\n(2 rows)"]);
    world.run(&["sql", "--output", "csv", sql]).ended(0).says(&["task_id,n\nfails,2\nt1,1\n"]);
    world.run(&["sql", "--output", "json", sql]).ended(0).says(&["{\"task_id\":\"fails\",\"n\":2}\n"]);
    let parquet = world.shell(&format!("\"$REPRISE\" sql --output parquet \"{sql}\" > two.parquet")).output().unwrap();
    assert!(parquet.status.success());
    let bytes = fs::read(world.path("two.parquet")).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "{} bytes", bytes.len());
    let piped = world.shell("echo 'SELECT 1 AS a; SELECT 2 AS b;' | \"$REPRISE\" sql --output csv").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&piped.stdout), "a\n1\nb\n2\n");
    world.run(&["sql", "\\d"]).ended(0).says(&["attempts", "view: "]);
    world.run(&["sql", "\\d decisions"]).ended(0).says(&["action", "bigint", "timestamptz"]);
    world.run(&["sql", "SELECT node FROM attempts"]).ended(3).says(&["sql:1:8: error:", "node", "^^^^"]);
    world.run(&["sql", "SELECT * FROM attemps"]).ended(3).says(&["did you mean `attempts`?"]);
    world.run(&["sql", "DROP TABLE attempts"]).ended(3).says(&["DROP is refused"]);
    world.run(&["sql", "SELECT * FROM '/etc/passwd'"]).ended(3);
    world.run(&["status", "--output", "csv"]).ended(2).says(&["reprise sql"]);
    let long = "SELECT sum(value) FROM generate_series(1, 100000000000)";
    world.run(&["sql", "--timeout", "1s", long]).ended(5).says(&["ended after 1 s", "--timeout"]);
    let large = "SELECT max(a.value + b.value) FROM generate_series(1, 9000000) a JOIN generate_series(1, 9000000) b USING (value)";
    world.run(&["sql", "--memory", "16MiB", large]).ended(5).says(&["takes more than it may", "--memory"]);
    assert!(world.is_ready());
}

fn a_question_about_an_earlier_moment_sees_no_later_row() {
    let world = World::new();
    let _cast = [begin(&world, &[]), world.agent("n1", 4, &[])];
    world.nodes_ready(1);
    let first = world.submit(&fails(&world, 1));
    world.ended(&first);
    let then = rows(&world, "SELECT max(ts) AS ts FROM events")[0]["ts"].as_str().unwrap().to_owned();
    let second = world.submit(&fails(&world, 2));
    world.ended(&second);
    let sql = "SELECT execution_id, state FROM executions ORDER BY 1";
    assert_eq!(rows(&world, sql).len(), 2);
    let said = world.run(&["sql", "--output", "json", "--as-of", &then, sql]).ended(0);
    assert_eq!(lines(&said.out), [json!({"execution_id": first, "state": "failed"})]);
    let said = world.run(&["sql", "--output", "json", "--as-of", &then, "SELECT max(ts) <= now() AS old FROM events"]);
    assert_eq!(lines(&said.ended(0).out), [json!({"old": true})]);
    world.run(&["sql", "--as-of", "yesterday", sql]).ended(2).says(&["2026-03-14"]);
    world.run(&["sql", "--as-of", "9999-01-01", sql]).ended(2).says(&["is yet to come"]);
}

fn what_would_take_all_memory_ends_its_own_process() {
    let world = World::new();
    let _engine = begin(&world, &[]);
    // None of these is sorted, grouped or joined.
    for large in ["SELECT length(repeat('x', 2000000000))", "SELECT repeat('x', 200000) FROM generate_series(1, 10000)"]
    {
        let words = ["takes more than it may: this process holds", "--memory"];
        world.run(&["sql", "--memory", "64MiB", large]).ended(5).says(&words);
    }
    world
        .run(&["sql", "--memory", "64MiB", "SELECT length(repeat('x', 100000000)) AS n"])
        .ended(0)
        .says(&["100000000"]);
    assert!(world.is_ready());
}

fn statements_come_whole_from_standard_input_or_are_refused() {
    let world = World::new();
    let _engine = begin(&world, &[]);
    let in_form = |form: &str, text: &str| {
        fs::write(world.path("asked.sql"), text).unwrap();
        world.shell(&format!("\"$REPRISE\" sql --output {form} < asked.sql")).output().unwrap()
    };
    let asked = |text: &str| in_form("csv", text);
    let out = |text: &str| String::from_utf8(asked(text).stdout).unwrap();
    assert_eq!(out("/* don't; */ SELECT 1 AS a; -- so; it\nSELECT ';' AS b /* ; */;"), "a\n1\nb\n;\n");
    assert_eq!(out("/* nothing; */ ;"), "");
    commands_are_lines_and_mistakes_have_their_place_in_the_whole(&world, |text| in_form("text", text));
    let long = asked(&format!("SELECT 1 AS a;{}SELECT 2 AS b;", " ".repeat(1 << 20)));
    assert_eq!((long.status.code(), long.stdout.as_slice()), (Some(3), &b""[..]));
    let words = String::from_utf8(long.stderr).unwrap();
    assert!(words.contains("standard input has more than 1048576 bytes"), "{words}");
    world.run(&["sql", "SELECT 'two\nlines' AS a, 1 AS b"]).ended(0).says(&["a          b\ntwo lines  1\n(1 row)"]);
    world.run(&["sql", "EXPLAIN SELECT 1 AS a"]).ended(0).says(&["logical_plan\nProjection"]);
}

fn commands_are_lines_and_mistakes_have_their_place_in_the_whole(world: &World, asked: impl Fn(&str) -> Output) {
    let text = |text: &str| {
        let Output { status, stdout, stderr } = asked(text);
        (status.code(), String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap())
    };
    let (code, said) = text("\\d attempts\nSELECT 1 AS a;\n\\q\nSELEC 2;");
    assert!(code == Some(0) && said.contains("run_ms") && said.ends_with("a\n1\n(1 row)\n"), "{said}");
    let (code, said) = text("SELECT 1 AS a;\n  SELECT 2 AS a; SELEC 3;");
    assert!(
        code == Some(3) && said.starts_with("a\n1\n(1 row)\na\n2\n(1 row)\n") && said.contains("sql:2:18: error:"),
        "{said}"
    );
    let (code, said) = text("\n\\copy attempts\nSELECT 1;");
    assert!(code == Some(3) && said.contains("sql:2:1: error: `\\copy attempts` is no command"), "{said}");
    for (statement, place) in
        [("SELECT 7,\n  8/0", "sql:2:4"), ("SELECT now() - 7", "sql:1:14"), ("SELECT sqrt(-1)", "sql:1:1")]
    {
        world.run(&["sql", statement]).ended(3).says(&[place]);
    }
}

fn tables_are_asked_for_by_a_flag_alone_and_must_be_there() {
    let world = World::new();
    // Its tables are empty: that is no mistake, as the engine itself says where they are.
    let _engine = begin(&world, &[]);
    world.run(&["sql", "SELECT count(*) AS n FROM attempts"]).ended(0).says(&["n\n0\n(1 row)"]);
    let nowhere = world.path("typo").display().to_string();
    world.run(&["sql", "--tables", &nowhere, "SELECT 1"]).ended(4).says(&[
        "there are no tables at",
        "typo",
        "--tables",
    ]);
    fs::create_dir(world.path("empty")).unwrap();
    let empty = world.path("empty").display().to_string();
    world.run(&["sql", "--tables", &empty, "SELECT count(*) FROM events"]).ended(4).says(&["there are no tables at"]);
    assert!(!world.path("typo").exists(), "asking makes no folder");
    let set = format!("REPRISE_TABLES={nowhere} \"$REPRISE\" sql 'SELECT count(*) FROM attempts'");
    let asked = world.shell(&set).output().unwrap();
    assert!(asked.status.success(), "what an engine is set to is nothing to `sql`");
}

fn engines_that_share_a_place_for_tables_write_each_row_once() {
    let first = World::on_kafka(&broker::address(), 2);
    let shelf = first.path("shelf").display().to_string();
    share(&first, &shelf);
}

fn engines_that_share_a_bucket_for_tables_write_each_row_once() {
    let mut first = World::on_kafka(&broker::address(), 2);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/s3.py");
    let s3 = first.begin("s3", &mut first.command_of(&e2e::python::with("moto"), &[&script.display().to_string()]));
    wait::for_it("an S3 serves", || s3.said().contains("serves at"));
    let address = s3.said().lines().find_map(|line| line.strip_prefix("serves at ").map(str::to_owned)).unwrap();
    let variables = [
        ("AWS_ENDPOINT", address.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    first.environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    share(&first, "s3://reprise/tables");
    let landed = first.run(&["sql", "--tables", "s3://reprise/tables", "SELECT count(*) > 0 AS some FROM events"]);
    landed.ended(0).says(&["true"]);
    // A store that answers nobody holds no engine up that shall end, and keeps nobody from leading after it.
    let mut third = first.beside("third");
    third.environment = first.environment.clone();
    let seats = [&first, &third];
    let mut engines = seats.map(|seat| begin(seat, &["--tables", "s3://reprise/tables"]));
    first.submit(&fails(&first, 3));
    let writes = |seat: &&World| seat.leads() && !says_metric(seat, "reprise_tables_rows_total 0");
    let leads = wait::until("who leads writes rows", || seats.iter().position(writes));
    s3.signal(Signal::SIGSTOP);
    first.submit(&fails(&first, 3));
    wait::for_it("rows wait for the store", || !all_has_landed(seats[leads]));
    let leaving = &mut engines[leads];
    leaving.signal(Signal::SIGTERM);
    wait::for_it("the other leads", || seats[1 - leads].leads());
    assert!(!leaving.said().contains("did not land"), "it still waits for the store: {}", leaving.said());
    assert!(
        leaving.wait().success() && leaving.said().contains("rows did not land in the tables"),
        "{}",
        leaving.said()
    );
    s3.signal(Signal::SIGCONT);
}

/// Two engines write to one place, each is killed while it leads, and no row is lost or there twice.
fn share(first: &World, shelf: &str) {
    let mut second = first.beside("second");
    second.environment = first.environment.clone();
    let mut seats = [(first, begin(first, &["--tables", shelf])), (&second, begin(&second, &["--tables", shelf]))];
    let _agent = first.agent_on_kafka("k1", 4, &[]);
    first.nodes_ready(1);
    for round in 1..=2_u64 {
        let execution = first.submit(&fails(first, round));
        first.ended(&execution);
        let (leads, other) = if first.leads() { (0, 1) } else { (1, 0) };
        let sql = format!("SELECT count(*) AS n FROM decisions WHERE execution_id = '{execution}'");
        for (seat, _) in &seats {
            wait::for_it("each of them knows it", || rows(seat, &sql) == [json!({"n": 2})]);
        }
        seats[leads].1.kill();
        wait::for_it("the other leads", || seats[other].0.leads());
        seats[leads].1 = begin(seats[leads].0, &["--tables", shelf]);
    }
    for (seat, engine) in &mut seats {
        seat.ready(engine);
        is_whole(seat);
    }
}

/// As where a topic's retention is shorter than the store was away.
fn what_is_deleted_before_it_has_landed_is_said_and_the_rest_lands() {
    let broker = Broker::shared();
    let world = World::on_kafka(&broker.address(), 1);
    let shelf = world.path("shelf");
    let address = shelf.display().to_string();
    let mut engine = begin(&world, &["--tables", &address]);
    let _agent = world.agent_on_kafka("k1", 4, &[]);
    world.nodes_ready(1);
    wait::for_it("a snapshot is written", || {
        world.ended(&world.submit(&fails(&world, 1)));
        newest_snapshot(&world).is_some()
    });
    engine.stop();
    fs::remove_dir_all(&shelf).unwrap();
    let reached = newest_snapshot(&world).unwrap();
    broker.delete_records(&world.topic("journal"), reached);

    let engine = begin(&world, &["--tables", &address]);
    wait::for_it("it is said", || engine.said().contains("deleted from the journal before they had landed"));
    let after = world.submit(&fails(&world, 2));
    world.ended(&after);
    let sql = format!("SELECT count(*) AS n FROM decisions WHERE execution_id = '{after}'");
    wait::for_it("what came later can be asked for", || rows(&world, &sql) == [json!({"n": 2})]);
    wait::for_it("all has landed", || all_has_landed(&world));
    for (table, [all, different]) in counts(&world, &[]) {
        assert_eq!(all, different, "rows of {table} are there twice");
    }
}

/// Up to where in the journal the newest snapshot reaches.
fn newest_snapshot(world: &World) -> Option<u64> {
    let text = fs::read_to_string(world.snapshots().into_iter().max()?).ok()?;
    lines(text.lines().next()?)[0]["head"]["replica"]["position"].as_u64()
}

fn all_has_landed(world: &World) -> bool {
    says_metric(world, "reprise_tables_waiting_bytes 0")
}

fn says_metric(world: &World, line: &str) -> bool {
    let metrics = world.ask("GET", "/metrics", &[], b"").unwrap().body;
    metrics.lines().any(|said| said == line)
}

/// Each row is there once, and as many events as the journal has.
fn is_whole(world: &World) {
    let counts = counts(world, &[]);
    for (table, [all, different]) in &counts {
        assert_eq!(all, different, "rows of {table} are there twice");
    }
    let journal = world.run(&["journal", "--output", "json"]).ended(0);
    let last = lines(&journal.out).last().unwrap()["position"].as_u64().unwrap();
    let upto = journal.out.lines().count() as u64;
    let sql = format!("SELECT count(*) AS n FROM events WHERE pool = 'default' AND position <= {last}");
    assert_eq!(rows(world, &sql), [json!({"n": upto})]);
}

/// How many rows each table has, and how many different ones.
fn counts(world: &World, more: &[&str]) -> BTreeMap<&'static str, [u64; 2]> {
    let count = |table: &'static str| {
        let sql = format!(
            "SELECT count(*) AS n, (SELECT count(*) FROM (SELECT DISTINCT {PLACE} FROM {table})) AS different FROM {table}"
        );
        let arguments = [&["sql", "--output", "json"], more, &[sql.as_str()]].concat();
        let row = lines(&world.run(&arguments).ended(0).out).remove(0);
        (table, ["n", "different"].map(|name| row[name].as_u64().unwrap()))
    };
    TABLES.into_iter().map(count).collect()
}

fn rows(world: &World, sql: &str) -> Vec<Value> {
    lines(&world.run(&["sql", "--output", "json", sql]).ended(0).out)
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect()
}

/// Nine tasks, of which one fails twice.
fn fails(world: &World, round: u64) -> Value {
    let tasks = (1..=8).map(|n| (format!("t{n}"), flows::task(world, "true", json!({}))));
    let bad = ("fails".to_owned(), flows::task(world, &format!("exit {round}"), json!({})));
    flows::flow("sql", Value::Object(tasks.chain([bad]).collect()))
}

/// An engine whose rows land soon.
fn begin(world: &World, more: &[&str]) -> Running {
    let arguments = world.up_arguments();
    let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    arguments.extend(["--tables-flush", "500ms"]);
    arguments.extend(more);
    let mut engine = world.begin(&world.engine_name(), &mut world.command(&arguments));
    world.ready(&mut engine);
    engine
}
