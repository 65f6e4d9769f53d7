"""The account of a run, as it goes on or read from its report: how each backend fares, and what went wrong."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from conformance import exit_codes
from conformance.backend_facts import BROKEN, UNAVAILABLE, BackendFacts
from conformance.divergence import Divergence
from conformance.outcome import EXPECTED_FAILURE, PASS, UNSUPPORTED, Result
from conformance.session import Incident


@dataclass
class Tally:
    """What is known so far.

    Attributes:
        backends: The backends of the run, by name, in the order shown.
        counts: backend → operation → outcome (or "expected-failure") → number of cases.
        failures: Every result that is a failure, in the order of arrival.
        expected: Every failure that an expectation file foresaw.
        incidents: backend → what no case can be blamed for.
        divergences: (backend, case id) → where a failed simulation first went wrong.
        interrupted: Whether the run was cut short.
    """

    backends: dict[str, BackendFacts]
    counts: defaultdict[str, defaultdict[str, Counter[str]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Counter))
    )
    failures: list[Result] = field(default_factory=list)
    expected: list[Result] = field(default_factory=list)
    incidents: defaultdict[str, list[Incident]] = field(default_factory=lambda: defaultdict(list))
    divergences: dict[tuple[str, str], Divergence | None] = field(default_factory=dict)
    interrupted: bool = False

    def add(self, result: Result) -> None:
        """Count a result."""
        counted = result.outcome if result.expected_failure is None else EXPECTED_FAILURE
        self.counts[result.backend][result.op][counted] += 1
        if result.expected_failure is not None:
            self.expected.append(result)
        elif self.is_failure(result):
            self.failures.append(result)

    def is_failure(self, result: Result) -> bool:
        """Tell whether a result counts against its backend; "unsupported" does so only where all operations are due."""
        if result.expected_failure is not None:
            return False
        if result.outcome == UNSUPPORTED:
            return self.backends[result.backend].complete
        return result.outcome != PASS

    def total(self, backend: str, outcome: str | None = None) -> int:
        """Return how many cases a backend has (with that outcome)."""
        rows = self.counts[backend].values()
        return sum(row.total() if outcome is None else row[outcome] for row in rows)

    def absent(self, backend: str) -> bool:
        """Tell whether a backend was unavailable."""
        return self.backends[backend].status == UNAVAILABLE

    def broken(self, backend: str) -> bool:
        """Tell whether a backend never came to answer though its program is there."""
        return self.backends[backend].status == BROKEN

    @property
    def missing(self) -> list[str]:
        """The required backends that are unavailable or broken."""
        return [name for name, b in self.backends.items() if b.required and (self.absent(name) or self.broken(name))]

    @property
    def conforms(self) -> bool:
        """Whether everything that was asked was answered as is due, and nothing else went wrong."""
        trouble = self.failures or any(self.incidents.values()) or any(self.broken(name) for name in self.backends)
        return not trouble and not self.interrupted and not self.missing

    @property
    def exit_code(self) -> int:
        """The exit code that the run has earned so far."""
        if self.interrupted:
            return exit_codes.INTERRUPTED
        if self.missing or not self.asked:
            return exit_codes.BACKEND_MISSING
        return exit_codes.CONFORM if self.conforms else exit_codes.NOT_CONFORM

    @property
    def asked(self) -> list[str]:
        """The backends that came to answer."""
        return [name for name in self.backends if not self.absent(name) and not self.broken(name)]
