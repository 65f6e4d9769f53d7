"""Cases that faults of the conversion's arithmetic and of binary32 showed to be missing."""

from __future__ import annotations

from activation import ask as quantize
from balancing import MAX, part
from balancing import ask as balance
from binary32 import ALL, ask, one, silent
from cases import Cases, drop, put
from documents import constant, layer, network, poisson

qcfs = Cases("activation.qcfs")
normalize = Cases("convert.normalize")
simulate = Cases("simulate")
TABLES = [qcfs, normalize, simulate]

# --- activation.qcfs

qcfs.reject(
    "qcfs-steps-zero-of-nothing",
    "qcfs.steps",
    "/T",
    "At least one step, also where there is nothing to quantize.",
    quantize([], 1.0, 0),
    put("/T", 1),
)
qcfs.reject(
    "qcfs-steps-largest-integer",
    "qcfs.steps",
    "/T",
    "The largest Integer is no number of steps.",
    quantize([0.5], 1.0, 2**53 - 1),
    put("/T", 2**20),
)
qcfs.accept(
    "qcfs-steps-most-of-thirds",
    "The finest quantization there is.",
    quantize([1 / 3, 2 / 3, 1e-7, 5e-7], 1.0, 1048576),
    near="qcfs.steps",
)
qcfs.accept(
    "qcfs-half-way-of-tenths",
    "x * T is rounded first, then the quotient: each other order puts one of these on another level.",
    quantize([0.029999999999999995, 0.09, 0.15], 0.3, 5),
)
qcfs.accept(
    "qcfs-half-way-of-sixths",
    "As with fifths: below half-way, the product decides.",
    quantize([0.12499999999999999, 0.175, 0.27499999999999997], 0.3, 6),
)
qcfs.precedence(
    "qcfs-infinite-before-null",
    "Entry by entry: an infinity at 1 comes before null at 2.",
    quantize([1.0, "Infinity", None]),
    [("qcfs.input", "/x/1", put("/x/1", 1.0)), ("qcfs.input", "/x/2", put("/x/2", 1.0))],
)
qcfs.precedence(
    "qcfs-input-before-theta",
    "x is checked before theta.",
    quantize(["NaN"], -1.0),
    [("qcfs.input", "/x/0", put("/x/0", 1.0)), ("qcfs.theta", "/theta", put("/theta", 1.0))],
)
for name, theta, steps in (("zero", 0, 0), ("infinite", "Infinity", 1.5)):
    qcfs.precedence(
        f"qcfs-theta-{name}-before-steps",
        "theta is checked before T.",
        quantize([0.5], theta, steps),
        [("qcfs.theta", "/theta", put("/theta", 1.0)), ("qcfs.steps", "/T", put("/T", 1))],
    )

# --- convert.normalize

normalize.reject(
    "normalize-scales-three-for-two",
    "normalize.scales",
    "/scales",
    "A scale per layer; none for the input.",
    balance(part([[1.0]]), part([[2.0]]), scales=[2.0, 4.0, 8.0]),
    put("/scales", [2.0, 4.0]),
)
normalize.reject(
    "normalize-key-neuron-null",
    "network.unknown-key",
    "/layers/1/neuron",
    "Layers are scaled before they have neurons, be they null.",
    balance(part([[1.0]]), part([[2.0]]) | {"neuron": None}, scales=[2.0, 4.0]),
    drop("/layers/1/neuron"),
)
for index in (0, 1):
    parts = [part([[1.0, 0.5]], [2.0]), part([[1.0]], [2.0])]
    parts[index] = part([[1.0, MAX]], [MAX])
    where = f"/layers/{index}"
    normalize.precedence(
        f"normalize-weights-before-bias-{index}",
        "Both become infinite; a layer's weights are looked at before its bias.",
        balance(*parts, scales=[0.5, 0.25]),
        [
            ("normalize.non-finite", f"{where}/weights/0/1", put(f"{where}/weights/0/1", 1.0)),
            ("normalize.non-finite", f"{where}/bias/0", put(f"{where}/bias/0", 1.0)),
        ],
    )

# --- sequential-f32

simulate.reject(
    "f32-bias-infinite-second",
    "network.bias-finite",
    "/network/layers/0/bias/1",
    "The second of two biases becomes infinite by its rounding.",
    ask(one([[0.0], [0.0]], bias=[1.0, -1e39]), 1, constant([1.0])),
    put("/network/layers/0/bias/1", -1e38),
    tags="f32",
)
simulate.reject(
    "f32-initial-potential-infinite-below",
    "network.initial-potential",
    "/network/layers/1/neuron/initial_potential",
    "An initial potential becomes -infinity by its rounding.",
    ask(network(layer([[1.0]]), layer([[1.0]], silent(initial_potential=-1e300))), 1, constant([1.0])),
    put("/network/layers/1/neuron/initial_potential", -1e38),
    tags="f32",
)
JUST_ENOUGH = [0.8166550080059096, 0.11682556907180697, 0.6560504647204652, 1.0, 0.41898680140729994]
for name, rates in (("five", JUST_ENOUGH), ("one", JUST_ENOUGH[:1])):
    simulate.accept(
        f"f32-rates-just-enough-{name}",
        "Rates are not rounded: each is half a random number's step above it, and would be below it in binary32.",
        ask(one([[1.0] * len(rates)], silent()), 1, poisson(rates, 3), *ALL),
        tags="f32",
    )
simulate.precedence(
    "f32-weight-before-bias-type",
    "A weight that rounds to infinity breaks its rule in its turn, before the type of a bias.",
    ask(one([[1e39]], bias=[None]), 1, constant([1.0])),
    [
        ("network.weight-finite", "/network/layers/0/weights/0/0", put("/network/layers/0/weights/0/0", 1.0)),
        ("network.bias-type", "/network/layers/0/bias/0", put("/network/layers/0/bias/0", 1.0)),
    ],
    tags="f32",
)
simulate.precedence(
    "f32-threshold-before-reset",
    "So does a threshold that rounds to 0, before the reset.",
    ask(one([[1.0]], silent(reset="hard") | {"threshold": 1e-46}), 1, constant([1.0])),
    [
        ("network.threshold", "/network/layers/0/neuron/threshold", put("/network/layers/0/neuron/threshold", 1.0)),
        ("network.reset", "/network/layers/0/neuron/reset", put("/network/layers/0/neuron/reset", "zero")),
    ],
    tags="f32",
)
