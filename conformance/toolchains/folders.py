"""Where toolchains find sources and keep what they build, safely when several start at once."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from conformance.toolchains import UnavailableError


def source_folder(name: str, marker: str) -> Path:
    """Find a folder of sources that travels inside the Python package ``spikeparity``, without importing that.

    Args:
        name: The folder, ``"_julia"``.
        marker: A file in it.

    Raises:
        UnavailableError: The package is not there, or without these sources.
    """
    spec = importlib.util.find_spec("spikeparity")
    for folder in (spec and spec.submodule_search_locations) or []:
        if (Path(folder) / name / marker).is_file():
            return (Path(folder) / name).resolve()
    raise UnavailableError(f"the package spikeparity has no folder {name}", "pip install spikeparity")


def cache_folder() -> Path:
    """Name the user's cache folder for this project."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification has relative paths ignored.
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "spikeparity"


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold an exclusive lock; the system frees it even where the process is killed.

    Raises:
        UnavailableError: The cache folder cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = file.open("w")
    except OSError as error:
        raise _unusable(error) from None
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def write_whole(file: Path, text: str) -> None:
    """Write a file so that nobody ever sees half of it.

    Raises:
        UnavailableError: The cache folder cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, encoding="utf-8", delete=False) as unfinished:
            unfinished.write(text)
        Path(unfinished.name).replace(file)
    except OSError as error:
        raise _unusable(error) from None


def _unusable(error: OSError) -> UnavailableError:
    return UnavailableError(f"the cache {cache_folder()} cannot be used: {error.strerror}", "set XDG_CACHE_HOME")
