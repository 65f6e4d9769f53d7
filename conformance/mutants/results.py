"""The result of a run of mutants, as a file: which faults were put in, and which cases noticed each."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.corpora import Corpus
from conformance.errors import UsageError
from conformance.mutants.mutant import Mutant
from conformance.mutants.trial import Trial
from conformance.outcome import FAIL

COMMITTED = Path(__file__).parent / "results.json"
"""The result for the built-in corpus. ``python -m conformance mutants --report`` with this path writes it anew."""

ENOUGH = 2
"""Cases on which a fault must not hang fewer: one that is changed or dropped must leave no fault unnoticed."""

FORMAT = 1


def write(file: Path, corpora: Sequence[Corpus], trials: Iterable[Trial]) -> None:
    """Write the result of a run, one fault per line so that two results diff well."""
    rows = ",\n".join(json.dumps(_row(trial), ensure_ascii=False) for trial in trials)
    hashes = json.dumps([corpus.sha256 for corpus in corpora])
    cases = sum(len(corpus.cases) for corpus in corpora)
    text = f'{{"format": {FORMAT}, "cases": {cases}, "corpora": {hashes}, "faults": [\n{rows}\n]}}\n'
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--report {file}: {error.strerror}") from None


def _row(trial: Trial) -> dict[str, Any]:
    """Return what is kept of a trial; `errors` are kills by a failure or a death instead of a wrong answer."""
    return {
        "name": trial.mutant.name,
        "rule": trial.mutant.rule,
        "asked": trial.cases - trial.unasked,
        "errors": sum(outcome != FAIL for outcome in trial.kills.values()),
        "kills": list(trial.kills),
    }


def read(file: Path) -> dict[str, list[str]]:
    """Return the ids of the cases that killed each mutant, by its name.

    Raises:
        UsageError: The file cannot be read or is no such result.
    """
    try:
        members = json.loads(file.read_bytes())
        if members["format"] != FORMAT:
            raise UsageError(f"mutant result {file}: format {members['format']!r}, known is {FORMAT}")
        return {str(fault["name"]): [str(case) for case in fault["kills"]] for fault in members["faults"]}
    except OSError as error:
        raise UsageError(f"mutant result {file}: {error.strerror}") from None
    except (ValueError, LookupError, TypeError):
        raise UsageError(f"mutant result {file}: not what 'conformance mutants --report' writes") from None


@dataclass(frozen=True)
class Bite:
    """How the faults of one rule fare.

    Attributes:
        mutants: Names of the faults that switch the rule off or move its boundary.
        kills: Ids of the cases that notice at least one of them.
        gaps: What is missing, in words.
    """

    mutants: tuple[str, ...]
    kills: tuple[str, ...]
    gaps: tuple[str, ...]


def bite(rule: str, mutants: Sequence[Mutant], result: Mapping[str, Sequence[str]], cases: Collection[str]) -> Bite:
    """Return how a rule's faults fare by a result, of which only what is about these cases counts.

    A case's id is permanent and so is its expectation, so a result stays true of the cases that it knows; it only
    understates what cases added since then notice.
    """
    names = [mutant.name for mutant in mutants if mutant.rule == rule and not mutant.equivalent]
    noticed = {name: [case for case in result.get(name, ()) if case in cases] for name in names}
    gaps = [] if names else ["no mutant"]
    for name, kills in noticed.items():
        if name not in result:
            gaps.append(f"mutant {name} was not tried")
        elif len(kills) < ENOUGH:
            gaps.append(f"mutant {name} is noticed by {len(kills)} of {ENOUGH} cases")
    distinct = dict.fromkeys(case for kills in noticed.values() for case in kills)
    return Bite(tuple(names), tuple(distinct), tuple(gaps))
