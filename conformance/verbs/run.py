"""Ask the backends the cases and compare.

Asks every selected backend every selected case, shows a matrix and every failure with the command that repeats it, and
writes a report (JSON Lines). Without --backend all built-in backends are asked; one that cannot be had is shown as
unavailable, which only --require (or naming it with --backend) makes a failure.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
import signal
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from conformance import exit_codes
from conformance.errors import UsageError
from conformance.verbs.argument_types import count, positive
from conformance.verbs.selection import add_selection, chosen

if TYPE_CHECKING:
    from conformance.corpora import Corpus, Selection
    from conformance.expectations import Expectations
    from conformance.manifest import Manifest
    from conformance.outcome import Result
    from conformance.runner import Options
    from conformance.session import Incident, Session

EXAMPLE = "python -m conformance run --backend rust --backend 'mine=./my-backend --stdio' --tag ulp"
KEPT_RUNS = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``run``."""
    add_selection(parser)
    parser.add_argument(
        "--backend",
        action="append",
        default=[],
        metavar="B",
        help='a built-in backend\'s name, a manifest.toml, or "name=command with arguments" (repeatable)',
    )
    parser.add_argument("--require", default="", metavar="NAMES", help="backends that must be there, e.g. python,rust")
    parser.add_argument("--transport", choices=["process", "juliacall"], help="how the Julia backend is reached")
    parser.add_argument("--timeout", type=positive, default=10.0, metavar="S", help="seconds per case (default 10)")
    parser.add_argument("--jobs", type=count, metavar="N", help="backends to run at a time (default: all)")
    parser.add_argument("--fail-fast", action="store_true", help="stop at the first failure")
    parser.add_argument("--report", type=Path, metavar="FILE.jsonl", help="where the report goes (default: the cache)")
    parser.add_argument("--summary", type=Path, metavar="FILE.md", help="also write a summary in Markdown")
    parser.add_argument("--junit", type=Path, metavar="FILE.xml", help="also write the results as JUnit XML")
    parser.add_argument(
        "--expectations",
        type=Path,
        metavar="DIR",
        help="what is known to fail: DIR/<backend>.toml (docs/expectations.md)",
    )
    parser.add_argument(
        "--update-expectations", action="store_true", help="take out what passes now, add what was not foreseen"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Run and report."""
    from conformance.manifest import resolve
    from conformance.runner import Options

    corpora, selection = chosen(arguments)
    selected = sum(selection.takes(case) for corpus in corpora for case in corpus.cases)
    if not selected:
        print("conformance: no case matches the selection", file=sys.stderr)
        return exit_codes.NOTHING_SELECTED
    manifests = _with_transport(resolve(arguments.backend), arguments.transport)
    required = _required(arguments, [manifest.name for manifest in manifests])
    folder = run_folder()
    options = Options(arguments.timeout, arguments.jobs or len(manifests), arguments.fail_fast, folder)
    expectations = _expectations(arguments, corpora, [manifest.name for manifest in manifests])
    report = arguments.report or folder / "report.jsonl"
    run = Run(manifests, required, corpora, selection, options, report, expectations)
    code = run.execute(selected, arguments.summary, arguments.junit)
    if arguments.update_expectations:
        _update(list(expectations.values()))
    return code


def _expectations(arguments: argparse.Namespace, corpora: list[Corpus], names: list[str]) -> dict[str, Expectations]:
    from conformance.expectations import load

    folder: Path | None = arguments.expectations
    if folder is None:
        if arguments.update_expectations:
            raise UsageError("--update-expectations needs --expectations DIR")
        return {}
    if not folder.is_dir() and not arguments.update_expectations:
        raise UsageError(f"expectations {folder}: no such folder")
    ids = [case.id for corpus in corpora for case in corpus.cases]
    return {name: load(folder, name, ids) for name in names}


def _update(expectations: list[Expectations]) -> None:
    """Rewrite the files for the next run; this one is judged by what they said when it began."""
    from conformance.expectation_update import update

    changes = [change for change in map(update, expectations) if change is not None]
    print("\n".join(f"expectations: {change}" for change in changes) or "expectations: nothing to change")


def _with_transport(manifests: list[Manifest], transport: str | None) -> list[Manifest]:
    if transport is None:
        return manifests
    if not any(manifest.toolchain == "julia" for manifest in manifests):
        raise UsageError("--transport is for the julia backend, which is not among those selected")
    return [dataclasses.replace(m, transport=transport) if m.toolchain == "julia" else m for m in manifests]


def _required(arguments: argparse.Namespace, names: list[str]) -> frozenset[str]:
    wanted = [name for name in arguments.require.split(",") if name]
    for name in wanted:
        if name not in names:
            raise UsageError(f"--require {name}: no such backend in this run ({', '.join(names)})")
    return frozenset([*wanted, *(names if arguments.backend else [])])


def run_folder() -> Path:
    """Make a folder for the logs and the report of this run, and drop those of long ago."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    runs = cache / "spikeparity" / "runs"
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S")
    folder = runs / f"{stamp}-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make {folder} for logs: {error.strerror} (set XDG_CACHE_HOME)") from None
    for old in sorted(runs.iterdir())[:-KEPT_RUNS]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


class Run:
    """One run: passes on what happens to the tally, the report and the progress bars, and sums up."""

    def __init__(
        self,
        manifests: list[Manifest],
        required: frozenset[str],
        corpora: list[Corpus],
        selection: Selection,
        options: Options,
        report: Path,
        expectations: dict[str, Expectations],
    ) -> None:
        from conformance.backend_facts import BackendFacts
        from conformance.report.jsonl import Report
        from conformance.report.terminal import Progress
        from conformance.tally import Tally

        self._manifests, self._corpora, self._selection, self._options = manifests, corpora, selection, options
        self._required, self._expectations = required, expectations
        self._tally = Tally({m.name: BackendFacts(m.name, m.language, complete=m.complete) for m in manifests})
        self._report = Report(report)
        self._progress = Progress(sum(selection.takes(case) for corpus in corpora for case in corpus.cases))

    def execute(self, selected: int, summary: Path | None, junit: Path | None) -> int:
        """Run, explain, print; returns the exit code."""
        from conformance.coverage import coverage

        began = time.monotonic()
        self._report.header(self._corpora, selected, sys.argv, list(self._tally.backends))
        cases = (case for corpus in self._corpora for case in corpus.cases if self._selection.takes(case))
        self._report.rules(coverage(cases))
        previous = signal.signal(signal.SIGTERM, _interrupt)
        try:
            self._ask()
        except KeyboardInterrupt:
            self._tally.interrupted = True
        finally:
            self._progress.stop()
            signal.signal(signal.SIGTERM, previous)
        self._sum_up(time.monotonic() - began, summary, junit)
        return self._tally.exit_code

    def _ask(self) -> None:
        from conformance.explain import explain
        from conformance.runner import Runner

        self._progress.start([manifest.name for manifest in self._manifests])
        Runner(self._corpora, self._selection, self._options, self, self._excuse).run(self._manifests)
        self._progress.stop()
        for name in self._tally.asked:
            for incident in self._expectations[name].faults() if name in self._expectations else ():
                self.incident(name, incident)
        for manifest in self._manifests:
            wrong = [*self._tally.failures, *self._tally.expected]
            failed = [result for result in wrong if result.backend == manifest.name]
            for case_id, divergence in explain(manifest, failed, self._corpora, self._options).items():
                self._tally.divergences[manifest.name, case_id] = divergence
                if divergence is not None:
                    self._report.divergence(manifest.name, case_id, divergence)

    def _excuse(self, result: Result) -> Result:
        expectations = self._expectations.get(result.backend)
        return result if expectations is None else expectations.apply(result, self._tally.is_failure(result))

    def _sum_up(self, seconds: float, summary: Path | None, junit: Path | None) -> None:
        from conformance.report.markdown import render
        from conformance.report.terminal import print_summary
        from conformance.report.text import write

        counts = {name: {op: dict(row) for op, row in self._tally.counts[name].items()} for name in self._tally.asked}
        self._report.footer(self._tally.conforms, self._tally.exit_code, seconds, counts)
        print_summary(self._tally, seconds)
        print(f"report: {self._report.path}" + (f" (incomplete: {self._report.fault})" if self._report.fault else ""))
        if summary is not None:
            write(summary, render(self._tally, seconds))
        if junit is not None:
            from conformance.report.junit import write_junit

            write_junit(self._report.path, junit)

    # -- what the runner tells ----------------------------------------------------------------------------------------

    def backend(self, session: Session) -> None:
        """Take note of a backend."""
        self._tally.backends[session.name] = self._report.backend(session, session.name in self._required)
        self._progress.backend(session)

    def result(self, result: Result) -> None:
        """Take note of a result."""
        self._tally.add(result)
        self._report.result(result)
        self._progress.advance(result.backend)

    def incident(self, backend: str, incident: Incident) -> None:
        """Take note of an incident."""
        self._tally.incidents[backend].append(incident)
        self._report.incident(backend, incident)

    def turn(self) -> None:
        """Let what was written reach the disk."""
        self._report.flush()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
