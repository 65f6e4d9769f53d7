"""Put drafts into a corpus: the oracle fills in the expectation, lint checks the case, an existing id is refused.

A draft that is rejected needs 'repair', the JSON Patch that makes it valid. The draft's file stays as it is.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from conformance import exit_codes
from conformance.errors import UsageError

EXAMPLE = "python -m conformance add my-tie.json --corpus my-cases"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``add``."""
    parser.add_argument("draft", nargs="+", type=Path, help="files as written by new")
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="where to (default: a checkout's built-in corpus)")


def execute(arguments: argparse.Namespace) -> int:
    """Add each draft, or none of those after the first that has a fault."""
    from conformance.draft import add_to_corpus, writable_corpus

    root = writable_corpus(arguments.corpus)
    for file in arguments.draft:
        try:
            target = add_to_corpus(_read(file), root)
        except UsageError as error:
            raise UsageError(f"{file}: {error}") from None
        print(f"{target}: added")
    return exit_codes.CONFORM


def _read(file: Path) -> dict[str, object]:
    try:
        draft = json.loads(file.read_bytes())
    except OSError as error:
        raise UsageError(str(error.strerror)) from None
    except ValueError as error:
        raise UsageError(f"not JSON: {error}") from None
    if not isinstance(draft, dict):
        raise UsageError("a draft is a JSON object")
    return draft
