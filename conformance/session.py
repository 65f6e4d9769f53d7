"""The conversation with one backend: keeps a window of requests in flight, survives the backend, blames one request.

The life of a session, and what can go wrong at each step:

1. *launch*: the program is found or built (in a thread; may end in ``unavailable``);
2. *hello*: the child is started and must answer in time, else the backend is ``broken``;
3. *ask*: up to ``WINDOW`` requests are in flight. Death, silence beyond the deadline, a closed pipe, or a line that is
   no answer to anything asked is an *accident*: the process group is killed and a fresh child takes the rest;
4. *suspects*: with several requests in flight an accident names none, so each of them is asked again alone. One that
   fails alone is blamed; where none does, the accident is reported as not reproducible;
5. *give up*: after ``restarts_allowed`` fresh children the remaining requests are not asked;
6. *bye*: the child is told to end and must do so, with exit code 0.

A session knows the protocol's envelope (id, verdict) and nothing of what is asked.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, Protocol

from conformance.manifest import Manifest
from conformance.outcome import CRASH, NOT_RUN, PROTOCOL_ERROR, TIMEOUT
from conformance.process import BackendProcess, LineTooLongError, Log, describe_exit
from conformance.toolchains import Launch, UnavailableError

PROTOCOL = 1
WINDOW = 64
WINDOW_BYTES = 1 << 20
RESTARTS = 10
GOODBYE_SECONDS = 5.0


@dataclass(frozen=True)
class Ask:
    """One request: its id, its line, the folder where relative paths start, and what the asker wants to remember."""

    id: str
    line: bytes
    root: Path
    about: Any = None


@dataclass(frozen=True)
class Incident:
    """Something that went wrong with a backend and that no single request can be blamed for."""

    kind: str
    message: str
    ids: tuple[str, ...] = ()


class Listener(Protocol):
    """Who wants to know what a session learns."""

    def ready(self, session: Session) -> Iterable[Ask]:
        """The backend has answered hello, for the first time; returns what to ask it."""

    def answered(self, session: Session, ask: Ask, answer: dict[str, Any]) -> None:
        """A request was answered by a JSON object that carries its id."""

    def failed(self, session: Session, ask: Ask, outcome: str, message: str) -> None:
        """A request was not answered; ``outcome`` says how."""

    def incident(self, session: Session, incident: Incident) -> None:
        """Something went wrong that no request can be blamed for."""


@dataclass
class Accident:
    """An accident whose cause is being looked for among the requests that were in flight."""

    outcome: str
    message: str
    ids: tuple[str, ...]
    reproduced: bool = False


@dataclass(eq=False)
class Session:
    """The conversation with one backend.

    Attributes:
        manifest: What backend it is.
        listener: Is told all that happens.
        scratch: The only folder that the backend may write to.
        log: The backend's standard error.
        timeout: Seconds without an answer after which the oldest request is given up.
        hello: The backend's answer to hello, once it came.
        launched: How it was started, once that is known.
        unavailable: Why it cannot be had, or None.
        broken: Why it never came to answer, or None.
        done: Whether nothing more will happen.
        seconds: Time between the first hello and the last answer.
        keep_scratch: Whether the scratch folder is to be left when all is over, because somebody will look into it.
        open_ended: Whether more requests may follow once all are answered: no goodbye before ``close``.
        restarts_allowed: How many fresh children there may be.
    """

    manifest: Manifest
    listener: Listener
    scratch: Path
    log: Log
    timeout: float
    hello: dict[str, Any] | None = None
    launched: Launch | None = None
    unavailable: UnavailableError | None = None
    broken: str | None = None
    done: bool = False
    seconds: float = 0.0
    keep_scratch: bool = False
    open_ended: bool = False
    restarts_allowed: int = RESTARTS
    _launching: Future[Launch] | None = None
    _child: BackendProcess | None = None
    _greeted: bool = False
    _saying_goodbye: bool = False
    _upcoming: Iterator[Ask] = field(default_factory=lambda: iter(()))
    _queue: deque[Ask] = field(default_factory=deque)
    _suspects: deque[Ask] = field(default_factory=deque)
    _in_flight: dict[str, Ask] = field(default_factory=dict)
    _root: Path | None = None
    _deadline: float = float("inf")
    _restarts: int = 0
    _accident: Accident | None = None
    _started_at: float = 0.0

    @property
    def name(self) -> str:
        """The backend's name."""
        return self.manifest.name

    @property
    def child(self) -> BackendProcess | None:
        """The running child, for the event loop to watch."""
        return self._child

    @property
    def deadline(self) -> float:
        """Until when (``time.monotonic``) the child must have said something; infinite where nothing is due."""
        return self._deadline

    def start(self, submit: Callable[[Callable[[], Launch]], Future[Launch]]) -> None:
        """Begin to look for the program, off the event loop."""
        self._launching = submit(self.manifest.launch)

    def tick(self) -> None:
        """Do what time alone makes due: take over a finished launch, end a child that has been silent for too long."""
        if self._launching is not None and self._launching.done():
            self._take_launch(self._launching)
        elif self._child is not None and time.monotonic() > self._deadline:
            self._out_of_time()
        elif self._child is not None and self._child.exit_status() is not None:
            self._read_the_rest()

    # -- launching and greeting ---------------------------------------------------------------------------------------

    def _take_launch(self, launching: Future[Launch]) -> None:
        self._launching = None
        try:
            self.launched = launching.result()
        except UnavailableError as error:
            self.unavailable = error
            self._finish()
        except Exception as error:
            # A toolchain that stumbles is one backend's trouble; the others' results must not be lost over it.
            self.broken = f"cannot be launched: {type(error).__name__}: {error}"
            self._finish()
        else:
            self._spawn()

    def _spawn(self) -> None:
        assert self.launched is not None
        try:
            self._child = BackendProcess(self.launched, self.manifest.folder, self.log)
        except OSError as error:
            self.broken = f"cannot be started: {error.strerror}: {self.launched.argv[0]}"
            self._abandon()
            return
        self._greeted = False
        self._root = self._next_root()
        hello = {"cmd": "hello", "protocol": PROTOCOL, "root": str(self._root), "scratch": str(self.scratch)}
        self._deadline = time.monotonic() + self.manifest.startup_timeout
        self._child.send(_line(hello))
        self.pump()

    def _next_root(self) -> Path:
        self._draw()
        following = self._suspects or self._queue
        return following[0].root if following else self.scratch

    def _take_hello(self, answer: dict[str, Any]) -> None:
        fault = _fault_of_hello(answer)
        if fault:
            self._break(f"hello: {fault}")
            return
        self._greeted = True
        self._deadline = float("inf")
        if self.hello is None:
            self.hello = answer
            self._started_at = time.monotonic()
            self._upcoming = iter(self.listener.ready(self))
        self._fill()

    # -- asking -------------------------------------------------------------------------------------------------------

    def ask_more(self, asks: Iterable[Ask]) -> None:
        """Add requests to those that are still to be asked; meant for listeners, whose caller sends them."""
        self._queue.extend(asks)

    def feed(self, asks: Iterable[Ask]) -> None:
        """Add requests and send what fits at once; meant for whoever is not called by this session."""
        self.ask_more(asks)
        if self._greeted and self._child is not None and not self._saying_goodbye:
            self._fill()

    def close(self) -> None:
        """Take no more requests: goodbye once all are answered."""
        self.open_ended = False
        self.feed(())

    def grant(self, seconds: float) -> None:
        """Put off the deadline, where one runs: nobody has listened for that long."""
        self._deadline += seconds

    def _draw(self) -> None:
        """Have the next requests at hand, and no more: a million of them need not be in memory at once."""
        if not self._queue:
            self._queue.extend(islice(self._upcoming, WINDOW))

    @property
    def backlog(self) -> int:
        """How many of the requests at hand are still to be answered; 0 only where there are no others either."""
        self._draw()
        return len(self._queue) + len(self._suspects) + len(self._in_flight)

    def cancel(self) -> None:
        """Drop what was not yet sent."""
        self._upcoming = iter(())
        self._queue.clear()
        self._suspects.clear()

    def _fill(self) -> None:
        assert self._child is not None
        while len(self._in_flight) < self._window and self._child.unsent < WINDOW_BYTES:
            self._draw()
            source = self._suspects or self._queue
            if not source:
                break
            self._send(source.popleft())
        if not self.backlog and not self.open_ended:
            self._say_goodbye()
        self.pump()

    @property
    def _window(self) -> int:
        # While suspects are asked, one at a time: whatever happens then has one possible cause.
        return 1 if self._accident is not None else WINDOW

    def _send(self, ask: Ask) -> None:
        assert self._child is not None
        if ask.root != self._root:
            self._root = ask.root
            self._child.send(_line({"cmd": "root", "root": str(ask.root)}))
        if not self._in_flight:
            self._deadline = time.monotonic() + self.timeout
        self._in_flight[ask.id] = ask
        self._child.send(ask.line)

    def pump(self) -> None:
        """Write what the child's pipe takes."""
        if self._child is None:
            return
        try:
            self._child.pump()
        except OSError:
            # It closed its input. Whether it died or just stopped listening shows in its output; ask no more of it.
            self._accident_happened(CRASH, self._how_it_ended("closed its input"))

    # -- listening ----------------------------------------------------------------------------------------------------

    def read(self) -> None:
        """Take in what the child has said."""
        child = self._child
        if child is None:
            return
        try:
            lines = child.read_lines()
        except LineTooLongError:
            self._accident_happened(PROTOCOL_ERROR, "sent a line longer than the protocol's limit")
            return
        if lines is None:
            self._output_ended()
            return
        for line in lines:
            self._take_line(line)
            if self._child is not child:
                return  # what else it said died with it
        if lines and self._greeted and not self._saying_goodbye:
            self._fill()

    def _read_the_rest(self) -> None:
        """Take what a dead child left in the pipe, which a child of its own may still hold open."""
        child = self._child
        while self._child is child and child is not None:
            if not child.has_output():
                self._output_ended()
                return
            self.read()

    def _take_line(self, line: bytes) -> None:
        answer = _parse(line)
        if answer is None:
            self._accident_happened(PROTOCOL_ERROR, f"sent a line that is not a JSON object: {_excerpt(line)}")
        elif not self._greeted:
            self._take_hello(answer)
        elif (ask := self._in_flight.pop(str(answer.get("id")), None)) is None:
            self._accident_happened(PROTOCOL_ERROR, f"sent an answer whose id was not asked: {_excerpt(line)}")
        else:
            self._deadline = time.monotonic() + self.timeout if self._in_flight else float("inf")
            self.listener.answered(self, ask, answer)
            self._settle_accident()

    def _output_ended(self) -> None:
        assert self._child is not None
        if not self._saying_goodbye:
            self._accident_happened(CRASH, self._how_it_ended())
            return
        status = self._child.exit_status(patience=1.0)
        if status != 0:
            self.listener.incident(self, Incident("exit", f"at bye the backend {describe_exit(status)}"))
        self._finish()

    def _how_it_ended(self, otherwise: str | None = None) -> str:
        assert self._child is not None
        status = self._child.exit_status(patience=0.5)
        text = otherwise if status is None and otherwise else describe_exit(status)
        self._child.drain_stderr()
        said = self.log.last_line()
        unfinished = f"; in the middle of the line {_excerpt(self._child.partial)}" if self._child.partial else ""
        return text + unfinished + (f"; its last words: {said}" if said else "")

    def _out_of_time(self) -> None:
        if self._saying_goodbye:
            text = f"did not end within {GOODBYE_SECONDS:g} s after bye; killed"
            self.listener.incident(self, Incident("exit", text))
            self._finish()
        elif not self._greeted:
            self._break(f"did not answer hello within {self.manifest.startup_timeout:g} s")
        else:
            self._accident_happened(TIMEOUT, f"no answer within {self.timeout:g} s")

    # -- accidents ----------------------------------------------------------------------------------------------------

    def _accident_happened(self, outcome: str, message: str) -> None:
        if not self._greeted:
            self._break(f"before it answered hello, the backend {message}")
            return
        victims = list(self._in_flight.values())
        self._in_flight.clear()
        if len(victims) == 1:
            self._blame(victims[0], outcome, message)
        elif victims:
            self._accident = Accident(outcome, message, tuple(ask.id for ask in victims))
            self._suspects.extend(victims)
        else:
            self.listener.incident(self, Incident(outcome, f"while nothing was asked, the backend {message}"))
        self._restart()

    def _blame(self, ask: Ask, outcome: str, message: str) -> None:
        if self._accident is not None:
            self._accident.reproduced = True
        self.listener.failed(self, ask, outcome, message)
        self._settle_accident()

    def _settle_accident(self) -> None:
        """Close the search for a cause once the last suspect is through."""
        if self._accident is None or self._suspects or self._in_flight:
            return
        if not self._accident.reproduced:
            text = f"{self._accident.message}; none of the requests in flight does so when asked alone"
            self.listener.incident(self, Incident(self._accident.outcome, text, self._accident.ids))
        self._accident = None

    def _restart(self) -> None:
        self._drop_child()
        self._draw()
        if not self._queue and not self._suspects and not self.open_ended:
            self._finish()
        elif self._restarts == self.restarts_allowed:
            self.listener.incident(self, Incident("given-up", f"given up after {self._restarts} restarts"))
            self._abandon()
        else:
            self._restarts += 1
            self._spawn()

    def _break(self, message: str) -> None:
        """End a session whose child does not get past hello: a fresh one would not either."""
        if self.hello is None:
            self.broken = message
        else:
            self.listener.incident(self, Incident(CRASH, f"after a restart: {message}"))
        self._abandon()

    def _abandon(self) -> None:
        for ask in chain(self._suspects, self._queue, self._upcoming):
            self.listener.failed(self, ask, NOT_RUN, "not asked: the backend was given up")
        self.cancel()
        self._accident = None
        self._finish()

    # -- ending -------------------------------------------------------------------------------------------------------

    def _say_goodbye(self) -> None:
        assert self._child is not None
        self._saying_goodbye = True
        self.seconds = time.monotonic() - self._started_at
        self._child.send(_line({"cmd": "bye"}))
        with contextlib.suppress(OSError):  # it is gone already; its exit status will tell
            self._child.pump()
        self._child.close_stdin()
        self._deadline = time.monotonic() + GOODBYE_SECONDS

    def _drop_child(self) -> None:
        if self._child is not None:
            self._child.kill()
        self._child = None
        self._deadline = float("inf")

    def _finish(self) -> None:
        self._drop_child()
        self._in_flight.clear()
        self.done = True

    def kill(self) -> None:
        """End everything at once, whatever it is doing: the runner is going."""
        self.cancel()
        self._finish()


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogateescape") + b"\n"


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _excerpt(line: bytes) -> str:
    text = line[:120].decode("utf-8", "replace")
    return repr(text + ("…" if len(line) > 120 else ""))


def _fault_of_hello(answer: dict[str, Any]) -> str | None:
    if answer.get("protocol") != PROTOCOL:
        return f"speaks protocol {answer.get('protocol')!r}, the runner speaks {PROTOCOL}"
    for name in ("name", "version", "language"):
        if not isinstance(answer.get(name), str):
            return f"{name!r} is missing or not a string"
    for name in ("ops", "codes", "profiles"):
        value = answer.get(name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            return f"{name!r} is missing or not a list of strings"
    return None
