"""Shrinking a finding on a fresh process of its backend, while the search itself waits."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from conformance import oracle
from conformance.case import Case
from conformance.compare import judge, verdict_of
from conformance.fuzz import repair
from conformance.fuzz.files import ROOT
from conformance.fuzz.finding import Finding, kind_of
from conformance.fuzz.shrink import Input, Shrinker
from conformance.manifest import Manifest
from conformance.outcome import FAIL, TIMEOUT, Result
from conformance.runner import Options, drive, new_session
from conformance.session import Ask, Incident, Session

SECONDS = 30.0
"""How long one finding may be shrunk."""
SECONDS_OF_A_HANG = 15.0
BATCH = 32
REPAIR_SECONDS = 10.0
"""How long a repair of the smallest request may be looked for."""
RESTARTS = 200
MENDS = 8
HANG_SECONDS = 2.0
TEXT_OP = "json.parse"


class Trial:
    """A listener that asks a backend for smaller and smaller requests."""

    def __init__(self, finding: Finding, hints: Sequence[Input], until: float) -> None:
        self.finding = finding
        self._hints, self._until = hints, until
        self._op = finding.op
        self._shrinker: Shrinker | None = None
        self._due: dict[str, Any] = {}
        # One at a time where each costs a process: of several in flight the one at fault would have to be looked for.
        self._batch = BATCH if finding.kind.outcome == FAIL else 1
        self._open: dict[str, Input] = {}
        self._good: list[tuple[Input, Result]] = []
        self._number = 0

    # -- what is asked ------------------------------------------------------------------------------------------------

    def ready(self, session: Session) -> Iterable[Ask]:
        """Begin with the request itself: does it show the fault when it comes alone?"""
        return [self._ask(self.finding.input, session)]

    def _ask(self, request: Input, session: Session) -> Ask:
        self._number += 1
        name = str(self._number)
        due = oracle.answer(self._op, request, ROOT)
        case = Case(name, self._op, (), "", "oracle", (), request, due)
        self._open[name] = request
        return Ask(name, case.request(name), ROOT, case)

    def _next(self, session: Session) -> None:
        """Go on once all that was asked is answered."""
        if self._open:
            return
        good, self._good = self._good, []
        if self._shrinker is None:
            if not good and self.finding.repeated is None:
                self.finding.repeated = False
                return
            self._begin(good, session)
        else:
            self._shrinker.keep([request for request, _ in good])
        if self._shrinker is not None:
            for request, result in good:
                if request is self._shrinker.best:
                    self.finding.op, self.finding.input, self.finding.result = self._op, request, result
            session.ask_more([self._ask(request, session) for request in self._shrinker.candidates(self._batch)])

    def _begin(self, good: list[tuple[Input, Result]], session: Session) -> None:
        """Choose the operation: what fails in a text is simplest where only the text is asked."""
        first = self.finding.repeated is None
        self.finding.repeated = True
        if first and self._simpler_op(session):
            self._op = TEXT_OP
            session.ask_more([self._ask(self.finding.input, session)])
            return
        if not good:
            self._op = self.finding.op
            good = [(self.finding.input, self.finding.result)]
        self._due = verdict_of(oracle.answer(self._op, good[0][0], ROOT))
        self._shrinker = Shrinker(self._op, good[0][0], self._rank, self._hints, self._mended, self.expired)
        self._good = []
        self.finding.op, self.finding.result = self._op, good[0][1]

    def _simpler_op(self, session: Session) -> bool:
        code = str(self.finding.result.expected.get("code", ""))
        offered = session.hello is not None and TEXT_OP in session.hello["ops"]
        return offered and code.startswith("json.") and self.finding.op != TEXT_OP

    # -- what is looked for -------------------------------------------------------------------------------------------

    def _rank(self, request: Input) -> int | None:
        """Return 0 for a request with one fault or none, 1 with more, None where another answer is due."""
        try:
            due = oracle.answer(self._op, request, ROOT)
        except Exception:  # what the oracle cannot take is no request
            return None
        if due["verdict"] == "error":
            return None
        same = (due["verdict"], due.get("code")) == (self._due["verdict"], self._due.get("code"))
        if self.finding.kind.outcome == FAIL and not same:
            return None
        if due["verdict"] == "accept" or "text" in request or "base64" in request:
            return 0
        return 0 if repair.derive(self._op, request, due, self.expired) is not None else 1

    def _mended(self, request: Input) -> Iterable[Input]:
        due = oracle.answer(self._op, request, ROOT)
        return islice(repair.with_one_fault(self._op, request, due, self.expired), MENDS)

    def expired(self) -> bool:
        """Tell whether the time for this finding is over."""
        return time.monotonic() > self._until

    def _take(self, session: Session, ask: Ask, result: Result) -> None:
        request = self._open.pop(ask.id)
        self.finding.asked += 1
        if kind_of(result) == self.finding.kind:
            self._good.append((request, result))
        self._next(session)

    # -- what the session tells ---------------------------------------------------------------------------------------

    def answered(self, session: Session, ask: Ask, answer: dict[str, Any]) -> None:
        """Judge an answer."""
        self._take(session, ask, judge(ask.about, session.name, answer))

    def failed(self, session: Session, ask: Ask, outcome: str, message: str) -> None:
        """Take note of a request that got no answer."""
        due = verdict_of(ask.about.expect)
        self._take(session, ask, Result(session.name, ask.id, ask.about.op, outcome, due, message=message))

    def incident(self, session: Session, incident: Incident) -> None:
        """Leave it: what shows only in company cannot be shrunk."""


def shrink(manifest: Manifest, finding: Finding, hints: Sequence[Input], options: Options) -> None:
    """Make a finding's request as small as can be in ``SECONDS``, and look for its repair; a Ctrl-C keeps the best."""
    folder = options.folder / "shrink"
    folder.mkdir(exist_ok=True)
    timeout = options.timeout if finding.kind.outcome == FAIL else min(options.timeout, HANG_SECONDS)
    seconds = SECONDS_OF_A_HANG if finding.kind.outcome == TIMEOUT else SECONDS
    trial = Trial(finding, hints, time.monotonic() + seconds)
    session = new_session(manifest, trial, replace(options, folder=folder, timeout=timeout))
    session.restarts_allowed = RESTARTS
    drive([session], jobs=1)
    due = oracle.answer(finding.op, finding.input, ROOT)
    if due["verdict"] == "reject":
        last = time.monotonic() + REPAIR_SECONDS
        finding.repair = repair.derive(finding.op, finding.input, due, lambda: time.monotonic() > last)
