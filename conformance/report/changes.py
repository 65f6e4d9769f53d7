"""What became of each backend's cases between two runs: newly failing, fixed, changed, new, gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.backend_facts import AVAILABLE
from conformance.exit_codes import INTERRUPTED
from conformance.outcome import EXPECTED_FAILURE, PASS, UNSUPPORTED
from conformance.report.reader import ReportReader
from conformance.report.text import clean

NEWLY_FAILING = "newly failing"
FIXED = "fixed"
CHANGED = "changed"
NEW = "new"
GONE = "gone"
KINDS = (NEWLY_FAILING, FIXED, CHANGED, NEW, GONE)

Key = tuple[str, str]
"""A backend's name and a case's id."""


@dataclass(frozen=True)
class Standing:
    """How a backend fares at a case.

    Attributes:
        outcome: The outcome, or "expected-failure".
        fails: Whether it counts as a failure.
        op: The operation.
        said: What was answered instead of what is due, as far as it can be compared: messages cannot.
    """

    outcome: str
    fails: bool
    op: str
    said: str = ""

    @property
    def told(self) -> str:
        """Outcome and answer for people."""
        return clean(f"{self.outcome} ({self.said})" if self.said else self.outcome, 200)


@dataclass(frozen=True)
class Change:
    """A case whose standing differs; ``before`` is None where it is new, ``after`` where it is gone."""

    key: Key
    before: Standing | None
    after: Standing | None

    @property
    def regression(self) -> bool:
        """Whether the later run is worse: it fails where the earlier did not, or no longer offers what passed."""
        if self.after is None:
            return False
        if self.before is None:
            return self.after.fails
        lost = self.before.outcome == PASS and self.after.outcome == UNSUPPORTED
        return lost or (self.after.fails and not self.before.fails)

    @property
    def passes(self) -> bool:
        """Whether every run that has the case passed it."""
        return all(standing is None or standing.outcome == PASS for standing in (self.before, self.after))

    @property
    def kind(self) -> str:
        """One of ``KINDS``."""
        if self.before is None or self.after is None:
            return NEW if self.before is None else GONE
        if self.regression:
            return NEWLY_FAILING
        fixed = self.after.outcome == PASS and (self.before.fails or self.before.outcome == EXPECTED_FAILURE)
        return FIXED if fixed else CHANGED


@dataclass
class Ledger:
    """What a report says of each case, small enough to keep for a million of them.

    Attributes:
        path: The report.
        corpora: Digests of its corpora.
        standings: How each backend fares at each case.
        statuses: backend → its status.
        incidents: What no case can be blamed for: backend, kind, message.
        incomplete: Why the report does not tell of the whole run, or None.
    """

    path: Path
    corpora: list[str] = field(default_factory=list)
    standings: dict[Key, Standing] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    incidents: list[tuple[str, str, str]] = field(default_factory=list)
    incomplete: str | None = None


def read_ledger(path: Path) -> Ledger:
    """Read a report for comparison; raises UsageError where it is none."""
    reader = ReportReader(path)
    ledger = Ledger(path, [corpus["sha256"] for corpus in reader.header["corpora"]])
    complete: dict[str, bool] = {}
    passes: dict[str, Standing] = {}
    for row in reader:
        if row["type"] == "result":
            backend, op = row["backend"], row["op"]
            if row["outcome"] == PASS:
                standing = passes.setdefault(op, Standing(PASS, False, op))
            else:
                standing = _standing(row, complete.get(backend, False))
            ledger.standings[backend, row["id"]] = standing
        elif row["type"] == "backend":
            ledger.statuses[str(row.get("name"))] = str(row.get("status"))
            complete[str(row.get("name"))] = row.get("complete") is True
        elif row["type"] == "incident":
            ledger.incidents.append((str(row.get("backend")), str(row.get("kind")), str(row.get("message"))))
        elif row["type"] == "footer" and row.get("exit_code") == INTERRUPTED:
            ledger.incomplete = f"report {path}: the run was interrupted"
    ledger.incomplete = reader.warning or ledger.incomplete
    return ledger


def _standing(row: dict[str, Any], complete: bool) -> Standing:
    said = _said(row)
    if row.get("expected_failure") is not None:
        return Standing(EXPECTED_FAILURE, False, row["op"], f"{row['outcome']}, {said}" if said else row["outcome"])
    return Standing(row["outcome"], row["outcome"] != UNSUPPORTED or complete, row["op"], said)


def _said(row: dict[str, Any]) -> str:
    got = row.get("got")
    if not isinstance(got, dict):
        return ""
    if got.get("verdict") == "reject":
        return f"reject {got.get('code')} at {got.get('path') or 'the root'}"
    if got.get("verdict") != "accept":
        return str(got.get("verdict"))
    differences = row.get("differences") or [{}]
    places = [f"{d['path']}: {d['got']}" for d in differences if isinstance(d, dict) and {"path", "got"} <= d.keys()]
    return "; ".join(["accept", *places])


def changes(before: Ledger, after: Ledger) -> Iterator[Change]:
    """Yield every case whose standing differs, in the order of the later report, the gone ones last."""
    for key, standing in after.standings.items():
        earlier = before.standings.get(key)
        if earlier != standing:
            yield Change(key, earlier, standing)
    for key, earlier in before.standings.items():
        if key not in after.standings:
            yield Change(key, earlier, None)


def regressions_beyond_cases(before: Ledger, after: Ledger) -> Iterator[str]:
    """Yield what got worse that no case shows: the run's end is missing, a backend broke, incidents of a new kind."""
    if after.incomplete:
        yield after.incomplete
    for name, status in after.statuses.items():
        if status != before.statuses.get(name) and status == "broken":
            yield clean(f"{name}: broken; before: {before.statuses.get(name, 'not in the run')}")
    known = {(backend, kind) for backend, kind, _ in before.incidents}
    for backend, kind, message in after.incidents:
        if (backend, kind) not in known:
            yield clean(f"{backend} · {kind}: {message}", 400)


def departures(before: Ledger, after: Ledger) -> Iterator[str]:
    """Yield the backends that answered before and are not there now; that alone is no regression, and never silent."""
    for name, status in before.statuses.items():
        if status == AVAILABLE and after.statuses.get(name) in (None, "unavailable"):
            yield clean(f"{name}: {after.statuses.get(name, 'not in the later run')}")
