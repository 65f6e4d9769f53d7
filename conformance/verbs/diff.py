"""Compare two reports, case by case: newly failing, fixed, changed, new, gone.

Cases are told apart by backend and id. The exit code is 1 where the later run is worse: a case fails that did not (a
new one too), one that passed is no longer offered, a backend broke, there are incidents of a new kind, or the report
was cut.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from conformance import exit_codes

if TYPE_CHECKING:
    from conformance.report.changes import Change, Ledger

EXAMPLE = "python -m conformance diff before.jsonl after.jsonl"
SHOWN = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``diff``."""
    parser.add_argument("before", type=Path, metavar="A.jsonl", help="the report of the earlier run")
    parser.add_argument("after", type=Path, metavar="B.jsonl", help="the report of the later run")
    parser.add_argument("--all", action="store_true", help=f"show every case, not the first {SHOWN} of a kind")


def execute(arguments: argparse.Namespace) -> int:
    """Print what changed; exit code 1 on regressions."""
    from conformance.report.changes import KINDS, changes, departures, read_ledger, regressions_beyond_cases

    before, after = read_ledger(arguments.before), read_ledger(arguments.after)
    if before.incomplete:
        print(f"conformance: warning: {before.incomplete}", file=sys.stderr)
    _print_notes(before, after)
    found: dict[str, list[Change]] = {kind: [] for kind in KINDS}
    for change in changes(before, after):
        found[change.kind].append(change)
    for kind, rows in found.items():
        _print_kind(kind, rows, None if arguments.all else SHOWN, {*before.statuses} ^ {*after.statuses})
    beyond = list(regressions_beyond_cases(before, after))
    for line in beyond:
        print(f"worse: {line}")
    for line in departures(before, after):
        print(f"not compared: {line}")
    worse = sum(change.regression for rows in found.values() for change in rows) + len(beyond)
    counts = ", ".join(f"{len(rows)} {kind}" for kind, rows in found.items())
    print(f"{worse} regressions ({counts}; {len(after.standings)} results)")
    return exit_codes.NOT_CONFORM if worse else exit_codes.CONFORM


def _print_notes(before: Ledger, after: Ledger) -> None:
    if sorted(before.corpora) != sorted(after.corpora):
        print("the corpora differ: a case may have changed under its id")


def _print_kind(kind: str, rows: list[Change], most: int | None, in_one_run: set[str]) -> None:
    """Print the cases of a kind; of a backend that only one run has, those that do not pass, and how many it has."""
    from conformance.report.text import clean

    if not rows:
        return
    print(f"{kind}: {len(rows)}")
    for backend, count in Counter(change.key[0] for change in rows if change.key[0] in in_one_run).items():
        print(f"  {clean(backend)}: all of its {count} results")
    told = [change for change in rows if change.key[0] not in in_one_run or not change.passes]
    for change in told[:most]:
        backend, case_id = change.key
        standings = [standing.told for standing in (change.before, change.after) if standing is not None]
        print(f"  {clean(backend)} · {clean(case_id)}: {' → '.join(standings)}")
    if most is not None and len(told) > most:
        print(f"  … and {len(told) - most} more (--all shows them)")
