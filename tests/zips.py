"""Zip archives put together byte by byte, so that a test can get any field wrong."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np


def npy(array: Any) -> bytes:
    """Return an array as NumPy writes it."""
    target = io.BytesIO()
    np.save(target, np.asarray(array))
    return target.getvalue()


def deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


@dataclass
class Member:
    """A member; what is None is as it should be, and `local` and `central` replace fields of the headers."""

    name: str
    content: bytes
    method: int = 0
    data: bytes | None = None
    size: int | None = None
    crc: int | None = None
    extra: bytes = b""
    local: dict[str, Any] = field(default_factory=dict)
    central: dict[str, Any] = field(default_factory=dict)


def headers(member: Member, data: bytes, offset: int) -> tuple[bytes, bytes]:
    """Return the local and the central header of a member."""
    fields = {
        "flags": 0,
        "method": member.method,
        "crc": zlib.crc32(member.content) if member.crc is None else member.crc,
        "compressed": len(data),
        "size": len(member.content) if member.size is None else member.size,
        "name": member.name.encode(),
        "offset": offset,
        "disk": 0,
        "extra": b"",
    }
    local = {**fields, "mark": b"PK\x03\x04", **member.local}
    central = {**fields, "mark": b"PK\x01\x02", "extra": member.extra, **member.central}
    first, second = (
        struct.pack(
            "<HHHHIIIHH",
            *(h["flags"], h["method"], 0, 33, h["crc"], h["compressed"], h["size"], len(h["name"]), len(h["extra"])),
        )
        for h in (local, central)
    )
    tail = struct.pack("<HHHII", 0, central["disk"], 0, 0, central["offset"])
    return (
        local["mark"] + b"\x14\0" + first + local["name"] + local["extra"],
        central["mark"] + b"\x14\0\x14\0" + second + tail + central["name"] + central["extra"],
    )


def archive(members: list[Member], *, zip64: dict[str, int] | None = None, **end: Any) -> bytes:
    """Return an archive; `end` replaces fields of the end record, `zip64` those of a zip64 end record and locator."""
    body, directory = b"", b""
    for member in members:
        data = member.data
        if data is None:
            data = deflate(member.content) if member.method == 8 else member.content
        local, central = headers(member, data, len(body))
        body += local + data
        directory += central
    fields = {
        "disk": 0,
        "start": 0,
        "here": len(members),
        "count": len(members),
        "size": len(directory),
        "offset": len(body),
    }
    records = b""
    if zip64 is not None:
        at = len(body) + len(directory)
        wide = {**fields, "rest": 44, "at": at, "disks": 1, "mark": 0x06064B50, "locator": 0x07064B50, **zip64}
        keys = ("disk", "start", "here", "count", "size", "offset")
        records = struct.pack("<IQHHIIQQQQ", wide["mark"], wide["rest"], 45, 45, *(wide[key] for key in keys))
        records += struct.pack("<IIQI", wide["locator"], 0, wide["at"], wide["disks"])
        fields |= {"here": 0xFFFF, "count": 0xFFFF, "size": 0xFFFFFFFF, "offset": 0xFFFFFFFF}
    fields |= {"comment": b"", **end}
    numbers = (fields[key] for key in ("disk", "start", "here", "count", "size", "offset"))
    record = b"PK\x05\x06" + struct.pack("<HHHHIIH", *numbers, len(fields["comment"])) + fields["comment"]
    return body + directory + records + record
