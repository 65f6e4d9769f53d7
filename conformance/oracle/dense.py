"""The currents of a dense layer or branch (semantics.md, section 6)."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.oracle.profile import Profile


@dataclass
class Dense:
    """Weights (output, input)."""

    weights: list[list[float]]

    def current(self, x: list[float], profile: Profile) -> list[float]:
        """Return the current of every output: products and sums in ascending input order."""
        active = [(j, value) for j, value in enumerate(x) if value != 0.0]
        currents = []
        for row in self.weights:
            acc = 0.0
            for j, value in active:
                product = profile.rounded(row[j] * value)
                acc = profile.rounded(acc + product)
            currents.append(acc)
        return currents
