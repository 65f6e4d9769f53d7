"""The npy format: an array behind a header, as in NumPy's specification without what needs Python to be read.

The functions named after a rule's code check that rule (pairs.md, sections 3 and 4).
"""

from __future__ import annotations

import hashlib
import math
import re
import sys
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from spikeparity import matrix
from spikeparity.files import CHUNK
from spikeparity.matrix import FloatArray
from spikeparity.rejection import RejectedError
from spikeparity.strict_json import LARGEST_INTEGER

Content = npt.NDArray[np.uint8]

MAGIC = b"\x93NUMPY"
RANK = 32
KEYS = ("descr", "fortran_order", "shape")

_LENGTH_BYTES = {b"\x01\x00": 2, b"\x02\x00": 4, b"\x03\x00": 4}
_ASCII = re.compile(rb"[\t\n\r\x20-\x7e]*")
_SPACE = r"[ \t\n\r]*"
_OPEN = re.compile(_SPACE + r"\{" + _SPACE)
_KEY = re.compile(rf"(?:'([^'\\]*)'|\"([^\"\\]*)\"){_SPACE}:{_SPACE}")
_NEXT = re.compile(_SPACE + r"(,?)" + _SPACE)
_CLOSE = re.compile(r"\}" + _SPACE)
_STRING = re.compile(r"'([^'\\]*)'|\"([^\"\\]*)\"")
_BOOLEAN = re.compile(r"True|False")
_NATURAL = r"(?:0|[1-9][0-9]*)"
_TUPLE = re.compile(
    rf"\({_SPACE}(?:({_NATURAL}){_SPACE},{_SPACE}(?:({_NATURAL}(?:{_SPACE},{_SPACE}{_NATURAL})*){_SPACE}(?:,{_SPACE})?)?)?\)"
)
_DIGITS = re.compile(r"[0-9]+")
_DTYPE = re.compile(r"[<>](?:f[248]|[iu][1248])|\|[iu]1")
_BRACKETS = {"(": ")", "[": "]"}


class Header(NamedTuple):
    """What stands before the values: their type, order and shape, and the offset at which they begin.

    `descr` is None where it is not a string.
    """

    descr: str | None
    fortran_order: bool
    shape: tuple[int, ...]
    offset: int


class Leaves(NamedTuple):
    """How faults of an array's values are named: its path, and the codes on shape and type (None: not checked here)."""

    path: str
    shape: str | None = "checkpoint.weight-shape"
    type: str = "checkpoint.weight-type"


def to_float64(content: Content, due: tuple[int, ...] | None, leaves: Leaves) -> FloatArray:
    """Return the array in the content of an npy file as float64 in C order, without a copy where that is possible.

    Args:
        content: the bytes of the file.
        due: the shape that it must have; None takes any.
        leaves: the path and the codes of rejections.

    Raises:
        RejectedError: npy.magic, npy.header, npy.dtype, `leaves.shape`, npy.length (all at the path), or `leaves.type`
            at an integer that float64 cannot hold.

    """
    path = leaves.path
    if due is not None and (usual := _usual(content, due)) is not None:
        return usual
    header = header_(content, magic(content, path), path)
    dtype_ = dtype(header, path)
    if due is not None:
        shape(header, due, leaves)
    length(header, dtype_, len(content), path)
    array: npt.NDArray[Any] = content[header.offset :].view(dtype_)
    array = array.reshape(header.shape, order="F" if header.fortran_order else "C")
    if dtype_ == np.float64:
        aligned = array if array.flags.aligned else array.copy()
        return np.ascontiguousarray(aligned).reshape(header.shape)
    if dtype_.kind != "f" and dtype_.itemsize == 8:
        matrix.typed_array(leaves.type, array, path)
    with np.errstate(all="ignore"):  # a signalling NaN is a verdict, not a warning
        return array.astype(np.float64, order="C")


def _usual(content: Content, due: tuple[int, ...]) -> FloatArray | None:
    """Return the array of a file that begins, byte for byte, as ours and NumPy's with float64 of the shape due do.

    None stands for all else, such as data that is too short, or that is not where float64 can be read as it is.
    """
    usual = header_bytes(due)
    if sys.byteorder != "little" or content[: len(usual)].tobytes() != usual:
        return None
    data = content[len(usual) :]
    if len(data) != 8 * math.prod(due):
        return None
    array: FloatArray = data.view(np.float64).reshape(due)
    return array if array.flags.aligned else None


def magic(content: Content, path: str) -> int:
    """npy.magic: the magic and a version; returns the bytes of the header's length."""
    start = content[:8].tobytes()
    size = _LENGTH_BYTES.get(start[6:])
    if start[:6] != MAGIC or size is None:
        message = f"expected {MAGIC!r} and a version 1.0, 2.0 or 3.0, got {start!r}"
        raise RejectedError("npy.magic", path, message)
    return size


def header_(content: Content, size: int, path: str) -> Header:
    """npy.header: the header fits into the member and is within the grammar."""
    begin = 8 + size
    end = begin + int.from_bytes(content[8:begin].tobytes(), "little")
    if begin > len(content) or end > len(content):
        raise RejectedError("npy.header", path, f"expected a header within {len(content)} bytes, got one to {end}")
    text = content[begin:end].tobytes()
    if _ASCII.fullmatch(text) is None:
        raise RejectedError("npy.header", path, "expected an ASCII header without control characters")
    members = _Reader(text.decode("ascii"), path).members()
    for key in KEYS:
        if key not in members:
            raise RejectedError("npy.header", path, f"header: expected {key}, which is absent")
    return Header(members["descr"], members["fortran_order"], members["shape"], end)


def dtype(header: Header, path: str) -> np.dtype[Any]:
    """npy.dtype: real numbers of up to 8 bytes, with their order of bytes."""
    if header.descr is None or _DTYPE.fullmatch(header.descr) is None:
        got = "no string" if header.descr is None else repr(header.descr)
        message = f"descr: expected < or > and one of f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8, or |i1, |u1, got {got}"
        raise RejectedError("npy.dtype", path, message)
    return np.dtype(header.descr)


def shape(header: Header, due: tuple[int, ...], leaves: Leaves) -> None:
    """checkpoint.weight-shape: the shape is the one due."""
    if header.shape != due:
        message = f"expected an array of shape {due}, outputs first, got {header.shape}"
        raise RejectedError(leaves.shape or "", leaves.path, message)


def length(header: Header, dtype_: np.dtype[Any], size: int, path: str) -> None:
    """npy.length: as many bytes of data as the shape needs."""
    needed = math.prod(header.shape) * dtype_.itemsize
    if size - header.offset != needed:
        message = f"expected {needed} bytes after the header, for the shape {header.shape}, got {size - header.offset}"
        raise RejectedError("npy.length", path, message)


def header_bytes(shape: tuple[int, ...]) -> bytes:
    """Return magic, version and header of a float64 array in C order; its length is a multiple of 64."""
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape!r}, }}"
    padded = text + " " * (-(len(text) + 11) % 64) + "\n"
    return MAGIC + b"\x01\x00" + len(padded).to_bytes(2, "little") + padded.encode("ascii")


def data_bytes(array: FloatArray) -> memoryview:
    """Return the values of a float64 array as little-endian bytes in C order, without a copy where that is possible."""
    ordered = np.ascontiguousarray(array, dtype="<f8")
    return ordered.reshape(-1).view(np.uint8).data


def digest(array: FloatArray) -> str:
    """Return the SHA-256, as 64 hex digits, over the values as big-endian binary64 in C order."""
    flat, found = array.reshape(-1), hashlib.sha256()
    for begin in range(0, flat.size, CHUNK):
        part = flat[begin : begin + CHUNK]
        found.update((part.byteswap() if sys.byteorder == "little" else part).data)
    return found.hexdigest()


class _Reader:
    """A reader of headers; `at` is the index of the next unread character."""

    def __init__(self, text: str, path: str) -> None:
        self.text = text
        self.path = path
        self.at = 0

    def members(self) -> dict[str, Any]:
        values = {"descr": self.descr, "fortran_order": self.boolean, "shape": self.tuple}
        members: dict[str, Any] = {}
        self.take(_OPEN, "an opening brace")
        more = True
        while more and not self.text.startswith("}", self.at):
            match = self.take(_KEY, "a key in quotes and a colon")
            key = match[1] if match[2] is None else match[2]
            if key not in values or key in members:
                self.reject(f"expected each of {', '.join(KEYS)} once, got {key!r}")
            members[key] = values[key]()
            more = self.take(_NEXT, "a comma")[1] == ","
        self.take(_CLOSE, "a comma or a closing brace")
        if self.at < len(self.text):
            self.reject("expected the end of the header")
        return members

    def boolean(self) -> bool:
        return self.take(_BOOLEAN, "True or False")[0] == "True"

    def tuple(self) -> tuple[int, ...]:
        match = self.take(_TUPLE, "a tuple of decimal integers")
        digits = _DIGITS.findall(match[0])
        if len(digits) > RANK or any(len(number) > 16 or int(number) > LARGEST_INTEGER for number in digits):
            self.reject(f"expected at most {RANK} dimensions of at most {LARGEST_INTEGER}")
        return tuple(map(int, digits))

    def descr(self) -> str | None:
        if self.text[self.at : self.at + 1] in _BRACKETS:
            self.bracketed()
            return None
        match = self.take(_STRING, "a string, a list or a tuple")
        return match[1] if match[2] is None else match[2]

    def bracketed(self) -> None:
        """Pass over a list or a tuple, to the bracket that matches its first."""
        due: list[str] = []
        while True:
            mark = self.text[self.at : self.at + 1]
            if mark in ("'", '"'):
                self.take(_STRING, "a string without backslashes")
                continue
            if not mark:
                self.reject("expected a closing bracket")
            if mark in _BRACKETS:
                due.append(_BRACKETS[mark])
            elif mark in (")", "]") and due.pop() != mark:
                self.reject("expected the bracket that matches")
            self.at += 1
            if not due:
                return

    def take(self, pattern: re.Pattern[str], meaning: str) -> re.Match[str]:
        match = pattern.match(self.text, self.at)
        if match is None:
            self.reject(f"expected {meaning}")
        self.at = match.end()
        return match

    def reject(self, message: str) -> NoReturn:
        found = repr(self.text[self.at : self.at + 20]) if self.at < len(self.text) else "its end"
        raise RejectedError("npy.header", self.path, f"header, character {self.at}: {message}, got {found}")
