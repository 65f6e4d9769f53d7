"""The oracle: a slow, obviously right program that says which answer is due (semantics.md). It imports no backend."""

import base64
from collections.abc import Callable
from typing import Any

from conformance.oracle import checkpoint, fine_tune, json_text, simulate
from conformance.oracle.values import Rejected, Value, from_python

PROFILE = "sequential-f64"


def answer(op: str, input: dict[str, Any]) -> dict[str, Any]:
    """Return the due answer to a request, without `id` and `message`.

    `input` is what `json.load` reads from a case. A text with several kinds of JSON fault, any of which may be
    reported, has the code `json.*`. An unknown profile is answered with the verdict `unsupported`; an unknown
    operation raises KeyError.
    """
    if input.get("profile", PROFILE) != PROFILE:
        return {"verdict": "unsupported"}
    try:
        return {"verdict": "accept", "output": OPERATIONS[op](input)}
    except Rejected as rejected:
        return {"verdict": "reject", "code": rejected.code, "path": rejected.path}


def text_bytes(input: dict[str, Any]) -> bytes:
    """Return the bytes of a text under test."""
    if "text" in input:
        return str(input["text"]).encode()
    return base64.b64decode(input["base64"], validate=True)


def document(input: dict[str, Any]) -> Value:
    """Return the document of an operation that takes DOC (protocol.md, Values)."""
    return from_python(input["document"]) if "document" in input else json_text.parse(text_bytes(input))


def arguments(input: dict[str, Any]) -> dict[str, Value]:
    """Return the members of a request."""
    return {key: from_python(member) for key, member in input.items()}


OPERATIONS: dict[str, Callable[[dict[str, Any]], dict[str, object]]] = {
    "json.parse": lambda input: {"value": json_text.tagged(json_text.parse(text_bytes(input)))},
    "checkpoint.validate": lambda input: checkpoint.validate(document(input)),
    "config.validate": lambda input: fine_tune.validate(document(input)),
    "transfer.freeze": lambda input: fine_tune.freeze(arguments(input)),
    "transfer.unfreeze": lambda input: fine_tune.unfreeze(arguments(input)),
    "transfer.apply": lambda input: fine_tune.apply(arguments(input)),
    "simulate": lambda input: simulate.simulate(arguments(input)),
    "encode.poisson": lambda input: simulate.encode(arguments(input)),
}
