//! Two writers of one partition, a store that is away, small files, old days: each row stays once.

use std::os::unix::fs::PermissionsExt;

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
async fn a_folder_and_an_address_are_places_and_what_is_none_is_said() {
    let folder = TempDir::new().unwrap();
    let address = format!("file://{}", folder.path().display());
    let store = Store::open(&address).unwrap();
    assert_eq!(store.folder.as_deref(), Some(folder.path()));
    Writer::open(&store).await.unwrap();
    let mode = std::fs::metadata(folder.path().join("events/_delta_log/00000000000000000000.json")).unwrap();
    assert!(mode.permissions().mode() & 0o400 != 0);
    for bad in ["nonsense://x", "s3://", "http//x\0"] {
        assert!(Store::open(bad).is_err(), "{bad}");
    }
}
