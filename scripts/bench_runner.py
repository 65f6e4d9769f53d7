"""Measures the runner: start-up, the whole corpus, requests per second up to a million of them, reading reports.

    python scripts/bench_runner.py [--out benchmarks/results/runner.json] [--most 1000000]

Figures are medians of several rounds; the machine and the commit stand beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from conformance.case import Case
from conformance.compare import judge
from conformance.manifest import resolve
from conformance.outcome import PASS
from conformance.report.jsonl import Report
from conformance.runner import Options, drive, new_session
from conformance.session import Ask, Incident, Session

ROOT = Path(__file__).resolve().parent.parent
CLI = [sys.executable, "-m", "conformance"]


def seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def median(work: Callable[[], Any], rounds: int) -> float:
    return round(statistics.median(seconds(work) for _ in range(rounds)), 4)


def quiet(*words: str) -> None:
    subprocess.run([*CLI, *words], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)


def first_result(folder: Path) -> float:
    """Return the seconds from the start of a run to the first result on disk."""
    report = folder / "first.jsonl"
    report.unlink(missing_ok=True)
    began = time.perf_counter()
    child = subprocess.Popen([*CLI, "run", "--report", str(report)], stdout=subprocess.DEVNULL, cwd=ROOT)
    while not (report.exists() and '"type":"result"' in report.read_text()):
        time.sleep(0.005)
    took = time.perf_counter() - began
    child.wait()
    return took


class Flood:
    """A listener that asks as many trivial cases as wanted, judges every answer and reports it like a run."""

    def __init__(self, count: int, report: Report) -> None:
        self.count, self.report, self.passed = count, report, 0
        expect = {"verdict": "accept", "output": {"value": {"i": "1"}}}
        self.case = Case("trivial", "json.parse", (), "", "", (), {"text": "1"}, expect)

    def ready(self, session: Session) -> Iterable[Ask]:
        self.report.backend(session, required=False)
        return self._asks(session.scratch)

    def _asks(self, root: Path) -> Iterator[Ask]:
        for number in range(self.count):
            name = f"case-{number}"
            yield Ask(name, self.case.request(name), root, self.case)

    def answered(self, session: Session, ask: Ask, answer: dict[str, Any]) -> None:
        result = judge(ask.about, session.name, answer)
        self.passed += result.outcome == PASS
        self.report.result(result)

    def failed(self, session: Session, ask: Ask, outcome: str, message: str) -> None:
        raise RuntimeError(f"{session.name}: {outcome}: {message}")

    def incident(self, session: Session, incident: Incident) -> None:
        raise RuntimeError(f"{session.name}: {incident.message}")


def flood(backend: str, count: int, folder: Path) -> dict[str, Any]:
    """Ask one backend ``count`` trivial cases in a process of its own (for its memory); returns what it measured."""
    words = [sys.executable, __file__, "--flood", backend, "--most", str(count), "--folder", str(folder)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def flood_here(backend: str, count: int, folder: Path) -> dict[str, Any]:
    report = Report(folder / f"{backend}-{count}.jsonl")
    report.header([], count, sys.argv, [backend])
    listener = Flood(count, report)
    options = Options(timeout=10.0, jobs=1, fail_fast=False, folder=folder)
    session = new_session(resolve([backend])[0], listener, options)
    drive([session], jobs=1)
    report.close()
    assert listener.passed == count
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"cases": count, "per_second": round(count / session.seconds), "peak_memory_mib": round(peak / 1024, 1)}


def reading(report: Path) -> int:
    """Return the lines per second at which a report is read."""
    from conformance.report.reader import ReportReader

    lines = sum(1 for _ in ReportReader(report))
    return round(lines / median(lambda: sum(1 for _ in ReportReader(report)), 3))


def machine() -> dict[str, Any]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    facts = {"cpu": model, "cpus": os.cpu_count(), "system": platform.platform(), "python": python, "commit": commit}
    return facts | {"load": round(os.getloadavg()[0], 2)}


def measure(most: int, folder: Path) -> dict[str, Any]:
    sizes = [size for size in (10_000, 100_000, 1_000_000) if size <= most]
    quiet("run")  # builds and caches are warm from here on
    figures: dict[str, Any] = {
        "help_seconds": median(lambda: quiet("--help"), 7),
        "first_result_seconds": round(statistics.median(first_result(folder) for _ in range(3)), 3),
        "corpus_seconds": median(lambda: quiet("run"), 5),
        "corpus_seconds_by_backend": {b: median(lambda b=b: quiet("run", "--backend", b), 3) for b in BACKENDS},
        "pipe": {backend: [flood(backend, 10_000, folder)] for backend in BACKENDS},
    }
    figures["pipe"]["rust"] += [flood("rust", size, folder) for size in sizes[1:]]
    figures["report_lines_per_second"] = reading(folder / f"rust-{sizes[-1]}.jsonl")
    return {"machine": machine(), "date": time.strftime("%Y-%m-%d"), "figures": figures}


BACKENDS = ("python", "rust", "julia", "mojo")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--most", type=int, default=1_000_000)
    parser.add_argument("--flood", metavar="BACKEND", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.flood:
        print(json.dumps(flood_here(arguments.flood, arguments.most, arguments.folder)))
        return
    with tempfile.TemporaryDirectory() as folder:
        text = json.dumps(measure(arguments.most, Path(folder)), indent=2) + "\n"
    print(text, end="")
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
