"""Poisson spike trains whose rates lie exactly on the drawn random word, and seeds and samples at the 32-bit seams."""

from __future__ import annotations

import math
from random import Random
from typing import Any

from conformance.fuzz import numbers
from conformance.fuzz.mutate import bent
from conformance.oracle import philox

SEEDS = (0, 1, 7, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**52, numbers.LARGEST_INTEGER - 1, numbers.LARGEST_INTEGER)
WIDTHS = (0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 33)
RATES = (0, 1, 0.0, -0.0, 1.0, 0.5, numbers.TINY, 1 - 2.0**-53, 2.0**-32, 2.0**-33, 1 - 2.0**-32, 1 - 2.0**-33)


def seed(rng: Random) -> int:
    """Draw a seed or a sample number, often one at a seam."""
    return rng.choice(SEEDS) if rng.random() < 0.5 else rng.randrange(2**53)


def rates(rng: Random, width: int, key: int, sample: int, steps: int) -> list[float | int]:
    """Draw rates; a third of them decide by the last bit whether input i spikes at some step."""
    return [_rate(rng, i, width, key, sample, steps) for i in range(width)]


def _rate(rng: Random, index: int, width: int, key: int, sample: int, steps: int) -> float | int:
    x = rng.random()
    if x < 0.3:
        return rng.random()
    if x < 0.6:
        return rng.choice(RATES)
    # The word that input `index` draws: a spike at word/2^32 would be one too many, right above it is one.
    word = philox.words(key, sample, rng.randrange(steps), index + 1)[index] if width <= 40 else rng.getrandbits(32)
    return rng.choice((word, word, word + 1, max(0, word - 1))) / 2**32 if x < 0.8 else _beside(word / 2**32, rng)


def _beside(rate: float, rng: Random) -> float:
    return min(1.0, math.nextafter(rate, rng.choice((0.0, 1.0))))


def encode(rng: Random) -> dict[str, Any]:
    """Draw the input of encode.poisson."""
    steps = rng.choice((1, 1, 2, 3, 5, 8))
    key, sample = seed(rng), seed(rng) if rng.random() < 0.6 else 0
    request: dict[str, Any] = {"rates": rates(rng, rng.choice(WIDTHS), key, sample, steps), "seed": key, "steps": steps}
    if sample or rng.random() < 0.2:
        request["sample"] = sample
    return bent(request, rng, ("sample",))
