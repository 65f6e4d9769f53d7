"""Cases of `convert.normalize`."""

from __future__ import annotations

from typing import Any

from cases import Cases, Patch, add, drop, put

normalize = Cases("convert.normalize")
TABLES = [normalize]

MAX = 1.7976931348623157e308
TINY = 5e-324


def part(weights: Any, bias: Any = None) -> dict[str, Any]:
    """A layer."""
    return {"weights": weights} if bias is None else {"weights": weights, "bias": bias}


def ask(*layers: Any, scales: Any) -> dict[str, Any]:
    """An input of the operation."""
    return {"layers": list(layers), "scales": scales}


ONE = part([[0.5, -0.25]], [0.1])
TWO = part([[1.5]], [-0.3])

VALUES: list[tuple[str, str, dict[str, Any], tuple[str, ...]]] = [
    ("one-layer", "The scale of the input is 1.", ask(ONE, scales=[2.0]), ()),
    (
        "two-layers",
        "A layer is multiplied by the scale before it and divided by its own.",
        ask(ONE, TWO, scales=[3.0, 7.0]),
        (),
    ),
    (
        "product-before-quotient",
        "(w * before) / scale is not w * (before / scale).",
        ask(part([[0.1, 0.7, 1 / 3]]), part([[0.1], [0.3], [0.7]]), scales=[3.0, 0.7]),
        (),
    ),
    (
        "bias-by-its-own-scale",
        "A bias is divided by its layer's scale alone, not by T.",
        ask(part([[1.0]], [0.7]), part([[1.0]], [0.7]), scales=[3.0, 0.3]),
        (),
    ),
    ("without-bias", "A layer without bias has none afterwards.", ask(part([[1.0]]), TWO, scales=[0.1, 0.2]), ()),
    ("scales-of-one", "Scales of 1 change no bit.", ask(ONE, TWO, scales=[1, 1]), ("normalize.scales",)),
    ("signed-zeros", "-0.0 keeps its sign, in weights and bias.", ask(part([[-0.0, 0.0]], [-0.0]), scales=[3.0]), ()),
    (
        "subnormal",
        "Subnormals are kept and rounded once per operation.",
        ask(part([[TINY, 3e-310]], [1e-309]), scales=[0.3]),
        (),
    ),
    (
        "underflow",
        "What underflows is a signed zero, no fault.",
        ask(part([[TINY, -TINY]]), scales=[4.0]),
        ("normalize.non-finite",),
    ),
    (
        "largest",
        "The largest number is finite.",
        ask(part([[MAX]], [-MAX]), scales=[1.0]),
        ("normalize.non-finite", "network.weight-finite", "network.bias-finite"),
    ),
    ("scale-tiny", "The smallest scale is above 0.", ask(part([[0.0]], [0.0]), scales=[TINY]), ("normalize.scales",)),
    ("scale-largest", "A finite scale.", ask(part([[1.0]], [1.0]), scales=[MAX]), ("normalize.scales",)),
    (
        "not-chained",
        "Layers need not chain.",
        ask(part([[1.0, 2.0]]), part([[1.0, 2.0, 3.0]]), scales=[2.0, 3.0]),
        ("network.chain-free",),
    ),
    (
        "empty-matrix",
        "[] stays [].",
        ask(part([]), part([[], []], [1.0, 2.0]), scales=[2.0, 3.0]),
        ("network.weight-rank",),
    ),
    ("empty-bias", "No outputs, no biases.", ask(part([], []), scales=[2.0]), ("network.bias-shape",)),
    (
        "five-layers",
        "Each scale is used twice.",
        ask(*[part([[0.1 * k]], [0.01 * k]) for k in range(1, 6)], scales=[1.1, 0.9, 1.3, 0.7, 1.7]),
        (),
    ),
    (
        "1024-layers",
        "As many layers as a network has.",
        ask(*[part([[1.0]])] * 1024, scales=[1.5] * 1024),
        ("network.layers",),
    ),
    (
        "integers",
        "Integers are Numbers.",
        ask(part([[3, 1]], [2]), scales=[7]),
        ("network.weight-type", "network.bias-type"),
    ),
    (
        "scale-edges",
        "The smallest and the largest scale beside each other.",
        ask(part([[0.0, TINY]], [-0.0]), part([[0.0]], [1.0]), scales=[TINY, MAX]),
        ("normalize.scales",),
    ),
    (
        "largest-in-second-layer",
        "What comes out as the largest number is finite.",
        ask(ONE, part([[MAX / 2]], [MAX]), scales=[2.0, 1.0]),
        ("normalize.non-finite",),
    ),
    (
        "three-layers",
        "The third layer is multiplied by the scale of the second, not of the first.",
        ask(ONE, TWO, TWO, scales=[2.0, 5.0, 7.0]),
        (),
    ),
    (
        "empty-bias-behind",
        "An empty bias is still one.",
        ask(TWO, part([], []), scales=[2.0, 3.0]),
        ("network.bias-shape",),
    ),
    (
        "wide",
        "Every element for itself.",
        ask(part([[k / 7 for k in range(20)], [-k / 11 for k in range(20)]], [0.3, 0.6]), scales=[1.9]),
        (),
    ),
]
for name, why, data, near in VALUES:
    normalize.accept(f"normalize-{name}", why, data, near=[code for code in near if not code.endswith("-free")])

FAULTS: list[tuple[str, str, str, str, dict[str, Any], Patch]] = [
    (
        "layer-null",
        "network.object",
        "/layers/1",
        "A layer is an object.",
        ask(ONE, None, scales=[1, 1]),
        put("/layers/1", TWO),
    ),
    (
        "layer-matrix",
        "network.object",
        "/layers/0",
        "A matrix alone is no layer.",
        ask([[1.0]], scales=[1]),
        put("/layers/0", TWO),
    ),
    (
        "key-neuron",
        "network.unknown-key",
        "/layers/0/neuron",
        "Neurons are no part of it.",
        ask({**ONE, "neuron": {"model": "if", "threshold": 1}}, scales=[1]),
        drop("/layers/0/neuron"),
    ),
    (
        "key-misspelt",
        "network.unknown-key",
        "/layers/0/biases",
        "A misspelt bias is not silently lost.",
        ask({"weights": [[1.0]], "biases": [1.0]}, scales=[1]),
        drop("/layers/0/biases"),
    ),
    (
        "weights-absent",
        "network.missing-key",
        "/layers/1/weights",
        "Weights are there.",
        ask(ONE, {"bias": [1.0]}, scales=[1, 1]),
        add("/layers/1/weights", [[1.0]]),
    ),
    (
        "layers-empty",
        "network.layers",
        "/layers",
        "At least one layer.",
        ask(scales=[]),
        [*put("/layers", [ONE]), *put("/scales", [1])],
    ),
    (
        "layers-1025",
        "network.layers",
        "/layers",
        "At most 1,024 layers.",
        ask(*[part([[1.0]])] * 1025, scales=[1.5] * 1025),
        [*drop("/layers/0"), *drop("/scales/0")],
    ),
    (
        "layers-object",
        "network.layers",
        "/layers",
        "Layers are an array.",
        {"layers": {}, "scales": []},
        [*put("/layers", [ONE]), *put("/scales", [1])],
    ),
    (
        "weight-null",
        "network.weight-type",
        "/layers/0/weights/0/1",
        "null is no Number.",
        ask(part([[1.0, None]]), scales=[1]),
        put("/layers/0/weights/0/1", 0),
    ),
    (
        "weight-string",
        "network.weight-type",
        "/layers/0/weights/0/0",
        "A numeric string is no Number.",
        ask(part([["1"]]), scales=[1]),
        put("/layers/0/weights/0/0", 1),
    ),
    (
        "weight-vector",
        "network.weight-rank",
        "/layers/0/weights",
        "A vector is no matrix.",
        ask(part([1.0]), scales=[1]),
        put("/layers/0/weights", [[1.0]]),
    ),
    (
        "weight-ragged",
        "network.weight-rank",
        "/layers/1/weights",
        "Rows are equally long.",
        ask(ONE, part([[1.0], [1.0, 2.0]]), scales=[1, 1]),
        put("/layers/1/weights/0", [1.0, 3.0]),
    ),
    (
        "weight-nan",
        "network.weight-finite",
        "/layers/0/weights/0/1",
        "NaN is not finite.",
        ask(part([[1.0, "NaN"]]), scales=[1]),
        put("/layers/0/weights/0/1", 0),
    ),
    (
        "weight-infinity",
        "network.weight-finite",
        "/layers/0/weights/0/0",
        "An infinity divided is one still.",
        ask(part([["Infinity"]]), scales=[2]),
        put("/layers/0/weights/0/0", 0),
    ),
    (
        "bias-object",
        "network.bias-type",
        "/layers/0/bias",
        "A bias is a list.",
        ask(part([[1.0]], {}), scales=[1]),
        put("/layers/0/bias", [1]),
    ),
    (
        "bias-bool",
        "network.bias-type",
        "/layers/0/bias/0",
        "true is no Number.",
        ask(part([[1.0]], [True]), scales=[1]),
        put("/layers/0/bias/0", 1),
    ),
    (
        "bias-short",
        "network.bias-shape",
        "/layers/0/bias",
        "One bias per output.",
        ask(part([[1.0], [2.0]], [1.0]), scales=[1]),
        put("/layers/0/bias", [1.0, 2.0]),
    ),
    (
        "bias-long",
        "network.bias-shape",
        "/layers/0/bias",
        "One bias per output.",
        ask(part([[1.0, 2.0]], [1.0, 2.0]), scales=[1]),
        put("/layers/0/bias", [1.0]),
    ),
    (
        "bias-infinite",
        "network.bias-finite",
        "/layers/0/bias/0",
        "A bias is finite.",
        ask(part([[1.0]], ["-Infinity"]), scales=[1]),
        put("/layers/0/bias/0", 1),
    ),
    (
        "bias-nan",
        "network.bias-finite",
        "/layers/1/bias/0",
        "A bias is finite.",
        ask(ONE, part([[1.0]], ["NaN"]), scales=[1, 1]),
        put("/layers/1/bias/0", 1),
    ),
    (
        "scales-short",
        "normalize.scales",
        "/scales",
        "One scale per layer.",
        ask(ONE, TWO, scales=[1.0]),
        put("/scales", [1.0, 1.0]),
    ),
    (
        "scales-with-the-input",
        "normalize.scales",
        "/scales",
        "The scale of the input is 1 and not in the list.",
        ask(ONE, scales=[1.0, 2.0]),
        put("/scales", [2.0]),
    ),
    (
        "scales-number",
        "normalize.scales",
        "/scales",
        "A list, even of one.",
        ask(ONE, scales=2.0),
        put("/scales", [2.0]),
    ),
    (
        "scale-zero",
        "normalize.scales",
        "/scales/1",
        "A layer that was never active has the scale 1, not 0.",
        ask(ONE, TWO, scales=[1.0, 0.0]),
        put("/scales/1", 1.0),
    ),
    (
        "scale-negative",
        "normalize.scales",
        "/scales/0",
        "Scales are above 0.",
        ask(ONE, scales=[-1.0]),
        put("/scales/0", 1.0),
    ),
    (
        "scale-nan",
        "normalize.scales",
        "/scales/0",
        "NaN is not above 0.",
        ask(ONE, scales=["NaN"]),
        put("/scales/0", 1.0),
    ),
    (
        "scale-infinite",
        "normalize.scales",
        "/scales/0",
        "Scales are finite.",
        ask(ONE, scales=["Infinity"]),
        put("/scales/0", 1.0),
    ),
    (
        "scale-string",
        "normalize.scales",
        "/scales/0",
        "A numeric string is no Number.",
        ask(ONE, scales=["1"]),
        put("/scales/0", 1),
    ),
    (
        "weights-absent-first",
        "network.missing-key",
        "/layers/0/weights",
        "An empty object is no layer.",
        ask({}, scales=[1]),
        put("/layers/0", TWO),
    ),
    (
        "scales-empty",
        "normalize.scales",
        "/scales",
        "No scales for one layer.",
        ask(ONE, scales=[]),
        put("/scales", [1]),
    ),
    (
        "scales-string",
        "normalize.scales",
        "/scales",
        "A Number alone is no list of scales.",
        ask(ONE, TWO, scales="Infinity"),
        put("/scales", [1, 1]),
    ),
    (
        "scales-one-for-all",
        "normalize.scales",
        "/scales",
        "One scale does not serve two layers.",
        ask(ONE, TWO, scales=2),
        put("/scales", [2, 2]),
    ),
    (
        "scale-minus-zero",
        "normalize.scales",
        "/scales/0",
        "-0.0 is not above 0.",
        ask(ONE, scales=[-0.0]),
        put("/scales/0", 1.0),
    ),
    (
        "scale-minus-tiny",
        "normalize.scales",
        "/scales/1",
        "Just below 0.",
        ask(TWO, TWO, scales=[1.0, -TINY]),
        put("/scales/1", 1.0),
    ),
    (
        "scale-nan-second",
        "normalize.scales",
        "/scales/1",
        "Of the scales the second.",
        ask(TWO, TWO, scales=[1.0, "NaN"]),
        put("/scales/1", 1.0),
    ),
    (
        "scale-infinite-second",
        "normalize.scales",
        "/scales/1",
        "A layer of infinite scale would be silent.",
        ask(TWO, TWO, scales=[1.0, "Infinity"]),
        put("/scales/1", MAX),
    ),
    (
        "scale-true",
        "normalize.scales",
        "/scales/0",
        "true is no Number.",
        ask(ONE, scales=[True]),
        put("/scales/0", 1),
    ),
    (
        "scale-true-second",
        "normalize.scales",
        "/scales/1",
        "true is no Number.",
        ask(ONE, TWO, scales=[2.0, True]),
        put("/scales/1", 1),
    ),
    (
        "overflow-weight",
        "normalize.non-finite",
        "/layers/0/weights/0/1",
        "A quotient overflows.",
        ask(part([[1.0, 1e308]]), scales=[0.1]),
        put("/scales/0", 1.0),
    ),
    (
        "overflow-product",
        "normalize.non-finite",
        "/layers/1/weights/0/0",
        "The product overflows before the quotient would bring it back.",
        ask(part([[1.0]]), part([[1e308]]), scales=[10.0, 10.0]),
        put("/scales/0", 1.0),
    ),
    (
        "overflow-bias",
        "normalize.non-finite",
        "/layers/0/bias/0",
        "The bias overflows.",
        ask(part([[1.0]], [1e308]), scales=[0.5]),
        put("/scales/0", 1.0),
    ),
]
for name, code, path, why, data, repair in FAULTS:
    normalize.reject(f"normalize-{name}", code, path, why, data, repair)

normalize.precedence(
    "normalize-rules-before-layers",
    "Each rule goes over all layers before the next one; scales come after the layers, results last.",
    ask(part([[1.0]], [None]), part([[None]]), scales=[0.0, 1.0]),
    [
        ("network.weight-type", "/layers/1/weights/0/0", put("/layers/1/weights/0/0", 1e308)),
        ("network.bias-type", "/layers/0/bias/0", put("/layers/0/bias/0", 1.0)),
        ("normalize.scales", "/scales/0", put("/scales/0", 10.0)),
        ("normalize.non-finite", "/layers/1/weights/0/0", put("/layers/1/weights/0/0", 1.0)),
    ],
)
normalize.precedence(
    "normalize-weights-before-bias-layer-by-layer",
    "A layer's bias overflows before the next layer's weights do.",
    ask(part([[1.0]], [1e308]), part([[1e308]]), scales=[0.5, 1e-10]),
    [
        ("normalize.non-finite", "/layers/0/bias/0", put("/layers/0/bias/0", 1.0)),
        ("normalize.non-finite", "/layers/1/weights/0/0", put("/layers/1/weights/0/0", 1.0)),
    ],
)
normalize.precedence(
    "normalize-layers-before-scales",
    "A layer's faults come before those of the scales, be there too few.",
    ask(part([["1"]]), TWO, scales=[]),
    [
        ("network.weight-type", "/layers/0/weights/0/0", put("/layers/0/weights/0/0", 1.0)),
        ("normalize.scales", "/scales", put("/scales", [1.0, 1.0])),
    ],
)
normalize.precedence(
    "normalize-bias-before-weights-behind",
    "Of three layers the first bias overflows before the last weights do.",
    ask(TWO, part([[0.0]], [MAX]), part([[1.0], [MAX]]), scales=[1.0, 0.5, 0.25]),
    [
        ("normalize.non-finite", "/layers/1/bias/0", put("/layers/1/bias/0", 1.0)),
        ("normalize.non-finite", "/layers/2/weights/1/0", put("/layers/2/weights/1/0", 1.0)),
    ],
)
