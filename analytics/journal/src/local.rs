//! A folder whose files survive a power failure: each is written aside, synced and only then given its name.
//!
//! What `object_store` does with folders is quick and leaves the rest to the system: a commit that is named and empty
//! after a power failure would be the end of a table. All but writing is left to it.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path as FilePath, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};
use uuid::Uuid;

/// A draft that is older was left by a writer that died.
const DRAFT_LIVES: Duration = Duration::from_secs(24 * 3_600);

/// All folders of this machine.
#[derive(Debug)]
pub struct Synced {
    files: LocalFileSystem,
}

impl Synced {
    /// All folders of this machine, from the root on.
    pub fn new() -> Self {
        Self { files: LocalFileSystem::new() }
    }
}

impl Default for Synced {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Synced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, synced", self.files)
    }
}

#[async_trait]
impl ObjectStore for Synced {
    async fn put_opts(&self, to: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let path = self.files.path_to_filesystem(to)?;
        let create = match options.mode {
            PutMode::Create => true,
            PutMode::Overwrite => false,
            PutMode::Update(_) => {
                return Err(Error::NotImplemented {
                    operation: "put if unchanged".into(),
                    implementer: self.to_string(),
                });
            }
        };
        let written =
            tokio::task::spawn_blocking(move || write(&path, &payload, create).map_err(|error| (path, error)));
        match written.await.map_err(|source| Error::JoinError { source })? {
            Ok(()) => Ok(PutResult { e_tag: None, version: None }),
            Err((path, error)) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(Error::AlreadyExists { path: path.display().to_string(), source: error.into() })
            }
            Err((path, error)) => {
                Err(Error::Generic { store: "folder", source: format!("{}: {error}", path.display()).into() })
            }
        }
    }

    async fn put_multipart_opts(&self, to: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.files.put_multipart_opts(to, options).await
    }

    async fn get_opts(&self, from: &Path, options: GetOptions) -> Result<GetResult> {
        self.files.get_opts(from, options).await
    }

    async fn get_ranges(&self, from: &Path, ranges: &[std::ops::Range<u64>]) -> Result<Vec<bytes::Bytes>> {
        self.files.get_ranges(from, ranges).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.files.delete_stream(paths)
    }

    fn list(&self, below: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list(below)
    }

    fn list_with_offset(&self, below: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list_with_offset(below, offset)
    }

    async fn list_with_delimiter(&self, below: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(below).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.files.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.files.rename_opts(from, to, options).await
    }
}

/// Writes aside, syncs, and gives the name: a new one that nobody has, or one that replaces what has it.
fn write(path: &FilePath, payload: &PutPayload, create: bool) -> io::Result<()> {
    let folder = path.parent().unwrap_or(FilePath::new("/"));
    let made = make_folder(folder)?;
    // The name's end is one that object stores take for a draft of theirs, and do not list. No two are alike, wherever
    // they are written: processes of two containers may have one number.
    let draft = PathBuf::from(format!("{}#{}", path.display(), Uuid::new_v4().as_u128()));
    let written = (|| {
        let mut file = File::create_new(&draft)?;
        payload.iter().try_for_each(|part| file.write_all(part))?;
        file.sync_all()?;
        if create { fs::hard_link(&draft, path) } else { fs::rename(&draft, path) }
    })();
    if create || written.is_err() {
        // What is left of it is swept up later.
        let _ = fs::remove_file(&draft);
    }
    written?;
    File::open(folder)?.sync_all()?;
    made.iter().try_for_each(|above| File::open(above)?.sync_all())
}

/// Makes a folder and those above it; the folders in which one was made are to be synced.
fn make_folder(folder: &FilePath) -> io::Result<Vec<PathBuf>> {
    let missing = folder.ancestors().take_while(|above| !above.as_os_str().is_empty() && !above.exists());
    let above: Vec<PathBuf> = missing.filter_map(|missing| missing.parent().map(FilePath::to_owned)).collect();
    fs::create_dir_all(folder)?;
    Ok(above)
}

/// Removes drafts that nobody writes any more, in a folder and those in it.
pub fn sweep(folder: &FilePath) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sweep(&entry.path())?;
            continue;
        }
        let age = entry.metadata().and_then(|about| about.modified()).ok().and_then(|at| at.elapsed().ok());
        if is_draft(&entry.file_name().to_string_lossy()) && age.is_some_and(|age| age > DRAFT_LIVES) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn is_draft(name: &str) -> bool {
    name.rsplit_once('#').is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}
