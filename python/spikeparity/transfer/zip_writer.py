"""Zip archives, written: the same members give the same bytes each time, and stored data can be mapped into memory."""

from __future__ import annotations

import hashlib
import os
import zlib
from typing import NamedTuple

from spikeparity.files import CHUNK
from spikeparity.transfer.zip_archive import (
    ALL_ONES16,
    ALL_ONES32,
    CENTRAL,
    CENTRAL_HEADER,
    DEFLATED,
    END,
    END64,
    END_RECORD,
    END_RECORD64,
    LOCAL,
    LOCAL_HEADER,
    LOCATOR64,
    LOCATOR_RECORD64,
    STORED,
    ZIP64_EXTRA,
)

# Higher levels make weights that compress at all smaller by less than a tenth, and take several times as long.
LEVEL = 1

# Weights of full precision shrink by a twentieth, at a fiftieth of the speed of a copy. So a member is deflated where a
# few slices of it shrink by a tenth.
SLICES, SLICE_BYTES = 4, 512
WORTH = 0.9

# Of fewer bytes there is nothing to be gained: a disk gives space by the page.
FEW_BYTES = 1 << 15

ALIGNMENT = 64
# The extra field that Android's zipalign pads with: the alignment, then zeros.
PADDING_EXTRA = 0xD935

VERSION, VERSION64 = 20, 45
MADE_BY_UNIX = 3 << 8
READABLE = 0o100644 << 16
DATE_1980_01_01 = 1 << 5 | 1
# A member that may reach 4 GiB once it is compressed badly.
LARGE = ALL_ONES32 - (1 << 24)


class Written(NamedTuple):
    """A member that is in the file."""

    name: bytes
    method: int
    crc: int
    compressed: int
    size: int
    offset: int


class Writer:
    """Writes members one after the other to a file descriptor, then the directory.

    Attributes:
        digest: the SHA-256 of the directory and all after it, once `finish` has been called.

    """

    def __init__(self, descriptor: int) -> None:
        """Begin an archive in an empty file that is open for writing."""
        self.descriptor = descriptor
        self.pending = bytearray()
        self.written = 0
        self.members: list[Written] = []
        self.digest = ""

    def add(self, name: bytes, parts: list[bytes | memoryview], *, compress: bool) -> None:
        """Add a member that consists of parts; with `compress` it is deflated where its last part is worth it."""
        compress = compress and worth_compressing(parts[-1])
        size = sum(len(part) for part in parts)
        offset, method = self.at, DEFLATED if compress else STORED
        self._append(_local_header(Written(name, method, 0, 0, size, offset)))
        begin = self.at
        crc = self._deflated(parts) if compress else self._stored(parts)
        member = Written(name, method, crc, self.at - begin, size, offset)
        self._replace(offset, _local_header(member))
        self.members.append(member)

    def finish(self) -> None:
        """Write the directory and the end records."""
        directory = b"".join(map(_central_header, self.members))
        tail = directory + _end_records(len(self.members), len(directory), self.at)
        self._append(tail)
        self._flush()
        self.digest = hashlib.sha256(tail).hexdigest()

    def _stored(self, parts: list[bytes | memoryview]) -> int:
        crc = 0
        for part in parts:
            for begin in range(0, len(part), CHUNK):
                chunk = part[begin : begin + CHUNK]
                crc = zlib.crc32(chunk, crc)
                self._append(chunk)
        return crc

    def _deflated(self, parts: list[bytes | memoryview]) -> int:
        crc, stream = 0, zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        for part in parts:
            for begin in range(0, len(part), CHUNK):
                chunk = part[begin : begin + CHUNK]
                crc = zlib.crc32(chunk, crc)
                self._append(stream.compress(chunk))
        self._append(stream.flush())
        return crc

    @property
    def at(self) -> int:
        """The offset at which the next byte comes."""
        return self.written + len(self.pending)

    def _append(self, data: bytes | memoryview) -> None:
        """Put data at the end: at once if they are many, together with others if they are few."""
        if len(data) < CHUNK:
            self.pending += data
        if len(self.pending) >= CHUNK or len(data) >= CHUNK:
            self._flush()
        if len(data) >= CHUNK:
            self._put(data, self.written)
            self.written += len(data)

    def _replace(self, offset: int, data: bytes) -> None:
        """Replace bytes that are in the file, or still to be written."""
        begin = offset - self.written
        if begin >= 0:
            self.pending[begin : begin + len(data)] = data
        else:
            self._flush()
            self._put(data, offset)

    def _flush(self) -> None:
        data, self.pending = self.pending, bytearray()
        self._put(data, self.written)
        self.written += len(data)

    def _put(self, data: bytes | bytearray | memoryview, at: int) -> None:
        view = memoryview(data)
        while view:
            done = os.pwrite(self.descriptor, view, at)
            view, at = view[done:], at + done


def worth_compressing(data: bytes | memoryview) -> bool:
    """Tell, by slices of the data, whether deflate makes them smaller by a tenth."""
    if len(data) < FEW_BYTES:
        return False
    step = len(data) // SLICES // 8 * 8
    sample = b"".join(data[at * step :][:SLICE_BYTES] for at in range(SLICES))
    stream = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return len(stream.compress(sample) + stream.flush()) < WORTH * len(sample)


def _local_header(member: Written) -> bytes:
    large = member.size >= LARGE
    sizes = (ALL_ONES32, ALL_ONES32) if large else (member.compressed, member.size)
    extra = _extra(ZIP64_EXTRA, member.size, member.compressed) if large else b""
    if member.method == STORED:
        extra += _padding(member.offset + LOCAL_HEADER.size + len(member.name) + len(extra))
    version = VERSION64 if large else VERSION
    names = (len(member.name), len(extra))
    fields = (LOCAL, version, 0, member.method, 0, DATE_1980_01_01, member.crc, *sizes, *names)
    return LOCAL_HEADER.pack(*fields) + member.name + extra


def _padding(at: int) -> bytes:
    """Return an extra field that makes what comes after it begin at a multiple of 64."""
    padding = -(at + 6) % ALIGNMENT
    return PADDING_EXTRA.to_bytes(2, "little") + (2 + padding).to_bytes(2, "little") + b"\x40\0" + bytes(padding)


def _central_header(member: Written) -> bytes:
    values = (member.size, member.compressed, member.offset)
    wide = [value for value in values if value >= ALL_ONES32]
    size, compressed, offset = (min(value, ALL_ONES32) for value in values)
    extra = _extra(ZIP64_EXTRA, *wide) if wide else b""
    version = VERSION64 if wide or member.size >= LARGE else VERSION
    versions = (MADE_BY_UNIX | version, version)
    fields = (CENTRAL, *versions, 0, member.method, 0, DATE_1980_01_01, member.crc, compressed, size)
    places = (len(member.name), len(extra), 0, 0, 0, READABLE, offset)
    return CENTRAL_HEADER.pack(*fields, *places) + member.name + extra


def _end_records(count: int, size: int, offset: int) -> bytes:
    end = (END, 0, 0, min(count, ALL_ONES16), min(count, ALL_ONES16), min(size, ALL_ONES32), min(offset, ALL_ONES32), 0)
    if count < ALL_ONES16 and max(size, offset) < ALL_ONES32:
        return END_RECORD.pack(*end)
    versions = (MADE_BY_UNIX | VERSION64, VERSION64)
    record = END_RECORD64.pack(END64, END_RECORD64.size - 12, *versions, 0, 0, count, count, size, offset)
    return record + LOCATOR_RECORD64.pack(LOCATOR64, 0, offset + size, 1) + END_RECORD.pack(*end)


def _extra(identity: int, *values: int) -> bytes:
    data = b"".join(value.to_bytes(8, "little") for value in values)
    return identity.to_bytes(2, "little") + len(data).to_bytes(2, "little") + data
