"""What an average pool gives (networks.md, section 2)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from conformance.oracle.geometry import Geometry, Shape
from conformance.oracle.profile import Profile


@dataclass
class AvgPool2d:
    """A kernel, and the shapes of what it takes and gives."""

    geometry: Geometry
    source: Shape
    output: Shape

    def current(self, x: list[float], profile: Profile) -> list[float]:
        """Return every mean: the elements under the kernel added row by row, then one division by their number."""
        _, height, width = self.source
        (rows, columns), stride = self.geometry.kernel, self.geometry.stride
        means = []
        for channel, row, column in product(*map(range, self.output)):
            acc = 0.0
            for i, j in product(range(rows), range(columns)):
                place = (channel * height + row * stride[0] + i) * width + column * stride[1] + j
                acc = profile.rounded(acc + x[place])
            means.append(profile.rounded(acc / (rows * columns)))
        return means
