"""Cases of `simulate` in the profile sequential-f32: each operation rounded to binary32, in the same order."""

from __future__ import annotations

from typing import Any

from cases import Cases, Patch, drop, put
from documents import constant, layer, lif, network, neuron, poisson, simulation, spikes

simulate = Cases("simulate")
TABLES = [simulate]

MAX = 3.4028234663852886e38
BEYOND = 3.4028235677973366e38  # half-way to 2^128: ties to even, to infinity
BELOW = 3.4028235677973362e38
TINY = 1.401298464324817e-45
HALF_TINY = 7.006492321624085e-46  # ties to even, to 0
ABOVE_HALF_TINY = 7.00649232162409e-46


def ask(net: Any, steps: Any, stimulus: Any, *record: str) -> dict[str, Any]:
    """An input of `simulate` in this profile."""
    return simulation(net, steps, stimulus, *record, profile="sequential-f32")


def one(weights: Any, cell: Any = None, **changes: Any) -> dict[str, Any]:
    """A network of one layer."""
    return network(layer(weights, cell, **changes))


def silent(**changes: Any) -> dict[str, Any]:
    """A neuron that does not fire in these cases."""
    return neuron(threshold=MAX, **changes)


ALL = ("counts", "spikes", "potential", "trace")
W = [[0.1, 0.7, -0.3], [1 / 3, 0.2, 0.9]]

VALUES: list[tuple[str, str, dict[str, Any], tuple[str, ...]]] = [
    (
        "tenths",
        "Ten times 0.1 is above 1 in binary32 and below it in binary64: the neuron fires at step 9.",
        ask(one([[0.1]]), 12, constant([1.0]), *ALL),
        (),
    ),
    (
        "weights-rounded-once",
        "A weight is rounded before it is multiplied.",
        ask(one([[1 / 3]], silent()), 1, constant([3.0]), "potential"),
        (),
    ),
    ("values-rounded-once", "So is a value.", ask(one([[3.0]], silent()), 1, constant([1 / 3]), "potential"), ()),
    (
        "product-rounded",
        "The product is rounded before the sum: 1 + 2^-23 + 2^-24 differs from a fused one.",
        ask(one([[1.0000001192092896, -1.0]], silent()), 1, constant([1.0000001192092896, 1.0]), "potential"),
        (),
    ),
    (
        "order-ascending",
        "1 + 2^-24 + 2^-24 stays 1; from the other end it does not.",
        ask(
            one([[1.0, 5.960464477539063e-08, 5.960464477539063e-08]], silent()),
            1,
            constant([1.0, 1.0, 1.0]),
            "potential",
        ),
        (),
    ),
    (
        "order-descending",
        "2^-24 + 2^-24 + 1 does not.",
        ask(
            one([[5.960464477539063e-08, 5.960464477539063e-08, 1.0]], silent()),
            1,
            constant([1.0, 1.0, 1.0]),
            "potential",
        ),
        (),
    ),
    (
        "cancellation",
        "What 16,777,217 has lost does not come back.",
        ask(one([[16777217.0, -16777216.0]], silent()), 1, constant([1.0, 1.0]), "potential"),
        (),
    ),
    (
        "bias-last",
        "The bias is added to the rounded sum.",
        ask(one([[16777216.0, 1.0]], silent(), bias=[-16777216.0]), 1, constant([1.0, 1.0]), "potential"),
        (),
    ),
    (
        "bias-rounded-once",
        "A bias is rounded as weights are.",
        ask(one([[0.0]], silent(), bias=[0.1]), 3, constant([1.0]), "potential"),
        (),
    ),
    (
        "threshold-rounded",
        "The threshold 0.1 is that of binary32, above 0.1: a current of 0.1 reaches it.",
        ask(one([[0.1]], neuron(threshold=0.1)), 3, constant([1.0]), *ALL),
        ("network.threshold",),
    ),
    (
        "threshold-tie",
        "A threshold that rounds to the potential is reached.",
        ask(one([[1.0]], neuron(threshold=1.00000001)), 2, constant([1.0]), *ALL),
        (),
    ),
    (
        "threshold-just-above",
        "The next threshold of binary32 is not.",
        ask(one([[1.0]], neuron(threshold=1.0000001)), 2, constant([1.0]), *ALL),
        (),
    ),
    (
        "decay-rounded",
        "A decay of 0.9 is that of binary32.",
        ask(one([[0.3]], lif(0.9)), 20, constant([1.0]), *ALL),
        ("network.decay",),
    ),
    (
        "decay-product-rounded",
        "(decay * v) is rounded before the current is added.",
        ask(one([[0.7]], lif(1 / 3, threshold=MAX)), 6, constant([1.0]), "trace"),
        (),
    ),
    (
        "decay-of-one",
        "A decay that rounds to 1 stays within 0 and 1.",
        ask(one([[0.1]], lif(1 - 2.0**-53)), 12, constant([1.0]), "counts", "potential"),
        ("network.decay",),
    ),
    ("reset-zero", "Reset to zero.", ask(one([[0.3]], neuron(reset="zero")), 9, constant([1.0]), *ALL), ()),
    (
        "reset-subtract-rounded",
        "The difference is rounded.",
        ask(one([[1.3]], neuron(threshold=0.7)), 5, constant([1.0]), *ALL),
        (),
    ),
    (
        "initial-potential-rounded",
        "The initial potential is rounded.",
        ask(one([[0.0]], neuron(initial_potential=0.1)), 1, constant([1.0]), "potential"),
        ("network.initial-potential",),
    ),
    (
        "membrane-readout",
        "A membrane has 8 digits.",
        ask(network(layer(W), layer([[0.3, -0.7]]), readout="membrane"), 7, constant([0.5, 0.25, 0.75]), *ALL),
        ("network.readout",),
    ),
    (
        "two-layers",
        "Spikes of a layer weigh 1 in the next one, at the same step.",
        ask(network(layer(W), layer([[0.3, 0.7], [0.9, -0.1]])), 12, constant([0.5, 0.25, 0.75]), *ALL),
        (),
    ),
    (
        "batch",
        "Each row of a batch gives what it gives alone.",
        ask(network(layer(W)), 8, constant([[0.1, 0.2, 0.3], [0.7, 0.1, 0.9], [0.0, 0.0, 0.0]]), *ALL),
        (),
    ),
    (
        "spikes-input",
        "Spikes add whole weights.",
        ask(network(layer(W)), 6, spikes([[0], [0, 1, 2], [], [2], [0, 2], [1]]), *ALL),
        (),
    ),
    (
        "poisson",
        "Spike trains are those of the other profile.",
        ask(network(layer(W)), 24, poisson([0.9, 0.5, 0.2], 7), *ALL),
        (),
    ),
    (
        "poisson-rate-binary64",
        "Rates stay binary64: 1 - 2^-53 is not 1.",
        ask(one([[1.0, 1.0]], silent()), 32, poisson([1 - 2.0**-53, 1e-300], 3), "potential"),
        ("input.range",),
    ),
    (
        "poisson-batch",
        "Samples are numbered.",
        ask(network(layer(W)), 8, poisson([[0.9, 0.5, 0.2], [0.1, 0.5, 1.0]], 7, sample=3), "counts", "potential"),
        (),
    ),
    (
        "largest-weight",
        "The largest binary32 is finite.",
        ask(one([[MAX]], silent()), 1, constant([0.5]), "potential"),
        ("network.weight-finite",),
    ),
    (
        "weight-below-half-way",
        "What lies below half-way to 2^128 rounds down to the largest.",
        ask(one([[BELOW]], silent()), 1, constant([0.5]), "potential"),
        ("network.weight-finite",),
    ),
    (
        "bias-below-half-way",
        "So does a bias.",
        ask(one([[0.0]], silent(), bias=[-BELOW]), 1, constant([1.0]), "potential"),
        ("network.bias-finite",),
    ),
    (
        "value-below-half-way",
        "So does a value.",
        ask(one([[0.5]], silent()), 1, constant([BELOW]), "potential"),
        ("input.range",),
    ),
    (
        "threshold-below-half-way",
        "So does a threshold.",
        ask(one([[1.0]], neuron(threshold=BELOW)), 1, constant([1.0]), "counts"),
        ("network.threshold",),
    ),
    (
        "threshold-above-half-of-the-smallest",
        "A threshold above half of the smallest number rounds up to it.",
        ask(one([[TINY]], neuron(threshold=ABOVE_HALF_TINY)), 2, constant([1.0]), *ALL),
        ("network.threshold",),
    ),
    (
        "weight-underflows",
        "A weight that underflows is a zero, no fault.",
        ask(one([[1e-300, -1e-300]], silent(initial_potential=-0.0)), 1, constant([1.0, 1.0]), "potential"),
        (),
    ),
    (
        "value-underflows",
        "A value that underflows is not there.",
        ask(one([[MAX]], silent()), 2, constant([1e-46]), "potential"),
        ("simulate.non-finite",),
    ),
    (
        "subnormals",
        "Subnormals of binary32 are kept.",
        ask(one([[1e-40, 3e-42]], silent()), 3, constant([1.0, 0.5]), "trace"),
        (),
    ),
    (
        "subnormal-product",
        "A product is rounded to a subnormal once.",
        ask(one([[1.17549435e-38]], silent()), 1, constant([0.3]), "potential"),
        (),
    ),
    (
        "minus-zero-cleared",
        "A potential of -0.0 is +0.0 after a step without input.",
        ask(one([[1.0]], silent(initial_potential=-0.0)), 1, constant([0.0]), "potential"),
        (),
    ),
    (
        "largest-sum",
        "A sum that rounds to the largest number is finite.",
        ask(one([[MAX, 1e31]], silent()), 1, constant([1.0, 1.0]), "potential"),
        ("simulate.non-finite",),
    ),
    (
        "threshold-of-its-own-weight",
        "A threshold of 0.7 is below 0.7 in binary32, as is the potential that reaches it.",
        ask(one([[0.7], [-0.7]], neuron(threshold=0.7)), 4, constant([1.0]), *ALL),
        ("network.threshold",),
    ),
    (
        "threshold-subnormal",
        "A threshold that is subnormal in binary32 alone.",
        ask(one([[1e-40]], neuron(threshold=3e-40)), 7, constant([1.0]), *ALL),
        ("network.threshold",),
    ),
    (
        "initial-potential-below-half-way",
        "An initial potential below half-way to 2^128 is the largest number.",
        ask(one([[0.0]], silent(initial_potential=-BELOW)), 1, constant([1.0]), "potential"),
        ("network.initial-potential",),
    ),
    (
        "decay-below-one",
        "A decay just below 1 is 1 in binary32: nothing leaks.",
        ask(one([[0.3]], lif(1 - 2.0**-26, threshold=MAX)), 9, constant([1.0]), "potential"),
        ("network.decay",),
    ),
    (
        "decay-of-many",
        "Decay and potential are rounded, then their product.",
        ask(one([[k / 7] for k in range(1, 15)], lif(0.95, threshold=MAX)), 11, constant([0.3]), "potential"),
        ("network.decay",),
    ),
    (
        "bias-behind-the-sum",
        "The bias is the last term: taken first, it makes room for what 1 swallows.",
        ask(one([[1.0, 2.0**-24, 0.7]] * 2, silent(), bias=[-1.0, 3.3]), 1, constant([1.0, 1.0, 0.0]), "potential"),
        (),
    ),
    (
        "bias-just-above-half",
        "A bias that would carry the sum over a tie loses what is above it by its rounding.",
        ask(one([[1.0]], silent(), bias=[2.0**-24 + 2.0**-50]), 1, constant([1.0]), "potential"),
        (),
    ),
    (
        "bias-just-below-half",
        "So does a negative one.",
        ask(one([[1.0]], silent(), bias=[-(2.0**-25) - 2.0**-51]), 1, constant([1.0]), "potential"),
        (),
    ),
    (
        "ties-to-even",
        "Weights and values half-way between two numbers of binary32 go to the even one.",
        ask(one([[1 + 2.0**-24], [1 + 3 * 2.0**-24]], silent()), 1, constant([1 + 5 * 2.0**-24]), "potential"),
        (),
    ),
    (
        "wide-33",
        "Lanes of 4, 8 and 16, and what is left over.",
        ask(
            one([[((i * 37 + j * 11) % 23 - 9) / 17 for j in range(21)] for i in range(33)]),
            9,
            constant([(j % 7) / 7 for j in range(21)]),
            "counts",
            "potential",
        ),
        (),
    ),
    (
        "wide-poisson",
        "The same from events.",
        ask(
            one([[((i * 29 + j * 13) % 31 - 11) / 19 for j in range(40)] for i in range(17)]),
            16,
            poisson([(j % 9) / 9 for j in range(40)], 11),
            "counts",
            "potential",
        ),
        (),
    ),
    (
        "empty-layer",
        "A layer without neurons.",
        ask(network(layer([]), layer([[], []], bias=[0.1, 0.2])), 12, constant([1.0]), *ALL),
        ("network.weight-rank",),
    ),
    (
        "array-in-a-file",
        "Arrays out of a file are rounded as others.",
        ask(
            one({"file": "artefacts/arrays/sound.npz", "member": "w"}),
            2,
            constant({"file": "artefacts/arrays/sound.npz", "member": "v"}),
            "potential",
        ),
        ("network.weight-type",),
    ),
]
for name, why, data, near in VALUES:
    simulate.accept(f"f32-{name}", why, data, near=near, tags="f32")
simulate.accept(
    "f32-default-is-f64",
    "sequential-f64 by name is what there is without a name.",
    simulation(one([[0.1]]), 12, constant([1.0]), *ALL, profile="sequential-f64"),
    tags="f32",
)

FAULTS: list[tuple[str, str, str, str, dict[str, Any], Patch]] = [
    (
        "threshold-half-way",
        "network.threshold",
        "/network/layers/0/neuron/threshold",
        "Half-way to 2^128 rounds to infinity.",
        ask(one([[0.0]], neuron(threshold=BEYOND)), 1, constant([0.0])),
        put("/network/layers/0/neuron/threshold", BELOW),
    ),
    (
        "decay-just-above-one",
        "network.decay",
        "/network/layers/0/neuron/decay",
        "A decay is checked before it is rounded: to 1, here.",
        ask(one([[0.1]], lif(1.0000000000000002)), 1, constant([1.0])),
        put("/network/layers/0/neuron/decay", 1.0),
    ),
    (
        "decay-just-below-zero",
        "network.decay",
        "/network/layers/0/neuron/decay",
        "Nor is one within 0 and 1 that rounds to -0.0.",
        ask(one([[0.1]], lif(-1e-300)), 1, constant([1.0])),
        put("/network/layers/0/neuron/decay", -0.0),
    ),
    (
        "rate-just-above-one",
        "input.range",
        "/input/rates/1",
        "Rates stay binary64: this one is above 1.",
        ask(one([[0.1, 0.1]]), 1, poisson([1.0, 1.0000000000000002], 7)),
        put("/input/rates/1", 1.0),
    ),
    (
        "rate-just-below-zero",
        "input.range",
        "/input/rates/0",
        "This one is below 0.",
        ask(one([[0.1]]), 1, poisson([-1e-300], 7)),
        put("/input/rates/0", 1e-300),
    ),
    (
        "weight-half-way",
        "network.weight-finite",
        "/network/layers/0/weights/0/0",
        "Half-way to 2^128 rounds to infinity.",
        ask(one([[BEYOND]], silent()), 1, constant([0.5])),
        put("/network/layers/0/weights/0/0", BELOW),
    ),
    (
        "weight-of-binary64",
        "network.weight-finite",
        "/network/layers/0/weights/0/1",
        "1e39 is finite in the other profile.",
        ask(one([[0.0, -1e39]]), 1, constant([0.0, 0.0])),
        drop("/profile"),
    ),
    (
        "bias-of-binary64",
        "network.bias-finite",
        "/network/layers/0/bias/0",
        "A bias beyond binary32.",
        ask(one([[0.0]], silent(), bias=[-1e39]), 1, constant([0.0])),
        put("/network/layers/0/bias/0", -1e38),
    ),
    (
        "threshold-infinite",
        "network.threshold",
        "/network/layers/0/neuron/threshold",
        "A threshold beyond binary32 would never be reached.",
        ask(one([[0.0]], neuron(threshold=1e39)), 1, constant([0.0])),
        put("/network/layers/0/neuron/threshold", 1e38),
    ),
    (
        "threshold-zero",
        "network.threshold",
        "/network/layers/0/neuron/threshold",
        "Half of the smallest number rounds to 0.",
        ask(one([[0.0]], neuron(threshold=HALF_TINY)), 1, constant([0.0])),
        put("/network/layers/0/neuron/threshold", TINY),
    ),
    (
        "threshold-of-binary64",
        "network.threshold",
        "/network/layers/0/neuron/threshold",
        "1e-300 rounds to 0.",
        ask(one([[0.0]], neuron(threshold=1e-300)), 1, constant([0.0])),
        drop("/profile"),
    ),
    (
        "initial-potential-infinite",
        "network.initial-potential",
        "/network/layers/0/neuron/initial_potential",
        "A potential beyond binary32.",
        ask(one([[0.0]], neuron(initial_potential=-1e39)), 1, constant([0.0])),
        put("/network/layers/0/neuron/initial_potential", -1e38),
    ),
    (
        "value-infinite",
        "input.range",
        "/input/values/1",
        "A value beyond binary32, used or not.",
        ask(one([[0.0, 0.0]]), 1, constant([0.0, 1e39])),
        put("/input/values/1", 1e38),
    ),
    (
        "value-infinite-in-batch",
        "input.range",
        "/input/values/1/0",
        "In a batch the entry of its row.",
        ask(one([[0.0]]), 1, constant([[0.0], [-BEYOND]])),
        put("/input/values/1/0", -BELOW),
    ),
    (
        "product-infinite",
        "simulate.non-finite",
        "/network/layers/0",
        "A product beyond binary32, far from that of binary64.",
        ask(one([[1e30]], silent()), 1, constant([1e10])),
        drop("/profile"),
    ),
    (
        "sum-infinite",
        "simulate.non-finite",
        "/network/layers/0",
        "A sum beyond binary32.",
        ask(one([[MAX, MAX]], silent()), 1, constant([1.0, 1.0])),
        put("/network/layers/0/weights/0/1", -MAX),
    ),
    (
        "sum-infinite-on-the-way",
        "simulate.non-finite",
        "/network/layers/0",
        "It does not come back: MAX + MAX - MAX.",
        ask(one([[MAX, MAX, -MAX]], silent()), 1, constant([1.0, 1.0, 1.0])),
        put("/network/layers/0/weights/0/1", -MAX),
    ),
    (
        "bias-overflows",
        "simulate.non-finite",
        "/network/layers/0",
        "The bias takes the sum beyond binary32.",
        ask(one([[MAX]], silent(), bias=[MAX]), 1, constant([1.0])),
        put("/network/layers/0/bias/0", 0.0),
    ),
    (
        "membrane-infinite",
        "simulate.non-finite",
        "/network/layers/1",
        "A membrane that grows beyond binary32.",
        ask(network(layer([[1.0]]), layer([[2e38]], silent()), readout="membrane"), 3, constant([1.0])),
        put("/steps", 1),
    ),
]
for name, code, path, why, data, repair in FAULTS:
    simulate.reject(f"f32-{name}", code, path, why, data, repair, tags="f32")
simulate.reject(
    "f32-pair-of-binary64",
    "network.threshold",
    "/network/checkpoint",
    "What of a pair breaks a rule by its rounding breaks it where the pair is named.",
    ask({"checkpoint": "artefacts/network/stored-edges"}, 2, constant([1.0, 1.0, 1.0]), "counts"),
    drop("/profile"),
    tags="f32",
)
simulate.accept(
    "f32-pair",
    "A network out of a pair is rounded as others.",
    ask({"checkpoint": "artefacts/network/stored-everything"}, 9, constant([0.1, 0.2, 0.3]), *ALL),
    tags="f32",
)
simulate.precedence(
    "f32-pair-before-steps",
    "A pair is rounded where it is read, before the steps are looked at.",
    ask({"checkpoint": "artefacts/network/stored-edges"}, 0, constant([1.0, 1.0, 1.0])),
    [("network.threshold", "/network/checkpoint", drop("/profile")), ("simulate.steps", "/steps", put("/steps", 2))],
    tags="f32",
)
