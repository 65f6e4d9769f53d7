"""Moves that make any JSON value simpler: drop parts, hoist a part in place of the whole, round numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Container, Iterator
from typing import Any

Place = tuple[Any, ...]

DIGITS = (1, 2, 3, 5, 8, 12)
TOGETHER = (1, 2, 0.5)
PAIRS = ((1, 1), (0, 0), (0.5, 0.5), (1, -1), (1, 2))
PAIRS_UP_TO = 14
"""Requests with at most so many numbers are also tried with any two of them changed at once."""
HOISTED = 4


def moves(root: dict[str, Any], always_there: Container[str]) -> Iterator[dict[str, Any]]:
    """Yield variants of a request, from the root inwards; members in ``always_there`` stay."""
    for place, value in places(root):
        if place and not (len(place) == 1 and place[0] in always_there):
            yield without(root, place)
        if place:
            yield from (replaced(root, place, other) for other in simpler(value))
    yield from _numbers_together(root)


def _numbers_together(root: Any) -> Iterator[Any]:
    """Change several numbers at once: those that cancel or tie must go together."""
    found = [(place, value) for place, value in places(root) if _is_number(value)]
    yield _with(root, [(place, 1) for place, value in found if value])
    yield _with(root, [(place, 1) for place, value in found if value and isinstance(value, float)])
    for size in dict.fromkeys(abs(value) for _, value in found):
        alike = [(place, value) for place, value in found if abs(value) == size]
        simple = (*TOGETHER, *(float(f"{size:.{digits}g}") for digits in DIGITS))
        for other in simple:
            yield _with(root, [(place, other if value > 0 else -other) for place, value in alike])
    if len(found) <= PAIRS_UP_TO:
        for (first, _), (second, _) in itertools.combinations(found, 2):
            yield from (_with(root, [(first, one), (second, other)]) for one, other in PAIRS)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _with(root: Any, changes: list[tuple[Place, Any]]) -> Any:
    for place, value in changes:
        root = replaced(root, place, value)
    return root


def places(root: Any) -> Iterator[tuple[Place, Any]]:
    """Yield every value with its place, level by level."""
    level: list[tuple[Place, Any]] = [((), root)]
    while level:
        yield from level
        level = [((*place, step), child) for place, value in level for step, child in children(value)]


def children(value: Any) -> list[tuple[Any, Any]]:
    """Return the members or entries of a value with the step that leads to each."""
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def replaced(root: Any, place: Place, new: Any) -> Any:
    """Return ``root`` with another value at a place; the original stays, and what did not change is shared."""
    if not place:
        return new
    copied = root.copy()
    copied[place[0]] = replaced(root[place[0]], place[1:], new)
    return copied


def without(root: Any, place: Place) -> Any:
    """Return ``root`` without the member or entry at a place."""
    copied = root.copy()
    if len(place) == 1:
        del copied[place[0]]
    else:
        copied[place[0]] = without(root[place[0]], place[1:])
    return copied


def simpler(value: Any) -> Iterator[Any]:
    """Yield simpler values than this one."""
    if isinstance(value, dict):
        yield from ({}, *_pieces(list(value.items()), dict), *list(value.values())[:HOISTED])
    elif isinstance(value, list):
        yield from ([], *_pieces(value, list), *value[:HOISTED])
    elif isinstance(value, str):
        yield from _strings(value)
    elif value is None or isinstance(value, bool):
        yield 0
    else:
        yield from _numbers(value)


def _pieces(items: list[Any], make: Any) -> Iterator[Any]:
    """Yield what is left after a run of at least two items is cut out, long runs first."""
    length = len(items) // 2
    while length > 1:
        for start in range(0, len(items), length):
            yield make(items[:start] + items[start + length :])
        length //= 2


def _strings(text: str) -> Iterator[str]:
    yield ""
    yield text[: len(text) // 2]
    yield text[len(text) // 2 :]
    for at in range(len(text)):
        yield text[:at] + text[at + 1 :]
        if text[at] != "a":
            yield text[:at] + "a" + text[at + 1 :]


def _numbers(value: float | int) -> Iterator[float | int]:
    yield from (0, 1, 2, -1, 0.5, -value, value / 2 if isinstance(value, float) else value // 2)
    if isinstance(value, float) and math.isfinite(value):
        if abs(value) < 2**53:
            yield int(value)
        yield from (float(f"{value:.{digits}g}") for digits in DIGITS)
