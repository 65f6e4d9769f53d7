"""Where two simulations part: the first sample, step, layer and neuron not in the due state, and what is near."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.floats import decode, ulps
from conformance.shapes import Shape, place

RECORDS = ["counts", "spikes", "potential", "trace"]
RASTER_STEPS = 200
RASTER_NEURONS = 64
TRACE_STEPS = 48


@dataclass(frozen=True)
class State:
    """A neuron at one step: potential before and after the reset (16 hex digits, 8 in binary32), spike"""

    before: str
    after: str
    spike: bool

    def margin(self, threshold: float) -> float | None:
        """Return how far the potential before the reset lies above the threshold (negative: below)."""
        value = decode(self.before)
        return None if value is None else value - threshold


@dataclass(frozen=True)
class Window:
    """What happened near a divergence, in its sample and layer, on one side; small enough for a report.

    Attributes:
        spikes: Per step from ``Vicinity.raster_step`` on, the ascending indices of the shown neurons that fired.
        before: The divergent neuron's potential before the reset, per step from ``Vicinity.trace_step`` on; None where
            the answer has no such value.
        after: The same after the reset.
    """

    spikes: list[list[int]]
    before: list[str | None]
    after: list[str | None]


@dataclass(frozen=True)
class Vicinity:
    """The surroundings of a divergence on both sides.

    Attributes:
        steps: Steps of the whole run.
        neurons: Neurons of the whole layer.
        raster_step: First step of ``spikes``.
        raster_neuron: First neuron that ``spikes`` covers.
        raster_neurons: How many neurons ``spikes`` covers.
        trace_step: First step of ``before`` and ``after``.
        expected: The due side.
        got: The backend's side.
    """

    steps: int
    neurons: int
    raster_step: int
    raster_neuron: int
    raster_neurons: int
    trace_step: int
    expected: Window
    got: Window


@dataclass(frozen=True)
class Divergence:
    """The first difference of two runs of one network, in the order sample, step, layer, neuron.

    Attributes:
        sample: Row of the batch, or None for a single sample.
        step: Time step, from 0.
        layer: Layer, from 0.
        neuron: Neuron in the layer, from 0.
        threshold: Of that neuron.
        expected: The due state.
        got: The backend's.
        vicinity: What happened around it, for plots.
        place: The neuron's (channel, row, column) where the layer's output has three dimensions.
    """

    sample: int | None
    step: int
    layer: int
    neuron: int
    threshold: float
    expected: State
    got: State
    vicinity: Vicinity | None = None
    place: tuple[int, int, int] | None = None

    @property
    def where(self) -> str:
        """Sample, step, layer and neuron in words."""
        sample = "" if self.sample is None else f"sample {self.sample}, "
        text = f"{sample}step {self.step}, layer {self.layer}, neuron {self.neuron}"
        if self.place is None:
            return text
        channel, row, column = self.place
        return f"{text} (channel {channel}, row {row}, column {column})"

    @property
    def ulps(self) -> int | None:
        """Distance of the two potentials before the reset, in units in the last place."""
        return ulps(self.expected.before, self.got.before)

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Divergence:
        """Take a divergence from its line in a report.

        Raises:
            LookupError, TypeError, ValueError: The line has not the shape that report.schema.json gives it.
        """
        near = row.get("vicinity")
        sample = row["sample"]
        return cls(
            sample=None if sample is None else _integer(sample),
            **{name: _integer(row[name]) for name in ("step", "layer", "neuron")},
            threshold=float(row["threshold"]),
            expected=_state_from(row["expected"]),
            got=_state_from(row["got"]),
            vicinity=None if near is None else _vicinity_from(near),
            place=_place_from(row.get("place")),
        )


def _integer(value: Any) -> int:
    if type(value) is not int:
        raise TypeError(f"{value!r:.80} is no integer")
    return value


def _place_from(value: Any) -> tuple[int, int, int] | None:
    if value is None:
        return None
    channel, row, column = map(_integer, value)
    return channel, row, column


def _potential(value: Any) -> str:
    if decode(value) is None:
        raise ValueError(f"{value!r:.80} is not 16 or 8 hex digits")
    return str(value)


def _state_from(row: dict[str, Any]) -> State:
    return State(_potential(row["before"]), _potential(row["after"]), bool(row["spike"]))


def _vicinity_from(row: dict[str, Any]) -> Vicinity:
    numbers = ("steps", "neurons", "raster_step", "raster_neuron", "raster_neurons", "trace_step")
    sides = (_window_from(row["expected"]), _window_from(row["got"]))
    near = Vicinity(**{name: _integer(row[name]) for name in numbers}, expected=sides[0], got=sides[1])
    shown = range(near.raster_neuron, near.raster_neuron + near.raster_neurons)
    if len(shown) > RASTER_NEURONS or any(neuron not in shown for w in sides for step in w.spikes for neuron in step):
        raise ValueError(f"the raster covers {near.raster_neurons} neurons, or spikes of others")
    return near


def _window_from(row: dict[str, Any]) -> Window:
    spikes = [[_integer(neuron) for neuron in step] for step in row["spikes"]]
    before, after = ([None if v is None else _potential(v) for v in row[name]] for name in ("before", "after"))
    if len(spikes) > RASTER_STEPS or max(len(before), len(after)) > TRACE_STEPS:
        raise ValueError("more steps than a report has")
    return Window(spikes, before, after)


def first_divergence(
    network: dict[str, Any], due: dict[str, Any], got: dict[str, Any], shapes: Sequence[Shape] = ()
) -> Divergence | None:
    """Compare two outputs that hold all of ``RECORDS``; None where every state is the same.

    Layers without neurons have no states. With the ``shapes`` of all layers a neuron is told by its place, too.

    Raises:
        LookupError, TypeError, ValueError: An output has not the shape that the protocol gives it.
    """
    batch = isinstance(due["counts"][0][0], list) if due["counts"] and due["counts"][0] else False
    samples = range(len(due["trace"])) if batch else [None]
    for sample in samples:
        pair = (_states(due, sample), _states(got, sample))
        for (at, expected), (_, actual) in zip(*pair, strict=True):
            if expected != actual:
                if decode(actual.before) is None or decode(actual.after) is None:
                    raise ValueError("a potential is not 16 or 8 hex digits")
                step, layer, neuron = at
                threshold = float(network["layers"][layer]["neuron"]["threshold"])
                near = _vicinity(due, got, sample, at)
                where = place(shapes[layer], neuron) if shapes else None
                return Divergence(sample, step, layer, neuron, threshold, expected, actual, near, where)
    return None


def _states(output: dict[str, Any], sample: int | None) -> Iterator[tuple[tuple[int, int, int], State]]:
    trace = output["trace"] if sample is None else output["trace"][sample]
    spikes = output["spikes"] if sample is None else output["spikes"][sample]
    spiking = [(layer, steps) for layer, steps in enumerate(trace) if steps]
    for step in range(len(spiking[0][1])):
        for layer, steps in spiking:
            fired = set(spikes[layer][step])
            pairs = zip(steps[step]["before"], steps[step]["after"], strict=True)
            for neuron, (before, after) in enumerate(pairs):
                yield (step, layer, neuron), State(before, after, neuron in fired)


def _vicinity(
    due: dict[str, Any], got: dict[str, Any], sample: int | None, at: tuple[int, int, int]
) -> Vicinity | None:
    step, layer, neuron = at
    trace = (due["trace"] if sample is None else due["trace"][sample])[layer]
    steps, neurons = len(trace), len(trace[step]["before"])
    raster_steps = _around(step, RASTER_STEPS, steps)
    shown = _around(neuron, RASTER_NEURONS, neurons)
    trace_steps = _around(step, TRACE_STEPS, steps)

    def window(output: dict[str, Any]) -> Window:
        parts = (output[name] if sample is None else output[name][sample] for name in ("spikes", "trace"))
        spikes, states = (part[layer] for part in parts)
        fired = [sorted({n for n in spikes[t] if type(n) is int and n in shown}) for t in raster_steps]
        before, after = ([_hex(states[t][side][neuron]) for t in trace_steps] for side in ("before", "after"))
        return Window(fired, before, after)

    try:
        sides = window(due), window(got)
    except (LookupError, TypeError):
        return None  # beyond the divergence the answer has not even the due shape; the divergence itself stands
    return Vicinity(steps, neurons, raster_steps.start, shown.start, len(shown), trace_steps.start, *sides)


def _around(at: int, size: int, total: int) -> range:
    """Return up to ``size`` of ``total`` places with ``at`` in their middle, or as near to it as the ends allow."""
    start = min(max(0, at - size // 2), max(0, total - size))
    return range(start, min(total, start + size))


def _hex(value: Any) -> str | None:
    return value if decode(value) is not None else None
