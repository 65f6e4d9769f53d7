"""Deterministic Bernoulli spike trains from the counter-based generator Philox4x32-10 (semantics.md, section 8).

Salmon, Moraes, Dror and Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011; constants as in Random123.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spikeparity.matrix import FloatArray

Words = npt.NDArray[np.uint64]
Raster = npt.NDArray[np.bool_]

ROUNDS = 10
MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
MASK = np.uint64(0xFFFFFFFF)
HIGH = np.uint64(32)


def philox4x32(counter: npt.ArrayLike, key: tuple[int, int]) -> Words:
    """Return Philox4x32-10 of a counter under a key.

    Args:
        counter: 32-bit words, shape (..., 4).
        key: two 32-bit words.

    Returns:
        Four 32-bit words per counter, in 64-bit integers: the shape of `counter`.

    """
    # 32-bit words live in 64-bit integers, so that a product is whole and its halves are a shift and a mask.
    c0, c1, c2, c3 = np.moveaxis(np.asarray(counter, dtype=np.uint64), -1, 0)
    for turn in range(ROUNDS):
        k0, k1 = (np.uint64((word + turn * step) & 0xFFFFFFFF) for word, step in zip(key, KEY_STEPS, strict=True))
        left, right = MULTIPLIERS[0] * c0, MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (right >> HIGH) ^ c1 ^ k0, right & MASK, (left >> HIGH) ^ c3 ^ k1, left & MASK
    return np.stack([c0, c1, c2, c3], axis=-1)


def spike_block(rates: FloatArray, seed: int, sample: int, start: int, stop: int) -> Raster:
    """Return the spikes of checked Poisson inputs in the steps from `start` until before `stop`.

    Args:
        rates: spike probability per step, shape (samples, inputs).
        seed: key of the generator, within 0 … 2^53-1.
        sample: number of the first sample; the others follow.
        start: first step.
        stop: the step after the last one.

    Returns:
        Shape (steps, samples, inputs).

    """
    samples, inputs = rates.shape
    counter = np.zeros((stop - start, samples, -(-inputs // 4), 4), dtype=np.uint64)
    numbers = np.arange(samples, dtype=np.uint64) + np.uint64(sample)
    counter[..., 0] = np.arange(start, stop, dtype=np.uint64)[:, None, None]
    counter[..., 1] = np.arange(counter.shape[2], dtype=np.uint64)
    counter[..., 2] = (numbers & MASK)[:, None]
    counter[..., 3] = (numbers >> HIGH)[:, None]
    words = philox4x32(counter, (seed & 0xFFFFFFFF, seed >> 32)).reshape(stop - start, samples, 4 * counter.shape[2])
    # Both sides are exact in binary64: no rounding enters the comparison.
    fired: Raster = words[..., :inputs].astype(np.float64) < rates * 4294967296.0
    return fired
