"""Cases of simulate with several faults: rule by rule over the whole request, whatever the position of the faults."""

from __future__ import annotations

from typing import Any

from cases import Cases, Fault, Patch, add, drop, put
from documents import constant, layer, lif, network, neuron, poisson, simulation, spikes

simulate = Cases("simulate")
TABLES = [simulate]

W = [[1.0, 0.5], [0.25, 0.75]]
"""Two inputs, two neurons: layers of it chain."""


def three(first: Any, last: Any, **changes: Any) -> dict[str, Any]:
    """A network of three layers with faults in the first and in the last."""
    return network(first, layer(W), last, **changes)


def order(name: str, why: str, whole: Any, *faults: Fault, stimulus: Any = None, **request: Any) -> None:
    """Declare a request with several faults, in the order in which they are due."""
    data = simulation(whole, 2, stimulus or constant([1.0, 1.0]), "counts") | request
    simulate.precedence(f"simulate-order-{name}", why, data, faults)


def at(layer_index: int, member: str = "") -> str:
    return f"/network/layers/{layer_index}{member}"


def fault(rule: str, path: str, patch: Patch) -> Fault:
    return rule, path, patch


# --- neighbouring rules of stage network: the later rule is broken in layer 0, the earlier one in the last layer

order(
    "object-before-unknown-key",
    "Layer by layer the unknown key of layer 0 is met before the layer 2 that is no object.",
    three(layer(W, label="a"), None),
    fault("network.object", at(2), put(at(2), layer(W))),
    fault("network.unknown-key", at(0, "/label"), drop(at(0, "/label"))),
)
order(
    "neuron-object-before-unknown-key",
    "A neuron that is no object, in the last layer, is due before an unknown key of the network itself.",
    {"name": "net", **three(layer(W), {"weights": W, "neuron": "if"})},
    fault("network.object", at(2, "/neuron"), put(at(2, "/neuron"), neuron())),
    fault("network.unknown-key", "/network/name", drop("/network/name")),
)
order(
    "unknown-key-before-missing-key",
    "Layer 0 lacks its weights, the last neuron has a key too many.",
    three({"neuron": neuron()}, layer(W, neuron(leak=1.0))),
    fault("network.unknown-key", at(2, "/neuron/leak"), drop(at(2, "/neuron/leak"))),
    fault("network.missing-key", at(0, "/weights"), add(at(0, "/weights"), W)),
)
order(
    "missing-key-before-layers",
    "1,025 layers are too many, but the last of them lacks its threshold, which is due first.",
    network(*[layer([[1.0]])] * 1024, {"weights": [[1.0]], "neuron": {"model": "if"}}),
    fault("network.missing-key", at(1024, "/neuron/threshold"), add(at(1024, "/neuron/threshold"), 1.0)),
    fault("network.layers", "/network/layers", drop(at(1024))),
    stimulus=constant([1.0]),
)
order(
    "layers-before-weight-type",
    "1,025 layers are too many, whatever is in the first.",
    network(layer([[None]]), *[layer([[1.0]])] * 1024),
    fault("network.layers", "/network/layers", drop(at(1024))),
    fault("network.weight-type", at(0, "/weights/0/0"), put(at(0, "/weights/0/0"), 1.0)),
    stimulus=constant([1.0]),
)
order(
    "missing-key-before-weight-type",
    "The last layer's neuron lacks its decay; the first layer's weights hold a bool.",
    three(layer([[1.0, True], [0.0, 0.0]]), layer(W, {"model": "lif", "threshold": 1.0})),
    fault("network.missing-key", at(2, "/neuron/decay"), add(at(2, "/neuron/decay"), 0.5)),
    fault("network.weight-type", at(0, "/weights/0/1"), put(at(0, "/weights/0/1"), 1.0)),
)
order(
    "weight-type-before-weight-rank",
    "Layer 0 is ragged, layer 2 holds a null.",
    three(layer([[1.0, 2.0], [3.0]]), layer([[1.0, 2.0], [3.0, None]])),
    fault("network.weight-type", at(2, "/weights/1/1"), put(at(2, "/weights/1/1"), 4.0)),
    fault("network.weight-rank", at(0, "/weights"), add(at(0, "/weights/1/1"), 4.0)),
)
order(
    "weight-rank-before-weight-finite",
    "Layer 0 holds a NaN, layer 2 is a vector.",
    three(layer([["NaN", 2.0], [3.0, 4.0]]), layer([1.0, 2.0])),
    fault("network.weight-rank", at(2, "/weights"), put(at(2, "/weights"), W)),
    fault("network.weight-finite", at(0, "/weights/0/0"), put(at(0, "/weights/0/0"), 1.0)),
)
order(
    "weight-finite-before-bias-type",
    "Layer 0's bias is no list, layer 2 holds an infinity.",
    three(layer(W, bias=0.5), layer([[1.0, 2.0], [3.0, "Infinity"]])),
    fault("network.weight-finite", at(2, "/weights/1/1"), put(at(2, "/weights/1/1"), 4.0)),
    fault("network.bias-type", at(0, "/bias"), put(at(0, "/bias"), [0.5, 0.5])),
)
order(
    "bias-type-before-bias-shape",
    "Layer 0's bias is too short, layer 2's holds a string.",
    three(layer(W, bias=[0.5]), layer(W, bias=[0.5, "0.5"])),
    fault("network.bias-type", at(2, "/bias/1"), put(at(2, "/bias/1"), 0.5)),
    fault("network.bias-shape", at(0, "/bias"), add(at(0, "/bias/1"), 0.5)),
)
order(
    "bias-shape-before-bias-finite",
    "Layer 0's bias holds a NaN, layer 2's is too long.",
    three(layer(W, bias=["NaN", 0.5]), layer(W, bias=[0.5, 0.5, 0.5])),
    fault("network.bias-shape", at(2, "/bias"), drop(at(2, "/bias/2"))),
    fault("network.bias-finite", at(0, "/bias/0"), put(at(0, "/bias/0"), 0.5)),
)
order(
    "bias-finite-before-chain",
    "Layer 1 does not fit layer 0, and layer 2's bias is infinite.",
    network(layer(W), layer([[1.0], [1.0]]), layer(W, bias=[0.5, "-Infinity"])),
    fault("network.bias-finite", at(2, "/bias/1"), put(at(2, "/bias/1"), 0.5)),
    fault("network.chain", at(1, "/weights"), put(at(1, "/weights"), W)),
)
order(
    "chain-before-neuron-model",
    "Layer 0's model is unknown, layer 2 does not fit layer 1.",
    three(layer(W, neuron(model="qif")), layer([[1.0], [1.0]])),
    fault("network.chain", at(2, "/weights"), put(at(2, "/weights"), W)),
    fault("network.neuron-model", at(0, "/neuron/model"), put(at(0, "/neuron/model"), "if")),
)
order(
    "neuron-model-before-threshold",
    "Layer 0's threshold is 0, layer 2's model unknown.",
    three(layer(W, neuron(threshold=0.0)), layer(W, neuron(model="LIF"))),
    fault("network.neuron-model", at(2, "/neuron/model"), put(at(2, "/neuron/model"), "if")),
    fault("network.threshold", at(0, "/neuron/threshold"), put(at(0, "/neuron/threshold"), 1.0)),
)
order(
    "threshold-before-reset",
    "Layer 0's reset is unknown, layer 2's threshold negative.",
    three(layer(W, neuron(reset="soft")), layer(W, neuron(threshold=-1.0))),
    fault("network.threshold", at(2, "/neuron/threshold"), put(at(2, "/neuron/threshold"), 1.0)),
    fault("network.reset", at(0, "/neuron/reset"), put(at(0, "/neuron/reset"), "subtract")),
)
order(
    "reset-before-decay",
    "Layer 0's decay is above 1, layer 2's reset null.",
    three(layer(W, lif(1.5)), layer(W, neuron(reset=None))),
    fault("network.reset", at(2, "/neuron/reset"), put(at(2, "/neuron/reset"), "zero")),
    fault("network.decay", at(0, "/neuron/decay"), put(at(0, "/neuron/decay"), 0.5)),
)
order(
    "decay-before-initial-potential",
    "Layer 0's initial potential is NaN, layer 2's decay negative.",
    three(layer(W, neuron(initial_potential="NaN")), layer(W, lif(-0.5))),
    fault("network.decay", at(2, "/neuron/decay"), put(at(2, "/neuron/decay"), 0.5)),
    fault(
        "network.initial-potential", at(0, "/neuron/initial_potential"), put(at(0, "/neuron/initial_potential"), 0.0)
    ),
)
order(
    "initial-potential-before-readout",
    "The readout stands first in the document, and is the last rule of the network.",
    {"readout": "argmax", **three(layer(W), layer(W, neuron(initial_potential=None)))},
    fault(
        "network.initial-potential", at(2, "/neuron/initial_potential"), put(at(2, "/neuron/initial_potential"), 0.0)
    ),
    fault("network.readout", "/network/readout", put("/network/readout", "spikes")),
)
order(
    "neuron-members-in-reverse",
    "All members of one neuron are at fault, in the reverse of their due order.",
    network(
        layer(W, {"initial_potential": "NaN", "decay": 2, "reset": "none", "threshold": 0, "model": "alif"}),
    ),
    fault("network.neuron-model", at(0, "/neuron/model"), put(at(0, "/neuron/model"), "lif")),
    fault("network.threshold", at(0, "/neuron/threshold"), put(at(0, "/neuron/threshold"), 1)),
    fault("network.reset", at(0, "/neuron/reset"), put(at(0, "/neuron/reset"), "zero")),
    fault("network.decay", at(0, "/neuron/decay"), put(at(0, "/neuron/decay"), 1)),
    fault("network.initial-potential", at(0, "/neuron/initial_potential"), put(at(0, "/neuron/initial_potential"), 1)),
)
order(
    "layer-members-in-reverse",
    "Bias and weights of one layer are at fault, the bias first in the document.",
    network({"neuron": neuron(), "bias": ["NaN"], "weights": [["Infinity", True]]}),
    fault("network.weight-type", at(0, "/weights/0/1"), put(at(0, "/weights/0/1"), 1)),
    fault("network.weight-finite", at(0, "/weights/0/0"), put(at(0, "/weights/0/0"), 1)),
    fault("network.bias-finite", at(0, "/bias/0"), put(at(0, "/bias/0"), 0)),
)

# --- network, steps, input, record, run

SOUND = network(layer(W))
order(
    "readout-before-steps",
    "The steps stand before the network.",
    network(layer(W), readout=None),
    fault("network.readout", "/network/readout", drop("/network/readout")),
    fault("simulate.steps", "/steps", put("/steps", 2)),
    steps=0,
)
order(
    "steps-before-kind",
    "The kind of the input is wrong, and the number of steps.",
    SOUND,
    fault("simulate.steps", "/steps", put("/steps", 2)),
    fault("input.kind", "/input/kind", put("/input/kind", "constant")),
    stimulus={"kind": "rate", "values": [1.0, 1.0]},
    steps=2.0,
)
order(
    "kind-before-unknown-key",
    "Whether seed is known depends on the kind.",
    SOUND,
    fault("input.kind", "/input/kind", put("/input/kind", "constant")),
    fault("input.unknown-key", "/input/seed", drop("/input/seed")),
    stimulus={"seed": 1, "kind": "constnat", "values": [1.0, 1.0]},
)
order(
    "unknown-key-before-seed",
    "A misspelt seed is both unknown and absent: the unknown key is due first.",
    SOUND,
    fault("input.unknown-key", "/input/sed", drop("/input/sed")),
    fault("input.seed", "/input/seed", add("/input/seed", 1)),
    stimulus={"kind": "poisson", "rates": [0.5, 0.5], "sed": 1},
)
order(
    "seed-before-sample",
    "The sample stands before the seed.",
    SOUND,
    fault("input.seed", "/input/seed", put("/input/seed", 1)),
    fault("input.sample", "/input/sample", put("/input/sample", 1)),
    stimulus={"sample": -1, "kind": "poisson", "seed": -1, "rates": [0.5, 0.5]},
)
order(
    "sample-before-shape",
    "The rates stand first, and row 0 is too short.",
    SOUND,
    fault("input.sample", "/input/sample", put("/input/sample", 1)),
    fault("input.shape", "/input/rates/0", add("/input/rates/0/1", 0.5)),
    stimulus={"rates": [[0.5], [0.5, 0.5]], "kind": "poisson", "seed": 1, "sample": 2**53 - 1},
)
order(
    "shape-before-indices",
    "The index out of range is in step 0, the step that is no list is step 1.",
    SOUND,
    fault("input.shape", "/input/indices/1", put("/input/indices/1", [1])),
    fault("input.indices", "/input/indices/0/0", put("/input/indices/0/0", 1)),
    stimulus=spikes([[2], 1]),
)
order(
    "shape-before-indices-of-batch",
    "Sample by sample the bad index of sample 0 is met before the missing step of sample 1.",
    SOUND,
    fault("input.shape", "/input/indices/1", add("/input/indices/1/1", [])),
    fault("input.indices", "/input/indices/0/1/1", drop("/input/indices/0/1/1")),
    stimulus=spikes([[[0], [1, 0]], [[0]]]),
)
order(
    "shape-before-range",
    "The NaN is in row 0, the bool in row 1.",
    SOUND,
    fault("input.shape", "/input/values/1/1", put("/input/values/1/1", 1.0)),
    fault("input.range", "/input/values/0/0", put("/input/values/0/0", 1.0)),
    stimulus=constant([["NaN", 1.0], [1.0, True]]),
)
order(
    "shape-before-range-of-rates",
    "The rate above 1 is in row 0, row 1 is too short.",
    SOUND,
    fault("input.shape", "/input/rates/1", add("/input/rates/1/1", 0.5)),
    fault("input.range", "/input/rates/0/0", put("/input/rates/0/0", 1.0)),
    stimulus=poisson([[1.5, 0.5], [0.5]], 1),
)
order(
    "indices-before-record",
    "The record stands before the input.",
    SOUND,
    fault("input.indices", "/input/indices/0/0", put("/input/indices/0/0", 0)),
    fault("record.kind", "/record", put("/record", [])),
    stimulus=spikes([[-1], []]),
    record=None,
)
order(
    "range-before-record",
    "The record is at fault, and a value.",
    SOUND,
    fault("input.range", "/input/values/1", put("/input/values/1", 1.0)),
    fault("record.kind", "/record/0", put("/record/0", "spikes")),
    stimulus=constant([1.0, "Infinity"]),
    record=["raster"],
)
order(
    "record-before-non-finite",
    "The request is checked whole before anything is run.",
    network(layer([[1e308, 1e308]])),
    fault("record.kind", "/record/0", put("/record/0", "spikes")),
    fault("simulate.non-finite", at(0), put(at(0, "/weights/0"), [1.0, 1.0])),
    record=["raster"],
)
order(
    "chain-before-input-shape",
    "Far apart: the values do not fit layer 0, and layer 1 does not either.",
    network(layer(W), layer([[1.0]])),
    fault("network.chain", at(1, "/weights"), put(at(1, "/weights"), W)),
    fault("input.shape", "/input/values", add("/input/values/1", 1.0)),
    stimulus=constant([1.0]),
)
simulate.precedence(
    "simulate-order-members-in-reverse",
    "Record, input, steps and network stand in the reverse of their due order.",
    {
        "record": ["all"],
        "input": {"kind": "constant", "values": ["NaN", 1.0]},
        "steps": "2",
        "network": {"layers": [layer(W)], "readout": "none"},
    },
    [
        ("network.readout", "/network/readout", put("/network/readout", "spikes")),
        ("simulate.steps", "/steps", put("/steps", 2)),
        ("input.range", "/input/values/0", put("/input/values/0", 1.0)),
        ("record.kind", "/record/0", put("/record/0", "trace")),
    ],
)

# --- within one rule: the first fault in traversal order

order(
    "two-objects",
    "Layer 0's neuron comes before layer 1 itself: network, layer 0, its neuron, layer 1.",
    network({"weights": W, "neuron": []}, None),
    fault("network.object", at(0, "/neuron"), put(at(0, "/neuron"), neuron())),
    fault("network.object", at(1), put(at(1), layer(W))),
)
order(
    "three-unknown-keys",
    "The network's own key, though it stands after the layers; then the layer's, then its neuron's.",
    network(layer(W, {"model": "if", "threshold": 1.0, "tau": 2}, x=1), title="t"),
    fault("network.unknown-key", "/network/title", drop("/network/title")),
    fault("network.unknown-key", at(0, "/x"), drop(at(0, "/x"))),
    fault("network.unknown-key", at(0, "/neuron/tau"), drop(at(0, "/neuron/tau"))),
)
order(
    "two-unknown-keys-of-a-neuron",
    "Document order, also where one of them is a decay beside if.",
    network(layer(W, {"decay": 0.5, "model": "if", "v": 1, "threshold": 1.0})),
    fault("network.unknown-key", at(0, "/neuron/decay"), drop(at(0, "/neuron/decay"))),
    fault("network.unknown-key", at(0, "/neuron/v"), drop(at(0, "/neuron/v"))),
)
order(
    "missing-keys-of-a-neuron",
    "model, threshold and decay in the order of the contract; decay is missing only once the model is lif.",
    network(layer(W, {})),
    fault("network.missing-key", at(0, "/neuron/model"), add(at(0, "/neuron/model"), "lif")),
    fault("network.missing-key", at(0, "/neuron/threshold"), add(at(0, "/neuron/threshold"), 1.0)),
    fault("network.missing-key", at(0, "/neuron/decay"), add(at(0, "/neuron/decay"), 1.0)),
)
order(
    "missing-keys-of-two-layers",
    "Layer 0's neuron is complete before layer 1's weights are asked for.",
    network({"weights": W, "neuron": {"threshold": 1.0}}, {"neuron": neuron()}),
    fault("network.missing-key", at(0, "/neuron/model"), add(at(0, "/neuron/model"), "if")),
    fault("network.missing-key", at(1, "/weights"), add(at(1, "/weights"), W)),
)
order(
    "missing-weights-before-neuron",
    "Of one layer: weights, then neuron.",
    network({}),
    fault("network.missing-key", at(0, "/weights"), add(at(0, "/weights"), W)),
    fault("network.missing-key", at(0, "/neuron"), add(at(0, "/neuron"), neuron())),
)
order(
    "two-weight-types",
    "Row by row: column-major languages meet [1][0] before [0][1].",
    network(layer([[1.0, None], [False, 1.0]])),
    fault("network.weight-type", at(0, "/weights/0/1"), put(at(0, "/weights/0/1"), 1.0)),
    fault("network.weight-type", at(0, "/weights/1/0"), put(at(0, "/weights/1/0"), 1.0)),
)
order(
    "two-weights-not-finite",
    "Row by row, layer by layer.",
    network(layer([[1.0, "NaN"], ["NaN", 1.0]]), layer([["Infinity", 0.0]])),
    fault("network.weight-finite", at(0, "/weights/0/1"), put(at(0, "/weights/0/1"), 1.0)),
    fault("network.weight-finite", at(0, "/weights/1/0"), put(at(0, "/weights/1/0"), 1.0)),
    fault("network.weight-finite", at(1, "/weights/0/0"), put(at(1, "/weights/0/0"), 1.0)),
)
order(
    "two-thresholds",
    "The lowest layer.",
    network(layer(W, neuron(threshold="NaN")), layer(W, neuron(threshold=-1))),
    fault("network.threshold", at(0, "/neuron/threshold"), put(at(0, "/neuron/threshold"), 1)),
    fault("network.threshold", at(1, "/neuron/threshold"), put(at(1, "/neuron/threshold"), 1)),
)
order(
    "two-chains",
    "The first joint that does not fit.",
    network(layer(W), layer([[1.0]]), layer([[1.0, 1.0]])),
    fault("network.chain", at(1, "/weights"), put(at(1, "/weights"), [[1.0, 1.0]])),
    fault("network.chain", at(2, "/weights"), put(at(2, "/weights"), [[1.0]])),
)
order(
    "two-unknown-keys-of-input",
    "Document order.",
    SOUND,
    fault("input.unknown-key", "/input/zz", drop("/input/zz")),
    fault("input.unknown-key", "/input/aa", drop("/input/aa")),
    stimulus={"zz": 1, "kind": "constant", "values": [1.0, 1.0], "aa": 2},
)
order(
    "two-shapes-sample-by-sample",
    "Row 0 is too short, row 1 is no array: each sample is checked to its end before the next.",
    SOUND,
    fault("input.shape", "/input/values/0", add("/input/values/0/1", 1.0)),
    fault("input.shape", "/input/values/1", put("/input/values/1", [1.0, 1.0])),
    stimulus=constant([[1.0], None]),
)
order(
    "entry-before-width",
    "Of one row the entry of the wrong type is due before the wrong length.",
    SOUND,
    fault("input.shape", "/input/values/2", put("/input/values/2", 1.0)),
    fault("input.shape", "/input/values", drop("/input/values/2")),
    stimulus=constant([1.0, 1.0, "x"]),
)
order(
    "step-count-before-step",
    "Of one sample the number of steps is due before a step that is no list.",
    SOUND,
    fault("input.shape", "/input/indices", drop("/input/indices/2")),
    fault("input.shape", "/input/indices/0", put("/input/indices/0", [0])),
    stimulus=spikes([0, [1], []]),
)
order(
    "two-indices",
    "The lowest step; within it the lowest place.",
    SOUND,
    fault("input.indices", "/input/indices/0/1", put("/input/indices/0/1", 1)),
    fault("input.indices", "/input/indices/1/0", put("/input/indices/1/0", 1)),
    stimulus=spikes([[0, 5], [7]]),
)
order(
    "two-ranges",
    "The lowest row, the lowest place.",
    SOUND,
    fault("input.range", "/input/rates/0/1", put("/input/rates/0/1", 1)),
    fault("input.range", "/input/rates/1/0", put("/input/rates/1/0", 0)),
    stimulus=poisson([[0.5, 2], [-1, 0.5]], 1),
)
order(
    "two-records",
    "The lowest index.",
    SOUND,
    fault("record.kind", "/record/1", drop("/record/1")),
    fault("record.kind", "/record/1", drop("/record/1")),
    record=["counts", "Spikes", None],
)
