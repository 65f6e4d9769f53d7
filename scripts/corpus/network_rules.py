"""Cases of simulate that are about the network: the rules of stage `network`, broken and just kept."""

from __future__ import annotations

from typing import Any

from cases import Cases, Patch, add, below, drop, put
from documents import constant, layer, lif, network, neuron, simulation

simulate = Cases("simulate")
TABLES = [simulate]

MAX = 1.7976931348623157e308
W0, W1 = [[1.0, 0.5]], [[2.0], [1.0]]
BIT = [[1.0]]


def net(first: Any = None, second: Any = None, **changes: Any) -> dict[str, Any]:
    """A sound network 2 -> 1 -> 2, with a layer of one's own."""
    return network(layer(W0) if first is None else first, layer(W1) if second is None else second, **changes)


def one(weights: Any = None, cell: Any = None, **changes: Any) -> dict[str, Any]:
    """A network of one layer, 2 -> 1 unless weights are given."""
    return network(layer(W0 if weights is None else weights, cell, **changes))


def ask(whole: Any, width: int = 2, steps: int = 2) -> dict[str, Any]:
    """Run a network on constant ones."""
    return simulation(whole, steps, constant([1.0] * width), "counts")


def reject(name: str, rule: str, path: str, why: str, whole: Any, patch: Patch, width: int = 2, tags: str = "") -> None:
    """Declare a network with one fault; `path` and the patch point into it."""
    data, repair = ask(whole, width), below("/network", patch)
    simulate.reject(f"network-{name}", f"network.{rule}", f"/network{path}", why, data, repair, tags=tags)


def accept(name: str, rules: str, why: str, whole: Any, width: int = 2, tags: str = "", **facts: Any) -> None:
    """Declare a sound network that nearly breaks these rules."""
    near = [f"network.{rule}" for rule in rules.split()]
    simulate.accept(f"network-near-{name}", why, ask(whole, width), near=near, tags=tags, facts=facts)


# --- network.object

reject("array", "object", "", "The layers alone are no network.", [layer(W0)], put("", one()))
reject("null", "object", "", "Null is no network.", None, put("", one()))
reject("string", "object", "", "The path of a file is no network.", "net.json", put("", one()))
reject("layer-array", "object", "/layers/1", "A matrix alone is no layer.", net(second=W1), put("/layers/1", layer(W1)))
reject("layer-null", "object", "/layers/0", "Null is no layer.", network(None, layer(W1)), put("/layers/0", layer(W0)))
reject(
    "neuron-string",
    "object",
    "/layers/0/neuron",
    "The name of a model alone is no neuron.",
    one(cell="if"),
    put("/layers/0/neuron", neuron()),
)
reject(
    "neuron-null",
    "object",
    "/layers/1/neuron",
    "Null is there, so the key is not missing; its type is wrong.",
    network(layer(W0), {"weights": W1, "neuron": None}),
    put("/layers/1/neuron", neuron()),
)

# --- network.unknown-key

reject(
    "unknown-key",
    "unknown-key",
    "/steps",
    "steps is a member of the request, not of the network.",
    net(steps=2),
    drop("/steps"),
)
reject(
    "unknown-key-name",
    "unknown-key",
    "/layers/1/neuron/name",
    "A layer may have a name, its neuron has none.",
    net(second=layer(W1, neuron(name="head"))),
    drop("/layers/1/neuron/name"),
)
reject(
    "unknown-key-biases",
    "unknown-key",
    "/layers/0/biases",
    "A misspelt bias that is ignored computes something else.",
    one(biases=[0.5]),
    drop("/layers/0/biases"),
)
reject(
    "unknown-key-v-reset",
    "unknown-key",
    "/layers/0/neuron/v_reset",
    "Other simulators have a reset potential.",
    one(cell=neuron(v_reset=0.0)),
    drop("/layers/0/neuron/v_reset"),
)
reject(
    "unknown-key-decay-of-if",
    "unknown-key",
    "/layers/0/neuron/decay",
    "An if neuron does not leak: a decay beside it is a mistake, even 1.",
    one(cell=neuron(decay=1.0)),
    drop("/layers/0/neuron/decay"),
)
reject(
    "unknown-key-decay-null-of-if",
    "unknown-key",
    "/layers/0/neuron/decay",
    "The member is there, whatever its value.",
    one(cell=neuron(decay=None)),
    drop("/layers/0/neuron/decay"),
)
reject(
    "unknown-key-escapes",
    "unknown-key",
    "/layers/0/a~1b~0c",
    "In a pointer '/' is ~1 and '~' is ~0.",
    one(**{"a/b~c": 0}),
    drop("/layers/0/a~1b~0c"),
)
reject(
    "unknown-key-empty",
    "unknown-key",
    "/layers/0/neuron/",
    "The pointer to the empty name ends in a slash.",
    one(cell=neuron(**{"": 0})),
    drop("/layers/0/neuron/"),
)

# --- network.missing-key

reject(
    "missing-layers",
    "missing-key",
    "/layers",
    "A network without layers, readout alone.",
    {"readout": "spikes"},
    add("/layers", [layer(W0)]),
)
reject(
    "missing-weights",
    "missing-key",
    "/layers/1/weights",
    "A layer without weights is not the identity.",
    net(second={"neuron": neuron()}),
    add("/layers/1/weights", W1),
)
reject(
    "missing-neuron",
    "missing-key",
    "/layers/0/neuron",
    "A layer without neuron has no default model.",
    network({"weights": W0}),
    add("/layers/0/neuron", neuron()),
)
reject(
    "missing-model",
    "missing-key",
    "/layers/0/neuron/model",
    "The model has no default.",
    one(cell={"threshold": 1.0}),
    add("/layers/0/neuron/model", "if"),
)
reject(
    "missing-threshold",
    "missing-key",
    "/layers/0/neuron/threshold",
    "The threshold has no default 1.",
    one(cell={"model": "if"}),
    add("/layers/0/neuron/threshold", 1.0),
)
reject(
    "missing-decay",
    "missing-key",
    "/layers/0/neuron/decay",
    "A lif neuron has no default decay.",
    one(cell={"model": "lif", "threshold": 1.0}),
    add("/layers/0/neuron/decay", 0.9),
)
reject(
    "missing-threshold-under-membrane",
    "missing-key",
    "/layers/0/neuron/threshold",
    "Under membrane readout the last layer never fires, but its threshold is due all the same.",
    one(cell={"model": "if"}) | {"readout": "membrane"},
    add("/layers/0/neuron/threshold", 1.0),
)

# --- network.layers

reject(
    "layers-none",
    "layers",
    "/layers",
    "A network of zero layers has no readout.",
    network(),
    put("/layers", [layer(W0)]),
)
reject(
    "layers-object",
    "layers",
    "/layers",
    "An object of layers by name is no array.",
    {"layers": {"0": layer(W0)}},
    put("/layers", [layer(W0)]),
)
reject(
    "layers-null",
    "layers",
    "/layers",
    "The key is there, so it is not missing.",
    {"layers": None},
    put("/layers", [layer(W0)]),
)
reject(
    "layers-1025",
    "layers",
    "/layers",
    "One layer too many.",
    network(*[layer(BIT)] * 1025),
    drop("/layers/1024"),
    1,
    "boundary",
)

# --- network.weight-type

reject(
    "weight-true",
    "weight-type",
    "/layers/0/weights/0/1",
    "True becomes 1.0 in an array.",
    one([[1.0, True]]),
    put("/layers/0/weights/0/1", 1.0),
)
reject(
    "weight-null",
    "weight-type",
    "/layers/1/weights/1/0",
    "Null becomes NaN in NumPy.",
    net(second=layer([[2.0], [None]])),
    put("/layers/1/weights/1/0", 1.0),
)
reject(
    "weight-string",
    "weight-type",
    "/layers/0/weights/0/0",
    "A numeric string is no Number.",
    one([["1.0", 0.5]]),
    put("/layers/0/weights/0/0", 1.0),
)
reject(
    "weights-null",
    "weight-type",
    "/layers/0/weights",
    "Null instead of the matrix is a leaf of the wrong type.",
    network({"weights": None, "neuron": neuron()}),
    put("/layers/0/weights", W0),
)
reject(
    "weights-object",
    "weight-type",
    "/layers/1/weights",
    "An object is a leaf of the wrong type.",
    net(second=layer({})),
    put("/layers/1/weights", W1),
)
reject(
    "weight-deep",
    "weight-type",
    "/layers/0/weights/0/0/0/1",
    "A leaf of the wrong type is found at any depth, before the rank is looked at.",
    one([[[[1.0, "x"]]]]),
    put("/layers/0/weights", W0),
)

# --- network.weight-rank

reject(
    "weights-vector",
    "weight-rank",
    "/layers/0/weights",
    "A vector is no matrix of one row.",
    one([1.0, 0.5]),
    put("/layers/0/weights", W0),
)
reject(
    "weights-number",
    "weight-rank",
    "/layers/1/weights",
    "A number is a Number, but no matrix.",
    net(second=layer(2.0)),
    put("/layers/1/weights", W1),
)
reject(
    "weights-cube",
    "weight-rank",
    "/layers/0/weights",
    "squeeze() makes a matrix of it.",
    one([W0]),
    put("/layers/0/weights", W0),
)
reject(
    "weights-ragged",
    "weight-rank",
    "/layers/0/weights",
    "The second row is longer than the first.",
    one([[1.0], [1.0, 0.5]]),
    add("/layers/0/weights/0/1", 0.5),
)
reject(
    "weights-ragged-empty",
    "weight-rank",
    "/layers/1/weights",
    "The last row is empty.",
    net(second=layer([[2.0], []])),
    put("/layers/1/weights/1", [1.0]),
)

# --- network.weight-finite

reject(
    "weight-nan",
    "weight-finite",
    "/layers/0/weights/0/1",
    "NaN passes every check that is written as a comparison.",
    one([[1.0, "NaN"]]),
    put("/layers/0/weights/0/1", 0.5),
)
reject(
    "weight-infinity",
    "weight-finite",
    "/layers/1/weights/0/0",
    "An infinite weight that meets no spike changes nothing, and is rejected all the same.",
    net(second=layer([["Infinity"], [1.0]])),
    put("/layers/1/weights/0/0", 2.0),
)
reject(
    "weight-minus-infinity",
    "weight-finite",
    "/layers/0/weights/0/0",
    "Minus infinity would silence the neuron for ever.",
    one([["-Infinity", 1.0]]),
    put("/layers/0/weights/0/0", 1.0),
)

# --- bias

reject(
    "bias-number",
    "bias-type",
    "/layers/0/bias",
    "One bias is not broadcast.",
    one(bias=0.5),
    put("/layers/0/bias", [0.5]),
)
reject(
    "bias-null",
    "bias-type",
    "/layers/0/bias",
    "Null is how PyTorch says no bias; here the member is then absent.",
    one(bias=None),
    drop("/layers/0/bias"),
)
reject(
    "bias-false",
    "bias-type",
    "/layers/0/bias",
    "bias=False is an argument in PyTorch, no bias.",
    one(bias=False),
    drop("/layers/0/bias"),
)
reject(
    "bias-entry-string",
    "bias-type",
    "/layers/1/bias/1",
    "A numeric string is no Number.",
    net(second=layer(W1, bias=[0.0, "0"])),
    put("/layers/1/bias/1", 0.0),
)
reject(
    "bias-column",
    "bias-type",
    "/layers/1/bias/0",
    "A bias as a column vector: its entries are arrays.",
    net(second=layer(W1, bias=[[0.0], [0.0]])),
    put("/layers/1/bias", [0.0, 0.0]),
)
reject(
    "bias-short",
    "bias-shape",
    "/layers/1/bias",
    "One bias for two outputs: NumPy broadcasts it.",
    net(second=layer(W1, bias=[0.5])),
    add("/layers/1/bias/1", 0.5),
)
reject(
    "bias-long",
    "bias-shape",
    "/layers/0/bias",
    "One bias per input instead of per output.",
    one(bias=[0.5, 0.5]),
    drop("/layers/0/bias/1"),
)
reject(
    "bias-empty",
    "bias-shape",
    "/layers/0/bias",
    "An empty list is falsy, but it is there, and too short.",
    one(bias=[]),
    drop("/layers/0/bias"),
)
reject(
    "bias-for-no-output",
    "bias-shape",
    "/layers/0/bias",
    "`[]` has no outputs, so no bias.",
    one([], bias=[0.5]),
    put("/layers/0/bias", []),
)
reject(
    "bias-nan",
    "bias-finite",
    "/layers/0/bias/0",
    "The path is the entry.",
    one(bias=["NaN"]),
    put("/layers/0/bias/0", 0.0),
)
reject(
    "bias-infinity",
    "bias-finite",
    "/layers/1/bias/1",
    "A bias is added at every step, an infinite one at the first.",
    net(second=layer(W1, bias=[0.0, "Infinity"])),
    put("/layers/1/bias/1", 0.0),
)

# --- network.chain

reject(
    "chain-wide",
    "chain",
    "/layers/1/weights",
    "Two inputs where one output comes: broadcasting repeats it.",
    net(second=layer([[2.0, 1.0]])),
    put("/layers/1/weights", W1),
)
reject(
    "chain-transposed",
    "chain",
    "/layers/1/weights",
    "The path is the later layer's weights.",
    network(layer([[1.0, 0.5], [0.5, 1.0]]), layer([[1.0], [1.0]])),
    put("/layers/1/weights", [[1.0, 1.0]]),
)
reject(
    "chain-after-none",
    "chain",
    "/layers/1/weights",
    "`[]` has no outputs, so the next layer has no inputs.",
    network(layer([]), layer([[1.0]])),
    put("/layers/1/weights", [[]]),
)
reject(
    "chain-after-two-empty",
    "chain",
    "/layers/2/weights",
    "`[]` after `[]` takes the width 0; the third layer wants one.",
    network(layer([]), layer([]), layer([[1.0]])),
    put("/layers/2/weights", [[]]),
)
reject(
    "chain-zero-wide",
    "chain",
    "/layers/1/weights",
    "`[[]]` has no input, where one output comes.",
    net(second=layer([[]])),
    put("/layers/1/weights", [[1.0]]),
)

# --- the neuron

reject(
    "model-unknown",
    "neuron-model",
    "/layers/0/neuron/model",
    "An unknown model is not taken for the default.",
    one(cell=neuron(model="izhikevich")),
    put("/layers/0/neuron/model", "if"),
)
reject(
    "model-capitals",
    "neuron-model",
    "/layers/1/neuron/model",
    "IF is not if.",
    net(second=layer(W1, neuron(model="IF"))),
    put("/layers/1/neuron/model", "if"),
)
reject(
    "model-null",
    "neuron-model",
    "/layers/0/neuron/model",
    "Null is no model.",
    one(cell=neuron(model=None)),
    put("/layers/0/neuron/model", "if"),
)
reject(
    "model-unknown-with-decay",
    "neuron-model",
    "/layers/0/neuron/model",
    "decay beside an unknown model is not an unknown key: the model is at fault.",
    one(cell=lif(0.9, model="alif")),
    put("/layers/0/neuron/model", "lif"),
)
reject(
    "threshold-zero",
    "threshold",
    "/layers/0/neuron/threshold",
    "At threshold 0 every neuron fires for ever.",
    one(cell=neuron(threshold=0)),
    put("/layers/0/neuron/threshold", 1),
)
reject(
    "threshold-minus-zero",
    "threshold",
    "/layers/0/neuron/threshold",
    "-0.0 is not above 0.",
    one(cell=neuron(threshold=-0.0)),
    put("/layers/0/neuron/threshold", 5e-324),
    tags="negative-zero",
)
reject(
    "threshold-negative",
    "threshold",
    "/layers/1/neuron/threshold",
    "A negative threshold is no inverted neuron.",
    net(second=layer(W1, neuron(threshold=-1.0))),
    put("/layers/1/neuron/threshold", 1.0),
)
reject(
    "threshold-nan",
    "threshold",
    "/layers/0/neuron/threshold",
    "`threshold <= 0` is false for NaN.",
    one(cell=neuron(threshold="NaN")),
    put("/layers/0/neuron/threshold", 1.0),
)
reject(
    "threshold-infinity",
    "threshold",
    "/layers/0/neuron/threshold",
    "An infinite threshold for a neuron that never fires.",
    one(cell=neuron(threshold="Infinity")),
    put("/layers/0/neuron/threshold", MAX),
)
reject(
    "threshold-null",
    "threshold",
    "/layers/0/neuron/threshold",
    "The key is there, so it is not missing.",
    one(cell=neuron(threshold=None)),
    put("/layers/0/neuron/threshold", 1.0),
)
reject(
    "threshold-true",
    "threshold",
    "/layers/0/neuron/threshold",
    "True is 1 in Python.",
    one(cell=neuron(threshold=True)),
    put("/layers/0/neuron/threshold", 1),
)
reject(
    "threshold-list",
    "threshold",
    "/layers/1/neuron/threshold",
    "One threshold per layer, not per neuron.",
    net(second=layer(W1, neuron(threshold=[1.0, 1.0]))),
    put("/layers/1/neuron/threshold", 1.0),
)
reject(
    "threshold-string",
    "threshold",
    "/layers/0/neuron/threshold",
    "A numeric string is no Number.",
    one(cell=neuron(threshold="1.0")),
    put("/layers/0/neuron/threshold", 1.0),
)
reject(
    "threshold-zero-under-membrane",
    "threshold",
    "/layers/0/neuron/threshold",
    "Under membrane readout the threshold is not used, but validated.",
    one(cell=neuron(threshold=0.0)) | {"readout": "membrane"},
    put("/layers/0/neuron/threshold", 1.0),
)
reject(
    "reset-unknown",
    "reset",
    "/layers/0/neuron/reset",
    "Other libraries say hard and soft.",
    one(cell=neuron(reset="hard")),
    put("/layers/0/neuron/reset", "zero"),
)
reject(
    "reset-null",
    "reset",
    "/layers/0/neuron/reset",
    "Null is a value of the wrong type; the default must not step in.",
    one(cell=neuron(reset=None)),
    drop("/layers/0/neuron/reset"),
)
reject(
    "reset-number",
    "reset",
    "/layers/1/neuron/reset",
    "The number 0 is not the word zero.",
    net(second=layer(W1, neuron(reset=0))),
    put("/layers/1/neuron/reset", "zero"),
)
reject(
    "reset-capital",
    "reset",
    "/layers/0/neuron/reset",
    "Words are compared with their case.",
    one(cell=neuron(reset="Subtract")),
    put("/layers/0/neuron/reset", "subtract"),
)
reject(
    "decay-above-one",
    "decay",
    "/layers/0/neuron/decay",
    "One ulp above 1: single precision sees 1.",
    one(cell=lif(1.0000000000000002)),
    put("/layers/0/neuron/decay", 1.0),
    tags="ulp boundary",
)
reject(
    "decay-negative",
    "decay",
    "/layers/0/neuron/decay",
    "The negative number nearest to 0: flush-to-zero sees -0.0, which is allowed.",
    one(cell=lif(-5e-324)),
    put("/layers/0/neuron/decay", -0.0),
    tags="subnormal boundary",
)
reject(
    "decay-nan",
    "decay",
    "/layers/1/neuron/decay",
    "NaN is neither below 0 nor above 1.",
    net(second=layer(W1, lif("NaN"))),
    put("/layers/1/neuron/decay", 0.5),
)
reject(
    "decay-null",
    "decay",
    "/layers/0/neuron/decay",
    "The key is there, so it is not missing.",
    one(cell=lif(None)),
    put("/layers/0/neuron/decay", 0.5),
)
reject(
    "decay-time-constant",
    "decay",
    "/layers/0/neuron/decay",
    "A time constant of 20 ms is no decay factor.",
    one(cell=lif(20)),
    put("/layers/0/neuron/decay", 0.95),
)
reject(
    "decay-true",
    "decay",
    "/layers/0/neuron/decay",
    "True is 1 in Python.",
    one(cell=lif(True)),
    put("/layers/0/neuron/decay", 1),
)
reject(
    "initial-infinity",
    "initial-potential",
    "/layers/0/neuron/initial_potential",
    "An infinite potential never comes back.",
    one(cell=neuron(initial_potential="Infinity")),
    put("/layers/0/neuron/initial_potential", 0.0),
)
reject(
    "initial-nan",
    "initial-potential",
    "/layers/1/neuron/initial_potential",
    "NaN never reaches the threshold, and stays.",
    net(second=layer(W1, neuron(initial_potential="NaN"))),
    put("/layers/1/neuron/initial_potential", 0.0),
)
reject(
    "initial-null",
    "initial-potential",
    "/layers/0/neuron/initial_potential",
    "Null is a value of the wrong type; the default must not step in.",
    one(cell=neuron(initial_potential=None)),
    drop("/layers/0/neuron/initial_potential"),
)
reject(
    "initial-list",
    "initial-potential",
    "/layers/0/neuron/initial_potential",
    "One potential per layer, not per neuron.",
    one(cell=neuron(initial_potential=[0.0])),
    put("/layers/0/neuron/initial_potential", 0.0),
)
reject(
    "initial-false",
    "initial-potential",
    "/layers/0/neuron/initial_potential",
    "False is 0 in Python.",
    one(cell=neuron(initial_potential=False)),
    put("/layers/0/neuron/initial_potential", 0),
)
reject(
    "readout-unknown",
    "readout",
    "/readout",
    "The record word potential is no readout.",
    net(readout="potential"),
    put("/readout", "membrane"),
)
reject(
    "readout-null",
    "readout",
    "/readout",
    "Null is a value of the wrong type; the default must not step in.",
    net(readout=None),
    drop("/readout"),
)
reject(
    "readout-list",
    "readout",
    "/readout",
    "One word, no list; record is a list.",
    net(readout=["spikes"]),
    put("/readout", "spikes"),
)
reject(
    "readout-counts",
    "readout",
    "/readout",
    "The record word counts is no readout.",
    net(readout="counts"),
    put("/readout", "spikes"),
)

# --- just kept

accept(
    "smallest",
    "object missing-key layers",
    "The smallest network: one layer with only what is required.",
    one(),
    counts=[[2]],
    readout=[2],
)
accept(
    "all-keys",
    "unknown-key missing-key",
    "Every key that there is, in an order of its own.",
    {
        "readout": "spikes",
        "layers": [
            {
                "neuron": {"initial_potential": 0.0, "decay": 0.5, "reset": "zero", "threshold": 2.0, "model": "lif"},
                "bias": [0.25],
                "weights": W0,
            }
        ],
    },
    readout=[1],
)
accept(
    "decay-of-lif",
    "unknown-key missing-key",
    "decay is known beside lif, also where the model stands after it.",
    network({"neuron": {"decay": 1.0, "threshold": 1.0, "model": "lif"}, "weights": W0}),
    readout=[2],
)
accept(
    "neuron-keys-reversed",
    "object neuron-model",
    "The neuron stands before the weights.",
    network({"neuron": neuron(), "weights": W0}),
    readout=[2],
)
accept(
    "layers-1024",
    "layers chain",
    "1,024 layers in a row: a spike passes through all of them within the step.",
    network(*[layer(BIT)] * 1024),
    1,
    "boundary",
    readout=[2],
)
accept("weight-integers", "weight-type", "Integers are Numbers.", one([[1, 0]]), readout=[2])
accept(
    "weight-max-cancels",
    "weight-finite weight-type",
    "The largest numbers of both signs: their sum is 0, and nothing overflows.",
    one([[MAX, -MAX]]),
    readout=[0],
)
accept(
    "weight-subnormal",
    "weight-finite",
    "Subnormal weights are finite.",
    one([[5e-324, -5e-324]]),
    readout=[0],
    tags="subnormal",
)
accept(
    "weights-none",
    "weight-rank bias-shape",
    "`[]` has no outputs, takes any width, and an empty bias.",
    one([], bias=[]),
    counts=[[]],
    readout=[],
)
accept(
    "weights-zero-wide",
    "weight-rank",
    "`[[], []]` has two outputs and no input: only the bias acts.",
    one([[], []], bias=[1.0, 0.5]),
    0,
    readout=[2, 1],
)
accept(
    "chain-through-none",
    "chain weight-rank",
    "A layer of zero neurons: what follows has no input, and its bias acts all the same.",
    network(layer(W0), layer([]), layer([[]], bias=[1.0])),
    readout=[2],
)
accept(
    "chain-none-after-none",
    "chain",
    "`[]` after `[]` has the width 0 that is due.",
    network(layer([]), layer([])),
    readout=[],
)
accept(
    "bias-per-output",
    "bias-shape",
    "Two biases for two outputs, though there is one input.",
    one([[0.5], [0.25]], bias=[0.5, 0.25]),
    1,
    counts=[[2, 1]],
)
accept("bias-zero", "bias-type bias-finite", "Zero, an Integer, is a bias.", one(bias=[0]), readout=[2])
accept(
    "bias-huge",
    "bias-finite",
    "Twice -8e307 stays finite; in single precision one alone does not.",
    one([[0.0, 0.0]], bias=[-8e307]),
    readout=[0],
)
accept(
    "bias-minus-zero",
    "bias-type",
    "-0.0 is a bias and changes nothing.",
    one([[0.5, 0.5]], bias=[-0.0]),
    readout=[2],
    tags="negative-zero",
)
accept(
    "model-lif",
    "neuron-model decay",
    "lif with decay 0 forgets everything at each step.",
    one(cell=lif(0)),
    readout=[2],
)
accept("decay-one", "decay", "Decay 1 does not leak.", one([[0.5, 0.0]], lif(1)), readout=[1], tags="boundary")
accept(
    "decay-minus-zero",
    "decay",
    "-0.0 is within [0, 1]: it equals 0.",
    one([[0.5, 0.0]], lif(-0.0)),
    readout=[0],
    tags="negative-zero boundary",
)
accept(
    "decay-subnormal",
    "decay",
    "The smallest decay above 0.",
    one([[0.5, 0.0]], lif(5e-324)),
    readout=[0],
    tags="subnormal boundary",
)
accept(
    "decay-one-ulp-below-one",
    "decay",
    "0.5*(1-2^-53)+0.5 lies midway between two numbers and rounds up to the threshold.",
    one([[0.5, 0.0]], lif(0.9999999999999999)),
    readout=[1],
    tags="ulp boundary",
)
accept(
    "decay-two-ulps-below-one",
    "decay",
    "0.5*(1-2^-52)+0.5 misses the threshold by one ulp; in single precision it does not.",
    one([[0.5, 0.0]], lif(0.9999999999999998)),
    readout=[0],
    tags="ulp boundary",
)
accept(
    "threshold-min-subnormal",
    "threshold",
    "The smallest threshold above 0 is reached by any positive current.",
    one([[5e-324, 0.0]], neuron(threshold=5e-324)),
    readout=[2],
    tags="subnormal boundary",
)
accept(
    "threshold-max",
    "threshold",
    "The largest finite threshold, never reached.",
    one(cell=neuron(threshold=MAX)),
    readout=[0],
    tags="boundary",
)
accept("threshold-integer", "threshold", "An Integer is a Number.", one(cell=neuron(threshold=1)), readout=[2])
accept("reset-subtract", "reset", "The default, written out.", one(cell=neuron(reset="subtract")), readout=[2])
accept("reset-zero", "reset", "The other word.", one(cell=neuron(reset="zero")), readout=[2])
accept(
    "initial-max",
    "initial-potential",
    "The most negative potential is finite.",
    one(cell=neuron(initial_potential=-MAX)),
    readout=[0],
    tags="boundary",
)
accept(
    "initial-minus-zero",
    "initial-potential",
    "-0.0 is a finite Number.",
    one(cell=neuron(initial_potential=-0.0)),
    readout=[2],
    tags="negative-zero",
)
accept(
    "initial-integer",
    "initial-potential",
    "An Integer is a Number.",
    one([[0.0, 0.0]], neuron(initial_potential=1)),
    readout=[1],
)
accept("readout-spikes", "readout", "The default, written out.", net(readout="spikes"), readout=[2, 2])
accept(
    "readout-membrane",
    "readout",
    "Potentials instead of counts: 2*2 and 2*1 after two spikes.",
    net(readout="membrane"),
    readout=["4010000000000000", "4000000000000000"],
)
