"""A finding as a draft that ``add`` takes: the smallest request, the oracle's expectation, the repair where known."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from conformance import oracle
from conformance.case import ANY_JSON_CODE
from conformance.draft import due_of
from conformance.formatting import format_case
from conformance.fuzz import shrink_texts
from conformance.fuzz.files import ROOT
from conformance.fuzz.finding import Finding
from conformance.oracle import json_text

LONGEST_ID = 80


def write(finding: Finding, seed: int, folder: Path) -> Path:
    """Write the draft of a finding and return its file; the same finding of the same seed goes to the same file."""
    case = draft(finding, seed)
    folder.mkdir(parents=True, exist_ok=True)
    file: Path = folder / f"{case['id']}.json"
    file.write_text(format_case(case), encoding="utf-8")
    return file


def draft(finding: Finding, seed: int) -> dict[str, Any]:
    """Return the members of the draft."""
    due = due_of(oracle.answer(finding.op, finding.input, ROOT))
    about = re.sub("[^a-z0-9]+", "-", f"{finding.op}-{finding.kind.about}-{seed}-{finding.number}".lower())
    case: dict[str, Any] = {
        "id": f"fuzz-{about}"[:LONGEST_ID].strip("-"),
        "op": finding.op,
        "rules": _rules(finding, due),
        "why": f"Found by differential search (seed {seed}, input {finding.number}): {what_happened(finding)}.",
        "source": "oracle",
        "tags": ["fuzz"],
        "input": finding.input,
        "expect": due,
    }
    return case if finding.repair is None else case | {"repair": finding.repair}


def what_happened(finding: Finding) -> str:
    """Say in words what a backend did."""
    result = finding.result
    due = f"reject {result.expected['code']}" if "code" in result.expected else "accept"
    if result.got is None:
        return f"{result.backend} ended in {result.outcome} where {due} is due"
    if result.got["verdict"] == "reject":
        at = "" if result.got["code"] != result.expected.get("code") else f" at {result.got['path'] or 'the root'}"
        return f"{result.backend} answers reject {result.got['code']}{at} where {due} is due"
    return f"{result.backend} accepts {'with another output' if due == 'accept' else f'where {due} is due'}"


def _rules(finding: Finding, due: dict[str, Any]) -> list[str]:
    if due["verdict"] == "accept":
        return []
    if due["code"] != ANY_JSON_CODE:
        return [due["code"]]
    return sorted(json_text.scan(shrink_texts.text_of(finding.input))[1])
