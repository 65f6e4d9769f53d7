"""Zip archives, read strictly: the rules of stage `archive` (pairs.md, section 3), one function each."""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass

from conformance.oracle.values import Rejected

BEGINNINGS = (b"PK\x03\x04", b"PK\x05\x06")
END = struct.Struct("<4s4H2LH")  # signature, disk, disk of the directory, entries here, entries, size, offset, comment
LOCATOR = struct.Struct("<4sLQL")  # signature, disk, offset of the zip64 end record, disks
END64 = struct.Struct("<4sQ2H2L4Q")  # signature, size, versions, disks, entries here, entries, size, offset
CENTRAL = struct.Struct("<4s6H3L5H2L")
LOCAL = struct.Struct("<4s5H3L2H")
ENTRY_BYTES = 1024  # of the directory, per entry
STORED, DEFLATE = 0, 8
ENCRYPTED = 1 << 0 | 1 << 6 | 1 << 13


@dataclass(frozen=True)
class Directory:
    """What the end records say: number of entries, offset and size of the central directory."""

    count: int
    offset: int
    size: int


@dataclass(frozen=True)
class Entry:
    """A central header: everything that is asked of it."""

    name: bytes
    flags: int
    method: int
    crc: int
    compressed: int
    size: int
    offset: int


def directory(data: bytes, path: str) -> Directory:
    """Return what the end records say; archive.not-zip, archive.truncated, archive.end-record at `path`."""
    if data[:4] not in BEGINNINGS:
        raise Rejected("archive.not-zip", path)
    begin = len(data) - END.size
    if begin < 0 or data[begin : begin + 4] != b"PK\x05\x06" or data[-2:] != b"\0\0":
        raise Rejected("archive.truncated", path)
    _, disk, directory_disk, here, count, size, offset, _ = END.unpack(data[begin:])
    if disk != 0 or directory_disk != 0:
        raise Rejected("archive.end-record", path)
    if 0xFFFF in (here, count) or 0xFFFFFFFF in (size, offset):
        begin, here, count, size, offset = _zip64(data, begin, path)
    if here != count or offset + size != begin:
        raise Rejected("archive.end-record", path)
    return Directory(count, offset, size)


def _zip64(data: bytes, end: int, path: str) -> tuple[int, int, int, int, int]:
    """Return where the zip64 end record begins, and its entries here, entries, size and offset."""
    begin = end - LOCATOR.size
    if begin < 0:
        raise Rejected("archive.end-record", path)
    signature, disk, record, disks = LOCATOR.unpack(data[begin:end])
    if signature != b"PK\x06\x07" or disk != 0 or disks != 1 or record + END64.size > begin:
        raise Rejected("archive.end-record", path)
    fields = END64.unpack(data[record : record + END64.size])
    signature, rest, _, _, disk, directory_disk, here, count, size, offset = fields
    if signature != b"PK\x06\x06" or rest < 44 or record + 12 + rest != begin or disk != 0 or directory_disk != 0:
        raise Rejected("archive.end-record", path)
    return record, here, count, size, offset


def digest(data: bytes, found: Directory) -> str:
    """Return the archive's digest (pairs.md, section 6): SHA-256 from the first central header to the end."""
    return hashlib.sha256(data[found.offset :]).hexdigest()


def entries(data: bytes, found: Directory, most: int, path: str) -> list[Entry]:
    """Return the entries of the directory; archive.entry-count, archive.directory at `path`."""
    if found.count > most:
        raise Rejected("archive.entry-count", path)
    if found.size > ENTRY_BYTES * found.count:
        raise Rejected("archive.directory", path)
    at, end = found.offset, found.offset + found.size
    result = []
    for _ in range(found.count):
        if at + CENTRAL.size > end or data[at : at + 4] != b"PK\x01\x02":
            raise Rejected("archive.directory", path)
        fields = CENTRAL.unpack(data[at : at + CENTRAL.size])
        name_bytes, extra_bytes, comment_bytes = fields[10:13]
        following = at + CENTRAL.size + name_bytes + extra_bytes + comment_bytes
        if following > end:
            raise Rejected("archive.directory", path)
        name = data[at + CENTRAL.size : at + CENTRAL.size + name_bytes]
        extra = data[at + CENTRAL.size + name_bytes : at + CENTRAL.size + name_bytes + extra_bytes]
        result.append(_entry(fields, name, extra, found, path))
        at = following
    if at != end:
        raise Rejected("archive.directory", path)
    return result


def _entry(fields: tuple[int, ...], name: bytes, extra: bytes, found: Directory, path: str) -> Entry:
    flags, method, crc, compressed, size = fields[3], fields[4], fields[7], fields[8], fields[9]
    disk, offset = fields[13], fields[16]
    if disk != 0:
        raise Rejected("archive.directory", path)
    saturated = sum(field == 0xFFFFFFFF for field in (size, compressed, offset))
    values = list(_zip64_values(extra, saturated, path)) if saturated else []
    size = values.pop(0) if size == 0xFFFFFFFF else size
    compressed = values.pop(0) if compressed == 0xFFFFFFFF else compressed
    offset = values.pop(0) if offset == 0xFFFFFFFF else offset
    if offset + LOCAL.size > found.offset:
        raise Rejected("archive.directory", path)
    return Entry(name, flags, method, crc, compressed, size, offset)


def _zip64_values(extra: bytes, count: int, path: str) -> tuple[int, ...]:
    """Return the first `count` values of the first zip64 extra field."""
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack("<2H", extra[at : at + 4])
        if kind == 1 and size >= 8 * count and at + 4 + size <= len(extra):
            return struct.unpack(f"<{count}Q", extra[at + 4 : at + 4 + 8 * count])
        if kind == 1:
            break
        at += 4 + size
    raise Rejected("archive.directory", path)


def check_paths(found: list[Entry], path: str) -> None:
    """archive.member-path."""
    if any(b"/" in entry.name or b"\\" in entry.name for entry in found):
        raise Rejected("archive.member-path", path)


def check_expected(found: list[Entry], names: list[bytes], path: str) -> None:
    """archive.member-unexpected."""
    if any(entry.name not in names for entry in found):
        raise Rejected("archive.member-unexpected", path)


def check_once(found: list[Entry], names: list[bytes], path: str) -> None:
    """archive.member-twice, of the members with these names."""
    for name in names:
        if sum(entry.name == name for entry in found) > 1:
            raise Rejected("archive.member-twice", path)


def member(found: list[Entry], name: bytes, path: str) -> Entry:
    """Return the entry of a member; archive.member-missing."""
    for entry in found:
        if entry.name == name:
            return entry
    raise Rejected("archive.member-missing", path)


def check_headers(data: bytes, found: Directory, members: list[tuple[Entry, str]]) -> list[bytes]:
    """Return the members' data as they lie there; archive.encrypted, archive.compression, archive.local-header."""
    for entry, path in members:
        if entry.flags & ENCRYPTED:
            raise Rejected("archive.encrypted", path)
    for entry, path in members:
        if entry.method not in (STORED, DEFLATE):
            raise Rejected("archive.compression", path)
    taken: list[tuple[int, int]] = []
    raw = []
    for entry, path in members:
        begin, end = _extent(data, entry, path)
        overlaps = any(begin < other_end and other_begin < end for other_begin, other_end in taken)
        if end > found.offset or overlaps:
            raise Rejected("archive.local-header", path)
        taken.append((entry.offset, end))
        raw.append(data[end - entry.compressed : end])
    return raw


def _extent(data: bytes, entry: Entry, path: str) -> tuple[int, int]:
    """Return the offsets of an entry's local header and of the end of its data."""
    fields = LOCAL.unpack(data[entry.offset : entry.offset + LOCAL.size])
    signature, _, flags, method = fields[:4]
    name_at = entry.offset + LOCAL.size
    data_at = name_at + fields[9] + fields[10]
    unlike = method != entry.method or flags & 1 != entry.flags & 1
    if signature != b"PK\x03\x04" or unlike or data[name_at : name_at + fields[9]] != entry.name:
        raise Rejected("archive.local-header", path)
    return entry.offset, data_at + entry.compressed


def unpacked(entry: Entry, raw: bytes, most: int, path: str) -> bytes:
    """Return the bytes of a member; archive.size (more than `most` declared too), archive.data, archive.crc."""
    if entry.size > most or (entry.method == STORED and entry.size != entry.compressed):
        raise Rejected("archive.size", path)
    content = raw if entry.method == STORED else _inflated(raw, entry.size, path)
    if len(content) != entry.size:
        raise Rejected("archive.size", path)
    if zlib.crc32(content) != entry.crc:
        raise Rejected("archive.crc", path)
    return content


def _inflated(raw: bytes, size: int, path: str) -> bytes:
    """Inflate byte by byte, so that what comes first, a byte too many or a fault of the stream, is seen first."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    content = bytearray()
    for byte in raw:
        if stream.eof:
            raise Rejected("archive.data", path)
        try:
            content += stream.decompress(bytes([byte]), size + 1 - len(content))
        except zlib.error:
            raise Rejected("archive.data", path) from None
        if len(content) > size:
            raise Rejected("archive.size", path)
    if not stream.eof:
        raise Rejected("archive.data", path)
    return bytes(content)
