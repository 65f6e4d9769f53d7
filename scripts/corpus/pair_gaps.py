"""Cases of pairs and files that faults of the reference asked for: the second case that notices each of them."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

from artefacts import (
    ARCHIVE,
    DEFLATE,
    Bits,
    Part,
    digest,
    fixed,
    framed,
    header,
    keep,
    keep_pair,
    members,
    npy,
    packed,
    runs,
    sidecar,
    sidecar2,
    stored_layer,
    stored_network,
    zip64_extra,
    zipped,
)
from cases import Cases, put
from documents import checkpoint, constant, layer, network, poisson, simulation, without
from pair_archives import CENTRAL_BYTES, DIRECTORY, FIRST, SATURATED, SECOND, SIZE, older
from pair_arrays import DATA, VALUES, D, F
from pair_files import ARRAYS, B, W, arrays, ref, sim
from pairs import SOUND2, Pairs

pairs = Pairs("gaps")
simulate = Cases("simulate")
save = Cases("checkpoint.save")
TABLES = [*pairs.tables, simulate, save]
reject, accept = pairs.reject, pairs.accept


def first(**changes: Any) -> bytes:
    return zipped([replace(FIRST, **changes), SECOND])


def second(**changes: Any) -> bytes:
    return zipped([FIRST, replace(SECOND, **changes)])


# --- archives

ONE = sidecar(n_layers=1, layer_names=["a"], layer_sizes=[[3, 2]], total_params=6)
HEADERS = 46 + len("layer_0.npy")
for name, code, path, done, archive in [
    (
        "comment-length-256",
        "archive.truncated",
        "",
        "a comment of 256 bytes is announced, none is there",
        zipped(members(), end={"comment_bytes": 256}),
    ),
    (
        "directory-offset-at-its-begin",
        "archive.directory",
        "",
        "layer_1 begins where the directory does",
        second(central={"offset": DIRECTORY}),
    ),
    (
        "directory-extra-id-257",
        "archive.directory",
        "",
        "the value of a saturated field in an extra field with the id 0x101",
        first(central={"size": 0xFFFFFFFF, "extra": b"\1\1" + zip64_extra(SIZE)[2:]}),
    ),
    (
        "member-path-backslash-parent",
        "archive.member-path",
        "",
        "a member named ..\\layer_1.npy",
        second(name="..\\layer_1.npy"),
    ),
    (
        "member-unexpected-capitals",
        "archive.member-unexpected",
        "",
        "a member named LAYER_0.NPY",
        first(name="LAYER_0.NPY"),
    ),
    ("member-unexpected-bare", "archive.member-unexpected", "", "a member named layer_0", first(name="layer_0")),
    (
        "compression-deflate64-second",
        "archive.compression",
        "/weights/1",
        "method 9, the data is good deflate",
        second(method=9, raw=fixed(SECOND.content)),
    ),
    (
        "local-method-second",
        "archive.local-header",
        "/weights/1",
        "deflate in the directory, stored in the local header",
        second(method=DEFLATE, raw=fixed(SECOND.content), local={"method": 0}),
    ),
    (
        "local-flag-0-second",
        "archive.local-header",
        "/weights/1",
        "bit 0 of the flags in the local header of layer_1",
        second(local={"flags": 1}),
    ),
    (
        "local-data-into-directory-by-one",
        "archive.local-header",
        "/weights/1",
        "the data of layer_1 ends one byte behind the beginning of the directory",
        second(central={"size": len(SECOND.content) + 1, "compressed": len(SECOND.content) + 1}),
    ),
    (
        "size-inflates-to-nothing",
        "archive.size",
        "/weights/1",
        "an empty stream",
        second(method=DEFLATE, raw=fixed(b"")),
    ),
    (
        "crc-zero-deflated",
        "archive.crc",
        "/weights/0",
        "a CRC-32 of 0, deflated",
        first(method=DEFLATE, raw=fixed(FIRST.content), central={"crc": 0}),
    ),
]:
    why = "A rule that holds for one member, one bit or one length holds for the others."
    reject(name, code, path, done, why, None, archive)
reject(
    "directory-large-alone",
    "archive.directory",
    "",
    "1,025 bytes of directory for one entry",
    "Of one entry the directory has at most 1,024 bytes.",
    ONE,
    zipped([replace(FIRST, central={"extra": bytes(1025 - HEADERS)})]),
)
accept(
    "directory-large-alone-just-not",
    "archive.directory",
    "1,024 bytes of directory for one entry",
    "Of one entry the directory may have 1,024 bytes.",
    ONE,
    zipped([replace(FIRST, central={"comment": bytes(1024 - HEADERS)})]),
)
accept(
    "zip64-extensible-long",
    "archive.end-record",
    "a zip64 end record with 1,000 bytes of extensible data, found by a saturated offset alone",
    "What follows the fields of the zip64 end record may be long.",
    None,
    zipped(members(), end={"offset": 0xFFFFFFFF}, zip64={"rest": 1044, "more": b"PK\x06\x07" * 250}),
)
accept(
    "zip64-extra-third",
    "archive.directory",
    "a zip64 extra field behind two others, one of them empty",
    "Extra fields are gone through until the one with the id 1 is found.",
    None,
    second(
        central={
            "offset": 0xFFFFFFFF,
            "extra": struct.pack("<2H", 0xCAFE, 0)
            + struct.pack("<2H3s", 2, 3, b"abc")
            + zip64_extra(len(ARCHIVE) - 22 - CENTRAL_BYTES - 30 - 11 - len(SECOND.content)),
        }
    ),
)
accept(
    "local-flags-utf8",
    "archive.local-header",
    "bit 11 of the flags in the local header alone",
    "Of the flags in the local header only bit 0 is compared.",
    None,
    first(local={"flags": 1 << 11}),
)
long_header = framed(header(shape=(2, 3)).ljust(65535), DATA, (3, 0), align=1)
accept(
    "size-header-version-3",
    ["archive.size", "npy.magic"],
    "layer_0 with a header of 65,536 bytes, version 3.0, deflated",
    "8 bytes for each of six elements and 65,548 beside them are just enough.",
    None,
    first(content=long_header, method=DEFLATE, raw=runs(long_header)),
)
reject(
    "digest-17th-digit",
    "archive.digest",
    "",
    "the 17th digit of the digest is another one",
    "The 16 digits in a file's name are not the digest.",
    sidecar(archive_digest=(good := digest(ARCHIVE))[:16] + ("0" if good[16] != "0" else "1") + good[17:]),
)

for name, code, beside, done in [
    ("other", "archive.digest", older, "an archive of another digest"),
    ("cut", "archive.truncated", ARCHIVE[:-1], "an archive that is cut short"),
]:
    base = f"artefacts/gaps/missing-{name}-beside"
    keep_pair(
        base, sidecar(archive_digest=digest(ARCHIVE)), None, f"no archive, beside it {done} under a temporary name"
    )
    keep(f"{base}.npz.{digest(ARCHIVE)[:16]}", beside, f"the archive of missing-{name}-beside")
    pairs.missing(
        f"missing-{name}-beside",
        code,
        "",
        f"Only the archive beside is there, so no archive is missing, and its fault is told. Here: {done}.",
        base,
    )

# --- a byte too many and a fault of the stream, side by side

BAD_SYMBOL = 0xC6  # the length code 286, which does not exist


def stream(content: bytes) -> bytes:
    """A stream of literals in the fixed code, and then a symbol that does not exist."""
    bits = Bits().put(1, 1).put(1, 2)
    for byte in content:
        bits.literal(byte)
    return bits.code(BAD_SYMBOL, 8).bytes() + bytes(8)


reject(
    "size-just-before-data",
    "archive.size",
    "/weights/0",
    "one byte too many, and right behind it a symbol that does not exist",
    "The byte too many comes first; zlib may look at the symbol behind it before it hands over the byte.",
    None,
    first(method=DEFLATE, raw=stream(FIRST.content + b"\0")),
)
reject(
    "data-just-before-size",
    "archive.data",
    "/weights/0",
    "all bytes that are declared, and right behind them a symbol that does not exist",
    "No byte too many was reached: the stream is invalid.",
    None,
    first(method=DEFLATE, raw=stream(FIRST.content)),
)

# --- arrays

for name, code, content in [
    ("magic-last-letter", "npy.magic", b"\x93NUMPZ" + FIRST.content[6:]),
    ("header-extra-flag", "npy.header", framed(f"{{'x': False, {D}, {F}, 'shape': (2, 3)}}", DATA)),
    ("header-shape-second-zero-led", "npy.header", framed(f"{{{D}, {F}, 'shape': (2, 03)}}", DATA)),
    ("header-shape-33-ones", "npy.header", framed(f"{{{D}, {F}, 'shape': (2, 3{', 1' * 31})}}", DATA)),
    ("header-descr-crossed-tuple", "npy.header", framed(f"{{'descr': ('<f8', [2, 3)), {F}, 'shape': (2, 3)}}", DATA)),
    ("dtype-native-single", "npy.dtype", framed(header("'=f4'", (2, 3)), packed(VALUES, "<f4"))),
]:
    why = "A rule that holds for one place of a header holds for the others."
    reject(
        f"npy-{name}", code, "/weights/0", f"layer_0: {name}", why, None, zipped([Part("layer_0.npy", content), SECOND])
    )
accept(
    "npy-header-tabs",
    "npy.header",
    "layer_1 with tabs and line ends in its header",
    "White space is a space, a tab, a line feed or a carriage return, between all tokens.",
    None,
    second(content=framed("{\t'descr':\t'<f8',\r\n'fortran_order':\nFalse,\t'shape':\t(1,\t2)}", SECOND.content[-16:])),
)
reject(
    "npy-shape-rank-32",
    "checkpoint.weight-shape",
    "/weights/0",
    "layer_0 with 32 dimensions",
    "32 dimensions are within the grammar, and not the shape that is due.",
    None,
    zipped([Part("layer_0.npy", framed(header(shape=f"(2, 3{', 1' * 30})"), DATA)), SECOND]),
)

# --- sidecars

for name, code, path, document in [
    ("format-version-largest", "checkpoint.format-version", "/format_version", sidecar(format_version=2**53 - 1)),
    ("network-null-in-format-2", "network.object", "/network", sidecar2() | {"network": None}),
    (
        "digest-one-capital",
        "checkpoint.digest-type",
        "/archive_digest",
        sidecar(archive_digest="A" + digest(ARCHIVE)[1:]),
    ),
    ("digest-empty", "checkpoint.digest-type", "/archive_digest", sidecar(archive_digest="")),
    ("missing-two", "checkpoint.missing-key", "/n_layers", without(sidecar(), "n_layers", "layer_sizes")),
]:
    why = "What is there is held to its rule, and what is not there is named in the order of the text."
    reject(f"sidecar-{name}", code, path, f"a sidecar with {code} at {path}", why, document)

pairs.precedence(
    "order-model-before-counts",
    "The network of a sidecar is checked before its counts, which stand before it.",
    [
        (
            "network.neuron-model",
            "/network/layers/0/neuron/model",
            sidecar2(stored_network(stored_layer(0, model="x"), stored_layer(1)), n_layers=3),
            None,
        ),
        ("checkpoint.layer-count", "/n_layers", sidecar2(n_layers=3), None),
    ],
    SOUND2,
)

# --- files

simulate.reject(
    "simulate-file-reference-extra-of-bias",
    "file.reference",
    B,
    "A reference has exactly file and member, wherever it stands.",
    sim(bias=ref("sound", "b") | {"dtype": "<f8"}),
    put(B, ref("sound", "b")),
)
PART = Part("w.npy", npy(VALUES, (2, 3)))
for name, code, change, end in [
    ("entries-1025-zip64", "archive.entry-count", {}, {"here": 1025, "count": 1025}),
    ("size-2-28-cut", "archive.size", {"method": DEFLATE, "raw": b"\x07", "central": {"size": 2**28 + 1}}, {}),
    ("size-2-28-empty", "archive.size", {"method": DEFLATE, "raw": b"", "central": {"size": 2**32 - 2}}, {}),
]:
    keep(
        f"{ARRAYS}/{name}.npz",
        zipped([replace(PART, **change)], end=SATURATED, zip64=end),
        f"an array with {code}",
    )
    simulate.reject(
        f"simulate-file-{name}",
        code,
        W,
        "Declared numbers are bounded before anything is read by them.",
        sim(ref(name)),
        put(W, ref("sound")),
    )
arrays(
    "more",
    "arrays of three elements, and of none",
    before=npy([1.0, 0.5, 2.0], (1, 1, 3)),
    behind=npy([1.0, 0.5, 2.0], (3, 1, 1)),
    nothing=npy([], (0, 0)),
    no_rows=npy([], (0, 3)),
    three=npy([0.5] * 9, (3, 3)),
)
for name in ("before", "behind"):
    simulate.reject(
        f"simulate-file-values-ones-{name}",
        "input.shape",
        "/input/values",
        "Axes of length 1 are axes: three values in three dimensions are no sample.",
        sim(stimulus=constant(ref("more", name))),
        put("/input/values", ref("sound", "v")),
    )
EMPTY = simulation(network(layer([[], []])), 2, constant(ref("more", "nothing")))
simulate.reject(
    "simulate-file-values-of-nothing",
    "input.shape",
    "/input/values",
    "A batch has a row at least, though its rows be as wide as is due.",
    EMPTY,
    put("/input/values", []),
)
simulate.reject(
    "simulate-file-values-for-any-width",
    "input.shape",
    "/input/values",
    "A batch has a row at least, though any width be welcome.",
    simulation(network(layer([])), 2, constant(ref("more", "no_rows"))),
    put("/input/values", [[1.0, 1.0, 1.0]]),
)
simulate.reject(
    "simulate-file-rates-sample-of-three",
    "input.sample",
    "/input/sample",
    "The number of the last of three samples is beyond 2^53-1.",
    sim(stimulus=poisson(ref("more", "three"), 7, sample=2**53 - 2)),
    put("/input/sample", 2**53 - 3),
)

# --- saves

save.precedence(
    "save-order-base-object",
    "The place is checked before the checkpoint, whatever that is.",
    {"checkpoint": [], "base": "/saved"},
    [
        ("file.path", "/base", put("/base", "saved/order")),
        ("checkpoint.object", "/checkpoint", put("/checkpoint", checkpoint())),
    ],
)
