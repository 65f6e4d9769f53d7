//! Places, what is no ordinary file, and the files of simulate requests.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use spikeparity::backend::Backend;
use spikeparity::json::{parse, Value};

use crate::artefact::{archive, doubles, load, npy, stored, Folder, Zip, SIDECAR};

/// The verdict on a request, then its code and path, or the output.
fn ask(folder: &Folder, op: &str, input: &str) -> (String, String) {
    let mut backend = Backend::default();
    let mut answers = Vec::new();
    let root = folder.0.to_str().unwrap();
    let hello = format!(r#"{{"cmd":"hello","protocol":1,"root":"/nowhere","scratch":"{root}"}}"#);
    backend.handle_line(hello.as_bytes(), &mut answers);
    backend.handle_line(format!(r#"{{"cmd":"root","root":"{root}"}}"#).as_bytes(), &mut answers);
    answers.clear();
    let request = format!(r#"{{"cmd":"run","id":"x","op":"{op}","input":{input}}}"#);
    backend.handle_line(request.as_bytes(), &mut answers);
    let Ok(Value::Object(answer)) = parse(&answers, 16) else {
        panic!("{}", String::from_utf8_lossy(&answers))
    };
    let member = |key: &str| match answer.get(key) {
        Some(Value::String(text)) => text.to_string(),
        _ => String::new(),
    };
    match &*member("verdict") {
        "accept" => {
            let text = String::from_utf8(answers).unwrap();
            (
                "accept".into(),
                text.split_once("\"output\":")
                    .unwrap()
                    .1
                    .trim_end()
                    .trim_end_matches("}}")
                    .into(),
            )
        }
        "reject" => (member("code"), member("path")),
        verdict => (verdict.into(), member("message")),
    }
}

fn fault(folder: &Folder, op: &str, input: &str) -> (String, String) {
    let (verdict, detail) = ask(folder, op, input);
    assert_ne!(verdict, "accept", "{input}");
    (verdict, detail)
}

fn loads(folder: &Folder, base: &str) -> String {
    ask(folder, "checkpoint.load", &format!(r#"{{"base":{base}}}"#)).0
}

fn pair(folder: &Folder, base: &str) {
    folder.write(&format!("{base}.json"), SIDECAR);
    folder.write(&format!("{base}.npz"), archive().bytes);
}

#[test]
fn places_are_relative_and_plain() {
    let folder = Folder::new();
    pair(&folder, "a.b/pair");
    pair(&folder, "...");
    for base in [r#""a.b/pair""#, r#""...""#] {
        assert_eq!(loads(&folder, base), "accept", "{base}");
    }
    for base in [
        r#""""#,
        "1",
        "null",
        r#"["pair"]"#,
        r#""/a.b/pair""#,
        r#""a.b/pair/""#,
        r#""a.b//pair""#,
        r#""./pair""#,
        r#""a.b/../a.b/pair""#,
        r#""..""#,
        r#""a.b\\pair""#,
        r#""a.b/pair\u0000""#,
    ] {
        for op in ["checkpoint.load", "checkpoint.save"] {
            let input = format!(r#"{{"base":{base},"checkpoint":{{}}}}"#);
            assert_eq!(
                fault(&folder, op, &input),
                ("file.path".into(), "/base".into()),
                "{base}"
            );
        }
    }
    assert_eq!(loads(&folder, r#""a.b/other""#), "checkpoint.sidecar-missing");
    assert_eq!(loads(&folder, r#""b/pair""#), "checkpoint.sidecar-missing");
}

#[test]
fn links_are_followed_as_long_as_they_stay_inside() {
    let (inside, outside) = (Folder::new(), Folder::new());
    pair(&inside, "folder/pair");
    pair(&outside, "pair");
    symlink(inside.path("folder"), inside.path("link")).unwrap(); // absolute, and inside all the same
    symlink(&outside.0, inside.path("out")).unwrap();
    assert_eq!(loads(&inside, r#""link/pair""#), "accept");
    assert_eq!(loads(&inside, r#""out/pair""#), "file.path");
    for (suffix, missing) in [(".json", "checkpoint.sidecar-missing"), (".npz", "archive.missing")] {
        let link = inside.path(&format!("folder/pair{suffix}"));
        fs::remove_file(&link).unwrap();
        symlink(outside.path(&format!("pair{suffix}")), &link).unwrap();
        assert_eq!(loads(&inside, r#""folder/pair""#), "file.path");
        fs::remove_file(&link).unwrap();
        symlink(outside.path("nothing"), &link).unwrap();
        assert_eq!(loads(&inside, r#""folder/pair""#), missing);
        fs::remove_file(&link).unwrap();
        symlink(&link, &link).unwrap();
        assert_eq!(loads(&inside, r#""folder/pair""#), "error");
        fs::remove_file(&link).unwrap();
        fs::copy(outside.path(&format!("pair{suffix}")), &link).unwrap();
    }
}

#[test]
fn a_save_stays_below_its_folder() {
    let (inside, outside) = (Folder::new(), Folder::new());
    let save = |base: &str, rest: &str| {
        let input =
            format!(r#"{{"base":"{base}","checkpoint":{{"layer_names":[],"layer_sizes":[],"weights":[]{rest}}}}}"#);
        ask(&inside, "checkpoint.save", &input)
    };
    symlink(&outside.0, inside.path("out")).unwrap();
    for base in ["out/pair", "out/new/pair"] {
        assert_eq!(save(base, ""), ("file.path".into(), "/base".into()));
        assert_eq!(save(base, ",\"x\":0").0, "file.path");
    }
    assert_eq!(
        save("pair", ",\"x\":0"),
        ("checkpoint.unknown-key".into(), "/checkpoint/x".into())
    );
    assert_eq!(inside.names(), ["out"]);
    // A temporary name that leads out is not written through.
    symlink(outside.path("target"), inside.path("pair.npz.tmp")).unwrap();
    assert_eq!(save("pair", "").0, "accept");
    assert_eq!(save("a/b/pair", "").0, "accept");
    assert_eq!(
        (outside.names(), inside.names()),
        (vec![], ["a", "out", "pair.json", "pair.npz"].map(String::from).into())
    );
}

#[test]
fn a_save_answers_as_a_load() {
    let folder = Folder::new();
    let document =
        r#"{"layer_names":["b","a"],"layer_sizes":[[1,1],[1,0]],"weights":[[[1.0]],[]],"frozen_layers":["b","a"]}"#;
    let network = r#"{"layers":[{"weights":[[1.0]],"bias":[0.5],"neuron":{"model":"if","threshold":1}}]}"#;
    for content in [
        format!(r#""checkpoint":{document}"#),
        format!(r#""network":{network},"compress":false"#),
    ] {
        let saved = ask(&folder, "checkpoint.save", &format!(r#"{{"base":"x/pair",{content}}}"#));
        assert_eq!(saved.0, "accept", "{saved:?}");
        assert_eq!(saved, ask(&folder, "checkpoint.load", r#"{"base":"x/pair"}"#));
    }
    let (_, output) = ask(&folder, "checkpoint.load", r#"{"base":"x/pair"}"#);
    assert!(output.starts_with(
        r#"{"n_layers":1,"total_params":2,"layer_names":["layer_0"],"frozen_layers":[],"format_version":2,"members":[{"name":"layer_0","shape":[1,1],"sha256":""#
    ), "{output}");
    assert_eq!(output.matches("sha256").count(), 2);
    assert_eq!(output.matches(r#""name":"bias_0","shape":[1]"#).count(), 1);
}

#[test]
fn nothing_but_an_ordinary_file_is_waited_for() {
    let folder = Folder::new();
    let fifo = |name: &str| {
        assert!(Command::new("mkfifo")
            .arg(folder.path(name))
            .status()
            .unwrap()
            .success())
    };
    fifo("fifo.json");
    folder.write("late.json", SIDECAR);
    fifo("late.npz");
    fs::create_dir(folder.path("folder.json")).unwrap();
    symlink("/dev/zero", folder.path("device.json")).unwrap();
    folder.write("file", "");
    let long = "x".repeat(300);
    for base in ["fifo", "late", "folder", "device", "file/pair", &long] {
        let (code, message) = load(&folder.path(base)).unwrap_err();
        assert_eq!(code, "i/o", "{base}");
        assert!(message.contains(&base[..4]), "{message}");
        let due = if base == "device" { "file.path" } else { "error" };
        assert_eq!(loads(&folder, &format!("{base:?}")), due, "{base}");
    }
    for path in ["/", "..", "", "nul\0"] {
        assert_eq!(load(path.as_ref()).unwrap_err().0, "i/o", "{path:?}");
    }
}

/// A folder with arrays for requests.
fn arrays() -> Folder {
    let folder = Folder::new();
    let integer = ((1u64 << 53) + 1).to_le_bytes();
    let zip = Zip::of(&[
        stored("w.npy", &npy("<f8", "(1, 2)", &doubles(&[0.5, 0.25]))),
        stored("x/y", b"of no interest"),
        stored("b.npy", &npy("<f4", "(1,)", &0.5f32.to_le_bytes())),
        stored("values.npy", &npy("|i1", "(2,)", &[1, 0])),
        stored("batch.npy", &npy("|i1", "(2, 2)", &[1, 0, 0, 1])),
        stored("wide.npy", &npy("|i1", "(2, 3)", &[0; 6])),
        stored("cube.npy", &npy("|i1", "(1, 1, 2)", &[0; 2])),
        stored("rows.npy", &npy("|i1", "(0, 2)", &[])),
        stored("integer.npy", &npy("<i8", "(1, 2)", &[[0; 8], integer].concat())),
        stored("big.npy", &npy("<f8", "(1, 2)", &doubles(&[0.1, -1e39]))),
        stored("tenth.npy", &npy("<f8", "(1, 2)", &doubles(&[0.1, 0.0]))),
        stored("nan.npy", &npy("<f8", "(1, 2)", &doubles(&[0.0, f64::NAN]))),
        stored("short.npy", &npy("<f8", "(3,)", &[0; 16])),
        stored("empty.npy", &npy("<f8", "(9007199254740991, 0)", &[])),
        stored("twice.npy", b""),
        stored("twice.npy", b""),
    ]);
    folder.write("data/x.npz", zip.bytes);
    folder
}

fn reference(member: &str) -> String {
    format!(r#"{{"file":"data/x.npz","member":"{member}"}}"#)
}

/// Simulates one layer of these weights, this bias and this input for two steps.
fn simulate(folder: &Folder, weights: &str, bias: &str, input: &str) -> (String, String) {
    let neuron = r#""neuron":{"model":"if","threshold":1}"#;
    let network = format!(r#"{{"layers":[{{"weights":{weights},"bias":{bias},{neuron}}}]}}"#);
    ask(
        folder,
        "simulate",
        &format!(r#"{{"network":{network},"steps":2,"input":{input},"record":["potential"]}}"#),
    )
}

fn constant(values: &str) -> String {
    format!(r#"{{"kind":"constant","values":{values}}}"#)
}

#[test]
fn an_array_in_a_file_is_as_if_it_stood_there() {
    let folder = arrays();
    let inline = simulate(&folder, "[[0.5,0.25]]", "[0.5]", &constant("[[1,0],[0,1]]"));
    assert_eq!(inline.0, "accept");
    assert_eq!(
        simulate(
            &folder,
            &reference("w"),
            &reference("b"),
            &constant(&reference("batch"))
        ),
        inline
    );
    let inline = simulate(&folder, "[[0.5,0.25]]", "[0.5]", &constant("[1,0]"));
    assert_eq!(
        simulate(&folder, &reference("w"), "[0.5]", &constant(&reference("values"))),
        inline
    );
    let poisson = |rates: &str| format!(r#"{{"kind":"poisson","rates":{rates},"seed":7,"sample":9007199254740990}}"#);
    let inline = simulate(&folder, "[[0.5,0.25]]", "[0.5]", &poisson("[[1,0],[0,1]]"));
    assert_eq!(inline.0, "accept");
    assert_eq!(
        simulate(&folder, "[[0.5,0.25]]", "[0.5]", &poisson(&reference("batch"))),
        inline
    );
    let late = poisson(&reference("batch")).replace("740990", "740991");
    assert_eq!(
        simulate(&folder, "[[0.5,0.25]]", "[0.5]", &late),
        ("input.sample".into(), "/input/sample".into())
    );
}

#[test]
fn faults_of_references() {
    let folder = arrays();
    let weights = |value: &str| simulate(&folder, value, "[0]", &constant("[0,0]"));
    let at = |code: &str, path: &str| (code.to_owned(), path.to_owned());
    let place = "/network/layers/0/weights";
    for (value, code, path) in [
        (r#"{"member":"w"}"#, "network.weight-type", place),
        (r#"{"file":"data/x.npz"}"#, "file.reference", place),
        (r#"{"file":"data/x.npz","member":1}"#, "file.reference", place),
        (r#"{"file":"data/x.npz","member":"w","x":1}"#, "file.reference", place),
        (
            r#"{"file":1,"member":"w"}"#,
            "file.path",
            "/network/layers/0/weights/file",
        ),
        (
            r#"{"file":"../x.npz","member":"w"}"#,
            "file.path",
            "/network/layers/0/weights/file",
        ),
        (r#"{"file":"data/y.npz","member":"w"}"#, "archive.missing", place),
        (&reference("none"), "archive.member-missing", place),
        (&reference("twice"), "archive.member-twice", place),
        (&reference("short"), "npy.length", place),
        (&reference("cube"), "network.weight-rank", place),
        (
            &reference("integer"),
            "network.weight-type",
            "/network/layers/0/weights/0/1",
        ),
        (
            &reference("nan"),
            "network.weight-finite",
            "/network/layers/0/weights/0/1",
        ),
    ] {
        assert_eq!(weights(value), at(code, path), "{value}");
    }
    let bias = |value: &str| simulate(&folder, "[[0,0]]", value, &constant("[0,0]"));
    let place = "/network/layers/0/bias";
    assert_eq!(bias(&reference("integer")), at("network.bias-type", place));
    assert_eq!(bias(&reference("values")), at("network.bias-shape", place));
    let values = |value: &str| simulate(&folder, "[[0,0]]", "[0]", &constant(value));
    for (value, code, path) in [
        (r#"{"file":"data/x.npz"}"#, "file.reference", "/input/values"),
        (&*reference("cube"), "input.shape", "/input/values"),
        (&reference("rows"), "input.shape", "/input/values"),
        (&reference("wide"), "input.shape", "/input/values/0"),
        (&reference("b"), "input.shape", "/input/values"),
        (&reference("integer"), "input.shape", "/input/values/0/1"),
        (&reference("nan"), "input.range", "/input/values/0/1"),
    ] {
        assert_eq!(values(value), at(code, path), "{value}");
    }
    // Rows without columns need no memory as weights: there are rules against too many.
    assert_eq!(weights(&reference("empty")), at("network.bias-shape", place));
    // Samples that no memory could hold are the machine's failure, and no reason to die.
    assert_eq!(values(&reference("empty")).0, "error");
    // A matrix without rows keeps its width.
    assert_eq!(
        simulate(&folder, &reference("rows"), "[]", &constant("[0,0]")).0,
        "accept"
    );
    assert_eq!(
        simulate(&folder, &reference("rows"), "[]", &constant("[0]")),
        at("input.shape", "/input/values")
    );
}

#[test]
fn an_archive_of_arrays_has_its_own_limits() {
    let folder = Folder::new();
    let empty = |count: usize| {
        let other = (1..count).map(|_| stored("other", b""));
        let array = stored("w.npy", &npy("<f8", "(1, 2)", &doubles(&[0.0, 0.0])));
        Zip::of(&other.chain([array]).collect::<Vec<_>>())
    };
    let code = |zip: &Zip| {
        folder.write("data/x.npz", &zip.bytes);
        simulate(&folder, &reference("w"), "[0]", &constant("[0,0]")).0
    };
    assert_eq!(code(&empty(1024)), "accept");
    assert_eq!(code(&empty(1025)), "archive.entry-count");
    let declared = |size: u32| {
        let mut zip = empty(1);
        zip.set(zip.central[0] + 10, &[8]);
        zip.set(zip.local[0] + 8, &[8]);
        zip.set(zip.central[0] + 24, &size.to_le_bytes());
        zip
    };
    assert_eq!(code(&declared(1 << 28)), "archive.data"); // what is stored there is no deflate stream
    assert_eq!(code(&declared((1 << 28) + 1)), "archive.size");
}

#[test]
fn a_network_in_a_pair() {
    let folder = Folder::new();
    let network = r#"{"layers":[{"weights":[[0.5,0.25]],"bias":[0.5],"neuron":{"model":"if","threshold":1}}]}"#;
    let saved = ask(
        &folder,
        "checkpoint.save",
        &format!(r#"{{"base":"pairs/net","network":{network}}}"#),
    );
    assert_eq!(saved.0, "accept");
    pair(&folder, "pairs/weights");
    folder.write("pairs/broken.json", "{}");
    let run = |network: &str| {
        let input = format!(r#"{{"network":{network},"steps":3,"input":{}}}"#, constant("[1,0]"));
        ask(&folder, "simulate", &input)
    };
    assert_eq!(run(r#"{"checkpoint":"pairs/net"}"#), run(network));
    let at = |code: &str, path: &str| (code.to_owned(), path.to_owned());
    let place = "/network/checkpoint";
    assert_eq!(
        run(r#"{"checkpoint":"pairs/net","layers":[]}"#),
        at("network.unknown-key", "/network/layers")
    );
    assert_eq!(run(r#"{"checkpoint":"pairs/../net"}"#), at("file.path", place));
    assert_eq!(run(r#"{"checkpoint":[]}"#), at("file.path", place));
    assert_eq!(
        run(r#"{"checkpoint":"pairs/none"}"#),
        at("checkpoint.sidecar-missing", place)
    );
    assert_eq!(
        run(r#"{"checkpoint":"pairs/broken"}"#),
        at("checkpoint.missing-key", place)
    );
    assert_eq!(
        run(r#"{"checkpoint":"pairs/weights"}"#),
        at("network.neuron-model", place)
    );
}

#[test]
fn what_comes_out_of_files_is_rounded_to_binary32() {
    let folder = arrays();
    let run = |weights: &str, bias: &str, values: &str, profile: &str| {
        let neuron = r#""neuron":{"model":"if","threshold":1}"#;
        let network = format!(r#"{{"layers":[{{"weights":{weights},"bias":{bias},{neuron}}}]}}"#);
        let input = constant(values);
        let request = format!(
            r#"{{"network":{network},"steps":2,"input":{input},"record":["potential"],"profile":"sequential-{profile}"}}"#
        );
        ask(&folder, "simulate", &request)
    };
    let at = |code: &str, path: &str| (code.to_owned(), path.to_owned());
    let (tenth, big) = (reference("tenth"), reference("big"));
    let inline = run("[[0.1,0]]", "[0]", "[[0.1,0]]", "f32");
    assert_eq!(inline.0, "accept");
    assert_eq!(run(&tenth, "[0]", &tenth, "f32"), inline);
    assert_ne!(run(&tenth, "[0]", &tenth, "f64"), inline);
    assert_eq!(run(&big, "[0]", "[0,0]", "f64").0, "accept");
    assert_eq!(
        run(&big, "[0]", "[0,0]", "f32"),
        at("network.weight-finite", "/network/layers/0/weights/0/1")
    );
    assert_eq!(
        run(&tenth, "[1e39]", "[0,0]", "f32"),
        at("network.bias-finite", "/network/layers/0/bias/0")
    );
    assert_eq!(run(&tenth, "[0]", &big, "f32"), at("input.range", "/input/values/0/1"));
}

#[test]
fn a_network_in_a_pair_is_rounded_to_binary32() {
    let folder = Folder::new();
    let layer = |weight: &str, bias: &str, neuron: &str| {
        let layer = r#"{"weights":[[0.5]],"neuron":{"model":"if","threshold":1}}"#;
        let neuron = format!(r#"{{"model":"lif","threshold":1,"decay":0.1{neuron}}}"#);
        format!(r#"{{"layers":[{layer},{{"weights":[[{weight}]],"bias":[{bias}],"neuron":{neuron}}}]}}"#)
    };
    let run = |network: &str, profile: &str| {
        let base = r#""base":"net""#;
        let saved = ask(
            &folder,
            "checkpoint.save",
            &format!(r#"{{{base},"network":{network}}}"#),
        );
        assert_eq!(saved.0, "accept", "{saved:?}");
        let input = constant("[1]");
        let request = |network: &str| {
            let request = format!(r#"{{"network":{network},"steps":3,"input":{input},"record":["potential"]"#);
            ask(
                &folder,
                "simulate",
                &format!(r#"{request},"profile":"sequential-{profile}"}}"#),
            )
        };
        (request(r#"{"checkpoint":"net"}"#), request(network))
    };
    let (stored, inline) = run(&layer("0.3", "0.1", r#","initial_potential":0.7"#), "f32");
    assert_eq!(stored.0, "accept");
    assert_eq!(stored, inline);
    for (weight, bias, neuron, code) in [
        ("1e39", "0", "", "network.weight-finite"),
        ("0", "-1e39", "", "network.bias-finite"),
        ("0", "0", r#","initial_potential":1e39"#, "network.initial-potential"),
        ("1e39", "1e39", r#","initial_potential":1e39"#, "network.weight-finite"),
    ] {
        let network = layer(weight, bias, neuron);
        assert_eq!(run(&network, "f64").0 .0, "accept", "{network}");
        assert_eq!(run(&network, "f32").0, (code.into(), "/network/checkpoint".into()));
    }
    let silent = layer("0", "0", "").replace("\"threshold\":1,", "\"threshold\":1e-46,");
    assert_eq!(
        run(&silent, "f32").0,
        ("network.threshold".into(), "/network/checkpoint".into())
    );
}
