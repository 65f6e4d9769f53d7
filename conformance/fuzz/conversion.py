"""The arithmetic of conversion: activations at the halves between two levels, scales that overflow or round."""

from __future__ import annotations

import math
from random import Random
from typing import Any

from conformance.fuzz import numbers
from conformance.fuzz.mutate import bent

THETAS = (1, 1.0, 0.5, 1 / 3, 2.3, 0.1, 1e300, 1e-300, numbers.TINY, numbers.LARGEST, 0, -1.0, "NaN")
STEPS = (1, 2, 3, 4, 7, 8, 10, 1024, 1048576, 0, 1048577, 2.0)
SCALES = (1, 1.0, 3.0, 0.7, 1 / 3, 1e-300, 1e300, numbers.TINY, 0, -0.5, "Infinity")
WEIGHTS = (0, -0.0, 1.0, -0.25, 1 / 3, 0.1, numbers.TINY, 1e-310, 1e300, -1e308, numbers.LARGEST)


def _mostly_first(rng: Random, values: tuple[Any, ...], sound: int) -> Any:
    """Draw one of the first values, which are sound, and now and then any."""
    return rng.choice(values if rng.random() < 0.1 else values[:sound])


def qcfs(rng: Random) -> dict[str, Any]:
    """Draw the input of activation.qcfs."""
    theta, steps = _mostly_first(rng, THETAS, 10), _mostly_first(rng, STEPS, 9)
    request = {
        "x": [_activation(rng, theta, steps) for _ in range(rng.choice((0, 1, 3, 9)))],
        "theta": theta,
        "T": steps,
    }
    return bent(request, rng) if rng.random() < 0.5 else request


def _activation(rng: Random, theta: Any, steps: Any) -> float:
    if rng.random() < 0.3 or not isinstance(theta, (int, float)) or not steps:
        return rng.choice((-0.0, -1.5, numbers.TINY, 1e300, numbers.LARGEST, rng.uniform(-1, 2)))
    half = (rng.randint(-1, 12) + 0.5) * (theta / steps)
    beside = float(half * rng.choice((1.0, 1 + 2.0**-52, 1 - 2.0**-53)))
    return beside if math.isfinite(beside) else numbers.LARGEST


def normalize(rng: Random) -> dict[str, Any]:
    """Draw the input of convert.normalize."""
    count = rng.choice((1, 1, 2, 3))
    scales = [_mostly_first(rng, SCALES, 5) if rng.random() < 0.7 else rng.uniform(0.01, 9) for _ in range(count)]
    request = {"layers": [_layer(rng) for _ in range(count)], "scales": scales}
    return bent(request, rng) if rng.random() < 0.5 else request


def _layer(rng: Random) -> dict[str, Any]:
    outputs, inputs = rng.choice((0, 1, 1, 2)), rng.choice((0, 1, 2, 3))
    layer: dict[str, Any] = {"weights": [[_weight(rng) for _ in range(inputs)] for _ in range(outputs)]}
    if rng.random() < 0.5:
        layer["bias"] = [_weight(rng) for _ in range(outputs)]
    return layer


def _weight(rng: Random) -> Any:
    return _mostly_first(rng, WEIGHTS, 8) if rng.random() < 0.5 else rng.uniform(-2, 2)
