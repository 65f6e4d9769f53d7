//! Runs the workload of `scripts/bench_kernels.py` in process; `scripts/bench/workload.h` tells the format of the files.
//!
//! For every line of standard input, the number of threads, it runs once and answers with the seconds that passed; for
//! `save` it writes the result of the last run.

use std::error::Error;
use std::io::stdin;
use std::num::NonZeroUsize;
use std::time::Instant;
use std::{env, fs};

use spikeparity::network::{Layer, Network, Neuron, Readout, Reset};
use spikeparity::simulate::{simulate_batch, Input, Record, Run};

const NEURON: Neuron<f64> = Neuron {
    threshold: 1.0,
    reset: Reset::Subtract,
    initial_potential: 0.0,
    decay: None,
};

/// Numbers of a file, taken from its front.
struct Numbers(Vec<u8>, usize);

impl Numbers {
    fn take<T, const N: usize>(&mut self, count: usize, read: fn([u8; N]) -> T) -> Vec<T> {
        let bytes = &self.0[self.1..][..count * N];
        self.1 += count * N;
        bytes.as_chunks().0.iter().map(|&number| read(number)).collect()
    }

    fn layer(&mut self, outputs: usize, inputs: usize) -> Layer<f64> {
        let weights = self.take(outputs * inputs, f64::from_le_bytes);
        Layer::pack(
            outputs,
            Some(inputs),
            |output, input| weights[output * inputs + input],
            None,
            NEURON,
        )
    }
}

fn bytes_of(runs: &[Run<f64>]) -> Vec<u8> {
    let counts = runs
        .iter()
        .flat_map(|run| &run.counts[1])
        .flat_map(|&count| i64::from(count).to_le_bytes());
    let potential = |layer: usize| {
        runs.iter()
            .flat_map(move |run| &run.potential[layer])
            .flat_map(|v| v.to_le_bytes())
    };
    counts.chain(potential(0)).chain(potential(1)).collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<_> = env::args().skip(1).collect();
    let [workload, result] = &paths[..] else {
        return Err("usage: measure WORKLOAD RESULT".into());
    };
    let mut numbers = Numbers(fs::read(workload)?, 0);
    let sizes = numbers.take(5, |number| i64::from_le_bytes(number) as usize);
    let &[inputs, hidden, outputs, samples, steps] = &sizes[..] else {
        return Err("the workload has no sizes".into());
    };
    let network = Network::new(
        vec![numbers.layer(hidden, inputs), numbers.layer(outputs, hidden)],
        Readout::Spikes,
    )?;
    let offsets = numbers.take(samples * steps + 1, |number| i64::from_le_bytes(number) as usize);
    let events = numbers.take(offsets[samples * steps], |number| i32::from_le_bytes(number) as usize);
    let trains: Vec<Vec<usize>> = offsets
        .windows(2)
        .map(|step| events[step[0]..step[1]].to_vec())
        .collect();
    let inputs: Vec<_> = trains.chunks(steps).map(Input::Spikes).collect();
    let mut runs = Vec::new();
    for line in stdin().lines() {
        let line = line?;
        if line == "save" {
            fs::write(result, bytes_of(&runs))?;
            println!("saved");
            continue;
        }
        let threads: NonZeroUsize = line.parse()?;
        let start = Instant::now();
        runs = simulate_batch(&network, &inputs, steps as u32, Record::default(), threads)?;
        let seconds = start.elapsed().as_secs_f64();
        println!("{seconds:.9}");
    }
    Ok(())
}
