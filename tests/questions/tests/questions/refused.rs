//! What is no question, or would be more than one, is refused in words, at its place.

use sql::mistake::Whose;
use sql::statement::{MAX_BYTES, MAX_DEPTH, MAX_TABLES, MAX_WORDS, STACK_BYTES};
use sql::{Mistake, Session};

use questions::stage::stage;

const ONE_TASK: &str =
    "`why` takes one task: why('nightly-web-118/build'), or why('build') for the newest (line 1, column 15)";
const NOT_READ: &str = "SELECT, EXPLAIN, SHOW and DESCRIBE are there to read";

#[tokio::test]
async fn names_that_are_not_there_are_said_with_those_that_are_meant() {
    refuse(&[
        (
            "SELECT execution_idd FROM executions",
            "there is no column `execution_idd` (line 1, column 8); did you mean `execution_id`?",
        ),
        (
            "SELECT execution_id,\n  stat\nFROM executions",
            "there is no column `stat` (line 2, column 3); did you mean `state`?",
        ),
        ("SELECT e.stat FROM executions e", "there is no column `stat` (line 1, column 8); did you mean `state`?"),
        ("SELECT * FROM execution", "there is no table `execution` (line 1, column 15); did you mean `executions`?"),
        (
            "SELECT *\n  FROM executions e JOIN evnts USING (execution_id)",
            "there is no table `evnts` (line 2, column 26); did you mean `events`?",
        ),
        ("SELECT cuont(*) FROM events", "there is no function `cuont` (line 1, column 8); did you mean `count`?"),
        (
            "SELECT position FROM events a, events b",
            "more than one table has a column `position` (line 1, column 8); say whose, as in `e.position`",
        ),
        ("DESCRIBE evnts", "there is no table `evnts` (line 1, column 10); did you mean `events`?"),
    ])
    .await;
    let none = refusal(&stage().await.session(), "SELECT nonsense FROM recoveries").await;
    assert!(none.hint.starts_with("there are recovery_id, pool, cause, node_id"), "{none}");
    let nonsense = refusal(&stage().await.session(), "SELECT * FROM nonsense").await;
    assert_eq!(nonsense.hint, format!("there are {}", Session::names().join(", ")));
}

#[tokio::test]
async fn what_does_not_parse_is_said_at_the_word_that_was_not_expected() {
    refuse(&[
        ("SELEC 1", "Expected: an SQL statement, found: SELEC (line 1, column 1)"),
        ("SELECT kind\nFORM events", "Expected: end of statement, found: events (line 2, column 6)"),
        ("SELECT count(*) FROM events WHERE", "Expected: an expression, found: the end (line 1, column 34)"),
        ("SELECT (1", "Expected: ), found: the end (line 1, column 10)"),
        ("SELECT 'a", "Unterminated string literal (line 1, column 8)"),
        ("", "there is no statement; try: SELECT * FROM executions LIMIT 5"),
        (" ; ", "there is no statement; try: SELECT * FROM executions LIMIT 5"),
        ("-- only a thought", "there is no statement; try: SELECT * FROM executions LIMIT 5"),
        ("SELECT 1; SELECT 2", "there are 2 statements (line 1, column 11); ask one at a time"),
        ("SELECT 1;\nDROP TABLE events;\nSELECT 2", "there are 3 statements (line 2, column 1); ask one at a time"),
    ])
    .await;
    let answer = stage().await.session().run("SELECT ';'; -- a semicolon at the end is no second statement").await;
    assert!(answer.is_ok());
}

#[tokio::test]
async fn what_would_change_something_is_refused_and_nothing_of_it_is_done() {
    let refused = |word: &str, column: u32| {
        format!(
            "{word} is refused: the tables are what the journal says, and only read here (line 1, column {column}); {NOT_READ}"
        )
    };
    let session = stage().await.session();
    for (text, word, column) in [
        ("DROP TABLE events", "DROP", 1),
        ("DROP VIEW retries", "DROP", 1),
        ("INSERT INTO events SELECT * FROM events", "INSERT", 1),
        ("UPDATE events SET pool = 'x'", "UPDATE", 1),
        ("DELETE FROM events", "DELETE", 1),
        ("TRUNCATE TABLE events", "TRUNCATE", 1),
        ("ALTER TABLE events RENAME TO e", "ALTER", 1),
        ("CREATE TABLE x AS SELECT 1", "CREATE", 1),
        ("CREATE VIEW x AS SELECT 1", "CREATE", 1),
        ("CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'", "CREATE EXTERNAL TABLE", 1),
        ("CREATE FUNCTION f() RETURNS INT RETURN 1", "CREATE", 1),
        ("COPY events TO 'events.csv'", "COPY", 1),
        ("COPY (SELECT 1) TO 'one.parquet' STORED AS PARQUET", "COPY", 1),
        ("set datafusion.execution.batch_size = 1", "SET", 1),
        ("SET TIME ZONE 'America/New_York'", "SET", 1),
        ("RESET datafusion.execution.batch_size", "RESET", 1),
        ("EXPLAIN INSERT INTO events SELECT * FROM events", "INSERT", 9),
        ("EXPLAIN ANALYZE INSERT INTO events SELECT * FROM events", "INSERT", 17),
        ("EXPLAIN COPY events TO 'events.csv'", "COPY", 9),
        ("SELECT * INTO x FROM events", "INTO", 10),
        ("WITH a AS (SELECT 1) SELECT * INTO x FROM a", "INTO", 31),
        ("SELECT 1 AS n UNION SELECT 2 AS n INTO x", "INTO", 35),
        ("SELECT * FROM (SELECT * INTO x FROM events)", "INTO", 25),
        ("EXPLAIN SELECT * INTO x FROM events", "INTO", 18),
        ("WITH a AS (INSERT INTO events SELECT 1 RETURNING 1) SELECT * FROM a", "INSERT", 12),
        ("PREPARE p AS SELECT 1", "PREPARE", 1),
        ("BEGIN", "BEGIN", 1),
        ("USE information_schema", "USE", 1),
    ] {
        let mistake = refusal(&session, text).await;
        assert_eq!((mistake.whose, mistake.to_string()), (Whose::Statement, refused(word, column)), "{text}");
    }
}

#[tokio::test]
async fn what_would_be_passed_over_without_a_word_is_refused() {
    refuse(&[
        (
            "SELECT * FROM events TABLESAMPLE SYSTEM (10)",
            "TABLESAMPLE is not done here (line 1, column 15); ask without it",
        ),
        ("SELECT * FROM events PARTITION (day)", "PARTITION is not done here (line 1, column 15); ask without it"),
        (
            "SELECT 1 FROM (SELECT * FROM events WITH ORDINALITY)",
            "WITH ORDINALITY is not done here (line 1, column 30); ask without it",
        ),
        (
            "SELECT 1 FROM events\nWHERE kind SIMILAR TO 'a%'",
            "SIMILAR TO is not done here (line 2, column 7); say LIKE, or ~ and a regular expression",
        ),
        (
            "SELECT 1 FROM events PREWHERE position = 7",
            "Expected: end of statement, found: PREWHERE (line 1, column 22)",
        ),
        (
            "SELECT kind FROM events GROUP BY kind WITH ROLLUP",
            "Expected: end of statement, found: WITH (line 1, column 39)",
        ),
        (
            "SELECT kind FROM events CONNECT BY kind",
            "CONNECT BY is not done here (line 1, column 1); say WITH RECURSIVE",
        ),
        ("SELECT * ILIKE '%id' FROM events", "Expected: end of statement, found: ILIKE (line 1, column 10)"),
        ("SELECT kind FROM events LIMIT 1 BY kind", "Expected: end of statement, found: BY (line 1, column 33)"),
        ("SELECT row_number() OVER (w ORDER BY position) FROM events WINDOW w AS (PARTITION BY kind)", "a window of `w` and more is not done here (line 1, column 8); write it whole, or say OVER w"),
        ("SELECT 1 FROM events WINDOW w AS (ORDER BY ts), v AS (w ROWS 1 PRECEDING)", "a window of `w` and more is not done here (line 1, column 49); write it whole, or say OVER w"),
        ("SELECT 1 FROM failures FULL JOIN executions USING (execution_id)", "RIGHT or FULL JOIN with USING or NATURAL is not done here (line 1, column 34); say ON a.x = b.x, and coalesce(a.x, b.x)"),
        ("SELECT 1 FROM (failures f NATURAL RIGHT JOIN executions e)", "RIGHT or FULL JOIN with USING or NATURAL is not done here (line 1, column 46); say ON a.x = b.x, and coalesce(a.x, b.x)"),
        ("SELECT 2 ^ 3", "^ is not done here (line 1, column 8); say power(2, 3)"),
        ("SELECT upper(DISTINCT kind) FROM events", "`upper` with DISTINCT, ORDER BY, FILTER, OVER or WITHIN GROUP is not done here (line 1, column 8); these are for functions of many rows, as count"),
        ("SELECT ago('7d') FILTER (WHERE false)", "`ago` with DISTINCT, ORDER BY, FILTER, OVER or WITHIN GROUP is not done here (line 1, column 8); these are for functions of many rows, as count"),
        ("SELECT 1 FROM events FOR JSON AUTO", "FOR XML or JSON is not done here (line 1, column 1); say --output json"),
        ("FROM events", "Expected: SELECT, VALUES, or a subquery in the query body, found: FROM (line 1, column 1)"),
        ("SELECT 'abc'::varchar(2)", "the length of a text, as in varchar(2), is not done here (line 1, column 8); say left(…, 3)"),
        ("SELECT char(2) 'abc'", "the length of a text, as in char(2), is not done here (line 1, column 16); say left(…, 3)"),
        ("SELECT kind FROM events EXCEPT ALL SELECT 'x'", "EXCEPT ALL is not done here (line 1, column 36); say it without ALL"),
        ("SELECT kind->>'a' AT TIME ZONE 'UTC' FROM events", "AT TIME ZONE behind an operator is not done here (line 1, column 8); put brackets around what stands before it"),
        ("SELECT x.kind FROM events e", "there is no column `x.kind` (line 1, column 8); say of which table here it is, or nothing of that"),
        ("SELECT kind FROM events FORMAT JSON", "Expected: end of statement, found: FORMAT (line 1, column 25)"),
    ])
    .await;
}

#[tokio::test]
async fn subqueries_that_would_be_answered_otherwise_are_refused_and_no_others() {
    let anew = |what: &str| {
        let hint = "join with a query that does it for all, or compare (SELECT count(*) …)";
        format!("{what} in a subquery that is asked anew for each row is not done here (line 1, column 1); {hint}")
    };
    let unknown = "IN (SELECT …) whose being unknown matters is not done here (line 1, column 1); \
                   say IN without NOT, OR and functions around it, or NOT EXISTS (… WHERE a.x = b.x)";
    let (counts, offset, window) = (anew("counting of all rows"), anew("OFFSET"), anew("a window function"));
    let of_each = "FROM failures f WHERE f.execution_id = e.execution_id";
    let table = [
        (format!("0 IN (SELECT count(*) {of_each})"), Some(counts.as_str())),
        (format!("EXISTS (SELECT 1 {of_each} HAVING count(*) = 0)"), Some(&counts)),
        (format!("EXISTS (SELECT class, count(*) {of_each} GROUP BY ROLLUP(class))"), Some(&counts)),
        (format!("NOT EXISTS (SELECT 1 {of_each} OFFSET 5)"), Some(&offset)),
        (format!("1 IN (SELECT rank() OVER (ORDER BY f.ts) {of_each})"), Some(&window)),
        (format!("1 = (SELECT max(r) FROM (SELECT rank() OVER (ORDER BY f.ts) r {of_each}))"), Some(&window)),
        ("flow NOT IN (SELECT flow FROM failures) OR tasks > 1".to_owned(), Some(unknown)),
        ("NOT (flow IN (SELECT flow FROM failures) AND tasks > 1)".to_owned(), Some(unknown)),
        ("coalesce(flow IN (SELECT flow FROM failures), true)".to_owned(), Some(unknown)),
        ("(flow IN (SELECT flow FROM failures)) IS NULL".to_owned(), Some(unknown)),
        ("flow IN (SELECT flow FROM failures) OR tasks > 1".to_owned(), None),
        ("NOT (flow IN (SELECT flow FROM failures)) AND tasks > 1".to_owned(), None),
        (format!("EXISTS (SELECT 1 {of_each}) OR NOT EXISTS (SELECT 1 {of_each})"), None),
        (format!("EXISTS (SELECT class {of_each} GROUP BY class HAVING count(*) > 1)"), None),
        (format!("(SELECT count(*) {of_each}) = 0"), None),
        ("tasks IN (SELECT max(tasks) FROM executions)".to_owned(), None),
        ("EXISTS (SELECT 1 FROM (SELECT max(attempt) m FROM attempts) f WHERE f.m < e.tasks)".to_owned(), None),
        (
            "EXISTS (SELECT 1 FROM (SELECT flow FROM failures ORDER BY ts OFFSET 20) f WHERE f.flow = e.flow)"
                .to_owned(),
            None,
        ),
    ];
    let session = stage().await.session();
    for (condition, want) in table {
        let statement = format!("SELECT count(*) FROM executions e WHERE {condition}");
        let said = match session.run(&statement).await {
            Err(mistake) => Some(mistake.to_string()),
            Ok(mut answer) => answer.collect().await.err().map(|mistake| mistake.to_string()),
        };
        assert_eq!(said.as_deref(), want, "{statement}");
    }
    let lateral = "SELECT e.execution_id FROM executions e JOIN LATERAL (SELECT row_number() OVER (ORDER BY a.run_ms) r FROM \
                   attempts a WHERE a.execution_id = e.execution_id) l ON l.r = 1";
    assert_eq!(refusal(&session, lateral).await.to_string(), window);
}

#[tokio::test]
async fn no_file_is_read_but_those_of_the_tables() {
    let session = stage().await.session();
    for text in ["SELECT * FROM '/etc/passwd'", "SELECT * FROM \"/etc/passwd\"", "SELECT * FROM \"file:///etc/passwd\""]
    {
        let mistake = refusal(&session, text).await;
        assert!(mistake.message.starts_with("there is no table `"), "{text}: {mistake}");
    }
    for function in ["read_parquet", "read_csv", "read_json", "parquet_metadata", "parquet_scan", "glob"] {
        let mistake = refusal(&session, &format!("SELECT * FROM {function}('/etc/passwd')")).await;
        let want = format!(
            "there is no table function `{function}` (line 1, column 15); there is why('EXECUTION/TASK'); files are not read"
        );
        assert_eq!(mistake.to_string(), want);
    }
}

#[tokio::test]
async fn wrong_arguments_are_said_with_right_ones() {
    refuse(&[
        ("SELECT ago('x')", "'x' is no length of time: write 90s, 15m, 2h, 7d, 4w or 1d12h (line 1, column 13)"),
        ("SELECT count(*) FROM events WHERE ts > ago('7 days')", "'7 days' is no length of time: write 90s, 15m, 2h, 7d, 4w or 1d12h (line 1, column 45)"),
        ("SELECT ago(kind) FROM events", "`ago` takes a length of time that stands in the statement, as in ago('7d') (line 1, column 8)"),
        ("SELECT * FROM why()", ONE_TASK),
        ("SELECT * FROM why(7)", ONE_TASK),
        ("SELECT * FROM why('build', 'lint')", ONE_TASK),
        ("SELECT * FROM events WHERE ts > 'yesterday'", "Error parsing timestamp from 'yesterday': timestamp must contain at least 10 characters (line 1, column 34)"),
        ("SELECT CAST('x' AS INT)", "Cannot cast string 'x' to value of Int32 type (line 1, column 14)"),
        ("SELECT 1 / 0", "division by zero (line 1, column 10)"),
        ("SELECT kind FROM events\nWHERE position / 0 = 1", "division by zero (line 2, column 16)"),
        ("SELECT count(*) FROM events WHERE ts > now() - 7", "Cannot coerce arithmetic expression Timestamp(ns, \"+00:00\") - Int64 to valid types (line 1, column 46)"),
        ("SELECT * FROM events WHERE position = true", "Cannot infer common argument type for comparison operation Int64 = Boolean (line 1, column 37)"),
        ("SELECT sum(kind) FROM events", "`sum` takes Decimal or UInt64 or Int64 or Float64 or Duration or Interval (line 1, column 8)"),
        ("-- which?\n  SELECT a.* FROM events", "Invalid qualifier a (line 2, column 3)"),
        ("SELECT to_char(now(), 'YYYY-MM-DD')", "'YYYY-MM-DD' is no pattern of `to_char`: write one like '%Y-%m-%d %H:%M:%S' (line 1, column 24)"),
        ("SELECT\n  date_format(ts, 'DD.MM.YYYY') FROM events", "'DD.MM.YYYY' is no pattern of `to_char`: write one like '%Y-%m-%d %H:%M:%S' (line 2, column 20)"),
        ("SELECT to_char(ts, kind) FROM events", "'pool_settings_put' is no pattern of `to_char`: write one like '%Y-%m-%d %H:%M:%S' (line 1, column 1)"),
        ("SELECT to_char(now(), '100 %%')", "'100 %%' is no pattern of `to_char`: write one like '%Y-%m-%d %H:%M:%S' (line 1, column 24)"),
        ("SELECT to_char(now(), '%Y %Q')", "'%Y %Q' is no pattern of `to_char`: write one like '%Y-%m-%d %H:%M:%S' (line 1, column 24)"),
        ("SELECT to_timestamp('2026-03-06', 'YYYY-MM-DD')", "Error parsing timestamp from '2026-03-06' using format 'YYYY-MM-DD': input contains invalid characters (line 1, column 22)"),
        ("SELECT now() AT TIME ZONE 'Nowhere/Land'", "there is no time zone `Nowhere/Land` (line 1, column 28); write one like 'America/New_York' or '+02:00'"),
        ("SELECT count(*) FROM events WHERE ts AT TIME ZONE 'Nowhere/Land' > '2026-03-06T02:00:00'", "Invalid timezone \"Nowhere/Land\": failed to parse timezone (line 1, column 52)"),
        ("SELECT 1 BETWEEN 0 AND 1 BETWEEN 0 AND 1", "Failed to coerce types Boolean and Int64 in BETWEEN expression (line 1, column 1)"),
    ])
    .await;
}

#[tokio::test]
async fn statements_are_only_so_long_so_deep_and_of_so_many_words() {
    let session = stage().await.session();
    let deep = refusal(&session, &format!("SELECT {}1{}", "(".repeat(1_000), ")".repeat(1_000))).await;
    assert_eq!(deep.to_string(), "the statement is nested too deeply (line 1, column 1)");
    let types = |n: usize| format!("SELECT arrow_cast(NULL, '{}Int8{}')", "List(".repeat(n), ")".repeat(n));
    let of_type = refusal(&session, &types(40_000)).await;
    assert_eq!(of_type.to_string(), "the statement is nested too deeply (line 1, column 25)");
    let long = refusal(&session, &format!("SELECT {}1", " ".repeat((1 << 20) - 8))).await;
    let want = "the statement has 1048576 bytes, and may have 262144 (line 1, column 1); \
                join with VALUES, or ask for a part at a time";
    assert_eq!(long.to_string(), want);
    let wide = refusal(&session, &format!("SELECT 1{}", " OR 1".repeat(MAX_WORDS))).await;
    let want = "the statement has 1001 keywords and operators, and may have 1000 (line 1, column 1); \
                say `x IN (1, 2, …)` instead of `x = 1 OR x = 2 …`";
    assert_eq!(wide.to_string(), want);
    let tables = |n: usize| (0..n).map(|i| format!("generate_series(1, 1) a{i}")).collect::<Vec<_>>().join(",\n");
    let many = refusal(&session, &format!("SELECT 1 FROM {}", tables(MAX_TABLES + 1))).await;
    let want = "the statement reads from more than 64 tables (line 65, column 1); \
                ask for a part at a time; rows that you give it join with VALUES";
    assert_eq!(many.to_string(), want);
    assert!([&deep, &of_type, &long, &wide, &many].iter().all(|mistake| mistake.whose == Whose::Statement));
}

#[test]
fn the_deepest_statements_that_are_let_through_fit_half_the_stack() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).thread_stack_size(STACK_BYTES / 2).enable_all().build().unwrap();
    runtime.block_on(async {
        let session = stage().await.session();
        for text in deepest() {
            println!("{text:.60}");
            let answer = match session.run(&text).await {
                Ok(mut answer) => answer.collect().await.map(|rows| rows.len()),
                Err(mistake) => Err(mistake),
            };
            assert!(answer.is_ok(), "{text:.60}: {answer:?}");
        }
    });
}

/// What goes deepest of what the limits let through, each in a way of its own.
fn deepest() -> Vec<String> {
    let values = (MAX_BYTES - 100) / 4;
    let joined = |n: usize, each: &dyn Fn(usize) -> String, by: &str| (0..n).map(each).collect::<Vec<_>>().join(by);
    let from = |each: &dyn Fn(usize) -> String| joined(MAX_TABLES, each, ", ");
    let ctes = |n: usize| (1..n).map(|i| format!(", a{i} AS (SELECT x FROM a{})", i - 1)).collect::<String>();
    vec![
        format!("SELECT 0{}", "+1".repeat(MAX_WORDS - 1)),
        format!("SELECT true{}", " OR x = 1".repeat(MAX_WORDS / 2 - 5)) + " FROM (SELECT 1 AS x)",
        format!("SELECT 1{}", "::int".repeat(MAX_WORDS / 2 - 1)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(MAX_WORDS / 6)),
        format!("SELECT 1{}", " EXCEPT SELECT 2".repeat(MAX_WORDS / 5 - 1)),
        format!("WITH a0 AS (SELECT 1 AS x){} SELECT x FROM a62", ctes(MAX_TABLES - 1)),
        format!("SELECT 1 FROM {}", from(&|i| format!("generate_series(1, 1) a{i}"))),
        format!("EXPLAIN SELECT 1 FROM {}", from(&|i| format!("generate_series(1, 1) a{i}"))),
        format!("SELECT 1 FROM {}", from(&|i| format!("why('nobody/t{i}') a{i}"))),
        format!("SELECT 1 FROM {}", from(&|i| format!("recovery_phases a{i}")) + " WHERE false"),
        joined(MAX_TABLES, &|i| format!("SELECT sum(runs + {i}) FROM failures_by_test"), " UNION ALL "),
        format!(
            "SELECT 1 FROM events a0{}",
            joined(
                MAX_TABLES - 1,
                &|i| format!(
                    " LEFT JOIN failures b{i} ON b{i}.journal_position = a0.position AND b{i}.journal_row = a0.journal_row"
                ),
                ""
            )
        ),
        format!("SELECT {}", joined(MAX_WORDS - 10, &|i| format!("(SELECT {i}) a{i}"), ", ")),
        format!("SELECT 1 WHERE {}", joined(MAX_WORDS / 3 - 3, &|_| "EXISTS (SELECT 1)".to_owned(), " AND ")),
        format!(
            "SELECT 1 FROM (SELECT 1 AS x) WHERE {}",
            joined(MAX_WORDS / 3 - 4, &|i| format!("x IN (SELECT {i})"), " AND ")
        ),
        format!(
            "SELECT {} FROM (SELECT 1 AS x)",
            joined(MAX_WORDS / 5 - 3, &|i| format!("sum(1) OVER (ORDER BY x + {i}) a{i}"), ", ")
        ),
        format!("SELECT CASE {} END", joined(MAX_WORDS / 3 - 2, &|i| format!("WHEN 1 = {i} THEN {i}"), " ")),
        format!("SELECT now(){}", " AT TIME ZONE 'UTC'".repeat(MAX_WORDS / 3 - 1)),
        format!("SELECT 'a'{}", "||'a'".repeat(MAX_WORDS - 1)),
        format!("SELECT '{{}}'{}", "->'a'".repeat(MAX_WORDS - 2)),
        format!("SELECT 1 AS x{}", " |> WHERE x = 1".repeat(MAX_WORDS / 3 - 2)),
        format!("SELECT arrow_cast(NULL, '{}Int8{}')", "List(".repeat(MAX_DEPTH), ")".repeat(MAX_DEPTH)),
        format!("SELECT NULL::int{}", "[]".repeat(MAX_WORDS / 2 - 4)),
        format!("SELECT {}", "abs(".repeat(40) + "1" + &")".repeat(40)),
        format!("SELECT {}", "[".repeat(40) + "1" + &"]".repeat(40)),
        format!("SELECT 1{}{}", " UNION ALL (SELECT 1".repeat(40), ")".repeat(40)),
        format!("SELECT * FROM (VALUES {})", joined(20_000, &|_| "(1)".to_owned(), ", ")),
        format!("SELECT 1 WHERE 7 IN ({}7)", "10, ".repeat(values)),
    ]
}

/// What is said of a statement that has no answer, while it is planned or while it runs.
async fn refusal(session: &Session, text: &str) -> Mistake {
    match session.run(text).await {
        Err(mistake) => mistake,
        Ok(mut answer) => answer.collect().await.expect_err(text),
    }
}

/// Holds each statement against what is said of it.
async fn refuse(table: &[(&str, &str)]) {
    let session = stage().await.session();
    let mut differ = String::new();
    for (text, want) in table {
        let mistake = refusal(&session, text).await;
        assert_eq!(mistake.whose, Whose::Statement, "{text}");
        if mistake.to_string() != *want {
            differ += &format!("{text:?}\n  said   {mistake:?}: {mistake}\n  wanted {want}\n");
        }
    }
    assert!(differ.is_empty(), "{differ}");
}
