"""Cases of simulate that are about bits: order of sums, fused products, subnormals, signed zeros, overflow."""

from __future__ import annotations

import random
import struct
from typing import Any

from cases import Cases, Fault, Patch, drop, put
from documents import constant, layer, lif, network, neuron, poisson, simulation, spikes

simulate = Cases("simulate")
TABLES = [simulate]

MAX = 1.7976931348623157e308
ULP_OF_MAX = 2.0**971
TINY = 5e-324
NON_FINITE = "simulate.non-finite"


def bits(value: float) -> str:
    """The 16 hex digits of an answer."""
    return struct.pack(">d", value).hex()


def current(
    name: str,
    why: str,
    weights: list[float],
    due: float,
    *,
    values: list[float] | None = None,
    bias: float | None = None,
    v0: float = 0.0,
    decay: float | None = None,
    steps: int = 1,
    tags: str = "",
) -> None:
    """Declare one neuron whose potential is read after some steps; `due` is worked out on paper."""
    cell = neuron() if decay is None else lif(decay)
    cell = cell | ({"initial_potential": v0} if v0 else {})
    extra = {} if bias is None else {"bias": [bias]}
    whole = network(layer([weights], cell, **extra), readout="membrane")
    data = simulation(whole, steps, constant(values or [1.0] * len(weights)))
    simulate.accept(f"simulate-{name}", why, data, tags=tags, facts={"readout": [bits(due)]})


def fires(name: str, why: str, data: dict[str, Any], tags: str = "", **facts: Any) -> None:
    """Declare a simulation whose spikes are worked out on paper."""
    simulate.accept(f"simulate-{name}", why, data, tags=tags, facts=facts)


# --- order of sums

BIG = 1e16
"""1e16 + 1 is a tie that rounds back to 1e16; 1e16 + 2 is exact."""

current(
    "sum-ascending",
    "1e16+1+1 from the left is 1e16; from the right it is 1e16+2.",
    [BIG, 1.0, 1.0],
    BIG,
    tags="order-of-sum ulp",
)
current(
    "sum-ascending-large-last",
    "1+1+1e16 from the left is 1e16+2; from the right it is 1e16.",
    [1.0, 1.0, BIG],
    BIG + 2,
    tags="order-of-sum ulp",
)
current(
    "sum-not-pairwise",
    "Pairwise, (1e16+1)+(1+1) is 1e16+2; one after the other it stays 1e16.",
    [BIG, 1.0, 1.0, 1.0],
    BIG,
    tags="order-of-sum ulp",
)
current(
    "sum-not-in-two-lanes",
    "Two lanes add 1e16+1+1 and 1+1+1 and get 1e16+4.",
    [BIG, 1.0, 1.0, 1.0, 1.0, 1.0],
    BIG,
    tags="order-of-sum ulp",
)
current(
    "sum-not-in-eight-lanes",
    "Eight lanes, as NumPy and AVX-512 have them, lose only three of the 31 ones.",
    [BIG] + [1.0] * 31,
    BIG,
    tags="order-of-sum ulp",
)
current(
    "sum-not-compensated",
    "1+1e100+1-1e100 is 0; Neumaier's sum and fsum give 2.",
    [1.0, 1e100, 1.0, -1e100],
    0.0,
    tags="order-of-sum cancellation",
)
current(
    "sum-ten-tenths",
    "Ten tenths from the left are 1-2^-53; an exact sum rounds to 1.",
    [0.1] * 10,
    0.9999999999999999,
    tags="order-of-sum ulp",
)
current(
    "sum-cancels-to-rest",
    "0.1+0.2-0.3 leaves 2^-54, not 0.",
    [0.1, 0.2, -0.3],
    0.1 + 0.2 - 0.3,
    tags="cancellation order-of-sum",
)
current(
    "sum-cancels-to-nothing",
    "0.3-0.2-0.1 leaves -2^-55, whose sign and size depend on the order.",
    [0.3, -0.2, -0.1],
    0.3 - 0.2 - 0.1,
    tags="cancellation order-of-sum",
)
current(
    "sum-large-cancels",
    "1e16+1-1e16 is 0: the 1 is gone before the large ones cancel.",
    [BIG, 1.0, -BIG],
    0.0,
    tags="cancellation order-of-sum",
)
current("sum-large-cancels-first", "1e16-1e16+1 is 1.", [BIG, -BIG, 1.0], 1.0, tags="cancellation order-of-sum")
current(
    "sum-beyond-float32",
    "2^24+1 is exact; single precision loses the 1.",
    [16777216.0, 1.0],
    16777217.0,
    tags="order-of-sum",
)
current(
    "sum-beyond-2-53",
    "2^53+1 is a tie that rounds to even; 80-bit registers keep the 1 and round once, after the second.",
    [9007199254740992.0, 1.0, 1.0],
    9007199254740992.0,
    tags="order-of-sum ulp",
)


def left_sum(values: list[float]) -> float:
    total = 0.0
    for value in values:
        total += value
    return total


def decimals(count: int, seed: int) -> list[float]:
    draw = random.Random(seed)
    return [draw.randint(-999, 999) / 1000 for _ in range(count)]


for count in (200, 300):
    due = left_sum([0.1] * count)
    current(
        f"sum-{count}-tenths",
        f"{count} tenths: NumPy's sum works pairwise in blocks of 128 and gets another last digit.",
        [0.1] * count,
        due,
        tags="order-of-sum ulp",
    )
for count, seed in ((11, 1), (24, 2), (50, 3), (129, 4), (257, 5)):
    row = decimals(count, seed)
    current(
        f"sum-{count}-decimals",
        f"{count} weights of both signs, added from the left; a BLAS adds them in another order.",
        row,
        left_sum(row),
        tags="order-of-sum ulp",
    )

fires(
    "sum-order-makes-a-spike",
    "The same three weights in two orders: only the second neuron reaches 1e16+2.",
    simulation(
        network(layer([[BIG, 1.0, 1.0], [1.0, 1.0, BIG]], neuron(threshold=BIG + 2))), 1, constant([1.0] * 3), "counts"
    ),
    "order-of-sum",
    counts=[[0, 1]],
)
fires(
    "sum-order-by-spikes",
    "Spike columns are added in ascending input order: all three at once lose the ones.",
    simulation(network(layer([[BIG, 1.0, 1.0]]), readout="membrane"), 1, spikes([[0, 1, 2]])),
    "order-of-sum",
    readout=[bits(BIG)],
)
fires(
    "sum-order-in-layer-1",
    "Spikes of layer 0 are added in ascending order too, whichever neuron fired first.",
    simulation(network(layer([[1.0], [1.0], [1.0]]), layer([[1.0, 1.0, BIG]]), readout="membrane"), 1, constant([1.0])),
    "order-of-sum",
    readout=[bits(BIG + 2)],
)

# --- bias and membrane: what is added to what

current(
    "bias-added-last",
    "1+1 and then the bias 1e16 is 1e16+2; a bias that starts the sum gives 1e16.",
    [1.0, 1.0],
    BIG + 2,
    bias=BIG,
    tags="order-of-sum bias",
)
current(
    "bias-added-last-small",
    "1+1e16 loses the 1, and so does the bias after it; a sum that starts with the bias is 1e16+2.",
    [1.0, BIG],
    BIG,
    bias=1.0,
    tags="order-of-sum bias",
)
current(
    "bias-added-to-current",
    "The current is 1+1; added to v = 1e16 it is not lost. v+1 and then +1 would be 1e16.",
    [1.0],
    BIG + 2,
    bias=1.0,
    v0=BIG,
    tags="order-of-sum bias",
)
current(
    "current-summed-before-membrane",
    "Weights added straight into the potential are lost one by one.",
    [1.0, 1.0],
    BIG + 2,
    v0=BIG,
    tags="order-of-sum",
)
current(
    "leak-then-current",
    "0.5*2e16 + (1+1): the products of the inputs are summed before they meet the potential.",
    [1.0, 1.0],
    BIG + 2,
    v0=2e16,
    decay=0.5,
    tags="order-of-sum decay",
)
current(
    "bias-cancels-current",
    "0.1+0.2 and then the bias -0.3.",
    [0.1, 0.2],
    0.1 + 0.2 - 0.3,
    bias=-0.3,
    tags="cancellation bias",
)
current(
    "bias-at-every-step",
    "Ten times a bias of 0.1, added step by step, is 1-2^-53.",
    [0.0],
    0.9999999999999999,
    bias=0.1,
    steps=10,
    tags="bias ulp",
)
current(
    "bias-not-times-steps",
    "Seven steps of 0.1 are 0.7; 7*0.1 computed once is 0.7000000000000001.",
    [0.0],
    left_sum([0.1] * 7),
    bias=0.1,
    steps=7,
    tags="bias ulp",
)

# --- products: rounded before they are added

CLOSE = 1.0 + 2.0**-27, 1.0 - 2.0**-27
"""Their product 1-2^-54 is a tie that rounds to 1; a fused multiply-add keeps the 2^-54."""

current(
    "product-rounded",
    "-1 + (1+2^-27)(1-2^-27): the product rounds to 1 and the sum is 0; fused it is -2^-54.",
    [-1.0, CLOSE[0]],
    0.0,
    values=[1.0, CLOSE[1]],
    tags="fma",
)
current(
    "product-rounded-bias",
    "The product rounds to 1 before the bias -1 is added; fused with the bias it leaves -2^-54.",
    [CLOSE[0]],
    0.0,
    values=[CLOSE[1]],
    bias=-1.0,
    tags="fma bias",
)
current(
    "leak-rounded",
    "alpha*v rounds to 1 before the current -1 is added; fused it leaves -2^-54.",
    [-1.0],
    0.0,
    v0=CLOSE[0],
    decay=CLOSE[1],
    tags="fma decay",
)
current(
    "product-tenth-squared",
    "0.1*0.1 - 0.01: the rounded product is one ulp above 0.01; fused, the product's own error shows.",
    [-0.01, 0.1],
    0.1 * 0.1 - 0.01,
    values=[1.0, 0.1],
    tags="fma cancellation",
)
fires(
    "product-fused-makes-a-spike",
    "1 - (1+2^-27)(1-2^-27) is 0 and stays silent; fused it is 2^-54 and reaches the threshold.",
    simulation(network(layer([[1.0, -CLOSE[0]]], neuron(threshold=2.0**-60))), 1, constant([1.0, CLOSE[1]]), "counts"),
    "fma",
    counts=[[0]],
)
fires(
    "leak-fused-loses-a-spike",
    "alpha*v rounds up to 1, and 1-2^-55 rounds to 1, the threshold; fused the potential is one ulp below.",
    simulation(
        network(layer([[-(2.0**-55)]], lif(CLOSE[1], initial_potential=CLOSE[0]))), 1, constant([1.0]), "counts"
    ),
    "fma decay",
    counts=[[1]],
)
ROW, POINT = decimals(12, 77), [abs(value) for value in decimals(12, 78)]
current(
    "products-twelve",
    "Twelve products and sums, each rounded; fused ones differ in the last digit.",
    ROW,
    left_sum([w * x for w, x in zip(ROW, POINT, strict=True)]),
    values=POINT,
    tags="fma order-of-sum",
)
ROW, POINT = decimals(40, 79), [abs(value) for value in decimals(40, 80)]
current(
    "products-forty",
    "Forty products and sums, each rounded.",
    ROW,
    left_sum([w * x for w, x in zip(ROW, POINT, strict=True)]),
    values=POINT,
    tags="fma order-of-sum",
)
fires(
    "leak-forty-steps",
    "Forty leaks and sums of non-dyadic numbers, each rounded twice.",
    simulation(
        network(layer([[0.07, -0.03]], lif(0.93, initial_potential=0.21)), readout="membrane"), 40, constant([0.9, 0.7])
    ),
    "fma decay",
)

# --- subnormals and zeros

fires(
    "subnormal-threshold",
    "5e-324 twice is 1e-323, the threshold; flush-to-zero never gets there.",
    simulation(network(layer([[TINY]], neuron(threshold=1e-323))), 2, constant([1.0]), "spikes"),
    "subnormal boundary",
    spikes=[[[], [0]]],
)
fires(
    "subnormal-difference",
    "Two normal numbers whose difference is the smallest subnormal: gradual underflow fires.",
    simulation(
        network(layer([[2.2250738585072014e-308, -2.225073858507201e-308]], neuron(threshold=TINY))),
        1,
        constant([1.0, 1.0]),
        "counts",
    ),
    "subnormal cancellation",
    counts=[[1]],
)
fires(
    "subnormal-remainder",
    "What the reset leaves is the smallest subnormal, which flush-to-zero loses.",
    simulation(
        network(layer([[0.0]], neuron(threshold=1e-323, initial_potential=1.5e-323))),
        2,
        constant([1.0]),
        "potential",
        "counts",
    ),
    "subnormal",
    counts=[[1]],
    potential=[["0000000000000001"]],
)
current(
    "subnormal-product",
    "1e-160*1e-160 is subnormal and rounded to a multiple of 2^-1074.",
    [1e-160],
    1e-160 * 1e-160,
    values=[1e-160],
    tags="subnormal",
)
current(
    "subnormal-product-underflows",
    "1e-200*1e-200 is read as 0 and must not trap.",
    [1e-200],
    0.0,
    values=[1e-200],
    tags="subnormal",
)
current(
    "subnormal-product-sums",
    "Four products, each half of the smallest subnormal, are ties that go to 0; the exact sum would be 1e-323.",
    [TINY] * 4,
    0.0,
    values=[0.5] * 4,
    tags="subnormal",
)
current(
    "subnormal-value",
    "A subnormal value times a large weight is a normal number.",
    [2.0**1000],
    2.0**-74,
    values=[TINY],
    tags="subnormal",
)
current("subnormal-bias", "A subnormal bias, three times.", [0.0], 1.5e-323, bias=TINY, steps=3, tags="subnormal bias")
current("negative-zero-weight", "+0.0 + (-0.0*1) is +0.0.", [-0.0], 0.0, tags="negative-zero")
current(
    "negative-zero-value",
    "A value of -0.0 is no input: its product with any weight changes nothing.",
    [5.0, -3.0],
    0.0,
    values=[-0.0, -0.0],
    tags="negative-zero",
)
current("negative-zero-bias", "+0.0 + -0.0 is +0.0.", [0.0], 0.0, bias=-0.0, tags="negative-zero bias")
current(
    "negative-zero-product",
    "A product that underflows to -0.0 leaves +0.0.",
    [-1e-200],
    0.0,
    values=[1e-200],
    tags="negative-zero subnormal",
)
current(
    "zero-times-huge",
    "0 times the largest number is 0, not a fault.",
    [MAX, 0.5],
    0.5,
    values=[0.0, 1.0],
    tags="overflow",
)
current(
    "negative-zero-lif-chain",
    "A negative potential of the smallest size decays to -0.0 and becomes +0.0.",
    [0.0],
    0.0,
    v0=-TINY,
    decay=0.25,
    tags="negative-zero subnormal decay",
)

# --- simulate.non-finite: just finite

NEAR = [
    (
        "max-tie-below",
        "The largest number plus a little less than half its ulp stays finite.",
        [MAX, ULP_OF_MAX / 2 * (1 - 2.0**-53)],
        None,
        1,
    ),
    ("max-exactly", "The largest number itself.", [MAX], None, 1),
    (
        "cancels-in-order",
        "1e308-1e308+1e308: no partial sum overflows; another order does.",
        [1e308, -1e308, 1e308],
        None,
        1,
    ),
    ("halves-of-max", "Two halves of the largest number.", [MAX / 2, MAX / 2], None, 1),
]
for name, why, weights, decay, steps in NEAR:
    whole = network(layer([weights], None if decay is None else lif(decay)), readout="membrane")
    due = {"readout": [bits(left_sum(weights))]}
    data = simulation(whole, steps, constant([1.0] * len(weights)))
    simulate.accept(f"simulate-finite-{name}", why, data, near=NON_FINITE, tags="overflow boundary", facts=due)
simulate.accept(
    "simulate-finite-reset-in-time",
    "Each step's potential is at the threshold and is reset; without the reset the second step overflows.",
    simulation(network(layer([[1e308]], neuron(threshold=1e308))), 3, constant([1.0]), "counts", "potential"),
    near=NON_FINITE,
    tags="overflow",
    facts={"counts": [[3]], "potential": [[bits(0.0)]]},
)
simulate.accept(
    "simulate-finite-leak-in-time",
    "1e308 under decay 0.5 is 1, 1.5, 1.75 times 1e308: the third step is the last that is finite.",
    simulation(network(layer([[1e308]], lif(0.5)), readout="membrane"), 3, constant([1.0])),
    near=NON_FINITE,
    tags="overflow decay boundary",
    facts={"readout": [bits(0.5 * (0.5 * 1e308 + 1e308) + 1e308)]},
)
simulate.accept(
    "simulate-finite-above-float32",
    "1e39 is infinite in single precision only.",
    simulation(network(layer([[1e39]], neuron(threshold=1e40))), 12, constant([1.0]), "counts"),
    near=NON_FINITE,
    tags="overflow",
    facts={"counts": [[1]]},
)
simulate.accept(
    "simulate-finite-overflow-never-reached",
    "The weights that overflow stand behind neurons that never fire.",
    simulation(
        network(layer([[0.1]]), layer([[1e308], [1e308]]), layer([[1e308, 1e308]])), 3, constant([1.0]), "counts"
    ),
    near=NON_FINITE,
    tags="overflow",
    facts={"counts": [[0], [0, 0], [0]]},
)

# --- simulate.non-finite: the first layer in the order sample, step, layer


def overflow(name: str, why: str, at: int, data: dict[str, Any], repair: Patch, tags: str = "") -> None:
    """Declare a run that leaves the finite numbers in layer `at`."""
    path = f"/network/layers/{at}"
    simulate.reject(f"simulate-overflow-{name}", NON_FINITE, path, why, data, repair, tags=f"overflow {tags}".strip())


def run(*layers: Any, steps: int = 1, stimulus: Any = None, **changes: Any) -> dict[str, Any]:
    return simulation(network(*layers, **changes), steps, stimulus or constant([1.0]), "counts")


def first_weight(at: int) -> str:
    return f"/network/layers/{at}/weights/0/0"


TWO = constant([1.0, 1.0])
HIGH = neuron(threshold=1.7e308)
overflow(
    "current",
    "1e308+1e308 is infinite, and infinity would fire.",
    0,
    run(layer([[1e308, 1e308]]), stimulus=TWO),
    put(first_weight(0), 1.0),
)
overflow(
    "current-negative",
    "Minus infinity never fires, and is a fault all the same.",
    0,
    run(layer([[-1e308, -1e308]]), stimulus=TWO),
    put(first_weight(0), 1.0),
)
overflow(
    "product",
    "1e308*10 overflows in the product.",
    0,
    run(layer([[1e308]]), stimulus=constant([10.0])),
    put("/input/values/0", 1.0),
)
overflow(
    "partial-sum",
    "The sum is 1e308 on paper, but its second partial sum is infinite; sorted or pairwise it is finite.",
    0,
    run(layer([[1e308, 1e308, -1e308]]), stimulus=constant([1.0] * 3)),
    put("/network/layers/0/weights/0", [1e308, -1e308, 1e308]),
    "order-of-sum",
)
overflow(
    "nan",
    "inf-inf is NaN, which is neither above nor below any threshold.",
    0,
    run(layer([[1e308, -1e308]]), stimulus=constant([10.0, 10.0])),
    put("/input/values", [1.0, 1.0]),
)
overflow(
    "max-tie",
    "The largest number plus half its ulp is a tie that rounds to infinity.",
    0,
    run(layer([[MAX, ULP_OF_MAX / 2]]), stimulus=TWO),
    put("/network/layers/0/weights/0/1", ULP_OF_MAX / 4),
    "boundary ulp",
)
overflow(
    "bias",
    "The current is finite until the bias is added.",
    0,
    run(layer([[1e308]], bias=[1e308])),
    put("/network/layers/0/bias/0", 0.0),
    "bias",
)
overflow(
    "bias-back",
    "Current and bias overflow, although the potential -1e308 would bring them back.",
    0,
    run(layer([[1e308]], neuron(initial_potential=-1e308), bias=[1e308])),
    put("/network/layers/0/bias/0", 0.0),
    "bias",
)
overflow(
    "membrane",
    "1e308 is below the threshold; the second step's potential is infinite.",
    0,
    run(layer([[1e308]], HIGH), steps=2),
    put("/steps", 1),
)
overflow(
    "membrane-initial",
    "The initial potential and the current overflow together.",
    0,
    run(layer([[1e308]], neuron(initial_potential=MAX))),
    put("/network/layers/0/neuron/initial_potential", 0.0),
)
overflow(
    "membrane-negative",
    "A potential that falls for ever leaves the numbers in the second step.",
    0,
    run(layer([[-1e308]]), steps=2),
    put("/steps", 1),
)
overflow(
    "membrane-last-step",
    "The eighteenth 1e307 is one too many: 1.8e308.",
    0,
    run(layer([[1e307]], neuron(threshold=MAX)), steps=18),
    put("/steps", 17),
    "boundary",
)
overflow(
    "membrane-readout",
    "The readout layer is never reset: its threshold does not save it.",
    1,
    run(layer([[1.0]]), layer([[1e308]], neuron(threshold=1e308)), steps=2, readout="membrane"),
    put("/network/readout", "spikes"),
)
overflow(
    "leak",
    "Under decay 0.5 the fourth step is 1.875e308.",
    0,
    run(layer([[1e308]], lif(0.5, threshold=MAX)), steps=4),
    put("/steps", 3),
    "decay",
)
overflow(
    "layer-1",
    "The path is the layer that overflows, not the first.",
    1,
    run(layer([[1.0], [1.0]]), layer([[1e308, 1e308]])),
    put(first_weight(1), 1.0),
)
overflow(
    "layer-2-late",
    "Layer 2 overflows when both neurons of layer 1 fire together, at step 5.",
    2,
    run(layer([[1.0]]), layer([[0.5], [0.334]]), layer([[1e308, 1e308]], neuron(threshold=1e308)), steps=6),
    put(first_weight(2), 1.0),
)
overflow(
    "last-neuron-of-seventeen",
    "Only neuron 16 overflows, in the tail of any vector.",
    0,
    run(layer([[1.0, 1.0]] * 16 + [[1e308, 1e308]]), stimulus=TWO),
    put("/network/layers/0/weights/16", [1.0, 1.0]),
    "width",
)
overflow(
    "unread-neuron",
    "The neuron's spikes meet a weight of 0, and its fault counts all the same.",
    0,
    run(layer([[1.0, 0.0], [1e308, 1e308]]), layer([[1.0, 0.0]]), stimulus=TWO),
    put("/network/layers/0/weights/1", [1.0, 1.0]),
)
overflow(
    "before-zero-width",
    "Nothing follows but a layer of zero neurons, and the fault counts all the same.",
    0,
    run(layer([[1e308, 1e308]]), layer([]), stimulus=TWO),
    put(first_weight(0), 1.0),
    "zero-width",
)
overflow(
    "by-spikes",
    "Spikes at one step only: the step decides.",
    0,
    run(layer([[1e308, 1e308]], neuron(threshold=1e308)), steps=3, stimulus=spikes([[0], [1], [0, 1]])),
    put("/input/indices/2", []),
)
overflow(
    "by-poisson",
    "Rates of 1 fire both inputs at once.",
    0,
    run(layer([[1e308, 1e308]]), stimulus=poisson([1.0, 1.0], 1)),
    put("/input/rates/1", 0.0),
    "poisson",
)
overflow(
    "last-row-of-batch",
    "Only the last sample of the batch overflows; the others' answers do not matter.",
    0,
    run(layer([[1e308, 1e308]], HIGH), stimulus=constant([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])),
    drop("/input/values/2"),
    "batch",
)
overflow(
    "no-record",
    "Nothing but the readout is asked for, and the run is rejected all the same.",
    0,
    simulation(network(layer([[1e308]], HIGH)), 2, constant([1.0])),
    put("/steps", 1),
)


def order(name: str, why: str, data: dict[str, Any], *faults: tuple[int, Patch]) -> None:
    """Declare a run with several overflows; each fault is its layer and the patch that removes it."""
    due: list[Fault] = [(NON_FINITE, f"/network/layers/{at}", patch) for at, patch in faults]
    simulate.precedence(f"simulate-overflow-{name}", why, data, due, tags="overflow")


order(
    "step-before-layer",
    "Layer 1 overflows at step 0, layer 0 at step 1: running all steps of layer 0 first names the wrong one.",
    run(layer([[2.0], [-1e308]]), layer([[1e308, 0.0]], neuron(threshold=1e308), bias=[1e308]), steps=2),
    (1, put("/network/layers/1/bias", [0.0])),
    (0, put("/network/layers/0/weights/1", [-1.0])),
)
order(
    "sample-before-step",
    "Sample 0 overflows at step 2, sample 1 at step 0: stepping all samples together names the wrong layer.",
    run(
        layer([[1.0, 1e308]], neuron(threshold=1.0)),
        layer([[-8e307]]),
        steps=3,
        stimulus=constant([[1.0, 0.0], [0.0, 2.0]]),
    ),
    (1, put(first_weight(1), -1.0)),
    (0, put("/input/values/1", [0.0, 0.0])),
)
order(
    "layer-before-later-layer",
    "Both layers overflow at step 0: the earlier one is named, though the other neuron's spike reaches layer 1.",
    run(layer([[1.0], [1e308]], bias=[0.0, 1e308]), layer([[1e308, 0.0]], bias=[1e308])),
    (0, put("/network/layers/0/bias", [0.0, 0.0])),
    (1, put("/network/layers/1/bias", [0.0])),
)

# The same over thousands of steps: a kernel that takes a block of steps layer by layer must still find the first.
CREEP, FASTER = -3.9e304, -4e304
"""Added at every step from 0 on they leave the finite numbers at steps 4,609 and 4,494."""

order(
    "late-step-before-layer",
    "Layer 1 overflows at step 4,494, layer 0 at step 4,609: within one block of steps layer 0 is run first.",
    run(layer([[2.0], [CREEP]]), layer([[FASTER, 0.0]]), steps=5000),
    (1, put(first_weight(1), -1.0)),
    (0, put("/network/layers/0/weights/1", [-1.0])),
)
order(
    "late-layer-0-before-layer-1",
    "Now layer 0 overflows at step 4,494 and layer 1 at step 4,609.",
    run(layer([[2.0], [FASTER]]), layer([[CREEP, 0.0]]), steps=5000),
    (0, put("/network/layers/0/weights/1", [-1.0])),
    (1, put(first_weight(1), -1.0)),
)
order(
    "late-sample-before-step",
    "Sample 0 overflows in layer 1 at step 4,494, sample 1 in layer 0 at step 0.",
    run(layer([[1.0, 1e308]]), layer([[FASTER]]), steps=5000, stimulus=constant([[1.0, 0.0], [0.0, 2.0], [0.0, 3.0]])),
    (1, put(first_weight(1), -1.0)),
    (0, put("/input/values", [[1.0, 0.0]])),
)
overflow(
    "late-last-step",
    "Only the last of 4,495 steps overflows.",
    0,
    run(layer([[FASTER]]), steps=4495),
    put("/steps", 4494),
    "boundary",
)
