"""The outcome of one case on one backend, and the record of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PASS = "pass"
FAIL = "fail"
ERROR = "error"
UNSUPPORTED = "unsupported"
CRASH = "crash"
TIMEOUT = "timeout"
PROTOCOL_ERROR = "protocol-error"
NOT_RUN = "not-run"

MEANINGS = {
    PASS: "answered as is due",
    FAIL: "answered something else",
    ERROR: "the backend reported a failure of its own",
    UNSUPPORTED: "the backend does not know the operation or profile",
    CRASH: "the backend died or closed a pipe",
    TIMEOUT: "no answer in time; the backend was killed",
    PROTOCOL_ERROR: "the answer breaks the protocol",
    NOT_RUN: "not asked, because the backend had been given up",
}


@dataclass(frozen=True)
class Difference:
    """One place where two outputs differ.

    Attributes:
        path: JSON Pointer into the output.
        expected: What is due there, as text for people.
        got: What came.
        ulps: Distance of two floats in units in the last place, where both are finite.
    """

    path: str
    expected: str
    got: str
    ulps: int | None = None


@dataclass(frozen=True)
class Result:
    """What came of one case on one backend.

    Attributes:
        backend: The backend's name.
        id: The case's id.
        op: The case's operation.
        outcome: One of the constants of this module.
        expected: The due verdict (without a large output).
        got: The verdict that came, or None.
        message: What happened, or the backend's own message.
        differences: The first places where outputs differ.
        more_differences: How many more there are.
    """

    backend: str
    id: str
    op: str
    outcome: str
    expected: dict[str, Any] = field(default_factory=dict)
    got: dict[str, Any] | None = None
    message: str = ""
    differences: tuple[Difference, ...] = ()
    more_differences: int = 0
