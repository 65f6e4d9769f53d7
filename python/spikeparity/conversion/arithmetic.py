"""The arithmetic of conversion: the QCFS activation and threshold balancing (conversion.md, sections 2 and 3).

The functions named after a rule's code check that rule; what is computed is NumPy's binary64, operation by operation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from spikeparity import matrix
from spikeparity.matrix import FloatArray, array_like
from spikeparity.neurons import network as networks
from spikeparity.neurons.inputs import STEPS
from spikeparity.rejection import RejectedError, member
from spikeparity.values import as_float, describe, is_array, is_integer, is_number

LAYER = ("weights", "bias")


def qcfs(x: Any, theta: Any, T: Any) -> FloatArray:
    """Return the quantization-clip-floor-shift activation (Bu et al. 2022) of a list of numbers.

    Args:
        x: finite Numbers, shape (n).
        theta: the largest value of the activation, finite and above 0.
        T: number of its steps, within 1 … 1,048,576.

    Returns:
        ((clip(floor(((x * T) / theta) + 0.5), 0, T)) * theta) / T, each operation rounded to binary64; shape (n).

    Raises:
        RejectedError: qcfs.input, qcfs.theta, qcfs.steps, qcfs.non-finite.

    """
    values = array_like(x)
    qcfs_input(values)
    qcfs_theta(theta)
    qcfs_steps(T)
    y = quantized(matrix.to_vector(values), as_float(theta), int(T))
    _finite("qcfs.non-finite", y, "/x")
    return y


def quantized(x: FloatArray, theta: float, T: int) -> FloatArray:
    """Return the QCFS activation of checked arguments; of an array of any shape."""
    with np.errstate(over="ignore"):  # what is infinite is clipped, or a verdict
        steps = np.floor(((x * float(T)) / theta) + 0.5)
        clipped = np.where(steps > 0.0, np.minimum(steps, float(T)), 0.0)
        y: FloatArray = (clipped * theta) / float(T)
    return y


def qcfs_input(x: Any) -> None:
    """qcfs.input: `x` is a list of finite Numbers."""
    if isinstance(x, np.ndarray) and x.ndim == 1:
        matrix.typed_array("qcfs.input", x, "/x")
        _finite("qcfs.input", matrix.to_vector(x), "/x")
    elif not isinstance(x, (list, tuple)):
        raise RejectedError("qcfs.input", "/x", f"x: expected a list of numbers, got {describe(x)}")
    else:
        for index, value in enumerate(x):
            if not (is_number(value) and math.isfinite(as_float(value))):
                message = f"x: expected a finite number, got {describe(value)}"
                raise RejectedError("qcfs.input", f"/x/{index}", message)


def qcfs_theta(theta: Any) -> None:
    """qcfs.theta: a finite Number above 0."""
    if not _is_scale(theta):
        message = f"theta: expected a finite number above 0, got {describe(theta)}"
        raise RejectedError("qcfs.theta", "/theta", message)


def qcfs_steps(T: Any) -> None:
    """qcfs.steps: an Integer within 1 … 1,048,576."""
    if not (is_integer(T) and 1 <= T <= STEPS):
        raise RejectedError("qcfs.steps", "/T", f"T: expected an integer in 1 … {STEPS}, got {describe(T)}")


def normalize(layers: Any, scales: Any) -> list[dict[str, FloatArray]]:
    """Balance the thresholds of layers (Diehl et al. 2015; Rueckauer et al. 2017), so that each is 1.

    Args:
        layers: per layer an object with `weights` of shape (outputs, inputs) and optionally `bias` of shape (outputs).
        scales: λ_1 … λ_n, per layer the activation that one spike per step stands for; λ_0 is 1.

    Returns:
        Per layer `weights`, (weights * λ_{l-1}) / λ_l, and, where it has one, `bias`, bias / λ_l; new arrays.

    Raises:
        RejectedError: rules on layers with a path below `/layers`, normalize.scales, normalize.non-finite.

    """
    document = {"layers": _listed(layers)}
    for rule in RULES:
        rule(document)
    normalize_scales(scales, len(document["layers"]))
    scaled = []
    before = 1.0
    with np.errstate(over="ignore"):  # an overflow is a verdict
        for layer, value in zip(document["layers"], scales, strict=True):
            scale = as_float(value)
            parts = {"weights": (matrix.to_array(layer["weights"], None) * before) / scale}
            if "bias" in layer:
                parts["bias"] = matrix.to_vector(layer["bias"]) / scale
            scaled.append(parts)
            before = scale
    normalize_non_finite(scaled)
    return scaled


def normalize_object(document: Any) -> None:
    """network.object: a layer is an object."""
    for path, layer in _layers(document):
        if not isinstance(layer, Mapping):
            raise RejectedError("network.object", path, f"layer: expected an object, got {describe(layer)}")


def normalize_unknown_key(document: Any) -> None:
    """network.unknown-key: a layer has no keys but `weights` and `bias`."""
    for path, layer in _layers(document):
        for key in layer:
            if key not in LAYER:
                message = f"layer: expected one of {', '.join(LAYER)}, got {key!r}"
                raise RejectedError("network.unknown-key", member(path, key), message)


def normalize_missing_key(document: Any) -> None:
    """network.missing-key: a layer has `weights`."""
    for path, layer in _layers(document):
        if "weights" not in layer:
            message = "layer: expected weights, which is absent"
            raise RejectedError("network.missing-key", f"{path}/weights", message)


def normalize_scales(scales: Any, layers: int) -> None:
    """normalize.scales: a list of one finite Number above 0 per layer."""
    if not is_array(scales) or len(scales) != layers:
        message = f"scales: expected a list of {layers}, one per layer, got {describe(scales)}"
        raise RejectedError("normalize.scales", "/scales", message)
    for index, value in enumerate(scales):
        if not _is_scale(value):
            message = f"scales: expected a finite number above 0, got {describe(value)}"
            raise RejectedError("normalize.scales", f"/scales/{index}", message)


def normalize_non_finite(scaled: Sequence[Mapping[str, FloatArray]]) -> None:
    """normalize.non-finite: every result is finite."""
    for index, parts in enumerate(scaled):
        for key, array in parts.items():
            _finite("normalize.non-finite", array, f"/layers/{index}/{key}")


RULES: tuple[Callable[[Any], None], ...] = (
    normalize_object,
    normalize_unknown_key,
    normalize_missing_key,
    networks.layers,
    networks.weight_type,
    networks.weight_rank,
    networks.weight_finite,
    networks.bias_type,
    networks.bias_shape,
    networks.bias_finite,
)


def _is_scale(value: Any) -> bool:
    return is_number(value) and 0.0 < as_float(value) < math.inf


def _listed(layers: Any) -> Any:
    """Return the layers with arrays in place of what offers one, as of tensors."""
    if not isinstance(layers, (list, tuple)):
        return layers
    return [
        {key: array_like(value) for key, value in layer.items()} if isinstance(layer, Mapping) else layer
        for layer in layers
    ]


def _layers(document: Any) -> Iterator[tuple[str, Any]]:
    """Give the path of each layer and the layer, as far as there are any."""
    parts = document["layers"]
    for index, layer in enumerate(parts if is_array(parts) else ()):
        yield f"/layers/{index}", layer


def _finite(code: str, array: FloatArray, path: str) -> None:
    """Reject the first NaN or infinity of an array."""
    faults = np.argwhere(~np.isfinite(array))
    if len(faults):
        where = "".join(f"/{index}" for index in faults[0])
        raise RejectedError(code, path + where, f"expected a finite number, got {array[tuple(faults[0])]}")
