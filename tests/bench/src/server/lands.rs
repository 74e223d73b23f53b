//! A made-up journal that lands in tables, the tables compacted, and the same journal folded only; each in a process of its
//! own, whose memory and processor time are of nothing else. The time of making the journal up is left out.

use std::path::Path;
use std::time::Instant;

use protocol::Replica;
use protocol::replica::Reading;
use rows::Table;

use crate::Failure;
use crate::landing::SHAPE;
use crate::landing::made::made;
use crate::landing::writer::Writer;
use crate::machine::{peak_mib, process_seconds};

/// Lands a journal; prints events, rows, flushes, seconds, processor seconds, those of what writes, files, MiB.
pub fn land(folder: &Path) -> Result<(), Failure> {
    let (began, before) = (Instant::now(), process_seconds("self")?);
    let mut writer = Writer::open(folder)?;
    let (mut pages, making) = made(&SHAPE);
    writer.land(&mut pages, u64::MAX)?;
    let making = making.join().map_err(|_| "no journal could be made up")?.as_secs_f64();
    let spent = process_seconds("self")? - before - making;
    let (took, so_far) = (began.elapsed().as_secs_f64(), writer.so_far);
    let (writing, (files, _)) = (spent - so_far.folding.as_secs_f64(), writer.files(Table::Events)?);
    println!("{} {} {} {took}", so_far.events, so_far.rows, so_far.flushes);
    println!("{spent} {writing} {files} {}", peak_mib("self")?);
    Ok(())
}

/// Compacts tables; prints seconds, processor seconds, files of all tables, bytes of `events`, MiB.
pub fn compact(folder: &Path) -> Result<(), Failure> {
    let mut writer = Writer::open(folder)?;
    let (began, before) = (Instant::now(), process_seconds("self")?);
    writer.compact()?;
    let (took, spent) = (began.elapsed().as_secs_f64(), process_seconds("self")? - before);
    let (files, bytes) = writer.files(Table::Events)?;
    println!("{took} {spent} {files} {bytes} {}", peak_mib("self")?);
    Ok(())
}

/// Folds the same journal and makes no rows; prints events and processor seconds.
pub fn fold() -> Result<(), Failure> {
    let before = process_seconds("self")?;
    let (pages, making) = made(&SHAPE);
    let (mut replica, mut events) = (Replica::default(), 0);
    for record in pages.iter().flatten() {
        if let Reading::Admitted(entry) = replica.read(&record, None).map_err(|error| error.to_string())? {
            events += entry.events.len();
        }
    }
    let making = making.join().map_err(|_| "no journal could be made up")?.as_secs_f64();
    println!("{events} {}", process_seconds("self")? - before - making);
    Ok(())
}
