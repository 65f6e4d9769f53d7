"""A manifest: the TOML file that says how a backend is started. It may lie anywhere; so a backend needs no fork."""

from __future__ import annotations

import dataclasses
import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.errors import UsageError
from conformance.toml import TOMLDecodeError, loads
from conformance.toolchains import Launch, UnavailableError

BUILT_IN = Path(__file__).parent / "backends"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
MEMBERS = {
    "name": str,
    "language": str,
    "argv": list,
    "toolchain": str,
    "env": dict,
    "build": list,
    "hint": str,
    "startup_timeout": (int, float),
    "complete": bool,
}


@dataclass(frozen=True)
class Manifest:
    """How a backend is started.

    Attributes:
        name: What reports and ``--backend`` call it.
        language: What it is written in, as shown.
        argv: Program and arguments; ``{python}`` is this Python, ``{here}`` the manifest's folder, where it runs.
        toolchain: Instead of ``argv``: a module of ``conformance.toolchains`` whose ``launch`` finds the program.
        env: Environment variables to set.
        build: A command that is run to success in the manifest's folder before each run (``["make", "-s"]``).
        hint: How to get the backend where it is unavailable.
        startup_timeout: Seconds until ``hello`` must have been answered.
        complete: Whether an operation that it lacks is a failure (true of the native backends).
        folder: Where the manifest lies.
        transport: A choice that the toolchain offers (``juliacall``), or None.
        word: What ``--backend`` calls it: the name of a built-in one, the path of a manifest, or ``name=command``.
    """

    name: str
    language: str = ""
    argv: tuple[str, ...] = ()
    toolchain: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    build: tuple[str, ...] = ()
    hint: str = "see the manifest"
    startup_timeout: float = 60.0
    complete: bool = False
    folder: Path = field(default_factory=Path.cwd)
    transport: str | None = None
    word: str = ""

    def launch(self) -> Launch:
        """Find, and where needed build, the program.

        Raises:
            UnavailableError: It cannot be had here; says why and how to get it.
        """
        if self.toolchain:
            module = importlib.import_module(f"conformance.toolchains.{self.toolchain}")
            launch: Launch = module.launch(self.transport) if self.transport else module.launch()
            return launch
        if self.build:
            self._run_build()
        argv = [self._expand(word) for word in self.argv]
        program = shutil.which(argv[0], path=os.environ.get("PATH")) or shutil.which(str(self.folder / argv[0]))
        if program is None:
            raise UnavailableError(f"program {argv[0]!r} not found", self.hint)
        return Launch([program, *argv[1:]], dict(self.env))

    def _expand(self, word: str) -> str:
        return word.replace("{python}", sys.executable).replace("{here}", str(self.folder))

    def _run_build(self) -> None:
        command = [self._expand(word) for word in self.build]
        try:
            done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        except OSError as error:
            raise UnavailableError(f"build: {shlex.join(command)}: {error.strerror}", self.hint) from None
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
            raise UnavailableError(f"build failed: {shlex.join(command)}: {last}", self.hint)


def read_manifest(file: Path) -> Manifest:
    """Read a manifest.

    Raises:
        UsageError: The file cannot be read, is not TOML, or a member is unknown, missing or of the wrong type.
    """
    try:
        members = loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"manifest {file}: {error.strerror}") from None
    except (TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"manifest {file}: not TOML: {error}") from None
    _check(members, file)
    words: dict[str, Any] = {name: tuple(members.pop(name)) for name in ("argv", "build") if name in members}
    return Manifest(**members, **words, folder=file.resolve().parent)


def _check(members: dict[str, Any], file: Path) -> None:
    for name, value in members.items():
        if name not in MEMBERS:
            raise UsageError(f"manifest {file}: unknown member {name!r}; known: {', '.join(MEMBERS)}")
        if not isinstance(value, MEMBERS[name]):  # type: ignore[arg-type]
            raise UsageError(f"manifest {file}: {name!r} has the wrong type")
    for name in ("argv", "build"):
        if not all(isinstance(word, str) for word in members.get(name, [])):
            raise UsageError(f"manifest {file}: {name!r} must be a list of strings")
    if not all(isinstance(value, str) for value in members.get("env", {}).values()):
        raise UsageError(f"manifest {file}: 'env' must map names to strings")
    check_name(members.get("name", ""), f"manifest {file}")
    if bool(members.get("argv")) == bool(members.get("toolchain")):
        raise UsageError(f"manifest {file}: 'argv' is missing (the command that starts the backend)")


def check_name(name: str, where: str) -> None:
    """Raise a UsageError, which begins with ``where``, for a name that no backend can have."""
    if not NAME.fullmatch(name):
        raise UsageError(f"{where}: a backend's name is letters, digits, '.', '_' and '-', not {name!r}")


def built_in() -> dict[str, Manifest]:
    """Return the manifests that come with the harness, by name, in the order in which reports show them."""
    manifests = [read_manifest(file) for file in sorted(BUILT_IN.glob("*.toml"))]
    return {manifest.name: manifest for manifest in manifests}


def resolve(words: list[str]) -> list[Manifest]:
    """Turn the words after ``--backend`` into manifests; without any, the built-in ones.

    A word is the name of a built-in backend, the path of a manifest (``*.toml``), or ``name=command with arguments``.
    """
    known = built_in()
    chosen = [dataclasses.replace(_resolve(word, known), word=word) for word in words or known]
    names = [manifest.name for manifest in chosen]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two backends are called {name!r}")
    return chosen


def _resolve(word: str, known: dict[str, Manifest]) -> Manifest:
    if word in known:
        return known[word]
    if word.endswith(".toml"):
        return read_manifest(Path(word))
    name, equals, command = word.partition("=")
    if not equals:
        raise UsageError(f'no backend {word!r}; built in: {", ".join(known)}; or a manifest.toml, or "name=command"')
    check_name(name, f"--backend {word!r}")
    try:
        argv = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--backend {word!r}: {error}") from None
    if not argv:
        raise UsageError(f"--backend {word!r}: the command is empty")
    return Manifest(name, argv=tuple(argv))
