//! What a node keeps in files: its disk, which the next life goes on from, and its ledger, which the checker reads.
//!
//! A process that is killed takes nothing with it that the kernel holds, so nothing is synced.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use model::BootId;
use sim::node::Node;
use sim::node::disk::Disk;

use crate::ledger::{self, Written};
use crate::scene::{Scene, Seat};

/// The files of a node.
#[derive(Debug)]
pub struct Home {
    disk: PathBuf,
    ledger: File,
    written: Written,
    last: Vec<u8>,
}

impl Home {
    /// Opens the files of a node, and reads the disk that an earlier life left.
    pub fn open(scene: &Scene, seat: &Seat) -> io::Result<(Self, Disk)> {
        let path = scene.disk(&seat.name);
        let disk = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Disk::new(BootId::new("b0").expect("a plain name"))
            }
            Err(error) => return Err(error),
        };
        let ledger = File::options().create(true).append(true).open(scene.ledger(&seat.name))?;
        Ok((Self { disk: path, ledger, written: Written::default(), last: Vec::new() }, disk))
    }

    /// Writes what has changed; before this, nothing of it may be said.
    pub fn keep(&mut self, node: &Node) -> io::Result<()> {
        let news = self.written.news(&node.ledger);
        if !news.is_empty() {
            ledger::append(&mut self.ledger, &news)?;
        }
        let text = serde_json::to_vec(&node.disk)?;
        if text != self.last {
            let draft = self.disk.with_extension("draft");
            fs::write(&draft, &text)?;
            fs::rename(&draft, &self.disk)?;
            self.last = text;
        }
        Ok(())
    }
}
