//! A disk in memory that can lose power, tear writes, fill up and fail.
//!
//! Each file is what the platter holds, what the system's cache shows, and the writes that the one has not taken of
//! the other. Power loss keeps any subset of those writes, each in pieces of 512 bytes. A failed sync keeps a subset
//! too and, as Linux does, marks all of them clean: the cache goes on showing what the platter never took.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use embedded::Storage;
use redb::StorageBackend;

use crate::chance::Chance;

const SECTOR: usize = 512;
const BLOCK: usize = 4096;

/// A disk, shared by the log under test and the test itself.
#[derive(Debug, Clone)]
pub struct Disk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    chance: Chance,
    files: BTreeMap<String, File>,
    /// Never lost, which asks the most of the log: the note must not be ahead of what survives.
    notes: BTreeMap<String, u64>,
    /// Operations until the power fails, if it will.
    power: Option<u64>,
    /// Bytes that can be written until the disk is full.
    room: Option<u64>,
    /// Operations until one of the kind fails.
    failing_write: Option<u64>,
    failing_sync: Option<u64>,
    failing_read: Option<u64>,
}

#[derive(Debug, Default)]
struct File {
    platter: Vec<u8>,
    cache: Vec<u8>,
    unsynced: Vec<Change>,
    /// Blocks that were ever written: writing them again takes no room.
    blocks: BTreeSet<usize>,
}

#[derive(Debug)]
enum Change {
    Length(usize),
    Write(usize, Vec<u8>),
}

impl Disk {
    /// An empty disk.
    pub fn new(seed: u64) -> Self {
        let state = State {
            chance: Chance::new(seed),
            files: BTreeMap::new(),
            notes: BTreeMap::new(),
            power: None,
            room: None,
            failing_write: None,
            failing_sync: None,
            failing_read: None,
        };
        Self(Arc::new(Mutex::new(state)))
    }

    /// The power fails after so many more operations: nothing works from then on.
    pub fn power_fails_after(&self, operations: u64) {
        self.lock().power = Some(operations);
    }

    /// The power is back: what was not synced is there in pieces.
    pub fn power_returns(&self) {
        let mut state = self.lock();
        state.power = None;
        let State { chance, files, .. } = &mut *state;
        for file in files.values_mut() {
            file.keep_some(chance);
            file.cache.clone_from(&file.platter);
        }
    }

    /// Only so many more bytes can be written.
    pub fn fills_up_after(&self, bytes: u64) {
        self.lock().room = Some(bytes);
    }

    /// The write after so many fails.
    pub fn write_fails_after(&self, operations: u64) {
        self.lock().failing_write = Some(operations);
    }

    /// The sync after so many fails.
    pub fn sync_fails_after(&self, operations: u64) {
        self.lock().failing_sync = Some(operations);
    }

    /// The read after so many fails.
    pub fn read_fails_after(&self, operations: u64) {
        self.lock().failing_read = Some(operations);
    }

    /// Nothing fails from here on.
    pub fn heals(&self) {
        let mut state = self.lock();
        state.room = None;
        state.failing_write = None;
        state.failing_sync = None;
        state.failing_read = None;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("a disk does not panic")
    }
}

impl Storage for Disk {
    fn open(&self, file: &str) -> io::Result<Option<Box<dyn StorageBackend>>> {
        let mut state = self.lock();
        if !state.files.contains_key(file) {
            return Ok(None);
        }
        state.sync(file)?;
        let content = state.file(file);
        content.cache.clone_from(&content.platter);
        Ok(Some(Box::new(Handle { disk: self.clone(), name: file.to_owned() })))
    }

    fn create(&self, file: &str) -> io::Result<Box<dyn StorageBackend>> {
        let name = format!("{file}.new");
        self.lock().files.insert(name.clone(), File::default());
        Ok(Box::new(Handle { disk: self.clone(), name }))
    }

    fn publish(&self, file: &str) -> io::Result<()> {
        let mut state = self.lock();
        state.operation()?;
        let new = state.files.remove(&format!("{file}.new")).ok_or(io::ErrorKind::NotFound)?;
        state.files.insert(file.to_owned(), new);
        Ok(())
    }

    fn note(&self, file: &str, end: u64) {
        self.lock().notes.insert(file.to_owned(), end);
    }

    fn noted(&self, file: &str) -> u64 {
        self.lock().notes.get(file).copied().unwrap_or(0)
    }

    fn place(&self, file: &str) -> String {
        file.to_owned()
    }

    fn room(&self) -> io::Result<()> {
        Ok(())
    }
}

impl State {
    fn file(&mut self, name: &str) -> &mut File {
        self.files.get_mut(name).expect("a handle is of a file")
    }

    fn operation(&mut self) -> io::Result<()> {
        fails(&mut self.power).map_err(|_| io::Error::other("the power is gone"))?;
        // Once it is gone it stays gone.
        if self.power == Some(0) {
            return Err(io::Error::other("the power is gone"));
        }
        Ok(())
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.operation()?;
        let failed = fails(&mut self.failing_sync);
        let Self { chance, files, .. } = self;
        let file = files.get_mut(name).expect("a handle is of a file");
        let Err(error) = failed else {
            file.keep_all();
            return Ok(());
        };
        file.keep_some(chance);
        // Disks that allocate late find out only here that they are full.
        if chance.once_in(2) { Err(io::ErrorKind::StorageFull.into()) } else { Err(error) }
    }
}

/// Counts down to a failure, which happens once; a count that has ended stays at 0.
fn fails(after: &mut Option<u64>) -> io::Result<()> {
    match after {
        Some(0) | None => Ok(()),
        Some(1) => {
            *after = Some(0);
            Err(io::Error::other("the disk failed"))
        }
        Some(left) => {
            *left -= 1;
            Ok(())
        }
    }
}

impl File {
    fn keep_all(&mut self) {
        for change in self.unsynced.drain(..) {
            match change {
                Change::Length(length) => self.platter.resize(length, 0),
                Change::Write(at, data) => write(&mut self.platter, at, &data),
            }
        }
    }

    fn keep_some(&mut self, chance: &mut Chance) {
        // Now and then all or nothing, else each piece by chance.
        let odds = chance.below(5);
        for change in self.unsynced.drain(..) {
            match change {
                Change::Length(length) => {
                    if odds == 0 || (odds != 1 && chance.once_in(2)) {
                        self.platter.resize(length, 0);
                    }
                }
                Change::Write(at, data) => {
                    for (n, piece) in data.chunks(SECTOR).enumerate() {
                        let at = at + n * SECTOR;
                        let kept = odds == 0 || (odds != 1 && chance.once_in(odds));
                        if kept && at + piece.len() <= self.platter.len() {
                            write(&mut self.platter, at, piece);
                        }
                    }
                }
            }
        }
    }
}

fn write(to: &mut Vec<u8>, at: usize, data: &[u8]) {
    if to.len() < at + data.len() {
        to.resize(at + data.len(), 0);
    }
    to[at..at + data.len()].copy_from_slice(data);
}

#[derive(Debug)]
struct Handle {
    disk: Disk,
    name: String,
}

impl StorageBackend for Handle {
    fn len(&self) -> io::Result<u64> {
        let mut state = self.disk.lock();
        state.operation()?;
        Ok(state.file(&self.name).cache.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut state = self.disk.lock();
        state.operation()?;
        fails(&mut state.failing_read)?;
        let from = usize::try_from(offset).map_err(io::Error::other)?;
        let held = state.file(&self.name).cache.get(from..from + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(held);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.lock();
        state.operation()?;
        let length = usize::try_from(len).map_err(io::Error::other)?;
        let file = state.file(&self.name);
        file.cache.resize(length, 0);
        file.unsynced.push(Change::Length(length));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.lock().sync(&self.name)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.disk.lock();
        state.operation()?;
        fails(&mut state.failing_write)?;
        let at = usize::try_from(offset).map_err(io::Error::other)?;
        let State { files, room, .. } = &mut *state;
        let file = files.get_mut(&self.name).expect("a handle is of a file");
        let new: Vec<usize> =
            (at / BLOCK..(at + data.len()).div_ceil(BLOCK)).filter(|block| !file.blocks.contains(block)).collect();
        if let Some(room) = room {
            *room = room.checked_sub((new.len() * BLOCK) as u64).ok_or(io::ErrorKind::StorageFull)?;
        }
        file.blocks.extend(new);
        write(&mut file.cache, at, data);
        file.unsynced.push(Change::Write(at, data.to_vec()));
        Ok(())
    }
}
