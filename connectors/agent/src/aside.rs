//! Reports kept aside: those of leases that another journal granted, in the order in which they came, without
//! numbers. They are read back if that journal is met again in the same boot.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use model::ReportKind;

/// The longest such file; what is more is dropped, since a journal that stays away will not miss it.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Adds reports to the file.
pub fn keep(path: &Path, kinds: &[ReportKind]) -> io::Result<()> {
    if kinds.is_empty() {
        return Ok(());
    }
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let length = file.metadata()?.len();
    if MAX_BYTES < length {
        tracing::warn!("{}: full; {} reports of an absent journal dropped", path.display(), kinds.len());
        return Ok(());
    }
    let mut bytes = Vec::new();
    for kind in kinds {
        serde_json::to_writer(&mut bytes, kind)?;
        bytes.push(b'\n');
    }
    let written = file.write_all(&bytes).and_then(|()| file.sync_data());
    if written.is_err() {
        file.set_len(length)?; // the whole is tried again
    }
    written
}

/// Reads the file; a line that is not whole was never stored.
pub fn read(path: &Path) -> io::Result<Vec<ReportKind>> {
    let mut text = Vec::new();
    match fs::File::open(path) {
        Ok(mut file) => file.read_to_end(&mut text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    Ok(text.split(|byte| *byte == b'\n').map_while(|line| serde_json::from_slice(line).ok()).collect())
}

/// Removes the file.
pub fn forget(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::LeaseId;

    #[test]
    fn what_is_kept_is_read_back_in_order_without_a_torn_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j5");
        assert_eq!(read(&path).unwrap(), []);
        let lease: LeaseId = "j5.0.1.1.0".parse().unwrap();
        let (accepted, started) = (ReportKind::Accepted { lease }, ReportKind::Started { lease, pid: 1 });
        keep(&path, std::slice::from_ref(&accepted)).unwrap();
        keep(&path, std::slice::from_ref(&started)).unwrap();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"kind\":\"fini").unwrap();
        assert_eq!(read(&path).unwrap(), [accepted, started]);
        forget(&path).unwrap();
        forget(&path).unwrap();
        assert_eq!(read(&path).unwrap(), []);
    }
}
