"""Sidecars: the rules of a checkpoint pair up to the archive (pairs.md, section 2), one function each."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from conformance.oracle import checkpoint, network
from conformance.oracle.values import Rules, Value, array, check, integer, members, pointer, strings

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
    due = []
    for i, pair in enumerate(array(members(document)["layer_sizes"])):
        inputs, outputs = checkpoint.size(pair)
        due.append(Member(f"layer_{i}", f"/weights/{i}", (outputs, inputs)))
        if format_version(document) == 2 and "bias" in _layers(document)[i]:
            due.append(Member(f"bias_{i}", f"/biases/{i}", (outputs,)))
    return due


def _layers(document: Value) -> list[dict[str, Value]]:
    """Return the layers of the stored network, none in format 1."""
    if format_version(document) == 1:
        return []
    return [members(layer) for layer in array(members(members(document)["network"])["layers"])]


def unknown_key(document: Value) -> str | None:
    """checkpoint.unknown-key."""
    for key in members(document):
        if key not in REQUIRED + OPTIONAL:
            return pointer(key)
    return None


def missing_key(document: Value) -> str | None:
    """checkpoint.missing-key."""
    for key in REQUIRED:
        if key not in members(document):
            return pointer(key)
    return None


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
    """network.member."""
    for i, layer in enumerate(_layers(document)):
        for key, name in (("weights", f"layer_{i}"), ("bias", f"bias_{i}")):
            if key in layer and layer[key] != {"member": name}:
                return f"/network/layers/{i}/{key}"
    return None


def network_chain(document: Value) -> str | None:
    """network.chain."""
    sizes = [checkpoint.size(pair) for pair in array(members(document)["layer_sizes"])]
    for i in range(1, len(_layers(document))):
        if sizes[i][0] != sizes[i - 1][1]:
            return f"/network/layers/{i}/weights"
    return None


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
    ("network.unknown-key", _of_network(network.unknown_key)),
    ("network.missing-key", _of_network(network.missing_key)),
    ("network.layers", network_layers),
    ("network.member", network_member),
    ("network.chain", network_chain),
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
