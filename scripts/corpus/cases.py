"""The small language in which the tables of cases are written: accept, reject, precedence, and patches that repair."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

Patch = list[dict[str, Any]]
"""A JSON Patch (RFC 6902) on the `input` of a case."""

Fault = tuple[str, str, Patch]
"""What a precedence case brings to light in turn: the due code, its path, and the patch that removes the fault."""


@dataclass(frozen=True)
class Draft:
    """A case as its author declares it; the output of an accept is yet to be worked out.

    Attributes:
        members: The members of the case file but `expect`.
        verdicts: The due (code, path) of the input and then after each patch; an empty code stands for accept.
        facts: Parts of the output that the author worked out by hand.
    """

    members: dict[str, Any]
    verdicts: list[tuple[str, str]]
    facts: dict[str, Any] = field(default_factory=dict)


class Cases(list[Draft]):
    """The cases of one operation."""

    def __init__(self, op: str) -> None:
        super().__init__()
        self.op = op

    def accept(
        self,
        name: str,
        why: str,
        data: dict[str, Any],
        *,
        near: str | Iterable[str] = (),
        facts: dict[str, Any] | None = None,
        tags: str = "",
        source: str = "oracle",
    ) -> None:
        """Declare an input that is accepted; `near` are the rules that it nearly breaks, `tags` words."""
        codes = [near] if isinstance(near, str) else list(near)
        words = (["near-miss"] if codes else []) + tags.split()
        self._add(name, codes, why, source, words, data, None, [("", "")], facts or {})

    def reject(
        self,
        name: str,
        code: str,
        path: str,
        why: str,
        data: dict[str, Any],
        repair: Patch,
        *,
        tags: str = "",
        source: str = "oracle",
    ) -> None:
        """Declare an input with exactly one fault, and the patch that makes it valid."""
        self._add(name, [code], why, source, tags.split(), data, repair, [(code, path), ("", "")], {})

    def precedence(
        self,
        name: str,
        why: str,
        data: dict[str, Any],
        faults: Sequence[Fault],
        *,
        tags: str = "",
        any_json: bool = False,
    ) -> None:
        """Declare an input with several faults, given in the order in which they are due.

        With `any_json` the text has several JSON faults, of which any code may be answered.
        """
        verdicts = [(code, path) for code, path, _ in faults] + [("", "")]
        if any_json:
            verdicts[0] = ("json.*", "")
        codes, repair = [code for code, _, _ in faults], [patch for _, _, patch in faults]
        self._add(name, codes, why, "oracle", ["precedence", *tags.split()], data, repair, verdicts, {})

    def _add(
        self,
        name: str,
        rules: list[str],
        why: str,
        source: str,
        tags: list[str],
        data: dict[str, Any],
        repair: list[Any] | None,
        verdicts: list[tuple[str, str]],
        facts: dict[str, Any],
    ) -> None:
        members = {"id": name, "op": self.op, "rules": rules, "why": why, "source": source, "tags": tags, "input": data}
        if repair is not None:
            members["repair"] = repair
        self.append(Draft(members, verdicts, facts))


def put(path: str, value: Any) -> Patch:
    """Replace what stands at `path`."""
    return [{"op": "replace", "path": path, "value": value}]


def add(path: str, value: Any) -> Patch:
    """Add a member, or insert an entry before the one at `path`."""
    return [{"op": "add", "path": path, "value": value}]


def drop(path: str) -> Patch:
    """Remove what stands at `path`."""
    return [{"op": "remove", "path": path}]


def below(prefix: str, patch: Patch) -> Patch:
    """Move a patch: its paths start at `prefix` from now on."""
    return [operation | {"path": prefix + operation["path"]} for operation in patch]


def doc(value: Any) -> dict[str, Any]:
    """An input that carries a document as a value."""
    return {"document": value}


def text(value: str) -> dict[str, str]:
    """An input whose UTF-8 bytes are the text under test."""
    return {"text": value}


def raw(value: bytes) -> dict[str, str]:
    """An input that carries any bytes as the text under test."""
    return {"base64": base64.b64encode(value).decode("ascii")}


def retext(value: str) -> Patch:
    """Replace the whole text under test."""
    return put("/text", value)


def reraw(value: bytes) -> Patch:
    """Replace all bytes under test."""
    return put("/base64", raw(value)["base64"])
