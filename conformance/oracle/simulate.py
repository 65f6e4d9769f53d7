"""The run: integrate-and-fire layers in a profile (semantics.md, sections 6 to 8; conversion.md, section 1)."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from conformance.oracle import network, pair, philox, stimulus
from conformance.oracle.network import Layer, Network
from conformance.oracle.places import Folder
from conformance.oracle.profile import DEFAULT, PROFILES, Profile
from conformance.oracle.values import Number, Rejected, Value, array, integer, number, pointer, strings

Active: TypeAlias = list[tuple[int, float]]  # (input index, value) of every input that is not zero, ascending


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
        source = _source(kind, row, request, k)
        traces = run(checked, request.steps, source, kind == "constant", "trace" in record, profile)
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
    checked: Network,
    steps: int,
    source: Callable[[int], Active],
    constant: bool,
    trace: bool,
    profile: Profile = DEFAULT,
) -> list[Trace]:
    """Return the trace of every layer for one sample, whose active inputs at each step `source` tells."""
    traces = [_start(layer, profile) for layer in checked.layers]
    first_current: list[float] | None = None
    for step in range(steps):
        active: Active = []
        for i, layer in enumerate(checked.layers):
            if i > 0:
                current = layer_current(layer, active, profile)
            else:
                if first_current is None or not constant:
                    first_current = layer_current(layer, source(step), profile)
                current = first_current
            fired = advance(layer, traces[i], current, f"/network/layers/{i}", trace)
            active = [(neuron, 1.0) for neuron in fired]
    return traces


def layer_current(layer: Layer, active: Active, profile: Profile = DEFAULT) -> list[float]:
    """Return the current of every output: products and sums in ascending input order, then the bias."""
    currents = []
    for i, row in enumerate(layer.weights):
        acc = 0.0
        for j, x in active:
            product = profile.rounded(row[j] * x)
            acc = profile.rounded(acc + product)
        if layer.bias is not None:
            acc = profile.rounded(acc + layer.bias[i])
        currents.append(acc)
    return currents


def advance(layer: Layer, state: Trace, current: list[float], path: str, trace: bool) -> list[int]:
    """Take one layer through one time step and return the neurons that fired."""
    before = [integrate(layer, v, current[n], state.profile) for n, v in enumerate(state.potential)]
    if not all(math.isfinite(value) for value in current + before):
        raise Rejected("simulate.non-finite", path)
    fired = [n for n, v in enumerate(before) if v >= layer.threshold] if layer.fires else []
    state.potential = list(before)
    for n in fired:
        left = state.profile.rounded(before[n] - layer.threshold)
        state.potential[n] = left if layer.reset == "subtract" else 0.0
        state.counts[n] += 1
    state.spikes.append(fired)
    if trace:
        state.steps.append({"before": _hex(before, state.profile), "after": _hex(state.potential, state.profile)})
    return fired


def integrate(layer: Layer, v: float, current: float, profile: Profile = DEFAULT) -> float:
    """Return the membrane potential before the reset."""
    if layer.leaky:
        v = profile.rounded(layer.decay * v)
    return profile.rounded(v + current)


def _start(layer: Layer, profile: Profile) -> Trace:
    outputs = len(layer.weights)
    return Trace([layer.initial_potential] * outputs, [0] * outputs, profile)


def _source(kind: str, row: Value, request: stimulus.Request, k: int) -> Callable[[int], Active]:
    """Return the function that tells sample k's active inputs at a step."""
    if kind == "spikes":
        trains = [[_integer(index) for index in array(step)] for step in array(row)]
        return lambda step: [(index, 1.0) for index in trains[step]]
    values = [number(entry) for entry in array(row)]
    if kind == "constant":
        rounded = [request.profile.rounded(value) for value in values]
        active = [(j, x) for j, x in enumerate(rounded) if x != 0.0]
        return lambda step: active
    seed = _integer(request.input["seed"])
    sample = _integer(request.input.get("sample", Number("0", 0.0))) + k
    return lambda step: [(index, 1.0) for index in philox.spiking(values, seed, sample, step)]


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
