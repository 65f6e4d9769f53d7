//! The operation convert.normalize.

use crate::{answer, rejected};

fn request(layers: &str, scales: &str) -> String {
    format!(r#"{{"layers":{layers},"scales":{scales}}}"#)
}

fn hex(values: &[f64]) -> String {
    let texts: Vec<_> = values
        .iter()
        .map(|value| format!("\"{:016x}\"", value.to_bits()))
        .collect();
    format!("[{}]", texts.join(","))
}

#[test]
fn weights_and_biases_are_scaled() {
    let layers = r#"[{"weights":[[0.1,-0.0],[3,1e-320]],"bias":[0.7,-0.0]},{"weights":[[0.1]]},{"weights":[[0.3]],"bias":[0.2]}]"#;
    let tiny: f64 = 1e-320;
    let due = format!(
        r#"{{"weights":[{},{}],"bias":{}}},{{"weights":[{}]}},{{"weights":[{}],"bias":{}}}"#,
        hex(&[0.1 / 3.7, -0.0]),
        hex(&[3.0 / 3.7, tiny / 3.7]),
        hex(&[0.7 / 3.7, -0.0]),
        hex(&[(0.1 * 3.7) / 0.3]),
        hex(&[(0.3 * 0.3) / 1.1]),
        hex(&[0.2 / 1.1]),
    );
    assert_ne!((0.1 * 3.7) / 0.3, 0.1 * (3.7 / 0.3));
    assert_eq!(
        answer("convert.normalize", &request(layers, "[3.7,0.3,1.1]")),
        format!(r#""verdict":"accept","output":{{"layers":[{due}]}}"#)
    );
}

#[test]
fn layers_without_outputs_or_inputs_stay_what_they_are() {
    let layers = r#"[{"weights":[]},{"weights":[],"bias":[]},{"weights":[[],[]],"bias":[1,2]},{"weights":[[1,2,3]]}]"#;
    let due = format!(
        r#"{{"weights":[]}},{{"weights":[],"bias":[]}},{{"weights":[[],[]],"bias":{}}},{{"weights":[{}]}}"#,
        hex(&[1.0, 2.0]),
        hex(&[1.0, 2.0, 3.0])
    );
    assert_eq!(
        answer("convert.normalize", &request(layers, "[1,1,1,1]")),
        format!(r#""verdict":"accept","output":{{"layers":[{due}]}}"#)
    );
}

#[test]
fn each_rule_names_the_smallest_datum_at_fault() {
    let layers = |layer: &str| format!(r#"[{{"weights":[[1]]}},{layer}]"#);
    let many = format!("[{}]", vec![r#"{"weights":[]}"#; 1025].join(","));
    let odd = format!("[{},1]", vec![r#"{"weights":[]}"#; 1024].join(","));
    for (layers, scales, code, path) in [
        (layers("[]"), "1", "network.object", "/layers/1"),
        (odd, "[1]", "network.object", "/layers/1024"),
        (
            layers(r#"{"neuron":{}}"#),
            "[1,1]",
            "network.unknown-key",
            "/layers/1/neuron",
        ),
        (
            layers(r#"{"bias":1}"#),
            "[1,1]",
            "network.missing-key",
            "/layers/1/weights",
        ),
        ("1".into(), "[]", "network.layers", "/layers"),
        ("{}".into(), "[]", "network.layers", "/layers"),
        ("[]".into(), "[]", "network.layers", "/layers"),
        (many, "[]", "network.layers", "/layers"),
        (
            layers(r#"{"weights":{"file":"a.npz","member":"w"}}"#),
            "[1,1]",
            "network.weight-type",
            "/layers/1/weights",
        ),
        (
            layers(r#"{"weights":[[1,true]],"bias":0}"#),
            "[1,1]",
            "network.weight-type",
            "/layers/1/weights/0/1",
        ),
        (
            layers(r#"{"weights":[[1,2],[3]],"bias":0}"#),
            "[1,1]",
            "network.weight-rank",
            "/layers/1/weights",
        ),
        (
            layers(r#"{"weights":[[1,"NaN"]],"bias":0}"#),
            "[1,1]",
            "network.weight-finite",
            "/layers/1/weights/0/1",
        ),
        (
            layers(r#"{"weights":[[1]],"bias":0}"#),
            "0",
            "network.bias-type",
            "/layers/1/bias",
        ),
        (
            layers(r#"{"weights":[[1]],"bias":[1,"NaN"]}"#),
            "0",
            "network.bias-shape",
            "/layers/1/bias",
        ),
        (
            layers(r#"{"weights":[[1]],"bias":["NaN"]}"#),
            "0",
            "network.bias-finite",
            "/layers/1/bias/0",
        ),
        (layers(r#"{"weights":[[1e308]]}"#), "{}", "normalize.scales", "/scales"),
        (layers(r#"{"weights":[[1]]}"#), "[0]", "normalize.scales", "/scales"),
        (layers(r#"{"weights":[[1]]}"#), "[0,1,1]", "normalize.scales", "/scales"),
        (layers(r#"{"weights":[[1]]}"#), "[1,0]", "normalize.scales", "/scales/1"),
        (
            layers(r#"{"weights":[[1]]}"#),
            "[-1,1]",
            "normalize.scales",
            "/scales/0",
        ),
        (
            layers(r#"{"weights":[[1]]}"#),
            r#"[1,"Infinity"]"#,
            "normalize.scales",
            "/scales/1",
        ),
        (
            layers(r#"{"weights":[[1]]}"#),
            "[1,null]",
            "normalize.scales",
            "/scales/1",
        ),
        (
            layers(r#"{"weights":[[0,0],[0,1e308]],"bias":[1]}"#).replace("[1]}", "[1e308,1e308]}"),
            "[10,1]",
            "normalize.non-finite",
            "/layers/1/weights/1/1",
        ),
        (
            layers(r#"{"weights":[[0],[0]],"bias":[0,1e308]}"#),
            "[1,0.1]",
            "normalize.non-finite",
            "/layers/1/bias/1",
        ),
        // The first layer's bias comes before the second layer's weights.
        (
            r#"[{"weights":[[0]],"bias":[1e308]},{"weights":[[1e308]]}]"#.into(),
            "[0.1,1e-9]",
            "normalize.non-finite",
            "/layers/0/bias/0",
        ),
    ] {
        let request = request(&layers, scales);
        assert_eq!(
            rejected("convert.normalize", &request),
            (code.to_owned(), path.to_owned()),
            "{layers:.200} {scales}"
        );
    }
}

#[test]
fn a_product_that_is_infinite_stays_so() {
    let layers = r#"[{"weights":[[1]]},{"weights":[[1e200]]}]"#;
    assert_eq!(
        rejected("convert.normalize", &request(layers, "[1e200,1e200]")),
        ("normalize.non-finite".into(), "/layers/1/weights/0/0".into())
    );
}
