"""Start a backend of your own: `init` writes one that works, in the language you name.

What it writes answers one operation, encode.poisson, and conforms: under 130 lines in a single file, without
dependencies, and a manifest that says how it is started. An existing file is never overwritten.
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from conformance import exit_codes
from conformance.template import LANGUAGES, OPERATION, write

EXAMPLE = "python -m conformance backend init c --dir mine"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add ``init`` and its options."""
    tasks = parser.add_subparsers(metavar="TASK", required=True)
    init = tasks.add_parser("init", help="write a small working backend", description=__doc__)
    init.add_argument("language", metavar="LANG", choices=LANGUAGES, help=", ".join(LANGUAGES))
    init.add_argument("--dir", type=Path, metavar="DIR", help="the folder to write to (default: the backend's name)")
    init.add_argument("--name", default="my-backend", help="what reports call the backend (default: my-backend)")


def execute(arguments: argparse.Namespace) -> int:
    """Write the files and say what to do with them."""
    from conformance.report.repeat import python_command

    files = write(arguments.language, arguments.dir or Path(arguments.name), arguments.name)
    for file in files:
        print(f"wrote {file}")
    words = [python_command(), "-m", "conformance", "run", "--backend", str(files[-1]), "--op", OPERATION]
    print(f"\nIt answers {OPERATION}, and conforms:\n  {shlex.join(words)}")
    print("What to do next: docs/your-backend.md in SpikeParity's repository")
    return exit_codes.CONFORM
