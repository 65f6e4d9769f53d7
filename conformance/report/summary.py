"""The facts of a finished run in the order in which people read them: matrix, failures, incidents, verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from conformance.backend_facts import BROKEN, NOT_STARTED, UNAVAILABLE, BackendFacts
from conformance.divergence import Divergence, State
from conformance.expectations import INCIDENT
from conformance.floats import decode
from conformance.outcome import EXPECTED_FAILURE, MEANINGS, PASS, UNSUPPORTED, Result
from conformance.report.repeat import with_case
from conformance.report.text import clean
from conformance.rules import operations
from conformance.session import Incident
from conformance.tally import Tally

SHOWN_FAILURES = 20


def ops_shown(tally: Tally) -> list[str]:
    """Return the operations that were asked, those of the specification first."""
    asked = dict.fromkeys(op for name in tally.backends for op in tally.counts[name])
    return [op for op in operations() if op in asked] + sorted(op for op in asked if op not in operations())


def cell(tally: Tally, backend: str, op: str | None) -> str:
    """Return a field of the matrix: ``12``, ``11/12``, or a dash where nothing was asked; ``op`` None is the total.

    ``11 (1 expected)`` says that the one case that did not pass was expected not to.
    """
    rows = [tally.counts[backend][op]] if op is not None else list(tally.counts[backend].values())
    total = sum(row.total() for row in rows)
    unsupported = 0 if tally.backends[backend].complete else sum(row[UNSUPPORTED] for row in rows)
    passed = sum(row[PASS] for row in rows)
    expected = sum(row[EXPECTED_FAILURE] for row in rows)
    due = total - unsupported
    if due == 0:
        return "–"
    count = f"{passed}" if passed + expected == due else f"{passed}/{due}"
    return f"{count} ({expected} expected)" if expected else count


def matrix(tally: Tally) -> list[list[str]]:
    """Return the matrix operation × backend with its header and its line of totals."""
    names = list(tally.backends)
    ops = ops_shown(tally)
    lines = [["operation", "cases", *names]]
    for op in [*ops, None]:
        cases = max((_cases(tally, name, op) for name in names), default=0)
        fields = [_absence(tally, name) or cell(tally, name, op) for name in names]
        lines.append([op or "total", str(cases), *fields])
    return lines


def _cases(tally: Tally, backend: str, op: str | None) -> int:
    return tally.total(backend) if op is None else tally.counts[backend][op].total()


def _absence(tally: Tally, backend: str) -> str | None:
    if tally.absent(backend):
        return "unavailable"
    return "broken" if tally.broken(backend) else None


def backend_lines(tally: Tally) -> Iterator[tuple[str, str]]:
    """Yield, per backend, its name and one line: versions, or why it is not there and how to get it."""
    yield from ((name, backend_line(backend)) for name, backend in tally.backends.items())


def backend_line(backend: BackendFacts) -> str:
    """Return one line on a backend."""
    if backend.status == NOT_STARTED:
        return "not started: the run was cut short"
    if backend.status == UNAVAILABLE:
        return clean(f"unavailable: {backend.reason}; to get it: {backend.hint}")
    if backend.status == BROKEN:
        return clean(f"broken: {backend.reason} (log: {backend.log})")
    return clean(backend.identity)


def failure_blocks(tally: Tally) -> Iterator[list[str]]:
    """Yield a block of lines per failure, ``SHOWN_FAILURES`` at most; one per operation for what was not offered."""
    told = [result for result in tally.failures if result.outcome != UNSUPPORTED]
    for result in told[:SHOWN_FAILURES]:
        yield list(failure_lines(tally, result))
    if len(told) > SHOWN_FAILURES:
        yield [f"… and {len(told) - SHOWN_FAILURES} more failures, in the report"]
    refused = Counter((r.backend, r.op, r.message) for r in tally.failures if r.outcome == UNSUPPORTED)
    for (backend, op, message), count in refused.items():
        yield [f"{backend} · {clean(op)} · {UNSUPPORTED}, {count} cases: {clean(message, 400)}"]


def failure_lines(tally: Tally, result: Result) -> Iterator[str]:
    """Yield what a person needs to know of one failure, the command that repeats it last."""
    yield f"{result.backend} · {clean(result.id)} · {clean(result.op)} · {result.outcome}: {MEANINGS[result.outcome]}"
    if result.why:
        yield f"  about     {clean(result.why)}"
    if result.got is not None:
        yield f"  expected  {_verdict(result.expected)}"
        yield f"  got       {_verdict(result.got)}"
    if result.message and (result.got is None or result.got["verdict"] != "reject"):
        yield f"  message   {clean(result.message, 400)}"
    for difference in result.differences:
        distance = "" if difference.ulps is None else f", {difference.ulps} ulp apart"
        pair = f"expected {clean(difference.expected)}, got {clean(difference.got)}"
        yield f"  at {clean(difference.path)}: {pair}{distance}"
    if result.more_differences:
        yield f"  … and {result.more_differences} more differences"
    divergence = tally.divergences.get((result.backend, result.id))
    if divergence is not None:
        yield from divergence_lines(divergence)
    log = tally.backends[result.backend].log
    if log and result.got is None:
        yield f"  log       {clean(log)}"
    yield f"  repeat    {clean(with_case(tally.backends[result.backend].repeat, result.id))}"


def _verdict(verdict: dict[str, str]) -> str:
    if verdict["verdict"] != "reject":
        return clean(verdict["verdict"])
    path = verdict.get("path", "")
    said = f" ({verdict['message']})" if verdict.get("message") else ""
    return clean(f"reject {verdict.get('code')} at {path or 'the root'}{said}", 400)


def divergence_lines(divergence: Divergence) -> Iterator[str]:
    """Yield the first divergent state of a simulation on both sides."""
    yield f"  first divergence: {divergence.where} (threshold {divergence.threshold!r})"
    for label, state in (("expected", divergence.expected), ("got", divergence.got)):
        yield f"    {label:<9} {_state(state, divergence.threshold)}"
    if divergence.ulps:
        yield f"    the membrane potentials before the reset are {divergence.ulps} ulp apart"


def _state(state: State, threshold: float) -> str:
    fired = "spike" if state.spike else "no spike"
    margin = state.margin(threshold)
    return (
        f"membrane {decode(state.before)!r} ({state.before}), margin {margin!r}, {fired},"
        f" after {decode(state.after)!r} ({state.after})"
    )


def expected_lines(tally: Tally) -> Iterator[str]:
    """Yield, per entry of an expectation file that covered failures, how many and why."""
    entries = Counter((result.backend, result.expected_failure) for result in tally.expected)
    for (backend, entry), count in entries.items():
        assert entry is not None
        until = f", until {entry.expires}" if entry.expires else ""
        link = f" ({entry.link})" if entry.link else ""
        cases = "1 case" if count == 1 else f"{count} cases"
        yield clean(f"{backend} · {cases} expected to fail{until}: {entry.reason}{link} [{entry.entry}]", 600)


def incident_lines(tally: Tally) -> Iterator[str]:
    """Yield what went wrong that no case can be blamed for."""
    for name, incidents in tally.incidents.items():
        for incident in incidents:
            yield clean(f"{name} · {incident.kind}: {incident.message}{_in_flight(incident)}", 600)


def _in_flight(incident: Incident) -> str:
    if not incident.ids or incident.kind == INCIDENT:
        return ""
    more = ", …" if len(incident.ids) > 5 else ""
    return f" [in flight: {', '.join(incident.ids[:5])}{more}]"


def verdict_line(tally: Tally, seconds: float) -> str:
    """Return the last word on a run."""
    answers = sum(tally.total(name) for name in tally.asked)
    expected = f", {len(tally.expected)} expected failures" if tally.expected else ""
    count = f"{len(tally.asked)} backends, {answers} answers, {len(tally.failures)} failures{expected}, {seconds:.1f} s"
    if tally.missing:
        return f"REQUIRED BACKEND MISSING: {', '.join(tally.missing)} ({count})"
    if tally.interrupted:
        return f"INTERRUPTED ({count})"
    return f"{'CONFORM' if tally.conforms else 'NOT CONFORM'} ({count})"
