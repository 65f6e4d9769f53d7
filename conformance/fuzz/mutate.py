"""Small changes that take a correct request just across a rule's boundary, or just not."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from random import Random
from typing import Any

from conformance.fuzz import numbers

HOW_OFTEN = (0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 3)
STOP = 0.15
WEIGHTS = {
    "network": 6,
    "input": 3,
    "checkpoint": 4,
    "config": 4,
    "layers": 6,
    "weights": 5,
    "bias": 3,
    "neuron": 6,
    "metadata": 2,
    "neuron_types": 2,
}
"""How often a member is entered or hit, where the others are so once: most rules are about what is deep inside."""
NOT_FINITE = ("NaN", "Infinity", "-Infinity")
NO_NUMBER: tuple[Any, ...] = (
    None,
    True,
    False,
    "1",
    "",
    "nan",
    "inf",
    "+Infinity",
    "-NaN",
    " NaN",
    [],
    {},
    [1],
    {"a": 1},
)
NO_STRING: tuple[Any, ...] = (None, True, 0, 1.5, [], {}, ["a"], {"a": "a"})
NO_INTEGER: tuple[Any, ...] = (
    0.0,
    -0.0,
    1.0,
    2.0,
    1e3,
    0.5,
    True,
    False,
    None,
    "0",
    "1",
    [],
    [0],
    {},
    2**53,
    -(2**53),
    "NaN",
)
REAL: tuple[Any, ...] = (*NOT_FINITE * 4, *NO_NUMBER, *numbers.EDGES)
NAME: tuple[Any, ...] = (*NO_STRING, "a", "", "zz", "A", "a\u0301", "\U0001f600", "\uff5e")
NO_LIST: tuple[Any, ...] = ({}, None, "a", 0, True)
LISTS: tuple[Any, ...] = (*NO_LIST, [], [[]], [[], []], [[[]]], [{}], [None], ["a", "a"], [1, 2], [[1], [1, 2]])
TRAINS: tuple[Any, ...] = (
    [[0]],
    [[], [0]],
    [[0], []],
    [[[0]], [[0]]],
    [[0, 0]],
    [[1, 0]],
    [[[], []]],
    [[[0], []], [[]]],
)
RECORDS: tuple[Any, ...] = (
    ["counts"],
    ["trace", "trace"],
    ["counts", "x"],
    ["counts", ["spikes"]],
    ["Counts"],
    "counts",
)

MEMBERS: dict[str, tuple[Any, ...]] = {
    "freeze_until": (-2, -1, 0, 1, 2, numbers.LARGEST_INTEGER, -numbers.LARGEST_INTEGER, *NO_INTEGER, "", "a", "zz"),
    "until_index": (-2, -1, 0, 1, 2, 3, numbers.LARGEST_INTEGER, -numbers.LARGEST_INTEGER, *NO_INTEGER),
    "all_layers": (True, False, None, 0, 1, "true", "", [], {}),
    "lr_backbone": REAL,
    "lr_head": REAL,
    "layer_names": (*LISTS, ["a"], ["a", "b", "a"], ["a", None], [["a"]], ["é", "e\u0301"]),
    "layer_sizes": (*LISTS, [[1, 1]], [[1, 1], [1]], [[1, 1, 1]], [[0, 0]], [[1.0, 1]], ["11"]),
    "neuron_types": (*LISTS, ["if"], ["if", 1]),
    "frozen_layers": (*LISTS, ["a"], ["b", "a"], ["zz"], ["a", 1]),
    "metadata": (*LISTS, {"a": {"a": None}}, {"": []}),
    "weights": (*LISTS, [[1.0]], [[1.0, 2.0]], [[1.0], [2.0]], [1.0, 2.0], [[1.0], 2.0], [[1.0], [[2.0]]], [["NaN"]]),
    "bias": (*LISTS, [1.0], [1, 2.0], ["NaN"], [[1.0]]),
    "layers": (*LISTS,),
    "neuron": (*LISTS, {"model": "if", "threshold": 1.0}, {"model": "lif", "threshold": 1}, {"threshold": 1.0}),
    "model": ("if", "lif", "IF", "lif ", "", "izhikevich", *NO_STRING),
    "threshold": REAL,
    "decay": (1 + 2.0**-52, 1 - 2.0**-53, -numbers.TINY, *REAL),
    "initial_potential": REAL,
    "reset": ("subtract", "zero", "Zero", "none", "", *NO_STRING),
    "readout": ("spikes", "membrane", "potential", "", "Spikes", *NO_STRING),
    "steps": (0, -1, 1, 2, 3, 1048577, numbers.LARGEST_INTEGER, *NO_INTEGER),
    "kind": ("constant", "spikes", "poisson", "Constant", "", *NO_STRING),
    "seed": (-1, 0, 1, 2**32 - 1, 2**32, numbers.LARGEST_INTEGER, -numbers.LARGEST_INTEGER, *NO_INTEGER),
    "sample": (-1, 0, 1, 2**32 - 1, 2**32, numbers.LARGEST_INTEGER - 1, numbers.LARGEST_INTEGER, *NO_INTEGER),
    "values": (*LISTS, [1.0], [[1.0], [2.0]], [1.0, "NaN"], [1.0, [1.0]], [[1.0], 1.0]),
    "rates": (*LISTS, [1.0], [[1.0], [0.5]], [0.5, "NaN"], [0.5, [0.5]], [[0.5], 0.5]),
    "indices": (*LISTS, *TRAINS),
    "record": (*LISTS, *RECORDS),
}
"""Member → what is put there."""

ENTRIES: dict[str, tuple[Any, ...]] = {
    "weights": REAL,
    "bias": REAL,
    "values": REAL,
    "rates": (1 + 2.0**-52, 1 - 2.0**-53, -numbers.TINY, 2, *REAL),
    "indices": (-1, 0, 1, 2, 3, numbers.LARGEST_INTEGER, *NO_INTEGER),
    "layer_sizes": (-1, 0, 1, 2, numbers.LARGEST_INTEGER, -numbers.LARGEST_INTEGER, [1, 2], *NO_INTEGER),
    "layer_names": NAME,
    "neuron_types": NAME,
    "frozen_layers": NAME,
    "record": ("counts", "spikes", "potential", "trace", "x", "", *NO_STRING),
    "layers": (None, [], "a", {}, {"weights": [], "neuron": {"model": "if", "threshold": 1.0}}),
}
"""Member → what is put for an entry of it, at any depth."""

ANYTHING: tuple[Any, ...] = (*REAL, *NAME, *LISTS, {"a": 1}, [0], ["a", "b"], [[0, 0]], [[1, 2], [3, 4]])
UNKNOWN = ("x", "", "a/b", "~", "__proto__", "Weights", "weight", "layer_name", "name", "\0", "é", "decay", "bias")

Place = tuple[Any, ...]


def bent(request: dict[str, Any], rng: Random, optional: Sequence[str] = ()) -> dict[str, Any]:
    """Change a request in place in up to three spots; what the protocol always sends stays there.

    Args:
        request: The input of a request; its own members are replaced, but neither dropped nor added.
        rng: Where chance comes from.
        optional: Members that may be dropped, or added where they are missing.
    """
    for _ in range(rng.choice(HOW_OFTEN)):
        if optional and rng.random() < 0.05:
            _toggle(request, rng.choice(tuple(optional)), rng)
        else:
            _change(request, _place(request, rng), rng)
    return request


def _toggle(request: dict[str, Any], member: str, rng: Random) -> None:
    if member in request:
        del request[member]
    else:
        request[member] = copy.deepcopy(rng.choice(MEMBERS[member]))


def _place(request: dict[str, Any], rng: Random) -> Place:
    """Walk from the root to some value: a member of little content is met as often as one of many numbers."""
    place: Place = ()
    value: Any = request
    while isinstance(value, (dict, list)) and value:
        if place and rng.random() < STOP:
            break
        step: Any = _member(value, rng) if isinstance(value, dict) else rng.randrange(len(value))
        place, value = (*place, step), value[step]
    return place


def _member(value: dict[str, Any], rng: Random) -> str:
    return rng.choices(list(value), [WEIGHTS.get(name, 1) for name in value])[0]


def _change(request: dict[str, Any], place: Place, rng: Random) -> None:
    parent = at(request, place[:-1])
    step, value = place[-1], parent[place[-1]]
    top = len(place) == 1
    x = rng.random()
    if x < 0.5:
        parent[step] = copy.deepcopy(rng.choice(pool(place)))
    elif x < 0.6:
        parent[step] = copy.deepcopy(rng.choice(ANYTHING))
    elif x < 0.68 and not top:
        del parent[step]
    elif x < 0.78:
        _insert(value if isinstance(value, (dict, list)) else parent, request, place, rng)
    elif x < 0.86 and isinstance(parent, list):
        parent.insert(step, copy.deepcopy(value))
    elif x < 0.9:
        parent[step] = [value]
    elif x < 0.95 and isinstance(value, list) and value:
        parent[step] = value[0]
    elif isinstance(value, dict):
        parent[step] = dict(rng.sample(list(value.items()), len(value)))
    else:
        parent[step] = copy.deepcopy(at(request, _place(request, rng)))


def pool(place: Place) -> tuple[Any, ...]:
    """Return what lies near the boundaries of the rules about a place."""
    names = [step for step in place if isinstance(step, str)]
    table = MEMBERS if isinstance(place[-1], str) else ENTRIES
    return table.get(names[-1], ANYTHING) if names else ANYTHING


def _insert(container: Any, request: dict[str, Any], place: Place, rng: Random) -> None:
    """Add a member that is not known there, or an entry."""
    if container is request:
        return
    if isinstance(container, list):
        container.insert(rng.randint(0, len(container)), copy.deepcopy(rng.choice(pool((*place, 0)))))
        return
    items = list(container.items())
    key = rng.choice((*UNKNOWN, *MEMBERS))
    items.insert(rng.randint(0, len(items)), (key, copy.deepcopy(rng.choice(MEMBERS.get(key, ANYTHING)))))
    container.clear()
    container.update(items)


def at(value: Any, place: Place) -> Any:
    """Return the value at a place."""
    for step in place:
        value = value[step]
    return value
