"""The reference's reader of archives: every rule of pairs.md, section 3, and what is just on its right side."""

from __future__ import annotations

import json
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from spikeparity import RejectedError, load_checkpoint
from zips import Member, archive, deflate, npy

WEIGHTS = np.arange(6.0).reshape(2, 3)
CONTENT = npy(WEIGHTS)
GOOD = Member("layer_0.npy", CONTENT)
NEXT = Member("layer_1.npy", npy(np.ones((1, 2))))
PACKED = replace(GOOD, method=8)
LONG = deflate(CONTENT + b"x" * 50)


def sidecar(layers: int = 1, **members: object) -> bytes:
    sizes = [[3, 2], [2, 1]][:layers]
    total = sum(a * b for a, b in sizes)
    names = [f"n{index}" for index in range(layers)]
    document = {"n_layers": layers, "layer_names": names, "layer_sizes": sizes, "total_params": total}
    return json.dumps(document | members).encode()


def verdict(folder: Path, data: bytes, layers: int = 1) -> tuple[str, str]:
    """Return the code and the path of the rejection, or the empty code."""
    (folder / "p.json").write_bytes(sidecar(layers))
    (folder / "p.npz").write_bytes(data)
    try:
        checkpoint = load_checkpoint(folder / "p")
    except RejectedError as error:
        return error.code, error.path
    assert np.array_equal(checkpoint.weights[0], WEIGHTS)
    return "", ""


def wide(*values: int, identity: int = 1) -> bytes:
    return struct.pack("<HH", identity, 8 * len(values)) + struct.pack(f"<{len(values)}Q", *values)


SATURATED = {"size": 0xFFFFFFFF, "compressed": 0xFFFFFFFF, "offset": 0xFFFFFFFF}
ZIP64 = {**SATURATED, "extra": wide(9, identity=7) + wide(len(CONTENT), len(CONTENT), 0)}
BAD_BLOCK = b"\x07"  # a last block of the type that does not exist


@pytest.mark.parametrize(
    "data",
    [
        archive([GOOD]),
        archive([PACKED]),
        archive([GOOD], zip64={}),
        archive([replace(GOOD, central=ZIP64)]),
        archive([replace(GOOD, central={"flags": 8}, local={"crc": 0, "size": 0, "compressed": 0, "flags": 8})]),
        archive([replace(GOOD, local={"extra": b"any"}, central={"extra": b"\1\0\1\0\0thing"})]),
        archive([replace(PACKED, data=b"\x00\x00\x00\xff\xff" + deflate(CONTENT))]),
    ],
)
def test_sound_archives_are_read(tmp_path: Path, data: bytes) -> None:
    assert verdict(tmp_path, data) == ("", "")


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("not-zip", b""),
        ("not-zip", b"PK\x03"),
        ("not-zip", b"x" + archive([GOOD])),
        ("not-zip", CONTENT),
        ("truncated", b"PK\x03\x04"),
        ("truncated", archive([GOOD])[:-1]),
        ("truncated", archive([GOOD]) + b"\0"),
        ("truncated", archive([GOOD], comment=b"hello")),
        ("end-record", archive([GOOD], disk=1)),
        ("end-record", archive([GOOD], start=1)),
        ("end-record", archive([GOOD], here=2)),
        ("end-record", archive([GOOD], offset=1)),
        ("end-record", archive([GOOD], size=1)),
        ("end-record", archive([GOOD], count=0xFFFF, here=0xFFFF)),
        *(
            ("end-record", archive([GOOD], zip64=fault))
            for fault in (
                {"mark": 1},
                {"locator": 1},
                {"at": 1},
                {"at": 2**63},
                {"disks": 2},
                {"rest": 43},
                {"rest": 45},
                {"disk": 1},
                {"start": 1},
                {"here": 2},
                {"size": 1},
                {"offset": 2**63},
            )
        ),
        ("end-record", archive([GOOD], zip64={}, disk=1)),
        ("entry-count", archive([GOOD, NEXT])),
        ("entry-count", archive([GOOD], zip64={"here": 2**40, "count": 2**40})),
        ("directory", archive([replace(GOOD, central={"extra": bytes(1024)})])),
        ("directory", archive([replace(GOOD, central={"mark": b"PK\x01\x03"})])),
        ("directory", archive([replace(GOOD, central={"disk": 1})])),
        ("directory", archive([GOOD], count=0, here=0)),
        ("directory", archive([replace(GOOD, central=SATURATED)])),
        ("directory", archive([replace(GOOD, central={**SATURATED, "extra": wide(len(CONTENT), len(CONTENT))})])),
        ("directory", archive([replace(GOOD, central={**SATURATED, "extra": wide(1, 2, 3, identity=2)})])),
        ("directory", archive([replace(GOOD, central={"offset": 2**32 - 2})])),
        ("member-path", archive([replace(GOOD, name="a/layer_0.npy")])),
        ("member-path", archive([replace(GOOD, name="a\\layer_0.npy")])),
        ("member-unexpected", archive([replace(GOOD, name="layer_00.npy")])),
        ("member-unexpected", archive([replace(GOOD, name="bias_0.npy")])),
    ],
)
def test_faults_of_the_archive_as_a_whole(tmp_path: Path, code: str, data: bytes) -> None:
    assert verdict(tmp_path, data) == (f"archive.{code}", "")


def test_a_name_must_not_occur_twice_and_every_member_must_be_there(tmp_path: Path) -> None:
    assert verdict(tmp_path, archive([GOOD, GOOD]), layers=2) == ("archive.member-twice", "")
    assert verdict(tmp_path, archive([GOOD]), layers=2) == ("archive.member-missing", "/weights/1")
    assert verdict(tmp_path, archive([])) == ("archive.member-missing", "/weights/0")
    assert verdict(tmp_path, archive([NEXT, GOOD]), layers=2) == ("", "")


@pytest.mark.parametrize(
    ("code", "member"),
    [
        *(("encrypted", replace(GOOD, central={"flags": flags}, local={"flags": flags})) for flags in (1, 64, 8192)),
        *(("compression", replace(GOOD, method=method)) for method in (1, 9, 12, 14)),
        ("local-header", replace(GOOD, local={"method": 8})),
        ("local-header", replace(GOOD, local={"name": b"layer_1.npy"})),
        ("local-header", replace(GOOD, local={"name": b"layer_0.npyx"})),
        ("local-header", replace(GOOD, local={"flags": 1})),
        ("local-header", replace(GOOD, central={"compressed": len(CONTENT) + 1})),
        ("local-header", replace(GOOD, central={"compressed": 2**32 - 2})),
        ("size", replace(GOOD, size=len(CONTENT) - 1)),
        ("size", replace(PACKED, size=8 * 6 + 65_549)),
        ("size", replace(PACKED, size=len(CONTENT) - 1)),
        ("size", replace(PACKED, size=len(CONTENT) + 1)),
        ("size", replace(PACKED, size=0)),
        ("size", replace(PACKED, data=LONG, size=len(CONTENT))),
        ("size", replace(PACKED, data=LONG[:-1], size=len(CONTENT))),
        ("size", replace(PACKED, data=b"\x00\x02\x00\xfd\xffab" + BAD_BLOCK, size=1)),
        ("size", replace(PACKED, data=b"\x00\x01\x00\xfe\xffa" + BAD_BLOCK, size=0)),
        ("data", replace(PACKED, data=b"\x00\x01\x00\xfe\xffa" + BAD_BLOCK, size=1)),
        ("data", replace(PACKED, data=BAD_BLOCK, size=0)),
        ("data", replace(PACKED, data=b"", size=0)),
        ("data", replace(PACKED, data=deflate(CONTENT)[:-1])),
        ("data", replace(PACKED, data=deflate(CONTENT) + b"\0")),
        ("data", replace(PACKED, data=zlib.compress(CONTENT))),
        ("crc", replace(GOOD, crc=1)),
        ("crc", replace(PACKED, crc=1)),
    ],
)
def test_faults_of_one_member(tmp_path: Path, code: str, member: Member) -> None:
    assert verdict(tmp_path, archive([member])) == (f"archive.{code}", "/weights/0")


def test_members_must_not_share_bytes(tmp_path: Path) -> None:
    content = NEXT.content
    inner = archive([NEXT])[: 30 + 11 + len(content)]  # the second member lies within the first one's data
    outer = Member("layer_0.npy", CONTENT + inner)
    shared = [outer, replace(NEXT, central={"offset": 30 + 11 + len(CONTENT)})]
    assert verdict(tmp_path, archive(shared), layers=2) == ("archive.local-header", "/weights/1")
    turned = [replace(NEXT, name="layer_1.npy"), GOOD]
    assert verdict(tmp_path, archive(turned), layers=2) == ("", "")


def test_the_mark_of_a_local_header_is_looked_at(tmp_path: Path) -> None:
    data = archive([GOOD, replace(NEXT, local={"mark": b"PK\x03\x05"})])
    assert verdict(tmp_path, data, layers=2) == ("archive.local-header", "/weights/1")


def test_each_rule_is_applied_to_all_members_before_the_next(tmp_path: Path) -> None:
    first, second = replace(GOOD, method=9), replace(NEXT, central={"flags": 1})
    assert verdict(tmp_path, archive([first, second]), layers=2) == ("archive.encrypted", "/weights/1")
    broken = [replace(NEXT, crc=1), replace(GOOD, crc=1)]
    assert verdict(tmp_path, archive(broken), layers=2) == ("archive.crc", "/weights/0")


@pytest.mark.parametrize("at", [1 << 17, 1 << 18, (1 << 18) + 5])
def test_members_longer_than_a_part_are_read_and_end_where_they_are_cut(tmp_path: Path, at: int) -> None:
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(64, 1025))
    document = {"n_layers": 1, "layer_names": ["a"], "layer_sizes": [[1025, 64]], "total_params": 64 * 1025}
    (tmp_path / "p.json").write_text(json.dumps(document))
    packed = deflate(npy(weights))
    for method, data in ((0, npy(weights)), (8, packed)):
        (tmp_path / "p.npz").write_bytes(archive([Member("layer_0.npy", npy(weights), method, data)]))
        assert np.array_equal(load_checkpoint(tmp_path / "p").weights[0], weights)
    (tmp_path / "p.npz").write_bytes(archive([Member("layer_0.npy", npy(weights), 8, packed[:at])]))
    with pytest.raises(RejectedError, match=r"archive\.data"):
        load_checkpoint(tmp_path / "p")


def bomb_of_declared_elements() -> tuple[bytes, bytes]:
    size = 2**20
    document = {"n_layers": 1, "layer_names": ["a"], "layer_sizes": [[size, size]], "total_params": size * size}
    header = npy(np.zeros(0)).replace(b"(0,), }      ", b"(1048576, 1048576), }"[:13])
    member = Member("layer_0.npy", header, 8, deflate(header), central={"size": 0xFFFFFFFF, "extra": wide(8 * size**2)})
    return json.dumps(document).encode(), archive([member])


def bomb_of_inflated_bytes() -> tuple[bytes, bytes]:
    packed = deflate(bytes(1 << 24))
    return sidecar(), archive([Member("layer_0.npy", CONTENT, 8, packed, size=100)])


def bomb_of_entries() -> tuple[bytes, bytes]:
    count = 200_000
    entry = b"PK\x01\x02" + bytes(42)
    end = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, len(entry) * count, 4)
    end += struct.pack("<IIQI", 0x07064B50, 0, 4 + len(entry) * count, 1)
    end += b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return sidecar(), b"PK\x03\x04" + entry * count + end


@pytest.mark.parametrize(
    ("bomb", "code"),
    [
        (bomb_of_declared_elements, "archive.size"),
        (bomb_of_inflated_bytes, "archive.size"),
        (bomb_of_entries, "archive.entry-count"),
        (lambda: (b" " * ((1 << 24) + 1), b""), "checkpoint.sidecar-size"),
    ],
)
def test_bombs_take_no_memory(tmp_path: Path, bomb: Callable[[], tuple[bytes, bytes]], code: str) -> None:
    text, data = bomb()
    (tmp_path / "p.json").write_bytes(text)
    (tmp_path / "p.npz").write_bytes(data)
    del text, data
    tracemalloc.start()
    with pytest.raises(RejectedError) as caught:
        load_checkpoint(tmp_path / "p")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.code == code
    assert peak < 4 << 20
