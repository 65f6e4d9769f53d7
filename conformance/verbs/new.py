"""Write a draft case to edit: a valid input of the operation, without an expectation (add fills that in)."""

from __future__ import annotations

import argparse
from pathlib import Path

from conformance import exit_codes
from conformance.errors import UsageError
from conformance.formatting import format_case

EXAMPLE = "python -m conformance new simulate my-tie --why 'a potential exactly at threshold must fire'"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``new``."""
    parser.add_argument("op", help="the operation, e.g. simulate")
    parser.add_argument("id", help="the case's permanent id, e.g. network-threshold-zero")
    parser.add_argument("--why", default="", help="what a port would get wrong, one sentence")
    parser.add_argument("--output", type=Path, metavar="FILE", help="where to write the draft (default: ID.json here)")


def execute(arguments: argparse.Namespace) -> int:
    """Write the draft; an existing file is never overwritten."""
    from conformance.draft import scaffold

    draft = scaffold(arguments.op, arguments.id, arguments.why)
    target = arguments.output or Path(f"{arguments.id}.json")
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(format_case(draft))
    except OSError as error:
        raise UsageError(f"{target}: {error.strerror}") from None
    print(f"{target}: edit its input (and why), then: python -m conformance add {target}")
    return exit_codes.CONFORM
