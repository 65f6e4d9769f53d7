//! The rules of a load up to the archive, which is not there: a sound sidecar ends at archive.missing.

use crate::artefact::{load, Folder};

const FORMAT_1: &str = r#"{"format_version":1,"n_layers":2,"layer_names":["a","b"],"layer_sizes":[[2,3],[5,1]],
    "neuron_types":["if",""],"metadata":{"x":[]},"frozen_layers":["b"],"total_params":11}"#;

const FORMAT_2: &str = r#"{"format_version":2,"n_layers":2,"layer_names":["a","b"],"layer_sizes":[[2,3],[3,1]],
    "total_params":12,"network":{"layers":[
    {"weights":{"member":"layer_0"},"bias":{"member":"bias_0"},"neuron":{"model":"if","threshold":1}},
    {"weights":{"member":"layer_1"},"neuron":{"model":"lif","threshold":1,"decay":0.5,"reset":"zero"}}],
    "readout":"membrane"},"archive_digest":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}"#;

fn fault(sidecar: &[u8]) -> (&'static str, String) {
    let folder = Folder::new();
    folder.write("pair.json", sidecar);
    load(&folder.path("pair")).expect_err("there is no archive")
}

/// Replaces part of a text, and expects a code at a path.
fn assert_faults(sound: &str, cases: &[(&str, &str, &str, &str)]) {
    assert_eq!(fault(sound.as_bytes()), ("archive.missing", String::new()));
    for (part, replacement, code, path) in cases {
        assert!(sound.contains(part), "{part}");
        let text = sound.replacen(part, replacement, 1);
        assert_eq!(fault(text.as_bytes()), (*code, path.to_string()), "{text}");
    }
}

#[test]
fn the_text_and_the_object() {
    assert_eq!(fault(b"\xff").0, "json.encoding");
    assert_eq!(fault(b"").0, "json.syntax");
    assert_eq!(fault(b"[]"), ("checkpoint.object", String::new()));
    assert_eq!(fault(b"{}"), ("checkpoint.missing-key", "/n_layers".into()));
    let nested = format!(r#"{{"metadata":{}{}}}"#, "[".repeat(64), "]".repeat(64));
    assert_eq!(fault(nested.as_bytes()).0, "json.depth");
    assert_faults(
        FORMAT_1,
        &[
            (
                r#""metadata""#,
                r#""weights":[],"metadata""#,
                "checkpoint.unknown-key",
                "/weights",
            ),
            (
                r#""layer_names":["a","b"],"#,
                "",
                "checkpoint.missing-key",
                "/layer_names",
            ),
            (r#","total_params":11"#, "", "checkpoint.missing-key", "/total_params"),
            (r#""x":[]"#, r#""x":[],"x":[]"#, "json.duplicate-key", ""),
        ],
    );
}

#[test]
fn what_it_has_in_common_with_checkpoint_documents() {
    assert_faults(
        FORMAT_1,
        &[
            (r#"["a","b"]"#, r#"["a",1]"#, "checkpoint.names-type", "/layer_names/1"),
            (
                r#"["a","b"]"#,
                r#"["a","a"]"#,
                "checkpoint.names-unique",
                "/layer_names/1",
            ),
            ("[[2,3],[5,1]]", "[[2,3]]", "checkpoint.sizes-count", "/layer_sizes"),
            ("[5,1]", "[5]", "checkpoint.sizes-type", "/layer_sizes/1"),
            (r#"["if",""]"#, r#""if""#, "checkpoint.types-type", "/neuron_types"),
            (r#"["if",""]"#, r#"["if"]"#, "checkpoint.types-count", "/neuron_types"),
            (r#"["b"]"#, "[null]", "checkpoint.frozen-type", "/frozen_layers/0"),
            (r#"["b"]"#, r#"["c"]"#, "checkpoint.frozen-unknown", "/frozen_layers/0"),
            (r#"{"x":[]}"#, "[]", "checkpoint.metadata-type", "/metadata"),
        ],
    );
}

#[test]
fn formats_and_counts() {
    assert_faults(
        FORMAT_1,
        &[
            (
                r#""format_version":1"#,
                r#""format_version":1.0"#,
                "checkpoint.format-version",
                "/format_version",
            ),
            (
                r#""format_version":1"#,
                r#""format_version":3"#,
                "checkpoint.format-version",
                "/format_version",
            ),
            (
                r#""format_version":1"#,
                r#""format_version":null"#,
                "checkpoint.format-version",
                "/format_version",
            ),
            (
                r#""format_version":1"#,
                r#""format_version":2"#,
                "checkpoint.network",
                "/network",
            ),
            (r#""format_version":1,"#, "", "archive.missing", ""),
            (
                r#""metadata""#,
                r#""network":{},"metadata""#,
                "checkpoint.network",
                "/network",
            ),
            (
                r#""n_layers":2"#,
                r#""n_layers":2.0"#,
                "checkpoint.layer-count",
                "/n_layers",
            ),
            (
                r#""n_layers":2"#,
                r#""n_layers":3"#,
                "checkpoint.layer-count",
                "/n_layers",
            ),
            (
                r#""total_params":11"#,
                r#""total_params":12"#,
                "checkpoint.parameter-count",
                "/total_params",
            ),
            (
                r#""total_params":11"#,
                r#""total_params":"11""#,
                "checkpoint.parameter-count",
                "/total_params",
            ),
            (
                "[5,1]",
                "[9007199254740991,9007199254740991]",
                "checkpoint.parameter-count",
                "/total_params",
            ),
            (
                r#""metadata""#,
                r#""archive_digest":null,"metadata""#,
                "checkpoint.digest-type",
                "/archive_digest",
            ),
        ],
    );
}

#[test]
fn the_network_of_format_2() {
    let layers = "/network/layers";
    assert_faults(
        FORMAT_2,
        &[
            (
                r#""model":"if","threshold":1"#,
                r#""model":"if""#,
                "network.missing-key",
                "/network/layers/0/neuron/threshold",
            ),
            (r#""readout""#, r#""reads""#, "network.unknown-key", "/network/reads"),
            (
                r#"{"model":"if","threshold":1}"#,
                "1",
                "network.object",
                "/network/layers/0/neuron",
            ),
            (
                r#""layers":["#,
                r#""layers":[{"weights":0,"neuron":{"model":"if","threshold":1}},"#,
                "network.layers",
                layers,
            ),
            (
                r#"{"member":"layer_1"}"#,
                r#"{"member":"layer_0"}"#,
                "network.member",
                "/network/layers/1/weights",
            ),
            (
                r#"{"member":"layer_1"}"#,
                r#"{"member":"layer_1","x":1}"#,
                "network.member",
                "/network/layers/1/weights",
            ),
            (
                r#"{"member":"bias_0"}"#,
                "[0,0,0]",
                "network.member",
                "/network/layers/0/bias",
            ),
            ("[3,1]", "[2,1]", "network.chain", "/network/layers/1/weights"),
            (
                r#""model":"if""#,
                r#""model":"IF""#,
                "network.neuron-model",
                "/network/layers/0/neuron/model",
            ),
            (
                r#""threshold":1"#,
                r#""threshold":0"#,
                "network.threshold",
                "/network/layers/0/neuron/threshold",
            ),
            (
                r#""reset":"zero""#,
                r#""reset":"none""#,
                "network.reset",
                "/network/layers/1/neuron/reset",
            ),
            (
                r#""decay":0.5"#,
                r#""decay":1.5"#,
                "network.decay",
                "/network/layers/1/neuron/decay",
            ),
            (r#""membrane""#, r#""""#, "network.readout", "/network/readout"),
            (
                r#""total_params":12"#,
                r#""total_params":9"#,
                "checkpoint.parameter-count",
                "/total_params",
            ),
            ("cdef\"", "cde\"", "checkpoint.digest-type", "/archive_digest"),
            (
                "0123456789abcdef",
                "0123456789ABCDEF",
                "checkpoint.digest-type",
                "/archive_digest",
            ),
        ],
    );
}

#[test]
fn how_long_it_may_be() {
    let folder = Folder::new();
    assert_eq!(
        load(&folder.path("pair")).unwrap_err(),
        ("checkpoint.sidecar-missing", String::new())
    );
    let padded = |bytes: usize| [FORMAT_1.as_bytes(), &vec![b' '; bytes - FORMAT_1.len()]].concat();
    assert_eq!(fault(&padded(16 << 20)), ("archive.missing", String::new()));
    assert_eq!(
        fault(&padded((16 << 20) + 1)),
        ("checkpoint.sidecar-size", String::new())
    );
}
