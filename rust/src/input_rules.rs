//! Reads the steps, the input and the records that a simulation asks for: the rules `simulate.steps` to `record.kind`.
#![forbid(unsafe_code)]

use std::ops::RangeInclusive;

use crate::expect::{self, unlike};
use crate::json::{Object, Value};
use crate::network_rules::Arrays;
use crate::npy::Array;
use crate::number::{integer, number, MAX_INTEGER};
use crate::philox::SpikeTrains;
use crate::pointer;
use crate::real::Real;
use crate::rule::{Rejection, Rule};
use crate::simulate::{Input, MAX_STEPS};

/// The input of one sample or of several.
pub(crate) struct Batch<F> {
    samples: Samples<F>,
    is_batch: bool,
}

enum Samples<F> {
    Constant(Vec<Vec<F>>),
    Spikes(Vec<Vec<Vec<usize>>>),
    Poisson(PoissonRates),
}

/// The rates of one sample or several, and what makes spike trains of them.
pub(crate) struct PoissonRates {
    rates: Vec<Vec<f64>>,
    seed: u64,
    first_sample: u64,
}

impl<F: Real> Batch<F> {
    /// Reads the input at `path` of a network of `width` inputs, or of any width; values and rates may be references.
    /// Values are rounded once, rates stay binary64.
    pub(crate) fn read<E: From<Rejection>>(
        path: &str,
        value: &Value<'_>,
        steps: u32,
        width: Option<usize>,
        arrays: &impl Arrays<E>,
    ) -> Result<Self, E> {
        let (object, kind) = kind(path, value)?;
        unknown_key(path, object, kind)?;
        let (rows, samples) = match kind {
            Kind::Spikes => {
                let rows = Rows::read(path, object, kind.data_key(), kind.nesting());
                let samples = indices(&rows, &spike_shape(&rows, steps)?, width)?;
                (rows, Samples::Spikes(samples))
            }
            Kind::Constant => {
                let mut numbers = Numbers::read(path, object, kind, arrays);
                let values = numbers.shape(width)?;
                let values = self::values(&numbers.rows, values)?;
                (numbers.rows, Samples::Constant(values))
            }
            Kind::Poisson => {
                let mut numbers = Numbers::read(path, object, kind, arrays);
                let (seed, first_sample) = (seed(path, object)?, sample(path, object, numbers.count())?);
                let rates = numbers.shape(width)?;
                let poisson = PoissonRates::new(&numbers.rows, rates, seed, first_sample)?;
                (numbers.rows, Samples::Poisson(poisson))
            }
        };
        Ok(Batch {
            samples,
            is_batch: rows.is_batch,
        })
    }

    /// Whether the answer has a sample axis.
    pub(crate) fn is_batch(&self) -> bool {
        self.is_batch
    }

    /// The samples, one or more.
    pub(crate) fn samples(&self) -> impl Iterator<Item = Input<'_, F>> {
        let count = match &self.samples {
            Samples::Constant(values) => values.len(),
            Samples::Spikes(indices) => indices.len(),
            Samples::Poisson(poisson) => poisson.rates.len(),
        };
        (0..count).map(|index| match &self.samples {
            Samples::Constant(values) => Input::Constant(&values[index]),
            Samples::Spikes(indices) => Input::Spikes(&indices[index]),
            Samples::Poisson(poisson) => Input::Poisson(poisson.trains(index)),
        })
    }
}

impl PoissonRates {
    /// Reads the single sample of `encode.poisson`, whose members lie in the request's input itself.
    pub(crate) fn read_sample(input: &Object<'_>) -> Result<Self, Rejection> {
        let rows = Rows::read("", input, Kind::Poisson.data_key(), 0);
        let (seed, first_sample) = (seed("", input)?, sample("", input, rows.count())?);
        PoissonRates::new(&rows, number_shape(&rows, None)?, seed, first_sample)
    }

    fn new(rows: &Rows<'_, '_>, rates: Vec<Vec<f64>>, seed: u64, first_sample: u64) -> Result<Self, Rejection> {
        range(rows, &rates, "a rate within 0 and 1", |rate| {
            (0.0..=1.0).contains(&rate)
        })?;
        Ok(PoissonRates {
            rates,
            seed,
            first_sample,
        })
    }

    /// The spike trains of one sample.
    pub(crate) fn trains(&self, index: usize) -> SpikeTrains<'_> {
        SpikeTrains {
            rates: &self.rates[index],
            seed: self.seed,
            sample: self.first_sample + index as u64,
        }
    }
}

/// What `input.kind` can be.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Constant,
    Spikes,
    Poisson,
}

impl Kind {
    const NAMES: [(&'static str, Kind); 3] = [
        ("constant", Kind::Constant),
        ("spikes", Kind::Spikes),
        ("poisson", Kind::Poisson),
    ];

    /// The member that holds the data.
    fn data_key(self) -> &'static str {
        match self {
            Kind::Constant => "values",
            Kind::Spikes => "indices",
            Kind::Poisson => "rates",
        }
    }

    /// How deep arrays nest in one sample.
    fn nesting(self) -> usize {
        if self == Kind::Spikes {
            2
        } else {
            1
        }
    }
}

/// The samples in a member of an input: the entries of a batch, or the member itself.
struct Rows<'v, 'a> {
    path: String,
    is_batch: bool,
    rows: Vec<&'v Value<'a>>,
}

impl<'v, 'a> Rows<'v, 'a> {
    /// Finds a batch where arrays nest deeper than `nesting`, as far as the first entries tell; with 0, never.
    fn read(path: &str, object: &'v Object<'a>, key: &str, nesting: usize) -> Self {
        let data = object.get(key).unwrap_or(&Value::Null);
        let is_batch = nesting > 0
            && first_entries(data)
                .nth(nesting)
                .is_some_and(|entry| matches!(entry, Value::Array(_)));
        let rows = match data {
            Value::Array(rows) if is_batch => rows.iter().collect(),
            data => vec![data],
        };
        Rows {
            path: pointer::member(path, key),
            is_batch,
            rows,
        }
    }

    fn count(&self) -> u64 {
        self.rows.len() as u64
    }

    fn path(&self, index: usize) -> String {
        if self.is_batch {
            pointer::entry(&self.path, index)
        } else {
            self.path.clone()
        }
    }
}

/// A value, its first entry, the first entry of that, and so on.
fn first_entries<'v, 'a>(value: &'v Value<'a>) -> impl Iterator<Item = &'v Value<'a>> {
    std::iter::successors(Some(value), |value| match value {
        Value::Array(entries) => entries.first(),
        _ => None,
    })
}

/// `simulate.steps`: an Integer within 1 and `limits.steps`.
pub(crate) fn steps(value: &Value<'_>) -> Result<u32, Rejection> {
    match integer(value)
        .and_then(|steps| u32::try_from(steps).ok())
        .filter(|steps| (1..=MAX_STEPS).contains(steps))
    {
        Some(steps) => Ok(steps),
        None => unlike(
            Rule::SimulateSteps,
            "/steps",
            format_args!("an Integer within 1 and {MAX_STEPS}"),
            value,
        ),
    }
}

fn kind<'v, 'a>(path: &str, value: &'v Value<'a>) -> Result<(&'v Object<'a>, Kind), Rejection> {
    let object = expect::object(Rule::InputKind, path, value)?;
    let value = object.get("kind").unwrap_or(&Value::Null);
    let named = |(name, _): &&(&str, Kind)| matches!(value, Value::String(kind) if kind == name);
    match Kind::NAMES.iter().find(named) {
        Some(&(_, kind)) => Ok((object, kind)),
        None => unlike(
            Rule::InputKind,
            &pointer::member(path, "kind"),
            "constant, spikes or poisson",
            value,
        ),
    }
}

fn unknown_key(path: &str, object: &Object<'_>, kind: Kind) -> Result<(), Rejection> {
    let known = ["kind", kind.data_key(), "seed", "sample"];
    let known = if kind == Kind::Poisson { &known[..] } else { &known[..2] };
    expect::known_keys(Rule::InputUnknownKey, path, object, known)
}

fn seed(path: &str, object: &Object<'_>) -> Result<u64, Rejection> {
    let value = object.get("seed").unwrap_or(&Value::Null);
    natural(Rule::InputSeed, &pointer::member(path, "seed"), value, 0..=MAX_INTEGER)
}

/// The number of the first of `count` samples, of which the last is in range too.
fn sample(path: &str, object: &Object<'_>, count: u64) -> Result<u64, Rejection> {
    let last = MAX_INTEGER - (count as i64 - 1);
    object.get("sample").map_or(Ok(0), |value| {
        natural(Rule::InputSample, &pointer::member(path, "sample"), value, 0..=last)
    })
}

/// An Integer of a range that has no negative ones.
fn natural(rule: Rule, path: &str, value: &Value<'_>, range: RangeInclusive<i64>) -> Result<u64, Rejection> {
    match integer(value).filter(|number| range.contains(number)) {
        Some(number) => Ok(number.unsigned_abs()),
        None => unlike(
            rule,
            path,
            format_args!("an Integer within {} and {}", range.start(), range.end()),
            value,
        ),
    }
}

/// The numbers of each sample, in the document or in a file.
struct Numbers<'v, 'a, E> {
    rows: Rows<'v, 'a>,
    /// The array of a reference, or what is wrong with it.
    file: Option<Result<Array, E>>,
}

impl<'v, 'a, E: From<Rejection>> Numbers<'v, 'a, E> {
    /// What is wrong with a reference is said where the shape is checked: after the rules before that one.
    fn read(path: &str, object: &'v Object<'a>, kind: Kind, arrays: &impl Arrays<E>) -> Self {
        let mut rows = Rows::read(path, object, kind.data_key(), kind.nesting());
        let value = object.get(kind.data_key()).unwrap_or(&Value::Null);
        let file = arrays(&rows.path, value).transpose();
        if let Some(Ok(array)) = &file {
            rows.is_batch = array.shape.len() == 2;
        }
        Numbers { rows, file }
    }

    /// The number of samples, as far as it is known.
    fn count(&self) -> u64 {
        match &self.file {
            Some(Ok(array)) if self.rows.is_batch => array.shape[0].max(1),
            Some(_) => 1,
            None => self.rows.count(),
        }
    }

    /// `input.shape`.
    fn shape(&mut self, width: Option<usize>) -> Result<Vec<Vec<f64>>, E> {
        match self.file.take() {
            None => Ok(number_shape(&self.rows, width)?),
            Some(array) => Ok(array_shape(&self.rows, &array?, width)?),
        }
    }
}

/// `input.shape` of an array in a file: one sample, or a batch of at least one.
fn array_shape(rows: &Rows<'_, '_>, array: &Array, width: Option<usize>) -> Result<Vec<Vec<f64>>, Rejection> {
    let (samples, columns) = match array.shape[..] {
        [columns] => (1, columns as usize),
        [samples, columns] if samples > 0 => (samples as usize, columns as usize),
        _ => {
            let shape = format_args!("{:?}", array.shape);
            return unlike(
                Rule::InputShape,
                &rows.path,
                "1 dimension, or 2 with at least one row",
                shape,
            );
        }
    };
    let due = width.unwrap_or(columns);
    let is_in_first = |index: &usize| *index < columns;
    if columns != due && !array.inexact.as_ref().is_some_and(is_in_first) {
        let expected = format!("{due} entries, one per input");
        return unlike(Rule::InputShape, &rows.path(0), expected, columns);
    }
    array.exact(Rule::InputShape, &rows.path)?;
    let sample = |sample: usize| array.values[sample * columns..][..columns].to_vec();
    Ok((0..samples).map(sample).collect())
}

/// The constant values of each sample, rounded.
fn values<F: Real>(rows: &Rows<'_, '_>, values: Vec<Vec<f64>>) -> Result<Vec<Vec<F>>, Rejection> {
    range(rows, &values, F::FINITE, |value| F::from_binary64(value).is_finite())?;
    let rounded = |row: Vec<f64>| row.into_iter().map(F::from_binary64).collect();
    Ok(values.into_iter().map(rounded).collect())
}

/// `input.shape` of `values` and `rates`: sample by sample as many Numbers as the network has inputs, or row 0 entries.
fn number_shape(rows: &Rows<'_, '_>, width: Option<usize>) -> Result<Vec<Vec<f64>>, Rejection> {
    let mut due = width;
    let mut samples = Vec::with_capacity(rows.rows.len());
    for (index, row) in rows.rows.iter().enumerate() {
        let path = rows.path(index);
        let numbers = numbers(&path, row)?;
        let due = *due.get_or_insert(numbers.len());
        if numbers.len() != due {
            return unlike(
                Rule::InputShape,
                &path,
                format_args!("{due} entries, one per input"),
                numbers.len(),
            );
        }
        samples.push(numbers);
    }
    Ok(samples)
}

fn numbers(path: &str, row: &Value<'_>) -> Result<Vec<f64>, Rejection> {
    let Value::Array(entries) = row else {
        return unlike(Rule::InputShape, path, "an array of Numbers", row);
    };
    let entry = |(index, entry): (usize, &Value<'_>)| match number(entry) {
        Some(number) => Ok(number),
        None => unlike(Rule::InputShape, &pointer::entry(path, index), "a Number", entry),
    };
    entries.iter().enumerate().map(entry).collect()
}

/// The indices that a spike train lists for each step, as they stand in the document.
type Steps<'v, 'a> = Vec<&'v [Value<'a>]>;

/// `input.shape` of `indices`: sample by sample as many arrays as there are steps.
fn spike_shape<'v, 'a>(rows: &Rows<'v, 'a>, steps: u32) -> Result<Vec<Steps<'v, 'a>>, Rejection> {
    let sample = |(index, row): (usize, &&'v Value<'a>)| {
        let path = rows.path(index);
        match row {
            Value::Array(lists) if lists.len() == steps as usize => step_lists(&path, lists),
            _ => unlike(
                Rule::InputShape,
                &path,
                format_args!("an array of {steps}, one per step"),
                row,
            ),
        }
    };
    rows.rows.iter().enumerate().map(sample).collect()
}

fn step_lists<'v, 'a>(path: &str, lists: &'v [Value<'a>]) -> Result<Steps<'v, 'a>, Rejection> {
    let list = |(step, list): (usize, &'v Value<'a>)| match list {
        Value::Array(indices) => Ok(indices.as_slice()),
        _ => unlike(
            Rule::InputShape,
            &pointer::entry(path, step),
            "an array of indices",
            list,
        ),
    };
    lists.iter().enumerate().map(list).collect()
}

/// `input.indices`: ascending and within the width, step by step.
fn indices(
    rows: &Rows<'_, '_>,
    samples: &[Steps<'_, '_>],
    width: Option<usize>,
) -> Result<Vec<Vec<Vec<usize>>>, Rejection> {
    let last = width.map_or(MAX_INTEGER, |width| width as i64 - 1);
    let train = |(sample, steps): (usize, &Steps<'_, '_>)| {
        let path = |step: usize| pointer::entry(&rows.path(sample), step);
        steps
            .iter()
            .enumerate()
            .map(|(step, list)| ascending(list, last, || path(step)))
            .collect()
    };
    samples.iter().enumerate().map(train).collect()
}

/// The indices of one step, each above the one before it and at most `last`.
fn ascending(list: &[Value<'_>], last: i64, path: impl Fn() -> String) -> Result<Vec<usize>, Rejection> {
    let mut least = 0;
    let mut indices = Vec::with_capacity(list.len());
    for (place, value) in list.iter().enumerate() {
        let Some(index) = integer(value).filter(|index| (least..=last).contains(index)) else {
            let expected = format!("an Integer within {least} and {last}");
            return unlike(Rule::InputIndices, &pointer::entry(&path(), place), expected, value);
        };
        indices.push(index as usize);
        least = index + 1;
    }
    Ok(indices)
}

/// `input.range`: every value is sound, used or not.
fn range(rows: &Rows<'_, '_>, samples: &[Vec<f64>], expected: &str, sound: fn(f64) -> bool) -> Result<(), Rejection> {
    for (index, sample) in samples.iter().enumerate() {
        if let Some(place) = sample.iter().position(|&value| !sound(value)) {
            let path = pointer::entry(&rows.path(index), place);
            return unlike(Rule::InputRange, &path, expected, sample[place]);
        }
    }
    Ok(())
}

/// `record.kind`: what the answer is to have beside the readout.
pub(crate) fn record_kind<'v>(record: Option<&'v Value<'_>>) -> Result<Vec<&'v str>, Rejection> {
    const KINDS: [&str; 4] = ["counts", "spikes", "potential", "trace"];
    let entries = match record {
        None => return Ok(Vec::new()),
        Some(Value::Array(entries)) => entries,
        Some(other) => return unlike(Rule::RecordKind, "/record", "a list", other),
    };
    let kind = |(index, entry): (usize, &'v Value<'_>)| match entry {
        Value::String(kind) if KINDS.contains(&kind.as_ref()) => Ok(kind.as_ref()),
        _ => unlike(
            Rule::RecordKind,
            &pointer::entry("/record", index),
            KINDS.join(", "),
            entry,
        ),
    };
    entries.iter().enumerate().map(kind).collect()
}
