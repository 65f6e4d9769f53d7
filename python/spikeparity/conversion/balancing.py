"""Threshold balancing: from layers and the scales of their activations to a spiking network. Needs no PyTorch.

Diehl et al. 2015, "Fast-classifying, high-accuracy spiking deep networks through weight and threshold balancing";
Rueckauer et al. 2017, "Conversion of continuous-valued deep networks to efficient event-driven networks".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spikeparity.conversion.arithmetic import normalize
from spikeparity.conversion.converted import ConvertedSNN
from spikeparity.conversion.errors import ConversionError
from spikeparity.conversion.layers import INPUT, Dense, Qcfs, Relu
from spikeparity.matrix import FloatArray


def is_measured(layers: Sequence[Dense], index: int, readout: str) -> bool:
    """Tell whether a layer's scale is a percentile of its values: not where it is learned, nor of a membrane."""
    is_membrane = readout == "membrane" and index == len(layers) - 1
    return not is_membrane and not isinstance(layers[index].activation, Qcfs)


def percentile_scale(layer: Dense, values: FloatArray, percentile: float) -> float:
    """Return the scale λ of a layer: the percentile of its values, linearly interpolated; 1 where that is 0.

    Args:
        layer: the layer; of one without activation, an output that spikes, only positive values count.
        values: the values of all neurons for all calibration samples, after the activation.
        percentile: within 0 … 100.

    """
    counted = values if isinstance(layer.activation, Relu) else values[values > 0.0]
    scale = float(np.percentile(counted, percentile)) if counted.size else 0.0
    return scale if scale > 0.0 else 1.0


def check_readout(layers: Sequence[Dense], readout: str) -> None:
    """Reject a last activation that a membrane readout would drop."""
    last = layers[-1]
    if readout == "membrane" and last.activation is not None:
        message = (
            f"the model ends with the activation after {last.module!r}, which a membrane never applies: "
            "convert with readout='spikes', or leave the activation off"
        )
        raise ConversionError(message, last.module)


def balance(
    layers: Sequence[Dense], scales: Sequence[float], T: int, readout: str, initial_potential: float
) -> ConvertedSNN:
    """Return the spiking network of a chain of layers.

    Args:
        layers: the layers, each with the one before as its source.
        scales: λ of each layer, 1 where the layer has a QCFS activation or is a membrane.
        T: number of time steps.
        readout: `"membrane"` or `"spikes"`.
        initial_potential: of balanced layers that fire, as a part of their threshold.

    """
    documents: list[dict[str, FloatArray]] = []
    for layer in layers:
        # A spike is 1 where the QCFS activation before emits θ.
        source = INPUT if layer.sources[0] == INPUT else layers[layer.sources[0]].activation
        weights = layer.weights * source.theta if isinstance(source, Qcfs) else layer.weights
        documents.append({"weights": weights} if layer.bias is None else {"weights": weights, "bias": layer.bias})
    scaled = normalize(documents, list(scales))
    thresholds = [layer.activation.theta if isinstance(layer.activation, Qcfs) else 1.0 for layer in layers]
    starts = [
        layer.activation.theta / 2.0 if isinstance(layer.activation, Qcfs) else initial_potential for layer in layers
    ]
    if readout == "membrane":
        starts[-1] = 0.0
    matrices = [parts["weights"] for parts in scaled]
    return ConvertedSNN(matrices, [parts.get("bias") for parts in scaled], thresholds, T, starts, readout)
