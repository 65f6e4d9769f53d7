"""A verb of the command line called in this process: quicker than a process of its own, where nothing hangs on that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from conformance.cli import main


@dataclass
class Called:
    """What a call left."""

    code: int
    out: str
    err: str


Call = Callable[..., Called]


def caller(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *, own_cache: bool = True
) -> Call:
    """Return a function that runs the command line with the words given, in a folder.

    With ``own_cache`` false the cache is that of this machine, in which Julia and Mojo are installed and built once.
    """
    monkeypatch.chdir(folder)
    monkeypatch.setenv("NO_COLOR", "1")
    if own_cache:
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))

    def call(*words: str) -> Called:
        code = main(words)
        return Called(code, *capsys.readouterr())

    return call
