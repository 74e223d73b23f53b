//! All that an attempt printed, on disk within a bound: the first half as it came, of the rest the last half.
//!
//! `output` only ever grows, so that the agent can send it on while the attempt runs. What comes after the first
//! half goes round in a second file, `output.ring`; when the attempt has ended, that is put in order behind the
//! first half, and between the two stands how much was left out. A full disk costs output, never the attempt; and output
//! never takes the last room, which outcomes and reports need.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::tail::Tail;
use crate::room::Room;

/// Room for the line that says how much was left out.
const GAP_BYTES: u64 = 64;
/// After so many bytes more it is asked whether the disk has room.
const LOOK_BYTES: u64 = 64 * 1024;

/// Takes output in.
#[derive(Debug)]
pub struct Capture {
    folder: PathBuf,
    output: File,
    ring: Option<File>,
    ring_path: PathBuf,
    half: u64,
    /// Bytes in `output`.
    head: u64,
    /// Bytes that went into the ring, those overwritten since included.
    beyond: u64,
    /// Bytes taken since the disk was last asked for room.
    unlooked: u64,
    /// Bytes that came after the disk refused one.
    lost: u64,
    trouble: Option<String>,
    tail: Tail,
}

/// What is left of it for the report.
#[derive(Debug)]
pub struct Captured {
    /// The last lines.
    pub tail: String,
    /// What went wrong, if anything did.
    pub note: Option<String>,
}

impl Capture {
    /// Begins, with an empty `output` that may grow to so many bytes.
    pub fn begin(folder: &Path, bound: u64) -> io::Result<Self> {
        Ok(Self {
            folder: folder.to_owned(),
            output: File::create(folder.join("output"))?,
            ring: None,
            ring_path: folder.join("output.ring"),
            half: bound.saturating_sub(GAP_BYTES) / 2,
            head: 0,
            beyond: 0,
            unlooked: LOOK_BYTES, // the first byte asks
            lost: 0,
            trouble: None,
            tail: Tail::default(),
        })
    }

    /// Takes what came.
    pub fn take(&mut self, chunk: &[u8]) {
        self.tail.take(chunk);
        if self.trouble.is_some() {
            self.lost += chunk.len() as u64;
            return;
        }
        let room = usize::try_from(self.half - self.head).unwrap_or(usize::MAX).min(chunk.len());
        let (first, rest) = chunk.split_at(room);
        let stored =
            self.find_room(chunk.len()).and_then(|()| self.store_head(first)).and_then(|()| self.store_ring(rest));
        if let Err(e) = stored {
            self.trouble = Some(format!("output could not be kept: {e}"));
        }
    }

    /// Fails when the disk has only its reserve left. A ring that is full takes no more room.
    fn find_room(&mut self, bytes: usize) -> io::Result<()> {
        self.unlooked += bytes as u64;
        if self.unlooked < LOOK_BYTES || (0 < self.half && self.half <= self.beyond) {
            return Ok(());
        }
        self.unlooked = 0;
        self.leave_reserve(0)
    }

    /// Fails when so many bytes more would take from the reserve. A disk that cannot be asked shows when it is written to.
    fn leave_reserve(&self, bytes: u64) -> io::Result<()> {
        match Room::under(&self.folder) {
            Ok(room) if !room.has(bytes) => {
                Err(io::Error::new(io::ErrorKind::StorageFull, format!("its node's disk is full: {room}")))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn store_head(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.write_all_at(bytes, self.head)?;
        self.head += bytes.len() as u64;
        Ok(())
    }

    fn store_ring(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let ring = match &mut self.ring {
            Some(ring) => ring,
            none => {
                none.insert(File::options().read(true).write(true).create(true).truncate(true).open(&self.ring_path)?)
            }
        };
        while !bytes.is_empty() && self.half > 0 {
            let at = self.beyond % self.half;
            let room = usize::try_from(self.half - at).unwrap_or(usize::MAX).min(bytes.len());
            ring.write_all_at(&bytes[..room], at)?;
            self.beyond += room as u64;
            bytes = &bytes[room..];
        }
        self.lost += bytes.len() as u64;
        Ok(())
    }

    /// Puts `output` in order. Nothing comes after.
    pub fn finish(mut self) -> Captured {
        if let Err(e) = self.join() {
            self.trouble.get_or_insert(format!("the end of the output could not be kept: {e}"));
        }
        let _ = std::fs::remove_file(&self.ring_path);
        Captured { tail: self.tail.text(), note: self.trouble }
    }

    fn join(&mut self) -> io::Result<()> {
        let overwritten = self.beyond.saturating_sub(self.half);
        let in_ring = self.beyond - overwritten;
        let room = self.leave_reserve(in_ring); // it is copied before it is removed
        let left_out = overwritten + self.lost + if room.is_err() { in_ring } else { 0 };
        self.output.seek(SeekFrom::Start(self.head))?;
        if left_out > 0 {
            write!(self.output, "\n[... {left_out} bytes left out ...]\n")?;
        }
        let Some(ring) = &mut self.ring else { return Ok(()) };
        room?;
        if overwritten > 0 {
            let seam = self.beyond % self.half;
            ring.seek(SeekFrom::Start(seam))?;
            io::copy(&mut Read::take(&mut *ring, self.half - seam), &mut self.output)?;
            ring.seek(SeekFrom::Start(0))?;
            io::copy(&mut Read::take(&mut *ring, seam), &mut self.output)?;
        } else {
            ring.seek(SeekFrom::Start(0))?;
            io::copy(&mut Read::take(&mut *ring, self.beyond), &mut self.output)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `output` holds after this output when each half may have 10 bytes, whatever pieces it came in.
    fn kept(output: &str) -> String {
        let mut each = Vec::new();
        for piece in [1, 3, 7, 10, 100] {
            let folder = tempfile::tempdir().unwrap();
            let mut capture = Capture::begin(folder.path(), GAP_BYTES + 20).unwrap();
            output.as_bytes().chunks(piece).for_each(|chunk| capture.take(chunk));
            let captured = capture.finish();
            assert_eq!((captured.tail.as_str(), captured.note), (output, None));
            assert!(!folder.path().join("output.ring").exists());
            each.push(std::fs::read_to_string(folder.path().join("output")).unwrap());
        }
        assert!(each.iter().all(|text| *text == each[0]), "{each:?}");
        each.swap_remove(0)
    }

    #[test]
    fn output_within_the_bound_is_kept_whole_and_beyond_it_both_ends_are() {
        for (output, want) in [
            ("", ""),
            ("0123456789", "0123456789"),
            ("0123456789ab", "0123456789ab"),
            ("0123456789abcdefghij", "0123456789abcdefghij"),
            ("0123456789abcdefghijK", "0123456789\n[... 1 bytes left out ...]\nbcdefghijK"),
            ("0123456789abcdefghijKLMNOPQRSTUVW", "0123456789\n[... 13 bytes left out ...]\nNOPQRSTUVW"),
        ] {
            assert_eq!(kept(output), want, "of {output}");
        }
    }

    #[test]
    fn a_full_disk_costs_output_but_neither_the_tail_nor_the_word_about_it() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/full", folder.path().join("output")).unwrap();
        let mut capture = Capture::begin(folder.path(), 1_000).unwrap();
        capture.take(b"one\n");
        capture.take(b"two\n");
        let captured = capture.finish();
        assert_eq!(captured.tail, "one\ntwo\n");
        assert!(captured.note.unwrap().starts_with("output could not be kept: No space left on device"));
    }
}
