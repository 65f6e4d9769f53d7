"""Cases of simulate about how layers are wired: named inputs, skips, layers that nobody takes, empty ones, records."""

from __future__ import annotations

from typing import Any

from cases import Cases, put
from convolutions import ALL, flat, tenths
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
    poisson,
    simulation,
    spikes,
    total,
)

simulate = Cases("simulate")
TABLES = [simulate]


def runs(
    name: str,
    why: str,
    whole: dict[str, Any],
    steps: int,
    stimulus: Any,
    *record: str,
    tags: str = "",
    near: str = "",
    **facts: Any,
) -> None:
    """Declare a run."""
    data = simulation(whole, steps, stimulus, *record)
    simulate.accept(f"simulate-graph-{name}", why, data, near=near.split(), facts=facts, tags=tags)


def source(name: str) -> dict[str, str]:
    """The member that says where a layer takes its input."""
    return {"from": name}


ONE = [[1.0]]

# --- named inputs

runs(
    "the-input-again",
    "The second layer takes the input, not the first layer's spikes.",
    network(layer([[5.0]]), layer([[0.25]], **source("input"))),
    4,
    constant([1.0]),
    *ALL,
    readout=[1],
    counts=[[4], [1]],
)
runs(
    "over-a-layer",
    "The third layer takes the first, past a second one that never fires.",
    network(layer(ONE, name="a"), layer([[0.0]], name="b"), layer([[0.5]], **source("a"))),
    4,
    constant([1.0]),
    *ALL,
    readout=[2],
)
runs(
    "within-the-step",
    "A skip connection has no delay: both ways arrive at the same step.",
    network(
        layer(ONE, name="a"),
        layer(ONE, name="b"),
        total(identity("a", 0.5), identity("b", 0.5)),
    ),
    3,
    spikes([[0], [], [0]]),
    *ALL,
    spikes=[[[0], [], [0]], [[0], [], [0]], [[0], [], [0]]],
)
runs(
    "two-takers",
    "Two layers take the same one.",
    network(
        layer([[0.6], [0.3]], name="a"),
        layer([[1.0, 0.0]], name="b", **source("a")),
        layer([[0.0, 1.0]], name="c", **source("a")),
        total(identity("b", 0.75), identity("c", 0.5)),
    ),
    7,
    constant([1.0]),
    *ALL,
)
runs(
    "order-of-names",
    "Names say nothing about the order: z is before a.",
    network(layer([[0.7]], name="z"), layer([[0.4]], name="a", **source("input")), layer([[1.0]], **source("z"))),
    5,
    constant([1.0]),
    "counts",
)
runs(
    "default-is-the-layer-before",
    "Without from a layer takes the one before it in the list, even where that takes something else.",
    network(layer([[0.5]], name="a"), layer([[2.0]], name="b", **source("input")), layer(ONE)),
    4,
    constant([1.0]),
    *ALL,
    readout=[4],
)
runs(
    "from-a-pool-by-name",
    "A pool and a flatten have names as other layers have.",
    network(
        avgpool2d([1, 2], name="p"),
        flatten(name="f", **source("input")),
        layer([[0.5, 0.5, 0.5, 0.5]], name="d"),
        conv2d([[[[1.0]]]], **source("p")),
        input_shape=[1, 2, 2],
    ),
    3,
    constant([0.1, 0.7, 0.4, 0.9]),
    *ALL,
)
runs(
    "of-poisson-twice",
    "Two layers that take the input see the same spike at the same step.",
    network(
        layer(ONE, name="a"),
        total(identity("a", 0.5), dense_branch("input", [[0.5]])),
    ),
    12,
    poisson([0.5], 11),
    *ALL,
    tags="poisson",
)
runs(
    "of-values-twice",
    "Two layers take the input's values, and a third sums what both make of them.",
    network(
        layer([[0.1, 0.9]], lif(0.5, threshold=0.3), name="a"),
        layer([[0.7, 0.2]], neuron(threshold=0.8), name="b", **source("input")),
        total(identity("a", 0.9), identity("b", 0.4), dense_branch("input", [[0.3, -0.1]])),
    ),
    8,
    constant([[0.5, 0.25], [1.5, 0.75]]),
    *ALL,
    tags="batch",
)

# --- layers that nobody takes

runs(
    "nobody-takes",
    "A layer that nobody takes runs and is recorded.",
    network(layer([[0.5]], name="a"), layer([[0.3]], **source("input")), layer(ONE, **source("a"))),
    6,
    constant([1.0]),
    *ALL,
    counts=[[3], [1], [3]],
)
simulate.reject(
    "simulate-graph-nobody-takes-overflow",
    "simulate.non-finite",
    "/network/layers/1",
    "What nobody takes may overflow all the same, and ends the run.",
    simulation(
        network(layer([[0.5]], name="a"), layer([[1e308]], **source("input")), layer(ONE, **source("a"))),
        3,
        constant([10.0]),
    ),
    put("/network/layers/1/weights/0/0", 1.0),
    tags="overflow",
)
runs(
    "nobody-takes-a-pool",
    "A flatten and a pool that nobody takes.",
    network(
        conv2d([[[[0.7]]]], name="a"),
        avgpool2d([2, 1]),
        flatten(),
        conv2d([[[[1.0]]]], **source("a")),
        input_shape=[1, 2, 1],
    ),
    3,
    constant([1.0, 0.5]),
    *ALL,
)
runs(
    "all-take-the-input",
    "Three layers on the input; the readout is that of the last in the list.",
    network(layer([[0.9]]), layer([[0.8]], **source("input")), layer([[0.2]], **source("input"))),
    6,
    constant([1.0]),
    "counts",
    readout=[1],
)

# --- matrices without rows, and inputs of any width

runs(
    "empty-behind-a-name",
    "[] takes the width of its source, and gives nothing.",
    network(layer([[0.5], [0.5]], name="a"), layer([]), layer([[1.0, 1.0]], **source("a"))),
    3,
    constant([1.0]),
    *ALL,
    tags="zero-width",
    near="network.chain",
)
runs(
    "empty-then-bias",
    "Behind [] there is a layer of no inputs, whose bias is its current.",
    network(layer([]), layer([[], []], bias=[0.5, 1.0])),
    3,
    constant([1.0, 2.0]),
    *ALL,
    tags="zero-width bias",
)
runs(
    "any-width",
    "Where every taker of the input is [] it may have any width.",
    network(layer([], name="a"), layer([], **source("input")), total(dense_branch("a", []), dense_branch("input", []))),
    2,
    constant([1.0, 2.0, 3.0]),
    *ALL,
    tags="zero-width",
    near="input.shape network.chain",
)
runs(
    "any-index",
    "Then a spike may have any index.",
    network(total(dense_branch("input", []))),
    2,
    spikes([[0, 9007199254740991], []]),
    *ALL,
    tags="zero-width",
    near="input.indices",
)
runs(
    "width-of-a-later-taker",
    "The first taker is [], so the second says how wide the input is.",
    network(layer([]), layer([[0.5, 0.25]], **source("input"))),
    2,
    constant([1.0, 2.0]),
    *ALL,
    tags="zero-width",
    near="input.shape",
)
simulate.reject(
    "simulate-graph-width-of-a-later-taker-broken",
    "input.shape",
    "/input/values",
    "The second taker says that the input has two elements; three are there.",
    simulation(network(layer([]), layer([[0.5, 0.25]], **source("input"))), 2, constant([1.0, 2.0, 3.0])),
    put("/input/values", [1.0, 2.0]),
    tags="zero-width",
)
simulate.reject(
    "simulate-graph-values-of-a-shape",
    "input.shape",
    "/input/values",
    "channels x height x width are 12, not 11.",
    simulation(network(conv2d([[[[1.0]], [[1.0]]]]), input_shape=[2, 2, 3]), 1, constant([1.0] * 11)),
    put("/input/values", [1.0] * 12),
)
simulate.reject(
    "simulate-graph-values-nested-as-the-shape",
    "input.shape",
    "/input/values/0/0",
    "Values nested as the shape are a batch whose entries are no Numbers: a sample is one flat list.",
    simulation(network(conv2d([[[[1.0]]]]), input_shape=[1, 1, 2]), 1, constant([[[1.0, 1.0]]])),
    put("/input/values", [[1.0, 1.0]]),
)
simulate.reject(
    "simulate-graph-index-of-a-shape",
    "input.indices",
    "/input/indices/0/1",
    "12 places have the indices 0 to 11.",
    simulation(network(conv2d([[[[1.0]], [[1.0]]]]), input_shape=[2, 2, 3]), 1, spikes([[11, 12]])),
    put("/input/indices/0", [11]),
)
runs(
    "last-index-of-a-shape",
    "The last place is channel 1, row 1, column 2.",
    network(conv2d([[[[1.0]], [[1.0]]]]), input_shape=[2, 2, 3]),
    1,
    spikes([[0, 11]]),
    *ALL,
    near="input.indices input.shape",
    readout=[1, 0, 0, 0, 0, 1],
)
simulate.reject(
    "simulate-graph-rates-of-a-shape",
    "input.shape",
    "/input/rates/1",
    "Each row of a batch has channels x height x width rates.",
    simulation(network(conv2d([[[[1.0]]]]), input_shape=[1, 2, 2]), 1, poisson([[0.5] * 4, [0.5] * 5], 1)),
    put("/input/rates/1", [0.5] * 4),
)

# --- records

DEEP = network(
    avgpool2d([2, 1]),
    conv2d(tenths(2, 1, 1, 2), neuron(threshold=0.3), name="c"),
    flatten(),
    layer(tenths(2, 4), neuron(threshold=0.2)),
    flatten(),
    layer(tenths(1, 2, first=4), neuron(threshold=0.1)),
    input_shape=[1, 2, 3],
)
STIMULUS = flat(tenths(6, first=2))
for item in ALL:
    runs(
        f"records-{item}",
        "Layers without neurons have an empty entry, so that an entry's place is its layer's.",
        DEEP,
        3,
        constant(STIMULUS),
        item,
        tags="record",
        near="record.kind",
    )
    runs(
        f"records-{item}-of-a-batch",
        "In a batch, too, in every sample.",
        DEEP,
        2,
        constant([STIMULUS, flat(tenths(6))]),
        item,
        tags="record batch",
    )
runs(
    "readout-alone",
    "Without a record there is the readout alone.",
    DEEP,
    3,
    constant(STIMULUS),
)
runs(
    "membrane",
    "Under membrane readout the last layer alone keeps its potential.",
    DEEP | {"readout": "membrane"},
    3,
    constant(STIMULUS),
    *ALL,
    tags="membrane",
)
runs(
    "membrane-of-a-sum",
    "The last layer is a sum that never fires.",
    network(
        conv2d(tenths(2, 1, 1, 2), neuron(threshold=0.2), padding=[0, 1], name="a"),
        total(identity("a", 0.5), conv_branch("a", tenths(2, 2, 1, 1)), cell=lif(0.5, initial_potential=-0.25)),
        input_shape=[1, 2, 2],
        readout="membrane",
    ),
    4,
    constant([0.9, -0.3, 0.2, 1.1]),
    *ALL,
    tags="membrane",
)
runs(
    "many-layers",
    "Thirty-two sums in a row, each of the two layers before it.",
    network(
        layer([[0.7]], name="0"),
        layer([[0.9]], name="1"),
        *[total(identity(str(i), 0.6), identity(str(i + 1), 0.5), name=str(i + 2)) for i in range(32)],
    ),
    6,
    constant([1.0]),
    "counts",
)
runs(
    "a-network-of-everything",
    "Depthwise and pointwise convolutions, a skip with a stride, pools, a sum of dense branches.",
    network(
        conv2d(tenths(2, 2, 3, 3), neuron(threshold=0.5), padding=[1, 1], bias=[0.1, -0.1], name="stem"),
        conv2d(tenths(2, 1, 3, 1, first=3), lif(0.9, threshold=0.3), groups=2, padding=[1, 0], name="depth"),
        total(identity("depth", 0.6), identity("stem", 0.4), bias=[0.05, 0.1], name="res"),
        avgpool2d([2, 2], stride=[2, 1], name="pool"),
        flatten(name="flat"),
        layer(tenths(3, 8), neuron(threshold=0.4, reset="zero"), name="hidden"),
        total(
            dense_branch("hidden", tenths(2, 3, first=5)), dense_branch("flat", tenths(2, 8, first=7)), bias=[0.2, 0.1]
        ),
        input_shape=[2, 4, 3],
    ),
    5,
    constant(flat(tenths(24, first=8))),
    "counts",
    "spikes",
    "potential",
)
