"""The states of all spiking layers in a module: reset, detached, taken out and put in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from spikeparity.torch.layers import Stateful

# Of every spiking layer that has run, by its path in the module.
States = Mapping[str, Tensor]


def spiking_layers(module: nn.Module) -> dict[str, Stateful]:
    """Return the layers that keep a state, by their paths in the module, as `named_modules` has them."""
    return {path: layer for path, layer in module.named_modules() if isinstance(layer, Stateful)}


def reset_states(module: nn.Module, *, randomize: bool = False, generator: torch.Generator | None = None) -> None:
    """Let all spiking layers forget their states; see `Stateful.reset_states`."""
    for layer in spiking_layers(module).values():
        layer.reset_states(randomize=randomize, generator=generator)


def detach_states(module: nn.Module) -> None:
    """Keep the states of all spiking layers as mere numbers: gradients end here."""
    for layer in spiking_layers(module).values():
        layer.detach_state()


def zero_grad(module: nn.Module, set_to_none: bool = True) -> None:
    """Forget the gradients of all parameters, and detach the states of all spiking layers."""
    module.zero_grad(set_to_none)
    detach_states(module)


def get_states(module: nn.Module) -> dict[str, Tensor]:
    """Return the states of all spiking layers that have one, by their paths."""
    return {path: layer.state for path, layer in spiking_layers(module).items() if layer.state is not None}


def set_states(module: nn.Module, states: States) -> None:
    """Give the spiking layers their states; those that are not named start anew.

    Raises:
        ValueError: a name is none of a spiking layer.

    """
    layers = spiking_layers(module)
    unknown = sorted(set(states) - set(layers))
    if unknown:
        raise ValueError(f"states: expected paths of spiking layers, of {sorted(layers)}, got {unknown[0]!r}")
    for path, layer in layers.items():
        layer.state = states.get(path)


def run_with_states(module: nn.Module, x: Any, states: States | None = None) -> tuple[Any, dict[str, Tensor]]:
    """Call a module from given states; return its output and the new states. Those that its layers keep are left alone.

    Args:
        module: any with spiking layers inside.
        x: what it takes.
        states: by the layers' paths, such as an earlier call returned; layers not named start anew.

    Raises:
        ValueError: a name is none of a spiking layer, or a state does not fit.

    """
    kept = get_states(module)
    try:
        set_states(module, states or {})
        return module(x), get_states(module)
    finally:
        set_states(module, kept)
