"""`convert`: from a PyTorch model to a spiking network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from torch import fx, nn

from spikeparity.conversion.balancing import balance, check_readout, is_measured, percentile_scale
from spikeparity.conversion.calibration import activations, peeked, undisturbed
from spikeparity.conversion.converted import ConvertedSNN
from spikeparity.conversion.errors import ConversionError
from spikeparity.conversion.graph import read, trace
from spikeparity.conversion.layers import Layer, Neurons, Shape
from spikeparity.neurons import inputs
from spikeparity.neurons.network import READOUTS
from spikeparity.values import as_float, is_integer, is_number


def convert(
    model: nn.Module,
    calibration_data: Any = None,
    T: int = 16,
    percentile: float = 99.9,
    *,
    readout: str = "membrane",
    initial_potential: float = 0.0,
    input_shape: Sequence[int] | None = None,
) -> ConvertedSNN:
    """Convert a trained model of Linear, Conv2d and ReLU (or QCFS) layers to a network of integrate-and-fire neurons.

    ReLU layers are balanced (Diehl et al. 2015; Rueckauer et al. 2017): λ is the percentile of a layer's activations on
    the calibration data, weights become (W λ_before) / λ, biases b / λ, thresholds 1. QCFS layers (Bu et al. 2022) fire
    at their learned θ, start at θ/2, and the weights after them are multiplied by θ. Biases enter at every step.
    Batch norms are folded in, average pools stay, Dropout and Identity go away; where outputs are added (residual
    connections), neurons get the sum of the currents. The layers are those that `forward` calls, in its order
    (torch.fx). The model is left as it was, its modes and the random generators too, and shares no memory with the
    result.

    Args:
        model: takes one tensor of shape (samples, …), returns the outputs of its last layer.
        calibration_data: typical inputs: an array or tensor of shape (samples, …), or an iterable of such batches, or
            of tuples that begin with one, as data loaders give them. Without any all λ are 1.
        T: number of time steps of a run.
        percentile: above 0, at most 100.
        readout: `"membrane"`: the output is the last layer's potential after T steps, about T times the logits;
            `"spikes"`: it is spike counts, of neurons whose λ is the percentile of the positive logits.
        initial_potential: of ReLU layers, as a part of their threshold; 0.5 makes small T more accurate.
        input_shape: shape of one sample, such as (channels, height, width); by default that of the calibration data.
            What is not dense needs one of the two.

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
    given = shape_of(input_shape)
    with undisturbed(model):
        batches, found = (None, None) if calibration_data is None else peeked(calibration_data)
        graph = trace(model)
        layers = read(graph, given or found)
        check_readout(layers, readout)
        scales = measured(graph, layers, readout, batches, as_float(percentile))
    return ConvertedSNN.of(balance(layers, scales, given or found, readout, initial_potential), T)


def shape_of(shape: Any) -> Shape | None:
    """Return the shape of a sample, or raise ConversionError."""
    if shape is None:
        return None
    sizes = tuple(shape) if isinstance(shape, Iterable) else ()
    if not sizes or not all(is_integer(size) and size > 0 for size in sizes):
        raise ConversionError(f"input_shape: expected positive integers such as (1, 28, 28), got {shape!r}")
    return tuple(int(size) for size in sizes)


def measured(
    graph: fx.GraphModule, layers: Sequence[Layer], readout: str, batches: Any, percentile: float
) -> dict[Neurons, float]:
    """Return the scale λ of each layer that has one to be measured."""
    due = [layer for layer in layers if isinstance(layer, Neurons) and is_measured(layers, layer, readout)]
    if batches is None or not due:
        return {}
    found = activations(graph, {layer.value for layer in due}, batches)
    scales = {}
    for layer in due:
        values = found.pop(layer.value)
        if not np.isfinite(values).all():
            message = f"{layer.module!r}: its activations on the calibration data are not finite"
            raise ConversionError(message, layer.module)
        scales[layer] = percentile_scale(layer, values, percentile)
    return scales
