"""Puts the bytes of a pair in place as pairs.md, section 6, says, with steps that can be left out.

No backend is tested with this: it shows that the tools of this folder notice what a careless save would do, and leaves
the files of a save that was interrupted where a test wants them.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STEPS = ("lock", "sync archive", "sync sidecar", "folder sync 1", "folder sync 2", "folder sync 3", "digest name")
"""What can be left out; `digest name`: the archive is renamed to BASE.npz at once, before the sidecar's commit."""


def install(base: Path, sidecar: bytes, archive: bytes, digest: str, omit: str = "", until: int = 4) -> None:
    """Save a pair.

    Args:
        base: The pair's base, without extension; its folder exists.
        sidecar: The bytes of BASE.json.
        archive: The bytes of BASE.npz.
        digest: The `archive_digest` of the archive.
        omit: One of STEPS, or nothing.
        until: The last step of section 6 that is carried out, as if killed after it.
    """
    assert omit in ("", *STEPS)
    folder, name = base.parent, base.name
    waiting = folder / (f"{name}.npz" if omit == "digest name" else f"{name}.npz.{digest[:16]}")
    with _locked(folder, omit != "lock") as descriptor:

        def sync_folder(step: int) -> None:
            if omit != f"folder sync {step}":
                os.fsync(descriptor)

        _write(folder / f"{name}.npz.tmp", archive, omit != "sync archive")
        (folder / f"{name}.npz.tmp").rename(waiting)
        sync_folder(1)
        if until == 1:
            return
        _write(folder / f"{name}.json.tmp", sidecar, omit != "sync sidecar")
        (folder / f"{name}.json.tmp").rename(folder / f"{name}.json")
        sync_folder(2)
        if until == 2:
            return
        if omit != "digest name":
            waiting.rename(folder / f"{name}.npz")
        sync_folder(3)
        if until == 4:
            _remove_leftovers(folder, name)


@contextmanager
def _locked(folder: Path, lock: bool) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if lock:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _write(file: Path, data: bytes, sync: bool) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    if sync:
        os.fsync(descriptor)
    os.close(descriptor)


def _remove_leftovers(folder: Path, name: str) -> None:
    leftover = re.compile(re.escape(name) + r"\.(npz\.tmp|json\.tmp|npz\.[0-9a-f]{16})")
    for file in sorted(folder.iterdir()):
        if leftover.fullmatch(file.name):
            file.unlink()
