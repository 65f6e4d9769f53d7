//! Deterministic spike trains: the counter-based generator Philox4x32-10 and Bernoulli spikes drawn from it.
//!
//! Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"; the constants are those of Random123.
#![forbid(unsafe_code)]

use crate::simd::{self, Level, Work};

const ROUNDS: usize = 10;
const MULTIPLIERS: [u32; 2] = [0xd251_1f53, 0xcd9e_8d57];
const KEY_STEPS: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];

/// 2^32, the number of values of a word.
const WORDS: f64 = 4_294_967_296.0;

/// How many counters are worked on at once: vectors of 512 bits hold eight 64-bit products.
const LANES: usize = 8;

/// One word of each lane's counter.
type Lanes<const N: usize> = [u32; N];

/// The four words of Philox4x32-10 for a counter and a key.
pub fn philox4x32(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    philox_lanes(counter.map(|word| [word]), key).map(|[word]| word)
}

/// Philox4x32-10 for `N` counters and one key.
#[inline(always)]
fn philox_lanes<const N: usize>(counter: [Lanes<N>; 4], mut key: [u32; 2]) -> [Lanes<N>; 4] {
    let [mut a, mut b, mut c, mut d] = counter;
    for _ in 0..ROUNDS {
        for lane in 0..N {
            let left = u64::from(MULTIPLIERS[0]) * u64::from(a[lane]);
            let right = u64::from(MULTIPLIERS[1]) * u64::from(c[lane]);
            a[lane] = (right >> 32) as u32 ^ b[lane] ^ key[0];
            b[lane] = right as u32;
            c[lane] = (left >> 32) as u32 ^ d[lane] ^ key[1];
            d[lane] = left as u32;
        }
        key = [key[0].wrapping_add(KEY_STEPS[0]), key[1].wrapping_add(KEY_STEPS[1])];
    }
    [a, b, c, d]
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

    /// Replaces `spikes` by the ascending indices of the inputs that spike at `step`.
    #[inline(always)]
    pub(crate) fn spikes_at(&self, step: u32, spikes: &mut Vec<usize>) {
        let key = halves(self.seed);
        let [low, high] = halves(self.sample);
        spikes.resize(self.rates.len(), 0);
        let mut count = 0;
        for (block, rates) in self.rates.chunks(4 * LANES).enumerate() {
            let group: Lanes<LANES> = std::array::from_fn(|lane| (block * LANES + lane) as u32);
            let words = philox_lanes([[step; LANES], group, [low; LANES], [high; LANES]], key);
            for (index, rate) in rates.iter().enumerate() {
                // Both sides are exact. Storing every index and counting only spikes avoids a branch on noise.
                spikes[count] = block * 4 * LANES + index;
                count += usize::from(f64::from(words[index % 4][index / 4]) < rate * WORDS);
            }
        }
        spikes.truncate(count);
    }
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
        let mut spikes = Vec::new();
        let train = |step| {
            self.trains.spikes_at(step, &mut spikes);
            spikes.clone()
        };
        (0..self.steps).map(train).collect()
    }
}
