"""Transfer configs, and the freezing of layers before fine-tuning.

The functions named after a rule's code check that rule; `CONFIG_RULES` (semantics.md, section 4) and `FREEZE_RULES`,
`UNFREEZE_RULES`, `APPLY_RULES` (section 5) hold them in the order in which they are applied.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikeparity.rejection import RejectedError, below, member
from spikeparity.strict_json import LARGEST_INTEGER
from spikeparity.transfer.checkpoint import SNNCheckpoint
from spikeparity.values import as_float, describe, is_integer, is_number, is_string, listed, strings

DEFAULTS: Mapping[str, Any] = {"freeze_until": -1, "lr_backbone": 0.0, "lr_head": 0.01}
RATES = ("lr_backbone", "lr_head")

Document = Mapping[str, Any]


@dataclass
class TransferConfig:
    """How to fine-tune a checkpoint: the layers to freeze, and a learning rate for each kind.

    Attributes:
        freeze_until: the last layer to freeze, by name or by index; all before it are frozen too. -1 freezes none.
        lr_backbone: learning rate of the frozen layers; finite, not negative.
        lr_head: learning rate of the others; finite, not negative.

    Raises:
        RejectedError: the code of a rule of stage `config` and the path of the member at fault, such as `/lr_head`.

    """

    freeze_until: str | int = DEFAULTS["freeze_until"]
    lr_backbone: float = DEFAULTS["lr_backbone"]
    lr_head: float = DEFAULTS["lr_head"]

    def __post_init__(self) -> None:
        """Check the values and turn NumPy numbers into Python's own."""
        self.validate()
        self.freeze_until = _own(self.freeze_until)
        self.lr_backbone = as_float(self.lr_backbone)
        self.lr_head = as_float(self.lr_head)

    @classmethod
    def from_document(cls, document: Any) -> TransferConfig:
        """Make a config of a JSON document (semantics.md, section 4), or raise RejectedError."""
        check(document)
        return cls(**document)

    def validate(self) -> None:
        """Check all rules again: the attributes can be changed after construction. Raises RejectedError."""
        check({key: value for key, value in vars(self).items() if key in DEFAULTS})


def freeze_layers(
    checkpoint: SNNCheckpoint, layer_names: Iterable[str] | None = None, until_index: int | None = None
) -> SNNCheckpoint:
    """Freeze the named layers, and the layers 0 … until_index, `until_index` included.

    Changes and returns `checkpoint`; a rejected call leaves it as it was. Without arguments nothing changes.

    Raises:
        RejectedError: a rule of stage `checkpoint` (path below `/checkpoint`; the checkpoint was changed by hand) or
            `transfer` (`/layer_names/0`, `/until_index`).

    """
    return freeze(checked(checkpoint), _given(layer_names=_names(layer_names), until_index=until_index))


def unfreeze_layers(
    checkpoint: SNNCheckpoint, layer_names: Iterable[str] | None = None, all_layers: bool = False
) -> SNNCheckpoint:
    """Unfreeze the named layers, or every layer where `all_layers` is true.

    Changes and returns `checkpoint`; a rejected call leaves it as it was. Without arguments nothing changes.

    Raises:
        RejectedError: a rule of stage `checkpoint` (path below `/checkpoint`; the checkpoint was changed by hand) or
            `transfer` (`/layer_names/0`, `/all_layers`).

    """
    return unfreeze(checked(checkpoint), {**_given(layer_names=_names(layer_names)), "all_layers": all_layers})


def apply_transfer_config(checkpoint: SNNCheckpoint, config: TransferConfig) -> tuple[SNNCheckpoint, list[float]]:
    """Freeze the layers up to and including `config.freeze_until` and give each layer its learning rate.

    Changes and returns `checkpoint`, with one rate per layer: `lr_backbone` where the layer is frozen, before or now,
    else `lr_head`. A rejected call leaves the checkpoint as it was. Weights are looked at again only where the layers'
    names have been changed: `validate` and each save look at them in any case.

    Raises:
        RejectedError: a rule of stage `checkpoint` (path below `/checkpoint`) or `config` (below `/config`; either was
            changed by hand), or `transfer.freeze-until-unknown`.

    """
    sound = _sound(checkpoint, config)
    if not sound:
        checked(checkpoint)
        with below("/config"):
            if not isinstance(config, TransferConfig):
                raise RejectedError("config.object", "", f"config: expected a TransferConfig, got {describe(config)}")
            config = TransferConfig(config.freeze_until, config.lr_backbone, config.lr_head)  # which checks them
    for rule in APPLY_RULES:
        rule(checkpoint, config)
    names, last = checkpoint.layer_names, config.freeze_until
    until = names[: (names.index(last) if isinstance(last, str) else last) + 1]
    frozen = {*checkpoint.frozen_layers, *until}
    if not sound or len(frozen) > len(checkpoint.frozen_layers):
        _set_frozen(checkpoint, frozen)
    backbone, head = config.lr_backbone, config.lr_head
    rates = []
    for name in names:  # up to Python 3.11 a comprehension is a call, slower than few layers
        rates.append(backbone if name in frozen else head)
    return checkpoint, rates


def _sound(checkpoint: SNNCheckpoint, config: TransferConfig) -> bool:
    """Tell, at little cost, whether a config, and the names that freezing needs, are surely as they should be."""
    if type(checkpoint) is not SNNCheckpoint or type(config) is not TransferConfig:
        return False
    until, backbone, head = config.freeze_until, config.lr_backbone, config.lr_head
    if not (type(backbone) is type(head) is float and 0.0 <= backbone < math.inf and 0.0 <= head < math.inf):
        return False
    names, frozen = checkpoint.layer_names, checkpoint.frozen_layers
    if not (type(names) is type(frozen) is list and names == checkpoint.names_checked):
        return False
    if not (until in names if type(until) is str else type(until) is int and -1 <= until <= LARGEST_INTEGER):
        return False
    return frozen == checkpoint.frozen_checked


def freeze(checkpoint: SNNCheckpoint, arguments: Document) -> SNNCheckpoint:
    """Freeze on a checked checkpoint; `arguments` has those of freeze_layers that are given (None is a wrong value)."""
    for rule in FREEZE_RULES:
        rule(checkpoint, arguments)
    until = checkpoint.layer_names[: arguments.get("until_index", -1) + 1]
    _set_frozen(checkpoint, [*checkpoint.frozen_layers, *arguments.get("layer_names", ()), *until])
    return checkpoint


def unfreeze(checkpoint: SNNCheckpoint, arguments: Document) -> SNNCheckpoint:
    """Unfreeze on a checked checkpoint; `arguments` is as in freeze."""
    for rule in UNFREEZE_RULES:
        rule(checkpoint, arguments)
    everything = arguments.get("all_layers", False)
    thawed = set(checkpoint.layer_names if everything else arguments.get("layer_names", ()))
    _set_frozen(checkpoint, [name for name in checkpoint.frozen_layers if name not in thawed])
    return checkpoint


def check(document: Any) -> None:
    """Apply every rule of stage `config` in turn; raise RejectedError for the first one broken."""
    for rule in CONFIG_RULES:
        rule(document)


def object_(document: Any) -> None:
    """config.object: the root must be an object."""
    if not isinstance(document, Mapping):
        raise RejectedError("config.object", "", f"config: expected an object, got {describe(document)}")


def unknown_key(document: Document) -> None:
    """config.unknown-key: no other keys than those of a config."""
    for key in document:
        if key not in DEFAULTS:
            message = f"expected one of {', '.join(DEFAULTS)}, got {key!r}"
            raise RejectedError("config.unknown-key", member("", key), message)


def freeze_until_type(document: Document) -> None:
    """config.freeze-until-type: freeze_until is a layer name or an Integer."""
    value = document.get("freeze_until", -1)
    if not (is_string(value) or is_integer(value)):
        message = f"freeze_until: expected a layer name or an integer, got {describe(value)}"
        raise RejectedError("config.freeze-until-type", "/freeze_until", message)


def freeze_until_range(document: Document) -> None:
    """config.freeze-until-range: an index is -1 or that of a layer."""
    value = document.get("freeze_until", -1)
    if is_integer(value) and value < -1:
        message = f"freeze_until: expected -1 or the index of a layer, got {value}"
        raise RejectedError("config.freeze-until-range", "/freeze_until", message)


def learning_rate_type(document: Document) -> None:
    """config.learning-rate-type: a learning rate is a Number."""
    for key, value in document.items():
        if key in RATES and not is_number(value):
            message = f"{key}: expected a number, got {describe(value)}"
            raise RejectedError("config.learning-rate-type", f"/{key}", message)


def learning_rate_range(document: Document) -> None:
    """config.learning-rate-range: a learning rate is finite and not negative."""
    for key, value in document.items():
        if key in RATES and not 0.0 <= as_float(value) < math.inf:
            message = f"{key}: expected a finite number of at least 0, got {describe(value)}"
            raise RejectedError("config.learning-rate-range", f"/{key}", message)


CONFIG_RULES: tuple[Callable[[Any], None], ...] = (
    object_,
    unknown_key,
    freeze_until_type,
    freeze_until_range,
    learning_rate_type,
    learning_rate_range,
)


def layer_names_type(checkpoint: SNNCheckpoint, arguments: Document) -> None:
    """transfer.layer-names-type: layer_names is a list of strings."""
    strings("transfer.layer-names-type", arguments.get("layer_names", ()), "/layer_names")


def layer_names_unknown(checkpoint: SNNCheckpoint, arguments: Document) -> None:
    """transfer.layer-names-unknown: layer_names has names of the checkpoint only."""
    for index, name in enumerate(arguments.get("layer_names", ())):
        if name not in checkpoint.layer_names:
            message = f"expected the name of a layer, one of {checkpoint.layer_names}, got {name!r}"
            raise RejectedError("transfer.layer-names-unknown", f"/layer_names/{index}", message)


def until_index_type(checkpoint: SNNCheckpoint, arguments: Document) -> None:
    """transfer.until-index-type: until_index is an Integer."""
    value = arguments.get("until_index", 0)
    if not is_integer(value):
        message = f"until_index: expected an integer, got {describe(value)}"
        raise RejectedError("transfer.until-index-type", "/until_index", message)


def until_index_range(checkpoint: SNNCheckpoint, arguments: Document) -> None:
    """transfer.until-index-range: until_index is the index of a layer."""
    if "until_index" in arguments and not 0 <= arguments["until_index"] < checkpoint.n_layers:
        got = arguments["until_index"]
        message = f"until_index: expected the index of one of {checkpoint.n_layers} layers, got {got}"
        raise RejectedError("transfer.until-index-range", "/until_index", message)


def all_layers_type(checkpoint: SNNCheckpoint, arguments: Document) -> None:
    """transfer.all-layers-type: all_layers is a boolean."""
    value = arguments.get("all_layers", False)
    if not isinstance(value, (bool, np.bool_)):
        message = f"all_layers: expected true or false, got {describe(value)}"
        raise RejectedError("transfer.all-layers-type", "/all_layers", message)


def freeze_until_unknown(checkpoint: SNNCheckpoint, config: TransferConfig) -> None:
    """transfer.freeze-until-unknown: freeze_until names a layer of the checkpoint, or an index within it."""
    value = config.freeze_until
    known = value in checkpoint.layer_names if isinstance(value, str) else value < checkpoint.n_layers
    if not known:
        message = f"freeze_until: expected a layer of {checkpoint.layer_names} or its index, got {describe(value)}"
        raise RejectedError("transfer.freeze-until-unknown", "/config/freeze_until", message)


FREEZE_RULES = (layer_names_type, layer_names_unknown, until_index_type, until_index_range)
UNFREEZE_RULES = (layer_names_type, layer_names_unknown, all_layers_type)
APPLY_RULES = (freeze_until_unknown,)


def checked(checkpoint: SNNCheckpoint) -> SNNCheckpoint:
    """Return a checkpoint that all rules have been applied to again: its attributes can be changed."""
    with below("/checkpoint"):
        if not isinstance(checkpoint, SNNCheckpoint):
            message = f"checkpoint: expected an SNNCheckpoint, got {describe(checkpoint)}"
            raise RejectedError("checkpoint.object", "", message)
        checkpoint.validate()
    return checkpoint


def _names(layer_names: object) -> object:
    return listed(layer_names, ordered=False)


def _given(**arguments: Any) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}


def _set_frozen(checkpoint: SNNCheckpoint, names: Iterable[str]) -> None:
    checkpoint.frozen_layers = sorted({str(name) for name in names})
    checkpoint.frozen_checked = checkpoint.frozen_layers.copy()


def _own(value: str | int) -> str | int:
    return str(value) if isinstance(value, str) else int(value)
