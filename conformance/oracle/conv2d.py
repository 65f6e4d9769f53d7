"""The currents of a convolution (networks.md, section 2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from conformance.oracle.geometry import Geometry, Shape
from conformance.oracle.profile import Profile

Kernels = list[list[list[list[float]]]]


@dataclass
class Conv2d:
    """Weights (output, input / groups, kernel height, kernel width), and the shapes of what they take and give."""

    weights: Kernels
    geometry: Geometry
    source: Shape
    output: Shape

    def current(self, x: list[float], profile: Profile) -> list[float]:
        """Return the current of every output: terms by ascending input channel, kernel row, kernel column."""
        currents = []
        for o, row, column in product(*map(range, self.output)):
            acc = 0.0
            for weight, place in self._terms(o, row, column):
                term = profile.rounded(weight * x[place])
                acc = profile.rounded(acc + term)
            currents.append(acc)
        return currents

    def _terms(self, o: int, row: int, column: int) -> Iterator[tuple[float, int]]:
        """Yield each weight of an output with the place of its input in the flat list; padding has none."""
        _, height, width = self.source
        kernels = self.weights[o]
        group = o // (self.output[0] // self.geometry.groups)
        for c, kernel in enumerate(kernels):
            channel = group * len(kernels) + c
            for i, j in product(*map(range, self.geometry.kernel)):
                y = row * self.geometry.stride[0] + i * self.geometry.dilation[0] - self.geometry.padding[0]
                x = column * self.geometry.stride[1] + j * self.geometry.dilation[1] - self.geometry.padding[1]
                if 0 <= y < height and 0 <= x < width:
                    yield kernel[i][j], (channel * height + y) * width + x
