"""List the selected cases, one line each: operation, id, due verdict, why."""

from __future__ import annotations

import argparse
import sys

from conformance import exit_codes
from conformance.case import Case
from conformance.report.text import clean
from conformance.verbs.selection import add_selection, chosen

EXAMPLE = "python -m conformance list --tag precedence --op simulate"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``list``."""
    add_selection(parser)
    parser.add_argument("--ids", action="store_true", help="print nothing but the ids")


def execute(arguments: argparse.Namespace) -> int:
    """Print the list."""
    corpora, selection = chosen(arguments)
    cases = [case for corpus in corpora for case in corpus.cases if selection.takes(case)]
    for case in cases:
        print(clean(case.id if arguments.ids else _line(case)))
    if not cases:
        print("conformance: no case matches the selection", file=sys.stderr)
        return exit_codes.NOTHING_SELECTED
    return exit_codes.CONFORM


def _line(case: Case) -> str:
    due = case.expect.get("code", "accept")
    return f"{case.op:<20} {case.id:<44} {due:<28} {case.why}"
