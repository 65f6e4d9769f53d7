"""The currents of layers and branches, and what layers without neurons hand on (semantics.md, 6; networks.md, 2).

Arrays of numbers are time-major and flat, (steps, samples, elements); an input that never changes comes as one step.
Each sum adds its terms one after the other in the order of the specification, product and sum rounded apart, so that
every bit is that of the scalar loop: what is vectorised are outputs, samples and steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spikeparity.matrix import RealArray
from spikeparity.neurons.layers import (
    AvgPool2d,
    Branch,
    Conv2d,
    Conv2dBranch,
    Flatten,
    IdentityBranch,
    SpikingLayer,
    Sum,
)
from spikeparity.neurons.shapes import Shape, Window, windows
from spikeparity.values import FloatType

Values = npt.NDArray[Any]

# Numbers under the kernels of a convolution that are laid out at once: few enough for the caches.
PATCHES = 1 << 21


def layer_current(
    layer: SpikingLayer,
    presented: Sequence[Values],
    taken: Sequence[Shape],
    given: Shape,
    shape: tuple[int, int, int],
    dtype: FloatType,
) -> RealArray:
    """Return the current of a layer, bias included, at every step of a block.

    Args:
        layer: the layer, its values in the format `dtype`.
        presented: what its sources present: of a sum one per branch, else one.
        taken: the shapes of the sources.
        given: the shape of what the layer gives.
        shape: of the result, (steps, samples, outputs).
        dtype: the format of the profile.

    """
    if not shape[-1]:  # no outputs, whatever is presented
        return np.zeros(shape, dtype=dtype)
    if isinstance(layer, Sum):
        parts = zip(layer.inputs, presented, taken, strict=True)
        current = summed([part_current(part, values, source, given, dtype) for part, values, source in parts], dtype)
    else:
        current = part_current(layer, presented[0], taken[0], given, dtype)
    if layer.bias is not None:
        bias = np.repeat(layer.bias, math.prod(given[1:]))  # that of a channel at all its positions
        current += bias
    return np.broadcast_to(current, shape)


def part_current(
    part: SpikingLayer | Branch, presented: Values, taken: Shape, given: Shape, dtype: FloatType
) -> RealArray:
    """Return the current of a branch, or of a layer that is no sum without its bias; arguments as `layer_current`."""
    assert not isinstance(part, Sum)
    if isinstance(part, IdentityBranch):
        return identity_current(part.weight, presented, dtype)
    if isinstance(part, (Conv2d, Conv2dBranch)):
        return conv2d_current(part, presented, taken, given)
    return synaptic_current(part.weights, presented)


def synaptic_current(weights: RealArray, presented: npt.NDArray[Any]) -> RealArray:
    """Return the weighted sums of inputs (…, inputs), spikes or real values: shape (…, outputs).

    Each sum adds its terms in ascending input order, products and sums rounded separately. Zero inputs are skipped,
    which changes no bit.
    """
    rows = presented.reshape(math.prod(presented.shape[:-1]), weights.shape[1])
    current = np.zeros((len(rows), len(weights)), dtype=weights.dtype)
    for weight, values in zip(np.ascontiguousarray(weights.T), np.ascontiguousarray(rows.T), strict=True):
        active = np.flatnonzero(values)
        if len(active):
            current[active] += weight if values.dtype == np.bool_ else values[active, None] * weight
    return current.reshape(*presented.shape[:-1], len(weights))


def conv2d_current(part: Conv2d | Conv2dBranch, presented: Values, taken: Shape, given: Shape) -> RealArray:
    """Return the currents of a convolution of inputs (…, channels × height × width), without bias: shape (…, outputs).

    Each output sums over input channel, kernel row and kernel column, each ascending. Positions in the padding stand
    for zeros, which are skipped as all others.
    """
    images = presented.reshape(-1, *taken)
    current = np.empty((len(images), *given), dtype=part.weights.dtype)
    outputs, channels, *kernel = part.weights.shape
    weights = part.weights.reshape(part.groups, outputs // part.groups, -1)
    window = windows(vars(part), kernel)
    at_once = max(1, PATCHES // (weights.shape[2] * math.prod(given[1:])))
    for first in range(0, len(images), at_once):
        block = images[first : first + at_once]
        for group, weight in enumerate(weights):
            patches = _patches(block[:, group * channels : (group + 1) * channels], window, given[1:])
            sums = synaptic_current(weight, patches)
            begin = group * len(weight)
            current[first : first + at_once, begin : begin + len(weight)] = np.moveaxis(sums, -1, 1)
    return current.reshape(*presented.shape[:-1], math.prod(given))


def identity_current(weight: float, presented: Values, dtype: FloatType) -> RealArray:
    """Return each element times the weight, rounded once."""
    return np.multiply(presented, dtype(weight), dtype=dtype)


def summed(currents: Sequence[RealArray], dtype: FloatType) -> RealArray:
    """Return the sum of the currents of branches, added in their order."""
    total: Any = dtype(0.0)
    for current in currents:
        total = total + current
    return np.asarray(total)


def handed_on(layer: AvgPool2d | Flatten, presented: Values, taken: Shape, given: Shape, dtype: FloatType) -> Values:
    """Return what a layer without neurons gives to inputs (…, elements): shape (…, elements of its own)."""
    return presented if isinstance(layer, Flatten) else averages(layer, presented, taken, given, dtype)


def averages(layer: AvgPool2d, presented: Values, taken: Shape, given: Shape, dtype: FloatType) -> RealArray:
    """Return the means under the kernel: its elements added row by row, each ascending, then divided once."""
    images = presented.reshape(-1, *taken)
    total = np.zeros((len(images), *given), dtype=dtype)
    rows, columns = windows(vars(layer), layer.kernel)
    for i in range(rows.kernel):
        for j in range(columns.kernel):
            total += images[:, :, rows.under(i, taken[1], given[1])[1], columns.under(j, taken[2], given[2])[1]]
    mean = total / dtype(rows.kernel * columns.kernel)
    return mean.reshape(*presented.shape[:-1], math.prod(given))


def _patches(images: Values, window: tuple[Window, Window], size: Shape) -> Values:
    """Return what is under the kernel at each position: images (n, C, H, W) as (n, H', W', C × kernel).

    What is seen at one place under the kernel lies together in memory, which is how `synaptic_current` goes through it.
    """
    count, channels = images.shape[:2]
    rows, columns = window
    seen = np.zeros((channels, rows.kernel, columns.kernel, count, *size), dtype=images.dtype)
    for i in range(rows.kernel):
        y, source_y = rows.under(i, images.shape[2], size[0])
        for j in range(columns.kernel):
            x, source_x = columns.under(j, images.shape[3], size[1])
            seen[:, i, j, :, y, x] = images[:, :, source_y, source_x].swapaxes(0, 1)
    return np.moveaxis(seen.reshape(-1, count, *size), 0, -1)
