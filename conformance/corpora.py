"""A corpus: a folder of case files, however deep, and the choice of cases from several of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from conformance.case import Case, parse_case
from conformance.errors import UsageError
from conformance.rules import limit

BUILT_IN = Path(__file__).parent / "corpus"

ARTEFACTS = "artefacts"
"""A folder of this name in a corpus holds no cases but the files that cases speak of."""

ARTEFACT_BYTES = 256 << 20
"""What all artefacts of a corpus together may have: they are read for the corpus's digest."""


@dataclass(frozen=True)
class Corpus:
    """The cases of one folder.

    Attributes:
        root: The folder, absolute; relative paths in requests start here.
        cases: In the order of their files.
        sha256: Hex digest over names and contents of all case files and artefacts; two runs with the same digest
            asked the same.
    """

    root: Path
    cases: tuple[Case, ...]
    sha256: str


def case_files(root: Path) -> list[Path]:
    """Return the case files below ``root`` in a fixed order; those among its artefacts are none.

    Raises:
        UsageError: ``root`` is no folder.
    """
    if not root.is_dir():
        raise UsageError(f"corpus {root}: no such folder")
    return sorted(file for file in root.rglob("*.json") if file.relative_to(root).parts[0] != ARTEFACTS)


def artefact_files(root: Path) -> list[Path]:
    """Return the artefacts of a corpus in a fixed order.

    Raises:
        UsageError: Among them is a link, a pipe or a device, or together they are beyond ``ARTEFACT_BYTES``.
    """
    files, total = [], 0
    folder = root / ARTEFACTS
    for file in [folder, *sorted(folder.rglob("*"))]:
        if file.is_symlink():
            raise UsageError(f"{file}: a link; artefacts are copied and digested as plain files in plain folders")
        if file.is_dir() or not file.exists():
            continue
        if not file.is_file():
            raise UsageError(f"{file}: not a regular file; a corpus cannot hold it as an artefact")
        files.append(file)
        total += file.stat().st_size
        if total > ARTEFACT_BYTES:
            raise UsageError(f"{folder}: more than {ARTEFACT_BYTES} bytes; make large artefacts where they are tested")
    return files


def load(root: Path) -> Corpus:
    """Read every case below ``root``; raises UsageError for an unreadable one or for an id that two files share."""
    root = root.resolve()
    hasher = hashlib.sha256()
    cases: dict[str, Case] = {}
    for file in case_files(root):
        text = _read(file, root)
        hasher.update(f"{file.relative_to(root).as_posix()}\0{len(text)}\0".encode() + text)
        case = parse_case(text, file)
        if case.id in cases:
            raise UsageError(f"{file}: the id {case.id!r} is also that of {cases[case.id].file}")
        cases[case.id] = case
    for file in artefact_files(root):
        content = _read(file, root)
        hasher.update(f"{file.relative_to(root).as_posix()}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
        hasher.update(content)
    return Corpus(root, tuple(cases.values()), hasher.hexdigest())


def _read(file: Path, root: Path) -> bytes:
    """Return the bytes of a case file that is one: inside the corpus, regular, not beyond the limit."""
    if not file.resolve().is_relative_to(root):
        raise UsageError(f"{file}: a link that leaves the corpus ({file.resolve()})")
    try:
        if not file.is_file():
            raise UsageError(f"{file}: not a regular file")
        if (size := file.stat().st_size) > limit("case_bytes"):
            raise UsageError(f"{file}: {size} bytes; a case file has at most {limit('case_bytes')}")
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None


def load_all(roots: Sequence[Path]) -> list[Corpus]:
    """Read several corpora, whose ids must differ from each other's too."""
    corpora = [load(root) for root in (roots or [BUILT_IN])]
    seen: dict[str, Case] = {}
    for case in (case for corpus in corpora for case in corpus.cases):
        if case.id in seen:
            raise UsageError(f"{case.file}: the id {case.id!r} is also that of {seen[case.id].file}")
        seen[case.id] = case
    return corpora


@dataclass(frozen=True)
class Selection:
    """Which cases are meant: shell patterns on op, tag and id. Several of one kind mean any, several kinds mean all."""

    ops: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()

    def takes(self, case: Case) -> bool:
        """Tell whether a case is meant."""
        return (
            _any_matches(self.ops, [case.op])
            and _any_matches(self.tags, case.tags)
            and _any_matches(self.ids, [case.id])
        )


def _any_matches(patterns: tuple[str, ...], words: Iterable[str]) -> bool:
    return not patterns or any(fnmatchcase(word, pattern) for word in words for pattern in patterns)
