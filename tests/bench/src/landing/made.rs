//! A journal that is made up page by page while it is read, on a thread whose time can be left out of what is measured.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use history::{Shape, history};
use protocol::log::Record;

use crate::machine::thread_time;

/// Records of a page, and pages that wait to be read.
const PAGE: usize = 64;
const PAGES: usize = 4;

/// Pages of a journal, and the thread that makes them: it ends when all is made or nobody reads on, and says what
/// processor time it took.
pub fn made(shape: &Shape) -> (Receiver<Vec<Record>>, JoinHandle<Duration>) {
    let (give, take) = sync_channel(PAGES);
    let shape = shape.clone();
    let making = std::thread::spawn(move || {
        let mut records = history(&shape);
        loop {
            let page: Vec<Record> = records.by_ref().take(PAGE).collect();
            if page.is_empty() || give.send(page).is_err() {
                return thread_time();
            }
        }
    });
    (take, making)
}
