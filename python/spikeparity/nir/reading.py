"""`from_nir`: from a graph of NIR to a network."""

from __future__ import annotations

import json
from typing import Any

import nir
import numpy as np

from spikeparity.neurons.layers import AnyLayer, AvgPool2d, Conv2d, Flatten, Layer, Neuron
from spikeparity.neurons.network import Network
from spikeparity.nir.errors import KEY, NIRError

SYNAPSES = (nir.Linear, nir.Affine, nir.Conv2d)
NEURONS = (nir.IF, nir.LIF, nir.I, nir.LI)


def from_nir(graph: Any, *, reset: str | None = None, initial_potential: float = 0.0) -> Network:
    """Return the network of a graph of NIR, whose nodes stand in a row.

    What `to_nir` has recorded in its metadata decides resets, initial potentials and decays. A graph of others does not
    say how a spike resets in steps of time; `reset` does then.

    Args:
        graph: Input, then Linear, Affine or Conv2d, each with an IF, LIF, I or LI behind it, AvgPool2d and Flatten,
            then Output.
        reset: `"subtract"` or `"zero"`, of a graph without our metadata.
        initial_potential: of all neurons of such a graph.

    Raises:
        NIRError: a node that is none of these, or where it cannot be; parameters that differ between the neurons of a
            node, a leak or a reset to another potential than 0, or a resistance that is not 1 (of LIF and LI: τ).
        RejectedError: a rule on networks.

    """
    text = (graph.metadata or {}).get(KEY)
    recorded = None if text is None else json.loads(text)
    if recorded is None and reset is None:
        raise NIRError("the graph does not say what a spike does to the potential in steps of time: say reset=…")
    names = chain(graph)
    layers: list[AnyLayer] = []
    readout, place = "spikes", 1
    while place < len(names) - 1:
        name = names[place]
        node = graph.nodes[name]
        if isinstance(node, SYNAPSES):
            behind = graph.nodes[names[place + 1]]
            if not isinstance(behind, NEURONS):
                raise NIRError(f"{name!r} has no IF, LIF, I or LI behind it, but a {type(behind).__name__}")
            if isinstance(behind, (nir.I, nir.LI)):
                if place + 2 != len(names) - 1:
                    raise NIRError(
                        f"{names[place + 1]!r} never fires and is not the last node: nothing follows a membrane"
                    )
                readout = "membrane"
            neuron = _neuron(names[place + 1], behind, recorded, reset, initial_potential)
            layers.append(_layer(name, node, neuron))
            place += 1
        elif isinstance(node, nir.AvgPool2d):
            if np.any(node.padding):
                raise NIRError(f"{name!r} has a padding, which average pools have not here")
            layers.append(AvgPool2d(_pair(node.kernel_size), _pair(node.stride)))
        elif isinstance(node, nir.Flatten):
            layers.append(Flatten())
        else:
            raise NIRError(f"{name!r} is a {type(node).__name__}, which cannot be carried over")
        place += 1
    shape = tuple(int(size) for size in next(iter(graph.nodes[names[0]].input_type.values())))
    return Network(layers, readout, shape if len(shape) == 3 else None)


def chain(graph: Any) -> list[str]:
    """Return the names of the nodes from the input to the output; raise NIRError where they do not stand in a row."""
    inputs = [name for name, node in graph.nodes.items() if isinstance(node, nir.Input)]
    if len(inputs) != 1:
        raise NIRError(f"expected one Input, got {len(inputs)}")
    names = inputs
    while not isinstance(graph.nodes[names[-1]], nir.Output):
        following = [target for source, target in graph.edges if source == names[-1]]
        if len(following) != 1 or following[0] in names:
            raise NIRError(f"{names[-1]!r} does not have one node behind it: only nodes in a row can be carried over")
        names.append(following[0])
    if len(names) != len(graph.nodes):
        raise NIRError(f"{sorted(set(graph.nodes) - set(names))} are not between the input and the output")
    return names


def _layer(name: str, node: Any, neuron: Neuron) -> Layer | Conv2d:
    weights = np.asarray(node.weight, dtype=np.float64)
    bias = np.asarray(node.bias, dtype=np.float64) if hasattr(node, "bias") else None
    if not isinstance(node, nir.Conv2d):
        return Layer(weights, bias, neuron)
    if isinstance(node.padding, str):
        raise NIRError(f"{name!r} says its padding by the word {node.padding!r}: write numbers")
    window: Any = {key: _pair(getattr(node, key)) for key in ("stride", "padding", "dilation")}
    return Conv2d(weights, bias if bias is not None and bias.any() else None, neuron, **window, groups=int(node.groups))


def _neuron(name: str, node: Any, recorded: Any, reset: str | None, initial_potential: float) -> Neuron:
    """Return what fires like a node: as it was recorded, or as NIR says, in Euler's steps of 1."""
    leaky = isinstance(node, (nir.LIF, nir.LI))
    resistance, tau = _value(name, node, "r"), _value(name, node, "tau") if leaky else 1.0
    if resistance != tau:
        raise NIRError(
            f"{name!r} has a resistance of {resistance}, expected {tau}: scale the weights before it instead"
        )
    for key in ("v_leak", "v_reset"):
        if hasattr(node, key) and _value(name, node, key) != 0.0:
            raise NIRError(f"{name!r} has {key} = {_value(name, node, key)}, expected 0")
    threshold = _value(name, node, "v_threshold") if hasattr(node, "v_threshold") else 1.0
    if recorded is not None:
        if name not in recorded["neurons"]:
            raise NIRError(
                f"{name!r} is not among what the metadata record: was the graph changed? remove them, say reset=…"
            )
        neuron = Neuron(**recorded["neurons"][name])
        if hasattr(node, "v_threshold") and neuron.threshold != threshold:
            raise NIRError(f"{name!r} has the threshold {threshold}, the metadata say {neuron.threshold}")
        return neuron
    decay = 1.0 - 1.0 / tau if leaky else None
    return Neuron("lif" if leaky else "if", threshold, str(reset), initial_potential, decay)


def _value(name: str, node: Any, key: str) -> float:
    """Return the one value that a parameter has for all neurons of a node."""
    values = np.unique(np.asarray(getattr(node, key), dtype=np.float64))
    if len(values) != 1:
        raise NIRError(
            f"{name!r} has {key} that differ between its neurons: only one value per node can be carried over"
        )
    return float(values[0])


def _pair(value: Any) -> tuple[int, int]:
    numbers = np.broadcast_to(np.asarray(value), (2,))
    return int(numbers[0]), int(numbers[1])
