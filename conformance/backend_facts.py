"""What is known of a backend in a run: the same whether the run goes on or its report is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from conformance.errors import UsageError

AVAILABLE = "available"
UNAVAILABLE = "unavailable"
BROKEN = "broken"
NOT_STARTED = "not-started"


@dataclass(frozen=True)
class BackendFacts:
    """A backend's identity and what became of its start.

    Attributes:
        name: What the run calls it.
        language: What it is written in.
        status: One of the constants of this module.
        reason: Why it is unavailable or broken.
        hint: How to get an unavailable one.
        argv: The command that started it.
        log: Where its standard error is.
        version: Its own version.
        versions: Versions of what it is built with, tool → version.
        ops: The operations that it offers.
        profiles: The arithmetic profiles that it offers.
        complete: Whether an operation that it lacks is a failure.
        required: Whether the run fails without it.
        platform: The machine, in a report that was merged from several.
        repeat: The command that asks it a case again, as far as ``--id`` of the case.
    """

    name: str
    language: str = ""
    status: str = NOT_STARTED
    reason: str = ""
    hint: str = ""
    argv: tuple[str, ...] = ()
    log: str = ""
    version: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    ops: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    complete: bool = False
    required: bool = False
    platform: dict[str, Any] = field(default_factory=dict)
    repeat: str = ""

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> BackendFacts:
        """Take the facts from a report's line of type ``backend``.

        Raises:
            UsageError: A member has not the type that report.schema.json gives it.
        """
        known = {name: row[name] for name in cls.__dataclass_fields__ if name in row}
        for name, value in known.items():
            due = _TYPES.get(name, str)
            if not isinstance(value, due):
                raise UsageError(f"a line of type 'backend' has {name!r} of the wrong type: {value!r:.80}")
        for name in ("argv", "ops", "profiles"):
            known[name] = tuple(map(str, known.get(name, ())))
        return cls(**known)

    @property
    def machine(self) -> str:
        """The machine in words, ``Linux x86_64``; empty where the run's own header tells it."""
        return " ".join(str(self.platform[name]) for name in ("system", "machine") if name in self.platform)

    @property
    def identity(self) -> str:
        """Language and versions in one line."""
        versions = ", ".join(f"{tool} {version}" for tool, version in self.versions.items())
        text = f"{self.language}, version {self.version}" + (f" ({versions})" if versions else "")
        return f"{text} on {self.machine}" if self.machine else text


_TYPES = {
    "argv": list,
    "ops": list,
    "profiles": list,
    "versions": dict,
    "platform": dict,
    "complete": bool,
    "required": bool,
}
