"""Networks and their inputs: sums that cancel, tie with a threshold or overflow, and widths around vector lengths."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import Any

from conformance import oracle
from conformance.fuzz import graphs, numbers, poisson
from conformance.fuzz.mutate import bent
from conformance.oracle.hexfloat import from_hex

Row = list[float | int]
Draw = Callable[[], "float | int"]

WIDTHS = (0, 1, 1, 2, 2, 3, 3, 4, 5)
WIDE = (7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 66, 130)
DECAYS = (0, 1, 0.0, -0.0, 1.0, 0.5, 0.9, 0.1, 1 / 3, 0.99, 1 - 2.0**-53, numbers.TINY, 2.0**-1022)
THRESHOLDS = (1, 1.0, 0.5, 0.3, 0.1, 2.5, 1e-3, numbers.TINY, 1e16, numbers.LARGEST)
SAMPLES = (*(0, 0, 0, 1, 2, 3) * 3, 5, 9)
"""Samples of a batch; 0 stands for one sample that is no batch."""
RECORDS = ("counts", "spikes", "potential", "trace")
MOST_LAYERS = 1024
MOST_STEPS = 1048576


def simulate(rng: Random) -> dict[str, Any]:
    """Draw the input of simulate."""
    x = rng.random()
    if x < 0.0015:
        return bent(_deep(rng), rng, ("record",))
    if x < 0.006:
        return _long(rng)
    request = _plain(rng, wide=x < 0.08) if x < 0.6 else _graph(rng)
    if x < 0.6:
        if rng.random() < 0.3:
            _tie(request, rng)
        if rng.random() < 0.03:
            _unchain(rng.choice(request["network"]["layers"]), rng)
    elif rng.random() < 0.15:
        _tie_anywhere(request, rng)
    if rng.random() < 0.01:
        return _longest(request, rng)
    if rng.random() < 0.05:
        request["profile"] = rng.choice(("sequential-f64", "sequential-f32"))
        return request
    return bent(request, rng, ("record",))


def _plain(rng: Random, wide: bool) -> dict[str, Any]:
    draw = _style(rng)
    widths = [rng.choice(WIDTHS) for _ in range(rng.choice((2, 2, 2, 3, 3, 4)))]
    if wide:
        widths[rng.randrange(len(widths))] = rng.choice(WIDE)
    layers = [_layer(inputs, outputs, draw, rng) for inputs, outputs in pairwise(widths)]
    steps = rng.choice((1, 1, 2, 3)) if wide else rng.choice((1, 2, 3, 4, 5, 8, 20))
    network: dict[str, Any] = {"layers": layers}
    if rng.random() < 0.5:
        network["readout"] = rng.choice(("spikes", "membrane"))
    # The weights `[]` do not say how wide the input is: any width, and any spike index, will do.
    width = widths[0] if widths[1] else rng.choice((0, 1, 3))
    request = {"network": network, "steps": steps, "input": _stimulus(width, steps, draw, rng, rng.choice(SAMPLES))}
    if rng.random() < 0.9:
        request["record"] = rng.sample(RECORDS, rng.randint(0, 4))
    return request


def _graph(rng: Random) -> dict[str, Any]:
    """Draw a network of more than dense layers, and its input."""
    draw = _style(rng)
    network, width = graphs.network(rng, draw, lambda: _neuron(rng))
    steps = rng.choice((1, 1, 2, 3, 5))
    request = {"network": network, "steps": steps, "input": _stimulus(width, steps, draw, rng, rng.choice(SAMPLES))}
    if rng.random() < 0.9:
        request["record"] = rng.sample(RECORDS, rng.randint(0, 4))
    return request


# ---- values ----------------------------------------------------------------------------------------------------------


def _style(rng: Random) -> Draw:
    """Choose where the values of one network come from."""
    small, large = rng.choice((1.0, 0.1, 8.0)), 10.0 ** rng.randint(1, 20)
    styles: tuple[Draw, ...] = (
        lambda: rng.gauss(0.0, small),
        lambda: rng.gauss(0.0, small),
        lambda: rng.randint(-8, 8) / 8,
        lambda: rng.randint(-9, 9) / 10,
        lambda: rng.choice((large, -large, 1.0, -1.0, 0.1, 1 + 2.0**-52)),
        lambda: rng.gauss(0.0, 1.0) * 10.0 ** rng.randint(-16, 16),
        lambda: rng.choice((numbers.LARGEST, -numbers.LARGEST, 1e308, -1e308, 9e307, 1e154, -1e154, 1.0, 0.5)),
        lambda: rng.randint(-6, 6) * numbers.TINY,
        lambda: rng.choice((-0.0, 0.0, 0, -0.0, 1.0, -1)),
        lambda: numbers.finite(rng),
    )
    return rng.choice(styles)


def _row(width: int, draw: Draw, rng: Random) -> Row:
    row = [draw() for _ in range(width)]
    if width >= 3 and rng.random() < 0.15:
        # What stands between two values that cancel survives in one order of summation only.
        i, j = sorted(rng.sample(range(width), 2))
        row[j] = -row[i]
    return row


def _neuron(rng: Random) -> dict[str, Any]:
    neuron: dict[str, Any] = {"model": rng.choice(("if", "lif")), "threshold": _threshold(rng)}
    if neuron["model"] == "lif":
        neuron["decay"] = rng.choice(DECAYS) if rng.random() < 0.5 else rng.random()
    if rng.random() < 0.6:
        neuron["reset"] = rng.choice(("subtract", "zero"))
    if rng.random() < 0.5:
        neuron["initial_potential"] = rng.choice((0, -0.0, 0.5, -1, 1, numbers.TINY, numbers.finite(rng)))
    return dict(rng.sample(list(neuron.items()), len(neuron)))


def _threshold(rng: Random) -> float | int:
    x = rng.random()
    if x < 0.5:
        return rng.choice(THRESHOLDS[:7])
    return rng.choice(THRESHOLDS) if x < 0.7 else abs(numbers.finite(rng)) or 1.0


def _layer(inputs: int, outputs: int, draw: Draw, rng: Random) -> dict[str, Any]:
    layer: dict[str, Any] = {"weights": [_row(inputs, draw, rng) for _ in range(outputs)], "neuron": _neuron(rng)}
    if rng.random() < 0.5:
        layer["bias"] = [draw() for _ in range(outputs)]
    return dict(rng.sample(list(layer.items()), len(layer)))


def _stimulus(width: int, steps: int, draw: Draw, rng: Random, count: int) -> dict[str, Any]:
    kind = rng.choice(("constant", "constant", "spikes", "poisson"))
    if kind == "constant":
        plain = rng.random() < 0.3
        return {"kind": kind, "values": _batch(count, lambda: _values(width, draw, plain, rng))}
    if kind == "spikes":
        rate = rng.choice((0.1, 0.5, 0.9))
        indices = _batch(count, lambda: _trains(width, steps, rate, rng))
        if rng.random() < 0.1:
            _shift(indices[-1] if count else indices, width, rng)
        return {"kind": kind, "indices": indices}
    key, sample = poisson.seed(rng), poisson.seed(rng) if rng.random() < 0.5 else 0
    rates = _batch(count, lambda: poisson.rates(rng, width, key, sample, steps))
    stimulus = {"kind": kind, "rates": rates, "seed": key}
    return stimulus | {"sample": sample} if sample or rng.random() < 0.2 else stimulus


def _batch(count: int, one: Callable[[], Any]) -> Any:
    """Return one sample where the count is 0, else a batch."""
    return [one() for _ in range(count)] if count else one()


def _unchain(layer: dict[str, Any], rng: Random) -> None:
    """Give a layer an input more, an input less, or the transposed weights."""
    rows, x = layer["weights"], rng.random()
    if x < 0.6:
        layer["weights"] = [[*row, 1.0] if x < 0.3 else row[1:] for row in rows]
    else:
        layer["weights"] = [list(column) for column in zip(*rows, strict=True)]


def _values(width: int, draw: Draw, plain: bool, rng: Random) -> Row:
    return [rng.choice((0, 1, 0.0, -0.0, 1.0)) if plain or rng.random() < 0.2 else draw() for _ in range(width)]


def _trains(width: int, steps: int, rate: float, rng: Random) -> list[list[int]]:
    return [[j for j in range(width) if rng.random() < rate] for _ in range(steps)]


def _shift(trains: list[list[int]], width: int, rng: Random) -> None:
    """Bend spike trains by one: a step more or less, an index just past the inputs, an index that comes twice."""
    x = rng.random()
    if x < 0.2:
        trains.append(rng.choice(([], [0], list(trains[-1]))))
    elif x < 0.4:
        trains.pop()
    elif x < 0.7:
        rng.choice(trains).append(width)
    else:
        step = rng.choice(trains)
        step.append(rng.choice(step) if step else 0)


# ---- edges -----------------------------------------------------------------------------------------------------------


def _tie(request: dict[str, Any], rng: Random) -> None:
    """Put the threshold of layer 0 exactly on a potential that is reached, or one unit in the last place beside it."""
    layer = request["network"]["layers"][0]
    inputs = _first_inputs(request["input"])
    if inputs is None or not layer["weights"]:
        return
    output = rng.randrange(len(layer["weights"]))
    row, neuron = layer["weights"][output], layer["neuron"]
    if len(inputs) > 2 and rng.random() < 0.3:
        # Two products that cancel once each is rounded; fused, the rounding error of the first remains.
        product = row[0] * inputs[0]
        if math.isfinite(product) and inputs[1] == 1:
            row[1] = -product
    current = 0.0
    for weight, value in zip(row, inputs, strict=False):
        current = current + weight * value
    current = current + layer.get("bias", [0.0] * len(layer["weights"]))[output]
    potential = float(neuron.get("initial_potential", 0.0))
    for _ in range(rng.randint(1, min(3, request["steps"]))):
        potential = neuron.get("decay", 1.0) * potential + current
    if 0.0 < potential < math.inf:
        neuron["threshold"] = numbers.neighbour(potential, rng) or numbers.TINY


def _tie_anywhere(request: dict[str, Any], rng: Random) -> None:
    """Put the threshold of some layer on a potential that is reached, or beside it; the oracle tells which are."""
    answer = oracle.answer("simulate", {**request, "record": ["trace"]})
    if answer["verdict"] != "accept":
        return
    traces = answer["output"]["trace"]
    if traces[0] and isinstance(traces[0][0], list):
        traces = traces[0]  # of a batch the first sample
    layer, steps = rng.choice([(layer, steps) for layer, steps in enumerate(traces) if steps])
    reached = [from_hex(digits) for step in steps for digits in step["before"]]
    reached = [value for value in reached if value > 0.0]
    if reached:
        threshold = numbers.neighbour(rng.choice(reached), rng) or numbers.TINY
        request["network"]["layers"][layer]["neuron"]["threshold"] = threshold


def _first_inputs(stimulus: dict[str, Any]) -> Row | None:
    """Return what the first sample presents at the first step, None where that is drawn by Philox."""
    if stimulus["kind"] == "constant":
        values = stimulus["values"]
        return values[0] if values and isinstance(values[0], list) else values
    if stimulus["kind"] == "poisson":
        return None
    trains: Any = stimulus["indices"]
    while trains and isinstance(trains[0], list) and trains[0] and isinstance(trains[0][0], list):
        trains = trains[0]
    active = trains[0] if trains and isinstance(trains[0], list) else []
    return [1.0 if j in active else 0.0 for j in range(max(active, default=-1) + 1)]


def _deep(rng: Random) -> dict[str, Any]:
    """Draw a network of about as many layers as are allowed, all of width 1 or of width 0."""
    count = rng.choice((MOST_LAYERS - 1, MOST_LAYERS, MOST_LAYERS, MOST_LAYERS + 1, 200))
    weights: list[Row] = rng.choice(([[1.0]], [[0.5]], []))
    neuron = {"model": "if", "threshold": rng.choice((1, 0.5))}
    # Each layer has rows of its own: a shared one would be bent in all layers at once.
    layers = [{"weights": [row.copy() for row in weights], "neuron": dict(neuron)} for _ in range(count)]
    return {
        "network": {"layers": layers},
        "steps": rng.choice((1, 2)),
        "input": {"kind": "constant", "values": [1.0] * len(weights)},
        "record": rng.choice((["counts"], ["potential"], [])),
    }


def _long(rng: Random) -> dict[str, Any]:
    """Draw a small network that runs for about as many rows (samples x steps) as kernels take at once, or far more."""
    samples = rng.choice((0, 0, 1, 2, 3, 8))
    rows = rng.choice((255, 256, 257, 511, 512, 512, 513, 513, 1023, 1024, 1025, 4097))
    if rng.random() < 0.02:
        samples, rows = 0, 65_600  # spike counts that 16 bits do not hold
    steps = max(1, rows // max(1, samples) + rng.choice((0, 0, 1)))
    widths = [rng.choice((1, 1, 2, 3)) for _ in range(rng.choice((2, 3)))]
    layers = [_layer(inputs, outputs, lambda: rng.randint(-8, 12) / 8, rng) for inputs, outputs in pairwise(widths)]
    stimulus = _stimulus(widths[0], steps, lambda: rng.randint(0, 8) / 8, rng, samples)
    record = rng.sample(("counts", "spikes", "potential"), rng.randint(0, 3))
    network = {"layers": layers, "readout": rng.choice(("spikes", "membrane"))}
    return {"network": network, "steps": steps, "input": stimulus, "record": record}


def _longest(request: dict[str, Any], rng: Random) -> dict[str, Any]:
    """Give a request the most steps that are allowed, or one more, and a fault further on: it must not be run."""
    request["steps"] = MOST_STEPS + rng.choice((0, 0, 1))
    if request["input"]["kind"] != "spikes" or rng.random() < 0.5:
        request["record"] = rng.choice((["x"], None, [1]))
    return request
