"""What is in a pair: read and checked by the Python reference, one array in memory at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from spikeparity import matrix
from spikeparity.files import Place
from spikeparity.matrix import FloatArray
from spikeparity.transfer import npy, sidecar, zip_archive
from spikeparity.transfer.pair import HEADER_BYTES, opened
from spikeparity.transfer.zip_archive import STORED, Due

SAFE = (1e-140, 1e140)
"""Within these a norm's squares neither overflow nor vanish."""


@dataclass(frozen=True)
class Member:
    """An array of a pair.

    Attributes:
        member: Its name in the archive, without extension.
        shape: (outputs, inputs) of weights, (outputs) of a bias.
        dtype: How its values are stored, as NumPy calls it: ``<f8``.
        fortran_order: Whether they are stored column by column.
        compression: ``stored`` or ``deflate``.
        bytes: What it takes in the archive.
        norm: Frobenius norm.
        largest: The largest absolute value; 0 where there are no values.
        zeros: How many values are 0 (or -0).
    """

    member: str
    shape: tuple[int, ...]
    dtype: str
    fortran_order: bool
    compression: str
    bytes: int
    norm: float
    largest: float
    zeros: int

    @property
    def parameters(self) -> int:
        """The number of values."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Layer:
    """A layer of a pair.

    Attributes:
        name: Its name.
        neuron_type: What the sidecar says of its neurons; None where it says nothing.
        frozen: Whether it is not trained.
        neuron: The dynamics of its neurons, of a network.
        members: Its weights, then its bias where it has one.
    """

    name: str
    neuron_type: str | None
    frozen: bool
    neuron: dict[str, Any] | None
    members: tuple[Member, ...]


@dataclass(frozen=True)
class Contents:
    """A pair.

    Attributes:
        format_version: 1, a checkpoint, or 2, a network.
        archive_digest: What binds the sidecar to its archive, or None.
        layers: The layers, input first.
        readout: Of a network: ``spikes`` or ``membrane``.
        metadata: Whatever the pair carries besides.
    """

    format_version: int
    archive_digest: str | None
    layers: tuple[Layer, ...]
    readout: str | None
    metadata: dict[str, Any]

    @property
    def total_params(self) -> int:
        """The number of values of all members."""
        return sum(member.parameters for layer in self.layers for member in layer.members)


def read(base: str) -> Contents:
    """Read and check a pair whole.

    Raises:
        RejectedError: It breaks a rule (pairs.md).
        StorageError: The system refused to read.
    """
    with opened(Place.of(base)) as (document, file, found):
        parts = sidecar.members(document)
        due = [Due(f"{part.name}.npy".encode(), part.path, 8 * math.prod(part.shape) + HEADER_BYTES) for part in parts]
        members = {
            part.name: _member(part, zip_archive.content(file, entry, wanted), entry)
            for part, wanted, entry in zip(parts, due, zip_archive.members(file, found, due), strict=True)
        }
    return _contents(document, members)


def _member(part: sidecar.Member, content: zip_archive.Content, entry: zip_archive.Entry) -> Member:
    array = npy.to_float64(content, part.shape, npy.Leaves(part.path))
    matrix.finite("checkpoint.weight-finite", array, part.path)
    header = npy.header_(content, npy.magic(content, part.path), part.path)
    largest = float(max(array.max(), -array.min())) if array.size else 0.0
    return Member(
        member=part.name,
        shape=part.shape,
        dtype=str(header.descr),
        fortran_order=header.fortran_order,
        compression="stored" if entry.method == STORED else "deflate",
        bytes=entry.compressed,
        norm=frobenius(array, largest),
        largest=largest,
        zeros=int(array.size - np.count_nonzero(array)),
    )


def frobenius(array: FloatArray, largest: float) -> float:
    """Return the square root of the sum of squares; infinite only where no float64 is so large."""
    flat = array.reshape(-1)
    if largest == 0 or SAFE[0] < largest < SAFE[1]:
        return float(np.sqrt(np.dot(flat, flat)))
    scaled = flat / largest
    return largest * float(np.sqrt(np.dot(scaled, scaled)))


def _contents(document: Any, members: dict[str, Member]) -> Contents:
    types, frozen = document.get("neuron_types", ()), set(document.get("frozen_layers", ()))
    network = document.get("network")
    layers = []
    for index, name in enumerate(document["layer_names"]):
        own = (members.get(f"layer_{index}"), members.get(f"bias_{index}"))
        layers.append(
            Layer(
                name=str(name),
                neuron_type=str(types[index]) if len(types) else None,
                frozen=name in frozen,
                neuron=None if network is None else dict(network["layers"][index]["neuron"]),
                members=tuple(member for member in own if member is not None),
            )
        )
    readout = None if network is None else str(network.get("readout", "spikes"))
    digest = document.get("archive_digest")
    metadata = dict(document.get("metadata", {}))
    return Contents(sidecar.version(document), digest, tuple(layers), readout, metadata)
