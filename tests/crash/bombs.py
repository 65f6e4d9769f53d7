"""Pairs that are small or cheap on disk and would fill the memory of a trusting reader; made when they are needed."""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crash.pairs import checkpoint, npy, pair_of

GIB, MIB = 1 << 30, 1 << 20
SIDE = 1 << 20
ENTRIES = 10**6


@dataclass(frozen=True)
class Bomb:
    """A hostile pair.

    Attributes:
        name: What tables call it.
        make: Writes it at a base.
        code: The due rule.
        path: The due path.
    """

    name: str
    make: Callable[[Path], None]
    code: str
    path: str


def sidecar_of(inputs: int, outputs: int, **more: Any) -> dict[str, Any]:
    """Return the sidecar of a pair of one layer."""
    sizes = {"n_layers": 1, "layer_names": ["a"], "layer_sizes": [[inputs, outputs]], "total_params": inputs * outputs}
    return sizes | more


def zeros_deflated(head: bytes, size: int) -> bytes:
    """Return a raw deflate stream of `head` and then `size` zeros (whole MiB), without inflating them here."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    # After a full flush the stream refers to nothing before it, so that one flushed MiB can be repeated.
    one = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + one * (size // MIB) + packer.flush()


def zip_of(name: str, method: int, stored: bytes, size: int, crc: int) -> bytes:
    """Return a zip of one member whose headers declare `size`; beyond 32 bits in a zip64 extra field."""
    zip64 = size >= 0xFFFFFFFF
    extra = struct.pack("<HHQ", 1, 8, size) if zip64 else b""
    declared = 0xFFFFFFFF if zip64 else size
    common = struct.pack("<HHHHHIIIHH", 45, 0, method, 0, 33, crc, len(stored), declared, len(name), len(extra))
    local = b"PK\3\4" + common + name.encode() + extra
    central = b"PK\1\2" + struct.pack("<H", 45) + common + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name.encode() + extra
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local) + len(stored), 0)
    return local + stored + central + end


def put(base: Path, sidecar: dict[str, Any], archive: bytes) -> None:
    """Write a pair."""
    base.with_name(base.name + ".json").write_text(json.dumps(sidecar))
    base.with_name(base.name + ".npz").write_bytes(archive)


def inflating(declared: int | None) -> Callable[[Path], None]:
    """A member of shape (2, 3) that inflates to 1 GiB more; its headers say so, or declare another size."""

    def make(base: Path) -> None:
        head = npy((2, 3), [0.0] * 6)
        size = len(head) + GIB if declared is None else declared
        put(base, sidecar_of(3, 2), zip_of("layer_0.npy", 8, zeros_deflated(head, GIB), size, zlib.crc32(head)))

    return make


def zeros(side: int) -> Callable[[Path], None]:
    """No bomb: a sound pair of one matrix of zeros."""

    def make(base: Path) -> None:
        content = npy((side, side), []) + bytes(8 * side * side)
        packed = zeros_deflated(npy((side, side), []), 8 * side * side)
        archive = zip_of("layer_0.npy", 8, packed, len(content), zlib.crc32(content))
        put(base, sidecar_of(side, side), archive)

    return make


def vast_header(base: Path) -> None:
    """Sidecar and npy header declare 2^40 elements; eight bytes are there, and the zip says so."""
    data = npy((SIDE, SIDE), [0.0])
    put(base, sidecar_of(SIDE, SIDE), zip_of("layer_0.npy", 0, data, len(data), zlib.crc32(data)))


def vast_declaration(base: Path) -> None:
    """The zip declares the 2^43 bytes too."""
    data = npy((SIDE, SIDE), [0.0])
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(data) + packer.flush()
    put(
        base,
        sidecar_of(SIDE, SIDE),
        zip_of("layer_0.npy", 8, packed, len(data) - 8 + 8 * SIDE * SIDE, zlib.crc32(data)),
    )


def crowded(bind: Callable[[bytes], str] | None, count: int = ENTRIES) -> Callable[[Path], None]:
    """A directory of 10^6 entries, which the end record declares as `count`; the sidecar may have a digest."""

    def make(base: Path) -> None:
        pair = pair_of(checkpoint(1.0, [(3, 2)]), bound=False)
        name = b"layer_0.npy"
        common = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 33, 0, 0, 0, len(name), 0)
        header = b"PK\1\2" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
        directory = header * ENTRIES
        local = b"PK\3\4" + bytes(26)
        start, size = len(local), len(directory)
        end64 = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, size, start)
        locator = b"PK\6\7" + struct.pack("<IQI", 0, start + size, 1)
        end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, size, start, 0)
        tail = directory + end64 + locator + end
        sidecar = pair.sidecar | ({"archive_digest": bind(tail)} if bind else {})
        put(base, sidecar, local + tail)

    return make


def long_sidecar(base: Path) -> None:
    """A sidecar of 200 MB: a valid one, white space after it."""
    pair = pair_of(checkpoint(1.0, [(3, 2)]))
    pair.write(base)
    with base.with_name(base.name + ".json").open("ab") as file:
        for _ in range(200):
            file.write(b" " * 10**6)


def long_archive(base: Path) -> None:
    """An archive of 8 GiB, nearly all of it a hole."""
    pair_of(checkpoint(1.0, [(3, 2)]), bound=False).write(base)
    with base.with_name(base.name + ".npz").open("r+b") as file:
        file.truncate(8 * GIB)


DUE = len(npy((2, 3), [0.0] * 6))
BOMBS = (
    Bomb("member of 1 GiB, declared", inflating(None), "archive.size", "/weights/0"),
    Bomb("member of 1 GiB, declared as its shape needs", inflating(DUE), "archive.size", "/weights/0"),
    Bomb("member of 1 GiB, declared at the limit", inflating(48 + 65548), "archive.size", "/weights/0"),
    Bomb("2^40 elements in sidecar and header", vast_header, "npy.length", "/weights/0"),
    Bomb("2^40 elements in sidecar, header and zip", vast_declaration, "archive.size", "/weights/0"),
    Bomb("directory of 10^6 entries", crowded(None), "archive.entry-count", ""),
    Bomb("the same, bound", crowded(lambda tail: hashlib.sha256(tail).hexdigest()), "archive.entry-count", ""),
    Bomb("the same, bound to another", crowded(lambda tail: "0" * 64), "archive.digest", ""),
    Bomb("directory of 10^6 entries, declared as 1", crowded(None, 1), "archive.directory", ""),
    Bomb("sidecar of 200 MB", long_sidecar, "checkpoint.sidecar-size", ""),
    Bomb("archive of 8 GiB", long_archive, "archive.truncated", ""),
)
