"""Put faults into the Python reference, one at a time, and see that the corpus notices each.

A fault that no case notices, or only one, makes the exit code 1: add a case that does (`new`, `add`). Each fault is
asked the cases of its operations that run the code which it changes (no other case can notice it), but for those that
its file skips because they are dear; `noticed of asked` is what is printed. All faults together take some minutes;
--id takes some of them. Faults of Rust, Julia and Mojo: python scripts/native_mutants.py.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from conformance import exit_codes
from conformance.errors import UsageError
from conformance.verbs.selection import add_corpus

if TYPE_CHECKING:
    from conformance.mutants.mutant import Mutant
    from conformance.mutants.trial import Trial

EXAMPLE = "python -m conformance mutants --id 'philox-*'"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``mutants``."""
    add_corpus(parser)
    parser.add_argument(
        "--id", action="append", default=[], metavar="GLOB", help="only faults whose name matches (repeatable)"
    )
    parser.add_argument("--mutants", type=Path, metavar="DIR", help="a folder with faults of one's own (python/*.toml)")
    parser.add_argument("--jobs", type=_count, metavar="N", help="faults to try at a time (default: one per core)")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write which cases notice each fault, as JSON")


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {text}")
    return value


def execute(arguments: argparse.Namespace) -> int:
    """Try the faults; exit code 1 where one is not noticed by at least two cases."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is imported: threads do not survive a fork
    import numpy  # noqa: F401  # what is loaded here need not be loaded in each child

    from conformance.corpora import load_all
    from conformance.mutants import results
    from conformance.mutants.mutant import SOUND
    from conformance.mutants.trial import Laboratory

    began = time.monotonic()
    mutants = _chosen(arguments)
    if not mutants:
        print("conformance: no fault has a name that matches --id", file=sys.stderr)
        return exit_codes.NOTHING_SELECTED
    corpora = load_all(arguments.corpus)
    cases = sum(len(corpus.cases) for corpus in corpora)
    trials: list[Trial] = []
    Laboratory(corpora, arguments.jobs or os.cpu_count() or 1).run(
        [SOUND, *mutants], lambda trial: _tell(trials, trial)
    )
    print(_closing(trials, cases, time.monotonic() - began))
    if arguments.report:
        results.write(arguments.report, corpora, trials)
    return exit_codes.NOT_CONFORM if any(map(complaint, trials)) else exit_codes.CONFORM


def _chosen(arguments: argparse.Namespace) -> list[Mutant]:
    from fnmatch import fnmatchcase

    from conformance.mutants.mutant import FOLDER, mutants_of

    mutants = mutants_of("python", arguments.mutants or FOLDER)
    globs = arguments.id or ["*"]
    return [mutant for mutant in mutants if any(fnmatchcase(mutant.name, glob) for glob in globs)]


def _tell(trials: list[Trial], trial: Trial) -> None:
    """Show a trial as soon as it is over; the sound reference, which comes first, must have none wrong."""
    if not trial.mutant.edits:
        if trial.kills:
            first = next(iter(trial.kills))
            raise UsageError(
                f"the reference without any fault answers {len(trial.kills)} cases wrongly, the first is {first}; "
                f"python -m conformance run --backend python --id {first} says more"
            )
        return
    trials.append(trial)
    print(_line(trial), flush=True)


def _line(trial: Trial) -> str:
    first = next(iter(trial.kills), "")
    text = f"{trial.mutant.name:<40} {len(trial.kills):>5} of {trial.cases:<5} {first}"
    if trial.unasked:
        text += f"  ({trial.unasked} not asked: it kept on hanging or dying)"
    fault = complaint(trial)
    return f"{text}\n    {fault}: {trial.mutant.why}" if fault else text.rstrip()


def complaint(trial: Trial) -> str:
    """Say what is wrong with the corpus (or with a proof), in words; empty where all is well."""
    from conformance.mutants import results

    if trial.mutant.equivalent:
        return "DECLARED EQUIVALENT, but it is not" if trial.kills else ""
    if len(trial.kills) < results.ENOUGH:
        return "HANGS ON ONE CASE" if trial.kills else "SURVIVES"
    return ""


def _closing(trials: Sequence[Trial], cases: int, seconds: float) -> str:
    due = [trial for trial in trials if not trial.mutant.equivalent]
    survivors = sum(not trial.kills for trial in due)
    single = sum(len(trial.kills) == 1 for trial in due)
    answers = sum(trial.cases - trial.unasked for trial in trials)
    counts = f"{len(due)} faults: {len(due) - survivors} noticed, {survivors} survive, {single} hang on one case"
    equivalent = f"; {len(trials) - len(due)} declared equivalent" if len(trials) > len(due) else ""
    return f"{counts}{equivalent}; {cases} cases, {answers} answers, {seconds:.1f} s"
