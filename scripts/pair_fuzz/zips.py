"""Zip archives out of parts, each of which can be wrong."""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass, field
from random import Random

CENTRAL = struct.Struct("<IHHHHHHIIIHHHHHII")
LOCAL = struct.Struct("<IHHHHHIIIHH")
END = struct.Struct("<IHHHHIIH")
END64 = struct.Struct("<IQHHIIQQQQ")
LOCATOR = struct.Struct("<IIQI")

CENTRAL_FIELDS = (
    *("signature", "made_by", "needs", "flags", "method", "time", "date", "crc", "packed", "size", "name_length"),
    *("extra_length", "comment_length", "disk", "internal", "external", "offset"),
)
LOCAL_FIELDS = (
    *("signature", "needs", "flags", "method", "time", "date", "crc", "packed", "size", "name_length", "extra_length"),
)
END_FIELDS = ("signature", "disk", "directory_disk", "entries_here", "entries", "size", "offset", "comment_length")
END64_FIELDS = (
    *("signature", "record_size", "made_by", "needs", "disk", "directory_disk", "entries_here", "entries", "size"),
    "offset",
)
LOCATOR_FIELDS = ("signature", "disk", "offset", "disks")
SATURATED = {"size": 0xFFFFFFFF, "packed": 0xFFFFFFFF, "offset": 0xFFFFFFFF}


@dataclass
class Entry:
    """A member: its content, and what its headers say in spite of it."""

    name: bytes
    content: bytes
    method: int = 8
    packed: bytes | None = None
    wide: tuple[str, ...] = ()
    extra: bytes = b""
    local_extra: bytes = b""
    comment: bytes = b""
    gap: bytes = b""
    central: dict[str, int] = field(default_factory=dict)
    local: dict[str, int] = field(default_factory=dict)
    local_name: bytes | None = None

    def data(self) -> bytes:
        """Return what is stored."""
        if self.packed is not None:
            return self.packed
        return deflated(self.content) if self.method == 8 else self.content


@dataclass
class Zip:
    """An archive: its entries in the order of their data, the order of the directory, and what the end records say."""

    entries: list[Entry]
    order: list[int]
    wide: bool = False
    prefix: bytes = b""
    suffix: bytes = b""
    before_directory: bytes = b""
    end: dict[str, int] = field(default_factory=dict)
    end64: dict[str, int] = field(default_factory=dict)
    locator: dict[str, int] = field(default_factory=dict)
    end64_more: bytes = b""

    def bytes(self) -> bytes:
        """Return the archive."""
        out = bytearray(self.prefix)
        headers = []
        for entry in self.entries:
            out += entry.gap
            headers.append(_central(entry, len(out)))
            out += _local(entry) + entry.data()
        out += self.before_directory
        start = len(out)
        for number in self.order:
            out += headers[number]
        return bytes(out) + self._end(start, len(out) - start) + self.suffix

    def _end(self, start: int, size: int) -> bytes:
        count = len(self.order)
        narrow = dict(zip(END_FIELDS, (0x06054B50, 0, 0, count, count, size, start, 0), strict=True))
        wide = b""
        if self.wide:
            narrow |= {"entries_here": 0xFFFF, "entries": 0xFFFF, "size": 0xFFFFFFFF, "offset": 0xFFFFFFFF}
            record = 44 + len(self.end64_more)
            values = (0x06064B50, record, 45, 45, 0, 0, count, count, size, start)
            wide = _packed(END64, END64_FIELDS, values, self.end64) + self.end64_more
            wide += _packed(LOCATOR, LOCATOR_FIELDS, (0x07064B50, 0, start + size, 1), self.locator)
        return wide + _packed(END, END_FIELDS, tuple(narrow.values()), self.end)


def _packed(layout: struct.Struct, names: tuple[str, ...], values: tuple[int, ...], changes: dict[str, int]) -> bytes:
    sizes = {"B": 8, "H": 16, "I": 32, "Q": 64}
    widths = [sizes[letter] for letter in layout.format[1:]]
    fields = dict(zip(names, values, strict=True)) | changes
    return layout.pack(*(value & ((1 << width) - 1) for value, width in zip(fields.values(), widths, strict=True)))


def _facts(entry: Entry) -> dict[str, int]:
    data = entry.data()
    return {"crc": zlib.crc32(entry.content), "packed": len(data), "size": len(entry.content)}


def _central(entry: Entry, offset: int) -> bytes:
    facts = _facts(entry) | {"offset": offset}
    values = b"".join(struct.pack("<Q", facts[name]) for name in ("size", "packed", "offset") if name in entry.wide)
    extra = entry.extra + (struct.pack("<HH", 1, len(values)) + values if entry.wide else b"")
    facts |= {name: SATURATED[name] for name in entry.wide}
    fields = (0x02014B50, 45, 20, 0, entry.method, 0, 33, facts["crc"], facts["packed"], facts["size"])
    lengths = (len(entry.name), len(extra), len(entry.comment), 0, 0, 0, facts["offset"])
    return _packed(CENTRAL, CENTRAL_FIELDS, fields + lengths, entry.central) + entry.name + extra + entry.comment


def _local(entry: Entry) -> bytes:
    name = entry.name if entry.local_name is None else entry.local_name
    facts = _facts(entry)
    fields = (0x04034B50, 20, 0, entry.method, 0, 33, facts["crc"], facts["packed"], facts["size"])
    return (
        _packed(LOCAL, LOCAL_FIELDS, (*fields, len(name), len(entry.local_extra)), entry.local)
        + name
        + (entry.local_extra)
    )


def deflated(content: bytes, level: int = 6, flush: int | None = None) -> bytes:
    """Return a raw deflate stream; `flush` (a mode of zlib) puts a block boundary into its middle."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    half = len(content) // 2
    first = packer.compress(content[:half]) + (packer.flush(flush) if flush is not None else b"")
    return first + packer.compress(content[half:]) + packer.flush()


def digest(archive: bytes) -> str | None:
    """Return the digest of an archive as its end record tells, None where it has none that could be followed."""
    if len(archive) < 22 or archive[-22:-18] != b"PK\5\6":
        return None
    offset = struct.unpack_from("<I", archive, len(archive) - 6)[0]
    if offset == 0xFFFFFFFF and len(archive) >= 98:
        place = struct.unpack_from("<Q", archive, len(archive) - 34)[0]
        if place > len(archive) - 56:
            return None
        offset = struct.unpack_from("<Q", archive, place + 48)[0]
    return hashlib.sha256(archive[offset:]).hexdigest() if offset < len(archive) else None


# -- changes ----------------------------------------------------------------------------------------------------------


def change(archive: Zip, rng: Random) -> None:
    """Put one fault, or an oddity that is none, into an archive."""
    targets = [_change_end, _change_order, _change_padding]
    if archive.entries:
        targets += [_change_entry] * 6
    rng.choice(targets)(archive, rng)


def _near(rng: Random, value: int = 0) -> int:
    edges = (0, 1, 2, 7, 8, 20, 22, 45, 0xFFFF, 0xFFFE, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF, 1 << 32, (1 << 63), -1)
    return rng.choice((value + rng.choice((-2, -1, 1, 2)), rng.choice(edges), rng.randrange(1 << 16)))


def _change_end(archive: Zip, rng: Random) -> None:
    x = rng.random()
    if x < 0.2:
        archive.wide = not archive.wide
    elif x < 0.55:
        archive.end[rng.choice(END_FIELDS)] = _near(rng)
    elif x < 0.8:
        archive.wide = True
        archive.end64[rng.choice(END64_FIELDS)] = _near(rng, 44)
    elif x < 0.9:
        archive.wide = True
        archive.locator[rng.choice(LOCATOR_FIELDS)] = _near(rng)
    else:
        archive.wide = True
        archive.end64_more = bytes(rng.choice((1, 4, 20)))


def _change_order(archive: Zip, rng: Random) -> None:
    x = rng.random()
    if x < 0.3:
        rng.shuffle(archive.order)
    elif x < 0.6 and archive.order:
        archive.order.insert(rng.randint(0, len(archive.order)), rng.choice(archive.order))
    elif archive.order:
        del archive.order[rng.randrange(len(archive.order))]


def _change_padding(archive: Zip, rng: Random) -> None:
    some = rng.choice((b"\0", b"PK\3\4", b"PK\5\6", b"x" * 22, bytes(64), b"\n"))
    setattr(archive, rng.choice(("prefix", "suffix", "before_directory")), some)


NAMES = (b"layer_0.npy", b"layer_1.npy", b"bias_0.npy", b"layer_00.npy", b"LAYER_0.NPY", b"layer_0", b"../layer_0.npy")
NAMES += (b"a/layer_0.npy", b"layer_0.npy\0", b"", b"a\\b.npy", b"\xff.npy", "läyer_0.npy".encode(), b"/layer_0.npy")


def _change_entry(archive: Zip, rng: Random) -> None:
    entry = rng.choice(archive.entries)
    rng.choice(ENTRY_CHANGES)(entry, rng)


def _central_field(entry: Entry, rng: Random) -> None:
    name = rng.choice(CENTRAL_FIELDS)
    if name == "flags":
        entry.central[name] = 1 << rng.randrange(16)
        if rng.random() < 0.5:
            entry.local[name] = entry.central[name]
    elif name == "method":
        entry.central[name] = entry.local[name] = rng.choice((0, 1, 8, 9, 12, 14, 93, 99))
    else:
        known = {"size": len(entry.content), "packed": len(entry.data()), "crc": zlib.crc32(entry.content)}
        entry.central[name] = _near(rng, known.get(name, 0))


def _local_field(entry: Entry, rng: Random) -> None:
    entry.local[rng.choice(LOCAL_FIELDS)] = _near(rng)


def _names(entry: Entry, rng: Random) -> None:
    if rng.random() < 0.5:
        entry.name = rng.choice(NAMES)
    else:
        entry.local_name = rng.choice(NAMES)


def _widen(entry: Entry, rng: Random) -> None:
    entry.wide = tuple(name for name in ("size", "packed", "offset") if rng.random() < 0.6)
    if rng.random() < 0.3:
        entry.central["extra_length"] = rng.choice((0, 4, 11, 12, 20, 28, 29))


def _extras(entry: Entry, rng: Random) -> None:
    pieces = (
        b"\x01\0\0\0",
        b"\x01\0\x08\0" + bytes(8),
        b"\x75\x70\x05\0abcde",
        b"\0\0",
        b"\x01\0\xff\xff",
        b"x" * 1100,
    )
    setattr(entry, rng.choice(("extra", "local_extra", "comment", "gap")), rng.choice(pieces))


def _stream(entry: Entry, rng: Random) -> None:
    data = deflated(entry.content, rng.choice((0, 1, 6, 9)), rng.choice((None, zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH)))
    x = rng.random()
    if x < 0.15:
        data += rng.choice((b"\0", b"\x03\0", b"junk"))
    elif x < 0.3:
        data = data[: rng.randrange(len(data) + 1)]
    elif x < 0.4:
        data = zlib.compress(entry.content)
    elif x < 0.55:
        data = damaged(data, rng)
    elif x < 0.7:
        data = deflated(entry.content + rng.choice((b"\0", bytes(8), bytes(300), bytes(70000))))
    elif x < 0.75:
        data = b""
    entry.packed = data
    entry.method = 8


def _store(entry: Entry, rng: Random) -> None:
    entry.method, entry.packed = 0, None
    if rng.random() < 0.5:
        entry.packed = rng.choice((entry.content + b"\0", entry.content[:-1], b""))


ENTRY_CHANGES = (_central_field, _central_field, _local_field, _names, _widen, _extras, _stream, _stream, _store)


def damaged(data: bytes, rng: Random) -> bytes:
    """Return bytes with one small damage: a flip, a byte of any value, some dropped, doubled or cut off."""
    if not data:
        return data
    at = rng.randrange(len(data))
    x = rng.random()
    if x < 0.4:
        return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
    if x < 0.6:
        return data[:at] + bytes([rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))]) + data[at + 1 :]
    if x < 0.75:
        return data[:at] + data[at + rng.randint(1, 4) :]
    if x < 0.9:
        return data[:at] + data[at : at + rng.randint(1, 16)] + data[at:]
    return data[:at]
