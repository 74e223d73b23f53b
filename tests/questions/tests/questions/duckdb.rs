//! The same questions put to DuckDB, which reads the same files by the list that deltalake has of them: another engine,
//! another reader, the same answers. Here everything has landed, for the others know of nothing else.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use journal::Store;
use rows::Table;
use serde_json::Value;
use sql::Session;
use sqllogictest::{DefaultColumnType, Record};
use tempfile::TempDir;

use questions::driver::{self, cells};
use questions::fixture;
use questions::stage::Stage;

/// What DuckDB says.
#[derive(serde::Deserialize)]
struct Said {
    /// How many rows deltalake counts in each table.
    rows: BTreeMap<String, u64>,
    /// A list of rows for each question.
    answers: Vec<Vec<Vec<Value>>>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn duckdb_answers_each_question_alike_from_the_same_files() {
    let folder = TempDir::new().unwrap();
    let stage = Stage::land(Store::of_folder(folder.path()).unwrap(), &fixture::records(), 0).await;
    let questions: Vec<String> = driver::files(".").iter().flat_map(|file| queries(file)).collect();
    assert!(questions.len() >= 24);
    let said = ask(folder.path(), stage.now.0, &questions);
    let session = stage.session();
    for table in Table::ALL {
        let all = table.stands_for().map_or("", |_| sql::session::HISTORY);
        let (_, ours) = answer(&session, &format!("SELECT count(*) FROM {}{all}", table.name())).await;
        assert_eq!(ours, [[said.rows[table.name()].to_string()]], "{}", table.name());
    }
    let mut differ = String::new();
    for (question, theirs) in questions.iter().zip(&said.answers) {
        let (names, ours) = answer(&session, question).await;
        let column = sorted_by(question, &names);
        if let Err(why) = compare(column, &ours, theirs) {
            differ += &format!("{question}\n  {why}\n");
        }
    }
    assert!(differ.is_empty(), "{differ}");
}

/// Whether both say the same: in any order of the rows, but with the column that they are sorted by alike.
fn compare(column: Option<usize>, ours: &[Vec<String>], theirs: &[Vec<Value>]) -> Result<(), String> {
    if ours.len() != theirs.len() {
        return Err(format!("{} rows, DuckDB has {}", ours.len(), theirs.len()));
    }
    let mut left: Vec<&Vec<Value>> = theirs.iter().collect();
    for row in ours {
        let same =
            |theirs: &&Vec<Value>| row.len() == theirs.len() && row.iter().zip(*theirs).all(|(a, b)| alike(a, b));
        let place = left.iter().position(same).ok_or_else(|| format!("DuckDB has no row {row:?}, but {left:?}"))?;
        left.swap_remove(place);
    }
    if let Some(column) = column {
        let differs = ours.iter().zip(theirs).position(|(a, b)| !alike(&a[column], &b[column]));
        if let Some(row) = differs {
            return Err(format!("row {row} is {:?}, DuckDB's {:?}", ours[row], theirs[row]));
        }
    }
    Ok(())
}

/// Whether two values are the same: numbers to a millionth. One that need only be near comes with those on both sides of
/// it: within a twentieth, or between these.
fn alike(ours: &str, theirs: &Value) -> bool {
    let near =
        |want: f64, share: f64| ours.parse().is_ok_and(|ours: f64| (ours - want).abs() <= share * want.abs().max(1.0));
    match theirs {
        Value::Null => ours == "NULL",
        Value::Bool(flag) => ours == flag.to_string(),
        Value::String(text) => ours == text || (text.is_empty() && ours == "(empty)"),
        Value::Number(number) => number.as_f64().is_some_and(|theirs| near(theirs, 1e-6)),
        Value::Array(sides) => {
            let sides: Vec<f64> = sides.iter().filter_map(Value::as_f64).collect();
            let [middle, low, high] = sides[..] else { return false };
            near(middle, 0.05) || ours.parse().is_ok_and(|ours: f64| low <= ours && ours <= high)
        }
        Value::Object(_) => false,
    }
}

/// The column that an answer is sorted by first, if it is shown.
fn sorted_by(question: &str, names: &[String]) -> Option<usize> {
    let (_, order) = question.rsplit_once(" ORDER BY ")?;
    let first = order.split([' ', ';', ',']).next()?;
    first.parse().map_or_else(|_| names.iter().position(|name| name == first), |number: usize| number.checked_sub(1))
}

/// Our answer: the names of its columns, and its rows.
async fn answer(session: &Session, text: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let mut answer = session.run(text).await.unwrap_or_else(|mistake| panic!("{text}: {mistake}"));
    let names = answer.schema.fields().iter().map(|field| field.name().clone()).collect();
    let rows = answer.collect().await.unwrap_or_else(|mistake| panic!("{text}: {mistake}"));
    (names, cells(&rows))
}

/// The questions of a file.
fn queries(file: &Path) -> Vec<String> {
    let records = sqllogictest::parse_file::<DefaultColumnType>(file).expect("its form is known");
    let sql = |record| if let Record::Query { sql, .. } = record { Some(sql) } else { None };
    records.into_iter().filter_map(sql).collect()
}

fn ask(folder: &Path, now_ms: u64, questions: &[String]) -> Said {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/questions.py");
    let mut asked = Command::new(python())
        .arg(script)
        .arg(folder)
        .arg(now_ms.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it was found");
    let text = serde_json::to_vec(questions).expect("text is JSON");
    asked.stdin.take().expect("it was piped").write_all(&text).expect("it reads them");
    let output = asked.wait_with_output().expect("it ends");
    assert!(output.status.success(), "tests/fixtures/questions.py failed");
    serde_json::from_slice(&output.stdout).expect("it prints JSON")
}

/// A Python with deltalake and DuckDB: `$REPRISE_TEST_PYTHON`, or the one that `./dev test tools` makes beside the binary.
/// Missing, it fails the test: an answer that nobody compared is none.
fn python() -> PathBuf {
    let beside = || {
        let binary = std::env::current_exe().expect("a test has a binary");
        let python = binary.ancestors().nth(3).map(|target| target.join("python/bin/python"));
        python.filter(|python| python.is_file()).unwrap_or_else(|| "python3".into())
    };
    let python = std::env::var_os("REPRISE_TEST_PYTHON").map_or_else(beside, PathBuf::from);
    let asked = Command::new(&python).args(["-c", "import deltalake, duckdb"]).output();
    assert!(
        asked.is_ok_and(|output| output.status.success()),
        "{} has no `deltalake` and `duckdb`: `./dev test tools` makes a Python that has them, or name one by REPRISE_TEST_PYTHON",
        python.display()
    );
    python
}
