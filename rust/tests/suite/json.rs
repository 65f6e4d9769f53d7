//! The reader of JSON texts.

use spikeparity::json::{parse, Object, Value, DOCUMENT_DEPTH};
use spikeparity::number::{integer, number};

use crate::fault;

fn read(text: &str) -> Value<'_> {
    parse(text.as_bytes(), DOCUMENT_DEPTH).unwrap_or_else(|rejection| panic!("{text}: {rejection}"))
}

fn code(text: impl AsRef<[u8]>) -> &'static str {
    let (code, path) = fault(parse(text.as_ref(), DOCUMENT_DEPTH));
    assert_eq!(path, "");
    code
}

fn object(text: &str) -> Object<'_> {
    match read(text) {
        Value::Object(object) => object,
        other => panic!("{other}"),
    }
}

#[test]
fn what_is_outside_rfc_8259_is_a_syntax_error() {
    let texts = [
        "",
        " ",
        "nul",
        "nulll",
        "True",
        "NaN",
        "-Infinity",
        "Infinity",
        "01",
        "-01",
        "+1",
        "1.",
        ".5",
        "-",
        "1e",
        "1e+",
        "0x1",
        "1 2",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[",
        "]",
        "[1",
        "{",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "{\"a\" 1}",
        "'a'",
        "\"a",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\n\"",
        "\"\t\"",
        "\"\u{0}\"",
        "/*1*/1",
        "1//",
        "\u{a0}1",
        "[1}",
        "{\"a\":1]",
        "\"a\"\"b\"",
        "\u{c}1",
        "\"\\",
        "-a",
    ];
    for text in texts {
        assert_eq!(code(text), "json.syntax", "{text:?}");
    }
}

#[test]
fn numbers_keep_their_text_and_have_the_nearest_value() {
    for (text, value) in [
        ("0", 0.0),
        ("-0", -0.0),
        ("-0.0", -0.0),
        ("1E2", 100.0),
        ("1e-2", 0.01),
        ("0.1", 0.1),
        ("5e-324", f64::from_bits(1)),
        ("2.4703282292062327e-324", 0.0), // just below half of the smallest subnormal
        ("-1e-400", -0.0),
        ("1.7976931348623157e308", f64::MAX),
        ("1.7976931348623158e308", f64::MAX),     // below the midpoint to 2^1024
        ("9007199254740993", 9007199254740992.0), // a tie, to even
        ("0e99999999999999999999", 0.0),
        ("1e-99999999999999999999", 0.0),
    ] {
        let Value::Number(number) = read(text) else {
            panic!("{text}")
        };
        assert_eq!(number.text(), text);
        assert_eq!(number.value().to_bits(), value.to_bits(), "{text}");
    }
}

#[test]
fn numbers_beyond_binary64_are_out_of_range() {
    let digits = "9".repeat(5000);
    for text in [
        "1e309",
        "-1e309",
        "1.7976931348623159e308",
        "1e99999999999999999999",
        digits.as_str(),
    ] {
        assert_eq!(code(text), "json.number-range", "{text}");
    }
}

#[test]
fn digits_and_exponent_make_up_for_each_other_in_texts_of_any_length() {
    let zeros = "0".repeat(200_000);
    for (text, value) in [
        (format!("0.{zeros}1e200001"), 1.0),
        (format!("1{zeros}e-200000"), 1.0),
        (format!("-{zeros}", zeros = &zeros[..1]), -0.0),
        (format!("-0.{zeros}e7"), -0.0),
        (format!("1.{zeros}1e+0000000001"), 10.0),
        (format!("1e-{zeros}3"), 1e-3),
        (format!("12{zeros}e-{}", "9".repeat(40)), 0.0),
    ] {
        let Value::Number(number) = read(&text) else { panic!() };
        assert_eq!(
            number.value().to_bits(),
            f64::to_bits(value),
            "{}",
            &text[text.len() - 20..]
        );
    }
    assert_eq!(code(format!("0.{zeros}1e{}", "9".repeat(40))), "json.number-range");
}

#[test]
fn only_numbers_without_fraction_and_exponent_within_2_53_are_integers() {
    for (text, due) in [
        ("0", Some(0)),
        ("-0", Some(0)),
        ("-7", Some(-7)),
        ("9007199254740991", Some(9007199254740991)),
        ("-9007199254740991", Some(-9007199254740991)),
        ("9007199254740992", None),
        ("-9223372036854775808", None),
        ("99999999999999999999", None),
        ("2.0", None),
        ("1e3", None),
        ("true", None),
        ("\"1\"", None),
        ("null", None),
    ] {
        assert_eq!(integer(&read(text)), due, "{text}");
    }
}

#[test]
fn three_strings_stand_for_numbers_that_json_lacks() {
    assert!(number(&read("\"NaN\"")).is_some_and(f64::is_nan));
    assert_eq!(number(&read("\"Infinity\"")), Some(f64::INFINITY));
    assert_eq!(number(&read("\"-Infinity\"")), Some(f64::NEG_INFINITY));
    for text in ["\"nan\"", "\"+Infinity\"", "\"1\"", "true", "null", "[]", "{}"] {
        assert_eq!(number(&read(text)), None, "{text}");
    }
}

#[test]
fn strings_are_unescaped() {
    let text = r#""a\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00é😀\u0000""#;
    assert_eq!(read(text), Value::String("a\"\\/\u{8}\u{c}\n\r\tAé😀é😀\0".into()));
}

#[test]
fn surrogates_come_in_pairs() {
    for text in [
        r#""\ud800""#,
        r#""\udc00""#,
        r#""\ud800a""#,
        r#""\ud800\n""#,
        r#""\ud800\ud800""#,
        r#""\udc00\ud800""#,
    ] {
        assert_eq!(code(text), "json.surrogate", "{text}");
    }
    assert_eq!(read(r#""\udbff\udfff""#), Value::String("\u{10ffff}".into()));
}

#[test]
fn keys_are_compared_after_unescaping_by_code_points() {
    assert_eq!(code(r#"{"a":1,"\u0061":2}"#), "json.duplicate-key");
    assert_eq!(code(r#"{"a":{"b":1,"b":2}}"#), "json.duplicate-key");
    assert_eq!(object("{\"\u{e9}\":1,\"e\u{301}\":2}").len(), 2);
    let many = |last: &str| {
        format!(
            "{{{}\"{last}\":0}}",
            (0..100).map(|k| format!("\"k{k}\":0,")).collect::<String>()
        )
    };
    assert_eq!(code(many("k7")), "json.duplicate-key");
    assert_eq!(object(&many("k100")).len(), 101);
}

#[test]
fn members_keep_document_order() {
    let text = r#"{"b":1,"a":{},"c":[true,false,null]}"#;
    let object = object(text);
    assert_eq!(
        object.members().map(|(key, _)| key).collect::<Vec<_>>(),
        ["b", "a", "c"]
    );
    assert_eq!(
        object.get("c"),
        Some(&Value::Array(vec![Value::Bool(true), Value::Bool(false), Value::Null]))
    );
    assert_eq!(object.get("d"), None);
}

#[test]
fn nesting_has_a_limit() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let objects = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    read(&nested(64));
    read(&objects(64));
    assert_eq!(code(nested(65)), "json.depth");
    assert_eq!(code(objects(65)), "json.depth");
    assert_eq!(code("[".repeat(1_000_000)), "json.depth");
    assert!(parse(nested(128).as_bytes(), 128).is_ok());
    assert!(parse(nested(255).as_bytes(), 255).is_ok());
    assert!(parse(b"1", 0).is_ok());
    read(&format!("[{}]", vec![nested(63); 50].join(","))); // siblings do not add up
}

#[test]
fn texts_are_utf_8_without_a_byte_order_mark() {
    let texts: [&[u8]; 7] = [
        b"\xef\xbb\xbf1",
        b"\"\xff\"",
        b"\"\xc0\xaf\"",     // overlong
        b"\"\xed\xa0\x80\"", // a surrogate
        b"\"\xf4\x90\x80\x80\"",
        b"\"\xe2\x82\"",
        b"\xff",
    ];
    for text in texts {
        assert_eq!(code(text), "json.encoding", "{text:?}");
    }
    assert_eq!(read("\"\u{feff}\""), Value::String("\u{feff}".into()));
}

#[test]
fn an_owned_value_is_equal_and_outlives_its_text() {
    let text = String::from(r#"{"a":[1.50,"x\n",null,true,{"b":-0}]}"#);
    let value = read(&text);
    let owned: Value<'static> = value.clone().into_owned();
    assert_eq!(owned, value);
    drop(value);
    drop(text);
    assert_eq!(owned.to_string(), "an object");
}
