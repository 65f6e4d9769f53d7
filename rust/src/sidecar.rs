//! The sidecar of a checkpoint pair (pairs.md, section 2): the rules of a load up to the archive, and its text.
#![forbid(unsafe_code)]

use crate::checkpoint::{self, Members};
use crate::expect::{self, unlike};
use crate::json::{self, Object, Value};
use crate::number::integer;
use crate::rule::{Rejection, Rule};
use crate::stored_network::StoredNetwork;
use crate::writer;

const KEYS: [&str; 10] = [
    "format_version",
    "n_layers",
    "layer_names",
    "layer_sizes",
    "neuron_types",
    "metadata",
    "frozen_layers",
    "total_params",
    "network",
    "archive_digest",
];
const REQUIRED: [&str; 4] = ["n_layers", "layer_names", "layer_sizes", "total_params"];

/// Digits of a digest in the name of an archive.
pub(crate) const NAME_DIGITS: usize = 16;

/// What a sidecar says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sidecar {
    pub(crate) layer_names: Vec<String>,
    pub(crate) layer_sizes: Vec<(u64, u64)>,
    pub(crate) neuron_types: Vec<String>,
    pub(crate) metadata: Object<'static>,
    pub(crate) frozen: Vec<String>,
    /// In format 2.
    pub(crate) network: Option<StoredNetwork>,
    pub(crate) archive_digest: Option<String>,
}

/// A member that is due in the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemberDue {
    /// `layer_0`, `layer_0_1` (of a branch) or `bias_0`.
    pub(crate) name: String,
    /// `/weights/0`, `/weights/0/1` or `/biases/0`.
    pub(crate) path: String,
    pub(crate) shape: Vec<u64>,
}

impl MemberDue {
    /// The weights of a layer of a checkpoint.
    pub(crate) fn weights(layer: usize, (inputs, outputs): (u64, u64)) -> Self {
        MemberDue {
            name: format!("layer_{layer}"),
            path: format!("/weights/{layer}"),
            shape: vec![outputs, inputs],
        }
    }

    /// The number of entries.
    pub(crate) fn elements(&self) -> u128 {
        self.shape.iter().map(|&length| u128::from(length)).product()
    }
}

impl Sidecar {
    /// Reads the text of a sidecar.
    ///
    /// # Errors
    ///
    /// The first broken rule from stage `json` to `checkpoint.digest-type`.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Rejection> {
        Self::read(&json::parse(text, json::DOCUMENT_DEPTH)?)
    }

    fn read(value: &Value<'_>) -> Result<Self, Rejection> {
        let members = members(value)?;
        let format_version = format_version(&members)?;
        let network = network(&members, format_version)?;
        let layer_names = checkpoint::names_type(&members)?;
        checkpoint::names_unique(&members, &layer_names)?;
        let sizes = checkpoint::sizes_count(&members, layer_names.len())?;
        let layer_sizes = checkpoint::sizes_type(&members, sizes)?;
        let neuron_types = checkpoint::types_type(&members)?;
        checkpoint::types_count(&members, neuron_types.len(), layer_names.len())?;
        let frozen = checkpoint::frozen_type(&members)?;
        checkpoint::frozen_unknown(&members, &frozen, &layer_names)?;
        let metadata = checkpoint::metadata_type(&members)?;
        let network = network.map(|value| StoredNetwork::read(&members.path("network"), value, &layer_sizes));
        let owned = |names: Vec<&str>| names.into_iter().map(String::from).collect();
        let sidecar = Sidecar {
            layer_names: owned(layer_names),
            layer_sizes,
            neuron_types: owned(neuron_types),
            metadata: metadata.cloned().unwrap_or_default().into_owned(),
            frozen: owned(frozen),
            network: network.transpose()?,
            archive_digest: None,
        };
        layer_count(&members, sidecar.layer_names.len())?;
        parameter_count(&members, sidecar.parameters())?;
        let archive_digest = digest_type(&members)?;
        Ok(Sidecar {
            archive_digest,
            ..sidecar
        })
    }

    /// 2 where there is a network, else 1.
    pub(crate) fn format_version(&self) -> u8 {
        1 + u8::from(self.network.is_some())
    }

    /// The members due in the archive, in due order.
    pub(crate) fn members_due(&self) -> Vec<MemberDue> {
        let sizes = self.layer_sizes.iter().enumerate();
        match &self.network {
            Some(network) => network.due.clone(),
            None => sizes.map(|(layer, &size)| MemberDue::weights(layer, size)).collect(),
        }
    }

    /// The number of elements of all members due; no overflow, as there are fewer than 2^22 members below 2^106.
    pub(crate) fn parameters(&self) -> u128 {
        self.members_due().iter().map(MemberDue::elements).sum()
    }

    /// The text, in the form of JSON; metadata keep their order and the text of their numbers.
    pub(crate) fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        writer::object(&mut text, |members| {
            writer::int(members.key("format_version"), self.format_version());
            writer::int(members.key("n_layers"), self.layer_names.len());
            members.strings("layer_names", &self.layer_names);
            writer::array(
                members.key("layer_sizes"),
                &self.layer_sizes,
                |out, &(inputs, outputs)| writer::array(out, [inputs, outputs], writer::int),
            );
            members.strings("neuron_types", &self.neuron_types);
            writer::plain_object(members.key("metadata"), &self.metadata);
            members.strings("frozen_layers", &self.frozen);
            writer::int(members.key("total_params"), self.parameters());
            if let Some(network) = &self.network {
                writer::plain(members.key("network"), &network.document);
            }
            if let Some(digest) = &self.archive_digest {
                members.string("archive_digest", digest);
            }
        });
        text.push(b'\n');
        text
    }
}

/// `checkpoint.object`, `checkpoint.unknown-key`, `checkpoint.missing-key`.
fn members<'v, 'a>(value: &'v Value<'a>) -> Result<Members<'v, 'a>, Rejection> {
    let object = expect::object(Rule::CheckpointObject, "", value)?;
    expect::known_keys(Rule::CheckpointUnknownKey, "", object, &KEYS)?;
    expect::required_keys(Rule::CheckpointMissingKey, "", object, &REQUIRED)?;
    Ok(Members { path: "", object })
}

fn format_version(members: &Members<'_, '_>) -> Result<i64, Rejection> {
    let Some(value) = members.object.get("format_version") else {
        return Ok(1);
    };
    match integer(value) {
        Some(version @ (1 | 2)) => Ok(version),
        _ => unlike(
            Rule::CheckpointFormatVersion,
            &members.path("format_version"),
            "the Integer 1 or 2",
            value,
        ),
    }
}

/// `checkpoint.network`; the answer is the network of format 2.
fn network<'v, 'a>(members: &Members<'v, 'a>, format_version: i64) -> Result<Option<&'v Value<'a>>, Rejection> {
    let network = members.object.get("network");
    let message = match (format_version, network) {
        (1, Some(_)) => "format 1 has no network; expected format_version 2",
        (2, None) => "format 2 has a network, but there is none",
        _ => return Ok(network),
    };
    Err(Rejection::new(
        Rule::CheckpointNetwork,
        members.path("network"),
        message,
    ))
}

fn layer_count(members: &Members<'_, '_>, layers: usize) -> Result<(), Rejection> {
    let value = members.get("n_layers");
    if integer(value) == Some(layers as i64) {
        return Ok(());
    }
    let expected = format!("{layers}, the number of layer names");
    unlike(Rule::CheckpointLayerCount, &members.path("n_layers"), expected, value)
}

fn parameter_count(members: &Members<'_, '_>, parameters: u128) -> Result<(), Rejection> {
    let value = members.get("total_params");
    if integer(value).and_then(|count| u128::try_from(count).ok()) == Some(parameters) {
        return Ok(());
    }
    let expected = format!("{parameters}, the number of elements of all members due");
    let path = members.path("total_params");
    unlike(Rule::CheckpointParameterCount, &path, expected, value)
}

fn digest_type(members: &Members<'_, '_>) -> Result<Option<String>, Rejection> {
    let is_digest = |text: &str| text.len() == 64 && text.bytes().all(is_hex_digit);
    match members.object.get("archive_digest") {
        None => Ok(None),
        Some(Value::String(digest)) if is_digest(digest) => Ok(Some(digest.as_ref().to_owned())),
        Some(other) => unlike(
            Rule::CheckpointDigestType,
            &members.path("archive_digest"),
            "a string of 64 digits 0-9 and a-f",
            other,
        ),
    }
}

/// A digit of a digest.
pub(crate) fn is_hex_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}
