"""Cases of simulate whose network convolves: geometry, order of sums, groups, zeros, overflow, in both profiles."""

from __future__ import annotations

import struct
from typing import Any

from cases import Cases, Patch, put
from documents import constant, conv2d, lif, network, neuron, poisson, simulation, spikes

simulate = Cases("simulate")
TABLES = [simulate]

ALL = ("counts", "spikes", "potential", "trace")
BIG = 1e16
"""1e16 + 1 is a tie that rounds back to 1e16; 1e16 + 2 is exact."""


def bits(*values: float) -> list[str]:
    """The hex digits of potentials in an answer."""
    return [struct.pack(">d", value).hex() for value in values]


def counted(*lengths: int, first: int = 1) -> Any:
    """Nested lists of this shape that hold first, first + 1, … in C order."""
    if not lengths:
        return float(first)
    step = 1
    for length in lengths[1:]:
        step *= length
    return [counted(*lengths[1:], first=first + i * step) for i in range(lengths[0])]


def tenths(*lengths: int, first: int = 0) -> Any:
    """Nested lists of this shape of odd tenths of both signs, so that every order of a sum has bits of its own."""
    if not lengths:
        return ((first * 7 + 3) % 23 - 11) / 10
    step = 1
    for length in lengths[1:]:
        step *= length
    return [tenths(*lengths[1:], first=first + i * step) for i in range(lengths[0])]


def flat(nested: Any) -> list[float]:
    """The leaves of nested lists."""
    return [leaf for entry in nested for leaf in flat(entry)] if isinstance(nested, list) else [nested]


def conv(
    name: str,
    why: str,
    shape: list[int],
    weights: Any,
    values: list[float],
    due: list[float] | None = None,
    tags: str = "",
    near: str = "",
    bias: list[float] | None = None,
    **geometry: Any,
) -> None:
    """Declare a convolution whose currents are read after one step; `due` are those worked out on paper."""
    biased = {} if bias is None else {"bias": bias}
    whole = network(conv2d(weights, **biased, **geometry), input_shape=shape, readout="membrane")
    facts = {} if due is None else {"readout": bits(*due)}
    codes = [f"network.{code}" for code in near.split()]
    simulate.accept(
        f"simulate-conv-{name}", why, simulation(whole, 1, constant(values)), near=codes, facts=facts, tags=tags
    )


# --- where the kernel goes

conv(
    "one-by-one",
    "A kernel of one weight scales each channel's map and adds the maps.",
    [2, 1, 3],
    [[[[2.0]], [[10.0]]]],
    [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    [42.0, 54.0, 66.0],
)
conv(
    "is-a-correlation",
    "The kernel is not flipped, as in PyTorch: at a 1 in the middle it appears in reverse order.",
    [1, 1, 5],
    [[[[1.0, 2.0, 3.0]]]],
    [0.0, 0.0, 1.0, 0.0, 0.0],
    [3.0, 2.0, 1.0],
)
conv(
    "is-a-correlation-of-rows",
    "Nor is it flipped from top to bottom.",
    [1, 5, 1],
    [[[[1.0], [2.0], [3.0]]]],
    [0.0, 0.0, 1.0, 0.0, 0.0],
    [3.0, 2.0, 1.0],
)
conv(
    "kernel-of-a-row",
    "A kernel 1 x 2 looks at neighbours in a row: kernels have height before width.",
    [1, 2, 3],
    [[[[1.0, 10.0]]]],
    [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    [21.0, 32.0, 54.0, 65.0],
)
conv(
    "kernel-of-a-column",
    "A kernel 2 x 1 looks at neighbours in a column.",
    [1, 2, 3],
    [[[[1.0], [10.0]]]],
    [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    [41.0, 52.0, 63.0],
)
conv(
    "kernel-two-by-three",
    "A kernel 2 x 3 on 3 x 4: output 2 x 2, in C order.",
    [1, 3, 4],
    [[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]],
    flat(counted(12)),
    [106.0, 127.0, 190.0, 211.0],
)
conv(
    "kernel-as-large-as-the-input",
    "A kernel that just fits leaves one output.",
    [2, 2, 3],
    [counted(2, 2, 3)],
    flat(counted(12)),
    [650.0],
    near="chain",
)
conv(
    "two-outputs",
    "The outputs stand channel by channel, each a map in C order.",
    [1, 2, 2],
    [[[[1.0]]], [[[100.0]]]],
    [1.0, 2.0, 3.0, 4.0],
    [1.0, 2.0, 3.0, 4.0, 100.0, 200.0, 300.0, 400.0],
)
conv(
    "stride-of-rows",
    "Stride [2, 1] skips rows: the first entry is the height's.",
    [1, 3, 3],
    [[[[1.0]]]],
    flat(counted(9)),
    [1.0, 2.0, 3.0, 7.0, 8.0, 9.0],
    stride=[2, 1],
)
conv(
    "stride-of-columns",
    "Stride [1, 2] skips columns.",
    [1, 3, 3],
    [[[[1.0]]]],
    flat(counted(9)),
    [1.0, 3.0, 4.0, 6.0, 7.0, 9.0],
    stride=[1, 2],
)
conv(
    "stride-leaves-the-rest",
    "Six columns, a kernel of 2 and a stride of 3 give two outputs; the last column is never looked at.",
    [1, 1, 6],
    [[[[1.0, 1.0]]]],
    [1.0, 2.0, 4.0, 8.0, 16.0, 32.0],
    [3.0, 24.0],
    stride=[1, 3],
)
conv(
    "stride-beyond-the-input",
    "However large the stride, the first place is one.",
    [1, 2, 2],
    [[[[1.0]]]],
    [7.0, 1.0, 1.0, 1.0],
    [7.0],
    near="geometry",
    stride=[65536, 65536],
)
conv(
    "padding-of-rows",
    "Padding [1, 0] adds a row above and below.",
    [1, 1, 2],
    [[[[1.0], [10.0], [100.0]]]],
    [3.0, 4.0],
    [30.0, 40.0],
    padding=[1, 0],
)
conv(
    "padding-of-columns",
    "Padding [0, 1] adds a column on both sides.",
    [1, 1, 2],
    [[[[1.0, 10.0, 100.0]]]],
    [3.0, 4.0],
    [430.0, 43.0],
    padding=[0, 1],
)
conv(
    "padding-is-not-an-edge",
    "Padding repeats neither the edge nor what is opposite: it contributes nothing.",
    [1, 1, 3],
    [[[[1.0, 0.0, 0.0, 0.0, 1.0]]]],
    [1.0, 2.0, 4.0],
    [4.0, 0.0, 1.0],
    padding=[0, 2],
)
conv(
    "padding-beyond-the-kernel",
    "Outputs that see nothing but padding have a current of 0.",
    [1, 1, 1],
    [[[[2.0]]]],
    [3.0],
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 6.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    padding=[1, 2],
)
conv(
    "padding-makes-the-kernel-fit",
    "A kernel larger than the input fits where there is padding enough.",
    [1, 1, 1],
    [counted(1, 3, 3)],
    [2.0],
    [10.0],
    near="chain",
    padding=[1, 1],
)
conv(
    "dilation-of-rows",
    "Dilation [2, 1] spreads the kernel's rows.",
    [1, 3, 2],
    [[[[1.0, 10.0], [100.0, 1000.0]]]],
    flat(counted(6)),
    [6521.0],
    dilation=[2, 1],
)
conv(
    "dilation-of-columns",
    "Dilation [1, 2] spreads its columns.",
    [1, 2, 3],
    [[[[1.0, 10.0], [100.0, 1000.0]]]],
    flat(counted(6)),
    [6431.0],
    dilation=[1, 2],
)
conv(
    "dilation-of-one-weight",
    "A kernel of one weight has nothing to spread, whatever the dilation.",
    [1, 2, 2],
    [[[[2.0]]]],
    flat(counted(4)),
    [2.0, 4.0, 6.0, 8.0],
    near="geometry",
    dilation=[65536, 65536],
)
conv(
    "dilation-beyond-16-bits",
    "65,536 and a padding of half of it leave two places that see nothing: sizes need more than 16 bits.",
    [1, 1, 2],
    [[[[1.0, 10.0]]]],
    [3.0, 4.0],
    [0.0, 0.0],
    near="chain geometry",
    padding=[0, 32768],
    dilation=[1, 65536],
)
conv(
    "padding-and-stride",
    "The stride starts in the padding, not at the first input.",
    [1, 1, 4],
    [[[[1.0, 10.0]]]],
    [1.0, 2.0, 3.0, 4.0],
    [10.0, 32.0, 4.0],
    stride=[1, 2],
    padding=[0, 1],
)
conv(
    "stride-and-dilation",
    "The stride moves the whole kernel, however wide it is spread.",
    [1, 1, 7],
    [[[[1.0, 10.0, 100.0]]]],
    flat(counted(7)),
    [531.0, 753.0],
    stride=[1, 2],
    dilation=[1, 2],
)
for number, (shape, kernel, geometry) in enumerate(
    [
        ([2, 5, 4], (3, 2, 3, 2), {"stride": [2, 1], "padding": [1, 0]}),
        ([2, 5, 4], (2, 2, 2, 3), {"stride": [1, 3], "padding": [0, 2], "dilation": [3, 1]}),
        ([3, 4, 7], (2, 3, 2, 3), {"stride": [3, 2], "padding": [2, 1], "dilation": [1, 2]}),
        ([1, 7, 3], (4, 1, 4, 1), {"stride": [1, 2], "padding": [3, 1], "dilation": [2, 3]}),
        ([4, 3, 5], (6, 2, 2, 2), {"stride": [1, 2], "padding": [1, 1], "groups": 2}),
        ([3, 4, 6], (3, 1, 3, 2), {"stride": [2, 1], "padding": [0, 1], "dilation": [1, 2], "groups": 3}),
        ([2, 3, 3], (2, 2, 1, 1), {"padding": [1, 0], "stride": [2, 2]}),
        ([1, 6, 6], (1, 1, 3, 3), {"stride": [2, 2], "padding": [1, 1], "dilation": [2, 2]}),
    ]
):
    height, width = shape[1:]
    conv(
        f"geometry-{number}",
        "Everything at once, height and width unequal in every pair, weights and inputs without symmetry.",
        shape,
        tenths(*kernel),
        flat(tenths(*shape, first=5)),
        bias=[0.1 * (o + 1) for o in range(kernel[0])],
        tags="order-of-sum",
        **geometry,
    )

# --- groups

conv(
    "groups",
    "Two groups: the first half of the outputs sees the first half of the channels alone.",
    [4, 1, 1],
    [[[[1.0]], [[10.0]]], [[[100.0]], [[1000.0]]]],
    [1.0, 2.0, 3.0, 4.0],
    [21.0, 4300.0],
    groups=2,
)
conv(
    "groups-of-two-outputs",
    "Outputs 0 and 1 belong to group 0: groups are not dealt in turn.",
    [2, 1, 1],
    [[[[1.0]]], [[[10.0]]], [[[100.0]]], [[[1000.0]]]],
    [3.0, 7.0],
    [3.0, 30.0, 700.0, 7000.0],
    groups=2,
)
conv(
    "groups-of-one-channel",
    "Depthwise: as many groups as channels, each output sees its own.",
    [3, 1, 2],
    [[[[1.0, 10.0]]], [[[100.0, 1000.0]]], [[[2.0, 3.0]]]],
    [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    [21.0, 4300.0, 28.0],
    groups=3,
)
conv(
    "groups-of-one-channel-twice",
    "Depthwise with two outputs per channel.",
    [2, 1, 1],
    [[[[1.0]]], [[[2.0]]], [[[3.0]]], [[[4.0]]]],
    [10.0, 100.0],
    [10.0, 20.0, 300.0, 400.0],
    groups=2,
)
conv(
    "groups-of-three-channels",
    "Six channels in two groups, and one output in each.",
    [6, 1, 1],
    [[[[1.0]], [[2.0]], [[3.0]]], [[[4.0]], [[5.0]], [[6.0]]]],
    [1.0, 10.0, 100.0, 1.0, 10.0, 100.0],
    [321.0, 654.0],
    near="chain",
    groups=2,
)

# --- order of sums

conv(
    "order-of-columns",
    "1e16+1+1 from the left is 1e16; from the right it is 1e16+2.",
    [1, 1, 3],
    [[[[BIG, 1.0, 1.0]]]],
    [1.0, 1.0, 1.0],
    [BIG],
    tags="order-of-sum ulp",
)
conv(
    "order-of-columns-large-last",
    "1+1+1e16 from the left is 1e16+2.",
    [1, 1, 3],
    [[[[1.0, 1.0, BIG]]]],
    [1.0, 1.0, 1.0],
    [BIG + 2],
    tags="order-of-sum ulp",
)
conv(
    "order-of-rows",
    "Kernel rows ascend: 1e16 is in the first.",
    [1, 3, 1],
    [[[[BIG], [1.0], [1.0]]]],
    [1.0, 1.0, 1.0],
    [BIG],
    tags="order-of-sum ulp",
)
conv(
    "order-of-channels",
    "Channels ascend: 1e16 is in the first.",
    [3, 1, 1],
    [[[[BIG]], [[1.0]], [[1.0]]]],
    [1.0, 1.0, 1.0],
    [BIG],
    tags="order-of-sum ulp",
)
conv(
    "order-of-channels-large-last",
    "And here in the last: two ones are added before.",
    [3, 1, 1],
    [[[[1.0]], [[1.0]], [[BIG]]]],
    [1.0, 1.0, 1.0],
    [BIG + 2],
    tags="order-of-sum ulp",
)
conv(
    "order-not-column-by-column",
    "Column by column the two ones on the left would be added before 1e16.",
    [1, 2, 2],
    [[[[1.0, BIG], [1.0, 1.0]]]],
    [1.0, 1.0, 1.0, 1.0],
    [BIG],
    tags="order-of-sum ulp",
)
conv(
    "order-not-channels-innermost",
    "All of channel 0 comes before channel 1; with the channels innermost two ones would come before 1e16.",
    [2, 1, 2],
    [[[[1.0, BIG]], [[1.0, 1.0]]]],
    [1.0, 1.0, 1.0, 1.0],
    [BIG],
    tags="order-of-sum ulp",
)
conv(
    "order-not-a-sum-of-channels",
    "The channels' sums are not added as wholes: 1e16+1+1 stays, 1e16+(1+1) would be 1e16+2.",
    [2, 1, 2],
    [[[[BIG, 0.0]], [[1.0, 1.0]]]],
    [1.0, 1.0, 1.0, 1.0],
    [BIG],
    tags="order-of-sum ulp",
)
conv(
    "order-not-a-sum-of-rows",
    "Nor are the kernel rows' sums.",
    [1, 2, 2],
    [[[[BIG, 0.0], [1.0, 1.0]]]],
    [1.0, 1.0, 1.0, 1.0],
    [BIG],
    tags="order-of-sum ulp",
)
conv(
    "order-not-pairwise",
    "Pairwise, (1e16+1)+(1+1) is 1e16+2.",
    [1, 1, 4],
    [[[[BIG, 1.0, 1.0, 1.0]]]],
    [1.0] * 4,
    [BIG],
    tags="order-of-sum ulp",
)
conv(
    "order-not-in-lanes",
    "Lanes over the terms would keep most of the 26 ones.",
    [3, 3, 3],
    [[[[BIG if (c, i, j) == (0, 0, 0) else 1.0 for j in range(3)] for i in range(3)] for c in range(3)]],
    [1.0] * 27,
    [BIG],
    tags="order-of-sum ulp",
)
conv(
    "order-not-compensated",
    "1+1e100+1-1e100 is 0; a compensated sum gives 2.",
    [1, 2, 2],
    [[[[1.0, 1e100], [1.0, -1e100]]]],
    [1.0] * 4,
    [0.0],
    tags="order-of-sum cancellation",
)
conv(
    "not-fused",
    "(1+2^-30)^2 is rounded before 1+2^-29 is taken away; a fused multiply-add leaves 2^-60.",
    [1, 1, 2],
    [[[[-(1.0 + 2.0**-29), 1.0 + 2.0**-30]]]],
    [1.0, 1.0 + 2.0**-30],
    [0.0],
    tags="fma ulp",
)
conv(
    "not-fused-over-channels",
    "The same with the two terms in two channels.",
    [2, 1, 1],
    [[[[-(1.0 + 2.0**-29)]], [[1.0 + 2.0**-30]]]],
    [1.0, 1.0 + 2.0**-30],
    [0.0],
    tags="fma ulp",
)
conv(
    "bias-last",
    "(1+1e16)-1e16 is 0; a sum that starts with the bias gives 1.",
    [1, 1, 2],
    [[[[1.0, 1.0]]]],
    [1.0, BIG],
    [0.0],
    bias=[-BIG],
    tags="bias order-of-sum",
)
conv(
    "bias-last-over-channels",
    "The bias comes after the last channel, not after the first.",
    [2, 1, 1],
    [[[[1.0]], [[1.0]]]],
    [1.0, BIG],
    [0.0],
    bias=[-BIG],
    tags="bias order-of-sum",
)
conv(
    "bias-of-a-channel",
    "One bias per output channel, for the whole map; not one per place.",
    [1, 1, 2],
    [[[[1.0]]], [[[1.0]]]],
    [1.0, 2.0],
    [11.0, 12.0, 101.0, 102.0],
    bias=[10.0, 100.0],
    tags="bias",
)
conv(
    "bias-where-all-is-padding",
    "The bias is added where the kernel sees nothing but padding, too.",
    [1, 1, 1],
    [[[[1.0]]]],
    [1.0],
    [0.5, 1.5, 0.5],
    bias=[0.5],
    padding=[0, 1],
    tags="bias",
)

# --- signed zeros, subnormals, overflow

conv(
    "minus-zero-bias",
    "+0.0 and a bias of -0.0 are +0.0.",
    [1, 1, 1],
    [[[[0.0]]]],
    [1.0],
    [0.0],
    bias=[-0.0],
    tags="negative-zero bias",
)
conv(
    "minus-zero-product",
    "The sum starts with +0.0: a product of -0.0 does not show.",
    [1, 1, 2],
    [[[[-1.0, 1.0]]]],
    [0.0, -0.0],
    [0.0],
    tags="negative-zero",
)
conv(
    "subnormal-products",
    "Products below the smallest normal number are kept, each rounded.",
    [1, 1, 2],
    [[[[1e-160, 3e-160]]]],
    [1e-160, 1e-161],
    [1e-160 * 1e-160 + 3e-160 * 1e-161],
    tags="subnormal",
)
conv(
    "subnormal-weight",
    "The smallest number of all, twice, is its double.",
    [2, 1, 1],
    [[[[5e-324]], [[5e-324]]]],
    [1.0, 1.0],
    [1e-323],
    tags="subnormal",
)


def overflow(name: str, why: str, first: dict[str, Any], shape: list[int], values: list[float], patch: Patch) -> None:
    """Declare a run that becomes non-finite in layer 0."""
    data = simulation(network(first, input_shape=shape), 2, constant(values))
    simulate.reject(
        f"simulate-conv-{name}", "simulate.non-finite", "/network/layers/0", why, data, patch, tags="overflow"
    )


W = "/network/layers/0/weights/0"
overflow(
    "overflow-on-the-way",
    "1e308+1e308-1e308 is 1e308 at last, but the sum has been infinite.",
    conv2d([[[[1e308, 1e308, -1e308]]]]),
    [1, 1, 3],
    [1.0, 1.0, 1.0],
    put(f"{W}/0/0/1", 0.0),
)
overflow(
    "overflow-between-channels",
    "So it is where the terms are in three channels.",
    conv2d([[[[1e308]], [[1e308]], [[-1e308]]]]),
    [3, 1, 1],
    [1.0, 1.0, 1.0],
    put(f"{W}/1/0/0", 0.0),
)
overflow(
    "overflow-of-a-product",
    "A product beyond the largest number, in the last output alone.",
    conv2d([[[[1e300]]]]),
    [1, 1, 3],
    [1.0, 1.0, 1e10],
    put("/input/values/2", 1.0),
)
overflow(
    "overflow-by-the-bias",
    "Finite before the bias, infinite with it.",
    conv2d([[[[1e308]]]], bias=[1e308]),
    [1, 1, 1],
    [1.0],
    put("/network/layers/0/bias/0", -1e308),
)
overflow(
    "overflow-of-the-second-step",
    "The potential overflows at step 1: 1e308 twice.",
    conv2d([[[[1e308]]]], neuron(threshold=1.7e308)),
    [1, 1, 1],
    [1.0],
    put("/input/values/0", 0.5),
)

# --- runs: inputs, neurons, records


def runs(
    name: str,
    why: str,
    whole: dict[str, Any],
    steps: int,
    stimulus: Any,
    *record: str,
    tags: str = "",
    near: tuple[str, ...] = (),
    profile: str = "",
    **facts: Any,
) -> None:
    """Declare a run of several steps."""
    extra = {"profile": profile} if profile else {}
    data = simulation(whole, steps, stimulus, *record, **extra)
    simulate.accept(f"simulate-conv-{name}", why, data, near=near, facts=facts, tags=tags)


EDGES = conv2d([[[[0.25, 0.25]]]], padding=[0, 1])
IMAGE = [2, 3, 2]
"""Two channels, three rows, two columns: no two lengths that could be mistaken for each other's."""
FILTERS = tenths(3, 2, 2, 2)

runs(
    "fires",
    "0.5 twice is exactly the threshold in the middle place; the others wait.",
    network(EDGES, input_shape=[1, 1, 2]),
    4,
    constant([1.0, 1.0]),
    *ALL,
    readout=[1, 2, 1],
    spikes=[[[], [1], [], [0, 1, 2]]],
)
runs(
    "spikes-are-in-the-flat-list",
    "A spike has the number of its place in the list of channels x height x width.",
    network(conv2d([[[[1.0]], [[10.0]]]], neuron(threshold=1e9)), input_shape=[2, 1, 2], readout="membrane"),
    3,
    spikes([[0], [3], [1, 2]]),
    *ALL,
    readout=bits(11.0, 11.0),
)
for place in range(12):
    runs(
        f"spike-at-{place}",
        "One spike alone: a kernel that scatters it reaches the due outputs, and nothing beyond the edges.",
        network(conv2d(FILTERS, padding=[1, 0], stride=[1, 1]), input_shape=IMAGE, readout="membrane"),
        1,
        spikes([[place]]),
    )
runs(
    "spikes-of-all-places",
    "All spikes at once, so that every sum has its order.",
    network(conv2d(FILTERS, padding=[1, 1], dilation=[1, 2]), input_shape=IMAGE, readout="membrane"),
    2,
    spikes([list(range(12)), list(range(0, 12, 2))]),
    tags="order-of-sum",
)
runs(
    "batch-of-values",
    "Each sample of a batch gives what it gives alone.",
    network(conv2d(FILTERS, lif(0.75), padding=[1, 0], bias=[0.1, -0.2, 0.3]), input_shape=IMAGE),
    5,
    constant([flat(tenths(*IMAGE, first=first)) for first in (0, 4, 9)]),
    *ALL,
    tags="batch",
)
runs(
    "batch-of-spikes",
    "A batch of spike trains; the first sample is silent at first.",
    network(conv2d(FILTERS, neuron(threshold=0.3), stride=[2, 1]), input_shape=IMAGE),
    3,
    spikes([[[0], [], [3, 11]], [[], [1, 2, 5], [6, 7, 8, 9]]]),
    *ALL,
    tags="batch",
)
runs(
    "poisson",
    "Input number i of the flat list has the i-th train of section 8.",
    network(conv2d(FILTERS, neuron(threshold=0.6), padding=[0, 1]), input_shape=IMAGE),
    8,
    poisson([0.1 * (i % 10) for i in range(12)], 5),
    *ALL,
    tags="poisson",
)
runs(
    "poisson-batch",
    "Sample numbers count on through the batch.",
    network(conv2d(FILTERS, neuron(threshold=0.6), padding=[0, 1]), input_shape=IMAGE),
    4,
    poisson([[0.5] * 12, [0.25] * 12], 9, sample=3),
    "counts",
    "potential",
    tags="poisson batch",
)
runs(
    "two-in-a-row",
    "The spikes of one convolution are the input of the next at the same step.",
    network(
        conv2d(FILTERS, neuron(threshold=0.4), padding=[1, 1]),
        conv2d(tenths(2, 3, 2, 1, first=9), neuron(threshold=0.5), stride=[1, 2]),
        input_shape=IMAGE,
    ),
    6,
    constant(flat(tenths(*IMAGE, first=2))),
    *ALL,
)
runs(
    "reset-to-zero",
    "Each place of a map has a membrane of its own, reset to zero here.",
    network(conv2d(FILTERS, neuron(reset="zero", initial_potential=0.25), padding=[1, 1]), input_shape=IMAGE),
    6,
    constant(flat(tenths(*IMAGE, first=7))),
    *ALL,
)
runs(
    "leaks",
    "The decay is that of every place of the map.",
    network(conv2d(FILTERS, lif(0.9, threshold=0.7), padding=[1, 1]), input_shape=IMAGE),
    6,
    constant(flat(tenths(*IMAGE, first=7))),
    *ALL,
    tags="decay",
)
runs(
    "membrane-of-a-map",
    "Under membrane readout the last layer never fires, and its readout is the flat list of its potentials.",
    network(
        conv2d(FILTERS, padding=[1, 1]),
        conv2d(tenths(2, 3, 1, 1), neuron(initial_potential=0.125)),
        input_shape=IMAGE,
        readout="membrane",
    ),
    4,
    constant(flat(tenths(*IMAGE, first=1))),
    *ALL,
    tags="membrane",
)
runs(
    "initial-potential-minus-zero",
    "A membrane of -0.0 becomes +0.0 with a current of 0, also where the kernel sees padding alone.",
    network(
        conv2d([[[[1.0]]]], neuron(initial_potential=-0.0), padding=[0, 1]), input_shape=[1, 1, 1], readout="membrane"
    ),
    1,
    constant([0.0]),
    "trace",
    tags="negative-zero",
    readout=bits(0.0, 0.0, 0.0),
)
for outputs in (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17):
    runs(
        f"width-{outputs}",
        "As many output channels and columns as leave every tail of a vector.",
        network(
            conv2d(tenths(outputs, 2, 1, 3), padding=[0, 1], bias=tenths(outputs, first=3)),
            input_shape=[2, 1, outputs],
            readout="membrane",
        ),
        1,
        constant(flat(tenths(2, outputs, first=6))),
        tags="width",
    )

# --- sequential-f32


def single(name: str, why: str, weights: Any, values: list[float], tags: str = "", **changes: Any) -> None:
    """Declare a convolution over one row, or over channels, in binary32."""
    shape = [len(weights[0]), 1, len(values) // len(weights[0])]
    whole = network(conv2d(weights, **changes), input_shape=shape, readout="membrane")
    runs(f"f32-{name}", why, whole, 1, constant(values), profile="sequential-f32", tags=tags)


TICK = 2.0**-23
single("tenths", "Products and sums of tenths are rounded to binary32, each.", [[[[0.1, 0.2, 0.3]]]], [0.7, 0.6, -0.9])
single(
    "order",
    "2^24+1+1 stays 2^24 in binary32.",
    [[[[16777216.0, 1.0, 1.0]]]],
    [1.0, 1.0, 1.0],
    tags="order-of-sum ulp",
)
single(
    "order-of-channels",
    "1+1+2^24 is 2^24+2.",
    [[[[1.0]], [[1.0]], [[16777216.0]]]],
    [1.0, 1.0, 1.0],
    tags="order-of-sum ulp",
)
single(
    "not-fused",
    "(1+2^-23)^2 is rounded before 1+2^-22 is taken away.",
    [[[[-(1.0 + 2 * TICK), 1.0 + TICK]]]],
    [1.0, 1.0 + TICK],
    tags="fma ulp",
)
single(
    "bias-last", "The bias meets the rounded sum.", [[[[16777216.0, 1.0]]]], [1.0, 1.0], tags="bias", bias=[-16777216.0]
)
single("weights-rounded-once", "A third is that of binary32 before it is multiplied.", [[[[1 / 3]]]], [3.0])
single("subnormal", "Subnormals of binary32 are kept.", [[[[1e-30, 1e-45]]]], [1e-10, 1.0], tags="subnormal")
runs(
    "f32-run",
    "A whole run in binary32: potentials of 8 digits, place by place.",
    network(conv2d(FILTERS, lif(0.9), padding=[1, 1], bias=[0.1, 0.2, 0.3]), input_shape=IMAGE),
    6,
    constant(flat(tenths(*IMAGE, first=3))),
    *ALL,
    profile="sequential-f32",
)
simulate.reject(
    "simulate-conv-f32-overflow",
    "simulate.non-finite",
    "/network/layers/0",
    "3e38+3e38 is beyond binary32, if not beyond binary64.",
    simulation(
        network(conv2d([[[[3e38, 3e38]]]]), input_shape=[1, 1, 2]), 1, constant([1.0, 1.0]), profile="sequential-f32"
    ),
    put("/network/layers/0/weights/0/0/0/1", 0.0),
    tags="overflow",
)
