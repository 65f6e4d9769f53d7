//! Takes a few samples through a few steps, layer by layer: legal, since a layer depends only on the layers before it.
//!
//! Within a dense layer, tiles of outputs are outermost, so that a tile's weights stay in the near caches while all
//! samples and steps pass by. Other layers, whose weights are few, take one step after the other.
#![forbid(unsafe_code)]

use std::ops::Range;

use crate::conv2d::{Scratch, Windows};
use crate::dense::{Dense, Lanes, LANES, WIDEST};
use crate::events::Events;
use crate::kernel::{add_up, Event, Surroundings, Tile};
use crate::network::{Kind, Layer, Linear, Network, Readout, Source};
use crate::real::Real;
use crate::signal::{Form, Signal};
use crate::simd::Work;
use crate::simulate::{Ended, Input, Moment, NonFinite, Record, Run};

/// Steps of all samples that pass at a time. Many, since the weights of a tile come from afar for each block anew, and at
/// random places; events too many for the near caches come in order, and are fetched ahead.
const ROWS: usize = 4096;

/// How many numbers the layers of a network that are not dense may give in such a block.
const NUMBERS: usize = 1 << 24;

/// Neurons whose spikes fit in a word.
const WORD: usize = 64;

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
        let rows = rows(self.network);
        let mut runs = Vec::with_capacity(self.inputs.len());
        let mut group = Group::new(self.network, self.record, self.go_on);
        let is_constant = |input: &Input<'_, F>| matches!(input, Input::Constant(_));
        let alike = self.inputs.chunk_by(|one, next| is_constant(one) == is_constant(next));
        for inputs in alike.flat_map(|inputs| inputs.chunks((rows / steps).max(1))) {
            group.begin(inputs);
            for start in (0..steps).step_by(rows) {
                group.pass(steps, start..steps.min(start + rows))?;
            }
            group.finish(&mut runs);
        }
        Ok(runs)
    }
}

/// How many steps of all samples pass at a time.
fn rows<F: Real>(network: &Network<F>) -> usize {
    let others = network.layers().iter().filter(|layer| layer.dense().is_none());
    let numbers: usize = others.map(Layer::outputs).sum();
    (NUMBERS / numbers.max(1)).clamp(1, ROWS)
}

/// A few samples on their way; arrays hold sample after sample.
struct Group<'a, F> {
    network: &'a Network<F>,
    inputs: &'a [Input<'a, F>],
    record: Record,
    go_on: &'a dyn Fn() -> bool,
    /// What the input and each layer gives in this block. A flattening gives nothing: its source does.
    signals: Vec<Signal<F>>,
    /// For each layer and branch the currents, without bias, where they are the same at every step, padded.
    constant: Vec<Vec<Vec<F>>>,
    /// The potentials of each layer, padded.
    potentials: Vec<Vec<F>>,
    runs: Vec<Run<F>>,
    /// The currents of the tile or layer at hand.
    currents: Vec<F>,
    /// For each row of the layer at hand a bit per neuron, in bytes.
    fired: Vec<u8>,
    /// The potentials of its rows before and after the reset, where they are recorded.
    before: Vec<F>,
    after: Vec<F>,
    memory: Memory<'a, F>,
}

/// Memory for the currents of a branch.
struct Memory<'a, F> {
    /// The currents of a branch that are added to others.
    branch: Vec<F>,
    /// The events under each window of a convolution.
    spikes: Windows<u32>,
    values: Windows<(u32, F)>,
    scratch: Scratch<F>,
    go_on: &'a dyn Fn() -> bool,
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
            signals: vec![Signal::default(); layers.len() + 1],
            constant: layers
                .iter()
                .map(|layer| vec![Vec::new(); layer.branches().len()])
                .collect(),
            potentials: vec![Vec::new(); layers.len()],
            currents: vec![F::ZERO; layers.iter().map(Layer::stride).max().unwrap_or(0)],
            runs: Vec::new(),
            fired: Vec::new(),
            before: Vec::new(),
            after: Vec::new(),
            memory: Memory {
                branch: Vec::new(),
                spikes: Windows::default(),
                values: Windows::default(),
                scratch: Scratch::default(),
                go_on,
            },
        }
    }

    /// Begins with other samples; memory that is there is used again, since new memory costs time.
    #[inline(always)]
    fn begin(&mut self, inputs: &'a [Input<'a, F>]) {
        self.inputs = inputs;
        let layers = self.network.layers();
        for (layer, potentials) in layers.iter().zip(&mut self.potentials) {
            potentials.clear();
            let Some(neuron) = layer.neuron() else { continue };
            for _ in inputs {
                potentials.resize(potentials.len() + layer.outputs(), neuron.initial_potential);
                // A lane that stands for no neuron begins at 0, gets no current and never fires.
                potentials.resize(potentials.len().next_multiple_of(layer.stride().max(1)), F::ZERO);
            }
        }
        let run = Run {
            counts: layers.iter().map(|layer| vec![0; layer.neurons()]).collect(),
            potential: Vec::new(),
            spikes: vec![Vec::new(); layers.len()],
            trace: vec![Vec::new(); layers.len()],
        };
        self.runs.resize(inputs.len(), run);
        self.constant.iter_mut().flatten().for_each(Vec::clear);
        let is_constant = matches!(inputs[0], Input::Constant(_));
        self.signals[0].begin(if is_constant { Form::Constant } else { Form::Spikes });
        for (sample, input) in inputs.iter().enumerate() {
            if let Input::Constant(values) = input {
                debug_assert!(is_constant, "sample {sample}");
                self.signals[0].push_values(values);
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
            if let Some((sample, step)) = self.pass_layer(layer, &steps)? {
                let fault = (sample, step, layer);
                first = Some(first.map_or(fault, |first: (usize, usize, usize)| first.min(fault)));
            }
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
        if self.signals[0].form == Form::Constant {
            return;
        }
        let events = &mut self.signals[0].spikes;
        events.clear();
        for input in self.inputs {
            if let Input::Poisson(trains) = input {
                trains.draw(steps.clone(), events);
                continue;
            }
            for step in steps.clone() {
                match input {
                    Input::Constant(_) | Input::Poisson(_) => {}
                    Input::Spikes(steps) => events.extend(steps[step].iter().map(|&index| index as u32)),
                    Input::Raster(bytes) => {
                        let width = bytes.len() / all_steps;
                        let row = bytes[step * width..][..width].iter().enumerate();
                        events.extend(row.filter(|(_, &byte)| byte != 0).map(|(index, _)| index as u32));
                    }
                }
                events.end_row();
            }
        }
    }

    /// Takes one layer through a block of steps.
    #[inline(always)]
    fn pass_layer(&mut self, index: usize, steps: &Range<usize>) -> Result<Place, Ended> {
        let layer = &self.network.layers()[index];
        match layer.kind() {
            Kind::Flatten(_) => return Ok(None),
            Kind::AvgPool2d(source, _) => return self.pool(index, *source, steps),
            Kind::Single(_) | Kind::Sum(_) => {}
        }
        if let Some(dense) = layer.dense().filter(|_| steps.start == 0) {
            self.find_constant_sums(index, dense);
        }
        let steps = steps.len();
        let rows = self.inputs.len() * steps;
        self.fired.clear();
        self.fired.resize(rows * layer.stride() / 8, 0);
        if self.record.trace {
            self.before.resize(rows * layer.stride(), F::ZERO);
            self.after.resize(rows * layer.stride(), F::ZERO);
        }
        let fault = match layer.dense() {
            Some(dense) => self.pass_tiles(index, dense, steps)?,
            None => self.pass_rows(index, steps)?,
        };
        self.collect(index, steps);
        Ok(fault)
    }

    /// The currents of a dense layer where its source gives the same at every step.
    #[inline(always)]
    fn find_constant_sums(&mut self, index: usize, dense: &Dense<F>) {
        let layer = &self.network.layers()[index];
        let signal = &self.signals[signal(self.network, layer.branches()[0].source, index)];
        if signal.form != Form::Constant {
            return;
        }
        let constant = &mut self.constant[index][0];
        constant.resize(dense.stride() * self.inputs.len(), F::ZERO);
        for (start, lanes) in dense.tiles() {
            for sample in 0..self.inputs.len() {
                let sums = &mut constant[sample * dense.stride() + start..][..lanes * LANES];
                dense.add_up_tile((start, lanes), signal.values.row(sample), sums);
            }
        }
    }

    /// Takes a dense layer through a block of steps.
    #[inline(always)]
    fn pass_tiles(&mut self, index: usize, dense: &Dense<F>, steps: usize) -> Result<Place, Ended> {
        let mut first: Place = None;
        for (start, lanes) in dense.tiles() {
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
                WIDEST => self.pass_tile::<WIDEST>(dense, place),
                2 => self.pass_tile::<2>(dense, place),
                _ => self.pass_tile::<1>(dense, place),
            };
            first = first.into_iter().chain(fault).min();
        }
        Ok(first)
    }

    /// Takes a tile that is `N` lanes wide through a block of steps.
    #[inline(always)]
    fn pass_tile<const N: usize>(&mut self, dense: &Dense<F>, at: Tiled) -> Place {
        let layer = &self.network.layers()[at.index];
        let stride = layer.stride();
        let tile = self.tile(at.index, at.start..at.start + at.width)?;
        let signal = &self.signals[signal(self.network, layer.branches()[0].source, at.index)];
        let currents = &mut self.currents[..at.width];
        for sample in 0..self.inputs.len() {
            let lanes = sample * stride + at.start..sample * stride + at.start + at.width;
            let mut passage = Passage {
                sums: TileSums {
                    weights: dense.tile::<N>(at.start),
                    row: sample * at.steps,
                    given: match signal.form {
                        Form::Constant => Given::Sums(&self.constant[at.index][0][lanes.clone()]),
                        Form::Spikes => Given::Spikes(&signal.spikes),
                        Form::Values => Given::Values(&signal.values),
                    },
                },
                row: sample * at.steps,
                start: at.start,
                stride,
                fired: &mut self.fired,
                trace: self.record.trace.then_some([&mut self.before, &mut self.after]),
            };
            let potentials = &mut self.potentials[at.index][lanes];
            if let Some(step) = tile.run(potentials, currents, at.steps, &mut passage) {
                return Some((sample, step));
            }
        }
        None
    }

    /// The neurons of a range of lanes; none where the layer has none.
    #[inline(always)]
    fn tile(&self, index: usize, lanes: Range<usize>) -> Option<Tile<'a, F>> {
        let layer = &self.network.layers()[index];
        Some(Tile {
            bias: layer.padded_bias().map(|bias| &bias[lanes]),
            neuron: layer.neuron()?,
            fires: self.fires(index),
        })
    }

    /// Whether a layer fires: all do but a last one that is read out by its potentials.
    fn fires(&self, index: usize) -> bool {
        self.network.readout() == Readout::Spikes || index + 1 < self.network.layers().len()
    }

    /// Takes a convolution or a sum through a block of steps.
    #[inline(always)]
    fn pass_rows(&mut self, index: usize, steps: usize) -> Result<Place, Ended> {
        let stride = self.network.layers()[index].stride();
        for (sample, step) in (0..self.inputs.len()).flat_map(|sample| (0..steps).map(move |step| (sample, step))) {
            let row = sample * steps + step;
            if !self.find_currents(index, sample, row) {
                return Err(Ended::Interrupted);
            }
            let mut finite = true;
            for start in (0..stride).step_by(WORD) {
                let lanes = start..stride.min(start + WORD);
                let Some(tile) = self.tile(index, lanes.clone()) else {
                    continue;
                };
                let mut passage = Passage {
                    sums: Ready,
                    row,
                    start,
                    stride,
                    fired: &mut self.fired,
                    trace: self.record.trace.then_some([&mut self.before, &mut self.after]),
                };
                let potentials = &mut self.potentials[index][sample * stride..][lanes.clone()];
                finite &= tile
                    .run(potentials, &mut self.currents[lanes], 1, &mut passage)
                    .is_none();
            }
            if !finite {
                return Ok(Some((sample, step)));
            }
        }
        Ok(None)
    }

    /// The currents of a layer at a row, without bias: those of its branches, one after the other. False where it was not
    /// to go on.
    #[inline(always)]
    fn find_currents(&mut self, index: usize, sample: usize, row: usize) -> bool {
        let layer = &self.network.layers()[index];
        let stride = layer.stride();
        let currents = &mut self.currents[..stride];
        currents[layer.outputs()..].fill(F::ZERO);
        for (place, branch) in layer.branches().iter().enumerate() {
            let signal = &self.signals[signal(self.network, branch.source, index)];
            let Memory {
                branch: others,
                spikes,
                values,
                scratch,
                go_on,
            } = &mut self.memory;
            // +0.0 and the first current is that current, as no sum of products that begins with +0.0 is -0.0.
            let sums = if place == 0 {
                &mut *currents
            } else {
                others.resize(stride.max(others.len()), F::ZERO);
                &mut others[..stride]
            };
            let is_constant = signal.form == Form::Constant;
            let constant = &mut self.constant[index][place];
            if is_constant && constant.len() > sample * stride {
                sums.copy_from_slice(&constant[sample * stride..][..stride]);
            } else {
                let linear = &branch.linear;
                let went_on = match signal.form {
                    Form::Spikes => find_sums(linear, signal.spikes.row(row), spikes, scratch, sums, *go_on),
                    Form::Constant | Form::Values => {
                        let row = if is_constant { sample } else { row };
                        find_sums(linear, signal.values.row(row), values, scratch, sums, *go_on)
                    }
                };
                if !went_on {
                    return false;
                }
                if is_constant {
                    constant.extend_from_slice(sums);
                }
            }
            if place > 0 {
                for (current, &sum) in currents.iter_mut().zip(&others[..layer.outputs()]) {
                    *current = *current + sum;
                }
            }
        }
        true
    }

    /// Takes a pool through a block of steps, or through one step where its source gives the same at every step.
    #[inline(always)]
    fn pool(&mut self, index: usize, source: Source, steps: &Range<usize>) -> Result<Place, Ended> {
        let Kind::AvgPool2d(_, pool) = self.network.layers()[index].kind() else {
            return Ok(None);
        };
        let source = signal(self.network, source, index);
        let form = self.signals[source].form;
        let mut given = std::mem::take(&mut self.signals[index + 1]);
        let steps = if form == Form::Constant {
            usize::from(steps.start == 0)
        } else {
            steps.len()
        };
        if steps > 0 {
            given.begin(if form == Form::Constant {
                Form::Constant
            } else {
                Form::Values
            });
        }
        let mut first = None;
        for row in 0..self.inputs.len() * steps {
            let (starts, means) = (&mut self.memory.scratch.starts, &mut self.memory.branch);
            let signal = &self.signals[source];
            let went_on = match form {
                Form::Spikes => pool.mean(signal.spikes.row(row), starts, means, self.go_on),
                Form::Constant | Form::Values => pool.mean(signal.values.row(row), starts, means, self.go_on),
            };
            if !went_on {
                return Err(Ended::Interrupted);
            }
            if first.is_none() && !means.iter().all(|mean| mean.is_finite()) {
                first = Some((row / steps, row % steps));
            }
            given.push_values(means);
        }
        self.signals[index + 1] = given;
        Ok(first)
    }

    /// Lists the spikes of the layer at hand, which become the events of others, and records them.
    #[inline(always)]
    fn collect(&mut self, index: usize, steps: usize) {
        let layer = &self.network.layers()[index];
        let (stride, outputs) = (layer.stride(), layer.outputs());
        let sent = &mut self.signals[index + 1].spikes;
        sent.clear();
        for (sample, run) in self.runs.iter_mut().enumerate() {
            for step in 0..steps {
                let row = sample * steps + step;
                let bits = &self.fired[row * stride / 8..][..stride / 8];
                sent.extend_from_bytes(bits);
                sent.end_row();
                let spikes = sent.row(row).iter().map(|&spike| spike as usize);
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
    }

    /// Hands over what the samples gave.
    fn finish(&mut self, runs: &mut Vec<Run<F>>) {
        for (sample, mut run) in self.runs.drain(..).enumerate() {
            for (layer, potentials) in self.network.layers().iter().zip(&self.potentials) {
                let potentials = &potentials[sample * layer.stride()..][..layer.neurons()];
                run.potential.push(potentials.to_vec());
            }
            runs.push(run);
        }
    }
}

/// Which of the signals layer `index` takes from a source: the input's, which is the first, or that of a layer. A flattening
/// has none of its own.
fn signal<F: Real>(network: &Network<F>, source: Source, index: usize) -> usize {
    match source.layer(index) {
        None => 0,
        Some(layer) => match network.layers()[layer].kind() {
            Kind::Flatten(source) => signal(network, *source, layer),
            _ => layer + 1,
        },
    }
}

/// The currents of a branch that events cause; false where it was not to go on.
#[inline(always)]
fn find_sums<F: Real, E: Event<F>>(
    linear: &Linear<F>,
    events: &[E],
    windows: &mut Windows<E>,
    scratch: &mut Scratch<F>,
    sums: &mut [F],
    go_on: &dyn Fn() -> bool,
) -> bool {
    match linear {
        Linear::Conv2d(conv) => return conv.add_up(events, windows, scratch, sums, go_on),
        Linear::Dense(dense) => dense.add_up(events, sums),
        Linear::Identity(weight) => {
            sums.fill(F::ZERO);
            for event in events {
                let sum = &mut sums[event.input()];
                *sum = *sum + event.product(*weight); // +0.0 and the product
            }
        }
    }
    go_on()
}

/// What surrounds the steps of neighbouring neurons with one sample.
struct Passage<'a, F, S> {
    sums: S,
    /// The row of the first step, the neurons' place in each and the length of a row.
    row: usize,
    start: usize,
    stride: usize,
    fired: &'a mut [u8],
    /// Potentials before and after the reset, where they are recorded.
    trace: Option<[&'a mut Vec<F>; 2]>,
}

/// Where the currents of a step come from, without bias.
trait Sums<F> {
    fn sum_up(&mut self, step: usize, sums: &mut [F]);
}

/// They are there.
struct Ready;

impl<F> Sums<F> for Ready {
    #[inline(always)]
    fn sum_up(&mut self, _: usize, _: &mut [F]) {}
}

/// They are those of a tile that is `N` lanes wide.
struct TileSums<'a, F, const N: usize> {
    weights: &'a [[Lanes<F>; N]],
    /// The row of the first step.
    row: usize,
    given: Given<'a, F>,
}

/// What a dense layer is given.
#[derive(Clone, Copy)]
enum Given<'a, F> {
    /// Its sums, the same at every step.
    Sums(&'a [F]),
    Spikes(&'a Events),
    Values(&'a Events<(u32, F)>),
}

impl<F: Real, const N: usize> Sums<F> for TileSums<'_, F, N> {
    #[inline(always)]
    fn sum_up(&mut self, step: usize, sums: &mut [F]) {
        match self.given {
            Given::Sums(constant) => sums.copy_from_slice(constant),
            Given::Spikes(events) => add_up(self.weights, events.row(self.row + step), sums),
            Given::Values(events) => add_up(self.weights, events.row(self.row + step), sums),
        }
    }
}

impl<F, S> Passage<'_, F, S> {
    #[inline(always)]
    fn place(&self, step: usize) -> usize {
        (self.row + step) * self.stride + self.start
    }
}

impl<F: Real, S: Sums<F>> Surroundings<F> for Passage<'_, F, S> {
    #[inline(always)]
    fn sum_up(&mut self, step: usize, sums: &mut [F]) {
        self.sums.sum_up(step, sums);
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
        let fired = fired.to_le_bytes();
        let bytes = &mut self.fired[place / 8..];
        // Of fixed lengths, since copies of other ones are calls.
        match potentials.len() / LANES {
            WIDEST => bytes[..8].copy_from_slice(&fired),
            3 => bytes[..6].copy_from_slice(&fired[..6]),
            2 => bytes[..4].copy_from_slice(&fired[..4]),
            _ => bytes[..2].copy_from_slice(&fired[..2]),
        }
        if let Some([_, after]) = &mut self.trace {
            after[place..][..potentials.len()].copy_from_slice(potentials);
        }
    }
}
