"""Sidecars: the JSON document of a checkpoint pair, which says what its archive holds.

The functions named after a rule's code check that rule; `RULES` holds them in the order in which they are applied
(pairs.md, section 2). Those of inline checkpoints and of networks serve here as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from spikeparity import strict_json
from spikeparity.files import File
from spikeparity.neurons import network as networks
from spikeparity.neurons.layers import Layer
from spikeparity.rejection import RejectedError, below, member
from spikeparity.transfer import checkpoint as checkpoints
from spikeparity.values import describe, is_integer

BYTES = 1 << 24
REQUIRED = ("n_layers", "layer_names", "layer_sizes", "total_params")
OPTIONAL = ("neuron_types", "metadata", "frozen_layers", "format_version", "network", "archive_digest")
CHECKPOINT, NETWORK = 1, 2

_WRITER = json.JSONEncoder(allow_nan=False)
_DIGEST = re.compile(r"[0-9a-f]{64}")

Document = Mapping[str, Any]
Rule = Callable[[Any], None]


@dataclass(frozen=True)
class Member:
    """An array of the archive: its name without extension, its shape, and the path of its faults."""

    name: str
    shape: tuple[int, ...]
    path: str


def parse(file: File) -> Any:
    """Read and check a sidecar; raises RejectedError: checkpoint.sidecar-size … checkpoint.digest-type."""
    sidecar_size(file)
    document = strict_json.parse_quickly(file.read(0, file.size))
    check(document)
    return document


def sidecar_size(file: File) -> None:
    """checkpoint.sidecar-size: at most 16 MiB."""
    if file.size > BYTES:
        message = f"expected a sidecar of at most {BYTES} bytes, got {file.size}"
        raise RejectedError("checkpoint.sidecar-size", "", message)


def check(document: Any) -> None:
    """Apply every rule on sidecars in turn; raise RejectedError for the first one broken."""
    for rule in RULES:
        rule(document)


def members(document: Document) -> list[Member]:
    """Return the members due, in due order."""
    due = []
    biased = [("bias" in layer) for _, layer in _stored_layers(document)]
    for index, (inputs, outputs) in enumerate(document["layer_sizes"]):
        due.append(Member(f"layer_{index}", (outputs, inputs), f"/weights/{index}"))
        if biased and biased[index]:
            due.append(Member(f"bias_{index}", (outputs,), f"/biases/{index}"))
    return due


def version(document: Document) -> int:
    """Return the format: 1, a checkpoint, or 2, a network."""
    return int(document.get("format_version", CHECKPOINT))


def text(document: Document) -> bytes:
    """Return a sidecar as it is written: ASCII, one line, the members in their order."""
    return _WRITER.encode(document).encode("ascii") + b"\n"


def of_checkpoint(checkpoint: checkpoints.SNNCheckpoint) -> dict[str, Any]:
    """Return the sidecar of a checkpoint, without the digest of its archive."""
    sizes = [[int(inputs), int(outputs)] for inputs, outputs in checkpoint.layer_sizes]
    return {
        "format_version": CHECKPOINT,
        "n_layers": len(sizes),
        "total_params": sum(inputs * outputs for inputs, outputs in sizes),
        "layer_names": [str(name) for name in checkpoint.layer_names],
        "layer_sizes": sizes,
        "neuron_types": [str(name) for name in checkpoint.neuron_types],
        "frozen_layers": sorted({str(name) for name in checkpoint.frozen_layers}),
        "metadata": checkpoint.metadata,
    }


def of_network(network: networks.Network) -> dict[str, Any]:
    """Return the sidecar of a network, without the digest of its archive."""
    parts = list(enumerate(network.layers))
    biases = sum(len(layer.bias) for _, layer in parts if layer.bias is not None)
    return {
        "format_version": NETWORK,
        "n_layers": len(parts),
        "total_params": sum(layer.weights.size for _, layer in parts) + biases,
        "layer_names": [f"layer_{index}" for index, _ in parts],
        "layer_sizes": [[layer.weights.shape[1], layer.weights.shape[0]] for _, layer in parts],
        "neuron_types": [layer.neuron.model for _, layer in parts],
        "frozen_layers": [],
        "metadata": {},
        "network": {"layers": [_reference(index, layer) for index, layer in parts], "readout": network.readout},
    }


def _reference(index: int, layer: Layer) -> dict[str, Any]:
    """Return a layer with its members in place of its arrays."""
    arrays = {"weights": {"member": f"layer_{index}"}}
    if layer.bias is not None:
        arrays["bias"] = {"member": f"bias_{index}"}
    return {**arrays, "neuron": layer.neuron.document()}


def unknown_key(document: Document) -> None:
    """checkpoint.unknown-key: no other keys than those of a sidecar."""
    for key in document:
        if key not in REQUIRED + OPTIONAL:
            expected = ", ".join(REQUIRED + OPTIONAL)
            raise RejectedError("checkpoint.unknown-key", member("", key), f"expected one of {expected}, got {key!r}")


def missing_key(document: Document) -> None:
    """checkpoint.missing-key: the required keys must be there."""
    for key in REQUIRED:
        if key not in document:
            raise RejectedError("checkpoint.missing-key", member("", key), f"expected {key}, which is absent")


def format_version(document: Document) -> None:
    """checkpoint.format-version: 1 or 2."""
    value = document.get("format_version", CHECKPOINT)
    if not is_integer(value) or value not in (CHECKPOINT, NETWORK):
        message = f"format_version: expected the integer 1 or 2, got {describe(value)}"
        raise RejectedError("checkpoint.format-version", "/format_version", message)


def network(document: Document) -> None:
    """checkpoint.network: there in format 2 and in no other."""
    if ("network" in document) != (version(document) == NETWORK):
        got = "one in format 1" if "network" in document else "none in format 2"
        raise RejectedError("checkpoint.network", "/network", f"expected a network in format 2 only, got {got}")


def layers(document: Document) -> None:
    """network.layers: `layers` is an array of 1 to 1,024 layers, one per layer name."""
    networks.layers(document["network"])
    value, names = document["network"]["layers"], len(document["layer_names"])
    if len(value) != names:
        message = f"layers: expected {names}, one per layer name, got {describe(value)}"
        raise RejectedError("network.layers", "/layers", message)


def member_(document: Document) -> None:
    """network.member: each array is exactly a reference to the member due there."""
    for index, layer in _stored_layers(document):
        for key, name in (("weights", f"layer_{index}"), ("bias", f"bias_{index}")):
            due = {"member": name}
            if key in layer and not (isinstance(layer[key], Mapping) and layer[key] == due):
                message = f"{key}: expected exactly {json.dumps(due)}, got {describe(layer[key])}"
                raise RejectedError("network.member", f"/layers/{index}/{key}", message)


def chain(document: Document) -> None:
    """network.chain: a layer has as many inputs as the one before it has outputs."""
    sizes = document["layer_sizes"]
    for index in range(1, len(sizes)):
        due, got = sizes[index - 1][1], sizes[index][0]
        if due != got:
            message = f"layer_sizes: expected {due} inputs, the outputs of the layer before, got {got}"
            raise RejectedError("network.chain", f"/layers/{index}/weights", message)


def layer_count(document: Document) -> None:
    """checkpoint.layer-count: n_layers is the number of layer names."""
    _count("checkpoint.layer-count", "n_layers", document, len(document["layer_names"]), "layer names")


def parameter_count(document: Document) -> None:
    """checkpoint.parameter-count: total_params is the number of elements of all members due."""
    due = 0
    for part in members(document):
        elements = 1
        for size in part.shape:
            elements *= size
        due += elements
    _count("checkpoint.parameter-count", "total_params", document, due, "elements of all members")


def digest_type(document: Document) -> None:
    """checkpoint.digest-type: a SHA-256 as 64 lower-case hexadecimal digits."""
    value = document.get("archive_digest", "0" * 64)
    if not (isinstance(value, str) and _DIGEST.fullmatch(value)):
        message = f"archive_digest: expected 64 digits 0-9a-f, got {describe(value)}"
        raise RejectedError("checkpoint.digest-type", "/archive_digest", message)


def _count(code: str, key: str, document: Document, due: int, noun: str) -> None:
    value = document[key]
    if not is_integer(value) or value != due:
        raise RejectedError(code, f"/{key}", f"{key}: expected {due}, the number of {noun}, got {describe(value)}")


def _stored_layers(document: Document) -> Iterator[tuple[int, Any]]:
    """Give the layers of the network, none in format 1."""
    if version(document) == NETWORK:
        yield from enumerate(document["network"]["layers"])


def _of_network(rule: Rule) -> Rule:
    """Apply a rule on networks to the network of a sidecar, if it has one."""

    def applied(document: Document) -> None:
        if version(document) == NETWORK:
            with below("/network"):
                rule(document["network"])

    applied.__name__, applied.__doc__ = rule.__name__, rule.__doc__
    return applied


def _with_network(rule: Rule) -> Rule:
    """Apply a rule on the network of a sidecar and the rest of it, if it has one."""

    def applied(document: Document) -> None:
        if version(document) == NETWORK:
            with below("/network"):
                rule(document)

    applied.__name__, applied.__doc__ = rule.__name__, rule.__doc__
    return applied


RULES: tuple[Rule, ...] = (
    checkpoints.object_,
    unknown_key,
    missing_key,
    format_version,
    network,
    checkpoints.names_type,
    checkpoints.names_unique,
    checkpoints.sizes_count,
    checkpoints.sizes_type,
    checkpoints.types_type,
    checkpoints.types_count,
    checkpoints.frozen_type,
    checkpoints.frozen_unknown,
    checkpoints.metadata_type,
    _of_network(networks.object_),
    _of_network(networks.unknown_key),
    _of_network(networks.missing_key),
    _with_network(layers),
    _with_network(member_),
    _with_network(chain),
    _of_network(networks.neuron_model),
    _of_network(networks.threshold),
    _of_network(networks.reset),
    _of_network(networks.decay),
    _of_network(networks.initial_potential),
    _of_network(networks.readout),
    layer_count,
    parameter_count,
    digest_type,
)
