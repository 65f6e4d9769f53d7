//! The extension module `spikeparity._rust`: the only module that knows Python.
//!
//! Arrays that come in are borrowed for the time of a call and never copied; arrays that go out are new.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use numpy::{PyArray1, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBool;

use crate::dense::Dense;
use crate::json;
use crate::network::{Layer, Network, Neuron, Readout, Reset};
use crate::npy::Array;
use crate::number::MAX_INTEGER;
use crate::philox::SpikeTrains;
use crate::real::Real;
use crate::rule::{Rejection, Rule};
use crate::simulate::{simulate_batch_while, Ended, Input, Record, Run, MAX_STEPS};

/// One thread: what a call uses unless told otherwise.
const ONE: NonZeroUsize = NonZeroUsize::MIN;

/// The Rust safety mirror of SpikeParity.
#[pymodule(name = "_rust")]
mod extension {
    #[pymodule_export]
    use super::{serve, PyLayer, PyNetwork, PyRun};
}

/// Answer requests on standard input and output until a `bye` or the end of input, with the GIL released.
///
/// Raises:
///     OSError: Reading or writing failed.
#[pyfunction]
fn serve(py: Python<'_>) -> PyResult<()> {
    Ok(py.detach(|| crate::backend::serve(io::stdin().lock(), io::stdout().lock()))?)
}

/// A dense layer of integrate-and-fire neurons, its weights packed for simulation.
#[pyclass(name = "Layer", module = "spikeparity._rust", frozen)]
struct PyLayer(Layer<f64>);

#[pymethods]
impl PyLayer {
    #[new]
    #[pyo3(signature = (weights, threshold, *, bias=None, decay=None, reset="subtract", initial_potential=0.0))]
    fn new(
        weights: &Bound<'_, PyAny>,
        threshold: f64,
        bias: Option<&Bound<'_, PyAny>>,
        decay: Option<f64>,
        reset: &str,
        initial_potential: f64,
    ) -> PyResult<Self> {
        let py = weights.py();
        let weights = floats(weights, "weights")?;
        let &[outputs, inputs] = weights.shape() else {
            return Err(PyValueError::new_err(format!(
                "weights: expected 2 dimensions, got {}",
                weights.ndim()
            )));
        };
        let bias = bias.map(vector).transpose()?;
        let reset = match reset {
            "subtract" => Reset::Subtract,
            "zero" => Reset::Zero,
            other => {
                let message = format!("expected \"subtract\" or \"zero\", got {other:?}");
                return Err(rejected(
                    py,
                    Rejection::new(Rule::NetworkReset, "/neuron/reset", message),
                ));
            }
        };
        let neuron = Neuron {
            threshold,
            reset,
            initial_potential,
            decay,
        };
        let weights = weights.as_array();
        let weight = |output, input| weights[[output, input]];
        Ok(PyLayer(Layer::pack(outputs, Some(inputs), weight, bias, neuron)))
    }

    /// Number of inputs.
    #[getter]
    fn inputs(&self) -> usize {
        self.0.dense().and_then(Dense::inputs).unwrap_or(0)
    }

    /// Number of outputs, one neuron each.
    #[getter]
    fn outputs(&self) -> usize {
        self.0.outputs()
    }
}

/// A network in one of the profiles.
enum Profiled {
    Binary64(Network<f64>),
    Binary32(Network<f32>),
}

/// Layers that keep the rules of stage `network`.
#[pyclass(name = "Network", module = "spikeparity._rust", frozen)]
struct PyNetwork(Profiled);

#[pymethods]
impl PyNetwork {
    #[new]
    #[pyo3(
        signature = (layers, *, readout="spikes", profile=f64::PROFILE),
        text_signature = "(layers, *, readout='spikes', profile='sequential-f64')"
    )]
    fn new(py: Python<'_>, layers: Vec<Bound<'_, PyLayer>>, readout: &str, profile: &str) -> PyResult<Self> {
        let layers = layers.iter().map(|layer| &layer.get().0);
        let network = match profile {
            _ if profile == f64::PROFILE => join(layers.cloned().collect(), readout).map(Profiled::Binary64),
            _ if profile == f32::PROFILE => join(layers.map(Layer::rounded).collect(), readout).map(Profiled::Binary32),
            other => return Err(no_profile(other)),
        };
        Ok(PyNetwork(network.map_err(|rejection| rejected(py, rejection))?))
    }

    /// Read a network document, whose arrays are given by the names of their members.
    #[staticmethod]
    #[pyo3(
        signature = (document, arrays, *, profile=f64::PROFILE),
        text_signature = "(document, arrays, *, profile='sequential-f64')"
    )]
    fn from_document(
        py: Python<'_>,
        document: &str,
        arrays: HashMap<String, Bound<'_, PyAny>>,
        profile: &str,
    ) -> PyResult<Self> {
        let array = |(name, array): (String, Bound<'_, PyAny>)| {
            let array = floats(&array, &name)?;
            let values = array.as_slice()?.to_vec();
            let shape = array.shape().iter().map(|&length| length as u64).collect();
            Ok((
                name,
                Array {
                    shape,
                    values,
                    inexact: None,
                },
            ))
        };
        let arrays = arrays.into_iter().map(array).collect::<PyResult<Vec<_>>>()?;
        let network = match profile {
            _ if profile == f64::PROFILE => py.detach(|| read(document, arrays)).map(Profiled::Binary64),
            _ if profile == f32::PROFILE => py.detach(|| read(document, arrays)).map(Profiled::Binary32),
            other => return Err(no_profile(other)),
        };
        Ok(PyNetwork(network.map_err(|rejection| rejected(py, rejection))?))
    }

    /// Number of inputs.
    #[getter]
    fn inputs(&self) -> usize {
        let inputs = match &self.0 {
            Profiled::Binary64(network) => network.inputs(),
            Profiled::Binary32(network) => network.inputs(),
        };
        inputs.unwrap_or(0)
    }

    /// The arithmetic profile that the network computes in.
    #[getter]
    fn profile(&self) -> &'static str {
        match &self.0 {
            Profiled::Binary64(_) => f64::PROFILE,
            Profiled::Binary32(_) => f32::PROFILE,
        }
    }

    /// Present values at every step.
    #[pyo3(signature = (values, steps, *, threads=ONE), text_signature = "($self, values, steps, *, threads=1)")]
    fn run_constant(
        &self,
        values: &Bound<'_, PyAny>,
        steps: &Bound<'_, PyAny>,
        threads: NonZeroUsize,
    ) -> PyResult<PyRun> {
        let py = values.py();
        let steps = steps_of(py, steps)?;
        let values = floats(values, "values")?;
        let batch = Batch::new(py, "values", values.shape(), 1, self.inputs())?;
        self.run(py, &batch, steps, threads, &Given::Constant(values.as_slice()?))
    }

    /// Present a raster of spikes, one byte or bool per step and input.
    #[pyo3(signature = (raster, *, threads=ONE), text_signature = "($self, raster, *, threads=1)")]
    fn run_raster(&self, raster: &Bound<'_, PyAny>, threads: NonZeroUsize) -> PyResult<PyRun> {
        let py = raster.py();
        let raster = bytes(raster)?;
        let batch = Batch::new(py, "raster", raster.shape(), 2, self.inputs())?;
        let steps = steps_in_range(py, batch.steps as i64)?;
        self.run(py, &batch, steps, threads, &Given::Raster(raster.as_slice()?))
    }

    /// Present spike trains that are drawn from rates (Philox4x32-10).
    #[pyo3(
        signature = (rates, steps, seed, sample=None, *, threads=ONE),
        text_signature = "($self, rates, steps, seed, sample=0, *, threads=1)"
    )]
    fn run_poisson(
        &self,
        rates: &Bound<'_, PyAny>,
        steps: &Bound<'_, PyAny>,
        seed: &Bound<'_, PyAny>,
        sample: Option<&Bound<'_, PyAny>>,
        threads: NonZeroUsize,
    ) -> PyResult<PyRun> {
        let py = rates.py();
        let steps = steps_of(py, steps)?;
        let rates = floats(rates, "rates")?;
        let seed = within(py, Rule::InputSeed, "/input/seed", integer(seed)?, 0, MAX_INTEGER)?.unsigned_abs();
        let sample = sample.map_or(Ok(0), integer)?;
        let rows = if rates.ndim() == 2 { rates.shape()[0].max(1) } else { 1 };
        let last = MAX_INTEGER - (rows as i64 - 1);
        let first = within(py, Rule::InputSample, "/input/sample", sample, 0, last)?.unsigned_abs();
        let batch = Batch::new(py, "rates", rates.shape(), 1, self.inputs())?;
        let rates = rates.as_slice()?;
        batch.check_range(py, rates, "a rate within 0 and 1", |rate| (0.0..=1.0).contains(&rate))?;
        self.run(py, &batch, steps, threads, &Given::Poisson { rates, seed, first })
    }
}

impl PyNetwork {
    fn run(
        &self,
        py: Python<'_>,
        batch: &Batch,
        steps: u32,
        threads: NonZeroUsize,
        given: &Given<'_>,
    ) -> PyResult<PyRun> {
        match &self.0 {
            Profiled::Binary64(network) => run(py, network, batch, steps, threads, given),
            Profiled::Binary32(network) => run(py, network, batch, steps, threads, given),
        }
    }
}

fn no_profile(got: &str) -> PyErr {
    let (one, other) = (f64::PROFILE, f32::PROFILE);
    PyValueError::new_err(format!("profile: expected {one:?} or {other:?}, got {got:?}"))
}

/// Reads a document whose arrays have names.
fn read<F: Real>(document: &str, arrays: Vec<(String, Array)>) -> Result<Network<F>, Rejection> {
    let document = json::parse(document.as_bytes(), json::DOCUMENT_DEPTH)?;
    Network::read_members("/network", &document, arrays.into_iter())
}

/// The readout is the last rule, so that an unknown one counts only where no other rule is broken.
fn join<F: Real>(layers: Vec<Layer<F>>, readout: &str) -> Result<Network<F>, Rejection> {
    let known = match readout {
        "membrane" => Readout::Membrane,
        _ => Readout::Spikes,
    };
    let network = Network::new(layers, known)?;
    if readout != "spikes" && readout != "membrane" {
        let message = format!("expected \"spikes\" or \"membrane\", got {readout:?}");
        return Err(Rejection::new(Rule::NetworkReadout, "/network/readout", message));
    }
    Ok(network)
}

/// The arrays that all samples are in, sample after sample.
enum Given<'a> {
    Constant(&'a [f64]),
    Raster(&'a [u8]),
    Poisson { rates: &'a [f64], seed: u64, first: u64 },
}

/// A float type whose arrays go out to Python.
trait Element: Real + numpy::Element {
    /// Each value rounded once; no copy where nothing is to be rounded.
    fn rounded(values: &[f64]) -> Cow<'_, [Self]>;
}

impl Element for f64 {
    fn rounded(values: &[f64]) -> Cow<'_, [f64]> {
        Cow::Borrowed(values)
    }
}

impl Element for f32 {
    fn rounded(values: &[f64]) -> Cow<'_, [f32]> {
        Cow::Owned(values.iter().map(|&value| f32::from_binary64(value)).collect())
    }
}

/// Runs every sample with the GIL released, unless a signal comes in between.
fn run<F: Element>(
    py: Python<'_>,
    network: &Network<F>,
    batch: &Batch,
    steps: u32,
    threads: NonZeroUsize,
    given: &Given<'_>,
) -> PyResult<PyRun> {
    let mut values: Cow<'_, [F]> = Cow::Borrowed(&[]);
    if let Given::Constant(given) = *given {
        batch.check_range(py, given, F::FINITE, |value| F::from_binary64(value).is_finite())?;
        values = F::rounded(given);
    }
    let input = |sample: usize| match *given {
        Given::Constant(_) => Input::Constant(batch.row(&values, sample)),
        Given::Raster(raster) => Input::Raster(batch.row(raster, sample)),
        Given::Poisson { rates, seed, first } => Input::Poisson(SpikeTrains {
            rates: batch.row(rates, sample),
            seed,
            sample: first + sample as u64,
        }),
    };
    let inputs: Vec<_> = (0..batch.samples).map(input).collect();
    let (runs, signal) = py.detach(|| {
        let signals = Signals::new();
        let go_on = || signals.go_on();
        let runs = simulate_batch_while(network, &inputs, steps, Record::default(), threads, &go_on);
        (runs, signals.raised.into_inner())
    });
    match (runs, signal) {
        (_, Some(error)) => Err(error),
        (Ok(runs), None) => PyRun::new(py, network, batch, &runs),
        (Err(Ended::NonFinite(fault)), None) => Err(rejected(py, Rejection::from(fault))),
        (Err(Ended::Interrupted), None) => unreachable!("only a signal interrupts"),
    }
}

/// Looks now and then whether a signal has come, such as Ctrl-C. Python tells its main thread alone.
struct Signals {
    looked: Cell<Instant>,
    /// What its handler raised.
    raised: RefCell<Option<PyErr>>,
}

impl Signals {
    /// How long not to look again: waiting for the GIL takes time.
    const INTERVAL: Duration = Duration::from_millis(50);

    fn new() -> Self {
        Signals {
            looked: Cell::new(Instant::now()),
            raised: RefCell::new(None),
        }
    }

    /// Whether no handler has raised anything.
    fn go_on(&self) -> bool {
        if self.looked.get().elapsed() < Self::INTERVAL {
            return true;
        }
        let raised = Python::attach(|py| py.check_signals()).err();
        self.looked.set(Instant::now());
        let go_on = raised.is_none();
        self.raised.replace(raised);
        go_on
    }
}

/// What a run gave: one array per layer, with a leading sample axis where the input was a batch.
#[pyclass(name = "Run", module = "spikeparity._rust", frozen)]
struct PyRun {
    /// Spike counts of each layer, int64.
    #[pyo3(get)]
    counts: Vec<Py<PyAny>>,
    /// Potentials of each layer after the last step, float64 or float32.
    #[pyo3(get)]
    potential: Vec<Py<PyAny>>,
    /// Counts of the last layer, or under membrane readout its potentials.
    #[pyo3(get)]
    readout: Py<PyAny>,
}

impl PyRun {
    fn new<F: Element>(py: Python<'_>, network: &Network<F>, batch: &Batch, runs: &[Run<F>]) -> PyResult<Self> {
        let mut result = PyRun {
            counts: Vec::new(),
            potential: Vec::new(),
            readout: py.None(),
        };
        for (index, layer) in network.layers().iter().enumerate() {
            let counts = runs
                .iter()
                .flat_map(|run| &run.counts[index])
                .map(|&count| i64::from(count))
                .collect();
            let potential: Vec<F> = runs.iter().flat_map(|run| &run.potential[index]).copied().collect();
            result.counts.push(batch.array(py, counts, layer.neurons())?);
            result.potential.push(batch.array(py, potential, layer.neurons())?);
        }
        let last = match network.readout() {
            Readout::Spikes => result.counts.last(),
            Readout::Membrane => result.potential.last(),
        };
        result.readout = last.map_or_else(|| py.None(), |last| last.clone_ref(py));
        Ok(result)
    }
}

/// The shape of an input: a sample, or several of them along a leading axis.
struct Batch {
    name: &'static str,
    is_batch: bool,
    samples: usize,
    /// Length of the axis before the last one, where a sample has two.
    steps: usize,
    /// Entries of a sample.
    length: usize,
}

impl Batch {
    /// `input.shape` of an array whose samples have `dimensions`, of which the last is as long as the network is wide.
    fn new(py: Python<'_>, name: &'static str, shape: &[usize], dimensions: usize, inputs: usize) -> PyResult<Self> {
        let is_batch = shape.len() == dimensions + 1;
        if shape.last() != Some(&inputs) || !(is_batch || shape.len() == dimensions) {
            let message =
                format!("expected {dimensions} dimensions or one more, the last {inputs} long, got {shape:?}");
            return Err(rejected(
                py,
                Rejection::new(Rule::InputShape, format!("/input/{name}"), message),
            ));
        }
        let sample = &shape[usize::from(is_batch)..];
        let samples = if is_batch { shape[0] } else { 1 };
        Ok(Batch {
            name,
            is_batch,
            samples,
            steps: sample[0],
            length: sample.iter().product(),
        })
    }

    fn row<'a, T>(&self, data: &'a [T], sample: usize) -> &'a [T] {
        &data[sample * self.length..][..self.length]
    }

    /// `input.range`: every value is sound.
    fn check_range(&self, py: Python<'_>, data: &[f64], expected: &str, sound: fn(f64) -> bool) -> PyResult<()> {
        let Some(at) = data.iter().position(|&value| !sound(value)) else {
            return Ok(());
        };
        let (sample, index) = (at / self.length, at % self.length);
        let sample = if self.is_batch {
            format!("/{sample}")
        } else {
            String::new()
        };
        let path = format!("/input/{}{sample}/{index}", self.name);
        let message = format!("expected {expected}, got {}", data[at]);
        Err(rejected(py, Rejection::new(Rule::InputRange, path, message)))
    }

    /// A new array of what every sample gave for a layer.
    fn array<T: numpy::Element>(&self, py: Python<'_>, data: Vec<T>, outputs: usize) -> PyResult<Py<PyAny>> {
        let flat = PyArray1::from_vec(py, data);
        if self.is_batch {
            Ok(flat.reshape([self.samples, outputs])?.into_any().unbind())
        } else {
            Ok(flat.into_any().unbind())
        }
    }
}

/// Copies a bias.
fn vector(object: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
    let bias = floats(object, "bias")?;
    match bias.ndim() {
        1 => Ok(bias.as_slice()?.to_vec()),
        other => Err(PyValueError::new_err(format!(
            "bias: expected 1 dimension, got {other}"
        ))),
    }
}

/// Borrows an array of float64 that lies row after row, so that no copy is needed.
fn floats<'py>(object: &Bound<'py, PyAny>, name: &str) -> PyResult<PyReadonlyArrayDyn<'py, f64>> {
    let array = object
        .extract::<PyReadonlyArrayDyn<'py, f64>>()
        .ok()
        .filter(|array| array.is_c_contiguous());
    array.ok_or_else(|| unsuitable(object, name, "float64"))
}

/// Borrows an array of bool or uint8 as bytes.
fn bytes<'py>(object: &Bound<'py, PyAny>) -> PyResult<PyReadonlyArrayDyn<'py, u8>> {
    let view = if object.extract::<PyReadonlyArrayDyn<'py, bool>>().is_ok() {
        object.call_method1("view", ("uint8",))?
    } else {
        object.clone()
    };
    let array = view
        .extract::<PyReadonlyArrayDyn<'py, u8>>()
        .ok()
        .filter(|array| array.is_c_contiguous());
    array.ok_or_else(|| unsuitable(object, "raster", "bool or uint8"))
}

fn unsuitable(object: &Bound<'_, PyAny>, name: &str, dtype: &str) -> PyErr {
    let got = match (object.getattr("dtype"), object.get_type().name()) {
        (Ok(dtype), _) => format!(
            "{dtype} in {}",
            if is_c_contiguous(object) {
                "C order"
            } else {
                "another order"
            }
        ),
        (_, Ok(name)) => format!("{name}"),
        (Err(error), _) => return error,
    };
    PyTypeError::new_err(format!(
        "{name}: expected a C-contiguous NumPy array of {dtype}, got {got}"
    ))
}

fn is_c_contiguous(object: &Bound<'_, PyAny>) -> bool {
    let flags = object.getattr("flags").and_then(|flags| flags.getattr("c_contiguous"));
    flags.and_then(|flag| flag.extract()).unwrap_or(false)
}

/// An integer as far as an `i64` goes; a bool is none.
fn integer(object: &Bound<'_, PyAny>) -> PyResult<i64> {
    if object.is_instance_of::<PyBool>() {
        return Err(PyTypeError::new_err("expected an integer, got a bool"));
    }
    match object.extract::<i64>() {
        Err(error) if error.is_instance_of::<PyOverflowError>(object.py()) => {
            Ok(if object.lt(0)? { i64::MIN } else { i64::MAX })
        }
        result => result,
    }
}

fn within(py: Python<'_>, rule: Rule, path: &str, number: i64, least: i64, most: i64) -> PyResult<i64> {
    if (least..=most).contains(&number) {
        return Ok(number);
    }
    let message = format!("expected an integer within {least} and {most}, got {number}");
    Err(rejected(py, Rejection::new(rule, path, message)))
}

/// `simulate.steps`.
fn steps_of(py: Python<'_>, steps: &Bound<'_, PyAny>) -> PyResult<u32> {
    steps_in_range(py, integer(steps)?)
}

fn steps_in_range(py: Python<'_>, steps: i64) -> PyResult<u32> {
    Ok(within(py, Rule::SimulateSteps, "/steps", steps, 1, i64::from(MAX_STEPS))? as u32)
}

/// The exception of a broken rule, which is that of the reference: imported only now, since serving must not need it.
fn rejected(py: Python<'_>, rejection: Rejection) -> PyErr {
    let error = || -> PyResult<Bound<'_, PyAny>> {
        let class = py.import("spikeparity.rejection")?.getattr("RejectedError")?;
        class.call1((rejection.rule.code(), rejection.path, rejection.message))
    };
    error().map_or_else(|error| error, PyErr::from_value)
}
