"""The Julia backend by way of juliacall: a Python process with Julia inside, answering as the ``julia`` process does.

``python -m spikeparity.julia_backend`` reads request lines, hands each to ``SpikeParity.handle_line``, the function
that the process transport calls too, and writes what it returns.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent / "_julia"
CHUNK = 1 << 16
# Answers are not held back for longer while further requests are at hand.
FLUSH_AFTER = 0.005
# Exit code where Julia cannot be had, as everywhere in the harness.
UNAVAILABLE = 3


def load() -> tuple[Callable[[str], str], Callable[[], bool]]:
    """Start Julia; returns the functions that answer a line and that tell whether ``bye`` has come.

    Raises:
        Exception: juliacall is missing or cannot start Julia; it has many ways to say so.
    """
    # By name, since it is an extra that need not be there, and comes without types.
    julia = importlib.import_module("juliacall").Main
    julia.seval("folder -> pushfirst!(LOAD_PATH, folder)")(str(PACKAGE.resolve()))
    julia.seval("import SpikeParity")
    return julia.seval("SpikeParity.handle_line"), julia.seval("() -> SpikeParity.SESSION.ended")


def serve(answer: Callable[[str], str], ended: Callable[[], bool], source: int, target: int) -> None:
    """Answer the lines of a file descriptor until ``bye`` or its end, flushing when no further line has arrived."""
    pending = bytearray()
    while not ended() and (chunk := os.read(source, CHUNK)):
        pending += chunk
        if b"\n" in chunk:
            *lines, pending = pending.split(b"\n")
            answer_lines(answer, ended, lines, target)
    if pending and not ended():
        answer_lines(answer, ended, [pending], target)


def answer_lines(answer: Callable[[str], str], ended: Callable[[], bool], lines: list[bytearray], target: int) -> None:
    """Answer lines that have arrived together."""
    answers, sent = bytearray(), time.monotonic()
    for line in lines:
        text = answer(line.decode("utf-8", "replace"))
        answers += text.encode() + b"\n" if text else b""
        if time.monotonic() - sent > FLUSH_AFTER:
            write_all(target, answers)
            answers, sent = bytearray(), time.monotonic()
        if ended():
            break
    write_all(target, answers)


def write_all(target: int, data: bytearray) -> None:
    """Write to a file descriptor what a single write may leave over."""
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]


def main() -> int:
    """Serve standard input and output; returns the exit code."""
    # Whatever Julia or juliacall prints must not end up between the answers.
    target = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        answer, ended = load()
    except Exception as error:
        print(f"juliacall does not start Julia: {type(error).__name__}: {error}", file=sys.stderr)
        return UNAVAILABLE
    # Julia makes its standard streams, which are ours, fail instead of wait.
    for stream in (sys.stdin.fileno(), target):
        os.set_blocking(stream, True)
    serve(answer, ended, sys.stdin.fileno(), target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
