//! Networks of integrate-and-fire neurons, packed for simulation.
#![forbid(unsafe_code)]

use std::slice;

use crate::avgpool2d::AvgPool2d;
use crate::conv2d::Conv2d;
use crate::dense::{Dense, LANES};
use crate::expect::unlike;
use crate::real::Real;
use crate::rule::{Rejection, Rule};
use crate::shape::Shape;

/// The largest number of layers (`limits.layers`).
pub const MAX_LAYERS: usize = 1024;

/// The largest number of branches of a sum (`limits.branches`).
pub const MAX_BRANCHES: usize = 64;

/// What happens to the potential at a spike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// The threshold is subtracted.
    Subtract,
    /// The potential becomes +0.0.
    Zero,
}

/// What the last layer gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readout {
    /// It fires like the others: its spike counts.
    Spikes,
    /// It never fires nor resets: its potentials after the last step.
    Membrane,
}

/// The parameters of a layer's neurons.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neuron<F> {
    /// The threshold θ: a neuron spikes where its potential reaches it.
    pub threshold: F,
    /// What happens to the potential at a spike.
    pub reset: Reset,
    /// The potential before the first step.
    pub initial_potential: F,
    /// The factor α by which a leaky neuron's potential decays at each step; none for the plain one.
    pub decay: Option<F>,
}

impl Neuron<f64> {
    /// The same parameters, each rounded once. What keeps its rule may no longer do so: a threshold can become 0 or
    /// infinite. A decay that breaks its rule becomes NaN: that rule holds before the rounding.
    #[must_use]
    pub fn rounded<F: Real>(&self) -> Neuron<F> {
        let sound = |decay: f64| if is_decay(decay) { decay } else { f64::NAN };
        Neuron {
            threshold: F::from_binary64(self.threshold),
            reset: self.reset,
            initial_potential: F::from_binary64(self.initial_potential),
            decay: self.decay.map(|decay| F::from_binary64(sound(decay))),
        }
    }
}

/// Where a layer or a branch takes its input from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The layer before; for the first layer the network's input.
    Before,
    /// The network's input.
    Input,
    /// The layer of this index, an earlier one.
    Layer(usize),
}

impl Source {
    /// The index of the layer that layer `index` takes its input from; none where that is the network's input.
    pub fn layer(self, index: usize) -> Option<usize> {
        match self {
            Source::Before => index.checked_sub(1),
            Source::Input => None,
            Source::Layer(layer) => Some(layer),
        }
    }
}

/// How the input of a neuron depends on a source.
#[derive(Clone, Debug, PartialEq)]
pub enum Linear<F> {
    /// By a matrix of weights.
    Dense(Dense<F>),
    /// By a convolution.
    Conv2d(Conv2d<F>),
    /// Each element times one weight.
    Identity(F),
}

/// A source and how it enters.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch<F> {
    /// The source.
    pub source: Source,
    /// How it enters.
    pub linear: Linear<F>,
}

/// What a layer does.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind<F> {
    /// A dense layer or a convolution: one branch.
    Single(Branch<F>),
    /// The currents of several branches are added.
    Sum(Vec<Branch<F>>),
    /// The means of the elements under a sliding window; no neurons.
    AvgPool2d(Source, AvgPool2d),
    /// The same elements in one dimension; no neurons.
    Flatten(Source),
}

/// The neurons of a layer and what is added to their currents.
#[derive(Clone, Debug, PartialEq)]
struct Neurons<F> {
    neuron: Neuron<F>,
    /// One entry per channel or output.
    bias: Option<Vec<F>>,
    /// One entry per output, padded with zeros to [`Layer::stride`].
    padded_bias: Option<Vec<F>>,
}

/// A layer with its weights, packed, the bias and the neurons.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer<F> {
    name: Option<String>,
    kind: Kind<F>,
    output: Shape,
    neurons: Option<Neurons<F>>,
}

impl<F: Real> Layer<F> {
    /// Packs a dense layer, which takes its input from the layer before, with the weights `weight(output, input)`.
    /// `inputs` may be left open where there are no outputs.
    pub fn pack(
        outputs: usize,
        inputs: Option<usize>,
        weight: impl Fn(usize, usize) -> F,
        bias: Option<Vec<F>>,
        neuron: Neuron<F>,
    ) -> Self {
        let branch = Branch {
            source: Source::Before,
            linear: Linear::Dense(Dense::pack(outputs, inputs, weight)),
        };
        Layer::spiking(None, Kind::Single(branch), Shape::Row(outputs as u64), bias, neuron)
    }

    /// A layer with neurons; the bias has one entry per channel or output.
    pub(crate) fn spiking(
        name: Option<String>,
        kind: Kind<F>,
        output: Shape,
        bias: Option<Vec<F>>,
        neuron: Neuron<F>,
    ) -> Self {
        let outputs = output.elements() as usize;
        let area = outputs / (output.channels() as usize).max(1);
        let padded_bias = bias.as_ref().map(|bias| {
            let mut padded = Vec::with_capacity(outputs.next_multiple_of(LANES));
            bias.iter().for_each(|&entry| padded.resize(padded.len() + area, entry));
            padded.resize(outputs.next_multiple_of(LANES), F::ZERO);
            padded
        });
        Layer {
            name,
            kind,
            output,
            neurons: Some(Neurons {
                neuron,
                bias,
                padded_bias,
            }),
        }
    }

    /// A layer without neurons.
    pub(crate) fn silent(name: Option<String>, kind: Kind<F>, output: Shape) -> Self {
        Layer {
            name,
            kind,
            output,
            neurons: None,
        }
    }

    /// The name, by which later layers can take their input from it.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What the layer does.
    pub fn kind(&self) -> &Kind<F> {
        &self.kind
    }

    /// The branches whose currents enter the neurons: one, for a sum several, none where there are no neurons.
    pub fn branches(&self) -> &[Branch<F>] {
        match &self.kind {
            Kind::Single(branch) => slice::from_ref(branch),
            Kind::Sum(branches) => branches,
            Kind::AvgPool2d(..) | Kind::Flatten(_) => &[],
        }
    }

    /// The weights where the layer is dense.
    pub fn dense(&self) -> Option<&Dense<F>> {
        match &self.kind {
            Kind::Single(Branch {
                linear: Linear::Dense(dense),
                ..
            }) => Some(dense),
            _ => None,
        }
    }

    /// The shape of what the layer gives.
    pub fn output(&self) -> Shape {
        self.output
    }

    /// The number of outputs, one neuron each where the layer has neurons.
    pub fn outputs(&self) -> usize {
        self.output.elements() as usize
    }

    /// The number of neurons.
    pub fn neurons(&self) -> usize {
        if self.neurons.is_some() {
            self.outputs()
        } else {
            0
        }
    }

    /// The bias that is added to the current at every step: one entry per channel where there are such, else per output.
    pub fn bias(&self) -> Option<&[F]> {
        self.neurons.as_ref()?.bias.as_deref()
    }

    /// The parameters of the neurons; none of a pool and of a flattening.
    pub fn neuron(&self) -> Option<&Neuron<F>> {
        self.neurons.as_ref().map(|neurons| &neurons.neuron)
    }

    /// The bias, one entry per output, padded with zeros to [`Layer::stride`].
    pub(crate) fn padded_bias(&self) -> Option<&[F]> {
        self.neurons.as_ref()?.padded_bias.as_deref()
    }

    /// The number of neurons, padded to whole lanes.
    pub(crate) fn stride(&self) -> usize {
        self.neurons().next_multiple_of(LANES)
    }
}

impl Layer<f64> {
    /// The same layer, each value rounded once.
    #[must_use]
    pub fn rounded<F: Real>(&self) -> Layer<F> {
        let branch = |branch: &Branch<f64>| Branch {
            source: branch.source,
            linear: match &branch.linear {
                Linear::Dense(dense) => Linear::Dense(dense.rounded()),
                Linear::Conv2d(conv) => Linear::Conv2d(conv.rounded()),
                Linear::Identity(weight) => Linear::Identity(F::from_binary64(*weight)),
            },
        };
        let kind = match &self.kind {
            Kind::Single(single) => Kind::Single(branch(single)),
            Kind::Sum(branches) => Kind::Sum(branches.iter().map(branch).collect()),
            Kind::AvgPool2d(source, pool) => Kind::AvgPool2d(*source, pool.clone()),
            Kind::Flatten(source) => Kind::Flatten(*source),
        };
        let name = self.name.clone();
        match &self.neurons {
            None => Layer::silent(name, kind, self.output),
            Some(neurons) => {
                let bias = neurons.bias.as_ref();
                let bias = bias.map(|bias| bias.iter().copied().map(F::from_binary64).collect());
                Layer::spiking(name, kind, self.output, bias, neurons.neuron.rounded())
            }
        }
    }
}

/// Layers that keep every rule of stage `network`.
#[derive(Clone, Debug, PartialEq)]
pub struct Network<F> {
    input: Option<Shape>,
    layers: Vec<Layer<F>>,
    readout: Readout,
}

impl<F: Real> Network<F> {
    /// Joins dense layers to a chain, which has the path `/network` in rejections.
    ///
    /// # Errors
    ///
    /// The first broken rule of stage `network`, as far as values of these types can break one: `network.kind` for a layer
    /// that is not dense, or takes its input from elsewhere than the layer before.
    pub fn new(layers: Vec<Layer<F>>, readout: Readout) -> Result<Self, Rejection> {
        layer_count(layers.len())?;
        let each = |rule: fn(&Joined<'_, F>) -> Result<(), Rejection>| {
            let mut joined = layers.iter().enumerate().map(|(index, layer)| Joined { index, layer });
            joined.try_for_each(|joined| rule(&joined))
        };
        each(|joined| joined.dense().map(|_| ()))?;
        each(weight_finite)?;
        each(bias_shape)?;
        each(bias_finite)?;
        chain(&layers)?;
        each(threshold)?;
        each(decay)?;
        each(initial_potential)?;
        let inputs = layers[0].dense().and_then(Dense::inputs);
        let input = inputs.map(|inputs| Shape::Row(inputs as u64));
        Ok(Network::checked(input, layers, readout))
    }

    /// Joins layers of which every rule is known to be kept.
    pub(crate) fn checked(input: Option<Shape>, layers: Vec<Layer<F>>, readout: Readout) -> Self {
        Network { input, layers, readout }
    }

    /// The layers, input first.
    pub fn layers(&self) -> &[Layer<F>] {
        &self.layers
    }

    /// What the last layer gives.
    pub fn readout(&self) -> Readout {
        self.readout
    }

    /// The shape of the input; none where no layer tells its width, and any is taken.
    pub fn input(&self) -> Option<Shape> {
        self.input
    }

    /// The number of inputs; none where any number is taken.
    pub fn inputs(&self) -> Option<usize> {
        self.input.map(|input| input.elements() as usize)
    }

    /// The shape of what layer `index` takes from a source; none for an input of any width.
    pub fn source(&self, source: Source, index: usize) -> Option<Shape> {
        match source.layer(index) {
            None => self.input,
            Some(layer) => Some(self.layers[layer].output),
        }
    }
}

/// Where layer `index` of a network lies in a request.
pub(crate) fn layer_path(index: usize) -> String {
    format!("/network/layers/{index}")
}

/// θ: finite and above 0.
pub(crate) fn is_threshold<F: Real>(value: F) -> bool {
    value.is_finite() && value > F::ZERO
}

/// α: within 0 and 1; -0.0 is.
pub(crate) fn is_decay<F: Real>(value: F) -> bool {
    value >= F::ZERO && value <= F::ONE
}

fn layer_count(count: usize) -> Result<(), Rejection> {
    if (1..=MAX_LAYERS).contains(&count) {
        return Ok(());
    }
    unlike(
        Rule::NetworkLayers,
        "/network/layers",
        format_args!("1 to {MAX_LAYERS} layers"),
        count,
    )
}

/// A layer that is to be joined to others.
struct Joined<'a, F> {
    index: usize,
    layer: &'a Layer<F>,
}

impl<'a, F: Real> Joined<'a, F> {
    fn path(&self, member: &str) -> String {
        format!("{}/{member}", layer_path(self.index))
    }

    fn dense(&self) -> Result<(&'a Dense<F>, &'a Neurons<F>), Rejection> {
        match (&self.layer.kind, self.layer.dense(), &self.layer.neurons) {
            (Kind::Single(branch), Some(dense), Some(neurons)) if branch.source == Source::Before => {
                Ok((dense, neurons))
            }
            _ => unlike(
                Rule::NetworkKind,
                &self.path("kind"),
                "a dense layer that follows the one before",
                "another one",
            ),
        }
    }
}

fn weight_finite<F: Real>(joined: &Joined<'_, F>) -> Result<(), Rejection> {
    let (dense, _) = joined.dense()?;
    match dense.non_finite() {
        None => Ok(()),
        Some((output, input)) => {
            let path = joined.path(&format!("weights/{output}/{input}"));
            let weight = dense.weight(output, input);
            unlike(Rule::NetworkWeightFinite, &path, "a finite number", weight)
        }
    }
}

fn bias_shape<F: Real>(joined: &Joined<'_, F>) -> Result<(), Rejection> {
    let (dense, neurons) = joined.dense()?;
    let entries = neurons.bias.as_ref().map_or(dense.outputs(), Vec::len);
    if entries == dense.outputs() {
        return Ok(());
    }
    let expected = format!("{} entries, one per output", dense.outputs());
    unlike(Rule::NetworkBiasShape, &joined.path("bias"), expected, entries)
}

fn bias_finite<F: Real>(joined: &Joined<'_, F>) -> Result<(), Rejection> {
    let (_, neurons) = joined.dense()?;
    let mut entries = neurons.bias.iter().flatten().enumerate();
    match entries.find(|(_, entry)| !entry.is_finite()) {
        None => Ok(()),
        Some((index, entry)) => unlike(
            Rule::NetworkBiasFinite,
            &joined.path(&format!("bias/{index}")),
            "a finite number",
            entry,
        ),
    }
}

fn chain<F: Real>(layers: &[Layer<F>]) -> Result<(), Rejection> {
    for (index, pair) in layers.windows(2).enumerate() {
        let (due, inputs) = (pair[0].outputs(), pair[1].dense().and_then(Dense::inputs));
        if inputs.is_some_and(|inputs| inputs != due) {
            let path = format!("{}/weights", layer_path(index + 1));
            return unlike(
                Rule::NetworkChain,
                &path,
                format_args!("{due} inputs"),
                inputs.unwrap_or(due),
            );
        }
    }
    Ok(())
}

fn threshold<F: Real>(joined: &Joined<'_, F>) -> Result<(), Rejection> {
    let threshold = joined.dense()?.1.neuron.threshold;
    if is_threshold(threshold) {
        return Ok(());
    }
    unlike(
        Rule::NetworkThreshold,
        &joined.path("neuron/threshold"),
        "a finite number above 0",
        threshold,
    )
}

fn decay<F: Real>(joined: &Joined<'_, F>) -> Result<(), Rejection> {
    match joined.dense()?.1.neuron.decay {
        Some(decay) if !is_decay(decay) => unlike(
            Rule::NetworkDecay,
            &joined.path("neuron/decay"),
            "a number within 0 and 1",
            decay,
        ),
        _ => Ok(()),
    }
}

fn initial_potential<F: Real>(joined: &Joined<'_, F>) -> Result<(), Rejection> {
    let potential = joined.dense()?.1.neuron.initial_potential;
    if potential.is_finite() {
        return Ok(());
    }
    let path = joined.path("neuron/initial_potential");
    unlike(Rule::NetworkInitialPotential, &path, "a finite number", potential)
}
