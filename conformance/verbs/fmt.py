"""Rewrite case files in their canonical form; with --check, only say which are not.

The canonical form is that of conformance/formatting.py; what a file says is never changed.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from conformance import exit_codes
from conformance.corpora import BUILT_IN, case_files
from conformance.errors import UsageError
from conformance.formatting import format_case
from conformance.verbs.selection import add_corpus

EXAMPLE = "python -m conformance fmt --check --corpus my-cases"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``fmt``."""
    add_corpus(parser)
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 if a file is not canonical")


def execute(arguments: argparse.Namespace) -> int:
    """Rewrite or check."""
    stale = [file for root in arguments.corpus or [BUILT_IN] for file in case_files(root) if _is_stale(file)]
    for file in stale:
        if arguments.check:
            print(f"{file}: not in canonical form (python -m conformance fmt)")
        else:
            file.write_text(canonical_text(file), encoding="utf-8")
            print(f"{file}: rewritten")
    return exit_codes.NOT_CONFORM if stale and arguments.check else exit_codes.CONFORM


def canonical_text(file: Path) -> str:
    """Return the canonical text of a case file; raises UsageError where it is not a JSON object."""
    try:
        case = json.loads(file.read_bytes())
    except ValueError as error:
        raise UsageError(f"{file}: not JSON: {error}") from None
    if not isinstance(case, dict):
        raise UsageError(f"{file}: a case is a JSON object")
    return format_case(case)


def _is_stale(file: Path) -> bool:
    return file.read_text(encoding="utf-8") != canonical_text(file)
