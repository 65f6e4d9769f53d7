"""Surrogate gradients: each against its formula by hand, and against finite differences of its smooth form."""

from __future__ import annotations

import math

import pytest
import torch
from spikeparity.torch.surrogate import (
    ArcTan,
    FastSigmoid,
    PeriodicExponential,
    Rectangular,
    SingleExponential,
    Surrogate,
    Triangular,
)

SURROGATES = [
    FastSigmoid(),
    FastSigmoid(3.0),
    ArcTan(),
    ArcTan(0.7),
    Rectangular(),
    Rectangular(0.4),
    Triangular(),
    Triangular(2.0, 0.8),
    SingleExponential(),
    SingleExponential(0.5, 2.0),
    PeriodicExponential(),
    PeriodicExponential(0.7, 0.3, 1.6),
]


def formula(surrogate: Surrogate, x: float) -> float:
    """Return the published derivative, written down once more, one number at a time."""
    match surrogate:
        case FastSigmoid(beta):
            return (1.0 + beta * abs(x)) ** -2.0
        case ArcTan(alpha):
            return alpha / 2.0 / (1.0 + (math.pi / 2.0 * alpha * x) ** 2.0)
        case Rectangular(a):
            return 1.0 / a if abs(x) < a / 2.0 else 0.0
        case Triangular(gamma, a):
            return gamma * max(0.0, 1.0 - abs(x) / a)
        case SingleExponential(gamma, a):
            return gamma * math.exp(-abs(x) / a)
        case PeriodicExponential(gamma, a, p):
            nearest = min(abs(x - k * p) for k in range(20)) if x >= 0 else -x
            return gamma / p * math.exp(-nearest / a)
    raise AssertionError(surrogate)


@pytest.mark.parametrize("surrogate", SURROGATES, ids=repr)
def test_formula_and_finite_differences(surrogate):
    x = torch.linspace(-3.013, 5.017, 803, dtype=torch.float64)
    before = x.clone()
    derivative = surrogate.derivative(x)
    assert torch.equal(x, before)  # computed in place, but not in the argument
    expected = torch.tensor([formula(surrogate, value) for value in x.tolist()], dtype=torch.float64)
    torch.testing.assert_close(derivative, expected, rtol=1e-12, atol=1e-14)
    h = 1e-6
    difference = (surrogate.smooth(x + h) - surrogate.smooth(x - h)) / (2 * h)
    torch.testing.assert_close(difference, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("surrogate", SURROGATES[::2], ids=repr)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_spikes_are_a_step_and_their_gradient_the_surrogate(surrogate, dtype):
    x = torch.tensor([-1.0, -1e-40, -0.0, 0.0, 1e-40, 0.3, 2.0], dtype=dtype, requires_grad=True)
    spikes = surrogate(x)
    assert spikes.dtype == dtype and spikes.tolist() == [0, 0, 1, 1, 1, 1, 1]
    (spikes * torch.arange(7, dtype=dtype)).sum().backward()
    assert torch.equal(x.grad, torch.arange(7, dtype=dtype) * surrogate.derivative(x.detach()))


@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, math.nan])
def test_parameters_are_finite_and_above_zero(value):
    with pytest.raises(ValueError, match="slope: expected a finite number above 0"):
        FastSigmoid(value)
    with pytest.raises(ValueError, match="width"):
        PeriodicExponential(width=value)
