"""The command that asks a backend a case again: what it takes to see one failure alone."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from conformance.corpora import BUILT_IN
from conformance.manifest import Manifest


def command(manifest: Manifest, roots: Iterable[Path]) -> str:
    """Return the command that asks a backend all cases of the corpora at ``roots``, ready for a shell."""
    words = [python_command(), "-m", "conformance", "run", "--backend", manifest.word or manifest.name]
    if manifest.transport:
        words += ["--transport", manifest.transport]
    for root in roots:
        if root != BUILT_IN.resolve():
            words += ["--corpus", from_here(root)]
    return shlex.join(words)


def with_case(repeat: str, case_id: str) -> str:
    """Narrow such a command down to one case."""
    return f"{repeat} --id {shlex.quote(case_id)}"


@cache
def python_command() -> str:
    """Return what to type for the Python that runs this: ``python`` where that is it, else its path."""
    running = Path(sys.executable)
    found = shutil.which("python")
    if found is not None and Path(found).absolute() == running.absolute():
        return "python"
    return from_here(running)


def from_here(path: Path) -> str:
    """Return an absolute path as a person in the current folder would type it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
