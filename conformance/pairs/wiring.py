"""How a layer of a stored network is wired, in words: its kind, what it takes, its kernel's geometry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

DEFAULTS = {"stride": [1, 1], "padding": [0, 0], "dilation": [1, 1], "groups": 1}
GEOMETRY = ("kernel", "stride", "padding", "dilation", "groups")


def kind(part: dict[str, Any]) -> str:
    """Return the kind of a layer or a branch."""
    return str(part.get("kind", "dense"))


def is_plain(layers: Sequence[dict[str, Any]]) -> bool:
    """Tell whether these are dense layers in a row, of which nothing is to be said."""
    return all(kind(layer) == "dense" and "from" not in layer for layer in layers)


def takes(layers: Sequence[dict[str, Any]], names: Sequence[str]) -> list[tuple[str, ...]]:
    """Return for each layer what it takes, one entry per source; ``names`` are those of the layers in the pair."""
    known = {"input": "input"}
    found = []
    before = "input"
    for layer, name in zip(layers, names, strict=True):
        shown = name if name.strip() else repr(name)
        if kind(layer) == "sum":
            found.append(tuple(_branch(branch, known[branch["from"]]) for branch in layer["inputs"]))
        else:
            source = known[layer["from"]] if "from" in layer else before
            found.append((", ".join([source, *_geometry(layer)]),))
        if "name" in layer:
            known[layer["name"]] = shown
        before = shown
    return found


def _branch(branch: dict[str, Any], source: str) -> str:
    if kind(branch) == "identity":
        return f"{source} × {branch['weight']}"
    return ", ".join([f"{kind(branch)} of {source}", *_geometry(branch)])


def _geometry(part: dict[str, Any]) -> list[str]:
    """Return what of the geometry is not as by default."""
    defaults = {"stride": part["kernel"]} if kind(part) == "avgpool2d" else DEFAULTS
    shown = [(name, part[name]) for name in GEOMETRY if name in part and part[name] != defaults.get(name)]
    return [f"{name} {' × '.join(map(str, value)) if isinstance(value, list) else value}" for name, value in shown]
