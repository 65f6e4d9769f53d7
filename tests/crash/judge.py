"""Says whether a folder that a crash left holds a pair wholly old or wholly new."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from crash.disk import State, put

ABSENT = {"verdict": "reject", "code": "checkpoint.sidecar-missing", "path": ""}


@dataclass(frozen=True)
class Loaded:
    """What a load finds: the answer, and the sidecar's bytes, which also hold what answers leave out."""

    answer: dict[str, Any]
    sidecar: bytes | None


class Reader(Protocol):
    """What loads pairs: a backend, or the oracle."""

    hello: dict[str, Any]

    def look_below(self, root: Path) -> None:
        """Read below another folder from now on."""

    def verdict(self, base: str) -> dict[str, Any]:
        """Load a pair; return the answer without what is never compared."""


class Judge:
    """Loads every distinct state once in each backend it has."""

    def __init__(self, readers: Iterable[Reader], workspace: Path) -> None:
        self._readers = list(readers)
        self._workspace = workspace
        self._known: dict[tuple[State, str], Loaded] = {}
        for reader in self._readers:
            reader.look_below(workspace)

    @property
    def states(self) -> int:
        """How many distinct states were loaded."""
        return len(self._known)

    def load(self, state: State, base: str) -> Loaded:
        """Return what all backends find alike."""
        if (state, base) not in self._known:
            self._known[state, base] = self._load(state, base)
        return self._known[state, base]

    def _load(self, state: State, base: str) -> Loaded:
        folder = self._workspace / "judged"
        shutil.rmtree(folder, ignore_errors=True)
        put(state, folder)
        answers = [reader.verdict(f"judged/{base}") for reader in self._readers]
        for reader, answer in zip(self._readers, answers, strict=True):
            name = reader.hello["name"]
            assert answer == answers[0], f"{name} answers {answer}, not {answers[0]}: {names(state)}"
        return Loaded(answers[0], dict(state).get(f"{base}.json"))

    def old_or_new(self, state: State, base: str, old: Loaded, new: Loaded) -> str:
        """Return "old" or "new"; anything else is an AssertionError."""
        loaded = self.load(state, base)
        if loaded == new:
            return "new"
        assert loaded == old, f"neither old nor new: {loaded.answer}; files: {names(state)}"
        return "old"


def names(state: State) -> str:
    """Say what is in a folder."""
    return ", ".join(f"{name} ({'folder' if data is None else len(data)})" for name, data in sorted(state, key=str))
