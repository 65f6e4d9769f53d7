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
