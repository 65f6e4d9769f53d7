"""A finding: a request that a backend does not answer as is due, and what kind of fault it shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.fuzz.repair import Patch
from conformance.outcome import FAIL, Result

ORACLE = "oracle"
"""The name under which the oracle's own failures are listed."""


@dataclass(frozen=True)
class Kind:
    """What findings of one fault have in common, roughly: who, how, and about which rule.

    Attributes:
        backend: Who answers wrongly.
        outcome: One of ``conformance.outcome``.
        due: The due verdict, ``accept`` or ``reject``, of a wrong answer; else empty.
        about: The code of the rule that is due or, where an accept is due, of the one that is reported instead; the
            operation where the request is accepted with another output, or not answered.
    """

    backend: str
    outcome: str
    due: str
    about: str


def kind_of(result: Result) -> Kind:
    """Tell what kind of fault a result shows; ``result.expected`` has the due code, if one is due."""
    due, got = result.expected.get("code"), (result.got or {}).get("code")
    if result.outcome != FAIL:
        # Which rule is due says little about why a backend dies.
        return Kind(result.backend, result.outcome, "", result.op)
    return Kind(result.backend, FAIL, "accept" if due is None else "reject", str(due or got or result.op))


@dataclass
class Finding:
    """A request that shows a fault.

    Attributes:
        kind: What kind of fault.
        number: The request's number under the seed.
        op: The operation; that of the smallest request, once that is known.
        input: The input as it was drawn, later the smallest that shows the fault.
        result: What came of it.
        seconds: How long the search had taken when it was found.
        inputs: How many requests had been drawn until then.
        count: How many requests showed this kind of fault.
        size: Bytes of the request as it was found.
        asked: How many requests it took to make it small.
        repeated: Whether the fault shows when the request is asked again, alone; None where nobody has tried.
        repair: The patch that makes a request valid that is to be rejected, where one was found.
        draft: Where the case was written.
    """

    kind: Kind
    number: int
    op: str
    input: dict[str, Any]
    result: Result
    seconds: float
    inputs: int
    count: int = 1
    size: int = 0
    asked: int = 0
    repeated: bool | None = None
    repair: Patch | None = None
    draft: Path | None = field(default=None)
