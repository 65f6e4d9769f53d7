"""Arrays in files of a `simulate` request (pairs.md, section 7)."""

from __future__ import annotations

from conformance.oracle import archive, npy, places
from conformance.oracle.places import Folder
from conformance.oracle.values import Number, Rejected, Value

ENTRIES = 1024  # rules.toml, limits.file_array_entries
BYTES = 268435456  # rules.toml, limits.file_array_bytes
MOST_EMPTY_ROWS = 1 << 20  # what no file holds is not bounded by its size


class Stored(list[Value]):
    """An array that was read from a file, as nested lists; beside them its shape, which [] would not tell."""

    def __init__(self, entries: list[Value], shape: tuple[int, ...]) -> None:
        super().__init__(entries)
        self.shape = shape


def stored(elements: list[int | float], shape: tuple[int, ...]) -> Value:
    """Return the value that elements in C order make; null stands for an integer that binary64 cannot hold."""
    leaves = [Number("", float(element)) if npy.is_exact(element) else None for element in elements]
    if not shape:
        return leaves[0]
    nested: list[Value] = list(leaves)
    for length in reversed(shape[1:]):
        count = len(nested) // length if length else 0
        nested = [nested[row * length : (row + 1) * length] for row in range(count)]
    if 0 in shape[1:]:
        if shape[0] > MOST_EMPTY_ROWS:
            raise MemoryError(f"{shape[0]} empty rows")
        nested = [[] for _ in range(shape[0])]
    return Stored(nested, shape)


def is_reference(value: Value) -> bool:
    """Tell whether this stands for an array in a file."""
    return isinstance(value, dict) and "file" in value


def resolved(value: Value, root: Folder, path: str) -> Value:
    """Return the array that a reference at `path` stands for, any other value as it is; raise `Rejected`."""
    if not isinstance(value, dict) or not is_reference(value):
        return value
    member = value.get("member")
    if set(value) != {"file", "member"} or not isinstance(member, str):
        raise Rejected("file.reference", path)
    file = places.place(value["file"], f"{path}/file")
    data = places.content(root, file, f"{path}/file")
    if data is None:
        raise Rejected("archive.missing", path)
    found = archive.directory(data, path)
    entries = archive.entries(data, found, ENTRIES, path)
    name = f"{member}.npy".encode()
    archive.check_once(entries, [name], path)
    entry = archive.member(entries, name, path)
    (raw,) = archive.check_headers(data, found, [(entry, path)])
    content = archive.unpacked(entry, raw, BYTES, path)
    header = npy.header(content, path)
    return stored(npy.values(content, header, path), header.shape)


def rank(value: Value) -> int | None:
    """Return the rank of an array that was read from a file, None for any other value."""
    return len(value.shape) if isinstance(value, Stored) else None
