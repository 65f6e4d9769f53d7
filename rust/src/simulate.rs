//! Runs networks on samples: what goes in, what comes out, what can go wrong.
#![forbid(unsafe_code)]

use std::fmt;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

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

/// Why a run did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Something became non-finite.
    NonFinite(NonFinite),
    /// It was not to go on.
    Interrupted,
}

impl Ended {
    /// What became non-finite in a run that nobody interrupts.
    fn non_finite(self) -> NonFinite {
        match self {
            Ended::NonFinite(fault) => fault,
            Ended::Interrupted => unreachable!("a run that always goes on was interrupted"),
        }
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
        go_on: &|| true,
    };
    let mut runs = simd::at(level, batch).map_err(Ended::non_finite)?;
    Ok(runs.remove(0))
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
    simulate_batch_while(network, inputs, steps, record, threads, &|| true).map_err(Ended::non_finite)
}

/// How often the thread that waits for others asks whether they are to go on.
const INTERVAL: Duration = Duration::from_millis(20);

/// As [`simulate_batch`], as long as `go_on` says so, which is asked often, and in the thread of the caller alone.
///
/// # Errors
///
/// [`Ended::Interrupted`] where it said no; else as [`simulate_batch`].
///
/// # Panics
///
/// As [`simulate`].
pub fn simulate_batch_while<F: Real>(
    network: &Network<F>,
    inputs: &[Input<'_, F>],
    steps: u32,
    record: Record,
    threads: NonZeroUsize,
    go_on: &dyn Fn() -> bool,
) -> Result<Vec<Run<F>>, Ended> {
    let size = inputs.len().div_ceil(threads.get());
    if size == inputs.len() {
        let batch = Batch {
            network,
            inputs,
            steps,
            record,
            go_on,
        };
        return simd::at(Level::widest(), batch);
    }
    let stopped = AtomicBool::new(false);
    let part = |inputs| {
        let batch = Batch {
            network,
            inputs,
            steps,
            record,
            go_on: &|| !stopped.load(Ordering::Relaxed),
        };
        simd::at(Level::widest(), batch)
    };
    let parts: Vec<_> = thread::scope(|scope| {
        // Nothing is ever sent: that all senders are gone tells that all threads have ended.
        let (busy, all_ended) = mpsc::channel::<()>();
        let run = |inputs| {
            let busy = busy.clone();
            scope.spawn(move || {
                let _busy = busy;
                part(inputs)
            })
        };
        let threads: Vec<_> = inputs.chunks(size).map(run).collect();
        drop(busy);
        while all_ended.recv_timeout(INTERVAL) == Err(mpsc::RecvTimeoutError::Timeout) {
            if !stopped.load(Ordering::Relaxed) && !go_on() {
                stopped.store(true, Ordering::Relaxed);
            }
        }
        let join = |thread: thread::ScopedJoinHandle<'_, _>| thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        threads.into_iter().map(join).collect()
    });
    if stopped.into_inner() {
        return Err(Ended::Interrupted);
    }
    let parts = parts.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(parts.into_iter().flatten().collect())
}
