"""Cases of layers of all kinds that faults put into the reference have asked for: each of them hung on one case."""

from __future__ import annotations

from typing import Any

from cases import Cases, add, put
from documents import (
    avgpool2d,
    constant,
    conv2d,
    conv_branch,
    dense_branch,
    flatten,
    identity,
    layer,
    network,
    neuron,
    simulation,
    total,
)

simulate = Cases("simulate")
saves = Cases("checkpoint.save")
TABLES = [simulate, saves]

L = "/network/layers"
ONE = [[[[0.5]]]]


def ask(shape: list[int], *layers: Any, values: int = 6) -> dict[str, Any]:
    """Run layers on constant ones."""
    return simulation(network(*layers, input_shape=shape), 1, constant([1.0] * values), "counts")


# --- rules

simulate.reject(
    "network-missing-kernel-of-a-first-pool",
    "network.missing-key",
    f"{L}/0/kernel",
    "A pool has no default kernel.",
    ask([1, 2, 3], {"kind": "avgpool2d"}, flatten(), layer([[1.0]])),
    add(f"{L}/0/kernel", [2, 3]),
)
simulate.reject(
    "network-missing-from-of-dense-branch",
    "network.missing-key",
    f"{L}/1/inputs/0/from",
    "A branch has no default source.",
    ask([1, 2, 3], flatten(name="f"), total({"weights": [[1.0] * 6]})),
    add(f"{L}/1/inputs/0/from", "f"),
)
simulate.precedence(
    "network-order-key-of-branch-before-key-of-neuron",
    "A layer's branches come before its neuron, wherever the members stand.",
    ask([1, 2, 3], {"kind": "sum", "neuron": {**neuron(), "x": 1}, "inputs": [identity("input", y=1)]}),
    [
        ("network.unknown-key", f"{L}/0/inputs/0/y", [{"op": "remove", "path": f"{L}/0/inputs/0/y"}]),
        ("network.unknown-key", f"{L}/0/neuron/x", [{"op": "remove", "path": f"{L}/0/neuron/x"}]),
    ],
)
simulate.reject(
    "network-inputs-65-dense",
    "network.inputs",
    f"{L}/0/inputs",
    "Sixty-five branches are one too many, whatever they are.",
    simulation(network(total(*[dense_branch("input", [[1.0]])] * 65)), 1, constant([1.0])),
    put(f"{L}/0/inputs", [dense_branch("input", [[1.0]])] * 64),
)
for name, shape in (("channels", [16777216, 1, 1]), ("area", [1, 4096, 4096])):
    simulate.reject(
        f"network-input-shape-largest-{name}",
        "input.shape",
        "/input/values",
        "An input and a layer of 2^24 elements are just small enough: the fault is that of the values.",
        ask(shape, total(identity("input")), values=1),
        put("/network/input_shape", [1, 1, 1]),
    )
simulate.accept(
    "network-near-name-of-other-case",
    "Names are compared as they are: a and A are two layers.",
    ask([1, 2, 3], conv2d(ONE, name="a"), conv2d([[[[2.0]]]], name="A"), total(identity("a"), identity("A"))),
    near="network.name",
)
for name, broken, path in (
    ("a-layer", [conv2d(ONE, padding=[0, -1], dilation=[0, 1])], f"{L}/0"),
    ("a-branch", [total(conv_branch("input", ONE, padding=[0, -1], dilation=[0, 1]))], f"{L}/0/inputs/0"),
):
    simulate.precedence(
        f"network-order-dilation-before-padding-of-{name}",
        "Of a layer or branch the dilation is looked at before the padding.",
        ask([1, 2, 3], *broken),
        [
            ("network.geometry", f"{path}/dilation", put(f"{path}/dilation", [1, 1])),
            ("network.geometry", f"{path}/padding", put(f"{path}/padding", [0, 0])),
        ],
    )
simulate.reject(
    "network-chain-branches-of-one-size",
    "network.chain",
    f"{L}/0/inputs/1",
    "One channel of 2 x 3 and three of 2 x 1 have six elements each, but not one shape.",
    ask([1, 2, 3], total(identity("input"), conv_branch("input", [[[[1.0, 0.0, 0.0]]]] * 3))),
    put(f"{L}/0/inputs/1", identity("input")),
)
for name, padding, why in (
    ("32-bits", 65536, "131,073 rows of as many make more than 2^34, and modulo 2^32 hardly a quarter of a million."),
    ("just", 2048, "4,097 x 4,097 are just more than 2^24."),
):
    saves.reject(
        f"save-network-kinds-elements-{name}",
        "network.elements",
        f"{L}/0",
        why,
        {"network": network(conv2d(ONE, padding=[padding, padding]), input_shape=[1, 1, 1]), "base": "saved/elements"},
        put(f"{L}/0/padding", [0, 0]),
    )
simulate.precedence(
    "network-order-elements-of-a-branch-before-chain-of-the-sum",
    "All branches are looked at before any is compared with the first.",
    ask(
        [1, 2, 3],
        total(
            identity("input"), conv_branch("input", [[[[1.0, 1.0]]]]), conv_branch("input", ONE, padding=[65536] * 2)
        ),
    ),
    [
        ("network.elements", f"{L}/0/inputs/2", put(f"{L}/0/inputs/2/padding", [0, 0])),
        ("network.chain", f"{L}/0/inputs/1", put(f"{L}/0/inputs/1/weights", ONE)),
    ],
)

# --- arithmetic

BIG = 1.7e308
for name, before, samples in (
    ("two", [], [[2.0, 3.0], [BIG, BIG]]),
    ("three", [flatten()], [[0.5, 0.0], [2.0, 3.0], [BIG, BIG]]),
):
    simulate.reject(
        f"simulate-pool-overflow-of-sample-{name}",
        "simulate.non-finite",
        f"{L}/{len(before) + 1}",
        "The pool is an earlier layer, but what overflows there is a later sample.",
        simulation(
            network(avgpool2d([1, 2], name="p"), *before, total(identity("p", 1e308)), input_shape=[1, 1, 2]),
            2,
            constant(samples),
        ),
        put("/input/values", [[0.5, 0.5]] * len(samples)),
        tags="overflow",
    )
simulate.accept(
    "simulate-sum-f32-identity-weight-rounded",
    "The weight of an identity is rounded to binary32 before the product is.",
    simulation(
        network(total(identity("input", 0.1), identity("input", -0.3)), input_shape=[1, 2, 2], readout="membrane"),
        2,
        constant([0.7, 2.3, 5.9, 1.1]),
        profile="sequential-f32",
    ),
    tags="f32",
)
