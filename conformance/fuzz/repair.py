"""The JSON Patch that makes a rejected request valid, looked for at the place of the fault."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from conformance import oracle
from conformance.fuzz import shrink_texts, shrink_values
from conformance.fuzz.files import ROOT
from conformance.oracle.values import pointer
from conformance.rules import all_rules

Patch = list[dict[str, Any]]
Candidate = tuple[Patch, dict[str, Any]]
Expired = Callable[[], bool]

NEURON = {"model": "if", "threshold": 1}
GOOD: dict[str, tuple[Any, ...]] = {
    "document": ({"layer_names": [], "layer_sizes": [], "weights": []}, {}),
    "checkpoint": ({"layer_names": [], "layer_sizes": [], "weights": []}, "artefacts/sound/network"),
    "base": ("artefacts/sound/network",),
    "config": ({},),
    "network": ({"layers": [{"weights": [], "neuron": NEURON}]},),
    "layers": ([{"weights": [], "neuron": NEURON}], {"weights": [], "neuron": NEURON}),
    "neuron": (NEURON,),
    "weights": (0, [], [[[[0]]]]),
    "bias": (0,),
    "input_shape": ([1, 1, 1],),
    "inputs": ([{"from": "input", "weights": []}], {"from": "input", "weights": []}),
    "name": ("x", "y"),
    "from": ("input",),
    "weight": (1,),
    "kernel": ([1, 1],),
    "stride": ([1, 1],),
    "padding": ([0, 0],),
    "dilation": ([1, 1],),
    "groups": (1,),
    "model": ("if", "lif"),
    "threshold": (1,),
    "reset": ("zero",),
    "decay": (0,),
    "initial_potential": (0,),
    "readout": ("spikes",),
    "steps": (1,),
    "input": ({"kind": "constant", "values": []}, {"kind": "spikes", "indices": [[]]}),
    "kind": ("constant", "spikes", "poisson", "dense", "conv2d", "sum", "flatten", "identity"),
    "values": (0, [], [0], [0, 0]),
    "rates": (0, [], [0], [0, 0]),
    "indices": (0, 1, 2, [], [[]], [[], []]),
    "seed": (0,),
    "sample": (0,),
    "record": ("counts", []),
    "layer_names": ("", "a", "b", []),
    "layer_sizes": ([0, 0], [0, 1], [1, 0], [1, 1], []),
    "neuron_types": ("", []),
    "frozen_layers": ([],),
    "metadata": ({},),
    "freeze_until": (0, -1),
    "lr_backbone": (0,),
    "lr_head": (0,),
    "until_index": (0,),
    "all_layers": (False,),
}
"""Member → what may stand there, or for an entry of it."""
FILLERS: tuple[Any, ...] = ([], [0, 0], 0, "", "a")
MOST_ROWS = 4
FAULTS = 4
"""Requests with more faults than this are given up."""
TOKENS = (b"0", b"1", b'"', b"a", b"[", b"]", b"{", b"}", b",", b":", b"e", b".", b"-", b'"a":', b"{}", b"[]")
LONGEST_TEXT = 120


def never() -> bool:
    """Say that there is time."""
    return False


def derive(op: str, request: dict[str, Any], due: dict[str, Any], expired: Expired = never) -> Patch | None:
    """Return a patch on the input that makes a rejected request valid, or None where none was found in time."""
    for patch, repaired in _in_time(_patches(request, due), expired):
        if _verdict(op, repaired)["verdict"] == "accept":
            return patch
    return None


def with_one_fault(
    op: str, request: dict[str, Any], due: dict[str, Any], expired: Expired = never
) -> Iterator[dict[str, Any]]:
    """Yield requests that keep the first fault of this one and have the others repaired, as far as that is found."""
    for mends in _sequences(op, request, due, FAULTS, expired):
        try:
            yield _patched(request, mends)
        except (LookupError, TypeError):
            continue  # what is repaired lies in what the first fault's repair has put there


Mend = tuple[str, shrink_values.Place, Any]


def _sequences(
    op: str, request: dict[str, Any], due: dict[str, Any], faults: int, expired: Expired
) -> Iterator[list[Mend]]:
    """Yield what repairs the faults behind the first one, until nothing is wrong."""
    for _, repaired, then in _steps(op, request, due, expired):
        if then["verdict"] == "accept":
            yield []
        elif faults > 1:
            rest = _rest(op, repaired, then, faults - 1, expired)
            if rest is not None:
                yield rest


def _rest(op: str, request: dict[str, Any], due: dict[str, Any], faults: int, expired: Expired) -> list[Mend] | None:
    for (change,), repaired, then in _steps(op, request, due, expired):
        mend = (str(change["op"]), _place(request, str(change["path"])) or (), change.get("value"))
        if then["verdict"] == "accept":
            return [mend]
        rest = _rest(op, repaired, then, faults - 1, expired) if faults > 1 else None
        if rest is not None:
            return [mend, *rest]
    return None


def _steps(
    op: str, request: dict[str, Any], due: dict[str, Any], expired: Expired
) -> Iterator[tuple[Patch, dict[str, Any], dict[str, Any]]]:
    """Yield patches that get further, to an accept or to a later rule; of those that get equally far the first."""
    seen = set()
    for patch, repaired in _in_time(_patches(request, due), expired):
        then = _verdict(op, repaired)
        reached = (then["verdict"], then.get("code"), then.get("path"))
        further = then["verdict"] == "accept" or _place_in_order(then) > _place_in_order(due)
        if further and reached not in seen:
            seen.add(reached)
            yield patch, repaired, then


def _in_time(candidates: Iterable[Candidate], expired: Expired) -> Iterator[Candidate]:
    """Yield candidates until the time is over: with a large request each costs as much as a simulation."""
    for candidate in candidates:
        if expired():
            return
        yield candidate


def _place_in_order(due: dict[str, Any]) -> int:
    rule = all_rules().get(due["code"])
    return -1 if rule is None else rule.order


def _patched(request: dict[str, Any], mends: list[Mend]) -> dict[str, Any]:
    for change, place, value in mends:
        if change == "remove":
            request = shrink_values.without(request, place)
        elif change == "add":
            request = _added(request, place, value)
        else:
            request = shrink_values.replaced(request, place, value)
    return request


def _verdict(op: str, request: dict[str, Any]) -> dict[str, Any]:
    try:
        return oracle.answer(op, request, ROOT)
    except Exception:  # a bug of the oracle's is not what is looked for here
        return {"verdict": "error", "code": "", "path": ""}


def _patches(request: dict[str, Any], due: dict[str, Any]) -> Iterator[tuple[Patch, dict[str, Any]]]:
    return _on_text(request) if "text" in request or "base64" in request else _on_value(request, due)


# ---- documents -------------------------------------------------------------------------------------------------------


def _on_value(request: dict[str, Any], due: dict[str, Any]) -> Iterator[tuple[Patch, dict[str, Any]]]:
    path = ("/document" if "document" in request else "") + due["path"]
    if set(request) == {"base"}:
        path = "/base"  # what is at fault is in a file, and another one is to be read
    place = _place(request, path)
    if place is None:
        return
    there = _is_there(request, place)
    if there:
        if len(place) > 1:
            yield [{"op": "remove", "path": path}], shrink_values.without(request, place)
        for value in _instead(request, place):
            repaired = shrink_values.replaced(request, place, value)
            yield [{"op": "replace", "path": path, "value": value}], repaired
    else:
        for value in GOOD.get(str(place[-1]), ()):
            yield [{"op": "add", "path": path, "value": value}], _added(request, place, value)
    if due["code"] == "simulate.non-finite":
        yield from _each_number(request)


def _place(request: Any, path: str) -> shrink_values.Place | None:
    """Return the steps of a JSON Pointer; None where it leads through nothing."""
    place: list[Any] = []
    value = request
    for token in path.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list):
            place.append(int(key))
            value = value[place[-1]] if place[-1] < len(value) else None
        elif isinstance(value, dict):
            place.append(key)
            value = value.get(key)
        else:
            return None
    return tuple(place)


def _is_there(request: Any, place: shrink_values.Place) -> bool:
    value = request
    for step in place:
        if isinstance(value, dict) and step not in value:
            return False
        value = value[step]
    return True


def _added(root: Any, place: shrink_values.Place, value: Any) -> Any:
    if len(place) == 1:
        return {**root, place[0]: value}
    return shrink_values.replaced(root, place[:1], _added(root[place[0]], place[1:], value))


def _instead(request: dict[str, Any], place: shrink_values.Place) -> Iterator[Any]:
    """Yield what may stand at a place, likely values first."""
    member = next(step for step in reversed(place) if isinstance(step, str))
    yield from GOOD.get(member, ())
    value: Any = request
    for step in place:
        value = value[step]
    if isinstance(value, (int, float)):
        yield from dict.fromkeys(len(part) for _, part in shrink_values.places(request) if isinstance(part, list))
    if isinstance(value, list):
        yield from (value[:length] for length in reversed(range(len(value))))
        yield from (value + [filler] * count for count in range(1, MOST_ROWS + 1) for filler in FILLERS)
        yield from ([[0] * inputs] * outputs for outputs, inputs in itertools.product(range(MOST_ROWS + 1), repeat=2))
    yield from (text for _, text in shrink_values.places(request) if isinstance(text, str))


def _each_number(request: dict[str, Any]) -> Iterator[tuple[Patch, dict[str, Any]]]:
    for place, value in shrink_values.places(request):
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value:
            path = "".join(pointer(str(step)) for step in place)
            yield [{"op": "replace", "path": path, "value": 0}], shrink_values.replaced(request, place, 0)


# ---- texts -----------------------------------------------------------------------------------------------------------


def _on_text(request: dict[str, Any]) -> Iterator[tuple[Patch, dict[str, Any]]]:
    data = shrink_texts.text_of(request)
    if len(data) > LONGEST_TEXT:
        return
    for edited in _edits(data):
        repaired = shrink_texts.carried(edited)
        if "text" in request and "text" in repaired:
            yield [{"op": "replace", "path": "/text", "value": repaired["text"]}], repaired
        elif "base64" in request:
            encoded = base64.b64encode(edited).decode("ascii")
            yield [{"op": "replace", "path": "/base64", "value": encoded}], {"base64": encoded}


def _edits(data: bytes) -> Iterator[bytes]:
    """Yield texts that differ in one spot: something cut out, short cuts first, then something changed or added."""
    for length in range(1, len(data) + 1):
        yield from (data[:start] + data[start + length :] for start in range(len(data) - length + 1))
    for at in range(len(data) + 1):
        for token in TOKENS:
            yield data[:at] + token + data[at + 1 :]
            yield data[:at] + token + data[at:]
