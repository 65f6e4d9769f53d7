"""Show one case: its file, and what is due; with --request, the line that a backend is sent."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from conformance import exit_codes
from conformance.case import Case
from conformance.corpora import load_all
from conformance.errors import UsageError
from conformance.report.text import clean
from conformance.rules import all_rules
from conformance.verbs.selection import add_corpus

EXAMPLE = "python -m conformance show simulate-threshold-tie"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``show``."""
    add_corpus(parser)
    parser.add_argument("id", help="the case's id")
    parser.add_argument("--request", action="store_true", help="print the protocol line instead, for piping")


def execute(arguments: argparse.Namespace) -> int:
    """Print the case."""
    case = find(arguments.id, arguments.corpus)
    if arguments.request:
        sys.stdout.buffer.write(case.request(case.id))
        return exit_codes.CONFORM
    print(f"{case.id}  ({case.file})")
    print(f"  {clean(case.why)}\n  source: {clean(case.source)}; tags: {clean(', '.join(case.tags)) or 'none'}")
    for code in case.rules:
        rule = all_rules().get(code)
        print(f"  rule {clean(code)}: {rule.statement if rule else 'unknown'}")
    print("\n".join(clean(line) for line in case.file.read_text(encoding="utf-8").splitlines()))
    return exit_codes.CONFORM


def find(case_id: str, roots: list[Path]) -> Case:
    """Return the case with that id.

    Raises:
        UsageError: There is none; names the ids that look alike.
    """
    import difflib

    cases = {case.id: case for corpus in load_all(roots) for case in corpus.cases}
    if case_id not in cases:
        near = difflib.get_close_matches(case_id, cases, n=3)
        raise UsageError(f"no case {case_id!r}" + (f"; did you mean {', '.join(near)}?" if near else ""))
    return cases[case_id]
