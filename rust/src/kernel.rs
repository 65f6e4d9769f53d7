//! The arithmetic of one layer at one step: currents, potentials, spikes, in the order that the contract gives.
//!
//! Everything is `#[inline(always)]`, so that [`crate::simd`] can compile it for each level of vector instructions.
#![forbid(unsafe_code)]

use crate::network::{Layer, Neuron, Reset, LANES};
use crate::real::Real;

/// Outputs whose sums stay in registers while all inputs pass by.
const TILE: usize = 4 * LANES;

/// An input that is not zero at a step.
pub(crate) trait Event<F> {
    /// The index of the input.
    fn input(&self) -> usize;

    /// The product of a weight and the input's value, rounded.
    fn product(&self, weight: F) -> F;
}

/// A spike is an input of 1, so that the product is the weight itself.
impl<F> Event<F> for usize {
    #[inline(always)]
    fn input(&self) -> usize {
        *self
    }

    #[inline(always)]
    fn product(&self, weight: F) -> F {
        weight
    }
}

/// An input with its index.
impl<F: Real> Event<F> for (usize, F) {
    #[inline(always)]
    fn input(&self) -> usize {
        self.0
    }

    #[inline(always)]
    fn product(&self, weight: F) -> F {
        weight * self.1
    }
}

/// The currents of a layer: `sum[i] = ((0 + w[i][j] x[j]) + w[i][k] x[k]) + …`, then the bias.
///
/// `events` are ascending. Each sum has a lane of its own, so that vectors do not change the order of its terms.
#[inline(always)]
pub(crate) fn currents<F: Real, E: Event<F>>(layer: &Layer<F>, events: &[E], sums: &mut [F]) {
    let mut start = 0;
    while start < sums.len() {
        if start + TILE <= sums.len() {
            tile::<F, E, TILE>(layer, events, start, sums);
            start += TILE;
        } else {
            tile::<F, E, LANES>(layer, events, start, sums);
            start += LANES;
        }
    }
    for (sum, &bias) in sums.iter_mut().zip(layer.bias().unwrap_or(&[])) {
        *sum = *sum + bias;
    }
}

/// The sums of `N` outputs from `start` on.
#[inline(always)]
fn tile<F: Real, E: Event<F>, const N: usize>(layer: &Layer<F>, events: &[E], start: usize, sums: &mut [F]) {
    let (columns, stride) = (layer.columns(), layer.stride());
    let mut tile = [F::ZERO; N];
    for event in events {
        let column = &columns[event.input() * stride + start..][..N];
        for (sum, &weight) in tile.iter_mut().zip(column) {
            *sum = *sum + event.product(weight);
        }
    }
    sums[start..start + N].copy_from_slice(&tile);
}

/// Adds the currents to the potentials, which decay first where the neuron leaks. False if one is no longer finite.
///
/// A current that is not finite makes the potential so: a finite number plus NaN or an infinity is never finite.
#[inline(always)]
pub(crate) fn charge<F: Real>(neuron: &Neuron<F>, potentials: &mut [F], currents: &[F]) -> bool {
    let mut finite = true;
    let pairs = potentials.iter_mut().zip(currents);
    match neuron.decay {
        None => pairs.for_each(|(potential, &current)| {
            *potential = *potential + current;
            finite &= potential.is_finite();
        }),
        Some(decay) => pairs.for_each(|(potential, &current)| {
            *potential = (decay * *potential) + current;
            finite &= potential.is_finite();
        }),
    }
    finite
}

/// Resets the neurons that have reached the threshold, and replaces `spikes` by their ascending indices.
#[inline(always)]
pub(crate) fn fire<F: Real>(neuron: &Neuron<F>, potentials: &mut [F], spikes: &mut Vec<usize>) {
    let threshold = neuron.threshold;
    match neuron.reset {
        Reset::Subtract => fire_with(threshold, |potential| potential - threshold, potentials, spikes),
        Reset::Zero => fire_with(threshold, |_| F::ZERO, potentials, spikes),
    }
}

#[inline(always)]
fn fire_with<F: Real>(threshold: F, reset: impl Fn(F) -> F, potentials: &mut [F], spikes: &mut Vec<usize>) {
    spikes.resize(potentials.len(), 0);
    let mut count = 0;
    for (index, potential) in potentials.iter_mut().enumerate() {
        let fires = *potential >= threshold;
        // Storing every index and counting only spikes avoids a branch that no predictor can learn.
        spikes[count] = index;
        count += usize::from(fires);
        *potential = if fires { reset(*potential) } else { *potential };
    }
    spikes.truncate(count);
}
