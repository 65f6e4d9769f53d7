//! Transfer configs, freezing and unfreezing.

use spikeparity::checkpoint::Checkpoint;
use spikeparity::fine_tune::{FreezeUntil, TransferConfig};

use crate::{answer, assert_faults, fault, rejected};

fn checkpoint(frozen: &str) -> Checkpoint {
    let text = format!(
        r#"{{"layer_names":["a","b","c"],"layer_sizes":[[0,0],[0,0],[0,0]],"weights":[[],[],[]],"frozen_layers":{frozen}}}"#
    );
    Checkpoint::parse(text.as_bytes()).unwrap()
}

fn frozen(checkpoint: &Checkpoint) -> Vec<&str> {
    checkpoint.frozen_layers().collect()
}

#[test]
fn a_config_fills_in_defaults() {
    assert_eq!(TransferConfig::parse(b"{}").unwrap(), TransferConfig::default());
    let config = TransferConfig::parse(br#"{"lr_head":1,"freeze_until":"x","lr_backbone":-0}"#).unwrap();
    assert_eq!(*config.freeze_until(), FreezeUntil::Name("x".into()));
    assert_eq!(
        (config.lr_backbone().to_bits(), config.lr_head()),
        ((-0.0f64).to_bits(), 1.0)
    );
}

#[test]
fn each_rule_of_configs_names_the_smallest_datum_at_fault() {
    let cases = [
        ("null", "config.object", ""),
        (r#"{"freeze_until":0,"lr":1}"#, "config.unknown-key", "/lr"),
        (r#"{"freeze_until":true}"#, "config.freeze-until-type", "/freeze_until"),
        (r#"{"freeze_until":1.0}"#, "config.freeze-until-type", "/freeze_until"),
        (
            r#"{"freeze_until":9007199254740992}"#,
            "config.freeze-until-type",
            "/freeze_until",
        ),
        (
            r#"{"lr_head":null,"freeze_until":-2}"#,
            "config.freeze-until-range",
            "/freeze_until",
        ),
        (
            r#"{"lr_head":"1","lr_backbone":null}"#,
            "config.learning-rate-type",
            "/lr_head",
        ),
        (
            r#"{"lr_head":-1,"lr_backbone":null}"#,
            "config.learning-rate-type",
            "/lr_backbone",
        ),
        (
            r#"{"lr_head":"NaN","lr_backbone":-1}"#,
            "config.learning-rate-range",
            "/lr_head",
        ),
        (
            r#"{"lr_backbone":"Infinity"}"#,
            "config.learning-rate-range",
            "/lr_backbone",
        ),
    ];
    assert_faults(TransferConfig::parse, &cases);
}

#[test]
fn freeze_adds_names_and_leading_layers() {
    let mut checkpoint = checkpoint(r#"["b"]"#);
    checkpoint.freeze(&["c"], Some(0)).unwrap();
    assert_eq!(frozen(&checkpoint), ["a", "b", "c"]);
}

#[test]
fn without_arguments_nothing_changes() {
    let mut checkpoint = checkpoint(r#"["b"]"#);
    checkpoint.freeze(&[], None).unwrap();
    checkpoint.unfreeze(&[], false).unwrap();
    assert_eq!(frozen(&checkpoint), ["b"]);
}

#[test]
fn unfreeze_removes_names_or_all() {
    let mut checkpoint = checkpoint(r#"["a","b"]"#);
    checkpoint.unfreeze(&["b", "c"], false).unwrap();
    assert_eq!(frozen(&checkpoint), ["a"]);
    checkpoint.unfreeze(&["b"], true).unwrap();
    assert!(frozen(&checkpoint).is_empty());
}

#[test]
fn apply_freezes_and_gives_each_layer_its_rate() {
    for (until, frozen_due, rates) in [
        ("-1", vec!["c"], [0.01, 0.01, 0.5]),
        ("0", vec!["a", "c"], [0.5, 0.01, 0.5]),
        (r#""b""#, vec!["a", "b", "c"], [0.5, 0.5, 0.5]),
    ] {
        let mut checkpoint = checkpoint(r#"["c"]"#);
        let config = format!(r#"{{"freeze_until":{until},"lr_backbone":0.5}}"#);
        assert_eq!(
            checkpoint
                .apply(&TransferConfig::parse(config.as_bytes()).unwrap())
                .unwrap(),
            rates
        );
        assert_eq!(frozen(&checkpoint), frozen_due);
    }
}

#[test]
fn a_rejected_operation_leaves_the_checkpoint_as_it_was() {
    let mut checkpoint = checkpoint(r#"["b"]"#);
    let before = checkpoint.clone();
    assert_eq!(
        fault(checkpoint.freeze(&["a", "d"], Some(0))),
        ("transfer.layer-names-unknown", "/layer_names/1".into())
    );
    assert_eq!(
        fault(checkpoint.freeze(&["a"], Some(3))),
        ("transfer.until-index-range", "/until_index".into())
    );
    assert_eq!(
        fault(checkpoint.unfreeze(&["b", ""], true)),
        ("transfer.layer-names-unknown", "/layer_names/1".into())
    );
    let config = TransferConfig::parse(br#"{"freeze_until":3}"#).unwrap();
    assert_eq!(
        fault(checkpoint.apply(&config)),
        ("transfer.freeze-until-unknown", "/config/freeze_until".into())
    );
    assert_eq!(checkpoint, before);
}

#[test]
fn arguments_are_checked_in_order() {
    const CHECKPOINT: &str = r#""checkpoint":{"layer_names":["a"],"layer_sizes":[[0,0]],"weights":[[]]}"#;
    for (op, arguments, code, path) in [
        (
            "transfer.freeze",
            r#""until_index":-1,"layer_names":"a""#,
            "transfer.layer-names-type",
            "/layer_names",
        ),
        (
            "transfer.freeze",
            r#""until_index":true,"layer_names":["b"]"#,
            "transfer.layer-names-unknown",
            "/layer_names/0",
        ),
        (
            "transfer.freeze",
            r#""until_index":0.0"#,
            "transfer.until-index-type",
            "/until_index",
        ),
        (
            "transfer.freeze",
            r#""until_index":-1"#,
            "transfer.until-index-range",
            "/until_index",
        ),
        (
            "transfer.unfreeze",
            r#""all_layers":1,"layer_names":[0]"#,
            "transfer.layer-names-type",
            "/layer_names/0",
        ),
        (
            "transfer.unfreeze",
            r#""all_layers":1"#,
            "transfer.all-layers-type",
            "/all_layers",
        ),
        (
            "transfer.apply",
            r#""config":{"freeze_until":"b"}"#,
            "transfer.freeze-until-unknown",
            "/config/freeze_until",
        ),
        ("transfer.apply", r#""config":[]"#, "config.object", "/config"),
    ] {
        let input = format!("{{{arguments},{CHECKPOINT}}}");
        assert_eq!(
            rejected(op, &input),
            (code.to_owned(), path.to_owned()),
            "{op} {arguments}"
        );
    }
}

#[test]
fn answers_are_those_of_the_protocol() {
    let checkpoint = r#""checkpoint":{"layer_names":["b","a"],"layer_sizes":[[0,0],[0,0]],"weights":[[],[]]}"#;
    assert_eq!(
        answer(
            "transfer.apply",
            &format!(r#"{{{checkpoint},"config":{{"freeze_until":0,"lr_backbone":1}}}}"#)
        ),
        r#""verdict":"accept","output":{"frozen_layers":["b"],"learning_rates":["3ff0000000000000","3f847ae147ae147b"]}"#
    );
    assert_eq!(
        answer("transfer.freeze", &format!(r#"{{{checkpoint},"until_index":1}}"#)),
        r#""verdict":"accept","output":{"frozen_layers":["a","b"]}"#
    );
    assert_eq!(
        answer("config.validate", r#"{"text":"{\"freeze_until\":-0}"}"#),
        r#""verdict":"accept","output":{"freeze_until":0,"lr_backbone":"0000000000000000","lr_head":"3f847ae147ae147b"}"#
    );
}
