"""Spike trains of tensors: Poisson, latency and constant rate, with the bits of `spikeparity.encoders`.

All take values within [0, 1], shape (batch, …), on any device, and give 0 and 1 in the values' type, shape (batch,
time, …) or, `time_first`, (time, batch, …). The number of an input is its place in its flattened sample.
"""

from __future__ import annotations

import torch
from torch import Tensor

from spikeparity import encoders
from spikeparity.neurons.philox import KEY_STEPS, MULTIPLIERS, ROUNDS

MASK = 0xFFFFFFFF


def poisson(rates: Tensor, steps: int, seed: int, sample: int = 0, *, time_first: bool = False) -> Tensor:
    """Return the spike trains of the operation `encode.poisson`: the same in every language.

    Args:
        rates: spike probability per step, shape (batch, …).
        steps: number of time steps, within 1 … 1,048,576.
        seed: within 0 … 2^53-1.
        sample: number of the batch's first sample; the others follow. It decides which random numbers are drawn.
        time_first: whether the result is (time, batch, …).

    Raises:
        RejectedError: `simulate.steps`, `input.seed`, `input.sample`, `input.shape`, `input.range`; paths such as
            `/rates/3/17`, of sample and input.

    """
    rows = _checked(rates, steps, seed, sample)
    numbers = torch.arange(sample, sample + len(rows), device=rates.device)
    blocks = -(-rows.shape[1] // 4)
    counter = torch.zeros(steps, len(rows), blocks, 4, dtype=torch.int64, device=rates.device)
    counter[..., 0] = torch.arange(steps, device=rates.device)[:, None, None]
    counter[..., 1] = torch.arange(blocks, device=rates.device)
    counter[..., 2] = (numbers & MASK)[:, None]
    counter[..., 3] = (numbers >> 32)[:, None]
    words = philox4x32(counter, (seed & MASK, seed >> 32)).flatten(2)[..., : rows.shape[1]]
    return _shaped(words.double() < rows * 4294967296.0, rates, time_first)


def philox4x32(counter: Tensor, key: tuple[int, int]) -> Tensor:
    """Return Philox4x32-10 of counters under a key: 32-bit words in int64, shape (…, 4)."""
    c0, c1, c2, c3 = counter.unbind(-1)
    first, second = (int(multiplier) for multiplier in MULTIPLIERS)
    for turn in range(ROUNDS):
        k0, k1 = ((word + turn * step) & MASK for word, step in zip(key, KEY_STEPS, strict=True))
        # 64-bit products wrap around as unsigned ones do; after the shift the mask takes the copies of the sign away.
        left, right = c0 * first, c2 * second
        c0, c1, c2, c3 = ((right >> 32) & MASK) ^ c1 ^ k0, right & MASK, ((left >> 32) & MASK) ^ c3 ^ k1, left & MASK
    return torch.stack([c0, c1, c2, c3], -1)


def latency(values: Tensor, steps: int, *, time_first: bool = False) -> Tensor:
    """Return trains of one spike each, the earlier the larger the value; see `spikeparity.encoders.latency_spikes`."""
    x = _checked(values, steps)
    fires_at = torch.floor((1.0 - x) * (steps - 1) + 0.5)
    return _shaped((fires_at == _times(steps, x)) & (x > 0.0), values, time_first)


def rate(values: Tensor, steps: int, *, time_first: bool = False) -> Tensor:
    """Return trains that are as regular as can be; see `spikeparity.encoders.rate_spikes`."""
    x = _checked(values, steps)
    times = _times(steps, x)
    return _shaped(torch.floor((times + 1.0) * x) > torch.floor(times * x), values, time_first)


def _checked(values: Tensor, steps: int, seed: int = 0, sample: int = 0) -> Tensor:
    """Return the values in binary64, shape (batch, inputs)."""
    if values.ndim < 2 or not values.is_floating_point():
        raise ValueError(f"values: expected floating point, shape (batch, …), got {values.dtype} {tuple(values.shape)}")
    rows = values.detach().flatten(1).double()
    encoders.checked(rows.cpu().numpy(), steps, seed, sample)
    return rows


def _times(steps: int, x: Tensor) -> Tensor:
    return torch.arange(steps, dtype=torch.float64, device=x.device)[:, None, None]


def _shaped(fired: Tensor, values: Tensor, time_first: bool) -> Tensor:
    spikes = fired.to(values.dtype).reshape(len(fired), *values.shape)
    return spikes if time_first else spikes.transpose(0, 1).contiguous()
