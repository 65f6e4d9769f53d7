"""Searches for checkpoint pairs that some backend reads unlike the oracle, or at which it crashes or fails.

    python scripts/fuzz_pairs.py --minutes 10 --seed 1 [--backend rust …] [--findings reports/pair-findings]
    python scripts/fuzz_pairs.py --seed 1 --number 4711          # one pair again
    python scripts/fuzz_pairs.py --replay FOLDER                 # findings, or inputs of a coverage-guided fuzzer

Pairs are drawn by number: the same seed gives the same pairs whatever the machine. A finding is a folder with the pair,
the question and all answers. The exit code is 1 where there are findings. See also fuzz_guided.py.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

from crash import MEMORY  # noqa: E402
from crash.peer import LANGUAGES  # noqa: E402
from pair_fuzz.artefact import Artefact, read, unpack  # noqa: E402
from pair_fuzz.asking import Finding, Panel  # noqa: E402
from pair_fuzz.drawing import draw  # noqa: E402

BATCH = 64
MOST_FINDINGS = 100

Named = tuple[str, Artefact]


def drawn(seed: int, first: int) -> Iterator[Named]:
    number = first
    while True:
        yield f"seed-{seed}-number-{number}", draw(seed, number)
        number += 1


def replayed(folder: Path) -> Iterator[Named]:
    """Give the findings of an earlier search, and the files that a coverage-guided fuzzer has kept."""
    for place in sorted(folder.rglob("*")):
        if place.is_dir() and (place / "answers.txt").exists():
            yield place.name, read(place, "pair")
        elif place.is_file() and place.parent.name != "pair" and not (place.parent / "answers.txt").exists():
            yield place.name, Artefact(unpack(place.read_bytes()))


def search(panel: Panel, pairs: Iterator[Named], minutes: float) -> Iterator[Finding]:
    end = time.monotonic() + 60 * minutes
    while time.monotonic() < end and (batch := list(islice(pairs, BATCH))):
        yield from panel.check(batch)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the number to begin with")
    parser.add_argument("--number", type=int, help="only this one")
    parser.add_argument("--count", type=int, help="at most so many")
    parser.add_argument("--replay", type=Path)
    parser.add_argument("--backend", action="append", choices=LANGUAGES)
    parser.add_argument("--findings", type=Path, default=ROOT / "reports" / "pair-findings")
    return parser.parse_args()


def pairs_of(chosen: argparse.Namespace) -> Iterator[Named]:
    if chosen.replay:
        return replayed(chosen.replay)
    if chosen.number is not None:
        return islice(drawn(chosen.seed, chosen.number), 1)
    return islice(drawn(chosen.seed, chosen.first), chosen.count)


def main() -> int:
    chosen = parse()
    found = 0
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        panel = Panel(chosen.backend or LANGUAGES, Path(folder))
        began = time.monotonic()
        try:
            for finding in search(panel, pairs_of(chosen), float("inf") if chosen.replay else chosen.minutes):
                print(finding, f"\n  kept in {finding.write(chosen.findings)}", flush=True)
                found += 1
                if found == MOST_FINDINGS:
                    break
        finally:
            panel.close()
        seconds = time.monotonic() - began
    for verdict, count in sorted(panel.verdicts.items()):
        print(f"{count:8} {verdict}")
    rate = panel.asked / seconds
    print(f"{panel.asked} pairs in {seconds:.0f} s ({rate:.0f}/s), {len(panel.verdicts)} verdicts, {found} findings")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
