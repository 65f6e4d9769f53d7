"""The outcome of one case on one backend, and the record of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

PASS = "pass"
FAIL = "fail"
ERROR = "error"
UNSUPPORTED = "unsupported"
CRASH = "crash"
TIMEOUT = "timeout"
PROTOCOL_ERROR = "protocol-error"
NOT_RUN = "not-run"
EXPECTED_FAILURE = "expected-failure"
"""What is counted in place of the outcome where an expectation file foresaw it."""

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
class ExpectedFailure:
    """Why a failure was foreseen: the entry of an expectation file that covers it.

    Attributes:
        entry: Where the entry stands, ``rust.toml:12``.
        reason: Why the backend deviates.
        link: Where more is said, or empty.
        expires: The last day of the exemption, ``2027-06-30``, or empty.
    """

    entry: str
    reason: str
    link: str = ""
    expires: str = ""


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
        why: What the case is about.
        expected_failure: Set where an expectation file foresaw this failure, which then does not count.
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
    why: str = ""
    expected_failure: ExpectedFailure | None = None

    def row(self) -> dict[str, Any]:
        """Return the members of the result's line in a report; of a pass no more than that it was one."""
        row: dict[str, Any] = {"backend": self.backend, "id": self.id, "op": self.op, "outcome": self.outcome}
        if self.outcome != PASS:
            row |= {"message": self.message, "expected": self.expected, "got": self.got}
            row |= {"differences": [asdict(difference) for difference in self.differences]}
            row |= {"more_differences": self.more_differences, "why": self.why}
        if self.expected_failure is not None:
            row |= {"expected_failure": asdict(self.expected_failure)}
        return row

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Result:
        """Take a result from its line in a report.

        Raises:
            LookupError, TypeError: The line has not the shape that report.schema.json gives it.
        """
        excuse = row.get("expected_failure")
        return cls(
            backend=row["backend"],
            id=row["id"],
            op=row["op"],
            outcome=row["outcome"],
            expected=dict(row.get("expected", {})),
            got=None if row.get("got") is None else dict(row["got"]),
            message=str(row.get("message", "")),
            differences=tuple(Difference(**difference) for difference in row.get("differences", ())),
            more_differences=int(row.get("more_differences", 0)),
            why=str(row.get("why", "")),
            expected_failure=None if excuse is None else ExpectedFailure(**excuse),
        )
