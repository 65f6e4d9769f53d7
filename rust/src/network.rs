//! Networks of integrate-and-fire neurons, packed for simulation.
#![forbid(unsafe_code)]

use std::array::from_fn;

use crate::expect::unlike;
use crate::real::Real;
use crate::rule::{Rejection, Rule};
use crate::simd::Level;

/// The largest number of layers (`limits.layers`).
pub const MAX_LAYERS: usize = 1024;

/// Outputs are padded to a multiple of this many, so that a kernel needs no code for remainders.
pub(crate) const LANES: usize = 16;

/// The weights of an input for some outputs. Whole cache lines: a load that crosses two costs twice.
#[derive(Clone, Debug, PartialEq)]
#[repr(align(64))]
pub(crate) struct Lanes<F>(pub(crate) [F; LANES]);

/// [`Lanes`] of the widest tile.
pub(crate) const WIDEST: usize = 4;

/// Lanes of most tiles: as many outputs as four vectors of the machine have (measured by `scripts/bench_kernels.py`).
fn most_lanes<F>() -> usize {
    let vectors = 4 * Level::widest().vector_bytes();
    (vectors / size_of::<Lanes<F>>()).clamp(1, WIDEST)
}

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

/// A dense layer: its weights, packed by tiles of outputs, the bias and the neurons.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer<F> {
    inputs: Option<usize>,
    outputs: usize,
    /// Tile after tile, and within a tile input after input.
    weights: Vec<Lanes<F>>,
    bias: Option<Vec<F>>,
    padded_bias: Option<Vec<F>>,
    neuron: Neuron<F>,
}

impl<F: Real> Layer<F> {
    /// Packs the weights `weight(output, input)`. `inputs` may be left open where there are no outputs.
    pub fn pack(
        outputs: usize,
        inputs: Option<usize>,
        weight: impl Fn(usize, usize) -> F,
        bias: Option<Vec<F>>,
        neuron: Neuron<F>,
    ) -> Self {
        let padded_bias = bias.clone().map(|mut bias| {
            bias.resize(outputs.next_multiple_of(LANES), F::ZERO);
            bias
        });
        let mut layer = Layer {
            inputs,
            outputs,
            weights: Vec::new(),
            bias,
            padded_bias,
            neuron,
        };
        let entry = |output, input| {
            if output < outputs {
                weight(output, input)
            } else {
                F::ZERO
            }
        };
        let mut weights = Vec::with_capacity(layer.stride() / LANES * inputs.unwrap_or(0));
        for (start, lanes) in layer.tiles() {
            for input in 0..inputs.unwrap_or(0) {
                let column = (0..lanes).map(|lane| start + lane * LANES);
                weights.extend(column.map(|first| Lanes(from_fn(|lane| entry(first + lane, input)))));
            }
        }
        layer.weights = weights;
        layer
    }

    /// The number of inputs; none where the layer has no outputs and takes any input.
    pub fn inputs(&self) -> Option<usize> {
        self.inputs
    }

    /// The number of outputs.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The weight of an input for an output.
    pub fn weight(&self, output: usize, input: usize) -> F {
        assert!(output < self.outputs, "output {output} of {}", self.outputs);
        let (start, lanes) = tile_of(output, self.stride(), most_lanes::<F>());
        let first = start / LANES * self.inputs.unwrap_or(0) + input * lanes;
        self.weights[first + (output - start) / LANES].0[output % LANES]
    }

    /// The bias that is added to the current at every step, one per output.
    pub fn bias(&self) -> Option<&[F]> {
        self.bias.as_deref()
    }

    /// The parameters of the neurons.
    pub fn neuron(&self) -> &Neuron<F> {
        &self.neuron
    }

    /// The bias, padded with zeros to [`Layer::stride`].
    pub(crate) fn padded_bias(&self) -> Option<&[F]> {
        self.padded_bias.as_deref()
    }

    /// The number of outputs, padded to whole tiles.
    pub(crate) fn stride(&self) -> usize {
        self.outputs.next_multiple_of(LANES)
    }

    /// The first output of every tile, and how many [`Lanes`] wide it is.
    pub(crate) fn tiles(&self) -> impl Iterator<Item = (usize, usize)> {
        let stride = self.stride();
        let most = most_lanes::<F>();
        let first = (stride > 0).then(|| tile_of(0, stride, most));
        std::iter::successors(first, move |&(start, lanes)| {
            let next = start + lanes * LANES;
            (next < stride).then(|| tile_of(next, stride, most))
        })
    }

    /// The weights of the tile that begins at output `start`, `N` lanes for each input.
    pub(crate) fn tile<const N: usize>(&self, start: usize) -> &[[Lanes<F>; N]] {
        let inputs = self.inputs.unwrap_or(0);
        self.weights[start / LANES * inputs..][..N * inputs].as_chunks().0
    }
}

impl Layer<f64> {
    /// The same layer, each value rounded once.
    #[must_use]
    pub fn rounded<F: Real>(&self) -> Layer<F> {
        let bias = self
            .bias()
            .map(|bias| bias.iter().copied().map(F::from_binary64).collect());
        let weight = |output, input| F::from_binary64(self.weight(output, input));
        Layer::pack(self.outputs, self.inputs, weight, bias, self.neuron.rounded())
    }
}

/// The first output of the tile that an output is in, and how many lanes wide it is: `most`, which is a power of two, or
/// towards the end of the layer half of that, and half of that again.
fn tile_of(output: usize, stride: usize, most: usize) -> (usize, usize) {
    let mut start = output / (most * LANES) * (most * LANES);
    let mut lanes = most;
    while start + lanes * LANES > stride || start + lanes * LANES <= output {
        if start + lanes * LANES <= output {
            start += lanes * LANES;
        }
        lanes /= 2;
    }
    (start, lanes)
}

/// A chain of layers that keeps every rule of stage `network`.
#[derive(Clone, Debug, PartialEq)]
pub struct Network<F> {
    layers: Vec<Layer<F>>,
    readout: Readout,
}

impl<F: Real> Network<F> {
    /// Joins layers to a network, which has the path `/network` in rejections.
    ///
    /// # Errors
    ///
    /// The first broken rule of stage `network`, as far as values of these types can break one.
    pub fn new(layers: Vec<Layer<F>>, readout: Readout) -> Result<Self, Rejection> {
        layer_count(layers.len())?;
        let each = |rule: fn(&str, &Layer<F>) -> Result<(), Rejection>| {
            layers
                .iter()
                .enumerate()
                .try_for_each(|(index, layer)| rule(&layer_path(index), layer))
        };
        each(weight_finite)?;
        each(bias_shape)?;
        each(bias_finite)?;
        chain(&layers)?;
        each(threshold)?;
        each(decay)?;
        each(initial_potential)?;
        Ok(Network { layers, readout })
    }

    /// Joins layers of which every rule is known to be kept.
    pub(crate) fn checked(layers: Vec<Layer<F>>, readout: Readout) -> Self {
        Network { layers, readout }
    }

    /// The layers, input first.
    pub fn layers(&self) -> &[Layer<F>] {
        &self.layers
    }

    /// What the last layer gives.
    pub fn readout(&self) -> Readout {
        self.readout
    }

    /// The number of inputs; none where the first layer takes any input.
    pub fn inputs(&self) -> Option<usize> {
        self.layers[0].inputs
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

/// Looks in the traversal order of a document, row by row, but only where there is something to find.
fn weight_finite<F: Real>(path: &str, layer: &Layer<F>) -> Result<(), Rejection> {
    if layer
        .weights
        .iter()
        .flat_map(|lanes| &lanes.0)
        .all(|weight| weight.is_finite())
    {
        return Ok(());
    }
    let inputs = layer.inputs.unwrap_or(0);
    let mut places = (0..layer.outputs).flat_map(|output| (0..inputs).map(move |input| (output, input)));
    match places.find(|&(output, input)| !layer.weight(output, input).is_finite()) {
        None => Ok(()),
        Some((output, input)) => {
            let path = format!("{path}/weights/{output}/{input}");
            unlike(
                Rule::NetworkWeightFinite,
                &path,
                "a finite number",
                layer.weight(output, input),
            )
        }
    }
}

fn bias_shape<F: Real>(path: &str, layer: &Layer<F>) -> Result<(), Rejection> {
    let entries = layer.bias.as_ref().map_or(layer.outputs, Vec::len);
    if entries == layer.outputs {
        return Ok(());
    }
    let expected = format!("{} entries, one per output", layer.outputs);
    unlike(Rule::NetworkBiasShape, &format!("{path}/bias"), expected, entries)
}

fn bias_finite<F: Real>(path: &str, layer: &Layer<F>) -> Result<(), Rejection> {
    match layer
        .bias
        .iter()
        .flatten()
        .enumerate()
        .find(|(_, entry)| !entry.is_finite())
    {
        None => Ok(()),
        Some((index, entry)) => unlike(
            Rule::NetworkBiasFinite,
            &format!("{path}/bias/{index}"),
            "a finite number",
            entry,
        ),
    }
}

fn chain<F: Real>(layers: &[Layer<F>]) -> Result<(), Rejection> {
    for (index, pair) in layers.windows(2).enumerate() {
        let (due, inputs) = (pair[0].outputs, pair[1].inputs);
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

fn threshold<F: Real>(path: &str, layer: &Layer<F>) -> Result<(), Rejection> {
    let threshold = layer.neuron.threshold;
    if is_threshold(threshold) {
        return Ok(());
    }
    unlike(
        Rule::NetworkThreshold,
        &format!("{path}/neuron/threshold"),
        "a finite number above 0",
        threshold,
    )
}

fn decay<F: Real>(path: &str, layer: &Layer<F>) -> Result<(), Rejection> {
    match layer.neuron.decay {
        Some(decay) if !is_decay(decay) => unlike(
            Rule::NetworkDecay,
            &format!("{path}/neuron/decay"),
            "a number within 0 and 1",
            decay,
        ),
        _ => Ok(()),
    }
}

fn initial_potential<F: Real>(path: &str, layer: &Layer<F>) -> Result<(), Rejection> {
    let potential = layer.neuron.initial_potential;
    if potential.is_finite() {
        return Ok(());
    }
    let path = format!("{path}/neuron/initial_potential");
    unlike(Rule::NetworkInitialPotential, &path, "a finite number", potential)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_wide_and_towards_the_end_narrower() {
        let tiles = |stride: usize, most: usize| {
            let mut tiles: Vec<_> = (0..stride).map(|output| tile_of(output, stride, most)).collect();
            tiles.dedup();
            tiles
        };
        assert_eq!(tiles(48, 1), [(0, 1), (16, 1), (32, 1)]);
        assert_eq!(tiles(48, 2), [(0, 2), (32, 1)]);
        assert_eq!(tiles(64, 4), [(0, 4)]);
        assert_eq!(tiles(16 * 7, 4), [(0, 4), (64, 2), (96, 1)]);
        assert_eq!(tiles(16 * 5, 4), [(0, 4), (64, 1)]);
        assert_eq!(tiles(16 * 6, 4), [(0, 4), (64, 2)]);
    }

    #[test]
    fn a_weight_is_found_whatever_the_tiles() {
        let neuron = Neuron {
            threshold: 1.0,
            reset: Reset::Subtract,
            initial_potential: 0.0,
            decay: None,
        };
        let weight = |output: usize, input: usize| (output * 3 + input) as f64;
        let layer = Layer::pack(100, Some(3), weight, None, neuron);
        let binary32 = layer.rounded::<f32>();
        for (output, input) in (0..100).flat_map(|output| (0..3).map(move |input| (output, input))) {
            assert_eq!(layer.weight(output, input), weight(output, input));
            assert_eq!(f64::from(binary32.weight(output, input)), weight(output, input));
        }
    }
}
