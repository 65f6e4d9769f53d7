//! The arithmetic of a tile of a layer: currents, potentials, spikes, in the order that the contract gives.
//!
//! Everything is `#[inline(always)]`, so that [`crate::simd`] can compile it for each level of vector instructions.
#![forbid(unsafe_code)]

use crate::dense::{Lanes, LANES};
use crate::network::{Neuron, Reset};
use crate::real::Real;

/// An input that is not zero at a step.
pub(crate) trait Event<F>: Copy {
    /// The index of the input.
    fn input(&self) -> usize;

    /// The same value as another input.
    fn at(&self, input: u32) -> Self;

    /// The product of a weight and the input's value, rounded.
    fn product(&self, weight: F) -> F;
}

/// A spike is an input of 1, so that the product is the weight itself.
impl<F> Event<F> for u32 {
    #[inline(always)]
    fn input(&self) -> usize {
        *self as usize
    }

    #[inline(always)]
    fn at(&self, input: u32) -> Self {
        input
    }

    #[inline(always)]
    fn product(&self, weight: F) -> F {
        weight
    }
}

/// An input with its index.
impl<F: Real> Event<F> for (u32, F) {
    #[inline(always)]
    fn input(&self) -> usize {
        self.0 as usize
    }

    #[inline(always)]
    fn at(&self, input: u32) -> Self {
        (input, self.1)
    }

    #[inline(always)]
    fn product(&self, weight: F) -> F {
        weight * self.1
    }
}

/// Neighbouring outputs of a layer.
#[derive(Clone, Copy)]
pub(crate) struct Tile<'a, F> {
    /// What is added to the currents at every step.
    pub(crate) bias: Option<&'a [F]>,
    /// The parameters of the neurons.
    pub(crate) neuron: &'a Neuron<F>,
    /// Whether they fire at all.
    pub(crate) fires: bool,
}

/// What surrounds the steps of a tile. A trait, since closures are not sure to be inlined and thus to get wide vectors.
pub(crate) trait Surroundings<F> {
    /// Writes the sums that a step's input causes.
    fn sum_up(&mut self, step: usize, sums: &mut [F]);

    /// Sees the potentials before the reset.
    fn charged(&mut self, step: usize, potentials: &[F]);

    /// Sees the potentials after it, and a bit for each neuron that fired.
    fn reset(&mut self, step: usize, potentials: &[F], fired: u64);
}

/// The sums `sum[i] = ((0 + w[i][j] x[j]) + w[i][k] x[k]) + …` of a tile that is `N` lanes wide.
///
/// `events` are ascending. Each sum has a lane of its own, so that vectors do not change the order of its terms.
#[inline(always)]
pub(crate) fn add_up<F: Real, E: Event<F>, const N: usize>(weights: &[[Lanes<F>; N]], events: &[E], sums: &mut [F]) {
    let mut tile = [[F::ZERO; LANES]; N];
    for event in events {
        for (lanes, column) in tile.iter_mut().zip(&weights[event.input()]) {
            for (sum, &weight) in lanes.iter_mut().zip(&column.0) {
                *sum = *sum + event.product(weight);
            }
        }
    }
    for (sums, lanes) in sums.as_chunks_mut::<LANES>().0.iter_mut().zip(tile) {
        for (sum, lane) in sums.iter_mut().zip(lanes) {
            *sum = lane;
        }
    }
}

impl<F: Real> Tile<'_, F> {
    /// Takes the neurons through `steps` steps.
    ///
    /// Ends at the first step at which a current or a potential is not finite, and returns it. The number of lanes is
    /// left to run time: loops of a fixed length would be unrolled before they are vectorised, and then badly so.
    #[inline(always)]
    pub(crate) fn run(
        &self,
        potentials: &mut [F],
        currents: &mut [F],
        steps: usize,
        surroundings: &mut impl Surroundings<F>,
    ) -> Option<usize> {
        for step in 0..steps {
            surroundings.sum_up(step, currents);
            add_bias(self.bias, currents);
            if !charge(self.neuron, potentials, currents) {
                return Some(step);
            }
            let charged = &*currents;
            surroundings.charged(step, charged);
            let fired = if self.fires {
                fire(self.neuron, charged, potentials)
            } else {
                potentials.copy_from_slice(charged);
                0
            };
            surroundings.reset(step, potentials, fired);
        }
        None
    }
}

/// The bias comes after all other terms.
#[inline(always)]
fn add_bias<F: Real>(bias: Option<&[F]>, currents: &mut [F]) {
    for (current, &bias) in currents.iter_mut().zip(bias.unwrap_or(&[])) {
        *current = *current + bias;
    }
}

/// Makes of the currents the charged potentials: those before it, which decay first where the neuron leaks, and the
/// current. False if one is no longer finite.
///
/// A current that is not finite makes the potential so: a finite number plus NaN or an infinity is never finite.
#[inline(always)]
fn charge<F: Real>(neuron: &Neuron<F>, potentials: &[F], currents: &mut [F]) -> bool {
    let mut finite = true;
    let pairs = potentials.iter().zip(currents);
    match neuron.decay {
        None => pairs.for_each(|(&potential, current)| {
            *current = potential + *current;
            finite &= current.is_finite();
        }),
        Some(decay) => pairs.for_each(|(&potential, current)| {
            *current = (decay * potential) + *current;
            finite &= current.is_finite();
        }),
    }
    finite
}

/// Resets the neurons that have reached the threshold, and returns a bit for each.
///
/// Charged potentials and those after the reset have different places: stored to one place, an unchanged potential would
/// need no store, and stores under a mask are slow.
#[inline(always)]
fn fire<F: Real>(neuron: &Neuron<F>, charged: &[F], potentials: &mut [F]) -> u64 {
    let threshold = neuron.threshold;
    match neuron.reset {
        Reset::Subtract => fire_with(threshold, |potential| potential - threshold, charged, potentials),
        Reset::Zero => fire_with(threshold, |_| F::ZERO, charged, potentials),
    }
}

#[inline(always)]
fn fire_with<F: Real>(threshold: F, reset: impl Fn(F) -> F, charged: &[F], potentials: &mut [F]) -> u64 {
    let mut fired = 0;
    for (lane, (&charged, potential)) in charged.iter().zip(potentials).enumerate() {
        let fires = charged >= threshold;
        fired |= u64::from(fires) << lane;
        *potential = if fires { reset(charged) } else { charged };
    }
    fired
}
