"""The reference's strict reader of JSON texts."""

import base64
import json
import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from spikeparity import strict_json
from spikeparity.rejection import RejectedError
from spikeparity.strict_json import hex_float, parse, tagged

CORPUS = Path(__file__).parents[1] / "conformance" / "corpus"


def code_of(text: str | bytes) -> str:
    with pytest.raises(RejectedError) as rejected:
        parse(text)
    assert rejected.value.path == ""
    return rejected.value.code


@pytest.mark.parametrize(
    "text",
    [
        "1",
        " [1, 2.5e3, -0.0, {}] ",
        '{"a": {"b": [true, false, null]}, "": "\\u00e9\\n"}',
        '"\\ud83d\\ude00"',
        "\t\r\n[]",
    ],
)
def test_a_valid_text_is_read_as_the_standard_library_reads_it(text: str) -> None:
    assert parse(text) == json.loads(text)
    assert parse(text.encode()) == json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "NaN", "-Infinity", "tru", "truex", "1 2", "[1 2]", "// c\n1", "\x0b1", "[", "]", "[1,]"),
        *("01", "+1", "1.", ".5", "1e", "0x1", "-", "'a'", '"\t"', '"\\x"', '"\\u12g4"', '"a'),
        *('{"a":1,}', "{a:1}", '{"a"}', '{"a":1 "b":2}', '{"a":1'),
    ],
)
def test_a_text_outside_rfc_8259_is_rejected(text: str) -> None:
    assert code_of(text) == "json.syntax"


@pytest.mark.parametrize("text", [b"\xff", b'"\xed\xa0\x80"', b'"\xc0\xaf"', b"\xef\xbb\xbf1", "\ufeff1"])
def test_a_text_that_is_not_plain_utf_8_is_rejected(text: str | bytes) -> None:
    assert code_of(text) == "json.encoding"


@pytest.mark.parametrize("text", ['"\\ud800"', '"\\udc00"', '"\\ud800x"', '"\\ud800\\u0041"', '{"\\udfff":1}'])
def test_an_unpaired_surrogate_escape_is_rejected(text: str) -> None:
    assert code_of(text) == "json.surrogate"


def test_keys_that_are_equal_after_unescaping_are_duplicates() -> None:
    assert code_of('[{"a":1,"\\u0061":2}]') == "json.duplicate-key"
    assert parse('{"é":1,"e\u0301":2}') == {"é": 1, "e\u0301": 2}


def test_nesting_of_64_is_the_deepest() -> None:
    deepest = "[" * 64 + "]" * 64
    assert parse(deepest) == json.loads(deepest)
    assert code_of(f"[{deepest}]") == "json.depth"
    assert code_of('{"a":' * 65 + "1" + "}" * 65) == "json.depth"


def test_depth_counts_nesting_not_brackets() -> None:
    assert parse("[" + ",".join(["[]"] * 100) + "]") == [[]] * 100


@pytest.mark.parametrize("text", ["1e309", "-1E400", "9" * 5000, "179769313486231580793" + "0" * 289])
def test_a_number_beyond_binary64_is_rejected(text: str) -> None:
    assert code_of(text) == "json.number-range"


def test_a_number_too_small_for_binary64_is_a_signed_zero() -> None:
    assert math.copysign(1, parse("-1e-400")) == -1
    assert parse("-1e-400") == 0


def test_integers_of_any_length_are_read_exactly() -> None:
    assert parse("123456789012345678901234567890") == 123456789012345678901234567890


def test_minus_zero_is_the_integer_zero_and_the_number_minus_zero() -> None:
    zero = parse("-0")
    assert isinstance(zero, int)
    assert zero == 0
    assert hex_float(float(zero)) == "8000000000000000"
    assert tagged(zero) == {"i": "-0"}


def test_the_tagged_form_tells_integers_from_other_numbers() -> None:
    text = '{"b":[7,-9007199254740991,9007199254740992,1.0,1e3],"a":["x",true,null]}'
    assert tagged(parse(text)) == {
        "o": [
            [
                "b",
                {
                    "a": [
                        {"i": "7"},
                        {"i": "-9007199254740991"},
                        {"n": "4340000000000000"},
                        {"n": "3ff0000000000000"},
                        {"n": "408f400000000000"},
                    ]
                },
            ],
            ["a", {"a": [{"s": "x"}, {"b": True}, {"z": None}]}],
        ]
    }


@pytest.mark.parametrize("value", [0.1, 5e-324, 1.7976931348623157e308, -0.0, 2.0**-1074 * 3])
def test_numbers_are_read_to_the_nearest_binary64(value: float) -> None:
    assert struct.pack(">d", parse(repr(value))) == struct.pack(">d", value)


def test_a_rejection_says_where_and_what() -> None:
    with pytest.raises(RejectedError, match=r"line 2, column 4: expected a value, got ','"):
        parse("[1,\n 2,,]")


def texts_of_the_corpus() -> list[bytes]:
    inputs = [json.loads(path.read_bytes())["input"] for path in sorted(CORPUS.glob("json.parse/**/*.json"))]
    return [i["text"].encode() if "text" in i else base64.b64decode(i["base64"]) for i in inputs]


def test_the_quick_reader_reads_and_rejects_as_the_strict_one() -> None:
    def read(reader: Callable[[bytes], Any], text: bytes) -> Any:
        try:
            return strict_json.tagged(reader(text))
        except RejectedError as error:
            return str(error)

    texts = texts_of_the_corpus()
    assert len(texts) > 250
    for text in texts:
        assert read(strict_json.parse_quickly, text) == read(strict_json.parse, text)
