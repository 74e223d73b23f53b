//! What is wrong with the files is the store's, not the statement's.

use std::fs;
use std::path::PathBuf;

use journal::Store;
use sql::mistake::Whose;
use tempfile::TempDir;

use questions::fixture;
use questions::stage::{Stage, stage};

#[tokio::test]
async fn a_file_that_is_gone_or_damaged_is_said_to_be_the_stores() {
    let folder = TempDir::new().unwrap();
    let stage = Stage::land(Store::of_folder(folder.path()).unwrap(), &fixture::records()[..1_500], 0).await;
    let session = stage.session();
    let text = "SELECT count(DISTINCT kind) FROM events";
    assert!(session.run(text).await.unwrap().collect().await.is_ok());
    let file = data_file(folder.path().join("events"));
    let whole = fs::read(&file).unwrap();
    for (what, bytes) in [("cut", &whole[..whole.len() / 2]), ("empty", &[]), ("other bytes", &[7; 4_096][..])] {
        fs::write(&file, bytes).unwrap();
        let mistake = session.run(text).await.unwrap().collect().await.unwrap_err();
        assert_eq!(mistake.whose, Whose::Store, "{what}: {mistake}");
        assert!(mistake.hint.contains("makes anew"), "{what}: {mistake}");
    }
    fs::remove_file(&file).unwrap();
    let mistake = session.run(text).await.unwrap().collect().await.unwrap_err();
    assert!(mistake.whose == Whose::Store && mistake.hint.contains("makes anew"), "{mistake}");
    // That a file cannot be had says nothing of the file.
    fs::create_dir(&file).unwrap();
    let mistake = session.run(text).await.unwrap().collect().await.unwrap_err();
    assert!(mistake.whose == Whose::Store && mistake.hint.contains("once the store is back"), "{mistake}");
    fs::remove_dir(&file).unwrap();
    fs::write(&file, &whole).unwrap();
    assert!(session.run(text).await.unwrap().collect().await.is_ok());
}

#[tokio::test]
async fn a_condition_that_cannot_be_worked_out_is_the_statements_though_it_is_while_a_file_is_read() {
    let session = stage().await.session();
    let rows = [
        ("kind = 1", "Cannot cast string"),
        ("1 / (position - position) > 0", "division by zero"),
        ("CAST(kind AS INT) > 2", "Cannot cast string"),
        ("ts > CAST(kind AS TIMESTAMP)", "Error parsing timestamp"),
        ("date_trunc(kind, ts) > ts", "Granularity of `date_trunc`"),
        ("regexp_like(detail, kind || '(')", "the regular expression is wrong: unclosed group"),
    ];
    for (condition, why) in rows {
        let ran = session.run(&format!("SELECT * FROM events WHERE {condition}")).await;
        let mistake = match ran {
            Ok(mut answer) => answer.collect().await.unwrap_err(),
            Err(mistake) => mistake,
        };
        assert!(mistake.whose == Whose::Statement && mistake.message.contains(why), "{condition}: {mistake:?}");
    }
}

#[tokio::test]
async fn a_folder_may_have_any_name() {
    let folder = TempDir::new().unwrap();
    for name in ["a~b [1] 'c' 50%", "#{x} ^*?|<> \"ü\" a+b&c=d"] {
        let stage =
            Stage::land(Store::of_folder(&folder.path().join(name)).unwrap(), &fixture::records()[..500], 0).await;
        let answer = stage.session().run("SELECT count(DISTINCT kind) > 5 FROM events").await.unwrap().collect().await;
        assert_eq!(questions::driver::cells(&answer.unwrap()), [["true"]], "{name}");
    }
}

fn data_file(table: PathBuf) -> PathBuf {
    let days = table.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let day = days.filter(|path| path.to_string_lossy().contains("day=")).min().unwrap();
    day.read_dir().unwrap().map(|entry| entry.unwrap().path()).min().unwrap()
}
