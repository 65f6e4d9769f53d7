"""The oracle's reading of JSON texts, against RFC 8259, the standard library's writer and hand-made faults."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.oracle import answer
from conformance.oracle.hexfloat import from_hex, to_hex
from conformance.oracle.values import pointer


def parse(text: str) -> dict[str, Any]:
    return answer("json.parse", {"text": text})


def code_of(data: bytes) -> str:
    got = answer("json.parse", {"base64": base64.b64encode(data).decode()})
    assert got["verdict"] == "reject" and got["path"] == ""
    return str(got["code"])


def untag(tagged: dict[str, Any]) -> Any:
    """Return what the standard library's reader would have made of the text."""
    ((tag, value),) = tagged.items()
    if tag == "o":
        return {key: untag(member) for key, member in value}
    if tag == "a":
        return [untag(entry) for entry in value]
    if tag == "i":
        return int(value)
    return from_hex(value) if tag == "n" else value


def test_example_of_rfc_8259_section_13() -> None:
    text = """{
        "Image": {
            "Width":  800,
            "Title":  "View from 15th Floor",
            "Animated" : false,
            "IDs": [116, 943, 234, 38793]
          }
      }"""
    ids = [{"i": "116"}, {"i": "943"}, {"i": "234"}, {"i": "38793"}]
    image = [["Width", {"i": "800"}], ["Title", {"s": "View from 15th Floor"}], ["Animated", {"b": False}]]
    assert parse(text)["output"] == {"value": {"o": [["Image", {"o": [*image, ["IDs", {"a": ids}]]}]]}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", {"i": "0"}),
        ("-0", {"i": "-0"}),
        ("-0.0", {"n": "8000000000000000"}),
        ("9007199254740991", {"i": "9007199254740991"}),
        ("-9007199254740992", {"n": "c340000000000000"}),
        ("2.0", {"n": "4000000000000000"}),
        ("1e3", {"n": "408f400000000000"}),
        ("1E-400", {"n": "0000000000000000"}),
        ("-1e-400", {"n": "8000000000000000"}),
        ("4.9e-324", {"n": "0000000000000001"}),
        ("1.7976931348623157e308", {"n": "7fefffffffffffff"}),
        # half an ulp above the largest finite value, less a little: rounds down
        ("1.797693134862315807e308", {"n": "7fefffffffffffff"}),
        ("9007199254740993", {"n": "4340000000000000"}),  # a tie, to even
        ("1" + "0" * 308, {"n": "7fe1ccf385ebc8a0"}),
        (" \t\r\n null \n", {"z": None}),
        ('"\\u0041\\/\\b\\f\\n\\r\\t\\"\\\\"', {"s": 'A/\b\f\n\r\t"\\'}),
        ('"\\ud834\\udd1e"', {"s": "\U0001d11e"}),  # RFC 8259, section 7: the G clef
        ('"\\ud800\\udc00\\udbff\\udfff"', {"s": "\U00010000\U0010ffff"}),
        ('"\U0001d11e\x7f\ufeff"', {"s": "\U0001d11e\x7f\ufeff"}),
        ('{"":{},"a":[]}', {"o": [["", {"o": []}], ["a", {"a": []}]]}),
        ('{"é":1,"e\u0301":2}', {"o": [["é", {"i": "1"}], ["e\u0301", {"i": "2"}]]}),
        ('[{"a":1},{"a":2}]', {"a": [{"o": [["a", {"i": "1"}]]}, {"o": [["a", {"i": "2"}]]}]}),
    ],
)
def test_accepted_texts(text: str, value: dict[str, Any]) -> None:
    assert parse(text) == {"verdict": "accept", "output": {"value": value}}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b'"\xff"', "json.encoding"),
        (b'"\xc0\xaf"', "json.encoding"),  # overlong
        (b'"\xed\xa0\x80"', "json.encoding"),  # a surrogate
        (b'"\xf4\x90\x80\x80"', "json.encoding"),  # above U+10FFFF
        (b'"\xe2\x82"', "json.encoding"),  # cut short
        (b"\xef\xbb\xbf1", "json.encoding"),
        (b"", "json.syntax"),
        (b" ", "json.syntax"),
        (b"1 2", "json.syntax"),
        (b"01", "json.syntax"),
        (b"-", "json.syntax"),
        (b"+1", "json.syntax"),
        (b".5", "json.syntax"),
        (b"1.", "json.syntax"),
        (b"1e", "json.syntax"),
        (b"NaN", "json.syntax"),
        (b"-Infinity", "json.syntax"),
        (b"True", "json.syntax"),
        (b"truefalse", "json.syntax"),
        (b"[1,]", "json.syntax"),
        (b"[,1]", "json.syntax"),
        (b"[1 2]", "json.syntax"),
        (b"[1}", "json.syntax"),
        (b'{"a":1,}', "json.syntax"),
        (b'{"a"}', "json.syntax"),
        (b"{a:1}", "json.syntax"),
        (b"{1:1}", "json.syntax"),
        (b"// c\n1", "json.syntax"),
        (b'"\t"', "json.syntax"),
        (b'"\x00"', "json.syntax"),
        (b'"\x1f"', "json.syntax"),
        (b'"\\x41"', "json.syntax"),
        (b'"\\u004"', "json.syntax"),
        (b'"\\u00g0"', "json.syntax"),
        (b'"a', "json.syntax"),
        (b"'a'", "json.syntax"),
        (b"\x0c1", "json.syntax"),
        ("１".encode(), "json.syntax"),
        ("\u00a01".encode(), "json.syntax"),
        (b'"\\ud800"', "json.surrogate"),
        (b'"\\udc00"', "json.surrogate"),
        (b'"\\udc00\\ud800"', "json.surrogate"),
        (b'"\\udc00\\udc00"', "json.surrogate"),
        (b'"\\ud800\\u0041"', "json.surrogate"),
        (b'{"\\ud800":1}', "json.surrogate"),
        (b'{"a":1,"b":2,"a":3}', "json.duplicate-key"),
        (b'{"a":1,"\\u0061":1}', "json.duplicate-key"),
        (b'[{"x":{"":1,"":1}}]', "json.duplicate-key"),
        (b"[" * 65 + b"]" * 65, "json.depth"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "json.depth"),
        (b"[" * 5000 + b"]" * 5000, "json.depth"),
        (b"1e309", "json.number-range"),
        (b"[-1e999999999999]", "json.number-range"),
        (b"9" * 5000, "json.number-range"),
        (b"1.797693134862315808e308", "json.number-range"),  # rounds up to infinity
    ],
)
def test_a_text_with_one_kind_of_fault_has_its_code(data: bytes, code: str) -> None:
    assert code_of(data) == code


@pytest.mark.parametrize(
    "data",
    [
        b"\xff",
        b'\xef\xbb\xbf["\\ud800"]',
        b'"\\ud800',
        b'{"a":1,"a":2',
        b'{"a":1,"a"}',
        b'{"a":1e999,"a":2}',
        b"[" * 65,
        b'"\xff" "a"',
        b'{"\\ud800":1,"\\ud800":2}',
    ],
)
def test_a_text_with_several_kinds_of_fault_leaves_the_code_open(data: bytes) -> None:
    assert code_of(data) == "json.*"


def test_depth_64_is_read() -> None:
    assert parse("[" * 64 + "]" * 64)["verdict"] == "accept"
    assert parse('{"a":[' * 32 + "]}" * 32)["verdict"] == "accept"


def test_siblings_do_not_add_to_the_depth() -> None:
    assert parse("[" + ",".join(["[" * 63 + "]" * 63] * 3) + "]")["verdict"] == "accept"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=20,
)


@given(JSON, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_what_the_standard_library_writes_is_read_as_the_same_value(value: Any, ascii_only: bool, indent: Any) -> None:
    tagged = parse(json.dumps(value, ensure_ascii=ascii_only, indent=indent))["output"]["value"]
    large_integers_as_floats = json.loads(json.dumps(value), parse_int=lambda text: _nearest(int(text)))
    assert untag(tagged) == large_integers_as_floats


def _nearest(number: int) -> int | float:
    return number if abs(number) < 2**53 else float(number)


@given(st.text(alphabet='{}[]",:\\u0d8c1e-+. tn', max_size=12))
def test_verdicts_agree_with_the_standard_library_up_to_our_stricter_rules(text: str) -> None:
    got = parse(text)
    try:
        json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} cannot be written with this alphabet"))
    except json.JSONDecodeError:
        assert got["verdict"] == "reject" and got["code"] in ("json.syntax", "json.*")
    else:
        assert got["verdict"] == "accept" or got["code"] in ("json.*", "json.surrogate", "json.duplicate-key", RANGE)


RANGE = "json.number-range"


@given(st.floats())
def test_hex_digits_carry_every_bit(number: float) -> None:
    assert to_hex(from_hex(to_hex(number))) == to_hex(number)
    assert len(to_hex(number)) == 16


@pytest.mark.parametrize(
    ("key", "token"),
    [("foo", "/foo"), ("", "/"), ("a/b", "/a~1b"), ("c%d", "/c%d"), ("e^f", "/e^f"), (" ", "/ "), ("m~n", "/m~0n")],
)
def test_pointers_of_rfc_6901_section_5(key: str, token: str) -> None:
    assert pointer(key) == token


def test_escapes_are_not_escaped_twice() -> None:
    assert pointer("~1") == "/~01"
