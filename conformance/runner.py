"""The event loop: drives the sessions with all backends at once and turns what they learn into results."""

from __future__ import annotations

import selectors
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from conformance.case import Case
from conformance.compare import judge, verdict_of
from conformance.corpora import Corpus, Selection
from conformance.manifest import Manifest
from conformance.outcome import PASS, UNSUPPORTED, Result
from conformance.process import BackendProcess, Log
from conformance.rules import all_rules, codes_of
from conformance.session import Ask, Incident, Session
from conformance.toolchains import Launch

PATIENCE = 0.2
LAUNCH_PATIENCE = 0.01


class Sink(Protocol):
    """Where a run's news go: the report, the terminal, the tally."""

    def backend(self, session: Session) -> None:
        """A backend is ready, unavailable or broken."""

    def result(self, result: Result) -> None:
        """A case has its outcome on a backend."""

    def incident(self, backend: str, incident: Incident) -> None:
        """Something went wrong with a backend that no case can be blamed for."""

    def turn(self) -> None:
        """The event loop has handled what there was; a good moment to flush."""


@dataclass(frozen=True)
class Options:
    """How a run is made.

    Attributes:
        timeout: Seconds without an answer before the oldest request is given up.
        jobs: How many backends run at a time.
        fail_fast: Whether to stop at the first outcome that is not a pass.
        folder: Where logs and scratch folders go.
    """

    timeout: float
    jobs: int
    fail_fast: bool
    folder: Path


class Runner:
    """Asks backends the selected cases of some corpora; ``excuse`` marks the failures that were foreseen."""

    def __init__(
        self,
        corpora: Sequence[Corpus],
        selection: Selection,
        options: Options,
        sink: Sink,
        excuse: Callable[[Result], Result] = lambda result: result,
    ) -> None:
        self.work = [(case, corpus.root) for corpus in corpora for case in corpus.cases if selection.takes(case)]
        self.options = options
        self.sink = sink
        self._excuse = excuse
        self._stop = False

    def run(self, manifests: Sequence[Manifest]) -> list[Session]:
        """Ask every backend every case; returns when all have ended.

        Raises:
            KeyboardInterrupt: On Ctrl-C, after all children have been killed.
        """
        sessions = [self._session(manifest) for manifest in manifests]
        drive(sessions, self.options.jobs, self._after_turn)
        for session in sessions:
            if session.hello is None:
                self.sink.backend(session)
        return sessions

    def _after_turn(self) -> bool:
        self.sink.turn()
        return self._stop

    def _session(self, manifest: Manifest) -> Session:
        return new_session(manifest, self, self.options)

    # -- what sessions tell -------------------------------------------------------------------------------------------

    def ready(self, session: Session) -> Iterable[Ask]:
        """Check the backend's declaration, and return the cases of its operations."""
        assert session.hello is not None
        self.sink.backend(session)
        for incident in declaration_faults(session.hello):
            self.sink.incident(session.name, incident)
        ops = set(session.hello["ops"])
        for case, root in self.work:
            if case.op in ops:
                yield Ask(case.id, case.request(case.id), root, case)
            else:
                message = f"the backend does not offer {case.op}"
                self._record(Result(session.name, case.id, case.op, UNSUPPORTED, message=message, why=case.why))

    def answered(self, session: Session, ask: Ask, answer: dict[str, Any]) -> None:
        """Judge an answer."""
        self._record(judge(ask.about, session.name, answer))

    def failed(self, session: Session, ask: Ask, outcome: str, message: str) -> None:
        """Record a case that got no answer."""
        case: Case = ask.about
        due = verdict_of(case.expect)
        self._record(Result(session.name, case.id, case.op, outcome, due, message=message, why=case.why))

    def incident(self, session: Session, incident: Incident) -> None:
        """Pass on an incident."""
        self.sink.incident(session.name, incident)

    def _record(self, result: Result) -> None:
        result = self._excuse(result)
        self.sink.result(result)
        if self.options.fail_fast and result.outcome not in (PASS, UNSUPPORTED) and result.expected_failure is None:
            self._stop = True


def new_session(manifest: Manifest, listener: Any, options: Options) -> Session:
    """Make a session with a log and a fresh scratch folder of its own, which ``drive`` removes."""
    scratch = Path(tempfile.mkdtemp(prefix=f"{manifest.name}.scratch.", dir=options.folder))
    return Session(manifest, listener, scratch, Log(options.folder / f"{manifest.name}.log"), options.timeout)


def declaration_faults(hello: dict[str, Any]) -> list[Incident]:
    """Hold the codes that a backend declares against the table of rules."""
    declared, due = set(hello["codes"]), codes_of(hello["ops"])
    faults = []
    if unknown := sorted(declared - set(all_rules())):
        faults.append(f"hello declares codes that no rule has: {', '.join(unknown)}")
    if missing := sorted(due - declared):
        faults.append(f"hello lacks codes of its operations: {', '.join(missing)}")
    return [Incident("declaration", text) for text in faults]


def drive(sessions: Sequence[Session], jobs: int, stop: Callable[[], bool] = lambda: False) -> None:
    """Run sessions to their end, ``jobs`` at a time, asking ``stop`` after each turn; no child is left behind."""
    waiting = list(sessions)
    running: list[Session] = []
    with selectors.DefaultSelector() as selector:
        try:
            while (waiting or running) and not stop():
                while waiting and len(running) < jobs:
                    session = waiting.pop(0)
                    session.start(in_background)
                    running.append(session)
                _watch(selector, running)
                _turn(selector, running)
                running = [session for session in running if not session.done]
        finally:
            for session in running:
                session.kill()
            for session in sessions:
                session.log.close()
                if not session.keep_scratch:
                    shutil.rmtree(session.scratch, ignore_errors=True)


def in_background(find: Callable[[], Launch]) -> Future[Launch]:
    """Run a launch in a daemon thread: a build of half a minute holds up neither the other backends nor Ctrl-C."""
    future: Future[Launch] = Future()

    def work() -> None:
        try:
            future.set_result(find())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future


Pipe = tuple[Session, BackendProcess, str]


def _watch(selector: selectors.BaseSelector, running: Sequence[Session]) -> None:
    """Make the selector watch just the pipes of the children that now run (a fresh child may reuse descriptors)."""
    wanted: dict[int, tuple[int, Pipe]] = {}
    for session in running:
        if session.child is not None:
            wanted |= _pipes(session, session.child)
    for key in list(selector.get_map().values()):
        if wanted.get(key.fd) != (key.events, key.data):
            selector.unregister(key.fd)
    for descriptor, (events, data) in wanted.items():
        if descriptor not in selector.get_map():
            selector.register(descriptor, events, data)


def _pipes(session: Session, child: BackendProcess) -> dict[int, tuple[int, Pipe]]:
    pipes = {child.stdout.fileno(): (selectors.EVENT_READ, (session, child, "stdout"))}
    if not child.stderr_ended:
        pipes[child.stderr.fileno()] = (selectors.EVENT_READ, (session, child, "stderr"))
    if child.unsent:
        pipes[child.stdin.fileno()] = (selectors.EVENT_WRITE, (session, child, "stdin"))
    return pipes


def _turn(selector: selectors.BaseSelector, running: Sequence[Session]) -> None:
    """Wait for news and hand them to their sessions."""
    pending = any(session.child is None for session in running)
    nearest = min((session.deadline for session in running), default=float("inf")) - time.monotonic()
    patience = min(LAUNCH_PATIENCE if pending else PATIENCE, max(0.0, nearest))
    for key, _ in selector.select(patience):
        session, child, pipe = key.data
        if child is not session.child:
            continue  # this child died while an earlier event of the same turn was handled
        if pipe == "stdout":
            session.read()
        elif pipe == "stderr":
            child.drain_stderr()
        else:
            session.pump()
    for session in running:
        session.tick()
