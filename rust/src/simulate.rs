//! Runs networks on samples: what goes in, what comes out, what can go wrong.
#![forbid(unsafe_code)]

use std::fmt;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::thread;

use crate::block::Batch;
use crate::network::{layer_path, Network};
use crate::philox::SpikeTrains;
use crate::real::Real;
use crate::rule::{Rejection, Rule};
use crate::simd::{self, Level};

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
    let inputs = [input];
    let batch = Batch {
        network,
        inputs: &inputs,
        steps,
        record,
    };
    Ok(simd::at(level, batch)?.remove(0))
}

/// Runs a batch of samples, divided among `threads` threads; what a sample gives is what it gives alone.
///
/// # Errors
///
/// The first current or potential, by sample, step and layer, that is not finite.
///
/// # Panics
///
/// As [`simulate`].
pub fn simulate_batch<F: Real>(
    network: &Network<F>,
    inputs: &[Input<'_, F>],
    steps: u32,
    record: Record,
    threads: NonZeroUsize,
) -> Result<Vec<Run<F>>, NonFinite> {
    let batch = |inputs| Batch {
        network,
        inputs,
        steps,
        record,
    };
    let size = inputs.len().div_ceil(threads.get());
    if size == inputs.len() {
        return simd::at(Level::widest(), batch(inputs));
    }
    let parts: Vec<_> = thread::scope(|scope| {
        let run = |inputs| scope.spawn(move || simd::at(Level::widest(), batch(inputs)));
        let threads: Vec<_> = inputs.chunks(size).map(run).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        threads.into_iter().map(join).collect()
    });
    let parts = parts.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(parts.into_iter().flatten().collect())
}
