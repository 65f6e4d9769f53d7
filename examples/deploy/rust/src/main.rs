//! Classifies images with a network from a pair of files: `deploy BASE IMAGES STEPS`.
//!
//! IMAGES are little-endian binary64 numbers, one image after the other. A line per image: its class, and the
//! potentials of the output neurons as bit patterns.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use spikeparity::network::Network;
use spikeparity::pair::load_network;
use spikeparity::simulate::{simulate, Input, Record};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [base, images, steps] = arguments.as_slice() else {
        return Err("usage: deploy BASE IMAGES STEPS".into());
    };
    // A pair that breaks a rule is refused here, with the rule and the place.
    let network = load_network(Path::new(base))?;
    let images = numbers(&fs::read(images)?);
    let inputs = network.inputs().ok_or("the network takes inputs of any width")?;
    for image in images.chunks_exact(inputs) {
        let potentials = potentials(&network, image, steps.parse()?)?;
        let bits: Vec<String> = potentials.iter().map(|v| format!("{:016x}", v.to_bits())).collect();
        println!("{} {}", class(&potentials), bits.join(" "));
    }
    Ok(())
}

/// Reads little-endian binary64 numbers.
fn numbers(bytes: &[u8]) -> Vec<f64> {
    let words = bytes.chunks_exact(8).map(|word| word.try_into().expect("eight bytes"));
    words.map(f64::from_le_bytes).collect()
}

/// The output neurons' potentials after all steps, the image being presented at each.
fn potentials(network: &Network<f64>, image: &[f64], steps: u32) -> Result<Vec<f64>, Box<dyn Error>> {
    let mut run = simulate(network, Input::Constant(image), steps, Record::default())?;
    Ok(run.potential.pop().ok_or("the network has no layers")?)
}

/// The index of the largest, the lowest among equals.
fn class(potentials: &[f64]) -> usize {
    let mut best = 0;
    for (index, potential) in potentials.iter().enumerate() {
        if *potential > potentials[best] {
            best = index;
        }
    }
    best
}
