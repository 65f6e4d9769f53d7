"""Sidecars: the rules of a checkpoint pair up to the archive (pairs.md, section 2), one function each."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from conformance.oracle import checkpoint, geometry, kinds, network, shapes
from conformance.oracle.geometry import Shape
from conformance.oracle.kinds import Fields
from conformance.oracle.values import (
    LARGEST_INTEGER,
    Rejected,
    Rules,
    Value,
    array,
    check,
    integer,
    members,
    strings,
)

BYTES = 16777216  # rules.toml, limits.sidecar_bytes
REQUIRED = ("n_layers", "layer_names", "layer_sizes", "total_params")
OPTIONAL = ("neuron_types", "metadata", "frozen_layers", "format_version", "network", "archive_digest")


@dataclass(frozen=True)
class Member:
    """A member due: its name in the archive, its path (pairs.md, section 2) and its shape."""

    name: str
    path: str
    shape: tuple[int, ...]


def check_sidecar(document: Value) -> None:
    """Raise `Rejected` for the first broken rule."""
    check(RULES, document)


def format_version(document: Value) -> int:
    """Return the format, 1 where the sidecar does not say."""
    version = integer(members(document).get("format_version"))
    return 1 if version is None else version


def members_due(document: Value) -> list[Member]:
    """Return the members due, in due order."""
    if format_version(document) == 1:
        sizes = map(checkpoint.size, array(members(document)["layer_sizes"]))
        return [Member(f"layer_{i}", f"/weights/{i}", (outputs, inputs)) for i, (inputs, outputs) in enumerate(sizes)]
    network, given = members(document)["network"], all_shapes(document).given
    due = []
    for i, (path, layer) in enumerate(kinds.layers(network)):
        if "weights" in layer:
            due.append(_weights_due(document, path, layer, f"layer_{i}", f"/weights/{i}"))
        for b, (place, branch) in enumerate(kinds.branches(path, layer)):
            if "weights" in branch:
                due.append(_weights_due(document, place, branch, f"layer_{i}_{b}", f"/weights/{i}/{b}"))
        if "bias" in layer:
            due.append(Member(f"bias_{i}", f"/biases/{i}", given[i][:1]))
    return due


def all_shapes(document: Value) -> shapes.Shapes:
    """Return the shapes in the network of an accepted sidecar of format 2."""
    return shapes.walk(members(document)["network"], _weights_shape(document))


def _weights_due(document: Value, path: str, fields: Fields, name: str, place: str) -> Member:
    lengths = _weights_shape(document)(path, fields)
    return Member(name, place, tuple(length for length in lengths if length is not None))


def _weights_shape(document: Value) -> shapes.WeightsShape:
    """Return the function that tells the shape of stored weights: of a dense layer by layer_sizes, else as written."""
    sizes = [checkpoint.size(pair) for pair in array(members(document)["layer_sizes"])]

    def weights_shape(path: str, fields: Fields) -> tuple[int, int] | tuple[int, int, int, int]:
        weights = members(fields["weights"])
        if "shape" not in weights:
            inputs, outputs = sizes[int(path.rsplit("/", 1)[1])]
            return outputs, inputs
        lengths = [length for length in map(integer, array(weights["shape"])) if length is not None]
        return (lengths[0], lengths[1]) if len(lengths) == 2 else (lengths[0], lengths[1], lengths[2], lengths[3])

    return weights_shape


def unknown_key(document: Value) -> str | None:
    """checkpoint.unknown-key."""
    return checkpoint.unknown_key(document, REQUIRED + OPTIONAL)


def missing_key(document: Value) -> str | None:
    """checkpoint.missing-key."""
    return checkpoint.missing_key(document, REQUIRED)


def format_version_fault(document: Value) -> str | None:
    """checkpoint.format-version."""
    known = "format_version" not in members(document) or integer(members(document)["format_version"]) in (1, 2)
    return None if known else "/format_version"


def network_fault(document: Value) -> str | None:
    """checkpoint.network."""
    return "/network" if ("network" in members(document)) != (format_version(document) == 2) else None


def network_layers(document: Value) -> str | None:
    """network.layers."""
    if format_version(document) == 1:
        return None
    layers = members(members(document)["network"])["layers"]
    names = array(members(document)["layer_names"])
    few = isinstance(layers, list) and 1 <= len(layers) <= network.LAYERS
    return None if few and len(array(layers)) == len(names) else "/network/layers"


def network_member(document: Value) -> str | None:
    """network.member, in due order."""
    if format_version(document) == 1:
        return None
    for i, (path, layer) in enumerate(kinds.layers(members(document)["network"])):
        rank = 4 if kinds.kind(layer) == "conv2d" else None
        if "weights" in layer and not _is_member(layer["weights"], f"layer_{i}", rank):
            return f"/network{path}/weights"
        for b, (place, branch) in enumerate(kinds.branches(path, layer)):
            rank = 4 if kinds.kind(branch) == "conv2d" else 2
            if "weights" in branch and not _is_member(branch["weights"], f"layer_{i}_{b}", rank):
                return f"/network{place}/weights"
        if "bias" in layer and not _is_member(layer["bias"], f"bias_{i}", None):
            return f"/network{path}/bias"
    return None


def _is_member(value: Value, name: str, rank: int | None) -> bool:
    """Tell whether this is the object due: the name, and where a rank is due the shape."""
    if rank is None:
        return value == {"member": name}
    if not isinstance(value, dict) or set(value) != {"member", "shape"} or value["member"] != name:
        return False
    if not isinstance(value["shape"], list) or len(value["shape"]) != rank:
        return False
    least, most = (1, geometry.EXTENT) if rank == 4 else (0, LARGEST_INTEGER)
    return all(length is not None and least <= length <= most for length in map(integer, value["shape"]))


def network_chain(document: Value) -> str | None:
    """network.chain."""
    return _walk_fault("network.chain", document)


def network_elements(document: Value) -> str | None:
    """network.elements."""
    return _walk_fault("network.elements", document)


def _walk_fault(code: str, document: Value) -> str | None:
    """Return the path of the first fault in the walk of the shapes where it has this code."""
    if format_version(document) == 1:
        return None
    fields = members(document)
    sizes = [checkpoint.size(pair) for pair in array(fields["layer_sizes"])]

    def check_sizes(i: int, taken: list[Shape], given: Shape) -> None:
        if sizes[i] != (sum(map(math.prod, taken)), math.prod(given)):
            raise Rejected("network.chain", f"/layer_sizes/{i}")

    path = shapes.fault(code, fields["network"], _weights_shape(document), check_sizes)
    return path if path is None or path.startswith("/layer_sizes/") else f"/network{path}"


def layer_count(document: Value) -> str | None:
    """checkpoint.layer-count."""
    names = strings(members(document)["layer_names"])
    return None if integer(members(document)["n_layers"]) == len(names) else "/n_layers"


def parameter_count(document: Value) -> str | None:
    """checkpoint.parameter-count."""
    total = 0
    for due in members_due(document):
        total += math.prod(due.shape)
    return None if integer(members(document)["total_params"]) == total else "/total_params"


def digest_type(document: Value) -> str | None:
    """checkpoint.digest-type."""
    if "archive_digest" not in members(document):
        return None
    digest = members(document)["archive_digest"]
    return None if isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest) else "/archive_digest"


def _of_network(rule: Callable[[Value], str | None]) -> Callable[[Value], str | None]:
    """Return a rule of networks as one of sidecars."""

    def first_fault(document: Value) -> str | None:
        path = rule(members(document)["network"]) if format_version(document) == 2 else None
        return None if path is None else "/network" + path

    return first_fault


RULES: Rules[Value] = (
    ("checkpoint.object", checkpoint.root_object),
    ("checkpoint.unknown-key", unknown_key),
    ("checkpoint.missing-key", missing_key),
    ("checkpoint.format-version", format_version_fault),
    ("checkpoint.network", network_fault),
    ("checkpoint.names-type", checkpoint.names_type),
    ("checkpoint.names-unique", checkpoint.names_unique),
    ("checkpoint.sizes-count", checkpoint.sizes_count),
    ("checkpoint.sizes-type", checkpoint.sizes_type),
    ("checkpoint.types-type", checkpoint.types_type),
    ("checkpoint.types-count", checkpoint.types_count),
    ("checkpoint.frozen-type", checkpoint.frozen_type),
    ("checkpoint.frozen-unknown", checkpoint.frozen_unknown),
    ("checkpoint.metadata-type", checkpoint.metadata_type),
    ("network.object", _of_network(network.all_objects)),
    ("network.kind", _of_network(network.kind)),
    ("network.unknown-key", _of_network(network.unknown_key)),
    ("network.missing-key", _of_network(network.missing_key)),
    ("network.layers", network_layers),
    ("network.inputs", _of_network(network.inputs)),
    ("network.input-shape", _of_network(network.input_shape)),
    ("network.name", _of_network(network.layer_name)),
    ("network.from", _of_network(network.source)),
    ("network.geometry", _of_network(network.kernel_geometry)),
    ("network.member", network_member),
    ("network.weight-type", _of_network(network.identity_type)),
    ("network.weight-finite", _of_network(network.identity_finite)),
    ("network.chain", network_chain),
    ("network.elements", network_elements),
    ("network.output", _of_network(network.output)),
    ("network.neuron-model", _of_network(network.neuron_model)),
    ("network.threshold", _of_network(network.threshold)),
    ("network.reset", _of_network(network.reset)),
    ("network.decay", _of_network(network.decay)),
    ("network.initial-potential", _of_network(network.initial_potential)),
    ("network.readout", _of_network(network.readout)),
    ("checkpoint.layer-count", layer_count),
    ("checkpoint.parameter-count", parameter_count),
    ("checkpoint.digest-type", digest_type),
)
