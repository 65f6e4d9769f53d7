//! The network of a sidecar, whose arrays are members of the archive (networks.md, section 4).
#![forbid(unsafe_code)]

use crate::expect::unlike;
use crate::json::{self, Value};
use crate::network::{Branch, Kind as LayerKind, Layer, Linear, Network, Neuron, Readout, Reset, Source};
use crate::network_rules::{
    all, identity_finite, identity_type, integers, object, readout, Item, Kind, LayerPart, Outline,
};
use crate::number::MAX_INTEGER;
use crate::rule::{Rejection, Rule};
use crate::shape::{Shape, Window, MAX_EXTENT};
use crate::shape_rules::{self, Dimensions, Node, Shapes};
use crate::sidecar::MemberDue;
use crate::writer::{self, Members};

/// What the network of a sidecar says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredNetwork {
    /// The document, with references to members in place of arrays.
    pub(crate) document: Value<'static>,
    /// The members that it refers to, layer by layer.
    pub(crate) due: Vec<MemberDue>,
    /// What each layer computes.
    pub(crate) kinds: Vec<Kind>,
}

impl StoredNetwork {
    /// Reads the network, at `path`, of a sidecar whose layers have `sizes` (input features, output features).
    pub(crate) fn read(path: &str, value: &Value<'_>, sizes: &[(u64, u64)]) -> Result<Self, Rejection> {
        let objects = object(path, value)?;
        let outline = Outline::read_some(path, &objects, Some(sizes.len()))?;
        let dimensions = members(&outline.layers, sizes)?;
        let identities: Vec<_> = outline
            .items()
            .into_iter()
            .filter(|item| item.kind == Kind::Identity)
            .collect();
        let weights = all(&identities, |item| identity_type(item))?;
        all(identities.iter().zip(weights), |(item, weight)| {
            identity_finite::<f64>(item, weight)
        })?;
        let nodes = outline.nodes_of(&dimensions, &vec![None; dimensions.len()]);
        let shapes = shape_rules::walk(outline.input_shape, &nodes, Some(sizes))?;
        shape_rules::output(&nodes)?;
        outline.neurons::<f64>()?;
        readout(path, objects[0].object())?;
        Ok(StoredNetwork {
            due: due(&outline.layers, &nodes, &shapes),
            kinds: nodes.iter().map(|node| node.kind).collect(),
            document: value.clone().into_owned(),
        })
    }
}

/// `network.member`: the arrays of stored layers are the members due. The answer is the dimensions of the weights of each
/// layer and branch.
fn members(layers: &[LayerPart<'_, '_>], sizes: &[(u64, u64)]) -> Result<Vec<Dimensions>, Rejection> {
    let mut dimensions = Vec::new();
    for (index, (layer, &(inputs, outputs))) in layers.iter().zip(sizes).enumerate() {
        dimensions.push(match layer.item.kind {
            Kind::Dense => {
                member(
                    &layer.item.weights_path(),
                    layer.item.weights(),
                    &weights_name(index, None),
                )?;
                Dimensions::Matrix(outputs, Some(inputs))
            }
            _ => shaped_member(&layer.item, &weights_name(index, None))?,
        });
        for (place, branch) in layer.branches.iter().enumerate() {
            dimensions.push(shaped_member(branch, &weights_name(index, Some(place)))?);
        }
        if let Some(bias) = layer.item.object.get("bias") {
            member(&layer.item.bias_path(), bias, &bias_name(index))?;
        }
    }
    Ok(dimensions)
}

/// The name of the weights of a layer, or of a branch of it.
fn weights_name(layer: usize, branch: Option<usize>) -> String {
    match branch {
        None => format!("layer_{layer}"),
        Some(branch) => format!("layer_{layer}_{branch}"),
    }
}

fn bias_name(layer: usize) -> String {
    format!("bias_{layer}")
}

/// A reference to a member, and nothing else.
fn member(path: &str, value: &Value<'_>, name: &str) -> Result<(), Rejection> {
    match value {
        Value::Object(reference) if reference.len() == 1 && has_name(reference, name) => Ok(()),
        _ => unlike(
            Rule::NetworkMember,
            path,
            format_args!("{{\"member\": {name:?}}}"),
            value,
        ),
    }
}

fn has_name(reference: &json::Object<'_>, name: &str) -> bool {
    matches!(reference.get("member"), Some(Value::String(text)) if text == name)
}

/// A reference to a member with its shape, and nothing else; for what has no weights there is none.
fn shaped_member(item: &Item<'_, '_>, name: &str) -> Result<Dimensions, Rejection> {
    if !item.kind.has_weights() {
        return Ok(Dimensions::None);
    }
    let shape = |shape: &Value<'_>| match item.kind {
        Kind::Conv2d => integers(shape, 1, MAX_EXTENT).map(Dimensions::Kernel),
        _ => integers(shape, 0, MAX_INTEGER as u64).map(|[rows, columns]| Dimensions::Matrix(rows, Some(columns))),
    };
    let value = item.weights();
    let found = match value {
        Value::Object(reference) if reference.len() == 2 && has_name(reference, name) => {
            reference.get("shape").and_then(shape)
        }
        _ => None,
    };
    match found {
        Some(dimensions) => Ok(dimensions),
        None => {
            let expected = format!("{{\"member\": {name:?}, \"shape\": …}} with the dimensions of the weights");
            unlike(Rule::NetworkMember, &item.weights_path(), expected, value)
        }
    }
}

/// The members due, layer by layer: weights before the bias.
fn due(layers: &[LayerPart<'_, '_>], nodes: &[Node], shapes: &Shapes) -> Vec<MemberDue> {
    let mut due = Vec::new();
    for (index, (layer, node)) in layers.iter().zip(nodes).enumerate() {
        due.extend(weights_due(node, index, None));
        for (place, branch) in node.branches.iter().enumerate() {
            due.extend(weights_due(branch, index, Some(place)));
        }
        if layer.item.object.get("bias").is_some() {
            due.push(bias_due(index, shapes.outputs[index]));
        }
    }
    due
}

fn weights_due(node: &Node, layer: usize, branch: Option<usize>) -> Option<MemberDue> {
    let shape = match node.dimensions {
        Dimensions::None => return None,
        Dimensions::Matrix(rows, columns) => vec![rows, columns.unwrap_or(0)],
        Dimensions::Kernel(lengths) => lengths.to_vec(),
    };
    let place = branch.map_or(String::new(), |branch| format!("/{branch}"));
    Some(MemberDue {
        name: weights_name(layer, branch),
        path: format!("/weights/{layer}{place}"),
        shape,
    })
}

fn bias_due(layer: usize, output: Shape) -> MemberDue {
    MemberDue {
        name: bias_name(layer),
        path: format!("/biases/{layer}"),
        shape: vec![output.channels()],
    }
}

/// The sizes, in a sidecar, of the layers of a network.
pub(crate) fn sizes(network: &Network<f64>) -> Vec<(u64, u64)> {
    let size = |(index, layer): (usize, &Layer<f64>)| {
        // Left open only where an input of any width goes to a layer without outputs.
        let elements = |source: Source| network.source(source, index).map_or(0, Shape::elements);
        let inputs = match layer.kind() {
            LayerKind::AvgPool2d(source, _) | LayerKind::Flatten(source) => elements(*source),
            LayerKind::Single(_) | LayerKind::Sum(_) => {
                layer.branches().iter().map(|branch| elements(branch.source)).sum()
            }
        };
        (inputs, layer.output().elements())
    };
    network.layers().iter().enumerate().map(size).collect()
}

/// What `neuron_types` in a sidecar says of each layer: the model of its neurons, or its kind where it has none.
pub(crate) fn types(network: &Network<f64>) -> Vec<String> {
    let layers = network.layers().iter();
    let name = |layer: &Layer<f64>| layer.neuron().map_or(kind(layer).name(), model);
    layers.map(|layer| name(layer).to_owned()).collect()
}

/// The values of the members due, in due order.
pub(crate) fn values(network: &Network<f64>) -> Vec<Vec<f64>> {
    let mut values = Vec::new();
    for layer in network.layers() {
        values.extend(layer.branches().iter().filter_map(|branch| unpacked(&branch.linear)));
        values.extend(layer.bias().map(<[f64]>::to_vec));
    }
    values
}

/// Weights, in the order of a document.
fn unpacked(linear: &Linear<f64>) -> Option<Vec<f64>> {
    let (rows, columns, weight): (usize, usize, &dyn Fn(usize, usize) -> f64) = match linear {
        Linear::Identity(_) => return None,
        Linear::Dense(dense) => (dense.outputs(), dense.inputs().unwrap_or(0), &|o, i| dense.weight(o, i)),
        Linear::Conv2d(conv) => (conv.output()[0], conv.places(), &|o, place| conv.weight(o, place)),
    };
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    Some(places.map(|(row, column)| weight(row, column)).collect())
}

/// The text of the document of a network, with references to members in place of arrays.
pub(crate) fn text(network: &Network<f64>) -> Vec<u8> {
    let mut text = Vec::new();
    writer::object(&mut text, |members| {
        if let Some(Shape::Image(lengths)) = network.input() {
            writer::array(members.key("input_shape"), lengths, writer::int);
        }
        writer::array(
            members.key("layers"),
            network.layers().iter().enumerate(),
            |out, (index, layer)| writer::object(out, |members| layer_members(members, network, index, layer)),
        );
        let readout = match network.readout() {
            Readout::Spikes => "spikes",
            Readout::Membrane => "membrane",
        };
        members.string("readout", readout);
    });
    text
}

fn layer_members(members: &mut Members<'_>, network: &Network<f64>, index: usize, layer: &Layer<f64>) {
    kind_member(members, kind(layer));
    if let Some(name) = layer.name() {
        members.string("name", name);
    }
    match layer.kind() {
        LayerKind::Single(branch) => branch_members(members, network, branch, &weights_name(index, None), false),
        LayerKind::Sum(branches) => {
            writer::array(
                members.key("inputs"),
                branches.iter().enumerate(),
                |out, (place, branch)| {
                    writer::object(out, |members| {
                        kind_member(members, kind_of(&branch.linear));
                        branch_members(members, network, branch, &weights_name(index, Some(place)), true);
                    });
                },
            );
        }
        LayerKind::AvgPool2d(source, pool) => {
            source_member(members, network, *source);
            pair(members, "kernel", pool.window().kernel);
            pair(members, "stride", pool.window().stride);
        }
        LayerKind::Flatten(source) => source_member(members, network, *source),
    }
    if layer.bias().is_some() {
        reference(members.key("bias"), &bias_name(index), None);
    }
    if let Some(neuron) = layer.neuron() {
        neuron_text(members.key("neuron"), neuron);
    }
}

/// A dense layer or branch need not say its kind.
fn kind_member(members: &mut Members<'_>, kind: Kind) {
    if kind != Kind::Dense {
        members.string("kind", kind.name());
    }
}

fn branch_members(
    members: &mut Members<'_>,
    network: &Network<f64>,
    branch: &Branch<f64>,
    name: &str,
    with_shape: bool,
) {
    source_member(members, network, branch.source);
    match &branch.linear {
        Linear::Identity(weight) => writer::float(members.key("weight"), *weight),
        Linear::Dense(dense) => {
            let shape = [dense.outputs() as u64, dense.inputs().unwrap_or(0) as u64];
            reference(members.key("weights"), name, with_shape.then_some(&shape[..]));
        }
        Linear::Conv2d(conv) => {
            let Window {
                kernel,
                stride,
                padding,
                dilation,
            } = *conv.window();
            let [outputs, inputs] = [conv.output()[0], conv.input()[0] / conv.groups()].map(|length| length as u64);
            let shape = [outputs, inputs, kernel[0], kernel[1]];
            reference(members.key("weights"), name, Some(&shape));
            pair(members, "stride", stride);
            pair(members, "padding", padding);
            pair(members, "dilation", dilation);
            writer::int(members.key("groups"), conv.groups());
        }
    }
}

fn source_member(members: &mut Members<'_>, network: &Network<f64>, source: Source) {
    match source {
        Source::Before => {}
        Source::Input => members.string("from", "input"),
        Source::Layer(layer) => members.string("from", network.layers()[layer].name().unwrap_or_default()),
    }
}

fn pair(members: &mut Members<'_>, key: &str, pair: [u64; 2]) {
    writer::array(members.key(key), pair, writer::int);
}

fn reference(out: &mut Vec<u8>, member: &str, shape: Option<&[u64]>) {
    writer::object(out, |members| {
        members.string("member", member);
        if let Some(shape) = shape {
            writer::array(members.key("shape"), shape, |out, &length| writer::int(out, length));
        }
    });
}

fn neuron_text(out: &mut Vec<u8>, neuron: &Neuron<f64>) {
    writer::object(out, |members| {
        members.string("model", model(neuron));
        writer::float(members.key("threshold"), neuron.threshold);
        let reset = match neuron.reset {
            Reset::Subtract => "subtract",
            Reset::Zero => "zero",
        };
        members.string("reset", reset);
        writer::float(members.key("initial_potential"), neuron.initial_potential);
        if let Some(decay) = neuron.decay {
            writer::float(members.key("decay"), decay);
        }
    });
}

/// The name of a neuron's model.
fn model(neuron: &Neuron<f64>) -> &'static str {
    if neuron.decay.is_some() {
        "lif"
    } else {
        "if"
    }
}

fn kind(layer: &Layer<f64>) -> Kind {
    match layer.kind() {
        LayerKind::Single(branch) => kind_of(&branch.linear),
        LayerKind::Sum(_) => Kind::Sum,
        LayerKind::AvgPool2d(..) => Kind::AvgPool2d,
        LayerKind::Flatten(_) => Kind::Flatten,
    }
}

fn kind_of(linear: &Linear<f64>) -> Kind {
    match linear {
        Linear::Dense(_) => Kind::Dense,
        Linear::Conv2d(_) => Kind::Conv2d,
        Linear::Identity(_) => Kind::Identity,
    }
}
