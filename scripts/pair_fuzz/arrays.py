"""Arrays in the npy format, sound in odd ways, or with a fault."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from random import Random

CODES = {"f2": "e", "f4": "f", "f8": "d", "i1": "b", "i2": "h", "i4": "i", "i8": "q"}
CODES |= {"u1": "B", "u2": "H", "u4": "I", "u8": "Q"}
BOUNDS = {"b": 7, "h": 15, "i": 31, "q": 63, "B": 8, "H": 16, "I": 32, "Q": 64}
FLOATS = (0.0, -0.0, 1.0, -1.5, 0.1, 5e-324, 6e-8, 65504.0, 1e-45, 1.7976931348623157e308, 3.0)
NOT_FINITE = (math.nan, math.inf, -math.inf)
OTHER_TYPES = ("|b1", "<c16", "|O", "<U3", "|S4", "=f8", "f8", "<f16", "<M8[s]", "|V8", "", "|f8", "<i3", "float64")
OTHER_TYPES += ("|i2", ">u1", "<b1", "|u1 ")
STRUCTURES = (
    "[('a', '<f8')]",
    "('<f8', (2,))",
    "[('a', [('b', '<i2')])]",
    "[",
    "[)",
    "[']', '[']",
    "(",
    "'<f8',",
    "None",
)
SHAPES = ("()", "(2,)", "(2)", "(2, 3,)", "(3, 2)", "(02, 3)", "(-2, 3)", "(+2, 3)", "(2, 3, 1)", "(2_0, 3)", "(2., 3)")
SHAPES += ("(9007199254740991, 9007199254740991)", "(9007199254740992,)", "(2, 0)", "(0, 3)", "(,)", "2, 3", "(1,)*2")
SHAPES += ("(4294967296, 4294967296)", "(18446744073709551616,)", "[2, 3]", "(" + "1, " * 33 + ")", "(1L, 2L)")
NOISE = ("\0", "\v", "\f", "é", "#", "\\", ";", "a", "'", "\n\n", "{", "}", ",")
SPACES = ("", "", "", " ", " ", "  ", "\t", "\n", "\r")


FAULTS = ("value", "value", "words", "words", "words", "text", "preamble")


def draw(shape: Sequence[int], rng: Random, faulty: bool) -> bytes:
    """Return an array of that shape, or one with something wrong."""
    fault = rng.choice(FAULTS) if faulty else ""
    kind = rng.choice(tuple(CODES)) if rng.random() < 0.4 else "f8"
    if fault == "value":
        kind = rng.choice(("i8", "u8", "f2", "f4", "f8"))
    order = "|" if kind.endswith("1") else rng.choice("<<<>")
    fortran = rng.random() < 0.25
    values = _values(kind, math.prod(shape), rng, fault == "value")
    data = struct.pack(f"{'>' if order == '>' else '<'}{len(values)}{CODES[kind]}", *values)
    words = {"descr": f"'{order}{kind}'", "fortran_order": str(fortran), "shape": _tuple(shape, rng)}
    if fault == "words":
        data, words = _wrong(data, words, rng)
    header = _header(words, rng, fault == "text")
    if fault == "text" and rng.random() < 0.7:
        at = rng.randint(0, len(header))
        header = header[:at] + rng.choice(NOISE) + header[at + rng.randint(0, 1) :]
    return _preamble(header.encode(), rng, fault == "preamble") + data


def _values(kind: str, count: int, rng: Random, odd: bool) -> list[float]:
    letter = CODES[kind]
    if letter in BOUNDS:
        bits, signed = BOUNDS[letter], letter.islower()
        largest = 2**bits - 1
        choices = [0, 1, largest if odd or bits <= 53 else 2**53, -largest - 1 if signed else 2 ** (bits - 1)]
        if odd and bits > 53:
            choices += [2**53 + 1, 2**53, 2**60 + 2**7, 2**60 + 2**8, largest - 1023]
        return [rng.choice(choices) for _ in range(count)]
    most = {"e": 65504.0, "f": 3.4e38, "d": math.inf}[letter]
    values = [value if abs(value) <= most else 1.0 for value in rng.choices(FLOATS, k=count)]
    if odd and count:
        values[rng.randrange(count)] = rng.choice(NOT_FINITE)
    return values


def _tuple(shape: Sequence[int], rng: Random) -> str:
    comma = "," if len(shape) == 1 or rng.random() < 0.2 else ""
    gap = rng.choice(SPACES)
    return f"({gap}" + f"{gap},{rng.choice(SPACES)}".join(map(str, shape)) + f"{comma if shape else ''}{gap})"


def _wrong(data: bytes, words: dict[str, str], rng: Random) -> tuple[bytes, dict[str, str]]:
    x = rng.random()
    if x < 0.25:
        words["descr"] = f"'{rng.choice(OTHER_TYPES)}'" if rng.random() < 0.7 else rng.choice(STRUCTURES)
    elif x < 0.5:
        words["shape"] = rng.choice(SHAPES)
    elif x < 0.6:
        words["fortran_order"] = rng.choice(("true", "1", "None", "'True'", "false", "0"))
    elif x < 0.7:
        del words[rng.choice(tuple(words))]
    elif x < 0.78:
        words[rng.choice(("order", "Shape", ""))] = "1"
    else:
        data = rng.choice((data[:-1], data + b"\0", data[: len(data) // 2], data + bytes(70000), b""))
    return data, words


def _header(words: dict[str, str], rng: Random, faulty: bool) -> str:
    items = list(words.items())
    if rng.random() < 0.3:
        rng.shuffle(items)
    if faulty and rng.random() < 0.1:
        items.append(rng.choice(items))
    quote, gap = rng.choice("''\""), rng.choice(SPACES)
    body = f",{gap}".join(f"{quote}{key}{quote}{rng.choice(SPACES)}:{gap}{value}" for key, value in items)
    tail = ",," if faulty and rng.random() < 0.1 else rng.choice((", ", ", ", "", gap))
    return "{" + gap + body + tail + "}" + rng.choice(("\n", " " * 20 + "\n", ""))


MAGICS = (b"\x93NUMPY\x01\x01", b"\x93NUMPY\x04\0", b"\x93NUMPX\x01\0", b"\x93NUMPY\0\0", b"", b"\x93NUM")


def _preamble(header: bytes, rng: Random, faulty: bool) -> bytes:
    version = rng.choice((1, 1, 1, 2, 3))
    length = len(header)
    if faulty and rng.random() < 0.5:
        return rng.choice(MAGICS) + length.to_bytes(2, "little") + header
    if faulty:
        length = rng.choice((0, length - 1, length + 1, 65535, 2**31, 2**32 - 1))
    width = 2 if version == 1 else 4
    return b"\x93NUMPY" + bytes([version, 0]) + (length % 256**width).to_bytes(width, "little") + header
