"""Cases of simulate about the rules of networks of more than dense layers (networks.md), broken and just kept."""

from __future__ import annotations

from typing import Any

from cases import Cases, Patch, add, below, drop, put
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
    simulation,
    total,
)

simulate = Cases("simulate")
TABLES = [simulate]

SHAPE = [2, 3, 4]
KERNELS = [[[[0.5]], [[0.25]]]]
"""One output channel, two input channels, a kernel of one weight."""
LAST = layer([[0.5] * 12])


def net(*layers: Any, shape: Any = SHAPE, **changes: Any) -> dict[str, Any]:
    """A network on 24 inputs in three dimensions."""
    return network(*layers, input_shape=shape, **changes)


def tail() -> list[Any]:
    """A convolution, a flatten and a dense layer: a sound network 24 -> 12 -> 1."""
    return [conv2d(KERNELS), flatten(), LAST]


def branched(*branches: Any, **changes: Any) -> dict[str, Any]:
    """A convolution named a, a sum of branches, a flatten, a dense layer."""
    rows = branches or (identity("a"), conv_branch("input", KERNELS))
    return net(conv2d(KERNELS, name="a"), total(*rows, **changes), flatten(), LAST)


def ask(whole: Any, width: int = 24, steps: int = 1) -> dict[str, Any]:
    """Run a network on constant ones."""
    return simulation(whole, steps, constant([1.0] * width), "counts")


def reject(
    name: str, rule: str, path: str, why: str, whole: Any, patch: Patch, width: int = 24, tags: str = ""
) -> None:
    """Declare a network with one fault; `path` and the patch point into it."""
    data, repair = ask(whole, width), below("/network", patch)
    simulate.reject(f"network-{name}", f"network.{rule}", f"/network{path}", why, data, repair, tags=tags)


def accept(name: str, rules: str, why: str, whole: Any, width: int = 24, tags: str = "", **facts: Any) -> None:
    """Declare a sound network that nearly breaks these rules."""
    near = [f"network.{rule}" for rule in rules.split()]
    simulate.accept(f"network-near-{name}", why, ask(whole, width), near=near, tags=tags, facts=facts)


def replaced(member: str, value: Any, sound: Any) -> tuple[dict[str, Any], Patch]:
    """A convolution with this value of a member, and the patch that puts a sound one in its place."""
    return net(conv2d(KERNELS, **{member: value}), flatten(), LAST), put(f"/layers/0/{member}", sound)


# --- network.object

reject(
    "branch-string",
    "object",
    "/layers/1/inputs/1",
    "The name of a layer alone is no branch.",
    branched(identity("a"), "input"),
    put("/layers/1/inputs/1", identity("a")),
)
reject(
    "branch-null",
    "object",
    "/layers/1/inputs/0",
    "Null is no branch.",
    branched(None, identity("a")),
    put("/layers/1/inputs/0", identity("a")),
)
reject(
    "neuron-of-a-pool-no-object",
    "object",
    "/layers/0/neuron",
    "What stands in a layer's neuron must be an object, also where the kind has none.",
    net(avgpool2d([3, 4], neuron="if"), flatten(), layer([[1.0, 1.0]])),
    drop("/layers/0/neuron"),
)
reject(
    "neuron-of-a-sum-array",
    "object",
    "/layers/1/neuron",
    "A sum's neuron is an object too.",
    branched(identity("a"), cell=[]),
    put("/layers/1/neuron", neuron()),
)
accept(
    "branch-objects",
    "object",
    "A sum of one branch: an array, and objects in it.",
    branched(identity("a")),
)

# --- network.kind

for name, kind, why in (
    ("conv1d", "conv1d", "One-dimensional convolutions are none of the kinds."),
    ("upper-case", "Conv2d", "Kinds are written in lower case, not as PyTorch's classes are."),
    ("empty", "", "The empty string is no kind."),
    ("null", None, "Null is not absence: it is no kind."),
    ("identity", "identity", "An identity is a kind of branches, not of layers."),
    ("maxpool", "maxpool2d", "A maximum of spikes is no mean."),
    ("list", ["conv2d"], "A list of one kind is none."),
    ("space", "flatten ", "Kinds are compared exactly."),
):
    reject(
        f"kind-{name}",
        "kind",
        "/layers/1/kind",
        why,
        net(conv2d(KERNELS), {"kind": kind}, LAST),
        put("/layers/1/kind", "flatten"),
    )
reject(
    "kind-number",
    "kind",
    "/layers/0/kind",
    "A number is no kind; the layer would be a dense one.",
    network(layer([[1.0, 1.0]], kind=0)),
    drop("/layers/0/kind"),
    width=2,
)
for name, kind in (("pool", "avgpool2d"), ("flatten", "flatten"), ("sum", "sum"), ("null", None), ("true", True)):
    reject(
        f"kind-of-branch-{name}",
        "kind",
        "/layers/1/inputs/1/kind",
        "A branch is dense, a convolution or an identity.",
        branched(identity("a"), identity("a", kind=kind)),
        put("/layers/1/inputs/1/kind", "identity"),
    )
accept(
    "kind-dense-written",
    "kind",
    "dense is the default, and may be written.",
    network(layer([[1.0, 1.0]], kind="dense")),
    width=2,
)
accept(
    "kind-dense-of-branch",
    "kind",
    "So it may in a branch.",
    network(total(dense_branch("input", [[1.0, 1.0]], kind="dense"), dense_branch("input", [[0.5, 0.0]]))),
    width=2,
)
accept(
    "kind-every",
    "kind",
    "All five kinds, and all three of branches.",
    net(
        conv2d(KERNELS, name="a"),
        total(identity("a"), conv_branch("input", KERNELS)),
        avgpool2d([1, 2]),
        flatten(name="f"),
        total(dense_branch("f", [[0.5] * 6]), dense_branch("f", [[0.25] * 6])),
        layer([[1.0]]),
    ),
)

# --- network.unknown-key: what a kind does not have

UNKNOWN: list[tuple[str, Any, str, str]] = [
    ("stride-of-dense", layer([[1.0] * 12], stride=[1, 1]), "stride", "A dense layer does not move."),
    ("groups-of-dense", layer([[1.0] * 12], groups=1), "groups", "Nor has it groups, even one."),
    ("kernel-of-conv", conv2d(KERNELS, kernel=[1, 1]), "kernel", "The kernel of a convolution is that of its weights."),
    (
        "padding-mode",
        conv2d(KERNELS, padding_mode="zeros"),
        "padding_mode",
        "PyTorch has padding modes; there is one here.",
    ),
    ("inputs-of-conv", conv2d(KERNELS, inputs=[]), "inputs", "Only a sum has branches."),
    ("padding-of-pool", avgpool2d([1, 1], padding=[0, 0]), "padding", "A pool has no padding, even none."),
    ("dilation-of-pool", avgpool2d([1, 1], dilation=[1, 1]), "dilation", "Nor a dilation."),
    (
        "count-of-pool",
        avgpool2d([1, 1], count_include_pad=True),
        "count_include_pad",
        "PyTorch's option has nothing to count.",
    ),
    ("bias-of-pool", avgpool2d([1, 1], bias=[0.0]), "bias", "A pool adds nothing."),
    ("neuron-of-pool", avgpool2d([1, 1], neuron=neuron()), "neuron", "A pool has no neurons."),
    ("neuron-of-flatten", flatten(neuron=neuron()), "neuron", "A flatten has none either."),
    ("start-of-flatten", flatten(start_dim=1), "start_dim", "PyTorch's flatten has a first dimension."),
    ("weights-of-flatten", flatten(weights=[]), "weights", "A flatten has no weights."),
]
for name, row, member, why in UNKNOWN:
    rows = [conv2d(KERNELS), row, *([flatten()] if row.get("kind") == "avgpool2d" else []), LAST]
    if row.get("kind") == "conv2d":
        rows = [row, flatten(), LAST]
    if "kind" not in row:
        rows = [conv2d(KERNELS), flatten(), row]
    at = rows.index(row)
    reject(
        f"unknown-key-{name}", "unknown-key", f"/layers/{at}/{member}", why, net(*rows), drop(f"/layers/{at}/{member}")
    )
reject(
    "unknown-key-from-of-sum",
    "unknown-key",
    "/layers/1/from",
    "A sum takes its branches' sources, none of its own.",
    branched(identity("a"), **{"from": "a"}),
    drop("/layers/1/from"),
)
reject(
    "unknown-key-weights-of-sum",
    "unknown-key",
    "/layers/1/weights",
    "The weights of a sum are its branches'.",
    branched(identity("a"), weights=[]),
    drop("/layers/1/weights"),
)
reject(
    "unknown-key-bias-of-branch",
    "unknown-key",
    "/layers/1/inputs/0/bias",
    "A branch has no bias: that of the sum comes last.",
    branched(conv_branch("input", KERNELS, bias=[0.0])),
    drop("/layers/1/inputs/0/bias"),
)
reject(
    "unknown-key-neuron-of-branch",
    "unknown-key",
    "/layers/1/inputs/1/neuron",
    "A branch has no neurons, whatever stands there.",
    branched(identity("a"), identity("a", neuron=None)),
    drop("/layers/1/inputs/1/neuron"),
)
reject(
    "unknown-key-name-of-branch",
    "unknown-key",
    "/layers/1/inputs/0/name",
    "A branch has no name.",
    branched(identity("a", name="b")),
    drop("/layers/1/inputs/0/name"),
)
reject(
    "unknown-key-weights-of-identity",
    "unknown-key",
    "/layers/1/inputs/0/weights",
    "An identity has one weight, not weights.",
    branched(identity("a", weights=[[1.0]])),
    drop("/layers/1/inputs/0/weights"),
)
reject(
    "unknown-key-weight-of-conv-branch",
    "unknown-key",
    "/layers/1/inputs/0/weight",
    "A convolution has weights, not one weight.",
    branched(conv_branch("input", KERNELS, weight=1.0)),
    drop("/layers/1/inputs/0/weight"),
)
reject(
    "unknown-key-stride-of-dense-branch",
    "unknown-key",
    "/layers/1/inputs/0/stride",
    "A dense branch does not move.",
    net(flatten(name="f"), total(dense_branch("f", [[1.0] * 24], stride=[1, 1]))),
    drop("/layers/1/inputs/0/stride"),
)
reject(
    "unknown-key-input-size",
    "unknown-key",
    "/input_size",
    "The shape of the input is input_shape.",
    net(*tail(), input_size=24),
    drop("/input_size"),
)
accept(
    "every-key-of-conv",
    "unknown-key",
    "A convolution with all its members, each as by default.",
    net(
        conv2d(
            KERNELS, name="c", bias=[0.0], stride=[1, 1], padding=[0, 0], dilation=[1, 1], groups=1, **{"from": "input"}
        ),
        flatten(name="f", **{"from": "c"}),
        layer([[0.5] * 12], name="d", **{"from": "f"}),
    ),
)
accept(
    "every-key-of-pool",
    "unknown-key",
    "A pool with all its members.",
    net(avgpool2d([3, 4], stride=[3, 4], name="p", **{"from": "input"}), flatten(), layer([[1.0, 1.0]])),
)

# --- network.missing-key

reject(
    "missing-weights-of-conv",
    "missing-key",
    "/layers/0/weights",
    "A convolution has no default kernel.",
    net({"kind": "conv2d", "neuron": neuron()}, flatten(), LAST),
    add("/layers/0/weights", KERNELS),
)
reject(
    "missing-neuron-of-conv",
    "missing-key",
    "/layers/0/neuron",
    "A convolution has neurons.",
    net({"kind": "conv2d", "weights": KERNELS}, flatten(), LAST),
    add("/layers/0/neuron", neuron()),
)
reject(
    "missing-inputs",
    "missing-key",
    "/layers/1/inputs",
    "A sum without branches is not one of nothing.",
    net(conv2d(KERNELS, name="a"), {"kind": "sum", "neuron": neuron()}, flatten(), LAST),
    add("/layers/1/inputs", [identity("a")]),
)
reject(
    "missing-neuron-of-sum",
    "missing-key",
    "/layers/1/neuron",
    "A sum has neurons.",
    net(conv2d(KERNELS, name="a"), {"kind": "sum", "inputs": [identity("a")]}, flatten(), LAST),
    add("/layers/1/neuron", neuron()),
)
reject(
    "missing-kernel",
    "missing-key",
    "/layers/1/kernel",
    "A stride alone does not say the kernel.",
    net(conv2d(KERNELS), {"kind": "avgpool2d", "stride": [3, 4]}, flatten(), layer([[1.0]])),
    add("/layers/1/kernel", [3, 4]),
)
reject(
    "missing-from-of-branch",
    "missing-key",
    "/layers/1/inputs/1/from",
    "A branch says where it comes from: the layer before is no default.",
    branched(identity("a"), {"kind": "identity", "weight": 1.0}),
    add("/layers/1/inputs/1/from", "a"),
)
reject(
    "missing-weight-of-identity",
    "missing-key",
    "/layers/1/inputs/0/weight",
    "The weight of an identity has no default 1.",
    branched({"kind": "identity", "from": "a"}),
    add("/layers/1/inputs/0/weight", 1.0),
)
reject(
    "missing-weights-of-branch",
    "missing-key",
    "/layers/1/inputs/0/weights",
    "A dense branch has weights.",
    net(flatten(name="f"), total({"from": "f"})),
    add("/layers/1/inputs/0/weights", [[1.0] * 24]),
)
reject(
    "missing-decay-of-sum",
    "missing-key",
    "/layers/1/neuron/decay",
    "The neuron of a sum is like every other.",
    branched(identity("a"), cell={"model": "lif", "threshold": 1.0}),
    add("/layers/1/neuron/decay", 0.5),
)
accept("flatten-without-anything", "missing-key", "A flatten needs nothing but its kind.", net(*tail()))
accept(
    "neuron-of-pool-not-due",
    "missing-key",
    "A pool needs a kernel alone.",
    net(avgpool2d([3, 4]), flatten(), layer([[1.0, 1.0]])),
)

# --- network.layers

reject(
    "layers-too-many-of-kinds",
    "layers",
    "/layers",
    "1,025 layers are too many, whatever their kind.",
    network(*[flatten()] * 1024, layer([[1.0]]), input_shape=[1, 1, 1]),
    drop("/layers/0"),
    width=1,
    tags="long",
)
accept(
    "layers-most-of-kinds",
    "layers",
    "1,024 layers, most of them without neurons.",
    network(*[flatten()] * 1023, layer([[1.0]]), input_shape=[1, 1, 1]),
    width=1,
    tags="long",
)

# --- network.inputs

for name, value, why in (
    ("none", [], "A sum of no branches has no shape."),
    ("65", [identity("a")] * 65, "Sixty-five branches are one too many."),
    ("object", {"0": identity("a")}, "Branches by name are no array."),
    ("null", None, "The key is there, so it is not missing."),
    ("name", "a", "The name of a layer is no array of branches."),
    ("number", 2, "Nor is a number of them."),
):
    reject(
        f"inputs-{name}",
        "inputs",
        "/layers/1/inputs",
        why,
        net(conv2d(KERNELS, name="a"), {"kind": "sum", "inputs": value, "neuron": neuron()}, flatten(), LAST),
        put("/layers/1/inputs", [identity("a")]),
    )
accept("inputs-one", "inputs", "One branch is enough.", branched(identity("a", 0.5)))
accept("inputs-64", "inputs", "Sixty-four branches are the most.", branched(*[identity("a", 0.5)] * 64))

# --- network.input-shape

for name, value, why in (
    ("null", None, "Null is not absence."),
    ("number", 24, "The number of elements is no shape."),
    ("two", [6, 4], "Height and width alone are none."),
    ("four", [1, 2, 3, 4], "The size of a batch is no part of it."),
    ("empty", [], "Nor is the empty list a shape."),
    ("object", {"channels": 2, "height": 3, "width": 4}, "An object is none."),
    ("zero", [2, 0, 4], "No rows is no image."),
    ("negative", [2, -3, -4], "Two negative lengths have a positive product."),
    ("float", [2, 3.0, 4], "3.0 is not an Integer."),
    ("string", [2, "3", 4], "Nor is a string."),
    ("bool", [True, 6, 4], "Nor is true."),
    ("null-entry", [2, None, 4], "Nor is null."),
    ("nested", [[2, 3, 4]], "One list, not a list of one."),
    ("too-large", [1, 4097, 4096], "4,096 more than 2^24 elements."),
    ("just-too-large", [1, 16777217, 1], "2^24 + 1 elements."),
    ("wraps-32-bits", [65536, 65536, 1], "2^32 elements are not 0."),
    ("wraps-64-bits", [4194304, 4194304, 1048576], "Nor are 2^64."),
    ("wraps-to-24", [4294967296, 4294967296, 24], "24 times 2^64 is not 24."),
    ("beyond-integer", [1, 9007199254740992, 1], "2^53 is no Integer."),
):
    reject(
        f"input-shape-{name}", "input-shape", "/input_shape", why, net(*tail(), shape=value), put("/input_shape", SHAPE)
    )
accept(
    "input-shape-of-ones",
    "input-shape",
    "One channel, one row, one column.",
    network(conv2d([[[[1.0]]]]), input_shape=[1, 1, 1]),
    width=1,
)
accept(
    "input-shape-unasked",
    "input-shape",
    "A network may say its input's shape and then make one dimension of it.",
    net(flatten(), layer([[0.5] * 24])),
)

# --- network.name

for name, value, why in (
    ("input", "input", "input is the name of the input."),
    ("null", None, "Null is not absence."),
    ("number", 1, "A name is a string."),
    ("list", ["a"], "Not a list of one."),
    ("taken", "a", "The name is that of layer 0."),
):
    reject(
        f"name-{name}",
        "name",
        "/layers/1/name",
        why,
        net(conv2d(KERNELS, name="a"), flatten(name=value), LAST),
        drop("/layers/1/name"),
    )
reject(
    "name-input-of-the-first",
    "name",
    "/layers/0/name",
    "Nor may the first layer, which takes the input, be called so.",
    network(layer([[1.0]], name="input")),
    put("/layers/0/name", "Input"),
    width=1,
)
reject(
    "name-taken-twice",
    "name",
    "/layers/2/name",
    "A name stays taken, however many layers lie between.",
    net(conv2d(KERNELS, name="x"), flatten(), layer([[0.5] * 12], name="x")),
    put("/layers/2/name", "y"),
)
reject(
    "name-taken-unicode",
    "name",
    "/layers/1/name",
    "Names are compared by code points, beyond ASCII too.",
    net(conv2d(KERNELS, name="\u00e9\U0001f600"), flatten(name="\u00e9\U0001f600"), LAST),
    put("/layers/1/name", "e\u0301\U0001f600"),
    tags="unicode",
)
reject(
    "name-empty-twice",
    "name",
    "/layers/1/name",
    "The empty name is one, and taken.",
    net(conv2d(KERNELS, name=""), flatten(name=""), LAST),
    drop("/layers/1/name"),
)
accept(
    "name-empty",
    "name from",
    "The empty name is a name that can be asked for.",
    net(conv2d(KERNELS, name=""), flatten(**{"from": ""}), LAST),
)
accept(
    "name-like-input",
    "name",
    "Input, input with a space and INPUT are names like any others.",
    net(conv2d(KERNELS, name="Input"), flatten(name="input "), layer([[0.5] * 12], name="INPUT", **{"from": "input "})),
)
accept(
    "name-composed",
    "name from",
    "A composed and a decomposed letter are two names: nothing is normalised.",
    net(
        conv2d(KERNELS, name="\u00e9"),
        conv2d([[[[1.0]]]], name="e\u0301", **{"from": "\u00e9"}),
        total(identity("\u00e9", 0.25), identity("e\u0301", 0.5)),
        flatten(),
        LAST,
    ),
    tags="unicode",
)
accept(
    "name-of-a-kind",
    "name from",
    "sum, conv2d and layers are names, too.",
    net(conv2d(KERNELS, name="sum"), flatten(name="conv2d", **{"from": "sum"}), layer([[0.5] * 12], name="layers")),
)

# --- network.from

for name, value, why in (
    ("unknown", "b", "No layer is called so."),
    ("null", None, "Null is not absence."),
    ("index", 0, "The number of a layer is no name."),
    ("empty", "", "The empty string is not absence, and no layer is called so."),
    ("list", ["a"], "A list of one name is none."),
    ("itself", "me", "A layer cannot take what it gives."),
    ("later", "later", "Nor what a later layer gives."),
    ("upper-case", "INPUT", "The input is input, in lower case."),
    ("position", "layer_0", "Names that a pair would give are none that a network has."),
    ("prefix", "aa", "Names are compared whole."),
):
    reject(
        f"from-{name}",
        "from",
        "/layers/1/from",
        why,
        net(conv2d(KERNELS, name="a"), flatten(name="me", **{"from": value}), layer([[0.5] * 12], name="later")),
        put("/layers/1/from", "a"),
    )
reject(
    "from-of-branch-unknown",
    "from",
    "/layers/1/inputs/1/from",
    "A branch takes the input or an earlier layer.",
    branched(identity("a"), identity("b")),
    put("/layers/1/inputs/1/from", "a"),
)
reject(
    "from-of-branch-itself",
    "from",
    "/layers/1/inputs/0/from",
    "Not the layer that it stands in.",
    branched(identity("me"), identity("a"), name="me"),
    put("/layers/1/inputs/0/from", "a"),
)
reject(
    "from-of-branch-number",
    "from",
    "/layers/1/inputs/0/from",
    "Not a number.",
    branched(identity(0)),  # type: ignore[arg-type]
    put("/layers/1/inputs/0/from", "a"),
)
reject(
    "from-first-layer",
    "from",
    "/layers/0/from",
    "Before the first layer there is the input alone.",
    net(conv2d(KERNELS, **{"from": "a"}), conv2d([[[[1.0]]]], name="a"), flatten(), LAST),
    put("/layers/0/from", "input"),
)
accept(
    "from-input-written",
    "from",
    "The first layer may say that it takes the input.",
    network(layer([[1.0, 0.5]], **{"from": "input"})),
    width=2,
)
accept(
    "from-the-layer-before",
    "from",
    "A layer may say that it takes the one before.",
    net(conv2d(KERNELS, name="a"), flatten(**{"from": "a"}), LAST),
)

# --- network.geometry

GEOMETRY: list[tuple[str, Any, str]] = [
    ("stride", [0, 1], "zero: a kernel that does not move"),
    ("stride", [1, 0], "zero in the second place"),
    ("stride", [65537, 1], "one above the limit"),
    ("stride", [-1, 1], "a negative number"),
    ("stride", 1, "one number for both"),
    ("stride", [1], "a list of one"),
    ("stride", [1, 1, 1], "a list of three"),
    ("stride", [1.0, 1], "1.0, which is not an Integer"),
    ("stride", ["1", 1], "a string"),
    ("stride", [True, 1], "true"),
    ("stride", None, "null, which is not absence"),
    ("stride", [1, 9007199254740992], "2^53, which is not an Integer"),
    ("padding", [-1, 0], "a negative number: no cropping"),
    ("padding", [0, -1], "a negative number in the second place"),
    ("padding", [0, 65537], "one above the limit"),
    ("padding", 0, "one number for both"),
    ("padding", "same", "PyTorch's same"),
    ("padding", [0, 0, 0, 0], "a number per side"),
    ("padding", [0, 0.5], "half a column"),
    ("padding", None, "null"),
    ("dilation", [0, 1], "zero: all weights on one place"),
    ("dilation", [1, 65537], "one above the limit"),
    ("dilation", 1, "one number for both"),
    ("dilation", [1, None], "null in the second place"),
    ("dilation", {}, "an object"),
    ("groups", 0, "zero groups"),
    ("groups", -1, "a negative number"),
    ("groups", 65537, "one above the limit"),
    ("groups", 1.0, "1.0, which is not an Integer"),
    ("groups", [1, 1], "a pair"),
    ("groups", "1", "a string"),
    ("groups", True, "true"),
    ("groups", None, "null"),
]
for number, (member, value, what) in enumerate(GEOMETRY):
    whole, patch = replaced(member, value, 1 if member == "groups" else [0, 0] if member == "padding" else [1, 1])
    reject(f"geometry-{number}-{member}", "geometry", f"/layers/0/{member}", f"Here {member} is {what}.", whole, patch)
for number, (value, what) in enumerate(
    [
        ([0, 1], "zero rows"),
        ([1, 0], "zero columns"),
        ([65537, 1], "one above the limit"),
        (2, "one number for both"),
        ([1], "a list of one"),
        ([1, 1.0], "1.0, which is not an Integer"),
        (None, "null"),
        ([[1, 1]], "a nested list"),
    ]
):
    reject(
        f"geometry-of-pool-{number}-kernel",
        "geometry",
        "/layers/0/kernel",
        f"Here the kernel of a pool is {what}.",
        net(avgpool2d(value), flatten(), layer([[0.5] * 2])),
        put("/layers/0/kernel", [3, 4]),
    )
reject(
    "geometry-of-pool-stride",
    "geometry",
    "/layers/0/stride",
    "The stride of a pool is at least 1.",
    net(avgpool2d([3, 4], stride=[0, 1]), flatten(), layer([[0.5] * 2])),
    put("/layers/0/stride", [1, 1]),
)
reject(
    "geometry-of-branch",
    "geometry",
    "/layers/1/inputs/1/dilation",
    "A branch that convolves has the same members.",
    branched(identity("a"), conv_branch("input", KERNELS, dilation=[0, 0])),
    put("/layers/1/inputs/1/dilation", [1, 1]),
)
reject(
    "geometry-of-branch-groups",
    "geometry",
    "/layers/1/inputs/0/groups",
    "Groups of a branch, zero.",
    branched(conv_branch("input", KERNELS, groups=0)),
    put("/layers/1/inputs/0/groups", 1),
)
accept(
    "geometry-largest",
    "geometry",
    "65,536 is the most of each; a padding that large would be too many elements.",
    net(conv2d(KERNELS, stride=[65536, 65536], dilation=[65536, 65536]), flatten(), layer([[1.0]])),
)
accept(
    "geometry-padding-large",
    "geometry",
    "A padding of 65,536 columns, of which a stride of 65,536 leaves three.",
    network(conv2d([[[[1.0]]]], stride=[1, 65536], padding=[0, 65536]), input_shape=[1, 1, 1]),
    width=1,
    readout=[0, 1, 0],
)

# --- network.weight-type, weight-rank, weight-finite

reject(
    "weight-type-conv",
    "weight-type",
    "/layers/0/weights/0/1/0/0",
    "A leaf of four dimensions has four indices.",
    net(conv2d([[[[0.5]], [[None]]]]), flatten(), LAST),
    put("/layers/0/weights/0/1/0/0", 0.25),
)
reject(
    "weight-type-conv-object",
    "weight-type",
    "/layers/0/weights",
    "An object without a file is no array.",
    net(conv2d({"shape": [1, 2, 1, 1]}), flatten(), LAST),
    put("/layers/0/weights", KERNELS),
)
reject(
    "weight-type-branch",
    "weight-type",
    "/layers/1/inputs/1/weights/0/0/0/0",
    "A leaf of a branch.",
    branched(identity("a"), conv_branch("input", [[[["0.5"]], [[0.25]]]])),
    put("/layers/1/inputs/1/weights/0/0/0/0", 0.5),
)
for name, value, why in (
    ("null", None, "Null is no Number."),
    ("string", "0.5", "A numeric string is no Number."),
    ("true", True, "True is not 1."),
    ("list", [1.0], "A list of one weight is no Number."),
    ("object", {"file": "artefacts/arrays/plain.npz", "member": "weights"}, "One weight is written, never in a file."),
):
    reject(
        f"weight-type-identity-{name}",
        "weight-type",
        "/layers/1/inputs/1/weight",
        why,
        branched(identity("a"), identity("a", value)),
        put("/layers/1/inputs/1/weight", 1.0),
    )
for name, value, why in (
    ("matrix", [[0.5, 0.25]], "Two dimensions are those of a dense layer."),
    ("three", [[[0.5]], [[0.25]]], "Three are one too few."),
    ("five", [[[[[0.5]]], [[[0.25]]]]], "Five are one too many."),
    ("empty", [], "A convolution has at least one output."),
    ("empty-kernel", [[[[]], [[]]]], "A kernel without columns."),
    ("empty-rows", [[[], []]], "A kernel without rows."),
    ("empty-inputs", [[]], "An output without inputs."),
    ("ragged-columns", [[[[0.5, 0.5]], [[0.25]]]], "Two kernels of unequal width."),
    ("ragged-rows", [[[[0.5], [0.5]], [[0.25]]]], "Two kernels of unequal height."),
    ("ragged-inputs", [[[[0.5]], [[0.5]]], [[[0.25]]]], "Two outputs with unequal numbers of inputs."),
    ("mixed", [[[[0.5], 0.5], [[0.25], [0.5]]]], "A number in the place of a row."),
    ("deeper", [[[[0.5]], [[[0.25]]]]], "An array in the place of a number."),
    ("number", 0.5, "One number is no array."),
):
    reject(
        f"weight-rank-conv-{name}",
        "weight-rank",
        "/layers/0/weights",
        why,
        net(conv2d(value), flatten(), LAST),
        put("/layers/0/weights", KERNELS),
    )
reject(
    "weight-rank-dense-of-four",
    "weight-rank",
    "/layers/2/weights",
    "A dense layer behind a convolution has a matrix.",
    net(conv2d(KERNELS), flatten(), layer([[[[0.5] * 12]]])),
    put("/layers/2/weights", [[0.5] * 12]),
)
reject(
    "weight-rank-branch",
    "weight-rank",
    "/layers/1/inputs/0/weights",
    "A branch that convolves has four dimensions.",
    branched(conv_branch("input", [[0.5, 0.25]])),
    put("/layers/1/inputs/0/weights", KERNELS),
)
reject(
    "weight-rank-dense-branch",
    "weight-rank",
    "/layers/1/inputs/0/weights",
    "A dense branch has two.",
    net(flatten(name="f"), total(dense_branch("f", [0.5] * 24))),
    put("/layers/1/inputs/0/weights", [[0.5] * 24]),
)
accept(
    "weight-rank-ones",
    "weight-rank",
    "One of everything is enough.",
    network(conv2d([[[[1.0]]]]), input_shape=[1, 1, 1]),
    width=1,
)
reject(
    "weight-finite-conv",
    "weight-finite",
    "/layers/0/weights/0/1/0/0",
    "An infinity in a kernel.",
    net(conv2d([[[[0.5]], [["-Infinity"]]]]), flatten(), LAST),
    put("/layers/0/weights/0/1/0/0", 0.25),
)
reject(
    "weight-finite-branch",
    "weight-finite",
    "/layers/1/inputs/1/weights/0/0/0/0",
    "NaN in a branch.",
    branched(identity("a"), conv_branch("input", [[[["NaN"]], [[0.25]]]])),
    put("/layers/1/inputs/1/weights/0/0/0/0", 0.5),
)
for name, value in (("nan", "NaN"), ("infinity", "Infinity"), ("minus-infinity", "-Infinity")):
    reject(
        f"weight-finite-identity-{name}",
        "weight-finite",
        "/layers/1/inputs/0/weight",
        "The weight of an identity is finite.",
        branched(identity("a", value)),
        put("/layers/1/inputs/0/weight", 1.0),
    )
accept(
    "weight-finite-identity",
    "weight-finite",
    "The largest number of all is one.",
    branched(identity("a", 1.7976931348623157e308), cell=neuron(threshold=1e308, reset="zero")),
)

# --- network.bias-type, bias-shape, bias-finite

reject(
    "bias-type-conv",
    "bias-type",
    "/layers/0/bias/0",
    "A map of biases is none: one per channel.",
    net(conv2d(KERNELS, bias=[[0.5]]), flatten(), LAST),
    put("/layers/0/bias/0", 0.5),
)
reject(
    "bias-type-sum",
    "bias-type",
    "/layers/1/bias",
    "One number is no list.",
    branched(identity("a"), bias=0.5),
    put("/layers/1/bias", [0.5]),
)
reject(
    "bias-shape-conv",
    "bias-shape",
    "/layers/0/bias",
    "One entry per output channel, not per input channel.",
    net(conv2d(KERNELS, bias=[0.5, 0.5]), flatten(), LAST),
    put("/layers/0/bias", [0.5]),
)
reject(
    "bias-shape-conv-per-place",
    "bias-shape",
    "/layers/0/bias",
    "Nor one per place of the map.",
    net(conv2d(KERNELS, bias=[0.5] * 12), flatten(), LAST),
    put("/layers/0/bias", [0.5]),
)
reject(
    "bias-finite-sum",
    "bias-finite",
    "/layers/1/bias/0",
    "The bias of a sum is finite.",
    branched(identity("a"), bias=["NaN"]),
    put("/layers/1/bias/0", 0.0),
)
accept(
    "bias-of-a-channel",
    "bias-shape",
    "One output channel, one entry.",
    net(conv2d(KERNELS, bias=[-0.0]), flatten(), LAST),
)

# --- network.chain

CHAIN: list[tuple[str, str, Any, Patch, str]] = [
    (
        "dense-on-an-image",
        "/layers/0/weights",
        net(layer([[0.5] * 24])),
        add("/layers/0", flatten()),
        "A dense layer needs one dimension, even where the number of elements fits.",
    ),
    (
        "dense-on-a-map",
        "/layers/1/weights",
        net(conv2d(KERNELS), LAST),
        add("/layers/1", flatten()),
        "The map of a convolution has three.",
    ),
    (
        "conv-on-a-vector",
        "/layers/1/weights",
        net(flatten(), conv2d(KERNELS)),
        drop("/layers/0"),
        "A convolution needs three dimensions.",
    ),
    (
        "conv-on-a-vector-of-channels",
        "/layers/2/weights",
        net(avgpool2d([3, 4]), flatten(), conv2d(KERNELS)),
        drop("/layers/1"),
        "Two elements are not two channels of one place.",
    ),
    (
        "conv-channels",
        "/layers/0/weights",
        net(conv2d([[[[0.5]]]]), flatten(), LAST),
        put("/layers/0/weights", KERNELS),
        "One input channel, two are there.",
    ),
    (
        "conv-channels-of-groups",
        "/layers/0/weights",
        net(conv2d([KERNELS[0], KERNELS[0]], groups=2), flatten(), layer([[0.5] * 24])),
        put("/layers/0/weights", [[[[0.5]]], [[[0.25]]]]),
        "With two groups the second dimension is half of the channels.",
    ),
    (
        "conv-outputs-of-groups",
        "/layers/0/weights",
        net(conv2d([[[[0.5]]], [[[0.25]]], [[[0.5]]]], groups=2), flatten(), layer([[0.5] * 36])),
        put("/layers/0", conv2d([[[[0.5]]], [[[0.25]]], [[[0.5]]], [[[0.5]]]], groups=2))
        + put("/layers/2/weights", [[0.5] * 48]),
        "Three outputs cannot be dealt to two groups.",
    ),
    (
        "conv-fewer-outputs-than-groups",
        "/layers/0/weights",
        net(conv2d([[[[0.5]]]], groups=2), flatten(), LAST),
        put("/layers/0/weights", [[[[0.5]]], [[[0.5]]]]) + put("/layers/2/weights", [[0.5] * 24]),
        "Nor can one.",
    ),
    (
        "conv-kernel-too-high",
        "/layers/0/weights",
        net(conv2d([[[[0.5]] * 4, [[0.5]] * 4]]), flatten(), LAST),
        put("/layers/0/weights", KERNELS),
        "Four rows of a kernel on three of the input.",
    ),
    (
        "conv-kernel-too-wide",
        "/layers/0/weights",
        net(conv2d([[[[0.5] * 5], [[0.5] * 5]]], padding=[1, 0]), flatten(), layer([[0.5] * 20])),
        put("/layers/0/weights", KERNELS),
        "Five columns on four; the padding is of rows.",
    ),
    (
        "conv-kernel-too-wide-stride",
        "/layers/0/weights",
        net(conv2d([[[[0.5] * 5], [[0.5] * 5]]], stride=[1, 2]), flatten(), layer([[0.5] * 3])),
        put("/layers/0/weights", [[[[0.5] * 4], [[0.5] * 4]]]),
        "floor(-1/2)+1 is 0: a division that rounds towards zero gives 1.",
    ),
    (
        "conv-kernel-too-high-stride",
        "/layers/0/weights",
        net(conv2d([[[[0.5]] * 4, [[0.5]] * 4]], stride=[3, 1]), flatten(), layer([[0.5] * 4])),
        put("/layers/0/weights", [[[[0.5]] * 3, [[0.5]] * 3]]),
        "floor(-1/3)+1 is 0 in height too.",
    ),
    (
        "conv-dilation-too-wide",
        "/layers/0/weights",
        net(conv2d([[[[0.5, 0.5]], [[0.5, 0.5]]]], dilation=[1, 4]), flatten(), layer([[0.5] * 3])),
        put("/layers/0/dilation", [1, 3]),
        "A dilation of 4 needs five columns.",
    ),
    (
        "pool-on-a-vector",
        "/layers/1",
        net(flatten(), avgpool2d([1, 1]), flatten(), layer([[0.5] * 24])),
        drop("/layers/1"),
        "A pool needs three dimensions; it has no weights to point at.",
    ),
    (
        "pool-on-dense",
        "/layers/1",
        network(layer([[1.0] * 24]), avgpool2d([1, 1]), layer([[1.0]])),
        drop("/layers/1"),
        "Dense layers give one.",
    ),
    (
        "pool-too-high",
        "/layers/0",
        net(avgpool2d([4, 1]), flatten(), layer([[0.5] * 8])),
        put("/layers/0/kernel", [3, 1]),
        "Four rows of a kernel on three.",
    ),
    (
        "pool-too-wide",
        "/layers/0",
        net(avgpool2d([1, 5], stride=[3, 1]), flatten(), layer([[0.5] * 2])),
        put("/layers/0/kernel", [1, 4]),
        "Five columns on four.",
    ),
    (
        "pool-too-wide-stride",
        "/layers/0",
        net(avgpool2d([3, 5]), flatten(), layer([[0.5] * 2])),
        put("/layers/0/kernel", [3, 4]),
        "floor(-1/5)+1 is 0.",
    ),
    (
        "flatten-then-width",
        "/layers/2/weights",
        net(conv2d(KERNELS), flatten(), layer([[0.5] * 24])),
        put("/layers/2/weights", [[0.5] * 12]),
        "One channel of 12 elements has been left, not 24.",
    ),
    (
        "named-source-width",
        "/layers/2/weights",
        network(layer([[1.0] * 24] * 2, name="a"), layer([[1.0] * 2] * 3), layer([[1.0] * 3], **{"from": "a"})),
        put("/layers/2/weights", [[1.0, 1.0]]),
        "The width is that of the named layer, not of the layer before.",
    ),
    (
        "input-taken-twice",
        "/layers/1/weights",
        network(layer([[1.0] * 24]), layer([[1.0] * 23], **{"from": "input"})),
        put("/layers/1/weights", [[1.0] * 24]),
        "The first taker decides the width of the input.",
    ),
    (
        "input-taken-twice-by-branches",
        "/layers/0/inputs/1/weights",
        network(total(dense_branch("input", [[1.0] * 24]), dense_branch("input", [[1.0]]))),
        put("/layers/0/inputs/1/weights", [[1.0] * 24]),
        "So it does among branches.",
    ),
    (
        "conv-on-an-input-without-shape",
        "/layers/0/weights",
        network(conv2d([[[[0.5]]]])),
        add("/input_shape", [1, 24, 1]),
        "Without input_shape the input has one dimension.",
    ),
    (
        "pool-on-an-input-without-shape",
        "/layers/0",
        network(avgpool2d([1, 1]), flatten(), layer([[0.5] * 24])),
        add("/input_shape", [1, 24, 1]),
        "Nor can it be pooled.",
    ),
    (
        "flatten-on-an-input-without-shape",
        "/layers/0",
        network(flatten(), layer([[0.5] * 24])),
        add("/input_shape", [1, 24, 1]),
        "Only dense layers and branches take an input without a shape, as only they say its width.",
    ),
    (
        "flatten-on-an-input-with-width",
        "/layers/1",
        network(layer([[0.5] * 24]), flatten(**{"from": "input"}), layer([[0.5] * 24], **{"from": "input"})),
        drop("/layers/1"),
        "Even where another layer has said it.",
    ),
    (
        "identity-on-an-input-without-shape",
        "/layers/0/inputs/1",
        network(
            total(
                dense_branch("input", [[1.0 if i == j else 0.0 for j in range(24)] for i in range(24)]),
                identity("input"),
            )
        ),
        drop("/layers/0/inputs/1"),
        "An identity cannot say how wide it is.",
    ),
    (
        "conv-branch-on-an-input-without-shape",
        "/layers/1/inputs/1/weights",
        network(layer([[1.0] * 24], name="a"), total(identity("a"), conv_branch("input", [[[[1.0]]]]))),
        drop("/layers/1/inputs/1"),
        "A convolution on it is at fault with its weights, in a branch too.",
    ),
    (
        "branches-unlike",
        "/layers/1/inputs/1",
        branched(identity("a"), identity("input")),
        drop("/layers/1/inputs/1"),
        "Two channels cannot be added to one.",
    ),
    (
        "branches-unlike-third",
        "/layers/1/inputs/2",
        branched(identity("a"), conv_branch("input", KERNELS), conv_branch("input", KERNELS, padding=[0, 1])),
        drop("/layers/1/inputs/2"),
        "The first branch that is unlike branch 0 is the third.",
    ),
    (
        "branches-unlike-in-dimensions",
        "/layers/2/inputs/1",
        net(conv2d(KERNELS, name="a"), flatten(name="f"), total(identity("a"), identity("f")), flatten(), LAST),
        drop("/layers/2/inputs/1"),
        "Twelve elements in one dimension are not twelve in three.",
    ),
    (
        "branches-transposed",
        "/layers/1/inputs/1",
        net(
            conv2d([[[[0.5] * 2] * 1, [[0.5] * 2]]], name="a"),
            total(identity("a"), conv_branch("input", [[[[0.5]], [[0.5]]]], padding=[0, 0])),
            flatten(),
            layer([[0.5] * 9]),
        ),
        drop("/layers/1/inputs/1"),
        "A map of 3 x 3 and one of 3 x 4.",
    ),
    (
        "bias-of-a-sum",
        "/layers/1/bias",
        branched(identity("a"), bias=[0.0] * 12),
        put("/layers/1/bias", [0.0]),
        "One entry per channel where the output has three dimensions, not one per element.",
    ),
    (
        "bias-of-a-sum-of-one-dimension",
        "/layers/1/bias",
        net(flatten(name="f"), total(identity("f"), bias=[0.0]), layer([[0.5] * 24])),
        put("/layers/1/bias", [0.0] * 24),
        "One entry per element where it has one dimension.",
    ),
    (
        "bias-of-a-sum-empty",
        "/layers/1/bias",
        branched(identity("a"), bias=[]),
        put("/layers/1/bias", [0.0]),
        "An empty bias is not absence.",
    ),
    (
        "empty-matrix-on-an-image",
        "/layers/0/weights",
        net(layer([])),
        add("/layers/0", flatten()),
        "[] takes the width of its source where that has one dimension; an image has three.",
    ),
]
for name, path, whole, patch, why in CHAIN:
    reject(f"chain-{name}", "chain", path, why, whole, patch)
accept(
    "chain-kernel-just-fits",
    "chain",
    "Three rows and four columns, each covered.",
    net(conv2d([[[[0.1] * 4] * 3] * 2])),
)
accept(
    "chain-padding-is-twice",
    "chain",
    "A kernel of five columns on four fits with a padding of 1: there are six.",
    net(conv2d([[[[0.1] * 6], [[0.1] * 6]]], padding=[0, 1]), flatten(), layer([[0.5] * 3])),
)
accept(
    "chain-branches-alike",
    "chain",
    "Different ways to one shape.",
    branched(
        identity("a"),
        conv_branch("input", [[[[0.5] * 3], [[0.5] * 3]]], padding=[0, 1]),
        conv_branch("a", [[[[0.5]] * 2]], dilation=[2, 1], padding=[1, 0]),
    ),
)
accept(
    "chain-empty-matrix",
    "chain",
    "[] behind a flatten is as wide as that is.",
    net(flatten(), layer([])),
)
accept(
    "chain-empty-matrix-first",
    "chain",
    "[] has no width of its own: the next taker of the input decides.",
    network(layer([]), layer([[0.5] * 24], **{"from": "input"})),
)
accept(
    "chain-empty-branches",
    "chain bias-shape",
    "A sum of two empty branches, and an empty bias.",
    network(total(dense_branch("input", []), dense_branch("input", []), bias=[])),
)

# --- network.elements

WIDE = conv2d([[[[1.0]]]], padding=[2048, 2048])
reject(
    "elements-of-a-layer",
    "elements",
    "/layers/0",
    "4,097 x 4,097 are more than 2^24.",
    network(WIDE, conv2d([[[[1.0]]]], stride=[65536, 65536]), input_shape=[1, 1, 1]),
    put("/layers/0/padding", [4, 4]),
    width=1,
)
reject(
    "elements-of-a-branch",
    "elements",
    "/layers/0/inputs/1",
    "The branch at fault, before it is compared with the others.",
    network(
        total(conv_branch("input", [[[[1.0]]]]), conv_branch("input", [[[[1.0]]]], padding=[65536, 65536])),
        input_shape=[1, 1, 1],
    ),
    put("/layers/0/inputs/1/padding", [0, 0]),
    width=1,
)
reject(
    "elements-wrap",
    "elements",
    "/layers/0",
    "131,073 x 131,073 does not fit into 32 bits.",
    network(
        conv2d([[[[1.0]]]], padding=[65536, 65536]), conv2d([[[[1.0]]]], stride=[65536, 65536]), input_shape=[1, 1, 1]
    ),
    put("/layers/0/padding", [0, 0]),
    width=1,
)
accept(
    "elements-of-a-wide-layer",
    "elements",
    "131,073 elements in one row are fewer than 2^24; the next layer looks at three of them.",
    network(
        conv2d([[[[1.0]]]], padding=[0, 65536], stride=[1, 64]),
        conv2d([[[[1.0]]]], stride=[1, 1024]),
        input_shape=[1, 1, 1],
    ),
    width=1,
    readout=[0, 1, 0],
)

# --- network.output

for name, rows, why in (
    ("flatten", [conv2d(KERNELS), flatten()], "A flatten has no neurons to read out."),
    ("pool", [conv2d(KERNELS), avgpool2d([1, 1])], "A pool has none either."),
    ("flatten-alone", [flatten()], "Nor has a network of a flatten alone."),
):
    reject(
        f"output-{name}",
        "output",
        f"/layers/{len(rows) - 1}",
        why,
        net(*rows),
        add("/layers/-", layer([[0.5] * (24 if len(rows) == 1 else 12)]))
        if name != "pool"
        else add("/layers/-", conv2d([[[[1.0]]]])),
    )
reject(
    "output-under-membrane",
    "output",
    "/layers/1",
    "There is no membrane to read either.",
    net(conv2d(KERNELS), avgpool2d([3, 4]), readout="membrane"),
    add("/layers/-", conv2d([[[[1.0]]]])),
)
accept("output-conv", "output", "A convolution has neurons: its map is the readout.", net(conv2d(KERNELS)))
accept("output-sum", "output", "So has a sum.", net(conv2d(KERNELS, name="a"), total(identity("a", 0.5))))
accept(
    "output-pool-before",
    "output",
    "A pool that nobody takes may stand anywhere but at the end.",
    net(conv2d(KERNELS, name="a"), avgpool2d([1, 1]), conv2d([[[[1.0]]]], **{"from": "a"})),
)

# --- the neurons of the new kinds

for kind in ("conv", "sum"):
    at = "/layers/0" if kind == "conv" else "/layers/1"
    for member, value, rule, sound in (
        ("model", "alif", "neuron-model", "if"),
        ("threshold", 0.0, "threshold", 1.0),
        ("reset", "none", "reset", "zero"),
        ("initial_potential", "NaN", "initial-potential", 0.0),
    ):
        cell = neuron(**{member: value})
        whole = (
            net(conv2d(KERNELS, cell, name="a"), flatten(), LAST)
            if kind == "conv"
            else branched(identity("a"), cell=cell)
        )
        why = "The neurons of every spiking layer have the same rules."
        reject(f"{rule}-of-{kind}", rule, f"{at}/neuron/{member}", why, whole, put(f"{at}/neuron/{member}", sound))
    cell = lif(1.5)
    whole = (
        net(conv2d(KERNELS, cell, name="a"), flatten(), LAST) if kind == "conv" else branched(identity("a"), cell=cell)
    )
    reject(
        f"decay-of-{kind}",
        "decay",
        f"{at}/neuron/decay",
        "A decay above 1 grows.",
        whole,
        put(f"{at}/neuron/decay", 1.0),
    )
