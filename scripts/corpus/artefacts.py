"""Files that cases speak of: checkpoint pairs and archives, sound and hostile, made byte by byte.

What writes them here is no zip library: every field of every header can be set, and deflate streams are put together
from blocks, because another version of zlib would make other bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

STORED, DEFLATE = 0, 8
DATE = 33  # 1980-01-01 in the coding of MS-DOS

# ---- arrays ----------------------------------------------------------------------------------------------------------

FORMATS = {"f2": "e", "f4": "f", "f8": "d", "i1": "b", "i2": "h", "i4": "i", "i8": "q"}
FORMATS |= {"u1": "B", "u2": "H", "u4": "I", "u8": "Q"}


def header(descr: str = "'<f8'", shape: Any = (), fortran: Any = False) -> str:
    """The text of a header as NumPy writes it, without its padding; the type with its quotation marks."""
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}"


def framed(text: str | bytes, data: bytes = b"", version: tuple[int, int] = (1, 0), align: int = 64) -> bytes:
    """An npy file with this text for a header, padded to a multiple of `align` (1: not at all), and this data."""
    text = text.encode() if isinstance(text, str) else text
    width = 2 if version[0] == 1 else 4
    padding = -(8 + width + len(text) + 1) % align
    text += b" " * padding + b"\n"
    return b"\x93NUMPY" + bytes(version) + len(text).to_bytes(width, "little") + text + data


def npy(
    values: Sequence[float], shape: tuple[int, ...], dtype: str = "<f8", version: tuple[int, int] = (1, 0)
) -> bytes:
    """An npy file of these elements in C order."""
    return framed(header(f"'{dtype}'", shape), packed(values, dtype), version)


def packed(values: Iterable[float], dtype: str = "<f8") -> bytes:
    """The bytes of elements; the type without quotation marks."""
    order = dtype[0] if dtype[0] != "|" else "<"
    return b"".join(struct.pack(order + FORMATS[dtype[1:]], value) for value in values)


# ---- deflate ---------------------------------------------------------------------------------------------------------


class Bits:
    """Bits of a deflate stream, the first in the lowest place (RFC 1951, section 3.1.1)."""

    def __init__(self) -> None:
        self.value = 0
        self.count = 0

    def put(self, value: int, count: int) -> Bits:
        """Append a number, its lowest bit first."""
        self.value |= value << self.count
        self.count += count
        return self

    def code(self, value: int, count: int) -> Bits:
        """Append a Huffman code, its highest bit first."""
        return self.put(int(f"{value:0{count}b}"[::-1], 2), count)

    def literal(self, byte: int) -> Bits:
        """Append a literal, or 256 for the end, in the fixed code (section 3.2.6)."""
        if byte < 144:
            return self.code(0x30 + byte, 8)
        return self.code(0x190 + byte - 144, 9) if byte < 256 else self.code(byte - 256, 7)

    def bytes(self) -> bytes:
        """The stream so far, filled up with zero bits."""
        return self.value.to_bytes((self.count + 7) // 8, "little")


def fixed(content: bytes, end: bool = True) -> bytes:
    """A stream of one block of literals in the fixed code; without `end` its end-of-block code is missing."""
    bits = Bits().put(1, 1).put(1, 2)
    for byte in content:
        bits.literal(byte)
    return (bits.literal(256) if end else bits).bytes()


def blocks(content: bytes, last: bool = True) -> bytes:
    """A stream of one stored block; without `last` another one is due."""
    size = len(content)
    return bytes([1 if last else 0]) + struct.pack("<2H", size, size ^ 0xFFFF) + content


def runs(content: bytes) -> bytes:
    """A stream of one block in the fixed code, in which runs of a byte are copies at distance 1."""
    bits = Bits().put(1, 1).put(1, 2)
    at = 0
    while at < len(content):
        run = len(content) - at - len(content[at:].lstrip(content[at : at + 1]))
        bits.literal(content[at])
        at += run
        run -= 1
        for _ in range(run // 258):
            bits.code(0xC5, 8).code(0, 5)  # length 258, distance 1
        for _ in range(run % 258 // 3):
            bits.code(1, 7).code(0, 5)  # length 3, distance 1
        for _ in range(run % 258 % 3):
            bits.literal(content[at - 1])
    return bits.literal(256).bytes()


# ---- zip -------------------------------------------------------------------------------------------------------------


@dataclass
class Part:
    """A member of an archive as it is to be written.

    Attributes:
        name: Its name in both headers.
        content: Its bytes before compression; size and CRC-32 follow from them.
        method: Of both headers.
        raw: Its bytes as they are in the archive, where they are not the content.
        flags: Of both headers.
        central, local: Fields of a header that are to be other than they should be, by the names in `CENTRAL`, `LOCAL`;
            `name`, `extra` and `comment` are bytes.
        gap: Bytes before its local header.
        tail: Bytes behind its data, such as a data descriptor.
        hidden: Whether the directory does not list it.
        elsewhere: The name of the part whose local header the directory points to instead of one of its own.
    """

    name: str
    content: bytes
    method: int = STORED
    raw: bytes | None = None
    flags: int = 0
    central: dict[str, Any] = field(default_factory=dict)
    local: dict[str, Any] = field(default_factory=dict)
    gap: bytes = b""
    tail: bytes = b""
    hidden: bool = False
    elsewhere: str = ""

    @property
    def data(self) -> bytes:
        """The bytes in the archive."""
        return self.content if self.raw is None else self.raw


LOCAL = ("version", "flags", "method", "time", "date", "crc", "compressed", "size", "name_bytes", "extra_bytes")
CENTRAL = ("made", *LOCAL, "comment_bytes", "disk", "internal", "external", "offset")


def zipped(
    parts: Sequence[Part],
    *,
    listed: Sequence[str] | None = None,
    end: dict[str, Any] | None = None,
    zip64: dict[str, Any] | None = None,
    before: bytes = b"",
    padding: bytes = b"",
    behind: bytes = b"",
    prefix: bytes = b"",
) -> bytes:
    """An archive.

    Args:
        parts: Its members, in the order of their data.
        listed: The names in the order of the directory, where it is another one.
        end: Fields of the end record to be other than they should be: `signature`, `disk`, `directory_disk`, `here`,
            `count`, `size`, `offset`, `comment_bytes`.
        zip64: Where given, there are a zip64 end record and a locator; fields to be other (locator: `l_`).
        before: Bytes between the last member and the directory.
        padding: Bytes at the end of the directory that count for its size.
        behind: Bytes behind everything.
        prefix: Bytes before everything, to which the offsets are adapted.
    """
    out = bytearray(prefix)
    headers: dict[str, bytes] = {}
    offsets: dict[str, int] = {}
    for part in parts:
        out += part.gap
        offsets[part.name] = offsets[part.elsewhere] if part.elsewhere else len(out)
        if not part.elsewhere:
            out += _local(part) + part.data + part.tail
        if not part.hidden:
            key = part.name if part.name not in headers else f"{part.name}#"
            headers[key] = _central(part, offsets[part.name])
    out += before
    directory = b"".join(headers[name] for name in (listed or headers)) + padding
    offset = len(out)
    out += directory
    fields = {"disk": 0, "directory_disk": 0, "here": len(headers), "count": len(headers)}
    fields |= {"size": len(directory), "offset": offset}
    if zip64 is not None:
        out += _zip64(fields, zip64, len(out))
    out += _end(fields | {"signature": b"PK\x05\x06", "comment_bytes": 0} | (end or {}))
    return bytes(out) + behind


def _values(part: Part) -> dict[str, Any]:
    name = part.name.encode()
    values = {"version": 20, "flags": part.flags, "method": part.method, "time": 0, "date": DATE}
    values |= {"crc": zlib.crc32(part.content), "compressed": len(part.data), "size": len(part.content)}
    return values | {"signature": b"", "name": name, "extra": b"", "comment": b""}


def _local(part: Part) -> bytes:
    values = _values(part) | {"signature": b"PK\x03\x04"} | part.local
    values = {"name_bytes": len(values["name"]), "extra_bytes": len(values["extra"])} | values
    fields = struct.pack("<5H3L2H", *(values[name] for name in LOCAL))
    return bytes(values["signature"] + fields + values["name"] + values["extra"])


def _central(part: Part, offset: int) -> bytes:
    values = _values(part) | {"signature": b"PK\x01\x02", "made": 20, "disk": 0, "internal": 0, "external": 0}
    values |= {"offset": offset} | part.central
    lengths = {f"{name}_bytes": len(values[name]) for name in ("name", "extra", "comment")}
    values = lengths | values
    fields = struct.pack("<6H3L5H2L", *(values[name] for name in CENTRAL))
    return bytes(values["signature"] + fields + values["name"] + values["extra"] + values["comment"])


def _zip64(fields: dict[str, int], changes: dict[str, Any], at: int) -> bytes:
    values = {"signature": b"PK\x06\x06", "rest": 44, "made": 45, "version": 45, "more": b""} | fields
    values |= {"l_signature": b"PK\x06\x07", "l_disk": 0, "l_offset": at, "l_disks": 1} | changes
    names = ("rest", "made", "version", "disk", "directory_disk", "here", "count", "size", "offset")
    record = values["signature"] + struct.pack("<Q2H2L4Q", *(values[name] for name in names)) + values["more"]
    locator = struct.pack("<LQL", values["l_disk"], values["l_offset"], values["l_disks"])
    return bytes(record + values["l_signature"] + locator)


def _end(values: dict[str, Any]) -> bytes:
    names = ("disk", "directory_disk", "here", "count", "size", "offset", "comment_bytes")
    return bytes(values["signature"] + struct.pack("<4H2LH", *(values[name] for name in names)))


def zip64_extra(*values: int) -> bytes:
    """An extra field with these 8-byte values."""
    return struct.pack(f"<2H{len(values)}Q", 1, 8 * len(values), *values)


def digest(archive: bytes) -> str:
    """The digest of an archive without zip64 records: from its first central header to its end."""
    offset = int.from_bytes(archive[-6:-2], "little")
    return hashlib.sha256(archive[offset:]).hexdigest()


# ---- sidecars --------------------------------------------------------------------------------------------------------

WEIGHTS = {"layer_0": ((2, 3), [0.5, -0.25, 1.0, 0.125, 0.0, -1.0]), "layer_1": ((1, 2), [1.5, -0.5])}
BIASES = {"bias_0": ((2,), [0.25, -0.125]), "bias_1": ((1,), [0.5])}


def sidecar(**changes: Any) -> dict[str, Any]:
    """The sidecar of two layers, 3 -> 2 -> 1, in format 1; a change replaces a member or adds one at the end."""
    return {
        "n_layers": 2,
        "layer_names": ["encoder", "head"],
        "layer_sizes": [[3, 2], [2, 1]],
        "total_params": 8,
    } | changes


def stored_layer(l: int, bias: bool = True, **neuron: Any) -> dict[str, Any]:  # noqa: E741
    """Layer l of a stored network: references to its members, integrate-and-fire neurons with threshold 1."""
    arrays = {"weights": {"member": f"layer_{l}"}} | ({"bias": {"member": f"bias_{l}"}} if bias else {})
    return arrays | {"neuron": {"model": "if", "threshold": 1.0} | neuron}


def stored_network(*layers: Any, **changes: Any) -> dict[str, Any]:
    """The network of the two layers of `sidecar`, both with a bias unless others are given."""
    return {"layers": list(layers) or [stored_layer(0), stored_layer(1)]} | changes


def sidecar2(network: Any = None, **changes: Any) -> dict[str, Any]:
    """The sidecar of `stored_network`, in format 2."""
    stored = stored_network() if network is None else network
    return sidecar(total_params=11, format_version=2, network=stored) | changes


def members(*names: str, dtype: str = "<f8", method: int = STORED) -> list[Part]:
    """Members of the two layers by their names, in the order given."""
    arrays = WEIGHTS | BIASES
    parts = []
    for name in names or WEIGHTS:
        shape, values = arrays[name]
        content = npy(values, shape, dtype)
        parts.append(Part(f"{name}.npy", content, method, fixed(content) if method == DEFLATE else None))
    return parts


DUE2 = ("layer_0", "bias_0", "layer_1", "bias_1")

ARCHIVE = zipped(members())
ARCHIVE2 = zipped(members(*DUE2))


# ---- what there is ---------------------------------------------------------------------------------------------------

FILES: dict[str, tuple[bytes, str]] = {}
"""Every artefact: its path below the corpus, its bytes, and what was done to it."""

LARGEST = 64 << 10
TOGETHER = 1_500_000


def keep(path: str, content: bytes, done: str) -> None:
    """Take note of an artefact; raises ValueError for a path used twice and for a file that is too large."""
    if path in FILES:
        raise ValueError(f"two artefacts have the path {path}")
    if len(content) > LARGEST:
        raise ValueError(f"{path} has {len(content)} bytes, at most {LARGEST} are kept in the repository")
    FILES[path] = (content, done)


def keep_pair(base: str, document: Any, archive: bytes | None, done: str) -> None:
    """Take note of a pair; a document of bytes is the text of the sidecar itself, None is a file that is not there."""
    if document is not None:
        text = document if isinstance(document, bytes) else json.dumps(document, ensure_ascii=False).encode() + b"\n"
        keep(f"{base}.json", text, done)
    if archive is not None:
        keep(f"{base}.npz", archive, done)


def manifest() -> bytes:
    """The text of the manifest: of every artefact its SHA-256, its size and what was done to it."""
    if sum(len(content) for content, _ in FILES.values()) > TOGETHER:
        raise ValueError(f"the artefacts have more than {TOGETHER} bytes together")
    rows = {
        path: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "done": done}
        for path, (content, done) in sorted(FILES.items())
    }
    lines = ",\n".join(f"  {json.dumps(path)}: {json.dumps(row, ensure_ascii=False)}" for path, row in rows.items())
    return f"{{\n{lines}\n}}\n".encode()


def unpacked64(text: str) -> bytes:
    """Bytes written as base64."""
    return base64.b64decode(text)
