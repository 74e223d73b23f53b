//! What is measured runs in a process of its own, so that its memory and its threads are its own: this program again,
//! started with `--serve`. It says on its output where it listens, and ends when its input does.

mod bare;
mod whole;

mod following;
mod lands;
mod looping;
mod shared;

use std::io::Read;
use std::path::Path;

use ::engine::Engine;
use ::gateway::output::Limits;
use ::gateway::{Gateway, Options};

use crate::Failure;
use crate::cluster::Place;

/// Serves until the input ends: `engine FOLDER ENTRIES` or `bare FOLDER`, `kafka FOLDER PLACE` or `loop FOLDER PLACE`; or
/// reads until all is read: `follow PLACE LOGS RECORDS`; or lands a made-up journal in tables, compacts them, or only
/// folds the journal: `land FOLDER`, `compact FOLDER`, `fold`.
pub fn serve(args: &[String]) -> Result<(), Failure> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    if let ["follow", brokers, prefix, partitions, logs, records] = args.as_slice() {
        return following::run(&Place::of(brokers, prefix, partitions.parse()?), logs.parse()?, records.parse()?);
    }
    if let ["land", folder] = args.as_slice() {
        return lands::land(Path::new(folder));
    }
    if let ["compact", folder] = args.as_slice() {
        return lands::compact(Path::new(folder));
    }
    if let ["fold"] = args.as_slice() {
        return lands::fold();
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

/// Lets an engine that leads, or follows who does, be reached; says where, from which entry it has read and how far, and
/// ends when the input does.
async fn behind_gateway(engine: &Engine, folder: &Path, replayed_from: u64) -> Result<(), Failure> {
    let options = Options {
        listen: "127.0.0.1:0".parse()?,
        state: folder.join("state"),
        output: folder.join("output"),
        limits: Limits::default(),
        token_file: None,
        tables: None,
    };
    let gateway = Gateway::start(engine.clone(), options).await?;
    println!("{} {} {}", gateway.socket().display(), replayed_from, engine.health().seq);
    told_to_stop().await;
    gateway.stop().await;
    Ok(())
}

/// Waits until whoever started this closes our input.
async fn told_to_stop() {
    let read = || std::io::stdin().read_to_end(&mut Vec::new());
    // A failure to read says as well that nobody is there any more.
    let _ = tokio::task::spawn_blocking(read).await;
}
