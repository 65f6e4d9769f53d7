"""Running a module over long times piece by piece, and training by backpropagation through time (BPTT).

The module takes tensors with an axis of time, the one that its spiking layers have: (time, batch, …) where they are
`time_first`, else (batch, time, …).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from spikeparity.torch.layers import Stateful
from spikeparity.torch.squeeze import Squeeze
from spikeparity.torch.states import (
    detach_states,
    get_states,
    reset_states,
    run_with_states,
    set_states,
    spiking_layers,
)


def rollout(module: nn.Module, x: Tensor, *, steps: int = 1, checkpointed: bool = False) -> Tensor:
    """Run a module over x, a few time steps at a time, from the states that its layers keep; they keep the new ones.

    The result is that of one call. `checkpointed` saves memory in training: of each piece only the states at its
    beginning are kept, and it is run once more for its gradients (Chen et al. 2016, "Training deep nets with sublinear
    memory cost"). With pieces of √T steps, memory grows with √T.

    Args:
        module: gives a tensor of as many time steps as it takes.
        x: shape (batch, time, …) or (time, batch, …), as the module's spiking layers have it.
        steps: of a piece, at least 1; the last one may be shorter.
        checkpointed: whether to run pieces again instead of keeping what their gradients need.

    Returns:
        The outputs of all pieces, joined in time.

    Raises:
        ValueError: the spiking layers do not agree on the axis of time, or are told the number of steps in advance;
            `checkpointed` with batch normalisation in training mode, which would see everything twice.

    """
    axis = time_axis(module)
    if steps < 1:
        raise ValueError(f"steps: expected at least 1, got {steps}")
    if checkpointed:
        return torch.cat(_checkpointed(module, torch.split(x, steps, axis)), axis)
    return torch.cat([module(piece) for piece in torch.split(x, steps, axis)], axis)


def bptt(
    module: nn.Module, x: Tensor, loss: Callable[[Tensor], Tensor], *, truncate: int | None = None
) -> tuple[Tensor, Tensor]:
    """Run a module over x from its initial states, and add the gradients of a loss to those of its parameters.

    Args:
        module: as for `rollout`.
        x: shape (time, batch, …) or (batch, time, …), as the module's spiking layers have it.
        loss: of the outputs over all steps; with `truncate` of those of each piece, weighted by its part of the steps.
        truncate: let gradients go back no further than to the beginning of each piece of so many steps.

    Returns:
        The loss, and the outputs over all steps; both without a graph.

    Raises:
        ValueError: as `rollout`.

    """
    axis = time_axis(module)
    reset_states(module)
    total, outputs = x.new_zeros(()), list[Tensor]()
    for piece in torch.split(x, truncate or x.shape[axis], axis):
        out = module(piece)
        part = loss(out) * (piece.shape[axis] / x.shape[axis])
        part.backward()  # type: ignore[no-untyped-call]
        detach_states(module)
        total, outputs = total + part.detach(), [*outputs, out.detach()]
    return total, torch.cat(outputs, axis)


def time_axis(module: nn.Module) -> int:
    """Return the axis of time of a module's spiking layers; raises ValueError where pieces of it cannot be run."""
    layers = spiking_layers(module)
    axes = {layer.axis for layer in layers.values()}
    if len(axes) != 1:
        got = "none" if not axes else "both (batch, time, …) and (time, batch, …)"
        raise ValueError(f"module: expected spiking layers that agree on the axis of time, got {got}")
    for path, layer in layers.items():
        if isinstance(layer, Squeeze) and layer.num_timesteps is not None:
            raise ValueError(f"{path!r} is told num_timesteps: tell it batch_size, so that it can run piece by piece")
    return axes.pop()


def _checkpointed(module: nn.Module, pieces: tuple[Tensor, ...]) -> list[Tensor]:
    for path, part in module.named_modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm) and part.training and part.track_running_stats:
            raise ValueError(f"{path!r} would count everything twice: put it in eval mode, or do without checkpoints")
    layers, outputs, ran = spiking_layers(module), list[Tensor](), set[int]()
    states = get_states(module)

    def run(index: int, piece: Tensor, *given: Tensor | None) -> tuple[Tensor, ...]:
        known = {name: state for name, state in zip(layers, given, strict=True) if state is not None}
        with silent(layers.values()) if index in ran else nullcontext():
            out, new = run_with_states(module, piece, known)
        ran.add(index)
        return (out, *(new[name] for name in layers))

    for index, piece in enumerate(pieces):
        given = [states.get(name) for name in layers]
        if index == 0 and any(layer.randomized for layer in layers.values()):
            out, *after = run(index, piece, *given)  # what is drawn at random cannot be run again
        else:
            out, *after = checkpoint(run, index, piece, *given, use_reentrant=False)
        outputs.append(out)
        states = dict(zip(layers, after, strict=True))
    set_states(module, states)
    return outputs


@contextmanager
def silent(layers: Iterable[Stateful]) -> Iterator[None]:
    """Let layers tell their listeners nothing: they have heard it before."""
    kept = [(layer, layer.listeners) for layer in layers]
    for layer, _ in kept:
        layer.listeners = []
    try:
        yield
    finally:
        for layer, listeners in kept:
            layer.listeners = listeners
