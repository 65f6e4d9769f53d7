"""JSON texts: a reader that scans on after a fault, to know whether the text has one kind of fault or several.

Which code is due where a text has several kinds of fault is left open by semantics.md, so the oracle must know all
kinds. The scan goes on after a fault of encoding (bad bytes become U+FFFD, a byte-order mark is dropped), surrogate,
duplicate key, depth and number range; a fault of syntax ends it. So:

- one kind seen (once or often): its code is due;
- several kinds seen: `json.*`, any code of the stage. Bad bytes outside a string are faults of encoding and of syntax;
- faults behind the first fault of syntax are not seen (except of encoding): behind it there is no structure in which
  they could be faults, and `json.syntax` is due.
"""

import re
from dataclasses import dataclass

from conformance.oracle.hexfloat import to_hex
from conformance.oracle.values import Number, Rejected, Value, integer

DEPTH = 64  # rules.toml, limits.depth
SPACE = re.compile("[ \t\n\r]*")
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
PLAIN = re.compile('[^"\\\\\x00-\x1f]*')
UNICODE_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})")
ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
LITERALS: dict[str, Value] = {"true": True, "false": False, "null": None}


def parse(data: bytes) -> Value:
    """Return the value of a JSON text; raise `Rejected` with the code that is due, or with `json.*`."""
    value, faults = scan(data)
    if faults:
        raise Rejected(faults.pop() if len(faults) == 1 else "json.*", "")
    return value


def scan(data: bytes) -> tuple[Value, set[str]]:
    """Return the value as far as it could be read, and the codes of all kinds of fault that were seen."""
    faults: set[str] = set()
    reader = _Reader(decode(data, faults), faults)
    try:
        return reader.text_value(), faults
    except _NotJson:
        faults.add("json.syntax")
        return None, faults


def decode(data: bytes, faults: set[str]) -> str:
    """Return the text without a byte-order mark; the codec refuses surrogates and overlong forms (RFC 3629)."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        faults.add("json.encoding")
        text = data.decode("utf-8", errors="replace")
    if text.startswith("\ufeff"):
        faults.add("json.encoding")
        text = text[1:]
    return text


def tagged(value: Value) -> dict[str, object]:
    """Return the tagged form in which json.parse answers (protocol.md)."""
    if isinstance(value, dict):
        return {"o": [[key, tagged(member)] for key, member in value.items()]}
    if isinstance(value, list):
        return {"a": [tagged(entry) for entry in value]}
    if isinstance(value, Number):
        return {"n": to_hex(value.nearest)} if integer(value) is None else {"i": value.text}
    if isinstance(value, str):
        return {"s": value}
    return {"z": None} if value is None else {"b": value}


class _NotJson(Exception):
    """The text leaves the grammar of RFC 8259."""


@dataclass
class _Array:
    value: list[Value]
    closing = "]"


@dataclass
class _Object:
    value: dict[str, Value]
    key: str = ""
    closing = "}"


class _Reader:
    """The grammar of RFC 8259; open arrays and objects stand on a list, so that any depth can be read."""

    def __init__(self, text: str, faults: set[str]) -> None:
        self.text = text
        self.at = 0
        self.faults = faults

    def text_value(self) -> Value:
        value = self.value()
        if not self.starts(""):
            raise _NotJson
        return value

    def value(self) -> Value:
        around: list[_Array | _Object] = []
        while True:
            value = self.begin(around)
            if value is _UNFINISHED:
                continue  # the first element of the array or object that has begun is due
            while around:
                self.add(around[-1], value)
                if self.take(","):
                    self.next_key(around[-1])
                    break  # the next element is due
                self.need(around[-1].closing)
                value = around.pop().value
            else:
                return value

    def begin(self, around: list[_Array | _Object]) -> Value:
        """Read a scalar, an empty array or an empty object; or open an array or object and return `_UNFINISHED`."""
        if self.take("["):
            opened: _Array | _Object = _Array([])
        elif self.take("{"):
            opened = _Object({})
        else:
            return self.scalar()
        around.append(opened)
        if len(around) > DEPTH:
            self.faults.add("json.depth")
        if self.take(opened.closing):
            return around.pop().value
        self.next_key(opened)
        return _UNFINISHED

    def next_key(self, container: _Array | _Object) -> None:
        if isinstance(container, _Object):
            self.need('"')
            container.key = self.string()
            if container.key in container.value:
                self.faults.add("json.duplicate-key")
            self.need(":")

    def add(self, container: _Array | _Object, value: Value) -> None:
        if isinstance(container, _Object):
            container.value[container.key] = value
        else:
            container.value.append(value)

    def scalar(self) -> Value:
        if self.take('"'):
            return self.string()
        for literal, value in LITERALS.items():
            if self.take(literal):
                return value
        return self.number()

    def number(self) -> Value:
        match = NUMBER.match(self.text, self.at)
        if match is None:
            raise _NotJson
        self.at = match.end()
        nearest = float(match[0])
        if nearest in (float("inf"), float("-inf")):
            self.faults.add("json.number-range")
        return Number(match[0], nearest)

    def string(self) -> str:
        """Read what follows an opening quotation mark."""
        parts: list[str] = []
        while True:
            plain = PLAIN.match(self.text, self.at)
            assert plain is not None
            parts.append(plain[0])
            self.at = plain.end()
            if self.text.startswith('"', self.at):
                self.at += 1
                return "".join(parts)
            parts.append(self.escape())

    def escape(self) -> str:
        match = UNICODE_ESCAPE.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
            return self.code_unit(int(match[1], 16))
        after = self.text[self.at + 1 : self.at + 2]
        if not self.text.startswith("\\", self.at) or after not in ESCAPES:
            raise _NotJson
        self.at += 2
        return ESCAPES[after]

    def code_unit(self, unit: int) -> str:
        """Return the character of a \\u escape, together with the low surrogate that must follow a high one."""
        if not 0xD800 <= unit <= 0xDFFF:
            return chr(unit)
        follower = UNICODE_ESCAPE.match(self.text, self.at)
        low = int(follower[1], 16) if follower is not None else 0
        if unit <= 0xDBFF and 0xDC00 <= low <= 0xDFFF:
            self.at += 6
            return chr(0x10000 + (unit - 0xD800) * 0x400 + (low - 0xDC00))
        self.faults.add("json.surrogate")
        return chr(unit)

    def starts(self, token: str) -> bool:
        """Skip white space and tell whether the token follows; the empty token stands for the end of the text."""
        space = SPACE.match(self.text, self.at)
        assert space is not None
        self.at = space.end()
        return self.text.startswith(token, self.at) if token else self.at == len(self.text)

    def take(self, token: str) -> bool:
        if not self.starts(token):
            return False
        self.at += len(token)
        return True

    def need(self, token: str) -> None:
        if not self.take(token):
            raise _NotJson


_UNFINISHED: Value = []  # compared by identity
