"""Cases of simulate whose network is a pair, or whose arrays stand in files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import jsonpatch
from artefacts import (
    DEFLATE,
    Part,
    fixed,
    framed,
    header,
    keep,
    npy,
    packed,
    runs,
    zip64_extra,
    zipped,
)
from cases import Cases, Fault, Patch, drop, put
from documents import constant, layer, network, neuron, poisson, simulation, spikes
from pairs import SOUND, SOUND2, run

cases = Cases("simulate")
TABLES = [cases]

ARRAYS = "artefacts/arrays"
W, B = "/network/layers/0/weights", "/network/layers/0/bias"
VALUES = [0.5, -0.25, 1.0, 0.125, 0.0, -1.0]
INF, NAN, BIG = float("inf"), float("nan"), 2**53 + 1
HUGE = 2**53 - 1


def ref(file: Any, member: Any = "w") -> dict[str, Any]:
    """A reference to an array in an artefact of this table."""
    return {"file": f"{ARRAYS}/{file}.npz" if isinstance(file, str) else file, "member": member}


def arrays(name: str, done: str, **contents: bytes) -> str:
    """Keep an archive of these members; returns its name."""
    keep(f"{ARRAYS}/{name}.npz", zipped([Part(f"{member}.npy", content) for member, content in contents.items()]), done)
    return name


SOUND_ARRAYS = {
    "w": npy(VALUES, (2, 3)),
    "b": npy([0.25, -0.125], (2,)),
    "v": npy([1.0, 0.5, 2.0], (3,)),
    "batch": npy([1.0, 0.5, 2.0, 0.0, 1.0, 1.0], (2, 3)),
    "r": npy([0.5, 1.0, 0.25], (3,)),
    "rates": npy([0.5, 1.0, 0.25, 0.0, 0.75, 1.0], (2, 3)),
    "s": npy([1.0], ()),
    "none": npy([], (0, 3)),
}
arrays("sound", "arrays of all the ranks that are due", **SOUND_ARRAYS)


def net(weights: Any = None, **changes: Any) -> dict[str, Any]:
    """A network of one layer, 3 -> 2."""
    return network(layer(ref("sound") if weights is None else weights, **changes))


def sim(weights: Any = None, stimulus: Any = None, **changes: Any) -> dict[str, Any]:
    """A simulation of that layer over two steps."""
    return simulation(net(weights, **changes), 2, stimulus or constant([1.0, 0.5, 2.0]), "counts", "potential")


# --- the network of a pair

for name, changed, code, path, why, patch in [
    (
        "readout",
        {"readout": "spikes"},
        "network.unknown-key",
        "/network/readout",
        "The readout is that of the pair.",
        drop("/network/readout"),
    ),
    (
        "layers",
        {"layers": []},
        "network.unknown-key",
        "/network/layers",
        "A network is in the pair or in the request.",
        drop("/network/layers"),
    ),
    ("file", {"file": "x"}, "network.unknown-key", "/network/file", "A network is no array.", drop("/network/file")),
]:
    data = run(SOUND2)
    data["network"] |= changed
    cases.reject(f"simulate-pair-beside-{name}", code, path, f"Beside checkpoint there is nothing. {why}", data, patch)
cases.reject(
    "simulate-pair-format-1",
    "network.neuron-model",
    "/network/checkpoint",
    "A pair of format 1 is loaded, and then has no neurons to run.",
    run(SOUND),
    put("/network/checkpoint", SOUND2),
)
cases.reject(
    "simulate-pair-format-1-empty",
    "network.neuron-model",
    "/network/checkpoint",
    "A pair of format 1 without layers has no neurons either.",
    run("artefacts/archive/no-members"),
    put("/network/checkpoint", SOUND2),
)
cases.accept(
    "simulate-pair-sound",
    "A network out of a pair runs like one in the request.",
    simulation({"checkpoint": SOUND2}, 3, constant([1.0, 0.5, 2.0]), "counts", "spikes", "potential", "trace"),
    near=["network.neuron-model", "network.unknown-key"],
)
cases.accept(
    "simulate-pair-batch-of-spikes",
    "A batch of spike trains through a network out of a pair.",
    simulation({"checkpoint": SOUND2}, 2, spikes([[[0, 1], [2]], [[], [0, 2]]]), "spikes", "potential"),
    near="input.indices",
)
cases.reject(
    "simulate-pair-width",
    "input.shape",
    "/input/values",
    "A first layer of three inputs and no outputs keeps its width when it comes out of a pair.",
    run("artefacts/network/stored-first-of-nothing", 2),
    put("/input/values", [1.0, 1.0, 1.0]),
)
cases.reject(
    "simulate-pair-non-finite",
    "simulate.non-finite",
    "/network/layers/0",
    "A run that overflows is rejected at the layer, also where it is not in the request.",
    simulation({"checkpoint": SOUND2}, 2, constant([1.7e308, -1.7e308, 1.7e308])),
    put("/input/values", [0.0, 1.0, 1.0]),
)

# --- file.reference

for name, value, patch, why in [
    ("extra", ref("sound") | {"mmap": True}, drop(f"{W}/mmap"), "No other members."),
    ("no-member", {"file": f"{ARRAYS}/sound.npz"}, put(W, ref("sound")), "Which array is meant must be told."),
    ("member-null", ref("sound", None), put(f"{W}/member", "w"), "Null is no name."),
    ("member-number", ref("sound", 0), put(f"{W}/member", "w"), "An array has no number."),
    ("member-and-place", {"file": 7, "member": ["w"]}, put(W, ref("sound")), "The form comes before the place."),
]:
    cases.reject(
        f"simulate-file-reference-{name}",
        "file.reference",
        W,
        f"A reference has exactly file and member. {why}",
        sim(value),
        patch,
    )
for where, data in {
    B: sim(bias={"file": f"{ARRAYS}/sound.npz"}),
    "/input/values": sim(stimulus=constant({"file": f"{ARRAYS}/sound.npz"})),
    "/input/rates": sim(stimulus=poisson({"file": f"{ARRAYS}/sound.npz"}, 7)),
}.items():
    member = {"bias": "b", "values": "v", "rates": "r"}[where.rsplit("/", 1)[1]]
    cases.reject(
        f"simulate-file-reference-{where.rsplit('/', 1)[1]}",
        "file.reference",
        where,
        "References stand for a bias, for values and for rates by the same rules.",
        data,
        put(where, ref("sound", member)),
    )
cases.accept(
    "simulate-file-everywhere",
    "Weights, a bias and values out of a file give what the same numbers in the request give.",
    sim(bias=ref("sound", "b"), stimulus=constant(ref("sound", "v"))),
    near=["file.reference", "file.path", "archive.missing", "network.weight-type", "network.bias-type"],
)
cases.accept(
    "simulate-file-batch",
    "A matrix of values is a batch.",
    sim(stimulus=constant(ref("sound", "batch"))),
    near=["file.reference", "input.shape"],
)
cases.accept(
    "simulate-file-rates",
    "Rates out of a file: one sample.",
    sim(stimulus=poisson(ref("sound", "r"), 7, sample=3)),
    near=["file.reference", "input.range"],
)
cases.accept(
    "simulate-file-rates-batch",
    "A matrix of rates is a batch, whose last sample is the largest that there may be.",
    sim(stimulus=poisson(ref("sound", "rates"), 7, sample=HUGE - 1)),
    near=["input.sample", "input.shape"],
)
cases.reject(
    "simulate-file-rates-sample",
    "input.sample",
    "/input/sample",
    "How many samples a batch out of a file has counts for the number of the last one.",
    sim(stimulus=poisson(ref("sound", "rates"), 7, sample=HUGE)),
    put("/input/sample", HUGE - 1),
)
cases.reject(
    "simulate-file-indices",
    "input.shape",
    "/input/indices",
    "Spike indices are no array of Numbers: no reference stands for them.",
    sim(stimulus=spikes(ref("sound", "v"))),
    put("/input/indices", [[0], [1]]),
)
cases.reject(
    "simulate-file-row",
    "input.shape",
    "/input/values/0",
    "A reference stands for the whole of values, not for a row of a batch.",
    sim(stimulus=constant([ref("sound", "v")])),
    put("/input/values", [[1.0, 0.5, 2.0]]),
)
cases.reject(
    "simulate-file-weights-row",
    "network.weight-type",
    f"{W}/1",
    "A reference stands for a whole matrix, not for a row.",
    sim([[0.0, 1.0, 0.5], ref("sound", "v")]),
    put(f"{W}/1", [1.0, 0.5, 2.0]),
)
cases.reject(
    "simulate-file-member-alone",
    "network.weight-type",
    W,
    "Without file it is no reference but an object of no kind.",
    sim({"member": "layer_0"}),
    put(W, ref("sound")),
)

# --- file.path

for name, file in {
    "parent": f"../corpus/{ARRAYS}/sound.npz",
    "absolute": "/etc/passwd",
    "empty": "",
    "dot": f"{ARRAYS}/./sound.npz",
    "backslash": f"{ARRAYS}\\sound.npz",
    "nul": f"{ARRAYS}/sound.npz\0",
    "null": None,
    "array": [],
}.items():
    cases.reject(
        f"simulate-file-path-{name}",
        "file.path",
        f"{W}/file",
        "The place of an array is checked as that of a pair is, and the path is that of the place.",
        sim({"file": file, "member": "w"}),
        put(f"{W}/file", f"{ARRAYS}/sound.npz"),
    )
for where, data in [
    (B, sim(bias={"file": "/b", "member": "b"})),
    ("/input/values", sim(stimulus=constant({"file": "/v", "member": "v"}))),
    ("/input/rates", sim(stimulus=poisson({"file": "/r", "member": "r"}, 1))),
]:
    cases.reject(
        f"simulate-file-path-of-{where.rsplit('/', 1)[1]}",
        "file.path",
        f"{where}/file",
        "A bias, values and rates are looked for below the root alone.",
        data,
        put(f"{where}/file", f"{ARRAYS}/sound.npz"),
    )

# --- archives


def rejected(name: str, code: str, done: str, why: str, content: bytes, member: str = "w") -> None:
    """An archive with one fault, its array taken for the weights."""
    keep(f"{ARRAYS}/{name}.npz", content, done)
    about = f"{why} Here: {done}."
    cases.reject(f"simulate-file-{name}", code, W, about, sim(ref(name, member)), put(W, ref("sound")))


def accepted(name: str, near: str | Iterable[str], done: str, why: str, content: bytes, member: str = "w") -> None:
    """An archive out of which weights are taken."""
    keep(f"{ARRAYS}/{name}.npz", content, done)
    cases.accept(f"simulate-file-{name}", f"{why} Here: {done}.", sim(ref(name, member)), near=near)


PART = Part("w.npy", SOUND_ARRAYS["w"])
OTHER = Part("other.npy", npy([1.0], (1,)))
GOOD = zipped([PART])
cases.reject(
    "simulate-file-nowhere",
    "archive.missing",
    W,
    "A file that is not there is a missing archive.",
    sim(ref("nowhere")),
    put(W, ref("sound")),
)
cases.reject(
    "simulate-file-npy",
    "archive.not-zip",
    W,
    "An npy file is no archive, whatever its extension.",
    sim(ref("plain")),
    put(W, ref("sound")),
)
keep(f"{ARRAYS}/plain.npz", SOUND_ARRAYS["w"], "an npy file")
rejected(
    "cut",
    "archive.truncated",
    "an archive without its last byte",
    "Archives of arrays are read as strictly.",
    GOOD[:-1],
)
rejected(
    "end-disk",
    "archive.end-record",
    "an end record on disk 1",
    "End records are checked.",
    zipped([PART], end={"disk": 1}),
)
rejected(
    "entries-1025",
    "archive.entry-count",
    "an end record that declares 1,025 entries",
    "At most 1,024 entries are read, and the count is checked before they are.",
    zipped([PART], end={"here": 1025, "count": 1025}),
)
accepted(
    "entries-700",
    "archive.entry-count",
    "700 entries with the same local header, and the array",
    "Other entries do not matter, not even where their headers are.",
    zipped([PART, *(Part(f"{i:x}", b"", elsewhere="w.npy") for i in range(700))]),
)
rejected(
    "directory-other",
    "archive.directory",
    "a central header of another member on disk 1",
    "The directory is read whole: a malformed header of another member is malformed.",
    zipped([PART, replace(OTHER, central={"disk": 1})]),
)
rejected(
    "twice",
    "archive.member-twice",
    "two members of the name that is asked for",
    "One name, one array.",
    zipped([PART, replace(PART)]),
)
accepted(
    "twice-other",
    "archive.member-twice",
    "two members of a name that is not asked for",
    "Of other members it does not matter how many have one name.",
    zipped([PART, OTHER, replace(OTHER)]),
)
accepted(
    "other-broken",
    ["archive.encrypted", "archive.compression", "archive.local-header", "archive.crc", "npy.magic"],
    "another member with all kinds of faults",
    "Other members are not opened.",
    zipped([replace(OTHER, flags=1, method=99, content=b"x", local={"flags": 0}, central={"crc": 0}), PART]),
)
accepted(
    "overlap-other",
    "archive.local-header",
    "another member lies in the same bytes",
    "Only one member is read: there is nothing for it to overlap.",
    zipped([PART, Part("x.npy", b"", elsewhere="w.npy")]),
)
accepted(
    "slash",
    ["archive.member-path", "archive.member-unexpected"],
    "a member whose name has slashes, another that has backslashes",
    "Names may have slashes where a member is asked for by its name: nothing is extracted.",
    zipped([replace(PART, name="../a/w.npy"), replace(OTHER, name="a\\b")]),
    "../a/w",
)
accepted(
    "unicode",
    "archive.member-missing",
    "a member with a name beyond ASCII, in UTF-8",
    "Names are compared as UTF-8, whether or not the flag for it is set.",
    zipped([replace(PART, name="poids-\u00e9\u6a21.npy")]),
    "poids-\u00e9\u6a21",
)
accepted(
    "empty-name",
    "archive.member-missing",
    "a member with the name .npy",
    "The empty string is a name.",
    zipped([replace(PART, name=".npy")]),
    "",
)
for name, member in {"missing": "x", "missing-suffix": "w.npy", "missing-case": "W"}.items():
    cases.reject(
        f"simulate-file-{name}",
        "archive.member-missing",
        W,
        "The member is <member>.npy, byte by byte.",
        sim(ref("sound", member)),
        put(f"{W}/member", "w"),
    )
for name, code, change, done in [
    ("encrypted", "archive.encrypted", {"flags": 1}, "an encrypted member"),
    ("lzma", "archive.compression", {"method": 14}, "a member compressed by lzma"),
    ("local", "archive.local-header", {"local": {"name": b"x.npy"}}, "another name in the local header"),
    ("crc", "archive.crc", {"central": {"crc": 0}}, "a wrong CRC-32"),
    ("data", "archive.data", {"method": DEFLATE, "raw": fixed(PART.content, end=False)[:-1]}, "a stream that is cut"),
    ("size", "archive.size", {"method": DEFLATE, "raw": runs(PART.content + bytes(9))}, "a stream that goes on"),
    (
        "size-2-28",
        "archive.size",
        {"method": DEFLATE, "raw": fixed(PART.content), "central": {"size": 2**28 + 1}},
        "a member declared with 2^28 + 1 bytes",
    ),
    ("magic", "npy.magic", {"content": b"[[1, 2, 3], [4, 5, 6]]"}, "a member that is JSON"),
    ("header", "npy.header", {"content": framed("{'shape': (2, 3)}", packed(VALUES))}, "a header without keys"),
    ("dtype", "npy.dtype", {"content": framed(header("'|O'", (2, 3)), packed(VALUES))}, "an array of objects"),
    ("length", "npy.length", {"content": framed(header(shape=(2, 3)), packed(VALUES[1:]))}, "an element too few"),
    (
        "length-huge",
        "npy.length",
        {"content": framed(header(shape=(HUGE,) * 32), packed(VALUES))},
        "a shape whose product overflows any integer",
    ),
    (
        "length-wraps",
        "npy.length",
        {"content": framed(header(shape=(2**32, 2**32)), b"")},
        "a shape whose product is 0 modulo 2^64, without data",
    ),
]:
    rejected(
        name,
        code,
        done,
        "An array out of a file is read by the same rules as a member of a pair; its fault is that of the reference.",
        zipped([replace(PART, **change)]),
    )
accepted(
    "size-just-2-28",
    "archive.size",
    "a zip64 extra field, deflated",
    "Sizes are those of the zip64 extra field where there is one.",
    zipped(
        [
            replace(
                PART,
                method=DEFLATE,
                raw=fixed(PART.content),
                central={"size": 0xFFFFFFFF, "extra": zip64_extra(len(PART.content))},
            )
        ]
    ),
)
accepted(
    "fortran",
    ["npy.header", "npy.dtype", "npy.length"],
    "big-endian single precision, columns first",
    "An array out of a file can have every type and order.",
    zipped(
        [
            replace(
                PART, content=framed(header("'>f4'", (2, 3), True), packed([0.5, 0.125, -0.25, 0.0, 1.0, -1.0], ">f4"))
            )
        ]
    ),
)

# --- as if the array stood there

arrays(
    "odd",
    "arrays of odd ranks and values",
    cube=npy(VALUES, (1, 2, 3)),
    row=npy([0.5, -0.25, 1.0], (3,)),
    inexact=npy([1, 2, 3, 4, BIG, BIG], (2, 3), "<i8"),
    inexact_row=npy([1, BIG, 3], (3,), ">u8"),
    nan=npy([0.5, 1.0, 1.0, 1.0, INF, NAN], (2, 3)),
    nan_row=npy([0.5, NAN], (2,)),
    two=npy([0.5, 1.0], (2,)),
    column=npy([0.5, 1.0], (2, 1)),
    rows=npy([0.5, 1.0, 1.0, 2.0], (2, 2)),
    above=npy([0.5, 1.0, 1.5], (3,)),
    inexact_cube=npy([BIG] * 6, (1, 2, 3), "<i8"),
    wide=npy([], (0, 4)),
)
AS_IF: list[tuple[str, str, str, str, dict[str, Any], Patch]] = [
    ("cube", "network.weight-rank", W, "Weights have two dimensions.", sim(ref("odd", "cube")), put(W, ref("sound"))),
    (
        "vector",
        "network.weight-rank",
        W,
        "A vector is no matrix of one row.",
        sim(ref("odd", "row")),
        put(W, ref("sound")),
    ),
    ("scalar", "network.weight-rank", W, "A number is no matrix.", sim(ref("sound", "s")), put(W, ref("sound"))),
    (
        "inexact",
        "network.weight-type",
        f"{W}/1/1",
        "It is found at its place.",
        sim(ref("odd", "inexact")),
        put(W, ref("sound")),
    ),
    (
        "infinite",
        "network.weight-finite",
        f"{W}/1/1",
        "It is found at its place.",
        sim(ref("odd", "nan")),
        put(W, ref("sound")),
    ),
    (
        "bias-rank",
        "network.bias-type",
        B,
        "A bias has one dimension.",
        sim(bias=ref("odd", "column")),
        put(B, ref("sound", "b")),
    ),
    (
        "bias-scalar",
        "network.bias-type",
        B,
        "A bias has one dimension.",
        sim(bias=ref("sound", "s")),
        put(B, ref("sound", "b")),
    ),
    (
        "bias-inexact",
        "network.bias-type",
        f"{B}/1",
        "It is found at its place.",
        sim(bias=ref("odd", "inexact_row")),
        put(B, ref("sound", "b")),
    ),
    (
        "bias-nan",
        "network.bias-finite",
        f"{B}/1",
        "It is found at its place.",
        sim(bias=ref("odd", "nan_row")),
        put(B, ref("sound", "b")),
    ),
    (
        "bias-long",
        "network.bias-shape",
        B,
        "An entry per output.",
        sim(bias=ref("sound", "v")),
        put(B, ref("sound", "b")),
    ),
    (
        "chain",
        "network.chain",
        "/network/layers/1/weights",
        "Layers chain, wherever their weights are from.",
        sim() | {"network": network(layer([[1.0, 0.0, 0.0]]), layer(ref("sound")))},
        put("/network/layers/1/weights", [[1.0]]),
    ),
    (
        "chain-of-none",
        "network.chain",
        "/network/layers/1/weights",
        "A matrix of no rows keeps its width, where [] takes the one that is due.",
        sim() | {"network": network(layer(ref("sound")), layer(ref("odd", "wide")))},
        put("/network/layers/1/weights", []),
    ),
    (
        "width",
        "input.shape",
        "/input/values",
        "The width is that of the file.",
        sim(stimulus=constant([1.0])),
        put("/input/values", [1, 2, 3]),
    ),
    (
        "width-of-none",
        "input.shape",
        "/input/values",
        "A first layer without rows keeps its width, where [] takes that of the input.",
        sim(ref("odd", "wide")),
        put("/input/values", [1, 2, 3, 4]),
    ),
    (
        "values-cube",
        "input.shape",
        "/input/values",
        "A batch has two dimensions.",
        sim(stimulus=constant(ref("odd", "cube"))),
        put("/input/values", ref("sound", "v")),
    ),
    (
        "values-scalar",
        "input.shape",
        "/input/values",
        "A number is no sample.",
        sim(stimulus=constant(ref("sound", "s"))),
        put("/input/values", ref("sound", "v")),
    ),
    (
        "values-no-rows",
        "input.shape",
        "/input/values",
        "A batch has a row at least.",
        sim(stimulus=constant(ref("sound", "none"))),
        put("/input/values", ref("sound", "v")),
    ),
    (
        "values-short",
        "input.shape",
        "/input/values",
        "The sample is too short.",
        sim(stimulus=constant(ref("odd", "two"))),
        put("/input/values", ref("sound", "v")),
    ),
    (
        "values-rows-short",
        "input.shape",
        "/input/values/0",
        "The row is too short.",
        sim(stimulus=constant(ref("odd", "rows"))),
        put("/input/values", ref("sound", "batch")),
    ),
    (
        "values-inexact",
        "input.shape",
        "/input/values/1",
        "It is found at its place.",
        sim(stimulus=constant(ref("odd", "inexact_row"))),
        put("/input/values", ref("sound", "v")),
    ),
    (
        "values-batch-inexact",
        "input.shape",
        "/input/values/1/1",
        "It is found at its place.",
        sim(stimulus=constant(ref("odd", "inexact"))),
        put("/input/values", ref("sound", "v")),
    ),
    (
        "values-infinite",
        "input.range",
        "/input/values/1/1",
        "It is found at its place.",
        sim(stimulus=constant(ref("odd", "nan"))),
        put("/input/values", ref("sound", "v")),
    ),
    (
        "rates-above",
        "input.range",
        "/input/rates/2",
        "A rate is at most 1.",
        sim(stimulus=poisson(ref("odd", "above"), 1)),
        put("/input/rates", ref("sound", "r")),
    ),
    (
        "rates-no-rows",
        "input.shape",
        "/input/rates",
        "A batch has a row at least.",
        sim(stimulus=poisson(ref("sound", "none"), 1)),
        put("/input/rates", ref("sound", "r")),
    ),
]
for name, code, path, why, data, patch in AS_IF:
    cases.reject(f"simulate-file-{name}", code, path, f"It is as if the array stood there. {why}", data, patch)
cases.accept(
    "simulate-file-first-of-none",
    "A first layer of shape (0, 3) has no neurons and the width 3.",
    sim(ref("sound", "none"), bias=[]),
    near=["network.bias-shape", "input.shape"],
    tags="zero-width",
)
arrays(
    "types",
    "whole numbers of several types",
    w=npy([1, 0, -1, 2, 0, 1], (2, 3), "|i1"),
    v=npy([1, 2**53, 0], (3,), ">u8"),
)
cases.accept(
    "simulate-file-integers",
    "Whole numbers are read to binary64, as those in a request are.",
    sim(ref("types"), constant(ref("types", "v"))),
    near=["network.weight-type", "input.shape"],
)

# --- order


def precedence(name: str, why: str, data: dict[str, Any], faults: list[Fault]) -> None:
    """A request with several faults, and what is left of it: a backend is asked the first verdict of a case alone."""
    for number in range(len(faults) - 1):
        cases.precedence(f"{name}-{number}" if number else name, why, data, faults[number:])
        data = jsonpatch.apply_patch(data, faults[number][2])


precedence(
    "simulate-file-order-layers",
    "A reference's faults are found where the type of its value would be: layer by layer, weights before all biases.",
    simulation(
        network(
            layer([[0.5, "x"]], bias={"file": 0, "member": "b"}),
            layer(ref("nowhere"), neuron(threshold=0)),
            layer([[None]]),
        ),
        2,
        constant({"file": ".."}),
    ),
    [
        ("network.weight-type", f"{W}/0/1", put(f"{W}/0/1", 1.0)),
        ("archive.missing", "/network/layers/1/weights", put("/network/layers/1/weights", ref("odd", "rows"))),
        ("network.weight-type", "/network/layers/2/weights/0/0", put("/network/layers/2/weights", [[1.0, 0.0]])),
        ("file.path", f"{B}/file", put(B, [0.0])),
        ("network.chain", "/network/layers/1/weights", put("/network/layers/1/weights", [[1.0], [0.5]])),
        (
            "network.threshold",
            "/network/layers/1/neuron/threshold",
            put("/network/layers/1/neuron/threshold", 1.0),
        ),
        ("file.reference", "/input/values", put("/input/values", [1.0, 1.0])),
    ],
)
precedence(
    "simulate-file-order-weights",
    "Types of all weights come before their ranks, and ranks before values, in files and in the request alike.",
    simulation(
        network(layer(ref("odd", "inexact_cube")), layer([[0.5, "NaN"], [1.0]]), layer(ref("odd", "nan"))),
        1,
        constant([1, 2, 3]),
    ),
    [
        ("network.weight-type", f"{W}/0/0/0", put(W, ref("odd", "cube"))),
        ("network.weight-rank", W, put(W, ref("sound"))),
        ("network.weight-rank", "/network/layers/1/weights", put("/network/layers/1/weights/1", [1.0, 0.0])),
        ("network.weight-finite", "/network/layers/1/weights/0/1", put("/network/layers/1/weights/0/1", 0.0)),
        ("network.weight-finite", "/network/layers/2/weights/1/1", put("/network/layers/2/weights", [[1.0, 1.0]])),
    ],
)
precedence(
    "simulate-file-order-reference",
    "Form, place, archive and array of a reference are checked in turn.",
    sim({"file": "/x", "member": 1}),
    [
        ("file.reference", W, put(f"{W}/member", "nothing")),
        ("file.path", f"{W}/file", put(f"{W}/file", f"{ARRAYS}/cut.npz")),
        ("archive.truncated", W, put(f"{W}/file", f"{ARRAYS}/sound.npz")),
        ("archive.member-missing", W, put(f"{W}/member", "s")),
        ("network.weight-rank", W, put(f"{W}/member", "w")),
    ],
)
precedence(
    "simulate-file-order-input",
    "Rates in a file are read where their shape is checked: behind the seed and the sample, before the range.",
    sim(stimulus=poisson(ref("odd", "above"), -1, sample=-1, x=0)),
    [
        ("input.unknown-key", "/input/x", drop("/input/x")),
        ("input.seed", "/input/seed", put("/input/seed", 1)),
        ("input.sample", "/input/sample", put("/input/sample", 0)),
        ("input.range", "/input/rates/2", put("/input/rates", ref("nowhere"))),
        ("archive.missing", "/input/rates", put("/input/rates", ref("sound", "r"))),
    ],
)
precedence(
    "simulate-pair-order",
    "A pair is loaded before the steps and the input are looked at.",
    run(SOUND) | {"steps": 0},
    [
        ("network.neuron-model", "/network/checkpoint", put("/network/checkpoint", SOUND2)),
        ("simulate.steps", "/steps", put("/steps", 1)),
    ],
)
