"""What a search found, in words for people and as JSON."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from conformance.backend_facts import BackendFacts
from conformance.case import ANY_JSON_CODE, canonical
from conformance.fuzz.drafts import what_happened
from conformance.fuzz.finding import ORACLE, Finding
from conformance.fuzz.search import Plan, Tally
from conformance.outcome import MEANINGS
from conformance.report.jsonl import backend_facts, platform_facts
from conformance.report.repeat import from_here, python_command
from conformance.report.summary import backend_line
from conformance.report.text import clean
from conformance.rules import all_rules

SHOWN_INPUT = 600
SHOWN_DIFFERENCES = 4


def reachable(plan: Plan) -> list[str]:
    """Return the codes of the rules of the operations that are searched."""
    return [rule.code for rule in all_rules().values() if set(rule.ops) & set(plan.ops)]


def never_reached(plan: Plan, tally: Tally) -> list[str]:
    """Return the codes that were due of no request."""
    return [code for code in reachable(plan) if not tally.codes[code]]


def backend_lines(tally: Tally) -> Iterator[tuple[str, str]]:
    """Yield, per backend, its name and what it is, or why it is not there."""
    for name, session in tally.sessions.items():
        yield name, backend_line(BackendFacts.from_row(backend_facts(session)))


def repeat_command(plan: Plan, number: int, backend: str, words: Sequence[str]) -> str:
    """Return the command that draws one request again and asks one backend; ``words`` are the --op options given."""
    which = ["--seed", str(plan.seed), "--start", str(number), "--count", "1"]
    return shlex.join([python_command(), "-m", "conformance", "fuzz", *which, *words, "--backend", backend])


def finding_lines(finding: Finding, repeat: str) -> Iterator[str]:
    """Yield what a person needs to know of a finding, the command that repeats it last."""
    kind, result = finding.kind, finding.result
    yield f"{kind.backend} · {finding.op} · {kind.outcome}: {MEANINGS[kind.outcome]}"
    if kind.backend == ORACLE:
        yield f"  the oracle failed: {clean(result.message, 400)}"
    else:
        yield f"  {clean(what_happened(finding))}"
        yield f"  input     {clean(canonical(finding.input).decode('ascii'), SHOWN_INPUT)}"
        for difference in result.differences[:SHOWN_DIFFERENCES]:
            pair = f"expected {clean(difference.expected)}, got {clean(difference.got)}"
            yield f"  at {clean(difference.path)}: {pair}"
        if result.message:
            yield f"  message   {clean(result.message, 400)}"
    yield f"  found     {_when(finding)}"
    if finding.draft is not None:
        yield f"  draft     {from_here(finding.draft)}{_what_it_needs(finding)}"
    yield f"  repeat    {repeat}"


def _when(finding: Finding) -> str:
    when = f"as input {finding.number}, after {finding.seconds:.1f} s"
    if finding.repeated is None:
        return f"{when}; not made smaller"
    if not finding.repeated:
        return f"{when}; asked again alone, the request is answered as is due: the fault depends on what came before"
    smaller = len(canonical(finding.input))
    return f"{when}; made smaller from {finding.size} to {smaller} bytes with {finding.asked} requests"


def _what_it_needs(finding: Finding) -> str:
    rejected = "code" in finding.result.expected
    return "; add 'repair' to it" if rejected and finding.repair is None else ""


def table(tally: Tally) -> list[list[str]]:
    """Return requests per operation, in all and per second."""
    total = tally.inputs.total()
    rows = [[op, f"{count}", _rate(count, tally)] for op, count in sorted(tally.inputs.items())]
    return [["operation", "requests", "per second"], *rows, ["total", f"{total}", _rate(total, tally)]]


def _rate(count: int, tally: Tally) -> str:
    return f"{count / tally.seconds:.0f}" if tally.seconds else "–"


def coverage_lines(plan: Plan, tally: Tally) -> Iterator[str]:
    """Yield how far the rules were reached."""
    missing = never_reached(plan, tally)
    total = tally.inputs.total()
    due = len(reachable(plan))
    share = f"; {100 * tally.accepted / total:.0f} % of the requests are to be accepted" if total else ""
    yield f"{due - len(missing)} of {due} rule codes reached{share}"
    if missing:
        yield f"never reached: {', '.join(missing)}"


def incident_lines(tally: Tally) -> Iterator[str]:
    """Yield what no request can be blamed for."""
    for name, incidents in tally.incidents.items():
        for incident in incidents:
            yield clean(f"{name} · {incident.kind}: {incident.message}", 600)


def verdict_line(tally: Tally) -> str:
    """Return the last word on a search."""
    asked = len(tally.answers)
    shown = sum(finding.count for finding in tally.findings.values())
    kinds = f"{len(tally.findings)} kinds of fault in {shown} answers" if shown else "0 disagreements"
    count = f"{asked} backends, {tally.inputs.total()} requests, {kinds}, {tally.seconds:.1f} s"
    if tally.interrupted:
        return f"INTERRUPTED ({count})"
    return f"{'AGREE' if agrees(tally) else 'DISAGREE'} ({count})"


def agrees(tally: Tally) -> bool:
    """Tell whether nothing was found."""
    broken = any(session.broken is not None for session in tally.sessions.values())
    return not tally.findings and not tally.incidents and not broken


def as_json(plan: Plan, tally: Tally) -> dict[str, Any]:
    """Return the whole account, with the machine and the commit that it is of."""
    return {
        "seed": plan.seed,
        "first": plan.first,
        "seconds": round(tally.seconds, 1),
        "requests": tally.inputs.total(),
        "requests_per_second": round(tally.inputs.total() / tally.seconds) if tally.seconds else None,
        "requests_per_operation": dict(sorted(tally.inputs.items())),
        "answers": dict(tally.answers),
        "disagreements": sum(finding.count for finding in tally.findings.values()),
        "findings": [_finding_as_json(finding) for finding in tally.findings.values()],
        "incidents": list(incident_lines(tally)),
        "accepts_due": tally.accepted,
        "rejects_due": {code: tally.codes[code] for code in [*reachable(plan), ANY_JSON_CODE] if tally.codes[code]},
        "codes_never_reached": never_reached(plan, tally),
        "interrupted": tally.interrupted,
        "backends": dict(backend_lines(tally)),
        "machine": platform_facts() | {"cpu": _cpu()},
        "commit": _commit(),
    }


def _finding_as_json(finding: Finding) -> dict[str, Any]:
    return {
        "backend": finding.kind.backend,
        "op": finding.op,
        "outcome": finding.kind.outcome,
        "what": what_happened(finding),
        "number": finding.number,
        "seconds": round(finding.seconds, 2),
        "requests_before": finding.inputs,
        "count": finding.count,
        "bytes_found": finding.size,
        "input": finding.input,
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _commit() -> str | None:
    """Return the commit of the checkout that this file lies in, None where it lies in none.

    Where tracked files differ from it the answer says so: figures must not be credited to sources that nobody can get.
    """
    head, changes = _git("rev-parse", "HEAD"), _git("status", "--porcelain", "--untracked-files=no")
    return f"{head} with uncommitted changes" if head and changes else head


def _git(*words: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(Path(__file__).parent), *words], capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
