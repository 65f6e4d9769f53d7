"""Show every rule with its cases: how many are rejected by it, how many nearly break it, and what is missing."""

from __future__ import annotations

import argparse
import json

from conformance import exit_codes
from conformance.corpora import load_all
from conformance.coverage import Coverage, coverage
from conformance.verbs.selection import add_corpus

EXAMPLE = "python -m conformance rules network.threshold"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``rules``."""
    add_corpus(parser)
    parser.add_argument("code", nargs="*", help="only these rules, with statement and case ids")
    parser.add_argument("--json", action="store_true", help="print one JSON array")


def execute(arguments: argparse.Namespace) -> int:
    """Print the table; exit code 1 where a rule is not covered."""
    rows = coverage(case for corpus in load_all(arguments.corpus) for case in corpus.cases)
    chosen = [row for row in rows if not arguments.code or row.rule.code in arguments.code]
    if arguments.json:
        print(json.dumps([_facts(row) for row in chosen], indent=2))
    elif arguments.code:
        print("\n\n".join(_paragraph(row) for row in chosen))
    else:
        _print_table(chosen)
    return exit_codes.NOT_CONFORM if any(row.gaps for row in chosen) else exit_codes.CONFORM


def _print_table(rows: list[Coverage]) -> None:
    print(f"{'rule':<34} {'rejects':>7} {'near misses':>11}  gaps")
    for row in rows:
        print(f"{row.rule.code:<34} {len(row.rejects):>7} {len(row.near_misses):>11}  {'; '.join(row.gaps)}".rstrip())
    print(f"{len(rows)} rules, {sum(1 for row in rows if row.gaps)} with gaps")


def _paragraph(row: Coverage) -> str:
    lines = [f"{row.rule.code}: {row.rule.statement}", f"  operations   {', '.join(row.rule.ops)}"]
    lines += [f"  rejects      {', '.join(row.rejects)}", f"  near misses  {', '.join(row.near_misses)}"]
    return "\n".join([*lines, *(f"  gap          {gap}" for gap in row.gaps)])


def _facts(row: Coverage) -> dict[str, object]:
    facts: dict[str, object] = {"code": row.rule.code, "statement": row.rule.statement, "ops": row.rule.ops}
    return facts | {"rejects": row.rejects, "near_misses": row.near_misses, "gaps": row.gaps}
