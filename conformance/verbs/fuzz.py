"""Search for disagreements with random requests near the edges of every rule.

Draws requests, puts them to all backends at once and holds every answer against the oracle's. What differs is made
small and written as a draft case that `add` takes. The same --seed (with the same --op) means the same requests in the
same order, however fast the backends are. Without --minutes or --count the search takes one minute.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import time
from fnmatch import fnmatchcase
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from conformance import exit_codes
from conformance.errors import UsageError
from conformance.verbs.argument_types import count, natural, positive
from conformance.verbs.run import run_folder

if TYPE_CHECKING:
    from conformance.fuzz.finding import Finding
    from conformance.fuzz.search import Plan, Tally
    from conformance.manifest import Manifest

EXAMPLE = "python -m conformance fuzz --op simulate --backend rust --backend mojo --minutes 5"
MINUTES = 1.0
KINDS = 10
PROGRESS_SECONDS = 0.2


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``fuzz``."""
    parser.add_argument("--op", action="append", default=[], metavar="GLOB", help="only these operations (repeatable)")
    parser.add_argument("--seed", type=natural, metavar="N", help="which requests (default: drawn, and printed)")
    parser.add_argument("--start", type=natural, default=0, metavar="N", help="begin with the seed's request number N")
    much = parser.add_mutually_exclusive_group()
    much.add_argument("--minutes", type=positive, metavar="M", help="for how long (default 1)")
    much.add_argument("--count", type=count, metavar="N", help="how many requests")
    parser.add_argument(
        "--backend",
        action="append",
        default=[],
        metavar="B",
        help='a built-in backend\'s name, a manifest.toml, or "name=command with arguments" (repeatable)',
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="where drafts are written (default: in the cache; where, is printed)",
    )
    parser.add_argument("--timeout", type=positive, default=10.0, metavar="S", help="seconds per request")
    parser.add_argument(
        "--kinds", type=count, default=KINDS, metavar="N", help=f"end after N kinds of fault (default {KINDS})"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the summary as JSON")


def execute(arguments: argparse.Namespace) -> int:
    """Search and report."""
    from conformance.fuzz.stream import GENERATORS
    from conformance.manifest import resolve

    ops = [op for op in GENERATORS if not arguments.op or any(fnmatchcase(op, glob) for glob in arguments.op)]
    if not ops:
        print(f"conformance: no operation matches --op; there are {', '.join(GENERATORS)}", file=sys.stderr)
        return exit_codes.NOTHING_SELECTED
    plan = _plan(arguments, ops)
    return Fuzz(plan, resolve(arguments.backend), arguments).execute()


def _plan(arguments: argparse.Namespace, ops: list[str]) -> Plan:
    from conformance.fuzz.search import Plan

    minutes = arguments.minutes if arguments.minutes or arguments.count else MINUTES
    folder = run_folder()
    return Plan(
        seed=random.SystemRandom().randrange(2**32) if arguments.seed is None else arguments.seed,
        ops=tuple(ops),
        first=arguments.start,
        count=arguments.count,
        seconds=None if minutes is None else 60 * minutes,
        kinds=arguments.kinds,
        timeout=arguments.timeout,
        folder=folder,
        drafts=arguments.out or folder / "drafts",
    )


class Fuzz:
    """One search: shows what happens and sums up."""

    def __init__(self, plan: Plan, manifests: list[Manifest], arguments: argparse.Namespace) -> None:
        from conformance.fuzz.search import Search

        self._plan, self._manifests = plan, manifests
        self._required = bool(arguments.backend)
        self._json: Path | None = arguments.json
        self._op_words = [word for glob in arguments.op for word in ("--op", glob)]
        self._words = {manifest.name: manifest.word or manifest.name for manifest in manifests}
        self._search = Search(plan, manifests, self)
        self._progress = Progress()

    def execute(self) -> int:
        """Search, print; returns the exit code."""
        print(f"seed {self._plan.seed}", flush=True)
        previous = signal.signal(signal.SIGTERM, _interrupt)
        try:
            self._search.run()
        except KeyboardInterrupt:
            print()
        finally:
            self._progress.clear()
            signal.signal(signal.SIGTERM, previous)
        self._sum_up(self._search.tally)
        return self._exit_code(self._search.tally)

    def _sum_up(self, tally: Tally) -> None:
        from conformance.fuzz import summary
        from conformance.report.terminal import BOLD, GREEN, RED, paint

        print()
        for name, text in summary.backend_lines(tally):
            print(f"{paint(f'{name:<10}', BOLD)} {text}")
        print()
        print("\n".join(f"{op:<20} {requests:>10} {rate:>10}" for op, requests, rate in summary.table(tally)))
        print("\n" + "\n".join(summary.coverage_lines(self._plan, tally)))
        for line in summary.incident_lines(tally):
            print("\n" + paint(line, RED))
        if tally.findings:
            print(f"\ndrafts: {self._plan.drafts}")
        print("\n" + paint(summary.verdict_line(tally), BOLD, GREEN if summary.agrees(tally) else RED))
        if self._json is not None:
            self._write_json(tally)

    def _write_json(self, tally: Tally) -> None:
        from conformance.fuzz.summary import as_json

        assert self._json is not None
        try:
            text = json.dumps(as_json(self._plan, tally), indent=2, ensure_ascii=False)
            self._json.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{self._json}: {error.strerror}") from None

    def _exit_code(self, tally: Tally) -> int:
        from conformance.fuzz.summary import agrees

        if tally.interrupted:
            return exit_codes.INTERRUPTED
        missing = [session for session in tally.sessions.values() if session.hello is None]
        if len(missing) == len(self._manifests) or (self._required and missing):
            return exit_codes.BACKEND_MISSING
        return exit_codes.CONFORM if agrees(tally) else exit_codes.NOT_CONFORM

    # -- what the search tells ----------------------------------------------------------------------------------------

    def found(self, finding: Finding) -> None:
        """Show a finding at once."""
        from conformance.fuzz import summary
        from conformance.report.terminal import BOLD, RED, paint

        backend = self._words.get(finding.kind.backend, "python")
        repeat = summary.repeat_command(self._plan, finding.number, backend, self._op_words)
        first, *rest = summary.finding_lines(finding, repeat)
        self._progress.clear()
        print("\n" + "\n".join([paint(first, RED, BOLD), *rest]), flush=True)

    def turn(self, tally: Tally) -> None:
        """Show how far the search is."""
        self._progress.show(tally)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


class Progress:
    """One line that moves, on a terminal; nothing where output is piped."""

    def __init__(self) -> None:
        from conformance.report.terminal import is_fancy

        self._fancy = is_fancy()
        self._next = 0.0
        self._shown = False

    def show(self, tally: Tally) -> None:
        """Show it anew, a few times per second."""
        now = time.monotonic()
        if not self._fancy or now < self._next:
            return
        self._next, self._shown = now + PROGRESS_SECONDS, True
        total = tally.inputs.total()
        rate = f"{total / tally.seconds:.0f} per second" if tally.seconds else "starting"
        found = f"{len(tally.findings)} kinds of fault"
        print(f"\r\x1b[K{tally.seconds:6.1f} s  {total} requests ({rate})  {found}", end="", flush=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            print("\r\x1b[K", end="", flush=True)
            self._shown = False
