"""The summary of a run as GitHub-flavoured Markdown, for a pull request or a job's summary page."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from conformance.report.summary import (
    backend_lines,
    expected_lines,
    failure_blocks,
    incident_lines,
    matrix,
    verdict_line,
)
from conformance.tally import Tally


def render(tally: Tally, seconds: float) -> str:
    """Return the whole summary."""
    return "\n".join(_lines(tally, seconds)) + "\n"


def _lines(tally: Tally, seconds: float) -> Iterator[str]:
    yield f"# {verdict_line(tally, seconds)}"
    yield ""
    header, *rows = matrix(tally)
    yield _row(header)
    yield "|" + "---|" + "---:|" * (len(header) - 1)
    yield from (_row(row) for row in rows)
    yield ""
    yield from (f"- **{name}**: {_inline(text)}" for name, text in backend_lines(tally))
    incidents = list(incident_lines(tally))
    if incidents:
        yield from ["", "## Incidents", "", *(f"- {_inline(line)}" for line in incidents)]
    if tally.expected:
        yield from ["", "## Expected failures", "", *(f"- {_inline(line)}" for line in expected_lines(tally))]
    if tally.failures:
        yield from ["", "## Failures", ""]
        for block in failure_blocks(tally):
            # An indented block shows its text as it is: nothing in it can open a tag or a link.
            yield from (f"    {line}" for line in block)
            yield ""


def _row(fields: list[str]) -> str:
    return "| " + " | ".join(_inline(field) for field in fields) + " |"


def _inline(text: str) -> str:
    """Escape what Markdown or HTML would take for markup."""
    text = html.escape(text, quote=False)
    return re.sub(r"([\\`*_{}\[\]|#])", r"\\\1", text)
