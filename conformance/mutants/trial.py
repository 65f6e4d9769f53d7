"""Trials: every mutant of the reference is asked the cases that it can get wrong, each mutant in a child of its own.

A fork costs milliseconds where a fresh interpreter with NumPy costs half a second. A child writes each case that it
gets wrong to a pipe and its progress to shared memory, so that one which hangs or dies is blamed on the right case.
"""

from __future__ import annotations

import contextlib
import gc
import mmap
import os
import selectors
import signal
import tempfile
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from conformance.case import Case
from conformance.compare import judge
from conformance.corpora import Corpus
from conformance.errors import UsageError
from conformance.mutants.mutant import Mutant
from conformance.mutants.reach import Functions, Reach
from conformance.mutants.reference import Modules, Reference, compiled, sources
from conformance.outcome import CRASH, PASS, TIMEOUT

PATIENCE = 10.0
"""Seconds after which a case counts as hanging."""

SLOWER = 6
"""How much longer a case may take under the profiler, on a machine that does other things beside."""

AT_LOAD = -1
"""Stands for the loading of modules where the position of a case is told."""

ACCIDENTS = 3
"""Children that a mutant may lose before its remaining cases are not asked any more."""

Note = Callable[[str, Collection[int]], None]
"""Takes a case's id (empty: at load), and the numbers of the functions that were entered."""

Asked = Sequence[tuple[Case, bytes, Path]]
"""Cases with their request lines and the roots of their corpora."""

MEMORY = Path("/dev/shm")
"""Where scratch folders go if it is there: what mutants save is not worth the time of a disk."""


@dataclass
class Trial:
    """What the corpus makes of one mutant.

    Attributes:
        mutant: The mutant.
        cases: How many cases it can get wrong: those of its operations that it does not skip, and that run its code.
        kills: Id of every case that it gets wrong → the outcome, in corpus order.
        unasked: How many cases were not asked because it kept on hanging or dying.
        seconds: How long it took.
    """

    mutant: Mutant
    cases: int
    kills: dict[str, str] = field(default_factory=dict)
    unasked: int = 0
    seconds: float = 0.0


class Laboratory:
    """Runs trials of the cases of some corpora, several at a time."""

    def __init__(self, corpora: Sequence[Corpus], jobs: int, patience: float = PATIENCE) -> None:
        self._asks = [(case, case.request(case.id), corpus.root) for corpus in corpora for case in corpus.cases]
        self._jobs = jobs
        self._patience = patience
        self._texts = sources()
        self._modules = compiled(self._texts, {})
        self._functions = Functions(self._modules)

    def run(self, mutants: Sequence[Mutant], tell: Callable[[Trial], None]) -> None:
        """Run the trials of all mutants; `tell` hears of each in their order.

        Where the first one is the sound reference, each other one is asked only the cases that run the code it changes.

        Raises:
            UsageError: A patch does not fit the sources, or what it makes of them is no Python or does not load.
        """
        reach: Reach | None = None
        if mutants and not mutants[0].edits:
            reach = Reach(self._functions)
            self._all([self._prepared(mutants[0], None, reach.note)], tell)
            mutants = mutants[1:]
        self._all([self._prepared(mutant, reach) for mutant in mutants], tell)

    def _all(self, mutants: Sequence[_Run], tell: Callable[[Trial], None]) -> None:
        runs = deque(mutants)
        waiting, untold = deque(runs), runs
        running: list[_Run] = []
        gc.freeze()  # what all children share is not to be written to by the collector
        with selectors.DefaultSelector() as selector:
            try:
                while waiting or running:
                    while waiting and len(running) < self._jobs:
                        running.append(waiting.popleft())
                        running[-1].start(selector, 0)
                    for key, _ in selector.select(0.1):
                        key.data.read()
                    for run in running:
                        run.watch()
                    running = [run for run in running if not run.done]
                    while untold and untold[0].done:
                        tell(untold.popleft().trial)
            finally:
                for run in running:
                    run.kill()

    def _prepared(self, mutant: Mutant, reach: Reach | None, note: Note | None = None) -> _Run:
        asks = [ask for ask in self._asks if mutant.concerns(ask[0])]
        try:
            modules = compiled(mutant.patched(self._texts), self._modules)
        except SyntaxError as error:
            raise UsageError(f"{mutant.home}: mutant {mutant.name}: the patched source is no Python: {error}") from None
        reached = reach.cases(modules) if reach is not None else None
        if reached is not None:
            asks = [ask for ask in asks if ask[0].id in reached]
        functions = self._functions if note is not None else None
        patience = self._patience * (1 if note is None else SLOWER)
        return _Run(Trial(mutant, len(asks)), asks, modules, patience, functions, note)


class _Run:
    """A trial under way: one child after another, until all cases are through."""

    def __init__(
        self,
        trial: Trial,
        asks: Asked,
        modules: Modules,
        patience: float,
        functions: Functions | None = None,
        note: Note | None = None,
    ) -> None:
        self.trial = trial
        self.done = False
        self._asks, self._modules, self._patience = asks, modules, patience
        self._functions, self._note = functions, note
        self._progress = mmap.mmap(-1, 8)  # position of the case that is being answered
        self._accidents = 0
        self._pid = 0
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._began = time.monotonic()

    def start(self, selector: selectors.BaseSelector, position: int) -> None:
        """Start a child that answers the cases from `position` on."""
        self._selector = selector
        self._progress[:] = position.to_bytes(8, "little")
        self._last, self._since = position, time.monotonic()
        self._text, self._through = b"", False
        reading, writing = os.pipe()
        self._clear()
        self._scratch = tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)
        self._pid = os.fork()
        if self._pid == 0:
            os.close(reading)
            scratch = Path(self._scratch.name)
            _answer_all(self._modules, self._asks, position, writing, self._progress, scratch, self._functions)
        os.close(writing)
        self._pipe = reading
        selector.register(reading, selectors.EVENT_READ, self)

    def read(self) -> None:
        """Take in what the child has found; at its end go on, with another child where it died."""
        data = os.read(self._pipe, 1 << 16)
        *lines, self._text = (self._text + data).split(b"\n")
        for line in lines:
            self._take(line.decode("utf-8", "replace"))
        if not data:
            self._child_ended(CRASH)

    def watch(self) -> None:
        """End a child that has been at one case for too long."""
        position = int.from_bytes(self._progress[:], "little")
        if position != self._last:
            self._last, self._since = position, time.monotonic()
        elif time.monotonic() - self._since > self._patience and not self.done:
            os.kill(self._pid, signal.SIGKILL)
            self._child_ended(TIMEOUT)

    def kill(self) -> None:
        """End the child, whatever it is doing."""
        if not self.done and self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        self._clear()

    def _clear(self) -> None:
        """Remove what the child has saved."""
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None

    def _take(self, line: str) -> None:
        position, _, outcome = line.partition(" ")
        if position == "broken":
            mutant = self.trial.mutant
            raise UsageError(f"{mutant.home}: mutant {mutant.name}: the patched package does not load: {outcome}")
        if position == "entered":
            at, *numbers = map(int, outcome.split())
            if self._note is not None:
                self._note("" if at == AT_LOAD else self._asks[at][0].id, numbers)
            return
        self._through = position == "through"
        if not self._through:
            self.trial.kills[self._asks[int(position)][0].id] = outcome

    def _child_ended(self, outcome: str) -> None:
        self._selector.unregister(self._pipe)
        os.close(self._pipe)
        os.waitpid(self._pid, 0)
        following = int.from_bytes(self._progress[:], "little") + 1
        if not self._through:
            self._accidents += 1
            self.trial.kills[self._asks[following - 1][0].id] = outcome
            if following < len(self._asks) and self._accidents < ACCIDENTS:
                self.start(self._selector, following)
                return
            self.trial.unasked = len(self._asks) - following
        self._clear()
        self.trial.seconds = time.monotonic() - self._began
        self.done = True


def _answer_all(
    modules: Modules,
    asks: Asked,
    position: int,
    writing: int,
    progress: mmap.mmap,
    scratch: Path,
    functions: Functions | None,
) -> NoReturn:
    """Be the child: answer the cases, write the position and outcome of each that went wrong, and end.

    With `functions` it also writes which of them it enters, when it is loaded and at each case.
    """

    def watched(at: int, action: Callable[[], Any]) -> Any:
        if functions is None:
            return action()
        result, entered, at_load = functions.entered(action)
        for place, numbers in ((at, entered), (AT_LOAD, at_load)):
            _write(writing, f"entered {' '.join(map(str, (place, *sorted(numbers))))}\n")
        return result

    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(nowhere, descriptor)
        backend = watched(AT_LOAD, lambda: Reference(modules, scratch))
    except BaseException as error:
        _write(writing, f"broken {type(error).__name__}: {error}\n")
        os._exit(1)
    try:
        for number in range(position, len(asks)):
            progress[:] = number.to_bytes(8, "little")
            case, line, root = asks[number]
            answer = watched(number, partial(backend.answer, line, root))
            outcome = judge(case, "mutant", answer).outcome
            if outcome != PASS:
                _write(writing, f"{number} {outcome}\n")
        _write(writing, "through\n")
    finally:
        os._exit(0)


def _write(descriptor: int, text: str) -> None:
    """Write all of a text; to a pipe that is full a system call writes a part."""
    data = text.encode()
    while data:
        data = data[os.write(descriptor, data) :]
