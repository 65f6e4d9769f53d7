"""Make one matrix of the reports of several runs, as when each machine has asked its own backends.

All runs must have asked the same corpora. A backend that could not be had on one machine is taken from another; one
that answered on two is refused, or with --label named after the machines (rust@Linux-x86_64). The merged report is a
report like any other.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from conformance import exit_codes

EXAMPLE = "python -m conformance merge --label --out all.jsonl linux/report.jsonl macos/report.jsonl"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``merge``."""
    parser.add_argument("report", nargs="+", type=Path, metavar="REPORT", help="reports of runs")
    parser.add_argument("--label", action="store_true", help="name a backend that several have after the machines")
    parser.add_argument("--out", type=Path, metavar="FILE.jsonl", help="write the merged report")
    parser.add_argument("--summary", type=Path, metavar="FILE.md", help="also write a summary in Markdown")


def execute(arguments: argparse.Namespace) -> int:
    """Print the merged matrix and failures; exit code 1 where anything does not conform."""
    from conformance.report.markdown import render
    from conformance.report.merging import merge
    from conformance.report.terminal import print_summary
    from conformance.report.text import write

    merged = merge(arguments.report, arguments.label)
    for warning in merged.warnings:
        print(f"conformance: warning: {warning}", file=sys.stderr)
    print_summary(merged.tally, merged.seconds)
    if arguments.out is not None:
        merged.write(arguments.out, sys.argv)
        print(f"report: {arguments.out}")
    if arguments.summary is not None:
        write(arguments.summary, render(merged.tally, merged.seconds))
    code = merged.tally.exit_code
    return exit_codes.NOT_CONFORM if code == exit_codes.INTERRUPTED else code
