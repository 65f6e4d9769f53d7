"""Spike trains of values: Poisson, latency and constant rate, in NumPy.

`spikeparity.torch.encode` has the same functions for tensors, with the same bits. Poisson trains are those of the
operation `encode.poisson` in every language; the others need no random numbers, and every operation is rounded to
binary64.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spikeparity.neurons.inputs import POISSON_RULES, Due, Poisson, check, poisson_spikes, steps_
from spikeparity.neurons.philox import Raster

__all__ = ["latency_spikes", "poisson_spikes", "rate_spikes"]


def latency_spikes(values: npt.ArrayLike, steps: int) -> Raster:
    """Return spike trains of one spike each, the earlier the larger the value; none for 0.

    The spike of x falls into step floor((1 - x) * (steps - 1) + 0.5): that of 1 into the first one.

    Args:
        values: within [0, 1], shape (inputs) or, for a batch, (samples, inputs).
        steps: number of time steps, within 1 … 1,048,576.

    Returns:
        True where an input fires, shape (steps, inputs) or (samples, steps, inputs).

    Raises:
        RejectedError: `simulate.steps`, `input.shape` or `input.range`, paths as of `poisson_spikes`.

    """
    x = checked(values, steps)
    fires_at = np.floor((1.0 - x) * (steps - 1) + 0.5)
    times = np.arange(steps, dtype=np.float64)[:, None]
    spikes: Raster = (fires_at[..., None, :] == times) & (x[..., None, :] > 0.0)
    return spikes


def rate_spikes(values: npt.ArrayLike, steps: int) -> Raster:
    """Return spike trains that are as regular as can be: after t steps floor(t * x) spikes.

    Args:
        values: rates within [0, 1], shape (inputs) or, for a batch, (samples, inputs).
        steps: number of time steps, within 1 … 1,048,576.

    Returns:
        True where an input fires, shape (steps, inputs) or (samples, steps, inputs).

    Raises:
        RejectedError: `simulate.steps`, `input.shape` or `input.range`, paths as of `poisson_spikes`.

    """
    x = checked(values, steps)[..., None, :]
    times = np.arange(steps, dtype=np.float64)[:, None]
    spikes: Raster = np.floor((times + 1.0) * x) > np.floor(times * x)
    return spikes


def checked(values: npt.ArrayLike, steps: int, seed: int = 0, sample: int = 0) -> npt.NDArray[np.float64]:
    """Return values as float64; raises RejectedError where they or the other arguments are not what encoders take."""
    document = Poisson(values, seed, sample).document()
    steps_(steps)
    check(document, Due(None, steps), POISSON_RULES)
    return np.asarray(document["rates"], dtype=np.float64)
