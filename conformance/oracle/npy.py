"""Arrays in the npy format: the rules npy.magic, npy.header, npy.dtype (pairs.md, section 4), and the values."""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass

from conformance.oracle.values import LARGEST_INTEGER, Rejected

MAGIC = b"\x93NUMPY"
VERSIONS = {b"\x01\x00": 2, b"\x02\x00": 4, b"\x03\x00": 4}  # version → bytes of the header's length
DIMENSIONS = 32
ASCII = re.compile(rb"[\t\n\r\x20-\x7e]*")
SPACE = re.compile(r"[ \t\r\n]*")
STRING = re.compile(r"'([^'\\]*)'|\"([^\"\\]*)\"")
COUNT = re.compile(r"0|[1-9][0-9]*")
BOOLEAN = re.compile(r"True|False")
CODES = {"f2": "e", "f4": "f", "f8": "d", "i1": "b", "i2": "h", "i4": "i", "i8": "q"}
CODES |= {"u1": "B", "u2": "H", "u4": "I", "u8": "Q"}


@dataclass(frozen=True)
class Header:
    """What stands before the data: shape, type (byte order and letter of the module struct), order, offset of data."""

    shape: tuple[int, ...]
    type: str
    fortran: bool
    data_at: int

    @property
    def elements(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)


def header(content: bytes, path: str) -> Header:
    """Return the header of an array; npy.magic, npy.header, npy.dtype at `path`."""
    if content[:6] != MAGIC or content[6:8] not in VERSIONS:
        raise Rejected("npy.magic", path)
    width = VERSIONS[content[6:8]]
    length = int.from_bytes(content[8 : 8 + width], "little")
    text = content[8 + width : 8 + width + length]
    if len(content) < 8 + width + length or not ASCII.fullmatch(text):
        raise Rejected("npy.header", path)
    try:
        fields = _Reader(text.decode("ascii")).fields()
    except _NotAHeader:
        raise Rejected("npy.header", path) from None
    descr, fortran, shape = fields["descr"], fields["fortran_order"], fields["shape"]
    assert isinstance(descr, str) and isinstance(shape, tuple)
    if descr not in ("|i1", "|u1") and not (descr[:1] in ("<", ">") and descr[1:] in CODES):
        raise Rejected("npy.dtype", path)
    order = descr[0] if descr[0] != "|" else "<"
    return Header(shape, order + CODES[descr[1:]], fortran is True, 8 + width + length)


def values(content: bytes, found: Header, path: str) -> list[int | float]:
    """Return the elements in C order, as they are written; npy.length at `path`."""
    size = struct.calcsize(found.type)
    if len(content) - found.data_at != size * found.elements:
        raise Rejected("npy.length", path)
    written = [value for (value,) in struct.iter_unpack(found.type, content[found.data_at :])]
    return [written[_place(found, index)] for index in range(found.elements)]


def is_exact(element: int | float) -> bool:
    """Tell whether binary64 holds an element exactly; every float of up to 8 bytes it does."""
    return isinstance(element, float) or int(float(element)) == element


def _place(found: Header, index: int) -> int:
    """Return which of the elements as written is the one with this number in C order."""
    if not found.fortran:
        return index
    place, stride = 0, 1
    for position, length in zip(indices(found.shape, index), found.shape, strict=True):
        place += position * stride
        stride *= length
    return place


def indices(shape: tuple[int, ...], index: int) -> list[int]:
    """Return the indices of the element with this number in C order."""
    result = []
    for length in reversed(shape):
        index, position = divmod(index, length)
        result.append(position)
    return result[::-1]


class _NotAHeader(Exception):
    """The text leaves the grammar."""


class _Reader:
    """The grammar of headers; white space is skipped before every token."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def fields(self) -> dict[str, object]:
        """Read a whole header."""
        read = {"descr": self.descr, "fortran_order": self.fortran_order, "shape": self.shape}
        fields: dict[str, object] = {}
        self.need("{")
        while not self.take("}"):
            if fields:
                self.need(",")
                if self.take("}"):
                    break
            key = self.string()
            if key not in read or key in fields:
                raise _NotAHeader
            self.need(":")
            fields[key] = read[key]()
        self.space()
        if self.at != len(self.text) or len(fields) != len(read):
            raise _NotAHeader
        return fields

    def space(self) -> None:
        match = SPACE.match(self.text, self.at)
        assert match is not None
        self.at = match.end()

    def take(self, token: str) -> bool:
        self.space()
        found = self.text.startswith(token, self.at)
        self.at += len(token) if found else 0
        return found

    def need(self, token: str) -> None:
        if not self.take(token):
            raise _NotAHeader

    def match(self, pattern: re.Pattern[str]) -> str:
        self.space()
        match = pattern.match(self.text, self.at)
        if match is None:
            raise _NotAHeader
        self.at = match.end()
        return match[0]

    def string(self) -> str:
        return self.match(STRING)[1:-1]

    def fortran_order(self) -> bool:
        return self.match(BOOLEAN) == "True"

    def shape(self) -> tuple[int, ...]:
        lengths: list[int] = []
        self.need("(")
        while not self.take(")"):
            if lengths:
                self.need(",")
                if self.take(")"):
                    return tuple(lengths)
            digits = self.match(COUNT)
            if len(digits) > 16 or int(digits) > LARGEST_INTEGER or len(lengths) == DIMENSIONS:
                raise _NotAHeader
            lengths.append(int(digits))
        if len(lengths) == 1:
            raise _NotAHeader  # (3) is a number in brackets
        return tuple(lengths)

    def descr(self) -> str:
        """Read a string, or a structured type, of which nothing but its first bracket is kept."""
        self.space()
        first = self.text[self.at : self.at + 1]
        if first not in ("(", "["):
            return self.string()
        closing: list[str] = []
        while True:
            character = self.text[self.at : self.at + 1]
            if character in ("'", '"'):
                self.string()
                continue
            if character == "":
                raise _NotAHeader
            self.at += 1
            if character in "([":
                closing.append(")" if character == "(" else "]")
            elif character in ")]":
                if closing.pop() != character:
                    raise _NotAHeader
                if not closing:
                    return first
