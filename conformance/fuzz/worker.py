"""Questions made beside the event loop: processes that draw requests and ask the oracle what is due."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from concurrent.futures.process import BrokenProcessPool
from typing import Any, NamedTuple

from conformance import oracle
from conformance.case import digest
from conformance.errors import UsageError
from conformance.fuzz.files import ROOT
from conformance.fuzz.stream import Request, request

BATCH = 128
AHEAD = 4
"""Batches that are made in advance, per process."""
MOST_PROCESSES = 8


class Question(NamedTuple):
    """A request as it is sent, and the due verdict: of an accept only the SHA-256 of the output.

    Where the oracle itself failed, ``due`` has the verdict ``error`` and its words.
    """

    number: int
    op: str
    line: bytes
    due: dict[str, Any]


def question(asked: Request) -> Question:
    """Ask the oracle."""
    message = {"cmd": "run", "id": str(asked.number), "op": asked.op, "input": asked.input}
    line = json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode("utf-8") + b"\n"
    try:
        due = oracle.answer(asked.op, asked.input, ROOT)
    except Exception as error:  # a bug of the oracle's is found like any other
        due = {"verdict": "error", "message": f"{type(error).__name__}: {error}"}
    if due["verdict"] == "accept":
        due = {"verdict": "accept", "sha256": digest(due["output"])}
    return Question(asked.number, asked.op, line, due)


def questions(seed: int, ops: Sequence[str], first: int, count: int) -> list[Question]:
    """Return the questions with the numbers ``first`` to ``first + count - 1``."""
    return [question(request(seed, number, ops)) for number in range(first, first + count)]


def _leave_signals_to_the_parent() -> None:
    """Ctrl-C reaches the whole process group; the parent decides what becomes of it."""
    from conformance.process import die_with_runner

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_runner()


class Source:
    """The questions of a seed, in the order of their numbers, made by as many processes as half the CPUs."""

    def __init__(self, seed: int, ops: Sequence[str], first: int, count: int | None) -> None:
        self._seed, self._ops, self._next = seed, tuple(ops), first
        self._end = None if count is None else first + count
        processes = min(MOST_PROCESSES, max(1, (os.cpu_count() or 1) // 2))
        # A fresh interpreter, because a fork would take along the pipes of the backends, and threads besides.
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(processes, context, _leave_signals_to_the_parent)
        self._batches: deque[Future[list[Question]]] = deque()
        self._ahead = AHEAD * processes
        self._order_more()

    @property
    def ended(self) -> bool:
        """Whether all questions there are have been taken."""
        return not self._batches

    def take(self, patience: float = 0.0) -> list[Question]:
        """Return the next questions, none where they are not ready within ``patience`` seconds.

        Raises:
            UsageError: The process that makes them died.
        """
        if not self._batches:
            return []
        try:
            batch = self._batches[0].result(patience)
        except NotYet:
            return []
        except BrokenProcessPool:
            raise UsageError("a process of the oracle was killed from outside (out of memory?)") from None
        self._batches.popleft()
        self._order_more()
        return batch

    def _order_more(self) -> None:
        while len(self._batches) < self._ahead and (self._end is None or self._next < self._end):
            count = BATCH if self._end is None else min(BATCH, self._end - self._next)
            self._batches.append(self._pool.submit(questions, self._seed, self._ops, self._next, count))
            self._next += count

    def close(self) -> None:
        """Make no more; what is being made is thrown away."""
        self._pool.shutdown(wait=False, cancel_futures=True)
