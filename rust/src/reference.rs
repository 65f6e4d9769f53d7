//! Arrays and networks of `simulate` requests that lie in files (pairs.md, section 7).
#![forbid(unsafe_code)]

use std::io;
use std::path::Path;

use crate::archive::{self, Archive, Due, Terms};
use crate::expect::{self, unlike};
use crate::files::{IoFailure, LoadError, Place};
use crate::json::{Object, Value};
use crate::network::Network;
use crate::npy::{Array, Decoder};
use crate::pair::{Pair, MAX_FILE_ARRAY_BYTES, MAX_FILE_ARRAY_ENTRIES};
use crate::pointer;
use crate::real::Real;
use crate::rule::{Rejection, Rule};
use crate::shape::MAX_ELEMENTS;

/// Reads the array that the value at `path` refers to; none where it is no reference. Places are below `root`.
pub(crate) fn array(root: &Path, path: &str, value: &Value<'_>) -> Result<Option<Array>, LoadError> {
    let Value::Object(object) = value else {
        return Ok(None);
    };
    let Some(file) = object.get("file") else {
        return Ok(None);
    };
    let member = file_reference(path, object)?;
    let place = Place::below(root, &pointer::member(path, "file"), file)?;
    let archive = match place.open()? {
        Some(file) => Archive::open(file, path)?,
        None => return Err(archive::missing(path, place.path()).into()),
    };
    let due = Due {
        entry: format!("{member}.npy"),
        path: path.to_owned(),
    };
    let terms = Terms {
        root: path,
        due: &[due],
        others: true,
        most_entries: MAX_FILE_ARRAY_ENTRIES,
    };
    let mut decoder = Decoder::new(None);
    for member in archive.members(&terms)? {
        archive.read(&member, path, MAX_FILE_ARRAY_BYTES, |bytes| decoder.push(bytes))?;
    }
    Ok(Some(decoder.finish(path)?))
}

/// As [`array`], of a batch of inputs: not so many rows without columns that no memory could hold what belongs to each.
pub(crate) fn input_array(root: &Path, path: &str, value: &Value<'_>) -> Result<Option<Array>, LoadError> {
    match array(root, path, value)? {
        Some(array) if array.shape.len() == 2 && array.shape[0] > MAX_ELEMENTS && array.shape[1] == 0 => {
            let message = format!(
                "{} rows without columns are more than there is memory for",
                array.shape[0]
            );
            Err(IoFailure::new("", io::Error::other(message)).into())
        }
        array => Ok(array),
    }
}

/// `file.reference`; the answer is the name of the member.
fn file_reference<'v>(path: &str, reference: &'v Object<'_>) -> Result<&'v str, Rejection> {
    match reference.get("member") {
        Some(Value::String(member)) if reference.len() == 2 => Ok(member),
        _ => unlike(
            Rule::FileReference,
            path,
            "exactly a file and a member, which is a string",
            "something else",
        ),
    }
}

/// Reads the network at `path`, which may be in a pair, or have arrays in files. Places are below `root`.
pub(crate) fn network<F: Real>(root: &Path, path: &str, value: &Value<'_>) -> Result<Network<F>, LoadError> {
    if let Value::Object(object) = value {
        if let Some(base) = object.get("checkpoint") {
            expect::known_keys(Rule::NetworkUnknownKey, path, object, &["checkpoint"])?;
            return stored_network(root, &pointer::member(path, "checkpoint"), base);
        }
    }
    Network::read_with(path, value, &|path: &str, value: &Value<'_>| array(root, path, value))
}

/// The network in a pair; whatever is wrong with the pair is so at `path`.
fn stored_network<F: Real>(root: &Path, path: &str, base: &Value<'_>) -> Result<Network<F>, LoadError> {
    let network = Pair::load(&Place::below(root, path, base)?).and_then(|pair| pair.into_network(path));
    network.map_err(|error| match error {
        LoadError::Rejected(rejection) => LoadError::Rejected(Rejection {
            path: path.to_owned(),
            ..rejection
        }),
        other => other,
    })
}
