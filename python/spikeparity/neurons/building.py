"""Layers made of the documents of a network that is sound by all rules, and layers rounded to a profile's format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from spikeparity import matrix
from spikeparity.matrix import FloatArray
from spikeparity.neurons.kinds import DENSE, SUM, Document, kind_of
from spikeparity.neurons.layers import (
    AnyLayer,
    AvgPool2d,
    Branch,
    Conv2d,
    Conv2dBranch,
    DenseBranch,
    Extent,
    Flatten,
    IdentityBranch,
    Layer,
    Neuron,
    Sum,
)
from spikeparity.neurons.shapes import Shape
from spikeparity.values import FloatType, as_float, rounded

RESET = "subtract"


def layer_of(part: Document, taken: Sequence[Shape | None], *, copy: bool) -> AnyLayer:
    """Return the layer of a document that takes inputs of these shapes; arrays are read-only, and copies if wished."""
    place: Any = {"name": _string(part, "name"), "source": _string(part, "from")}
    if kind_of(part) == "flatten":
        return Flatten(**place)
    if kind_of(part) == "avgpool2d":
        return AvgPool2d(_extent(part["kernel"]), _extent(part["stride"]) if "stride" in part else None, **place)
    bias = matrix.to_vector(part["bias"]) if "bias" in part else None
    if bias is not None:
        bias.flags.writeable = False
    spiking: Any = {"bias": bias, "neuron": neuron_of(part["neuron"])}
    if kind_of(part) == SUM:
        branches = zip(part["inputs"], taken, strict=True)
        return Sum(tuple(_branch(branch, shape, copy) for branch, shape in branches), **spiking, name=place["name"])
    weights = _weights(part, taken[0], copy)
    return (
        Layer(weights, **spiking, **place)
        if kind_of(part) == DENSE
        else Conv2d(weights, **spiking, **_window(part), **place)
    )


def _branch(part: Document, taken: Shape | None, copy: bool) -> Branch:
    source = str(part["from"])
    if kind_of(part) == "identity":
        return IdentityBranch(source, as_float(part["weight"]))
    weights = _weights(part, taken, copy)
    return DenseBranch(weights, source) if kind_of(part) == DENSE else Conv2dBranch(weights, source, **_window(part))


def neuron_of(part: Document) -> Neuron:
    """Return the neuron of a document."""
    return Neuron(
        model=str(part["model"]),
        threshold=as_float(part["threshold"]),
        reset=str(part.get("reset", RESET)),
        initial_potential=as_float(part.get("initial_potential", 0.0)),
        decay=as_float(part["decay"]) if "decay" in part else None,
    )


def rounded_layer(layer: AnyLayer, dtype: FloatType) -> AnyLayer:
    """Return a layer with all its values rounded once to a format."""
    if isinstance(layer, (AvgPool2d, Flatten)):
        return layer
    bias = None if layer.bias is None else matrix.rounded(layer.bias, dtype)
    neuron = _rounded_neuron(layer.neuron, dtype)
    if isinstance(layer, Sum):
        return replace(
            layer, inputs=tuple(_rounded_branch(part, dtype) for part in layer.inputs), bias=bias, neuron=neuron
        )
    weights: Any = matrix.rounded(layer.weights, dtype)
    return replace(layer, weights=weights, bias=bias, neuron=neuron)


def _rounded_branch(part: Branch, dtype: FloatType) -> Branch:
    if isinstance(part, IdentityBranch):
        return replace(part, weight=rounded(part.weight, dtype))
    weights: Any = matrix.rounded(part.weights, dtype)
    return replace(part, weights=weights)


def _rounded_neuron(neuron: Neuron, dtype: FloatType) -> Neuron:
    return replace(
        neuron,
        threshold=rounded(neuron.threshold, dtype),
        initial_potential=rounded(neuron.initial_potential, dtype),
        decay=None if neuron.decay is None else rounded(neuron.decay, dtype),
    )


def _weights(part: Document, taken: Shape | None, copy: bool) -> FloatArray:
    """Return the weights; the matrix `[]` gets the width of what it takes."""
    inputs = taken[0] if taken else None
    weights = (matrix.to_array if copy else matrix.as_array)(part["weights"], inputs)
    weights.flags.writeable = False
    return weights


def _window(part: Document) -> dict[str, Any]:
    return {
        "stride": _extent(part.get("stride", (1, 1))),
        "padding": _extent(part.get("padding", (0, 0))),
        "dilation": _extent(part.get("dilation", (1, 1))),
        "groups": int(part.get("groups", 1)),
    }


def _extent(pair: Any) -> Extent:
    return int(pair[0]), int(pair[1])


def _string(part: Document, key: str) -> str | None:
    return str(part[key]) if key in part else None
