//! Saves checkpoint pairs so that a crash at any point leaves the old pair or the new one (pairs.md, section 6).
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::archive_writer::{self, Compression};
use crate::checkpoint::Checkpoint;
use crate::files::{regular, IoFailure, LoadError, Place};
use crate::json::{self, Value};
use crate::network::Network;
use crate::pair::{Pair, MAX_SIDECAR_BYTES};
use crate::rule::{Rejection, Rule};
use crate::sidecar::{is_hex_digit, MemberDue, Sidecar, NAME_DIGITS};
use crate::stored_network::{self, StoredNetwork};

/// Saves a checkpoint as the pair `base.json`, `base.npz` (format 1); missing folders are made.
///
/// When it returns, the pair is on the disk. Other writers wait, readers see the old pair or the new one.
///
/// # Errors
///
/// `checkpoint.metadata-type` where the metadata nest too deeply for a sidecar; or what the system fails with. The old
/// pair is then as it was; or the new one is there, where only tidying up failed.
pub fn save_checkpoint(checkpoint: &Checkpoint, base: &Path, compression: Compression) -> Result<(), LoadError> {
    save(&Place::anywhere(base)?, &pair_of_checkpoint(checkpoint), compression)
}

/// Saves a network as the pair `base.json`, `base.npz` (format 2), with layers named `layer_0`, `layer_1`, ….
///
/// # Errors
///
/// As [`save_checkpoint`], but there is nothing to reject: a convolution with a dimension beyond 65,536, which a sidecar
/// cannot say, is a failure too.
pub fn save_network(network: &Network<f64>, base: &Path, compression: Compression) -> Result<(), IoFailure> {
    let place = Place::anywhere(base)?;
    match save(&place, &pair_of_network(&place, network)?, compression) {
        Ok(()) => Ok(()),
        Err(LoadError::Io(failure)) => Err(failure),
        Err(LoadError::Rejected(rejection)) => Err(IoFailure::new(base, io::Error::other(rejection))),
    }
}

/// A checkpoint as a pair in memory.
pub(crate) fn pair_of_checkpoint(checkpoint: &Checkpoint) -> Pair<'_> {
    let sidecar = Sidecar {
        layer_names: checkpoint.layer_names.clone(),
        layer_sizes: checkpoint.layer_sizes.clone(),
        neuron_types: checkpoint.neuron_types.clone(),
        metadata: checkpoint.metadata.clone(),
        frozen: checkpoint.frozen_layers().map(String::from).collect(),
        network: None,
        archive_digest: None,
    };
    let sizes = checkpoint.layer_sizes.iter().enumerate();
    let due = sizes.map(|(layer, &size)| MemberDue::weights(layer, size));
    let values = checkpoint.weights.iter().map(|matrix| Cow::Borrowed(&*matrix.entries));
    Pair::new(sidecar, due.zip(values).collect())
}

/// A network as a pair in memory; an I/O failure where a sidecar cannot say what it is.
pub(crate) fn pair_of_network(base: &Place, network: &Network<f64>) -> Result<Pair<'static>, IoFailure> {
    let layer_sizes = stored_network::sizes(network);
    let text = stored_network::text(network);
    let document = json::parse(&text, json::DOCUMENT_DEPTH);
    let stored = document.and_then(|document| StoredNetwork::read("/network", &document, &layer_sizes));
    let stored = stored.map_err(|rejection| IoFailure::new(base.path(), io::Error::other(rejection)))?;
    let members = stored.due.iter().cloned();
    let members = members.zip(stored_network::values(network).into_iter().map(Cow::Owned));
    let members = members.collect();
    let sidecar = Sidecar {
        layer_names: (0..layer_sizes.len()).map(|layer| format!("layer_{layer}")).collect(),
        layer_sizes,
        neuron_types: stored_network::types(network),
        metadata: json::Object::default(),
        frozen: Vec::new(),
        network: Some(stored),
        archive_digest: None,
    };
    Ok(Pair::new(sidecar, members))
}

/// Saves a pair.
pub(crate) fn save(base: &Place, pair: &Pair<'_>, compression: Compression) -> Result<(), LoadError> {
    can_be_loaded(base, &pair.sidecar)?;
    let folder = Folder::open(base.make_parent()?)?;
    let saving = Saving::new(&folder, base.file_name());
    for published in [&saving.json, &saving.npz] {
        folder.is_free(published)?;
    }
    let mut staged = None;
    saving.write(pair, compression, &mut staged).map_err(|failure| {
        saving.take_back(staged.as_ref());
        failure.into()
    })
}

/// That a load would not refuse the sidecar for its size, or for the depth of its metadata.
fn can_be_loaded(base: &Place, sidecar: &Sidecar) -> Result<(), LoadError> {
    const DIGEST_BYTES: u64 = 100;
    let text = sidecar.text();
    if text.len() as u64 + DIGEST_BYTES > MAX_SIDECAR_BYTES {
        let fault = "names and metadata have more bytes than a sidecar can hold";
        return Err(IoFailure::other(base.path(), io::ErrorKind::InvalidData, fault).into());
    }
    if let Err(rejection) = Sidecar::parse(&text) {
        let message = format!("a sidecar cannot hold them: {}", rejection.message);
        return Err(Rejection::new(Rule::CheckpointMetadataType, "/checkpoint/metadata", message).into());
    }
    Ok(())
}

/// The folder of a pair, locked against other writers until it is dropped.
struct Folder {
    path: PathBuf,
    handle: File,
}

impl Folder {
    fn open(path: PathBuf) -> Result<Self, IoFailure> {
        let lock = || {
            let handle = File::open(&path)?;
            while let Err(error) = handle.lock() {
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
            Ok(handle)
        };
        match lock() {
            Ok(handle) => Ok(Folder { path, handle }),
            Err(error) => Err(IoFailure::new(path, error)),
        }
    }

    /// That an ordinary file, or nothing, has this name: a pipe or a folder is not replaced.
    fn is_free(&self, name: &OsString) -> Result<(), IoFailure> {
        let path = self.path.join(name);
        match fs::metadata(&path).and_then(|metadata| regular(&metadata)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(IoFailure::new(path, error)),
            _ => Ok(()),
        }
    }

    /// Writes a new file, whatever had the name before, and has it on the disk.
    fn write<T>(&self, name: &OsString, write: impl FnOnce(&mut File) -> io::Result<T>) -> Result<T, IoFailure> {
        let path = self.path.join(name);
        let write = || {
            self.remove_if_there(name)?; // a link is not followed
            let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
            let result = write(&mut file)?;
            file.sync_all()?;
            Ok(result)
        };
        write().map_err(|error: io::Error| IoFailure::new(&path, error))
    }

    fn remove_if_there(&self, name: &OsString) -> io::Result<()> {
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// Renames a file, and has that on the disk.
    fn rename(&self, from: &OsString, to: &OsString) -> Result<(), IoFailure> {
        let to = self.path.join(to);
        fs::rename(self.path.join(from), &to).map_err(|error| IoFailure::new(&to, error))?;
        self.sync()
    }

    fn sync(&self) -> Result<(), IoFailure> {
        self.handle
            .sync_all()
            .map_err(|error| IoFailure::new(&self.path, error))
    }
}

/// The names of a pair's files.
struct Saving<'f> {
    folder: &'f Folder,
    json: OsString,
    npz: OsString,
    json_tmp: OsString,
    npz_tmp: OsString,
}

impl<'f> Saving<'f> {
    fn new(folder: &'f Folder, base: OsString) -> Self {
        let with = |suffix: &str| {
            let mut name = base.clone();
            name.push(suffix);
            name
        };
        Saving {
            folder,
            json: with(".json"),
            npz: with(".npz"),
            json_tmp: with(".json.tmp"),
            npz_tmp: with(".npz.tmp"),
        }
    }

    /// The four steps; `staged` becomes the name of the archive as long as it has no other.
    fn write(&self, pair: &Pair<'_>, compression: Compression, staged: &mut Option<OsString>) -> Result<(), IoFailure> {
        let members = pair.members().map(|(due, values)| (&*due.name, &*due.shape, values));
        let digest = self
            .folder
            .write(&self.npz_tmp, |file| archive_writer::write(file, members, compression))?;
        let name = staged.insert(self.staged(&digest));
        self.folder.rename(&self.npz_tmp, name)?;
        let sidecar = Sidecar {
            archive_digest: Some(digest),
            ..pair.sidecar.clone()
        };
        self.folder
            .write(&self.json_tmp, |file| file.write_all(&sidecar.text()))?;
        self.folder.rename(&self.json_tmp, &self.json)?; // the commit
        self.folder.rename(name, &self.npz)?;
        self.tidy_up();
        self.folder.sync()
    }

    /// The name of an archive until its sidecar is committed.
    fn staged(&self, digest: &str) -> OsString {
        let mut name = self.npz.clone();
        name.push(format!(".{}", &digest[..NAME_DIGITS]));
        name
    }

    /// Removes what interrupted saves left. Where that fails the pair is saved all the same, and the next save tries.
    fn tidy_up(&self) {
        for name in [&self.npz_tmp, &self.json_tmp] {
            let _ = self.folder.remove_if_there(name);
        }
        let prefix = [self.npz.as_encoded_bytes(), b"."].concat();
        let is_staged = |name: &OsString| {
            let digits = name.as_encoded_bytes().strip_prefix(prefix.as_slice());
            digits.is_some_and(|digits| digits.len() == NAME_DIGITS && digits.iter().all(|&byte| is_hex_digit(byte)))
        };
        let entries = fs::read_dir(&self.folder.path).into_iter().flatten().flatten();
        for name in entries.map(|entry| entry.file_name()).filter(is_staged) {
            let _ = self.folder.remove_if_there(&name);
        }
    }

    /// Removes what a failed save wrote, as far as it can: not the archive that the sidecar is bound to.
    fn take_back(&self, staged: Option<&OsString>) {
        for name in [&self.npz_tmp, &self.json_tmp] {
            let _ = self.folder.remove_if_there(name);
        }
        if let Some(staged) = staged {
            if self.bound().is_ok_and(|bound| bound.as_ref() != Some(staged)) {
                let _ = self.folder.remove_if_there(staged);
            }
        }
        let _ = self.folder.sync();
    }

    /// The name for the archive that the sidecar is bound to.
    fn bound(&self) -> Result<Option<OsString>, LoadError> {
        let place = Place::anywhere(&self.folder.path.join(&self.json))?;
        let Some(file) = place.open()? else {
            return Ok(None);
        };
        let text = file.read_whole(MAX_SIDECAR_BYTES)?.unwrap_or_default();
        Ok(match json::parse(&text, json::DOCUMENT_DEPTH) {
            Ok(Value::Object(sidecar)) => match sidecar.get("archive_digest") {
                Some(Value::String(digest)) => digest.get(..NAME_DIGITS).map(|digits| self.staged(digits)),
                _ => None,
            },
            _ => None,
        })
    }
}
