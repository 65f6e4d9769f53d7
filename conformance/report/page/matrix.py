"""The page's matrix: operation × backend, each field a link to its failures; and what each backend is."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from conformance.backend_facts import AVAILABLE, BROKEN
from conformance.outcome import EXPECTED_FAILURE, PASS, UNSUPPORTED
from conformance.report.page.markup import filter_link, rows, tag, text
from conformance.report.summary import backend_line, cell, incident_lines, ops_shown
from conformance.tally import Tally


def matrix(tally: Tally) -> str:
    """Return the table."""
    names = list(tally.backends)
    head = [tag("th", "operation", scope="col"), tag("th", "cases", scope="col", class_="number")]
    head += [tag("th", text(name), scope="col", class_="number") for name in names]
    body = [rows(_row(tally, op)) for op in ops_shown(tally)]
    foot = rows(_row(tally, None))
    table = f"<thead>{rows(head)}</thead><tbody>{''.join(body)}</tbody><tfoot>{foot}</tfoot>"
    return tag(
        "div", f'<table class="matrix">{table}</table>', class_="scroll", tabindex=0, role="region", aria_label="Matrix"
    )


def _row(tally: Tally, op: str | None) -> Iterator[str]:
    names = list(tally.backends)
    totals = [tally.total(name) if op is None else tally.counts[name][op].total() for name in names]
    yield tag("th", text(op or "total"), scope="row")
    yield tag("td", str(max(totals, default=0)), class_="number")
    for name in names:
        yield _field(tally, name, op)


def _field(tally: Tally, name: str, op: str | None) -> str:
    if tally.absent(name) or tally.broken(name):
        broken = tally.broken(name)
        return tag("td", "broken" if broken else "unavailable", class_="number " + ("bad" if broken else "absent"))
    shown = text(cell(tally, name, op))
    counts = [tally.counts[name][op]] if op is not None else list(tally.counts[name].values())
    passed, expected = (sum(row[outcome] for row in counts) for outcome in (PASS, EXPECTED_FAILURE))
    lacking = 0 if tally.backends[name].complete else sum(row[UNSUPPORTED] for row in counts)
    total = sum(row.total() for row in counts)
    wrong = total - passed - expected - lacking
    if total == lacking:
        return tag("td", "–", class_="number absent")
    kind = "bad" if wrong else "known" if expected else "good"
    if not wrong and not expected:
        return tag("td", shown, class_=f"number {kind}")
    target = filter_link(backend=name, **({} if op is None else {"op": op}))
    label = f"{shown}: show what {text(name)} fails" + ("" if op is None else f" of {text(op)}")
    return f'<td class="number {kind}"><a href="{text(target)}" aria-label="{label}">{shown}</a></td>'


def backends(tally: Tally) -> str:
    """Return what each backend is, or why it is not there."""
    items = []
    for name, facts in tally.backends.items():
        kind = {BROKEN: "bad", AVAILABLE: ""}.get(facts.status, "absent")
        command = tag("code", text(shlex.join(facts.argv)), class_="command") if facts.argv else ""
        items.append(
            tag("dt", text(name)) + tag("dd", tag("span", text(backend_line(facts)), class_=kind or None) + command)
        )
    return tag("dl", "\n".join(items), class_="backends")


def incidents(tally: Tally) -> str:
    """Return what no case can be blamed for; empty where there is nothing."""
    lines = [tag("li", text(line)) for line in incident_lines(tally)]
    if not lines:
        return ""
    return tag("section", tag("h2", "Incidents") + tag("ul", "\n".join(lines), class_="incidents"), id="incidents")
