"""The search: feeds all backends the same requests, judges every answer by the oracle's, and shrinks what differs."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from conformance.case import Case
from conformance.compare import judge
from conformance.fuzz import drafts, stream
from conformance.fuzz.files import ROOT
from conformance.fuzz.finding import ORACLE, Finding, Kind, kind_of
from conformance.fuzz.shrink import size
from conformance.fuzz.trial import shrink
from conformance.fuzz.worker import Question, Source
from conformance.manifest import Manifest
from conformance.outcome import ERROR, NOT_RUN, PASS, Result
from conformance.runner import Options, declaration_faults, drive, new_session
from conformance.session import Ask, Incident, Session

LOW_WATER = 192
"""Requests that a backend still has to answer when it is fed again: the slowest sets the pace, and none runs dry."""
PATIENCE = 0.5


@dataclass(frozen=True)
class Plan:
    """What is searched.

    Attributes:
        seed: Which requests.
        ops: Of which operations; they are part of what the seed means.
        first: The number of the first request.
        count: How many requests, or None.
        seconds: For how long, or None.
        kinds: After how many kinds of fault the search ends.
        timeout: Seconds without an answer after which a backend hangs.
        folder: Where logs go.
        drafts: Where cases are written.
    """

    seed: int
    ops: tuple[str, ...]
    first: int
    count: int | None
    seconds: float | None
    kinds: int
    timeout: float
    folder: Path
    drafts: Path


@dataclass
class Tally:
    """What is known so far.

    Attributes:
        inputs: Operation → how many requests were drawn and sent.
        codes: Rule code → how many requests are due to be rejected with it (``json.*``: with any of them).
        accepted: How many requests are due to be accepted.
        answers: Backend → how many requests it has answered.
        seconds: How long the search took, once it is over.
        interrupted: Whether it was cut short.
        findings: Kind of fault → the first finding of it.
        incidents: Backend → what no request can be blamed for.
        sessions: Backend → its session.
    """

    inputs: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    interrupted: bool = False
    findings: dict[Kind, Finding] = field(default_factory=dict)
    incidents: dict[str, list[Incident]] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)


class Sink(Protocol):
    """Who watches a search."""

    def found(self, finding: Finding) -> None:
        """A fault of a new kind was found and made small."""

    def turn(self, tally: Tally) -> None:
        """The event loop has handled what there was."""


class Search:
    """A listener of all backends' sessions, which it feeds."""

    def __init__(self, plan: Plan, manifests: Sequence[Manifest], sink: Sink) -> None:
        self.tally = Tally()
        self._plan, self._sink = plan, sink
        self._manifests = {manifest.name: manifest for manifest in manifests}
        self._options = Options(plan.timeout, len(manifests), False, plan.folder)
        self._fresh: deque[Finding] = deque()
        self._began: float | None = None
        self._closed = False
        self._source = Source(plan.seed, plan.ops, plan.first, plan.count)

    def run(self) -> Tally:
        """Search until the plan is fulfilled, enough is found or no backend is left.

        Raises:
            KeyboardInterrupt: On Ctrl-C; the tally holds what was found until then.
        """
        sessions = [new_session(manifest, self, self._options) for manifest in self._manifests.values()]
        self.tally.sessions = {session.name: session for session in sessions}
        for session in sessions:
            session.open_ended = True
        try:
            drive(sessions, len(sessions), self._after_turn)
            self._shrink_fresh()
        except KeyboardInterrupt:
            self.tally.interrupted = True
            raise
        finally:
            self._source.close()
            self.tally.seconds = self._elapsed
            for finding in self.tally.findings.values():
                if finding.draft is None and finding.kind.backend != ORACLE:
                    finding.draft = drafts.write(finding, self._plan.seed, self._plan.drafts)
        return self.tally

    @property
    def _elapsed(self) -> float:
        return 0.0 if self._began is None else time.monotonic() - self._began

    # -- feeding ------------------------------------------------------------------------------------------------------

    def _after_turn(self) -> bool:
        self._feed()
        self._shrink_fresh()
        self.tally.seconds = self._elapsed
        self._sink.turn(self.tally)
        return False

    def _feed(self) -> None:
        sessions = list(self.tally.sessions.values())
        live = [session for session in sessions if not session.done]
        if self._closed or any(session.hello is None for session in live):
            return  # all begin together: one that still compiles must not miss the first requests
        if self._began is None:
            self._began = time.monotonic()
        while live and not self._is_over and max(session.backlog for session in live) < LOW_WATER:
            idle = not any(session.backlog for session in live)
            questions = self._source.take(PATIENCE if idle else 0.0)
            if not questions:
                break
            self._put(questions, live)
        if self._is_over or not live:
            self._closed = True
            for session in live:
                session.close()

    @property
    def _is_over(self) -> bool:
        late = self._plan.seconds is not None and self._elapsed > self._plan.seconds
        return late or self._source.ended or len(self.tally.findings) >= self._plan.kinds

    def _put(self, questions: Sequence[Question], live: Sequence[Session]) -> None:
        cases = []
        for question in questions:
            self.tally.inputs[question.op] += 1
            if question.due["verdict"] == "error":
                self._oracle_failed(question)
                continue
            if question.due["verdict"] == "accept":
                self.tally.accepted += 1
            else:
                self.tally.codes[question.due["code"]] += 1
            cases.append((question, _case(question)))
        for session in live:
            ops = set(session.hello["ops"]) if session.hello is not None else set()
            asks = [Ask(case.id, question.line, ROOT, case) for question, case in cases if case.op in ops]
            session.feed(asks)

    def _oracle_failed(self, question: Question) -> None:
        message = str(question.due["message"])
        self._differs(Result(ORACLE, str(question.number), question.op, ERROR, message=message))

    # -- findings -----------------------------------------------------------------------------------------------------

    def _differs(self, result: Result) -> None:
        kind = kind_of(result)
        if kind in self.tally.findings:
            self.tally.findings[kind].count += 1
            return
        if len(self.tally.findings) >= self._plan.kinds:
            return  # the search is at its end, this is what was still in flight
        request = stream.request(self._plan.seed, int(result.id), self._plan.ops)
        inputs = self.tally.inputs.total()
        finding = Finding(kind, request.number, request.op, request.input, result, self._elapsed, inputs)
        finding.size = size(request.input)[1]
        self.tally.findings[kind] = finding
        self._fresh.append(finding)

    def _shrink_fresh(self) -> None:
        while self._fresh:
            finding = self._fresh.popleft()
            if finding.kind.backend != ORACLE:
                self._shrink(finding)
            self._sink.found(finding)

    def _shrink(self, finding: Finding) -> None:
        began = time.monotonic()
        about = (finding.kind.outcome, finding.kind.due, finding.kind.about)
        hints = [
            other.input
            for kind, other in self.tally.findings.items()
            if other.asked and other.op == finding.op and (kind.outcome, kind.due, kind.about) == about
        ]
        shrink(self._manifests[finding.kind.backend], finding, hints, self._options)
        finding.draft = drafts.write(finding, self._plan.seed, self._plan.drafts)
        for session in self.tally.sessions.values():
            session.grant(time.monotonic() - began)

    # -- what sessions tell -------------------------------------------------------------------------------------------

    def ready(self, session: Session) -> Iterable[Ask]:
        """Check what a backend declares; the requests come later."""
        assert session.hello is not None
        for incident in declaration_faults(session.hello):
            self.incident(session, incident)
        return ()

    def answered(self, session: Session, ask: Ask, answer: dict[str, Any]) -> None:
        """Judge an answer."""
        self.tally.answers[session.name] += 1
        result = judge(ask.about, session.name, answer)
        if result.outcome != PASS:
            self._differs(result)

    def failed(self, session: Session, ask: Ask, outcome: str, message: str) -> None:
        """Take note of a request that got no answer."""
        if outcome != NOT_RUN:
            due = {name: value for name, value in ask.about.expect.items() if name != "sha256"}
            self._differs(Result(session.name, ask.id, ask.about.op, outcome, due, message=message))

    def incident(self, session: Session, incident: Incident) -> None:
        """Take note of an incident."""
        self.tally.incidents.setdefault(session.name, []).append(incident)


def _case(question: Question) -> Case:
    return Case(str(question.number), question.op, (), "", "oracle", (), {}, question.due)
