//! Transfer configs, and the operations that freeze and unfreeze the layers of a checkpoint.
#![forbid(unsafe_code)]

use crate::checkpoint::{known_names, Checkpoint};
use crate::expect;
use crate::json::{self, Object, Value};
use crate::number::{integer, number};
use crate::pointer;
use crate::rule::{Rejection, Rule};

const KEYS: [&str; 3] = ["freeze_until", "lr_backbone", "lr_head"];

/// The layer up to which a transfer freezes, itself included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FreezeUntil {
    /// A layer by its name.
    Name(String),
    /// A layer by its index; -1 freezes nothing.
    Index(i64),
}

/// A transfer config that keeps every rule of stage `config`.
#[derive(Clone, Debug, PartialEq)]
pub struct TransferConfig {
    freeze_until: FreezeUntil,
    lr_backbone: f64,
    lr_head: f64,
}

impl Default for TransferConfig {
    fn default() -> Self {
        TransferConfig {
            freeze_until: FreezeUntil::Index(-1),
            lr_backbone: 0.0,
            lr_head: 0.01,
        }
    }
}

impl TransferConfig {
    /// Reads a transfer config from a JSON text.
    ///
    /// # Errors
    ///
    /// The first broken rule of the stages `json` and `config`.
    pub fn parse(text: &[u8]) -> Result<Self, Rejection> {
        Self::read("", &json::parse(text, json::DOCUMENT_DEPTH)?)
    }

    /// Reads a transfer config that lies at `path`.
    ///
    /// # Errors
    ///
    /// The first broken rule of stage `config`.
    pub fn read(path: &str, value: &Value<'_>) -> Result<Self, Rejection> {
        let object = expect::object(Rule::ConfigObject, path, value)?;
        expect::known_keys(Rule::ConfigUnknownKey, path, object, &KEYS)?;
        let mut config = TransferConfig::default();
        if let Some(value) = object.get("freeze_until") {
            config.freeze_until = freeze_until_type(&pointer::member(path, "freeze_until"), value)?;
            freeze_until_range(&pointer::member(path, "freeze_until"), &config.freeze_until)?;
        }
        learning_rate_type(path, object)?;
        for (key, rate) in learning_rates(object) {
            learning_rate_range(&pointer::member(path, key), rate)?;
            let due = if key == "lr_head" {
                &mut config.lr_head
            } else {
                &mut config.lr_backbone
            };
            *due = rate;
        }
        Ok(config)
    }

    /// The layer up to which the transfer freezes.
    pub fn freeze_until(&self) -> &FreezeUntil {
        &self.freeze_until
    }

    /// The learning rate of frozen layers.
    pub fn lr_backbone(&self) -> f64 {
        self.lr_backbone
    }

    /// The learning rate of the other layers.
    pub fn lr_head(&self) -> f64 {
        self.lr_head
    }
}

fn freeze_until_type(path: &str, value: &Value<'_>) -> Result<FreezeUntil, Rejection> {
    match (value, integer(value)) {
        (Value::String(name), _) => Ok(FreezeUntil::Name(name.as_ref().to_owned())),
        (_, Some(index)) => Ok(FreezeUntil::Index(index)),
        _ => expect::unlike(Rule::ConfigFreezeUntilType, path, "a layer name or an Integer", value),
    }
}

fn freeze_until_range(path: &str, freeze_until: &FreezeUntil) -> Result<(), Rejection> {
    match freeze_until {
        FreezeUntil::Index(index) if *index < -1 => Err(Rejection::new(
            Rule::ConfigFreezeUntilRange,
            path,
            format_args!("expected -1 or more, got {index}"),
        )),
        _ => Ok(()),
    }
}

fn learning_rate_type(path: &str, object: &Object<'_>) -> Result<(), Rejection> {
    match object
        .members()
        .find(|(key, value)| key.starts_with("lr_") && number(value).is_none())
    {
        None => Ok(()),
        Some((key, value)) => expect::unlike(
            Rule::ConfigLearningRateType,
            &pointer::member(path, key),
            "a Number",
            value,
        ),
    }
}

/// The learning rates of a config that are Numbers, in document order.
fn learning_rates<'v>(object: &'v Object<'_>) -> impl Iterator<Item = (&'v str, f64)> {
    object
        .members()
        .filter(|(key, _)| key.starts_with("lr_"))
        .filter_map(|(key, value)| Some((key, number(value)?)))
}

fn learning_rate_range(path: &str, rate: f64) -> Result<(), Rejection> {
    if rate.is_finite() && rate >= 0.0 {
        return Ok(());
    }
    let message = format!("expected a finite rate of 0 or more, got {rate}");
    Err(Rejection::new(Rule::ConfigLearningRateRange, path, message))
}

impl Checkpoint {
    /// Freezes the named layers, and the layers 0 … `until_index` (inclusive).
    ///
    /// # Errors
    ///
    /// `transfer.layer-names-unknown` or `transfer.until-index-range`; the checkpoint is then unchanged.
    pub fn freeze(&mut self, layer_names: &[&str], until_index: Option<i64>) -> Result<(), Rejection> {
        layer_names_unknown(self, layer_names)?;
        let leading = until_index.map_or(Ok(0), |index| until_index_range(self, index))?;
        self.freeze_leading(leading);
        self.frozen.extend(layer_names.iter().map(|&name| name.to_owned()));
        Ok(())
    }

    /// Unfreezes the named layers, or all of them.
    ///
    /// # Errors
    ///
    /// `transfer.layer-names-unknown`; the checkpoint is then unchanged.
    pub fn unfreeze(&mut self, layer_names: &[&str], all_layers: bool) -> Result<(), Rejection> {
        layer_names_unknown(self, layer_names)?;
        if all_layers {
            self.frozen.clear();
        }
        for &name in layer_names {
            self.frozen.remove(name);
        }
        Ok(())
    }

    /// Freezes as `config` says; the answer is one learning rate per layer.
    ///
    /// # Errors
    ///
    /// `transfer.freeze-until-unknown`; the checkpoint is then unchanged.
    pub fn apply(&mut self, config: &TransferConfig) -> Result<Vec<f64>, Rejection> {
        let leading = freeze_until_unknown(self, &config.freeze_until)?;
        self.freeze_leading(leading);
        let rate = |name| {
            if self.frozen.contains(name) {
                config.lr_backbone
            } else {
                config.lr_head
            }
        };
        Ok(self.layer_names().iter().map(rate).collect())
    }

    /// Freezes the first `count` layers.
    fn freeze_leading(&mut self, count: usize) {
        let names = self.layer_names()[..count].to_vec();
        self.frozen.extend(names);
    }
}

/// `transfer.freeze` on a request's `input`, with the arguments `layer_names` and `until_index`.
///
/// # Errors
///
/// The first broken rule of stage `transfer`; the checkpoint is then unchanged.
pub fn freeze(checkpoint: &mut Checkpoint, input: &Object<'_>) -> Result<(), Rejection> {
    let names = layer_names(checkpoint, input)?;
    let until_index = input.get("until_index").map(until_index_type).transpose()?;
    checkpoint.freeze(&names, until_index)
}

/// `transfer.unfreeze` on a request's `input`, with the arguments `layer_names` and `all_layers`.
///
/// # Errors
///
/// The first broken rule of stage `transfer`; the checkpoint is then unchanged.
pub fn unfreeze(checkpoint: &mut Checkpoint, input: &Object<'_>) -> Result<(), Rejection> {
    let names = layer_names(checkpoint, input)?;
    let all_layers = input.get("all_layers").map_or(Ok(false), all_layers_type)?;
    checkpoint.unfreeze(&names, all_layers)
}

/// The argument `layer_names`, which is checked whole before the other arguments.
fn layer_names<'v>(checkpoint: &Checkpoint, input: &'v Object<'_>) -> Result<Vec<&'v str>, Rejection> {
    let names = input.get("layer_names").map_or(Ok(Vec::new()), layer_names_type)?;
    layer_names_unknown(checkpoint, &names)?;
    Ok(names)
}

fn layer_names_type<'v>(value: &'v Value<'_>) -> Result<Vec<&'v str>, Rejection> {
    expect::strings(Rule::TransferLayerNamesType, "/layer_names", value)
}

fn layer_names_unknown(checkpoint: &Checkpoint, names: &[&str]) -> Result<(), Rejection> {
    known_names(
        Rule::TransferLayerNamesUnknown,
        "/layer_names",
        names,
        checkpoint.layer_names(),
    )
}

fn until_index_type(value: &Value<'_>) -> Result<i64, Rejection> {
    match integer(value) {
        Some(index) => Ok(index),
        None => expect::unlike(Rule::TransferUntilIndexType, "/until_index", "an Integer", value),
    }
}

/// The number of layers up to and including `index`.
fn until_index_range(checkpoint: &Checkpoint, index: i64) -> Result<usize, Rejection> {
    let layers = checkpoint.layer_names().len();
    match usize::try_from(index) {
        Ok(index) if index < layers => Ok(index + 1),
        _ => {
            let message = format!("expected the index of one of {layers} layers, got {index}");
            Err(Rejection::new(Rule::TransferUntilIndexRange, "/until_index", message))
        }
    }
}

fn all_layers_type(value: &Value<'_>) -> Result<bool, Rejection> {
    match value {
        Value::Bool(all_layers) => Ok(*all_layers),
        _ => expect::unlike(Rule::TransferAllLayersType, "/all_layers", "a boolean", value),
    }
}

/// The number of layers up to and including `freeze_until`.
fn freeze_until_unknown(checkpoint: &Checkpoint, freeze_until: &FreezeUntil) -> Result<usize, Rejection> {
    let names = checkpoint.layer_names();
    let (index, wanted) = match freeze_until {
        FreezeUntil::Index(-1) => return Ok(0),
        FreezeUntil::Index(index) => (usize::try_from(*index).ok(), format!("the index {index}")),
        FreezeUntil::Name(wanted) => (
            names.iter().position(|name| name == wanted),
            format!("the name {wanted:?}"),
        ),
    };
    match index.filter(|&index| index < names.len()) {
        Some(index) => Ok(index + 1),
        None => {
            let message = format!("no layer of {} has {}", names.len(), json::shortened(&wanted));
            Err(Rejection::new(
                Rule::TransferFreezeUntilUnknown,
                "/config/freeze_until",
                message,
            ))
        }
    }
}
