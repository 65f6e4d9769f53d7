"""Makes reports by hand, for tests of what reads them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def header(*backends: str, corpus: str = "a", machine: str = "x86_64", **members: Any) -> Row:
    """Return a header; ``corpus`` is the digit that the corpus's digest is made of."""
    return {
        "type": "header",
        "format": 1,
        "protocol": 1,
        "tool": "spikeparity 0.1.0",
        "started": "2026-11-22T10:00:00+00:00",
        "argv": ["conformance", "run"],
        "platform": {"system": "Linux", "release": "6", "machine": machine, "python": "CPython 3.11", "cpus": 2},
        "corpora": [{"root": "/corpus", "sha256": corpus * 64, "cases": 3}],
        "selected": 3,
        "backends": list(backends),
        **members,
    }


def backend(name: str, status: str = "available", **members: Any) -> Row:
    """Return the line of a backend."""
    facts = {"version": "1", "versions": {}, "ops": ["simulate"], "profiles": []} if status == "available" else {}
    facts |= {"complete": False, "required": False, "repeat": f"python -m conformance run --backend {name}"}
    return {"type": "backend", "name": name, "language": "C", "status": status, "reason": "none", **facts, **members}


def result(name: str, case_id: str, outcome: str = "pass", **members: Any) -> Row:
    """Return the line of a result."""
    row = {"type": "result", "backend": name, "id": case_id, "op": "simulate", "outcome": outcome}
    if outcome == "pass":
        return row
    due = {"verdict": "reject", "code": "network.chain", "path": ""}
    row |= {"message": "no", "expected": due, "got": {"verdict": "accept"} if outcome == "fail" else None}
    row |= {"differences": [], "more_differences": 0, "why": "layers chain", "repeat": "again"}
    return row | members


def footer(exit_code: int = 0) -> Row:
    """Return the last line."""
    ended = {"type": "footer", "ended": "2026-11-22T10:00:02+00:00", "seconds": 2.0, "counts": {}}
    return ended | {"conforms": exit_code == 0, "exit_code": exit_code}


def write(path: Path, rows: Iterable[Row], cut: int = 0) -> Path:
    """Write a report, without its last ``cut`` bytes."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8", "backslashreplace")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text[: len(text) - cut])
    return path


def simple(path: Path, outcomes: dict[str, str], name: str = "c", **members: Any) -> Path:
    """Write a report of one backend: case id → outcome."""
    results = [result(name, case_id, outcome) for case_id, outcome in outcomes.items()]
    return write(path, [header(name, **members), backend(name), *results, footer()])
