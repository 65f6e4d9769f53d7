"""What is read from a model before it becomes a spiking network: layers with their sources. Needs no PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikeparity.conversion.errors import ConversionError
from spikeparity.matrix import FloatArray

INPUT = -1


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
    """scale * x + shift, feature by feature: a batch normalisation with its running statistics."""

    scale: FloatArray
    shift: FloatArray

    def then(self, other: Affine) -> Affine:
        """Return this one followed by another."""
        return Affine(self.scale * other.scale, self.shift * other.scale + other.shift)


@dataclass(eq=False)
class Dense:
    """A linear layer and what follows it up to its activation.

    Attributes:
        module: path of the linear module.
        sources: the layers whose outputs it takes, by index, INPUT for the model's input; today always one.
        weights: float64, shape (outputs, inputs).
        bias: float64, shape (outputs), or None.
        value: name of the graph's node whose value the layer's output is.
        activation: None where the output is linear.

    """

    module: str
    sources: tuple[int, ...]
    weights: FloatArray
    bias: FloatArray | None
    value: str
    activation: Activation | None = None

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return len(self.weights)

    def fold_before(self, affine: Affine) -> None:
        """Take in what is done to the layer's input."""
        shift = self.weights @ affine.shift
        self.bias = shift if self.bias is None else self.bias + shift
        self.weights = self.weights * affine.scale

    def fold_after(self, affine: Affine) -> None:
        """Take in what is done to the layer's output."""
        self.bias = affine.shift if self.bias is None else self.bias * affine.scale + affine.shift
        self.weights = self.weights * affine.scale[:, None]

    def check_finite(self) -> None:
        """Reject NaN and infinities."""
        for name, array in (("weights", self.weights), ("bias", self.bias)):
            if array is not None and not np.isfinite(array).all():
                message = f"{self.module!r}: the {name}, batch normalisation folded in, are not finite: train it again"
                raise ConversionError(message, self.module)
