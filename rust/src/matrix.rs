//! Weight matrices, and the rules that those of checkpoints and of networks have in common.
#![forbid(unsafe_code)]

use crate::expect::unlike;
use crate::json::Value;
use crate::number::number;
use crate::real::Real;
use crate::rule::{Rejection, Rule};

/// A matrix of binary64, row after row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    /// Number of rows (output features).
    pub rows: usize,
    /// Number of columns (input features).
    pub columns: usize,
    /// The entries: `rows * columns` of them, row-major.
    pub entries: Vec<f64>,
}

impl Matrix {
    /// The entries of a row.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.entries[row * self.columns..][..self.columns]
    }
}

/// Every non-array leaf, at any depth, is a Number.
pub(crate) fn leaf_type(rule: Rule, path: &str, value: &Value<'_>) -> Result<(), Rejection> {
    match first_fault(value, &|leaf| number(leaf).is_some()) {
        None => Ok(()),
        Some((below, leaf)) => unlike(rule, &format!("{path}{below}"), "a Number", leaf),
    }
}

/// No leaf is NaN or an infinity, or becomes one where it is rounded.
pub(crate) fn finite<F: Real>(rule: Rule, path: &str, value: &Value<'_>) -> Result<(), Rejection> {
    match first_fault(value, &|leaf| {
        number(leaf).is_some_and(|value| F::from_binary64(value).is_finite())
    }) {
        None => Ok(()),
        Some((below, leaf)) => unlike(rule, &format!("{path}{below}"), F::FINITE, leaf),
    }
}

/// The first leaf, depth first, that is not sound, and its path below `value`.
fn first_fault<'v, 'a>(value: &'v Value<'a>, sound: &impl Fn(&Value<'_>) -> bool) -> Option<(String, &'v Value<'a>)> {
    let Value::Array(items) = value else {
        return (!sound(value)).then(|| (String::new(), value));
    };
    items.iter().enumerate().find_map(|(index, item)| {
        let (below, leaf) = first_fault(item, sound)?;
        Some((format!("/{index}{below}"), leaf))
    })
}

/// An array of equally long arrays of leaves; the answer is (rows, columns), where a matrix without rows has no columns.
pub(crate) fn rank(rule: Rule, path: &str, value: &Value<'_>) -> Result<(usize, usize), Rejection> {
    let Value::Array(rows) = value else {
        return unlike(rule, path, "a matrix", value);
    };
    let mut columns = None;
    for (index, row) in rows.iter().enumerate() {
        let Value::Array(entries) = row else {
            return unlike(rule, path, format_args!("an array as row {index}"), row);
        };
        let due = *columns.get_or_insert(entries.len());
        if entries.len() != due {
            return unlike(
                rule,
                path,
                format_args!("row {index} to have {due} entries like row 0"),
                row,
            );
        }
        if let Some(entry) = entries.iter().find(|entry| matches!(entry, Value::Array(_))) {
            return unlike(rule, path, format_args!("Numbers in row {index}"), entry);
        }
    }
    Ok((rows.len(), columns.unwrap_or(0)))
}

/// An array of four dimensions, each at least 1, whose arrays are equally long at each depth; the answer is the lengths.
pub(crate) fn kernel_rank(rule: Rule, path: &str, value: &Value<'_>) -> Result<[u64; 4], Rejection> {
    let mut lengths = [0; 4];
    let mut first = value;
    for length in &mut lengths {
        first = match first {
            Value::Array(items) if !items.is_empty() => {
                *length = items.len();
                &items[0]
            }
            _ => return unlike(rule, path, "an array of four dimensions, each at least 1", value),
        };
    }
    if is_rectangular(value, &lengths) {
        return Ok(lengths.map(|length| length as u64));
    }
    unlike(
        rule,
        path,
        format_args!("a rectangular array like its first entries, {lengths:?}"),
        value,
    )
}

/// Whether a value is an array of these dimensions.
fn is_rectangular(value: &Value<'_>, lengths: &[usize]) -> bool {
    match (value, lengths) {
        (Value::Array(items), [length, below @ ..]) => {
            items.len() == *length && items.iter().all(|item| is_rectangular(item, below))
        }
        (Value::Array(_), []) => false,
        (_, lengths) => lengths.is_empty(),
    }
}

/// The entries of an array that was checked, in document order.
pub(crate) fn leaves(value: &Value<'_>, entries: &mut Vec<f64>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| leaves(item, entries)),
        leaf => entries.extend(number(leaf)),
    }
}

/// The entries of a matrix that was checked, with `columns` as the width where there is no row to tell it.
pub(crate) fn read(value: &Value<'_>, columns: usize) -> Matrix {
    let Value::Array(rows) = value else {
        return Matrix::default();
    };
    let mut entries = Vec::with_capacity(rows.len().saturating_mul(columns));
    for row in rows {
        if let Value::Array(row) = row {
            entries.extend(row.iter().filter_map(number));
        }
    }
    Matrix {
        rows: rows.len(),
        columns,
        entries,
    }
}
