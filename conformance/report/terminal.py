"""What a person sees: progress while it runs (on a terminal only), then the matrix, the failures and the verdict."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from conformance.report.summary import (
    backend_lines,
    expected_lines,
    failure_blocks,
    incident_lines,
    matrix,
    verdict_line,
)
from conformance.session import Session
from conformance.tally import Tally

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

RED, GREEN, YELLOW, BOLD, DIM = "31", "32", "33", "1", "2"


def is_fancy() -> bool:
    """Tell whether colour and moving text are welcome: on a terminal, and unless ``NO_COLOR`` says otherwise."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, *styles: str) -> str:
    """Return ``text`` in colour where colour is welcome."""
    return f"\x1b[{';'.join(styles)}m{text}\x1b[0m" if is_fancy() else text


class Progress:
    """One bar per backend on a terminal; nothing where output is piped."""

    def __init__(self, cases: int) -> None:
        self._cases = cases
        self._bars: dict[str, TaskID] = {}
        self._rich: RichProgress | None = None

    def start(self, names: list[str]) -> None:
        """Show a bar for each backend."""
        if not is_fancy():
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = [TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
        self._rich = Progress(*columns, TextColumn("{task.fields[note]}"), transient=True)
        self._rich.start()
        for name in names:
            self._bars[name] = self._rich.add_task(name, total=self._cases, note="starting")

    def backend(self, session: Session) -> None:
        """Say what became of a backend's start."""
        absent = "unavailable" if session.unavailable else "broken" if session.broken else ""
        self._update(session.name, note=absent)

    def advance(self, backend: str) -> None:
        """Count one case."""
        self._update(backend, advance=1)

    def _update(self, backend: str, **change: Any) -> None:
        if self._rich is not None:
            self._rich.update(self._bars[backend], **change)

    def stop(self) -> None:
        """Take the bars away."""
        if self._rich is not None:
            self._rich.stop()
            self._rich = None


def print_summary(tally: Tally, seconds: float) -> None:
    """Print backends, matrix, failures, what was expected to fail, incidents and the verdict."""
    for name, text in backend_lines(tally):
        print(f"{paint(f'{name:<10}', BOLD)} {text}")
    print()
    _print_matrix(tally)
    for first, *rest in failure_blocks(tally):
        print("\n" + "\n".join([paint(first, RED, BOLD), *rest]))
    if tally.expected:
        print("\n" + "\n".join(paint(line, YELLOW) for line in expected_lines(tally)))
    for line in incident_lines(tally):
        print("\n" + paint(line, RED))
    print("\n" + paint(verdict_line(tally, seconds), BOLD, GREEN if tally.conforms else RED))


def _print_matrix(tally: Tally) -> None:
    rows = matrix(tally)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        first = row[0].ljust(widths[0])
        fields = [field.rjust(width) for field, width in zip(row[1:], widths[1:], strict=True)]
        style = BOLD if number in (0, len(rows) - 1) else ""
        print("  ".join([paint(first, style) if style else first, fields[0], *map(_paint_cell, fields[1:])]))


def _paint_cell(field: str) -> str:
    word = field.strip()
    if word.isdecimal():
        return paint(field, GREEN)
    if "/" in word or word == "broken":
        return paint(field, RED, BOLD)
    return paint(field, YELLOW) if word == "unavailable" or "expected" in word else field
