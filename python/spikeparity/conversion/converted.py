"""A converted network: its arrays, its runs, its pair of files. Needs no PyTorch."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from spikeparity.conversion.errors import ConversionError
from spikeparity.files import Place
from spikeparity.matrix import FloatArray, array_like
from spikeparity.neurons import inputs
from spikeparity.neurons.inputs import Constant, Due, Poisson
from spikeparity.neurons.layers import (
    AnyLayer,
    AvgPool2d,
    Branch,
    Flatten,
    IdentityBranch,
    Layer,
    Neuron,
    SpikingLayer,
    Sum,
)
from spikeparity.neurons.network import Network
from spikeparity.neurons.simulate import format_of, simulate
from spikeparity.rejection import RejectedError, below
from spikeparity.transfer import pair

try:
    from spikeparity import _rust
except ImportError:  # a checkout without the extension
    _rust = None  # type: ignore[assignment]

Encoding = Literal["poisson", "constant"]
Kernel = Literal["rust", "numpy"]
Profile = Literal["sequential-f64", "sequential-f32"]

# Synaptic operations, were every input active, between two looks at whether Ctrl-C was pressed: about a second.
WORK = 1_000_000_000
ROWS = 1024


@dataclass(frozen=True, eq=False, repr=False)
class ConvertedSNN:
    """A network of integrate-and-fire neurons that does what an artificial network did.

    The attributes are of dense layers in a row; `ConvertedSNN.of` takes any network. Then there is an entry for each
    layer, None where it has no such thing: of a convolution the weights have shape (outputs, inputs / groups, kernel
    height, kernel width); of a sum they are a tuple, of each branch the array, or the number of an identity.

    Attributes:
        weights: per layer a matrix of shape (outputs, inputs); float64, read-only, its own memory.
        biases: per layer a vector of shape (outputs), which enters at every step, or None.
        thresholds: per layer the potential from which its neurons fire.
        T: number of time steps of a run.
        initial_potential: per layer the potential before the first step.
        readout: `"membrane"` (the last layer only integrates; the output is its potential after T steps) or `"spikes"`.
        reset: what a spike does to the potential: `"subtract"` the threshold, or set it to `"zero"`.

    Raises:
        RejectedError: a rule on networks or steps; paths such as `/layers/1/weights/0/0`.
        ValueError: the fields have different numbers of layers.

    """

    weights: Sequence[Any]
    biases: Sequence[FloatArray | None]
    thresholds: Sequence[float | None]
    T: int = 16
    initial_potential: Sequence[float | None] = ()
    readout: str = "membrane"
    reset: str = "subtract"
    _network: Network = field(init=False)

    def __post_init__(self) -> None:
        """Check the fields, and copy the arrays: nobody else's memory is kept."""
        potentials = self.initial_potential if len(self.initial_potential) else (0.0,) * len(self.weights)
        if not len(self.weights) == len(self.biases) == len(self.thresholds) == len(potentials):
            lengths = f"{len(self.weights)}, {len(self.biases)}, {len(self.thresholds)}, {len(potentials)}"
            message = f"weights, biases, thresholds, initial_potential: expected one entry per layer, got {lengths}"
            raise ValueError(message)
        parts: Any = zip(self.weights, self.biases, self.thresholds, potentials, strict=True)
        layers = [Layer(w, b, Neuron("if", theta, self.reset, v)) for w, b, theta, v in parts]
        inputs.steps_(self.T)
        self._take(Network(layers, self.readout), self.T)

    @classmethod
    def of(cls, network: Network, T: int = 16) -> ConvertedSNN:
        """Make one of any network of neurons without leak that reset alike.

        Raises:
            RejectedError: simulate.steps.
            ConversionError: the neurons are others.

        """
        neurons = [layer.neuron for layer in network.layers if isinstance(layer, SpikingLayer)]
        if any(neuron.model != "if" or neuron.reset != neurons[0].reset for neuron in neurons):
            raise ConversionError("expected neurons without leak that reset alike; use spikeparity.simulate instead")
        inputs.steps_(T)
        snn = cls.__new__(cls)
        snn._take(network, T)
        return snn

    def _take(self, network: Network, T: int) -> None:
        neurons = [layer.neuron if isinstance(layer, SpikingLayer) else None for layer in network.layers]
        parts = {
            "_network": network,
            "T": int(T),
            "weights": tuple(_weights(layer) for layer in network.layers),
            "biases": tuple(getattr(layer, "bias", None) for layer in network.layers),
            "thresholds": tuple(neuron and neuron.threshold for neuron in neurons),
            "initial_potential": tuple(None if neuron is None else neuron.initial_potential for neuron in neurons),
            "readout": network.readout,
            "reset": next(neuron.reset for neuron in neurons if neuron is not None),
        }
        for name, value in parts.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        """Name the widths instead of printing the weights."""
        network = self._network
        layers = zip(network.layers, network.shapes, strict=True)
        shapes = [network.given(-1), *(shape for layer, shape in layers if isinstance(layer, SpikingLayer))]
        widths = ["x".join(map(str, shape)) for shape in shapes]
        return f"ConvertedSNN({'-'.join(widths)}, T={self.T}, readout={self.readout!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle by the network's document: the kernel's network is made anew."""
        return _restored, (type(self), self._network.document(), self.T)

    def to_network(self) -> Network:
        """Return the network as `spikeparity.simulate` takes it."""
        return self._network

    def simulate(
        self,
        x: npt.ArrayLike,
        seed: int = 0,
        sample_offset: int = 0,
        *,
        encoding: Encoding = "poisson",
        T: int | None = None,
        threads: int = 1,
        kernel: Kernel | None = None,
        profile: Profile = "sequential-f64",
        progress: bool | None = None,
    ) -> Result:
        """Present inputs; return the readout of each sample and the spike counts of every layer.

        The same row with the same seed and number gives the same bits, whatever the batch, the threads and the kernel.

        Args:
            x: one sample, shape (inputs), or several, (samples, …), each flattened in C order.
            seed: of the spike trains, within 0 … 2^53-1.
            sample_offset: number of the first sample; sample k of a batch has the number `sample_offset + k`.
            encoding: `"poisson"`: entries within [0, 1] are spike probabilities per step; `"constant"`: finite entries
                are presented as they are at every step, and neither seed nor offset matters.
            T: number of time steps, where it is not to be the network's own.
            threads: among how many threads the Rust kernel divides the samples.
            kernel: `"rust"` or `"numpy"`; by default Rust where it is built.
            profile: the arithmetic, `"sequential-f64"` or `"sequential-f32"`: binary32, in about half the time, with
                the same spike trains.
            progress: whether to show a bar (with tqdm); by default where a run is long and somebody watches.

        Raises:
            RejectedError: simulate.steps, input.seed, input.sample, input.shape, input.range (paths `/input/rates/3/5`,
                `/input/values/…`), simulate.non-finite; in binary32 also a rule on the network, of which a value
                becomes infinite there.
            ValueError: an encoding, a kernel, a profile or a number of threads that there is not.
            ImportError: the Rust kernel is asked for and not built.

        """
        steps = self.T if T is None else T
        job = Job(self, steps, seed, encoding, threads, _kernel_name(kernel), profile)
        table, batch = job.checked(_rows(x), sample_offset)
        if not batch:
            return job.run(table[0], sample_offset)
        ranges = list(job.ranges(len(table)))
        parts = [job.part(table, begin, end, sample_offset) for begin, end in _shown(ranges, progress)]
        return _joined(parts)

    def run(self, x: npt.ArrayLike, seed: int = 0, sample_offset: int = 0, **options: Any) -> npt.NDArray[Any]:
        """Present inputs and return the readout of each sample; arguments as of `simulate`.

        Returns:
            Spike counts (int64) or, under membrane readout, potentials (of the profile's type); shape (outputs), for
            several samples (samples, outputs).

        """
        return self.simulate(x, seed, sample_offset, **options).readout

    def counts(
        self, x: npt.ArrayLike, seed: int = 0, sample_offset: int = 0, **options: Any
    ) -> list[npt.NDArray[np.int64]]:
        """Return the spike counts of every layer, hidden ones too; arguments as of `simulate`."""
        return self.simulate(x, seed, sample_offset, **options).counts

    def classify(self, x: npt.ArrayLike, seed: int = 0, sample_offset: int = 0, **options: Any) -> Any:
        """Return the output with the largest readout, the lowest index among equals; arguments as of `simulate`.

        Returns:
            An int for one sample, an int64 array of shape (samples) for several.

        """
        readout = self.run(x, seed, sample_offset, **options)
        best = readout.argmax(axis=-1)  # the first of the largest
        return best if readout.ndim > 1 else int(best)

    def save(self, path: Any, *, compress: bool = True, durable: bool = True) -> None:
        """Save the network as a pair of format 2, with T in its metadata; see `spikeparity.save_network`."""
        document, arrays = pair.of_network(self._network)
        with pair.locked(Place.of(path), durable=durable) as saving:
            saving.run(({**document, "metadata": {"T": self.T}}, arrays), compress=compress)

    @classmethod
    def load(cls, path: Any, T: int | None = None) -> ConvertedSNN:
        """Load a network that was saved; see `spikeparity.load_network`.

        Args:
            path: as for `save`.
            T: number of time steps; needed where the pair was not saved by `save`.

        Raises:
            RejectedError: as `load_network`.
            ConversionError: the network is no converted one: it has leaky neurons, layers that reset differently, or
                no number of steps.

        """
        found = pair.load(Place.of(path))
        network = found.network()
        steps = found.document.get("metadata", {}).get("T") if T is None else T
        if steps is None:
            raise ConversionError(f"{path}: the number of time steps was not saved with it: say T=…")
        return cls.of(network, steps)

    @cached_property
    def _kernels(self) -> dict[str, _rust.Network]:
        """The network as the Rust kernel has it, per profile in which it has run."""
        return {}

    def _kernel(self, profile: Profile) -> _rust.Network:
        if profile not in self._kernels:
            arrays: dict[str, FloatArray] = {}
            document = _apart(self._network.document(), arrays)
            self._kernels[profile] = _rust.Network.from_document(json.dumps(document), arrays, profile=profile)
        return self._kernels[profile]


@dataclass(frozen=True, eq=False)
class Result:
    """What samples left.

    Attributes:
        readout: spike counts of the last layer (int64) or, under membrane readout, its potentials; shape (outputs), of
            several samples (samples, outputs).
        counts: per layer the spikes of each neuron, shape (neurons) or (samples, neurons).

    """

    readout: npt.NDArray[Any]
    counts: list[npt.NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class Job:
    """How samples are to be run."""

    snn: ConvertedSNN
    steps: int
    seed: int
    encoding: str
    threads: int
    kernel: str
    profile: Profile

    def checked(self, x: Any, offset: int) -> tuple[FloatArray, bool]:
        """Apply the rules on steps and input to all samples; return them, (samples, inputs), and whether a batch."""
        if self.encoding not in ("poisson", "constant"):
            raise ValueError(f"encoding: expected 'poisson' or 'constant', got {self.encoding!r}")
        if self.threads < 1:
            raise ValueError(f"threads: expected at least 1, got {self.threads}")
        dtype = format_of(self.profile)
        inputs.steps_(self.steps)
        document = self.input(x, offset).document()
        with below("/input"):
            inputs.check(document, Due(self.snn.to_network().inputs, self.steps, dtype=dtype), inputs.RULES)
        rows = document[inputs.DATA[self.encoding]]
        batch = inputs.is_batch(document)
        return np.ascontiguousarray(rows if batch else [rows], dtype=np.float64), batch

    def input(self, x: Any, number: int) -> Constant | Poisson:
        """Return samples, of which the first has a number, as an input."""
        return Poisson(x, self.seed, number) if self.encoding == "poisson" else Constant(x)

    def ranges(self, samples: int) -> Iterator[tuple[int, int]]:
        """Divide samples into ranges of bounded work."""
        work = self.steps * _synapses(self.snn.to_network()) + 1
        rows = min(max(WORK // work, self.threads), max(ROWS, self.threads))
        for begin in range(0, samples, rows):
            yield begin, min(begin + rows, samples)

    def part(self, table: FloatArray, begin: int, end: int, offset: int) -> Result:
        """Run a range of a batch; a fault names the first sample that has it, counted from the batch's beginning."""
        try:
            return self.run(table[begin:end], offset + begin)
        except RejectedError:
            for row in range(begin, end):
                self.alone(table, row, offset)
            raise

    def alone(self, table: FloatArray, row: int, offset: int) -> None:
        """Run one sample of a batch for its fault."""
        try:
            self.run(table[row], offset + row)
        except RejectedError as error:
            message = f"sample {row} of the batch: a current or a potential becomes non-finite"
            raise RejectedError(error.code, error.path, message) from None

    def run(self, x: FloatArray, number: int) -> Result:
        """Run checked samples of which the first has a number."""
        if self.kernel == "numpy":
            result = simulate(self.snn.to_network(), self.steps, self.input(x, number), profile=self.profile)
            return Result(result.readout, result.counts)
        network = self.snn._kernel(self.profile)
        if self.encoding == "poisson":
            run = network.run_poisson(x, self.steps, self.seed, number, threads=self.threads)
        else:
            run = network.run_constant(x, self.steps, threads=self.threads)
        return Result(run.readout, run.counts)


def _weights(part: AnyLayer | Branch) -> Any:
    """Return the weights of a layer: of a sum those of each branch; None where it has none."""
    if isinstance(part, Sum):
        return tuple(_weights(branch) for branch in part.inputs)
    if isinstance(part, IdentityBranch):
        return part.weight
    return None if isinstance(part, (AvgPool2d, Flatten)) else part.weights


def _synapses(network: Network) -> int:
    """Return how many synaptic operations a step takes, were every input active."""
    total = 0
    for layer, shape in zip(network.layers, network.shapes, strict=True):
        for part in layer.inputs if isinstance(layer, Sum) else (layer,):
            weights = getattr(part, "weights", None)
            total += math.prod(shape) * (1 if weights is None else max(1, math.prod(weights.shape[1:])))
    return total


def _restored(cls: type[ConvertedSNN], document: Any, T: int) -> ConvertedSNN:
    """Make a copy of what was pickled."""
    return cls.of(Network.from_document(document), T)


def _apart(value: Any, arrays: dict[str, FloatArray]) -> Any:
    """Return a document with `{"member": name}` in place of each array, which is put aside by its name."""
    if isinstance(value, np.ndarray):
        name = str(len(arrays))
        arrays[name] = np.ascontiguousarray(value)
        return {"member": name}
    if isinstance(value, dict):
        return {key: _apart(part, arrays) for key, part in value.items()}
    return [_apart(part, arrays) for part in value] if isinstance(value, list) else value


def _kernel_name(kernel: str | None) -> str:
    if kernel not in (None, "rust", "numpy"):
        raise ValueError(f"kernel: expected 'rust' or 'numpy', got {kernel!r}")
    if kernel == "rust" and _rust is None:
        raise ImportError("the Rust kernel is not built: run scripts/setup, or use kernel='numpy'")
    return kernel or ("numpy" if _rust is None else "rust")


def _rows(x: Any) -> Any:
    """Return samples of any shape as rows."""
    array = array_like(x)
    if isinstance(array, np.ndarray) and array.ndim > 2:
        return array.reshape(len(array), math.prod(array.shape[1:]))
    return array


def _joined(parts: Sequence[Result]) -> Result:
    if len(parts) == 1:
        return parts[0]
    counts = [np.concatenate(layer) for layer in zip(*(part.counts for part in parts), strict=True)]
    return Result(np.concatenate([part.readout for part in parts]), counts)


def _shown(ranges: list[tuple[int, int]], progress: bool | None) -> Iterator[tuple[int, int]]:
    """Give the ranges, with a bar where one is wanted and can be had."""
    wanted = (len(ranges) > 2 and sys.stderr.isatty()) if progress is None else progress
    if not wanted:
        yield from ranges
        return
    try:
        from tqdm import tqdm
    except ImportError:
        if progress:
            raise ImportError("progress=True needs tqdm: pip install 'spikeparity[torch]'") from None
        yield from ranges
        return
    with tqdm(total=ranges[-1][1], unit="sample") as bar:
        for begin, end in ranges:
            yield begin, end
            bar.update(end - begin)
