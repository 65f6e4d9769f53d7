//! The profile sequential-f32 of simulations: what is rounded, which rules hold after that, what answers look like.

use spikeparity::philox::philox4x32;

use crate::{answer, rejected};

/// A request on one layer of one input, its weight, what else the layer has, its neuron and the value presented.
fn request(weight: &str, layer: &str, neuron: &str, value: &str) -> String {
    let neuron = format!(r#"{{"model":"lif","decay":0.5,"threshold":1{neuron}}}"#);
    format!(
        r#"{{"network":{{"layers":[{{"weights":[[{weight}]]{layer},"neuron":{neuron}}}]}},"steps":1,
            "input":{{"kind":"constant","values":[[{value}],[0]]}},"record":["potential"],"profile":"sequential-f32"}}"#
    )
}

/// The potential of the first sample.
fn potential(request: &str) -> String {
    let answer = answer("simulate", request);
    let (_, potentials) = answer
        .split_once(r#""potential":[[[""#)
        .unwrap_or_else(|| panic!("{answer}"));
    potentials.split('"').next().unwrap().to_owned()
}

fn hex(value: f32) -> String {
    format!("{:08x}", value.to_bits())
}

#[test]
fn every_operation_is_rounded_to_binary32() {
    let input =
        r#""steps":3,"input":{"kind":"constant","values":[1.0,1.0]},"record":["counts","spikes","potential","trace"]"#;
    let network = r#"{"layers":[{"weights":[[0.5,0.25]],"bias":[0.1],"neuron":{"model":"if","threshold":1.0}}]}"#;
    let request = format!(r#"{{"network":{network},{input},"profile":"sequential-f32"}}"#);
    let current = 0.75f32 + 0.1;
    let charged = [current, current + current, (current + current - 1.0) + current];
    let [first, second, third] = charged.map(hex);
    let [after_second, after_third] = [charged[1], charged[2]].map(|charged| hex(charged - 1.0));
    let trace = [(&first, &first), (&second, &after_second), (&third, &after_third)]
        .map(|(before, after)| format!(r#"{{"before":["{before}"],"after":["{after}"]}}"#))
        .join(",");
    let due = format!(
        r#""readout":[2],"counts":[[2]],"spikes":[[[],[0],[0]]],"potential":[["{after_third}"]],"trace":[[{trace}]]"#
    );
    assert_eq!(
        answer("simulate", &request),
        format!(r#""verdict":"accept","output":{{{due}}}"#)
    );
    let membrane = request.replace("}}]}", r#"}}],"readout":"membrane"}"#);
    let due = hex(current + current + current);
    assert!(answer("simulate", &membrane).contains(&format!(r#""readout":["{due}"]"#)));
}

#[test]
fn what_is_read_is_rounded_to_binary64_and_then_once_to_binary32() {
    for (text, due) in [
        ("0.1", 0.1f32),
        ("1.000000059604644775390625", 1.0),
        // Read at once this would be the next one up.
        ("1.0000000596046447753906250000000001", 1.0),
        ("1.0000001788139343", 1.0 + 2.0 * f32::EPSILON),
        ("1e-46", 0.0),
        ("1e-45", f32::from_bits(1)),
    ] {
        let quiet = |request: String| request.replace("\"threshold\":1", "\"threshold\":9");
        let bias = format!(r#","bias":[{text}]"#);
        let started = format!(r#","initial_potential":{text}"#);
        for (request, due) in [
            (request(text, "", "", "1"), due),
            (request("1", "", "", text), due),
            (request("0", &bias, "", "1"), due),
            (request("0", "", &started, "1"), 0.5 * due),
        ] {
            assert_eq!(potential(&quiet(request.clone())), hex(due), "{request}");
        }
    }
    let decayed = request("0", "", r#","initial_potential":0.75"#, "1").replace("\"decay\":0.5", "\"decay\":0.1");
    assert_eq!(potential(&decayed), hex(0.1f32 * 0.75));
    // A tenth of binary32 is above that of binary64, so that ten of them reach another threshold.
    let due = [
        ("0.1", 1),
        ("0.10000000149011612", 1),
        ("0.10000000149011613", 1),
        ("0.10000001", 0),
    ];
    for (threshold, count) in due {
        let request = request("0.1", "", "", "1").replace("\"threshold\":1", &format!("\"threshold\":{threshold}"));
        let readout = format!(r#""readout":[[{count}],[0]]"#);
        assert!(answer("simulate", &request).contains(&readout), "threshold {threshold}");
    }
}

#[test]
fn rules_on_finiteness_hold_after_the_rounding() {
    let layer = "/network/layers/0";
    // Half way between the greatest binary32 and 2^128.
    let (most, infinite) = ("3.4028235677973362e38", "3.4028235677973366e38");
    for infinite in [infinite, "-1e39", "1e308"] {
        for (request, code, path) in [
            (
                request(infinite, "", "", "1"),
                "network.weight-finite",
                format!("{layer}/weights/0/0"),
            ),
            (
                request("1", &format!(r#","bias":[{infinite}]"#), "", "1"),
                "network.bias-finite",
                format!("{layer}/bias/0"),
            ),
            (
                request("1", "", &format!(r#","initial_potential":{infinite}"#), "1"),
                "network.initial-potential",
                format!("{layer}/neuron/initial_potential"),
            ),
            (
                request("1", "", "", infinite),
                "input.range",
                "/input/values/0/0".into(),
            ),
            // The first rule counts, as ever.
            (
                request(infinite, r#","bias":1"#, "", "1"),
                "network.weight-finite",
                format!("{layer}/weights/0/0"),
            ),
        ] {
            assert_eq!(rejected("simulate", &request), (code.to_owned(), path), "{request}");
            let in_binary64 = request
                .replace("sequential-f32", "sequential-f64")
                .replace(r#","bias":1,"#, ",");
            assert!(answer("simulate", &in_binary64).contains("accept"), "{in_binary64}");
        }
    }
    for sound in [
        request(most, "", "", "0"),
        request("0", &format!(r#","bias":[{most}]"#), "", "1"),
        request("0", "", &format!(r#","initial_potential":{most}"#), "1"),
        request("0", "", "", most),
    ] {
        assert!(answer("simulate", &sound).contains("accept"), "{sound}");
    }
}

#[test]
fn a_threshold_is_above_0_and_finite_after_the_rounding() {
    let run =
        |threshold: &str| request("1", "", "", "0").replace("\"threshold\":1", &format!("\"threshold\":{threshold}"));
    for threshold in ["7e-46", "1e-46", "1e39"] {
        assert_eq!(
            rejected("simulate", &run(threshold)),
            ("network.threshold".into(), "/network/layers/0/neuron/threshold".into())
        );
    }
    for threshold in ["8e-46", "3.4028235677973362e38"] {
        assert!(answer("simulate", &run(threshold)).contains("accept"), "{threshold}");
    }
}

#[test]
fn a_decay_is_checked_before_the_rounding() {
    let run = |decay: &str| request("1", "", "", "1").replace("\"decay\":0.5", &format!("\"decay\":{decay}"));
    for decay in ["1.0000000001", "-1e-60", "1e39"] {
        assert_eq!(
            rejected("simulate", &run(decay)),
            ("network.decay".into(), "/network/layers/0/neuron/decay".into())
        );
    }
    for decay in ["0.9999999999", "1e-60", "-0.0"] {
        assert!(answer("simulate", &run(decay)).contains("accept"), "{decay}");
    }
}

#[test]
fn what_is_beyond_binary32_ends_the_run() {
    let fault = ("simulate.non-finite".into(), "/network/layers/0".into());
    assert_eq!(rejected("simulate", &request("2e38", "", "", "2")), fault);
    let charged = r#","initial_potential":3e38"#;
    assert_eq!(rejected("simulate", &request("3e38", "", charged, "1")), fault);
    assert!(answer("simulate", &request("1.5e38", "", charged, "1")).contains("accept"));
}

#[test]
fn spike_trains_do_not_depend_on_the_profile() {
    // The words that are drawn: each is just not below its rate, and is where binary32 rounds the rate up.
    let words: Vec<u32> = (0..10).flat_map(|group| philox4x32([0, group, 4, 0], [3, 0])).collect();
    let run = |above: f64, profile: &str| {
        let rate = |&word: &u32| (f64::from(word) + above) / 4_294_967_296.0;
        let rates: Vec<f64> = words.iter().map(rate).collect();
        assert!(rates.iter().any(|&rate| f64::from(rate as f32) > rate));
        let network = format!(
            r#"{{"layers":[{{"weights":[{:?}],"neuron":{{"model":"if","threshold":1}}}}]}}"#,
            [1; 40]
        );
        let input = format!(r#"{{"kind":"poisson","rates":{rates:?},"seed":3,"sample":4}}"#);
        let request = format!(r#"{{"network":{network},"steps":1,"input":{input},"record":["trace"]"#);
        answer("simulate", &format!(r#"{request},"profile":"sequential-{profile}"}}"#))
    };
    assert!(run(0.0, "f32").contains(&format!(r#""before":["{}"]"#, hex(0.0))));
    assert!(run(1.0, "f32").contains(&format!(r#""before":["{}"]"#, hex(40.0))));
    assert!(run(1.0, "f64").contains(&format!(r#""before":["{:016x}"]"#, 40f64.to_bits())));
}
