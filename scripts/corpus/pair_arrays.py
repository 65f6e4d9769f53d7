"""Cases of checkpoint.load about the npy files in an archive: magic, header, type, shape, length and values."""

from __future__ import annotations

import struct
from typing import Any

from artefacts import (
    FORMATS,
    Part,
    framed,
    header,
    members,
    npy,
    packed,
    sidecar,
    sidecar2,
    stored_layer,
    stored_network,
    zipped,
)
from pairs import SOUND, SOUND2, Pairs

pairs = Pairs("npy")
TABLES = pairs.tables

VALUES = [0.5, -0.25, 1.0, 0.125, 0.0, -1.0]
DATA = packed(VALUES)
COLUMNS = packed([0.5, 0.125, -0.25, 0.0, 1.0, -1.0])
TEXT = header(shape=(2, 3))
SECOND = members()[1]


def with_first(content: bytes) -> bytes:
    """The archive of two layers whose layer_0 is this file."""
    return zipped([Part("layer_0.npy", content), SECOND])


def reject(
    name: str, code: str, done: str, why: str, content: bytes, *, path: str = "", twin: bool = False, **changes: Any
) -> None:
    """A layer_0 with one fault; `path` is behind that of the member, `changes` are those of the sidecar."""
    archive = with_first(content)
    pairs.reject(
        f"npy-{name}", code, f"/weights/0{path}", f"layer_0: {done}", why, sidecar(**changes), archive, twin=twin
    )


def accept(
    name: str, near: str | list[str], done: str, why: str, content: bytes, tags: str = "", **changes: Any
) -> None:
    """A layer_0 that is accepted."""
    archive = with_first(content)
    pairs.accept(f"npy-{name}", near, f"layer_0: {done}", why, sidecar(**changes), archive, tags=tags)


# --- npy.magic

for name, content, done in [
    ("empty", b"", "no bytes"),
    ("text", b"0.5 -0.25 1.0\n0.125 0.0 -1.0\n", "numbers as text"),
    ("seven-bytes", b"\x93NUMPY\x01", "ends within the version"),
    ("lower-case", b"\x93numpy\x01\x00" + framed(TEXT, DATA)[8:], "the magic in lower case"),
    ("utf-8", b"\xc2\x93NUMPY\x01\x00" + framed(TEXT, DATA)[8:], "the first byte of the magic as UTF-8"),
    ("version-0", framed(TEXT, DATA, (0, 0)), "version 0.0"),
    ("version-4", framed(TEXT, DATA, (4, 0)), "version 4.0"),
    ("version-1-1", framed(TEXT, DATA, (1, 1)), "version 1.1"),
    ("version-2-1", framed(TEXT, DATA, (2, 1)), "version 2.1"),
    ("pickle", b"\x80\x04N.", "a pickle"),
]:
    why = "Only versions 1.0, 2.0 and 3.0 are read; numpy.load takes what has no magic for a pickle."
    reject(f"magic-{name}", "npy.magic", done, why, content, twin=name == "pickle")
for version in ((1, 0), (2, 0), (3, 0)):
    accept(
        f"version-{version[0]}",
        ["npy.magic", "npy.header"],
        f"version {version[0]}.0",
        "The length of the header has 2 bytes in version 1.0 and 4 in the others.",
        framed(TEXT, DATA, version),
    )

# --- npy.header

for name, content, done in [
    ("no-length", b"\x93NUMPY\x01\x00v", "ends within the length of the header"),
    ("no-length-2", b"\x93NUMPY\x02\x00\x76\x00\x00", "version 2.0, ends within the length of the header"),
    ("beyond", framed(TEXT)[:-10], "the header is longer than the file"),
    ("beyond-2", b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + TEXT.encode(), "version 2.0, a header of 2^32-1 bytes"),
    ("none", b"\x93NUMPY\x01\x00\x00\x00" + DATA, "a header of no bytes"),
]:
    why = "The header's length is checked against the bytes that are there."
    reject(f"header-{name}", "npy.header", done, why, content, twin=name == "beyond")
D, F, S = "'descr': '<f8'", "'fortran_order': False", "'shape': (2, 3)"
for name, text in {
    "blank": " ",
    "empty-dict": "{}",
    "comma-alone": "{,}",
    "open": f"{{{D}, {F}, {S}",
    "close-only": f"{D}, {F}, {S}}}",
    "two-dicts": f"{{{D}, {F}, {S}}} {{}}",
    "behind": f"{{{D}, {F}, {S}}} x",
    "two-commas": f"{{{D}, {F}, {S},,}}",
    "leading-comma": f"{{, {D}, {F}, {S}}}",
    "no-comma": f"{{{D} {F}, {S}}}",
    "no-colon": f"{{'descr' '<f8', {F}, {S}}}",
    "no-descr": f"{{{F}, {S}}}",
    "no-fortran": f"{{{D}, {S}}}",
    "no-shape": f"{{{D}, {F}}}",
    "descr-twice": f"{{{D}, {D}, {F}, {S}}}",
    "shape-twice": f"{{{D}, {F}, 'shape': (9, 9), {S}}}",
    "extra-key": f"{{{D}, {F}, {S}, 'align': True}}",
    "key-case": f"{{'Descr': '<f8', {F}, {S}}}",
    "key-escape": f"{{'d\\x65scr': '<f8', {F}, {S}}}",
    "key-bare": f"{{descr: '<f8', {F}, {S}}}",
    "key-bytes": f"{{b'descr': '<f8', {F}, {S}}}",
    "quotes-mixed": f"{{'descr\": '<f8', {F}, {S}}}",
    "dict-call": "dict(descr='<f8', fortran_order=False, shape=(2, 3))",
    "fortran-0": f"{{{D}, 'fortran_order': 0, {S}}}",
    "fortran-lower": f"{{{D}, 'fortran_order': false, {S}}}",
    "fortran-string": f"{{{D}, 'fortran_order': 'False', {S}}}",
    "fortran-none": f"{{{D}, 'fortran_order': None, {S}}}",
    "fortran-glued": f"{{{D}, 'fortran_order': Falsey, {S}}}",
    "descr-none": f"{{'descr': None, {F}, {S}}}",
    "descr-number": f"{{'descr': 8, {F}, {S}}}",
    "descr-bare": f"{{'descr': float, {F}, {S}}}",
    "descr-open": f"{{'descr': [('a', '<f8'), {F}, {S}}}",
    "descr-crossed": f"{{'descr': [('a', '<f8'], ), {F}, {S}}}",
    "descr-escape": f"{{'descr': '<f\\x38', {F}, {S}}}",
    "descr-string-open": f"{{'descr': [('a, '<f8')], {F}, {S}}}",
    "shape-list": f"{{{D}, {F}, 'shape': [2, 3]}}",
    "shape-number": f"{{{D}, {F}, 'shape': 6}}",
    "shape-brackets": f"{{{D}, {F}, 'shape': (6)}}",
    "shape-comma": f"{{{D}, {F}, 'shape': (,)}}",
    "shape-leading-comma": f"{{{D}, {F}, 'shape': (,2, 3)}}",
    "shape-two-commas": f"{{{D}, {F}, 'shape': (2,, 3)}}",
    "shape-no-comma": f"{{{D}, {F}, 'shape': (2 3)}}",
    "shape-open": f"{{{D}, {F}, 'shape': (2, 3}}",
    "shape-negative": f"{{{D}, {F}, 'shape': (-1, 3)}}",
    "shape-plus": f"{{{D}, {F}, 'shape': (+2, 3)}}",
    "shape-zero-led": f"{{{D}, {F}, 'shape': (02, 3)}}",
    "shape-underscore": f"{{{D}, {F}, 'shape': (0_2, 3)}}",
    "shape-hex": f"{{{D}, {F}, 'shape': (0x2, 3)}}",
    "shape-long": f"{{{D}, {F}, 'shape': (2L, 3)}}",
    "shape-float": f"{{{D}, {F}, 'shape': (2.0, 3)}}",
    "shape-product": f"{{{D}, {F}, 'shape': (1+1, 3)}}",
    "shape-2-53": f"{{{D}, {F}, 'shape': (9007199254740992, 0)}}",
    "shape-huge": f"{{{D}, {F}, 'shape': (18446744073709551618, 3)}}",
    "shape-33": f"{{{D}, {F}, 'shape': ({'1, ' * 33})}}",
    "comment": f"{{{D}, {F}, {S}}} # written by hand",
    "backslash": f"{{{D}, \\\n{F}, {S}}}",
    "form-feed": f"{{{D},\f{F}, {S}}}",
    "vertical-tab": f"{{{D},\v{F}, {S}}}",
    "nul": f"{{{D}, {F}, {S}}}\0",
    "delete": f"{{{D}, {F}, {S}}}\x7f",
    "parenthesised": f"({{{D}, {F}, {S}}})",
}.items():
    reject(
        f"header-{name}",
        "npy.header",
        f"the header {text[:60]!r}" + ("…" if len(text) > 60 else ""),
        "A header has a small grammar of its own: evaluating it as Python, or looking for words, takes more.",
        framed(text, DATA),
        twin=name == "no-shape",
    )
reject(
    "header-latin-1",
    "npy.header",
    "a byte 0xa0 among the white space of the header",
    "A header is ASCII, in version 3.0 as well.",
    framed(TEXT.encode().replace(b", 'sh", b",\xa0'sh"), DATA, (3, 0)),
)
reject(
    "header-utf-8",
    "npy.header",
    "version 3.0, a field with a name beyond ASCII",
    "NumPy uses version 3.0 for the names of fields, and there are no fields.",
    framed("{'descr': [('é', '<f8')], 'fortran_order': False, 'shape': (2, 3)}", DATA, (3, 0)),
)
for name, text, data in [
    ("no-space", "{'descr':'<f8','fortran_order':False,'shape':(2,3)}", DATA),
    ("no-trailing-comma", "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3)}", DATA),
    ("double-quotes", '{"descr": "<f8", "fortran_order": False, "shape": (2, 3), }', DATA),
    ("quotes-of-both-kinds", "{\"descr\": '<f8', 'fortran_order': False, \"shape\": (2, 3), }", DATA),
    ("shape-first", "{'shape': (2, 3), 'descr': '<f8', 'fortran_order': False}", DATA),
    ("fortran-first", "{'fortran_order': True, 'shape': (2, 3), 'descr': '<f8'}", COLUMNS),
    ("shape-comma-behind", "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3,), }", DATA),
    (
        "white-space",
        "\n\t{ 'descr'\t:\r\n'<f8' ,\n 'fortran_order' : False ,'shape' : \t( 2 , \n3 , ) \r, } \t\r\n",
        DATA,
    ),
]:
    accept(
        f"header-{name}",
        ["npy.header", "npy.dtype"],
        f"the header {text!r}",
        "Writers other than NumPy write the keys in another order and with other white space.",
        framed(text, data),
    )
accept(
    "header-unpadded",
    "npy.header",
    "a header that is not padded, so that the data is not aligned",
    "Padding is recommended and not needed: data may begin anywhere.",
    framed("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3)}", DATA, align=1),
)
accept(
    "header-no-newline",
    "npy.header",
    "a header without a newline at its end",
    "The length says where the header ends, not a newline.",
    b"\x93NUMPY\x01\x00" + len(TEXT).to_bytes(2, "little") + TEXT.encode() + DATA,
)

# --- npy.dtype

for name, descr in {
    "bool": "'|b1'",
    "complex": "'<c16'",
    "object": "'|O'",
    "string": "'<U8'",
    "bytes": "'|S8'",
    "void": "'|V8'",
    "date": "'<M8[ns]'",
    "longdouble": "'<f16'",
    "native": "'=f8'",
    "no-order": "'f8'",
    "name": "'float64'",
    "python": "'d'",
    "empty": "''",
    "order-alone": "'<'",
    "bar-f8": "'|f8'",
    "bar-i2": "'|i2'",
    "capital": "'<F8'",
    "space": "'<f8 '",
    "shape": "'(2,)<f8'",
    "f3": "'<f3'",
    "i16": "'<i16'",
    "structured": "[('a', '<f4'), ('b', '<f4')]",
    "structured-one": "[('weights', '<f8')]",
    "structured-tricky": "[(']', '<f8'), (')(', \"<f8\", (2, [3]))]",
    "subarray": "('<f8', (2, 3))",
    "tuple-empty": "()",
}.items():
    reject(
        f"dtype-{name}",
        "npy.dtype",
        f"the type {descr}",
        "Real numbers of up to 8 bytes with their byte order: no other type is converted or unpickled.",
        framed(header(descr, (2, 3)), DATA),
        twin=name == "object",
    )
INTEGERS = [3, 0, 1, 2, 100, 127]
for kind in FORMATS:
    for order in ("<", ">") if kind[1] != "1" else ("<", ">", "|"):
        values = VALUES if kind[0] == "f" else INTEGERS
        values = [-value for value in values] if kind[0] == "i" else values
        suffix = {"<": "little", ">": "big", "|": "none"}[order]
        accept(
            f"dtype-{kind}-{suffix}",
            "npy.dtype",
            f"the type {order}{kind}",
            "Every type of real numbers is read to binary64, in both byte orders.",
            npy(values, (2, 3), order + kind),
        )
accept(
    "dtype-f2-edges",
    ["npy.dtype", "checkpoint.weight-finite"],
    "half precision: the largest, the smallest normal, subnormals, -0.0",
    "Half precision has subnormals, which conversions by hand get wrong.",
    npy([65504.0, 6.103515625e-05, 6.097555160522461e-05, 5.960464477539063e-08, -0.0, -65504.0], (2, 3), "<f2"),
    "subnormal negative-zero",
)
accept(
    "dtype-f4-edges",
    ["npy.dtype", "checkpoint.weight-finite"],
    "single precision, big-endian: the largest, subnormals, -0.0",
    "Single precision has subnormals, which flush-to-zero loses.",
    framed(
        header("'>f4'", (2, 3)),
        struct.pack(">6I", 0x7F7FFFFF, 0x00800000, 0x007FFFFF, 0x00000001, 0x80000000, 0x80000001),
    ),
    "subnormal negative-zero",
)
accept(
    "dtype-f8-edges",
    ["checkpoint.weight-finite", "checkpoint.weight-type"],
    "double precision: the largest, subnormals, -0.0",
    "Bits are kept: subnormals and the sign of zero too.",
    npy([1.7976931348623157e308, 2.2250738585072014e-308, 2.225073858507201e-308, 5e-324, -0.0, -5e-324], (2, 3)),
    "subnormal negative-zero",
)

# --- fortran_order

accept(
    "fortran",
    ["npy.header", "checkpoint.weight-shape"],
    "columns first",
    "numpy.save writes a transposed array in Fortran order: its data is to be transposed, its shape is not.",
    framed(header(shape=(2, 3), fortran=True), COLUMNS),
)
accept(
    "fortran-big-endian",
    ["npy.dtype", "checkpoint.weight-shape"],
    "columns first, big-endian single precision",
    "Order of bytes and order of elements are told apart.",
    framed(header("'>f4'", (2, 3), True), packed([0.5, 0.125, -0.25, 0.0, 1.0, -1.0], ">f4")),
)
pairs.accept(
    "npy-fortran-bias",
    ["npy.header", "checkpoint.weight-shape"],
    "a bias with fortran_order True",
    "An array of one dimension is the same in both orders.",
    sidecar2(stored_network(stored_layer(0), stored_layer(1)), total_params=11),
    zipped(
        [
            *members("layer_0", "layer_1", "bias_1"),
            Part("bias_0.npy", framed(header(shape=(2,), fortran=True), packed([0.25, -0.125]))),
        ]
    ),
    twin=3,
)

# --- checkpoint.weight-shape

for name, shape, data in [
    ("transposed", (3, 2), DATA),
    ("flat", (6,), DATA),
    ("cube", (2, 3, 1), DATA),
    ("cube-before", (1, 2, 3), DATA),
    ("scalar", (), DATA[:8]),
    ("more-rows", (3, 3), DATA + DATA[:24]),
    ("empty", (0, 3), b""),
]:
    reject(
        f"shape-{name}",
        "checkpoint.weight-shape",
        f"the shape {shape}",
        "The shape in the header is (output_features, input_features), not just as many elements.",
        framed(header(shape=shape), data),
        twin=name == "transposed",
    )
reject(
    "shape-transposed-fortran",
    "checkpoint.weight-shape",
    "the shape (3, 2) in Fortran order",
    "A shape is that of the array, also where the data is in the other order.",
    framed(header(shape=(3, 2), fortran=True), DATA),
)
pairs.reject(
    "npy-shape-bias-column",
    "checkpoint.weight-shape",
    "/biases/1",
    "bias_1 with the shape (1, 1)",
    "A bias has one dimension.",
    sidecar2(),
    zipped([*members("layer_0", "bias_0", "layer_1"), Part("bias_1.npy", npy([0.5], (1, 1)))]),
)
accept(
    "shape-square",
    "checkpoint.weight-shape",
    "a square matrix in Fortran order",
    "Of a square matrix the shape does not tell whether it was transposed.",
    framed(header(shape=(2, 2), fortran=True), packed([1.0, 2.0, 3.0, 4.0])),
    layer_sizes=[[2, 2], [2, 1]],
    total_params=6,
)

# --- npy.length

for name, data, done in [
    ("short", DATA[:-1], "a byte of the data is missing"),
    ("long", DATA + b"\0", "a byte behind the data"),
    ("none", b"", "no data"),
    ("element-long", DATA + DATA[:8], "an element more than the shape needs"),
    ("newline", DATA + b"\n", "a newline behind the data"),
]:
    why = "The data is as long as the shape and the type need, to the byte."
    reject(f"length-{name}", "npy.length", done, why, framed(TEXT, data), twin=name == "short")
reject(
    "length-half",
    "npy.length",
    "8 bytes per element, the type has 4",
    "The length is that of the type in the header, not of binary64.",
    framed(header("'<f4'", (2, 3)), DATA),
)
reject(
    "length-declared-huge",
    "npy.length",
    "2^39 and 2^40 elements in sidecar and headers, and 48 bytes",
    "A declared shape is no reason to allocate: the bytes that are there decide.",
    framed(header(shape=(2**20, 2**20)), DATA),
    layer_sizes=[[2**20, 2**20], [2, 1]],
    total_params=2**40 + 2,
)
accept(
    "length-none-due",
    "npy.length",
    "a matrix of shape (2, 0) without data",
    "No elements need no data.",
    framed(header(shape=(2, 0))),
    layer_sizes=[[0, 2], [2, 1]],
    total_params=2,
)
accept(
    "length-i1",
    ["npy.length", "npy.dtype"],
    "six elements in six bytes",
    "The length is counted in the type's bytes.",
    npy([1, -1, 127, -128, 0, 5], (2, 3), "|i1"),
)

# --- checkpoint.weight-type, checkpoint.weight-finite

BIG = 2**53 + 1
for name, dtype, value in [
    ("i8-2-53-1", "<i8", BIG),
    ("i8-negative", ">i8", -BIG),
    ("i8-largest", "<i8", 2**63 - 1),
    ("u8-2-53-1", "<u8", BIG),
    ("u8-largest", ">u8", 2**64 - 1),
    ("u8-odd", "<u8", 2**63 + 1024),
]:
    reject(
        f"inexact-{name}",
        "checkpoint.weight-type",
        f"the type {dtype} with the value {value}",
        "An integer that binary64 cannot hold exactly would be changed silently.",
        npy([1, 2, 3, 4, value, value], (2, 3), dtype),
        path="/1/1",
        twin=name == "u8-largest",
    )
for name, dtype, values in [
    ("i8", "<i8", [2**53, -(2**53), 2**53 + 2, 2**62, -(2**63), 2**63 - 1024]),
    ("u8", ">u8", [2**53, 2**53 - 1, 2**53 + 2, 2**63, 2**64 - 2048, 0]),
]:
    accept(
        f"exact-{name}",
        "checkpoint.weight-type",
        f"the type {dtype} with large values that binary64 holds",
        "Beyond 2^53 every second, fourth … integer is exact, and the largest powers of two are.",
        npy(values, (2, 3), dtype),
    )
INF, NAN = float("inf"), float("nan")
for name, dtype, values, path in [
    ("nan-f8", "<f8", [1.0, 1.0, 1.0, 1.0, 1.0, NAN], "/1/2"),
    ("infinity-f8", ">f8", [1.0, INF, 1.0, NAN, 1.0, 1.0], "/0/1"),
    ("minus-infinity-f4", "<f4", [1.0, 1.0, -INF, 1.0, 1.0, 1.0], "/0/2"),
    ("infinity-f2", "<f2", [1.0, 1.0, 1.0, INF, 1.0, 1.0], "/1/0"),
    ("nan-f2", ">f2", [NAN, 1.0, 1.0, 1.0, 1.0, 1.0], "/0/0"),
]:
    reject(
        name,
        "checkpoint.weight-finite",
        f"the type {dtype} with a value that is not finite",
        "NaN and infinities of all types are found; the first one in C order is named.",
        npy(values, (2, 3), dtype),
        path=path,
        twin=name == "nan-f8",
    )
reject(
    "nan-signalling",
    "checkpoint.weight-finite",
    "a signalling NaN of single precision",
    "A NaN that signals is one.",
    framed(header("'<f4'", (2, 3)), struct.pack("<6I", 0, 0, 0, 0, 0, 0x7F800001)),
    path="/1/2",
)
reject(
    "nan-fortran",
    "checkpoint.weight-finite",
    "two NaN in Fortran order, of which the second in the file comes first in C order",
    "The first leaf is the first in C order, however the data is stored.",
    framed(header(shape=(2, 3), fortran=True), packed([0.0, NAN, 0.0, 0.0, NAN, 0.0])),
    path="/0/2",
)
reject(
    "inexact-fortran",
    "checkpoint.weight-type",
    "two inexact integers in Fortran order, of which the second in the file comes first in C order",
    "The first leaf is the first in C order, for integers too.",
    framed(header("'<i8'", (2, 3), True), packed([0, BIG, 0, 0, BIG, 0], "<i8")),
    path="/0/2",
)
for name, code, dtype, value in [
    ("nan", "checkpoint.weight-finite", "<f8", NAN),
    ("inexact", "checkpoint.weight-type", "<i8", BIG),
]:
    pairs.reject(
        f"npy-bias-{name}",
        code,
        "/biases/0/1",
        f"bias_0 of type {dtype} with the value {value} at its end",
        "The rules on weights are those on biases too.",
        sidecar2(),
        zipped([*members("layer_0", "layer_1", "bias_1"), Part("bias_0.npy", npy([0, value], (2,), dtype))]),
    )

# --- order

pairs.precedence(
    "order-npy",
    "Inside a member the magic, the header, the type, the shape, the length and the values are looked at in turn.",
    [
        ("npy.magic", "/weights/0", sidecar(), with_first(framed("{", b"", (9, 0)))),
        ("npy.header", "/weights/0", sidecar(), with_first(framed("{'descr': '|O', 'shape': 1}", b""))),
        ("npy.dtype", "/weights/0", sidecar(), with_first(framed(header("'|O'", (3, 2)), b""))),
        ("checkpoint.weight-shape", "/weights/0", sidecar(), with_first(framed(header(shape=(3, 2)), b""))),
        ("npy.length", "/weights/0", sidecar(), with_first(framed(TEXT, packed([NAN] * 7)))),
        ("checkpoint.weight-finite", "/weights/0/0/0", sidecar(), with_first(framed(TEXT, packed([NAN] * 6)))),
    ],
    SOUND,
)
BAD_SECOND = Part("layer_1.npy", b"")
pairs.precedence(
    "order-members-read",
    "The values of a member are looked at before the next member is opened.",
    [
        (
            "checkpoint.weight-type",
            "/weights/0/0/0",
            sidecar(),
            zipped([Part("layer_0.npy", npy([BIG] * 6, (2, 3), "<i8")), BAD_SECOND]),
        ),
        ("npy.magic", "/weights/1", sidecar(), zipped([members()[0], BAD_SECOND])),
    ],
    SOUND,
)
pairs.precedence(
    "order-biases-read",
    "The bias of a layer is read before the weights of the next one.",
    [
        (
            "checkpoint.weight-finite",
            "/biases/0/0",
            sidecar2(),
            zipped([*members("layer_0", "bias_1"), Part("bias_0.npy", npy([INF, NAN], (2,))), BAD_SECOND]),
        ),
        ("npy.magic", "/weights/1", sidecar2(), zipped([*members("layer_0", "bias_0", "bias_1"), BAD_SECOND])),
    ],
    SOUND2,
)
