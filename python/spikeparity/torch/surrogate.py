"""Surrogate gradients: a spike is a step function of the potential, and learning takes a smooth one's derivative.

Each surrogate is a class of one formula. Called on x, the potential above threshold (v - θ), it gives 1 where x >= 0,
else 0, and its gradient is `derivative(x)`. `smooth(x)` is the antiderivative: what the spike would have to be for that
gradient to be the true one. On it gradients can be checked by finite differences.

Neftci, Mostafa, Zenke 2019, "Surrogate gradient learning in spiking neural networks", has the idea.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor


class Surrogate(ABC):
    """What stands for the derivative of a spike; a formula of your own takes `derivative` and `smooth`."""

    @abstractmethod
    def derivative(self, x: Tensor) -> Tensor:
        """Return the surrogate derivative at x, of its shape."""

    @abstractmethod
    def smooth(self, x: Tensor) -> Tensor:
        """Return the antiderivative at x, of its shape; differentiable."""

    def __call__(self, x: Tensor) -> Tensor:
        """Return the spikes, 1 where x >= 0 and else 0, with the surrogate gradient."""
        spikes: Tensor = _Spike.apply(x, self)  # type: ignore[no-untyped-call]
        return spikes


class _Spike(torch.autograd.Function):
    """The step function, with the derivative of a surrogate."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, surrogate: Surrogate) -> Tensor:
        ctx.save_for_backward(x)
        ctx.surrogate = surrogate
        return (x >= 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return gradients[0] * ctx.surrogate.derivative(x), None


@dataclass(frozen=True)
class _Positive(Surrogate):
    """A surrogate whose parameters are all finite and above 0."""

    def __post_init__(self) -> None:
        """Check the parameters."""
        for parameter in fields(self):
            value = getattr(self, parameter.name)
            if not 0.0 < value < math.inf:
                raise ValueError(f"{parameter.name}: expected a finite number above 0, got {value!r}")


@dataclass(frozen=True)
class FastSigmoid(_Positive):
    """Derivative 1 / (1 + β|x|)², of the fast sigmoid x / (1 + β|x|).

    Zenke, Ganguli 2018, "SuperSpike: supervised learning in multilayer spiking neural networks".
    """

    slope: float = 10.0

    def derivative(self, x: Tensor) -> Tensor:
        """Return 1 / (1 + β|x|)²."""
        return x.abs().mul_(self.slope).add_(1.0).square_().reciprocal_()

    def smooth(self, x: Tensor) -> Tensor:
        """Return x / (1 + β|x|)."""
        return x / (1.0 + self.slope * x.abs())


@dataclass(frozen=True)
class ArcTan(_Positive):
    """Derivative (α/2) / (1 + (παx/2)²), of arctan(παx/2) / π + 1/2.

    Fang et al. 2021, "Incorporating learnable membrane time constant to enhance learning of spiking neural networks",
    with the factor α of spikingjelly, its code.
    """

    alpha: float = 2.0

    def derivative(self, x: Tensor) -> Tensor:
        """Return (α/2) / (1 + (παx/2)²)."""
        return x.mul(math.pi / 2 * self.alpha).square_().add_(1.0).reciprocal_().mul_(self.alpha / 2)

    def smooth(self, x: Tensor) -> Tensor:
        """Return arctan(παx/2) / π + 1/2."""
        return torch.atan(math.pi / 2 * self.alpha * x) / math.pi + 0.5


@dataclass(frozen=True)
class Rectangular(_Positive):
    """Derivative 1/a where |x| < a/2, else 0: of a ramp from 0 to 1 of width a.

    Wu et al. 2018, "Spatio-temporal backpropagation for training high-performance spiking neural networks",
    the first of their curves, h1.
    """

    width: float = 1.0

    def derivative(self, x: Tensor) -> Tensor:
        """Return 1/a where |x| < a/2, else 0."""
        return (x.abs() < self.width / 2).to(x.dtype).mul_(1.0 / self.width)

    def smooth(self, x: Tensor) -> Tensor:
        """Return x/a + 1/2 within 0 … 1."""
        return torch.clamp(x / self.width + 0.5, 0.0, 1.0)


@dataclass(frozen=True)
class Triangular(_Positive):
    """Derivative γ max(0, 1 - |x|/a).

    Bellec et al. 2018, "Long short-term memory and learning-to-learn in networks of spiking neurons", where
    γ is 0.3 and the width a the threshold.
    """

    scale: float = 0.3
    width: float = 1.0

    def derivative(self, x: Tensor) -> Tensor:
        """Return γ max(0, 1 - |x|/a)."""
        return x.abs().mul_(-1.0 / self.width).add_(1.0).clamp_(min=0.0).mul_(self.scale)

    def smooth(self, x: Tensor) -> Tensor:
        """Return γ (a/2 + x - x|x| / 2a) with x within -a … a."""
        near = torch.clamp(x, -self.width, self.width)
        return self.scale * (self.width / 2 + near - near * near.abs() / (2 * self.width))


@dataclass(frozen=True)
class SingleExponential(_Positive):
    """Derivative γ exp(-|x|/a).

    Shrestha, Orchard 2018, "SLAYER: spike layer error reassignment in time", where 1/α stands for γ and β for 1/a;
    the defaults are those of sinabs.
    """

    scale: float = 1.0
    width: float = 0.5

    def derivative(self, x: Tensor) -> Tensor:
        """Return γ exp(-|x|/a)."""
        return x.abs().mul_(-1.0 / self.width).exp_().mul_(self.scale)

    def smooth(self, x: Tensor) -> Tensor:
        """Return γ a exp(x/a) below 0, γ a (2 - exp(-x/a)) above."""
        return self.scale * self.width * _exponential_ramp(x / self.width)


@dataclass(frozen=True)
class PeriodicExponential(_Positive):
    """Derivative γ/p exp(-|d|/a): d is x below 0, and above it the distance to the nearest multiple of p.

    The period p is the threshold of the neurons: it should be easy to fire at each multiple of it. Weidel, Sheik 2021,
    "WaveSense: efficient temporal convolutions with spiking neural networks for keyword spotting"; the form
    and the defaults are those of sinabs, whose potential v is x + p.
    """

    scale: float = 1.0
    width: float = 0.5
    period: float = 1.0

    def derivative(self, x: Tensor) -> Tensor:
        """Return γ/p exp(-|d|/a)."""
        distance = torch.where(x < 0, x, torch.remainder(x + self.period / 2, self.period) - self.period / 2)
        return distance.abs_().mul_(-1.0 / self.width).exp_().mul_(self.scale / self.period)

    def smooth(self, x: Tensor) -> Tensor:
        """Return γ/p a times the ramp of one exponential, and as many whole ramps as there are multiples below x."""
        multiples = torch.clamp(torch.floor(x / self.period + 0.5), min=0.0)
        half = 1.0 - math.exp(-self.period / (2 * self.width))
        ramps = _exponential_ramp((x - multiples * self.period) / self.width) + 2.0 * half * multiples
        return self.scale / self.period * self.width * ramps


def _exponential_ramp(x: Tensor) -> Tensor:
    """Return the integral of exp(-|x|) from -∞ on."""
    tail = torch.exp(-x.abs())
    return torch.where(x < 0, tail, 2.0 - tail)
