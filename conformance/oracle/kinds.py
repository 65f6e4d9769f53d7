"""Kinds of layers and branches: the members that each has, and the order in which rules look at a network."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.oracle.values import Value, array, members

INPUT = -1
"""The number of the input among the sources; that of a layer is its index."""

GEOMETRY = ("stride", "padding", "dilation", "groups")
LAYERS: dict[str, tuple[str, ...]] = {
    "dense": ("kind", "name", "from", "weights", "bias", "neuron"),
    "conv2d": ("kind", "name", "from", "weights", "bias", "neuron", *GEOMETRY),
    "sum": ("kind", "name", "inputs", "bias", "neuron"),
    "avgpool2d": ("kind", "name", "from", "kernel", "stride"),
    "flatten": ("kind", "name", "from"),
}
BRANCHES: dict[str, tuple[str, ...]] = {
    "dense": ("kind", "from", "weights"),
    "conv2d": ("kind", "from", "weights", *GEOMETRY),
    "identity": ("kind", "from", "weight"),
}
REQUIRED: dict[str, tuple[str, ...]] = {
    "dense": ("weights", "neuron"),
    "conv2d": ("weights", "neuron"),
    "sum": ("inputs", "neuron"),
    "avgpool2d": ("kernel",),
    "flatten": (),
}
REQUIRED_OF_BRANCH: dict[str, tuple[str, ...]] = {
    "dense": ("from", "weights"),
    "conv2d": ("from", "weights"),
    "identity": ("from", "weight"),
}
SPIKING = ("dense", "conv2d", "sum")

Fields = dict[str, Value]


def kind(fields: Fields) -> Value:
    """Return the kind of a layer or a branch, as it is written."""
    return fields.get("kind", "dense")


def known(fields: Fields) -> str:
    """Return the kind of a layer or a branch that is known to be one."""
    name = kind(fields)
    assert isinstance(name, str)
    return name


def objects(document: Value) -> Iterator[tuple[str, str, Value]]:
    """Yield (sort, path, value) of the network, layer 0, its branches, its neuron, layer 1, …, as far as they exist."""
    yield "network", "", document
    layers = document.get("layers") if isinstance(document, dict) else None
    for i, layer in enumerate(layers if isinstance(layers, list) else []):
        yield "layer", f"/layers/{i}", layer
        if not isinstance(layer, dict):
            continue
        inputs = layer.get("inputs") if kind(layer) == "sum" else None
        for b, branch in enumerate(inputs if isinstance(inputs, list) else []):
            yield "branch", f"/layers/{i}/inputs/{b}", branch
        if "neuron" in layer:
            yield "neuron", f"/layers/{i}/neuron", layer["neuron"]


def layers(document: Value) -> Iterator[tuple[str, Fields]]:
    """Yield the path and the members of each layer."""
    for i, layer in enumerate(array(members(document)["layers"])):
        yield f"/layers/{i}", members(layer)


def branches(path: str, layer: Fields) -> Iterator[tuple[str, Fields]]:
    """Yield the path and the members of each branch of a layer at `path`; only a sum has some."""
    for b, branch in enumerate(array(layer["inputs"]) if kind(layer) == "sum" else []):
        yield f"{path}/inputs/{b}", members(branch)


def parts(document: Value) -> Iterator[tuple[str, Fields]]:
    """Yield the path and the members of layer 0, of its branches, of layer 1, …: all that may have weights."""
    for path, layer in layers(document):
        yield path, layer
        yield from branches(path, layer)


def sources(document: Value) -> Iterator[tuple[str, Fields, int]]:
    """Yield the path and the members of each layer but sums, and of each branch, with the number of its source."""
    named: dict[Value, int] = {"input": INPUT}
    for i, (path, layer) in enumerate(layers(document)):
        takers = list(branches(path, layer)) if kind(layer) == "sum" else [(path, layer)]
        for place, fields in takers:
            yield place, fields, named[_string(fields["from"])] if "from" in fields else i - 1
        if "name" in layer:
            named[_string(layer["name"])] = i


def _string(value: Value) -> str:
    assert isinstance(value, str)
    return value
