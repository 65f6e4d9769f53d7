//! Checkpoint documents: a network's weights under named layers, some of them frozen.
#![forbid(unsafe_code)]

use std::collections::{BTreeSet, HashSet};

use crate::expect;
use crate::json::{self, Object, Value};
use crate::matrix::{self, Matrix};
use crate::number::integer;
use crate::pointer;
use crate::rule::{Rejection, Rule};

const KEYS: [&str; 6] = [
    "layer_names",
    "layer_sizes",
    "weights",
    "neuron_types",
    "metadata",
    "frozen_layers",
];
const REQUIRED: [&str; 3] = ["layer_names", "layer_sizes", "weights"];

/// A checkpoint that keeps every rule of stage `checkpoint`.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    pub(crate) weights: Vec<Matrix>,
    pub(crate) layer_names: Vec<String>,
    pub(crate) layer_sizes: Vec<(u64, u64)>,
    pub(crate) neuron_types: Vec<String>,
    pub(crate) metadata: Object<'static>,
    pub(crate) frozen: BTreeSet<String>,
}

impl Checkpoint {
    /// Reads an inline checkpoint from a JSON text.
    ///
    /// # Errors
    ///
    /// The first broken rule of the stages `json` and `checkpoint`.
    pub fn parse(text: &[u8]) -> Result<Self, Rejection> {
        Self::read("", &json::parse(text, json::DOCUMENT_DEPTH)?)
    }

    /// Reads an inline checkpoint that lies at `path`.
    ///
    /// # Errors
    ///
    /// The first broken rule of stage `checkpoint`.
    pub fn read(path: &str, value: &Value<'_>) -> Result<Self, Rejection> {
        let members = members(path, value)?;
        let layer_names = names_type(&members)?;
        names_unique(&members, &layer_names)?;
        let weights = weights_count(&members, layer_names.len())?;
        let sizes = sizes_count(&members, layer_names.len())?;
        let layer_sizes = sizes_type(&members, sizes)?;
        let neuron_types = types_type(&members)?;
        types_count(&members, neuron_types.len(), layer_names.len())?;
        let frozen = frozen_type(&members)?;
        frozen_unknown(&members, &frozen, &layer_names)?;
        let metadata = metadata_type(&members)?;
        let weights = weight_matrices(&members, weights, &layer_sizes)?;
        let owned = |names: Vec<&str>| names.into_iter().map(String::from).collect();
        Ok(Checkpoint {
            weights,
            layer_names: owned(layer_names),
            layer_sizes,
            neuron_types: owned(neuron_types),
            metadata: metadata.cloned().unwrap_or_default().into_owned(),
            frozen: frozen.into_iter().map(String::from).collect(),
        })
    }

    /// The weight matrices, each of shape (output features, input features).
    pub fn weights(&self) -> &[Matrix] {
        &self.weights
    }

    /// The names of the layers, in document order; no two are equal.
    pub fn layer_names(&self) -> &[String] {
        &self.layer_names
    }

    /// The sizes of the layers: (input features, output features).
    pub fn layer_sizes(&self) -> &[(u64, u64)] {
        &self.layer_sizes
    }

    /// The neuron types: none, or one per layer.
    pub fn neuron_types(&self) -> &[String] {
        &self.neuron_types
    }

    /// The metadata, in document order.
    pub fn metadata(&self) -> &Object<'static> {
        &self.metadata
    }

    /// The names of the frozen layers, sorted by code point.
    pub fn frozen_layers(&self) -> impl Iterator<Item = &str> {
        self.frozen.iter().map(String::as_str) // UTF-8 sorts by bytes as by code points
    }

    /// The number of weights of all layers.
    pub fn total_params(&self) -> u64 {
        // No overflow: every product is the number of entries of a matrix in memory.
        self.layer_sizes.iter().map(|(inputs, outputs)| inputs * outputs).sum()
    }
}

/// The members of a checkpoint object whose required keys are there.
pub(crate) struct Members<'v, 'a> {
    pub(crate) path: &'v str,
    pub(crate) object: &'v Object<'a>,
}

impl<'v, 'a> Members<'v, 'a> {
    pub(crate) fn get(&self, key: &str) -> &'v Value<'a> {
        self.object.get(key).unwrap_or(&Value::Null)
    }

    pub(crate) fn path(&self, key: &str) -> String {
        pointer::member(self.path, key)
    }

    /// The list of strings that an optional member is, empty by default.
    fn optional_strings(&self, rule: Rule, key: &str) -> Result<Vec<&'v str>, Rejection> {
        self.object
            .get(key)
            .map_or(Ok(Vec::new()), |value| expect::strings(rule, &self.path(key), value))
    }

    /// The array of one entry per layer that a member is.
    fn one_per_layer(&self, rule: Rule, key: &str, layers: usize) -> Result<&'v [Value<'a>], Rejection> {
        match self.get(key) {
            Value::Array(entries) if entries.len() == layers => Ok(entries),
            other => expect::unlike(
                rule,
                &self.path(key),
                format_args!("an array of {layers}, one per layer"),
                other,
            ),
        }
    }
}

/// `checkpoint.object`, `checkpoint.unknown-key`, `checkpoint.missing-key`.
fn members<'v, 'a>(path: &'v str, value: &'v Value<'a>) -> Result<Members<'v, 'a>, Rejection> {
    let object = expect::object(Rule::CheckpointObject, path, value)?;
    expect::known_keys(Rule::CheckpointUnknownKey, path, object, &KEYS)?;
    expect::required_keys(Rule::CheckpointMissingKey, path, object, &REQUIRED)?;
    Ok(Members { path, object })
}

pub(crate) fn names_type<'v>(members: &Members<'v, '_>) -> Result<Vec<&'v str>, Rejection> {
    expect::strings(
        Rule::CheckpointNamesType,
        &members.path("layer_names"),
        members.get("layer_names"),
    )
}

pub(crate) fn names_unique(members: &Members<'_, '_>, names: &[&str]) -> Result<(), Rejection> {
    let mut seen = HashSet::new();
    match names.iter().position(|name| !seen.insert(name)) {
        None => Ok(()),
        Some(second) => Err(Rejection::new(
            Rule::CheckpointNamesUnique,
            pointer::entry(&members.path("layer_names"), second),
            format_args!("a second layer named {:?}", json::shortened(names[second])),
        )),
    }
}

fn weights_count<'v, 'a>(members: &Members<'v, 'a>, layers: usize) -> Result<&'v [Value<'a>], Rejection> {
    members.one_per_layer(Rule::CheckpointWeightsCount, "weights", layers)
}

pub(crate) fn sizes_count<'v, 'a>(members: &Members<'v, 'a>, layers: usize) -> Result<&'v [Value<'a>], Rejection> {
    members.one_per_layer(Rule::CheckpointSizesCount, "layer_sizes", layers)
}

pub(crate) fn sizes_type(members: &Members<'_, '_>, sizes: &[Value<'_>]) -> Result<Vec<(u64, u64)>, Rejection> {
    let size = |value: &Value<'_>| integer(value).and_then(|size| u64::try_from(size).ok());
    let pair = |(index, value): (usize, &Value<'_>)| {
        if let Value::Array(pair) = value {
            if let [inputs, outputs] = pair.as_slice() {
                if let (Some(inputs), Some(outputs)) = (size(inputs), size(outputs)) {
                    return Ok((inputs, outputs));
                }
            }
        }
        let path = pointer::entry(&members.path("layer_sizes"), index);
        expect::unlike(
            Rule::CheckpointSizesType,
            &path,
            "a pair of non-negative Integers",
            value,
        )
    };
    sizes.iter().enumerate().map(pair).collect()
}

pub(crate) fn types_type<'v>(members: &Members<'v, '_>) -> Result<Vec<&'v str>, Rejection> {
    members.optional_strings(Rule::CheckpointTypesType, "neuron_types")
}

pub(crate) fn types_count(members: &Members<'_, '_>, types: usize, layers: usize) -> Result<(), Rejection> {
    if types == 0 || types == layers {
        return Ok(());
    }
    let message = format!("expected none or {layers}, one per layer, got {types}");
    Err(Rejection::new(
        Rule::CheckpointTypesCount,
        members.path("neuron_types"),
        message,
    ))
}

pub(crate) fn frozen_type<'v>(members: &Members<'v, '_>) -> Result<Vec<&'v str>, Rejection> {
    members.optional_strings(Rule::CheckpointFrozenType, "frozen_layers")
}

pub(crate) fn frozen_unknown(members: &Members<'_, '_>, frozen: &[&str], names: &[&str]) -> Result<(), Rejection> {
    known_names(
        Rule::CheckpointFrozenUnknown,
        &members.path("frozen_layers"),
        frozen,
        names,
    )
}

/// Each of `wanted`, which lies at `path`, is among the layers' `names`.
pub(crate) fn known_names(
    rule: Rule,
    path: &str,
    wanted: &[impl AsRef<str>],
    names: &[impl AsRef<str>],
) -> Result<(), Rejection> {
    let names: HashSet<&str> = names.iter().map(AsRef::as_ref).collect();
    match wanted.iter().position(|name| !names.contains(name.as_ref())) {
        None => Ok(()),
        Some(index) => Err(Rejection::new(
            rule,
            pointer::entry(path, index),
            format_args!("no layer is named {:?}", json::shortened(wanted[index].as_ref())),
        )),
    }
}

pub(crate) fn metadata_type<'v, 'a>(members: &Members<'v, 'a>) -> Result<Option<&'v Object<'a>>, Rejection> {
    let object = |value| expect::object(Rule::CheckpointMetadataType, &members.path("metadata"), value);
    members.object.get("metadata").map(object).transpose()
}

/// The four rules on weights, each over all layers before the next one.
fn weight_matrices(
    members: &Members<'_, '_>,
    weights: &[Value<'_>],
    sizes: &[(u64, u64)],
) -> Result<Vec<Matrix>, Rejection> {
    let path = |layer: usize| pointer::entry(&members.path("weights"), layer);
    for (layer, weights) in weights.iter().enumerate() {
        matrix::leaf_type(Rule::CheckpointWeightType, &path(layer), weights)?;
    }
    let mut shapes = Vec::with_capacity(weights.len());
    for (layer, weights) in weights.iter().enumerate() {
        shapes.push(matrix::rank(Rule::CheckpointWeightRank, &path(layer), weights)?);
    }
    for (layer, (&shape, &size)) in shapes.iter().zip(sizes).enumerate() {
        weight_shape(&path(layer), shape, size)?;
    }
    for (layer, weights) in weights.iter().enumerate() {
        matrix::finite::<f64>(Rule::CheckpointWeightFinite, &path(layer), weights)?;
    }
    Ok(weights
        .iter()
        .zip(sizes)
        .map(|(weights, &(inputs, _))| matrix::read(weights, inputs as usize))
        .collect())
}

/// A matrix without rows has any number of columns.
fn weight_shape(path: &str, shape: (usize, usize), size: (u64, u64)) -> Result<(), Rejection> {
    let (rows, columns) = (shape.0 as u64, shape.1 as u64);
    let (inputs, outputs) = size;
    if rows == outputs && (rows == 0 || columns == inputs) {
        return Ok(());
    }
    let message = format!("expected shape ({outputs}, {inputs}), got ({rows}, {columns})");
    Err(Rejection::new(Rule::CheckpointWeightShape, path, message))
}
