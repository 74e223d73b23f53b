//! What is measured runs in a process of its own, so that its memory and its threads are its own: this program again,
//! started with `--serve`. It says on its output where it listens, and ends when its input does.

mod bare;
mod whole;

mod following;
mod looping;
mod shared;

use std::io::Read;
use std::path::Path;

use crate::Failure;
use crate::cluster::Place;

/// Serves until the input ends: `engine FOLDER ENTRIES` or `bare FOLDER`, `kafka FOLDER PLACE` or `loop FOLDER PLACE`; or
/// reads until all is read: `follow PLACE LOGS RECORDS`.
pub fn serve(args: &[String]) -> Result<(), Failure> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    if let ["follow", brokers, prefix, partitions, logs, records] = args.as_slice() {
        return following::run(&Place::of(brokers, prefix, partitions.parse()?), logs.parse()?, records.parse()?);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match args.as_slice() {
        ["engine", folder, entries] => {
            let entries = entries.parse()?;
            runtime.block_on(whole::serve(Path::new(folder), entries))
        }
        ["bare", folder] => runtime.block_on(bare::serve(Path::new(folder))),
        ["kafka", folder, brokers, prefix, partitions] => {
            let place = Place::of(brokers, prefix, partitions.parse()?);
            runtime.block_on(shared::serve(Path::new(folder), &place))
        }
        ["loop", _, brokers, prefix, partitions] => {
            let place = Place::of(brokers, prefix, partitions.parse()?);
            runtime.block_on(looping::serve(&place))
        }
        other => Err(format!("nothing to serve: {other:?}").into()),
    }
}

/// Waits until whoever started this closes our input.
async fn told_to_stop() {
    let read = || std::io::stdin().read_to_end(&mut Vec::new());
    // A failure to read says as well that nobody is there any more.
    let _ = tokio::task::spawn_blocking(read).await;
}
