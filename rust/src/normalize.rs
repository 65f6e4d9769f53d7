//! Threshold balancing: weights and biases scaled so that every layer's greatest activation becomes its threshold, 1.
//!
//! Diehl et al. 2015, "Fast-classifying, high-accuracy spiking deep networks through weight and threshold balancing";
//! Rueckauer et al. 2017, "Conversion of continuous-valued deep networks to efficient event-driven networks for image
//! classification".
#![forbid(unsafe_code)]

use crate::expect::unlike;
use crate::json::Value;
use crate::matrix::Matrix;
use crate::network_rules::{
    all, contents, layer_count, missing_key, no_references, unknown_key, Content, Item, Part, Role,
};
use crate::number::number;
use crate::pointer;
use crate::rule::{Rejection, Rule};

/// The weights and the bias of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Affine {
    /// One row per output.
    pub weights: Matrix,
    /// One entry per output.
    pub bias: Option<Vec<f64>>,
}

impl Affine {
    /// Scales the layer to an output of `scale`, its input having been scaled to `before`: the weights become
    /// `(weight * before) / scale`, the bias `bias / scale`, every operation rounded in this order.
    pub fn scale(&mut self, before: f64, scale: f64) {
        self.weights
            .entries
            .iter_mut()
            .for_each(|weight| *weight = (*weight * before) / scale);
        self.bias.iter_mut().flatten().for_each(|bias| *bias /= scale);
    }
}

/// Reads the members of a request and scales the layers.
pub(crate) fn read(layers: &Value<'_>, scales: &Value<'_>) -> Result<Vec<Affine>, Rejection> {
    let parts = objects(layers)?;
    all(&parts, unknown_key)?;
    all(&parts, missing_key)?;
    layer_count("/layers", layers)?;
    let items: Vec<_> = parts.iter().map(Item::new).collect();
    let contents = contents::<f64, Rejection>(&items.iter().collect::<Vec<_>>(), &no_references)?;
    let scales = self::scales(scales, contents.len())?;
    let mut layers: Vec<_> = contents.into_iter().map(affine).collect();
    let before = std::iter::once(&1.0).chain(&scales);
    for ((layer, &before), &scale) in layers.iter_mut().zip(before).zip(&scales) {
        layer.scale(before, scale);
    }
    all(layers.iter().enumerate(), |(index, layer)| non_finite(index, layer))?;
    Ok(layers)
}

/// `network.object`; the answer is the layers, as far as they are there.
fn objects<'v, 'a>(layers: &'v Value<'a>) -> Result<Vec<Part<'v, 'a>>, Rejection> {
    let Value::Array(layers) = layers else {
        return Ok(Vec::new());
    };
    all(layers.iter().enumerate(), |(index, layer)| {
        Part::new(Role::Weighted, path(index), layer)
    })
}

fn path(layer: usize) -> String {
    format!("/layers/{layer}")
}

fn affine(mut content: Content<'_, '_>) -> Affine {
    Affine {
        bias: content.bias.take(),
        weights: content.matrix(),
    }
}

/// `normalize.scales`: one per layer.
fn scales(value: &Value<'_>, layers: usize) -> Result<Vec<f64>, Rejection> {
    let rule = Rule::NormalizeScales;
    let entries = match value {
        Value::Array(entries) if entries.len() == layers => entries,
        _ => {
            return unlike(
                rule,
                "/scales",
                format_args!("a list of {layers}, one per layer"),
                value,
            )
        }
    };
    all(entries.iter().enumerate(), |(index, entry)| {
        match number(entry).filter(|&scale| scale.is_finite() && scale > 0.0) {
            Some(scale) => Ok(scale),
            None => unlike(
                rule,
                &pointer::entry("/scales", index),
                "a finite Number above 0",
                entry,
            ),
        }
    })
}

/// `normalize.non-finite`: what became of a layer is finite.
fn non_finite(index: usize, layer: &Affine) -> Result<(), Rejection> {
    let reject = |path: String, got: f64| unlike(Rule::NormalizeNonFinite, &path, "a finite result", got);
    let unsound = |number: &f64| !number.is_finite();
    if let Some(at) = layer.weights.entries.iter().position(unsound) {
        let (row, column) = (at / layer.weights.columns, at % layer.weights.columns);
        let path = format!("{}/weights/{row}/{column}", path(index));
        return reject(path, layer.weights.entries[at]);
    }
    let bias = layer.bias.as_deref().unwrap_or_default();
    match bias.iter().position(unsound) {
        Some(at) => reject(format!("{}/bias/{at}", path(index)), bias[at]),
        None => Ok(()),
    }
}
