//! The operation activation.qcfs.

use spikeparity::qcfs::qcfs;

use crate::{answer, rejected};

fn activation(x: &str, theta: &str, steps: &str) -> String {
    format!(r#"{{"x":{x},"theta":{theta},"T":{steps}}}"#)
}

#[test]
fn values_are_shifted_floored_clipped_and_scaled() {
    for (x, theta, steps, due) in [
        (0.0, 1.0, 4, 0.0),
        (-0.0, 1.0, 4, 0.0),
        (-3.0, 1.0, 4, 0.0),
        (0.124, 1.0, 4, 0.0),
        (0.125, 1.0, 4, 0.25),
        (0.374, 1.0, 4, 0.25),
        (0.875, 1.0, 4, 1.0),
        (1e300, 1.0, 4, 1.0),
        (f64::MAX, f64::MIN_POSITIVE, 4, f64::MIN_POSITIVE),
        (-f64::MAX, f64::MIN_POSITIVE, 4, 0.0),
        (f64::from_bits(1), f64::from_bits(1), 1, f64::from_bits(1)),
        (0.3, 0.9, 3, (1.0 * 0.9) / 3.0),
        (1.0, 0.7, 7, (7.0 * 0.7) / 7.0),
        (0.5, 1.0, 1, 1.0),
        (0.5f64.next_down(), 1.0, 1, 1.0), // the sum is rounded up to 1
        (0.49, 1.0, 1, 0.0),
    ] {
        let result = qcfs(x, theta, steps);
        assert_eq!(
            result.to_bits(),
            f64::to_bits(due),
            "{x:e} {theta:e} {steps}: {result:e}"
        );
    }
}

#[test]
fn the_order_of_operations_shows() {
    // (x T) / θ is neither x (T / θ) nor (x / θ) T, and (k θ) / T is not k (θ / T).
    assert_eq!((0.15 * (2.0 / 0.2) + 0.5f64).floor(), 2.0);
    assert_eq!(qcfs(0.15, 0.2, 2), 0.1);
    assert_eq!(((0.35 / 0.7) * 3.0 + 0.5f64).floor(), 2.0);
    assert_eq!(qcfs(0.35, 0.7, 3), 0.7 / 3.0);
    assert_ne!((3.0 * 0.2) / 5.0, 3.0 * (0.2 / 5.0));
    assert_eq!(qcfs(0.12, 0.2, 5), (3.0 * 0.2) / 5.0);
}

#[test]
fn answers_are_in_hexadecimal_digits() {
    assert_eq!(
        answer("activation.qcfs", &activation("[-1,0.2,0.4,9]", "1", "4")),
        r#""verdict":"accept","output":{"y":["0000000000000000","3fd0000000000000","3fe0000000000000","3ff0000000000000"]}"#
    );
    assert_eq!(
        answer("activation.qcfs", &activation("[]", "1", "1048576")),
        r#""verdict":"accept","output":{"y":[]}"#
    );
}

#[test]
fn each_rule_names_the_smallest_datum_at_fault() {
    for (x, theta, steps, code, path) in [
        ("1", "1", "1", "qcfs.input", "/x"),
        ("{}", "1", "1", "qcfs.input", "/x"),
        ("null", "0", "0", "qcfs.input", "/x"),
        ("[0,[1]]", "1", "1", "qcfs.input", "/x/1"),
        (r#"[0,"Infinity",true]"#, "1", "1", "qcfs.input", "/x/1"),
        (r#"[0,true,"NaN"]"#, "0", "1", "qcfs.input", "/x/1"),
        ("[0]", "0", "0", "qcfs.theta", "/theta"),
        ("[0]", "-0.0", "1", "qcfs.theta", "/theta"),
        ("[0]", "-1", "1", "qcfs.theta", "/theta"),
        ("[0]", r#""Infinity""#, "1", "qcfs.theta", "/theta"),
        ("[0]", r#""NaN""#, "1", "qcfs.theta", "/theta"),
        ("[0]", "[1]", "1", "qcfs.theta", "/theta"),
        ("[0]", "1", "0", "qcfs.steps", "/T"),
        ("[0]", "1", "-1", "qcfs.steps", "/T"),
        ("[0]", "1", "1.0", "qcfs.steps", "/T"),
        ("[0]", "1", "1048577", "qcfs.steps", "/T"),
        ("[0]", "1", "4294967297", "qcfs.steps", "/T"),
        ("[0]", "1", "true", "qcfs.steps", "/T"),
        ("[1e308,1.7e308]", "1e308", "2", "qcfs.non-finite", "/x/0"),
        ("[1e307,1.7e308,1.7e308]", "1e308", "2", "qcfs.non-finite", "/x/1"),
    ] {
        let request = activation(x, theta, steps);
        assert_eq!(
            rejected("activation.qcfs", &request),
            (code.to_owned(), path.to_owned()),
            "{request}"
        );
    }
    let sound = activation(r#"[1e307]"#, "1e308", "2");
    assert!(
        answer("activation.qcfs", &sound).contains("accept"),
        "infinite between, not at the end"
    );
}
