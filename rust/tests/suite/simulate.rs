//! The dynamics, bit for bit.

use std::cell::Cell;
use std::num::NonZeroUsize;

use spikeparity::network::{Layer, Network, Neuron, Readout, Reset};
use spikeparity::philox::SpikeTrains;
use spikeparity::real::Real;
use spikeparity::simd::Level;
use spikeparity::simulate::{
    simulate, simulate_at, simulate_batch, simulate_batch_while, Ended, Input, NonFinite, Record, Run,
};

const IF: Neuron<f64> = Neuron {
    threshold: 1.0,
    reset: Reset::Subtract,
    initial_potential: 0.0,
    decay: None,
};
const ALL: Record = Record {
    spikes: true,
    trace: true,
};

/// A network of one layer.
fn layer<F: Real>(weights: &[&[F]], bias: Option<&[F]>, neuron: Neuron<F>) -> Network<F> {
    let weight = |output: usize, input: usize| weights[output][input];
    let layer = Layer::pack(
        weights.len(),
        Some(weights[0].len()),
        weight,
        bias.map(<[F]>::to_vec),
        neuron,
    );
    Network::new(vec![layer], Readout::Spikes).unwrap()
}

fn constant(network: &Network<f64>, values: &[f64], steps: u32) -> Run<f64> {
    simulate(network, Input::Constant(values), steps, ALL).unwrap()
}

fn bits<F: Real>(values: &[F]) -> Vec<u64> {
    values.iter().map(|value| value.bits()).collect()
}

#[test]
fn the_worked_example_of_the_protocol() {
    let run = constant(&layer(&[&[0.5, 0.25]], Some(&[0.1]), IF), &[1.0, 1.0], 3);
    assert_eq!(run.counts, [[2]]);
    assert_eq!(run.spikes[0], [vec![], vec![0], vec![0]]);
    assert_eq!(bits(&run.potential[0]), [0x3fe1_9999_9999_9998]);
}

#[test]
fn a_neuron_fires_exactly_at_its_threshold_and_not_one_ulp_below() {
    for (weight, count) in [(1.0f64, 1), (1.0f64.next_down(), 0), (1.0f64.next_up(), 1)] {
        assert_eq!(
            constant(&layer(&[&[weight]], None, IF), &[1.0], 1).counts,
            [[count]],
            "{weight:e}"
        );
    }
}

#[test]
fn at_most_one_spike_per_step_and_the_rest_stays() {
    let run = constant(&layer(&[&[2.5]], None, IF), &[1.0], 2);
    assert_eq!((run.counts, run.potential), (vec![vec![2]], vec![vec![3.0]]));
}

#[test]
fn a_reset_to_zero_forgets_the_rest() {
    let run = constant(
        &layer(
            &[&[2.5]],
            None,
            Neuron {
                reset: Reset::Zero,
                ..IF
            },
        ),
        &[1.0],
        2,
    );
    assert_eq!((run.counts[0][0], run.potential[0][0].to_bits()), (2, 0));
}

#[test]
fn leaky_neurons_decay_before_they_charge() {
    let lif = |decay| Neuron {
        decay: Some(decay),
        initial_potential: 0.9,
        ..IF
    };
    let potential = |decay| constant(&layer(&[&[0.05]], None, lif(decay)), &[1.0], 1).potential[0][0];
    assert_eq!(potential(0.9).to_bits(), (0.9f64 * 0.9 + 0.05).to_bits());
    assert_eq!(potential(0.0), 0.05);
    assert_eq!(potential(1.0), 0.9 + 0.05);
    assert_eq!(potential(-0.0), 0.05);
}

#[test]
fn a_current_of_zero_clears_the_sign_of_zero() {
    let silent = layer(
        &[&[1.0]],
        None,
        Neuron {
            initial_potential: -0.0,
            ..IF
        },
    );
    assert_eq!(constant(&silent, &[-0.0], 1).potential[0][0].to_bits(), 0);
    let run = simulate(&silent, Input::Spikes(&[vec![]]), 1, ALL).unwrap();
    assert_eq!(run.potential[0][0].to_bits(), 0);
}

#[test]
fn terms_are_added_in_ascending_order_and_the_bias_last() {
    let run = constant(&layer(&[&[1e16, 1.0, -1e16]], Some(&[0.25]), IF), &[1.0; 3], 1);
    assert_eq!(run.trace[0][0].before, [0.25]);
    let run = constant(&layer(&[&[1e16, -1e16, 1.0]], Some(&[0.25]), IF), &[1.0; 3], 1);
    assert_eq!(run.trace[0][0].before, [1.25]);
}

#[test]
fn products_and_sums_are_rounded_separately_at_every_level() {
    // (1 + 2^-27)^2 = 1 + 2^-26 + 2^-54: rounding the product drops the last term, a fused multiply-add keeps it.
    let (a, due) = (1.0 + 2f64.powi(-27), 2f64.powi(-26));
    let network = layer(&[&[-1.0, a] as &[f64]; 45], None, IF);
    let leaky = layer(
        &[&[0.0] as &[f64]; 45],
        Some(&[-a; 45]),
        Neuron {
            decay: Some(1.0 - due / 2.0),
            initial_potential: a,
            threshold: 2.0,
            ..IF
        },
    );
    let leaked = (1.0 - due / 2.0) * a;
    assert_ne!((1.0 - due / 2.0).mul_add(a, -a).to_bits(), (leaked - a).to_bits());
    for level in Level::available() {
        let run = simulate_at(level, &network, Input::Constant(&[1.0, a]), 1, ALL).unwrap();
        assert_eq!(run.potential[0], [due; 45], "{level:?}");
        let run = simulate_at(level, &leaky, Input::Constant(&[0.0]), 1, ALL).unwrap();
        assert_eq!(bits(&run.potential[0]), bits(&[leaked - a; 45]), "{level:?}");
    }
}

#[test]
fn subnormals_are_kept() {
    let tiny = f64::from_bits(1);
    let network = layer(
        &[&[tiny]],
        None,
        Neuron {
            threshold: f64::from_bits(3),
            ..IF
        },
    );
    assert_eq!(constant(&network, &[1.0], 3).spikes[0], [vec![], vec![], vec![0]]);
}

#[test]
fn a_membrane_readout_never_fires() {
    let network = Network::new(layer(&[&[2.0]], None, IF).layers().to_vec(), Readout::Membrane).unwrap();
    let run = constant(&network, &[1.0], 3);
    assert_eq!((&run.counts[0], &run.potential[0]), (&vec![0], &vec![6.0]));
    assert_eq!(run.spikes[0], vec![Vec::<usize>::new(); 3]);
    assert!(run.trace[0].iter().all(|moment| moment.before == moment.after));
}

#[test]
fn layers_pass_their_spikes_on_within_the_step() {
    let first = layer(&[&[1.0], &[0.5]], None, IF);
    let second = layer(&[&[0.25, 0.75]], None, IF);
    let network = Network::new([first.layers(), second.layers()].concat(), Readout::Spikes).unwrap();
    let run = constant(&network, &[1.0], 2);
    assert_eq!(run.spikes, [vec![vec![0], vec![0, 1]], vec![vec![], vec![0]]]);
}

#[test]
fn what_is_not_finite_ends_the_run_at_its_first_step_and_layer() {
    let huge = layer(
        &[&[1e308, 1e308]],
        None,
        Neuron {
            threshold: 1e308,
            reset: Reset::Zero,
            ..IF
        },
    );
    let fault = |values: &[f64], steps| simulate(&huge, Input::Constant(values), steps, ALL).unwrap_err();
    assert_eq!(fault(&[1.0, 1.0], 1), NonFinite { step: 0, layer: 0 });
    assert_eq!(fault(&[10.0, -10.0], 1), NonFinite { step: 0, layer: 0 });
    let two = Network::new(
        [
            layer(&[&[1.0]], None, IF).layers(),
            layer(
                &[&[1e308]],
                None,
                Neuron {
                    threshold: f64::MAX,
                    ..IF
                },
            )
            .layers(),
        ]
        .concat(),
        Readout::Spikes,
    );
    let fault = simulate(&two.unwrap(), Input::Constant(&[1.0]), 9, ALL).unwrap_err();
    assert_eq!(fault, NonFinite { step: 1, layer: 1 });
    assert_eq!(spikeparity::Rejection::from(fault).path, "/network/layers/1");
}

#[test]
fn in_binary32_too_products_and_sums_are_rounded_separately() {
    // As above with (1 + 2^-13)^2 = 1 + 2^-12 + 2^-26.
    let (a, due) = (1.0 + 2f32.powi(-13), 2f32.powi(-12));
    let neuron = Neuron {
        decay: Some(1.0 - due / 2.0),
        initial_potential: a,
        ..IF.rounded()
    };
    let network = layer(&[&[-1.0, a] as &[f32]; 85], None, IF.rounded());
    let leaky = layer(
        &[&[0.0f32] as &[f32]; 85],
        Some(&[-a; 85]),
        Neuron {
            threshold: 2.0,
            ..neuron
        },
    );
    let leaked = (1.0 - due / 2.0) * a;
    assert_ne!((1.0 - due / 2.0).mul_add(a, -a).to_bits(), (leaked - a).to_bits());
    for level in Level::available() {
        let run = simulate_at(level, &network, Input::Constant(&[1.0, a]), 1, ALL).unwrap();
        assert_eq!(run.potential[0], [due; 85], "{level:?}");
        let run = simulate_at(level, &leaky, Input::Constant(&[0.0]), 1, ALL).unwrap();
        assert_eq!(bits(&run.potential[0]), bits(&[leaked - a; 85]), "{level:?}");
    }
}

#[test]
fn subnormals_of_binary32_are_kept() {
    let tiny = f32::from_bits(1);
    let neuron = Neuron {
        threshold: f32::from_bits(3),
        ..IF.rounded()
    };
    let run = simulate(&layer(&[&[tiny]], None, neuron), Input::Constant(&[1.0]), 3, ALL).unwrap();
    assert_eq!(run.spikes[0], [vec![], vec![], vec![0]]);
}

#[test]
fn a_run_goes_on_as_long_as_it_may() {
    let network = layer(&[&[0.5, 0.25] as &[f64]; 40], None, IF);
    let rates = [0.5, 0.75];
    let inputs: Vec<_> = (0..6)
        .map(|sample| {
            Input::Poisson(SpikeTrains {
                rates: &rates,
                seed: 1,
                sample,
            })
        })
        .collect();
    for threads in [1, 2, 3].map(|threads| NonZeroUsize::new(threads).unwrap()) {
        let run = |steps, go_on: &dyn Fn() -> bool| {
            simulate_batch_while(&network, &inputs, steps, Record::default(), threads, go_on)
        };
        let due = simulate_batch(&network, &inputs, 700, Record::default(), threads).unwrap();
        assert_eq!(run(700, &|| true), Ok(due));
        // It would take a minute.
        let asked = Cell::new(0);
        let go_on = || asked.replace(asked.get() + 1) < 1;
        assert_eq!(run(1 << 20, &go_on), Err(Ended::Interrupted), "{threads} threads");
        assert_eq!(asked.get(), 2, "nobody is asked once the answer was no");
    }
}

/// A small generator for test data, unlike the one under test (Steele et al. 2014, SplitMix64).
fn noise(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64 - 0.5
}

/// What the contract says, in plain loops over a dense layer; every input is multiplied, zeros included.
fn plainly<F: Real>(weights: &[Vec<F>], bias: &[F], neuron: Neuron<F>, inputs: &[Vec<F>]) -> (Vec<u32>, Vec<F>) {
    let mut potentials = vec![neuron.initial_potential; weights.len()];
    let mut counts = vec![0; weights.len()];
    for input in inputs {
        for (output, row) in weights.iter().enumerate() {
            let mut current = F::ZERO;
            for (&weight, &value) in row.iter().zip(input) {
                let product = weight * value;
                current = current + product;
            }
            current = current + bias[output];
            let kept = neuron
                .decay
                .map_or(potentials[output], |decay| decay * potentials[output]);
            let charged = kept + current;
            let fires = charged >= neuron.threshold;
            counts[output] += u32::from(fires);
            potentials[output] = match (fires, neuron.reset) {
                (false, _) => charged,
                (true, Reset::Subtract) => charged - neuron.threshold,
                (true, Reset::Zero) => F::ZERO,
            };
        }
    }
    (counts, potentials)
}

#[test]
fn a_run_longer_than_a_block_of_steps_is_one_run() {
    let (weights, bias, steps) = ([vec![0.3, 0.7], vec![-0.2, 0.45]], [0.01, 0.02], 10_000);
    let rates = [0.4, 0.6];
    let trains = SpikeTrains {
        rates: &rates,
        seed: 3,
        sample: 0,
    };
    let raster: Vec<Vec<f64>> = trains
        .spikes(steps)
        .iter()
        .map(|step| {
            let spike = |input| if step.contains(&input) { 1.0 } else { 0.0 };
            vec![spike(0), spike(1)]
        })
        .collect();
    let leaky = Neuron {
        decay: Some(0.97),
        ..IF
    };
    let network = layer(&[&weights[0], &weights[1]], Some(&bias), leaky);
    let run = simulate(&network, Input::Poisson(trains), steps, Record::default()).unwrap();
    let (counts, potentials) = plainly(&weights, &bias, leaky, &raster);
    assert!(counts[0] > 0 && counts[1] > 0);
    assert_eq!((&run.counts[0], bits(&run.potential[0])), (&counts, bits(&potentials)));
}

#[test]
fn every_level_gives_the_same_bits_as_plain_loops() {
    same_bits_at_every_level::<f64>();
}

#[test]
fn every_level_gives_the_same_bits_as_plain_loops_in_binary32() {
    same_bits_at_every_level::<f32>();
}

fn same_bits_at_every_level<F: Real>() {
    let mut state = 7;
    let steps = 12;
    for outputs in [1, 7, 8, 9, 31, 32, 33, 40, 100] {
        let inputs = 37;
        let weights: Vec<Vec<F>> = (0..outputs)
            .map(|_| (0..inputs).map(|_| F::from_binary64(noise(&mut state))).collect())
            .collect();
        let bias: Vec<F> = (0..outputs)
            .map(|_| F::from_binary64(noise(&mut state) / 8.0))
            .collect();
        let value = |input| if input % 3 == 0 { 0.0 } else { noise(&mut state) };
        let values: Vec<F> = (0..inputs).map(value).map(F::from_binary64).collect();
        let rates: Vec<f64> = (0..inputs).map(|_| noise(&mut state) + 0.5).collect();
        let trains = SpikeTrains {
            rates: &rates,
            seed: 11,
            sample: 5,
        };
        let spikes = trains.spikes(steps);
        let spike = |step: &Vec<usize>, input| if step.contains(&input) { F::ONE } else { F::ZERO };
        let raster: Vec<Vec<F>> = spikes
            .iter()
            .map(|step| (0..inputs).map(|input| spike(step, input)).collect())
            .collect();
        let bytes: Vec<u8> = raster
            .iter()
            .flatten()
            .map(|&value| u8::from(value == F::ONE))
            .collect();
        for (decay, reset) in [(None, Reset::Subtract), (Some(0.9), Reset::Zero)] {
            let neuron = Neuron {
                threshold: 0.3,
                reset,
                initial_potential: 0.01,
                decay,
            };
            let neuron = neuron.rounded::<F>();
            let rows: Vec<&[F]> = weights.iter().map(Vec::as_slice).collect();
            let network = layer(&rows, Some(&bias), neuron);
            let on_values = plainly(&weights, &bias, neuron, &vec![values.clone(); steps as usize]);
            let on_spikes = plainly(&weights, &bias, neuron, &raster);
            for level in Level::available() {
                let run = |input| {
                    let run = simulate_at(level, &network, input, steps, Record::default()).unwrap();
                    (run.counts[0].clone(), bits(&run.potential[0]))
                };
                let due = |plain: &(Vec<u32>, Vec<F>)| (plain.0.clone(), bits(&plain.1));
                assert_eq!(run(Input::Constant(&values)), due(&on_values), "{level:?} {outputs}");
                assert_eq!(run(Input::Spikes(&spikes)), due(&on_spikes), "{level:?} {outputs}");
                assert_eq!(run(Input::Raster(&bytes)), due(&on_spikes), "{level:?} {outputs}");
                assert_eq!(run(Input::Poisson(trains)), due(&on_spikes), "{level:?} {outputs}");
            }
        }
    }
}
