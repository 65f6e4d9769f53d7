"""`convert`: from a PyTorch model to a spiking network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import fx, nn

from spikeparity.conversion.balancing import balance, check_readout, is_measured, percentile_scale
from spikeparity.conversion.calibration import activations, undisturbed
from spikeparity.conversion.converted import ConvertedSNN
from spikeparity.conversion.errors import ConversionError
from spikeparity.conversion.graph import read, trace
from spikeparity.conversion.layers import Dense
from spikeparity.neurons import inputs
from spikeparity.neurons.network import READOUTS
from spikeparity.values import as_float, is_number


def convert(
    model: nn.Module,
    calibration_data: Any = None,
    T: int = 16,
    percentile: float = 99.9,
    *,
    readout: str = "membrane",
    initial_potential: float = 0.0,
) -> ConvertedSNN:
    """Convert a trained model of Linear and ReLU (or QCFS) layers to a network of integrate-and-fire neurons.

    ReLU layers are balanced (Diehl et al. 2015; Rueckauer et al. 2017): λ is the percentile of a layer's activations on
    the calibration data, weights become (W λ_before) / λ, biases b / λ, thresholds 1. QCFS layers (Bu et al. 2022) fire
    at their learned θ, start at θ/2, and the weights after them are multiplied by θ. Biases enter at every step.
    BatchNorm1d is folded in, Flatten, Dropout and Identity go away. The layers are those that `forward` calls, in its
    order (torch.fx). The model is left as it was, its modes and the random generators too, and shares no memory with
    the result.

    Args:
        model: takes one tensor of shape (samples, …), returns the outputs of its last layer.
        calibration_data: typical inputs: an array or tensor of shape (samples, …), or an iterable of such batches, or
            of tuples that begin with one, as data loaders give them. Without any all λ are 1.
        T: number of time steps of a run.
        percentile: above 0, at most 100.
        readout: `"membrane"`: the output is the last layer's potential after T steps, about T times the logits;
            `"spikes"`: it is spike counts, of neurons whose λ is the percentile of the positive logits.
        initial_potential: of ReLU layers, as a part of their threshold; 0.5 makes small T more accurate.

    Returns:
        The spiking network.

    Raises:
        ConversionError: something in the model cannot be converted; names the module and says what to do. Calibration
            data, a percentile or a readout that cannot be used.
        RejectedError: simulate.steps; network.initial-potential; normalize.non-finite where a scale is too small.

    """
    if not isinstance(model, nn.Module):
        raise ConversionError(f"model: expected a torch.nn.Module, got {type(model).__name__}")
    inputs.steps_(T)
    if not (is_number(percentile) and 0.0 < as_float(percentile) <= 100.0):
        raise ConversionError(f"percentile: expected a number above 0 and at most 100, got {percentile!r}")
    if readout not in READOUTS:
        raise ConversionError(f"readout: expected 'membrane' or 'spikes', got {readout!r}")
    with undisturbed(model):
        graph = trace(model)
        layers = read(graph)
        check_readout(layers, readout)
        scales = measured(graph, layers, readout, calibration_data, as_float(percentile))
    return balance(layers, scales, T, readout, initial_potential)


def measured(graph: fx.GraphModule, layers: Sequence[Dense], readout: str, data: Any, percentile: float) -> list[float]:
    """Return the scale λ of each layer."""
    scales = [1.0] * len(layers)
    due = [index for index in range(len(layers)) if is_measured(layers, index, readout)]
    if data is None or not due:
        return scales
    found = activations(graph, {layers[index].value for index in due}, data)
    for index in due:
        layer, values = layers[index], found.pop(layers[index].value)
        if not np.isfinite(values).all():
            message = f"{layer.module!r}: its activations on the calibration data are not finite"
            raise ConversionError(message, layer.module)
        scales[index] = percentile_scale(layer, values, percentile)
    return scales
