"""Moves that make a JSON text under test smaller: as a document, by whole elements, and byte by byte."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}:,]|[^\s\[\]{}:,"]+|\s+|.', re.DOTALL)
SIMPLE = (b"0", b"a", b" ", b'"')
PAIRS_UP_TO = 48
"""Texts up to this length are also tried without any two of their bytes."""
ELEMENTS_UP_TO = 4096
"""Longer texts are cut by bytes alone until they are as short as this."""

Span = tuple[int, int]


def moves(request: dict[str, Any], documents: bool) -> Iterator[dict[str, Any]]:
    """Yield other inputs: the text's value as a document, where the operation takes that, then smaller texts."""
    data = text_of(request)
    if documents:
        yield from _as_document(data)
    yield from (carried(smaller) for smaller in _smaller(data))


def text_of(request: dict[str, Any]) -> bytes:
    """Return the bytes of a text under test."""
    if "text" in request:
        return str(request["text"]).encode()
    return base64.b64decode(request["base64"])


def carried(data: bytes) -> dict[str, Any]:
    """Return the input that carries a text, as ``text`` where that can be."""
    try:
        return {"text": data.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def _as_document(data: bytes) -> Iterator[dict[str, Any]]:
    try:
        yield {"document": json.loads(data)}
    except (ValueError, RecursionError):
        return


def _smaller(data: bytes) -> Iterator[bytes]:
    yield data  # what came as base64 may do as text
    if len(data) <= ELEMENTS_UP_TO:
        yield from _by_strings(data)
        yield from _by_elements(data)
    length = len(data) // 2
    while length > 0:
        yield data[length:-length]  # what is nested loses its beginning and its end together
        for start in range(0, len(data), length):
            yield data[:start] + data[start + length :]
        length //= 2
    for at in range(len(data)):
        yield from (data[:at] + simple + data[at + 1 :] for simple in SIMPLE)
    if len(data) <= PAIRS_UP_TO:
        for second in range(len(data)):
            yield from (data[:first] + data[first + 1 : second] + data[second + 1 :] for first in range(second))


def _by_strings(data: bytes) -> Iterator[bytes]:
    """Put a short string in place of all strings that are equal once unescaped: equal keys must stay equal."""
    tokens = [token for token in TOKEN.finditer(data) if token[0].startswith(b'"')]
    for string in dict.fromkeys(_unescaped(token[0]) for token in tokens):
        alike = [token for token in tokens if _unescaped(token[0]) == string]
        for short in (b'""', b'"a"', b'"b"'):
            smaller = data
            for token in reversed(alike):
                smaller = smaller[: token.start()] + short + smaller[token.end() :]
            yield smaller


def _unescaped(token: bytes) -> Any:
    try:
        return json.loads(token)
    except ValueError:
        return token


def _by_elements(data: bytes) -> Iterator[bytes]:
    """Leave out an element with its comma, or put an element in place of what it is in, large ones first."""
    cuts: list[tuple[Span, Span | bytes]] = []
    for outer, elements in containers(data):
        for position, (start, end) in enumerate(elements):
            first = start if position == 0 else elements[position - 1][1]
            last = end if position > 0 or len(elements) == 1 else elements[1][0]
            value = end - len(value_of(data[start:end]))
            cuts += [((first, last), b""), (outer, (value, end)), ((value, end), b"0")]
    for (start, end), new in sorted(cuts, key=_saved, reverse=True):
        yield data[:start] + (new if isinstance(new, bytes) else data[new[0] : new[1]]) + data[end:]


def _saved(cut: tuple[Span, Span | bytes]) -> int:
    (start, end), new = cut
    return end - start - (len(new) if isinstance(new, bytes) else new[1] - new[0])


def containers(data: bytes) -> list[tuple[Span, list[Span]]]:
    """Return the arrays and objects of a text that are closed, each with the spans of its elements."""
    found: list[tuple[Span, list[Span]]] = []
    around: list[tuple[int, int, list[Span]]] = []
    for token in TOKEN.finditer(data):
        if token[0] in (b"[", b"{"):
            around.append((token.start(), token.end(), []))
        elif around and token[0] == b",":
            outer, start, elements = around.pop()
            around.append((outer, token.end(), [*elements, (start, token.start())]))
        elif around and token[0] in (b"]", b"}"):
            outer, start, elements = around.pop()
            if elements or data[start : token.start()].strip():
                elements = [*elements, (start, token.start())]
            found.append(((outer, token.end()), elements))
    return found


def value_of(element: bytes) -> bytes:
    """Return what stands behind the colon of a member, or the whole of an entry."""
    depth = 0
    for token in TOKEN.finditer(element):
        depth += (token[0] in (b"[", b"{")) - (token[0] in (b"]", b"}"))
        if token[0] == b":" and depth == 0:
            return element[token.end() :]
    return element
