"""Cases of simulate with average pools, flattenings and sums of branches: what they compute, in both profiles."""

from __future__ import annotations

from typing import Any

from cases import Cases, Patch, put
from convolutions import ALL, BIG, bits, counted, flat, tenths
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
    profile: str = "",
    **facts: Any,
) -> None:
    """Declare a run."""
    extra = {"profile": profile} if profile else {}
    codes = [f"network.{code}" for code in near.split()]
    data = simulation(whole, steps, stimulus, *record, **extra)
    simulate.accept(f"simulate-{name}", why, data, near=codes, facts=facts, tags=tags)


def seen(shape: list[int], *layers: Any) -> dict[str, Any]:
    """A network that ends in a look at what these layers give, each number times 1."""
    return network(*layers, input_shape=shape, readout="membrane")


# --- the first of each kind

runs(
    "pool-flatten-dense",
    "A pool of 2 x 2, its four means in one list, and a dense layer on them.",
    network(avgpool2d([2, 2]), flatten(), layer([[1.0, 0.0, 0.0, 1.0], [0.0, 0.5, 0.5, 0.0]]), input_shape=[1, 4, 4]),
    3,
    constant([x / 8 for x in flat(counted(16))]),
    *ALL,
)
runs(
    "sum-of-two-branches",
    "A dense branch and the layer before itself: a skip connection.",
    network(
        layer([[1.0, 0.5], [0.25, 0.25]], name="first"),
        total(dense_branch("input", [[0.5, 0.0], [0.0, 0.5]]), identity("first", 0.5), bias=[0.0, 0.125]),
    ),
    4,
    constant([1.0, 0.5]),
    *ALL,
)

# --- where the kernel of a pool goes, and what it adds


def pool(
    name: str,
    why: str,
    shape: list[int],
    kernel: list[int],
    values: list[float],
    due: list[float] | None = None,
    tags: str = "",
    near: str = "",
    profile: str = "",
    **changes: Any,
) -> None:
    """Declare a pool whose means are read through a convolution of one weight per channel; `due` is from paper."""
    eye = [[[[1.0 if c == o else 0.0]] for c in range(shape[0])] for o in range(shape[0])]
    whole = seen(shape, avgpool2d(kernel, **changes), conv2d(eye))
    facts = {} if due is None else {"readout": bits(*due)}
    runs(f"pool-{name}", why, whole, 1, constant(values), tags=tags, near=near, profile=profile, **facts)


pool(
    "of-a-row",
    "A kernel 1 x 2 takes neighbours in a row, and without a stride moves by its own size.",
    [1, 2, 4],
    [1, 2],
    flat(counted(8)),
    [1.5, 3.5, 5.5, 7.5],
)
pool(
    "of-a-column", "A kernel 2 x 1 takes neighbours in a column.", [1, 2, 3], [2, 1], flat(counted(6)), [2.5, 3.5, 4.5]
)
pool(
    "two-by-three",
    "The kernel's first entry is its height, and so is the stride's.",
    [1, 4, 6],
    [2, 3],
    flat(counted(24)),
    [5.0, 8.0, 17.0, 20.0],
)
pool(
    "of-each-channel", "Channels are not mixed.", [3, 1, 2], [1, 2], [1.0, 3.0, 10.0, 30.0, 5.0, 5.0], [2.0, 20.0, 5.0]
)
pool(
    "of-everything",
    "A kernel as large as the input leaves one mean.",
    [1, 3, 2],
    [3, 2],
    flat(counted(6)),
    [3.5],
    near="chain",
)
pool("of-one", "A kernel 1 x 1 changes nothing.", [1, 2, 2], [1, 1], flat(tenths(4)), flat(tenths(4)), near="geometry")
pool(
    "leaves-the-rest",
    "A third row and a fifth column are not covered.",
    [1, 3, 5],
    [2, 2],
    flat(counted(15)),
    [4.0, 6.0],
)
pool(
    "stride-smaller",
    "A stride smaller than the kernel: kernels overlap.",
    [1, 1, 4],
    [1, 2],
    flat(counted(4)),
    [1.5, 2.5, 3.5],
    stride=[1, 1],
)
pool(
    "stride-larger",
    "A stride larger than the kernel leaves gaps.",
    [1, 1, 7],
    [1, 2],
    flat(counted(7)),
    [1.5, 4.5],
    stride=[1, 3],
)
pool(
    "stride-of-rows",
    "Stride [2, 1] skips rows.",
    [1, 3, 3],
    [1, 1],
    flat(counted(9)),
    [1.0, 2.0, 3.0, 7.0, 8.0, 9.0],
    stride=[2, 1],
)
pool(
    "stride-of-columns",
    "Stride [1, 2] skips columns.",
    [1, 3, 3],
    [1, 1],
    flat(counted(9)),
    [1.0, 3.0, 4.0, 6.0, 7.0, 9.0],
    stride=[1, 2],
)
pool(
    "stride-beyond-the-input",
    "However large the stride, the first place is one.",
    [1, 2, 3],
    [2, 2],
    flat(counted(6)),
    [3.0],
    near="geometry",
    stride=[65536, 65536],
)
for number, (shape, kernel, changes) in enumerate(
    [
        ([2, 5, 7], [3, 2], {}),
        ([2, 5, 7], [2, 3], {"stride": [1, 2]}),
        ([3, 4, 9], [1, 5], {"stride": [3, 1]}),
        ([1, 7, 7], [7, 7], {}),
        ([2, 6, 4], [3, 3], {"stride": [2, 1]}),
    ]
):
    pool(
        f"geometry-{number}",
        "Unequal lengths everywhere, tenths without symmetry: sums of three and more have an order.",
        shape,
        kernel,
        flat(tenths(*shape, first=2)),
        tags="order-of-sum",
        **changes,
    )
pool(
    "order-of-columns",
    "Within a row from the left: 1e16+1+1 is 1e16.",
    [1, 1, 3],
    [1, 3],
    [BIG, 1.0, 1.0],
    [BIG / 3],
    tags="order-of-sum ulp",
)
pool(
    "order-large-last",
    "1+1+1e16 is 1e16+2.",
    [1, 1, 4],
    [1, 4],
    [1.0, 1.0, BIG, 0.0],
    [(BIG + 2) / 4],
    tags="order-of-sum ulp",
)
pool(
    "order-of-rows", "Rows from the top.", [1, 3, 1], [3, 1], [1.0, 1.0, BIG], [(BIG + 2) / 3], tags="order-of-sum ulp"
)
pool(
    "order-row-by-row",
    "Row by row 1+1e16+1+1 is 1e16; column by column two ones come first.",
    [1, 2, 2],
    [2, 2],
    [1.0, BIG, 1.0, 1.0],
    [BIG / 4],
    tags="order-of-sum ulp",
)
pool(
    "order-not-a-sum-of-rows",
    "The rows' sums are not added as wholes.",
    [1, 2, 2],
    [2, 2],
    [BIG, 0.0, 1.0, 1.0],
    [BIG / 4],
    tags="order-of-sum ulp",
)
pool(
    "order-not-pairwise", "Nor are pairs.", [1, 1, 4], [1, 4], [BIG, 1.0, 1.0, 1.0], [BIG / 4], tags="order-of-sum ulp"
)
pool(
    "cancels",
    "1e16+1-1e16 is 0: the mean is of the sum, not a sum of quotients.",
    [1, 1, 3],
    [1, 3],
    [BIG, 1.0, -BIG],
    [0.0],
    tags="cancellation order-of-sum",
)
pool(
    "not-a-sum-of-quotients",
    "(0.1+0.2+0.3)/3 is above 0.2; 0.1/3+0.2/3+0.3/3 is 0.2.",
    [1, 1, 3],
    [1, 3],
    [0.1, 0.2, 0.3],
    [(0.1 + 0.2 + 0.3) / 3],
    tags="ulp",
)
for count in (3, 5, 6, 7, 9, 49):
    sums = [float(n) for n in range(1, 200) if n / count != n * (1 / count)][:2]
    pool(
        f"divides-by-{count}",
        f"A quotient by {count} is rounded once; times the rounded reciprocal it is another number.",
        [1, len(sums), count],
        [1, count],
        [value for n in sums for value in [n] + [0.0] * (count - 1)],
        [n / count for n in sums],
        tags="ulp",
    )
pool(
    "minus-zero",
    "The sum starts with +0.0: a mean of -0.0 is +0.0.",
    [1, 1, 2],
    [1, 2],
    [-0.0, -0.0],
    [0.0],
    tags="negative-zero",
)
pool(
    "subnormal-tie",
    "Half of the smallest number is a tie that rounds to even, to 0.",
    [1, 1, 2],
    [1, 2],
    [5e-324, 0.0],
    [0.0],
    tags="subnormal",
)
pool(
    "subnormal-up",
    "Half of three of them rounds to two.",
    [1, 1, 2],
    [1, 2],
    [5e-324, 1e-323],
    [1e-323],
    tags="subnormal",
)
pool("subnormal-kept", "A subnormal mean is kept.", [1, 1, 2], [1, 2], [4e-310, 2e-310], [3e-310], tags="subnormal")

LOOK = [[1.0]]
POOLED = avgpool2d([1, 2])
simulate.reject(
    "simulate-pool-overflow",
    "simulate.non-finite",
    "/network/layers/0",
    "1e308+1e308 is infinite, though half of it would not be.",
    simulation(seen([1, 1, 2], POOLED, flatten(), layer(LOOK)), 1, constant([1e308, 1e308])),
    put("/input/values/1", 1.0),
    tags="overflow",
)
simulate.reject(
    "simulate-pool-overflow-cancels",
    "simulate.non-finite",
    "/network/layers/1",
    "The sum of the second pool has been infinite before -1e308 came.",
    simulation(
        seen([1, 1, 3], avgpool2d([1, 1]), avgpool2d([1, 3]), flatten(), layer(LOOK)),
        1,
        constant([1e308, 1e308, -1e308]),
    ),
    put("/input/values/1", 1.0),
    tags="overflow",
)
runs(
    "pool-of-a-pool",
    "A pool hands on what it gives within the step; the second one takes means.",
    seen(
        [1, 4, 4], avgpool2d([2, 1]), avgpool2d([1, 2], stride=[1, 1]), flatten(), layer([[0.1 * k for k in range(6)]])
    ),
    1,
    constant(flat(tenths(4, 4))),
)
runs(
    "pool-of-spikes",
    "A pool of spikes gives fractions, and the next layer multiplies them.",
    network(
        conv2d([[[[1.0]]], [[[0.6]]]], name="spiking"),
        avgpool2d([3, 1]),
        conv2d([[[[0.3, 0.9]], [[0.7, -0.1]]]], neuron(threshold=0.4)),
        input_shape=[1, 3, 2],
    ),
    5,
    constant([0.3, 0.9, 0.5, 0.2, 1.1, 0.4]),
    *ALL,
)
runs(
    "pool-first",
    "The first layer has no records; a batch is one all the same.",
    network(avgpool2d([2, 2]), flatten(), layer(tenths(3, 2)), input_shape=[2, 2, 2]),
    3,
    constant([flat(tenths(8)), flat(tenths(8, first=3))]),
    *ALL,
    tags="batch record",
)
runs(
    "pool-first-of-one-sample",
    "One sample with empty entries first.",
    network(avgpool2d([2, 2]), flatten(), layer(tenths(3, 2)), input_shape=[2, 2, 2]),
    3,
    constant(flat(tenths(8, first=1))),
    *ALL,
    tags="record",
)
runs(
    "pool-of-poisson",
    "Spike trains have fractions for means.",
    network(avgpool2d([2, 3]), flatten(), layer([[0.9, 0.4], [0.5, 1.5]]), input_shape=[1, 4, 3]),
    6,
    poisson([0.5] * 12, 7),
    *ALL,
    tags="poisson",
)
runs(
    "pool-between-batches",
    "What a pool gave for one sample is gone with the next, here a silent one.",
    network(conv2d([[[[1.0]]]]), avgpool2d([1, 2]), conv2d([[[[1.0]]]]), input_shape=[1, 1, 2]),
    2,
    spikes([[[0, 1], [0]], [[], []], [[1], [0, 1]]]),
    *ALL,
    tags="batch",
)
pool("f32-divides-by-3", "10/3 in binary32.", [1, 1, 3], [1, 3], [10.0, 0.0, 0.0], profile="sequential-f32", tags="ulp")
pool(
    "f32-tenths",
    "Each sum rounded to binary32.",
    [1, 2, 3],
    [2, 3],
    flat(tenths(6)),
    profile="sequential-f32",
    tags="order-of-sum",
)
pool(
    "f32-order",
    "2^24+1+1+1 stays 2^24.",
    [1, 2, 2],
    [2, 2],
    [16777216.0, 1.0, 1.0, 1.0],
    profile="sequential-f32",
    tags="order-of-sum ulp",
)
simulate.reject(
    "simulate-pool-f32-overflow",
    "simulate.non-finite",
    "/network/layers/0",
    "3e38+3e38 is beyond binary32; the mean would not be.",
    simulation(seen([1, 1, 2], POOLED, flatten(), layer(LOOK)), 1, constant([3e38, 3e38]), profile="sequential-f32"),
    put("/input/values/1", 1.0),
    tags="overflow",
)

# --- flatten

runs(
    "flatten-in-c-order",
    "Channel, row, column: the list of a flatten is that of its source.",
    seen([2, 2, 3], flatten(), layer([[float(10**i) if i < 12 else 0.0 for i in range(12)]])),
    1,
    constant([float(i % 7) for i in range(12)]),
    readout=bits(float(sum((i % 7) * 10**i for i in range(12)))),
)
runs(
    "flatten-of-one-dimension",
    "What has one dimension already stays as it is.",
    network(layer([[0.5], [1.0], [0.3]]), flatten(), flatten(), layer([[0.4, 0.3, 0.2]])),
    4,
    constant([1.0]),
    *ALL,
)
runs(
    "flatten-of-a-convolution",
    "The spikes of a map are the inputs of a dense layer, in the map's order.",
    network(conv2d(tenths(2, 1, 2, 1), neuron(threshold=0.2)), flatten(), layer(tenths(2, 12)), input_shape=[1, 3, 3]),
    5,
    constant(flat(tenths(9, first=4))),
    *ALL,
)

# --- sums


def sums(
    name: str,
    why: str,
    values: list[float],
    branches: list[Any],
    due: list[float] | None = None,
    tags: str = "",
    profile: str = "",
    near: str = "",
    **changes: Any,
) -> None:
    """Declare a sum of branches on the input, read after one step; `due` is from paper."""
    whole = seen([1, 1, len(values)], flatten(name="in"), total(*branches, **changes))
    facts = {} if due is None else {"readout": bits(*due)}
    runs(f"sum-{name}", why, whole, 1, constant(values), tags=tags, profile=profile, near=near, **facts)


def one(*weights: float) -> dict[str, Any]:
    """A dense branch with one output."""
    return dense_branch("in", [list(weights)])


sums("of-one-branch", "A sum of one branch is that branch.", [1.0, 2.0], [one(3.0, 4.0)], [11.0], near="inputs")
sums(
    "of-an-identity",
    "An identity hands on the input times its weight.",
    [3.0, -5.0],
    [identity("in", 2.0)],
    [6.0, -10.0],
)
sums(
    "of-64-branches",
    "Sixty-four branches are the most.",
    [0.1],
    [identity("in", 1.0)] * 64,
    near="inputs",
    tags="order-of-sum",
)
sums(
    "order",
    "1e16+1+1 in listed order is 1e16.",
    [1.0],
    [identity("in", BIG), identity("in"), identity("in")],
    [BIG],
    tags="order-of-sum ulp",
)
sums(
    "order-large-last",
    "1+1+1e16 is 1e16+2.",
    [1.0],
    [identity("in"), identity("in"), identity("in", BIG)],
    [BIG + 2],
    tags="order-of-sum ulp",
)
sums(
    "order-of-kinds",
    "Kinds do not decide the order: the identity stands between two dense branches.",
    [1.0],
    [one(BIG), identity("in"), one(1.0)],
    [BIG],
    tags="order-of-sum ulp",
)
sums(
    "order-not-pairwise",
    "(1e16+1)+(1+1) would be 1e16+2.",
    [1.0],
    [one(BIG), one(1.0), one(1.0), one(1.0)],
    [BIG],
    tags="order-of-sum ulp",
)
sums(
    "branches-are-completed",
    "1+1 is added to 1e16 as a whole; term by term it would get lost.",
    [1.0, 1.0],
    [one(BIG, 0.0), one(1.0, 1.0)],
    [BIG + 2],
    tags="order-of-sum ulp",
)
sums(
    "branches-are-completed-first",
    "So is the first: (1e16+1)+1.",
    [1.0, 1.0],
    [one(BIG, 1.0), one(1.0, 0.0)],
    [BIG],
    tags="order-of-sum ulp",
)
sums(
    "identity-is-rounded",
    "0.1*3 is 0.30000000000000004 before 0.3 is taken away: a fused sum leaves another rest.",
    [3.0],
    [one(-0.1), identity("in", 0.1), identity("in", 0.7)],
    tags="fma ulp",
)
sums(
    "identity-is-not-fused",
    "(1+2^-30)^2 is rounded before 1+2^-29 is taken away.",
    [1.0 + 2.0**-30, 1.0],
    [dense_branch("in", [[0.0, -(1.0 + 2.0**-29)], [0.0, 0.0]]), identity("in", 1.0 + 2.0**-30)],
    [0.0, 1.0 + 2.0**-30],
    tags="fma ulp",
)
sums(
    "minus-zero",
    "A branch may be -0.0; the sum starts with +0.0.",
    [0.0],
    [identity("in", -1.0)],
    [0.0],
    tags="negative-zero",
)
sums(
    "bias-last",
    "(1+1e16)-1e16 is 0: the bias comes after all branches.",
    [1.0],
    [identity("in"), identity("in", BIG)],
    [0.0],
    bias=[-BIG],
    tags="bias order-of-sum",
)
sums(
    "bias-minus-zero",
    "+0.0 and a bias of -0.0 are +0.0.",
    [0.0],
    [identity("in", -1.0)],
    [0.0],
    bias=[-0.0],
    tags="bias negative-zero",
)
sums(
    "bias-per-output",
    "Where the output has one dimension each output has its bias.",
    [1.0, 2.0],
    [identity("in")],
    [11.0, 102.0],
    bias=[10.0, 100.0],
    tags="bias",
    near="chain",
)
sums(
    "subnormal",
    "A subnormal product of an identity is kept.",
    [1e-160],
    [identity("in", 1e-160), identity("in", 1e-160)],
    [2 * (1e-160 * 1e-160)],
    tags="subnormal",
)
sums(
    "weight-minus-zero",
    "A weight of -0.0 is a Number.",
    [1.0],
    [identity("in", -0.0)],
    [0.0],
    tags="negative-zero",
    near="weight-type",
)
sums("weight-integer", "So is an integer.", [1.5], [identity("in", 2)], [3.0], near="weight-type")
sums(
    "f32-order",
    "2^24+1+1 stays 2^24.",
    [1.0],
    [identity("in", 16777216.0), identity("in"), identity("in")],
    profile="sequential-f32",
    tags="order-of-sum ulp",
)
sums(
    "f32-weight-rounded-once",
    "The weight of an identity is that of binary32.",
    [3.0],
    [identity("in", 1 / 3)],
    profile="sequential-f32",
)
sums(
    "f32-identity-rounded",
    "And so is its product.",
    [0.1, 0.7],
    [identity("in", 0.1), identity("in", -0.3)],
    profile="sequential-f32",
)
sums(
    "f32-completed",
    "1+1 is added to 2^24 as a whole.",
    [1.0, 1.0],
    [one(16777216.0, 0.0), one(1.0, 1.0)],
    profile="sequential-f32",
    tags="order-of-sum ulp",
)
sums(
    "f32-bias-last",
    "The bias meets the rounded sum.",
    [1.0],
    [identity("in", 16777216.0), identity("in")],
    profile="sequential-f32",
    bias=[-16777216.0],
    tags="bias",
)
runs(
    "sum-of-convolutions",
    "Two branches convolve: each is completed before it is added, place by place.",
    seen([1, 1, 3], total(conv_branch("input", [[[[BIG, 0.0]]]]), conv_branch("input", [[[[1.0, 1.0]]]]))),
    1,
    constant([1.0, 1.0, 1.0]),
    readout=bits(BIG + 2, BIG + 2),
    tags="order-of-sum ulp",
)
runs(
    "sum-bias-per-channel",
    "Where the output has three dimensions each channel has its bias.",
    seen([2, 1, 2], total(identity("input"), conv_branch("input", tenths(2, 2, 1, 1)), bias=[10.0, -0.1])),
    1,
    constant([1.0, 2.0, 3.0, 4.0]),
    near="chain",
    tags="bias",
)
runs(
    "sum-residual-block",
    "A residual block: two convolutions, the second added to the block's input, all with strides of their own.",
    network(
        conv2d(tenths(2, 1, 3, 3), neuron(threshold=0.4), padding=[1, 1], name="stem"),
        conv2d(tenths(3, 2, 3, 1, first=5), neuron(threshold=0.3), padding=[1, 0], stride=[2, 1], name="a"),
        total(
            conv_branch("a", tenths(3, 3, 1, 3, first=9), padding=[0, 1]),
            conv_branch("stem", tenths(3, 2, 1, 1, first=2), stride=[2, 1]),
            bias=[0.05, -0.1, 0.2],
        ),
        avgpool2d([2, 2]),
        flatten(),
        layer(tenths(2, 3)),
        input_shape=[1, 4, 3],
    ),
    4,
    constant(flat(tenths(12, first=3))),
    *ALL,
)
runs(
    "sum-of-grouped-convolutions",
    "Branches have geometry of their own: groups, dilation, stride, padding.",
    seen(
        [2, 4, 5],
        total(
            conv_branch("input", tenths(2, 1, 3, 2), groups=2, padding=[1, 1], dilation=[1, 2], stride=[2, 1]),
            conv_branch("input", tenths(2, 2, 2, 1), stride=[2, 1]),
        ),
    ),
    1,
    constant(flat(tenths(40))),
)
runs(
    "sum-fires",
    "The neurons of a sum leak, and reset to zero.",
    network(
        layer(tenths(3, 2), neuron(threshold=0.5), name="a"),
        total(identity("a", 0.3), dense_branch("input", tenths(3, 2, first=4)), cell=lif(0.8, reset="zero")),
        layer(tenths(2, 3)),
    ),
    6,
    constant([[1.0, 0.5], [0.25, 2.0]]),
    *ALL,
    tags="batch",
)
runs(
    "sum-of-spikes",
    "An identity of spikes gives 0 or its weight.",
    network(
        layer([[1.0, 0.0], [0.0, 1.0]], name="a"),
        total(identity("a", 0.4), identity("a", 0.3), dense_branch("input", [[0.5, 0.0], [0.0, 0.5]])),
    ),
    4,
    spikes([[0], [1], [0, 1], []]),
    *ALL,
)
runs(
    "sum-of-poisson",
    "Both branches see the same train.",
    network(total(dense_branch("input", tenths(2, 3)), dense_branch("input", tenths(2, 3, first=8)))),
    6,
    poisson([0.9, 0.5, 0.2], 3),
    *ALL,
    tags="poisson",
)
runs(
    "sum-f32-run",
    "A whole run in binary32.",
    network(
        conv2d(tenths(2, 1, 2, 2), neuron(threshold=0.2), padding=[1, 0], name="a"),
        total(identity("a", 0.7), conv_branch("a", tenths(2, 2, 1, 1)), bias=[0.1, 0.3], cell=lif(0.9)),
        avgpool2d([1, 2], stride=[1, 1]),
        flatten(),
        layer(tenths(2, 6)),
        input_shape=[1, 2, 3],
    ),
    5,
    constant(flat(tenths(6, first=3))),
    *ALL,
    profile="sequential-f32",
)


def overflow(
    name: str, why: str, layers: list[Any], index: int, values: list[float], patch: Patch, **extra: Any
) -> None:
    """Declare a run that becomes non-finite in a layer."""
    data = simulation(network(*layers, input_shape=[1, 1, len(values)]), 1, constant(values), **extra)
    path = f"/network/layers/{index}"
    simulate.reject(f"simulate-sum-{name}", "simulate.non-finite", path, why, data, patch, tags="overflow")


IN = flatten(name="in")
overflow(
    "overflow-of-an-identity",
    "The product of an identity alone is infinite; the other branch does not help.",
    [IN, total(identity("in", 1e200), identity("in", -1.0))],
    1,
    [1e200],
    put("/input/values/0", 1.0),
)
overflow(
    "overflow-of-a-branch",
    "1e308+1e308 in one branch, -1e308 in another.",
    [IN, total(one(1e308, 1e308), one(-1e308, 0.0))],
    1,
    [1.0, 1.0],
    put("/input/values/1", 0.0),
)
overflow(
    "overflow-on-the-way",
    "Three finite branches whose sum has been infinite.",
    [IN, total(one(1e308), one(1e308), one(-1e308))],
    1,
    [1.0],
    put("/network/layers/1/inputs/1/weights/0/0", 0.0),
)
overflow(
    "overflow-by-the-bias",
    "The bias comes last, and too much.",
    [IN, total(one(1e308), bias=[1e308])],
    1,
    [1.0],
    put("/network/layers/1/bias/0", 0.0),
)
