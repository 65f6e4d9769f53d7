"""Checkpoints, transfer configs and the requests about them: correct ones, most of them then bent by ``mutate``."""

from __future__ import annotations

import copy
import unicodedata
from random import Random
from typing import Any

from conformance.fuzz import numbers, texts
from conformance.fuzz.mutate import bent

Input = dict[str, Any]

# Some sort differently by UTF-16 unit than by code point; some are equal only after normalisation or case folding.
NAMES = (
    *("a", "b", "hidden", "readout", "", " ", "A", "10", "9", "a/b", "~", "~1", "\0", "\x7f", "é", "e\u0301", "É", "ß"),
    *("\u2028", "\ud7ff", "\ue000", "\ufeff", "\uff5e", "\ufffd", "\uffff", "\U00010000", "\U0001f600", "\U0010ffff"),
)
METADATA: tuple[Any, ...] = (
    {},
    {"note": "x"},
    {"a": None, "b": [1, {"c": True}], "": 0.5},
    {"weights": "NaN", "layer_names": 7},
    {"deep": [[[[[[[[]]]]]]]]},
)
RATES = (0, 0.0, -0.0, 1, 0.01, 0.001, 1e-3, numbers.TINY, numbers.LARGEST, 0.1, 5, 2.0**-1022)


def checkpoint(rng: Random) -> dict[str, Any]:
    """Draw a correct checkpoint of at most four small layers; consecutive layers need not chain."""
    count = rng.choice((0, 1, 1, 2, 2, 2, 3, 3, 4))
    names = rng.sample(NAMES, count)
    sizes = [[rng.choice((0, 1, 1, 2, 2, 3)), rng.choice((0, 1, 1, 2, 2, 3))] for _ in range(count)]
    fields: dict[str, Any] = {
        "layer_names": names,
        "layer_sizes": sizes,
        "weights": [[[_weight(rng) for _ in range(inputs)] for _ in range(outputs)] for inputs, outputs in sizes],
    }
    if rng.random() < 0.4:
        fields["neuron_types"] = [rng.choice(("if", "lif", "", "x")) for _ in range(rng.choice((0, count)))]
    if rng.random() < 0.3:
        fields["metadata"] = copy.deepcopy(rng.choice(METADATA)) if rng.random() < 0.9 else {"deep": _nested(rng)}
    if rng.random() < 0.6:
        fields["frozen_layers"] = _alike(rng.choices(names, k=rng.randint(0, 4)) if names else [], rng)
    if rng.random() < 0.02:
        _transpose(fields, rng)
    return _shuffled(fields, rng)


def config(rng: Random, names: list[str]) -> dict[str, Any]:
    """Draw a transfer config, as a rule a correct one, for a checkpoint with these layers."""
    fields: dict[str, Any] = {}
    if rng.random() < 0.8:
        past = rng.choice((len(names), len(names), numbers.LARGEST_INTEGER, rng.choice(NAMES)))
        fields["freeze_until"] = rng.choice((-1, 0, *names, len(names) - 1, past))
    for member in ("lr_backbone", "lr_head"):
        if rng.random() < 0.6:
            fields[member] = rng.choice(RATES) if rng.random() < 0.7 else abs(numbers.finite(rng))
    return _shuffled(fields, rng)


def checkpoint_validate(rng: Random) -> Input:
    """Draw the input of checkpoint.validate."""
    return _document(checkpoint(rng), rng)


def config_validate(rng: Random) -> Input:
    """Draw the input of config.validate."""
    return _document(config(rng, ["a", "b"]), rng)


def freeze(rng: Random) -> Input:
    """Draw the input of transfer.freeze."""
    request: Input = {"checkpoint": checkpoint(rng)}
    count = len(request["checkpoint"]["layer_names"])
    if rng.random() < 0.6:
        request["layer_names"] = _chosen(request["checkpoint"], rng)
    if rng.random() < 0.6:
        request["until_index"] = rng.choice((0, max(0, count - 1), count - 1, count, -1, rng.randint(0, 3)))
    return bent(_shuffled(request, rng), rng, ("layer_names", "until_index"))


def unfreeze(rng: Random) -> Input:
    """Draw the input of transfer.unfreeze."""
    request: Input = {"checkpoint": checkpoint(rng)}
    if rng.random() < 0.6:
        request["layer_names"] = _chosen(request["checkpoint"], rng)
    if rng.random() < 0.6:
        request["all_layers"] = rng.random() < 0.5
    return bent(_shuffled(request, rng), rng, ("layer_names", "all_layers"))


def apply(rng: Random) -> Input:
    """Draw the input of transfer.apply."""
    whole = checkpoint(rng)
    return bent(_shuffled({"checkpoint": whole, "config": config(rng, whole["layer_names"])}, rng), rng)


def _document(fields: dict[str, Any], rng: Random) -> Input:
    if rng.random() < 0.04:
        return texts.parse_request(rng)
    bent_fields = bent({"document": fields}, rng)["document"]
    if rng.random() < 0.5:
        return {"document": bent_fields}
    return texts.carried(texts.damaged(texts.written(bent_fields, rng), rng), rng)


def _nested(rng: Random) -> Any:
    """Draw a value that makes a text about as deep as is allowed; what is no text may be deeper."""
    value: Any = rng.choice((1, [], {}))
    for _ in range(rng.choice((59, 60, 61, 62, 63, 64))):
        value = [value] if rng.random() < 0.8 else {"a": value}
    return value


def _chosen(whole: dict[str, Any], rng: Random) -> list[str]:
    names: list[str] = whole["layer_names"]
    chosen = rng.choices(names, k=rng.randint(0, 3)) if names else []
    if rng.random() < 0.1:
        chosen.insert(rng.randint(0, len(chosen)), rng.choice(NAMES))
    return _alike(chosen, rng)


def _alike(names: list[str], rng: Random) -> list[str]:
    """Put a name that only looks like the one that is meant in its place now and then."""
    if not names or rng.random() > 0.06:
        return names
    at = rng.randrange(len(names))
    name = names[at]
    composed, decomposed = unicodedata.normalize("NFKC", name), unicodedata.normalize("NFKD", name)
    other = rng.choice((name.swapcase(), name.casefold(), name.strip(), name + " ", composed, decomposed))
    return [*names[:at], other, *names[at + 1 :]]


def _transpose(fields: dict[str, Any], rng: Random) -> None:
    """Exchange rows and columns of a matrix: the most frequent mistake about its shape."""
    if fields["weights"]:
        at = rng.randrange(len(fields["weights"]))
        fields["weights"][at] = [list(column) for column in zip(*fields["weights"][at], strict=True)]


def _weight(rng: Random) -> float | int:
    return rng.choice((0.5, 1, -0.0, 2.0)) if rng.random() < 0.7 else numbers.finite(rng)


def _shuffled(fields: dict[str, Any], rng: Random) -> dict[str, Any]:
    """Return the members in another order now and then: the first fault in document order is due."""
    if rng.random() < 0.6:
        return fields
    return dict(rng.sample(list(fields.items()), len(fields)))
