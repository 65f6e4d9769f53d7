"""What is in a pair: read and checked by the Python reference, one array in memory at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from spikeparity import matrix
from spikeparity.files import Place
from spikeparity.matrix import FloatArray
from spikeparity.transfer import npy, sidecar, zip_archive
from spikeparity.transfer.pair import HEADER_BYTES, opened
from spikeparity.transfer.zip_archive import STORED, Due

from conformance.pairs import wiring
from conformance.shapes import of_sidecar

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
        neuron: The dynamics of its neurons, of a network; None where it has none.
        members: Its weights (of a sum those of its branches), then its bias, as far as it has them.
        kind: Of a network: ``dense``, ``conv2d``, ``sum``, ``avgpool2d`` or ``flatten``.
        takes: Of a network: its sources in words, one per branch of a sum.
        output: Of a network: the shape of what it gives, (elements) or (channels, height, width).
    """

    name: str
    neuron_type: str | None
    frozen: bool
    neuron: dict[str, Any] | None
    members: tuple[Member, ...]
    kind: str | None = None
    takes: tuple[str, ...] = ()
    output: tuple[int, ...] = ()


@dataclass(frozen=True)
class Contents:
    """A pair.

    Attributes:
        format_version: 1, a checkpoint, or 2, a network.
        archive_digest: What binds the sidecar to its archive, or None.
        layers: The layers, input first.
        readout: Of a network: ``spikes`` or ``membrane``.
        is_plain: Whether it is a checkpoint, or a network of dense layers in a row.
        input: Of a network: the shape of its input, (elements) or (channels, height, width).
        metadata: Whatever the pair carries besides.
    """

    format_version: int
    archive_digest: str | None
    layers: tuple[Layer, ...]
    readout: str | None
    metadata: dict[str, Any]
    is_plain: bool = True
    input: tuple[int, ...] = ()

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
        own = [f"layer_{index}", f"bias_{index}"]
        if network is not None:
            own[1:1] = [f"layer_{index}_{b}" for b in range(len(network["layers"][index].get("inputs", ())))]
        layers.append(
            Layer(
                name=str(name),
                neuron_type=str(types[index]) if len(types) else None,
                frozen=name in frozen,
                neuron=None,
                members=tuple(members[name] for name in own if name in members),
            )
        )
    digest = document.get("archive_digest")
    metadata = dict(document.get("metadata", {}))
    contents = Contents(sidecar.version(document), digest, tuple(layers), None, metadata)
    return contents if network is None else _of_network(contents, document)


def _of_network(contents: Contents, document: Any) -> Contents:
    """Add what a network says of its layers."""
    stored = document["network"]["layers"]
    found = of_sidecar(document)
    sources = wiring.takes(stored, [layer.name for layer in contents.layers])
    layers = tuple(
        replace(
            layer,
            neuron=dict(stored[index]["neuron"]) if "neuron" in stored[index] else None,
            kind=wiring.kind(stored[index]),
            takes=sources[index],
            output=found.layers[index],
        )
        for index, layer in enumerate(contents.layers)
    )
    readout = str(document["network"].get("readout", "spikes"))
    plain = wiring.is_plain(stored) and len(found.input) == 1
    return replace(contents, layers=layers, readout=readout, is_plain=plain, input=found.input)
