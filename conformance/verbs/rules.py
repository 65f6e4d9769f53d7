"""Show every rule with its cases and its faults: how many cases reject by it and nearly break it, and what is missing.

Mutants are the faults that switch a rule off or move its boundary, kills the cases that notice one of them, by the
result of ``mutants --report``: for the built-in corpus that which comes with the harness.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

from conformance import exit_codes
from conformance.corpora import load_all
from conformance.coverage import NOT_IN_A_CORPUS, Coverage, coverage
from conformance.rules import Rule
from conformance.verbs.selection import add_corpus

EXAMPLE = "python -m conformance rules network.threshold"


@dataclass(frozen=True)
class Row:
    """A rule, its cases, the names of its mutants, and the ids of the cases that kill them (None: not known)."""

    coverage: Coverage
    mutants: tuple[str, ...]
    kills: tuple[str, ...] | None
    gaps: tuple[str, ...]

    @property
    def rule(self) -> Rule:
        """The rule."""
        return self.coverage.rule


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``rules``."""
    add_corpus(parser)
    parser.add_argument("code", nargs="*", help="only these rules, with statement and case ids")
    parser.add_argument("--mutants", type=Path, metavar="FILE", help="what 'mutants --report' wrote for this corpus")
    parser.add_argument("--json", action="store_true", help="print one JSON array")


def execute(arguments: argparse.Namespace) -> int:
    """Print the table; exit code 1 where a rule is not covered."""
    chosen = [row for row in _rows(arguments) if not arguments.code or row.rule.code in arguments.code]
    if arguments.json:
        print(json.dumps([_facts(row) for row in chosen], indent=2))
    elif arguments.code:
        print("\n\n".join(_paragraph(row) for row in chosen))
    else:
        _print_table(chosen)
    return exit_codes.NOT_CONFORM if any(row.gaps for row in chosen) else exit_codes.CONFORM


def _rows(arguments: argparse.Namespace) -> list[Row]:
    from conformance.mutants import results
    from conformance.mutants.mutant import mutants_of

    cases = [case for corpus in load_all(arguments.corpus) for case in corpus.cases]
    ids = {case.id for case in cases}
    # The committed result says nothing about a corpus of one's own.
    file = arguments.mutants or (None if arguments.corpus else results.COMMITTED)
    result = results.read(file) if file else None
    mutants = mutants_of("python")
    rows = []
    for covered in coverage(cases):
        bite = results.bite(covered.rule.code, mutants, result or {}, ids)
        kills, gaps = (None, ()) if result is None else (bite.kills, bite.gaps)
        gaps = () if covered.rule.code in NOT_IN_A_CORPUS else gaps
        rows.append(Row(covered, bite.mutants, kills, (*covered.gaps, *gaps)))
    return rows


def _print_table(rows: list[Row]) -> None:
    print(f"{'rule':<34} {'rejects':>7} {'near misses':>11} {'mutants':>7} {'kills':>5}  gaps")
    for row in rows:
        covered, kills = row.coverage, "-" if row.kills is None else str(len(row.kills))
        cells = f"{len(covered.rejects):>7} {len(covered.near_misses):>11} {len(row.mutants):>7} {kills:>5}"
        print(f"{row.rule.code:<34} {cells}  {'; '.join(row.gaps)}".rstrip())
    print(f"{len(rows)} rules, {sum(1 for row in rows if row.gaps)} with gaps")
    if any(row.kills is None for row in rows):
        print("kills are not known of this corpus: mutants --corpus DIR --report FILE, then rules --mutants FILE")


def _paragraph(row: Row) -> str:
    covered = row.coverage
    lines = [f"{row.rule.code}: {row.rule.statement}", f"  operations   {', '.join(row.rule.ops)}"]
    lines += [f"  rejects      {', '.join(covered.rejects)}", f"  near misses  {', '.join(covered.near_misses)}"]
    lines += [f"  mutants      {', '.join(row.mutants)}"]
    lines += [f"  kills        {', '.join(row.kills)}"] if row.kills is not None else []
    return "\n".join([*lines, *(f"  gap          {gap}" for gap in row.gaps)])


def _facts(row: Row) -> dict[str, object]:
    covered = row.coverage
    facts: dict[str, object] = {"code": row.rule.code, "statement": row.rule.statement, "ops": row.rule.ops}
    facts |= {"rejects": covered.rejects, "near_misses": covered.near_misses}
    return facts | {"mutants": row.mutants, "kills": row.kills, "gaps": row.gaps}
