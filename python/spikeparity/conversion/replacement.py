"""QCFS activations in the place of a model's ReLUs, before it is trained (again)."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import fx, nn

from spikeparity.conversion.activation import QCFSActivation
from spikeparity.conversion.calibration import undisturbed
from spikeparity.conversion.errors import ConversionError
from spikeparity.conversion.graph import Reader, handler_of, trace

Model = TypeVar("Model", bound=nn.Module)


def replace_relu_with_qcfs(model: Model, T: int = 8, theta: float = 1.0, *, learn_theta: bool = True) -> Model:
    """Put a QCFS activation of its own in the place of each ReLU module of a model, which is then to be trained.

    Args:
        model: changed in place, whole or not at all.
        T: number of steps of the quantization, as for QCFSActivation.
        theta: θ at first; about the largest activation is a good start.
        learn_theta: whether θ is learned, one per activation.

    Returns:
        The model.

    Raises:
        ConversionError: there is no ReLU module inside, or `forward` calls a ReLU as a function, which cannot be
            replaced, or cannot be traced.
        RejectedError: qcfs.steps, qcfs.theta.

    """
    like = next((parameter for parameter in model.parameters() if parameter.is_floating_point()), torch.empty(0))
    places = [
        (parent, name, QCFSActivation(T, theta, learn_theta=learn_theta, device=like.device, dtype=like.dtype), child)
        for parent in model.modules()
        for name, child in parent._modules.items()  # named_children leaves out what is registered a second time
        if type(child) is nn.ReLU
    ]
    if not places:
        raise ConversionError("the model has no ReLU module to be replaced: use nn.ReLU modules, not F.relu")
    with undisturbed(model):
        refuse_functional_relu(trace(model))
    for parent, name, activation, child in places:
        setattr(parent, name, activation.train(child.training))
    return model


def refuse_functional_relu(graph: fx.GraphModule) -> None:
    """Refuse a ReLU that is called as a function: it would stay what it is."""
    reader = Reader(graph)
    for node in graph.graph.nodes:
        if node.op in ("call_function", "call_method") and handler_of(node) is Reader.relu:
            raise reader.error(node, "is called as a function, which cannot be replaced: use an nn.ReLU module")
