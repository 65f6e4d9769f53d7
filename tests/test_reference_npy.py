"""The reference's reader of npy files: the grammar of headers, the types, and the values bit for bit."""

from __future__ import annotations

import hashlib
import io
import struct
from typing import Any

import numpy as np
import pytest
from spikeparity import RejectedError
from spikeparity.transfer import npy

LEAVES = npy.Leaves("/weights/0")
VALUES = np.arange(6, dtype="<f8").reshape(2, 3)
HEADER = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }"


def file(header: str | bytes, data: bytes = VALUES.tobytes(), version: bytes = b"\x01\x00") -> bytes:
    raw = header.encode("latin-1") if isinstance(header, str) else header
    return b"\x93NUMPY" + version + struct.pack("<H" if version[0] == 1 else "<I", len(raw)) + raw + data


def read(content: bytes, due: tuple[int, ...] | None = (2, 3)) -> Any:
    return npy.to_float64(np.frombuffer(content, dtype=np.uint8), due, LEAVES)


def code(content: bytes, due: tuple[int, ...] | None = (2, 3)) -> tuple[str, str]:
    with pytest.raises(RejectedError) as caught:
        read(content, due)
    return caught.value.code, caught.value.path


@pytest.mark.parametrize(
    "header",
    [
        HEADER,
        "",
        "{'descr':'<f8','fortran_order':False,'shape':(2,3)}",
        '\t\n{\r"shape" : ( 2 ,\n3 , ) , "fortran_order" : False , "descr" : "<f8" } \n',
        "{'shape': (2, 3), 'descr': '<f8', 'fortran_order': False,}",
    ],
)
@pytest.mark.parametrize("version", [b"\x01\x00", b"\x02\x00", b"\x03\x00"])
def test_headers_of_the_grammar(header: str, version: bytes) -> None:
    assert np.array_equal(read(file(header or HEADER + " " * 70_000 * (version[0] - 1), version=version)), VALUES)


@pytest.mark.parametrize(
    "header",
    [
        " ",
        "{}",
        "{,}",
        HEADER[1:],
        HEADER[:-1],
        HEADER + "x",
        HEADER + "\0",
        HEADER + "\x0b",
        HEADER.replace("'<f8'", "'<f8\xe9'"),
        HEADER.replace(", }", ",, }"),
        HEADER.replace(", 'fortran", " 'fortran"),
        *(HEADER.replace("'descr'", key) for key in ("'descR'", "\"descr'", "b'descr'", "descr", "'de\\x73cr'")),
        *(HEADER.replace(part, "") for part in ("'descr': '<f8', ", "'fortran_order': False, ", "'shape': (2, 3), ")),
        *(HEADER.replace("}", more) for more in ("'descr': '<f8'}", "'more': 1}")),
        *(HEADER.replace("False", word) for word in ("false", "0", "None", "Falsey", "")),
        *(
            HEADER.replace("(2, 3)", shape)
            for shape in (
                "[2, 3]",
                "(2 3)",
                "(2, 3",
                "(,)",
                "(, 2, 3)",
                "(2,, 3)",
                "(6)",
                "(+2, 3)",
                "(-2, -3)",
                "(02, 3)",
                "(2.0, 3)",
                "(2L, 3L)",
                "(2_0, 3)",
                "(0x2, 3)",
                "(9007199254740992, 0)",
                "(10000000000000000000, 0)",
                "(" + "1, " * 33 + ")",
                "(2, (3))",
            )
        ),
        *(
            HEADER.replace("'<f8'", descr)
            for descr in ("<f8", "None", "'<f8", "'<f\\8'", "[('a', '<f8'", "[)", "([)]", "['\\']", "[']", "f(1)")
        ),
    ],
)
def test_headers_outside_the_grammar(header: str) -> None:
    assert code(file(header)) == ("npy.header", "/weights/0")


@pytest.mark.parametrize(
    "descr",
    [
        *("'|O'", "'<c16'", "'|b1'", "'<U4'", "'|S4'", "'|V8'", "'=f8'", "'f8'", "'|u2'", "'|f8'", "'<M8[ns]'"),
        *("''", "'<f8 '", "'<f16'", "[('a', '<f8'), ('b', ['x', (1,)])]", "('<f8', (2,))", "[')', \"(\"]"),
    ],
)  # fmt: skip
def test_types_that_are_no_real_numbers(descr: str) -> None:
    assert code(file(HEADER.replace("'<f8'", descr))) == ("npy.dtype", "/weights/0")


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"])
def test_every_type_in_both_orders_is_read_exactly(kind: str, order: str) -> None:
    array = np.array([[0, 1, 2], [3, 100, 5]], dtype=order + kind)
    if kind[0] == "f":
        array[0] = [-0.0, 0.5, np.finfo(kind).smallest_subnormal]
    for fortran in (False, True):
        header = HEADER.replace("<f8", order + kind).replace("False", str(fortran))
        data = array.tobytes(order="F" if fortran else "C")
        got = read(file(header, data))
        assert got.tobytes() == array.astype("<f8").tobytes()
        assert got.flags.c_contiguous
        assert got.dtype == np.float64
    assert code(file(header, data[:-1]))[0] == code(file(header, data + b"\0"))[0] == "npy.length"


def test_single_bytes_need_no_order() -> None:
    for kind, first in (("|i1", -1.0), ("|u1", 255.0)):
        assert read(file(HEADER.replace("<f8", kind), b"\xff" * 6))[0, 0] == first


@pytest.mark.parametrize("shape", [(), (3,), (0,), (2, 0), (0, 3), (1,) * 32])
def test_every_rank_and_empty_shapes_are_read_and_written(shape: tuple[int, ...]) -> None:
    array = np.full(shape, 1.5)
    content = npy.header_bytes(shape) + bytes(npy.data_bytes(array))
    assert len(npy.header_bytes(shape)) % 64 == 0
    assert np.array_equal(read(content, None), array)
    assert read(content, shape).shape == shape
    if len(shape) < 32:
        assert np.array_equal(np.load(io.BytesIO(content)), array)


def test_a_view_is_taken_where_nothing_has_to_change() -> None:
    content = np.frombuffer(file(HEADER + " " * (64 - 10 - len(HEADER) + 64)), dtype=np.uint8)
    assert np.shares_memory(npy.to_float64(content, None, LEAVES), content)
    shifted = np.frombuffer(b"x" + content.tobytes(), dtype=np.uint8)[1:]
    assert npy.to_float64(shifted, None, LEAVES).flags.aligned


def test_a_file_as_numpy_writes_it_is_read_as_any_other() -> None:
    usual = npy.header_bytes((2, 3)) + VALUES.tobytes()
    content = np.frombuffer(bytes(64) + usual, dtype=np.uint8)[64:].copy()
    assert np.shares_memory(npy.to_float64(content, (2, 3), LEAVES), content)
    for shift in range(8):
        shifted = np.frombuffer(bytes(shift) + usual, dtype=np.uint8)[shift:]
        got = npy.to_float64(shifted, (2, 3), LEAVES)
        assert got.flags.aligned
        assert np.array_equal(got, VALUES)
    assert code(usual[:-1])[0] == code(usual + b"\0")[0] == code(usual[:128])[0] == "npy.length"


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"\x93NUMPY\x01", b"\x93NUMPZ\x01\x00", b"\x93NUMPY\x04\x00"])
def test_what_does_not_begin_as_npy(content: bytes) -> None:
    assert code(content)[0] == code(content + (b"" if len(content) < 8 else bytes(90)))[0] == "npy.magic"


def test_headers_that_do_not_fit() -> None:
    assert code(b"\x93NUMPY\x01\x00")[0] == "npy.header"
    assert code(b"\x93NUMPY\x01\x00\x00")[0] == "npy.header"
    assert code(b"\x93NUMPY\x02\x00" + b"\xff" * 4 + HEADER.encode())[0] == "npy.header"
    assert code(file(HEADER, b"")[:-1])[0] == "npy.header"


def test_the_shape_is_the_one_due_before_the_length_is_looked_at() -> None:
    assert code(file(HEADER, b""), (3, 2)) == ("checkpoint.weight-shape", "/weights/0")
    assert code(file(HEADER, b""), (6,))[0] == "checkpoint.weight-shape"
    assert code(file(HEADER.replace("(2, 3)", "(9007199254740991, 9007199254740991)")), None)[0] == "npy.length"


@pytest.mark.parametrize(("kind", "value"), [("<i8", 2**53 + 1), (">u8", 2**64 - 1), ("<i8", -(2**53) - 1)])
def test_integers_that_binary64_cannot_hold(kind: str, value: int) -> None:
    array = np.array([[1, 2**53, 2**60], [0, value, value]], dtype=kind)
    for order in ("C", "F"):
        header = HEADER.replace("<f8", kind).replace("False", str(order == "F"))
        assert code(file(header, array.tobytes(order=order))) == ("checkpoint.weight-type", "/weights/0/1/1")


def test_the_digest_is_over_big_endian_values() -> None:
    array = np.random.default_rng(0).normal(size=(3, 200_001))
    assert npy.digest(array) == hashlib.sha256(array.astype(">f8").tobytes()).hexdigest()
