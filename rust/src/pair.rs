//! Checkpoint pairs on disk: `BASE.json`, the sidecar, and `BASE.npz`, the weight archive (pairs.md).
//!
//! ```
//! use spikeparity::checkpoint::Checkpoint;
//! use spikeparity::pair::{load_checkpoint, save_checkpoint, Compression};
//!
//! let folder = std::env::temp_dir().join(format!("spikeparity-pair-{}", std::process::id()));
//! let text = br#"{"layer_names":["a"],"layer_sizes":[[2,1]],"weights":[[[0.5,0.25]]]}"#;
//! let checkpoint = Checkpoint::parse(text)?;
//! save_checkpoint(&checkpoint, &folder.join("model.v1"), Compression::Deflate)?;
//! assert_eq!(load_checkpoint(&folder.join("model.v1"))?, checkpoint);
//! # std::fs::remove_dir_all(folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::archive::{self, hex, Archive, Due, Terms};
use crate::checkpoint::Checkpoint;
use crate::expect::unlike;
use crate::files::{Place, RegularFile};
use crate::matrix::Matrix;
use crate::network::Network;
use crate::network_rules::Kind;
use crate::npy::{Array, Decoder};
use crate::real::Real;
use crate::rule::{Rejection, Rule};
use crate::sidecar::{MemberDue, Sidecar, NAME_DIGITS};

pub use crate::archive_writer::Compression;
pub use crate::files::{IoFailure, LoadError};
pub use crate::pair_saving::{save_checkpoint, save_network};

/// The largest sidecar (`limits.sidecar_bytes`).
pub const MAX_SIDECAR_BYTES: u64 = 16 << 20;

/// What a member may have beside 8 bytes per element due (`limits.npy_header_bytes`).
pub const MAX_HEADER_BYTES: u64 = 65_548;

/// The largest size that an array in a file of a request may declare (`limits.file_array_bytes`).
pub const MAX_FILE_ARRAY_BYTES: u64 = 1 << 28;

/// The largest number of entries of its archive (`limits.file_array_entries`).
pub const MAX_FILE_ARRAY_ENTRIES: u64 = 1024;

/// Loads the checkpoint of the pair `base.json`, `base.npz`: in format 2 without the biases and neurons of its network,
/// all layers of which must be dense (`checkpoint.network` at the kind of the first other one).
///
/// Nothing that the pair holds makes it panic, wait, or take more memory than the weights due and the bytes that are
/// really there ask for.
///
/// # Errors
///
/// [`LoadError::Rejected`] with the first broken rule; [`LoadError::Io`] where the system fails.
pub fn load_checkpoint(base: &Path) -> Result<Checkpoint, LoadError> {
    Ok(Pair::load(&Place::anywhere(base)?)?.into_checkpoint()?)
}

/// Loads the network of the pair `base.json`, `base.npz`, which must be of format 2.
///
/// # Errors
///
/// As [`load_checkpoint`]; `network.neuron-model` at `/network` where the pair is of format 1, which has no neurons.
pub fn load_network(base: &Path) -> Result<Network<f64>, LoadError> {
    Pair::load(&Place::anywhere(base)?)?.into_network("/network")
}

/// A member due and its values in C order.
type Member<'a> = (MemberDue, Cow<'a, [f64]>);

/// A pair, as it is loaded or saved.
#[derive(Debug)]
pub(crate) struct Pair<'a> {
    pub(crate) sidecar: Sidecar,
    /// The members due, in due order.
    members: Vec<Member<'a>>,
}

impl<'a> Pair<'a> {
    /// Loads a pair; rejections point into the sidecar.
    pub(crate) fn load(base: &Place) -> Result<Self, LoadError> {
        loop {
            let (sidecar, file) = read_sidecar(base)?;
            let archive = match open_archive(base, &sidecar) {
                Ok(archive) => archive,
                // A save was completed in between: that takes longer than this, so that it cannot go on for ever.
                Err(_) if sidecar.archive_digest.is_some() && is_another(base, &file)? => continue,
                Err(error) => return Err(error),
            };
            let members = read_members(&archive, sidecar.members_due())?;
            return Ok(Pair { sidecar, members });
        }
    }

    /// A pair that was put together in memory.
    pub(crate) fn new(sidecar: Sidecar, members: Vec<Member<'a>>) -> Self {
        Pair { sidecar, members }
    }

    /// The members, each with its values.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&MemberDue, &[f64])> {
        self.members.iter().map(|(due, values)| (due, values.as_ref()))
    }

    /// The members, each with the SHA-256 over its values as big-endian binary64.
    pub(crate) fn digests(&self) -> impl Iterator<Item = (&MemberDue, String)> {
        self.members.iter().map(|(due, values)| (due, digest(values)))
    }

    /// The checkpoint, as long as all layers are dense.
    pub(crate) fn into_checkpoint(self) -> Result<Checkpoint, Rejection> {
        let kinds = self
            .sidecar
            .network
            .iter()
            .flat_map(|network| &network.kinds)
            .enumerate();
        if let Some((layer, kind)) = kinds.into_iter().find(|(_, &kind)| kind != Kind::Dense) {
            let path = format!("/network/layers/{layer}/kind");
            return unlike(Rule::CheckpointNetwork, &path, "dense layers alone", kind.name());
        }
        let weights = self.members.into_iter().filter(|(due, _)| due.shape.len() == 2);
        Ok(Checkpoint {
            weights: weights.map(|(due, values)| matrix(&due, values)).collect(),
            layer_names: self.sidecar.layer_names,
            layer_sizes: self.sidecar.layer_sizes,
            neuron_types: self.sidecar.neuron_types,
            metadata: self.sidecar.metadata,
            frozen: self.sidecar.frozen.into_iter().collect(),
        })
    }

    /// The network of a pair of format 2, each value rounded once; `path` names the pair in the rejection of one of
    /// format 1.
    pub(crate) fn into_network<F: Real>(self, path: &str) -> Result<Network<F>, LoadError> {
        let Some(network) = self.sidecar.network else {
            let message = "a pair of format 1 has no neurons; expected one of format 2";
            return Err(Rejection::new(Rule::NetworkNeuronModel, path, message).into());
        };
        let arrays = self.members.into_iter().map(|(due, values)| {
            let array = Array {
                shape: due.shape,
                values: values.into_owned(),
                inexact: None,
            };
            (due.name, array)
        });
        Ok(Network::read_members(path, &network.document, arrays)?)
    }
}

fn matrix(due: &MemberDue, entries: Cow<'_, [f64]>) -> Matrix {
    Matrix {
        rows: due.shape[0] as usize,
        columns: due.shape[1] as usize,
        entries: entries.into_owned(),
    }
}

/// The SHA-256 over values as big-endian binary64, in hex digits.
fn digest(values: &[f64]) -> String {
    let mut hasher = Sha256::new();
    let mut bytes = Vec::new();
    for values in values.chunks(4096) {
        bytes.clear();
        bytes.extend(values.iter().flat_map(|value| value.to_be_bytes()));
        hasher.update(&bytes);
    }
    hex(&hasher.finalize())
}

/// The sidecar, and the file, which stays open so that no other one gets its inode.
fn read_sidecar(base: &Place) -> Result<(Sidecar, RegularFile), LoadError> {
    let place = base.with_suffix(".json");
    let Some(file) = place.open()? else {
        let message = format!("there is no {}", place.path().display());
        return Err(Rejection::new(Rule::CheckpointSidecarMissing, "", message).into());
    };
    let text = sidecar_size(&file)?;
    Ok((Sidecar::parse(&text)?, file))
}

/// `checkpoint.sidecar-size`; the answer is the text.
fn sidecar_size(file: &RegularFile) -> Result<Vec<u8>, LoadError> {
    match file.read_whole(MAX_SIDECAR_BYTES)? {
        Some(text) => Ok(text),
        None => {
            let message = format!("the sidecar has more than {} bytes", MAX_SIDECAR_BYTES);
            Err(Rejection::new(Rule::CheckpointSidecarSize, "", message).into())
        }
    }
}

/// Whether the sidecar is another file than it was.
fn is_another(base: &Place, file: &RegularFile) -> Result<bool, LoadError> {
    let now = base.with_suffix(".json").open()?;
    Ok(now.is_none_or(|now| now.identity() != file.identity()))
}

/// The archive that a sidecar belongs to: the rules `archive.missing` to `archive.digest`.
fn open_archive(base: &Place, sidecar: &Sidecar) -> Result<Archive, LoadError> {
    let place = base.with_suffix(".npz");
    let Some(due) = &sidecar.archive_digest else {
        return Archive::open(existing(&place)?, "");
    };
    let published = || existing(&place).and_then(|file| bound(file, due));
    // A save that was interrupted, or is under way, has left the archive under the name with its digest.
    let staged = base.with_suffix(&format!(".npz.{}", &due[..NAME_DIGITS]));
    let staged = || existing(&staged).and_then(|file| bound(file, due));
    match published() {
        Err(fault) if is_of_archive(&fault) => {}
        done => return done,
    }
    let staged_fault = match staged() {
        Err(fault) if is_of_archive(&fault) => fault,
        done => return done,
    };
    // The save may have renamed it between the two looks. Where nothing has that name, the staged one is at fault.
    published().map_err(|fault| {
        if is_missing(&fault) && !is_missing(&staged_fault) {
            staged_fault
        } else {
            fault
        }
    })
}

/// Whether an archive is at fault: not the system, nor a link that leads outside; these end a load.
fn is_of_archive(error: &LoadError) -> bool {
    matches!(error, LoadError::Rejected(rejection) if rejection.rule != Rule::FilePath)
}

fn is_missing(error: &LoadError) -> bool {
    matches!(error, LoadError::Rejected(rejection) if rejection.rule == Rule::ArchiveMissing)
}

/// `archive.missing`.
fn existing(place: &Place) -> Result<RegularFile, LoadError> {
    place.open()?.ok_or_else(|| archive::missing("", place.path()).into())
}

/// `archive.not-zip` to `archive.digest`.
fn bound(file: RegularFile, due: &str) -> Result<Archive, LoadError> {
    let archive = Archive::open(file, "")?;
    let found = archive.digest()?;
    if found == due {
        return Ok(archive);
    }
    let message = format!("the sidecar belongs to an archive with the digest {due}, this one has {found}");
    Err(Rejection::new(Rule::ArchiveDigest, "", message).into())
}

/// Reads the members due: the rules `archive.entry-count` to `checkpoint.weight-finite`.
fn read_members<'a>(archive: &Archive, due: Vec<MemberDue>) -> Result<Vec<Member<'a>>, LoadError> {
    let entry = |due: &MemberDue| Due {
        entry: format!("{}.npy", due.name),
        path: due.path.clone(),
    };
    let terms = Terms {
        root: "",
        due: &due.iter().map(entry).collect::<Vec<_>>(),
        others: false,
        most_entries: due.len() as u64,
    };
    let members = archive.members(&terms)?;
    let read = |(member, due): (archive::Member, MemberDue)| {
        let values = read_member(archive, &member, &due)?.values;
        Ok((due, Cow::Owned(values)))
    };
    members.into_iter().zip(due).map(read).collect()
}

/// The rules on one member, from `archive.size` to `checkpoint.weight-finite`.
fn read_member(archive: &Archive, member: &archive::Member, due: &MemberDue) -> Result<Array, LoadError> {
    let mut decoder = Decoder::new(Some(&due.shape));
    let most = 8 * due.elements() as u64 + MAX_HEADER_BYTES; // total_params, at most 2^53-1, counts the elements
    archive.read(member, &due.path, most, |bytes| decoder.push(bytes))?;
    let array = decoder.finish(&due.path)?;
    array.exact(Rule::CheckpointWeightType, &due.path)?;
    array.finite::<f64>(Rule::CheckpointWeightFinite, &due.path)?;
    Ok(array)
}
