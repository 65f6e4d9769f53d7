"""JSON values as the oracle sees them: numbers keep their text, and a JSON Pointer names each place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

LARGEST_INTEGER = 9007199254740991  # 2^53 - 1 (rules.toml, limits.integer)
NUMBER_STRINGS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


@dataclass(frozen=True)
class Number:
    """A JSON number: its text, and the nearest binary64."""

    text: str
    nearest: float


Value: TypeAlias = "bool | str | Number | list[Value] | dict[str, Value] | None"
Subject = TypeVar("Subject")
Rules: TypeAlias = "tuple[tuple[str, Callable[[Subject], str | None]], ...]"


class Rejected(Exception):
    """A rule is broken: its code, and the JSON Pointer of the smallest datum at fault."""

    def __init__(self, code: str, path: str) -> None:
        """Keep both for the verdict."""
        super().__init__(f"{code} at {path!r}")
        self.code = code
        self.path = path


def check(rules: Rules[Subject], subject: Subject, base: str = "") -> None:
    """Ask rule after rule for the path of its first fault in the whole subject; raise `Rejected` for the first rule."""
    for code, first_fault in rules:
        path = first_fault(subject)
        if path is not None:
            raise Rejected(code, base + path)


def from_python(value: Any) -> Value:
    """Return what `json.load` made of a case file as a `Value`."""
    if isinstance(value, dict):
        return {key: from_python(member) for key, member in value.items()}
    if isinstance(value, list):
        return [from_python(entry) for entry in value]
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float)):
        return Number(repr(value), float(value))
    raise TypeError(f"not a JSON value: {value!r}")


def pointer(key: str) -> str:
    """Return one reference token of a JSON Pointer (RFC 6901, section 3) with its slash."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def integer(value: Value) -> int | None:
    """Return an Integer's value, or None for anything else."""
    if not isinstance(value, Number) or not re.fullmatch("-?[0-9]{1,16}", value.text):
        return None
    number = int(value.text)
    return number if -LARGEST_INTEGER <= number <= LARGEST_INTEGER else None


def real(value: Value) -> float | None:
    """Return a Number's binary64 (of a JSON number or one of the three strings), or None for anything else."""
    if isinstance(value, Number):
        return value.nearest
    if isinstance(value, str):
        return NUMBER_STRINGS.get(value)
    return None


def number(value: Value) -> float:
    """Return the binary64 of a value that is known to be a Number."""
    result = real(value)
    assert result is not None
    return result


def array(value: Value) -> list[Value]:
    """Return a value that is known to be an array."""
    assert isinstance(value, list)
    return value


def members(value: Value) -> dict[str, Value]:
    """Return a value that is known to be an object, its members in document order."""
    assert isinstance(value, dict)
    return value


def strings(value: Value) -> list[str]:
    """Return a value that is known to be a list of strings."""
    entries = [entry for entry in array(value) if isinstance(entry, str)]
    assert len(entries) == len(array(value))
    return entries


def not_strings(value: Value, path: str) -> str | None:
    """Return the path of the first entry that is no string, or of the value where it is no list."""
    if not isinstance(value, list):
        return path
    for i, entry in enumerate(value):
        if not isinstance(entry, str):
            return f"{path}/{i}"
    return None


def leaves(value: Value, path: str) -> Iterator[tuple[Value, str]]:
    """Yield every non-array inside nested arrays with its path, by ascending index."""
    if not isinstance(value, list):
        yield value, path
        return
    for i, entry in enumerate(value):
        yield from leaves(entry, f"{path}/{i}")
