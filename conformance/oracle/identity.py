"""The currents of an identity branch, and what a flatten layer gives (networks.md, sections 1 and 2)."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.oracle.profile import Profile


@dataclass
class Identity:
    """The weight that every element of the source is multiplied with."""

    weight: float

    def current(self, x: list[float], profile: Profile) -> list[float]:
        """Return each element times the weight, rounded once."""
        return [profile.rounded(self.weight * value) for value in x]


@dataclass
class Flatten:
    """Nothing but another shape."""

    def current(self, x: list[float], profile: Profile) -> list[float]:
        """Return the source."""
        return x
