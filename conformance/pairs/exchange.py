"""The exchange of pairs: every backend saves every sample, every backend loads what each of them saved."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Any

from conformance.compare import differences
from conformance.divergence import RECORDS
from conformance.enquiry import Enquiry, Reply, Script
from conformance.outcome import ERROR, PASS, UNSUPPORTED, Difference
from conformance.pairs.samples import Sample, due_output, due_sidecar, normal
from conformance.session import Ask
from conformance.shapes import of_request

SAVE, LOAD, SIMULATE = "checkpoint.save", "checkpoint.load", "simulate"
STEPS = 6
SHOWN = 4


About = tuple[str, tuple[Difference, ...]]
"""What is wrong, and the first places that differ."""


@dataclass(frozen=True)
class Fault:
    """Something that did not come through as it is due.

    Attributes:
        writer: Who saved the pair.
        reader: Who loaded it; None where the pair itself, or the answer of its writer, is at fault.
        sample: What was saved.
        about: What is wrong, one line.
        differences: The first places that differ.
    """

    writer: str
    reader: str | None
    sample: str
    about: str
    differences: tuple[Difference, ...] = ()


@dataclass
class Exchange:
    """An exchange and what came of it.

    Attributes:
        samples: What is saved.
        writers: Who saves.
        readers: Who loads.
        written: (writer, reader or None) → how many samples were put to them; a pair that was not written is not.
        good: The same → how many came through.
        bound: Writer → how many of its pairs have a digest in their sidecar.
        faults: What did not come through.
    """

    samples: Sequence[Sample]
    writers: list[str] = field(default_factory=list)
    readers: list[str] = field(default_factory=list)
    written: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    good: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    bound: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)

    def play(self, enquiry: Enquiry) -> Script:
        """Ask for all saves, for all once more over what is there, then for all loads; for ``Enquiry.run``."""
        yield {}
        self.writers, self.readers = enquiry.offering(SAVE), enquiry.offering(LOAD)
        folders = {writer: enquiry.sessions[writer].scratch for writer in self.writers}
        asks = [(sample, sample.save_input()) for sample in self.samples]
        saves = {w: [_ask(s.id, SAVE, given, folders[w]) for s, given in asks] for w in self.writers}
        first = yield saves
        before = {(w, name): _bytes(folders[w] / name) for (w, name), reply in first.items() if reply.accepted}
        again = yield {w: [ask for ask in saves[w] if (w, ask.id) in before] for w in self.writers}
        pairs = []
        for writer in self.writers:
            for sample in self.samples:
                key = (writer, sample.id)
                faults = list(_file_faults(sample, folders[writer], before[key])) if key in before else []
                if key in again:
                    faults += _answer_faults(again[key], due_output(sample), "saving it again")
                if self._judge_save(enquiry, writer, sample, first[key], faults):
                    pairs.append((writer, sample))
                    self.bound[writer] += _is_bound(folders[writer] / f"{sample.id}.json")
        simulators = enquiry.offering(SIMULATE)
        replies = yield {reader: list(_asks(pairs, folders, reader in simulators)) for reader in self.readers}
        for reader in self.readers:
            for writer, sample in pairs:
                loaded = replies[reader, f"{LOAD} {writer} {sample.id}"]
                simulated = replies.get((reader, f"{SIMULATE} {writer} {sample.id}"))
                self._judge_load(enquiry, writer, reader, sample, loaded, simulated)

    # -- judging ------------------------------------------------------------------------------------------------------

    def _judge_save(self, enquiry: Enquiry, writer: str, sample: Sample, reply: Reply, further: list[About]) -> bool:
        """Tell whether there is a pair, and take note of what is wrong with the answer and what is known further."""
        if _declined(enquiry, writer, reply):
            return False
        self.written[writer, None] += 1
        self._note(writer, None, sample, [*_answer_faults(reply, due_output(sample), "saving"), *further])
        return reply.accepted

    def _judge_load(
        self, enquiry: Enquiry, writer: str, reader: str, sample: Sample, loaded: Reply, simulated: Reply | None
    ) -> None:
        if _declined(enquiry, reader, loaded):
            return
        self.written[writer, reader] += 1
        faults = list(_answer_faults(loaded, due_output(sample), "loading"))
        if simulated is not None and loaded.accepted:
            faults += _answer_faults(simulated, due_simulation(sample), "simulating what was loaded")
        self._note(writer, reader, sample, faults)

    def _note(self, writer: str, reader: str | None, sample: Sample, faults: list[About]) -> None:
        self.good[writer, reader] += not faults
        self.faults += [Fault(writer, reader, sample.id, about, places) for about, places in faults]


def chosen(samples: Sequence[Sample], patterns: Sequence[str]) -> list[Sample]:
    """Return the samples whose id matches one of the shell patterns; all where there are none."""
    return [s for s in samples if not patterns or any(fnmatchcase(s.id, pattern) for pattern in patterns)]


def due_simulation(sample: Sample) -> dict[str, Any]:
    """Return what the oracle says that a sample's network does."""
    from conformance import oracle

    output: dict[str, Any] = oracle.answer(SIMULATE, {"network": sample.network, **_stimulus(sample)})["output"]
    return output


def _stimulus(sample: Sample) -> dict[str, Any]:
    assert sample.network is not None
    width = of_request(sample.network).width
    poisson = {"kind": "poisson", "rates": [0.5] * width, "seed": 20, "sample": 0}
    return {"steps": STEPS, "input": poisson, "record": RECORDS}


def _asks(pairs: Sequence[tuple[str, Sample]], folders: dict[str, Path], simulates: bool) -> Iterator[Ask]:
    for writer, sample in pairs:
        yield _ask(f"{LOAD} {writer} {sample.id}", LOAD, {"base": sample.id}, folders[writer])
        if sample.network is not None and simulates:
            given = {"network": {"checkpoint": sample.id}, **_stimulus(sample)}
            yield _ask(f"{SIMULATE} {writer} {sample.id}", SIMULATE, given, folders[writer])


def _ask(name: str, op: str, given: dict[str, Any], root: Path) -> Ask:
    request = {"cmd": "run", "id": name, "op": op, "input": given}
    return Ask(name, json.dumps(request, separators=(",", ":")).encode("ascii") + b"\n", root)


def _declined(enquiry: Enquiry, backend: str, reply: Reply) -> bool:
    """Tell whether a backend of which not all is due has said that it cannot do this."""
    return reply.outcome == UNSUPPORTED and not enquiry.sessions[backend].manifest.complete


def _answer_faults(reply: Reply, due: dict[str, Any], doing: str) -> Iterator[About]:
    if reply.outcome != PASS:
        told = reply.message if reply.outcome == ERROR else f"{reply.outcome}: {reply.message}"
        yield f"{doing} failed: {told}", ()
    elif not reply.accepted:
        place = reply.answer["path"] or "the root"
        yield f"{doing} is rejected: {reply.answer['code']} at {place} ({reply.message})", ()
    elif places := tuple(islice(differences(due, reply.output), SHOWN)):
        yield f"{doing} gives something else", places


# ---- the files of a pair ---------------------------------------------------------------------------------------------


def _file_faults(sample: Sample, folder: Path, before: bytes) -> Iterator[About]:
    """Look at what a writer left, by other means than any backend's; ``before`` are the bytes after the first save."""
    sidecar, archive = folder / f"{sample.id}.json", folder / f"{sample.id}.npz"
    left = sorted(file.name for file in folder.glob(f"{sample.id}.*") if file not in (sidecar, archive))
    if left:
        yield f"beside the pair there is {', '.join(left)}", ()
    try:
        members = json.loads(sidecar.read_bytes())
        digest = archive_digest(archive)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        yield f"the pair cannot be read: {error}", ()
        return
    if places := tuple(islice(differences(due_sidecar(sample), normal(members)), SHOWN)):
        yield "the sidecar holds something else", places
    if members.get("archive_digest", digest) != digest:
        yield f"the sidecar's archive_digest is not that of the archive ({digest})", ()
    if "archive_digest" in members and _bytes(folder / sample.id) != before:
        yield "saved a second time, the pair has other bytes", ()


def _bytes(base: Path) -> bytes:
    """Return a digest of both files of a pair, of what is there of them."""
    files = (base.with_name(f"{base.name}{suffix}") for suffix in (".json", ".npz"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files if file.is_file())).digest()


def archive_digest(archive: Path) -> str:
    """Return the SHA-256 over an archive from its first central header to its end (pairs.md, section 6)."""
    with zipfile.ZipFile(archive) as file:
        begin = file.start_dir
    with archive.open("rb") as stream:
        stream.seek(begin)
        return hashlib.sha256(stream.read()).hexdigest()


def _is_bound(sidecar: Path) -> bool:
    try:
        return "archive_digest" in json.loads(sidecar.read_bytes())
    except (OSError, ValueError):
        return False
