"""The running account of a run: how each backend fares per operation, and what went wrong."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from conformance.divergence import Divergence
from conformance.manifest import Manifest
from conformance.outcome import PASS, UNSUPPORTED, Result
from conformance.session import Incident, Session


@dataclass
class Tally:
    """What is known so far.

    Attributes:
        manifests: The backends of the run, by name, in the order shown.
        required: Names of those that must be there.
        counts: backend → operation → outcome → number of cases.
        failures: Every result that is a failure, in the order of arrival.
        incidents: backend → what no case can be blamed for.
        sessions: backend → its session, once it has ended.
        divergences: (backend, case id) → where a failed simulation first went wrong.
        interrupted: Whether the run was cut short.
    """

    manifests: dict[str, Manifest]
    required: frozenset[str] = frozenset()
    counts: defaultdict[str, defaultdict[str, Counter[str]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Counter))
    )
    failures: list[Result] = field(default_factory=list)
    incidents: defaultdict[str, list[Incident]] = field(default_factory=lambda: defaultdict(list))
    sessions: dict[str, Session] = field(default_factory=dict)
    divergences: dict[tuple[str, str], Divergence | None] = field(default_factory=dict)
    interrupted: bool = False

    def add(self, result: Result) -> None:
        """Count a result."""
        self.counts[result.backend][result.op][result.outcome] += 1
        if self.is_failure(result):
            self.failures.append(result)

    def is_failure(self, result: Result) -> bool:
        """Tell whether a result counts against its backend; "unsupported" does so only where all operations are due."""
        if result.outcome == UNSUPPORTED:
            return self.manifests[result.backend].complete
        return result.outcome != PASS

    def total(self, backend: str, outcome: str | None = None) -> int:
        """Return how many cases a backend has (with that outcome)."""
        rows = self.counts[backend].values()
        return sum(row.total() if outcome is None else row[outcome] for row in rows)

    def absent(self, backend: str) -> bool:
        """Tell whether a backend was unavailable."""
        session = self.sessions.get(backend)
        return session is not None and session.unavailable is not None

    def broken(self, backend: str) -> bool:
        """Tell whether a backend never came to answer though its program is there."""
        session = self.sessions.get(backend)
        return session is not None and session.broken is not None

    @property
    def missing(self) -> list[str]:
        """The required backends that are unavailable or broken."""
        return [name for name in self.manifests if name in self.required and (self.absent(name) or self.broken(name))]

    @property
    def conforms(self) -> bool:
        """Whether everything that was asked was answered as is due, and nothing else went wrong."""
        trouble = self.failures or any(self.incidents.values()) or any(self.broken(name) for name in self.manifests)
        return not trouble and not self.interrupted and not self.missing

    @property
    def asked(self) -> list[str]:
        """The backends that came to answer."""
        return [name for name in self.manifests if not self.absent(name) and not self.broken(name)]
