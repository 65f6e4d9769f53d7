//! Networks of convolutions, pools, flattenings and sums, bit for bit as plain loops over the text of the contract.

use std::fmt::{Display, Write};

use spikeparity::network::{Network, Readout};
use spikeparity::pair::{load_checkpoint, load_network, save_network, Compression, LoadError};
use spikeparity::real::Real;
use spikeparity::shape::Shape;
use spikeparity::simd::Level;
use spikeparity::simulate::{simulate, simulate_at, Input, NonFinite, Record};

use crate::artefact::Folder;
use crate::{answer, assert_faults};

const NEURON: &str = r#"{"model":"if","threshold":0.5}"#;

/// A small generator for test data (Steele et al. 2014, SplitMix64).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    }

    fn numbers(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.next()).collect()
    }
}

/// A list of items in the form of JSON.
fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    format!("[{}]", items.join(","))
}

/// Numbers in an array of four dimensions.
fn nested(numbers: &[f64], [_, inputs, height, width]: [usize; 4]) -> String {
    let image = |numbers: &[f64]| {
        list(
            numbers
                .chunks(width)
                .map(|row| list(row.iter().map(|x| format!("{x:?}")))),
        )
    };
    list(
        numbers
            .chunks(inputs * height * width)
            .map(|numbers| list(numbers.chunks(height * width).map(image))),
    )
}

/// A convolution, and the shape of the images that it takes.
#[derive(Clone, Debug)]
struct Conv {
    input: [usize; 3],
    weights: Vec<f64>,
    shape: [usize; 4],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
    groups: usize,
}

impl Conv {
    fn output(&self) -> [usize; 3] {
        let along = |axis: usize| {
            let span = self.dilation[axis] * (self.shape[axis + 2] - 1) + 1;
            (self.input[axis + 1] + 2 * self.padding[axis] - span) / self.stride[axis] + 1
        };
        [self.shape[0], along(0), along(1)]
    }

    /// The members of a layer or a branch.
    fn members(&self) -> String {
        format!(
            r#""kind":"conv2d","weights":{},"stride":{},"padding":{},"dilation":{},"groups":{}"#,
            nested(&self.weights, self.shape),
            list(self.stride),
            list(self.padding),
            list(self.dilation),
            self.groups
        )
    }

    /// The currents, element by element, zeros included.
    fn currents<F: Real>(&self, values: &[F]) -> Vec<F> {
        let ([channels, height, width], [outputs, down, across]) = (self.input, self.output());
        let [_, inputs, kernel_height, kernel_width] = self.shape;
        let mut currents = Vec::new();
        for (o, y, x) in (0..outputs).flat_map(|o| (0..down).flat_map(move |y| (0..across).map(move |x| (o, y, x)))) {
            let first = o / (outputs / self.groups) * (channels / self.groups);
            let mut sum = F::ZERO;
            for (c, i, j) in (0..inputs)
                .flat_map(|c| (0..kernel_height).flat_map(move |i| (0..kernel_width).map(move |j| (c, i, j))))
            {
                let row = (y * self.stride[0] + i * self.dilation[0]).checked_sub(self.padding[0]);
                let column = (x * self.stride[1] + j * self.dilation[1]).checked_sub(self.padding[1]);
                let (Some(row), Some(column)) = (row, column) else {
                    continue;
                };
                if row < height && column < width {
                    let weight = self.weights[((o * inputs + c) * kernel_height + i) * kernel_width + j];
                    sum = sum + F::from_binary64(weight) * values[((first + c) * height + row) * width + column];
                }
            }
            currents.push(sum);
        }
        currents
    }
}

/// The means of windows of 2 by 3 elements, 2 apart.
fn pool<F: Real>(values: &[F], [channels, height, width]: [usize; 3]) -> Vec<F> {
    let mut means = Vec::new();
    for (c, y, x) in (0..channels)
        .flat_map(|c| (0..=(height - 2) / 2).flat_map(move |y| (0..=(width - 3) / 2).map(move |x| (c, y, x))))
    {
        let mut sum = F::ZERO;
        for (i, j) in (0..2).flat_map(|i| (0..3).map(move |j| (i, j))) {
            sum = sum + values[(c * height + 2 * y + i) * width + 2 * x + j];
        }
        means.push(sum / F::from_binary64(6.0));
    }
    means
}

/// Adds currents to potentials with a bias per channel; the answer is the spikes, as numbers.
fn fire<F: Real>(potentials: &mut [F], currents: &[F], bias: &[f64]) -> Vec<F> {
    let (area, threshold) = (currents.len() / bias.len(), F::from_binary64(0.5));
    let step = |(index, potential): (usize, &mut F)| {
        *potential = *potential + (currents[index] + F::from_binary64(bias[index / area]));
        let fires = *potential >= threshold;
        if fires {
            *potential = *potential - threshold;
        }
        if fires {
            F::ONE
        } else {
            F::ZERO
        }
    };
    potentials.iter_mut().enumerate().map(step).collect()
}

/// A convolution `a`, a pool of it; a sum of a convolution of `a`, `a` twice itself and again a convolution of the input;
/// a pool of that, flattened, and a dense layer that is read by its membrane.
struct World {
    first: Conv,
    second: Conv,
    shortcut: Conv,
    biases: [Vec<f64>; 2],
    dense: Vec<f64>,
}

impl World {
    const IDENTITY: f64 = 0.3;
    const OUTPUTS: usize = 5;

    fn new(noise: &mut Noise, first: Conv) -> Self {
        let middle = first.output();
        let conv = |noise: &mut Noise, shape: [usize; 4], input, groups, padding, stride| Conv {
            input,
            weights: noise.numbers(shape.iter().product()),
            shape,
            stride,
            padding,
            dilation: [1, 1],
            groups,
        };
        let second = conv(noise, [middle[0], middle[0], 3, 3], middle, 1, [1, 1], [1, 1]);
        let shortcut = Conv {
            weights: noise.numbers(first.weights.len()),
            ..first.clone()
        };
        let pooled = middle[0] * ((middle[1] - 2) / 2 + 1) * ((middle[2] - 3) / 2 + 1);
        World {
            biases: [noise.numbers(middle[0]), noise.numbers(middle[0])],
            dense: noise.numbers(Self::OUTPUTS * pooled),
            first,
            second,
            shortcut,
        }
    }

    fn document(&self) -> String {
        let pooled = self.dense.len() / Self::OUTPUTS;
        let mut text = format!(
            r#"{{"readout":"membrane","input_shape":{},"layers":["#,
            list(self.first.input)
        );
        let bias = |layer: usize| list(self.biases[layer].iter().map(|x| format!("{x:?}")));
        write!(
            text,
            r#"{{"name":"a","bias":{},"neuron":{NEURON},{}}},"#,
            bias(0),
            self.first.members()
        )
        .unwrap();
        write!(
            text,
            r#"{{"kind":"sum","bias":{},"neuron":{NEURON},"inputs":[{{"from":"a",{}}},
                {{"kind":"identity","from":"a","weight":{}}},{{"from":"input",{}}}]}},"#,
            bias(1),
            self.second.members(),
            Self::IDENTITY,
            self.shortcut.members()
        )
        .unwrap();
        text.push_str(r#"{"kind":"avgpool2d","kernel":[2,3],"stride":[2,2]},{"kind":"flatten"},"#);
        let rows = self
            .dense
            .chunks(pooled)
            .map(|row| list(row.iter().map(|x| format!("{x:?}"))));
        write!(text, r#"{{"neuron":{NEURON},"weights":{}}}]}}"#, list(rows)).unwrap();
        text
    }

    /// The potentials of the three layers with neurons, and the spikes of the first two, after all steps.
    fn plainly<F: Real>(&self, inputs: &[Vec<F>]) -> (Vec<Vec<F>>, Vec<u32>) {
        let middle = self.first.output();
        let mut potentials = vec![vec![F::ZERO; middle.iter().product()]; 2];
        potentials.push(vec![F::ZERO; Self::OUTPUTS]);
        let mut counts = vec![0; 2];
        for input in inputs {
            let a = fire(&mut potentials[0], &self.first.currents(input), &self.biases[0]);
            let (conv, shortcut) = (self.second.currents(&a), self.shortcut.currents(input));
            let identity = a.iter().map(|&value| F::from_binary64(Self::IDENTITY) * value);
            let sum = conv.iter().zip(identity).zip(shortcut);
            let sum: Vec<F> = sum.map(|((&one, two), three)| F::ZERO + one + two + three).collect();
            let b = fire(&mut potentials[1], &sum, &self.biases[1]);
            let flat = pool(&b, middle);
            for (row, potential) in self.dense.chunks(flat.len()).zip(&mut potentials[2]) {
                let terms = row.iter().zip(&flat);
                let sum = terms.fold(F::ZERO, |sum, (&weight, &value)| sum + F::from_binary64(weight) * value);
                *potential = *potential + sum;
            }
            for (count, spikes) in counts.iter_mut().zip([a, b]) {
                *count += spikes.iter().filter(|&&spike| spike == F::ONE).count() as u32;
            }
        }
        (potentials, counts)
    }
}

/// Convolutions with all kinds of geometry, of few and of many output channels.
fn worlds() -> Vec<World> {
    let mut noise = Noise(3);
    let geometry = [
        ([3, 7, 9], [4, 3, 3, 3], [1, 1], [1, 1], [1, 1], 1),
        ([4, 9, 8], [6, 2, 2, 3], [2, 1], [0, 2], [1, 2], 2),
        ([6, 5, 7], [6, 1, 3, 3], [1, 1], [2, 1], [2, 1], 6),
        ([1, 12, 11], [40, 1, 5, 4], [3, 2], [3, 3], [1, 1], 1),
        ([2, 4, 70], [70, 2, 1, 1], [1, 1], [0, 0], [1, 1], 1),
    ];
    let world = |(input, shape, stride, padding, dilation, groups): ([usize; 3], [usize; 4], _, _, _, _)| {
        let weights = noise.numbers(shape.iter().product());
        let first = Conv {
            input,
            weights,
            shape,
            stride,
            padding,
            dilation,
            groups,
        };
        World::new(&mut noise, first)
    };
    geometry.into_iter().map(world).collect()
}

fn bits<F: Real>(values: &[F]) -> Vec<u64> {
    values.iter().map(|value| value.bits()).collect()
}

#[test]
fn every_level_gives_the_same_bits_as_plain_loops() {
    let (mut noise, steps) = (Noise(8), 5);
    for world in worlds() {
        let network = Network::parse(world.document().as_bytes()).unwrap();
        assert_eq!(network.readout(), Readout::Membrane);
        assert_eq!(network.inputs(), Some(world.first.input.iter().product()));
        let width = world.first.input.iter().product();
        let values: Vec<f64> = noise
            .numbers(width)
            .iter()
            .map(|x| if *x < -0.2 { 0.0 } else { 2.0 * x })
            .collect();
        let raster: Vec<Vec<f64>> = (0..steps)
            .map(|_| {
                noise
                    .numbers(width)
                    .iter()
                    .map(|&x| if x > 0.1 { 1.0 } else { 0.0 })
                    .collect()
            })
            .collect();
        let bytes: Vec<u8> = raster.iter().flatten().map(|&x| x as u8).collect();
        for (input, plain) in [
            (Input::Constant(&values), vec![values.clone(); steps as usize]),
            (Input::Raster(&bytes), raster),
        ] {
            let (potentials, counts) = world.plainly::<f64>(&plain);
            assert!(counts.iter().all(|&count| count > 0));
            for level in Level::available() {
                let run = simulate_at(level, &network, input, steps, Record::default()).unwrap();
                for (layer, due) in [0, 1, 4].into_iter().zip(&potentials) {
                    assert_eq!(
                        bits(&run.potential[layer]),
                        bits(due),
                        "{level:?} {layer} {:?}",
                        world.first
                    );
                }
                let sums = [0, 1].map(|layer| run.counts[layer].iter().sum::<u32>());
                assert_eq!(sums[..], counts);
                assert!(run.counts[2].is_empty() && run.counts[3].is_empty());
            }
        }
    }
}

#[test]
fn in_binary32_every_operation_is_rounded_to_it() {
    let (mut noise, steps) = (Noise(9), 4);
    for world in worlds() {
        let width = world.first.input.iter().product();
        let values = noise.numbers(width);
        let rounded: Vec<f32> = values.iter().map(|&value| value as f32).collect();
        let (potentials, _) = world.plainly::<f32>(&vec![rounded; steps]);
        let request = format!(
            r#"{{"network":{},"profile":"sequential-f32","steps":{steps},"input":{{"kind":"constant","values":{}}},
                "record":["potential"]}}"#,
            world.document(),
            list(values)
        );
        let hex = |layer: &Vec<f32>| list(layer.iter().map(|x| format!("\"{:08x}\"", x.to_bits())));
        let [first, second, last] = [0, 1, 2].map(|layer| hex(&potentials[layer]));
        let due = format!(r#""output":{{"readout":{last},"potential":[{first},{second},[],[],{last}]}}"#);
        assert_eq!(answer("simulate", &request), format!(r#""verdict":"accept",{due}"#));
    }
}

#[test]
fn a_row_of_windows_too_many_for_one_list_is_taken_in_parts() {
    let mut noise = Noise(4);
    let conv = Conv {
        input: [1, 1, 3100],
        weights: noise.numbers(2700),
        shape: [1, 1, 1, 2700],
        stride: [1, 1],
        padding: [0, 0],
        dilation: [1, 1],
        groups: 1,
    };
    let text = format!(
        r#"{{"input_shape":[1,1,3100],"layers":[{{"neuron":{NEURON},{}}}]}}"#,
        conv.members()
    );
    let network = Network::parse(text.as_bytes()).unwrap();
    assert_eq!(network.layers()[0].output(), Shape::Image([1, 1, 401]));
    let values = noise.numbers(3100);
    let run = simulate(
        &network,
        Input::Constant(&values),
        1,
        Record {
            spikes: false,
            trace: true,
        },
    )
    .unwrap();
    assert_eq!(bits(&run.trace[0][0].before), bits(&conv.currents(&values)));
}

#[test]
fn a_batch_too_large_for_one_block_is_taken_in_parts() {
    // 10,252 numbers per step: 2,000 steps do not fit into a block.
    let text = format!(
        r#"{{"readout":"membrane","input_shape":[1,1,4],"layers":[
            {{"kind":"conv2d","weights":[[[[1]]]],"padding":[2,1023],"neuron":{NEURON}}},
            {{"kind":"avgpool2d","kernel":[5,2050]}},
            {{"kind":"conv2d","weights":[[[[512]]]],"neuron":{NEURON}}}]}}"#
    );
    let network = Network::parse(text.as_bytes()).unwrap();
    let run = simulate(
        &network,
        Input::Constant(&[0.5, 0.25, 0.0, 1.0]),
        2000,
        Record::default(),
    )
    .unwrap();
    assert_eq!(run.counts[0][2 * 2050 + 1023..][..4], [2000, 1000, 0, 2000]);
    assert_eq!(run.counts[0].iter().sum::<u32>(), 5000);
    let due = 5000.0 * 512.0 / 10250.0;
    assert!((run.potential[2][0] - due).abs() < 1e-9 * due);
}

#[test]
fn what_is_not_finite_is_found_in_pools_branches_and_products() {
    let conv = r#"{"kind":"conv2d","weights":[[[[1]]]],"neuron":{"model":"if","threshold":1}}"#;
    let fault = |layers: &str, values: &[f64]| {
        let text = format!(r#"{{"input_shape":[1,1,2],"layers":[{layers}]}}"#);
        let network = Network::parse(text.as_bytes()).unwrap();
        simulate(&network, Input::Constant(values), 3, Record::default()).unwrap_err()
    };
    let pool = format!(
        r#"{conv},{{"kind":"avgpool2d","from":"input","kernel":[1,2]}},{{"kind":"conv2d","stride":[2,2],
        "weights":[[[[0]]]],"neuron":{NEURON}}}"#
    );
    assert_eq!(fault(&pool, &[1e308, 1e308]), NonFinite { step: 0, layer: 1 });
    let identity =
        format!(r#"{{"kind":"sum","inputs":[{{"kind":"identity","from":"input","weight":1e200}}],"neuron":{NEURON}}}"#);
    assert_eq!(fault(&identity, &[0.0, 1e200]), NonFinite { step: 0, layer: 0 });
    let branches = r#"{"kind":"identity","from":"input","weight":1},{"kind":"identity","from":"input","weight":-1}"#;
    let later = format!(
        r#"{{"kind":"sum","inputs":[{branches}],"neuron":{{"model":"if","threshold":1e308}}}},{{"kind":"sum","inputs":[
            {{"kind":"identity","from":"input","weight":1}}],"neuron":{{"model":"if","threshold":1e308,"reset":"zero"}}}},{conv}"#
    );
    let text = format!(r#"{{"input_shape":[1,1,2],"layers":[{later}]}}"#);
    let network = Network::parse(text.as_bytes()).unwrap();
    let run = simulate(&network, Input::Constant(&[1.5e308, 0.0]), 3, Record::default()).unwrap();
    assert_eq!((&run.counts[0], &run.counts[1]), (&vec![0, 0], &vec![3, 0]));
}

#[test]
fn rules_are_checked_in_order_over_layers_and_branches() {
    let mut text = String::from(
        r#"{"input_shape":[1,2,0],"layers":[
            {"kind":"conv","name":"a","weights":[[[[1]]],[[[1]],[[1]]]],"stride":[1,0],"bias":[1,1,1],
             "neuron":{"model":"if","threshold":1}},
            {"kind":"sum","name":"a","bias":[1,2],"neuron":{"model":"if","threshold":1},"inputs":[
                {"kind":"conv2d","from":"x","weights":[[[[1,1]]]]},
                {"kind":"identity","from":"a","weight":true,"name":1}]},
            {"kind":"flatten"}]}"#,
    );
    for (code, path, fault_text, repaired) in [
        ("network.kind", "/layers/0/kind", r#""conv","#, r#""conv2d","#),
        ("network.unknown-key", "/layers/1/inputs/1/name", r#","name":1"#, ""),
        ("network.input-shape", "/input_shape", "[1,2,0]", "[1,2,3]"),
        (
            "network.name",
            "/layers/1/name",
            r#""sum","name":"a""#,
            r#""sum","name":"b""#,
        ),
        (
            "network.from",
            "/layers/1/inputs/0/from",
            r#""from":"x""#,
            r#""from":"input""#,
        ),
        ("network.geometry", "/layers/0/stride", r#"[1,0]"#, r#"[1,1]"#),
        ("network.weight-type", "/layers/1/inputs/1/weight", "true", r#""NaN""#),
        ("network.weight-rank", "/layers/0/weights", "[[[1]],[[1]]]", "[[[1]]]"),
        ("network.weight-finite", "/layers/1/inputs/1/weight", r#""NaN""#, "1"),
        ("network.bias-shape", "/layers/0/bias", "[1,1,1]", "[1,1]"),
        (
            "network.chain",
            "/layers/1/inputs/1",
            "[[[[1,1]]]]",
            "[[[[1]]],[[[1]]],[[[1]]]]",
        ),
        (
            "network.chain",
            "/layers/1/inputs/1",
            "[[[[1]]],[[[1]]],[[[1]]]]",
            "[[[[1]]],[[[1]]]]",
        ),
        (
            "network.output",
            "/layers/2",
            r#",
            {"kind":"flatten"}"#,
            "",
        ),
    ] {
        assert_faults(Network::parse, &[(&text, code, path)]);
        assert!(text.contains(fault_text), "{fault_text} in {text}");
        text = text.replacen(fault_text, repaired, 1);
    }
    Network::parse(text.as_bytes()).unwrap();
}

#[test]
fn an_input_without_shape_is_for_dense_takers_of_one_width() {
    let network = |second: &str| format!(r#"{{"layers":[{{"weights":[],"neuron":{NEURON}}},{second}]}}"#);
    let dense = |rows: &str| format!(r#"{{"from":"input","weights":{rows},"neuron":{NEURON}}}"#);
    let text = network(&format!("{},{}", dense("[[1,2,3]]"), dense("[[4,5,6]]")));
    let parsed = Network::parse(text.as_bytes()).unwrap();
    assert_eq!(parsed.inputs(), Some(3));
    assert_eq!(parsed.layers()[0].dense().unwrap().inputs(), Some(3));
    let open = Network::parse(network(&dense("[]")).as_bytes()).unwrap();
    assert_eq!((open.input(), open.inputs()), (None, None));
    let odd = network(&format!("{},{}", dense("[[1,2,3]]"), dense("[[4,5]]")));
    let flat = network(&format!(
        r#"{},{{"kind":"flatten","from":"input"}},{}"#,
        dense("[[1]]"),
        dense("[[1]]")
    ));
    let cases = [
        (&*odd, "network.chain", "/layers/2/weights"),
        (&flat, "network.chain", "/layers/2"),
    ];
    assert_faults(Network::parse, &cases);
}

#[test]
fn a_network_of_all_kinds_is_loaded_as_it_was_saved_and_is_no_checkpoint() {
    let folder = Folder::new();
    for world in worlds() {
        let network = Network::parse(world.document().as_bytes()).unwrap();
        save_network(&network, &folder.path("pair"), Compression::Stored).unwrap();
        assert_eq!(load_network(&folder.path("pair")).unwrap(), network);
        match load_checkpoint(&folder.path("pair")).unwrap_err() {
            LoadError::Rejected(rejection) => {
                let at = (rejection.rule.code(), &*rejection.path);
                assert_eq!(at, ("checkpoint.network", "/network/layers/0/kind"));
            }
            LoadError::Io(failure) => panic!("{failure}"),
        }
    }
}

#[test]
fn a_kernel_that_no_sidecar_can_tell_is_a_failure_of_saving() {
    let kernel = list(vec!["0"; 65_537]);
    let text = format!(
        r#"{{"input_shape":[1,1,65537],"layers":[{{"kind":"conv2d","weights":[[[{kernel}]]],"neuron":{NEURON}}}]}}"#
    );
    let network = Network::parse(text.as_bytes()).unwrap();
    let folder = Folder::new();
    let failure = save_network(&network, &folder.path("pair"), Compression::Stored).unwrap_err();
    assert!(failure.to_string().contains("network.member"), "{failure}");
    assert!(!folder.path("pair.json").exists());
}
