//! Network documents, and networks that are joined from layers.

use spikeparity::network::{Layer, Network, Neuron, Readout, Reset};

use crate::{assert_faults, fault};

const NEURON: &str = r#"{"model":"if","threshold":1}"#;

fn layer(weights: &str, more: &str) -> String {
    format!(r#"{{"layers":[{{"weights":{weights},"neuron":{NEURON}{more}}}]}}"#)
}

fn with_neuron(neuron: &str) -> String {
    format!(r#"{{"layers":[{{"weights":[[1]],"neuron":{neuron}}}]}}"#)
}

#[test]
fn defaults_are_filled_in() {
    let network = Network::parse(layer("[[1,2],[3,4]]", "").as_bytes()).unwrap();
    let layer = &network.layers()[0];
    assert_eq!(network.readout(), Readout::Spikes);
    let dense = layer.dense().unwrap();
    assert_eq!((dense.inputs(), layer.outputs(), layer.bias()), (Some(2), 2, None));
    let due = Neuron {
        threshold: 1.0,
        reset: Reset::Subtract,
        initial_potential: 0.0,
        decay: None,
    };
    assert_eq!(layer.neuron(), Some(&due));
    assert_eq!(
        [
            dense.weight(0, 0),
            dense.weight(0, 1),
            dense.weight(1, 0),
            dense.weight(1, 1)
        ],
        [1.0, 2.0, 3.0, 4.0]
    );
}

#[test]
fn a_matrix_without_rows_takes_the_width_that_is_due() {
    let first = Network::parse(layer("[]", "").as_bytes()).unwrap();
    assert_eq!((first.inputs(), first.layers()[0].outputs()), (None, 0));
    let text = format!(
        r#"{{"layers":[{{"weights":[[1],[2]],"neuron":{NEURON}}},{{"weights":[],"neuron":{NEURON}}},
            {{"weights":[[],[],[]],"neuron":{NEURON}}}]}}"#
    );
    let chained = Network::parse(text.as_bytes()).unwrap();
    assert_eq!(
        chained
            .layers()
            .iter()
            .map(|layer| layer.dense().unwrap().inputs())
            .collect::<Vec<_>>(),
        [Some(1), Some(2), Some(0)]
    );
}

#[test]
fn each_rule_names_the_smallest_datum_at_fault() {
    let neuron = |more: &str| with_neuron(&format!(r#"{{"model":"lif","decay":0.5,"threshold":1{more}}}"#));
    let cases = [
        ("1".into(), "network.object", ""),
        (r#"{"layers":[1]}"#.into(), "network.object", "/layers/0"),
        (with_neuron("null"), "network.object", "/layers/0/neuron"),
        (r#"{"layer":[]}"#.into(), "network.unknown-key", "/layer"),
        (layer("[]", r#","names":"x""#), "network.unknown-key", "/layers/0/names"),
        (
            with_neuron(r#"{"decay":1,"model":"if"}"#),
            "network.unknown-key",
            "/layers/0/neuron/decay",
        ),
        ("{}".into(), "network.missing-key", "/layers"),
        (r#"{"layers":[{}]}"#.into(), "network.missing-key", "/layers/0/weights"),
        (
            r#"{"layers":[{"weights":[]}]}"#.into(),
            "network.missing-key",
            "/layers/0/neuron",
        ),
        (with_neuron("{}"), "network.missing-key", "/layers/0/neuron/model"),
        (
            with_neuron(r#"{"model":"x"}"#),
            "network.missing-key",
            "/layers/0/neuron/threshold",
        ),
        (
            with_neuron(r#"{"model":"lif","threshold":1}"#),
            "network.missing-key",
            "/layers/0/neuron/decay",
        ),
        (r#"{"layers":{}}"#.into(), "network.layers", "/layers"),
        (r#"{"layers":[]}"#.into(), "network.layers", "/layers"),
        (
            layer("[[1],[true]]", ""),
            "network.weight-type",
            "/layers/0/weights/1/0",
        ),
        (layer("7", ""), "network.weight-rank", "/layers/0/weights"),
        (layer("[[1],[1,2]]", ""), "network.weight-rank", "/layers/0/weights"),
        (
            layer(r#"[["NaN"]]"#, ""),
            "network.weight-finite",
            "/layers/0/weights/0/0",
        ),
        (layer("[[1]]", r#","bias":null"#), "network.bias-type", "/layers/0/bias"),
        (
            layer("[[1]]", r#","bias":[1,null]"#),
            "network.bias-type",
            "/layers/0/bias/1",
        ),
        (layer("[[1]]", r#","bias":[]"#), "network.bias-shape", "/layers/0/bias"),
        (
            layer("[[1]]", r#","bias":["-Infinity"]"#),
            "network.bias-finite",
            "/layers/0/bias/0",
        ),
        (
            with_neuron(r#"{"model":"IF","threshold":1,"decay":1}"#),
            "network.neuron-model",
            "/layers/0/neuron/model",
        ),
        (
            with_neuron(r#"{"model":"if","threshold":0}"#),
            "network.threshold",
            "/layers/0/neuron/threshold",
        ),
        (
            with_neuron(r#"{"model":"if","threshold":"Infinity"}"#),
            "network.threshold",
            "/layers/0/neuron/threshold",
        ),
        (neuron(r#","reset":"none""#), "network.reset", "/layers/0/neuron/reset"),
        (
            with_neuron(r#"{"model":"lif","threshold":1,"decay":1.5}"#),
            "network.decay",
            "/layers/0/neuron/decay",
        ),
        (
            neuron(r#","initial_potential":"NaN""#),
            "network.initial-potential",
            "/layers/0/neuron/initial_potential",
        ),
        (
            format!(r#"{},"readout":1}}"#, neuron("").strip_suffix('}').unwrap()),
            "network.readout",
            "/readout",
        ),
    ];
    for (text, code, path) in &cases {
        assert_faults(Network::parse, &[(text, code, path)]);
    }
}

#[test]
fn rules_are_checked_in_order_over_all_layers() {
    let mut text = String::from(
        r#"{"readout":"none","layers":[
            {"weights":[[1,"NaN"]],"neuron":{"threshold":-1,"model":"lif","decay":2,"initial_potential":[]},"bias":[1,2]},
            {"weights":[[1],[[1]]],"neuron":{"model":"if","threshold":1,"reset":0}},
            {"weights":[[1]],"neuron":{"model":"of","threshold":1},"bias":[null]}]}"#,
    );
    for (code, path, fault_text, repaired) in [
        ("network.weight-rank", "/layers/1/weights", "[[1],[[1]]]", "[[1],[2]]"),
        ("network.weight-finite", "/layers/0/weights/0/1", r#""NaN""#, "1"),
        ("network.bias-type", "/layers/2/bias/0", "null", r#""NaN""#),
        ("network.bias-shape", "/layers/0/bias", "[1,2]", "[1]"),
        ("network.bias-finite", "/layers/2/bias/0", r#""NaN""#, "1"),
        (
            "network.chain",
            "/layers/2/weights",
            r#"[[1]],"neuron":{"model":"of""#,
            r#"[[1,1]],"neuron":{"model":"of""#,
        ),
        ("network.neuron-model", "/layers/2/neuron/model", "of", "if"),
        ("network.threshold", "/layers/0/neuron/threshold", "-1", "5e-324"),
        (
            "network.reset",
            "/layers/1/neuron/reset",
            r#""reset":0"#,
            r#""reset":"zero""#,
        ),
        (
            "network.decay",
            "/layers/0/neuron/decay",
            r#""decay":2"#,
            r#""decay":-0.0"#,
        ),
        (
            "network.initial-potential",
            "/layers/0/neuron/initial_potential",
            "[]}",
            "-5}",
        ),
        ("network.readout", "/readout", "none", "membrane"),
    ] {
        assert_eq!(
            fault(Network::parse(text.as_bytes())),
            (code, path.to_owned()),
            "{text}"
        );
        assert!(text.contains(fault_text), "{fault_text} in {text}");
        text = text.replacen(fault_text, repaired, 1);
    }
    Network::parse(text.as_bytes()).unwrap();
}

#[test]
fn objects_are_checked_before_what_is_inside_them_and_before_the_next_ones() {
    let text = r#"{"layers":[{"neuron":{"x":1}},{"y":1}]}"#;
    assert_faults(Network::parse, &[(text, "network.unknown-key", "/layers/0/neuron/x")]);
    let text = r#"{"layers":[{"weights":[],"neuron":{}},{}]}"#;
    assert_faults(
        Network::parse,
        &[(text, "network.missing-key", "/layers/0/neuron/model")],
    );
}

#[test]
fn the_number_of_layers_is_limited() {
    let layers = |count: usize| {
        format!(
            r#"{{"layers":[{}]}}"#,
            vec![format!(r#"{{"weights":[],"neuron":{NEURON}}}"#); count].join(",")
        )
    };
    assert_eq!(Network::parse(layers(1024).as_bytes()).unwrap().layers().len(), 1024);
    assert_faults(Network::parse, &[(&layers(1025), "network.layers", "/layers")]);
}

#[test]
fn joined_layers_keep_the_same_rules() {
    let neuron = Neuron {
        threshold: 1.0f32,
        reset: Reset::Zero,
        initial_potential: 0.0,
        decay: Some(1.0),
    };
    let pack = |weight: f32, inputs, bias, neuron| Layer::pack(1, Some(inputs), |_, _| weight, bias, neuron);
    let sound = || pack(1.0, 1, None, neuron);
    let cases = [
        (vec![], "network.layers", "/network/layers"),
        (
            vec![sound(), pack(f32::NAN, 1, None, neuron)],
            "network.weight-finite",
            "/network/layers/1/weights/0/0",
        ),
        (
            vec![pack(1.0, 1, Some(vec![]), neuron)],
            "network.bias-shape",
            "/network/layers/0/bias",
        ),
        (
            vec![pack(1.0, 1, Some(vec![f32::INFINITY]), neuron)],
            "network.bias-finite",
            "/network/layers/0/bias/0",
        ),
        (
            vec![sound(), pack(1.0, 2, None, neuron)],
            "network.chain",
            "/network/layers/1/weights",
        ),
        (
            vec![pack(
                1.0,
                1,
                None,
                Neuron {
                    threshold: -0.0,
                    ..neuron
                },
            )],
            "network.threshold",
            "/network/layers/0/neuron/threshold",
        ),
        (
            vec![pack(
                1.0,
                1,
                None,
                Neuron {
                    decay: Some(f32::NAN),
                    ..neuron
                },
            )],
            "network.decay",
            "/network/layers/0/neuron/decay",
        ),
        (
            vec![pack(
                1.0,
                1,
                None,
                Neuron {
                    initial_potential: f32::NAN,
                    ..neuron
                },
            )],
            "network.initial-potential",
            "/network/layers/0/neuron/initial_potential",
        ),
    ];
    for (layers, code, path) in cases {
        assert_eq!(fault(Network::new(layers, Readout::Spikes)), (code, path.to_owned()));
    }
    assert_eq!(
        Network::new(vec![sound(), sound()], Readout::Membrane)
            .unwrap()
            .inputs(),
        Some(1)
    );
}
