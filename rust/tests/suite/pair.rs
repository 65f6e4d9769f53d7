//! Pairs: saved, bound, interrupted, loaded again.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use spikeparity::checkpoint::Checkpoint;
use spikeparity::json::{parse, Value};
use spikeparity::network::Network;
use spikeparity::pair::{load_checkpoint, load_network, save_checkpoint, save_network, Compression, LoadError};

use crate::artefact::{archive, load, Folder, SIDECAR};

const BOTH: [Compression; 2] = [Compression::Deflate, Compression::Stored];

fn checkpoint(weight: f64) -> Checkpoint {
    let text = format!(
        r#"{{"layer_names":["é/\u0001","b",""],"layer_sizes":[[2,2],[7,0],[0,3]],
        "weights":[[[{weight:?},-0.0],[5e-324,1.5]],[],[[],[],[]]],"neuron_types":["if","","lif"],
        "metadata":{{"z":123456789012345678901234567890,"a":[1.50,-0,1E400e]}},"frozen_layers":["b"]}}"#
    );
    Checkpoint::parse(text.replace("1E400e", "1e-400").as_bytes()).unwrap()
}

fn bits(checkpoint: &Checkpoint) -> Vec<u64> {
    let entries = checkpoint.weights().iter().flat_map(|matrix| &matrix.entries);
    entries.map(|entry| entry.to_bits()).collect()
}

/// A member of a sidecar that is a string.
fn string(folder: &Folder, key: &str) -> String {
    let text = fs::read(folder.path("pair.json")).unwrap();
    match parse(&text, 64) {
        Ok(Value::Object(sidecar)) => match sidecar.get(key) {
            Some(Value::String(string)) => string.to_string(),
            other => panic!("{key} is {other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_checkpoint_comes_back_as_it_was() {
    for compression in BOTH {
        let folder = Folder::new();
        let base = folder.path("new/folders/pair.v1");
        save_checkpoint(&checkpoint(0.1), &base, compression).unwrap();
        let loaded = load_checkpoint(&base).unwrap();
        assert_eq!(loaded, checkpoint(0.1));
        assert_eq!(bits(&loaded), bits(&checkpoint(0.1)));
        assert!(folder.path("new/folders/pair.v1.npz").exists());
        let text = fs::read_to_string(folder.path("new/folders/pair.v1.json")).unwrap();
        assert!(
            text.contains(r#""metadata":{"z":123456789012345678901234567890,"a":[1.50,-0,1e-400]}"#),
            "{text}"
        );
        assert!(
            text.contains(r#""n_layers":3,"#) && text.contains(r#""total_params":4,"#),
            "{text}"
        );
    }
}

#[test]
fn a_network_comes_back_as_it_was() {
    let network = br#"{"layers":[{"weights":[],"neuron":{"model":"if","threshold":1}},
        {"weights":[[],[]],"bias":[0.25,-0.0],"neuron":{"model":"lif","threshold":0.1,"decay":-0.0,"reset":"zero"}},
        {"weights":[],"bias":[],"neuron":{"model":"if","threshold":1e300,"initial_potential":-5e-324}}],
        "readout":"membrane"}"#;
    let folder = Folder::new();
    let network = Network::parse(network).unwrap();
    for compression in BOTH {
        save_network(&network, &folder.path("pair"), compression).unwrap();
        let loaded = load_network(&folder.path("pair")).unwrap();
        assert_eq!(loaded.layers()[1..], network.layers()[1..]);
        assert_eq!(
            (
                loaded.layers()[0].dense().unwrap().inputs(),
                loaded.layers()[0].outputs()
            ),
            (Some(0), 0)
        );
        assert_eq!(loaded.readout(), network.readout());
        let weights = load_checkpoint(&folder.path("pair")).unwrap();
        assert_eq!(weights.layer_names(), ["layer_0", "layer_1", "layer_2"]);
        assert_eq!(weights.layer_sizes(), [(0, 0), (0, 2), (2, 0)]);
        assert_eq!(weights.neuron_types(), ["if", "lif", "if"]);
    }
}

#[test]
fn format_1_has_no_network() {
    let folder = Folder::new();
    save_checkpoint(&checkpoint(1.0), &folder.path("pair"), Compression::Deflate).unwrap();
    match load_network(&folder.path("pair")) {
        Err(LoadError::Rejected(rejection)) => {
            assert_eq!(
                (rejection.rule.code(), &*rejection.path),
                ("network.neuron-model", "/network")
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_same_pair_has_the_same_bytes_and_stored_data_is_aligned() {
    for compression in BOTH {
        let folder = Folder::new();
        for name in ["one", "two"] {
            save_checkpoint(&checkpoint(0.1), &folder.path(name), compression).unwrap();
        }
        let read = |name: &str| fs::read(folder.path(name)).unwrap();
        assert_eq!(read("one.npz"), read("two.npz"));
        assert_eq!(read("one.json"), read("two.json"));
        let archive = read("one.npz");
        let members = archive
            .windows(6)
            .enumerate()
            .filter(|(_, window)| *window == b"\x93NUMPY");
        let places: Vec<usize> = members.map(|(at, _)| at).collect();
        if compression == Compression::Stored {
            assert_eq!(places.len(), 3);
            assert!(places.iter().all(|at| at % 64 == 0), "{places:?}");
        }
    }
}

#[test]
fn nothing_is_a_checkpoint_too() {
    let folder = Folder::new();
    let empty = Checkpoint::parse(br#"{"layer_names":[],"layer_sizes":[],"weights":[]}"#).unwrap();
    save_checkpoint(&empty, &folder.path("pair"), Compression::Deflate).unwrap();
    assert_eq!(load_checkpoint(&folder.path("pair")).unwrap(), empty);
    assert_eq!(fs::read(folder.path("pair.npz")).unwrap().len(), 22);
}

#[test]
fn a_pair_is_bound_by_its_digest() {
    let folder = Folder::new();
    for (name, weight) in [("pair", 1.0), ("other", 2.0)] {
        save_checkpoint(&checkpoint(weight), &folder.path(name), Compression::Deflate).unwrap();
    }
    let due = string(&folder, "archive_digest");
    let staged = folder.path(&format!("pair.npz.{}", &due[..16]));
    let code = || load(&folder.path("pair")).map_or_else(|(code, _)| code, |_| "");
    assert_eq!(code(), "");
    // Between the steps 2 and 3 of a save.
    fs::rename(folder.path("pair.npz"), &staged).unwrap();
    assert_eq!(code(), "");
    // The same, over an older pair, or over something broken.
    for older in [fs::read(folder.path("other.npz")).unwrap(), b"PK".to_vec()] {
        folder.write("pair.npz", older);
        assert_eq!(load_checkpoint(&folder.path("pair")).unwrap(), checkpoint(1.0));
    }
    // Neither is the one: the fault is that of the published one, if it is there.
    fs::copy(folder.path("other.npz"), &staged).unwrap();
    assert_eq!(code(), "archive.not-zip");
    fs::remove_file(folder.path("pair.npz")).unwrap();
    assert_eq!(code(), "archive.digest");
    fs::remove_file(staged).unwrap();
    assert_eq!(code(), "archive.missing");
    fs::copy(folder.path("other.npz"), folder.path("pair.npz")).unwrap();
    assert_eq!(code(), "archive.digest");
}

#[test]
fn a_sidecar_without_digest_takes_any_archive() {
    let folder = Folder::new();
    folder.write("pair.json", SIDECAR);
    folder.write("pair.npz.0123456789abcdef", archive().bytes);
    assert_eq!(load(&folder.path("pair")).unwrap_err().0, "archive.missing");
    folder.write("pair.npz", archive().bytes);
    assert!(load(&folder.path("pair")).is_ok());
}

#[test]
fn a_save_leaves_two_files_and_clears_what_interrupted_ones_left() {
    let folder = Folder::new();
    for name in [
        "pair.npz.tmp",
        "pair.json.tmp",
        "pair.npz.0123456789abcdef",
        "pair.npz.bak",
        "pair.npz.0123",
    ] {
        folder.write(name, "left");
    }
    save_checkpoint(&checkpoint(1.0), &folder.path("pair"), Compression::Deflate).unwrap();
    assert_eq!(
        folder.names(),
        ["pair.json", "pair.npz", "pair.npz.0123", "pair.npz.bak"]
    );
}

#[test]
fn a_save_that_fails_leaves_the_old_pair() {
    let (folder, base) = (Folder::new(), "pair");
    save_checkpoint(&checkpoint(1.0), &folder.path(base), Compression::Deflate).unwrap();
    for obstacle in ["pair.npz.tmp", "pair.json.tmp"] {
        folder.write(&format!("{obstacle}/x"), "a folder that nobody removes");
        let failure = save_checkpoint(&checkpoint(2.0), &folder.path(base), Compression::Deflate).unwrap_err();
        assert!(failure.to_string().contains(obstacle), "{failure}");
        assert_eq!(load_checkpoint(&folder.path(base)).unwrap(), checkpoint(1.0));
        let mut left = vec!["pair.json", "pair.npz", obstacle];
        left.sort();
        assert_eq!(folder.names(), left);
        fs::remove_dir_all(folder.path(obstacle)).unwrap();
    }
}

#[test]
fn a_failed_save_keeps_the_archive_that_an_interrupted_one_has_committed() {
    let folder = Folder::new();
    save_checkpoint(&checkpoint(1.0), &folder.path("pair"), Compression::Deflate).unwrap();
    let staged = format!("pair.npz.{}", &string(&folder, "archive_digest")[..16]);
    fs::rename(folder.path("pair.npz"), folder.path(&staged)).unwrap();
    folder.write("pair.json.tmp/x", "");
    for weight in [1.0, 2.0] {
        save_checkpoint(&checkpoint(weight), &folder.path("pair"), Compression::Deflate).unwrap_err();
        assert_eq!(load_checkpoint(&folder.path("pair")).unwrap(), checkpoint(1.0));
    }
    assert_eq!(folder.names(), ["pair.json", "pair.json.tmp", &*staged]);
}

#[test]
fn what_is_no_ordinary_file_is_not_replaced() {
    for name in ["pair.json", "pair.npz"] {
        let folder = Folder::new();
        fs::create_dir(folder.path(name)).unwrap();
        save_checkpoint(&checkpoint(1.0), &folder.path("pair"), Compression::Deflate).unwrap_err();
        assert_eq!(folder.names(), [name]);
    }
}

#[test]
fn a_sidecar_that_could_not_be_loaded_is_not_saved() {
    let folder = Folder::new();
    let with = |metadata: String| {
        let text = format!(r#"{{"layer_names":[],"layer_sizes":[],"weights":[],"metadata":{metadata}}}"#);
        let value = parse(text.as_bytes(), 128).unwrap();
        save_checkpoint(
            &Checkpoint::read("", &value).unwrap(),
            &folder.path("pair"),
            Compression::Deflate,
        )
    };
    let nested = |depth: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    match with(nested(63)).unwrap_err() {
        LoadError::Rejected(rejection) => assert_eq!(
            (rejection.rule.code(), &*rejection.path),
            ("checkpoint.metadata-type", "/checkpoint/metadata")
        ),
        LoadError::Io(failure) => panic!("{failure}"),
    }
    let long = with(format!(r#"{{"a":"{}"}}"#, "x".repeat(16 << 20)));
    assert!(matches!(long, Err(LoadError::Io(_))));
    assert_eq!(folder.names(), [""; 0]);
    with(nested(62)).unwrap();
    assert!(load(&folder.path("pair")).is_ok());
}

#[test]
fn two_writers_and_a_reader() {
    let folder = Folder::new();
    let base = folder.path("pair");
    let old_and_new = [checkpoint(1.0), checkpoint(2.0)];
    save_checkpoint(&old_and_new[0], &base, Compression::Deflate).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut loads = 0;
            while !done.load(Ordering::Relaxed) {
                let loaded = load_checkpoint(&base).unwrap();
                assert!(old_and_new.contains(&loaded));
                loads += 1;
            }
            loads
        });
        let writer = |checkpoint| {
            let base = &base;
            move || (0..30).for_each(|_| save_checkpoint(checkpoint, base, Compression::Stored).unwrap())
        };
        let writers = [
            scope.spawn(writer(&old_and_new[0])),
            scope.spawn(writer(&old_and_new[1])),
        ];
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
    });
    assert_eq!(folder.names(), ["pair.json", "pair.npz"]);
}
