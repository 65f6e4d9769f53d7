//! The rules on shapes: one walk through the layers finds what each gives, and whether that fits what takes it.
#![forbid(unsafe_code)]

use crate::expect::unlike;
use crate::network::Source;
use crate::network_rules::Kind;
use crate::rule::{Rejection, Rule};
use crate::shape::{Shape, Window, MAX_ELEMENTS};

/// The dimensions of weights.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Dimensions {
    /// There are none.
    #[default]
    None,
    /// Outputs and, where that is known, inputs.
    Matrix(u64, Option<u64>),
    /// Outputs, inputs of a group, kernel height and width.
    Kernel([u64; 4]),
}

/// What a layer or a branch is, without its numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) path: String,
    pub(crate) kind: Kind,
    /// Of all but a sum.
    pub(crate) source: Source,
    /// Of dense layers and convolutions.
    pub(crate) dimensions: Dimensions,
    /// Of convolutions and pools.
    pub(crate) window: Window,
    /// Of convolutions.
    pub(crate) groups: u64,
    /// The entries of a sum's bias, where it has one whose length is not given by the shape.
    pub(crate) bias: Option<u64>,
    /// Of a sum.
    pub(crate) branches: Vec<Node>,
}

/// The shapes in a network.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shapes {
    /// Of the input; none where no layer tells its width.
    pub(crate) input: Option<Shape>,
    /// Of what each layer gives.
    pub(crate) outputs: Vec<Shape>,
}

impl Shapes {
    /// Of what layer `index` takes from a source.
    pub(crate) fn source(&self, source: Source, index: usize) -> Option<Shape> {
        match source.layer(index) {
            None => self.input,
            Some(layer) => Some(self.outputs[layer]),
        }
    }

    /// The number of elements that layer `index` takes, of a sum by all its branches together.
    pub(crate) fn inputs(&self, node: &Node, index: usize) -> u64 {
        let elements = |node: &Node| self.source(node.source, index).map_or(0, Shape::elements);
        match node.kind {
            Kind::Sum => node.branches.iter().map(elements).fold(0, u64::saturating_add),
            _ => elements(node),
        }
    }
}

/// `network.chain` and `network.elements`, layer by layer; of a sidecar also that its `layer_sizes` are due.
pub(crate) fn walk(input: Option<[u64; 3]>, nodes: &[Node], sizes: Option<&[(u64, u64)]>) -> Result<Shapes, Rejection> {
    let mut shapes = Shapes {
        input: input.map(Shape::Image),
        outputs: Vec::with_capacity(nodes.len()),
    };
    for (index, node) in nodes.iter().enumerate() {
        let output = match node.kind {
            Kind::Sum => sum(&mut shapes, node, index)?,
            _ => fitting(&mut shapes, node, index)?,
        };
        if let Some(sizes) = sizes.filter(|_| node.kind != Kind::Dense) {
            size(index, sizes[index], (shapes.inputs(node, index), output.elements()))?;
        }
        shapes.outputs.push(output);
    }
    Ok(shapes)
}

/// What a layer or a branch gives that is no sum.
fn fitting(shapes: &mut Shapes, node: &Node, index: usize) -> Result<Shape, Rejection> {
    let output = chain(shapes, node, index)?;
    elements(&node.path, output)?;
    Ok(output)
}

/// What a sum gives.
fn sum(shapes: &mut Shapes, node: &Node, index: usize) -> Result<Shape, Rejection> {
    let mut outputs = Vec::with_capacity(node.branches.len());
    for branch in &node.branches {
        outputs.push(fitting(shapes, branch, index)?);
    }
    let output = outputs[0];
    if let Some(unlike_first) = outputs.iter().position(|&other| other != output) {
        let expected = format!("the output {output} of branch 0");
        return unlike(
            Rule::NetworkChain,
            &node.branches[unlike_first].path,
            expected,
            outputs[unlike_first],
        );
    }
    match node.bias {
        Some(entries) if entries != output.channels() => {
            let expected = format!("{} entries, one per channel or output", output.channels());
            unlike(Rule::NetworkChain, &format!("{}/bias", node.path), expected, entries)
        }
        _ => Ok(output),
    }
}

/// `network.chain` of a layer or a branch: its source fits. The answer is what it gives.
fn chain(shapes: &mut Shapes, node: &Node, index: usize) -> Result<Shape, Rejection> {
    let source = shapes.source(node.source, index);
    // An input without `input_shape` is for dense layers and branches alone, also where one of them has told its width.
    let is_plain_input = node.source.layer(index).is_none() && !matches!(source, Some(Shape::Image(_)));
    let misfit = |at: &str, expected: String| match source {
        Some(source) => unlike(Rule::NetworkChain, &format!("{}{at}", node.path), expected, source),
        None => unlike(
            Rule::NetworkChain,
            &format!("{}{at}", node.path),
            expected,
            "an input without input_shape",
        ),
    };
    match (node.kind, source, node.dimensions) {
        (Kind::Identity | Kind::Flatten, ..) if is_plain_input => misfit("", "three dimensions".into()),
        (Kind::Dense, None, Dimensions::Matrix(outputs, inputs)) => {
            shapes.input = inputs.map(Shape::Row);
            Ok(Shape::Row(outputs))
        }
        (Kind::Dense, Some(Shape::Row(width)), Dimensions::Matrix(outputs, inputs)) => {
            let inputs = inputs.unwrap_or(width);
            if inputs != width {
                return misfit("/weights", format!("{inputs} elements in one dimension"));
            }
            Ok(Shape::Row(outputs))
        }
        (Kind::Conv2d, Some(Shape::Image(image)), Dimensions::Kernel([outputs, inputs, ..])) => {
            match node.window.slide([image[1], image[2]]) {
                Some([height, width]) if image[0] == node.groups * inputs && outputs % node.groups == 0 => {
                    Ok(Shape::Image([outputs, height, width]))
                }
                _ => misfit(
                    "/weights",
                    format!("an image that {} groups of weights fit", node.groups),
                ),
            }
        }
        (Kind::AvgPool2d, Some(Shape::Image(image)), _) => match node.window.slide([image[1], image[2]]) {
            Some([height, width]) => Ok(Shape::Image([image[0], height, width])),
            None => misfit("", "an image into which the kernel fits".into()),
        },
        (Kind::Identity, Some(shape), _) => Ok(shape),
        (Kind::Flatten, Some(shape), _) => Ok(Shape::Row(shape.elements())),
        (Kind::Dense, ..) => misfit("/weights", "one dimension".into()),
        (Kind::Conv2d, ..) => misfit("/weights", "three dimensions".into()),
        _ => misfit("", "three dimensions".into()),
    }
}

/// `network.elements`: what a layer or a branch gives is not too much.
fn elements(path: &str, output: Shape) -> Result<(), Rejection> {
    if output.elements() <= MAX_ELEMENTS {
        return Ok(());
    }
    let expected = format!("an output of at most {MAX_ELEMENTS} elements");
    unlike(Rule::NetworkElements, path, expected, output)
}

/// `network.chain` of the size that a sidecar gives a layer that is not dense.
fn size(index: usize, size: (u64, u64), due: (u64, u64)) -> Result<(), Rejection> {
    if size == due {
        return Ok(());
    }
    let expected = format!("[{}, {}]", due.0, due.1);
    let got = format!("[{}, {}]", size.0, size.1);
    unlike(Rule::NetworkChain, &format!("/layer_sizes/{index}"), expected, got)
}

/// `network.output`: the last layer has neurons.
pub(crate) fn output(nodes: &[Node]) -> Result<(), Rejection> {
    match nodes.last() {
        Some(last) if !last.kind.is_spiking() => unlike(
            Rule::NetworkOutput,
            &last.path,
            "a layer with neurons as the last one",
            "one without",
        ),
        _ => Ok(()),
    }
}
