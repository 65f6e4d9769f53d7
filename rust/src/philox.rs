//! Deterministic spike trains: the counter-based generator Philox4x32-10 and Bernoulli spikes drawn from it.
//!
//! Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"; the constants are those of Random123.
#![forbid(unsafe_code)]

use std::ops::Range;

use crate::events::Events;
use crate::simd::{self, Level, Work};

const ROUNDS: usize = 10;
const MULTIPLIERS: [u32; 2] = [0xd251_1f53, 0xcd9e_8d57];
const KEY_STEPS: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];

/// 2^32, the number of values of a word.
const WORDS: f64 = 4_294_967_296.0;

/// The four words of Philox4x32-10 for a counter and a key.
pub fn philox4x32(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    philox(counter.map(u64::from), key).map(|word| word as u32)
}

/// Philox4x32-10 on words in 64 bits, of which the upper halves are left to chance: a product of two words needs as many,
/// and a loop over counters then becomes one of vectors.
#[inline(always)]
fn philox([mut a, mut b, mut c, mut d]: [u64; 4], mut key: [u32; 2]) -> [u64; 4] {
    for _ in 0..ROUNDS {
        let left = u64::from(MULTIPLIERS[0]) * low(a);
        let right = u64::from(MULTIPLIERS[1]) * low(c);
        a = (right >> 32) ^ b ^ u64::from(key[0]);
        b = right;
        c = (left >> 32) ^ d ^ u64::from(key[1]);
        d = left;
        key = [key[0].wrapping_add(KEY_STEPS[0]), key[1].wrapping_add(KEY_STEPS[1])];
    }
    [a, b, c, d]
}

/// The lower half.
#[inline(always)]
fn low(word: u64) -> u64 {
    word & u64::from(u32::MAX)
}

/// The spike trains of one sample: at each step, input i spikes with the probability `rates[i]`.
#[derive(Clone, Copy, Debug)]
pub struct SpikeTrains<'a> {
    /// The rate of each input, within 0 and 1.
    pub rates: &'a [f64],
    /// The seed, which with the sample number decides every spike.
    pub seed: u64,
    /// The number of the sample.
    pub sample: u64,
}

impl SpikeTrains<'_> {
    /// For each of the steps 0 … `steps` - 1 the ascending indices of the inputs that spike.
    pub fn spikes(&self, steps: u32) -> Vec<Vec<usize>> {
        simd::at(Level::widest(), Encoding { trains: *self, steps })
    }

    /// Adds to `events` a row of spikes for each of the steps.
    #[inline(always)]
    pub(crate) fn draw(&self, steps: Range<usize>, events: &mut Events) {
        let key = halves(self.seed);
        let sample = halves(self.sample);
        let limits = self.limits();
        let mut groups = vec![0; limits.len()];
        for step in steps {
            let step = step as u32;
            for (group, (fired, limits)) in groups.iter_mut().zip(&limits).enumerate() {
                let words = philox([step, group as u32, sample[0], sample[1]].map(u64::from), key);
                *fired = 0;
                for (index, (word, &limit)) in words.into_iter().zip(limits).enumerate() {
                    *fired |= u64::from(low(word) < limit) << index;
                }
            }
            events.extend_from_bits(groups.chunks(16).map(word_of));
            events.end_row();
        }
    }

    /// For each input, four at a time, the least number that is no spike: `word < rate * 2^32` is `word < limit`.
    ///
    /// The product is exact, and at most 2^32. What fills up the last four never spikes.
    fn limits(&self) -> Vec<[u64; 4]> {
        let limits = |rates: &[f64]| {
            let mut limits = [0; 4];
            for (limit, rate) in limits.iter_mut().zip(rates) {
                *limit = (rate * WORDS).ceil() as u64;
            }
            limits
        };
        self.rates.chunks(4).map(limits).collect()
    }
}

/// Sixteen groups of four bits as one word, the first lowest.
#[inline(always)]
fn word_of(groups: &[u64]) -> u64 {
    groups.iter().rev().fold(0, |word, group| word << 4 | group)
}

/// The low and the high word of a 64-bit number.
fn halves(number: u64) -> [u32; 2] {
    [number as u32, (number >> 32) as u32]
}

/// The spike trains of all steps, as work for [`simd`].
struct Encoding<'a> {
    trains: SpikeTrains<'a>,
    steps: u32,
}

impl Work for Encoding<'_> {
    type Output = Vec<Vec<usize>>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let mut events = Events::default();
        let steps = self.steps as usize;
        self.trains.draw(0..steps, &mut events);
        let row = |step| events.row(step).iter().map(|&spike| spike as usize).collect();
        (0..steps).map(row).collect()
    }
}
