"""The results of a run as JUnit XML, made from its report.

One suite per backend, one test case per case. The file satisfies both schemas in common use, that of Apache Ant (Windy
Road) and that of the Jenkins xUnit plugin, which together ask for every attribute and element that stands here: no
attributes of ``testsuites``, no time zone, ``properties`` first, ``system-out`` and ``system-err`` last though empty.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any
from xml.sax.saxutils import escape, quoteattr

from conformance.backend_facts import NOT_STARTED, BackendFacts
from conformance.errors import UsageError
from conformance.outcome import FAIL, MEANINGS, PASS, UNSUPPORTED, Result
from conformance.report.reader import ReadRun
from conformance.report.summary import failure_lines
from conformance.report.text import clean
from conformance.tally import Tally

NO_XML = re.compile("[\ufffe\uffff]")


def write_junit(report: Path, target: Path) -> ReadRun:
    """Write ``target`` from a report; returns the run as read.

    Raises:
        UsageError: The report cannot be read, or the target not written.
    """
    run = ReadRun(report)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("w", encoding="utf-8") as file:
            _write(run, file)
    except OSError as error:
        raise UsageError(f"{target}: {error.strerror}") from None
    return run


def _write(run: ReadRun, file: IO[str]) -> None:
    file.write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n')
    with ExitStack() as stack:
        # The results of backends that ran side by side are interleaved; a scratch file each keeps memory flat.
        cases: dict[str, IO[str]] = {}
        for name in run.tally.backends:
            cases[name] = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
        for row in run.reader:
            if row["type"] == "result":
                cases[row["backend"]].write(_result_row(run.tally, row))
        for number, (name, scratch) in enumerate(cases.items()):
            scratch.seek(0)
            _write_suite(run, number, name, scratch, file)
    file.write("</testsuites>\n")


def _write_suite(run: ReadRun, number: int, name: str, cases: IO[str], file: IO[str]) -> None:
    others = list(_others(run.tally, name))
    file.write(_suite_start(run, number, name, others))
    shutil.copyfileobj(cases, file)
    file.write("".join(others))
    file.write("    <system-out></system-out>\n    <system-err></system-err>\n  </testsuite>\n")


def _result_row(tally: Tally, row: dict[str, Any]) -> str:
    if row["outcome"] == PASS:
        return _case(row["backend"], row["op"], row["id"])
    return _result(tally, Result.from_row(row))


def _suite_start(run: ReadRun, number: int, name: str, others: list[str]) -> str:
    facts = run.tally.backends[name]
    platform = facts.platform or run.reader.header["platform"]
    outcomes = [result.outcome for result in run.tally.failures if result.backend == name]
    failures = outcomes.count(FAIL)
    errors = len(outcomes) - failures + sum("<error" in other for other in others)
    expected = sum(result.backend == name for result in run.tally.expected)
    lacking = 0 if facts.complete else run.tally.total(name, UNSUPPORTED)
    attributes = {
        "package": "conformance",
        "id": number,
        "name": name,
        "timestamp": _without_zone(run.reader.header.get("started")),
        "hostname": " ".join(str(platform.get(key, "")) for key in ("system", "machine")).strip() or "localhost",
        "tests": run.tally.total(name) + len(others),
        "failures": failures,
        "errors": errors,
        "skipped": expected + lacking + sum("<skipped" in other for other in others),
        "time": f"{run.seconds:.3f}",
    }
    properties = {"language": facts.language, "version": facts.version, **facts.versions}
    properties |= {f"corpus {c.get('root', '')}": c["sha256"] for c in run.reader.header["corpora"]}
    lines = [f"  <testsuite{_attributes(attributes)}>", "    <properties>"]
    lines += [f"      <property{_attributes({'name': key, 'value': value})}/>" for key, value in properties.items()]
    return "\n".join([*lines, "    </properties>", ""])


def _without_zone(moment: object) -> str:
    match = re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", str(moment))
    return match[0] if match else "1970-01-01T00:00:00"


def _result(tally: Tally, result: Result) -> str:
    """Return the test case of what is no pass: a failure, an error, or (where that is tolerated) skipped."""
    text = "\n".join(failure_lines(tally, result))
    if result.expected_failure is not None:
        known = result.expected_failure
        child = _child("skipped", f"expected failure: {known.reason}", None, text)
    elif not tally.is_failure(result):
        child = _child("skipped", result.message or MEANINGS[result.outcome], None, "")
    elif result.outcome == FAIL:
        child = _child("failure", _headline(result), result.outcome, text)
    else:
        child = _child("error", result.message or MEANINGS[result.outcome], result.outcome, text)
    return _case(result.backend, result.op, result.id, child)


def _headline(result: Result) -> str:
    def said(verdict: dict[str, str] | None) -> str:
        verdict = verdict or {}
        return f"reject {verdict.get('code')}" if verdict.get("verdict") == "reject" else str(verdict.get("verdict"))

    if result.differences:
        first = result.differences[0]
        return f"at {first.path}: expected {first.expected}, got {first.got}"
    return f"expected {said(result.expected)}, got {said(result.got)}"


def _others(tally: Tally, name: str) -> Iterator[str]:
    """Yield test cases for what no case can be blamed for: that the backend is not there, and incidents."""
    facts = tally.backends[name]
    if tally.absent(name) or tally.broken(name) or facts.status == NOT_STARTED:
        yield _case(name, "backend", "start", _absence(facts))
    for number, incident in enumerate(tally.incidents[name], 1):
        text = f"{incident.kind}: {incident.message}"
        yield _case(name, "incident", f"{incident.kind} {number}", _child("error", text, incident.kind, text))


def _absence(facts: BackendFacts) -> str:
    text = f"{facts.status}: {facts.reason}" if facts.reason else f"{facts.status}: the run was cut short"
    if facts.status == "unavailable" and not facts.required:
        return _child("skipped", text, None, facts.hint)
    return _child("error", text, facts.status, facts.hint)


def _case(backend: str, group: str, name: str, child: str = "") -> str:
    attributes = _attributes({"classname": f"{backend}.{group}", "name": name, "time": "0"})
    return f"    <testcase{attributes}>\n{child}    </testcase>\n" if child else f"    <testcase{attributes}/>\n"


def _child(tag: str, message: str, kind: str | None, text: str) -> str:
    attributes = {"message": message} | ({} if kind is None else {"type": kind})
    body = "\n".join(_xml(line) for line in text.splitlines())
    return f"      <{tag}{_attributes(attributes)}>{escape(body)}</{tag}>\n"


def _attributes(values: Mapping[str, object]) -> str:
    return "".join(f" {name}={quoteattr(_xml(str(value)))}" for name, value in values.items())


def _xml(text: str) -> str:
    """Escape what must not steer a viewer and what XML cannot hold at all (two code points more)."""
    return NO_XML.sub(lambda match: f"\\u{ord(match[0]):04x}", clean(text))
