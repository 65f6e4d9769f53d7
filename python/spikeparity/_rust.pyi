"""The Rust safety mirror: an integrate-and-fire kernel on NumPy arrays, and the loop of the Rust backend.

Arrays that come in are C-contiguous; they are borrowed for the time of a call, never copied, and must not be written to
meanwhile, since other threads run. Arrays that come back are new. An array of another type or layout is a `TypeError`;
a broken rule is a `spikeparity.rejection.RejectedError` (a `ValueError`) with `code` and `path`.

A run lets other threads go on. In Python's main thread it looks for signals many times a second: what a handler raises,
such as the KeyboardInterrupt of Ctrl-C, ends it.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, SupportsIndex, final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Layer", "Network", "Run", "serve"]

@final
class Layer:
    """A dense layer of integrate-and-fire neurons, its weights packed for simulation."""

    def __new__(
        cls,
        weights: NDArray[np.float64],
        threshold: float,
        *,
        bias: NDArray[np.float64] | None = None,
        decay: float | None = None,
        reset: Literal["subtract", "zero"] = "subtract",
        initial_potential: float = 0.0,
    ) -> Layer:
        """Pack a layer; its values are checked when it becomes part of a network.

        Args:
            weights: shape (outputs, inputs).
            threshold: the potential from which a neuron spikes.
            bias: shape (outputs,), added to the current at every step.
            decay: the factor by which a leaky neuron's potential decays at each step; None for the plain neuron.
            reset: whether a spike subtracts the threshold from the potential, or makes it zero.
            initial_potential: the potential before the first step.

        Raises:
            TypeError: an array is not C-contiguous float64.
            ValueError: `weights` has not two dimensions, or `bias` not one.
            RejectedError: network.reset at `/neuron/reset`.
        """

    @property
    def inputs(self) -> int:
        """Number of inputs."""

    @property
    def outputs(self) -> int:
        """Number of outputs, one neuron each."""

@final
class Network:
    """Layers that keep the rules of stage `network`: a chain of dense ones, or whatever a document says."""

    def __new__(
        cls,
        layers: Sequence[Layer],
        *,
        readout: Literal["spikes", "membrane"] = "spikes",
        profile: Literal["sequential-f64", "sequential-f32"] = "sequential-f64",
    ) -> Network:
        """Join layers.

        Args:
            layers: input first.
            readout: spike counts of the last layer, or its potentials after the last step.
            profile: the arithmetic; under `"sequential-f32"` every value of the layers and every constant input is
                rounded to binary32 once, and so is every operation. Rates stay binary64: the spikes drawn are the same.

        Raises:
            ValueError: a profile that there is not.
            RejectedError: a rule of stage `network`, with a path below `/network`; under `"sequential-f32"` a value
                that becomes infinite breaks its rule on finiteness, a threshold that becomes 0 its own.
        """

    @staticmethod
    def from_document(
        document: str,
        arrays: Mapping[str, NDArray[np.float64]],
        *,
        profile: Literal["sequential-f64", "sequential-f32"] = "sequential-f64",
    ) -> Network:
        """Read a network of any layers: convolutions, pools, flattenings and sums too.

        Args:
            document: the JSON text of the network, with `{"member": name}` in place of each array, as in a sidecar
                (networks.md, section 4; a `shape` beside `member` is not looked at). An array can be named only once.
            arrays: the arrays by their names; they are copied.
            profile: as for `Network`.

        Raises:
            TypeError: an array is not C-contiguous float64.
            ValueError: a profile that there is not.
            RejectedError: a rule of the stages `json` and `network`, with a path below `/network`; a name without an
                array breaks the rule on the type of what is due there.
        """

    @property
    def profile(self) -> Literal["sequential-f64", "sequential-f32"]:
        """The arithmetic profile that the network computes in."""

    @property
    def inputs(self) -> int:
        """Number of inputs: where the network has an `input_shape`, channels times height times width."""

    def run_constant(self, values: NDArray[np.float64], steps: SupportsIndex, *, threads: int = 1) -> Run:
        """Present values at every step.

        Args:
            values: shape (inputs,), or (samples, inputs) for a batch.
            steps: number of time steps.
            threads: among how many threads to divide the samples, at least 1; the bits are the same.

        Raises:
            RejectedError: simulate.steps, input.shape, input.range, simulate.non-finite.
        """

    def run_raster(self, raster: NDArray[np.bool_] | NDArray[np.uint8], *, threads: int = 1) -> Run:
        """Present spikes: an input spikes at a step where the raster is not 0.

        Args:
            raster: shape (steps, inputs), or (samples, steps, inputs) for a batch.
            threads: among how many threads to divide the samples, at least 1; the bits are the same.

        Raises:
            RejectedError: input.shape, simulate.steps, simulate.non-finite.
        """

    def run_poisson(
        self,
        rates: NDArray[np.float64],
        steps: SupportsIndex,
        seed: SupportsIndex,
        sample: SupportsIndex = 0,
        *,
        threads: int = 1,
    ) -> Run:
        """Present Bernoulli spike trains drawn by Philox4x32-10 (Salmon et al. 2011).

        Args:
            rates: spike probabilities per step, shape (inputs,), or (samples, inputs) for a batch.
            steps: number of time steps.
            seed: decides, with the number of the sample, every spike.
            sample: number of the first sample.
            threads: among how many threads to divide the samples, at least 1; the bits are the same.

        Raises:
            RejectedError: simulate.steps, input.seed, input.sample, input.shape, input.range, simulate.non-finite.
        """

@final
class Run:
    """What a run gave: one array per layer, with a leading sample axis where the input was a batch.

    Images stand in one flat list, channel by channel, row by row. Pools and flattenings have no neurons: their arrays
    have no entries.
    """

    @property
    def counts(self) -> list[NDArray[np.int64]]:
        """Spike counts of each layer."""

    @property
    def potential(self) -> list[NDArray[np.float64]] | list[NDArray[np.float32]]:
        """Potentials of each layer after the last step, float32 where the profile is `"sequential-f32"`."""

    @property
    def readout(self) -> NDArray[np.int64] | NDArray[np.float64] | NDArray[np.float32]:
        """Counts of the last layer, or under membrane readout its potentials."""

def serve() -> None:
    """Answer requests on standard input and output until a `bye` or the end of input, with the GIL released.

    Raises:
        OSError: reading or writing failed.
    """
