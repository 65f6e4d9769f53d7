//! The quantization-clip-floor-shift activation: what a network is trained with that is to become a spiking one.
//!
//! Bu et al. 2022, "Optimal ANN-SNN conversion for high-accuracy and ultra-low-latency spiking neural networks".
#![forbid(unsafe_code)]

use crate::expect::unlike;
use crate::json::Value;
use crate::number::{integer, number};
use crate::pointer;
use crate::rule::{Rejection, Rule};
use crate::simulate::MAX_STEPS;

/// `((clip(floor(((x * T) / theta) + 0.5), 0, T)) * theta) / T`, every operation rounded in this order.
///
/// ```
/// # use spikeparity::qcfs::qcfs;
/// assert_eq!([-1.0, 0.2, 0.4, 9.0].map(|x| qcfs(x, 1.0, 4)), [0.0, 0.25, 0.5, 1.0]);
/// ```
pub fn qcfs(x: f64, theta: f64, steps: u32) -> f64 {
    let steps = f64::from(steps);
    let shifted = ((x * steps) / theta) + 0.5;
    let level = shifted.floor();
    // Whatever is not above 0 becomes +0.0, a -0.0 too.
    let clipped = if level > 0.0 { level.min(steps) } else { 0.0 };
    (clipped * theta) / steps
}

/// The activation with what it is applied to, all within the rules.
pub(crate) struct Qcfs {
    x: Vec<f64>,
    theta: f64,
    steps: u32,
}

impl Qcfs {
    /// Reads the members of a request.
    pub(crate) fn read(x: &Value<'_>, theta: &Value<'_>, steps: &Value<'_>) -> Result<Self, Rejection> {
        Ok(Qcfs {
            x: input(x)?,
            theta: self::theta(theta)?,
            steps: self::steps(steps)?,
        })
    }

    /// `qcfs.non-finite`; the answer is what the activation gives.
    pub(crate) fn apply(&self) -> Result<Vec<f64>, Rejection> {
        let result = |(index, &x): (usize, &f64)| {
            let result = qcfs(x, self.theta, self.steps);
            if result.is_finite() {
                return Ok(result);
            }
            unlike(
                Rule::QcfsNonFinite,
                &pointer::entry("/x", index),
                "a finite result",
                result,
            )
        };
        self.x.iter().enumerate().map(result).collect()
    }
}

/// `qcfs.input`.
fn input(value: &Value<'_>) -> Result<Vec<f64>, Rejection> {
    let Value::Array(entries) = value else {
        return unlike(Rule::QcfsInput, "/x", "a list of finite Numbers", value);
    };
    let entry = |(index, entry): (usize, &Value<'_>)| match number(entry).filter(|x| x.is_finite()) {
        Some(x) => Ok(x),
        None => unlike(Rule::QcfsInput, &pointer::entry("/x", index), "a finite Number", entry),
    };
    entries.iter().enumerate().map(entry).collect()
}

/// `qcfs.theta`.
fn theta(value: &Value<'_>) -> Result<f64, Rejection> {
    match number(value).filter(|&theta| theta.is_finite() && theta > 0.0) {
        Some(theta) => Ok(theta),
        None => unlike(Rule::QcfsTheta, "/theta", "a finite Number above 0", value),
    }
}

/// `qcfs.steps`.
fn steps(value: &Value<'_>) -> Result<u32, Rejection> {
    let steps = integer(value).and_then(|steps| u32::try_from(steps).ok());
    match steps.filter(|steps| (1..=MAX_STEPS).contains(steps)) {
        Some(steps) => Ok(steps),
        None => unlike(
            Rule::QcfsSteps,
            "/T",
            format_args!("an Integer within 1 and {MAX_STEPS}"),
            value,
        ),
    }
}
