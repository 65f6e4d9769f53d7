"""Transfer configs and freezing: the stages `config` and `transfer` (semantics.md, sections 4 and 5)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from conformance.oracle.checkpoint import Checkpoint, load
from conformance.oracle.hexfloat import to_hex
from conformance.oracle.values import (
    Number,
    Rejected,
    Rules,
    Value,
    check,
    integer,
    members,
    not_strings,
    number,
    pointer,
    real,
    strings,
)

RATES = ("lr_backbone", "lr_head")


@dataclass
class Config:
    """An accepted transfer config with the defaults filled in."""

    freeze_until: str | int
    lr_backbone: float
    lr_head: float


@dataclass
class Request:
    """The arguments of freeze or unfreeze beside the names of the layers that there are."""

    layer_names: list[str]
    arguments: dict[str, Value]


def load_config(document: Value, base: str = "") -> Config:
    """Return the accepted config; raise `Rejected` with paths below `base`."""
    check(CONFIG_RULES, document, base)
    fields = members(document)
    until = fields.get("freeze_until", Number("-1", -1.0))
    index = integer(until)
    freeze_until = until if isinstance(until, str) else index
    assert freeze_until is not None
    lr_backbone = number(fields.get("lr_backbone", Number("0.0", 0.0)))
    lr_head = number(fields.get("lr_head", Number("0.01", 0.01)))
    return Config(freeze_until, lr_backbone, lr_head)


def validate(document: Value) -> dict[str, object]:
    """Answer `config.validate`."""
    config = load_config(document)
    return {
        "freeze_until": config.freeze_until,
        "lr_backbone": to_hex(config.lr_backbone),
        "lr_head": to_hex(config.lr_head),
    }


def freeze(arguments: dict[str, Value]) -> dict[str, object]:
    """Answer `transfer.freeze`."""
    checkpoint = _checked(arguments)
    frozen = checkpoint.frozen | set(strings(arguments.get("layer_names", [])))
    until_index = integer(arguments.get("until_index"))
    if until_index is not None:
        frozen |= set(checkpoint.layer_names[: until_index + 1])
    return {"frozen_layers": sorted(frozen)}


def unfreeze(arguments: dict[str, Value]) -> dict[str, object]:
    """Answer `transfer.unfreeze`."""
    checkpoint = _checked(arguments)
    frozen = checkpoint.frozen - set(strings(arguments.get("layer_names", [])))
    if arguments.get("all_layers") is True:
        frozen = set()
    return {"frozen_layers": sorted(frozen)}


def apply(arguments: dict[str, Value]) -> dict[str, object]:
    """Answer `transfer.apply`."""
    checkpoint = load(arguments["checkpoint"], "/checkpoint")
    config = load_config(arguments["config"], "/config")
    frozen = checkpoint.frozen | set(checkpoint.layer_names[: _layers_to_freeze(checkpoint, config)])
    rates = [config.lr_backbone if name in frozen else config.lr_head for name in checkpoint.layer_names]
    return {"frozen_layers": sorted(frozen), "learning_rates": [to_hex(rate) for rate in rates]}


def _checked(arguments: dict[str, Value]) -> Checkpoint:
    checkpoint = load(arguments["checkpoint"], "/checkpoint")
    check(TRANSFER_RULES, Request(checkpoint.layer_names, arguments))
    return checkpoint


def _layers_to_freeze(checkpoint: Checkpoint, config: Config) -> int:
    """Return how many layers from the first on `freeze_until` covers; transfer.freeze-until-unknown."""
    names = checkpoint.layer_names
    if isinstance(config.freeze_until, str):
        if config.freeze_until in names:
            return names.index(config.freeze_until) + 1
    elif config.freeze_until < len(names):
        return config.freeze_until + 1
    raise Rejected("transfer.freeze-until-unknown", "/config/freeze_until")


def root_object(document: Value) -> str | None:
    """config.object."""
    return None if isinstance(document, dict) else ""


def unknown_key(document: Value) -> str | None:
    """config.unknown-key."""
    for key in members(document):
        if key not in ("freeze_until", *RATES):
            return pointer(key)
    return None


def freeze_until_type(document: Value) -> str | None:
    """config.freeze-until-type."""
    fields = members(document)
    if "freeze_until" not in fields or isinstance(fields["freeze_until"], str):
        return None
    return "/freeze_until" if integer(fields["freeze_until"]) is None else None


def freeze_until_range(document: Value) -> str | None:
    """config.freeze-until-range."""
    index = integer(members(document).get("freeze_until"))
    return "/freeze_until" if index is not None and index < -1 else None


def learning_rate_type(document: Value) -> str | None:
    """config.learning-rate-type."""
    for key, value in members(document).items():
        if key in RATES and real(value) is None:
            return pointer(key)
    return None


def learning_rate_range(document: Value) -> str | None:
    """config.learning-rate-range."""
    for key, value in members(document).items():
        if key in RATES and not (math.isfinite(number(value)) and number(value) >= 0.0):
            return pointer(key)
    return None


def layer_names_type(request: Request) -> str | None:
    """transfer.layer-names-type."""
    return not_strings(request.arguments.get("layer_names", []), "/layer_names")


def layer_names_unknown(request: Request) -> str | None:
    """transfer.layer-names-unknown."""
    for i, name in enumerate(strings(request.arguments.get("layer_names", []))):
        if name not in request.layer_names:
            return f"/layer_names/{i}"
    return None


def until_index_type(request: Request) -> str | None:
    """transfer.until-index-type."""
    if "until_index" not in request.arguments:
        return None
    return "/until_index" if integer(request.arguments["until_index"]) is None else None


def until_index_range(request: Request) -> str | None:
    """transfer.until-index-range."""
    index = integer(request.arguments.get("until_index"))
    return None if index is None or 0 <= index < len(request.layer_names) else "/until_index"


def all_layers_type(request: Request) -> str | None:
    """transfer.all-layers-type."""
    return None if isinstance(request.arguments.get("all_layers", False), bool) else "/all_layers"


CONFIG_RULES: Rules[Value] = (
    ("config.object", root_object),
    ("config.unknown-key", unknown_key),
    ("config.freeze-until-type", freeze_until_type),
    ("config.freeze-until-range", freeze_until_range),
    ("config.learning-rate-type", learning_rate_type),
    ("config.learning-rate-range", learning_rate_range),
)
TRANSFER_RULES: Rules[Request] = (
    ("transfer.layer-names-type", layer_names_type),
    ("transfer.layer-names-unknown", layer_names_unknown),
    ("transfer.until-index-type", until_index_type),
    ("transfer.until-index-range", until_index_range),
    ("transfer.all-layers-type", all_layers_type),
)
