"""The result of a run of mutants, as a file: which faults were put in, and which cases noticed each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from conformance.corpora import Corpus
from conformance.errors import UsageError
from conformance.mutants.trial import Trial

COMMITTED = Path(__file__).parent / "results.json"
"""The result for the built-in corpus; ``python -m conformance mutants --report`` writes it anew."""

FORMAT = 1


def write(file: Path, corpora: Sequence[Corpus], trials: Iterable[Trial]) -> None:
    """Write the result of a run, one fault per line so that two results diff well."""
    rows = [json.dumps(row(trial), ensure_ascii=False) for trial in trials]
    hashes = json.dumps([corpus.sha256 for corpus in corpora])
    cases = sum(len(corpus.cases) for corpus in corpora)
    text = ",\n".join(rows)
    body = f'{{"format": {FORMAT}, "cases": {cases}, "corpora": {hashes}, "faults": [\n{text}\n]}}\n'
    try:
        file.write_text(body, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--report {file}: {error.strerror}") from None


def row(trial: Trial) -> dict[str, Any]:
    """Return what is kept of a trial."""
    mutant = trial.mutant
    return {
        "name": mutant.name,
        "rule": mutant.rule,
        "why": mutant.why,
        "cases": trial.cases,
        "equivalent": bool(mutant.equivalent),
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
            raise UsageError(f"mutant result {file}: format {members['format']}, known is {FORMAT}")
        return {str(fault["name"]): [str(case) for case in fault["kills"]] for fault in members["faults"]}
    except OSError as error:
        raise UsageError(f"mutant result {file}: {error.strerror}") from None
    except (ValueError, LookupError, TypeError):
        raise UsageError(f"mutant result {file}: not what 'conformance mutants --report' writes") from None
