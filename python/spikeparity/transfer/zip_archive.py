"""Zip archives, read strictly: every reader sees the same members in the same bytes (pairs.md, section 3).

The functions named after a rule's code check that rule over a whole archive, or over one member. Nothing is read that
the rules before have not bounded: a directory has at most 1,024 bytes for each member due, a member at most one byte
more than it may declare.
"""

from __future__ import annotations

import hashlib
import mmap
import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from spikeparity.files import CHUNK, File, Storage
from spikeparity.rejection import RejectedError

Content = npt.NDArray[np.uint8]

LOCAL, CENTRAL, END, END64, LOCATOR64 = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
LOCAL_HEADER = struct.Struct("<4sHHHHHIIIHH")
CENTRAL_HEADER = struct.Struct("<4sHHHHHHIIIHHHHHII")
END_RECORD = struct.Struct("<4sHHHHIIH")
END_RECORD64 = struct.Struct("<4sQHHIIQQQQ")
LOCATOR_RECORD64 = struct.Struct("<4sIQI")
ALL_ONES16, ALL_ONES32 = 0xFFFF, 0xFFFFFFFF

STORED, DEFLATED = 0, 8
ENCRYPTED = 1 << 0 | 1 << 6 | 1 << 13
DIRECTORY_BYTES = 1024
ZIP64_EXTRA = 1

# Deflate makes at most 1,032 bytes of one; the constant is for the block headers of a short stream.
RATIO, RATIO_ROOM = 1032, 4096

# More than the header of a block of deflate and its first symbol take.
LOOK_AHEAD = 1024

# A stored block of deflate that is not the last one, with one byte.
ONE_BYTE = b"\x00\x01\x00\xfe\xff\x00"


class Due(NamedTuple):
    """A member that is due: its name in the archive, the path of its faults, and the bytes that it may declare."""

    name: bytes
    path: str
    limit: int


class Directory(NamedTuple):
    """Where the central directory is, and how many entries it has; `size` up to where the end records begin."""

    offset: int
    size: int
    entries: int


class Entry(NamedTuple):
    """What the central directory says of a member; `data` is where its data begins, -1 until it is known."""

    name: bytes
    flags: int
    method: int
    crc: int
    compressed: int
    size: int
    offset: int
    data: int = -1


def directory_of(file: File) -> Directory:
    """Find the central directory; raises RejectedError: archive.not-zip, truncated, end-record."""
    not_zip(file)
    return end_record(file, truncated(file))


def members(file: File, found: Directory, due: Sequence[Due]) -> list[Entry]:
    """Return the entries of the members due, in due order; there are no others.

    Raises:
        RejectedError: archive.entry-count … archive.local-header.

    """
    entry_count(found, len(due))
    entries = directory(file, found)
    member_path(entries)
    member_unexpected(entries, {member.name for member in due})
    member_twice(entry.name for entry in entries)
    return checked_members(file, found, member_missing(entries, due), due)


def checked_members(file: File, found: Directory, chosen: list[Entry], due: Sequence[Due]) -> list[Entry]:
    """Apply the rules on the members due; return the entries with the places of their data."""
    encrypted(chosen, due)
    compression(chosen, due)
    return local_header(file, found, chosen, due)


def not_zip(file: File) -> None:
    """archive.not-zip: the file begins with a local header, or is an archive without members."""
    start = file.read(0, min(4, file.size))
    if start not in (LOCAL, END):
        raise RejectedError("archive.not-zip", "", f"expected a zip file, {LOCAL!r} or {END!r}, got {start!r}")


def truncated(file: File) -> bytes:
    """archive.truncated: the file ends with an end-of-central-directory record without a comment; returns it."""
    record = file.read(max(0, file.size - END_RECORD.size), min(file.size, END_RECORD.size))
    if len(record) < END_RECORD.size or record[:4] != END or record[-2:] != b"\0\0":
        message = "expected an end-of-central-directory record at the end: something is cut off, or follows it"
        raise RejectedError("archive.truncated", "", message)
    return record


def end_record(file: File, record: bytes) -> Directory:
    """archive.end-record: the end records agree with themselves and with the file."""
    _, disk, directory_disk, here, count, size, offset, _ = END_RECORD.unpack(record)
    end = file.size - END_RECORD.size
    sound = disk == directory_disk == 0
    if sound and (ALL_ONES16 in (here, count) or ALL_ONES32 in (size, offset)):
        locator_at, end = end - LOCATOR_RECORD64.size, _zip64_offset(file, end)
        record = file.read(end, END_RECORD64.size)
        mark, rest, _, _, disk, directory_disk, here, count, size, offset = END_RECORD64.unpack(record)
        sound = mark == END64 and rest >= 44 and end + 12 + rest == locator_at
        sound = sound and disk == directory_disk == 0
    if not sound or here != count or offset + size != end:
        message = "expected end records of one disk, with a central directory that ends where they begin"
        raise RejectedError("archive.end-record", "", message)
    return Directory(offset, size, count)


def _zip64_offset(file: File, end: int) -> int:
    """Return where the zip64 end record begins, by the locator that ends at `end`."""
    at = end - LOCATOR_RECORD64.size
    if at >= 0:
        mark, disk, offset, disks = LOCATOR_RECORD64.unpack(file.read(at, LOCATOR_RECORD64.size))
        if mark == LOCATOR64 and disk == 0 and disks == 1 and offset + END_RECORD64.size <= at:
            return int(offset)
    raise RejectedError("archive.end-record", "", "expected a zip64 locator of one disk before the end record")


def digest(file: File, found: Directory) -> str:
    """Return the SHA-256, as 64 hex digits, over the archive from its central directory on."""
    value = hashlib.sha256()
    for at in range(found.offset, file.size, CHUNK):
        value.update(file.read(at, min(CHUNK, file.size - at)))
    return value.hexdigest()


def entry_count(found: Directory, due: int) -> None:
    """archive.entry-count: no more entries than members due."""
    if found.entries > due:
        raise RejectedError("archive.entry-count", "", f"expected at most {due} entries, got {found.entries}")


def directory(file: File, found: Directory) -> list[Entry]:
    """archive.directory: the headers fill the directory exactly and say where their members are."""
    if found.size > DIRECTORY_BYTES * found.entries:
        message = f"expected at most {DIRECTORY_BYTES} bytes per entry, got {found.size} for {found.entries}"
        raise RejectedError("archive.directory", "", message)
    data, at = file.read(found.offset, found.size), 0
    entries = []
    for index in range(found.entries):
        entry, at = _central_header(data, at, index)
        if entry.offset + LOCAL_HEADER.size > found.offset:
            _malformed(index, "a local header before the directory")
        entries.append(entry)
    if at != found.size:
        _malformed(found.entries, "the end of the directory")
    return entries


def _central_header(data: bytes, at: int, index: int) -> tuple[Entry, int]:
    """Read one header; return the entry and where the next header begins."""
    if at + CENTRAL_HEADER.size > len(data):
        _malformed(index, "a header that fits into the directory")
    header = CENTRAL_HEADER.unpack_from(data, at)
    mark, _, _, flags, method, _, _, crc, compressed, size, names, extras, comments, disk, _, _, offset = header
    begin = at + CENTRAL_HEADER.size
    end = begin + names + extras + comments
    if mark != CENTRAL or disk != 0 or end > len(data):
        _malformed(index, f"a header {CENTRAL!r} on disk 0 that fits into the directory")
    sizes = [size, compressed, offset]
    if ALL_ONES32 in sizes:
        sizes = _zip64_sizes(data[begin + names : begin + names + extras], sizes, index)
    entry = Entry(data[begin : begin + names], flags, method, crc, sizes[1], sizes[0], sizes[2])
    return entry, end


def _zip64_sizes(extra: bytes, sizes: list[int], index: int) -> list[int]:
    """Replace the saturated ones by the values in the zip64 extra field."""
    at = 0
    while at + 4 <= len(extra):
        identity, length = struct.unpack_from("<HH", extra, at)
        values = extra[at + 4 : at + 4 + length]
        if identity == ZIP64_EXTRA and len(values) == length >= 8 * sizes.count(ALL_ONES32):
            wide = (value for (value,) in struct.iter_unpack("<Q", values[: length // 8 * 8]))
            return [next(wide) if value == ALL_ONES32 else value for value in sizes]
        if identity == ZIP64_EXTRA:
            break
        at += 4 + length
    _malformed(index, "a zip64 extra field with the values of its saturated fields")
    return sizes


def _malformed(index: int, expected: str) -> None:
    raise RejectedError("archive.directory", "", f"central directory, entry {index}: expected {expected}")


def member_path(entries: list[Entry]) -> None:
    """archive.member-path: names without slashes and backslashes."""
    for entry in entries:
        if b"/" in entry.name or b"\\" in entry.name:
            message = f"expected a name without folders, got {shown(entry.name)}"
            raise RejectedError("archive.member-path", "", message)


def member_unexpected(entries: list[Entry], due: set[bytes]) -> None:
    """archive.member-unexpected: members due only."""
    for entry in entries:
        if entry.name not in due:
            message = f"expected layer_<l>.npy or bias_<l>.npy of a layer, got {shown(entry.name)}"
            raise RejectedError("archive.member-unexpected", "", message)


def member_twice(names: Iterator[bytes]) -> None:
    """archive.member-twice: no name twice."""
    seen = set()
    for name in names:
        if name in seen:
            raise RejectedError("archive.member-twice", "", f"expected each name once, got {shown(name)} again")
        seen.add(name)


def member_missing(entries: list[Entry], due: Sequence[Due]) -> list[Entry]:
    """archive.member-missing: every member due is there; returns their entries in due order."""
    by_name = {entry.name: entry for entry in entries}
    for member in due:
        if member.name not in by_name:
            message = f"expected the member {shown(member.name)}, which is absent"
            raise RejectedError("archive.member-missing", member.path, message)
    return [by_name[member.name] for member in due]


def encrypted(entries: list[Entry], due: Sequence[Due]) -> None:
    """archive.encrypted: no encryption of any kind."""
    for entry, member in zip(entries, due, strict=True):
        if entry.flags & ENCRYPTED:
            raise RejectedError("archive.encrypted", member.path, f"expected no encryption, got flags {entry.flags:#x}")


def compression(entries: list[Entry], due: Sequence[Due]) -> None:
    """archive.compression: stored or deflate."""
    for entry, member in zip(entries, due, strict=True):
        if entry.method not in (STORED, DEFLATED):
            message = f"expected method 0 (stored) or 8 (deflate), got {entry.method}"
            raise RejectedError("archive.compression", member.path, message)


def local_header(file: File, found: Directory, entries: list[Entry], due: Sequence[Due]) -> list[Entry]:
    """archive.local-header: it is like the central one, and no byte belongs to two members or to the directory."""
    placed: list[Entry] = []
    taken: list[tuple[int, int]] = []
    for entry, member in zip(entries, due, strict=True):
        header = LOCAL_HEADER.unpack(file.read(entry.offset, LOCAL_HEADER.size))
        mark, _, flags, method, _, _, _, _, _, names, extras = header
        data = entry.offset + LOCAL_HEADER.size + names + extras
        fault = None
        if mark != LOCAL or method != entry.method or (flags ^ entry.flags) & 1 or names != len(entry.name):
            fault = "a local header like the central one"
        elif data + entry.compressed > found.offset:
            fault = "data that ends before the directory"
        elif file.read(entry.offset + LOCAL_HEADER.size, names) != entry.name:
            fault = "the name of the central header"
        elif _overlaps(taken, entry.offset, data + entry.compressed):
            fault = "bytes that belong to no other member"
        if fault is not None:
            raise RejectedError("archive.local-header", member.path, f"{shown(entry.name)}: expected {fault}")
        placed.append(entry._replace(data=data))
    return placed


def _overlaps(taken: list[tuple[int, int]], begin: int, end: int) -> bool:
    """Tell whether a range overlaps one of those taken, which ascend; take it if not."""
    at = bisect_right(taken, (begin, end))
    if (at > 0 and taken[at - 1][1] > begin) or (at < len(taken) and taken[at][0] < end):
        return True
    taken.insert(at, (begin, end))
    return False


def content(file: File, entry: Entry, due: Due) -> Content:
    """Return the bytes of a member; raises RejectedError: archive.size, archive.data, archive.crc."""
    size(entry, due)
    with Storage(file.path):
        found, value = _stored(file, entry) if entry.method == STORED else _inflated(file, entry, due.path)
    crc(value, entry, due.path)
    return found


def mapped(file: File, mapping: mmap.mmap, entry: Entry, due: Due) -> Content:
    """Return the bytes of a member of an archive that is mapped: those of a stored one as they are, unread."""
    if entry.method != STORED:
        return content(file, entry, due)
    size(entry, due)
    return np.frombuffer(mapping, dtype=np.uint8)[entry.data : entry.data + entry.size]


def size(entry: Entry, due: Due) -> None:
    """archive.size: what is declared is no more than is due, and for a stored member the same twice."""
    if entry.size > due.limit:
        message = f"expected a member of at most {due.limit} bytes, got a declared size of {entry.size}"
        raise RejectedError("archive.size", due.path, message)
    if entry.method == STORED and entry.size != entry.compressed:
        message = f"expected one size of a stored member, got {entry.size} and {entry.compressed}"
        raise RejectedError("archive.size", due.path, message)


def crc(value: int, entry: Entry, path: str) -> None:
    """archive.crc: the CRC-32 is the one declared."""
    if value != entry.crc:
        raise RejectedError("archive.crc", path, f"expected a CRC-32 of {entry.crc:08x}, got {value:08x}")


def _stored(file: File, entry: Entry) -> tuple[Content, int]:
    """Read a stored member; return its bytes and their CRC-32."""
    found = np.empty(entry.size, dtype=np.uint8)
    view, value = found.data, 0
    for at in range(0, entry.size, CHUNK):
        part = view[at : at + CHUNK]
        file.read_into(entry.data + at, part)
        value = zlib.crc32(part, value)
    return found, value


def _inflated(file: File, entry: Entry, path: str) -> tuple[Content, int]:
    """Inflate a member; return its bytes and their CRC-32.

    The buffer is never larger than what the compressed bytes can become; where that is less than is declared the
    member is at fault, one way or another, and nothing of it is kept.
    """
    kept = entry.size <= RATIO * entry.compressed + RATIO_ROOM
    found = np.empty(entry.size if kept else 0, dtype=np.uint8)
    view, value, at = found.data, 0, 0
    for part in _inflate(file, entry, path):
        if kept:
            view[at : at + len(part)] = part
        value = zlib.crc32(part, value)
        at += len(part)
    if at != entry.size:
        _wrong_size(entry, f"{at}", path)
    return found, value


def _inflate(file: File, entry: Entry, path: str) -> Iterator[bytes]:
    """archive.data: give the inflated bytes part by part, or end at an invalid stream or at a byte too many."""
    stream, left = zlib.decompressobj(-zlib.MAX_WBITS), entry.size + 1
    at, pending = entry.data, b""
    end = entry.data + entry.compressed
    while not stream.eof:
        if not pending:
            pending = file.read(at, min(CHUNK, end - at))
            at += len(pending)
        asked = min(CHUNK, left)
        try:
            part = stream.decompress(pending, asked)
        except zlib.error as error:
            if asked == left and _reaches_beyond(file, entry):
                _wrong_size(entry, "more", path)
            raise RejectedError("archive.data", path, f"expected a valid deflate stream ({error})") from None
        pending = stream.unconsumed_tail
        left -= len(part)
        if left == 0:
            _wrong_size(entry, "more", path)
        if len(part) < asked and at == end and not stream.eof:
            raise RejectedError("archive.data", path, "expected a deflate stream that ends, got only its beginning")
        yield part
    if stream.unused_data or at < end:
        raise RejectedError("archive.data", path, "expected a deflate stream as long as the data, got bytes after it")


def _reaches_beyond(file: File, entry: Entry) -> bool:
    """Tell whether an invalid stream has a byte beyond the declared size before its fault.

    zlib looks at the symbol after the last byte asked for, and says nothing of the bytes before a fault. So the stream
    is read once more, and nothing beyond the declared size asked for: a fault then lies before any further byte. Where
    no byte is declared, a stored block of one byte before all makes sure that something is asked for. What zlib does
    not see before a byte is asked for is a distance that is too long; nothing but that, or a fault after that byte,
    is left where it is asked for.
    """
    before = b"" if entry.size else ONE_BYTE
    if _fault(file, entry, max(entry.size, 1), before):
        return False
    return "too far back" not in _fault(file, entry, entry.size + 1)


def _fault(file: File, entry: Entry, count: int, before: bytes = b"") -> str:
    """Return what zlib says while so many bytes are inflated, the empty string where there is no fault."""
    stream, left = zlib.decompressobj(-zlib.MAX_WBITS), count
    at, end, pending = entry.data, entry.data + entry.compressed, before
    try:
        while left and (pending or at < end):
            if len(pending) < LOOK_AHEAD and at < end:
                more = file.read(at, min(CHUNK, end - at))
                pending += more
                at += len(more)
            left -= len(stream.decompress(pending, min(CHUNK, left)))
            pending = stream.unconsumed_tail
    except zlib.error as error:
        return str(error)
    return ""


def _wrong_size(entry: Entry, got: str, path: str) -> None:
    raise RejectedError("archive.size", path, f"expected the {entry.size} bytes declared, got {got}")


def shown(name: bytes) -> str:
    """Show a name in a message."""
    return repr(name[:64].decode("utf-8", "backslashreplace"))
