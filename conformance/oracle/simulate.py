"""The run: integrate-and-fire layers in a profile (semantics.md, sections 6 to 8; networks.md, section 2)."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from conformance.oracle import kinds, network, pair, philox, stimulus
from conformance.oracle.network import Layer, Network, Neurons
from conformance.oracle.places import Folder
from conformance.oracle.profile import DEFAULT, PROFILES, Profile
from conformance.oracle.values import Number, Rejected, Value, array, integer, number, pointer, strings

Inputs: TypeAlias = Callable[[int], list[float]]  # step → the value of every input


@dataclass
class Trace:
    """What one layer of one sample did: membrane potentials now, and everything that `record` can ask for."""

    potential: list[float]
    counts: list[int]
    profile: Profile
    spikes: list[list[int]] = field(default_factory=list)
    steps: list[dict[str, list[str]]] = field(default_factory=list)


def simulate(arguments: dict[str, Value], root: Folder) -> dict[str, object]:
    """Answer `simulate`; files lie below `root`."""
    profile = _profile(arguments)
    checked = _network(arguments["network"], root, profile)
    request = stimulus.Request(arguments, checked.width, root, profile)
    stimulus.check_simulate(request)
    kind, batch, rows = stimulus.samples(request)
    record = strings(arguments.get("record", []))
    answers = []
    for k, row in enumerate(rows):
        inputs = _inputs(kind, row, checked.width or 0, request, k)
        traces = run(checked, request.steps, inputs, kind == "constant", "trace" in record, profile)
        answers.append(_answer(checked, traces, record))
    if not batch:
        return answers[0]
    return {item: [answer[item] for answer in answers] for item in answers[0]}


def _profile(arguments: dict[str, Value]) -> Profile:
    name = arguments.get("profile")
    return PROFILES[name] if isinstance(name, str) else DEFAULT


def _network(value: Value, root: Folder, profile: Profile) -> Network:
    """Return the network; whatever in a pair breaks a rule by its rounding is a fault of the pair."""
    document = _document(value, root)
    try:
        return network.load(document, root, profile)
    except Rejected as rejected:
        if document is value:
            raise
        raise Rejected(rejected.code, "/network/checkpoint") from None


def _document(value: Value, root: Folder) -> Value:
    """Return the network document, out of a pair where the request names one."""
    if not isinstance(value, dict) or "checkpoint" not in value:
        return value
    for key in value:
        if key != "checkpoint":
            raise Rejected("network.unknown-key", "/network" + pointer(key))
    return pair.network_of(value, root, "/network")


def encode(arguments: dict[str, Value]) -> dict[str, object]:
    """Answer `encode.poisson`."""
    request = stimulus.Request(arguments)
    stimulus.check_encode(request)
    rates = [number(entry) for entry in array(arguments["rates"])]
    seed, sample = _integer(arguments["seed"]), _integer(arguments.get("sample", Number("0", 0.0)))
    return {"spikes": [philox.spiking(rates, seed, sample, step) for step in range(request.steps)]}


def run(
    checked: Network, steps: int, inputs: Inputs, constant: bool, trace: bool, profile: Profile = DEFAULT
) -> list[Trace]:
    """Return the trace of every layer for one sample; a layer without neurons has an empty one."""
    traces = [_start(layer, profile) for layer in checked.layers]
    outputs: dict[int, list[float]] = {}
    constants: dict[int, list[float]] = {}  # what a constant input alone decides, worked out once
    for step in range(steps):
        outputs[kinds.INPUT] = inputs(step)
        for i, layer in enumerate(checked.layers):
            path = f"/network/layers/{i}"
            again = constants.get(i)
            current = layer_current(layer, outputs, path, profile) if again is None else again
            if constant and all(source == kinds.INPUT for source, _ in layer.parts):
                constants[i] = current
            if layer.neurons is None:
                outputs[i] = current
                continue
            fired = set(advance(layer.neurons, traces[i], current, path, trace))
            outputs[i] = [1.0 if neuron in fired else 0.0 for neuron in range(layer.elements)]
    return traces


def layer_current(layer: Layer, outputs: dict[int, list[float]], path: str, profile: Profile = DEFAULT) -> list[float]:
    """Return the current of every output, or what a layer without neurons gives; raise `Rejected` where not finite.

    A sum completes the current of each branch before it adds them in listed order; the bias comes last.
    """
    currents = [part.current(outputs[source], profile) for source, part in layer.parts]
    total = [0.0] * layer.elements if layer.is_sum else currents[0]
    for current in currents if layer.is_sum else []:
        total = [profile.rounded(acc + value) for acc, value in zip(total, current, strict=True)]
    if layer.bias is not None:
        total = [profile.rounded(acc + entry) for acc, entry in zip(total, layer.bias, strict=True)]
    if not all(math.isfinite(value) for current in (*currents, total) for value in current):
        raise Rejected("simulate.non-finite", path)
    return total


def advance(neurons: Neurons, state: Trace, current: list[float], path: str, trace: bool) -> list[int]:
    """Take one layer through one time step and return the neurons that fired."""
    before = [integrate(neurons, v, current[n], state.profile) for n, v in enumerate(state.potential)]
    if not all(math.isfinite(value) for value in before):
        raise Rejected("simulate.non-finite", path)
    fired = [n for n, v in enumerate(before) if v >= neurons.threshold] if neurons.fires else []
    state.potential = list(before)
    for n in fired:
        left = state.profile.rounded(before[n] - neurons.threshold)
        state.potential[n] = left if neurons.reset == "subtract" else 0.0
        state.counts[n] += 1
    state.spikes.append(fired)
    if trace:
        state.steps.append({"before": _hex(before, state.profile), "after": _hex(state.potential, state.profile)})
    return fired


def integrate(neurons: Neurons, v: float, current: float, profile: Profile = DEFAULT) -> float:
    """Return the membrane potential before the reset."""
    if neurons.leaky:
        v = profile.rounded(neurons.decay * v)
    return profile.rounded(v + current)


def _start(layer: Layer, profile: Profile) -> Trace:
    if layer.neurons is None:
        return Trace([], [], profile)
    return Trace([layer.neurons.initial_potential] * layer.elements, [0] * layer.elements, profile)


def _inputs(kind: str, row: Value, width: int, request: stimulus.Request, k: int) -> Inputs:
    """Return the function that tells sample k's inputs at a step."""
    if kind == "spikes":
        trains = [[_integer(index) for index in array(step)] for step in array(row)]
        return lambda step: _spiking(trains[step], width)
    values = [number(entry) for entry in array(row)]
    if kind == "constant":
        rounded = [request.profile.rounded(value) for value in values]
        return lambda step: rounded
    seed = _integer(request.input["seed"])
    sample = _integer(request.input.get("sample", Number("0", 0.0))) + k
    return lambda step: _spiking(philox.spiking(values, seed, sample, step), len(values))


def _spiking(indices: list[int], width: int) -> list[float]:
    """Return the value of every input; where any width will do nothing looks at them."""
    active = set(indices)
    return [1.0 if index in active else 0.0 for index in range(width)]


def _answer(checked: Network, traces: list[Trace], record: list[str]) -> dict[str, object]:
    last = traces[-1]
    answer: dict[str, object] = {
        "readout": last.counts if checked.readout == "spikes" else _hex(last.potential, last.profile)
    }
    items: dict[str, Callable[[Trace], object]] = {
        "counts": lambda layer: layer.counts,
        "spikes": lambda layer: layer.spikes,
        "potential": lambda layer: _hex(layer.potential, layer.profile),
        "trace": lambda layer: layer.steps,
    }
    for item in record:
        answer[item] = [items[item](layer) for layer in traces]
    return answer


def _hex(numbers: list[float], profile: Profile) -> list[str]:
    return [profile.digits(value) for value in numbers]


def _integer(value: Value) -> int:
    result = integer(value)
    assert result is not None
    return result
