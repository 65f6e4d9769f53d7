"""The command line: puts the verbs together (one file each in ``verbs/``) and turns errors into exit codes."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from conformance import exit_codes
from conformance.errors import UsageError

VERBS = (
    "run",
    "check",
    "inspect",
    "exchange",
    "diff",
    "merge",
    "report",
    "list",
    "show",
    "backends",
    "backend",
    "new",
    "add",
    "lint",
    "fmt",
    "rules",
    "mutants",
    "fuzz",
)
EPILOG = """exit codes: 0 conform, 1 not (or something was found), 2 usage, 3 a required backend is missing or broken,
4 nothing selected, 5 a pair is rejected (check: by all alike), 130 interrupted

example:  python -m conformance run --backend rust --op simulate"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="python -m conformance",
        description="Ask spiking-network backends in any language the same cases; compare every verdict and bit.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subparsers = top.add_subparsers(metavar="VERB", required=True)
    for name in VERBS:
        verb = importlib.import_module(f"conformance.verbs.{name}")
        text = (verb.__doc__ or "").strip()
        sub = subparsers.add_parser(
            name,
            help=text.splitlines()[0].rstrip("."),
            description=text,
            epilog=f"example:  {verb.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        verb.configure(sub)
        sub.set_defaults(execute=verb.execute)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code (see exit_codes.py)."""
    arguments = parser().parse_args(argv)
    try:
        return int(arguments.execute(arguments))
    except UsageError as error:
        print(f"conformance: {error}", file=sys.stderr)
        return exit_codes.USAGE
    except KeyboardInterrupt:
        print("\nconformance: interrupted", file=sys.stderr)
        return exit_codes.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output (head, less) has seen enough; that is no error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.CONFORM
