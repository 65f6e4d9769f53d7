"""Where two simulations part: the first sample, step, layer and neuron whose state is not the due one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from conformance.floats import decode, ulps

RECORDS = ["counts", "spikes", "potential", "trace"]


@dataclass(frozen=True)
class State:
    """A neuron at one step: membrane potential before and after the reset (16 hex digits each); did it fire?"""

    before: str
    after: str
    spike: bool

    def margin(self, threshold: float) -> float | None:
        """Return how far the potential before the reset lies above the threshold (negative: below)."""
        value = decode(self.before)
        return None if value is None else value - threshold


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
    """

    sample: int | None
    step: int
    layer: int
    neuron: int
    threshold: float
    expected: State
    got: State

    @property
    def ulps(self) -> int | None:
        """Distance of the two potentials before the reset, in units in the last place."""
        a, b = decode(self.expected.before), decode(self.got.before)
        return None if a is None or b is None else ulps(a, b)


def first_divergence(network: dict[str, Any], due: dict[str, Any], got: dict[str, Any]) -> Divergence | None:
    """Compare two outputs that hold all of ``RECORDS``; None where every state is the same.

    Raises:
        LookupError, TypeError, ValueError: An output has not the shape that the protocol gives it.
    """
    batch = isinstance(due["counts"][0][0], list) if due["counts"] and due["counts"][0] else False
    samples = range(len(due["trace"])) if batch else [None]
    for sample in samples:
        pair = (_states(due, sample), _states(got, sample))
        for (place, expected), (_, actual) in zip(*pair, strict=True):
            if expected != actual:
                step, layer, neuron = place
                threshold = float(network["layers"][layer]["neuron"]["threshold"])
                return Divergence(sample, step, layer, neuron, threshold, expected, actual)
    return None


def _states(output: dict[str, Any], sample: int | None) -> Iterator[tuple[tuple[int, int, int], State]]:
    trace = output["trace"] if sample is None else output["trace"][sample]
    spikes = output["spikes"] if sample is None else output["spikes"][sample]
    for step in range(len(trace[0])):
        for layer, steps in enumerate(trace):
            fired = set(spikes[layer][step])
            pairs = zip(steps[step]["before"], steps[step]["after"], strict=True)
            for neuron, (before, after) in enumerate(pairs):
                yield (step, layer, neuron), State(before, after, neuron in fired)
