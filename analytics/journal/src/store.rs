//! Where tables are: a folder, or an address of any object store. Credentials come from the environment, under the names
//! that the stores' own tools use (`AWS_ACCESS_KEY_ID`, `AZURE_STORAGE_ACCOUNT_KEY`, `GOOGLE_SERVICE_ACCOUNT`, …).

use std::fmt;
use std::path::{Component, Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreScheme, RetryConfig};
use url::Url;

use crate::local::Synced;

/// A request is begun anew for so long where a store does not answer: then who asks is told so, and who writes waits, says so
/// and tries later.
const PATIENCE: Duration = Duration::from_secs(10);

/// A place for tables.
#[derive(Debug, Clone)]
pub struct Store {
    /// Its address, with a slash at the end.
    pub url: Url,
    /// The store below the whole address.
    pub root: Arc<dyn ObjectStore>,
    /// Where in it the tables are.
    pub prefix: Path,
    /// The folder, if it is one of this machine.
    pub folder: Option<PathBuf>,
}

/// Why an address is none.
#[derive(Debug)]
pub struct NoStore {
    address: String,
    why: String,
}

impl fmt::Display for NoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, why } = self;
        write!(f, "`{address}` is no place for tables: {why}; give a folder, or an address like s3://bucket/reprise")
    }
}

impl std::error::Error for NoStore {}

impl Store {
    /// Opens a folder or an address. Asks nobody yet, and makes no folder.
    pub fn open(address: &str) -> Result<Self, NoStore> {
        let no = |why: String| NoStore { address: address.to_owned(), why };
        if !address.contains("://") {
            return Self::of_folder(FilePath::new(address)).map_err(|error| no(error.to_string()));
        }
        let mut url = Url::parse(address).map_err(|error| no(error.to_string()))?;
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        let (scheme, prefix) = ObjectStoreScheme::parse(&url).map_err(|error| no(error.to_string()))?;
        if scheme == ObjectStoreScheme::Local {
            let folder = url.to_file_path().map_err(|()| no("it names no folder of this machine".to_owned()))?;
            return Self::of_folder(&folder).map_err(|error| no(error.to_string()));
        }
        let root = remote(&scheme, &url).map_err(no)?;
        Ok(Self { url, root, prefix, folder: None })
    }

    /// A folder of this machine.
    pub fn of_folder(folder: &FilePath) -> std::io::Result<Self> {
        let folder = plain(folder)?;
        let no_url = |()| std::io::Error::other("its path is no address");
        let url = Url::from_directory_path(&folder).map_err(no_url)?;
        let prefix = Path::from_absolute_path(&folder).map_err(std::io::Error::other)?;
        Ok(Self { url, root: Arc::new(Synced::new()), prefix, folder: Some(folder) })
    }

    /// One in memory, which ends with this value and its clones.
    pub fn in_memory() -> Self {
        let url = Url::parse("memory:///tables/").expect("an address");
        Self { url, root: Arc::new(object_store::memory::InMemory::new()), prefix: Path::from("tables"), folder: None }
    }

    /// What lies below a table's name: the store, and its address.
    pub fn below(&self, name: &str) -> (Arc<dyn ObjectStore>, Url) {
        let path = self.prefix.clone().join(name);
        let url = self.url.join(&format!("{name}/")).expect("a table's name is a part of an address");
        (Arc::new(PrefixStore::new(self.root.clone(), path)), url)
    }
}

/// A folder's absolute path without `..`, as an address has none. Nothing of it need be there yet.
fn plain(folder: &FilePath) -> std::io::Result<PathBuf> {
    let mut plain = PathBuf::new();
    for part in std::path::absolute(folder)?.components() {
        if part == Component::ParentDir {
            // The folder above one that a link leads to is not the one above the link.
            plain = plain.canonicalize().unwrap_or(plain);
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    let bytes = plain.as_os_str().as_encoded_bytes();
    // Below, a folder's path is taken for one of an address, and read as such once more.
    let reads_as_another = bytes.windows(3).any(|part| part[0] == b'%' && part[1..].iter().all(u8::is_ascii_hexdigit));
    if reads_as_another {
        return Err(std::io::Error::other("a `%` before two digits stands for another character in an address"));
    }
    Ok(plain)
}

/// A store that others serve.
fn remote(scheme: &ObjectStoreScheme, url: &Url) -> Result<Arc<dyn ObjectStore>, String> {
    let retry = RetryConfig { retry_timeout: PATIENCE, ..RetryConfig::default() };
    let no = |error: object_store::Error| error.to_string();
    if *scheme == ObjectStoreScheme::AmazonS3 {
        let s3 = AmazonS3Builder::from_env().with_url(url.as_str()).with_retry(retry);
        return Ok(Arc::new(s3.build().map_err(no)?));
    }
    if *scheme == ObjectStoreScheme::MicrosoftAzure {
        let azure = MicrosoftAzureBuilder::from_env().with_url(url.as_str()).with_retry(retry);
        return Ok(Arc::new(azure.build().map_err(no)?));
    }
    if *scheme == ObjectStoreScheme::GoogleCloudStorage {
        let google = GoogleCloudStorageBuilder::from_env().with_url(url.as_str()).with_retry(retry);
        return Ok(Arc::new(google.build().map_err(no)?));
    }
    Err(format!("{scheme:?} keeps no tables; there are file, s3, az and gs"))
}
