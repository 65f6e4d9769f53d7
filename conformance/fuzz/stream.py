"""The n-th request of a seed: the same whatever came before it, and whoever is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from conformance.fuzz import conversion, documents, files, poisson, texts

GENERATORS: dict[str, tuple[int, Callable[[Random], dict[str, Any]]]] = {
    "json.parse": (5, texts.parse_request),
    "checkpoint.validate": (3, documents.checkpoint_validate),
    "config.validate": (3, documents.config_validate),
    "transfer.freeze": (2, documents.freeze),
    "transfer.unfreeze": (2, documents.unfreeze),
    "transfer.apply": (3, documents.apply),
    "simulate": (7, files.simulate),
    "encode.poisson": (2, poisson.encode),
    "checkpoint.load": (2, files.load),
    "checkpoint.save": (1, files.save),
    "activation.qcfs": (1, conversion.qcfs),
    "convert.normalize": (1, conversion.normalize),
}
"""Operation → its share of the requests, and what draws its input."""


@dataclass(frozen=True)
class Request:
    """A request, and by which number of a seed it can be made again."""

    number: int
    op: str
    input: dict[str, Any]


def request(seed: int, number: int, ops: Sequence[str]) -> Request:
    """Return a request of one of ``ops``; which ones are allowed is part of what makes it the same again."""
    rng = Random(f"{seed}/{number}")
    op = rng.choices(ops, [GENERATORS[name][0] for name in ops])[0]
    return Request(number, op, GENERATORS[op][1](rng))
