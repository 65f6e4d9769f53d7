"""The files of a pair that a person names: found, looked at without being waited for, put where backends may read."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from conformance.errors import UsageError

ATTEMPTS = 20


@dataclass(frozen=True)
class PairFiles:
    """A pair on disk: ``BASE.json``, ``BASE.npz``, and ``BASE.npz.<16 hex digits>`` of a save that was cut short.

    Attributes:
        base: The pair's place without extension, as it was given.
    """

    base: Path

    @property
    def sidecar(self) -> Path:
        """The sidecar's place."""
        return self.base.with_name(self.base.name + ".json")

    @property
    def archive(self) -> Path:
        """The archive's place once its save is complete."""
        return self.base.with_name(self.base.name + ".npz")

    @property
    def archives(self) -> list[Path]:
        """The archives that are there."""
        pending = re.compile(re.escape(self.archive.name) + r"(\.[0-9a-f]{16})?")
        try:
            return sorted(file for file in self.base.parent.iterdir() if pending.fullmatch(file.name))
        except OSError:  # a folder that may be entered and not listed
            return [self.archive] if os.path.lexists(self.archive) else []

    @property
    def files(self) -> list[Path]:
        """The files that are there, the sidecar first."""
        return ([self.sidecar] if os.path.lexists(self.sidecar) else []) + self.archives


def find(word: str) -> PairFiles:
    """Return the pair that a word on the command line names.

    Raises:
        UsageError: Neither of its files is there, or one is no regular file or cannot be read. (Where just one is
            missing, that is for the rules to say.)
    """
    if not word or word.endswith("/") or "\0" in word or Path(word).name in ("", ".", ".."):
        raise UsageError(f"BASE names a pair, BASE.json and BASE.npz, without extension; {word!r} does not")
    pair = PairFiles(Path(word))
    if not pair.files:
        for file in (pair.sidecar, pair.archive):
            _refuse_all_but_absence(file)
        raise UsageError(f"no pair {word}: neither {pair.sidecar} nor {pair.archive} is there{_meant(word)}")
    for file in pair.files:
        check_readable(file)
    return pair


def _refuse_all_but_absence(file: Path) -> None:
    """Raise a UsageError where the system will not even say whether a file is there."""
    try:
        file.lstat()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None


def _meant(word: str) -> str:
    stem, dot, extension = word.rpartition(".")
    if dot and extension in ("json", "npz") and PairFiles(Path(stem)).files:
        return f" (BASE goes without extension: {stem})"
    return ""


def check_readable(file: Path) -> None:
    """Raise a UsageError for what is no regular file, or cannot be opened; a FIFO is not waited for."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        raise UsageError(f"{file}: {getattr(error, 'strerror', None) or error}") from None
    try:
        mode = os.fstat(descriptor).st_mode
    finally:
        os.close(descriptor)
    if not stat.S_ISREG(mode):
        raise UsageError(f"{file}: not a regular file but {_kind(mode)}")


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a FIFO", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
    return kinds.get(stat.S_IFMT(mode), "something else")


def bring(file: Path, place: Path) -> None:
    """Make ``place`` a hard link to a file (symbolic links followed), or a copy where that cannot be.

    Raises:
        UsageError: It can be neither.
    """
    try:
        _bring(file, place)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror or error}") from None


def _bring(file: Path, place: Path) -> None:
    source = Path(os.path.realpath(file))
    with contextlib.suppress(OSError):  # another file system, or a file of somebody else's
        os.link(source, place)
        return
    shutil.copyfile(source, place)


def bring_pair(pair: PairFiles, root: Path, name: str) -> None:
    """Put a pair into ``root`` as ``name``: the old one or the new one where somebody saves it meanwhile.

    Raises:
        UsageError: A file cannot be read, or the pair changes all the time.
    """
    for _ in range(ATTEMPTS):
        before = _identity(pair.sidecar)
        try:
            for file in pair.files:
                _bring(file, root / (name + file.name.removeprefix(pair.base.name)))
            if _identity(pair.sidecar) == before:
                return
        except FileNotFoundError:
            pass  # renamed meanwhile
        except OSError as error:
            raise UsageError(f"{error.filename}: {error.strerror or error}") from None
        for brought in PairFiles(root / name).files:
            brought.unlink()
    raise UsageError(f"{pair.base}: the pair is being changed all the time")


def _identity(file: Path) -> tuple[int, ...] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
