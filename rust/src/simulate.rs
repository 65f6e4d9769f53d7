//! Runs networks on samples, step by step and layer by layer within the step.
#![forbid(unsafe_code)]

use std::fmt;

use crate::kernel::{charge, currents, fire};
use crate::network::{layer_path, Layer, Network, Readout};
use crate::philox::SpikeTrains;
use crate::real::Real;
use crate::rule::{Rejection, Rule};
use crate::simd::{self, Level, Work};

/// The largest number of steps (`limits.steps`).
pub const MAX_STEPS: u32 = 1 << 20;

/// The input of one sample.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a, F> {
    /// One value per input, presented at every step.
    Constant(&'a [F]),
    /// For each step the strictly ascending indices of the inputs that spike.
    Spikes(&'a [Vec<usize>]),
    /// For each step one byte per input, which spikes where the byte is not 0.
    Raster(&'a [u8]),
    /// Spike trains drawn from rates.
    Poisson(SpikeTrains<'a>),
}

/// What a run keeps beside counts and final potentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The spikes of every layer and step.
    pub spikes: bool,
    /// The potentials of every layer and step.
    pub trace: bool,
}

/// What one sample gave; the first index is always the layer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run<F> {
    /// The number of spikes of each neuron.
    pub counts: Vec<Vec<u32>>,
    /// The potential of each neuron after the last step.
    pub potential: Vec<Vec<F>>,
    /// For each step the ascending indices of the neurons that fired; without steps if not recorded.
    pub spikes: Vec<Vec<Vec<usize>>>,
    /// The potentials at each step; without steps if not recorded.
    pub trace: Vec<Vec<Moment<F>>>,
}

/// The potentials of a layer at a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment<F> {
    /// Before the reset.
    pub before: Vec<F>,
    /// After the reset.
    pub after: Vec<F>,
}

/// `simulate.non-finite`: a current or a potential became NaN or infinite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NonFinite {
    /// The step.
    pub step: u32,
    /// The layer.
    pub layer: usize,
}

impl fmt::Display for NonFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a current or potential of layer {} became non-finite at step {}",
            self.layer, self.step
        )
    }
}

impl std::error::Error for NonFinite {}

impl From<NonFinite> for Rejection {
    fn from(fault: NonFinite) -> Self {
        Rejection::new(Rule::SimulateNonFinite, layer_path(fault.layer), fault)
    }
}

/// Runs one sample for `steps` steps.
///
/// ```
/// use spikeparity::network::Network;
/// use spikeparity::simulate::{simulate, Input, Record};
///
/// let network = br#"{"layers":[{"weights":[[0.5,0.25]],"bias":[0.1],"neuron":{"model":"if","threshold":1.0}}]}"#;
/// let network = Network::parse(network)?;
/// let run = simulate(&network, Input::Constant(&[1.0, 1.0]), 3, Record { spikes: true, trace: false })?;
/// assert_eq!(run.counts, [[2]]);
/// assert_eq!(run.spikes, [[vec![], vec![0], vec![0]]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The input has as many entries as the network has inputs, one per step where it is given step by step, and its
/// indices are in range.
///
/// # Errors
///
/// The first current or potential, by step and layer, that is not finite.
///
/// # Panics
///
/// Where the input is not of the due shape.
pub fn simulate<F: Real>(
    network: &Network<F>,
    input: Input<'_, F>,
    steps: u32,
    record: Record,
) -> Result<Run<F>, NonFinite> {
    simulate_at(Level::widest(), network, input, steps, record)
}

/// As [`simulate`], with the vector instructions of `level`, or the portable ones where the machine lacks them.
///
/// # Errors
///
/// As [`simulate`].
///
/// # Panics
///
/// As [`simulate`].
pub fn simulate_at<F: Real>(
    level: Level,
    network: &Network<F>,
    input: Input<'_, F>,
    steps: u32,
    record: Record,
) -> Result<Run<F>, NonFinite> {
    simd::at(
        level,
        Sample {
            network,
            input,
            steps,
            record,
        },
    )
}

/// One sample, as work for [`simd`].
struct Sample<'a, F> {
    network: &'a Network<F>,
    input: Input<'a, F>,
    steps: u32,
    record: Record,
}

/// What changes from step to step.
struct State<F> {
    run: Run<F>,
    /// The currents of the layer at hand.
    sums: Vec<F>,
    /// The inputs of the layer at hand that spike.
    active: Vec<usize>,
    /// The neurons of the layer at hand that fire.
    spikes: Vec<usize>,
}

impl<F: Real> Work for Sample<'_, F> {
    type Output = Result<Run<F>, NonFinite>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let constant = self.constant_currents();
        let mut state = State::before_first_step(self.network.layers());
        for step in 0..self.steps {
            self.present(step, &mut state.active);
            for layer in 0..self.network.layers().len() {
                let constant = constant.as_deref().filter(|_| layer == 0);
                if !self.pass(layer, constant, &mut state) {
                    return Err(NonFinite { step, layer });
                }
            }
        }
        Ok(state.run)
    }
}

impl<F: Real> Sample<'_, F> {
    /// One layer at one step: its active inputs become those of the next layer. False if something is not finite.
    #[inline(always)]
    fn pass(&self, index: usize, constant: Option<&[F]>, state: &mut State<F>) -> bool {
        let layer = &self.network.layers()[index];
        let sums = &mut state.sums[..layer.stride()];
        if constant.is_none() {
            currents(layer, &state.active, sums);
        }
        let potentials = &mut state.run.potential[index];
        if !charge(layer.neuron(), potentials, constant.unwrap_or(sums)) {
            return false;
        }
        let before = self.record.trace.then(|| potentials.clone());
        state.spikes.clear();
        if self.fires(index) {
            fire(layer.neuron(), potentials, &mut state.spikes);
        }
        if let Some(before) = before {
            state.run.trace[index].push(Moment {
                before,
                after: potentials.clone(),
            });
        }
        self.count(index, state);
        std::mem::swap(&mut state.active, &mut state.spikes);
        true
    }

    /// Whether a layer fires: all do but a last one that is read out by its potentials.
    fn fires(&self, index: usize) -> bool {
        self.network.readout() == Readout::Spikes || index + 1 < self.network.layers().len()
    }

    #[inline(always)]
    fn count(&self, index: usize, state: &mut State<F>) {
        for &spike in &state.spikes {
            state.run.counts[index][spike] += 1;
        }
        if self.record.spikes {
            state.run.spikes[index].push(state.spikes.clone());
        }
    }

    /// The currents of the first layer where they are the same at every step.
    #[inline(always)]
    fn constant_currents(&self) -> Option<Vec<F>> {
        let Input::Constant(values) = self.input else {
            return None;
        };
        let layer = &self.network.layers()[0];
        let mut sums = vec![F::ZERO; layer.stride()];
        let events: Vec<(usize, F)> = values
            .iter()
            .copied()
            .enumerate()
            .filter(|event| event.1 != F::ZERO)
            .collect();
        currents(layer, &events, &mut sums);
        Some(sums)
    }

    /// Replaces `active` by the indices of the inputs that spike at `step`.
    #[inline(always)]
    fn present(&self, step: u32, active: &mut Vec<usize>) {
        active.clear();
        match self.input {
            Input::Constant(_) => {}
            Input::Spikes(steps) => active.extend_from_slice(&steps[step as usize]),
            Input::Raster(bytes) => {
                let width = bytes.len() / self.steps as usize;
                let bytes = &bytes[step as usize * width..][..width];
                active.extend(
                    bytes
                        .iter()
                        .enumerate()
                        .filter(|(_, &byte)| byte != 0)
                        .map(|(index, _)| index),
                );
            }
            Input::Poisson(trains) => trains.spikes_at(step, active),
        }
    }
}

impl<F: Real> State<F> {
    fn before_first_step(layers: &[Layer<F>]) -> Self {
        let potential = |layer: &Layer<F>| vec![layer.neuron().initial_potential; layer.outputs()];
        let run = Run {
            counts: layers.iter().map(|layer| vec![0; layer.outputs()]).collect(),
            potential: layers.iter().map(potential).collect(),
            spikes: vec![Vec::new(); layers.len()],
            trace: vec![Vec::new(); layers.len()],
        };
        let widest = layers.iter().map(Layer::stride).max().unwrap_or(0);
        State {
            run,
            sums: vec![F::ZERO; widest],
            active: Vec::new(),
            spikes: Vec::new(),
        }
    }
}
