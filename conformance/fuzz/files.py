"""Requests that read and save files: pairs and arrays among the artefacts of the corpus, and places that are none."""

from __future__ import annotations

import copy
from functools import cache
from random import Random
from typing import Any

from conformance.corpora import ARTEFACTS, BUILT_IN
from conformance.fuzz import documents, networks
from conformance.fuzz.mutate import bent

Input = dict[str, Any]

ROOT = BUILT_IN.resolve()
"""Below it lie the files that requests speak of: the artefacts of the corpus."""

NO_PLACES: tuple[Any, ...] = (
    *("", "/", ".", "..", "a/", "/a", "a//b", "../corpus/artefacts/sound/network", "artefacts/./sound/network"),
    *("artefacts\\sound\\network", "artefacts/sound/network\0", "nowhere", "artefacts/nowhere/pair", None, 0, [], {}),
)
SAVED = ("pair", "a/b", "model.v1", "..a", "\u00e9")
MEMBERS = (
    "w",
    "b",
    "v",
    "r",
    "batch",
    "rates",
    "s",
    "none",
    "cube",
    "inexact",
    "nan",
    "x",
    "",
    "layer_0",
    "bias_0",
    "five",
    "thin",
    "f",
)


@cache
def bases() -> tuple[str, ...]:
    """Return the bases of all pairs among the artefacts."""
    files = sorted((ROOT / ARTEFACTS).rglob("*.json"))
    return tuple(file.relative_to(ROOT).as_posix().removesuffix(".json") for file in files)


@cache
def archives() -> tuple[str, ...]:
    """Return all archives among the artefacts, those of arrays more often than those of pairs."""
    files = sorted(file.relative_to(ROOT).as_posix() for file in (ROOT / ARTEFACTS).rglob("*.npz"))
    arrays = [file for file in files if file.startswith((f"{ARTEFACTS}/arrays/", f"{ARTEFACTS}/layers/kernels"))]
    return (*files, *arrays * 10)


def place(known: tuple[str, ...], rng: Random) -> Any:
    """Draw a place, as a rule one where something is."""
    return rng.choice(known) if rng.random() < 0.93 else copy.deepcopy(rng.choice(NO_PLACES))


def load(rng: Random) -> Input:
    """Draw the input of checkpoint.load."""
    return {"base": place(bases(), rng)}


def save(rng: Random) -> Input:
    """Draw the input of checkpoint.save."""
    if rng.random() < 0.5:
        request = bent({"checkpoint": documents.checkpoint(rng)}, rng)
    else:
        request = {"network": networks.simulate(rng)["network"]}
    request["base"] = place(SAVED, rng)
    if rng.random() < 0.7:
        request["compress"] = rng.random() < 0.5
    return request


def simulate(rng: Random) -> Input:
    """Draw the input of simulate; in some a pair stands for the network, or files for arrays."""
    request = networks.simulate(rng)
    x = rng.random()
    if x < 0.06:
        request["network"] = {"checkpoint": place(bases(), rng)}
        if rng.random() < 0.05:
            request["network"][rng.choice(("readout", "layers", "file"))] = "spikes"
    elif x < 0.16:
        holders = _holders(request)
        for holder, key in rng.sample(holders, min(len(holders), rng.choice((1, 1, 2)))):
            holder[key] = _reference(rng)
    return request


def _holders(request: Input) -> list[tuple[Input, str]]:
    """Return the objects of a request in which an array could stand in a file, each with the array's key."""
    network, stimulus = request["network"], request["input"]
    layers = network.get("layers") if isinstance(network, dict) else None
    found = [
        (part, key)
        for layer in (layers if isinstance(layers, list) else [])
        if isinstance(layer, dict)
        for part in (layer, *(layer["inputs"] if isinstance(layer.get("inputs"), list) else ()))
        if isinstance(part, dict)
        for key in ("weights", "bias")
        if key in part
    ]
    return found + [(stimulus, key) for key in ("values", "rates") if isinstance(stimulus, dict) and key in stimulus]


def _reference(rng: Random) -> Input:
    reference = {"file": place(archives(), rng), "member": rng.choice(MEMBERS)}
    if rng.random() < 0.05:
        reference["mmap"] = True
    if rng.random() < 0.03:
        del reference["member"]
    return reference
