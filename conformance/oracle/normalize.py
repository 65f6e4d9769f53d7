"""Threshold balancing: weights and biases rescaled by what the activations reach (conversion.md, section 3)."""

from __future__ import annotations

import math
from collections.abc import Iterator

from conformance.oracle import network
from conformance.oracle.hexfloat import to_hex
from conformance.oracle.values import Rejected, Rules, Value, array, check, members, number, pointer, real

KEYS = ("weights", "bias")
Arguments = dict[str, Value]


def normalize(arguments: Arguments) -> dict[str, object]:
    """Answer `convert.normalize`."""
    check(RULES, arguments)
    scales = [1.0] + [number(scale) for scale in array(arguments["scales"])]
    layers = []
    for i, (_, layer) in enumerate(_objects(arguments)):
        layers.append(_layer(members(layer), scales[i], scales[i + 1], f"/layers/{i}"))
    return {"layers": layers}


def _layer(layer: dict[str, Value], before: float, scale: float, path: str) -> dict[str, object]:
    weights = []
    for i, row in enumerate(array(layer["weights"])):
        scaled = [(number(weight) * before) / scale for weight in array(row)]
        weights.append(_digits(scaled, f"{path}/weights/{i}"))
    answer: dict[str, object] = {"weights": weights}
    if "bias" in layer:
        answer["bias"] = _digits([number(entry) / scale for entry in array(layer["bias"])], f"{path}/bias")
    return answer


def _digits(numbers: list[float], path: str) -> list[str]:
    for i, value in enumerate(numbers):
        if not math.isfinite(value):
            raise Rejected("normalize.non-finite", f"{path}/{i}")
    return [to_hex(value) for value in numbers]


def _objects(arguments: Arguments) -> Iterator[tuple[str, Value]]:
    layers = arguments["layers"]
    for i, layer in enumerate(layers if isinstance(layers, list) else []):
        yield f"/layers/{i}", layer


def all_objects(arguments: Arguments) -> str | None:
    """network.object."""
    for path, layer in _objects(arguments):
        if not isinstance(layer, dict):
            return path
    return None


def unknown_key(arguments: Arguments) -> str | None:
    """network.unknown-key."""
    for path, layer in _objects(arguments):
        for key in members(layer):
            if key not in KEYS:
                return path + pointer(key)
    return None


def missing_key(arguments: Arguments) -> str | None:
    """network.missing-key."""
    for path, layer in _objects(arguments):
        if "weights" not in members(layer):
            return f"{path}/weights"
    return None


def scales(arguments: Arguments) -> str | None:
    """normalize.scales."""
    entries = arguments["scales"]
    if not isinstance(entries, list) or len(entries) != len(array(arguments["layers"])):
        return "/scales"
    for i, entry in enumerate(entries):
        scale = real(entry)
        if scale is None or not math.isfinite(scale) or not scale > 0.0:
            return f"/scales/{i}"
    return None


RULES: Rules[Arguments] = (
    ("network.object", all_objects),
    ("network.unknown-key", unknown_key),
    ("network.missing-key", missing_key),
    ("network.layers", network.layers),
    ("network.weight-type", network.weight_type),
    ("network.weight-rank", network.weight_rank),
    ("network.weight-finite", network.weight_finite),
    ("network.bias-type", network.bias_type),
    ("network.bias-shape", network.bias_shape),
    ("network.bias-finite", network.bias_finite),
    ("normalize.scales", scales),
)
