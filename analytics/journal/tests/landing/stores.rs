//! Two writers of one partition, a store that is away, small files, old days: each row stays once.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use journal::delta::{COMPACTOR, Delta, DeltaError};
use journal::write::lock;
use journal::{Store, compact};
use rows::Table;
use tempfile::TempDir;

use super::stage::{Writer, held, records, wanted};

#[tokio::test]
async fn of_two_writers_of_one_partition_each_row_is_there_once() {
    let store = Store::in_memory();
    let records = records();
    let (mut one, mut other) = (Writer::open(&store).await.unwrap(), Writer::open(&store).await.unwrap());
    for (number, chunk) in records.chunks(200).enumerate() {
        one.read(chunk);
        other.read(chunk);
        let (first, second) = if number % 2 == 0 { (&mut one, &mut other) } else { (&mut other, &mut one) };
        first.flush().await.unwrap();
        second.flush().await.unwrap();
    }
    assert!(held(&store).await == wanted(&records));
}

#[tokio::test]
async fn of_two_writers_that_commit_in_the_same_moment_one_is_overtaken() {
    let store = Store::in_memory();
    let records = records();
    let (mut one, mut other) = (Writer::open(&store).await.unwrap(), Writer::open(&store).await.unwrap());
    for chunk in records.chunks(300) {
        one.read(chunk);
        other.read(chunk);
        // Each looks how far the table is before either commits.
        let (first, second) = tokio::join!(one.flush(), other.flush());
        first.and(second).unwrap();
    }
    assert!(held(&store).await == wanted(&records));
}

#[tokio::test]
async fn two_that_compact_from_one_snapshot_do_not_double_a_row() {
    let store = Store::in_memory();
    let records = records();
    let mut writer = Writer::open(&store).await.unwrap();
    for chunk in records.chunks(100) {
        writer.read(chunk);
        writer.flush().await.unwrap();
    }
    let mut one = Delta::open(&store, Table::Events).await.unwrap();
    let mut other = one.clone();
    let before = one.files().unwrap().len();
    assert!(compact::compact(&mut one).await.unwrap() > 0);
    assert!(matches!(compact::compact(&mut other).await, Err(DeltaError::Overtaken)));
    one.refresh().await.unwrap();
    let after = one.files().unwrap().len();
    assert!(after < before && one.landed(COMPACTOR).await.unwrap() > 0, "{before} files, then {after}");
    assert!(held(&store).await == wanted(&records));
}

#[tokio::test]
async fn a_store_that_is_away_costs_nothing_but_time_and_what_is_kept_meanwhile_is_bounded() {
    let folder = TempDir::new().unwrap();
    let store = Store::of_folder(folder.path()).unwrap();
    let records = records();
    let mut writer = Writer::open(&store).await.unwrap();
    writer.read(&records[..300]);
    writer.flush().await.unwrap();
    // As a file in the place of a folder: root may write everywhere else.
    let away = folder.path().join("away");
    for table in Table::ALL {
        std::fs::create_dir_all(&away).unwrap();
        std::fs::rename(folder.path().join(table.name()), away.join(table.name())).unwrap();
        std::fs::write(folder.path().join(table.name()), "").unwrap();
    }
    for chunk in records[300..].chunks(500) {
        writer.read(chunk);
        assert!(writer.flush().await.is_err(), "nothing can land");
    }
    let kept = lock(&writer.parts[0]).as_ref().map_or(0, rows::Landing::bytes);
    assert!(kept > 100_000, "{kept} bytes are kept");
    for table in Table::ALL {
        std::fs::remove_file(folder.path().join(table.name())).unwrap();
        std::fs::rename(away.join(table.name()), folder.path().join(table.name())).unwrap();
    }
    writer.hear().await.unwrap();
    writer.flush().await.unwrap();
    assert!(held(&store).await == wanted(&records));
    assert_eq!(lock(&writer.parts[0]).as_ref().map_or(1, rows::Landing::bytes), 0);
}

#[tokio::test]
async fn days_that_are_kept_no_longer_go_with_their_files_and_the_rest_stays() {
    let store = Store::in_memory();
    let records = records();
    let mut writer = Writer::open(&store).await.unwrap();
    writer.read(&records);
    writer.flush().await.unwrap();
    let mut delta = Delta::open(&store, Table::Events).await.unwrap();
    let days = |delta: &Delta| delta.files().unwrap().into_iter().map(|file| file.day).collect::<Vec<_>>();
    let mut before = days(&delta);
    before.sort();
    before.dedup();
    assert_eq!(before, ["2026-03-01", "2026-03-02"]);
    assert!(compact::retain(&mut delta, "2026-03-02").await.unwrap() > 0);
    assert!(days(&delta).iter().all(|day| day == "2026-03-02"));
    // What was dropped does not come back: the table still says how far it is.
    let mut again = Writer::open(&store).await.unwrap();
    again.read(&records);
    again.flush().await.unwrap();
    delta.refresh().await.unwrap();
    assert!(days(&delta).iter().all(|day| day == "2026-03-02"));
}

#[tokio::test]
async fn a_table_that_is_emptied_is_noticed_and_made_again() {
    let folder = TempDir::new().unwrap();
    let store = Store::of_folder(folder.path()).unwrap();
    let records = records();
    let mut writer = Writer::open(&store).await.unwrap();
    let (some, rest) = records.split_at(records.len() / 2);
    writer.read(some);
    writer.flush().await.unwrap();
    std::fs::remove_dir_all(folder.path().join("events")).unwrap();
    // The writer opens its tables anew after each error, as the one beside an engine does; its landings stay.
    writer.read(rest);
    assert!(writer.flush().await.is_err());
    for delta in &mut writer.tables {
        *delta = Delta::open_or_create(&store, delta.table).await.unwrap();
    }
    writer.flush().await.unwrap();
    assert!(lock(&writer.parts[0]).is_none(), "what it knew of the table is wrong");
    let mut again = Writer::open(&store).await.unwrap();
    again.read(&records);
    again.flush().await.unwrap();
    assert!(held(&store).await == wanted(&records));
}

#[tokio::test]
async fn a_table_that_is_put_back_to_a_copy_is_noticed_over_any_number_of_commits() {
    for commits in [2, 25] {
        let folder = TempDir::new().unwrap();
        let store = Store::of_folder(folder.path()).unwrap();
        let records = records();
        let mut writer = Writer::open(&store).await.unwrap();
        let (some, rest) = records.split_at(records.len() / 5);
        writer.read(some);
        writer.flush().await.unwrap();
        let (table, copy) = (folder.path().join("events"), folder.path().join("copy"));
        copy_all(&table, &copy);
        for chunk in rest.chunks(rest.len() / commits) {
            writer.read(chunk);
            writer.flush().await.unwrap();
        }
        std::fs::remove_dir_all(&table).unwrap();
        std::fs::rename(&copy, &table).unwrap();
        for delta in &mut writer.tables {
            *delta = Delta::open_or_create(&store, delta.table).await.unwrap();
        }
        writer.hear().await.unwrap();
        assert!(lock(&writer.parts[0]).is_none(), "{commits} commits");
        let mut again = Writer::open(&store).await.unwrap();
        again.read(&records);
        again.flush().await.unwrap();
        assert!(held(&store).await == wanted(&records), "{commits} commits");
    }
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() { copy_all(&from, &to) } else { std::fs::copy(from, to).map(drop).unwrap() }
    }
}

#[tokio::test]
async fn what_a_dead_writer_left_is_deleted_once_it_is_old_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let store = Store::of_folder(folder.path()).unwrap();
    let records = records();
    let mut writer = Writer::open(&store).await.unwrap();
    writer.read(&records);
    writer.flush().await.unwrap();
    let day = std::fs::read_dir(folder.path().join("events")).unwrap().map(|entry| entry.unwrap().path());
    let day = day.filter(|path| !path.ends_with("_delta_log")).min().unwrap();
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(30 * 24 * 3_600);
    let files = [("orphan.parquet", true), ("late.parquet", false), ("a.parquet#12", true), ("b.parquet#34", false)];
    for (name, is_old) in files {
        let file = std::fs::File::create(day.join(name)).unwrap();
        file.set_modified(if is_old { old } else { std::time::SystemTime::now() }).unwrap();
    }
    writer.tables[Table::Events as usize].vacuum().await.unwrap();
    for (name, is_old) in files {
        assert_eq!(day.join(name).exists(), !is_old, "{name}");
    }
    assert!(held(&store).await == wanted(&records));
}

#[tokio::test]
async fn a_folder_and_an_address_are_places_and_what_is_none_is_said() {
    let folder = TempDir::new().unwrap();
    let address = format!("file://{}", folder.path().display());
    let store = Store::open(&address).unwrap();
    assert_eq!(store.folder.as_deref(), Some(folder.path()));
    Writer::open(&store).await.unwrap();
    let mode = std::fs::metadata(folder.path().join("events/_delta_log/00000000000000000000.json")).unwrap();
    assert!(mode.permissions().mode() & 0o400 != 0);
    let above = format!("{}/not/there/../..", folder.path().display());
    assert_eq!(Store::open(&above).unwrap().folder.as_deref(), Some(folder.path()));
    std::os::unix::fs::symlink(folder.path().join("events/_delta_log"), folder.path().join("link")).unwrap();
    let beyond = format!("{}/link/..", folder.path().display());
    assert_eq!(Store::open(&beyond).unwrap().folder, Some(folder.path().join("events").canonicalize().unwrap()));
    for bad in ["nonsense://x", "s3://", "http//x\0", "a%20b"] {
        assert!(Store::open(bad).is_err(), "{bad}");
    }
}
