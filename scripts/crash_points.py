"""Interrupts saves of checkpoint pairs in every way there is, and prints what a load finds afterwards.

    python scripts/crash_points.py kill [--backend python …]     # SIGKILL at each system call that changes the disk
    python scripts/crash_points.py power [--backend python …]    # a model of a disk that loses what was not synced
    python scripts/crash_points.py fail [--backend python …]     # each of those calls fails (ENOSPC, EIO)
    python scripts/crash_points.py race [--seconds 10]           # two writers and readers of one pair

Needs Linux, a C compiler, and ptrace. The exit code is 1 where a pair was neither old nor new. The tests
(tests/test_crash_saves.py, tests/test_pair_concurrency.py) do the same with less of it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations_with_replacement
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import spikeparity  # noqa: E402, F401  (so that backends are forked)
from crash import MEMORY, killing, power  # noqa: E402
from crash.judge import Judge  # noqa: E402
from crash.oracle_reader import OracleReader  # noqa: E402
from crash.peer import LANGUAGES, started  # noqa: E402
from crash.race import race  # noqa: E402
from crash.saves import SAVES  # noqa: E402


def kill(languages: Sequence[str]) -> int:
    return each_save(languages, kill_one)


def kill_one(language: str, ground: killing.Ground, judge: Judge) -> tuple[int, str]:
    def start(scratch: Path) -> killing.Peer:
        return started(language, scratch)

    with start(ground.scratch) as next_saver:
        kills = killing.kill_everywhere(ground, start, next_saver, judge)
    new = sum(point.found == "new" for point in kills)
    torn = sum(point.order[0] == "tear" for point in kills)
    return len(kills), f"{len(kills):4} kill points ({torn:2} within a write): {len(kills) - new:3} old, {new:2} new"


def fail(languages: Sequence[str]) -> int:
    return each_save(languages, fail_one)


def fail_one(language: str, ground: killing.Ground, judge: Judge) -> tuple[int, str]:
    def start(scratch: Path) -> killing.Peer:
        return started(language, scratch)

    with start(ground.scratch) as next_saver:
        failures = killing.fail_everywhere(ground, start, next_saver, judge)
    counts = Counter(f"{failure.verdict}, {failure.found}" for failure in failures)
    return len(failures), f"{len(failures):4} failures: " + "; ".join(f"{n} × {what}" for what, n in counts.items())


def cut(languages: Sequence[str]) -> int:
    return each_save(languages, cut_one)


def cut_one(language: str, ground: killing.Ground, judge: Judge) -> tuple[int, str]:
    ran = killing.run_whole(ground, lambda scratch: started(language, scratch))
    killing.assert_locked(ran.calls, (ground.run / ground.save.base).parent)
    outcome = power.cut_everywhere(ground.save, ran, judge)
    assert not outcome.faults, outcome.faults
    needed = power.without_each_sync(ground.save, ran, judge).values()
    missed = sum(bool(other.faults) for other in needed)
    about = f"{outcome.moments:3} moments, {outcome.states:3} states"
    return outcome.states, f"{about}; {missed} of {len(needed)} syncs are missed if left out"


def each_save(languages: Sequence[str], try_one: Callable[[str, killing.Ground, Judge], tuple[int, str]]) -> int:
    faults = 0
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        readers = [OracleReader(Path(folder)), *(started(language, Path(folder)) for language in LANGUAGES)]
        judge = Judge(readers, Path(folder))
        for language in languages:
            total = 0
            for save in SAVES:
                try:
                    count, about = try_one(language, killing.Ground(Path(folder), save), judge)
                except AssertionError as fault:
                    faults, count, about = faults + 1, 0, f"FAULT: {fault}"
                total += count
                print(f"{language:7} {save.name:40} {about}", flush=True)
            print(f"{language:7} {total} in all", flush=True)
    names = ", ".join(str(reader.hello["name"]) for reader in readers)
    print(f"{judge.states} distinct states were loaded by {names}; {faults} faults")
    return int(faults > 0)


def compete(seconds: float, languages: Sequence[str]) -> int:
    faults = 0
    for writers in combinations_with_replacement(languages, 2):
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
            began = time.monotonic()
            found = race(writers, languages, Path(folder), seconds)
            took = time.monotonic() - began
        counts = f"{found.saves.total():6} saves, {found.loads.total():6} loads, {found.faults.total()} wrong"
        tidy = "" if found.left == ["pair.json", "pair.npz"] else f"; left: {found.left}"
        print(f"{'+'.join(writers):14} read by {', '.join(languages)}, {took:4.0f} s: {counts}{tidy}", flush=True)
        for fault, count in found.faults.most_common(5):
            print(f"  {count} × {fault[:300]}")
        faults += found.faults.total() + bool(tidy)
    return int(faults > 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("kill", "power", "fail", "race"))
    parser.add_argument("--backend", action="append", choices=LANGUAGES)
    parser.add_argument("--seconds", type=float, default=10.0)
    chosen = parser.parse_args()
    languages = chosen.backend or LANGUAGES
    if chosen.what == "race":
        return compete(chosen.seconds, languages)
    return {"kill": kill, "power": cut, "fail": fail}[chosen.what](languages)


if __name__ == "__main__":
    sys.exit(main())
