"""The kinds of layers and branches in a network's document: their members, and the order in which rules look at them.

They are those of networks.md, section 1. The functions take documents as far as the rules before have checked them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from spikeparity.values import is_array

DENSE = "dense"
SUM = "sum"
SPIKING = (DENSE, "conv2d", SUM)
INPUT = "input"

GEOMETRY = ("stride", "padding", "dilation", "groups")

# By the noun that a message has for a datum: a layer of a kind, a branch of a kind, …
KEYS: dict[str, tuple[str, ...]] = {
    "network": ("layers", "readout", "input_shape"),
    "neuron": ("model", "threshold", "reset", "initial_potential"),
    "dense layer": ("kind", "name", "from", "weights", "bias", "neuron"),
    "conv2d layer": ("kind", "name", "from", "weights", "bias", *GEOMETRY, "neuron"),
    "sum layer": ("kind", "name", "inputs", "bias", "neuron"),
    "avgpool2d layer": ("kind", "name", "from", "kernel", "stride"),
    "flatten layer": ("kind", "name", "from"),
    "dense branch": ("kind", "from", "weights"),
    "conv2d branch": ("kind", "from", "weights", *GEOMETRY),
    "identity branch": ("kind", "from", "weight"),
}
REQUIRED: dict[str, tuple[str, ...]] = {
    "network": ("layers",),
    "neuron": ("model", "threshold"),
    "dense layer": ("weights", "neuron"),
    "conv2d layer": ("weights", "neuron"),
    "sum layer": ("inputs", "neuron"),
    "avgpool2d layer": ("kernel",),
    "flatten layer": (),
    "dense branch": ("from", "weights"),
    "conv2d branch": ("from", "weights"),
    "identity branch": ("from", "weight"),
}

Document = Mapping[str, Any]
Place = tuple[str, Any]


def kind_of(part: Document) -> Any:
    """Return the kind of a layer or a branch."""
    return part.get("kind", DENSE)


def kinds(role: str) -> list[str]:
    """Return the kinds that there are of a role, `"layer"` or `"branch"`."""
    return [noun.split()[0] for noun in KEYS if noun.endswith(f" {role}")]


def walk(network: Any) -> Iterator[tuple[str, str, Any]]:
    """Give the network, layer 0, its branches, its neuron, layer 1, … as far as they are there, each with its noun.

    The noun of what has an unknown kind, or is no object, is its role alone.
    """
    yield "network", "", network
    parts = network.get("layers")
    for index, layer in enumerate(parts if is_array(parts) else ()):
        path = f"/layers/{index}"
        yield _noun(layer, "layer"), path, layer
        for where, branch in branches(path, layer):
            yield _noun(branch, "branch"), where, branch
        if "neuron" in layer:
            yield "neuron", f"{path}/neuron", layer["neuron"]


def _noun(part: Any, role: str) -> str:
    noun = f"{kind_of(part)} {role}" if isinstance(part, Mapping) and isinstance(kind_of(part), str) else role
    return noun if noun in KEYS else role


def layers(network: Document) -> Iterator[Place]:
    """Give the path and the document of each layer."""
    for index, layer in enumerate(network["layers"]):
        yield f"/layers/{index}", layer


def branches(path: str, layer: Document) -> Iterator[Place]:
    """Give the path and the document of each branch of a layer at a path; none but a sum has any."""
    inputs = layer.get("inputs") if kind_of(layer) == SUM else ()
    for index, branch in enumerate(inputs if is_array(inputs) else ()):
        yield f"{path}/inputs/{index}", branch


def parts(network: Document) -> Iterator[Place]:
    """Give layer 0, its branches, layer 1, …: all that may have weights."""
    for path, layer in layers(network):
        yield path, layer
        yield from branches(path, layer)


def takers(path: str, layer: Document) -> list[Place]:
    """Return what takes an input in a layer: its branches where it is a sum, else the layer itself."""
    return list(branches(path, layer)) if kind_of(layer) == SUM else [(path, layer)]
