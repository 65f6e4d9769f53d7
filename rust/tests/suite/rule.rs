//! The rules, operations, limits and defaults are those of rules.toml.

use std::fs;
use std::path::Path;

use spikeparity::backend::Backend;
use spikeparity::fine_tune::{FreezeUntil, TransferConfig};
use spikeparity::json::{parse, Value, DOCUMENT_DEPTH, REQUEST_DEPTH};
use spikeparity::network::{MAX_BRANCHES, MAX_LAYERS};
use spikeparity::number::MAX_INTEGER;
use spikeparity::pair::{MAX_FILE_ARRAY_BYTES, MAX_FILE_ARRAY_ENTRIES, MAX_HEADER_BYTES, MAX_SIDECAR_BYTES};
use spikeparity::shape::{MAX_ELEMENTS, MAX_EXTENT};
use spikeparity::simulate::MAX_STEPS;
use spikeparity::{Rejection, Rule};

fn rules_toml() -> toml::Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/spec/rules.toml");
    fs::read_to_string(path)
        .expect("rules.toml lies beside the crate")
        .parse()
        .expect("rules.toml is TOML")
}

/// A list of strings in the answer to a hello.
fn hello(key: &str) -> Vec<String> {
    let mut answer = Vec::new();
    Backend::default().handle_line(
        br#"{"cmd":"hello","protocol":1,"root":"/corpus","scratch":"/scratch"}"#,
        &mut answer,
    );
    let Ok(Value::Object(answer)) = parse(&answer, 8) else {
        panic!("the answer is an object")
    };
    let Some(Value::Array(items)) = answer.get(key) else {
        panic!("{key} is a list")
    };
    let string = |item: &Value<'_>| {
        if let Value::String(text) = item {
            text.to_string()
        } else {
            panic!("a string")
        }
    };
    items.iter().map(string).collect()
}

#[test]
fn codes_and_their_order_are_those_of_rules_toml() {
    let toml = rules_toml();
    let codes: Vec<&str> = toml["rule"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["code"].as_str().unwrap())
        .collect();
    assert_eq!(Rule::ALL.iter().map(|rule| rule.code()).collect::<Vec<_>>(), codes);
    assert_eq!(hello("codes"), codes);
    assert!(Rule::ALL.windows(2).all(|pair| pair[0] < pair[1]));
}

#[test]
fn every_operation_of_rules_toml_is_answered() {
    let toml = rules_toml();
    let rules = toml["rule"].as_array().unwrap().iter();
    let mut ops: Vec<String> = rules
        .flat_map(|rule| rule["ops"].as_array().unwrap())
        .map(|op| op.as_str().unwrap().to_owned())
        .collect();
    ops.sort();
    ops.dedup();
    let mut known = hello("ops");
    known.sort();
    assert_eq!(known, ops);
}

#[test]
fn limits_and_defaults_are_those_of_rules_toml() {
    let toml = rules_toml();
    let limit = |key: &str| toml["limits"][key].as_integer().unwrap();
    assert_eq!(i64::from(DOCUMENT_DEPTH), limit("depth"));
    assert_eq!(i64::from(REQUEST_DEPTH), limit("request_depth"));
    assert_eq!(MAX_INTEGER, limit("integer"));
    assert_eq!(MAX_LAYERS as i64, limit("layers"));
    assert_eq!(MAX_BRANCHES as i64, limit("branches"));
    assert_eq!(MAX_ELEMENTS as i64, limit("elements"));
    assert_eq!(MAX_EXTENT as i64, limit("extent"));
    assert_eq!(i64::from(MAX_STEPS), limit("steps"));
    assert_eq!(MAX_SIDECAR_BYTES as i64, limit("sidecar_bytes"));
    assert_eq!(MAX_HEADER_BYTES as i64, limit("npy_header_bytes"));
    assert_eq!(MAX_FILE_ARRAY_BYTES as i64, limit("file_array_bytes"));
    assert_eq!(MAX_FILE_ARRAY_ENTRIES as i64, limit("file_array_entries"));
    let (defaults, config) = (&toml["defaults"], TransferConfig::default());
    assert_eq!(
        *config.freeze_until(),
        FreezeUntil::Index(defaults["freeze_until"].as_integer().unwrap())
    );
    assert_eq!(config.lr_backbone(), defaults["lr_backbone"].as_float().unwrap());
    assert_eq!(config.lr_head(), defaults["lr_head"].as_float().unwrap());
}

#[test]
fn a_rejection_is_an_error_that_names_code_and_place() {
    let rejection = Rejection::new(
        Rule::NetworkThreshold,
        "/network/layers/0/neuron/threshold",
        "expected more",
    );
    let error: &dyn std::error::Error = &rejection;
    assert_eq!(
        error.to_string(),
        "network.threshold: network/layers/0/neuron/threshold: expected more"
    );
}
