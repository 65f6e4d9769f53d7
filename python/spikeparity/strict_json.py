"""A strict reader of JSON texts (RFC 8259), and the tagged form in which json.parse shows what it read.

The standard library's reader takes NaN, unpaired surrogates, duplicate keys and numbers beyond binary64; this one has
the code of a rule for each. A text becomes dict (in document order), list, str, bool, None, int for a number without
fraction and exponent, and float for any other.
"""

from __future__ import annotations

import json
import math
import re
import struct
from typing import Any, NoReturn

from spikeparity.rejection import RejectedError

DEPTH = 64
LARGEST_INTEGER = 2**53 - 1

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_HEX = re.compile(r"[0-9a-fA-F]{4}")
_LITERALS = {"true": True, "false": False, "null": None}
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class NegativeZero(int):
    """The Integer `-0`: zero as an Integer, -0.0 as a Number."""

    def __float__(self) -> float:
        """Keep the sign where a real value is due."""
        return -0.0

    def __repr__(self) -> str:
        """Its text in the document."""
        return "-0"


def parse(text: str | bytes) -> Any:
    """Read one JSON text.

    Raises:
        RejectedError: `json.encoding`, `json.syntax`, `json.surrogate`, `json.duplicate-key`, `json.depth` or
            `json.number-range`, at the empty path.

    """
    return _Reader(decode(text)).document()


def parse_quickly(text: bytes) -> Any:
    """Read one JSON text as `parse` does, faster where it is short and plain.

    What the standard library's reader refuses, or might take although it breaks a rule, is read by `parse`.
    """
    if text.count(b"[") + text.count(b"{") > DEPTH or b"\\u" in text:
        return parse(text)
    try:
        return _PLAIN_READER.decode(text.decode("utf-8"))
    except ValueError:
        return parse(text)


def _plain_integer(digits: str) -> int:
    if len(digits) > 300 or digits == "-0":
        raise ValueError("for the strict reader")
    return int(digits)


def _plain_float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError("for the strict reader")
    return value


def _plain_constant(name: str) -> NoReturn:
    raise ValueError("for the strict reader")


def _plain_object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(members)
    if len(value) != len(members):
        raise ValueError("for the strict reader")
    return value


_PLAIN_READER = json.JSONDecoder(
    object_pairs_hook=_plain_object,
    parse_int=_plain_integer,
    parse_float=_plain_float,
    parse_constant=_plain_constant,
)


def decode(text: str | bytes) -> str:
    """json.encoding: the text must be well-formed UTF-8 without a byte-order mark."""
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            message = f"byte {error.start}: expected well-formed UTF-8, got 0x{text[error.start]:02x} ({error.reason})"
            raise RejectedError("json.encoding", "", message) from None
    if text.startswith("\ufeff"):
        raise RejectedError("json.encoding", "", "expected a JSON text, got a byte-order mark at its beginning")
    return text


class _Reader:
    """A recursive-descent reader; `at` is the index of the next unread character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0

    def document(self) -> Any:
        value = self.value()
        self.space()
        if self.at < len(self.text):
            self.expected("the end of the text")
        return value

    def value(self) -> Any:
        self.space()
        match self.text[self.at : self.at + 1]:
            case "{":
                return self.nested(self.object)
            case "[":
                return self.nested(self.array)
            case '"':
                return self.string()
            case "t" | "f" | "n":
                return self.literal()
            case _:
                return self.number()

    def nested(self, read: Any) -> Any:
        self.depth += 1
        if self.depth > DEPTH:
            self.reject("json.depth", f"expected at most {DEPTH} nested arrays and objects, got one more")
        self.at += 1
        value = read()
        self.depth -= 1
        return value

    def object(self) -> dict[str, Any]:
        members: dict[str, Any] = {}
        if self.accept("}"):
            return members
        while True:
            key = self.key()
            if key in members:
                self.reject("json.duplicate-key", f"expected each key once, got {key!r} again")
            self.expect(":", "a colon")
            members[key] = self.value()
            if not self.accept(","):
                self.expect("}", "a comma or a closing brace")
                return members

    def key(self) -> str:
        self.space()
        if not self.text.startswith('"', self.at):
            self.expected("a key in double quotes")
        return self.string()

    def array(self) -> list[Any]:
        entries: list[Any] = []
        if self.accept("]"):
            return entries
        while True:
            entries.append(self.value())
            if not self.accept(","):
                self.expect("]", "a comma or a closing bracket")
                return entries

    def literal(self) -> bool | None:
        for name, value in _LITERALS.items():
            if self.text.startswith(name, self.at):
                self.at += len(name)
                return value
        self.expected("true, false or null")

    def number(self) -> int | float:
        match = _NUMBER.match(self.text, self.at)
        if match is None:
            self.expected("a value")
        value = float(match[0])
        if math.isinf(value):
            self.reject("json.number-range", f"expected a number within binary64, got {_short(match[0])}")
        self.at = match.end()
        if match[1] or match[2]:
            return value
        return NegativeZero() if match[0] == "-0" else int(match[0])

    def string(self) -> str:
        self.at += 1
        parts: list[str] = []
        while True:
            parts.append(self.take(_PLAIN))
            if self.text.startswith('"', self.at):
                self.at += 1
                return "".join(parts)
            if not self.text.startswith("\\", self.at):
                self.expected("a closing quote; control characters must be escaped")
            self.at += 1
            parts.append(self.escape())

    def escape(self) -> str:
        letter = self.text[self.at : self.at + 1]
        if letter == "u":
            return self.unicode_escape()
        if letter not in _ESCAPES:
            self.expected('an escape, one of " \\ / b f n r t u')
        self.at += 1
        return _ESCAPES[letter]

    def unicode_escape(self) -> str:
        unit = self.code_unit()
        if 0xD800 <= unit < 0xDC00 and self.text.startswith("\\u", self.at):
            self.at += 1
            low = self.code_unit()
            if 0xDC00 <= low < 0xE000:
                return chr(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
        if 0xD800 <= unit < 0xE000:
            self.reject("json.surrogate", f"expected a surrogate pair, got \\u{unit:04x} alone")
        return chr(unit)

    def code_unit(self) -> int:
        self.at += 1
        digits = self.take(_HEX)
        if not digits:
            self.expected("four hexadecimal digits")
        return int(digits, 16)

    def space(self) -> None:
        self.take(_SPACE)

    def take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            return ""
        self.at = match.end()
        return match[0]

    def accept(self, mark: str) -> bool:
        self.space()
        found = self.text.startswith(mark, self.at)
        self.at += found
        return found

    def expect(self, mark: str, meaning: str) -> None:
        if not self.accept(mark):
            self.expected(meaning)

    def expected(self, meaning: str) -> NoReturn:
        found = repr(self.text[self.at]) if self.at < len(self.text) else "the end of the text"
        self.reject("json.syntax", f"expected {meaning}, got {found}")

    def reject(self, code: str, message: str) -> NoReturn:
        line = self.text.count("\n", 0, self.at) + 1
        column = self.at - self.text.rfind("\n", 0, self.at)
        raise RejectedError(code, "", f"line {line}, column {column}: {message}")


def tagged(value: Any) -> dict[str, Any]:
    """Return the tagged form of a value that `parse` gave (protocol.md): nothing that the reader did is lost in it."""
    if isinstance(value, dict):
        return {"o": [[key, tagged(entry)] for key, entry in value.items()]}
    if isinstance(value, list):
        return {"a": [tagged(entry) for entry in value]}
    if isinstance(value, str):
        return {"s": value}
    if isinstance(value, bool):
        return {"b": value}
    if value is None:
        return {"z": None}
    if isinstance(value, int) and abs(value) <= LARGEST_INTEGER:
        return {"i": repr(value)}
    return {"n": hex_float(float(value))}


def hex_float(value: float) -> str:
    """Return the big-endian bit pattern of a binary64 as 16 lower-case hex digits."""
    return struct.pack(">d", value).hex()


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:30]}… ({len(text)} characters)"
