//! Takes a few samples through a few steps, layer by layer: legal, since a layer depends only on the layers before it.
//!
//! Within a layer, tiles of outputs are outermost, so that a tile's weights stay in the near caches while all samples
//! and steps pass by.
#![forbid(unsafe_code)]

use std::ops::Range;

use crate::events::Events;
use crate::kernel::{add_up, Surroundings, Tile};
use crate::network::{Lanes, Layer, Network, Readout, LANES, WIDEST};
use crate::real::Real;
use crate::simd::Work;
use crate::simulate::{Ended, Input, Moment, NonFinite, Record, Run};

/// Steps of all samples that pass at a time. Many, since the weights of a tile come from afar for each block anew, and at
/// random places; events too many for the near caches come in order, and are fetched ahead.
const ROWS: usize = 4096;

/// Samples with as many steps each.
pub(crate) struct Batch<'a, F> {
    pub(crate) network: &'a Network<F>,
    pub(crate) inputs: &'a [Input<'a, F>],
    pub(crate) steps: u32,
    pub(crate) record: Record,
    /// Whether to go on: asked before each tile, since a block of a large layer takes seconds.
    pub(crate) go_on: &'a dyn Fn() -> bool,
}

impl<F: Real> Work for Batch<'_, F> {
    type Output = Result<Vec<Run<F>>, Ended>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let steps = self.steps as usize;
        let mut runs = Vec::with_capacity(self.inputs.len());
        let mut group = Group::new(self.network, self.record, self.go_on);
        for inputs in self.inputs.chunks((ROWS / steps).max(1)) {
            group.begin(inputs);
            for start in (0..steps).step_by(ROWS) {
                group.pass(steps, start..steps.min(start + ROWS))?;
            }
            group.finish(&mut runs);
        }
        Ok(runs)
    }
}

/// A few samples on their way; arrays hold sample after sample.
struct Group<'a, F> {
    network: &'a Network<F>,
    inputs: &'a [Input<'a, F>],
    record: Record,
    go_on: &'a dyn Fn() -> bool,
    /// The sums of the first layer, without bias, where a sample's are the same at every step, padded.
    constant: Vec<F>,
    /// The potentials of each layer, padded.
    potentials: Vec<Vec<F>>,
    runs: Vec<Run<F>>,
    /// The currents of the tile at hand.
    currents: Vec<F>,
    /// The spikes that the layer at hand receives in this block.
    events: Events,
    /// The spikes that it sends.
    sent: Events,
    /// For each of its rows a bit per neuron, in bytes.
    fired: Vec<u8>,
    /// The potentials of its rows before and after the reset, where they are recorded.
    before: Vec<F>,
    after: Vec<F>,
}

/// A tile and the steps before it.
#[derive(Clone, Copy)]
struct Tiled {
    /// The layer.
    index: usize,
    /// The first output.
    start: usize,
    /// The number of outputs, padded.
    width: usize,
    steps: usize,
}

/// The first sample and step of a layer with something that is not finite.
type Place = Option<(usize, usize)>;

impl<'a, F: Real> Group<'a, F> {
    fn new(network: &'a Network<F>, record: Record, go_on: &'a dyn Fn() -> bool) -> Self {
        let layers = network.layers();
        Group {
            network,
            inputs: &[],
            record,
            go_on,
            constant: Vec::new(),
            potentials: vec![Vec::new(); layers.len()],
            currents: vec![F::ZERO; layers.iter().map(Layer::stride).max().unwrap_or(0)],
            runs: Vec::new(),
            events: Events::default(),
            sent: Events::default(),
            fired: Vec::new(),
            before: Vec::new(),
            after: Vec::new(),
        }
    }

    /// Begins with other samples; memory that is there is used again, since new memory costs time.
    #[inline(always)]
    fn begin(&mut self, inputs: &'a [Input<'a, F>]) {
        self.inputs = inputs;
        let layers = self.network.layers();
        for (layer, potentials) in layers.iter().zip(&mut self.potentials) {
            potentials.clear();
            for _ in inputs {
                potentials.resize(potentials.len() + layer.outputs(), layer.neuron().initial_potential);
                // A lane that stands for no neuron begins at 0, gets no current and never fires.
                potentials.resize(potentials.len().next_multiple_of(layer.stride().max(1)), F::ZERO);
            }
        }
        let run = Run {
            counts: layers.iter().map(|layer| vec![0; layer.outputs()]).collect(),
            potential: Vec::new(),
            spikes: vec![Vec::new(); layers.len()],
            trace: vec![Vec::new(); layers.len()],
        };
        self.runs.resize(inputs.len(), run);
        self.constant.clear();
        self.constant.resize(layers[0].stride() * inputs.len(), F::ZERO);
        self.find_constant_sums();
    }

    /// The sums of the first layer where they are the same at every step.
    #[inline(always)]
    fn find_constant_sums(&mut self) {
        let layer = &self.network.layers()[0];
        let events = |input: &Input<'_, F>| match input {
            Input::Constant(values) => {
                let events = values.iter().copied().enumerate();
                events.filter(|event| event.1 != F::ZERO).collect()
            }
            _ => Vec::new(),
        };
        let events: Vec<Vec<(usize, F)>> = self.inputs.iter().map(events).collect();
        for (start, lanes) in layer.tiles() {
            for (sample, events) in events.iter().enumerate() {
                let sums = &mut self.constant[sample * layer.stride() + start..][..lanes * LANES];
                match lanes {
                    WIDEST => add_up(layer.tile::<WIDEST>(start), events, sums),
                    2 => add_up(layer.tile::<2>(start), events, sums),
                    _ => add_up(layer.tile::<1>(start), events, sums),
                }
            }
        }
    }

    /// Takes all layers through the steps of a block.
    #[inline(always)]
    fn pass(&mut self, all_steps: usize, steps: Range<usize>) -> Result<(), Ended> {
        self.present(all_steps, steps.clone());
        let mut first = None;
        for layer in 0..self.network.layers().len() {
            // Later layers go on after a fault, as they may have one at an earlier step. What is wrong about them from
            // the fault on comes after it in the order sample, step, layer.
            if let Some((sample, step)) = self.pass_layer(layer, steps.len())? {
                let fault = (sample, step, layer);
                first = Some(first.map_or(fault, |first: (usize, usize, usize)| first.min(fault)));
            }
            self.collect(layer, steps.len());
        }
        match first {
            None => Ok(()),
            Some((_, step, layer)) => Err(Ended::NonFinite(NonFinite {
                step: (steps.start + step) as u32,
                layer,
            })),
        }
    }

    /// Takes the inputs' spikes in a block of steps, of `all_steps`.
    #[inline(always)]
    fn present(&mut self, all_steps: usize, steps: Range<usize>) {
        let Group { events, inputs, .. } = self;
        events.clear();
        for input in inputs.iter() {
            if let Input::Poisson(trains) = input {
                trains.draw(steps.clone(), events);
                continue;
            }
            for step in steps.clone() {
                match input {
                    Input::Constant(_) | Input::Poisson(_) => {}
                    Input::Spikes(steps) => events.extend(steps[step].iter().copied()),
                    Input::Raster(bytes) => {
                        let width = bytes.len() / all_steps;
                        let row = bytes[step * width..][..width].iter().enumerate();
                        events.extend(row.filter(|(_, &byte)| byte != 0).map(|(index, _)| index));
                    }
                }
                events.end_row();
            }
        }
    }

    /// Takes one layer through a block of steps.
    #[inline(always)]
    fn pass_layer(&mut self, index: usize, steps: usize) -> Result<Place, Ended> {
        let layer = &self.network.layers()[index];
        let rows = self.inputs.len() * steps;
        self.fired.clear();
        self.fired.resize(rows * layer.stride() / 8, 0);
        if self.record.trace {
            self.before.resize(rows * layer.stride(), F::ZERO);
            self.after.resize(rows * layer.stride(), F::ZERO);
        }
        let mut first: Place = None;
        for (start, lanes) in layer.tiles() {
            if !(self.go_on)() {
                return Err(Ended::Interrupted);
            }
            let place = Tiled {
                index,
                start,
                width: lanes * LANES,
                steps,
            };
            let fault = match lanes {
                WIDEST => self.pass_tile::<WIDEST>(place),
                2 => self.pass_tile::<2>(place),
                _ => self.pass_tile::<1>(place),
            };
            first = first.into_iter().chain(fault).min();
        }
        Ok(first)
    }

    /// Takes a tile that is `N` lanes wide through a block of steps.
    #[inline(always)]
    fn pass_tile<const N: usize>(&mut self, at: Tiled) -> Place {
        let layer = &self.network.layers()[at.index];
        let stride = layer.stride();
        let tile = Tile {
            bias: layer.padded_bias().map(|bias| &bias[at.start..][..at.width]),
            neuron: layer.neuron(),
            fires: self.fires(at.index),
        };
        let currents = &mut self.currents[..at.width];
        for (sample, input) in self.inputs.iter().enumerate() {
            let lanes = sample * stride + at.start..sample * stride + at.start + at.width;
            let constant = at.index == 0 && matches!(input, Input::Constant(_));
            let mut passage = Passage {
                weights: layer.tile::<N>(at.start),
                constant: constant.then(|| &self.constant[lanes.clone()]),
                events: &self.events,
                row: sample * at.steps,
                start: at.start,
                stride,
                fired: &mut self.fired,
                trace: self.record.trace.then_some([&mut self.before, &mut self.after]),
            };
            let potentials = &mut self.potentials[at.index][lanes.clone()];
            if let Some(step) = tile.run(potentials, currents, at.steps, &mut passage) {
                return Some((sample, step));
            }
        }
        None
    }

    /// Whether a layer fires: all do but a last one that is read out by its potentials.
    fn fires(&self, index: usize) -> bool {
        self.network.readout() == Readout::Spikes || index + 1 < self.network.layers().len()
    }

    /// Lists the spikes of the layer at hand, which become the events of the next one, and records them.
    #[inline(always)]
    fn collect(&mut self, index: usize, steps: usize) {
        let layer = &self.network.layers()[index];
        let (stride, outputs) = (layer.stride(), layer.outputs());
        self.sent.clear();
        for (sample, run) in self.runs.iter_mut().enumerate() {
            for step in 0..steps {
                let row = sample * steps + step;
                let bits = &self.fired[row * stride / 8..][..stride / 8];
                self.sent.extend_from_bytes(bits);
                self.sent.end_row();
                let spikes = self.sent.row(row).iter().map(|&spike| spike as usize);
                spikes.clone().for_each(|spike| run.counts[index][spike] += 1);
                if self.record.spikes {
                    run.spikes[index].push(spikes.collect());
                }
                if self.record.trace {
                    run.trace[index].push(Moment {
                        before: self.before[row * stride..][..outputs].to_vec(),
                        after: self.after[row * stride..][..outputs].to_vec(),
                    });
                }
            }
        }
        std::mem::swap(&mut self.events, &mut self.sent);
    }

    /// Hands over what the samples gave.
    fn finish(&mut self, runs: &mut Vec<Run<F>>) {
        for (sample, mut run) in self.runs.drain(..).enumerate() {
            for (layer, potentials) in self.network.layers().iter().zip(&self.potentials) {
                let potentials = &potentials[sample * layer.stride()..][..layer.outputs()];
                run.potential.push(potentials.to_vec());
            }
            runs.push(run);
        }
    }
}

/// A tile that is `N` lanes wide with one sample.
struct Passage<'a, F, const N: usize> {
    weights: &'a [[Lanes<F>; N]],
    /// The sums where they are the same at every step.
    constant: Option<&'a [F]>,
    events: &'a Events,
    /// The row of the first step, the tile's place in each and the length of a row.
    row: usize,
    start: usize,
    stride: usize,
    fired: &'a mut [u8],
    /// Potentials before and after the reset, where they are recorded.
    trace: Option<[&'a mut Vec<F>; 2]>,
}

impl<F, const N: usize> Passage<'_, F, N> {
    #[inline(always)]
    fn place(&self, step: usize) -> usize {
        (self.row + step) * self.stride + self.start
    }
}

impl<F: Real, const N: usize> Surroundings<F> for Passage<'_, F, N> {
    #[inline(always)]
    fn sum_up(&mut self, step: usize, sums: &mut [F]) {
        match self.constant {
            Some(constant) => sums.copy_from_slice(constant),
            None => add_up(self.weights, self.events.row(self.row + step), sums),
        }
    }

    #[inline(always)]
    fn charged(&mut self, step: usize, potentials: &[F]) {
        let place = self.place(step);
        if let Some([before, _]) = &mut self.trace {
            before[place..][..potentials.len()].copy_from_slice(potentials);
        }
    }

    #[inline(always)]
    fn reset(&mut self, step: usize, potentials: &[F], fired: u64) {
        let place = self.place(step);
        self.fired[place / 8..][..N * LANES / 8].copy_from_slice(&fired.to_le_bytes()[..N * LANES / 8]);
        if let Some([_, after]) = &mut self.trace {
            after[place..][..potentials.len()].copy_from_slice(potentials);
        }
    }
}
