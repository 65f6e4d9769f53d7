"""Cases of simulate that are about the neurons: threshold, reset, leak, layers, readout, records and batches."""

from __future__ import annotations

import random
import struct
from typing import Any

from cases import Cases
from documents import constant, layer, lif, network, neuron, poisson, simulation, spikes
from philox import word

simulate = Cases("simulate")
TABLES = [simulate]


def bits(value: float) -> str:
    """The 16 hex digits of an answer."""
    return struct.pack(">d", value).hex()


def accept(name: str, why: str, data: dict[str, Any], tags: str = "", **facts: Any) -> None:
    """Declare a simulation; `facts` are what paper and pencil say."""
    simulate.accept(f"simulate-{name}", why, data, tags=tags, facts=facts)


def single(name: str, why: str, weight: float, steps: int, cell: Any = None, tags: str = "", **facts: Any) -> None:
    """Declare one neuron with one input that is 1 at every step; everything is recorded."""
    whole = network(layer([[weight]], cell))
    accept(name, why, simulation(whole, steps, constant([1.0]), "counts", "spikes", "potential"), tags, **facts)


# --- threshold

single(
    "threshold-tie",
    "0.5 twice is exactly the threshold, and `>=` fires; `>` waits for another step.",
    0.5,
    2,
    tags="boundary",
    spikes=[[[], [0]]],
    potential=[[bits(0.0)]],
)
single(
    "threshold-tie-at-once",
    "The current alone is the threshold.",
    1.0,
    1,
    tags="boundary",
    counts=[[1]],
    potential=[[bits(0.0)]],
)
single(
    "threshold-tie-inexact",
    "0.1+0.1+0.1 is 0.30000000000000004, which is the threshold here: equal bits fire.",
    0.1,
    3,
    neuron(threshold=0.30000000000000004),
    "boundary ulp",
    spikes=[[[], [], [0]]],
    potential=[[bits(0.0)]],
)
single(
    "threshold-passed-by-one-ulp",
    "0.1+0.1+0.1 is one ulp above 0.3: 3*0.1 computed otherwise ties, and the remainder shows it.",
    0.1,
    3,
    neuron(threshold=0.3),
    "boundary ulp",
    counts=[[1]],
    potential=[[bits(0.1 + 0.1 + 0.1 - 0.3)]],
)
single(
    "threshold-missed-by-one-ulp",
    "1-2^-53 is one ulp short; in single precision it is 1.",
    0.9999999999999999,
    1,
    tags="boundary ulp",
    counts=[[0]],
)
single(
    "threshold-one-ulp-higher",
    "0.5 twice misses a threshold one ulp above 1; a tolerance of 1e-9 fires.",
    0.5,
    2,
    neuron(threshold=1.0000000000000002),
    "boundary ulp",
    counts=[[0]],
)
single(
    "threshold-ten-tenths",
    "Ten tenths added one by one are 1-2^-53 and do not fire; 10*0.1 would.",
    0.1,
    10,
    tags="boundary ulp",
    counts=[[0]],
    potential=[[bits(0.9999999999999999)]],
)
single(
    "threshold-eleven-tenths",
    "The eleventh tenth fires, and the remainder is a little less than a tenth.",
    0.1,
    11,
    tags="ulp",
    counts=[[1]],
    potential=[[bits(0.9999999999999999 + 0.1 - 1.0)]],
)
single(
    "threshold-missed-after-reset",
    "The remainder after a spike keeps its rounding: 0.7 four times gives two spikes, not three at 2.8.",
    0.7,
    4,
    counts=[[2]],
)
single(
    "one-spike-per-step",
    "v is five times the threshold, and one spike is fired and one threshold subtracted.",
    5.0,
    3,
    tags="boundary",
    counts=[[3]],
    potential=[[bits(12.0)]],
)
single(
    "one-spike-per-step-at-twice",
    "v is exactly twice the threshold: one spike, and one threshold is left.",
    2.0,
    1,
    tags="boundary",
    counts=[[1]],
    potential=[[bits(1.0)]],
)
single(
    "spikes-after-input-ends",
    "What is left above the threshold fires at the next step, even without current.",
    0.0,
    4,
    neuron(initial_potential=2.5),
    spikes=[[[0], [0], [], []]],
    potential=[[bits(0.5)]],
)
single(
    "never-fires",
    "A negative current drives the potential down without a floor at 0.",
    -0.25,
    5,
    counts=[[0]],
    potential=[[bits(-1.25)]],
)

# --- reset

single(
    "reset-subtract",
    "The remainder is kept: 0.75 four times is 3, and fires three times.",
    0.75,
    4,
    neuron(reset="subtract"),
    counts=[[3]],
    potential=[[bits(0.0)]],
)
single(
    "reset-zero",
    "The remainder is lost: 0.75 four times fires twice.",
    0.75,
    4,
    neuron(reset="zero"),
    counts=[[2]],
    potential=[[bits(0.0)]],
)
single("reset-default", "Without the member the reset is by subtraction.", 0.75, 4, spikes=[[[], [0], [0], [0]]])
single(
    "reset-zero-far-above",
    "However far above the threshold, zero reset leaves exactly 0.",
    7.25,
    2,
    neuron(reset="zero"),
    counts=[[2]],
    potential=[[bits(0.0)]],
)
single(
    "reset-zero-not-to-initial",
    "Reset goes to 0, not to the initial potential.",
    0.5,
    3,
    neuron(reset="zero", initial_potential=0.5),
    spikes=[[[0], [], [0]]],
    potential=[[bits(0.0)]],
)
single(
    "reset-subtract-rounds",
    "0.3 from 0.4 leaves a rounded remainder: v modulo the threshold is another number.",
    0.4,
    3,
    neuron(threshold=0.3),
    "ulp",
    counts=[[3]],
)
single(
    "reset-subtract-lost",
    "1 from 1e16 is a tie that rounds back to 1e16: the potential never falls.",
    0.0,
    3,
    neuron(initial_potential=1e16),
    "ulp",
    counts=[[3]],
    potential=[[bits(1e16)]],
)

# --- initial potential

single(
    "initial-above-threshold",
    "The first step adds the current before it compares: one spike per step until it is below.",
    0.25,
    3,
    neuron(initial_potential=2.0),
    spikes=[[[0], [0], []]],
    potential=[[bits(0.75)]],
)
single(
    "initial-at-threshold",
    "At the threshold from the start: fires at step 0, not before it.",
    0.0,
    1,
    neuron(initial_potential=1.0),
    "boundary",
    counts=[[1]],
    potential=[[bits(0.0)]],
)
single(
    "initial-negative",
    "-1 needs four halves.",
    0.5,
    4,
    neuron(initial_potential=-1.0),
    spikes=[[[], [], [], [0]]],
    potential=[[bits(0.0)]],
)
single(
    "initial-half-threshold",
    "Half the threshold at the start, as QCFS conversion has it, fires a step earlier.",
    0.5,
    1,
    neuron(initial_potential=0.5),
    "boundary",
    counts=[[1]],
)
single(
    "initial-minus-zero-becomes-zero",
    "v + I is evaluated also for I = 0: -0.0 + 0.0 is 0.0.",
    0.0,
    1,
    neuron(initial_potential=-0.0),
    "negative-zero",
    potential=[[bits(0.0)]],
)

# --- leak

single(
    "decay-before-current",
    "(0.5*1)+0.5 reaches the threshold; 0.5*(1+0.5) does not.",
    0.5,
    1,
    lif(0.5, initial_potential=1.0),
    "decay",
    counts=[[1]],
)
single(
    "decay-at-first-step",
    "The initial potential decays at step 0 already, and no longer reaches the threshold.",
    0.0,
    1,
    lif(0.5, initial_potential=1.0),
    "decay",
    counts=[[0]],
    potential=[[bits(0.5)]],
)
single(
    "decay-zero",
    "Decay 0 forgets: 0.75 never adds up.",
    0.75,
    5,
    lif(0),
    "decay boundary",
    counts=[[0]],
    potential=[[bits(0.75)]],
)
single(
    "decay-one",
    "Decay 1 is the if neuron: 0.75 four times fires three times.",
    0.75,
    4,
    lif(1),
    "decay boundary",
    counts=[[3]],
)
single("decay-0-9", "0.9 is not exact: every product and every sum rounds.", 0.3, 40, lif(0.9), "decay ulp")
single("decay-0-9-zero-reset", "The same with zero reset.", 0.3, 40, lif(0.9, reset="zero"), "decay ulp")
single(
    "decay-half",
    "0.5 converges to twice the current from below: 0.5 never reaches 1 until it rounds up to it.",
    0.5,
    52,
    lif(0.5),
    "decay boundary",
    counts=[[0]],
    potential=[[bits(1.0 - 2.0**-52)]],
)
single(
    "decay-half-ties-at-last",
    "At step 53 the sum is 1-2^-53, at step 54 a tie that rounds to 1 and fires.",
    0.5,
    54,
    lif(0.5),
    "decay boundary ulp",
    counts=[[1]],
    potential=[[bits(0.0)]],
)
single(
    "decay-remainder",
    "The remainder of a reset by subtraction decays too.",
    1.5,
    3,
    lif(0.5),
    "decay",
    counts=[[3]],
    potential=[[bits(0.875)]],
)
single(
    "decay-negative-potential",
    "A negative potential decays towards 0 from below.",
    0.0,
    3,
    lif(0.5, initial_potential=-8.0),
    "decay",
    potential=[[bits(-1.0)]],
)
single(
    "decay-to-min-subnormal",
    "1 halved 1,074 times is the smallest subnormal: flush-to-zero loses the last 52 steps.",
    0.0,
    1074,
    lif(0.5, initial_potential=1.0, threshold=2.0),
    "decay subnormal",
    potential=[["0000000000000001"]],
)
single(
    "decay-below-min-subnormal",
    "Half of the smallest subnormal is a tie with zero, and zero is even.",
    0.0,
    1075,
    lif(0.5, initial_potential=1.0, threshold=2.0),
    "decay subnormal",
    potential=[[bits(0.0)]],
)
single(
    "decay-subnormal-tie-up",
    "Half of three times the smallest subnormal is a tie that goes up to two.",
    0.0,
    1,
    lif(0.5, initial_potential=1.5e-323),
    "decay subnormal",
    potential=[["0000000000000002"]],
)
single(
    "decay-negative-underflow",
    "-5e-324 halved is -0.0, and adding no current makes it 0.0.",
    0.0,
    1,
    lif(0.5, initial_potential=-5e-324),
    "decay subnormal negative-zero",
    potential=[[bits(0.0)]],
)
single(
    "decay-zero-of-negative",
    "0 times a negative potential is -0.0, and adding no current makes it 0.0.",
    0.0,
    1,
    lif(0, initial_potential=-3.0),
    "decay negative-zero",
    potential=[[bits(0.0)]],
)

# --- time

single(
    "one-step",
    "A single step: no loop bound may assume two, and what is left after it is the remainder.",
    1.25,
    1,
    tags="boundary",
    counts=[[1]],
    potential=[[bits(0.25)]],
)
single("long-if", "4,096 steps of 0.1: rounding errors pile up, and none may be lost.", 0.1, 4096, tags="long")
single(
    "long-lif",
    "2,000 steps of a leaky neuron whose potential hovers about its threshold.",
    0.1,
    2000,
    lif(0.9, threshold=0.95),
    "long decay",
)

LONG = network(
    layer([[0.37, 0.11], [-0.2, 0.9]], lif(0.95)),
    layer([[0.6, 0.3]], bias=[-0.01]),
    layer([[0.5]], neuron(reset="zero")),
)
accept(
    "long-three-layers",
    "3,000 steps of three layers: potentials must pass unchanged from one block of steps to the next.",
    simulation(LONG, 3000, constant([1.0, 0.7]), "counts", "potential"),
    "long decay bias",
)
accept(
    "long-batch",
    "3,000 steps of five samples: blocks of steps and of samples at once.",
    simulation(LONG, 3000, constant([[i / 5, 1 - i / 5] for i in range(5)]), "counts", "potential"),
    "long batch decay bias",
)
accept(
    "long-spikes",
    "2,000 steps of input spikes, every seventh step silent.",
    simulation(
        LONG, 2000, spikes([[] if t % 7 == 3 else [0, 1] if t % 3 else [1] for t in range(2000)]), "counts", "potential"
    ),
    "long decay bias",
)

# --- layers

CHAIN = network(layer([[1.0]]), layer([[1.0]]), layer([[1.0]]))
accept(
    "no-synaptic-delay",
    "A spike passes all three layers within its step; with one step of delay per layer nothing comes out.",
    simulation(CHAIN, 1, constant([1.0]), "counts", "spikes"),
    "boundary",
    counts=[[1], [1], [1]],
)
accept(
    "no-synaptic-delay-raster",
    "Every third input step reaches the last layer in that very step.",
    simulation(CHAIN, 7, spikes([[], [0], [], [], [0], [], [0]]), "spikes"),
    spikes=[[[], [0], [], [], [0], [], [0]]] * 3,
)
accept(
    "layers-divide",
    "Each layer needs two spikes for one: 16 become 8, 4, 2.",
    simulation(network(*[layer([[0.5]])] * 3), 16, constant([1.0]), "counts", "spikes"),
    counts=[[8], [4], [2]],
)
accept(
    "layers-inhibit-in-step",
    "Excitation and inhibition arrive in the same step: the sum is compared, not each part.",
    simulation(network(layer([[1.0], [0.5]]), layer([[0.75, -1.0]])), 4, constant([1.0]), "counts", "spikes"),
    spikes=[[[0], [0, 1], [0], [0, 1]], [[], [], [0], []]],
)
accept(
    "layers-mixed-models",
    "if and lif, both resets, a bias and an initial potential in one network.",
    simulation(
        network(
            layer([[0.6, 0.3], [-0.2, 0.9]], lif(0.9), bias=[0.05, -0.1]),
            layer([[1.1, -0.4], [0.3, 0.7], [0.5, 0.5]], neuron(reset="zero", threshold=0.8, initial_potential=0.1)),
            layer([[0.4, 0.3, 0.2]], lif(0.5, threshold=0.45, reset="zero"), bias=[0.01]),
        ),
        12,
        constant([1.0, 0.7]),
        "counts",
        "spikes",
        "potential",
    ),
)
accept(
    "layers-equal-weights",
    "Layers with the same weights have potentials of their own.",
    simulation(network(*[layer([[0.5, 0.25], [0.25, 0.5]])] * 3), 9, constant([1.0, 1.0]), "counts", "potential"),
    counts=[[6, 6], [4, 4], [3, 3]],
)
accept(
    "layers-bias-alone",
    "Layer 1 fires by its bias, also in steps without a spike of layer 0.",
    simulation(network(layer([[0.5]]), layer([[0.25]], bias=[0.5])), 4, constant([1.0]), "counts", "potential"),
    counts=[[2], [2]],
    potential=[[bits(0.0)], [bits(0.5)]],
)
accept(
    "layers-sixteen-deep",
    "Sixteen layers of growing width: every layer's input is the layer before, at the same step.",
    simulation(
        network(*[layer([[0.5] * (i or 2) for _ in range(i + 1)]) for i in range(16)]),
        5,
        constant([1.0, 1.0]),
        "counts",
    ),
)

# --- zero width

accept(
    "zero-width-in-the-middle",
    "A layer of zero neurons cuts the network; behind it the biases act alone.",
    simulation(
        network(layer([[1.0]]), layer([]), layer([[], []], bias=[1.0, 0.5])),
        2,
        constant([1.0]),
        "counts",
        "spikes",
        "potential",
        "trace",
    ),
    "zero-width",
    counts=[[2], [], [2, 1]],
    spikes=[[[0], [0]], [[], []], [[0], [0, 1]]],
)
accept(
    "zero-width-readout",
    "The last layer has no neuron: readout and counts are empty lists.",
    simulation(network(layer([[1.0]]), layer([])), 2, constant([1.0]), "counts", "spikes", "potential", "trace"),
    "zero-width",
    readout=[],
    counts=[[2], []],
    potential=[[bits(0.0)], []],
)
accept(
    "zero-width-membrane-readout",
    "No neuron, so no potential.",
    simulation(network(layer([]), readout="membrane"), 2, constant([1.0]), "counts"),
    "zero-width",
    readout=[],
    counts=[[]],
)
accept(
    "zero-width-batch",
    "A batch of three samples of which nothing is read.",
    simulation(network(layer([])), 2, constant([[1.0], [2.0], [3.0]]), "counts", "spikes"),
    "zero-width batch",
    readout=[[], [], []],
    spikes=[[[[], []]]] * 3,
)
accept(
    "zero-width-input",
    "No input at all: currents are +0.0 and the initial potential stays.",
    simulation(network(layer([[], []], neuron(initial_potential=0.25))), 3, constant([]), "potential"),
    "zero-width",
    potential=[[bits(0.25)] * 2],
)
accept(
    "zero-width-spikes-any-index",
    "With no neuron any index is in range.",
    simulation(network(layer([])), 2, spikes([[0, 7, 1000000], []]), "spikes"),
    "zero-width",
    spikes=[[[], []]],
)

# --- readout

MEMBRANE = network(layer([[0.75], [0.5]]), layer([[1.0, 2.0]], neuron(threshold=1e-300)), readout="membrane")
accept(
    "membrane-readout",
    "Hidden layers fire, the last one sums: 3 spikes of weight 1 and 2 of weight 2, never reset.",
    simulation(MEMBRANE, 4, constant([1.0])),
    "membrane",
    readout=[bits(7.0)],
)
accept(
    "membrane-readout-records",
    "Of the last layer: zero counts, empty spikes, potential as in the readout, before = after.",
    simulation(MEMBRANE, 4, constant([1.0]), "counts", "spikes", "potential", "trace"),
    "membrane",
    counts=[[3, 2], [0]],
    spikes=[[[], [0, 1], [0], [0, 1]], [[], [], [], []]],
    potential=[[bits(0.0), bits(0.0)], [bits(7.0)]],
)
accept(
    "membrane-readout-initial",
    "The initial potential of the last layer is used, though its threshold is not.",
    simulation(network(layer([[1.0]], neuron(initial_potential=-2.5)), readout="membrane"), 3, constant([1.0])),
    "membrane",
    readout=[bits(0.5)],
)
accept(
    "membrane-readout-leaks",
    "A leaky readout: 1, 1.5, 1.75.",
    simulation(network(layer([[1.0]], lif(0.5)), readout="membrane"), 3, constant([1.0])),
    "membrane decay",
    readout=[bits(1.75)],
)
accept(
    "membrane-readout-zero-reset",
    "The reset of the last layer is validated and never happens.",
    simulation(network(layer([[1.0]], neuron(reset="zero")), readout="membrane"), 3, constant([1.0]), "counts"),
    "membrane",
    readout=[bits(3.0)],
    counts=[[0]],
)
accept(
    "membrane-readout-bias",
    "The bias enters at every step: 3*0.125, not once and not divided by T.",
    simulation(network(layer([[0.0]], bias=[0.125]), readout="membrane"), 3, constant([1.0])),
    "membrane",
    readout=[bits(0.375)],
)
accept(
    "membrane-readout-minus-zero",
    "The potential is +0.0 after a step, whatever it was.",
    simulation(network(layer([[0.0]], neuron(initial_potential=-0.0)), readout="membrane"), 1, constant([1.0])),
    "membrane negative-zero",
    readout=[bits(0.0)],
)
accept(
    "membrane-readout-batch",
    "One potential per sample and neuron.",
    simulation(network(layer([[1.0, 0.0], [0.0, 2.0]]), readout="membrane"), 2, constant([[1.0, 1.0], [0.5, -0.25]])),
    "membrane batch",
    readout=[[bits(2.0), bits(4.0)], [bits(1.0), bits(-1.0)]],
)

# --- records

BUSY = network(layer([[0.75, 0.5], [0.25, -0.5]]), layer([[0.5, 0.25]], neuron(reset="zero")))
for words in (("counts",), ("spikes",), ("potential",), ("trace",), ("counts", "trace"), ("spikes", "potential")):
    accept(
        f"record-{'-'.join(words)}",
        f"Only {' and '.join(words)} beside the readout: nothing that was not asked for, nothing missing.",
        simulation(BUSY, 5, constant([1.0, 1.0]), *words),
        "record",
    )
accept(
    "trace-at-a-spike",
    "Before the reset the potential is at 1.5, after it at 0.5: both stand in the trace.",
    simulation(network(layer([[0.75]])), 2, constant([1.0]), "trace"),
    "record",
    trace=[[{"before": [bits(0.75)], "after": [bits(0.75)]}, {"before": [bits(1.5)], "after": [bits(0.5)]}]],
)
accept(
    "trace-zero-reset",
    "After a zero reset the trace shows +0.0.",
    simulation(network(layer([[1.5]], neuron(reset="zero"))), 1, constant([1.0]), "trace"),
    "record",
    trace=[[{"before": [bits(1.5)], "after": [bits(0.0)]}]],
)
accept(
    "trace-decayed",
    "Before means before the reset, but after decay and current.",
    simulation(network(layer([[0.75]], lif(0.5, initial_potential=1.0))), 1, constant([1.0]), "trace"),
    "record decay",
    trace=[[{"before": [bits(1.25)], "after": [bits(0.25)]}]],
)
accept(
    "trace-batch",
    "Sample, layer, step, neuron: the axes of a trace.",
    simulation(BUSY, 2, constant([[1.0, 1.0], [0.5, 0.0], [0.0, 0.0]]), "trace", "spikes"),
    "record batch",
)
accept(
    "spikes-ascending",
    "All seventeen neurons fire: their indices ascend, 10 after 9 and not after 1.",
    simulation(network(layer([[1.0]] * 17)), 1, constant([1.0]), "spikes"),
    "record",
    spikes=[[list(range(17))]],
)

# --- spikes as input

accept(
    "spikes-empty-steps",
    "Steps without a spike still integrate the bias.",
    simulation(network(layer([[0.5, 0.25]], bias=[0.125])), 4, spikes([[], [0], [], [0, 1]]), "potential", "spikes"),
    spikes=[[[], [], [], [0]]],
    potential=[[bits(0.75)]],
)
accept(
    "spikes-like-constant-ones",
    "Every input at every step is the same as constant ones (next case).",
    simulation(BUSY, 4, spikes([[0, 1]] * 4), "counts", "potential"),
)
accept(
    "constant-ones-like-spikes",
    "The same as every input spiking at every step (case before).",
    simulation(BUSY, 4, constant([1.0, 1.0]), "counts", "potential"),
)
accept(
    "spikes-decay-in-silence",
    "Between the spikes the potential leaks.",
    simulation(network(layer([[0.75]], lif(0.5))), 5, spikes([[0], [], [0], [0], []]), "potential", "spikes"),
    "decay",
    spikes=[[[], [], [], [0], []]],
    potential=[[bits(0.109375)]],
)
accept(
    "constant-zero",
    "An input of zeros: no current, and nothing moves.",
    simulation(BUSY, 3, constant([0.0, 0.0]), "counts", "potential"),
    counts=[[0, 0], [0]],
)
accept(
    "constant-negative",
    "A negative value times a negative weight excites.",
    simulation(network(layer([[-2.0]])), 2, constant([-0.5]), "counts"),
    counts=[[2]],
)
accept(
    "constant-at-every-step",
    "The value is presented at every step, not only at the first.",
    simulation(network(layer([[0.25]])), 8, constant([1.0]), "counts"),
    counts=[[2]],
)

# --- Poisson input

IDENTITY = network(layer([[1.0 if i == j else 0.0 for j in range(9)] for i in range(9)]))


def fired(rates: list[float], seed: int, sample: int, steps: int) -> list[list[int]]:
    """The due input spikes, by this folder's own Philox."""
    return [[i for i, rate in enumerate(rates) if word(seed, sample, t, i) < rate * 2.0**32] for t in range(steps)]


RATES = [i / 8 for i in range(9)]
accept(
    "poisson-through-identity",
    "With the identity the layer's spikes are those of encode.poisson.",
    simulation(IDENTITY, 6, poisson(RATES, 99), "spikes"),
    "poisson philox",
    spikes=[fired(RATES, 99, 0, 6)],
)
accept(
    "poisson-sample-3",
    "The sample number selects another stream.",
    simulation(IDENTITY, 6, poisson(RATES, 99, sample=3), "spikes"),
    "poisson philox",
    spikes=[fired(RATES, 99, 3, 6)],
)
accept(
    "poisson-batch",
    "Row k has the sample number sample + k: 3, 4, 5.",
    simulation(IDENTITY, 6, poisson([RATES, RATES, RATES[::-1]], 99, sample=3), "spikes"),
    "poisson philox batch",
    spikes=[[fired(rates, 99, 3 + k, 6)] for k, rates in enumerate([RATES, RATES, RATES[::-1]])],
)
accept(
    "poisson-batch-row-2-alone",
    "Row 2 of the batch before, alone with its number 5, gives the same spikes.",
    simulation(IDENTITY, 6, poisson(RATES[::-1], 99, sample=5), "spikes"),
    "poisson philox batch",
    spikes=[fired(RATES[::-1], 99, 5, 6)],
)
accept(
    "poisson-equal-rows",
    "Equal rows of a batch differ in their sample number, and so in their spikes.",
    simulation(IDENTITY, 4, poisson([[0.5] * 9] * 4, 5), "spikes"),
    "poisson philox batch",
    spikes=[[fired([0.5] * 9, 5, k, 4)] for k in range(4)],
)
accept(
    "poisson-batch-of-one",
    "A batch of one has a sample axis; its row is that of a single sample.",
    simulation(IDENTITY, 4, poisson([RATES], 5, sample=0), "spikes"),
    "poisson philox batch",
    spikes=[[fired(RATES, 5, 0, 4)]],
)
accept(
    "poisson-sample-across-two-to-32",
    "The rows have the numbers 2^32-1 and 2^32: the carry goes into the upper counter word.",
    simulation(IDENTITY, 4, poisson([RATES, RATES], 5, sample=2**32 - 1), "spikes"),
    "poisson philox batch boundary",
    spikes=[[fired(RATES, 5, 2**32 - 1 + k, 4)] for k in range(2)],
)
accept(
    "poisson-seed-two-to-32",
    "The seed's upper half is the upper key word.",
    simulation(IDENTITY, 4, poisson(RATES, 2**32 + 7), "spikes"),
    "poisson philox boundary",
    spikes=[fired(RATES, 2**32 + 7, 0, 4)],
)
accept(
    "poisson-long",
    "3,000 steps: the step counter goes on from one block of steps to the next.",
    simulation(IDENTITY, 3000, poisson(RATES, 99), "counts"),
    "poisson philox long",
    counts=[[sum(i in step for step in fired(RATES, 99, 0, 3000)) for i in range(9)]],
)
accept(
    "poisson-into-weights",
    "Poisson spikes through real weights, two layers and a leak.",
    simulation(
        network(layer([[0.3, -0.2, 0.5, 0.1, 0.4], [0.2, 0.6, -0.3, 0.4, 0.1]], lif(0.9)), layer([[0.7, 0.6]])),
        20,
        poisson([0.2, 0.4, 0.6, 0.8, 1.0], 1234),
        "counts",
        "spikes",
        "potential",
    ),
    "poisson philox decay",
)
accept(
    "poisson-certain-like-constant",
    "Rates 0 and 1 leave nothing to chance: as constant zeros and ones.",
    simulation(BUSY, 5, poisson([1.0, 0.0], 3), "counts", "potential"),
    "poisson",
    readout=[1],
)

# --- batches

ROWS = [[0.9, 0.1], [0.0, 0.0], [0.35, 0.8], [1.0, 1.0]]
LEAKY = network(
    layer([[0.8, 0.3], [0.4, 0.9], [-0.5, 0.6]], lif(0.9), bias=[0.01, 0.02, 0.03]), layer([[0.5, 0.6, 0.7]])
)
EVERYTHING = ("counts", "spikes", "potential", "trace")
accept(
    "batch-constant",
    "Four samples; each row must equal what it gives alone (next case), so no state is shared.",
    simulation(LEAKY, 6, constant(ROWS), *EVERYTHING),
    "batch",
)
accept(
    "batch-constant-row-2-alone",
    "Row 2 of the batch before, alone: the same bits without the sample axis.",
    simulation(LEAKY, 6, constant(ROWS[2]), *EVERYTHING),
    "batch",
)
accept(
    "batch-constant-row-2-first",
    "The same row as the first of a batch of two: its place changes nothing.",
    simulation(LEAKY, 6, constant([ROWS[2], ROWS[0]]), *EVERYTHING),
    "batch",
)
accept(
    "batch-fresh-start",
    "The first sample ends above the threshold; the second is silent and starts from the initial potential.",
    simulation(network(layer([[0.75]])), 1, constant([[1.0], [0.0]]), "potential"),
    "batch",
    potential=[[[bits(0.75)]], [[bits(0.0)]]],
)
accept(
    "batch-spikes",
    "Three samples of spikes, one of them silent.",
    simulation(LEAKY, 3, spikes([[[0], [0, 1], [1]], [[], [], []], [[1], [], [0]]]), "counts", "potential"),
    "batch",
)
accept(
    "batch-spikes-row-2-alone",
    "Row 2 of the batch before, alone.",
    simulation(LEAKY, 3, spikes([[1], [], [0]]), "counts", "potential"),
    "batch",
)
accept(
    "batch-of-seventeen",
    "Seventeen samples: the tail of a vector of eight or sixteen samples.",
    simulation(LEAKY, 5, constant([[i / 17, 1 - i / 17] for i in range(17)]), "counts", "potential"),
    "batch",
)
accept(
    "batch-equal-rows",
    "Equal constant rows give equal answers, also the last of them.",
    simulation(network(layer([[0.3, 0.6]])), 10, constant([[0.7, 0.9]] * 9), "counts", "potential"),
    "batch",
)

# --- widths: tails of vectors over outputs and over inputs

WIDTHS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 15, 16, 17, 31, 33, 64, 100)


def matrix(rows: int, columns: int, seed: int) -> list[list[float]]:
    """Weights with three decimals, so that sums round and files stay small."""
    draw = random.Random(seed)
    return [[draw.randint(-400, 600) / 1000 for _ in range(columns)] for _ in range(rows)]


for width in WIDTHS:
    bias = [value for (value,) in matrix(width, 1, 3000 + width)]
    accept(
        f"width-{width}-outputs",
        f"{width} neurons: the last of a vector of 2, 4, 8 or 16 are easily lost or computed otherwise.",
        simulation(
            network(layer(matrix(width, 3, width), lif(0.9), bias=bias)),
            6,
            constant([0.9, 0.7, 0.3]),
            "spikes",
            "potential",
        ),
        "width",
    )
    accept(
        f"width-{width}-inputs",
        f"{width} inputs are added one after the other, ascending: partial sums in vector lanes round otherwise.",
        simulation(
            network(layer(matrix(2, width, 100 + width))),
            4,
            constant([(7 * j % 10 + 1) / 10 for j in range(width)]),
            "spikes",
            "potential",
        ),
        "width order-of-sum",
    )
accept(
    "width-33-to-17-to-5",
    "Odd widths in a row, every second input silent, driven by spikes.",
    simulation(
        network(
            layer(matrix(17, 33, 7)), layer(matrix(5, 17, 8), lif(0.9)), layer(matrix(3, 5, 9), neuron(reset="zero"))
        ),
        8,
        spikes([[j for j in range(33) if (j * j + t) % 3 == 0] for t in range(8)]),
        "counts",
        "spikes",
        "potential",
    ),
    "width order-of-sum",
)
