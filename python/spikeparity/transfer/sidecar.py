"""Sidecars: the JSON document of a checkpoint pair, which says what its archive holds.

The functions named after a rule's code check that rule; `RULES` holds them in the order in which they are applied
(pairs.md, section 2). Those of inline checkpoints and of networks serve here as they are.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from spikeparity import strict_json
from spikeparity.files import File
from spikeparity.matrix import FloatArray
from spikeparity.neurons import network as networks
from spikeparity.neurons import shapes
from spikeparity.neurons.kinds import DENSE, branches, kind_of, parts
from spikeparity.neurons.kinds import layers as layers_of
from spikeparity.neurons.shapes import Flow
from spikeparity.rejection import RejectedError, below
from spikeparity.strict_json import LARGEST_INTEGER
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


class Member(NamedTuple):
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
    sizes = document["layer_sizes"]
    if version(document) != NETWORK:
        return [Member(f"layer_{n}", (rows, columns), f"/weights/{n}") for n, (columns, rows) in enumerate(sizes)]
    due = []
    flows, layers = list(_flows(document)), document["network"]["layers"]
    for index, (inputs, outputs) in enumerate(sizes):
        layer = layers[index]
        for name, part in weighted(index, layer):
            shape = tuple(part["weights"].get("shape", (outputs, inputs)))
            due.append(Member(f"layer_{name}", shape, f"/weights/{name.replace('_', '/')}"))
        if "bias" in layer:
            due.append(Member(f"bias_{index}", (flows[index].shape[0],), f"/biases/{index}"))
    return due


def weighted(index: int, layer: Document) -> Iterator[tuple[str, Any]]:
    """Give what has weights in a layer, in due order, and by what its member is called: `3`, of branch 1 `3_1`."""
    if "weights" in layer:
        yield str(index), layer
    for number, (_, branch) in enumerate(branches("", layer)):
        if "weights" in branch:
            yield f"{index}_{number}", branch


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


def of_network(network: networks.Network) -> tuple[dict[str, Any], list[FloatArray]]:
    """Return the sidecar of a network, without the digest of its archive, and the arrays of its members."""
    document, arrays = network.document(), []
    for index, layer in enumerate(document["layers"]):
        for name, part in weighted(index, layer):
            arrays.append(part["weights"])
            part["weights"] = _reference(name, layer is part and kind_of(part) == DENSE, part["weights"].shape)
        if "bias" in layer:
            arrays.append(layer["bias"])
            layer["bias"] = {"member": f"bias_{index}"}
    layers = list(enumerate(document["layers"]))
    given = zip(network.sources, network.shapes, strict=True)
    sidecar = {
        "format_version": NETWORK,
        "n_layers": len(layers),
        "total_params": sum(array.size for array in arrays),
        "layer_names": [f"layer_{index}" for index, _ in layers],
        "layer_sizes": [_sizes([network.given(source) for source in sources], shape) for sources, shape in given],
        "neuron_types": [layer["neuron"]["model"] if "neuron" in layer else kind_of(layer) for _, layer in layers],
        "frozen_layers": [],
        "metadata": {},
        "network": document,
    }
    return sidecar, arrays


def _reference(name: str, dense: bool, shape: tuple[int, ...]) -> dict[str, Any]:
    """Return what stands in place of weights; those of a dense layer have their shape in `layer_sizes`."""
    return {"member": f"layer_{name}"} if dense else {"member": f"layer_{name}", "shape": list(shape)}


def _sizes(taken: Iterable[shapes.Shape], given: shapes.Shape) -> list[int]:
    """Return the size of a layer: the elements of its inputs together, and those of its output."""
    return [sum(map(math.prod, taken)), math.prod(given)]


def with_arrays(document: Document, arrays: Mapping[str, FloatArray]) -> dict[str, Any]:
    """Return the network of a sidecar with the arrays, by the names of their members, in place of the references."""
    stored = document["network"]
    return {**stored, "layers": [_with_arrays(layer, arrays) for layer in stored["layers"]]}


def _with_arrays(part: Document, arrays: Mapping[str, FloatArray]) -> dict[str, Any]:
    found = dict(part)
    for key in ("weights", "bias"):
        if key in part:
            found[key] = arrays[part[key]["member"]]
    if "inputs" in part:
        found["inputs"] = [_with_arrays(branch, arrays) for branch in part["inputs"]]
    return found


def unknown_key(document: Document) -> None:
    """checkpoint.unknown-key: no other keys than those of a sidecar."""
    checkpoints.unknown_key(document, REQUIRED + OPTIONAL)


def missing_key(document: Document) -> None:
    """checkpoint.missing-key: the required keys must be there."""
    checkpoints.missing_key(document, REQUIRED)


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
    """network.member: each array is exactly a reference to the member due there, with its shape where that is due."""
    for index, (path, layer) in enumerate(layers_of(document["network"])):
        for name, part in weighted(index, layer):
            where = path if part is layer else f"{path}/inputs/{name.split('_')[1]}"
            rank = 4 if kind_of(part) == "conv2d" else 0 if part is layer else 2
            _reference_due(f"{where}/weights", part["weights"], f"layer_{name}", rank)
        if "bias" in layer:
            _reference_due(f"{path}/bias", layer["bias"], f"bias_{index}", 0)


def _reference_due(path: str, value: Any, name: str, rank: int) -> None:
    """Reject (network.member) what is not a reference to a member, with a shape of so many dimensions, if any."""
    due: dict[str, Any] = {"member": name}
    if rank:
        shape = value.get("shape") if isinstance(value, Mapping) else None
        due["shape"] = shape if _is_shape(shape, rank) else ["…"] * rank
    if not (isinstance(value, Mapping) and value == due):
        message = f"expected exactly {json.dumps(due, ensure_ascii=False)}, got {describe(value)}"
        raise RejectedError("network.member", path, message)


def _is_shape(shape: Any, rank: int) -> bool:
    """Tell whether a value is the shape of weights: of a convolution (rank 4), or of a dense branch (rank 2)."""
    lowest, highest = (1, networks.EXTENT) if rank == 4 else (0, LARGEST_INTEGER)
    return networks.integers(shape, rank, lowest, highest)


def weight_type(document: Document) -> None:
    """network.weight-type: the weight of an identity is a Number; all other weights are in the archive."""
    for path, part in parts(document):
        networks.identity_type(path, part)


def weight_finite(document: Document) -> None:
    """network.weight-finite: the weight of an identity is not NaN nor an infinity."""
    for path, part in parts(document):
        networks.identity_finite(path, part)


def chain(document: Document) -> None:
    """network.chain: each layer and branch fits what it takes its input from, and `layer_sizes` says so."""
    _first_in_walk("network.chain", document)


def elements(document: Document) -> None:
    """network.elements: no layer or branch gives more than 2^24 elements."""
    _first_in_walk("network.elements", document)


def _first_in_walk(code: str, document: Document) -> None:
    """Walk through the shapes, and reject the first fault on the way where it breaks this rule."""
    try:
        for _ in _flows(document):
            pass
    except RejectedError as error:
        if error.code == code:
            raise


def _flows(document: Document) -> Iterator[Flow]:
    """Give the flow of each layer of the network, if there is one; raise RejectedError where something does not fit."""
    if version(document) != NETWORK:
        return
    sizes = document["layer_sizes"]

    def weights_shape(path: str, part: Document) -> tuple[Any, ...]:
        """Return what the reference says, or for a dense layer `layer_sizes`."""
        inputs, outputs = sizes[int(path.split("/")[2])]
        return tuple(part["weights"].get("shape", (outputs, inputs)))

    flows = shapes.walk(document["network"], weights_shape)
    for index, layer in enumerate(document["network"]["layers"]):
        with below("/network"):
            flow = next(flows)
        due = _sizes([shape or (0,) for shape in flow.taken], flow.shape)
        if kind_of(layer) != DENSE and list(sizes[index]) != due:
            message = f"layer_sizes: expected {due}, the elements of input and output, got {list(sizes[index])}"
            raise RejectedError("network.chain", f"/layer_sizes/{index}", message)
        yield flow


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


def _of_network(rule: Rule) -> Rule:
    """Apply a rule on networks to the network of a sidecar, if it has one."""

    def applied(document: Document) -> None:
        if "network" in document:
            with below("/network"):
                rule(document["network"])

    applied.__name__, applied.__doc__ = rule.__name__, rule.__doc__
    return applied


def _with_network(rule: Rule) -> Rule:
    """Apply a rule on the network of a sidecar and the rest of it, if it has one."""

    def applied(document: Document) -> None:
        if "network" in document:
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
    _of_network(networks.kind),
    _of_network(networks.unknown_key),
    _of_network(networks.missing_key),
    _with_network(layers),
    _of_network(networks.inputs),
    _of_network(networks.input_shape),
    _of_network(networks.name),
    _of_network(networks.from_),
    _of_network(networks.geometry),
    _with_network(member_),
    _of_network(weight_type),
    _of_network(weight_finite),
    chain,
    elements,
    _of_network(networks.output),
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
