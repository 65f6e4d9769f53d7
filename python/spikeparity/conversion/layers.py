"""What is read from a model before it becomes a spiking network: layers with their sources. Needs no PyTorch.

`Neurons` become spiking layers, `Pool`s stay what they are. That values are flattened is no layer here: whoever takes
the values of a layer says in which shape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from spikeparity.conversion.errors import ConversionError
from spikeparity.matrix import FloatArray

Shape = tuple[int, ...]
Pair = tuple[int, int]


@dataclass(frozen=True)
class Relu:
    """max(0, x)."""


@dataclass(frozen=True)
class Qcfs:
    """The quantization-clip-floor-shift activation with its learned largest value."""

    theta: float


Activation = Relu | Qcfs


@dataclass(frozen=True, eq=False)
class Affine:
    """scale * x + shift, feature by feature (channel by channel): a batch normalisation with its running statistics."""

    scale: FloatArray
    shift: FloatArray

    def then(self, other: Affine) -> Affine:
        """Return this one followed by another."""
        return Affine(self.scale * other.scale, self.shift * other.scale + other.shift)

    def flattened(self, elements: int) -> Affine:
        """Return the same for each element of a channel, one channel after the other."""
        each = elements // len(self.scale)
        return Affine(np.repeat(self.scale, each), np.repeat(self.shift, each))


@dataclass(eq=False)
class Dense:
    """Synapses of a linear layer.

    Attributes:
        source: whose values it takes; None for the model's input.
        taken: in which shape; None where that of the input is not known.
        weights: float64, shape (outputs, inputs).

    """

    source: Source
    taken: Shape | None
    weights: FloatArray

    def scale_inputs(self, affine: Affine) -> FloatArray:
        """Take in what is done to the inputs; return what that adds to the bias."""
        shift = self.weights @ affine.shift
        self.weights = self.weights * affine.scale
        return shift

    def scale_outputs(self, scale: FloatArray) -> None:
        """Take in factors of the outputs."""
        self.weights = self.weights * scale[:, None]


@dataclass(eq=False)
class Convolution:
    """Synapses of a convolution; weights of shape (outputs, inputs / groups, kernel height, kernel width)."""

    source: Source
    taken: Shape | None
    weights: FloatArray
    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int

    def scale_inputs(self, affine: Affine) -> FloatArray:
        """Take in what is done to the inputs, channel by channel; return what that adds to the bias."""
        outputs, inputs = self.weights.shape[:2]
        groups = np.arange(outputs) // (outputs // self.groups)
        channels = groups[:, None] * inputs + np.arange(inputs)  # the input channels that each output sees
        shift: FloatArray = (self.weights * affine.shift[channels][:, :, None, None]).sum(axis=(1, 2, 3))
        self.weights = self.weights * affine.scale[channels][:, :, None, None]
        return shift

    def scale_outputs(self, scale: FloatArray) -> None:
        """Take in factors of the outputs, one per channel."""
        self.weights = self.weights * scale[:, None, None, None]


@dataclass(eq=False)
class Skip:
    """The identity: what a residual connection adds."""

    source: Source
    taken: Shape | None


Synapses = Dense | Convolution | Skip


@dataclass(eq=False)
class Neurons:
    """Linear maps whose sum, with a bias, goes through an activation: what becomes a spiking layer.

    Attributes:
        module: path of the linear module, of a sum the last one's.
        branches: the linear maps; several where outputs of modules are added.
        bias: float64, one entry per output or channel, or None.
        shape: of the outputs, (outputs) or (channels, height, width).
        value: name of the graph's node whose value the layer's output is.
        activation: None where the output is linear.

    """

    module: str
    branches: list[Synapses]
    bias: FloatArray | None
    shape: Shape
    value: str
    activation: Activation | None = None

    def fold_before(self, affine: Affine) -> None:
        """Take in what is done to the input of the only branch."""
        (branch,) = self.branches
        assert not isinstance(branch, Skip)
        self._shift(branch.scale_inputs(affine))

    def fold_after(self, affine: Affine) -> None:
        """Take in what is done to the outputs; no branch is a skip."""
        for branch in self.branches:
            assert not isinstance(branch, Skip)
            branch.scale_outputs(affine.scale)
        if self.bias is not None:
            self.bias = self.bias * affine.scale
        self._shift(affine.shift)

    def merged(self, other: Neurons, value: str) -> Neurons:
        """Return the sum of two, neither of which has an activation."""
        merged = Neurons(other.module or self.module, self.branches + other.branches, self.bias, self.shape, value)
        if other.bias is not None:
            merged._shift(other.bias)
        return merged

    def never_negative(self) -> bool:
        """Tell whether all that is added are values after activations, so that a ReLU would change nothing."""
        return self.bias is None and all(isinstance(part, Skip) and origin(part.source) for part in self.branches)

    def check_finite(self) -> None:
        """Reject NaN and infinities."""
        arrays = [("weights", part.weights) for part in self.branches if not isinstance(part, Skip)]
        for name, array in [*arrays, ("bias", self.bias)]:
            if array is not None and not np.isfinite(array).all():
                message = f"{self.module!r}: the {name}, batch normalisation folded in, are not finite: train it again"
                raise ConversionError(message, self.module)

    def _shift(self, shift: FloatArray) -> None:
        self.bias = shift if self.bias is None else self.bias + shift


@dataclass(eq=False)
class Pool:
    """Average pooling, of values (channels, height, width) in that shape.

    Attributes:
        source: whose values it takes; None for the model's input.
        kernel: (height, width).
        stride: (vertical, horizontal).
        shape: of the outputs, (channels, height, width).

    """

    source: Source
    kernel: Pair
    stride: Pair
    shape: Shape


Source = Neurons | Pool | None
Layer = Neurons | Pool


def origin(source: Source) -> Neurons | None:
    """Return the neurons whose values come through pools, if any; None where it is the input."""
    while isinstance(source, Pool):
        source = source.source
    return source


def elements(shape: Shape) -> int:
    """Return how many numbers a shape holds."""
    return math.prod(shape)
