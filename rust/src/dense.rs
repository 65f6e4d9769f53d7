//! Dense weights, packed by tiles of outputs.
#![forbid(unsafe_code)]

use std::array::from_fn;

use crate::kernel::{add_up, Event};
use crate::real::Real;
use crate::simd::Level;

/// Outputs are padded to a multiple of this many, so that a kernel needs no code for remainders.
pub(crate) const LANES: usize = 16;

/// The weights of an input for some outputs. Whole cache lines: a load that crosses two costs twice.
#[derive(Clone, Debug, PartialEq)]
#[repr(align(64))]
pub(crate) struct Lanes<F>(pub(crate) [F; LANES]);

/// [`Lanes`] of the widest tile.
pub(crate) const WIDEST: usize = 4;

/// Lanes of most tiles: as many outputs as four vectors of the machine have (measured by `scripts/bench_kernels.py`).
fn most_lanes<F>() -> usize {
    let vectors = 4 * Level::widest().vector_bytes();
    (vectors / size_of::<Lanes<F>>()).clamp(1, WIDEST)
}

/// A matrix of weights (output, input), packed for sums over inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense<F> {
    inputs: Option<usize>,
    outputs: usize,
    /// Tile after tile, and within a tile input after input.
    weights: Vec<Lanes<F>>,
}

impl<F: Real> Dense<F> {
    /// Packs the weights `weight(output, input)`. `inputs` may be left open where there are no outputs.
    pub(crate) fn pack(outputs: usize, inputs: Option<usize>, weight: impl Fn(usize, usize) -> F) -> Self {
        let mut dense = Dense {
            inputs,
            outputs,
            weights: Vec::new(),
        };
        let entry = |output, input| {
            if output < outputs {
                weight(output, input)
            } else {
                F::ZERO
            }
        };
        let mut weights = Vec::with_capacity(dense.stride() / LANES * inputs.unwrap_or(0));
        for (start, lanes) in dense.tiles() {
            for input in 0..inputs.unwrap_or(0) {
                let column = (0..lanes).map(|lane| start + lane * LANES);
                weights.extend(column.map(|first| Lanes(from_fn(|lane| entry(first + lane, input)))));
            }
        }
        dense.weights = weights;
        dense
    }

    /// The number of inputs; none where there are no outputs and any input is taken.
    pub fn inputs(&self) -> Option<usize> {
        self.inputs
    }

    /// The number of outputs.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The weight of an input for an output.
    pub fn weight(&self, output: usize, input: usize) -> F {
        assert!(output < self.outputs, "output {output} of {}", self.outputs);
        let (start, lanes) = tile_of(output, self.stride(), most_lanes::<F>());
        let first = start / LANES * self.inputs.unwrap_or(0) + input * lanes;
        self.weights[first + (output - start) / LANES].0[output % LANES]
    }

    /// The first weight, output by output, that is not finite.
    pub(crate) fn non_finite(&self) -> Option<(usize, usize)> {
        // Looked for in the order of a document only where there is something to find.
        let mut packed = self.weights.iter().flat_map(|lanes| &lanes.0);
        if packed.all(|weight| weight.is_finite()) {
            return None;
        }
        let inputs = self.inputs.unwrap_or(0);
        let mut places = (0..self.outputs).flat_map(|output| (0..inputs).map(move |input| (output, input)));
        places.find(|&(output, input)| !self.weight(output, input).is_finite())
    }

    /// The number of outputs, padded to whole tiles.
    pub(crate) fn stride(&self) -> usize {
        self.outputs.next_multiple_of(LANES)
    }

    /// The first output of every tile, and how many [`Lanes`] wide it is.
    pub(crate) fn tiles(&self) -> impl Iterator<Item = (usize, usize)> {
        let stride = self.stride();
        let most = most_lanes::<F>();
        let first = (stride > 0).then(|| tile_of(0, stride, most));
        std::iter::successors(first, move |&(start, lanes)| {
            let next = start + lanes * LANES;
            (next < stride).then(|| tile_of(next, stride, most))
        })
    }

    /// The weights of the tile that begins at output `start`, `N` lanes for each input.
    pub(crate) fn tile<const N: usize>(&self, start: usize) -> &[[Lanes<F>; N]] {
        let inputs = self.inputs.unwrap_or(0);
        self.weights[start / LANES * inputs..][..N * inputs].as_chunks().0
    }

    /// The sums of the tile at `start`, `lanes` wide, that events cause.
    #[inline(always)]
    pub(crate) fn add_up_tile<E: Event<F>>(&self, (start, lanes): (usize, usize), events: &[E], sums: &mut [F]) {
        match lanes {
            WIDEST => add_up(self.tile::<WIDEST>(start), events, sums),
            2 => add_up(self.tile::<2>(start), events, sums),
            _ => add_up(self.tile::<1>(start), events, sums),
        }
    }

    /// The sums of all outputs, padded, that events cause.
    #[inline(always)]
    pub(crate) fn add_up<E: Event<F>>(&self, events: &[E], sums: &mut [F]) {
        for (start, lanes) in self.tiles() {
            self.add_up_tile((start, lanes), events, &mut sums[start..][..lanes * LANES]);
        }
    }
}

impl Dense<f64> {
    /// The same weights, each rounded once.
    pub(crate) fn rounded<F: Real>(&self) -> Dense<F> {
        Dense::pack(self.outputs, self.inputs, |output, input| {
            F::from_binary64(self.weight(output, input))
        })
    }
}

/// The first output of the tile that an output is in, and how many lanes wide it is: `most`, which is a power of two, or
/// towards the end of the layer half of that, and half of that again.
fn tile_of(output: usize, stride: usize, most: usize) -> (usize, usize) {
    let mut start = output / (most * LANES) * (most * LANES);
    let mut lanes = most;
    while start + lanes * LANES > stride || start + lanes * LANES <= output {
        if start + lanes * LANES <= output {
            start += lanes * LANES;
        }
        lanes /= 2;
    }
    (start, lanes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_wide_and_towards_the_end_narrower() {
        let tiles = |stride: usize, most: usize| {
            let mut tiles: Vec<_> = (0..stride).map(|output| tile_of(output, stride, most)).collect();
            tiles.dedup();
            tiles
        };
        assert_eq!(tiles(48, 1), [(0, 1), (16, 1), (32, 1)]);
        assert_eq!(tiles(48, 2), [(0, 2), (32, 1)]);
        assert_eq!(tiles(64, 4), [(0, 4)]);
        assert_eq!(tiles(16 * 7, 4), [(0, 4), (64, 2), (96, 1)]);
        assert_eq!(tiles(16 * 5, 4), [(0, 4), (64, 1)]);
        assert_eq!(tiles(16 * 6, 4), [(0, 4), (64, 2)]);
    }

    #[test]
    fn a_weight_is_found_whatever_the_tiles() {
        let weight = |output: usize, input: usize| (output * 3 + input) as f64;
        let dense = Dense::pack(100, Some(3), weight);
        let binary32 = dense.rounded::<f32>();
        for (output, input) in (0..100).flat_map(|output| (0..3).map(move |input| (output, input))) {
            assert_eq!(dense.weight(output, input), weight(output, input));
            assert_eq!(f64::from(binary32.weight(output, input)), weight(output, input));
        }
    }
}
