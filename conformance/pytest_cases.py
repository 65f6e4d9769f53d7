"""Corpus cases as pytest items: all that are selected are asked in one run of the harness, before the first item.

A run of the harness takes seconds for a thousand cases because it keeps many requests in flight; each item then only
says what came of its case.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.backend_facts import BackendFacts
from conformance.case import Case
from conformance.corpora import Corpus, Selection, load_all
from conformance.errors import UsageError
from conformance.expectations import Expectations, load
from conformance.explain import explain
from conformance.manifest import Manifest, resolve
from conformance.outcome import UNSUPPORTED, Result
from conformance.report.jsonl import backend_row
from conformance.report.summary import backend_line, failure_lines, incident_lines
from conformance.report.text import clean
from conformance.runner import Options, Runner
from conformance.session import Incident, Session
from conformance.tally import Tally
from conformance.verbs.run import run_folder

TIMEOUT = 10.0


class NotConformError(Exception):
    """A case or a backend is not as is due; the message is all that a person wants to see of it."""


class Outcomes:
    """What came of the cases: asks them, and hears what the runner has to say."""

    def __init__(self, manifests: list[Manifest], corpora: list[Corpus], expectations: dict[str, Expectations]) -> None:
        self._manifests, self._corpora, self._expectations = manifests, corpora, expectations
        self._roots = [corpus.root for corpus in corpora]
        self.tally = Tally({m.name: BackendFacts(m.name, m.language, complete=m.complete) for m in manifests})
        self.results: dict[tuple[str, str], Result] = {}

    def ask(self, wanted: dict[str, set[str]]) -> None:
        """Ask each backend the cases whose ids are wanted of it, and explain the simulations that went wrong."""
        manifests = [manifest for manifest in self._manifests if wanted[manifest.name]]
        ids = set().union(*wanted.values())
        corpora = [_only(corpus, ids) for corpus in self._corpora]
        options = Options(TIMEOUT, len(manifests), False, run_folder())
        Runner(corpora, Selection(), options, self, self._excuse).run(manifests)
        for name in self.tally.asked:
            for incident in self._expectations[name].faults() if name in self._expectations else ():
                self.incident(name, incident)
        for manifest in manifests:
            failed = [result for result in self.tally.failures if result.backend == manifest.name]
            for case_id, divergence in explain(manifest, failed, corpora, options).items():
                self.tally.divergences[manifest.name, case_id] = divergence

    def _excuse(self, result: Result) -> Result:
        expectations = self._expectations.get(result.backend)
        return result if expectations is None else expectations.apply(result, self.tally.is_failure(result))

    def trouble(self, backend: str) -> str | None:
        """Return what is wrong with a backend and no case's fault: that it is not there, or incidents."""
        lines = [line for line in incident_lines(self.tally) if line.startswith(f"{backend} · ")]
        if self.absent(backend):
            lines.insert(0, f"{backend} · {backend_line(self.tally.backends[backend])}")
        return "\n".join(lines) or None

    def absent(self, backend: str) -> bool:
        """Tell whether a backend never came to answer."""
        return self.tally.absent(backend) or self.tally.broken(backend)

    # -- what the runner tells ----------------------------------------------------------------------------------------

    def backend(self, session: Session) -> None:
        """Take note of a backend."""
        self.tally.backends[session.name] = BackendFacts.from_row(backend_row(session, True, self._roots))

    def result(self, result: Result) -> None:
        """Take note of a result."""
        self.tally.add(result)
        self.results[result.backend, result.id] = result

    def incident(self, backend: str, incident: Incident) -> None:
        """Take note of an incident."""
        self.tally.incidents[backend].append(incident)

    def turn(self) -> None:
        """Do nothing: there is nothing to flush."""


def _expectations(folder: Path | None, manifests: list[Manifest], corpora: list[Corpus]) -> dict[str, Expectations]:
    if folder is None:
        return {}
    if not folder.is_dir():
        raise UsageError(f"expectations {folder}: no such folder")
    ids = [case.id for corpus in corpora for case in corpus.cases]
    return {manifest.name: load(folder, manifest.name, ids) for manifest in manifests}


def _only(corpus: Corpus, ids: set[str]) -> Corpus:
    return dataclasses.replace(corpus, cases=tuple(case for case in corpus.cases if case.id in ids))


class BackendCollector(pytest.Collector):
    """The cases of one backend, a collector per operation."""

    def __init__(self, *, outcomes: Outcomes, backend: str, cases: Iterable[Case], **node: Any) -> None:
        super().__init__(name=f"conformance:{backend}", nodeid=f"conformance:{backend}", **node)
        self.outcomes, self.backend, self._cases = outcomes, backend, cases

    def collect(self) -> Iterator[OperationCollector]:
        """Yield the operations."""
        by_op: dict[str, list[Case]] = {}
        for case in self._cases:
            by_op.setdefault(case.op, []).append(case)
        for op, cases in by_op.items():
            yield OperationCollector.from_parent(self, name=clean(op), backend=self, cases=cases)


class OperationCollector(pytest.Collector):
    """The cases of one operation, put to one backend."""

    def __init__(self, *, backend: BackendCollector, cases: list[Case], **node: Any) -> None:
        super().__init__(**node)
        self._backend, self._cases = backend, cases

    def collect(self) -> Iterator[CaseItem]:
        """Yield an item per case."""
        for case in self._cases:
            yield CaseItem.from_parent(self, name=clean(case.id), backend=self._backend, case=case)


class ConformanceItem(pytest.Item):
    """An item that fails with plain lines, not with a traceback through the harness."""

    def __init__(self, *, backend: BackendCollector, **node: Any) -> None:
        super().__init__(**node)
        self.backend = backend
        self.add_marker("conformance")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return what is shown of a failure."""
        if isinstance(excinfo.value, NotConformError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)


class CaseItem(ConformanceItem):
    """One case, put to one backend."""

    def __init__(self, *, case: Case, **node: Any) -> None:
        super().__init__(**node)
        self.case = case

    def runtest(self) -> None:
        """Say what came of the case.

        Raises:
            NotConformError: It failed.
        """
        backend, outcomes = self.backend.backend, self.backend.outcomes
        if outcomes.absent(backend):
            pytest.skip(f"{backend} is not there; {self.backend.nodeid}::backend says why")
        result = outcomes.results[backend, self.case.id]
        if result.expected_failure is not None:
            pytest.xfail(clean(result.expected_failure.reason, 400))
        if outcomes.tally.is_failure(result):
            raise NotConformError("\n".join(failure_lines(outcomes.tally, result)))
        if result.outcome == UNSUPPORTED:
            pytest.skip(clean(result.message, 400))

    def reportinfo(self) -> tuple[Path, None, str]:
        """Return where the case is written, and a heading."""
        return self.case.file, None, f"{self.backend.backend} · {clean(self.case.id)}"


class BackendItem(ConformanceItem):
    """What is wrong with a backend itself; there is no such item where nothing is."""

    def runtest(self) -> None:
        """Fail, with what is wrong."""
        raise NotConformError(self.backend.outcomes.trouble(self.backend.backend))

    def reportinfo(self) -> tuple[Path, None, str]:
        """Return a heading."""
        return self.path, None, self.backend.backend


class Conformance:
    """The hooks of a session that asks backends.

    Raises:
        pytest.UsageError: A backend, a corpus or a case cannot be used as given, or no case is selected.
    """

    def __init__(self, config: pytest.Config) -> None:
        if getattr(config.option, "numprocesses", None):
            raise pytest.UsageError("--conformance-backend: each worker of pytest-xdist would ask all cases; use -n 0")
        try:
            self._manifests = resolve(config.getoption("conformance_backend"))
            corpora = load_all(config.getoption("conformance_corpus"))
            expectations = _expectations(config.getoption("conformance_expectations"), self._manifests, corpora)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None
        selection = Selection(ops=tuple(config.getoption("conformance_op")))
        self._cases = [case for corpus in corpora for case in corpus.cases if selection.takes(case)]
        if not self._cases:
            raise pytest.UsageError("--conformance-backend: no case matches the selection")
        self._outcomes = Outcomes(self._manifests, corpora, expectations)

    def pytest_report_header(self) -> str:
        """Say what will be asked."""
        names = ", ".join(manifest.name for manifest in self._manifests)
        return f"conformance: {names}; {len(self._cases)} cases"

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Put the backends beside the files that the session collects."""
        report = yield
        if isinstance(collector, pytest.Session) and report.passed:
            report.result = [*(report.result or ()), *self._collectors(collector)]
        return report

    def _collectors(self, session: pytest.Session) -> Iterator[BackendCollector]:
        for manifest in self._manifests:
            yield BackendCollector.from_parent(
                session, outcomes=self._outcomes, backend=manifest.name, cases=self._cases
            )

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Ask what is left after all selection; pytest's own loop then goes through the items."""
        option = session.config.option
        items = [item for item in session.items if isinstance(item, CaseItem)]
        if not items or option.collectonly or (session.testsfailed and not option.continue_on_collection_errors):
            return
        wanted: dict[str, set[str]] = {manifest.name: set() for manifest in self._manifests}
        for item in items:
            wanted[item.backend.backend].add(item.case.id)
        try:
            self._outcomes.ask(wanted)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None
        for backend in wanted:
            if self._outcomes.trouble(backend) is not None:
                self._insert(session, next(item for item in items if item.backend.backend == backend))

    def _insert(self, session: pytest.Session, first: CaseItem) -> None:
        """Put an item for the trouble with a backend before the first of its cases."""
        trouble = BackendItem.from_parent(first.backend, name="backend", backend=first.backend)
        session.items.insert(session.items.index(first), trouble)
        session.testscollected += 1
