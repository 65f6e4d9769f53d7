"""The page as a whole: its frame, its head line, its filters, and the file."""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from conformance.outcome import EXPECTED_FAILURE, PASS
from conformance.report.page.failures import failures, in_order
from conformance.report.page.markup import attributes, count, tag, text
from conformance.report.page.matrix import backends, incidents, matrix
from conformance.report.page.rules import Outcomes, rules_of, stages, table
from conformance.report.reader import ReadRun
from conformance.report.summary import ops_shown, verdict_line
from conformance.report.text import write

HERE = Path(__file__).parent
KEYS = (
    '<div class="status" hidden><output id="shown" role="status"></output><span class="keys">Keys: <kbd>/</kbd> search,'
    " <kbd>j</kbd> <kbd>k</kbd> next and previous failure, <kbd>Enter</kbd> open or close, <kbd>Esc</kbd> clear."
    "</span></div>"
)


def write_page(run: ReadRun, target: Path) -> None:
    """Write the page of a run; raises UsageError where its report cannot be read again, or the target not written."""
    write(target, render(run))


def render(run: ReadRun) -> str:
    """Return the page."""
    return "".join(_document(run))


def _document(run: ReadRun) -> Iterator[str]:
    style, script = ((HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    verdict, _, counts = verdict_line(run.tally, run.seconds).partition(" (")
    # Only this very style and script may act: text from a report that slipped through as markup would stay dead.
    policy = f"default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; style-src {_hash(style)}"
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}; script-src {_hash(script)}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
    yield f"<title>{text(verdict)} · conformance</title>\n<style>{style}</style>\n</head>\n<body>\n"
    yield from _head(run, verdict, counts.removesuffix(")"))
    yield "<main>\n"
    overview = tag("div", matrix(run.tally) + backends(run.tally), class_="overview")
    yield tag("section", tag("h2", "Matrix") + overview, id="matrix")
    yield incidents(run.tally)
    yield _failures(run)
    if run.rules:
        rules = table(run.rules, run.tally, _outcomes(run))
        title = f"Rules {tag('span', str(len(run.rules)), class_='count')}"
        yield tag("section", tag("h2", title) + rules, id="rules")
    yield f"</main>\n{_foot(run)}\n<script>{script}</script>\n</body>\n</html>\n"


def _hash(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def _counted(run: ReadRun) -> str:
    expected = f", and {len(run.tally.expected)} expected" if run.tally.expected else ""
    return f"{len(run.tally.failures)}{expected}"


def _head(run: ReadRun, verdict: str, counts: str) -> Iterator[str]:
    kind = "good" if run.tally.conforms else "bad"
    header = run.reader.header
    machine = header.get("platform") or {}
    where = ", ".join(str(machine[name]) for name in ("system", "machine") if name in machine)
    sources = header.get("sources")
    where = where or (count(len(sources), "machine") if isinstance(sources, list) else "")
    started = str(header.get("started", "")).replace("T", " ").replace("+00:00", " UTC")
    facts = [started, where, str(header.get("tool", ""))]
    links = [("matrix", "Matrix", ""), ("failures", "Failures", f" {_counted(run)}")]
    links += [("incidents", "Incidents", "")] if any(run.tally.incidents.values()) else []
    links += [("rules", "Rules", f" {len(run.rules)}")] if run.rules else []
    nav = "".join(tag("a", name + tag("span", shown, class_="count"), href=f"#{to}") for to, name, shown in links)
    yield '<a class="skip" href="#failures">Skip to the failures</a>\n<header>\n'
    yield tag("h1", tag("span", text(verdict), class_=f"verdict {kind}") + tag("span", text(counts), class_="counts"))
    yield tag("p", " · ".join(text(fact) for fact in facts if fact), class_="facts")
    if run.reader.warning:
        yield tag("p", text(run.reader.warning), class_="warning", role="alert")
    yield tag("nav", nav, aria_label="Sections")
    yield "</header>\n"


def _failures(run: ReadRun) -> str:
    found = in_order(run.tally)
    title = tag("h2", f"Failures {tag('span', _counted(run), class_='count')}")
    if not found:
        return tag("section", title + tag("p", "None: every answer is the due one.", class_="note"), id="failures")
    cards = failures(run.tally, rules_of(run.rules))
    return tag("section", title + _filters(run) + tag("div", cards, id="cards"), id="failures")


def _filters(run: ReadRun) -> str:
    found = in_order(run.tally)
    named = dict(stages(run.rules))
    outcomes = dict.fromkeys("expected" if r.expected_failure else r.outcome for r in found)
    search = '<input type="search" id="q" autocomplete="off" spellcheck="false" placeholder="id, message, path …">'
    parts = [
        f'<label class="wide"><span>Search</span>{search}</label>',
        _select("op", "Operation", [op for op in ops_shown(run.tally) if any(r.op == op for r in found)]),
        _select("rule", "Rule", [], named),
        _select("backend", "Backend", [n for n in run.tally.backends if any(r.backend == n for r in found)]),
        _select("outcome", "Outcome", list(outcomes)),
        '<button type="button" id="clear">Clear</button>',
        '<button type="button" id="open">Open all</button>',
    ]
    return f'<form id="filters" role="search" hidden>{"".join(parts)}</form>{KEYS}'


def _select(name: str, title: str, values: Sequence[str], groups: dict[str, list[str]] | None = None) -> str:
    options = ['<option value="">all</option>', *map(_option, values)]
    for label, members in (groups or {}).items():
        options.append(f"<optgroup{attributes(label=label)}>{''.join(map(_option, members))}</optgroup>")
    return f'<label><span>{title}</span><select id="{name}">{"".join(options)}</select></label>'


def _option(value: str) -> str:
    return tag("option", text(value), value=value)


def _outcomes(run: ReadRun) -> Outcomes:
    """Read the report again for the outcomes of the cases that rules name; of passes nothing was kept."""
    wanted = rules_of(run.rules).keys()
    found: dict[tuple[str, str], str] = {}
    for row in run.reader:
        if row["type"] == "result" and row["id"] in wanted:
            outcome = row["outcome"]
            known = outcome != PASS and row.get("expected_failure") is not None
            found[row["backend"], row["id"]] = EXPECTED_FAILURE if known else outcome
    return found


def _foot(run: ReadRun) -> str:
    header = run.reader.header
    lines = [f"{text(run.reader.path.name)}, format {text(header.get('format'))}"]
    for corpus in header["corpora"]:
        name = f"{text(corpus.get('root', 'corpus'))}: {text(corpus.get('cases', '?'))} cases"
        lines.append(f"{name}, SHA-256 {tag('code', text(corpus['sha256']))}")
    lines.append(tag("code", text(shlex.join(map(str, header["argv"])))))
    for source in header.get("sources") or []:
        if isinstance(source, dict):
            lines.append(f"from {text(source.get('file'))}, {text(source.get('started'))}")
    return tag("footer", "".join(tag("p", line) for line in lines))
