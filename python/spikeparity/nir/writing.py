"""`to_nir`: from a network to a graph of NIR."""

from __future__ import annotations

import itertools
import json
from typing import Any, Literal

import nir
import numpy as np

from spikeparity.conversion.converted import ConvertedSNN
from spikeparity.matrix import FloatArray
from spikeparity.neurons.layers import AvgPool2d, Conv2d, Flatten, Layer, Neuron
from spikeparity.neurons.network import Network
from spikeparity.neurons.shapes import Shape
from spikeparity.nir.errors import KEY, SEMANTICS, NIRError

# The time step in the units of NIR's time constants.
DT = 1.0


def to_nir(network: Network | ConvertedSNN, *, semantics: Literal["metadata"] | None = None) -> Any:
    """Return the graph of NIR of a network whose layers stand in a row; `nir.write` writes it to a file.

    An `if` neuron becomes an IF, a `lif` one an LIF with τ = 1 / (1 - decay) and R = τ, which is Euler's step of 1; the
    last layer under membrane readout becomes an I (or an LI).

    Args:
        network: of dense layers, convolutions, average pools and flattenings in a row.
        semantics: `"metadata"` records what NIR cannot carry as JSON in the graph's metadata, under `spikeparity`: that
            a potential equal to the threshold fires, the order of a step, and of each layer its reset, initial
            potential and decay. `from_nir` reads it; other programs do not, and may give other spikes.

    Raises:
        NIRError: `semantics` does not say what is to become of these; a layer that is none of the four or does not
            follow the one before; a decay of 1.
        ImportError: the package nir is not installed.

    """
    if isinstance(network, ConvertedSNN):
        network = network.to_network()
    if semantics != "metadata":
        raise NIRError(
            "NIR cannot carry the reset, the comparison (v >= threshold), the order of a step and initial potentials: "
            "say semantics='metadata' to record them in the graph's metadata, which other programs will not look at"
        )
    shape = network.given(-1)
    nodes: dict[str, Any] = {"input": nir.Input({"input": np.array(shape)})}
    recorded: dict[str, Any] = {}
    for index, (layer, given) in enumerate(zip(network.layers, network.shapes, strict=True)):
        name = f"layer_{index}"
        if network.sources[index] != (index - 1,):
            raise NIRError(
                f"layer {index} does not take the layer before it alone: only layers in a row can be carried"
            )
        if isinstance(layer, (Layer, Conv2d)):
            is_membrane = network.readout == "membrane" and layer is network.layers[-1]
            nodes[f"{name}_synapses"] = _synapses(layer, shape)
            nodes[name] = _neurons(index, layer.neuron, given, is_membrane)
            recorded[name] = layer.neuron.document()
        elif isinstance(layer, AvgPool2d):
            kernel = np.array(layer.kernel)
            nodes[name] = nir.AvgPool2d(
                kernel, kernel if layer.stride is None else np.array(layer.stride), np.zeros(2, int)
            )
        elif isinstance(layer, Flatten):
            nodes[name] = nir.Flatten({"input": np.array(shape)}, 0, -1)
        else:
            raise NIRError(f"layer {index} is a {layer.kind}: NIR has no order in which currents are added")
        shape = given
    nodes["output"] = nir.Output({"output": np.array(shape)})
    names = list(nodes)
    metadata = {KEY: json.dumps({**SEMANTICS, "readout": network.readout, "neurons": recorded})}
    return nir.NIRGraph(nodes, list(itertools.pairwise(names)), metadata=metadata, type_check=False)


def _synapses(layer: Layer | Conv2d, shape: Shape) -> Any:
    if isinstance(layer, Layer):
        return nir.Linear(layer.weights) if layer.bias is None else nir.Affine(layer.weights, layer.bias)
    bias = np.zeros(len(layer.weights)) if layer.bias is None else layer.bias  # +0.0 changes no bit of a sum
    size = (shape[1], shape[2])
    return nir.Conv2d(size, _ungrouped(layer), layer.stride, layer.padding, layer.dilation, 1, bias)


def _ungrouped(layer: Conv2d) -> FloatArray:
    """Return weights of one group, with +0.0 between groups: NIR's package takes all convolutions for such.

    Terms of +0.0 or -0.0 change no bit of a sum.
    """
    outputs, inputs, *kernel = layer.weights.shape
    whole = np.zeros((outputs, inputs * layer.groups, *kernel))
    for group in range(layer.groups):
        rows = slice(group * outputs // layer.groups, (group + 1) * outputs // layer.groups)
        whole[rows, group * inputs : (group + 1) * inputs] = layer.weights[rows]
    return whole


def _neurons(index: int, neuron: Neuron, shape: Shape, is_membrane: bool) -> Any:
    ones = np.ones(shape)
    if neuron.decay is None:
        return nir.I(ones) if is_membrane else nir.IF(ones, ones * neuron.threshold, ones * 0.0)
    if neuron.decay == 1.0:
        raise NIRError(f"layer {index} has a decay of 1, of which NIR's time constant is infinite: use the model 'if'")
    tau = ones * (DT / (1.0 - neuron.decay))
    return (
        nir.LI(tau, tau, ones * 0.0)
        if is_membrane
        else nir.LIF(tau, tau, ones * 0.0, ones * neuron.threshold, ones * 0.0)
    )
