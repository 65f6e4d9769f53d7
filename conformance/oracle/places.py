"""Places of files below a folder: the rule file.path (pairs.md, section 1), and the reading of what is there."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from conformance.oracle.values import Rejected, Value


@dataclass(frozen=True)
class Folder:
    """The folder below which the places of a request lie; without a path only their form can be checked."""

    path: Path | None = None

    def file(self, name: str) -> str:
        """Return where a file is.

        Raises:
            ValueError: The request names a file, and whoever asks has named no folder.
        """
        if self.path is None:
            raise ValueError(f"{name}: the request reads a file; name the folder in which places begin")
        return os.path.realpath(self.path) + "/" + name


def place(value: Value, path: str) -> str:
    """Return a well-formed place; raise `Rejected` with file.path at `path` for anything else."""
    if not isinstance(value, str) or "\\" in value or "\0" in value:
        raise Rejected("file.path", path)
    if any(component in ("", ".", "..") for component in value.split("/")):
        raise Rejected("file.path", path)
    return value


def inside(folder: Folder, name: str, path: str) -> str:
    """Return the file of that name below the folder; raise `Rejected` where links lead out of the folder."""
    file = folder.file(name)
    top = os.path.realpath(str(folder.path))
    if os.path.commonpath([top, os.path.realpath(file)]) != top:
        raise Rejected("file.path", path)
    return file


def content(folder: Folder, name: str, path: str) -> bytes | None:
    """Return the bytes of a file, None where there is no such file.

    Raises:
        Rejected: file.path at `path`.
        OSError: The file is there and cannot be read, or is no regular file.
    """
    file = inside(folder, name, path)
    try:
        mode = Path(file).stat().st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):
        raise OSError(f"{name}: not a regular file")
    return Path(file).read_bytes()
