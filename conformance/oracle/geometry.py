"""Where a kernel goes: the rule network.geometry, and the size of what comes out (networks.md, sections 1 and 3)."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.oracle.kinds import Fields
from conformance.oracle.values import Value, array, integer

EXTENT = 65536  # rules.toml, limits.extent
PAIRS = (("kernel", 1), ("stride", 1), ("dilation", 1), ("padding", 0))  # member → its smallest Integer, in due order

Shape = tuple[int, ...]
"""(elements) of what has one dimension, else (channels, height, width)."""


@dataclass(frozen=True)
class Geometry:
    """Kernel, stride, padding and dilation, each (height, width), and the groups of a convolution."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Return (height, width) of the output; one below 1 means that the kernel does not fit."""
        before = (height, width)
        rows, columns = (
            (before[axis] + 2 * self.padding[axis] - self.dilation[axis] * (self.kernel[axis] - 1) - 1)
            // self.stride[axis]
            + 1
            for axis in (0, 1)
        )
        return rows, columns


def fault(fields: Fields) -> str | None:
    """Return the first member of a layer or a branch that breaks network.geometry."""
    for member, least in PAIRS:
        if member in fields and not _is_pair(fields[member], least):
            return member
    groups = integer(fields.get("groups")) if "groups" in fields else 1
    return None if groups is not None and 1 <= groups <= EXTENT else "groups"


def of_convolution(fields: Fields, kernel: tuple[int, int]) -> Geometry:
    """Return the geometry of a convolution whose weights have such a kernel."""
    groups = integer(fields["groups"]) if "groups" in fields else 1
    assert groups is not None
    return Geometry(
        kernel,
        _pair(fields, "stride", (1, 1)),
        _pair(fields, "padding", (0, 0)),
        _pair(fields, "dilation", (1, 1)),
        groups,
    )


def of_pool(fields: Fields) -> Geometry:
    """Return the geometry of an average pool."""
    kernel = _pair(fields, "kernel", (1, 1))
    return Geometry(kernel, _pair(fields, "stride", kernel), (0, 0), (1, 1), 1)


def _is_pair(value: Value, least: int) -> bool:
    if not isinstance(value, list) or len(value) != 2:
        return False
    entries = [integer(entry) for entry in value]
    return all(entry is not None and least <= entry <= EXTENT for entry in entries)


def _pair(fields: Fields, member: str, default: tuple[int, int]) -> tuple[int, int]:
    if member not in fields:
        return default
    height, width = (integer(entry) for entry in array(fields[member]))
    assert height is not None and width is not None
    return height, width
