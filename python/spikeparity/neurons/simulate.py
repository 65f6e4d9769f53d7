"""Simulation of integrate-and-fire networks in the profiles `sequential-f64` and `sequential-f32`.

They are those of semantics.md, sections 6 and 7, of networks.md, section 2, and of conversion.md, section 1.

A layer depends on the layers before it, never on those behind it. So the run goes through the layers for a whole block
of time steps: all currents of the block at once, then the neurons step by step. Every bit is that of the step-by-step
order in the specification.

Arrays are time-major, (steps, samples, neurons). Their element type, that of the weights, is the profile's format, in
which NumPy rounds every operation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from spikeparity.matrix import RealArray
from spikeparity.neurons import inputs
from spikeparity.neurons.currents import handed_on, layer_current
from spikeparity.neurons.inputs import Drive, Due, Input
from spikeparity.neurons.layers import AnyLayer, AvgPool2d, Flatten, Neuron
from spikeparity.neurons.network import Network
from spikeparity.neurons.philox import Raster
from spikeparity.neurons.shapes import OUTSIDE
from spikeparity.rejection import RejectedError, below
from spikeparity.values import FloatType, describe, is_array

FORMATS: dict[str, FloatType] = {"sequential-f64": np.float64, "sequential-f32": np.float32}
RECORDS = ("counts", "spikes", "potential", "trace")
Counts = npt.NDArray[np.int64]

# Elements of the largest array of a block: enough to make NumPy's cost per call small, few enough for the near caches.
BLOCK = 1 << 18

# Elements of the largest array of a single step, which bound how many samples run at a time, and so the memory.
SAMPLES = 1 << 22

# Up to this many neurons, over all samples, Python's own floats are faster than NumPy's calls; they are binary64 too.
FEW = 12

# What an input of any width presents.
NOTHING = np.zeros((1, 1, 0))


@dataclass(frozen=True, eq=False)
class Trace:
    """A layer's potentials before and after the reset, shape (steps, neurons), of a batch (samples, steps, neurons)."""

    before: RealArray
    after: RealArray


@dataclass(frozen=True, eq=False)
class Simulation:
    """What a run leaves. The arrays of a batch have a leading axis of samples.

    Attributes:
        readout: the last layer's spike counts or, under membrane readout, its potentials; shape (neurons).
        counts: per layer the spikes of each neuron, shape (neurons).
        potential: per layer the potentials after the last step, shape (neurons); like all potentials float64, or
            float32 in the profile `sequential-f32`.
        spikes: per layer where and when neurons fired, shape (steps, neurons); None unless recorded.
        trace: per layer its trace; None unless recorded.

    The neurons of a convolution are flat, (channels × height × width). A layer without neurons has none, and no steps.

    """

    readout: npt.NDArray[Any]
    counts: list[Counts]
    potential: list[RealArray]
    spikes: list[Raster] | None
    trace: list[Trace] | None


def simulate(
    network: Network, steps: int, input: Input, record: Collection[str] = (), profile: str = "sequential-f64"
) -> Simulation:
    """Run a network for a number of time steps.

    Args:
        network: the network.
        steps: number of time steps, within 1 … 1,048,576.
        input: a Constant, Spikes or Poisson, or the JSON document of one; one sample or a batch.
        record: any of `"counts"`, `"spikes"`, `"potential"`, `"trace"`. Counts and potentials are always returned.
        profile: the arithmetic, `"sequential-f64"` or `"sequential-f32"`: in binary32, weights, biases, neurons and
            constant values rounded to it once.

    Raises:
        RejectedError: a rule on steps, input or record (paths `/steps`, `/input…`, `/record…`), or
            `simulate.non-finite` at `/network/layers/<l>` where a current or a potential becomes non-finite; in
            binary32 also a rule on the network, of which a value becomes infinite there (`/network/layers/…`).
        ValueError: there is no such profile.

    """
    dtype = format_of(profile)
    if not isinstance(network, Network):
        raise RejectedError("network.object", "/network", f"network: expected a Network, got {describe(network)}")
    with below("/network"):
        network = network.rounded(dtype)
    document = input.document() if isinstance(input, (inputs.Constant, inputs.Spikes, inputs.Poisson)) else input
    inputs.steps_(steps)
    with below("/input"):
        inputs.check(document, Due(network.inputs, steps, dtype=dtype), inputs.RULES)
    record_kind(record)
    runs = run(network, inputs.drive(document, network.inputs, dtype), int(steps), set(record))
    return _simulation(network, runs, inputs.is_batch(document), set(record))


def format_of(profile: str) -> FloatType:
    """Return the format that a profile computes in."""
    if profile not in FORMATS:
        raise ValueError(f"profile: expected {' or '.join(map(repr, FORMATS))}, got {profile!r}")
    return FORMATS[profile]


def record_kind(record: Any) -> None:
    """record.kind: a list of names of records."""
    if not (is_array(record) or isinstance(record, (set, frozenset))):
        raise RejectedError("record.kind", "/record", f"record: expected a list, got {describe(record)}")
    for index, entry in enumerate(record):
        if not (isinstance(entry, str) and entry in RECORDS):
            message = f"record: expected one of {', '.join(RECORDS)}, got {describe(entry)}"
            raise RejectedError("record.kind", f"/record/{index}", message)


@dataclass(eq=False)
class LayerRun:
    """The state of a layer during a run, and what is recorded of it; one without neurons has neither.

    `steady` is the current of a block, (steps, samples, neurons), kept from the first one on where it never changes.
    """

    layer: AnyLayer
    fires: bool
    potential: RealArray
    counts: Counts
    spikes: list[Raster] = field(default_factory=list)
    before: list[RealArray] = field(default_factory=list)
    after: list[RealArray] = field(default_factory=list)
    steady: RealArray | None = None


def run(network: Network, drive: Drive, steps: int, record: Collection[str]) -> list[LayerRun]:
    """Run a network on a checked input, so many samples at a time; return the layers at the end."""
    at_once = max(1, SAMPLES // _widest(network))
    parts = []
    for first in range(0, drive.samples, at_once):
        part = drive.part(first, min(first + at_once, drive.samples))
        parts.append(run_samples(network, part, steps, record, first))
    return [_joined(list(states)) for states in zip(*parts, strict=True)]


def run_samples(network: Network, drive: Drive, steps: int, record: Collection[str], first: int) -> list[LayerRun]:
    """Run a network on all samples of an input, the first of which has a number; return the layers at the end."""
    runs = _start(network, drive.samples)
    block = max(1, BLOCK // (drive.samples * _widest(network)))
    never = steps * len(runs)
    faults = np.full(drive.samples, never)
    with np.errstate(all="ignore"):  # an overflow is a verdict, not a warning
        for begin in range(0, steps, block):
            end = min(begin + block, steps)
            faults = np.minimum(faults, _advance_block(network, runs, drive, begin, end, never, record))
    non_finite(faults, never, len(runs), first)
    return runs


def non_finite(faults: npt.NDArray[np.int64], never: int, layers: int, first: int) -> None:
    """simulate.non-finite: no current, no number handed on and no potential becomes NaN or infinite.

    `faults` has the time of each sample's first fault, counted in layers (step × number of layers + layer), or `never`.
    """
    for sample, fault in enumerate(faults.tolist()):
        if fault < never:
            step, layer = divmod(fault, layers)
            what = "a current, a number handed on or a potential"
            message = f"layer {layer}: {what} becomes non-finite in sample {first + sample} at step {step}"
            raise RejectedError("simulate.non-finite", f"/network/layers/{layer}", message)


def _widest(network: Network) -> int:
    """Return the most elements that a layer gives, or the input has."""
    return max(network.inputs or 0, *map(math.prod, network.shapes), 1)


def _start(network: Network, samples: int) -> list[LayerRun]:
    runs = []
    for layer, given in zip(network.layers, network.shapes, strict=True):
        if isinstance(layer, (AvgPool2d, Flatten)):
            runs.append(_no_neurons(layer, samples, network.dtype))
            continue
        shape = (samples, math.prod(given))
        potential = np.full(shape, layer.neuron.initial_potential, dtype=network.dtype)
        fires = layer is not network.layers[-1] or network.readout == "spikes"
        runs.append(LayerRun(layer, fires, potential, np.zeros(shape, dtype=np.int64)))
    return runs


def _no_neurons(layer: AnyLayer, samples: int, dtype: FloatType) -> LayerRun:
    """Return the run of a layer without neurons: nothing of it is ever recorded."""
    none, never = np.zeros((samples, 0), dtype=dtype), np.zeros((0, samples, 0), dtype=dtype)
    return LayerRun(layer, False, none, none.astype(np.int64), [never.astype(np.bool_)], [never], [never])


def _joined(states: list[LayerRun]) -> LayerRun:
    """Return the run of a layer on all samples, of its runs on some of them at a time."""
    if len(states) == 1:
        return states[0]

    def joined(parts: list[list[Any]]) -> list[Any]:
        return [np.concatenate([np.concatenate(blocks) for blocks in parts], axis=1)] if parts[0] else []

    return LayerRun(
        states[0].layer,
        states[0].fires,
        np.concatenate([state.potential for state in states]),
        np.concatenate([state.counts for state in states]),
        joined([state.spikes for state in states]),
        joined([state.before for state in states]),
        joined([state.after for state in states]),
    )


def _advance_block(
    network: Network,
    runs: list[LayerRun],
    drive: Drive,
    begin: int,
    end: int,
    never: int,
    record: Collection[str],
) -> npt.NDArray[np.int64]:
    """Run all layers from step `begin` until before `end`; return the time of each sample's first fault."""
    faults = np.full(drive.samples, never)
    given: dict[int, npt.NDArray[Any]] = {}
    steady = {OUTSIDE} if drive.steady else set()  # what presents the same at every step
    if network.inputs is not None:  # else nobody looks at it
        given[OUTSIDE] = drive.presented(begin, end)
    for index, state in enumerate(runs):
        sources, shape = network.sources[index], network.shapes[index]
        presented, taken = [given.get(source, NOTHING) for source in sources], [network.given(at) for at in sources]
        if isinstance(state.layer, (AvgPool2d, Flatten)):
            steady |= {index} if steady.issuperset(sources) else set()
            before = given[index] = handed_on(state.layer, presented[0], taken[0], shape, network.dtype)
        else:
            block = (end - begin, *state.potential.shape)
            if state.steady is None:
                current = layer_current(state.layer, presented, taken, shape, block, network.dtype)
            else:
                current = state.steady[: end - begin]
            if steady.issuperset(sources):
                state.steady = current  # of the first block, which is the longest
            before, fired, after = integrate(state.layer.neuron, state.fires, state.potential, current)
            given[index] = fired
            state.potential = after[-1]
            state.counts += fired.sum(axis=0)
            _record(state, before, fired, after, record)
        bad = ~np.isfinite(before).all(axis=2)  # a non-finite current makes the potential non-finite
        times = (begin + bad.argmax(axis=0)) * len(runs) + index
        faults = np.minimum(faults, np.where(bad.any(axis=0), times, never))
    return faults


def integrate(
    neuron: Neuron, fires: bool, potential: RealArray, current: RealArray
) -> tuple[RealArray, Raster, RealArray]:
    """Let neurons integrate a block of currents (steps, samples, neurons), from a potential (samples, neurons) on.

    Returns:
        The potentials before the reset, the spikes, and the potentials after the reset, each of the current's shape.

    """
    if potential.size > FEW or potential.dtype != np.float64:
        parts = trajectory(neuron, fires, potential, current, lambda fired: fired.astype(potential.dtype))
        before, fired, after = map(np.array, parts)
    else:
        columns = current.reshape(len(current), potential.size).T.tolist()
        starts = potential.ravel().tolist()
        single = [trajectory(neuron, fires, v, column, float) for v, column in zip(starts, columns, strict=True)]
        before, fired, after = (
            np.array([parts[part] for parts in single]).T.reshape(current.shape) for part in range(3)
        )
    return before, fired.astype(np.bool_), after


def trajectory(
    neuron: Neuron, fires: bool, v: Any, currents: Iterable[Any], factor: Callable[[Any], Any]
) -> tuple[list[Any], list[Any], list[Any]]:
    """Let one neuron (floats) or many (arrays) integrate; return the potentials before, the spikes, and those after.

    Floats and arrays take the same operations: `factor` makes of a spike the number 1, of none 0, and a product with
    these rounds nothing.
    """
    before, fired, after = [], [], []
    for current in currents:
        v = (v if neuron.decay is None else neuron.decay * v) + current
        spike = factor((v >= neuron.threshold) & fires)
        before.append(v)
        v = v - spike * neuron.threshold if neuron.reset == "subtract" else v * (1 - spike)
        fired.append(spike)
        after.append(v)
    return before, fired, after


def _record(state: LayerRun, before: RealArray, fired: Raster, after: RealArray, record: Collection[str]) -> None:
    if "spikes" in record:
        state.spikes.append(fired)
    if "trace" in record:
        state.before.append(before)
        state.after.append(after)


def _simulation(network: Network, runs: list[LayerRun], batch: bool, record: Collection[str]) -> Simulation:
    """Put together what a run leaves, samples first; a single sample has no axis of samples."""
    row: Any = slice(None) if batch else 0

    def joined(blocks: list[Any]) -> Any:
        return np.moveaxis(np.concatenate(blocks), 0, 1)[row]

    last = runs[-1].counts if network.readout == "spikes" else runs[-1].potential
    return Simulation(
        readout=last[row],
        counts=[state.counts[row] for state in runs],
        potential=[state.potential[row].copy() for state in runs],
        spikes=[joined(state.spikes) for state in runs] if "spikes" in record else None,
        trace=[Trace(joined(state.before), joined(state.after)) for state in runs] if "trace" in record else None,
    )
