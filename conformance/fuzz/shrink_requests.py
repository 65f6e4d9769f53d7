"""Moves that know what belongs together: a layer, a neuron, an input, a sample or a step goes with all that it has."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from conformance import oracle
from conformance.fuzz.files import ROOT
from conformance.lint import MEMBERS_OF_INPUT
from conformance.oracle.hexfloat import from_hex

Input = dict[str, Any]

FEW_STEPS = 64
TIED_STEPS = TIED_NEURONS = 2


def always_there(op: str) -> set[str]:
    """Return the members of a request that are always sent."""
    required, optional = MEMBERS_OF_INPUT[op]
    return required | (optional & {"document", "text", "base64"})


def moves(op: str, request: Input) -> Iterator[Input]:
    """Yield requests with less in them."""
    if op == "simulate":
        yield from _possible(_samples, request)
        yield from _possible(_steps, request)
        yield from _possible(_layers, request)
        yield from _possible(_neurons, request)
        yield from _possible(_inputs, request)
        yield from _possible(_plain, request)
    whole = "checkpoint" if "checkpoint" in request else "document"
    if whole in request:
        for smaller in _possible(_checkpoint_layers, request[whole]):
            yield {**request, whole: smaller}
        for smaller in _possible(_checkpoint_sizes, request[whole]):
            yield {**request, whole: smaller}


def _possible(find: Callable[[Any], Iterator[Input]], value: Any) -> Iterator[Input]:
    """Yield what can be found: a value that is not what it should be offers less."""
    try:
        yield from find(value)
    except (LookupError, TypeError, ValueError, AttributeError):
        return


def _samples(request: Input) -> Iterator[Input]:
    """Put one sample of a batch in place of the batch."""
    stimulus = request["input"]
    data = _data(stimulus)
    for k, row in enumerate(stimulus[data]):
        single = {**stimulus, data: row}
        if stimulus["kind"] == "poisson":
            single["sample"] = stimulus.get("sample", 0) + k
        yield {**request, "input": single}


def _data(stimulus: Any) -> str:
    return {"constant": "values", "spikes": "indices", "poisson": "rates"}[stimulus["kind"]]


def _steps(request: Input) -> Iterator[Input]:
    """Run for fewer steps."""
    steps, stimulus = request["steps"], request["input"]
    # One step less is worth trying where there are few: from a million it would be a long way.
    for fewer in dict.fromkeys((1, steps // 2, *((steps - 1,) if steps < FEW_STEPS else ()))):
        if 0 < fewer < steps:
            yield {**request, "steps": fewer, "input": _trains(stimulus, slice(fewer, None))}
    if stimulus["kind"] == "spikes" and steps < FEW_STEPS:
        for step in range(steps):
            yield {**request, "steps": steps - 1, "input": _trains(stimulus, slice(step, step + 1))}


def _trains(stimulus: Any, gone: slice) -> Any:
    """Return an input without some of its steps, where it has steps of its own."""
    if stimulus["kind"] != "spikes":
        return stimulus
    trains = copy.deepcopy(stimulus["indices"])
    batch = bool(trains and trains[0]) and isinstance(trains[0][0], list)
    for row in trains if batch else [trains]:
        del row[gone]
    return {**stimulus, "indices": trains}


def _layers(request: Input) -> Iterator[Input]:
    """Leave out a layer, or all behind it, or put a single layer in place of all."""
    layers = request["network"]["layers"]
    for index in range(len(layers)):
        for kept in ([layers[index]], layers[: index + 1], layers[index:], layers[:index] + layers[index + 1 :]):
            yield {**request, "network": {**request["network"], "layers": kept}}


def _neurons(request: Input) -> Iterator[Input]:
    """Leave out a neuron with its weights, its bias, and the weights behind it."""
    for index, layer in enumerate(request["network"]["layers"]):
        for neuron in range(len(layer["weights"])):
            yield _without_neuron(request, index, neuron)


def _without_neuron(request: Input, index: int, neuron: int) -> Input:
    smaller = copy.deepcopy(request)
    layers = smaller["network"]["layers"]
    del layers[index]["weights"][neuron]
    if isinstance(layers[index].get("bias"), list):
        del layers[index]["bias"][neuron : neuron + 1]
    if index + 1 < len(layers):
        for row in layers[index + 1]["weights"]:
            del row[neuron]
    return smaller


def _inputs(request: Input) -> Iterator[Input]:
    """Leave out an input with its weights."""
    for index in range(len(request["network"]["layers"][0]["weights"][0])):
        smaller = copy.deepcopy(request)
        for row in smaller["network"]["layers"][0]["weights"]:
            del row[index]
        stimulus = smaller["input"]
        member = _data(stimulus)
        stimulus[member] = _without_input(stimulus[member], index, member == "indices")
        yield smaller


def _without_input(data: list[Any], index: int, indices: bool) -> list[Any]:
    if any(isinstance(part, list) for part in data):
        return [_without_input(part, index, indices) for part in data]
    if indices:
        return [j - (j > index) for j in data if j != index]
    return data[:index] + data[index + 1 :]


def _plain(request: Input) -> Iterator[Input]:
    """Put the plainest neuron in place of a layer's, and a constant input in place of any other."""
    layers = request["network"]["layers"]
    for index, layer in enumerate(layers):
        plain = {**layer, "neuron": {"model": "if", "threshold": layer["neuron"]["threshold"]}}
        others = [*layers[:index], plain, *layers[index + 1 :]]
        yield {**request, "network": {**request["network"], "layers": others}}
    first = layers[0]["weights"]
    width = len(first[0]) if first else 0
    yield {**request, "input": {"kind": "constant", "values": [1] * width}}


def tied(request: Input) -> Iterator[Input]:
    """Put thresholds on potentials that are reached: a tie is lost with every other change."""
    yield from _possible(_tied, request)


def _tied(request: Input) -> Iterator[Input]:
    network = request["network"]
    answer = oracle.answer("simulate", {**request, "record": ["trace"]}, ROOT)
    traces = answer["output"]["trace"]
    if traces[0] and isinstance(traces[0][0], list):
        traces = traces[0]  # of a batch the first sample
    for index, trace in enumerate(traces):
        reached = dict.fromkeys(before for step in trace[:TIED_STEPS] for before in step["before"][:TIED_NEURONS])
        for digits in reached:
            layers = copy.deepcopy(network["layers"])
            layers[index]["neuron"]["threshold"] = from_hex(digits)
            yield {**request, "network": {**network, "layers": layers}}


def _checkpoint_layers(whole: Any) -> Iterator[Input]:
    """Leave out a layer of a checkpoint."""
    for index in range(len(whole["layer_names"])):
        smaller = copy.deepcopy(whole)
        for member in ("layer_names", "layer_sizes", "weights", "neuron_types"):
            if isinstance(smaller.get(member), list):
                del smaller[member][index : index + 1]
        name = whole["layer_names"][index]
        if isinstance(smaller.get("frozen_layers"), list):
            smaller["frozen_layers"] = [other for other in smaller["frozen_layers"] if other != name]
        yield smaller


def _checkpoint_sizes(whole: Any) -> Iterator[Input]:
    """Leave out an output or an input of a layer of a checkpoint, or all of them."""
    for index, (inputs, outputs) in enumerate(whole["layer_sizes"]):
        for fewer_inputs, fewer_outputs in ((0, 0), (inputs, outputs - 1), (inputs - 1, outputs)):
            if fewer_inputs >= 0 and fewer_outputs >= 0:
                smaller = copy.deepcopy(whole)
                smaller["layer_sizes"][index] = [fewer_inputs, fewer_outputs]
                rows = smaller["weights"][index][:fewer_outputs]
                smaller["weights"][index] = [row[:fewer_inputs] for row in rows]
                yield smaller
