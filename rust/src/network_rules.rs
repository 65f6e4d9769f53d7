//! Reads network documents: the rules of stage `network`, each in a function named after its code.
#![forbid(unsafe_code)]

use crate::expect::{self, unlike};
use crate::json::{self, Object, Value};
use crate::matrix::{self, Matrix};
use crate::network::{is_decay, is_threshold, Layer, Network, Neuron, Readout, Reset, MAX_LAYERS};
use crate::npy::Array;
use crate::number::number;
use crate::pointer;
use crate::real::Real;
use crate::rule::{Rejection, Rule};

/// Reads the array that a value refers to, if it is such a reference.
pub(crate) trait Arrays<E>: Fn(&str, &Value<'_>) -> Result<Option<Array>, E> {}

impl<E, F: Fn(&str, &Value<'_>) -> Result<Option<Array>, E>> Arrays<E> for F {}

/// Where no value is a reference.
pub(crate) fn no_references(_: &str, _: &Value<'_>) -> Result<Option<Array>, Rejection> {
    Ok(None)
}

impl Network<f64> {
    /// Reads a network from a JSON text.
    ///
    /// # Errors
    ///
    /// The first broken rule of the stages `json` and `network`.
    pub fn parse(text: &[u8]) -> Result<Self, Rejection> {
        Self::read("", &json::parse(text, json::DOCUMENT_DEPTH)?)
    }

    /// Reads a network that lies at `path`.
    ///
    /// # Errors
    ///
    /// The first broken rule of stage `network`.
    pub fn read(path: &str, value: &Value<'_>) -> Result<Self, Rejection> {
        Self::read_with(path, value, &no_references)
    }
}

impl<F: Real> Network<F> {
    /// Reads a network that lies at `path`, whose weights and biases may be references; each value is rounded once.
    pub(crate) fn read_with<E: From<Rejection>>(
        path: &str,
        value: &Value<'_>,
        arrays: &impl Arrays<E>,
    ) -> Result<Self, E> {
        let objects = object(path, value)?;
        all(&objects, unknown_key)?;
        all(&objects, missing_key)?;
        let (layers, neurons) = layers(path, &objects)?;
        let contents = contents::<F, E>(&layers, arrays)?;
        let inputs = chain(&layers, &contents)?;
        let neurons = self::neurons::<F>(&neurons)?;
        let readout = readout(path, objects[0].object)?;
        let parts = contents.into_iter().zip(inputs).zip(neurons);
        let packed = parts.map(|((content, inputs), neuron)| pack(content, inputs, neuron.rounded()));
        Ok(Network::checked(packed.collect(), readout))
    }
}

/// What the network of a sidecar says, whose arrays are members of the archive.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredNetwork {
    pub(crate) has_bias: Vec<bool>,
    pub(crate) neurons: Vec<Neuron<f64>>,
    pub(crate) readout: Readout,
}

impl StoredNetwork {
    /// Reads the network, at `path`, of a sidecar whose layers have `sizes` (input features, output features).
    pub(crate) fn read(path: &str, value: &Value<'_>, sizes: &[(u64, u64)]) -> Result<Self, Rejection> {
        let objects = object(path, value)?;
        all(&objects, unknown_key)?;
        all(&objects, missing_key)?;
        let (layers, neurons) = layers(path, &objects)?;
        one_per_name(path, layers.len(), sizes.len())?;
        all(layers.iter().enumerate(), |(layer, part)| member(part, layer))?;
        chain_of_sizes(&layers, sizes)?;
        Ok(StoredNetwork {
            has_bias: layers.iter().map(|part| part.layer.get("bias").is_some()).collect(),
            neurons: self::neurons::<f64>(&neurons)?,
            readout: readout(path, objects[0].object)?,
        })
    }
}

/// Applies one rule to all items, before the next rule has its turn.
pub(crate) fn all<I, T, E>(items: impl IntoIterator<Item = I>, rule: impl Fn(I) -> Result<T, E>) -> Result<Vec<T>, E> {
    items.into_iter().map(rule).collect()
}

/// What an object of a network document is.
pub(crate) enum Kind {
    Network,
    Layer,
    /// A layer of `convert.normalize`, which has no neurons.
    Weighted,
    Neuron,
}

/// An object of a network document.
pub(crate) struct Part<'v, 'a> {
    kind: Kind,
    path: String,
    object: &'v Object<'a>,
}

impl<'v, 'a> Part<'v, 'a> {
    pub(crate) fn new(kind: Kind, path: String, value: &'v Value<'a>) -> Result<Self, Rejection> {
        let object = expect::object(Rule::NetworkObject, &path, value)?;
        Ok(Part { kind, path, object })
    }

    fn has_model(&self, model: &str) -> bool {
        matches!(self.object.get("model"), Some(Value::String(name)) if name == model)
    }
}

/// `network.object`; the answer is the network, its layers and their neurons, as far as they are there, in traversal
/// order.
fn object<'v, 'a>(path: &str, value: &'v Value<'a>) -> Result<Vec<Part<'v, 'a>>, Rejection> {
    let mut parts = vec![Part::new(Kind::Network, path.to_owned(), value)?];
    let Some(Value::Array(layers)) = parts[0].object.get("layers") else {
        return Ok(parts);
    };
    for (index, value) in layers.iter().enumerate() {
        let layer = Part::new(Kind::Layer, format!("{path}/layers/{index}"), value)?;
        let neuron = layer.object.get("neuron");
        let neuron = neuron.map(|value| Part::new(Kind::Neuron, format!("{}/neuron", layer.path), value));
        parts.push(layer);
        parts.extend(neuron.transpose()?);
    }
    Ok(parts)
}

pub(crate) fn unknown_key(part: &Part<'_, '_>) -> Result<(), Rejection> {
    let known: &[&str] = match part.kind {
        Kind::Network => &["layers", "readout"],
        Kind::Layer => &["weights", "bias", "neuron"],
        Kind::Weighted => &["weights", "bias"],
        Kind::Neuron if part.has_model("if") => &["model", "threshold", "reset", "initial_potential"],
        Kind::Neuron => &["model", "threshold", "reset", "initial_potential", "decay"],
    };
    expect::known_keys(Rule::NetworkUnknownKey, &part.path, part.object, known)
}

pub(crate) fn missing_key(part: &Part<'_, '_>) -> Result<(), Rejection> {
    let required: &[&str] = match part.kind {
        Kind::Network => &["layers"],
        Kind::Layer => &["weights", "neuron"],
        Kind::Weighted => &["weights"],
        Kind::Neuron if part.has_model("lif") => &["model", "threshold", "decay"],
        Kind::Neuron => &["model", "threshold"],
    };
    expect::required_keys(Rule::NetworkMissingKey, &part.path, part.object, required)
}

/// A layer of which the required keys are there.
pub(crate) struct LayerPart<'v, 'a> {
    path: &'v str,
    layer: &'v Object<'a>,
}

impl<'v, 'a> LayerPart<'v, 'a> {
    pub(crate) fn new(part: &'v Part<'_, 'a>) -> Self {
        LayerPart {
            path: &part.path,
            layer: part.object,
        }
    }

    fn weights(&self) -> &'v Value<'a> {
        self.layer.get("weights").unwrap_or(&Value::Null)
    }

    fn weights_path(&self) -> String {
        format!("{}/weights", self.path)
    }

    fn bias_path(&self) -> String {
        format!("{}/bias", self.path)
    }
}

/// A neuron of which the required keys are there.
struct NeuronPart<'v, 'a> {
    path: &'v str,
    neuron: &'v Object<'a>,
}

impl NeuronPart<'_, '_> {
    /// A member of the neuron that is a Number and `sound`, if it is there.
    fn parameter(
        &self,
        rule: Rule,
        key: &str,
        expected: &str,
        sound: fn(f64) -> bool,
    ) -> Result<Option<f64>, Rejection> {
        let Some(value) = self.neuron.get(key) else {
            return Ok(None);
        };
        match number(value).filter(|&number| sound(number)) {
            None => unlike(rule, &format!("{}/{key}", self.path), expected, value),
            sound => Ok(sound),
        }
    }

    /// A member of the neuron that is one of two words, if it is there: whether it is the second.
    fn choice(&self, rule: Rule, key: &str, words: [&str; 2]) -> Result<Option<bool>, Rejection> {
        self.neuron
            .get(key)
            .map(|value| choice(rule, &format!("{}/{key}", self.path), value, words))
            .transpose()
    }
}

/// Whether a value is the second of two words rather than the first.
fn choice(rule: Rule, path: &str, value: &Value<'_>, words: [&str; 2]) -> Result<bool, Rejection> {
    match value {
        Value::String(word) if words.contains(&word.as_ref()) => Ok(word == words[1]),
        _ => unlike(rule, path, format_args!("{:?} or {:?}", words[0], words[1]), value),
    }
}

/// The layers and their neurons.
type Layers<'v, 'a> = (Vec<LayerPart<'v, 'a>>, Vec<NeuronPart<'v, 'a>>);

/// `network.layers` of a document.
fn layers<'v, 'a>(path: &str, objects: &'v [Part<'v, 'a>]) -> Result<Layers<'v, 'a>, Rejection> {
    let value = objects[0].object.get("layers").unwrap_or(&Value::Null);
    layer_count(&pointer::member(path, "layers"), value)?;
    // No key is missing, so that layers and neurons take turns.
    let pairs = objects[1..].chunks_exact(2);
    let neuron = |part: &'v Part<'v, 'a>| NeuronPart {
        path: &part.path,
        neuron: part.object,
    };
    Ok(pairs.map(|pair| (LayerPart::new(&pair[0]), neuron(&pair[1]))).unzip())
}

/// `network.layers`: as many as there can be.
pub(crate) fn layer_count(path: &str, value: &Value<'_>) -> Result<(), Rejection> {
    match value {
        Value::Array(layers) if (1..=MAX_LAYERS).contains(&layers.len()) => Ok(()),
        _ => unlike(
            Rule::NetworkLayers,
            path,
            format_args!("an array of 1 to {MAX_LAYERS} layers"),
            value,
        ),
    }
}

/// `network.layers` of a sidecar: one per layer name.
fn one_per_name(path: &str, layers: usize, names: usize) -> Result<(), Rejection> {
    if layers == names {
        return Ok(());
    }
    let path = pointer::member(path, "layers");
    unlike(
        Rule::NetworkLayers,
        &path,
        format_args!("{names} layers, one per name"),
        layers,
    )
}

/// `network.member`: the arrays of a stored layer are the members due.
fn member(part: &LayerPart<'_, '_>, layer: usize) -> Result<(), Rejection> {
    let exactly = |path: &str, value: &Value<'_>, name: String| match value {
        Value::Object(reference) if reference.len() == 1 && is_string(reference.get("member"), &name) => Ok(()),
        _ => unlike(
            Rule::NetworkMember,
            path,
            format_args!("{{\"member\": {name:?}}}"),
            value,
        ),
    };
    exactly(&part.weights_path(), part.weights(), format!("layer_{layer}"))?;
    match part.layer.get("bias") {
        Some(bias) => exactly(&part.bias_path(), bias, format!("bias_{layer}")),
        None => Ok(()),
    }
}

fn is_string(value: Option<&Value<'_>>, due: &str) -> bool {
    matches!(value, Some(Value::String(text)) if text == due)
}

/// `network.chain` of a sidecar.
fn chain_of_sizes(parts: &[LayerPart<'_, '_>], sizes: &[(u64, u64)]) -> Result<(), Rejection> {
    for (part, pair) in parts[1..].iter().zip(sizes.windows(2)) {
        let ((_, due), (found, _)) = (pair[0], pair[1]);
        if found != due {
            let expected = format!("{due} inputs, the outputs of the layer before");
            return unlike(Rule::NetworkChain, &part.weights_path(), expected, found);
        }
    }
    Ok(())
}

/// The weights of a layer, which lie in the document or in a file.
enum Weights<'v, 'a> {
    Inline(&'v Value<'a>),
    Stored(Array),
}

/// What a layer has beside neurons.
pub(crate) struct Content<'v, 'a> {
    weights: Weights<'v, 'a>,
    /// The number of rows and, where that is known, the width.
    shape: (usize, Option<usize>),
    pub(crate) bias: Option<Vec<f64>>,
}

impl Content<'_, '_> {
    /// The matrix, with `columns` as the width where there is no row to tell it.
    pub(crate) fn matrix(self, columns: usize) -> Matrix {
        match self.weights {
            Weights::Inline(value) => matrix::read(value, self.shape.1.unwrap_or(columns)),
            Weights::Stored(array) => array.into_matrix(),
        }
    }
}

/// The rules on weights and biases, each over all layers; every value is finite where it is rounded.
pub(crate) fn contents<'v, 'a, F: Real, E: From<Rejection>>(
    parts: &[LayerPart<'v, 'a>],
    arrays: &impl Arrays<E>,
) -> Result<Vec<Content<'v, 'a>>, E> {
    let weights = all(parts, |part| weight_type(part, arrays))?;
    let weighted = || parts.iter().zip(&weights);
    let shapes = all(weighted(), |(part, weights)| weight_rank(part, weights))?;
    all(weighted(), |(part, weights)| weight_finite::<F>(part, weights))?;
    let biases = all(parts, |part| bias_type(part, arrays))?;
    all(parts.iter().zip(&biases).zip(&shapes), |((part, bias), shape)| {
        bias_shape(part, bias, shape.0)
    })?;
    all(parts.iter().zip(&biases), |(part, bias)| bias_finite::<F>(part, bias))?;
    let contents = weights.into_iter().zip(shapes).zip(biases);
    Ok(contents
        .map(|((weights, shape), bias)| Content { weights, shape, bias })
        .collect())
}

fn weight_type<'v, 'a, E: From<Rejection>>(
    part: &LayerPart<'v, 'a>,
    arrays: &impl Arrays<E>,
) -> Result<Weights<'v, 'a>, E> {
    let (rule, path, weights) = (Rule::NetworkWeightType, part.weights_path(), part.weights());
    match arrays(&path, weights)? {
        Some(array) => {
            array.exact(rule, &path)?;
            Ok(Weights::Stored(array))
        }
        None => {
            matrix::leaf_type(rule, &path, weights)?;
            Ok(Weights::Inline(weights))
        }
    }
}

/// The answer is the number of rows and, where that is known, the width.
fn weight_rank(part: &LayerPart<'_, '_>, weights: &Weights<'_, '_>) -> Result<(usize, Option<usize>), Rejection> {
    let (rule, path) = (Rule::NetworkWeightRank, part.weights_path());
    match weights {
        Weights::Inline(value) => {
            let (rows, columns) = matrix::rank(rule, &path, value)?;
            Ok((rows, (rows > 0).then_some(columns)))
        }
        Weights::Stored(array) => match array.shape[..] {
            [rows, columns] => Ok((rows as usize, Some(columns as usize))),
            _ => unlike(rule, &path, "2 dimensions", array.shape.len()),
        },
    }
}

fn weight_finite<F: Real>(part: &LayerPart<'_, '_>, weights: &Weights<'_, '_>) -> Result<(), Rejection> {
    let (rule, path) = (Rule::NetworkWeightFinite, part.weights_path());
    match weights {
        Weights::Inline(value) => matrix::finite::<F>(rule, &path, value),
        Weights::Stored(array) => array.finite::<F>(rule, &path),
    }
}

/// The bias that lies in a file.
fn stored_bias(path: &str, array: Array) -> Result<Vec<f64>, Rejection> {
    if array.shape.len() != 1 {
        return unlike(Rule::NetworkBiasType, path, "1 dimension", array.shape.len());
    }
    array.exact(Rule::NetworkBiasType, path)?;
    Ok(array.values)
}

fn bias_type<E: From<Rejection>>(part: &LayerPart<'_, '_>, arrays: &impl Arrays<E>) -> Result<Option<Vec<f64>>, E> {
    let Some(value) = part.layer.get("bias") else {
        return Ok(None);
    };
    let path = part.bias_path();
    Ok(Some(match arrays(&path, value)? {
        Some(array) => stored_bias(&path, array)?,
        None => inline_bias(&path, value)?,
    }))
}

fn inline_bias(path: &str, value: &Value<'_>) -> Result<Vec<f64>, Rejection> {
    let entry = |(index, entry): (usize, &Value<'_>)| match number(entry) {
        Some(entry) => Ok(entry),
        None => unlike(Rule::NetworkBiasType, &pointer::entry(path, index), "a Number", entry),
    };
    match value {
        Value::Array(entries) => all(entries.iter().enumerate(), entry),
        other => unlike(Rule::NetworkBiasType, path, "a list of Numbers", other),
    }
}

fn bias_shape(part: &LayerPart<'_, '_>, bias: &Option<Vec<f64>>, outputs: usize) -> Result<(), Rejection> {
    match bias {
        Some(bias) if bias.len() != outputs => {
            let expected = format!("{outputs} entries, one per output");
            unlike(Rule::NetworkBiasShape, &part.bias_path(), expected, bias.len())
        }
        _ => Ok(()),
    }
}

fn bias_finite<F: Real>(part: &LayerPart<'_, '_>, bias: &Option<Vec<f64>>) -> Result<(), Rejection> {
    let mut entries = bias.iter().flatten().enumerate();
    match entries.find(|(_, &entry)| !F::from_binary64(entry).is_finite()) {
        None => Ok(()),
        Some((index, entry)) => unlike(
            Rule::NetworkBiasFinite,
            &pointer::entry(&part.bias_path(), index),
            F::FINITE,
            entry,
        ),
    }
}

/// The answer is the input size of each layer: where there are no outputs the size that is due, left open for the first.
fn chain(parts: &[LayerPart<'_, '_>], contents: &[Content<'_, '_>]) -> Result<Vec<Option<usize>>, Rejection> {
    let mut sizes = vec![contents[0].shape.1];
    for (part, pair) in parts[1..].iter().zip(contents.windows(2)) {
        let due = pair[0].shape.0;
        let inputs = pair[1].shape.1.unwrap_or(due);
        if inputs != due {
            let expected = format!("{due} inputs, the outputs of the layer before");
            return unlike(Rule::NetworkChain, &part.weights_path(), expected, inputs);
        }
        sizes.push(Some(due));
    }
    Ok(sizes)
}

/// The rules on neurons, each over all layers; they hold where the parameters are rounded.
fn neurons<F: Real>(parts: &[NeuronPart<'_, '_>]) -> Result<Vec<Neuron<f64>>, Rejection> {
    all(parts, neuron_model)?;
    let thresholds = all(parts, threshold::<F>)?;
    let resets = all(parts, reset)?;
    let decays = all(parts, decay)?;
    let potentials = all(parts, initial_potential::<F>)?;
    let neuron = |layer: usize| Neuron {
        threshold: thresholds[layer],
        reset: resets[layer],
        initial_potential: potentials[layer],
        decay: decays[layer],
    };
    Ok((0..parts.len()).map(neuron).collect())
}

fn neuron_model(part: &NeuronPart<'_, '_>) -> Result<(), Rejection> {
    part.choice(Rule::NetworkNeuronModel, "model", ["if", "lif"])
        .map(|_| ())
}

fn threshold<F: Real>(part: &NeuronPart<'_, '_>) -> Result<f64, Rejection> {
    let expected = format!("{} and above 0", F::FINITE);
    let sound = |value| is_threshold(F::from_binary64(value));
    let threshold = part.parameter(Rule::NetworkThreshold, "threshold", &expected, sound)?;
    Ok(threshold.unwrap_or(1.0)) // always there: its absence is a missing key
}

fn reset(part: &NeuronPart<'_, '_>) -> Result<Reset, Rejection> {
    let zero = part.choice(Rule::NetworkReset, "reset", ["subtract", "zero"])?;
    Ok(if zero == Some(true) {
        Reset::Zero
    } else {
        Reset::Subtract
    })
}

/// What is within 0 and 1 stays so where it is rounded, and what is not can become so: it is checked as it was read.
fn decay(part: &NeuronPart<'_, '_>) -> Result<Option<f64>, Rejection> {
    part.parameter(Rule::NetworkDecay, "decay", "a Number within 0 and 1", is_decay)
}

fn initial_potential<F: Real>(part: &NeuronPart<'_, '_>) -> Result<f64, Rejection> {
    let rule = Rule::NetworkInitialPotential;
    let sound = |value| F::from_binary64(value).is_finite();
    let potential = part.parameter(rule, "initial_potential", F::FINITE, sound)?;
    Ok(potential.unwrap_or(0.0))
}

fn readout(path: &str, network: &Object<'_>) -> Result<Readout, Rejection> {
    let Some(value) = network.get("readout") else {
        return Ok(Readout::Spikes);
    };
    let membrane = choice(
        Rule::NetworkReadout,
        &pointer::member(path, "readout"),
        value,
        ["spikes", "membrane"],
    )?;
    Ok(if membrane { Readout::Membrane } else { Readout::Spikes })
}

fn pack<F: Real>(mut content: Content<'_, '_>, inputs: Option<usize>, neuron: Neuron<F>) -> Layer<F> {
    let bias = content.bias.take();
    let bias = bias.map(|bias| bias.into_iter().map(F::from_binary64).collect());
    let matrix = content.matrix(inputs.unwrap_or(0));
    let weight = |output, input| F::from_binary64(matrix.entries[output * matrix.columns + input]);
    Layer::pack(matrix.rows, inputs, weight, bias, neuron)
}
