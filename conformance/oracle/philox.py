"""Philox4x32-10, and the Bernoulli spike trains drawn from it (semantics.md, section 8).

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011; Random123.
"""

from collections.abc import Sequence

WORD = 2**32
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10


def philox4x32(counter: Sequence[int], key: Sequence[int]) -> tuple[int, int, int, int]:
    """Return the four 32-bit output words of a four-word counter under a two-word key."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(ROUNDS):
        high0, low0 = divmod(MULTIPLIERS[0] * c0, WORD)
        high1, low1 = divmod(MULTIPLIERS[1] * c2, WORD)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0 = (k0 + KEY_STEPS[0]) % WORD
        k1 = (k1 + KEY_STEPS[1]) % WORD
    return c0, c1, c2, c3


def words(seed: int, sample: int, step: int, width: int) -> list[int]:
    """Return one random word per input for one step of one sample."""
    key = (seed % WORD, seed // WORD)
    drawn: list[int] = []
    for block in range((width + 3) // 4):
        drawn.extend(philox4x32((step, block, sample % WORD, sample // WORD), key))
    return drawn[:width]


def spiking(rates: Sequence[float], seed: int, sample: int, step: int) -> list[int]:
    """Return the ascending indices of the inputs that spike at this step."""
    drawn = words(seed, sample, step, len(rates))
    return [i for i, rate in enumerate(rates) if float(drawn[i]) < rate * 4294967296.0]
