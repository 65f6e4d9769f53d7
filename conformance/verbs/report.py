"""Show a report: print its summary again, or make one self-contained HTML page of it.

The page holds the matrix, the rules with their coverage, and every failure with what was expected and got; where a
simulation went another way, both spike trains and the membrane potential around the first difference. It loads nothing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from conformance import exit_codes

EXAMPLE = "python -m conformance report report.jsonl --html report.html"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``report``."""
    parser.add_argument("report", type=Path, metavar="FILE.jsonl", help="the report of a run, or a merged one")
    parser.add_argument("--html", type=Path, metavar="OUT.html", help="write the page (else the summary is printed)")
    parser.add_argument("--junit", type=Path, metavar="FILE.xml", help="also write the results as JUnit XML")
    parser.add_argument("--summary", type=Path, metavar="FILE.md", help="also write a summary in Markdown")


def execute(arguments: argparse.Namespace) -> int:
    """Write what is asked for; the exit code does not judge the run again."""
    from conformance.report.markdown import render
    from conformance.report.reader import ReadRun
    from conformance.report.terminal import print_summary
    from conformance.report.text import write

    run = ReadRun(arguments.report)
    if run.reader.warning:
        print(f"conformance: warning: {run.reader.warning}", file=sys.stderr)
    if arguments.html is not None:
        from conformance.report.page import write_page

        write_page(run, arguments.html)
    if arguments.junit is not None:
        from conformance.report.junit import write_junit

        write_junit(arguments.report, arguments.junit)
    if arguments.summary is not None:
        write(arguments.summary, render(run.tally, run.seconds))
    if not (arguments.html or arguments.junit or arguments.summary):
        print_summary(run.tally, run.seconds)
    return exit_codes.CONFORM
