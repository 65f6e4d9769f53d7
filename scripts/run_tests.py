"""Runs every test suite of the project, shows their output as it comes, and adds up what they counted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Suite:
    """A command and how its output tells passed and failed."""

    name: str
    argv: list[str]
    count: Callable[[str], tuple[int, int]]


def by_words(text: str) -> tuple[int, int]:
    """Add up 'N passed' and 'N failed' or 'N error(s)' of the lines that close a run."""
    passed = sum(int(n) for n in re.findall(r"(\d+) passed", text))
    failed = sum(int(n) for n in re.findall(r"(\d+) (?:failed|errors?)\b", text))
    return passed, failed


def by_last_line(text: str) -> tuple[int, int]:
    """Take the counts of the closing line alone."""
    closing = [line for line in text.splitlines() if " passed" in line or " failed" in line]
    return by_words(closing[-1]) if closing else (0, 0)


def suites() -> list[Suite]:
    """Return the suites; a language whose tools are missing fails, it is not skipped."""
    python = sys.executable
    julia = [python, "-m", "conformance.toolchains.julia", "test"]
    cargo = ["cargo", "test", "-q", "--release", "--manifest-path", "rust/Cargo.toml"]
    required = ["run", "--require", "python,rust,julia,mojo"]
    return [
        Suite("rust", cargo, by_words),
        Suite("julia", julia, by_last_line),
        Suite("mojo", [python, "-m", "conformance.toolchains.mojo", "test"], by_last_line),
        Suite("pytest", [python, "-m", "pytest"], by_last_line),
        Suite("conformance", [python, "-m", "conformance", *required], count_answers),
    ]


def count_answers(text: str) -> tuple[int, int]:
    """Read answers and failures off the verdict line of a conformance run."""
    match = re.search(r"(\d+) answers, (\d+) failures", text)
    return (int(match[1]) - int(match[2]), int(match[2])) if match else (0, 0)


def run(suite: Suite) -> tuple[int, int]:
    """Run a suite; returns how many of its tests passed and failed. A bad exit code counts as a failure."""
    print(f"\n== {suite.name}: {' '.join(suite.argv)}", flush=True)
    began = time.monotonic()
    child = subprocess.Popen(suite.argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ)
    assert child.stdout is not None
    lines = []
    for line in child.stdout:
        sys.stdout.buffer.write(line)
        sys.stdout.flush()
        lines.append(line.decode("utf-8", "replace"))
    status = child.wait()
    passed, failed = suite.count("".join(lines))
    if (status != 0 and failed == 0) or passed == 0:
        print(f"{suite.name}: exit code {status} with {passed} passed: counted as a failure")
        failed += 1
    print(f"-- {suite.name}: {passed} ok, {failed} not ok, {time.monotonic() - began:.1f} s", flush=True)
    return passed, failed


def main() -> int:
    """Run all suites; returns 1 if anything failed."""
    counts = [run(suite) for suite in suites()]
    passed, failed = (sum(column) for column in zip(*counts, strict=True))
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
