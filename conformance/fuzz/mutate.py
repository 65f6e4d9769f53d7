"""Small changes that take a correct request just across a rule's boundary, or just not."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from random import Random
from typing import Any

from conformance.fuzz.pools import ANYTHING, MEMBERS, UNKNOWN, pool

HOW_OFTEN = (0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 3)
STOP = 0.15
BESIDE = 0.5
"""How often a further change is made beside the one before: two faults of one kind tell the order of traversal."""
WEIGHTS = {
    "network": 6,
    "input": 3,
    "checkpoint": 4,
    "config": 4,
    "layers": 6,
    "weights": 5,
    "bias": 3,
    "neuron": 6,
    "inputs": 6,
}
"""How often a member is entered or hit, where the others are so once or twice: most rules are about what is inside."""

SMALL = 200
"""Parts of a value that is copied to another place."""

Place = tuple[Any, ...]


def bent(request: dict[str, Any], rng: Random, optional: Sequence[str] = ()) -> dict[str, Any]:
    """Change a request in place in up to three spots; what the protocol always sends stays there.

    Args:
        request: The input of a request; its own members are replaced, but neither dropped nor added.
        rng: Where chance comes from.
        optional: Members that may be dropped, or added where they are missing.
    """
    last: Place = ()
    for _ in range(rng.choice(HOW_OFTEN)):
        if optional and rng.random() < 0.05:
            _toggle(request, rng.choice(tuple(optional)), rng)
        else:
            last = _beside(request, last, rng) if last and rng.random() < BESIDE else _place(request, rng)
            _change(request, last, rng)
    return request


def _toggle(request: dict[str, Any], member: str, rng: Random) -> None:
    if member in request:
        del request[member]
    else:
        request[member] = copy.deepcopy(rng.choice(MEMBERS[member]))


# ---- where -----------------------------------------------------------------------------------------------------------


def _place(request: dict[str, Any], rng: Random) -> Place:
    """Walk from the root to some value: a member of little content is met as often as one of many numbers."""
    return _walk(request, (), rng)


def _walk(value: Any, place: Place, rng: Random) -> Place:
    while isinstance(value, (dict, list)) and value:
        if place and rng.random() < STOP:
            break
        step: Any = _member(value, rng) if isinstance(value, dict) else rng.randrange(len(value))
        place, value = (*place, step), value[step]
    return place


def _member(value: dict[str, Any], rng: Random) -> str:
    return rng.choices(list(value), [WEIGHTS.get(name, 2) for name in value])[0]


def _beside(request: dict[str, Any], last: Place, rng: Random) -> Place:
    """Return a place under the same parent or grandparent as the one before, where that is still there."""
    parent = last[: -rng.choice((1, 1, 2))]
    try:
        value = at(request, parent)
    except (LookupError, TypeError):
        return _place(request, rng)
    return _walk(value, parent, rng) if isinstance(value, (dict, list)) and value else _place(request, rng)


def at(value: Any, place: Place) -> Any:
    """Return the value at a place."""
    for step in place:
        value = value[step]
    return value


# ---- what ------------------------------------------------------------------------------------------------------------


def _change(request: dict[str, Any], place: Place, rng: Random) -> None:
    parent = at(request, place[:-1])
    step, value = place[-1], parent[place[-1]]
    top = len(place) == 1
    x = rng.random()
    if x < 0.52:
        parent[step] = copy.deepcopy(rng.choice(pool(place)))
    elif x < 0.58:
        parent[step] = copy.deepcopy(rng.choice(ANYTHING))
    elif x < 0.65 and not top:
        del parent[step]
    elif x < 0.72:
        _insert(value if isinstance(value, (dict, list)) else parent, request, place, rng)
    elif x < 0.76 and isinstance(parent, dict) and not top:
        _rename(parent, step, rng)
    elif x < 0.86 and isinstance(parent, list) and is_small(value):
        parent.insert(step, copy.deepcopy(value))
    elif x < 0.9:
        parent[step] = [value]
    elif x < 0.95 and isinstance(value, list) and value:
        parent[step] = value[0]
    elif isinstance(value, dict):
        parent[step] = dict(rng.sample(list(value.items()), len(value)))
    else:
        other = at(request, _place(request, rng))
        parent[step] = copy.deepcopy(other) if is_small(other) else None


def is_small(value: Any, nodes: int = SMALL) -> bool:
    """Tell whether a value has few parts: what is copied again and again must not grow without bound."""
    waiting, count = [value], 0
    while waiting and count <= nodes:
        item = waiting.pop()
        count += 1
        waiting.extend(item.values() if isinstance(item, dict) else item if isinstance(item, list) else ())
    return count <= nodes


def _insert(container: Any, request: dict[str, Any], place: Place, rng: Random) -> None:
    """Add a member that is not known there, or an entry."""
    if container is request:
        return
    if isinstance(container, list):
        container.insert(rng.randint(0, len(container)), copy.deepcopy(rng.choice(pool((*place, 0)))))
        return
    items = list(container.items())
    known = rng.choice((*container, *MEMBERS))
    for key in rng.sample((*UNKNOWN, known, known, _misspelt(known, rng)), rng.choice((1, 1, 2))):
        value = copy.deepcopy(rng.choice(MEMBERS.get(key, ANYTHING)))
        items.insert(rng.randint(0, len(items)), (key, value))
    container.clear()
    container.update(items)


def _rename(container: dict[str, Any], key: str, rng: Random) -> None:
    """Misspell a key where it stands."""
    items = [(_misspelt(key, rng) if name == key else name, value) for name, value in container.items()]
    container.clear()
    container.update(items)


def _misspelt(key: str, rng: Random) -> str:
    """Return a key that a lenient reader takes for this one."""
    wide = "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in key)
    camel = "".join(part.capitalize() if position else part for position, part in enumerate(key.split("_")))
    return rng.choice(
        (key.upper(), key.capitalize(), wide, camel, f"{key}s", key[:-1], f"{key} ", key.replace("_", "-"))
    )
