//! Tests of the crate through its public interface, one module per module of the crate.

mod archive;
mod artefact;
mod backend;
mod binary32;
mod checkpoint;
mod files;
mod fine_tune;
mod input_rules;
mod json;
mod network_rules;
mod networks;
mod normalize;
mod npy;
mod pair;
mod philox;
mod qcfs;
mod rule;
mod sidecar;
mod simulate;

use spikeparity::backend::{Backend, Flow};
use spikeparity::json::{parse, Value};
use spikeparity::Rejection;

/// What a rejection is compared by: the code and the path.
fn fault<T: std::fmt::Debug>(result: Result<T, Rejection>) -> (&'static str, String) {
    let rejection = result.expect_err("a rejection is due");
    assert!(!rejection.message.is_empty());
    (rejection.rule.code(), rejection.path)
}

/// Expects documents to be rejected with a code at a path.
fn assert_faults<T: std::fmt::Debug>(read: impl Fn(&[u8]) -> Result<T, Rejection>, cases: &[(&str, &str, &str)]) {
    for (text, code, path) in cases {
        assert_eq!(fault(read(text.as_bytes())), (*code, path.to_string()), "{text}");
    }
}

/// The answer to an operation, without its id.
fn answer(op: &str, input: &str) -> String {
    let mut answers = Vec::new();
    let line = format!(r#"{{"cmd":"run","id":"x","op":"{op}","input":{input}}}"#);
    assert_eq!(
        Backend::default().handle_line(line.as_bytes(), &mut answers),
        Flow::Continue
    );
    let answer = String::from_utf8(answers).expect("answers are UTF-8");
    let answer = answer
        .strip_prefix(r#"{"id":"x","#)
        .and_then(|rest| rest.strip_suffix("}\n"));
    answer
        .expect("an answer is one line that begins with the id")
        .to_owned()
}

/// The code and the path of a rejection that an operation is answered with.
fn rejected(op: &str, input: &str) -> (String, String) {
    let answer = format!("{{{}}}", answer(op, input));
    let Ok(Value::Object(answer)) = parse(answer.as_bytes(), 8) else {
        panic!("not an object: {answer}")
    };
    let member = |key: &str| match answer.get(key) {
        Some(Value::String(text)) => text.to_string(),
        other => panic!("{key} is {other:?}"),
    };
    assert_eq!(member("verdict"), "reject");
    (member("code"), member("path"))
}
