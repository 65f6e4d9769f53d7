"""Cases about pairs of format 2 whose networks convolve, pool and sum, and about arrays of four dimensions in files."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from typing import Any

import jsonpatch
from artefacts import Part, framed, header, keep, npy, packed, zipped
from cases import Cases, Patch, add, drop, put
from convolutions import ALL, flat, tenths
from documents import (
    avgpool2d,
    constant,
    conv2d,
    conv_branch,
    dense_branch,
    flatten,
    identity,
    layer,
    lif,
    network,
    neuron,
    poisson,
    simulation,
    total,
)
from pairs import Pairs, run

pairs = Pairs("layers")
files = Cases("simulate")
saves = Cases("checkpoint.save")
TABLES = [*pairs.tables, files, saves]

Arrays = list[tuple[str, tuple[int, ...], list[float]]]
"""Members due: name, shape, elements."""


def lengths(nested: Any) -> tuple[int, ...]:
    """The shape of nested lists."""
    if not isinstance(nested, list):
        return ()
    return (len(nested), *(lengths(nested[0]) if nested else ()))


def stored(whole: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
    """A network with its arrays replaced by what stands for them in a sidecar, and the arrays."""
    arrays: Arrays = []
    document = copy.deepcopy(whole)

    def taken(name: str, weights: Any, shaped: bool) -> dict[str, Any]:
        arrays.append((name, lengths(weights), flat(weights)))
        return {"member": name} | ({"shape": list(lengths(weights))} if shaped else {})

    for l, row in enumerate(document["layers"]):  # noqa: E741
        if "weights" in row:
            row["weights"] = taken(f"layer_{l}", row["weights"], row.get("kind") == "conv2d")
        for b, branch in enumerate(row.get("inputs", [])):
            if "weights" in branch:
                branch["weights"] = taken(f"layer_{l}_{b}", branch["weights"], True)
        if "bias" in row:
            row["bias"] = taken(f"bias_{l}", row["bias"], False)
    return document, arrays


def parts(arrays: Arrays, dtype: str = "<f8") -> list[Part]:
    """The members of an archive."""
    return [Part(f"{name}.npy", npy(elements, shape, dtype)) for name, shape, elements in arrays]


def sidecar(document: dict[str, Any], sizes: list[list[int]], params: int, **changes: Any) -> dict[str, Any]:
    """The sidecar of a network as it is stored."""
    return {
        "n_layers": len(sizes),
        "layer_names": [f"l{i}" for i in range(len(sizes))],
        "layer_sizes": sizes,
        "total_params": params,
        "format_version": 2,
        "network": document,
    } | changes


# --- a small network of every kind, 1 x 3 x 3 -> 2 x 2 x 2 -> 2 x 2 x 2 -> 2 x 1 x 2 -> 4 -> 2 -> 2

WHOLE = network(
    conv2d(tenths(2, 1, 2, 2), neuron(threshold=0.3), bias=[0.1, -0.2], name="a"),
    total(identity("a", 0.5), conv_branch("input", tenths(2, 1, 2, 2, first=3)), cell=lif(0.9), bias=[0.3, 0.2]),
    avgpool2d([2, 1]),
    flatten(name="f"),
    layer(tenths(2, 4, first=5), neuron(threshold=0.2), name="d"),
    total(dense_branch("f", tenths(2, 4, first=1)), dense_branch("d", tenths(2, 2)), bias=[0.4, 0.1]),
    input_shape=[1, 3, 3],
)
STORED, ARRAYS = stored(WHOLE)
SIZES = [[9, 8], [17, 8], [8, 4], [4, 4], [4, 2], [6, 2]]
PARAMS = 8 + 2 + 8 + 2 + 8 + 8 + 4 + 2
SIDECAR = sidecar(STORED, SIZES, PARAMS)
ARCHIVE = zipped(parts(ARRAYS))
GOOD = "artefacts/layers/every-kind"

pairs.accept(
    "every-kind",
    ["network.member", "network.chain", "checkpoint.parameter-count", "network.elements", "network.output"],
    "a network of every kind of layer and branch",
    "Members due are layer_0, bias_0, layer_1_1, bias_1, layer_4, layer_5_0, layer_5_1, bias_5; an identity has none.",
    SIDECAR,
    ARCHIVE,
    twin=9,
    facts={"n_layers": 6, "total_params": PARAMS},
)
files.accept(
    "simulate-pair-every-kind-run",
    "Out of a pair every kind of layer computes what it does out of a request.",
    simulation({"checkpoint": GOOD}, 4, constant(flat(tenths(9, first=2))), *ALL),
    tags="record",
)
files.accept(
    "simulate-pair-every-kind-inline",
    "The same network in the request: the answer is that of the pair.",
    simulation(WHOLE, 4, constant(flat(tenths(9, first=2))), *ALL),
    tags="record",
)
files.accept(
    "simulate-pair-every-kind-f32",
    "In binary32 the numbers out of the archive, and the weight of the identity, are rounded once.",
    simulation({"checkpoint": GOOD}, 3, poisson([0.5] * 9, 4), "potential", profile="sequential-f32"),
    tags="poisson",
)
files.reject(
    "simulate-pair-values-of-its-shape",
    "input.shape",
    "/input/values",
    "The input's width is that of the pair's input_shape.",
    run(GOOD, 8),
    put("/input/values", [1.0] * 9),
)

# --- the order of members, types, Fortran order: what a strict reader of four dimensions must get right

for name, archive, done in (
    ("members-reversed", zipped(parts(ARRAYS)[::-1]), "its members in reverse order"),
    ("members-big-endian", zipped(parts(ARRAYS, ">f8")), "its members big-endian"),
    (
        "members-single",
        zipped(parts([(n, s, [float(round(8 * x)) / 8 for x in e]) for n, s, e in ARRAYS], "<f4")),
        "its members in binary32",
    ),
):
    pairs.accept(
        f"kinds-{name}",
        ["archive.member-missing", "npy.dtype"],
        f"a network of every kind, {done}",
        "What is in the archive is found by its name and read by its header.",
        SIDECAR,
        archive,
    )


def transposed(elements: list[float], shape: tuple[int, ...]) -> list[float]:
    """Elements in C order as they are written in Fortran order."""
    result = []
    for index in range(math.prod(shape)):
        place, rest = 0, index
        for axis in range(len(shape)):
            rest, position = divmod(rest, shape[axis])
            place += position * math.prod(shape[axis + 1 :])
        result.append(elements[place])
    return result


FORTRAN = (2, 3, 2, 4)
BLOCK = network(conv2d(tenths(*FORTRAN), bias=[0.1, 0.2]), input_shape=[3, 3, 5])
BLOCK_STORED, BLOCK_ARRAYS = stored(BLOCK)
KERNELS = BLOCK_ARRAYS[0][2]
pairs.accept(
    "kinds-fortran",
    ["npy.header", "checkpoint.weight-shape"],
    "weights of shape (2, 3, 2, 4) in Fortran order",
    "Four dimensions are transposed, not two.",
    sidecar(BLOCK_STORED, [[45, 8]], 50),
    zipped(
        [
            Part("layer_0.npy", framed(header(shape=FORTRAN, fortran=True), packed(transposed(KERNELS, FORTRAN)))),
            *parts(BLOCK_ARRAYS[1:]),
        ]
    ),
    twin=45,
)

# --- faults of the sidecar: a convolution, and a sum of an identity and a convolution

SMALL = network(
    conv2d(tenths(2, 1, 2, 2), bias=[0.1, -0.2], name="a"),
    total(identity("a", 0.5), conv_branch("input", tenths(2, 1, 2, 2, first=3))),
    input_shape=[1, 3, 3],
)
SMALL_STORED, SMALL_ARRAYS = stored(SMALL)
SMALL_SIDECAR = sidecar(SMALL_STORED, [[9, 8], [17, 8]], 18)
SMALL_ARCHIVE = zipped(parts(SMALL_ARRAYS))


def patched(document: Any, patch: Patch) -> Any:
    """A changed copy of a document."""
    return jsonpatch.apply_patch(copy.deepcopy(document), patch)


def bad(name: str, rule: str, path: str, why: str, patch: Patch, *, twin: bool = False, tags: str = "") -> None:
    """A sidecar of the small network with one fault, made by a patch."""
    code = f"network.{rule}"
    pairs.reject(
        f"kinds-{name}",
        code,
        path,
        f"a sound pair with {code} at {path}",
        why,
        patched(SMALL_SIDECAR, patch),
        SMALL_ARCHIVE,
        twin=twin,
        tags=tags,
    )


pairs.accept(
    "kinds-small",
    ["network.object", "network.kind", "network.unknown-key", "network.missing-key", "network.inputs", "network.name"],
    "a convolution, and a sum of its spikes and of another convolution of the input",
    "Nothing is at fault here.",
    SMALL_SIDECAR,
    SMALL_ARCHIVE,
    twin=9,
)
N, L0, L1 = "/network", "/network/layers/0", "/network/layers/1"
bad("branch-string", "object", f"{L1}/inputs/0", "A branch is an object.", put(f"{L1}/inputs/0", "a"), twin=True)
bad("layer-kind", "kind", f"{L0}/kind", "A kind of layers is one of five.", put(f"{L0}/kind", "conv3d"), twin=True)
bad("branch-kind", "kind", f"{L1}/inputs/1/kind", "A kind of branches one of three.", put(f"{L1}/inputs/1/kind", "sum"))
bad(
    "key-of-pool",
    "unknown-key",
    f"{L0}/kernel",
    "The kernel's size is in the shape of the weights.",
    add(f"{L0}/kernel", [2, 2]),
)
bad(
    "key-of-identity",
    "unknown-key",
    f"{L1}/inputs/0/weights",
    "An identity has no weights in the archive.",
    add(f"{L1}/inputs/0/weights", {"member": "layer_1_0"}),
)
bad(
    "no-weight-of-identity",
    "missing-key",
    f"{L1}/inputs/0/weight",
    "Its weight is in the sidecar.",
    drop(f"{L1}/inputs/0/weight"),
    twin=True,
)
bad(
    "no-weights-of-branch",
    "missing-key",
    f"{L1}/inputs/1/weights",
    "Where weights are is told.",
    drop(f"{L1}/inputs/1/weights"),
)
bad("inputs-none", "inputs", f"{L1}/inputs", "At least one branch.", put(f"{L1}/inputs", []), twin=True)
bad("inputs-object", "inputs", f"{L1}/inputs", "Branches are an array.", put(f"{L1}/inputs", {}))
bad(
    "shape-of-two",
    "input-shape",
    f"{N}/input_shape",
    "Channels, height, width.",
    put(f"{N}/input_shape", [3, 3]),
    twin=True,
)
bad("shape-zero", "input-shape", f"{N}/input_shape", "At least 1.", put(f"{N}/input_shape", [1, 3, 0]))
bad(
    "shape-float",
    "input-shape",
    f"{N}/input_shape",
    "3.0 is no Integer in a sidecar either.",
    put(f"{N}/input_shape", [1, 3, 3.0]),
)
bad("name-input", "name", f"{L0}/name", "input is the input.", put(f"{L0}/name", "input"), twin=True)
bad("name-taken", "name", f"{L1}/name", "Names of layers are unique.", add(f"{L1}/name", "a"))
bad(
    "from-unknown",
    "from",
    f"{L1}/inputs/0/from",
    "Names in from are those of the network, not of layer_names.",
    put(f"{L1}/inputs/0/from", "l0"),
    twin=True,
)
bad("from-later", "from", f"{L0}/from", "Of earlier layers.", add(f"{L0}/from", "a"))
bad("stride-zero", "geometry", f"{L0}/stride", "A stride is at least 1.", add(f"{L0}/stride", [0, 1]), twin=True)
bad("groups-float", "geometry", f"{L1}/inputs/1/groups", "1.0 is no Integer.", add(f"{L1}/inputs/1/groups", 1.0))

W0 = {"member": "layer_0", "shape": [2, 1, 2, 2]}
for name, value in {
    "no-shape": {"member": "layer_0"},
    "shape-null": W0 | {"shape": None},
    "shape-of-three": W0 | {"shape": [2, 2, 2]},
    "shape-of-five": W0 | {"shape": [2, 1, 2, 2, 1]},
    "shape-zero": W0 | {"shape": [0, 1, 2, 2]},
    "shape-zero-columns": W0 | {"shape": [2, 1, 2, 0]},
    "shape-negative": W0 | {"shape": [2, 1, -2, -2]},
    "shape-float": W0 | {"shape": [2, 1, 2.0, 2]},
    "shape-true": W0 | {"shape": [2, True, 2, 2]},
    "shape-large": W0 | {"shape": [65537, 1, 2, 2]},
    "shape-string": W0 | {"shape": "2122"},
    "name": W0 | {"member": "layer_1"},
    "name-null": W0 | {"member": None},
    "more": W0 | {"dtype": "<f8"},
    "inline": tenths(2, 1, 2, 2),
    "file": {"file": "artefacts/layers/kinds-small.npz", "member": "layer_0"},
}.items():
    bad(
        f"member-{name}",
        "member",
        f"{L0}/weights",
        "The weights of a convolution are a member and four Integers; the path is that of the whole.",
        put(f"{L0}/weights", value),
        twin=name == "no-shape",
    )
W1 = {"member": "layer_1_1", "shape": [2, 1, 2, 2]}
for name, value in {
    "of-the-layer": W1 | {"member": "layer_1"},
    "of-the-first": W1 | {"member": "layer_1_0"},
    "no-shape": {"member": "layer_1_1"},
    "shape-of-two": W1 | {"shape": [2, 4]},
    "null": None,
}.items():
    bad(
        f"member-of-branch-{name}",
        "member",
        f"{L1}/inputs/1/weights",
        "Branches are counted with the identities: this one is layer_1_1.",
        put(f"{L1}/inputs/1/weights", value),
        twin=name == "of-the-first",
    )
for name, value in {
    "shape": {"member": "bias_0", "shape": [2]},
    "of-branch": {"member": "bias_0_0"},
    "inline": [0.1, -0.2],
}.items():
    bad(f"member-bias-{name}", "member", f"{L0}/bias", "A bias is a member without a shape.", put(f"{L0}/bias", value))
bad(
    "identity-string",
    "weight-type",
    f"{L1}/inputs/0/weight",
    "The weight of an identity is a Number.",
    put(f"{L1}/inputs/0/weight", "1"),
    twin=True,
)
bad(
    "identity-member",
    "weight-type",
    f"{L1}/inputs/0/weight",
    "It stays in the sidecar.",
    put(f"{L1}/inputs/0/weight", {"member": "layer_1_0"}),
)
bad(
    "identity-nan",
    "weight-finite",
    f"{L1}/inputs/0/weight",
    "It is finite.",
    put(f"{L1}/inputs/0/weight", "NaN"),
    twin=True,
)
bad(
    "identity-infinite",
    "weight-finite",
    f"{L1}/inputs/0/weight",
    "An infinity is not.",
    put(f"{L1}/inputs/0/weight", "-Infinity"),
)
bad(
    "chain-channels",
    "chain",
    f"{L0}/weights",
    "The input has one channel, not two.",
    put(f"{L0}/weights/shape", [1, 2, 2, 2]),
    twin=True,
)
bad(
    "chain-kernel",
    "chain",
    f"{L1}/inputs/1/weights",
    "A kernel of four rows on three.",
    put(f"{L1}/inputs/1/weights/shape", [2, 1, 4, 1]),
)
bad(
    "chain-branches",
    "chain",
    f"{L1}/inputs/1",
    "The second branch gives 2 x 3 x 3, the first 2 x 2 x 2.",
    put(f"{L1}/inputs/1/weights/shape", [2, 1, 1, 1]),
)
bad(
    "chain-sizes-input",
    "chain",
    "/layer_sizes/0",
    "layer_sizes tells the input's elements.",
    put("/layer_sizes/0", [1, 8]),
    twin=True,
)
bad("chain-sizes-output", "chain", "/layer_sizes/0", "And the output's.", put("/layer_sizes/0", [9, 2]))
bad(
    "chain-sizes-of-sum",
    "chain",
    "/layer_sizes/1",
    "Of a sum the inputs of all branches count, of an identity too.",
    put("/layer_sizes/1", [9, 8]),
    twin=True,
)
bad(
    "chain-sizes-of-sum-first",
    "chain",
    "/layer_sizes/1",
    "Not those of the first alone.",
    put("/layer_sizes/1", [8, 8]),
)
bad(
    "chain-sizes-of-sum-outputs",
    "chain",
    "/layer_sizes/1",
    "The outputs are those of the sum, not of its branches together.",
    put("/layer_sizes/1", [17, 16]),
)
bad(
    "elements",
    "elements",
    L0,
    "More than 2^24 elements; what layer_sizes says of them comes after.",
    add(f"{L0}/padding", [4096, 4096]),
    twin=True,
)
bad(
    "elements-of-branch",
    "elements",
    f"{L1}/inputs/1",
    "Of a branch too.",
    add(f"{L1}/inputs/1/padding", [65536, 65536]),
)
bad(
    "kernel-wraps",
    "chain",
    f"{L0}/weights",
    "65,536 rows with a dilation of 65,536 need 2^32 - 65,535 rows: in 32 bits that is negative, and would fit.",
    put(f"{L0}/weights/shape", [2, 1, 65536, 1]) + add(f"{L0}/dilation", [65536, 1]),
)
for member, value, rule in (
    ("model", "li", "neuron-model"),
    ("threshold", -1, "threshold"),
    ("reset", 0, "reset"),
    ("initial_potential", None, "initial-potential"),
):
    bad(
        f"sum-{member.replace('_', '-')}",
        rule,
        f"{L1}/neuron/{member}",
        "The neurons of a sum have the rules of all others.",
        add(f"{L1}/neuron/{member}", value),
    )


def other(
    name: str,
    code: str,
    path: str,
    done: str,
    why: str,
    whole: dict[str, Any],
    sizes: list[list[int]],
    params: int,
    patch: Patch | None = None,
    *,
    twin: bool = False,
    archive: Iterable[Part] | None = None,
) -> None:
    """A pair of another network; the patch is of its sidecar."""
    document, arrays = stored(whole)
    text = patched(sidecar(document, sizes, params), patch or [])
    members = zipped(list(parts(arrays) if archive is None else archive))
    pairs.reject(f"kinds-{name}", code, path, done, why, text, members, twin=twin)


POOLS = network(avgpool2d([2, 1]), flatten(), layer(tenths(1, 6)), input_shape=[2, 2, 3])
POOL_SIZES = [[12, 6], [6, 6], [6, 1]]
other(
    "sizes-of-pool",
    "network.chain",
    "/layer_sizes/0",
    "layer_sizes of a pool [12, 12]",
    "A pool has sizes, if no members.",
    POOLS,
    [[12, 12], [6, 6], [6, 1]],
    6,
)
other(
    "sizes-of-flatten",
    "network.chain",
    "/layer_sizes/1",
    "layer_sizes of a flatten [6, 0]",
    "So has a flatten.",
    POOLS,
    [[12, 6], [6, 0], [6, 1]],
    6,
    twin=True,
)
other(
    "sizes-of-dense",
    "network.chain",
    "/network/layers/2/weights",
    "layer_sizes of a dense layer behind a flatten [5, 1]",
    "The shape of a dense layer comes from layer_sizes, and does not fit here.",
    POOLS,
    [[12, 6], [6, 6], [5, 1]],
    6,
)
other(
    "pool-kernel",
    "network.chain",
    "/network/layers/0",
    "a pool of three rows on two",
    "A pool that does not fit is at fault itself.",
    POOLS,
    POOL_SIZES,
    6,
    put("/network/layers/0/kernel", [3, 1]),
)
other(
    "output-pool",
    "network.output",
    "/network/layers/1",
    "a pool at the end",
    "The last layer has neurons.",
    network(conv2d(tenths(1, 1, 1, 1)), avgpool2d([1, 1]), input_shape=[1, 2, 2]),
    [[4, 4], [4, 4]],
    1,
    twin=True,
)
other(
    "output-flatten",
    "network.output",
    "/network/layers/1",
    "a flatten at the end",
    "A flatten has none.",
    network(conv2d(tenths(1, 1, 1, 1)), flatten(), input_shape=[1, 2, 2]),
    [[4, 4], [4, 4]],
    1,
)
other(
    "parameters-of-identity",
    "checkpoint.parameter-count",
    "/total_params",
    "total_params with the weight of an identity",
    "The weight of an identity is no parameter of the archive.",
    SMALL,
    [[9, 8], [17, 8]],
    19,
)
other(
    "parameters-of-weights",
    "checkpoint.parameter-count",
    "/total_params",
    "total_params without the biases",
    "Biases count, branches count.",
    SMALL,
    [[9, 8], [17, 8]],
    16,
    twin=True,
)
other(
    "parameters-by-sizes",
    "checkpoint.parameter-count",
    "/total_params",
    "total_params by layer_sizes",
    "A convolution has fewer parameters than inputs times outputs.",
    SMALL,
    [[9, 8], [17, 8]],
    9 * 8 + 17 * 8 + 2,
)
HUGE = network(conv2d(tenths(1, 1, 1, 1), padding=[32768, 32768]), input_shape=[65536, 1, 1])
other(
    "parameters-wrap",
    "checkpoint.parameter-count",
    "/total_params",
    "total_params 0 for weights of 65,536^4 elements",
    "2^64 elements are not 0.",
    HUGE,
    [[65536, 262144]],
    0,
    put("/network/layers/0/weights/shape", [65536] * 4),
    archive=[],
)
other(
    "dense-elements",
    "network.elements",
    "/network/layers/0",
    "a dense layer of no inputs and 2^24 + 1 outputs",
    "A layer gives at most 2^24 numbers, whatever it weighs.",
    network(layer([]), layer([])),
    [[0, 16777217], [16777217, 0]],
    0,
    archive=[],
)
other(
    "dense-branch-shape",
    "network.member",
    "/network/layers/0/inputs/0/weights",
    "a dense branch with a shape of 2^53 rows",
    "A dense branch has a shape of its own, of two Integers.",
    network(total(dense_branch("input", tenths(1, 2)))),
    [[2, 1]],
    2,
    put("/network/layers/0/inputs/0/weights/shape", [9007199254740992, 2]),
)
other(
    "dense-branch-no-shape",
    "network.member",
    "/network/layers/0/inputs/0/weights",
    "a dense branch without a shape",
    "Only the shape of a dense layer comes from layer_sizes.",
    network(total(dense_branch("input", tenths(1, 2)))),
    [[2, 1]],
    2,
    drop("/network/layers/0/inputs/0/weights/shape"),
    twin=True,
)
other(
    "dense-layer-shape",
    "network.member",
    "/network/layers/0/weights",
    "a dense layer with a shape",
    "A dense layer has none.",
    network(layer(tenths(1, 2))),
    [[2, 1]],
    2,
    add("/network/layers/0/weights/shape", [1, 2]),
)
other(
    "dense-branch-negative",
    "network.member",
    "/network/layers/0/inputs/0/weights",
    "a dense branch of -1 rows",
    "No dimension is negative.",
    network(total(dense_branch("input", tenths(1, 2)))),
    [[2, 1]],
    2,
    put("/network/layers/0/inputs/0/weights/shape", [-1, -2]),
)
other(
    "input-width",
    "network.chain",
    "/network/layers/1/weights",
    "two layers that take the input, of 2 and of 3 inputs",
    "The first taker of the input decides, by layer_sizes.",
    network(layer(tenths(1, 2)), layer(tenths(1, 3), **{"from": "input"})),
    [[2, 1], [3, 1]],
    5,
)
other(
    "input-width-of-branch",
    "network.chain",
    "/network/layers/1/weights",
    "a branch of 2 inputs, and a layer of 3",
    "A branch decides by its shape.",
    network(total(dense_branch("input", tenths(1, 2))), layer(tenths(1, 3), **{"from": "input"})),
    [[2, 1], [3, 1]],
    5,
    twin=True,
)

# --- the archive


def content(name: str, shape: tuple[int, ...], elements: list[float], dtype: str = "<f8") -> Part:
    """A member with another header or other elements."""
    return Part(f"{name}.npy", npy(elements, shape, dtype))


def replaced(*changed: Part) -> list[Part]:
    """The members of the small network, some of them others."""
    names = [part.name for part in changed]
    return [part for part in parts(SMALL_ARRAYS) if part.name not in names] + list(changed)


def archived(name: str, code: str, path: str, done: str, why: str, members: list[Part], *, twin: bool = False) -> None:
    """The small network with another archive."""
    pairs.reject(f"kinds-{name}", code, path, done, why, SMALL_SIDECAR, zipped(members), twin=twin)


FIRST, THIRD = SMALL_ARRAYS[0][2], SMALL_ARRAYS[2][2]
SOUND_PARTS = parts(SMALL_ARRAYS)
archived(
    "archive-no-branch",
    "archive.member-missing",
    "/weights/1/1",
    "layer_1_1 missing",
    "The path of a branch's member has the layer and the branch.",
    SOUND_PARTS[:2],
    twin=True,
)
archived(
    "archive-no-weights",
    "archive.member-missing",
    "/weights/0",
    "layer_0 missing",
    "The first member due in due order.",
    SOUND_PARTS[1:],
)
archived(
    "archive-no-bias",
    "archive.member-missing",
    "/biases/0",
    "bias_0 missing",
    "The bias of a convolution is due.",
    [SOUND_PARTS[0], SOUND_PARTS[2]],
)
archived(
    "archive-identity",
    "archive.member-unexpected",
    "",
    "layer_1_0 for layer_1_1",
    "An identity has no member.",
    [*SOUND_PARTS[:2], content("layer_1_0", (2, 1, 2, 2), THIRD)],
)
archived(
    "archive-more",
    "archive.entry-count",
    "",
    "a member more than are due",
    "As many entries as members due.",
    [*SOUND_PARTS, content("layer_1_0", (1,), [0.5])],
)
archived(
    "shape-flat",
    "checkpoint.weight-shape",
    "/weights/0",
    "layer_0 of shape (2, 4)",
    "As many elements in two dimensions are not those of four.",
    replaced(content("layer_0", (2, 4), FIRST)),
)
archived(
    "shape-transposed",
    "checkpoint.weight-shape",
    "/weights/1/1",
    "layer_1_1 of shape (2, 2, 2, 1)",
    "The order of the dimensions is output, input, height, width.",
    replaced(content("layer_1_1", (2, 2, 2, 1), THIRD)),
    twin=True,
)
archived(
    "shape-of-bias",
    "checkpoint.weight-shape",
    "/biases/0",
    "bias_0 of shape (2, 1)",
    "A bias has one dimension.",
    replaced(content("bias_0", (2, 1), [0.1, -0.2])),
)
archived(
    "bias-per-place",
    "checkpoint.weight-shape",
    "/biases/0",
    "bias_0 with an entry per place",
    "The bias of a convolution has an entry per channel.",
    replaced(content("bias_0", (8,), [0.0] * 8)),
)
archived(
    "finite",
    "checkpoint.weight-finite",
    "/weights/0/1/0/1/0",
    "NaN in layer_0",
    "An element of four dimensions has four indices.",
    replaced(content("layer_0", (2, 1, 2, 2), [*FIRST[:6], math.nan, FIRST[7]])),
    twin=True,
)
archived(
    "finite-of-branch",
    "checkpoint.weight-finite",
    "/weights/1/1/0/0/1/1",
    "an infinity in layer_1_1",
    "Behind the layer and the branch.",
    replaced(content("layer_1_1", (2, 1, 2, 2), [*THIRD[:3], math.inf, *THIRD[4:]])),
)
archived(
    "type-of-branch",
    "checkpoint.weight-type",
    "/weights/1/1/1/0/0/1",
    "2^53 + 1 in layer_1_1",
    "An integer that binary64 cannot hold.",
    replaced(content("layer_1_1", (2, 1, 2, 2), [0, 0, 0, 0, 0, 2**53 + 1, 0, 0], "<i8")),
)
archived(
    "size-declared",
    "archive.size",
    "/weights/0",
    "layer_0 declares 8 x 8 + 65,549 bytes",
    "The limit of a member follows its shape.",
    replaced(Part("layer_0.npy", npy(FIRST, (2, 1, 2, 2)), central={"size": 65613})),
)
SUMBIAS = network(
    total(identity("input", 1.0), conv_branch("input", tenths(2, 2, 1, 1)), bias=[0.1, 0.2]), input_shape=[2, 1, 2]
)
SUM_STORED, SUM_ARRAYS = stored(SUMBIAS)
pairs.reject(
    "kinds-bias-of-sum",
    "checkpoint.weight-shape",
    "/biases/0",
    "the bias of a sum with an entry per place",
    "The bias of a sum of maps has an entry per channel.",
    sidecar(SUM_STORED, [[8, 4]], 6),
    zipped([parts(SUM_ARRAYS)[0], content("bias_0", (4,), [0.1, 0.2, 0.3, 0.4])]),
)
pairs.reject(
    "kinds-bias-of-sum-missing",
    "archive.member-missing",
    "/biases/0",
    "the bias of a sum missing",
    "It is due after the branches' weights.",
    sidecar(SUM_STORED, [[8, 4]], 6),
    zipped(parts(SUM_ARRAYS)[:1]),
)

# --- what is accepted


def good(
    name: str,
    near: list[str],
    done: str,
    why: str,
    whole: dict[str, Any],
    sizes: list[list[int]],
    params: int,
    twin: int = 0,
    tags: str = "",
) -> None:
    """A pair of a network that is loaded."""
    document, arrays = stored(whole)
    pairs.accept(
        f"kinds-{name}", near, done, why, sidecar(document, sizes, params), zipped(parts(arrays)), twin=twin, tags=tags
    )


good(
    "bias-per-channel",
    ["network.chain", "checkpoint.weight-shape"],
    "a sum of maps with a bias per channel",
    "Two channels of two places have two biases.",
    SUMBIAS,
    [[8, 4]],
    6,
    twin=4,
)
good(
    "pools",
    ["network.output", "network.chain"],
    "a pool, a flatten, a dense layer",
    "Kinds without members have sizes all the same.",
    POOLS,
    POOL_SIZES,
    6,
    twin=12,
)
good(
    "identities-alone",
    ["archive.entry-count", "network.weight-type", "network.weight-finite"],
    "a sum of identities, and no member at all",
    "An archive may be without members where nothing has any.",
    network(total(identity("input", 1.7976931348623157e308), identity("input", -0.0)), input_shape=[1, 1, 1]),
    [[2, 1]],
    0,
)
good(
    "grouped",
    ["network.chain", "network.geometry", "network.member"],
    "a convolution in two groups, with stride, padding and dilation",
    "The shape of its weights is that of the group.",
    network(
        conv2d(tenths(4, 1, 2, 1), groups=2, stride=[1, 2], padding=[1, 0], dilation=[2, 1]), input_shape=[2, 3, 3]
    ),
    [[18, 24]],
    8,
    twin=18,
)
good(
    "named",
    ["network.name", "network.from"],
    "layers with names, one of which nobody takes",
    "Names in the network and layer_names have nothing to do with each other.",
    network(
        layer(tenths(2, 2), name="l1"),
        layer(tenths(1, 2), name="\u00e9", **{"from": "input"}),
        layer(tenths(1, 2), **{"from": "l1"}),
    ),
    [[2, 2], [2, 1], [2, 1]],
    8,
    twin=2,
    tags="unicode",
)
pairs.accept(
    "kinds-dense-elements-most",
    ["network.elements"],
    "a dense layer of no inputs and 2^24 outputs",
    "2^24 numbers are the most that a layer gives.",
    sidecar(stored(network(layer([]), layer([])))[0], [[0, 16777216], [16777216, 0]], 0),
    zipped([content("layer_0", (16777216, 0), []), content("layer_1", (0, 16777216), [])]),
)
pairs.accept(
    "kinds-empty-branch",
    ["network.member", "network.chain"],
    "a dense branch of shape [0, 3], and one of [0, 2]",
    "A branch without rows keeps its width, and decides that of the input.",
    patched(
        sidecar(
            stored(network(layer(tenths(2, 3), name="a"), total(dense_branch("input", []), dense_branch("a", []))))[0],
            [[3, 2], [5, 0]],
            6,
        ),
        put("/network/layers/1/inputs/0/weights/shape", [0, 3])
        + put("/network/layers/1/inputs/1/weights/shape", [0, 2]),
    ),
    zipped([content("layer_0", (2, 3), tenths(6)), content("layer_1_0", (0, 3), []), content("layer_1_1", (0, 2), [])]),
    twin=3,
    tags="zero-width",
)

# --- order

pairs.precedence(
    "kinds-order-rules",
    "The rules of a stored network in their order: geometry, member, the weight of an identity, the shapes.",
    [
        (
            "network.geometry",
            f"{L1}/inputs/1/stride",
            patched(
                SMALL_SIDECAR,
                add(f"{L1}/inputs/1/stride", 1)
                + put(f"{L0}/weights/shape", None)
                + put(f"{L1}/inputs/0/weight", None)
                + put("/layer_sizes/0", [9, 9]),
            ),
            SMALL_ARCHIVE,
        ),
        (
            "network.member",
            f"{L0}/weights",
            patched(
                SMALL_SIDECAR,
                put(f"{L0}/weights/shape", None) + put(f"{L1}/inputs/0/weight", None) + put("/layer_sizes/0", [9, 9]),
            ),
            SMALL_ARCHIVE,
        ),
        (
            "network.weight-type",
            f"{L1}/inputs/0/weight",
            patched(SMALL_SIDECAR, put(f"{L1}/inputs/0/weight", None) + put("/layer_sizes/0", [9, 9])),
            SMALL_ARCHIVE,
        ),
        ("network.chain", "/layer_sizes/0", patched(SMALL_SIDECAR, put("/layer_sizes/0", [9, 9])), SMALL_ARCHIVE),
    ],
    "artefacts/layers/kinds-small",
)
pairs.precedence(
    "kinds-order-members",
    "Members in due order: the branches' weights before the bias of their sum, wherever they stand.",
    [
        (
            "network.member",
            "/network/layers/0/inputs/1/weights",
            patched(
                sidecar(SUM_STORED, [[8, 4]], 6),
                put("/network/layers/0/inputs/1/weights", 1) + put("/network/layers/0/bias", 2),
            ),
            SMALL_ARCHIVE,
        ),
        (
            "network.member",
            "/network/layers/0/bias",
            patched(sidecar(SUM_STORED, [[8, 4]], 6), put("/network/layers/0/bias", 2)),
            SMALL_ARCHIVE,
        ),
    ],
    "artefacts/layers/kinds-bias-per-channel",
)
pairs.precedence(
    "kinds-order-walk",
    "One walk: too many elements of layer 0, its layer_sizes, a branch unlike the other, the sum's layer_sizes.",
    [
        (
            "network.elements",
            L0,
            patched(
                SMALL_SIDECAR,
                add(f"{L0}/padding", [4096, 4096]) + put("/layer_sizes/0", [1, 1]) + put("/layer_sizes/1", [1, 1]),
            ),
            SMALL_ARCHIVE,
        ),
        (
            "network.chain",
            "/layer_sizes/0",
            patched(
                SMALL_SIDECAR,
                put("/layer_sizes/0", [1, 1])
                + put(f"{L1}/inputs/1/weights/shape", [2, 1, 1, 1])
                + put("/layer_sizes/1", [1, 1]),
            ),
            SMALL_ARCHIVE,
        ),
        (
            "network.chain",
            f"{L1}/inputs/1",
            patched(SMALL_SIDECAR, put(f"{L1}/inputs/1/weights/shape", [2, 1, 1, 1]) + put("/layer_sizes/1", [1, 1])),
            SMALL_ARCHIVE,
        ),
        ("network.chain", "/layer_sizes/1", patched(SMALL_SIDECAR, put("/layer_sizes/1", [1, 1])), SMALL_ARCHIVE),
    ],
    "artefacts/layers/kinds-small",
)

# --- what rounds away in binary32

BEYOND = network(total(identity("input", 1e39)), input_shape=[1, 1, 1])
good(
    "beyond-binary32",
    ["network.weight-finite"],
    "an identity of 1e39",
    "In binary64 it is finite.",
    BEYOND,
    [[1, 1]],
    0,
    twin=1,
)
files.reject(
    "simulate-pair-kinds-f32-overflow",
    "network.weight-finite",
    "/network/checkpoint",
    "In binary32 the weight of an identity becomes infinite, and the fault is the pair's.",
    simulation({"checkpoint": "artefacts/layers/kinds-beyond-binary32"}, 1, constant([1.0]), profile="sequential-f32"),
    put("/profile", "sequential-f64"),
)
for name, first, path in (
    ("identity", total(identity("input", 1e39)), "inputs/0/weight"),
    ("conv", conv2d([[[[1e39]]]]), "weights/0/0/0/0"),
):
    files.reject(
        f"simulate-f32-weight-finite-{name}",
        "network.weight-finite",
        f"/network/layers/0/{path}",
        "A weight beyond binary32 becomes infinite by rounding.",
        simulation(network(first, input_shape=[1, 1, 1]), 1, constant([1.0]), profile="sequential-f32"),
        put("/profile", "sequential-f64"),
    )

# --- arrays of four dimensions in files

PLACE = "artefacts/layers/kernels.npz"
SHAPE = (2, 3, 2, 4)
keep(
    PLACE,
    zipped(
        [
            content("w", SHAPE, KERNELS),
            Part("f.npy", framed(header(shape=SHAPE, fortran=True), packed(transposed(KERNELS, SHAPE)))),
            content("matrix", (6, 8), KERNELS),
            content("five", (2, 3, 2, 2, 2), KERNELS),
            content("none", (0, 3, 2, 4), []),
            content("thin", (2, 3, 0, 4), []),
            content("inexact", SHAPE, [0] * 30 + [2**53 + 1] + [0] * 17, "<i8"),
            content("nan", SHAPE, [0.0] * 47 + [math.nan], "<f2"),
            content("b", (2,), [0.1, 0.2]),
            content("map", (1, 2), [0.1, 0.2]),
            content("v", (45,), tenths(45)),
        ]
    ),
    "weights of a convolution in four dimensions, and others that are none",
)
W = "/network/layers/0/weights"


def ref(member: str) -> dict[str, str]:
    """A reference to an array in the file."""
    return {"file": PLACE, "member": member}


def filed(weights: Any, **changes: Any) -> dict[str, Any]:
    """A simulation of a convolution whose weights may be in the file."""
    whole = network(conv2d(weights, **changes), input_shape=[3, 3, 5], readout="membrane")
    return simulation(whole, 1, constant(tenths(45)))


for name in ("w", "f"):
    files.accept(
        f"simulate-file-kernels-{name}",
        "Weights of four dimensions out of a file, in C order and in Fortran order: the same currents.",
        filed(ref(name), bias=ref("b")),
        near=["network.weight-rank", "file.reference", "network.bias-type"],
    )
for name, why in (
    ("matrix", "Two dimensions are not four."),
    ("five", "Nor are five."),
    ("none", "A convolution has at least one output, in a file too."),
    ("thin", "A kernel without rows is none."),
):
    files.reject(
        f"simulate-file-kernels-{name}", "network.weight-rank", W, why, filed(ref(name)), put(f"{W}/member", "w")
    )
files.reject(
    "simulate-file-kernels-inexact",
    "network.weight-type",
    f"{W}/1/0/1/2",
    "The place of an integer that binary64 cannot hold has four indices.",
    filed(ref("inexact")),
    put(f"{W}/member", "w"),
)
files.reject(
    "simulate-file-kernels-nan",
    "network.weight-finite",
    f"{W}/1/2/1/3",
    "So has that of a NaN.",
    filed(ref("nan")),
    put(f"{W}/member", "w"),
)
files.reject(
    "simulate-file-kernels-missing",
    "archive.member-missing",
    W,
    "There is no such member.",
    filed(ref("x")),
    put(f"{W}/member", "w"),
)
files.reject(
    "simulate-file-kernels-of-dense",
    "network.weight-rank",
    W,
    "Four dimensions are none of a dense layer's.",
    simulation(network(layer(ref("w"))), 1, constant([1.0] * 8)),
    put(f"{W}/member", "matrix"),
)
files.reject(
    "simulate-file-bias-of-a-map",
    "network.bias-type",
    "/network/layers/0/bias",
    "A bias has one dimension, in a file too.",
    filed(ref("w"), bias=ref("map")),
    put("/network/layers/0/bias/member", "b"),
)


def filed_branch(weights: Any, source: str = "input") -> dict[str, Any]:
    """A simulation of a sum with a branch whose weights may be in the file."""
    rows = [conv_branch("input", tenths(*SHAPE, first=4)), conv_branch(source, weights)]
    return simulation(
        network(total(*rows, bias=ref("b")), input_shape=[3, 3, 5], readout="membrane"), 1, constant(ref("v"))
    )


BRANCH = "/network/layers/0/inputs/1/weights"
files.accept(
    "simulate-file-kernels-of-branch",
    "A branch takes its weights from a file as a layer does.",
    filed_branch(ref("w")),
    near=["network.weight-rank", "file.path"],
)
files.reject(
    "simulate-file-kernels-of-branch-path",
    "file.path",
    f"{BRANCH}/file",
    "And the place of the file is checked as that of a layer's.",
    filed_branch({"file": "../kernels.npz", "member": "w"}),
    put(f"{BRANCH}/file", PLACE),
)
files.reject(
    "simulate-file-kernels-of-branch-reference",
    "file.reference",
    BRANCH,
    "So is the reference.",
    filed_branch({"file": PLACE}),
    put(BRANCH, ref("w")),
)
files.reject(
    "simulate-file-kernels-of-branch-matrix",
    "network.weight-rank",
    BRANCH,
    "And the rank.",
    filed_branch(ref("matrix")),
    put(f"{BRANCH}/member", "w"),
)
files.reject(
    "simulate-file-kernels-of-branch-nan",
    "network.weight-finite",
    f"{BRANCH}/1/2/1/3",
    "And each leaf.",
    filed_branch(ref("nan")),
    put(f"{BRANCH}/member", "w"),
)

# --- checkpoint.save


def saving(name: str, why: str, whole: dict[str, Any], near: list[str], tags: str = "", **facts: Any) -> None:
    """A network that is saved."""
    saves.accept(
        f"save-network-{name}", why, {"network": whole, "base": f"saved/{name}"}, near=near, facts=facts, tags=tags
    )


saving(
    "every-kind",
    "Members of all kinds, in due order; pools, flattenings and identities have none.",
    WHOLE,
    ["network.kind", "network.unknown-key", "network.missing-key"],
    layer_names=[f"layer_{i}" for i in range(6)],
    total_params=PARAMS,
    n_layers=6,
)
saving(
    "names-of-layers",
    "The names in a network are not those of the layers of the pair.",
    network(layer(tenths(1, 2), name="head")),
    ["network.name"],
    layer_names=["layer_0"],
)
saving(
    "identities-alone",
    "A network whose only weight is that of an identity has an archive without members.",
    network(total(identity("input", -0.0)), input_shape=[1, 1, 1]),
    ["network.weight-type"],
    members=[],
    total_params=0,
)
saving(
    "most-elements",
    "4,096 x 4,096 outputs are the most: a save runs nothing.",
    network(conv2d([[[[1.0]]]], padding=[2047, 2047]), input_shape=[1, 2, 2]),
    ["network.elements", "network.geometry"],
    total_params=1,
)
saving(
    "largest-input",
    "An input of 2^24 elements, too.",
    network(conv2d([[[[1.0]]]], stride=[65536, 65536]), input_shape=[1, 4096, 4096]),
    ["network.input-shape", "network.elements"],
    total_params=1,
)
saving(
    "empty-matrices",
    "[] is saved as (0, n), n the width of its source: here 4 of a flatten, 3 of the input, 2 of a layer.",
    network(
        layer([], name="first"),
        layer(tenths(2, 3), name="a", **{"from": "input"}),
        total(dense_branch("a", []), dense_branch("input", []), bias=[]),
        layer([[]], bias=[0.5]),
    ),
    ["network.chain", "network.bias-shape"],
    tags="zero-width",
    total_params=7,
)
saving(
    "empty-behind-flatten",
    "Behind a flatten of 2 x 1 x 2 it is (0, 4).",
    network(flatten(), layer([]), input_shape=[2, 1, 2]),
    ["network.chain"],
    tags="zero-width",
    total_params=0,
)
saving(
    "empty-everywhere",
    "Where no taker has a width it is 0.",
    network(total(dense_branch("input", []), dense_branch("input", []))),
    ["network.chain"],
    tags="zero-width",
    total_params=0,
)
saving(
    "grouped",
    "Weights of groups have the shape that they have, and a geometry is no member.",
    network(conv2d(tenths(4, 1, 2, 1), groups=2, padding=[1, 0], bias=[0.0, -0.0, 1.0, 2.0]), input_shape=[2, 3, 3]),
    ["network.geometry", "network.bias-shape"],
    tags="negative-zero",
    total_params=12,
)
ROWS: list[tuple[str, str, str, str, Patch]] = [
    ("branch-null", "object", "/layers/1/inputs/0", "A branch is an object.", put("/layers/1/inputs/0", None)),
    ("kind", "kind", "/layers/2/kind", "Five kinds there are.", put("/layers/2/kind", "maxpool2d")),
    ("key-of-pool", "unknown-key", "/layers/2/padding", "A pool has no padding.", add("/layers/2/padding", [0, 0])),
    ("no-from", "missing-key", "/layers/1/inputs/1/from", "A branch has a source.", drop("/layers/1/inputs/1/from")),
    ("no-inputs", "inputs", "/layers/1/inputs", "A sum has branches.", put("/layers/1/inputs", [])),
    ("input-shape", "input-shape", "/input_shape", "Three Integers.", put("/input_shape", [1, 9])),
    ("name-twice", "name", "/layers/3/name", "Names are unique.", put("/layers/3/name", "a")),
    ("from-nowhere", "from", "/layers/5/inputs/0/from", "There is no such layer.", put("/layers/5/inputs/0/from", "g")),
    ("stride", "geometry", "/layers/0/stride", "Two Integers.", add("/layers/0/stride", 1)),
    (
        "kernels-ragged",
        "weight-rank",
        "/layers/0/weights",
        "Kernels of one size.",
        put("/layers/0/weights/1/0/1", [0.5]),
    ),
    (
        "kernels-member",
        "weight-type",
        "/layers/0/weights",
        "A member is the form of what is stored.",
        put("/layers/0/weights", W0),
    ),
    (
        "identity-nan",
        "weight-finite",
        "/layers/1/inputs/0/weight",
        "It could not be loaded.",
        put("/layers/1/inputs/0/weight", "NaN"),
    ),
    (
        "identity-file",
        "weight-type",
        "/layers/1/inputs/0/weight",
        "One weight is written.",
        put("/layers/1/inputs/0/weight", {"file": "x", "member": "w"}),
    ),
    (
        "kernels-do-not-fit",
        "chain",
        "/layers/1/inputs/1/weights",
        "Branches fit their sources.",
        put("/layers/1/inputs/1/weights", tenths(2, 2, 2, 2)),
    ),
    ("bias-of-sum", "chain", "/layers/1/bias", "One entry per channel.", put("/layers/1/bias", [0.0] * 8)),
    ("elements-too-many", "elements", "/layers/0", "At most 2^24 numbers.", add("/layers/0/padding", [8192, 8192])),
    ("output", "output", "/layers/6", "The last layer has neurons.", add("/layers/-", flatten())),
]
for name, rule, path, why, patch in ROWS:
    saves.reject(
        f"save-network-kinds-{name}",
        f"network.{rule}",
        f"/network{path}",
        f"Nothing is saved that could not be loaded. {why}",
        {"network": patched(WHOLE, patch), "base": "saved/faulty"},
        put("/network", WHOLE),
    )
