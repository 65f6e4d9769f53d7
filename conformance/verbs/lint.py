"""Check a corpus: form, known rules, one fault per reject, expectations equal to the oracle's, every rule covered.

Coverage (two rejects and two near misses per rule, a reject per operation of the rule) is due of the built-in corpus;
for others, ask for it with --coverage.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from conformance import exit_codes
from conformance.corpora import BUILT_IN
from conformance.report.text import clean
from conformance.verbs.selection import add_corpus

EXAMPLE = "python -m conformance lint --corpus my-cases"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``lint``."""
    add_corpus(parser)
    parser.add_argument("--coverage", action="store_true", help="demand full rule coverage of other corpora too")


def execute(arguments: argparse.Namespace) -> int:
    """Print the findings, one line each; exit code 1 where there are any."""
    from conformance.corpora import case_files, load
    from conformance.lint import lint, lint_coverage

    findings: list[tuple[Path, str]] = []
    files = 0
    for root in arguments.corpus or [BUILT_IN]:
        files += len(case_files(root))
        found = list(lint(root))
        if not found and (arguments.coverage or root == BUILT_IN):
            found = list(lint_coverage(root, list(load(root).cases)))
        findings += found
    for file, text in findings:
        print(clean(f"{file}: {text}"))
    print(f"{files} files, {len(findings)} findings")
    return exit_codes.NOT_CONFORM if findings else exit_codes.CONFORM
