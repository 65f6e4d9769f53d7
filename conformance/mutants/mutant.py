"""A mutant: one fault as a textual patch of a backend's sources, with its name and what it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from conformance.case import Case
from conformance.errors import UsageError
from conformance.rules import all_rules, operations
from conformance.toml import TOMLDecodeError, loads

FOLDER = Path(__file__).parent
LANGUAGES = ("python", "rust", "julia", "mojo")
MEMBERS = {"name", "why", "rule", "ops", "skip", "file", "find", "replace", "also", "equivalent"}


@dataclass(frozen=True)
class Edit:
    """One replacement in one file, given relative to the root of the backend's sources; `find` occurs just once."""

    file: str
    find: str
    replace: str


@dataclass(frozen=True)
class Mutant:
    """One fault.

    Attributes:
        name: Permanent name, unique within its language.
        why: Who makes this mistake, or what it does; one line.
        rule: The code of the rule that is switched off or moved; empty where the fault is in what no rule covers.
        ops: The operations in which it can show; only their cases are asked.
        skip: Tags and ids (shell patterns) of cases that are too dear to be asked where they add nothing: what costs
            time is arithmetic, and most faults leave it alone.
        edits: The patch.
        equivalent: Why no input at all can tell it from the sound backend; empty for a fault that must be found.
        home: The file that holds it.
    """

    name: str
    why: str
    rule: str
    ops: tuple[str, ...]
    skip: tuple[str, ...]
    edits: tuple[Edit, ...]
    equivalent: str
    home: Path

    def concerns(self, case: Case) -> bool:
        """Tell whether a case is to be asked."""
        names = (case.id, *case.tags)
        return case.op in self.ops and not any(fnmatchcase(name, glob) for name in names for glob in self.skip)

    def patched(self, sources: Mapping[str, str]) -> dict[str, str]:
        """Return the sources (file → text) with this fault.

        Raises:
            UsageError: What is to be replaced is not there just once, so the patch no longer fits the sources.
        """
        changed = dict(sources)
        for edit in self.edits:
            if edit.file not in changed:
                raise UsageError(f"{self.home}: mutant {self.name}: the sources have no file {edit.file}")
            found = changed[edit.file].count(edit.find)
            if found != 1:
                complaint = f"its text occurs {found} times in {edit.file}, not once; adapt it to the sources"
                raise UsageError(f"{self.home}: mutant {self.name}: {complaint}: {edit.find.strip().splitlines()[0]}")
            changed[edit.file] = changed[edit.file].replace(edit.find, edit.replace)
        return changed


SOUND = Mutant("sound", "no fault at all", "", operations(), (), (), "", FOLDER)
"""The unchanged backend, to be tried first: where it errs, mutants prove nothing."""


def mutants_of(language: str, root: Path = FOLDER) -> list[Mutant]:
    """Return the mutants of a language, in the order of their files.

    Raises:
        UsageError: A file is not readable, a member is missing, unknown or wrong, or two mutants share a name.
    """
    mutants = [mutant for file in sorted((root / language).glob("*.toml")) for mutant in _read(file)]
    seen: dict[str, Path] = {}
    for mutant in mutants:
        if mutant.name in seen:
            raise UsageError(f"{mutant.home}: the name {mutant.name!r} is also that of a mutant in {seen[mutant.name]}")
        seen[mutant.name] = mutant.home
    return mutants


def _read(file: Path) -> list[Mutant]:
    try:
        members = loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"mutants {file}: {error.strerror}") from None
    except (TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"mutants {file}: not TOML: {error}") from None
    common = {name: members[name] for name in ("file", "ops", "skip") if name in members}
    return [_mutant(common | row, file) for row in members.get("mutant", [])]


def _mutant(row: dict[str, Any], file: Path) -> Mutant:
    where = f"{file}: mutant {row.get('name', '?')}"
    for name in ("name", "why", "ops", "file", "find", "replace"):
        if name not in row:
            raise UsageError(f"{where}: {name!r} is missing")
    for name in row:
        if name not in MEMBERS:
            raise UsageError(f"{where}: unknown member {name!r}; known: {', '.join(sorted(MEMBERS))}")
    for op in row["ops"]:
        if op not in operations():
            raise UsageError(f"{where}: unknown operation {op!r}")
    if row.get("rule", "") and row["rule"] not in all_rules():
        raise UsageError(f"{where}: unknown rule {row['rule']!r}")
    edits = [Edit(**({"file": row["file"]} | edit)) for edit in [_edit(row), *row.get("also", [])]]
    equivalent = row.get("equivalent", "")
    ops, skip = tuple(row["ops"]), tuple(row.get("skip", ()))
    return Mutant(row["name"], row["why"], row.get("rule", ""), ops, skip, tuple(edits), equivalent, file)


def _edit(row: dict[str, Any]) -> dict[str, str]:
    return {name: row[name] for name in ("find", "replace")}
