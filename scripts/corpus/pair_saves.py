"""Cases of checkpoint.save: places, every rule on what is to be saved, and the answer that a load of it gives."""

from __future__ import annotations

from typing import Any

import jsonpatch
from cases import Cases, Patch, add, below, drop, put
from checkpoint_faults import FAULTS
from documents import checkpoint, layer, lif, named, network, neuron

cases = Cases("checkpoint.save")
TABLES = [cases]


def saving(base: Any, **arguments: Any) -> dict[str, Any]:
    """The input of checkpoint.save."""
    return arguments | {"base": base}


# --- file.path

for name, base, good in [
    ("empty", "", "saved/place"),
    ("absolute", "/tmp/place", "tmp/place"),
    ("parent", "../place", "saved/place"),
    ("parent-inside", "saved/../place", "saved/place"),
    ("dot", "./place", "saved/place"),
    ("slash-at-end", "saved/", "saved/place"),
    ("double-slash", "saved//place", "saved/place"),
    ("backslash", "saved\\place", "saved/place"),
    ("nul", "saved/place\0", "saved/place"),
    ("number", 1, "saved/place"),
    ("null", None, "saved/place"),
]:
    cases.reject(
        f"save-base-{name}",
        "file.path",
        "/base",
        "What is saved lies below the folder for it; a place that could lead out of it is refused before all else.",
        saving(base, checkpoint=checkpoint()),
        put("/base", good),
    )

# --- the checkpoint

BORROWED = [
    *("array", "null", "unknown-key", "unknown-key-n-layers", "missing-names", "missing-weights", "names-string"),
    *("names-number", "names-twice", "weights-short", "weights-long", "sizes-short", "size-fraction", "size-negative"),
    *("types-null", "types-string", "types-short", "frozen-string", "frozen-index", "frozen-unknown", "metadata-list"),
    *("metadata-null", "weight-true", "weight-null", "weight-vector", "weight-ragged", "weight-transposed"),
    *("weight-column", "weight-nan", "weight-infinity"),
]
for name in BORROWED:
    row = FAULTS[name]
    cases.reject(
        f"save-checkpoint-{name}",
        row.code,
        f"/checkpoint{row.path}",
        f"Nothing is saved that could not be loaded. {row.why}",
        saving("saved/faulty", checkpoint=row.document),
        below("/checkpoint", row.patch),
        tags=row.tags,
    )

# --- the network

NET = network(layer([[0.5, -0.25], [0.125, 1.0]], bias=[0.25, 0.0]), layer([[1.0, -1.0]], lif(0.5)))
ROWS: list[tuple[str, str, str, str, Patch]] = [
    ("layer-array", "network.object", "/layers/1", "A layer is an object.", put("/layers/1", [])),
    ("unknown-key", "network.unknown-key", "/name", "A name has no place in a network.", add("/name", "x")),
    (
        "checkpoint-key",
        "network.unknown-key",
        "/checkpoint",
        "Only a simulation takes its network from a pair.",
        add("/checkpoint", "artefacts/sound/network"),
    ),
    ("no-neuron", "network.missing-key", "/layers/0/neuron", "A layer has neurons.", drop("/layers/0/neuron")),
    ("no-decay", "network.missing-key", "/layers/1/neuron/decay", "lif has a decay.", drop("/layers/1/neuron/decay")),
    ("no-layers", "network.layers", "/layers", "A network has one layer at least.", put("/layers", [])),
    ("layers-null", "network.layers", "/layers", "Null is no list of layers.", put("/layers", None)),
    (
        "weight-string",
        "network.weight-type",
        "/layers/1/weights/0/1",
        "A string is no Number.",
        put("/layers/1/weights/0/1", "1.0"),
    ),
    (
        "weights-member",
        "network.weight-type",
        "/layers/0/weights",
        "References are the form of what is stored, not of what is to be stored.",
        put("/layers/0/weights", {"member": "layer_0"}),
    ),
    (
        "weights-file",
        "network.weight-type",
        "/layers/0/weights",
        "Only a simulation takes arrays from files.",
        put("/layers/0/weights", {"file": "artefacts/sound/network.npz", "member": "layer_0"}),
    ),
    (
        "weights-ragged",
        "network.weight-rank",
        "/layers/0/weights",
        "Rows are equally long.",
        put("/layers/0/weights/1", [1.0]),
    ),
    (
        "weight-nan",
        "network.weight-finite",
        "/layers/0/weights/0/1",
        "NaN would be saved, and the pair could not be loaded.",
        put("/layers/0/weights/0/1", "NaN"),
    ),
    ("bias-number", "network.bias-type", "/layers/0/bias", "A bias is a list.", put("/layers/0/bias", 0.5)),
    ("bias-null", "network.bias-type", "/layers/0/bias/1", "Null is no Number.", put("/layers/0/bias/1", None)),
    ("bias-long", "network.bias-shape", "/layers/0/bias", "An entry per output.", add("/layers/0/bias/-", 0)),
    (
        "bias-infinite",
        "network.bias-finite",
        "/layers/0/bias/0",
        "An infinity is not saved.",
        put("/layers/0/bias/0", "Infinity"),
    ),
    (
        "chain",
        "network.chain",
        "/layers/1/weights",
        "Layers chain, or it could not be loaded.",
        put("/layers/1/weights", [[1.0]]),
    ),
    (
        "model",
        "network.neuron-model",
        "/layers/0/neuron/model",
        "No other models.",
        put("/layers/0/neuron/model", "adex"),
    ),
    ("threshold", "network.threshold", "/layers/1/neuron/threshold", "Above 0.", put("/layers/1/neuron/threshold", 0)),
    (
        "reset",
        "network.reset",
        "/layers/0/neuron/reset",
        "Two resets there are.",
        add("/layers/0/neuron/reset", "hard"),
    ),
    ("decay", "network.decay", "/layers/1/neuron/decay", "At most 1.", put("/layers/1/neuron/decay", 1.5)),
    (
        "potential",
        "network.initial-potential",
        "/layers/0/neuron/initial_potential",
        "Finite, as all potentials are.",
        add("/layers/0/neuron/initial_potential", "-Infinity"),
    ),
    ("readout", "network.readout", "/readout", "Spikes or membrane.", add("/readout", "rate")),
]


for name, code, path, why, patch in ROWS:
    cases.reject(
        f"save-network-{name}",
        code,
        f"/network{path}",
        f"Nothing is saved that could not be loaded. {why}",
        saving("saved/faulty", network=jsonpatch.apply_patch(NET, patch)),
        put("/network", NET),
    )

# --- what is accepted

for compress in (True, False):
    word = "deflated" if compress else "stored"
    cases.accept(
        f"save-checkpoint-{word}",
        "How members are compressed makes no difference to the answer: that of a load of what was written.",
        saving(f"saved/{word}/checkpoint", checkpoint=checkpoint(frozen_layers=["head", "head"]), compress=compress),
        facts={"format_version": 1, "frozen_layers": ["head"], "total_params": 8},
    )
    cases.accept(
        f"save-network-{word}",
        "A network is saved with its biases, under the layer names layer_0, layer_1.",
        saving(f"saved/{word}/network", network=NET, compress=compress),
        facts={"format_version": 2, "layer_names": ["layer_0", "layer_1"], "total_params": 8, "frozen_layers": []},
    )
for name, base in {
    "plain": "plain",
    "dots": "model.v1",
    "more-dots": "...",
    "hidden": ".model",
    "npz": "model.npz",
    "deep": "a/b/c/d/e/f/model",
    "unicode": "mod\u00e8le/\u6a21\u578b",
    "spaces": "a model/ of 100% ",
}.items():
    cases.accept(
        f"save-base-{name}",
        "A base has no extension to lose, and the folders above it are made.",
        saving(base, checkpoint=checkpoint()),
        near="file.path",
    )
cases.accept(
    "save-checkpoint-everything",
    "All members of a checkpoint are saved; frozen layers are named once in the answer.",
    saving(
        "saved/everything",
        checkpoint=checkpoint(
            neuron_types=["lif", "\u0000"],
            metadata={"": None, "nested": [{"a": [1, -2.5, True]}], "\U0001f600": "\u2028"},
            frozen_layers=["head", "encoder", "head"],
        ),
    ),
    near=["checkpoint.unknown-key", "checkpoint.metadata-type", "checkpoint.types-count"],
    facts={"frozen_layers": ["encoder", "head"]},
)


def nested(depth: int) -> Any:
    """Metadata that nest so deep."""
    value: Any = 1.5
    for _ in range(depth - 1):
        value = [value]
    return {"deep": value}


cases.reject(
    "save-checkpoint-metadata-64-deep",
    "checkpoint.metadata-type",
    "/checkpoint/metadata",
    "In a sidecar metadata are one level deeper than alone: nothing is saved that could not be loaded.",
    saving("saved/faulty", checkpoint=checkpoint(metadata=nested(64))),
    put("/checkpoint/metadata/deep/0", 1.5),
)
cases.accept(
    "save-checkpoint-metadata-63-deep",
    "The sidecar nests 64 deep, which a JSON text may.",
    saving("saved/nested", checkpoint=checkpoint(metadata=nested(63))),
    near="checkpoint.metadata-type",
)
cases.precedence(
    "save-order-metadata-depth",
    "What a sidecar cannot hold is found last: the checkpoint alone has no such fault.",
    saving("saved/faulty", checkpoint=checkpoint(metadata=nested(64), weights=[[[1] * 3] * 2, [[1, "NaN"]]])),
    [
        ("checkpoint.weight-finite", "/checkpoint/weights/1/0/1", put("/checkpoint/weights/1/0/1", 1)),
        ("checkpoint.metadata-type", "/checkpoint/metadata", put("/checkpoint/metadata/deep/0", 1.5)),
    ],
)
cases.accept(
    "save-checkpoint-no-layers",
    "A checkpoint without layers has an archive without members.",
    saving("saved/no-layers", checkpoint=named()),
    near="checkpoint.weights-count",
    facts={"n_layers": 0, "members": []},
)
cases.accept(
    "save-checkpoint-zero-widths",
    "[] is a matrix of no rows that are as wide as is due; [[], []] is one of two rows without elements.",
    saving("saved/zero-widths", checkpoint=named("a", "b", layer_sizes=[[5, 0], [0, 2]], weights=[[], [[], []]])),
    near="checkpoint.weight-shape",
    tags="zero-width",
)
cases.accept(
    "save-checkpoint-values",
    "Weights are saved to the bit: -0.0, subnormals and the largest, and what only looks like an integer.",
    saving(
        "saved/values",
        checkpoint=named(
            "a",
            layer_sizes=[[6, 1]],
            weights=[[[-0.0, 5e-324, -2.225073858507201e-308, 1.7976931348623157e308, 1, 0.1]]],
        ),
    ),
    near="checkpoint.weight-finite",
    tags="negative-zero subnormal",
)
cases.accept(
    "save-checkpoint-names",
    "Names of layers never become names of files or members.",
    saving("saved/names", checkpoint=named("../x", "layer_0", "", "a\u0000b", "CON")),
    near=["checkpoint.names-unique", "checkpoint.names-type"],
)
cases.accept(
    "save-checkpoint-unchained",
    "Consecutive layers of a checkpoint need not chain.",
    saving("saved/unchained", checkpoint=named("a", "b", layer_sizes=[[1, 1], [3, 1]], weights=[[[1]], [[1, 2, 3]]])),
    near=["checkpoint.sizes-type", "checkpoint.weight-shape", "network.chain"],
)
cases.accept(
    "save-network-empty-weights",
    "The weights [] of a first layer are saved as (0, 0), those of a later one as (0, n) with the n that is due.",
    saving(
        "saved/empty-weights",
        network=network(layer([], bias=[]), layer([[], []]), layer([]), layer([[]], bias=[0.5])),
    ),
    near=["network.chain", "network.bias-shape"],
    facts={"total_params": 1, "n_layers": 4},
    tags="zero-width",
)
cases.accept(
    "save-network-empty-rows",
    "Rows without elements are rows: the shape is (2, 0), and that of the next layer's [] is (0, 2).",
    saving("saved/empty-rows", network=network(layer([[], []]), layer([]))),
    near="network.weight-rank",
    facts={"total_params": 0},
    tags="zero-width",
)
cases.accept(
    "save-network-edges",
    "Values at the edge of their ranges are saved as all others.",
    saving(
        "saved/edges",
        network=network(
            layer([[5e-324, -0.0]], lif(1, reset="zero", initial_potential=-0.0), bias=[-1.7976931348623157e308]),
            layer([[0]], lif(0.0, threshold=5e-324, initial_potential=1e308)),
            readout="membrane",
        ),
    ),
    near=["network.threshold", "network.decay", "network.initial-potential", "network.readout", "network.reset"],
    tags="negative-zero subnormal",
)
cases.accept(
    "save-network-names-ten",
    "Eleven layers: the tenth follows the ninth, whatever the order of the names as strings.",
    saving("saved/eleven", network=network(*(layer([[float(i)]], bias=[i / 2]) for i in range(11)))),
    near="network.layers",
    facts={"layer_names": [f"layer_{i}" for i in range(11)]},
)

# --- order

cases.precedence(
    "save-order-base-checkpoint",
    "The place is checked before the checkpoint.",
    saving("", checkpoint=checkpoint(frozen_layers=["x"], weights=0)),
    [
        ("file.path", "/base", put("/base", "saved/order")),
        ("checkpoint.weights-count", "/checkpoint/weights", put("/checkpoint/weights", checkpoint()["weights"])),
        ("checkpoint.frozen-unknown", "/checkpoint/frozen_layers/0", put("/checkpoint/frozen_layers", [])),
    ],
)
cases.precedence(
    "save-order-base-network",
    "The place is checked before the network.",
    saving("../x", network=network(layer([["x", "NaN"]], neuron(threshold=0)))),
    [
        ("file.path", "/base", put("/base", "saved/order")),
        ("network.weight-type", "/network/layers/0/weights/0/0", put("/network/layers/0/weights/0/0", 0)),
        ("network.weight-finite", "/network/layers/0/weights/0/1", put("/network/layers/0/weights/0/1", 0)),
        ("network.threshold", "/network/layers/0/neuron/threshold", put("/network/layers/0/neuron/threshold", 1)),
    ],
)
