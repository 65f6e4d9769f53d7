"""Lines for people that the verbs about pairs share: columns, backends, places that differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from conformance.backend_facts import BackendFacts
from conformance.enquiry import Enquiry
from conformance.outcome import Difference
from conformance.report.jsonl import backend_facts
from conformance.report.summary import backend_line
from conformance.report.text import clean


def columns(rows: Sequence[Sequence[str]], left: Iterable[int] = (0,)) -> list[str]:
    """Return a table as lines: the columns ``left`` (negative ones from the end) aligned left, the others right."""
    rows = [[clean(field) for field in row] for row in rows]
    count = len(rows[0]) if rows else 0
    flush = {column % count for column in left}
    widths = [max(len(row[column]) for row in rows) for column in range(count)]
    return ["  ".join(_aligned(row, widths, flush)).rstrip() for row in rows]


def _aligned(row: Sequence[str], widths: Sequence[int], flush: set[int]) -> Iterator[str]:
    for column, (field, width) in enumerate(zip(row, widths, strict=True)):
        yield field.ljust(width) if column in flush else field.rjust(width)


def backend_lines(enquiry: Enquiry) -> Iterator[tuple[str, str]]:
    """Yield, per backend, its name and what it is, or why it is not there."""
    for name, session in enquiry.sessions.items():
        yield name, backend_line(BackendFacts.from_row(backend_facts(session)))


def difference_lines(differences: Sequence[Difference]) -> Iterator[str]:
    """Yield a line per place at which two values differ."""
    for difference in differences:
        distance = "" if difference.ulps is None else f", {difference.ulps} ulp apart"
        pair = f"expected {clean(difference.expected)}, got {clean(difference.got)}"
        yield f"  at {clean(difference.path) or 'the root'}: {pair}{distance}"


def verdict_text(verdict: Mapping[str, str]) -> str:
    """Return a verdict in words: ``accept``, or code, place and message of a reject."""
    if verdict["verdict"] != "reject":
        return clean(verdict["verdict"])
    said = f" ({verdict['message']})" if verdict.get("message") else ""
    return clean(f"reject {verdict.get('code')} at {place(verdict.get('path', ''))}{said}", 400)


def place(path: str) -> str:
    """Return a JSON Pointer for people: the empty one is the root."""
    return path or "the root"
