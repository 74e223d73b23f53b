//! A folder whose files survive a power failure: each is written aside, synced and only then given its name.
//!
//! What `object_store` does with folders is quick and leaves the rest to the system: a commit that is named and empty
//! after a power failure would be the end of a table. All but writing is left to it.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path as FilePath, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

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

/// Drafts of one process have different names.
static DRAFTS: AtomicU64 = AtomicU64::new(0);

/// Writes aside, syncs, and gives the name: a new one that nobody has, or one that replaces what has it.
fn write(path: &FilePath, payload: &PutPayload, create: bool) -> io::Result<()> {
    let folder = path.parent().unwrap_or(FilePath::new("/"));
    let made = make_folder(folder)?;
    let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
    // The name's end is one that object stores take for a draft of theirs, and do not list.
    let draft = PathBuf::from(format!("{}#{}{number}", path.display(), std::process::id()));
    let written = (|| {
        let mut file = File::create(&draft)?;
        payload.iter().try_for_each(|part| file.write_all(part))?;
        file.sync_all()?;
        if create { fs::hard_link(&draft, path) } else { fs::rename(&draft, path) }
    })();
    if create || written.is_err() {
        // What is left of it is found by who looks for files without a commit.
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
