//! Reads network documents: the rules of stage `network`, each in a function named after its code.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::collections::HashMap;

use crate::avgpool2d::AvgPool2d;
use crate::conv2d::Conv2d;
use crate::dense::Dense;
use crate::expect::{self, unlike};
use crate::json::{self, Object, Value};
use crate::matrix::{self, Matrix};
use crate::network::{self, is_decay, is_threshold, Branch, Layer, Linear, Network, Neuron, Readout, Reset, Source};
use crate::network::{MAX_BRANCHES, MAX_LAYERS};
use crate::npy::Array;
use crate::number::{integer, number};
use crate::pointer;
use crate::real::Real;
use crate::rule::{Rejection, Rule};
use crate::shape::{Shape, Window, MAX_ELEMENTS, MAX_EXTENT};
use crate::shape_rules::{self, Dimensions, Node, Shapes};

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
        let outline = Outline::read(path, &objects)?;
        let items = outline.items();
        let contents = contents::<F, E>(&items, arrays)?;
        let nodes = outline.nodes(&contents);
        let shapes = shape_rules::walk(outline.input_shape, &nodes, None)?;
        shape_rules::output(&nodes)?;
        let neurons = outline.neurons::<F>()?;
        let readout = readout(path, objects[0].object)?;
        let mut contents = contents.into_iter();
        let layers = outline.layers.iter().zip(&nodes).zip(neurons).enumerate();
        let layers = layers.map(|(index, ((part, node), neuron))| {
            let name = part.item.name().map(String::from);
            let content = contents.next().unwrap_or_default();
            let below = contents.by_ref().take(node.branches.len()).collect();
            pack(name, index, node, &shapes, content, below, neuron)
        });
        Ok(Network::checked(shapes.input, layers.collect(), readout))
    }
}

impl<F: Real> Network<F> {
    /// Reads a network that lies at `path`, whose arrays are `{"member": name}` and given by their names; each value is
    /// rounded once.
    ///
    /// A reference to what is not there, or is referred to again, breaks the rule on the type of what is due.
    pub(crate) fn read_members(
        path: &str,
        value: &Value<'_>,
        arrays: impl Iterator<Item = (String, Array)>,
    ) -> Result<Self, Rejection> {
        let arrays = RefCell::new(arrays.collect::<HashMap<_, _>>());
        Self::read_with(path, value, &|_: &str, value: &Value<'_>| {
            Ok(match value {
                Value::Object(reference) => match reference.get("member") {
                    Some(Value::String(name)) => arrays.borrow_mut().remove(name.as_ref()),
                    _ => None,
                },
                _ => None,
            })
        })
    }
}

/// Applies one rule to all items, before the next rule has its turn.
pub(crate) fn all<I, T, E>(items: impl IntoIterator<Item = I>, rule: impl Fn(I) -> Result<T, E>) -> Result<Vec<T>, E> {
    items.into_iter().map(rule).collect()
}

/// What a layer or a branch computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Dense,
    Conv2d,
    Sum,
    AvgPool2d,
    Flatten,
    /// Of branches alone.
    Identity,
}

impl Kind {
    const LAYERS: [Kind; 5] = [Kind::Dense, Kind::Conv2d, Kind::Sum, Kind::AvgPool2d, Kind::Flatten];
    const BRANCHES: [Kind; 3] = [Kind::Dense, Kind::Conv2d, Kind::Identity];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Dense => "dense",
            Kind::Conv2d => "conv2d",
            Kind::Sum => "sum",
            Kind::AvgPool2d => "avgpool2d",
            Kind::Flatten => "flatten",
            Kind::Identity => "identity",
        }
    }

    /// Whether a layer of this kind has neurons.
    pub(crate) fn is_spiking(self) -> bool {
        matches!(self, Kind::Dense | Kind::Conv2d | Kind::Sum)
    }

    /// Whether a layer or a branch of this kind has arrays of weights.
    pub(crate) fn has_weights(self) -> bool {
        matches!(self, Kind::Dense | Kind::Conv2d)
    }
}

/// What an object of a network document is.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Role {
    Network,
    Layer,
    Branch,
    /// A layer of `convert.normalize`, which has no neurons.
    Weighted,
    Neuron,
}

impl Role {
    /// What can stand in its `kind`.
    fn kinds(self) -> &'static [Kind] {
        match self {
            Role::Layer => &Kind::LAYERS,
            Role::Branch => &Kind::BRANCHES,
            Role::Network | Role::Weighted | Role::Neuron => &[],
        }
    }
}

/// An object of a network document.
pub(crate) struct Part<'v, 'a> {
    role: Role,
    path: String,
    object: &'v Object<'a>,
}

impl<'v, 'a> Part<'v, 'a> {
    pub(crate) fn new(role: Role, path: String, value: &'v Value<'a>) -> Result<Self, Rejection> {
        let object = expect::object(Rule::NetworkObject, &path, value)?;
        Ok(Part { role, path, object })
    }

    pub(crate) fn object(&self) -> &'v Object<'a> {
        self.object
    }

    fn has_model(&self, model: &str) -> bool {
        is_string(self.object.get("model"), model)
    }

    /// What it computes, as long as `kind` says nothing that it must not.
    fn kind(&self) -> Kind {
        let kinds = self.role.kinds().iter();
        let named = |kind: &&Kind| is_string(self.object.get("kind"), kind.name());
        kinds.copied().find(|kind| named(&kind)).unwrap_or(Kind::Dense)
    }
}

fn is_string(value: Option<&Value<'_>>, due: &str) -> bool {
    matches!(value, Some(Value::String(text)) if text == due)
}

/// `network.object`; the answer is the network, its layers, their branches and neurons, as far as they are there, in
/// traversal order.
pub(crate) fn object<'v, 'a>(path: &str, value: &'v Value<'a>) -> Result<Vec<Part<'v, 'a>>, Rejection> {
    let mut parts = vec![Part::new(Role::Network, path.to_owned(), value)?];
    let Some(Value::Array(layers)) = parts[0].object.get("layers") else {
        return Ok(parts);
    };
    for (index, value) in layers.iter().enumerate() {
        let layer = Part::new(Role::Layer, format!("{path}/layers/{index}"), value)?;
        let (path, object, kind) = (layer.path.clone(), layer.object, layer.kind());
        parts.push(layer);
        if let (Kind::Sum, Some(Value::Array(branches))) = (kind, object.get("inputs")) {
            for (index, value) in branches.iter().enumerate() {
                parts.push(Part::new(Role::Branch, format!("{path}/inputs/{index}"), value)?);
            }
        }
        if let Some(value) = object.get("neuron") {
            parts.push(Part::new(Role::Neuron, format!("{path}/neuron"), value)?);
        }
    }
    Ok(parts)
}

/// `network.kind`.
fn kind(part: &Part<'_, '_>) -> Result<(), Rejection> {
    let kinds = part.role.kinds();
    match part.object.get("kind") {
        Some(value) if !kinds.is_empty() && !kinds.iter().any(|kind| is_string(Some(value), kind.name())) => {
            let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
            let path = pointer::member(&part.path, "kind");
            unlike(
                Rule::NetworkKind,
                &path,
                format_args!("one of {}", names.join(", ")),
                value,
            )
        }
        _ => Ok(()),
    }
}

pub(crate) fn unknown_key(part: &Part<'_, '_>) -> Result<(), Rejection> {
    let known: &[&str] = match (part.role, part.kind()) {
        (Role::Network, _) => &["layers", "readout", "input_shape"],
        (Role::Layer, Kind::Conv2d) => &[
            "kind", "name", "from", "weights", "bias", "stride", "padding", "dilation", "groups", "neuron",
        ],
        (Role::Layer, Kind::Sum) => &["kind", "name", "inputs", "bias", "neuron"],
        (Role::Layer, Kind::AvgPool2d) => &["kind", "name", "from", "kernel", "stride"],
        (Role::Layer, Kind::Flatten) => &["kind", "name", "from"],
        (Role::Layer, _) => &["kind", "name", "from", "weights", "bias", "neuron"],
        (Role::Branch, Kind::Conv2d) => &["kind", "from", "weights", "stride", "padding", "dilation", "groups"],
        (Role::Branch, Kind::Identity) => &["kind", "from", "weight"],
        (Role::Branch, _) => &["kind", "from", "weights"],
        (Role::Weighted, _) => &["weights", "bias"],
        (Role::Neuron, _) if part.has_model("if") => &["model", "threshold", "reset", "initial_potential"],
        (Role::Neuron, _) => &["model", "threshold", "reset", "initial_potential", "decay"],
    };
    expect::known_keys(Rule::NetworkUnknownKey, &part.path, part.object, known)
}

pub(crate) fn missing_key(part: &Part<'_, '_>) -> Result<(), Rejection> {
    let required: &[&str] = match (part.role, part.kind()) {
        (Role::Network, _) => &["layers"],
        (Role::Layer, Kind::Sum) => &["inputs", "neuron"],
        (Role::Layer, Kind::AvgPool2d) => &["kernel"],
        (Role::Layer, Kind::Flatten) => &[],
        (Role::Layer, _) => &["weights", "neuron"],
        (Role::Branch, Kind::Identity) => &["from", "weight"],
        (Role::Branch, _) => &["from", "weights"],
        (Role::Weighted, _) => &["weights"],
        (Role::Neuron, _) if part.has_model("lif") => &["model", "threshold", "decay"],
        (Role::Neuron, _) => &["model", "threshold"],
    };
    expect::required_keys(Rule::NetworkMissingKey, &part.path, part.object, required)
}

/// A layer or a branch of which the required keys are there.
pub(crate) struct Item<'v, 'a> {
    pub(crate) path: &'v str,
    pub(crate) object: &'v Object<'a>,
    pub(crate) kind: Kind,
}

impl<'v, 'a> Item<'v, 'a> {
    pub(crate) fn new(part: &'v Part<'_, 'a>) -> Self {
        Item {
            path: &part.path,
            object: part.object,
            kind: part.kind(),
        }
    }

    /// A member of which it is known that it is there.
    fn member(&self, key: &str) -> &'v Value<'a> {
        self.object.get(key).unwrap_or(&Value::Null)
    }

    fn path(&self, key: &str) -> String {
        format!("{}/{key}", self.path)
    }

    pub(crate) fn weights(&self) -> &'v Value<'a> {
        self.member("weights")
    }

    pub(crate) fn weights_path(&self) -> String {
        self.path("weights")
    }

    pub(crate) fn bias_path(&self) -> String {
        self.path("bias")
    }

    fn name(&self) -> Option<&'v str> {
        match self.object.get("name") {
            Some(Value::String(name)) => Some(name),
            _ => None,
        }
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

/// A layer, its branches and its neurons.
pub(crate) struct LayerPart<'v, 'a> {
    pub(crate) item: Item<'v, 'a>,
    pub(crate) branches: Vec<Item<'v, 'a>>,
    neuron: Option<NeuronPart<'v, 'a>>,
}

/// What a document says beside arrays: the rules `network.kind` to `network.geometry`.
pub(crate) struct Outline<'v, 'a> {
    pub(crate) layers: Vec<LayerPart<'v, 'a>>,
    pub(crate) input_shape: Option<[u64; 3]>,
    /// Of each item.
    sources: Vec<Source>,
    /// Of each item.
    windows: Vec<(Window, u64)>,
}

impl<'v, 'a> Outline<'v, 'a> {
    pub(crate) fn read(path: &str, objects: &'v [Part<'v, 'a>]) -> Result<Self, Rejection> {
        Self::read_some(path, objects, None)
    }

    /// As [`Outline::read`]; of a sidecar, whose layers have so many names.
    pub(crate) fn read_some(path: &str, objects: &'v [Part<'v, 'a>], names: Option<usize>) -> Result<Self, Rejection> {
        all(objects, kind)?;
        all(objects, unknown_key)?;
        all(objects, missing_key)?;
        layer_count(
            &pointer::member(path, "layers"),
            objects[0].object.get("layers").unwrap_or(&Value::Null),
        )?;
        let layers = layers(objects);
        if let Some(names) = names {
            one_per_name(path, layers.len(), names)?;
        }
        let mut outline = Outline {
            layers,
            input_shape: None,
            sources: Vec::new(),
            windows: Vec::new(),
        };
        all(&outline.layers, inputs)?;
        outline.input_shape = input_shape(path, objects[0].object)?;
        name(&outline.layers)?;
        outline.sources = from(&outline.layers)?;
        outline.windows = all(outline.items(), geometry)?;
        Ok(outline)
    }

    /// All layers and branches in traversal order.
    pub(crate) fn items(&self) -> Vec<&Item<'v, 'a>> {
        let items = self.layers.iter();
        items
            .flat_map(|layer| std::iter::once(&layer.item).chain(&layer.branches))
            .collect()
    }

    /// The layers with their branches, as far as the walk through the shapes needs to know about them.
    fn nodes(&self, contents: &[Content<'_, '_>]) -> Vec<Node> {
        let dimensions: Vec<_> = contents.iter().map(|content| content.dimensions).collect();
        let biases = contents
            .iter()
            .map(|content| content.bias.as_ref().map(|bias| bias.len() as u64));
        self.nodes_of(&dimensions, &biases.collect::<Vec<_>>())
    }

    /// As [`Outline::nodes`], from the dimensions of weights and the lengths of biases of each item.
    pub(crate) fn nodes_of(&self, dimensions: &[Dimensions], biases: &[Option<u64>]) -> Vec<Node> {
        let mut at = 0..self.sources.len();
        let mut node = |item: &Item<'_, '_>| {
            let at = at.next().unwrap_or_default();
            let (mut window, groups) = self.windows[at];
            if let Dimensions::Kernel([_, _, height, width]) = dimensions[at] {
                window.kernel = [height, width];
            }
            Node {
                path: item.path.to_owned(),
                kind: item.kind,
                source: self.sources[at],
                dimensions: dimensions[at],
                window,
                groups,
                bias: biases[at],
                branches: Vec::new(),
            }
        };
        let layer = |layer: &LayerPart<'_, '_>| {
            let mut whole = node(&layer.item);
            whole.branches = layer.branches.iter().map(&mut node).collect();
            whole
        };
        self.layers.iter().map(layer).collect()
    }

    /// The rules on neurons, each over all layers that have some; they hold where the parameters are rounded.
    pub(crate) fn neurons<F: Real>(&self) -> Result<Vec<Option<Neuron<f64>>>, Rejection> {
        let parts: Vec<_> = self.layers.iter().filter_map(|layer| layer.neuron.as_ref()).collect();
        let mut neurons = neurons::<F>(&parts)?.into_iter();
        let of = |layer: &LayerPart<'_, '_>| layer.neuron.as_ref().and_then(|_| neurons.next());
        Ok(self.layers.iter().map(of).collect())
    }
}

/// The layers of a document, each with its branches and neurons.
fn layers<'v, 'a>(objects: &'v [Part<'v, 'a>]) -> Vec<LayerPart<'v, 'a>> {
    let mut layers: Vec<LayerPart<'v, 'a>> = Vec::new();
    for part in &objects[1..] {
        match (part.role, layers.last_mut()) {
            (Role::Branch, Some(layer)) => layer.branches.push(Item::new(part)),
            (Role::Neuron, Some(layer)) => {
                layer.neuron = Some(NeuronPart {
                    path: &part.path,
                    neuron: part.object,
                })
            }
            _ => layers.push(LayerPart {
                item: Item::new(part),
                branches: Vec::new(),
                neuron: None,
            }),
        }
    }
    layers
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

/// `network.inputs`: a sum has as many branches as it can have.
fn inputs(layer: &LayerPart<'_, '_>) -> Result<(), Rejection> {
    if layer.item.kind != Kind::Sum {
        return Ok(());
    }
    match layer.item.member("inputs") {
        Value::Array(branches) if (1..=MAX_BRANCHES).contains(&branches.len()) => Ok(()),
        other => unlike(
            Rule::NetworkInputs,
            &layer.item.path("inputs"),
            format_args!("an array of 1 to {MAX_BRANCHES} branches"),
            other,
        ),
    }
}

/// `network.input-shape`: three Integers, not too large together.
fn input_shape(path: &str, network: &Object<'_>) -> Result<Option<[u64; 3]>, Rejection> {
    let Some(value) = network.get("input_shape") else {
        return Ok(None);
    };
    match integers(value, 1, MAX_ELEMENTS) {
        Some(shape) if Shape::Image(shape).elements() <= MAX_ELEMENTS => Ok(Some(shape)),
        _ => unlike(
            Rule::NetworkInputShape,
            &pointer::member(path, "input_shape"),
            format_args!("three Integers of at least 1 whose product is at most {MAX_ELEMENTS}"),
            value,
        ),
    }
}

/// An array of `N` Integers, each within a range.
pub(crate) fn integers<const N: usize>(value: &Value<'_>, least: u64, most: u64) -> Option<[u64; N]> {
    let Value::Array(entries) = value else {
        return None;
    };
    let entry = |entry: &Value<'_>| u64::try_from(integer(entry)?).ok();
    let numbers: Vec<u64> = entries.iter().map(entry).collect::<Option<_>>()?;
    let numbers = <[u64; N]>::try_from(numbers).ok()?;
    numbers
        .iter()
        .all(|number| (least..=most).contains(number))
        .then_some(numbers)
}

/// `network.name`: a string of a layer's own.
fn name(layers: &[LayerPart<'_, '_>]) -> Result<(), Rejection> {
    for (index, LayerPart { item, .. }) in layers.iter().enumerate() {
        let Some(value) = item.object.get("name") else {
            continue;
        };
        let is_taken =
            |name: &str| name == "input" || layers[..index].iter().any(|layer| layer.item.name() == Some(name));
        match value {
            Value::String(name) if !is_taken(name) => {}
            _ => {
                let expected = "a string that is neither \"input\" nor the name of an earlier layer";
                return unlike(Rule::NetworkName, &item.path("name"), expected, value);
            }
        }
    }
    Ok(())
}

/// `network.from`: the input or an earlier layer. The answer is the source of each item.
fn from(layers: &[LayerPart<'_, '_>]) -> Result<Vec<Source>, Rejection> {
    let mut sources = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        for item in std::iter::once(&layer.item).chain(&layer.branches) {
            let Some(value) = item.object.get("from") else {
                sources.push(Source::Before);
                continue;
            };
            let earlier = |name: &str| layers[..index].iter().position(|layer| layer.item.name() == Some(name));
            let source = match value {
                Value::String(name) if name == "input" => Some(Source::Input),
                Value::String(name) => earlier(name).map(Source::Layer),
                _ => None,
            };
            match source {
                Some(source) => sources.push(source),
                None => {
                    let expected = "\"input\" or the name of an earlier layer";
                    return unlike(Rule::NetworkFrom, &item.path("from"), expected, value);
                }
            }
        }
    }
    Ok(sources)
}

/// `network.geometry` of a layer or a branch. The answer is its window, with a kernel where it is a pool, and its groups.
fn geometry(item: &Item<'_, '_>) -> Result<(Window, u64), Rejection> {
    let pair = |key: &str, least: u64| match item.object.get(key) {
        None => Ok(None),
        Some(value) => match integers::<2>(value, least, MAX_EXTENT) {
            None => {
                let expected = format!("two Integers within {least} and {MAX_EXTENT}");
                unlike(Rule::NetworkGeometry, &item.path(key), expected, value)
            }
            pair => Ok(pair),
        },
    };
    let kernel = pair("kernel", 1)?.unwrap_or([1, 1]);
    let stride = pair("stride", 1)?.unwrap_or(kernel);
    let dilation = pair("dilation", 1)?.unwrap_or([1, 1]);
    let padding = pair("padding", 0)?.unwrap_or([0, 0]);
    let window = Window {
        kernel,
        stride,
        padding,
        dilation,
    };
    Ok((window, groups(item)?))
}

/// `network.geometry` of the number of groups.
fn groups(item: &Item<'_, '_>) -> Result<u64, Rejection> {
    let Some(value) = item.object.get("groups") else {
        return Ok(1);
    };
    match integer(value).and_then(|groups| u64::try_from(groups).ok()) {
        Some(groups) if (1..=MAX_EXTENT).contains(&groups) => Ok(groups),
        _ => {
            let expected = format!("an Integer within 1 and {MAX_EXTENT}");
            unlike(Rule::NetworkGeometry, &item.path("groups"), expected, value)
        }
    }
}

/// The weights of a layer or a branch.
#[derive(Default)]
enum Weights<'v, 'a> {
    /// It has none.
    #[default]
    None,
    /// They lie in the document.
    Inline(&'v Value<'a>),
    /// They lie in a file.
    Stored(Array),
    /// The one of an identity.
    One(f64),
}

/// The numbers of a layer or a branch.
#[derive(Default)]
pub(crate) struct Content<'v, 'a> {
    weights: Weights<'v, 'a>,
    dimensions: Dimensions,
    pub(crate) bias: Option<Vec<f64>>,
}

impl Content<'_, '_> {
    /// The entries of the weights, in the order of a document.
    fn entries(self) -> Vec<f64> {
        match self.weights {
            Weights::None => Vec::new(),
            Weights::Inline(value) => {
                let mut entries = Vec::new();
                matrix::leaves(value, &mut entries);
                entries
            }
            Weights::Stored(array) => array.values,
            Weights::One(weight) => vec![weight],
        }
    }

    /// The matrix that the weights are.
    pub(crate) fn matrix(self) -> Matrix {
        let (rows, columns) = match self.dimensions {
            Dimensions::Matrix(rows, columns) => (rows as usize, columns.unwrap_or(0) as usize),
            Dimensions::None | Dimensions::Kernel(_) => (0, 0),
        };
        Matrix {
            rows,
            columns,
            entries: self.entries(),
        }
    }
}

/// The rules on weights and biases, each over all items; every value is finite where it is rounded.
pub(crate) fn contents<'v, 'a, F: Real, E: From<Rejection>>(
    items: &[&Item<'v, 'a>],
    arrays: &impl Arrays<E>,
) -> Result<Vec<Content<'v, 'a>>, E> {
    let weights = all(items, |item| weight_type(item, arrays))?;
    let weighted = || items.iter().zip(&weights);
    let dimensions = all(weighted(), |(item, weights)| weight_rank(item, weights))?;
    all(weighted(), |(item, weights)| weight_finite::<F>(item, weights))?;
    let biases = all(items, |item| bias_type(item, arrays))?;
    all(
        items.iter().zip(&biases).zip(&dimensions),
        |((item, bias), dimensions)| bias_shape(item, bias, dimensions),
    )?;
    all(items.iter().zip(&biases), |(item, bias)| bias_finite::<F>(item, bias))?;
    let contents = weights.into_iter().zip(dimensions).zip(biases);
    let content = |((weights, dimensions), bias)| Content {
        weights,
        dimensions,
        bias,
    };
    Ok(contents.map(content).collect())
}

fn weight_type<'v, 'a, E: From<Rejection>>(item: &Item<'v, 'a>, arrays: &impl Arrays<E>) -> Result<Weights<'v, 'a>, E> {
    if item.kind == Kind::Identity {
        return Ok(Weights::One(identity_type(item)?));
    }
    if !item.kind.has_weights() {
        return Ok(Weights::None);
    }
    let (rule, path, weights) = (Rule::NetworkWeightType, item.weights_path(), item.weights());
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

/// `network.weight-type` of an identity.
pub(crate) fn identity_type(item: &Item<'_, '_>) -> Result<f64, Rejection> {
    let value = item.member("weight");
    match number(value) {
        Some(weight) => Ok(weight),
        None => unlike(Rule::NetworkWeightType, &item.path("weight"), "a Number", value),
    }
}

/// `network.weight-finite` of an identity.
pub(crate) fn identity_finite<F: Real>(item: &Item<'_, '_>, weight: f64) -> Result<(), Rejection> {
    if F::from_binary64(weight).is_finite() {
        return Ok(());
    }
    unlike(Rule::NetworkWeightFinite, &item.path("weight"), F::FINITE, weight)
}

fn weight_rank(item: &Item<'_, '_>, weights: &Weights<'_, '_>) -> Result<Dimensions, Rejection> {
    let (rule, path) = (Rule::NetworkWeightRank, item.weights_path());
    match (item.kind, weights) {
        (_, Weights::None | Weights::One(_)) => Ok(Dimensions::None),
        (Kind::Conv2d, Weights::Inline(value)) => Ok(Dimensions::Kernel(matrix::kernel_rank(rule, &path, value)?)),
        (Kind::Conv2d, Weights::Stored(array)) => match <[u64; 4]>::try_from(&*array.shape) {
            Ok(lengths) if !lengths.contains(&0) => Ok(Dimensions::Kernel(lengths)),
            _ => {
                let shape = format!("{:?}", array.shape);
                unlike(rule, &path, "4 dimensions, each at least 1", shape)
            }
        },
        (_, Weights::Inline(value)) => {
            let (rows, columns) = matrix::rank(rule, &path, value)?;
            Ok(Dimensions::Matrix(rows as u64, (rows > 0).then_some(columns as u64)))
        }
        (_, Weights::Stored(array)) => match array.shape[..] {
            [rows, columns] => Ok(Dimensions::Matrix(rows, Some(columns))),
            _ => unlike(rule, &path, "2 dimensions", array.shape.len()),
        },
    }
}

fn weight_finite<F: Real>(item: &Item<'_, '_>, weights: &Weights<'_, '_>) -> Result<(), Rejection> {
    let (rule, path) = (Rule::NetworkWeightFinite, item.weights_path());
    match weights {
        Weights::None => Ok(()),
        Weights::Inline(value) => matrix::finite::<F>(rule, &path, value),
        Weights::Stored(array) => array.finite::<F>(rule, &path),
        Weights::One(weight) => identity_finite::<F>(item, *weight),
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

fn bias_type<E: From<Rejection>>(item: &Item<'_, '_>, arrays: &impl Arrays<E>) -> Result<Option<Vec<f64>>, E> {
    let Some(value) = item.object.get("bias") else {
        return Ok(None);
    };
    let path = item.bias_path();
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

/// Of a sum it is found with the shapes.
fn bias_shape(item: &Item<'_, '_>, bias: &Option<Vec<f64>>, dimensions: &Dimensions) -> Result<(), Rejection> {
    let outputs = match *dimensions {
        Dimensions::Matrix(outputs, _) | Dimensions::Kernel([outputs, ..]) => outputs,
        Dimensions::None => return Ok(()),
    };
    match bias {
        Some(bias) if bias.len() as u64 != outputs => {
            let expected = format!("{outputs} entries, one per output");
            unlike(Rule::NetworkBiasShape, &item.bias_path(), expected, bias.len())
        }
        _ => Ok(()),
    }
}

fn bias_finite<F: Real>(item: &Item<'_, '_>, bias: &Option<Vec<f64>>) -> Result<(), Rejection> {
    let mut entries = bias.iter().flatten().enumerate();
    match entries.find(|(_, &entry)| !F::from_binary64(entry).is_finite()) {
        None => Ok(()),
        Some((index, entry)) => unlike(
            Rule::NetworkBiasFinite,
            &pointer::entry(&item.bias_path(), index),
            F::FINITE,
            entry,
        ),
    }
}

fn neurons<F: Real>(parts: &[&NeuronPart<'_, '_>]) -> Result<Vec<Neuron<f64>>, Rejection> {
    all(parts.iter().copied(), neuron_model)?;
    let thresholds = all(parts.iter().copied(), threshold::<F>)?;
    let resets = all(parts.iter().copied(), reset)?;
    let decays = all(parts.iter().copied(), decay)?;
    let potentials = all(parts.iter().copied(), initial_potential::<F>)?;
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

pub(crate) fn readout(path: &str, network: &Object<'_>) -> Result<Readout, Rejection> {
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

/// Packs a layer that keeps every rule.
fn pack<F: Real>(
    name: Option<String>,
    index: usize,
    node: &Node,
    shapes: &Shapes,
    mut content: Content<'_, '_>,
    below: Vec<Content<'_, '_>>,
    neuron: Option<Neuron<f64>>,
) -> Layer<F> {
    let output = shapes.outputs[index];
    let bias = content.bias.take();
    let bias = bias.map(|bias| bias.into_iter().map(F::from_binary64).collect());
    let image = || match shapes.source(node.source, index) {
        Some(Shape::Image(image)) => image.map(|length| length as usize),
        _ => unreachable!("the shapes were checked"),
    };
    let kind = match node.kind {
        Kind::Sum => {
            let branches = node.branches.iter().zip(below);
            network::Kind::Sum(
                branches
                    .map(|(node, content)| branch(index, node, shapes, content))
                    .collect(),
            )
        }
        Kind::Flatten => network::Kind::Flatten(node.source),
        Kind::AvgPool2d => {
            let output = match output {
                Shape::Image(lengths) => lengths.map(|length| length as usize),
                Shape::Row(_) => unreachable!("a pool gives images"),
            };
            network::Kind::AvgPool2d(node.source, AvgPool2d::new(image(), output, node.window))
        }
        Kind::Dense | Kind::Conv2d | Kind::Identity => network::Kind::Single(branch(index, node, shapes, content)),
    };
    match neuron {
        Some(neuron) => Layer::spiking(name, kind, output, bias, neuron.rounded()),
        None => Layer::silent(name, kind, output),
    }
}

/// Packs a branch, or what a layer with one source computes.
fn branch<F: Real>(index: usize, node: &Node, shapes: &Shapes, content: Content<'_, '_>) -> Branch<F> {
    let source = shapes.source(node.source, index);
    let entries = content.entries();
    let rounded = |at: usize| F::from_binary64(entries[at]);
    let linear = match (node.dimensions, source) {
        (Dimensions::Kernel([outputs, ..]), Some(Shape::Image(image))) => {
            let windows = node.window.slide([image[1], image[2]]).unwrap_or_default();
            let output = [outputs, windows[0], windows[1]].map(|length| length as usize);
            let places = entries.len() / output[0];
            let weight = |output: usize, place: usize| rounded(output * places + place);
            let image = image.map(|length| length as usize);
            Linear::Conv2d(Conv2d::pack(image, output, node.window, node.groups as usize, weight))
        }
        (Dimensions::Matrix(outputs, columns), source) => {
            let inputs = columns.or(source.map(Shape::elements)).map(|inputs| inputs as usize);
            let columns = inputs.unwrap_or(0);
            let weight = |output: usize, input: usize| rounded(output * columns + input);
            Linear::Dense(Dense::pack(outputs as usize, inputs, weight))
        }
        _ => Linear::Identity(rounded(0)),
    };
    Branch {
        source: node.source,
        linear,
    }
}
