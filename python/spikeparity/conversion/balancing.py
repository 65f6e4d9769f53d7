"""Threshold balancing: from layers and the scales of their activations to a spiking network. Needs no PyTorch.

Diehl et al. 2015, "Fast-classifying, high-accuracy spiking deep networks through weight and threshold balancing";
Rueckauer et al. 2017, "Conversion of continuous-valued deep networks to efficient event-driven networks".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spikeparity.conversion.arithmetic import normalize_non_finite
from spikeparity.conversion.errors import ConversionError
from spikeparity.conversion.layers import (
    Convolution,
    Dense,
    Layer,
    Neurons,
    Pool,
    Qcfs,
    Relu,
    Shape,
    Skip,
    Source,
    Synapses,
    elements,
    origin,
)
from spikeparity.matrix import FloatArray
from spikeparity.neurons.kinds import INPUT
from spikeparity.neurons.network import Network

Scales = Mapping[Neurons, float]


def is_measured(layers: Sequence[Layer], layer: Layer, readout: str) -> bool:
    """Tell whether a layer's scale is a percentile of its values: not where it is learned, nor of a membrane."""
    is_membrane = readout == "membrane" and layer is layers[-1]
    return isinstance(layer, Neurons) and not is_membrane and not isinstance(layer.activation, Qcfs)


def percentile_scale(layer: Neurons, values: FloatArray, percentile: float) -> float:
    """Return the scale λ of a layer: the percentile of its values, linearly interpolated; 1 where that is 0.

    Args:
        layer: the layer; of one without activation, an output that spikes, only positive values count.
        values: the values of all neurons for all calibration samples, after the activation.
        percentile: within 0 … 100.

    """
    counted = values if isinstance(layer.activation, Relu) else values[values > 0.0]
    scale = float(np.percentile(counted, percentile)) if counted.size else 0.0
    return scale if scale > 0.0 else 1.0


def check_readout(layers: Sequence[Layer], readout: str) -> None:
    """Reject a last activation that a membrane readout would drop."""
    last = layers[-1]
    if readout == "membrane" and isinstance(last, Neurons) and last.activation is not None:
        message = (
            f"the model ends with the activation after {last.module!r}, which a membrane never applies: "
            "convert with readout='spikes', or leave the activation off"
        )
        raise ConversionError(message, last.module)


def balance(
    layers: Sequence[Layer], scales: Scales, input_shape: Shape | None, readout: str, initial_potential: float
) -> Network:
    """Return the spiking network of layers.

    Args:
        layers: the layers, each after its sources.
        scales: λ of layers, 1 where it is not given: where they have a QCFS activation, or are a membrane.
        input_shape: of a sample, where it is known.
        readout: `"membrane"` or `"spikes"`.
        initial_potential: of balanced layers that fire, as a part of their threshold.

    Raises:
        RejectedError: normalize.non-finite where a scale is too small; network.initial-potential; network.elements.

    """
    building = Building(scales, initial_potential)
    if any(takes_shaped_input(layer) for layer in layers):
        assert input_shape is not None
        building.input_shape = input_shape if len(input_shape) == 3 else (1, 1, elements(input_shape))
    for layer in layers:
        building.add(layer, layer is layers[-1] and readout == "membrane")
    return building.network(readout)


def takes_shaped_input(layer: Layer) -> bool:
    """Tell whether a layer takes the input otherwise than as one dimension: a dense one alone does not."""
    if isinstance(layer, Pool):
        return layer.source is None
    return any(part.source is None and not isinstance(part, Dense) for part in layer.branches)


class Building:
    """The layers of a network, as far as they have been added."""

    def __init__(self, scales: Scales, initial_potential: float) -> None:
        self.scales = scales
        self.initial_potential = initial_potential
        self.input_shape: Shape | None = None
        self.documents: list[dict[str, Any]] = []
        self.places: dict[tuple[Source, bool], int] = {}  # of what was added, and of what was flattened

    def add(self, layer: Layer, is_membrane: bool) -> None:
        """Add a layer, before it what flattens its sources."""
        if isinstance(layer, Pool):
            document = {"kind": "avgpool2d", "kernel": [*layer.kernel], "stride": [*layer.stride]}
            self.append({**document, **self.origin(layer.source, flat=False)}, layer)
            return
        neuron = self.neuron(layer, is_membrane)
        with np.errstate(over="ignore"):  # an overflow is a verdict
            bias = {} if layer.bias is None else {"bias": layer.bias / self.scales.get(layer, 1.0)}
        if len(layer.branches) == 1 and not isinstance(layer.branches[0], Skip):
            document = self.branch(layer.branches[0], layer, named=False)
        else:
            document = {"kind": "sum", "inputs": [self.branch(part, layer, named=True) for part in layer.branches]}
        self.append({**document, **bias, "neuron": neuron}, layer)

    def neuron(self, layer: Neurons, is_membrane: bool) -> dict[str, Any]:
        """Return the neurons of a layer: they fire at θ and start at θ/2 where they stand for a QCFS activation."""
        if isinstance(layer.activation, Qcfs):
            theta = layer.activation.theta
            return {"model": "if", "threshold": theta, "initial_potential": theta / 2.0}
        start = 0.0 if is_membrane else self.initial_potential
        return {"model": "if", "threshold": 1.0, "initial_potential": start}

    def branch(self, part: Synapses, layer: Neurons, *, named: bool) -> dict[str, Any]:
        """Return a branch, or a layer's synapses, with balanced weights."""
        flat = part.taken is None or len(part.taken) == 1
        place = self.origin(part.source, flat=flat, named=named)
        if isinstance(part, Skip):
            return {"kind": "identity", "weight": float(self.balanced(np.float64(1.0), part, layer)), **place}
        document = {"weights": self.balanced(part.weights, part, layer), **place}
        if isinstance(part, Convolution):
            window = {key: [*getattr(part, key)] for key in ("stride", "padding", "dilation")}
            document = {"kind": "conv2d", **document, **window, "groups": part.groups}
        return document

    def balanced(self, weights: Any, part: Synapses, layer: Neurons) -> Any:
        """Return (weights λ_source) / λ; a spike is 1 where the QCFS activation before emits θ."""
        before = origin(part.source)
        if before is not None and isinstance(before.activation, Qcfs):
            weights = weights * before.activation.theta
        scale = 1.0 if before is None else self.scales.get(before, 1.0)
        with np.errstate(over="ignore"):  # an overflow is a verdict
            return (weights * scale) / self.scales.get(layer, 1.0)

    def origin(self, source: Source, *, flat: bool, named: bool = False) -> dict[str, str]:
        """Return the member `from` where one is needed: where the source is not the layer before, or for a branch."""
        index = self.index(source, flat)
        if index is None:
            return {"from": INPUT} if named or self.documents else {}
        if index == len(self.documents) - 1 and not named:
            return {}
        document = self.documents[index]
        return {"from": document.setdefault("name", f"layer_{index}")}

    def index(self, source: Source, flat: bool) -> int | None:
        """Return the place of a source, which is flattened where that is wished and needed; None for the input."""
        shape = self.input_shape if source is None else source.shape
        index = None if source is None else self.places[source, False]
        if not flat or shape is None or len(shape) == 1:
            return index
        if (source, True) not in self.places:
            flatten = {"kind": "flatten", **self.origin(source, flat=False)}
            self.places[source, True] = len(self.documents)
            self.documents.append(flatten)
        return self.places[source, True]

    def append(self, document: dict[str, Any], layer: Layer) -> None:
        """Add the document of a layer."""
        self.places[layer, False] = len(self.documents)
        self.documents.append(document)

    def network(self, readout: str) -> Network:
        """Return the network."""
        normalize_non_finite([arrays(document) for document in self.documents])
        shape = {} if self.input_shape is None else {"input_shape": [*self.input_shape]}
        return Network.from_document({"layers": self.documents, "readout": readout, **shape})


def arrays(document: dict[str, Any]) -> dict[str, FloatArray]:
    """Return what was balanced in a layer, by its path."""
    found: dict[str, FloatArray] = {key: document[key] for key in ("weights", "bias") if key in document}
    for index, branch in enumerate(document.get("inputs", ())):
        key = "weights" if "weights" in branch else "weight"
        found[f"inputs/{index}/{key}"] = np.asarray(branch[key])
    return found
