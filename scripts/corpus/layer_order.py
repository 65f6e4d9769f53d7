"""Cases of simulate with several faults in a network of more than dense layers: which is due first."""

from __future__ import annotations

from typing import Any

from cases import Cases, Fault, Patch, add, drop, put
from documents import (
    avgpool2d,
    constant,
    conv2d,
    conv_branch,
    flatten,
    identity,
    layer,
    lif,
    neuron,
    simulation,
    total,
)

simulate = Cases("simulate")
TABLES = [simulate]

K = [[[[0.5]]]]
L = "/network/layers"
SUM = f"{L}/1"


def order(
    name: str, why: str, layers: list[Any], *faults: tuple[str, str, Patch], tags: str = "", **changes: Any
) -> None:
    """Declare a network on one channel of 2 x 3 with several faults: rule, path, patch."""
    whole = {"layers": layers, "input_shape": [1, 2, 3]} | changes
    rows: list[Fault] = [(f"network.{rule}", path, patch) for rule, path, patch in faults]
    simulate.precedence(f"network-order-{name}", why, simulation(whole, 1, constant([1.0] * 6)), rows, tags=tags)


def conv(**changes: Any) -> dict[str, Any]:
    """A convolution of one weight."""
    return conv2d(K, **changes)


def summed(*branches: Any, **changes: Any) -> dict[str, Any]:
    """A sum of branches, each on the layer a or on the input."""
    return total(*branches, **changes)


# --- neighbouring rules: the later one is broken in layer 0, the earlier one behind it

order(
    "object-before-kind",
    "The kind of layer 0 is unknown, a branch of layer 1 is no object.",
    [conv(kind="conv3d", name="a"), summed(identity("a"), 7)],
    ("object", f"{SUM}/inputs/1", drop(f"{SUM}/inputs/1")),
    ("kind", f"{L}/0/kind", put(f"{L}/0/kind", "conv2d")),
)
order(
    "kind-before-unknown-key",
    "A key of the network itself is unknown, and the kind of the last branch.",
    [conv(name="a"), summed(identity("a"), identity("a", kind="mean"))],
    ("kind", f"{SUM}/inputs/1/kind", put(f"{SUM}/inputs/1/kind", "identity")),
    ("unknown-key", "/network/title", drop("/network/title")),
    title="net",
)
order(
    "unknown-key-before-missing-key-of-a-branch",
    "Layer 0 lacks its weights, a branch has a name.",
    [{"kind": "conv2d", "neuron": neuron(), "name": "a"}, summed(identity("a", name="b"))],
    ("unknown-key", f"{SUM}/inputs/0/name", drop(f"{SUM}/inputs/0/name")),
    ("missing-key", f"{L}/0/weights", add(f"{L}/0/weights", K)),
)
order(
    "missing-key-before-inputs",
    "The first sum has no branches, the second no neuron.",
    [summed(), {"kind": "sum", "inputs": [identity("input")]}],
    ("missing-key", f"{L}/1/neuron", add(f"{L}/1/neuron", neuron())),
    ("inputs", f"{L}/0/inputs", put(f"{L}/0/inputs", [identity("input")])),
)
order(
    "layers-before-inputs",
    "1,025 layers are too many, whatever the first is.",
    [summed(), *[flatten()] * 1023, layer([[0.5] * 6])],
    ("layers", L, drop(f"{L}/1023")),
    ("inputs", f"{L}/0/inputs", put(f"{L}/0/inputs", [identity("input")])),
    tags="long",
)
order(
    "inputs-before-input-shape",
    "input_shape is a member of the network itself, but its rule comes later.",
    [conv(name="a"), summed()],
    ("inputs", f"{SUM}/inputs", put(f"{SUM}/inputs", [identity("a")])),
    ("input-shape", "/network/input_shape", put("/network/input_shape", [1, 2, 3])),
    input_shape=[6],
)
order(
    "input-shape-before-name",
    "The shape of the input before the names of layers.",
    [conv(name="input"), conv()],
    ("input-shape", "/network/input_shape", put("/network/input_shape", [1, 2, 3])),
    ("name", f"{L}/0/name", drop(f"{L}/0/name")),
    input_shape=[1, 2, 0],
)
order(
    "name-before-from",
    "Layer 0 comes from nowhere, the last name is taken.",
    [conv(**{"from": "b"}), conv(name="a"), conv(name="a")],
    ("name", f"{L}/2/name", drop(f"{L}/2/name")),
    ("from", f"{L}/0/from", drop(f"{L}/0/from")),
)
order(
    "name-before-from-of-the-same",
    "A layer without a sound name is not there for others to take, but that is the second fault.",
    [conv(name=None), conv(**{"from": "a"})],
    ("name", f"{L}/0/name", put(f"{L}/0/name", "b")),
    ("from", f"{L}/1/from", put(f"{L}/1/from", "b")),
)
order(
    "from-before-geometry",
    "The stride of layer 0 is 0, the last layer comes from nowhere.",
    [conv(stride=[0, 1]), conv(**{"from": "b"})],
    ("from", f"{L}/1/from", drop(f"{L}/1/from")),
    ("geometry", f"{L}/0/stride", put(f"{L}/0/stride", [1, 1])),
)
order(
    "geometry-before-weight-type",
    "A weight of layer 0 is null, the kernel of the pool behind it a number.",
    [conv2d([[[[None]]]]), avgpool2d(1), conv()],
    ("geometry", f"{L}/1/kernel", put(f"{L}/1/kernel", [1, 1])),
    ("weight-type", f"{L}/0/weights/0/0/0/0", put(f"{L}/0/weights/0/0/0/0", 1.0)),
)
order(
    "weight-type-before-weight-rank-of-kinds",
    "A matrix where four dimensions are due, and an identity of a string.",
    [conv2d([[0.5]], name="a"), summed(identity("a", "1"))],
    ("weight-type", f"{SUM}/inputs/0/weight", put(f"{SUM}/inputs/0/weight", 1.0)),
    ("weight-rank", f"{L}/0/weights", put(f"{L}/0/weights", K)),
)
order(
    "weight-rank-before-weight-finite-of-kinds",
    "An infinity in layer 0, a matrix in a branch that convolves.",
    [conv2d([[[["Infinity"]]]], name="a"), summed(conv_branch("a", [[0.5]]))],
    ("weight-rank", f"{SUM}/inputs/0/weights", put(f"{SUM}/inputs/0/weights", K)),
    ("weight-finite", f"{L}/0/weights/0/0/0/0", put(f"{L}/0/weights/0/0/0/0", 1.0)),
)
order(
    "weight-finite-before-bias-type-of-kinds",
    "A bias that is a number, and an identity of NaN behind it.",
    [conv(bias=0.5, name="a"), summed(identity("a", "NaN"))],
    ("weight-finite", f"{SUM}/inputs/0/weight", put(f"{SUM}/inputs/0/weight", 1.0)),
    ("bias-type", f"{L}/0/bias", put(f"{L}/0/bias", [0.5])),
)
order(
    "bias-type-before-bias-shape-of-kinds",
    "Two biases for one channel, and null in the bias of the sum.",
    [conv(bias=[0.5, 0.5], name="a"), summed(identity("a"), bias=[None])],
    ("bias-type", f"{SUM}/bias/0", put(f"{SUM}/bias/0", 0.0)),
    ("bias-shape", f"{L}/0/bias", put(f"{L}/0/bias", [0.5])),
)
order(
    "bias-shape-of-a-sum-is-its-chain",
    "What is wrong with the number of a sum's biases comes to light with the shapes, after an infinite bias behind it.",
    [conv(name="a"), summed(identity("a"), bias=[0.0, 0.0], name="b"), conv(bias=["Infinity"])],
    ("bias-finite", f"{L}/2/bias/0", put(f"{L}/2/bias/0", 0.0)),
    ("chain", f"{SUM}/bias", put(f"{SUM}/bias", [0.0])),
)
order(
    "bias-finite-before-chain-of-kinds",
    "Layer 0 has no dimension to convolve, the bias behind it is NaN.",
    [flatten(), conv(), conv(bias=["NaN"])],
    ("bias-finite", f"{L}/2/bias/0", put(f"{L}/2/bias/0", 0.0)),
    ("chain", f"{L}/1/weights", drop(f"{L}/0")),
)
order(
    "elements-before-a-later-chain",
    "Chain and elements are one walk: too many elements in layer 0 come before the layer 1 that does not fit.",
    [conv(padding=[2048, 2048]), conv2d([[[[0.5]], [[0.5]]]]), conv()],
    ("elements", f"{L}/0", put(f"{L}/0/padding", [0, 0])),
    ("chain", f"{L}/1/weights", put(f"{L}/1/weights", K)),
)
order(
    "chain-before-later-elements",
    "And a layer that does not fit before the one behind it that gives too much.",
    [conv2d([[[[0.5]], [[0.5]]]]), conv(padding=[2048, 2048])],
    ("chain", f"{L}/0/weights", put(f"{L}/0/weights", K)),
    ("elements", f"{L}/1", put(f"{L}/1/padding", [0, 0])),
)
order(
    "chain-before-elements-of-a-branch",
    "Within a sum branch by branch: the first has two channels too many, the second too many elements.",
    [conv(name="a"), summed(conv_branch("a", [[[[0.5]] * 3]]), conv_branch("a", K, padding=[4096, 2048]))],
    ("chain", f"{SUM}/inputs/0/weights", put(f"{SUM}/inputs/0/weights", K)),
    ("elements", f"{SUM}/inputs/1", put(f"{SUM}/inputs/1/padding", [0, 0])),
)
order(
    "branches-before-their-sum",
    "All branches are looked at before they are compared: the third does not fit, the second is unlike the first.",
    [
        conv(name="a"),
        summed(identity("a"), conv_branch("a", K, padding=[1, 0]), conv_branch("a", [[[[0.5]], [[0.5]]]])),
    ],
    ("chain", f"{SUM}/inputs/2/weights", put(f"{SUM}/inputs/2/weights", K)),
    ("chain", f"{SUM}/inputs/1", drop(f"{SUM}/inputs/1")),
)
order(
    "branches-before-the-bias",
    "Branches unlike come before a bias of the wrong length.",
    [conv(name="a"), summed(identity("a"), conv_branch("a", K, padding=[1, 0]), bias=[0.0, 0.0])],
    ("chain", f"{SUM}/inputs/1", drop(f"{SUM}/inputs/1")),
    ("chain", f"{SUM}/bias", put(f"{SUM}/bias", [0.0])),
)
order(
    "chain-before-output",
    "The last layer has no neurons, nor does it fit.",
    [conv(), avgpool2d([3, 1])],
    ("chain", f"{L}/1", put(f"{L}/1/kernel", [1, 1])),
    ("output", f"{L}/1", add(f"{L}/-", conv())),
)
order(
    "output-before-neuron-model",
    "The model of layer 0 is unknown; the last layer has none at all.",
    [conv2d(K, neuron(model="alif")), flatten()],
    ("output", f"{L}/1", add(f"{L}/-", layer([[0.5] * 6]))),
    ("neuron-model", f"{L}/0/neuron/model", put(f"{L}/0/neuron/model", "if")),
)
order(
    "neuron-model-before-threshold-of-kinds",
    "A threshold of 0 in layer 0, an unknown model of a sum.",
    [conv2d(K, neuron(threshold=0), name="a"), summed(identity("a"), cell=neuron(model="li"))],
    ("neuron-model", f"{SUM}/neuron/model", put(f"{SUM}/neuron/model", "if")),
    ("threshold", f"{L}/0/neuron/threshold", put(f"{L}/0/neuron/threshold", 1.0)),
)
order(
    "reset-before-decay-of-kinds",
    "A decay of 2 in layer 0, an unknown reset of a sum.",
    [conv2d(K, lif(2.0), name="a"), summed(identity("a"), cell=neuron(reset="none"))],
    ("reset", f"{SUM}/neuron/reset", put(f"{SUM}/neuron/reset", "zero")),
    ("decay", f"{L}/0/neuron/decay", put(f"{L}/0/neuron/decay", 0.5)),
)

# --- within one rule: the order of traversal

order(
    "object-branch-before-neuron",
    "A layer's branches come before its neuron, wherever the members stand.",
    [conv(name="a"), {"kind": "sum", "neuron": 1, "inputs": [identity("a"), 2]}],
    ("object", f"{SUM}/inputs/1", drop(f"{SUM}/inputs/1")),
    ("object", f"{SUM}/neuron", put(f"{SUM}/neuron", neuron())),
)
order(
    "object-neuron-before-the-next-layer",
    "A layer's neuron comes before the next layer.",
    [conv2d(K, 5, name="a"), 6],
    ("object", f"{L}/0/neuron", put(f"{L}/0/neuron", neuron())),
    ("object", f"{L}/1", drop(f"{L}/1")),
)
order(
    "kind-of-the-layer-before-its-branches",
    "Layer 1 before its branch, then layer 2.",
    [conv(name="a"), summed(identity("a", kind=3)), conv(kind="x")],
    ("kind", f"{SUM}/inputs/0/kind", put(f"{SUM}/inputs/0/kind", "identity")),
    ("kind", f"{L}/2/kind", put(f"{L}/2/kind", "conv2d")),
)
order(
    "unknown-keys-of-a-sum",
    "The sum's own, then its branches' in turn, then its neuron's.",
    [
        conv(name="a"),
        {
            "kind": "sum",
            "neuron": neuron(tau=2.0),
            "inputs": [identity("a", gain=1), identity("a", bias=[0.0])],
            "weights": [],
        },
    ],
    ("unknown-key", f"{SUM}/weights", drop(f"{SUM}/weights")),
    ("unknown-key", f"{SUM}/inputs/0/gain", drop(f"{SUM}/inputs/0/gain")),
    ("unknown-key", f"{SUM}/inputs/1/bias", drop(f"{SUM}/inputs/1/bias")),
    ("unknown-key", f"{SUM}/neuron/tau", drop(f"{SUM}/neuron/tau")),
)
order(
    "missing-keys-of-a-sum",
    "inputs, neuron; with branches there: the branch's from, its weight, the next one's.",
    [conv(name="a"), {"kind": "sum", "inputs": [{"kind": "identity"}, {"kind": "conv2d"}]}],
    ("missing-key", f"{SUM}/neuron", add(f"{SUM}/neuron", {})),
    ("missing-key", f"{SUM}/inputs/0/from", add(f"{SUM}/inputs/0/from", "a")),
    ("missing-key", f"{SUM}/inputs/0/weight", add(f"{SUM}/inputs/0/weight", 1.0)),
    ("missing-key", f"{SUM}/inputs/1/from", add(f"{SUM}/inputs/1/from", "a")),
    ("missing-key", f"{SUM}/inputs/1/weights", add(f"{SUM}/inputs/1/weights", K)),
    ("missing-key", f"{SUM}/neuron/model", add(f"{SUM}/neuron/model", "if")),
    ("missing-key", f"{SUM}/neuron/threshold", add(f"{SUM}/neuron/threshold", 1.0)),
)
order(
    "missing-inputs-before-neuron",
    "Of a sum without anything inputs is due first.",
    [conv(name="a"), {"kind": "sum"}],
    ("missing-key", f"{SUM}/inputs", add(f"{SUM}/inputs", [identity("a")])),
    ("missing-key", f"{SUM}/neuron", add(f"{SUM}/neuron", neuron())),
)
order(
    "missing-weights-before-neuron-of-conv",
    "Of a convolution without anything the weights.",
    [{"kind": "conv2d"}],
    ("missing-key", f"{L}/0/weights", add(f"{L}/0/weights", K)),
    ("missing-key", f"{L}/0/neuron", add(f"{L}/0/neuron", neuron())),
)
order(
    "geometry-of-a-layer",
    "stride, dilation, padding, groups, in this order, wherever they stand.",
    [{"groups": 0, "padding": 0, "dilation": 0, "stride": 0} | conv()],
    ("geometry", f"{L}/0/stride", drop(f"{L}/0/stride")),
    ("geometry", f"{L}/0/dilation", drop(f"{L}/0/dilation")),
    ("geometry", f"{L}/0/padding", drop(f"{L}/0/padding")),
    ("geometry", f"{L}/0/groups", drop(f"{L}/0/groups")),
)
order(
    "geometry-of-a-pool",
    "kernel before stride.",
    [{"stride": [0, 0]} | avgpool2d([0, 0]), conv()],
    ("geometry", f"{L}/0/kernel", put(f"{L}/0/kernel", [1, 1])),
    ("geometry", f"{L}/0/stride", drop(f"{L}/0/stride")),
)
order(
    "geometry-of-branches",
    "All members of branch 0 before those of branch 1, layer 1 before layer 2.",
    [
        conv(name="a"),
        summed(conv_branch("a", K, groups=0), conv_branch("a", K, stride=0)),
        conv(stride=0),
    ],
    ("geometry", f"{SUM}/inputs/0/groups", drop(f"{SUM}/inputs/0/groups")),
    ("geometry", f"{SUM}/inputs/1/stride", drop(f"{SUM}/inputs/1/stride")),
    ("geometry", f"{L}/2/stride", drop(f"{L}/2/stride")),
)
order(
    "from-of-branches",
    "Branch by branch, then the next layer.",
    [conv(name="a"), summed(identity("x"), identity("y")), conv(**{"from": "z"})],
    ("from", f"{SUM}/inputs/0/from", put(f"{SUM}/inputs/0/from", "a")),
    ("from", f"{SUM}/inputs/1/from", put(f"{SUM}/inputs/1/from", "a")),
    ("from", f"{L}/2/from", drop(f"{L}/2/from")),
)
order(
    "weight-type-of-branches",
    "Weights and weight, branch by branch.",
    [
        conv2d(K, name="a"),
        summed(conv_branch("a", [[[[None]]]]), identity("a", None), conv_branch("a", [[[["x"]]]])),
        conv2d([[[[True]]]]),
    ],
    ("weight-type", f"{SUM}/inputs/0/weights/0/0/0/0", put(f"{SUM}/inputs/0/weights/0/0/0/0", 1.0)),
    ("weight-type", f"{SUM}/inputs/1/weight", put(f"{SUM}/inputs/1/weight", 1.0)),
    ("weight-type", f"{SUM}/inputs/2/weights/0/0/0/0", put(f"{SUM}/inputs/2/weights/0/0/0/0", 1.0)),
    ("weight-type", f"{L}/2/weights/0/0/0/0", put(f"{L}/2/weights/0/0/0/0", 1.0)),
)
order(
    "weight-finite-of-branches",
    "The same of their finiteness.",
    [conv2d(K, name="a"), summed(identity("a", "NaN"), conv_branch("a", [[[["Infinity"]]]]))],
    ("weight-finite", f"{SUM}/inputs/0/weight", put(f"{SUM}/inputs/0/weight", 1.0)),
    ("weight-finite", f"{SUM}/inputs/1/weights/0/0/0/0", put(f"{SUM}/inputs/1/weights/0/0/0/0", 1.0)),
)
order(
    "weight-type-in-c-order",
    "Leaves of four dimensions ascend with the last index fastest.",
    [conv2d([[[[0.5, 0.5], [None, 0.5]]], [[[True, 0.5], [0.5, 0.5]]]])],
    ("weight-type", f"{L}/0/weights/0/0/1/0", put(f"{L}/0/weights/0/0/1/0", 0.5)),
    ("weight-type", f"{L}/0/weights/1/0/0/0", put(f"{L}/0/weights/1/0/0/0", 0.5)),
)
order(
    "chain-layer-by-layer",
    "Two layers that do not fit: the first.",
    [conv2d([[[[0.5]], [[0.5]]]]), avgpool2d([5, 5]), conv()],
    ("chain", f"{L}/0/weights", put(f"{L}/0/weights", K)),
    ("chain", f"{L}/1", put(f"{L}/1/kernel", [1, 1])),
)
