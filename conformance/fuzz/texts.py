"""JSON texts near the edges of RFC 8259: odd spellings, deep nesting, broken UTF-8, and damage of one or two bytes."""

from __future__ import annotations

import base64
import json
from random import Random
from typing import Any

from conformance.fuzz import numbers

DEPTH = 64
TOKENS = (
    *("{", "}", "[", "]", ":", ",", '"', "\\", "true", "false", "null", "nul", "True", "NaN", "Infinity", "-Infinity"),
    *('"a"', '"b"', '""', '"\t"', '"\u2028"', '"\x7f"', "'a'", '"\\u0061"', '"\\/"', '"\\x"', '"\\u00"', "\\u0061"),
    *('"\\ud800"', '"\\udc00\\ud800"', '"\\ud83d\\ude00"', '"\\ud800\\u0061"', '"\\ud800\\n"', '"\\uDBFF\\uDFFF"'),
    *("01", "1.", ".1", "-", "+1", "1e", "1e+", "-01", "0x1", "1_0", "--1", "1.e1", "-0", "1e400", "9007199254740992"),
    *(
        " ",
        "\t",
        "\n",
        "\r",
        "\f",
        "\v",
        "\0",
        "\x1f",
        "\x7f",
        "\u00a0",
        "\u2028",
        "\ufeff",
        "\ufffd",
        "é",
        "\U0001f600",
    ),
    *("/**/", "//"),
)
BYTES = (
    *(b"\xed\xa0\x80", b"\xed\xb0\x80", b"\xed\x9f\xbf", b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\x80", b"\xe0\x9f\xbf"),
    *(b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf", b"\xf4\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80"),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x80", b"\xbf", b"\xff", b"\xe2\x82", b"\xc3", b"\xf0\x9f\x98"),
    *(b"\xf0\x9f\x98\x80", b"\xc2\x80", b"\xdf\xbf", b"\xe0\xa0\x80", b"\xee\x80\x80", b"\xef\xbf\xbf"),
    b"\xf0\x90\x80\x80",
)
SPACES = ("", "", "", "", " ", "\n", "\t", "\r", "\r\n", "  ")
LENIENT = (
    *("[1,]", "[,1]", "[1,,2]", "[1 2]", "[,]", '{"a":1,}', '{,"a":1}', '{"a":1 "b":2}', '{"a" 1}', '{"a":}', '{"a"}'),
    *(
        "NaN",
        "-NaN",
        "Infinity",
        "-Infinity",
        "+Infinity",
        "nan",
        "inf",
        "1.",
        "-1.",
        ".5",
        "-.5",
        "+1",
        "01",
        "-01",
        "00",
    ),
    *("1.e5", "1e", "1e+", "0x10", "1_000", "1f", "1n", "--1", "- 1", "1 .5", "\u0661", "\uff11", "1,5", "-", "+"),
    *(
        "'a'",
        "{'a':1}",
        "{a:1}",
        "`a`",
        '"a',
        'a"',
        '"\\x41"',
        '"\\\n"',
        '"\\u{41}"',
        '"\\0"',
        '"\\v"',
        '"a\nb"',
        '"\t"',
    ),
    *("//x\n1", "1//x", "/*x*/1", "1/**/", "#x\n1", "<!--x-->1", "True", "False", "None", "NULL", "undefined", "nil"),
    *(
        "[1}",
        "{]",
        "[",
        "{",
        "]",
        "}",
        "[[]",
        '{"a":1',
        "[1]]",
        "1 2",
        "{}{}",
        "[],",
        ",",
        ":",
        "",
        " ",
        ";",
        "1;",
        "(1)",
    ),
    *(
        "\ufeff1",
        "1\ufeff",
        "\u00a01",
        "1\u2028",
        "\f1",
        "1\v",
        "1\0",
        "\0",
        "tru",
        "truee",
        "nulll",
        '"a""b"',
        "{1:2}",
    ),
)
"""What lenient readers take: JSON5, JavaScript, Python, YAML, or one with a hole; no text of RFC 8259 is among them."""
PADDING = (1, 7, 8, 14, 15, 16, 29, 30, 31, 32, 33, 61, 62, 63, 64, 65, 127, 4096)
"""Readers look at 8, 16, 32 or 64 bytes at a time."""
CODE_POINTS = (
    *(0x20, 0x21, 0x22, 0x2F, 0x5C, 0x61, 0x7E, 0x7F, 0x80, 0xE9, 0x301, 0x7FF, 0x800, 0x2028, 0xD7FF, 0xE000, 0xFEFF),
    *(0xFFFD, 0xFFFE, 0xFFFF, 0x10000, 0x1F600, 0x10FFFF, 0x00, 0x08, 0x1F),
)
SURROGATES = (
    "\\ud800",
    "\\udbff",
    "\\udc00",
    "\\udfff",
    "\\ud800\\udc00",
    "\\ud800\\ud800",
    "\\uD83D\\uDE00",
    "\\u0000",
)
KEYS = ("a", "b", "", "é", "e\u0301", "\U0001f600", "\uff5e", "a/b", "~", "\0", "A")


def parse_request(rng: Random) -> dict[str, Any]:
    """Draw the input of json.parse."""
    return carried(damaged(text(rng), rng), rng)


def carried(data: bytes, rng: Random) -> dict[str, Any]:
    """Return the member that carries a text in a request: ``text`` where it is UTF-8, else ``base64``."""
    try:
        return {"text": data.decode("utf-8")} if rng.random() < 0.8 else _base64(data)
    except UnicodeDecodeError:
        return _base64(data)


def _base64(data: bytes) -> dict[str, Any]:
    return {"base64": base64.b64encode(data).decode("ascii")}


def text(rng: Random) -> bytes:
    """Draw a text, correct or nearly so."""
    x = rng.random()
    if x < 0.35:
        return (rng.choice(SPACES) + _value(rng, 0) + rng.choice(SPACES)).encode()
    if x < 0.6:
        listed = rng.random() < 0.5
        return ("[" + ",".join(numbers.text(rng) for _ in range(3)) + "]" if listed else numbers.text(rng)).encode()
    if x < 0.75:
        return _string(rng).encode()
    if x < 0.77:
        return _many_members(rng).encode()
    if x < 0.79:
        return rng.choice(("%s", "%s", "[%s]", '{"a":%s}', "[1,%s]")).replace("%s", rng.choice(LENIENT)).encode()
    if x < 0.85:
        return _nested(rng)
    return _with_bytes(rng)


def _value(rng: Random, depth: int) -> str:
    x = rng.random()
    if depth > 3 or x < 0.45:
        return _scalar(rng)
    gap = rng.choice(SPACES)
    if x < 0.7:
        return "[" + f"{gap},".join(_value(rng, depth + 1) for _ in range(rng.randint(0, 3))) + gap + "]"
    keys = [_key(rng) for _ in range(rng.randint(0, 3))]
    return "{" + f"{gap},".join(f"{key}{gap}:{gap}{_value(rng, depth + 1)}" for key in keys) + gap + "}"


def _scalar(rng: Random) -> str:
    x = rng.random()
    if x < 0.35:
        return rng.choice(("1", '"a"', "null", "true", "false", "[]", "{}", '""', "0"))
    if x < 0.65:
        return rng.choice(numbers.NUMBER_TEXTS)
    if x < 0.9:
        return _string(rng)
    return rng.choice(TOKENS)


def _key(rng: Random) -> str:
    return _spelled(rng.choice(KEYS), rng) if rng.random() < 0.8 else _string(rng)


def _spelled(string: str, rng: Random) -> str:
    r"""Return a string's JSON text, some of its characters as ``\u`` escapes: equal keys need not look equal."""
    return '"' + "".join(_character(ord(char), rng) for char in string) + '"'


def _character(point: int, rng: Random) -> str:
    short = {0x22: '\\"', 0x5C: "\\\\", 0x2F: "\\/", 8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r"}.get(point)
    if short is not None and rng.random() < 0.5:
        return short
    if point < 0x20 or point in (0x22, 0x5C) or rng.random() < 0.3:
        units = [point] if point < 0x10000 else [0xD800 + (point - 0x10000 >> 10), 0xDC00 + (point - 0x10000 & 0x3FF)]
        return "".join(rng.choice(("\\u%04x", "\\u%04X")) % unit for unit in units)
    return chr(point)


def _string(rng: Random) -> str:
    parts = [_character(rng.choice(CODE_POINTS), rng) for _ in range(rng.randint(0, 4))]
    if rng.random() < 0.1:
        parts.insert(0, "x" * rng.choice(PADDING))
    if rng.random() < 0.25:
        parts.insert(rng.randint(0, len(parts)), rng.choice(SURROGATES))
    if rng.random() < 0.05:
        parts.append(rng.choice(("\\a", "\\U0041", "\\u12", "\\u12g4", "\\", "\x1f", "\n", "\\0", "\\'")))
    return '"' + "".join(parts) + '"'


def _many_members(rng: Random) -> str:
    """Draw an object with as many members as makes readers look keys up otherwise; a key may come twice."""
    keys = [f"k{number}" for number in range(rng.choice((7, 8, 9, 15, 16, 17, 18, 31, 33, 65, 200)))]
    if rng.random() < 0.5:
        keys.insert(rng.randint(0, len(keys)), rng.choice(keys))
    return "{" + ",".join(f"{_spelled(key, rng) if rng.random() < 0.1 else json.dumps(key)}:0" for key in keys) + "}"


def _nested(rng: Random) -> bytes:
    """Draw a text about as deep as is allowed, now and then far deeper."""
    depth = rng.choice((DEPTH - 1, DEPTH, DEPTH, DEPTH + 1, DEPTH + 1, DEPTH + 2, 128, 129))
    if rng.random() < 0.02:
        depth = rng.choice((1000, 1000, 1000, 3000)) if rng.random() < 0.95 else 50_000
    objects = rng.random()
    opened = [rng.random() < objects for _ in range(depth)]
    inner = rng.choice(("", "", "1", '"a"', "[]", "{}", "1e400"))
    if not inner and opened and opened[-1]:
        opened[-1] = False
    closing = "".join("}" if is_object else "]" for is_object in reversed(opened))
    result = "".join('{"a":' if is_object else "[" for is_object in opened) + inner + closing
    return (f"[{result},{_scalar(rng)}]" if rng.random() < 0.1 else result).encode()


def _with_bytes(rng: Random) -> bytes:
    """Draw a string that holds a byte sequence at the edge of UTF-8, or such a sequence elsewhere."""
    sequence = rng.choice(BYTES) if rng.random() < 0.8 else bytes(rng.randrange(256) for _ in range(rng.randint(1, 4)))
    before, after = rng.choice(((b'"', b'"'), (b'"a', b'b"'), (b'{"', b'":1}'), (b"", b"1"), (b"[", b"]"), (b"1", b"")))
    padding = b"x" * rng.choice(PADDING) if before.endswith((b'"', b"a")) and rng.random() < 0.3 else b""
    return before + padding + sequence + after


def damaged(data: bytes, rng: Random) -> bytes:
    """Return a text with a few bytes added, dropped or changed; most often as it is."""
    if rng.random() < 0.01:
        data = rng.choice((b"\xef\xbb\xbf", b"\xef\xbb\xbf", b"\xff\xfe", b" \xef\xbb\xbf")) + data
    for _ in range(rng.choice((0, 0, 0, 0, 1, 1, 2))):
        at = rng.randint(0, len(data))
        x = rng.random()
        if x < 0.35:
            data = data[:at] + rng.choice(TOKENS).encode() + data[at:]
        elif x < 0.6:
            data = data[:at] + data[at + 1 :]
        elif x < 0.75:
            data = data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]
        elif x < 0.85:
            data = data[:at] + rng.choice(BYTES) + data[at:]
        elif x < 0.95:
            other = rng.randint(at, min(len(data), at + 8))
            data = data[:other] + data[at:other] + data[other:]
        else:
            data = data[:at]
    return data


def written(value: Any, rng: Random) -> bytes:
    """Return a document as text, spelled oddly here and there: 2.0 for 2, escapes in keys, a key that comes twice."""
    if rng.random() < 0.3:
        return json.dumps(value, ensure_ascii=rng.random() < 0.5).encode()
    return _written(value, rng, rng.choice(SPACES), oddness=rng.choice((0.0, 0.02, 0.1))).encode()


def _written(value: Any, rng: Random, gap: str, oddness: float) -> str:
    odd = rng.random() < oddness
    if isinstance(value, dict):
        members = [f"{_spelled(key, rng)}{gap}:{gap}{_written(item, rng, gap, oddness)}" for key, item in value.items()]
        if odd and value:
            again = _spelled(rng.choice(list(value)), rng)
            members.insert(rng.randint(0, len(members)), f"{again}:{rng.choice(('null', '0', '[]'))}")
        return "{" + f"{gap},".join(members) + gap + "}"
    if isinstance(value, list):
        return "[" + f"{gap},".join(_written(item, rng, gap, oddness) for item in value) + "]"
    if isinstance(value, str):
        return _string(rng) if odd else _spelled(value, rng)
    if odd and isinstance(value, (int, float)) and not isinstance(value, bool):
        return _odd_number(value, rng)
    return json.dumps(value)


def _odd_number(value: float | int, rng: Random) -> str:
    """Spell a number in another way, or put another one in its place."""
    if rng.random() < 0.3:
        return numbers.text(rng)
    plain = json.dumps(value)
    if isinstance(value, int):
        return rng.choice(
            (f"{value}.0", f"{value}e0", f"{value}E-0", f"{value}.00e+00", f"{value}0e-1", f"-{abs(value)}")
        )
    return rng.choice((f"{value:.17e}", f"{value:.25E}", f"{plain}E0" if "e" not in plain else plain, f"{value:.0f}"))
