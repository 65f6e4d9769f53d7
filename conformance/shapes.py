"""Shapes of the layers of a network, as the oracle finds them; a neuron by its channel, row and column."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Shape = tuple[int, ...]
"""(elements) of a layer whose output has one dimension, else (channels, height, width)."""


@dataclass(frozen=True)
class Shapes:
    """What a network looks like from outside.

    Attributes:
        input: The shape of the input, (0) where any width will do.
        taken: Per layer the shapes of its sources, one per branch of a sum.
        layers: Per layer the shape of its output.
    """

    input: Shape
    taken: list[list[Shape]]
    layers: list[Shape]

    @property
    def width(self) -> int:
        """The number of elements of the input."""
        return math.prod(self.input)


def of_request(network: dict[str, Any], root: Path | None = None) -> Shapes:
    """Return the shapes of a sound network of a request; pairs and files that it names are below ``root``."""
    from conformance.oracle import network as documents
    from conformance.oracle.places import Folder
    from conformance.oracle.values import from_python

    if root is not None and "checkpoint" in network:
        return of_sidecar(json.loads((root / f"{network['checkpoint']}.json").read_bytes()))
    found = documents.load(from_python(network), Folder(root)).shapes
    return Shapes(found.input or (0,), found.taken, found.given)


def of_sidecar(document: dict[str, Any]) -> Shapes:
    """Return the shapes of the network of a sound pair of format 2, by its sidecar as JSON libraries read it."""
    from conformance.oracle import sidecar
    from conformance.oracle.values import from_python

    found = sidecar.all_shapes(from_python({key: document[key] for key in ("layer_sizes", "network")}))
    return Shapes(found.input or (0,), found.taken, found.given)


def place(shape: Shape, neuron: int) -> tuple[int, int, int] | None:
    """Return (channel, row, column) of a neuron, None where the layer's output has one dimension."""
    if len(shape) != 3:
        return None
    channel, rest = divmod(neuron, shape[1] * shape[2])
    row, column = divmod(rest, shape[2])
    return channel, row, column
