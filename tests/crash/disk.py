"""A model of a disk that crashes: which states of a folder can be found after a power cut, from a log of system calls.

Nothing is certain but what was synced. Of a file that was written and not synced since, the old content, all of the
new, its first half, or zeros of its length can be there. Of a folder that was not synced since, any subset of its
changes (creations, renames, removals) can be there, in their order; one rename happens whole or not at all. A sync of a
file says nothing about its name in the folder: stricter than ext4, btrfs and XFS in practice, as POSIX permits.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from crash.watcher import Call

State = frozenset[tuple[str, bytes | None]]
"""Path below the folder and content of each file; None for a folder."""

MOST_CHANGES = 12


class UnmodelledError(Exception):
    """A call whose effect this model does not know."""


class File:
    """A file: what is certain, and the contents it went through since."""

    def __init__(self, content: bytes = b"") -> None:
        self.certain = self.now = content

    def write(self, offset: int, data: bytes) -> None:
        """Write at a place, zeros before it where the file is shorter."""
        head = self.now[:offset].ljust(offset, b"\0")
        self.now = head + data + self.now[offset + len(data) :]

    def truncate(self, size: int) -> None:
        """Cut or extend."""
        self.now = self.now[:size].ljust(size, b"\0")

    def sync(self) -> None:
        """Make the present content certain."""
        self.certain = self.now

    def contents(self) -> list[bytes]:
        """Return what can be found after a crash."""
        if self.certain == self.now:
            return [self.now]
        found = [self.certain, self.now, self.now[: len(self.now) // 2], bytes(len(self.now))]
        return list(dict.fromkeys(found))


class Folder:
    """A folder: its certain entries, and the changes since: each a name removed and a name added, or None."""

    def __init__(self) -> None:
        self.certain: dict[str, Node] = {}
        self.now: dict[str, Node] = {}
        self.changes: list[tuple[str | None, str | None, Node]] = []

    def change(self, removed: str | None, added: str | None, node: Node) -> None:
        """Carry out a change and remember it as uncertain."""
        self.changes.append((removed, added, node))
        self.now = _changed(self.now, [self.changes[-1]])

    def sync(self) -> None:
        """Make the present entries certain; what they lead to is another matter."""
        self.certain, self.changes = dict(self.now), []

    def entries(self) -> Iterator[dict[str, Node]]:
        """Give the sets of entries that can be found after a crash."""
        if len(self.changes) > MOST_CHANGES:
            raise UnmodelledError(f"{len(self.changes)} changes of a folder without a sync")
        for kept in itertools.product((False, True), repeat=len(self.changes)):
            yield _changed(self.certain, list(itertools.compress(self.changes, kept)))


Node = File | Folder


def _changed(entries: dict[str, Node], changes: Iterable[tuple[str | None, str | None, Node]]) -> dict[str, Node]:
    entries = dict(entries)
    for removed, added, node in changes:
        if removed is not None and entries.get(removed) is node:
            del entries[removed]
        if added is not None:
            entries[added] = node
    return entries


class Disk:
    """A folder as it is on disk, on which logged calls are carried out."""

    def __init__(self, top: Path) -> None:
        self._top = top.resolve()
        self._by_inode: dict[int, File] = {}
        self._root = self._snapshot(self._top)

    def _snapshot(self, place: Path) -> Folder:
        folder = Folder()
        for entry in sorted(place.iterdir()):
            if entry.is_symlink():
                raise UnmodelledError(f"a symbolic link: {entry}")
            if entry.is_dir():
                folder.now[entry.name] = self._snapshot(entry)
            else:
                folder.now[entry.name] = file = File(entry.read_bytes())
                self._by_inode[entry.stat().st_ino] = file
        folder.sync()
        return folder

    def _find(self, path: str) -> Node:
        node: Node = self._root
        for part in PurePosixPath(path).relative_to(self._top).parts:
            assert isinstance(node, Folder)
            node = node.now[part]
        return node

    def _parent(self, path: str) -> tuple[Folder, str]:
        folder = self._find(str(PurePosixPath(path).parent))
        assert isinstance(folder, Folder)
        return folder, PurePosixPath(path).name

    def carry_out(self, call: Call) -> None:
        """Do what a logged call did.

        Raises:
            UnmodelledError: It is none of those that a save is expected to make.
        """
        if call.result < 0 or call.name in ("flock", "close"):
            return
        match call.name:
            case "open":
                self._open(call)
            case "write":
                self._by_inode[call.more["inode"]].write(call.more["offset"], call.data)
            case "truncate":
                self._by_inode[call.more["inode"]].truncate(call.more["size"])
            case "fsync":
                node = self._find(call.path) if call.more["folder"] else self._by_inode[call.more["inode"]]
                node.sync()
            case "mkdir":
                folder, name = self._parent(call.path)
                folder.change(None, name, Folder())
            case "unlink":
                folder, name = self._parent(call.path)
                folder.change(name, None, folder.now[name])
            case "rename":
                self._rename(call)
            case _:
                raise UnmodelledError(f"{call.name} {call.path}")

    def _open(self, call: Call) -> None:
        folder, name = self._parent(call.path)
        if name not in folder.now:
            folder.change(None, name, File())
        file = folder.now[name]
        assert isinstance(file, File)
        self._by_inode[call.more["inode"]] = file
        if call.more["truncated"]:
            file.truncate(0)

    def _rename(self, call: Call) -> None:
        folder, name = self._parent(call.path)
        target, new_name = self._parent(call.more["target"])
        if target is not folder:
            raise UnmodelledError(f"a rename to another folder: {call.path} -> {call.more['target']}")
        folder.change(name, new_name, folder.now[name])

    def now(self) -> State:
        """Return the state that processes see."""
        return frozenset(_items(self._root, ""))

    def states(self) -> set[State]:
        """Return the states that can be found if the power fails now."""
        return {frozenset(state) for state in _states(self._root, "")}


def _items(folder: Folder, path: str) -> Iterator[tuple[str, bytes | None]]:
    for name, node in folder.now.items():
        here = f"{path}/{name}".lstrip("/")
        yield (here, node.now if isinstance(node, File) else None)
        if isinstance(node, Folder):
            yield from _items(node, here)


def _states(node: Node, path: str) -> Iterator[list[tuple[str, bytes | None]]]:
    if isinstance(node, File):
        yield from ([(path, content)] for content in node.contents())
        return
    here: list[tuple[str, bytes | None]] = [(path, None)] if path else []
    for entries in node.entries():
        inside = [list(_states(child, f"{path}/{name}".lstrip("/"))) for name, child in entries.items()]
        for choice in itertools.product(*inside):
            yield here + [item for items in choice for item in items]


def crash_states(disk: Disk, calls: Sequence[Call]) -> list[set[State]]:
    """Return the states that can be found before the first call, and after each of them.

    Args:
        disk: The folder as it was before the calls; it stays as it is.
        calls: What was done to it.
    """
    disk = copy.deepcopy(disk)
    found = [disk.states()]
    for call in calls:
        disk.carry_out(call)
        found.append(disk.states())
    return found


def snapshot(top: Path) -> State:
    """Return the state that a folder is in."""
    items = ((str(path.relative_to(top)), path) for path in top.rglob("*"))
    return frozenset((name, None if path.is_dir() else path.read_bytes()) for name, path in items)


def put(state: State, top: Path) -> None:
    """Make a folder that is in this state."""
    top.mkdir(parents=True)
    for name, content in sorted(state, key=lambda item: item[0]):
        if content is None:
            (top / name).mkdir(parents=True, exist_ok=True)
        else:
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).write_bytes(content)
