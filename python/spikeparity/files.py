"""Files: places below a folder, regular files opened without ever waiting, and the error of all that storage fails at.

A file that is absent is a rejection, everything else that the system refuses is a `StorageError` (pairs.md, section 1).
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from spikeparity.rejection import RejectedError

# Bytes that are read, checked or converted at a time: few enough for the near caches.
CHUNK = 1 << 18

# A FIFO or a device is opened without waiting, and then refused.
READING = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class StorageError(OSError):
    """The system refused to read or write: no permission, a folder or a FIFO where a file is due, a full disk, …

    Attributes:
        errno: the number of the system's error.
        strerror: what the system says of it.
        filename: the file or folder.

    """


class MissingFileError(RejectedError, FileNotFoundError):
    """A file that is due is not there: a rejection, and a FileNotFoundError too."""

    def __init__(self, code: str, path: str, message: str, filename: str | None = None) -> None:
        """Hold the rule's code, the path, the message and the name of the file."""
        super().__init__(code, path, message)
        self.errno = errno.ENOENT
        self.filename = filename

    def __str__(self) -> str:
        """One line, as of every rejection."""
        return RejectedError.__str__(self)


class Storage:
    """A context in which a failure of the system, or a lack of memory, becomes a StorageError about `path`."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Turn the error into ours."""
        if isinstance(error, (RejectedError, StorageError)):
            return
        if isinstance(error, OSError):
            raise StorageError(error.errno, error.strerror or str(error), self.path) from None
        if isinstance(error, MemoryError):
            raise StorageError(errno.ENOMEM, "not enough memory for what it holds", self.path) from None


class File:
    """A regular file open for reading.

    Attributes:
        path: its name, for messages.
        size: its bytes.
        identity: what tells it from another file of the same name: device, inode, size and time of modification.

    A file of at most `CHUNK` bytes is read once, as a whole, where anything of it is asked for.

    """

    __slots__ = ("descriptor", "identity", "path", "size", "whole")

    def __init__(self, path: str, extra: int = 0) -> None:
        """Open the file; raises FileNotFoundError where it is absent and StorageError where it cannot be read."""
        self.path = path
        self.whole: bytes | None = None
        self.descriptor = -1
        try:
            self.descriptor = os.open(path, READING | extra)
            status = os.fstat(self.descriptor)
        except FileNotFoundError:
            raise
        except OSError as error:
            self.close()
            raise StorageError(error.errno, error.strerror, path) from None
        if not stat.S_ISREG(status.st_mode):
            self.close()
            number = errno.EISDIR if stat.S_ISDIR(status.st_mode) else errno.EINVAL
            raise StorageError(number, f"expected a regular file, got {kind(status.st_mode)}", path)
        self.size = status.st_size
        self.identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)

    def read(self, offset: int, size: int) -> bytes:
        """Return so many bytes from an offset; the caller knows that they are there."""
        if self.size > CHUNK:
            return self._read(offset, size)
        if self.whole is None:
            self.whole = self._read(0, self.size)
        return self.whole[offset : offset + size]

    def _read(self, offset: int, size: int) -> bytes:
        with Storage(self.path):
            data = os.pread(self.descriptor, size, offset)
            while len(data) < size:
                more = os.pread(self.descriptor, size - len(data), offset + len(data))
                if not more:
                    raise StorageError(errno.EIO, "it became shorter while it was read", self.path)
                data += more
            return data

    def read_into(self, offset: int, view: memoryview) -> None:
        """Fill a buffer from an offset; the caller knows that the bytes are there."""
        if self.whole is not None:
            view[:] = self.whole[offset : offset + len(view)]
            return
        done = 0
        with Storage(self.path):
            while done < len(view):
                got = os.preadv(self.descriptor, [view[done:]], offset + done)
                if not got:
                    raise StorageError(errno.EIO, "it became shorter while it was read", self.path)
                done += got

    def close(self) -> None:
        """Close it; more than once is no fault."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __enter__(self) -> File:
        """Return the file itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close it."""
        self.close()


@dataclass(frozen=True)
class Place:
    """Where files are: a name, below a folder that they must not leave or, with `folder` None, anywhere.

    Attributes:
        folder: the folder; links below it are followed as long as they stay inside.
        name: a path without the files' extensions.
        path: JSON Pointer to the name, for rejections.

    """

    folder: str | None
    name: str
    path: str = ""

    @classmethod
    def below(cls, folder: str, name: Any, path: str) -> Place:
        """Return the place of a name that a request gives, or raise RejectedError (file.path)."""
        file_path(name, path)
        return cls(folder, name, path)

    @classmethod
    def of(cls, path: Any) -> Place:
        """Return the place that a caller of the library names: a str or os.PathLike, absolute or relative."""
        try:
            name = os.fsdecode(path)
            os.fsencode(name)
        except TypeError:
            message = f"expected a path (str or os.PathLike), got a Python {type(path).__name__}"
            raise RejectedError("file.path", "", message) from None
        except UnicodeError:
            raise StorageError(errno.EILSEQ, "the system has no such names", repr(path)) from None
        if not name:
            raise RejectedError("file.path", "", "expected the path of a pair without extension, got the empty string")
        if "\0" in name:
            raise StorageError(errno.EINVAL, "a name cannot contain NUL", repr(name))
        return cls(None, name)

    def full(self, suffix: str = "") -> str:
        """Return the path of a file, as the system takes it."""
        return self.name + suffix if self.folder is None else os.path.join(self.folder, self.name + suffix)

    def open(self, suffix: str) -> File:
        """Open a file; raises FileNotFoundError, StorageError, or RejectedError where a link leads outside."""
        full = self.full(suffix)
        if self.folder is None:
            return File(full)
        return File(self._inside(full), os.O_NOFOLLOW)

    def parent(self) -> str:
        """Return the folder to save in; raises RejectedError where the deepest one that exists is outside."""
        parent = os.path.dirname(self.full()) or "."
        if self.folder is not None:
            deepest = parent
            while not os.path.isdir(deepest) and os.path.dirname(deepest) != deepest:
                deepest = os.path.dirname(deepest)
            self._inside(deepest)
        return parent

    def _inside(self, full: str) -> str:
        """file.path: what is there once links are followed is below the folder."""
        assert self.folder is not None
        try:
            real = os.path.realpath(full, strict=True)
            root = os.path.realpath(self.folder, strict=True)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise StorageError(error.errno, error.strerror, full) from None
        except UnicodeError:
            raise StorageError(errno.EILSEQ, "the system has no such names", repr(full)) from None
        if real != root and not real.startswith(root.rstrip("/") + "/"):
            raise RejectedError("file.path", self.path, f"expected a place below {root}, got a link to {real}")
        return real


def file_path(name: Any, path: str) -> None:
    """file.path: a name is a relative path that stays below its folder."""
    fault = None
    if not isinstance(name, str):
        fault = f"a Python {type(name).__name__}"
    elif "\\" in name or "\0" in name:
        fault = f"{name!r} with a backslash or a NUL"
    elif any(part in ("", ".", "..") for part in name.split("/")):
        fault = f"{name!r} with a component that is empty, . or .."
    if fault is not None:
        raise RejectedError("file.path", path, f"expected a relative path of names between slashes, got {fault}")


def kind(mode: int) -> str:
    """Name a kind of file."""
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
        stat.S_IFSOCK: "a socket",
    }
    return kinds.get(stat.S_IFMT(mode), "something else")


@dataclass
class Folders:
    """Where the backend process was told to read and to write (protocol.md)."""

    root: str = "."
    scratch: str = "."


FOLDERS = Folders()
