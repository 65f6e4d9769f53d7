//! Spike trains.

use spikeparity::philox::{philox4x32, SpikeTrains};

/// From the distribution of Random123.
#[test]
fn known_answers() {
    let pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
    for (counter, key, words) in [
        ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
        (
            [u32::MAX; 4],
            [u32::MAX; 2],
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
        ),
        (
            pi,
            [0xa409_3822, 0x299f_31d0],
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
        ),
    ] {
        assert_eq!(philox4x32(counter, key), words);
    }
}

#[test]
fn a_spike_is_decided_by_the_word_of_its_seed_sample_step_and_input() {
    let rates: Vec<f64> = (0..203).map(|input| f64::from(input) / 202.0).collect();
    let (seed, sample) = (0x1234_5678_9abc, 0x10_0000_0003);
    let trains = SpikeTrains {
        rates: &rates,
        seed,
        sample,
    };
    for (step, spikes) in trains.spikes(5).into_iter().enumerate() {
        let fires = |&input: &usize| {
            let counter = [step as u32, input as u32 / 4, sample as u32, (sample >> 32) as u32];
            let word = philox4x32(counter, [seed as u32, (seed >> 32) as u32])[input % 4];
            f64::from(word) < rates[input] * 4294967296.0
        };
        assert_eq!(
            spikes,
            (0..rates.len()).filter(fires).collect::<Vec<_>>(),
            "step {step}"
        );
    }
}

#[test]
fn rate_1_always_fires_and_rate_0_never() {
    let rates = [1.0, 0.0, -0.0, 1.0];
    let trains = SpikeTrains {
        rates: &rates,
        seed: (1 << 53) - 1,
        sample: 7,
    };
    assert_eq!(trains.spikes(100), vec![vec![0, 3]; 100]);
    assert_eq!(
        SpikeTrains {
            rates: &[],
            seed: 0,
            sample: 0
        }
        .spikes(2),
        vec![vec![]; 2] as Vec<Vec<usize>>
    );
}

#[test]
fn the_comparison_is_strict_and_exact_at_the_word() {
    let word = philox4x32([0; 4], [0; 2])[0];
    let exactly = f64::from(word) / 4294967296.0;
    let spikes = |rate: f64| {
        SpikeTrains {
            rates: &[rate],
            seed: 0,
            sample: 0,
        }
        .spikes(1)[0]
            .len()
    };
    assert_eq!(spikes(exactly), 0);
    assert_eq!(spikes(exactly.next_up()), 1);
    assert_eq!(spikes(f64::from_bits(1)), 0);
}
