"""The options by which several verbs choose corpora and cases."""

from __future__ import annotations

import argparse
from pathlib import Path

from conformance.corpora import Corpus, Selection, load_all


def add_corpus(parser: argparse.ArgumentParser) -> None:
    """Add ``--corpus``."""
    parser.add_argument(
        "--corpus",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="a folder of case files (repeatable; default: the corpus that comes with the harness)",
    )


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add ``--corpus``, ``--op``, ``--tag`` and ``--id``."""
    add_corpus(parser)
    for kind, example in (("op", "transfer.*"), ("tag", "ulp"), ("id", "network-*")):
        parser.add_argument(
            f"--{kind}",
            action="append",
            default=[],
            metavar="GLOB",
            help=f"only cases whose {kind} matches, e.g. '{example}' (repeatable)",
        )


def chosen(arguments: argparse.Namespace) -> tuple[list[Corpus], Selection]:
    """Return the corpora and the selection that the options name."""
    return load_all(arguments.corpus), Selection(tuple(arguments.op), tuple(arguments.tag), tuple(arguments.id))
