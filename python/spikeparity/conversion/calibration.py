"""Calibration: a model's activations on a few samples, measured without leaving a trace in the model."""

from __future__ import annotations

import itertools
import random
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import fx, nn

from spikeparity.conversion.errors import ConversionError
from spikeparity.matrix import FloatArray

# Samples that go through the model together: what bounds the memory of a forward pass.
ROWS = 256


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Put a model into eval mode for a while; afterwards its modules' modes and the random generators are as before."""
    modes = [(module, module.training) for module in model.modules()]
    python, numpy = random.getstate(), np.random.get_state()
    devices = sorted({tensor.device.index for tensor in model.parameters() if tensor.device.type == "cuda"})
    try:
        with torch.random.fork_rng(devices=devices), torch.no_grad():
            for module, _ in modes:
                module.training = False
            yield
    finally:
        for module, training in modes:
            module.training = training
        random.setstate(python)
        np.random.set_state(numpy)


def peeked(data: Any) -> tuple[Iterator[torch.Tensor], tuple[int, ...] | None]:
    """Return batches of samples, and the shape of a sample, None where there is no batch."""
    found = batches(data)
    first = next(found, None)
    if first is None:
        return found, None
    return itertools.chain([first], found), tuple(first.shape[1:])


def activations(graph: fx.GraphModule, names: Collection[str], found: Iterable[torch.Tensor]) -> dict[str, FloatArray]:
    """Return what the named nodes of a graph compute, over all samples and neurons, as flat float64 arrays.

    Raises:
        ConversionError: the data are no batches of finite numbers, or the model fails on them.

    """
    recorder = Recorder(graph, names)
    parameter = next((tensor for tensor in graph.parameters() if tensor.is_floating_point()), None)
    rows = 0
    for batch in found:
        samples = batch if parameter is None else batch.to(parameter.device, parameter.dtype)
        for part in torch.split(samples, ROWS):
            rows += len(part)
            recorder.run(part)
    if not rows:
        raise ConversionError("calibration_data: expected at least one sample, got none")
    return {name: np.concatenate(parts, dtype=np.float64) for name, parts in recorder.found.items()}


class Recorder(fx.Interpreter):
    """Runs a graph and keeps what some of its nodes compute."""

    def __init__(self, graph: fx.GraphModule, names: Collection[str]) -> None:
        super().__init__(graph)
        self.found: dict[str, list[Any]] = {name: [] for name in names}
        self.extra_traceback = False  # which takes seconds, and says nothing to whoever has the wrong data

    def run_node(self, n: fx.Node) -> Any:
        """Run a node; keep a copy of its value, which an in-place call may change later."""
        try:
            value = super().run_node(n)
        except Exception as error:  # whatever the model raises on such data
            raise ConversionError(f"the model fails on calibration data, at {n.format_node()}: {error}") from error
        if n.name in self.found:
            wide = value if value.dtype in (torch.float32, torch.float64) else value.float()
            self.found[n.name].append(wide.detach().to("cpu", copy=True).numpy().reshape(-1))
        return value


def batches(data: Any) -> Iterator[torch.Tensor]:
    """Give batches of samples: of an array, of a data loader, of a list of either."""
    if isinstance(data, (torch.Tensor, np.ndarray)):
        yield tensor(data)
        return
    if not isinstance(data, Iterable):
        message = f"calibration_data: expected an array, a tensor or an iterable of batches, got {type(data).__name__}"
        raise ConversionError(message)
    for item in data:
        yield tensor(item[0] if isinstance(item, (tuple, list)) and len(item) else item)


def tensor(batch: Any) -> torch.Tensor:
    """Return a batch as a tensor of finite real numbers."""
    if not isinstance(batch, (torch.Tensor, np.ndarray)):
        message = f"calibration_data: expected batches as arrays or tensors, got {type(batch).__name__}"
        raise ConversionError(message)
    values = torch.as_tensor(batch).detach()
    if values.ndim < 2 or values.is_complex():
        message = (
            "calibration_data: expected real batches of shape (samples, …), "
            f"got shape {tuple(values.shape)}, {values.dtype}"
        )
        raise ConversionError(message)
    if values.is_floating_point() and not bool(torch.isfinite(values).all()):
        raise ConversionError("calibration_data: expected finite numbers, got NaN or an infinity")
    return values
