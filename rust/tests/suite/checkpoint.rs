//! Checkpoint documents.

use spikeparity::checkpoint::Checkpoint;

use crate::{assert_faults, fault};

#[test]
fn a_checkpoint_is_read_whole() {
    let text = br#"{"metadata":{"z":1,"a":[]},"weights":[[[0.5,-0],[5e-324,1]],[]],"layer_names":["b","a"],
        "layer_sizes":[[2,2],[7,0]],"neuron_types":["if",""],"frozen_layers":["b","a","b"]}"#;
    let checkpoint = Checkpoint::parse(text).unwrap();
    assert_eq!(checkpoint.layer_names(), ["b", "a"]);
    assert_eq!(checkpoint.layer_sizes(), [(2, 2), (7, 0)]);
    assert_eq!(checkpoint.neuron_types(), ["if", ""]);
    assert_eq!(checkpoint.frozen_layers().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(checkpoint.total_params(), 4);
    assert_eq!(
        checkpoint.metadata().members().map(|(key, _)| key).collect::<Vec<_>>(),
        ["z", "a"]
    );
    let bits: Vec<u64> = checkpoint.weights()[0]
        .entries
        .iter()
        .map(|weight| weight.to_bits())
        .collect();
    assert_eq!(bits, [0.5f64.to_bits(), (-0.0f64).to_bits(), 1, 1.0f64.to_bits()]);
    assert_eq!((checkpoint.weights()[1].rows, checkpoint.weights()[1].columns), (0, 7));
}

#[test]
fn nothing_is_a_checkpoint_too() {
    let checkpoint = Checkpoint::parse(br#"{"layer_names":[],"layer_sizes":[],"weights":[]}"#).unwrap();
    assert_eq!(checkpoint.total_params(), 0);
}

#[test]
fn frozen_layers_are_sorted_by_code_point() {
    // U+FFFD sorts before U+10000 by code points, after it by UTF-16 units.
    let text = "{\"layer_names\":[\"\u{10000}\",\"\u{fffd}\"],\"layer_sizes\":[[0,0],[0,0]],\"weights\":[[],[]],
        \"frozen_layers\":[\"\u{10000}\",\"\u{fffd}\"]}";
    let checkpoint = Checkpoint::parse(text.as_bytes()).unwrap();
    assert_eq!(
        checkpoint.frozen_layers().collect::<Vec<_>>(),
        ["\u{fffd}", "\u{10000}"]
    );
}

#[test]
fn each_rule_names_the_smallest_datum_at_fault() {
    let doc = |names: &str, sizes: &str, weights: &str, more: &str| {
        format!(r#"{{"layer_names":{names},"layer_sizes":{sizes},"weights":{weights}{more}}}"#)
    };
    let one = |weights: &str| doc(r#"["a"]"#, "[[2,1]]", weights, "");
    let more = |more: &str| doc(r#"["a"]"#, "[[2,1]]", "[[[1,2]]]", more);
    let cases = [
        ("[]".into(), "checkpoint.object", ""),
        (more(r#","a/b~c":1"#), "checkpoint.unknown-key", "/a~1b~0c"),
        (r#"{"weights":[]}"#.into(), "checkpoint.missing-key", "/layer_names"),
        (r#"{"layer_names":[]}"#.into(), "checkpoint.missing-key", "/layer_sizes"),
        (doc(r#""a""#, "[]", "[]", ""), "checkpoint.names-type", "/layer_names"),
        (
            doc(r#"["a",1]"#, "[]", "[]", ""),
            "checkpoint.names-type",
            "/layer_names/1",
        ),
        (
            doc(r#"["a","b","a"]"#, "[]", "[]", ""),
            "checkpoint.names-unique",
            "/layer_names/2",
        ),
        (doc(r#"["a"]"#, "[]", "{}", ""), "checkpoint.weights-count", "/weights"),
        (
            doc(r#"["a"]"#, "[]", "[1]", ""),
            "checkpoint.sizes-count",
            "/layer_sizes",
        ),
        (
            doc(r#"["a"]"#, "[[1]]", "[1]", ""),
            "checkpoint.sizes-type",
            "/layer_sizes/0",
        ),
        (
            doc(r#"["a"]"#, "[[1,-1]]", "[1]", ""),
            "checkpoint.sizes-type",
            "/layer_sizes/0",
        ),
        (
            doc(r#"["a"]"#, "[[2.0,1]]", "[1]", ""),
            "checkpoint.sizes-type",
            "/layer_sizes/0",
        ),
        (
            more(r#","neuron_types":null"#),
            "checkpoint.types-type",
            "/neuron_types",
        ),
        (
            more(r#","neuron_types":["a","b"]"#),
            "checkpoint.types-count",
            "/neuron_types",
        ),
        (
            more(r#","frozen_layers":["a",null]"#),
            "checkpoint.frozen-type",
            "/frozen_layers/1",
        ),
        (
            more(r#","frozen_layers":["a","A"]"#),
            "checkpoint.frozen-unknown",
            "/frozen_layers/1",
        ),
        (more(r#","metadata":[]"#), "checkpoint.metadata-type", "/metadata"),
        (one("[[[1,true]]]"), "checkpoint.weight-type", "/weights/0/0/1"),
        (one("[[[1,[[null]]]]]"), "checkpoint.weight-type", "/weights/0/0/1/0/0"),
        (one("[{}]"), "checkpoint.weight-type", "/weights/0"),
        (one("[1]"), "checkpoint.weight-rank", "/weights/0"),
        (one("[[1,2]]"), "checkpoint.weight-rank", "/weights/0"),
        (one("[[[1,2],[3]]]"), "checkpoint.weight-rank", "/weights/0"),
        (one("[[[1,[]]]]"), "checkpoint.weight-rank", "/weights/0"),
        (one("[[[1],[2]]]"), "checkpoint.weight-shape", "/weights/0"),
        (one("[[]]"), "checkpoint.weight-shape", "/weights/0"),
        (one(r#"[[[1,"NaN"]]]"#), "checkpoint.weight-finite", "/weights/0/0/1"),
    ];
    for (text, code, path) in &cases {
        assert_faults(Checkpoint::parse, &[(text, code, path)]);
    }
}

#[test]
fn rules_are_checked_in_order_over_all_layers() {
    // Each repair exposes the fault of the next rule, wherever that lies.
    let mut text = String::from(
        r#"{"layer_names":["a","b","c"],"layer_sizes":[[1,1],[1,1],[1,9]],"metadata":0,"frozen_layers":["d"],
            "weights":[[["Infinity"]],[[]],[[[]],{}]]}"#,
    );
    for (code, path, fault_text, repaired) in [
        ("checkpoint.frozen-unknown", "/frozen_layers/0", r#"["d"]"#, r#"["c"]"#),
        ("checkpoint.metadata-type", "/metadata", "0,", "{},"),
        ("checkpoint.weight-type", "/weights/2/1", "[[]],{}", "[[]]"),
        ("checkpoint.weight-rank", "/weights/2", "[[[]]]", "[[3]]"),
        ("checkpoint.weight-shape", "/weights/1", "[[]],", "[[2]],"),
        ("checkpoint.weight-shape", "/weights/2", "[1,9]", "[1,1]"),
        ("checkpoint.weight-finite", "/weights/0/0/0", r#""Infinity""#, "1"),
    ] {
        assert_eq!(
            fault(Checkpoint::parse(text.as_bytes())),
            (code, path.to_owned()),
            "{text}"
        );
        assert!(text.contains(fault_text), "{fault_text} in {text}");
        text = text.replacen(fault_text, repaired, 1);
    }
    Checkpoint::parse(text.as_bytes()).unwrap();
}
