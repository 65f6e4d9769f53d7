//! The rules npy.*, and how values are read.

use crate::artefact::{doubles, load_pair, npy, npy_with, stored, weights, Zip};

/// Loads a pair of one layer of this shape, whose member has these bytes.
fn loaded(outputs: usize, inputs: usize, member: &[u8]) -> Result<Vec<f64>, (&'static str, String)> {
    let total = outputs * inputs;
    let sidecar =
        format!(r#"{{"n_layers":1,"layer_names":["a"],"layer_sizes":[[{inputs},{outputs}]],"total_params":{total}}}"#);
    let zip = Zip::of(&[stored("layer_0.npy", member)]);
    load_pair(sidecar, &zip.bytes).map(|checkpoint| weights(&checkpoint).remove(0))
}

/// The code for a (1, 1) array with this header, "" where it is sound.
fn header(header: &[u8]) -> &'static str {
    let result = loaded(1, 1, &npy_with(header, &doubles(&[1.0])));
    result.map_or_else(|(code, _)| code, |_| "")
}

#[test]
fn headers_that_are_sound() {
    for text in [
        "{'descr':'<f8','fortran_order':False,'shape':(1,1)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), }          \n",
        " { \"shape\" : ( 1\t, 1 , ) ,\r\n'fortran_order' : True , \"descr\" : \"<f8\" } ",
    ] {
        assert_eq!(header(text.as_bytes()), "", "{text}");
    }
}

#[test]
fn headers_outside_the_grammar() {
    let sound = "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), }";
    for (part, replacement) in [
        ("{", ""),
        ("}", ""),
        ("}", "} x"),
        ("}", ",}"),
        ("'descr'", "descr"),
        ("'descr'", "'Descr'"),
        ("'descr'", "'des\\x63r'"),
        ("'descr': '<f8', ", ""),
        ("'shape'", "'descr': '<f8', 'shape'"),
        ("'shape'", "'x': 1, 'shape'"),
        ("'<f8'", "'<f8"),
        ("'<f8'", "'<f\\8'"),
        ("'<f8'", "<f8"),
        ("'<f8'", "{'a': 1}"),
        ("'<f8'", "[('a', '<f8')"),
        ("'<f8'", "[('a', '<f8'])"),
        ("'<f8'", "[(']', '<f8)]"),
        ("False", "false"),
        ("False", "0"),
        ("False", "Falsey"),
        ("(1, 1)", "[1, 1]"),
        ("(1, 1)", "(1)"),
        ("(1, 1)", "(,)"),
        ("(1, 1)", "(1 1)"),
        ("(1, 1)", "(1, 1,,)"),
        ("(1, 1)", "(01, 1)"),
        ("(1, 1)", "(+1, 1)"),
        ("(1, 1)", "(-1, 1)"),
        ("(1, 1)", "(1_0, 1)"),
        ("(1, 1)", "(1L, 1)"),
        ("(1, 1)", "(9007199254740992, 1)"),
        ("(1, 1)", "(99999999999999999999, 1)"),
        (", }", "; }"),
        ("'shape':", "'shape'"),
    ] {
        assert!(sound.contains(part));
        let text = sound.replacen(part, replacement, 1);
        assert_eq!(header(text.as_bytes()), "npy.header", "{text}");
    }
    for byte in [0, 0x0b, 0x7f, 0x80] {
        assert_eq!(header(&[sound.as_bytes(), &[byte]].concat()), "npy.header", "{byte}");
    }
    let dimensions = |count: usize| sound.replace("(1, 1)", &format!("({})", "1,".repeat(count)));
    assert_eq!(header(dimensions(33).as_bytes()), "npy.header");
    assert_eq!(header(dimensions(32).as_bytes()), "checkpoint.weight-shape");
}

#[test]
fn types_that_are_no_real_numbers() {
    let sound = "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), }";
    for descr in [
        "'f8'",
        "'=f8'",
        "'|f8'",
        "'<f16'",
        "'<c16'",
        "'|O'",
        "'|b1'",
        "'|S8'",
        "'<U2'",
        "'|i2'",
        "'<f1'",
        "''",
        "[('a', '<f8')]",
        "('<f8', (1,))",
        "[(']', ('<f8', ')'))]",
    ] {
        assert_eq!(header(sound.replace("'<f8'", descr).as_bytes()), "npy.dtype", "{descr}");
    }
}

#[test]
fn magic_and_version() {
    let sound = npy("<f8", "(1, 1)", &doubles(&[1.0]));
    let code = |bytes: &[u8]| loaded(1, 1, bytes).map_or_else(|(code, _)| code, |_| "");
    assert_eq!(code(b""), "npy.magic");
    assert_eq!(code(&sound[..7]), "npy.magic");
    assert_eq!(code(&[b"\x94", &sound[1..]].concat()), "npy.magic");
    for (version, due) in [([1, 1], "npy.magic"), ([0, 0], "npy.magic"), ([4, 0], "npy.magic")] {
        assert_eq!(code(&[&sound[..6], &version, &sound[8..]].concat()), due);
    }
    for length in [8, 9, 10, 20, sound.len() - 9] {
        assert_eq!(code(&sound[..length]), "npy.header", "{length}");
    }
    for version in [2, 3] {
        let wide = [&sound[..6], &[version, 0], &sound[8..10], &[0, 0], &sound[10..]].concat();
        assert_eq!(loaded(1, 1, &wide), Ok(vec![1.0]));
        assert_eq!(code(&wide[..11]), "npy.header");
        let longer = [&wide[..10], &[1, 0], &wide[12..]].concat();
        assert_eq!(code(&longer), "npy.header");
    }
}

#[test]
fn shape_and_length() {
    let at = |code| Err((code, "/weights/0".to_owned()));
    let data = doubles(&[1.0, 2.0]);
    for shape in ["(2, 1)", "(2,)", "()", "(1, 2, 1)", "(1, 3)", "(0, 2)"] {
        assert_eq!(
            loaded(1, 2, &npy("<f8", shape, &data)),
            at("checkpoint.weight-shape"),
            "{shape}"
        );
    }
    let huge = "(9007199254740991, 9007199254740991)";
    assert_eq!(loaded(1, 2, &npy("<f8", huge, &data)), at("checkpoint.weight-shape"));
    assert_eq!(loaded(1, 2, &npy("<f8", "(1, 2)", &data[..15])), at("npy.length"));
    assert_eq!(
        loaded(1, 2, &npy("<f8", "(1, 2)", &[&data[..], b"?"].concat())),
        at("npy.length")
    );
    assert_eq!(loaded(1, 2, &npy("<f4", "(1, 2)", &data)), at("npy.length"));
    assert_eq!(loaded(0, 2, &npy("<f8", "(0, 2)", &[])), Ok(vec![]));
    assert_eq!(loaded(2, 0, &npy("<f8", "(2, 0)", &[0])), at("npy.length"));
}

#[test]
fn every_type_is_read_to_binary64() {
    let cases: [(&str, &[u8], [f64; 2]); 14] = [
        (
            "<f8",
            &[0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 1, 0, 0, 0, 0, 0, 0, 0x80],
            [1.5, -5e-324],
        ),
        (
            ">f8",
            &[0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 1],
            [1.5, -5e-324],
        ),
        ("<f4", &[0, 0, 0xc0, 0x3f, 1, 0, 0, 0x80], [1.5, -1.401298464324817e-45]),
        (">f4", &[0x3f, 0xc0, 0, 0, 0x80, 0, 0, 1], [1.5, -1.401298464324817e-45]),
        ("<f2", &[0xff, 0x7b, 1, 0x80], [65504.0, -5.960464477539063e-8]),
        (">f2", &[0x3c, 1, 0x84, 0], [1.0009765625, -6.103515625e-5]),
        ("|i1", &[0x7f, 0x80], [127.0, -128.0]),
        ("|u1", &[0x7f, 0x80], [127.0, 128.0]),
        ("<i2", &[0, 0x80, 1, 0], [-32768.0, 1.0]),
        (">u2", &[0, 1, 0xff, 0xff], [1.0, 65535.0]),
        (">i4", &[0xff, 0xff, 0xff, 0xfe, 0, 0, 1, 0], [-2.0, 256.0]),
        ("<u4", &[0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0], [4294967295.0, 1.0]),
        (
            "<i8",
            &[0, 0, 0, 0, 0, 0, 0, 0x80, 1, 0, 0, 0, 0, 0, 0, 0],
            [-9223372036854775808.0, 1.0],
        ),
        (
            ">u8",
            &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            [9223372036854775808.0, 1.0],
        ),
    ];
    for (descr, data, due) in cases {
        let found = loaded(1, 2, &npy(descr, "(1, 2)", data)).unwrap();
        assert_eq!(
            found.iter().map(|value| value.to_bits()).collect::<Vec<_>>(),
            due.map(f64::to_bits),
            "{descr}"
        );
    }
}

#[test]
fn integers_that_binary64_cannot_hold() {
    let integers = |values: &[u64]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
    let at = |path: &str| Err(("checkpoint.weight-type", path.to_owned()));
    let limit = 1 << 53;
    assert_eq!(
        loaded(1, 2, &npy("<i8", "(1, 2)", &integers(&[limit, limit + 1]))),
        at("/weights/0/0/1")
    );
    assert_eq!(
        loaded(1, 2, &npy("<u8", "(1, 2)", &integers(&[u64::MAX, limit + 1]))),
        at("/weights/0/0/0")
    );
    let (exact, lowest) = (limit + 2, limit.wrapping_neg());
    assert_eq!(
        loaded(1, 2, &npy("<i8", "(1, 2)", &integers(&[exact, lowest]))),
        Ok(vec![9007199254740994.0, -9007199254740992.0])
    );
    assert_eq!(
        loaded(1, 1, &npy("<i8", "(1, 1)", &integers(&[u64::MAX >> 1]))),
        at("/weights/0/0/0")
    );
}

#[test]
fn fortran_order_is_transposed_and_faults_are_found_in_c_order() {
    let fortran = |descr: &str, data: &[u8]| {
        let header = format!("{{'descr': '{descr}', 'fortran_order': True, 'shape': (2, 3)}}");
        loaded(2, 3, &npy_with(header.as_bytes(), data))
    };
    assert_eq!(
        fortran("|i1", &[1, 4, 2, 5, 3, 6]),
        Ok(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    );
    let nan = doubles(&[1.0, f64::NAN, 2.0, 5.0, f64::INFINITY, 6.0]);
    assert_eq!(
        fortran("<f8", &nan),
        Err(("checkpoint.weight-finite", "/weights/0/0/2".into()))
    );
    let odd = (1u64 << 53) + 1;
    let integers: Vec<u8> = [0, odd, 0, 0, odd, 0]
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    assert_eq!(
        fortran("<i8", &integers),
        Err(("checkpoint.weight-type", "/weights/0/0/2".into()))
    );
}

#[test]
fn values_that_are_not_finite() {
    let at = |path: &str| Err(("checkpoint.weight-finite", path.to_owned()));
    assert_eq!(
        loaded(1, 2, &npy("<f2", "(1, 2)", &[0, 0x7c, 1, 0x7c])),
        at("/weights/0/0/0")
    );
    assert_eq!(
        loaded(1, 2, &npy("<f4", "(1, 2)", &[0, 0, 0, 0, 0, 0, 0xc0, 0x7f])),
        at("/weights/0/0/1")
    );
    assert_eq!(
        loaded(2, 1, &npy("<f8", "(2, 1)", &doubles(&[0.0, f64::NEG_INFINITY]))),
        at("/weights/0/1/0")
    );
}

#[test]
fn entries_may_lie_across_the_pieces_that_are_read() {
    // With headers of eight lengths in turn, entries begin anywhere in what is read at once.
    let values: Vec<f64> = (0..30_000).map(f64::from).collect();
    for blanks in 0..8 {
        let header = format!(
            "{{'descr':'<f8','fortran_order':False,'shape':(1,30000)}}{}",
            " ".repeat(blanks)
        );
        assert_eq!(
            loaded(1, 30_000, &npy_with(header.as_bytes(), &doubles(&values))).as_ref(),
            Ok(&values)
        );
    }
}
