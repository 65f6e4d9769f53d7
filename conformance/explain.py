"""After a run: asks the simulations that went wrong again, with everything recorded, and finds where they diverged."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from conformance.case import Case
from conformance.corpora import Corpus
from conformance.divergence import RECORDS, Divergence, first_divergence
from conformance.manifest import Manifest
from conformance.outcome import FAIL, Result
from conformance.runner import Options, drive, new_session
from conformance.session import Ask, Incident, Session
from conformance.shapes import of_request

MOST = 10


class Explainer:
    """A listener that asks one backend for full records and compares them with the oracle's."""

    def __init__(self, work: Sequence[Ask]) -> None:
        self._work = work
        self.found: dict[str, Divergence | None] = {}

    def ready(self, session: Session) -> Iterable[Ask]:
        """Return the simulations to ask."""
        return self._work

    def answered(self, session: Session, ask: Ask, answer: dict[str, Any]) -> None:
        """Find the first divergence; an answer without the due shape explains nothing."""
        try:
            due = due_records(ask.about, ask.root)
            shapes = of_request(ask.about.input["network"], ask.root)
            self.found[ask.id] = first_divergence(network_of(ask.about, ask.root), due, answer["output"], shapes.layers)
        except (LookupError, TypeError, ValueError):
            self.found[ask.id] = None

    def failed(self, session: Session, ask: Ask, outcome: str, message: str) -> None:
        """Leave it unexplained."""

    def incident(self, session: Session, incident: Incident) -> None:
        """Leave it: the run itself has reported what went wrong."""


def due_records(case: Case, root: Path) -> dict[str, Any]:
    """Return what the oracle says that a simulation does, everything recorded."""
    from conformance import oracle

    output: dict[str, Any] = oracle.answer("simulate", {**case.input, "record": RECORDS}, root)["output"]
    return output


def network_of(case: Case, root: Path) -> dict[str, Any]:
    """Return the network document of a simulation that is accepted, out of the sidecar where it names a pair."""
    network: dict[str, Any] = case.input["network"]
    if "checkpoint" in network:
        network = json.loads((root / f"{network['checkpoint']}.json").read_bytes())["network"]
    return network


def explainable(case: Case, result: Result) -> bool:
    """Tell whether a result is a simulation that ran on both sides and ended differently."""
    ran = result.got is not None and result.got["verdict"] == "accept" == case.expect["verdict"]
    return case.op == "simulate" and result.outcome == FAIL and ran


def explain(
    manifest: Manifest, results: Sequence[Result], corpora: Sequence[Corpus], options: Options
) -> dict[str, Divergence | None]:
    """Return the first divergence of up to ``MOST`` failed simulations of one backend, by case id."""
    cases = {case.id: (case, corpus.root) for corpus in corpora for case in corpus.cases}
    chosen = [cases[result.id] for result in results if explainable(cases[result.id][0], result)][:MOST]
    if not chosen:
        return {}
    asks = [Ask(case.id, _full(case).request(case.id), root, case) for case, root in chosen]
    explainer = Explainer(asks)
    drive([new_session(manifest, explainer, options)], jobs=1)
    return explainer.found


def _full(case: Case) -> Case:
    full = {**case.input, "record": RECORDS}
    return Case(case.id, case.op, case.rules, case.why, case.source, case.tags, full, case.expect)
