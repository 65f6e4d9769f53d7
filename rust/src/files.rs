//! Places of files (pairs.md, section 1): anywhere, or below a folder that is never left; and files that are opened
//! without ever being waited for.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::expect::unlike;
use crate::json::{self, Value};
use crate::rule::{Rejection, Rule};

/// A failure of the system: no permission, a folder or a device where a file is due, a full disk. No rejection.
#[derive(Debug)]
pub struct IoFailure {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system said.
    pub error: io::Error,
}

impl IoFailure {
    pub(crate) fn new(path: impl Into<PathBuf>, error: impl Into<io::Error>) -> Self {
        IoFailure {
            path: path.into(),
            error: error.into(),
        }
    }

    /// A failure that the system has no number for.
    pub(crate) fn other(path: impl Into<PathBuf>, kind: io::ErrorKind, message: &str) -> Self {
        IoFailure::new(path, io::Error::new(kind, message))
    }
}

impl fmt::Display for IoFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.error)
    }
}

impl std::error::Error for IoFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// Why nothing was loaded, or saved.
#[derive(Debug)]
pub enum LoadError {
    /// What is there breaks a rule, or is not there at all (`checkpoint.sidecar-missing`, `archive.missing`).
    Rejected(Rejection),
    /// The system failed; the same call may succeed later.
    Io(IoFailure),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Rejected(rejection) => rejection.fmt(f),
            LoadError::Io(failure) => failure.fmt(f),
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            LoadError::Rejected(rejection) => Some(rejection),
            LoadError::Io(failure) => Some(failure),
        }
    }
}

impl From<Rejection> for LoadError {
    fn from(rejection: Rejection) -> Self {
        LoadError::Rejected(rejection)
    }
}

impl From<IoFailure> for LoadError {
    fn from(failure: IoFailure) -> Self {
        LoadError::Io(failure)
    }
}

/// Where a file is to be.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The folder that must not be left; none for a path of a program's own.
    folder: Option<PathBuf>,
    path: PathBuf,
    /// What names the place in a request, for rejections.
    pointer: String,
}

impl Place {
    /// A path of a program's own, which may lead anywhere.
    pub(crate) fn anywhere(path: &Path) -> Result<Self, IoFailure> {
        match path.file_name() {
            Some(_) => Ok(Place {
                folder: None,
                path: path.to_owned(),
                pointer: String::new(),
            }),
            None => Err(IoFailure::other(
                path,
                io::ErrorKind::InvalidInput,
                "the path has no file name",
            )),
        }
    }

    /// `file.path`, as far as the string itself breaks it: a relative path below `folder`, named by `pointer`.
    pub(crate) fn below(folder: &Path, pointer: &str, value: &Value<'_>) -> Result<Self, Rejection> {
        let Value::String(text) = value else {
            return unlike(Rule::FilePath, pointer, "a string", value);
        };
        let is_plain = |component: &str| !matches!(component, "" | "." | "..");
        if text.contains(['\\', '\0']) || !text.split('/').all(is_plain) {
            let expected = "a relative path without empty components, `.`, `..`, backslashes and NULs";
            return unlike(Rule::FilePath, pointer, expected, value);
        }
        Ok(Place {
            folder: Some(folder.to_owned()),
            path: folder.join(text.as_ref()),
            pointer: pointer.to_owned(),
        })
    }

    /// The place beside this one whose name has `suffix` at its end.
    pub(crate) fn with_suffix(&self, suffix: &str) -> Self {
        let mut name = self.file_name();
        name.push(suffix);
        Place {
            path: self.path.with_file_name(name),
            ..self.clone()
        }
    }

    /// The last component.
    pub(crate) fn file_name(&self) -> OsString {
        self.path.file_name().unwrap_or_default().to_owned()
    }

    /// The path, for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file for reading; none where it, or what a link leads to, is not there.
    pub(crate) fn open(&self) -> Result<Option<RegularFile>, LoadError> {
        let Some(folder) = &self.folder else {
            return Ok(found(&self.path, open_regular(&self.path))?);
        };
        let Some(path) = found(&self.path, fs::canonicalize(&self.path))? else {
            return Ok(None);
        };
        self.within(folder, &path)?;
        Ok(found(&path, open_regular(&path))?)
    }

    /// `file.path`, of a path without links.
    fn within(&self, folder: &Path, path: &Path) -> Result<(), LoadError> {
        let folder = fs::canonicalize(folder).map_err(|error| IoFailure::new(folder, error))?;
        if path.starts_with(&folder) {
            return Ok(());
        }
        let message = format!(
            "leads out of the folder, to {:?}",
            json::shortened(&path.to_string_lossy())
        );
        Err(Rejection::new(Rule::FilePath, &*self.pointer, message).into())
    }

    /// The folder that the file is in.
    fn parent(&self) -> &Path {
        match self.path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        }
    }

    /// `file.path` of a place for saving, of the deepest folder that exists.
    pub(crate) fn check_parent(&self) -> Result<(), LoadError> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        for ancestor in self.parent().ancestors() {
            if let Some(path) = found(ancestor, fs::canonicalize(ancestor))? {
                return self.within(folder, &path);
            }
        }
        Ok(())
    }

    /// Makes the folders that are missing, each for good, and gives the one that the file is to be in.
    pub(crate) fn make_parent(&self) -> Result<PathBuf, LoadError> {
        let parent = self.parent();
        let missing: Vec<&Path> = parent.ancestors().take_while(|path| is_missing(path)).collect();
        for path in missing.into_iter().rev() {
            match fs::create_dir(path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {} // made by another one
                made => made.map_err(|error| IoFailure::new(path, error))?,
            }
            let above = path.parent().filter(|above| *above != Path::new(""));
            sync_folder(above.unwrap_or(Path::new(".")))?;
        }
        let path = fs::canonicalize(parent).map_err(|error| IoFailure::new(parent, error))?;
        match &self.folder {
            Some(folder) => self.within(folder, &path).map(|()| path),
            None => Ok(path),
        }
    }
}

/// Nothing is there, not even what a path component before it leads to.
fn is_missing(path: &Path) -> bool {
    path != Path::new("") && matches!(fs::metadata(path), Err(error) if error.kind() == io::ErrorKind::NotFound)
}

/// Makes what happened in a folder permanent.
fn sync_folder(path: &Path) -> Result<(), IoFailure> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| IoFailure::new(path, error))
}

/// Tells the absence of a file from all other failures.
fn found<T>(path: &Path, result: io::Result<T>) -> Result<Option<T>, IoFailure> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(IoFailure::new(path, error)),
    }
}

/// A file that was found to be an ordinary one.
#[derive(Debug)]
pub(crate) struct RegularFile {
    file: File,
    path: PathBuf,
    length: u64,
    identity: Identity,
}

/// Opens a file for reading without waiting, whatever it is; what is no ordinary file is an error.
fn open_regular(path: &Path) -> io::Result<RegularFile> {
    regular(&fs::metadata(path)?)?; // before opening, which is an action on some devices
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK | libc::O_NOCTTY);
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    regular(&metadata)?;
    Ok(RegularFile {
        file,
        path: path.to_owned(),
        length: metadata.len(),
        identity: Identity::of(&metadata),
    })
}

/// That something is an ordinary file.
pub(crate) fn regular(metadata: &fs::Metadata) -> io::Result<()> {
    if metadata.is_file() {
        Ok(())
    } else if metadata.is_dir() {
        Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            "a folder where a file is due",
        ))
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "no ordinary file: a pipe, a socket or a device",
        ))
    }
}

impl RegularFile {
    /// The number of bytes when it was opened.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Which file it was when it was opened, and which state of it.
    pub(crate) fn identity(&self) -> Identity {
        self.identity
    }

    /// Fills `buffer` with the bytes from `offset` on, which must be there.
    pub(crate) fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), IoFailure> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.read_exact(buffer))
            .map_err(|error| self.failure(error))
    }

    /// The whole content, as long as that is at most `most` bytes.
    pub(crate) fn read_whole(&self, most: u64) -> Result<Option<Vec<u8>>, IoFailure> {
        let mut content = Vec::new();
        if self.length <= most {
            let mut file = &self.file;
            let mut read = || {
                file.seek(SeekFrom::Start(0))?;
                file.take(most + 1).read_to_end(&mut content) // it may have grown
            };
            read().map_err(|error| self.failure(error))?;
        }
        Ok((self.length <= most && content.len() as u64 <= most).then_some(content))
    }

    fn failure(&self, error: io::Error) -> IoFailure {
        IoFailure::new(&self.path, error)
    }
}

/// By what a file is known to be another one than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    #[cfg(unix)]
    numbers: (u64, u64, i64, i64),
    length: u64,
    #[cfg(not(unix))]
    modified: Option<std::time::SystemTime>,
}

impl Identity {
    #[cfg(unix)]
    fn of(metadata: &fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Identity {
            numbers: (metadata.dev(), metadata.ino(), metadata.mtime(), metadata.mtime_nsec()),
            length: metadata.len(),
        }
    }

    #[cfg(not(unix))]
    fn of(metadata: &fs::Metadata) -> Self {
        Identity {
            length: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }
}
