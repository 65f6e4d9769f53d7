"""One report out of several: runs of different machines on the same corpora, as if one run had asked all backends."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from conformance.backend_facts import AVAILABLE, BackendFacts
from conformance.errors import UsageError
from conformance.report.jsonl import Report
from conformance.report.reader import ReadRun, Row
from conformance.session import PROTOCOL
from conformance.tally import Tally

SOURCE = ("started", "platform", "argv", "tool")


@dataclasses.dataclass
class Merger:
    """Several runs and what each of their backends is called in the merged one.

    Attributes:
        runs: The runs, in the order given.
        names: Per run: its name of a backend → the merged name; a backend that is left out is not there.
        tally: The account of all of them.
        seconds: How long the longest took.
    """

    runs: list[ReadRun]
    names: list[dict[str, str]]
    tally: Tally
    seconds: float

    @property
    def warnings(self) -> Iterator[str]:
        """What the reader of the merged matrix should know."""
        for run in self.runs:
            if run.reader.warning:
                yield run.reader.warning
        counts = {run.selected for run in self.runs}
        if len(counts) > 1:
            yield f"the runs selected different numbers of cases: {', '.join(map(str, sorted(counts)))}"

    def write(self, path: Path, argv: Sequence[str]) -> None:
        """Write the merged report.

        Raises:
            UsageError: It cannot be written, or would overwrite one of those that it is made of.
        """
        if any(path.resolve() == run.reader.path.resolve() for run in self.runs):
            raise UsageError(f"report {path}: is one of those to be merged")
        report = Report(path)
        report.copy(self._header(argv))
        for row in merged_rules(self.runs):
            report.copy(row)
        for run, names in zip(self.runs, self.names, strict=True):
            for row in run.reader:
                renamed = self._renamed(row, names)
                if renamed is not None:
                    report.copy(renamed)
        counts = {name: {op: dict(row) for op, row in self.tally.counts[name].items()} for name in self.tally.asked}
        report.footer(self.tally.conforms, self.tally.exit_code, self.seconds, counts)
        if report.fault:
            raise UsageError(f"report {path}: {report.fault}")

    def _header(self, argv: Sequence[str]) -> Row:
        headers = [run.reader.header for run in self.runs]
        sources = [source for run in self.runs for source in _sources(run)]
        return headers[0] | {
            "protocol": PROTOCOL,
            "started": min(str(header.get("started")) for header in headers),
            "argv": list(argv),
            "platform": {},
            "selected": max(run.selected for run in self.runs),
            "backends": list(self.tally.backends),
            "sources": sources,
        }

    def _renamed(self, row: Row, names: dict[str, str]) -> Row | None:
        """Return a line under its backend's merged name; None for what is left out or stands once in the whole."""
        if row["type"] == "backend":
            name = names.get(str(row["name"]))
            return None if name is None else row | {"name": name, "platform": self.tally.backends[name].platform}
        if row["type"] in ("result", "incident", "divergence"):
            name = names.get(str(row["backend"]))
            return None if name is None else row | {"backend": name}
        return None


def _sources(run: ReadRun) -> list[dict[str, Any]]:
    header = run.reader.header
    known = header.get("sources")
    if isinstance(known, list):
        return known
    return [{"file": str(run.reader.path), **{name: header.get(name) for name in SOURCE}}]


def merge(paths: Sequence[Path], label: bool) -> Merger:
    """Read and merge reports; ``label`` names backends that several have after their machines.

    Raises:
        UsageError: A report cannot be read, the corpora differ, or two reports have the same backend.
    """
    runs = [ReadRun(path) for path in paths]
    _check_corpora(runs)
    names = _names(runs, label)
    tally = Tally({})
    for run, called in zip(runs, names, strict=True):
        _add(tally, run, called)
    return Merger(runs, names, tally, max(run.seconds for run in runs))


def _check_corpora(runs: list[ReadRun]) -> None:
    digests = [sorted(corpus["sha256"] for corpus in run.reader.header["corpora"]) for run in runs]
    for run, digest in zip(runs, digests, strict=True):
        if digest != digests[0]:
            pair = [
                f"{r.reader.path} has {', '.join(d[:12] for d in ds)}"
                for r, ds in ((runs[0], digests[0]), (run, digest))
            ]
            raise UsageError(
                f"the runs asked different corpora, so their results cannot stand side by side: {'; '.join(pair)}"
            )


def _names(runs: list[ReadRun], label: bool) -> list[dict[str, str]]:
    """Decide what each backend is called, and which lines on absent ones another report makes superfluous."""
    holders: dict[str, list[int]] = {}
    for number, run in enumerate(runs):
        for name in run.tally.backends:
            holders.setdefault(name, []).append(number)
    names: list[dict[str, str]] = [{} for _ in runs]
    for name, numbers in holders.items():
        there = [number for number in numbers if _counts(runs[number], name)] or numbers[:1]
        labels = _labels(name, [runs[number] for number in there], label) if len(there) > 1 else [name]
        for number, called in zip(there, labels, strict=True):
            names[number][name] = called
    return names


def _counts(run: ReadRun, name: str) -> bool:
    """Tell whether a run has more to say of a backend than that it could not be had."""
    return run.tally.backends[name].status in (AVAILABLE, "broken")


def _labels(name: str, runs: list[ReadRun], label: bool) -> list[str]:
    files = [str(run.reader.path) for run in runs]
    if not label:
        raise UsageError(f"backend {name!r} is in {' and in '.join(files)}; --label names it after the machines")
    ways: list[Callable[[ReadRun], str]] = [
        lambda run: _machine(run, name),
        lambda run: run.reader.path.stem,
        lambda run: run.reader.path.resolve().parent.name,
    ]
    for way in ways:
        labels = [f"{name}@{way(run)}" for run in runs]
        if len(set(labels)) == len(labels):
            return labels
    raise UsageError(
        f"backend {name!r} is in {' and in '.join(files)}, on machines of one kind and under one file name"
    )


def _machine(run: ReadRun, name: str) -> str:
    return _located(run, run.tally.backends[name]).machine.replace(" ", "-")


def _located(run: ReadRun, facts: BackendFacts) -> BackendFacts:
    return dataclasses.replace(facts, platform=facts.platform or run.reader.header["platform"])


def _add(tally: Tally, run: ReadRun, names: dict[str, str]) -> None:
    for old, new in names.items():
        tally.backends[new] = dataclasses.replace(_located(run, run.tally.backends[old]), name=new)
        tally.counts[new] = run.tally.counts[old]
        tally.incidents[new] = run.tally.incidents[old]
    for results, more in ((tally.failures, run.tally.failures), (tally.expected, run.tally.expected)):
        results += [dataclasses.replace(r, backend=names[r.backend]) for r in more if r.backend in names]
    for (backend, case_id), divergence in run.tally.divergences.items():
        if backend in names:
            tally.divergences[names[backend], case_id] = divergence
    tally.interrupted |= run.tally.interrupted


def merged_rules(runs: Sequence[ReadRun]) -> list[Row]:
    """Return the lines of type ``rule`` of all runs, each rule once with the cases of all."""
    rules: dict[str, Row] = {}
    for run in runs:
        for code, row in run.rules.items():
            known = rules.setdefault(code, row | {"rejects": [], "near_misses": []})
            for kind in ("rejects", "near_misses"):
                known[kind] = list(dict.fromkeys([*known[kind], *row.get(kind, [])]))
    return list(rules.values())
