//! Steps, inputs and records of a simulation.

use crate::{answer, rejected};

/// The input of a simulate request on a network of two inputs.
fn request(weights: &str, steps: &str, input: &str, more: &str) -> String {
    format!(
        r#"{{"network":{{"layers":[{{"weights":{weights},"neuron":{{"model":"if","threshold":1}}}}]}},
            "steps":{steps},"input":{input}{more}}}"#
    )
}

fn assert_fault(request: &str, code: &str, path: &str) {
    assert_eq!(
        rejected("simulate", request),
        (code.to_owned(), path.to_owned()),
        "{request}"
    );
}

#[test]
fn each_rule_names_the_smallest_datum_at_fault() {
    for (input, code, path) in [
        ("[]", "input.kind", "/input"),
        ("{}", "input.kind", "/input/kind"),
        (r#"{"kind":"Constant"}"#, "input.kind", "/input/kind"),
        (
            r#"{"kind":"constant","values":[1,1],"seed":1}"#,
            "input.unknown-key",
            "/input/seed",
        ),
        (
            r#"{"sampel":0,"kind":"poisson","rates":[1,1],"seed":1}"#,
            "input.unknown-key",
            "/input/sampel",
        ),
        (r#"{"kind":"poisson","rates":[1,1]}"#, "input.seed", "/input/seed"),
        (
            r#"{"kind":"poisson","rates":[1,1],"seed":-1}"#,
            "input.seed",
            "/input/seed",
        ),
        (
            r#"{"kind":"poisson","rates":[1,1],"seed":9007199254740992}"#,
            "input.seed",
            "/input/seed",
        ),
        (
            r#"{"kind":"poisson","rates":[1,1],"seed":1,"sample":1.0}"#,
            "input.sample",
            "/input/sample",
        ),
        (
            r#"{"kind":"poisson","rates":[[1,1],[1,1]],"seed":1,"sample":9007199254740991}"#,
            "input.sample",
            "/input/sample",
        ),
        (r#"{"kind":"constant"}"#, "input.shape", "/input/values"),
        (r#"{"kind":"constant","values":{}}"#, "input.shape", "/input/values"),
        (r#"{"kind":"constant","values":[1]}"#, "input.shape", "/input/values"),
        (
            r#"{"kind":"constant","values":[1,[1]]}"#,
            "input.shape",
            "/input/values/1",
        ),
        (
            r#"{"kind":"constant","values":[[1,1],3]}"#,
            "input.shape",
            "/input/values/1",
        ),
        (
            r#"{"kind":"constant","values":[[1,1],[1,true]]}"#,
            "input.shape",
            "/input/values/1/1",
        ),
        (
            r#"{"kind":"constant","values":[[1,1],[1]]}"#,
            "input.shape",
            "/input/values/1",
        ),
        (r#"{"kind":"spikes"}"#, "input.shape", "/input/indices"),
        (r#"{"kind":"spikes","indices":[[0]]}"#, "input.shape", "/input/indices"),
        (
            r#"{"kind":"spikes","indices":[[0],1]}"#,
            "input.shape",
            "/input/indices/1",
        ),
        (
            r#"{"kind":"spikes","indices":[[[0],[]],[[]]]}"#,
            "input.shape",
            "/input/indices/1",
        ),
        (
            r#"{"kind":"spikes","indices":[[[0],[]],[[],0]]}"#,
            "input.shape",
            "/input/indices/1/1",
        ),
        (
            r#"{"kind":"spikes","indices":[[0],[2]]}"#,
            "input.indices",
            "/input/indices/1/0",
        ),
        (
            r#"{"kind":"spikes","indices":[[1,0],[]]}"#,
            "input.indices",
            "/input/indices/0/1",
        ),
        (
            r#"{"kind":"spikes","indices":[[1,1],[]]}"#,
            "input.indices",
            "/input/indices/0/1",
        ),
        (
            r#"{"kind":"spikes","indices":[[[],[-1]]]}"#,
            "input.indices",
            "/input/indices/0/1/0",
        ),
        (
            r#"{"kind":"spikes","indices":[[[0],[0.0]]]}"#,
            "input.indices",
            "/input/indices/0/1/0",
        ),
        (
            r#"{"kind":"constant","values":[0,"NaN"]}"#,
            "input.range",
            "/input/values/1",
        ),
        (
            r#"{"kind":"poisson","rates":[[1,1],[0,1.0000000000000002]],"seed":1}"#,
            "input.range",
            "/input/rates/1/1",
        ),
        (
            r#"{"kind":"poisson","rates":[0,"NaN"],"seed":1}"#,
            "input.range",
            "/input/rates/1",
        ),
    ] {
        assert_fault(&request("[[1,1]]", "2", input, ""), code, path);
    }
}

#[test]
fn steps_are_an_integer_from_1_to_the_limit() {
    for steps in ["0", "-1", "1.0", "1048577", "true", "\"1\"", "99999999999999999999"] {
        assert_fault(&request("[[1,1]]", steps, "[]", ""), "simulate.steps", "/steps");
    }
    let most = request("[]", "1048576", r#"{"kind":"constant","values":[]}"#, "");
    assert_eq!(
        answer("simulate", &most),
        r#""verdict":"accept","output":{"readout":[]}"#
    );
}

#[test]
fn rules_are_checked_in_order() {
    let mut text = String::from(
        r#"{"record":["spike"],"input":{"x":1,"rates":[["NaN"],[1,1]],"seed":-1,"sample":-1},"steps":0,
            "network":{"layers":[{"weights":[[1]],"neuron":{"model":"if","threshold":0}}]}}"#,
    );
    for (code, path, fault_text, repaired) in [
        (
            "network.threshold",
            "/network/layers/0/neuron/threshold",
            r#""threshold":0"#,
            r#""threshold":1"#,
        ),
        ("simulate.steps", "/steps", r#""steps":0"#, r#""steps":1"#),
        ("input.kind", "/input/kind", r#""x":1"#, r#""x":1,"kind":"poisson""#),
        ("input.unknown-key", "/input/x", r#""x":1,"#, ""),
        ("input.seed", "/input/seed", r#""seed":-1"#, r#""seed":1"#),
        ("input.sample", "/input/sample", r#""sample":-1"#, r#""sample":1"#),
        ("input.shape", "/input/rates/1", "[1,1]", "[1]"),
        ("input.range", "/input/rates/0/0", r#""NaN""#, "1"),
        ("record.kind", "/record/0", "spike", "spikes"),
    ] {
        assert_eq!(
            rejected("simulate", &text),
            (code.to_owned(), path.to_owned()),
            "{text}"
        );
        assert!(text.contains(fault_text), "{fault_text} in {text}");
        text = text.replacen(fault_text, repaired, 1);
    }
    assert!(answer("simulate", &text).starts_with(r#""verdict":"accept""#));
}

#[test]
fn record_is_a_list_of_known_names() {
    let record = |record: &str| {
        request(
            "[[1]]",
            "1",
            r#"{"kind":"constant","values":[1]}"#,
            &format!(r#","record":{record}"#),
        )
    };
    assert_fault(&record("\"counts\""), "record.kind", "/record");
    assert_fault(&record("[\"counts\",1]"), "record.kind", "/record/1");
    assert_fault(&record("[\"x\",1]"), "record.kind", "/record/0");
    assert_eq!(
        answer("simulate", &record("[\"counts\",\"counts\"]")),
        r#""verdict":"accept","output":{"readout":[1],"counts":[[1]]}"#
    );
}

#[test]
fn a_first_layer_without_outputs_takes_any_input() {
    let spikes = r#"{"kind":"spikes","indices":[[3,9007199254740991]]}"#;
    assert_eq!(
        answer("simulate", &request("[]", "1", spikes, "")),
        r#""verdict":"accept","output":{"readout":[]}"#
    );
    let ragged = r#"{"kind":"constant","values":[[1,2],[1]]}"#;
    assert_fault(&request("[]", "1", ragged, ""), "input.shape", "/input/values/1");
    let unused = r#"{"kind":"constant","values":[1,"Infinity"]}"#;
    assert_fault(&request("[]", "1", unused, ""), "input.range", "/input/values/1");
}

#[test]
fn encode_poisson_takes_one_sample_at_the_root() {
    let fault = |input: &str| rejected("encode.poisson", input);
    let due = |code: &str, path: &str| (code.to_owned(), path.to_owned());
    assert_eq!(
        fault(r#"{"rates":1,"steps":0,"seed":-1}"#),
        due("simulate.steps", "/steps")
    );
    assert_eq!(fault(r#"{"rates":1,"steps":1,"seed":-1}"#), due("input.seed", "/seed"));
    assert_eq!(
        fault(r#"{"rates":1,"steps":1,"seed":1,"sample":null}"#),
        due("input.sample", "/sample")
    );
    assert_eq!(fault(r#"{"rates":1,"steps":1,"seed":1}"#), due("input.shape", "/rates"));
    assert_eq!(
        fault(r#"{"rates":[[1]],"steps":1,"seed":1}"#),
        due("input.shape", "/rates/0")
    );
    assert_eq!(
        fault(r#"{"rates":[2],"steps":1,"seed":1}"#),
        due("input.range", "/rates/0")
    );
    assert_eq!(
        answer(
            "encode.poisson",
            r#"{"rates":[1,0,-0.0,1],"steps":2,"seed":9007199254740991,"sample":9007199254740991}"#
        ),
        r#""verdict":"accept","output":{"spikes":[[0,3],[0,3]]}"#
    );
}

#[test]
fn a_row_alone_gives_what_it_gives_in_a_batch() {
    let run = |input: &str| {
        answer(
            "simulate",
            &request("[[0.5,0.75]]", "3", input, r#","record":["trace","spikes"]"#),
        )
    };
    let output = |answer: String| {
        let output = answer
            .strip_prefix(r#""verdict":"accept","output":{"readout":"#)
            .expect("accepted")
            .to_owned();
        let (readout, rest) = output.split_once(r#","spikes":"#).unwrap();
        let (spikes, trace) = rest.split_once(r#","trace":"#).unwrap();
        [
            readout.to_owned(),
            spikes.to_owned(),
            trace.strip_suffix('}').unwrap().to_owned(),
        ]
    };
    for (batch, rows) in [
        (
            r#"{"kind":"poisson","rates":[[0.5,0.25],[0.5,0.25]],"seed":3,"sample":8}"#,
            [
                r#"{"kind":"poisson","rates":[0.5,0.25],"seed":3,"sample":8}"#,
                r#"{"kind":"poisson","rates":[0.5,0.25],"seed":3,"sample":9}"#,
            ],
        ),
        (
            r#"{"kind":"spikes","indices":[[[0],[],[1]],[[],[0,1],[]]]}"#,
            [
                r#"{"kind":"spikes","indices":[[0],[],[1]]}"#,
                r#"{"kind":"spikes","indices":[[],[0,1],[]]}"#,
            ],
        ),
        (
            r#"{"kind":"constant","values":[[1,0.1],[-0.0,3]]}"#,
            [
                r#"{"kind":"constant","values":[1,0.1]}"#,
                r#"{"kind":"constant","values":[-0.0,3]}"#,
            ],
        ),
    ] {
        let [first, second] = rows.map(|row| output(run(row)));
        let due: Vec<String> = first
            .iter()
            .zip(&second)
            .map(|(first, second)| format!("[{first},{second}]"))
            .collect();
        assert_eq!(output(run(batch)).to_vec(), due, "{batch}");
    }
}

#[test]
fn an_unknown_profile_is_unsupported() {
    let run = |more: &str| {
        answer(
            "simulate",
            &request("[[1]]", "1", r#"{"kind":"constant","values":[1]}"#, more),
        )
    };
    for profile in [r#""sequential-f16""#, r#""sequential-f""#, "null", "32"] {
        let answer = run(&format!(r#","profile":{profile}"#));
        assert!(
            answer.starts_with(r#""verdict":"unsupported","reason":"#),
            "{profile}: {answer}"
        );
    }
    assert_eq!(run(r#","profile":"sequential-f64""#), run(""));
}
