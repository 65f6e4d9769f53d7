"""Freezing the layers of a module, and learning rates for each: semantics.md, section 5, for torch.nn modules.

A layer is a module with weights (Linear, Conv2d, …), with the normalisations and neurons that follow it up to the next
one; its name is its path. Layers are in the order in which `forward` calls them. A frozen layer is held: no gradients
on its weights, biases, thresholds and decays, and no new statistics in its batch normalisations, in training mode too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from torch import nn

from spikeparity.torch.errors import ModuleError
from spikeparity.torch.graph import called
from spikeparity.torch.layers import Stateful
from spikeparity.transfer import SNNCheckpoint, TransferConfig, fine_tune

M = TypeVar("M", bound=nn.Module)

NORMALISATIONS = (
    nn.modules.batchnorm._NormBase,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.RMSNorm,
)


class Frozen(Protocol):
    """What has layers by name, some of them frozen: a Checkpoint, an SNNCheckpoint."""

    layer_names: list[str]
    frozen_layers: list[str]


@dataclass(eq=False)
class TrainedLayer:
    """A layer of a module: its name, and its parts that have parameters or statistics."""

    name: str
    parts: list[nn.Module] = field(default_factory=list)

    @property
    def parameters(self) -> list[nn.Parameter]:
        """All parameters of the layer."""
        return [parameter for part in self.parts for parameter in part.parameters(recurse=False)]

    @property
    def frozen(self) -> bool:
        """Whether the layer is held."""
        return not any(parameter.requires_grad for parameter in self.parameters)

    def hold(self, held: bool) -> None:
        """Freeze the layer or let it learn; what is frozen loses the gradients that it has."""
        for parameter in self.parameters:
            parameter.requires_grad_(not held)
            if held:
                parameter.grad = None
        for part in self.parts:
            if isinstance(part, nn.modules.batchnorm._NormBase):
                _hold_statistics(part, held)


def layers(module: nn.Module) -> list[TrainedLayer]:
    """Return the layers of a module, in the order in which it calls them.

    Raises:
        ModuleError: torch.fx cannot trace the module, it has no layer, or parameters beside those of the modules that
            it calls.

    """
    found: list[TrainedLayer] = []
    before: list[nn.Module] = []
    for path, part in called(module):
        follows = isinstance(part, (*NORMALISATIONS, Stateful))
        if not follows and any(True for _ in part.parameters(recurse=False)):
            found.append(TrainedLayer(path))
            if len(found) == 1:
                found[0].parts += before
            found[-1].parts.append(part)
        elif follows:
            (found[-1].parts if found else before).append(part)
    if not found:
        raise ModuleError("the module calls no part with weights: there is nothing to freeze")
    known = {parameter for layer in found for parameter in layer.parameters}
    for name, parameter in module.named_parameters():
        if parameter not in known:
            raise ModuleError(f"parameter {name!r} belongs to no module that is called: it is in no layer", name)
    return found


def frozen_layers(module: nn.Module) -> list[str]:
    """Return the names of the layers of a module that are frozen, sorted by code point."""
    return sorted(layer.name for layer in layers(module) if layer.frozen)


def freeze_layers(module: M, layer_names: Iterable[str] | None = None, until_index: int | None = None) -> M:
    """Freeze the named layers of a module, and the layers 0 … until_index, `until_index` included; returns the module.

    Raises:
        RejectedError: a rule of stage `transfer` (`/layer_names/0`, `/until_index`); nothing is changed.
        ModuleError: as `layers`.

    """
    checkpoint = _checkpoint(module)
    fine_tune.freeze_layers(checkpoint, layer_names, until_index)
    return freeze_only(module, checkpoint.frozen_layers)


def unfreeze_layers(module: M, layer_names: Iterable[str] | None = None, all_layers: bool = False) -> M:
    """Unfreeze the named layers of a module, or every layer where `all_layers` is true; returns the module.

    Raises:
        RejectedError: a rule of stage `transfer` (`/layer_names/0`, `/all_layers`); nothing is changed.
        ModuleError: as `layers`.

    """
    checkpoint = _checkpoint(module)
    fine_tune.unfreeze_layers(checkpoint, layer_names, all_layers)
    return freeze_only(module, checkpoint.frozen_layers)


def apply_transfer_config(module: M, config: TransferConfig) -> tuple[M, list[float]]:
    """Freeze the layers of a module up to and including `config.freeze_until`; return it with each one's rate.

    Layers that are frozen, before or now, have the rate `lr_backbone`. With one of 0, the default, they are held; with
    another one they learn at that rate.

    Raises:
        RejectedError: a rule of stage `config` (below `/config`) or transfer.freeze-until-unknown; nothing is changed.
        ModuleError: as `layers`.

    """
    checkpoint, rates = fine_tune.apply_transfer_config(_checkpoint(module), config)
    return freeze_only(module, checkpoint.frozen_layers if config.lr_backbone == 0.0 else ()), rates


def parameter_groups(module: nn.Module, checkpoint: Frozen, config: TransferConfig) -> list[dict[str, Any]]:
    """Apply a transfer config to a checkpoint and to a module with its layers; return groups for torch optimizers.

    The layers that the config freezes, and those that were frozen in the checkpoint, are frozen in both: with a rate
    `lr_backbone` of 0, the default, they are held in the module; with another one they learn at that rate.

    Args:
        module: has the layers of the checkpoint, by name; one without a name there belongs to the one before it.
        checkpoint: a Checkpoint or an SNNCheckpoint; its `frozen_layers` change.
        config: what to freeze, and the learning rates.

    Returns:
        One group per layer of the module: `params`, `lr` and `name`.

    Raises:
        RejectedError: a rule of stage `config` (below `/config`) or transfer.freeze-until-unknown; nothing is changed.
        ModuleError: as `layers`; the first layer of the module is none of the checkpoint.

    """
    skeleton, rates = fine_tune.apply_transfer_config(_skeleton(checkpoint), config)
    rate_of = dict(zip(skeleton.layer_names, rates, strict=True))
    groups: list[dict[str, Any]] = []
    trained = layers(module)
    for layer in trained:
        if layer.name in rate_of:
            groups.append({"params": [], "lr": rate_of[layer.name], "name": layer.name})
        elif not groups:
            message = f"{layer.name!r} is no layer of the checkpoint, whose layers are {skeleton.layer_names}"
            raise ModuleError(f"{message}: save it with to_checkpoint(module).save", layer.name)
        groups[-1]["params"] += layer.parameters
        layer.hold(config.lr_backbone == 0.0 and groups[-1]["name"] in skeleton.frozen_layers)
    checkpoint.frozen_layers = skeleton.frozen_layers
    return groups


def freeze_only(module: M, names: Iterable[str]) -> M:
    """Freeze the named layers of a module and unfreeze all others; returns the module."""
    held = set(names)
    for layer in layers(module):
        layer.hold(layer.name in held)
    return module


def _checkpoint(module: nn.Module) -> SNNCheckpoint:
    """Return the layers of a module as the rules on freezing take them, without weights."""
    found = layers(module)
    frozen = [layer.name for layer in found if layer.frozen]
    return _empty([layer.name for layer in found], frozen)


def _skeleton(checkpoint: Frozen) -> SNNCheckpoint:
    if isinstance(checkpoint, SNNCheckpoint):
        fine_tune.checked(checkpoint)
    return _empty(checkpoint.layer_names, checkpoint.frozen_layers)


def _empty(names: list[str], frozen: list[str]) -> SNNCheckpoint:
    return SNNCheckpoint([[]] * len(names), names, [(0, 0)] * len(names), frozen_layers=frozen)


def _hold_statistics(normalisation: nn.Module, held: bool) -> None:
    """Let a batch normalisation use its statistics instead of the batch's, or no longer."""
    for key, hook in list(normalisation._forward_pre_hooks.items()):
        if hook is _use_statistics:
            del normalisation._forward_pre_hooks[key]
    if held:
        normalisation.register_forward_pre_hook(_use_statistics)


def _use_statistics(normalisation: nn.Module, arguments: tuple[Any, ...]) -> None:
    """Leave training mode, in which `train()` puts a whole module."""
    normalisation.training = False
