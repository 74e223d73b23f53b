//! One redb file: opened and verified as a whole, written in one commit, read with every checksum checked.
//!
//! Records stand under their positions, without gaps. Where everything was trimmed, the table `marks` still knows the
//! end; it is written only by trims.

use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use protocol::log::{NewRecord, Record};
use redb::{Builder, Database, Durability, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};

use crate::frame;
use crate::storage::{FirstError, Storage, Watched};
use crate::tail;
use crate::trouble::Trouble;

const RECORDS: TableDefinition<u64, &[u8]> = TableDefinition::new("records");
const MARKS: TableDefinition<&str, u64> = TableDefinition::new("marks");
const END: &str = "end";

/// An open file of a stream.
#[derive(Debug)]
pub struct StreamFile {
    /// As people know it.
    place: String,
    redb: Database,
    first_error: FirstError,
}

impl StreamFile {
    /// Opens and verifies a file, if it exists. Returns with it the positions that it holds.
    pub fn open(storage: &dyn Storage, name: &str, cache_bytes: usize) -> Result<Option<(Self, Range<u64>)>, Trouble> {
        let place = storage.place(name);
        let Some(backend) = storage.open(name).map_err(|error| Trouble::of_io(&place, &error))? else {
            return Ok(None);
        };
        // The store would take an empty file for a new one.
        if backend.len().map_err(|error| Trouble::of_io(&place, &error))? == 0 {
            return Err(Trouble::damaged(&place, "it is empty"));
        }
        let (backend, first_error) = Watched::new(backend);
        guarded(&place, &first_error.clone(), || {
            let redb = Builder::new()
                .set_cache_size(cache_bytes)
                .set_check_integrity_on_open(true)
                .create_with_backend(backend)?;
            let held = held(&redb)?;
            Ok(Some((Self { place: place.clone(), redb, first_error }, held)))
        })
    }

    /// Makes a file that holds nothing.
    pub fn create(storage: &dyn Storage, name: &str) -> Result<(), Trouble> {
        let place = storage.place(name);
        let failed = |error| Trouble::of_io(&place, &error);
        let (backend, first_error) = Watched::new(storage.create(name).map_err(failed)?);
        guarded(&place, &first_error, || {
            let redb = Builder::new().create_with_backend(backend)?;
            let write = redb.begin_write()?;
            write.open_table(RECORDS)?;
            write.open_table(MARKS)?;
            write.commit()?;
            Ok(redb.close()?)
        })?;
        storage.publish(name).map_err(failed)
    }

    /// Appends records at the end of what is held and removes those before `trim_to`, in one commit. When it returns
    /// what is held then, that has been synced; when it fails, the file must be opened anew.
    pub fn write<'a>(
        &self,
        held: &Range<u64>,
        records: impl Iterator<Item = &'a NewRecord>,
        trim_to: u64,
    ) -> Result<Range<u64>, Trouble> {
        guarded(&self.place, &self.first_error, || {
            let mut end = held.end;
            let mut write = self.redb.begin_write()?;
            write.set_durability(Durability::Immediate)?;
            {
                let mut table = write.open_table(RECORDS)?;
                for record in records {
                    let mut place = table.insert_reserve(end, frame::size(record))?;
                    frame::encode(end, record, place.as_mut());
                    end += 1;
                }
                for position in held.start..trim_to {
                    table.remove(position)?;
                }
                if held.start < trim_to {
                    write.open_table(MARKS)?.insert(END, end)?;
                }
            }
            write.commit()?;
            Ok(held.start.max(trim_to)..end)
        })
    }

    /// The positions that it holds.
    pub fn held(&self) -> Result<Range<u64>, Trouble> {
        guarded(&self.place, &self.first_error, || held(&self.redb))
    }

    /// Reads from a position on, at least one record if there is one in the range, about `bytes` at most.
    pub fn read(&self, positions: Range<u64>, bytes: usize) -> Result<Vec<Record>, Trouble> {
        let mut damaged = None;
        let mut room = bytes;
        let mut records = Vec::new();
        guarded(&self.place, &self.first_error, || {
            let read = self.redb.begin_read()?;
            for row in read.open_table(RECORDS)?.range(positions)? {
                let (position, value) = row?;
                let Some(record) = frame::decode(position.value(), value.value()) else {
                    damaged = Some(position.value());
                    break;
                };
                let size = tail::size(&record);
                if !records.is_empty() && room < size {
                    break;
                }
                room = room.saturating_sub(size);
                records.push(record);
            }
            Ok(())
        })?;
        match damaged {
            Some(position) if records.is_empty() => {
                Err(Trouble::damaged(&self.place, &format!("the checksum of record {position} is wrong")))
            }
            Some(_) | None => Ok(records),
        }
    }
}

/// What the tables say is held, if they agree with each other.
fn held(redb: &Database) -> Result<Range<u64>, redb::Error> {
    let read = redb.begin_read()?;
    let (records, marks) = (read.open_table(RECORDS)?, read.open_table(MARKS)?);
    let mark = marks.get(END)?.map_or(0, |mark| mark.value());
    let (Some((first, _)), Some((last, _))) = (records.first()?, records.last()?) else {
        return Ok(mark..mark);
    };
    let held = first.value()..last.value().saturating_add(1);
    if held.end - held.start != records.len()? || held.end < mark {
        return Err(redb::Error::Corrupted(format!("records are missing between {} and {}", held.start, held.end)));
    }
    Ok(held)
}

/// Runs a piece of work on the store. A panic in there is the store's word for a file that makes no sense.
fn guarded<T>(
    place: &str,
    first_error: &FirstError,
    work: impl FnOnce() -> Result<T, redb::Error>,
) -> Result<T, Trouble> {
    let trouble = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(error)) => Trouble::of_store(place, &error),
        Err(panic) => Trouble::damaged(place, &words(panic.as_ref())),
    };
    match first_error.get() {
        Some(error) => Err(Trouble::of_io(place, &error)),
        None => Err(trouble),
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    format!("the store gave up: {}", text.unwrap_or("no words"))
}
