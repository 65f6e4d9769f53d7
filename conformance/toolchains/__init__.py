"""How the native backends are found and started: one module per language, each with a ``launch`` function."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Launch:
    """A command that starts a backend process.

    Attributes:
        argv: The program and its arguments.
        env: Environment variables to set on top of the runner's own; a value of ``None`` removes the variable.
        versions: What the report names beside the backend: tool → version, ``{"julia": "1.5.3"}``.
    """

    argv: list[str]
    env: dict[str, str | None] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


class UnavailableError(Exception):
    """A backend cannot be had on this machine.

    Attributes:
        reason: What is missing or broken, one line.
        hint: How to get it, one line.
    """

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(f"{reason} ({hint})")
        self.reason = reason
        self.hint = hint
