"""An enquiry: backends that stay up while a script asks them in rounds, each made of the answers to those before."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.compare import fault_of_answer
from conformance.manifest import Manifest
from conformance.outcome import ERROR, NOT_RUN, PASS, PROTOCOL_ERROR, UNSUPPORTED
from conformance.runner import Options, drive, new_session
from conformance.session import Ask, Incident, Session


@dataclass(frozen=True)
class Reply:
    """What came of one request.

    Attributes:
        outcome: ``pass`` where the answer is an accept or a reject, else what happened (``conformance.outcome``).
        answer: The accept or reject as it came; empty otherwise.
        message: What happened, or the backend's own message.
    """

    outcome: str
    answer: Mapping[str, Any]
    message: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the answer is an accept."""
        return self.answer.get("verdict") == "accept"

    @property
    def output(self) -> Any:
        """The output of an accept."""
        return self.answer["output"]


Round = Mapping[str, Sequence[Ask]]
"""Backend → what it is asked."""

Replies = dict[tuple[str, str], Reply]
"""(backend, id of the request) → what came of it; every request of a round has one."""

Script = Generator[Round, Replies, None]


class Enquiry:
    """A listener of all backends' sessions, which puts a script's questions to them.

    Attributes:
        sessions: By name; a session whose ``hello`` is None could not be had.
        incidents: (backend, what went wrong with it that no request can be blamed for).
    """

    def __init__(self, manifests: Sequence[Manifest], options: Options) -> None:
        self._jobs = options.jobs
        self.sessions = {manifest.name: new_session(manifest, self, options) for manifest in manifests}
        for session in self.sessions.values():
            session.open_ended = True
            session.keep_scratch = True  # faults name the files that were saved
        self.incidents: list[tuple[str, Incident]] = []
        self._replies: Replies = {}
        self._script: Script | None = None

    def run(self, script: Script) -> None:
        """Play a script to its end; it may look at ``sessions`` once its first round, an empty one, is answered.

        Raises:
            KeyboardInterrupt: On Ctrl-C, after all children have been killed.
        """
        self._script = script
        next(script)
        drive(list(self.sessions.values()), self._jobs, self._after_turn)
        while self._script is not None:  # no backend is left; the script hears so
            self._advance()

    def offering(self, op: str) -> list[str]:
        """Return the backends that are there and offer an operation; that one of which it is due does not is noted."""
        offering = []
        for name, session in self.sessions.items():
            if session.hello is None:
                continue
            if op in session.hello["ops"]:
                offering.append(name)
            elif session.manifest.complete:
                self.incidents.append((name, Incident("declaration", f"hello does not offer {op}")))
        return offering

    def _after_turn(self) -> bool:
        live = [session for session in self.sessions.values() if not session.done]
        waiting = any(session.hello is None or session.backlog for session in live)
        if self._script is not None and not waiting:
            self._advance()
        return False

    def _advance(self) -> None:
        assert self._script is not None
        replies, self._replies = self._replies, {}
        try:
            asked = self._script.send(replies)
        except StopIteration:
            self._script = None
            for session in self.sessions.values():
                session.close()
            return
        for name, asks in asked.items():
            session = self.sessions[name]
            if session.done:
                for ask in asks:
                    self.failed(session, ask, NOT_RUN, "not asked: the backend is not there")
            else:
                session.feed(asks)

    # -- what sessions tell -------------------------------------------------------------------------------------------

    def ready(self, session: Session) -> Iterable[Ask]:
        """Ask nothing yet. (What a backend declares is held against the rules by ``run``.)"""
        return ()

    def answered(self, session: Session, ask: Ask, answer: dict[str, Any]) -> None:
        """Keep an answer."""
        verdict = answer.get("verdict")
        if fault := fault_of_answer(answer):
            reply = Reply(PROTOCOL_ERROR, {}, fault)
        elif verdict == "unsupported":
            reply = Reply(UNSUPPORTED, {}, str(answer.get("reason", "")))
        elif verdict == "error":
            reply = Reply(ERROR, {}, str(answer.get("message", "")))
        else:
            reply = Reply(PASS, answer, str(answer.get("message", "")))
        self._replies[session.name, ask.id] = reply

    def failed(self, session: Session, ask: Ask, outcome: str, message: str) -> None:
        """Keep what became of a request that was not answered."""
        self._replies[session.name, ask.id] = Reply(outcome, {}, message)

    def incident(self, session: Session, incident: Incident) -> None:
        """Keep an incident."""
        self.incidents.append((session.name, incident))
