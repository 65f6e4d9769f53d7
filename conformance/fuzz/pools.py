"""What is put where: for each member the values on both sides of the boundaries of the rules about it."""

from __future__ import annotations

from typing import Any

from conformance.fuzz import numbers

Pool = tuple[Any, ...]

LARGEST = numbers.LARGEST_INTEGER
TINY = numbers.TINY

NOT_FINITE: Pool = ("NaN", "Infinity", "-Infinity")
NO_NUMBER: Pool = (
    *(None, None, True, False, "1", "0.5", "1e-3", "", " 1", "nan", "inf", "+Infinity", "-NaN", " NaN", "infinity"),
    *([], {}, [1], {"a": 1}, [[1]]),
)
NO_STRING: Pool = (None, None, True, 0, 1.5, [], {}, ["a"], {"a": "a"})
NO_INTEGER: Pool = (
    *(0.0, -0.0, 1.0, 2.0, 1e3, 0.5, True, False, None, None, "0", "1", "", "NaN", 2**53, -(2**53), 1e16),
    *([], [0], {}, {"a": 1}),
)
NO_LIST: Pool = ({}, None, None, "a", "", 0, True, {"0": 1})
REAL: Pool = (*NOT_FINITE * 4, *NO_NUMBER, *numbers.EDGES)
POSITIVE: Pool = (*(0, 0.0, -0.0, TINY, -TINY, -1, numbers.LARGEST) * 2, *REAL)
RATE: Pool = (*(1, 1.0, 1 + 2.0**-52, 1 - 2.0**-53, 2, -TINY, -0.0, 0, -1) * 2, *REAL)
NAME: Pool = (*NO_STRING, "a", "A", "", "zz", "a\u0301", "\xe1", "\U0001f600", "\uff5e")
LISTS: Pool = (
    *NO_LIST,
    *([], [[]], [[], []], [[[]]], [{}], [None], ["a"], ["a", "a"], ["a", None], [1, 2], [[1], [1, 2]]),
)
MATRICES: Pool = (
    *([[1.0]], [[1.0, 2.0]], [[1.0], [2.0]], [1.0, 2.0], [[1.0], 2.0], [1.0, [2.0]], [[1.0], [[2.0]]], [[[1.0]]]),
    *([["NaN"]], [[None]], [[1.0], []], [[], [1.0]], [{"a": 1.0}], [[True]]),
)
TRAINS: Pool = (
    *([[0]], [[], [0]], [[0], []], [[0, 0]], [[1, 0]], [[0], [[0]]], [[], [[0]]], [0], [[], 0]),
    *([[[0]], [[0]]], [[[], []]], [[[0], []], [[]]], [[[0], []], [[], []]], [[[0]], []], [[[0]], 0]),
)
RECORDS: Pool = (
    *([], ["counts"], ["trace", "trace"], ["counts", "x"], ["counts", ["spikes"]], ["Counts"], "counts", ["count"]),
    *(["potentials"], [""], ["counts", None]),
)
NEURONS: Pool = (
    *({"model": "if", "threshold": 1.0}, {"model": "lif", "threshold": 1}, {"threshold": 1.0}, {"model": "if"}),
    {"model": "lif", "decay": 0.5},
)
EXTENT: Pool = (*(0, 1, 2, 3, -1, 65535, 65536, 65537) * 2, *NO_INTEGER)
EXTENTS: Pool = (
    *(
        [1, 1],
        [2, 1],
        [1, 2],
        [0, 0],
        [0, 1],
        [3, 3],
        [65536, 65536],
        [1, 65537],
        [1],
        [1, 1, 1],
        [1.0, 1],
        1,
        2,
        "same",
    ),
    *NO_LIST,
)
SHAPES: Pool = ([1, 1, 1], [2, 1, 1], [1, 2, 3], [1, 2], [0, 1, 1], [1, 4096, 4096], [1, 4097, 4096], [2**32, 2**32, 1])
BRANCHES: Pool = (
    [{"kind": "identity", "from": "input", "weight": 1}],
    [{"from": "input", "weights": [[1.0]]}, {"from": "input", "weights": [[0.5]]}],
)

MEMBERS: dict[str, Pool] = {
    "freeze_until": (*(-2, -1, 0, 1, 2, LARGEST, -LARGEST) * 2, *NO_INTEGER, "", "a", "A", "zz"),
    "until_index": (*(-2, -1, 0, 1, 2, 3, LARGEST, -LARGEST) * 2, *NO_INTEGER),
    "all_layers": (True, False, None, 0, 1, "true", "", [], {}),
    "lr_backbone": POSITIVE,
    "lr_head": POSITIVE,
    "layer_names": (*LISTS, ["a", "b", "a"], [["a"]], ["\xe9", "e\u0301"], "hidden"),
    "layer_sizes": (*LISTS, [[1, 1]], [[1, 1], [1]], [[1, 1, 1]], [[0, 0]], [[1.0, 1]], ["11"], [None]),
    "neuron_types": (*LISTS, ["if"], ["if", 1]),
    "frozen_layers": (*LISTS, ["b", "a"], ["zz"], ["a", 1]),
    "metadata": (*LISTS, {"a": {"a": None}}, {"": []}, "{}"),
    "weights": (*LISTS, *MATRICES),
    "bias": (*LISTS, [1.0], [1, 2.0], ["NaN"], [[1.0]], 1.0),
    "layers": LISTS,
    "neuron": (*LISTS, *NEURONS),
    "model": (*("if", "lif") * 2, "IF", "Lif", "lif ", "", "izhikevich", *NO_STRING),
    "threshold": POSITIVE,
    "decay": RATE,
    "initial_potential": REAL,
    "reset": (*("subtract", "zero") * 2, "Zero", "SUBTRACT", "none", "", *NO_STRING),
    "readout": (*("spikes", "membrane") * 2, "potential", "", "Spikes", "spike", *NO_STRING),
    "steps": (*(0, -1, 1, 2, 3, 1048577) * 2, LARGEST, *NO_INTEGER),
    "kind": (
        *("constant", "spikes", "poisson", "dense", "conv2d", "sum", "avgpool2d", "flatten", "identity") * 2,
        *("Constant", "spike", "", "conv3d", "Conv2d", "maxpool2d"),
        *NO_STRING,
    ),
    "input_shape": (*LISTS, *SHAPES),
    "name": (*NAME, "input", "n0", "n1", "Input"),
    "from": (*NAME, *("input", "n0", "n1", "b") * 3),
    "inputs": (*LISTS, *BRANCHES),
    "weight": REAL,
    "kernel": EXTENTS,
    "stride": EXTENTS,
    "padding": EXTENTS,
    "dilation": EXTENTS,
    "groups": (*(0, 1, 2, 3, -1, 65536, 65537) * 2, *NO_INTEGER),
    "seed": (*(-1, 0, 1, 2**32 - 1, 2**32, LARGEST, -LARGEST) * 2, *NO_INTEGER),
    "sample": (*(-1, 0, 1, 2**32 - 1, 2**32, LARGEST - 1, LARGEST) * 2, *NO_INTEGER),
    "values": (*LISTS, [1.0], [[1.0], [2.0]], [1.0, "NaN"], [1.0, [1.0]], [[1.0], 1.0], 1.0),
    "rates": (*LISTS, [1.0], [[1.0], [0.5]], [0.5, "NaN"], [0.5, [0.5]], [[0.5], 0.5], 0.5),
    "indices": (*LISTS, *TRAINS),
    "record": (*LISTS, *RECORDS * 2),
}
"""Member → what is put there."""

ENTRIES: dict[str, Pool] = {
    "weights": REAL,
    "bias": REAL,
    "values": REAL,
    "rates": RATE,
    "indices": (*(-1, 0, 1, 2, 3, LARGEST) * 2, *NO_INTEGER),
    "layer_sizes": (*(-1, 0, 1, 2, LARGEST, -LARGEST, [1, 2], [1], [1, 2, 3]) * 2, *NO_INTEGER),
    "layer_names": NAME,
    "neuron_types": NAME,
    "frozen_layers": NAME,
    "record": ("counts", "spikes", "potential", "trace", "x", "", "Trace", *NO_STRING),
    "input_shape": (*(0, 1, 2, 3, -1, 16777216, 16777217, LARGEST) * 2, *NO_INTEGER),
    "kernel": EXTENT,
    "stride": EXTENT,
    "padding": (*(-1, 0, 1, 2, 3, 65537) * 2, *NO_INTEGER),
    "dilation": EXTENT,
    "inputs": (None, [], "a", {}, {"from": "input"}, {"kind": "identity", "from": "input", "weight": 1.0}),
    "layers": (
        None,
        [],
        "a",
        {},
        {"kind": "flatten"},
        {"kind": "sum", "inputs": []},
        {"weights": [], "neuron": {"model": "if", "threshold": 1.0}},
        {"neuron": None},
    ),
}
"""Member → what is put for an entry of it, at any depth."""

ANYTHING: Pool = (*REAL, *NAME, *LISTS, {"a": 1}, [0], ["a", "b"], [[0, 0]], [[1, 2], [3, 4]])
UNKNOWN = ("x", "", "a/b", "~", "~1", "__proto__", "name", "\0", "\xe9", "id", "$schema")


def pool(place: tuple[Any, ...]) -> Pool:
    """Return what may be put at a place, given as the steps that lead there."""
    names = [step for step in place if isinstance(step, str)]
    table = MEMBERS if isinstance(place[-1], str) else ENTRIES
    return table.get(names[-1], ANYTHING) if names else ANYTHING
